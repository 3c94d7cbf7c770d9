/* kt export --format keras: the original's tree of .keras files. */
#include "export.h"
#include "kt/keras.h"
#include <stdio.h>

void export_tell_best(const export_job *job)
{
    for (size_t i = 0; !job->options->quiet && i < job->n; i++)
        if (job->entries[i]->n_more > 0)
            fprintf(stderr, "kt export: %s: its .keras file has the best of %zu members\n",
                    job->entries[i]->name, kt_archive_members(job->entries[i]));
}

kt_status export_keras(const export_job *job, kt_error *err)
{
    const export_options *o = job->options;
    const kt_keras_options options = {
        .flavour = (kt_keras_flavour)o->keras, .dataset = job->dataset, .replace = o->force};
    kt_status status = kt_keras_export(o->out, job->archive, job->entries, job->n, &options, err);
    if (status == KT_OK && !o->quiet)
        printf("%s/saved_models: %zu models%s\n", o->out, job->n, job->dataset ? ", and their rows" : "");
    if (status == KT_OK)
        export_tell_best(job);
    return status;
}
