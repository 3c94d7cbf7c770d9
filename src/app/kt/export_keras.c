/* kt export --format keras: the original's tree of .keras files. */
#include "export.h"
#include "kt/keras.h"
#include <stdio.h>

kt_status export_keras(const export_job *job, kt_error *err)
{
    const export_options *o = job->options;
    const kt_keras_options options = {
        .flavour = (kt_keras_flavour)o->keras, .dataset = job->dataset, .replace = o->force};
    kt_status status = kt_keras_export(o->out, job->archive, job->entries, job->n, &options, err);
    if (status == KT_OK && !o->quiet)
        printf("%s/saved_models: %zu models%s\n", o->out, job->n, job->dataset ? ", and their rows" : "");
    return status;
}
