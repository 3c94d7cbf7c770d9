/* kt export: models in the formats of other programs. */
#include "export.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/keras.h"
#include "kt/kubetwin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    kt_status (*write)(const export_job *job, kt_error *err);
} formats[] = {
    {"keras", export_keras}, {"kubetwin", export_kubetwin}, {"json", export_json}, {"csv", export_csv}};
#define FORMATS "keras|kubetwin|json|csv" /* the names above */

#define AT(field) offsetof(export_options, field)
static const kt_option options[] = {
    {"format", 'f', KT_OPTION_CHOICE, KT_CLASS_RUN, AT(format), 0, 0, FORMATS, "keras", "FORMAT",
     "what to write", "Export"},
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL, "DIR", "the folder to write into",
     NULL},
    {"service", 's', KT_OPTION_TEXTS, KT_CLASS_RUN, AT(services), 0, 0, NULL, NULL, "NAME",
     "this service only; may be repeated", NULL},
    {"force", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(force), 0, 0, NULL, "false", NULL,
     "replace files that are there already", NULL},
    {"quiet", 'q', KT_OPTION_FLAG, KT_CLASS_RUN, AT(quiet), 0, 0, NULL, "false", NULL, "say nothing", NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {"data", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(data), 0, 0, NULL, "true", NULL,
     "the rows of the run beside each model, as CSV", "Format keras"},
    {"keras", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(keras), 0, 0, KT_KERAS_CHOICES, "2", "WHICH",
     "2: for TensorFlow 2.15 and Keras 3; 3-rank1: for Keras 3 alone, which then takes arrays of rank 1 as "
     "TensorFlow 2.15 does",
     NULL},
    {"branch", 'b', KT_OPTION_CHOICE, KT_CLASS_RUN, AT(branch), 0, 0, KT_BRANCH_CHOICES,
     "mdn_application_2024", "BRANCH", "of KubeTwin, which decides what it does with a model",
     "Format kubetwin"},
    {"rps", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(rps), 0, 0, NULL, NULL, "REQ/S",
     "the request rate in the configuration (the middle of what was trained for)", NULL},
    {"rep", 0, KT_OPTION_TEXTS, KT_CLASS_RUN, AT(rep), 0, 0, NULL, NULL, "[NAME=]N",
     "the replicas of this service (of all) in the configuration; may be repeated (the fewest trained for)",
     NULL},
    {"grid", 0, KT_OPTION_TEXTS, KT_CLASS_RUN, AT(grids), 0, 0, NULL, NULL, "NAME=FROM:TO:STEP",
     "where the mixtures are tabulated: rps=..., rep=... (what was trained for)",
     "Formats kubetwin, json, csv"},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

/* ---- what is exported: a run's archive, or one by itself ---- */

static kt_status archive_of(char **path, const char *given, kt_error *err)
{
    if (kt_path_kind_of(given) == KT_PATH_FOLDER)
        return kt_path_join(path, given, KT_RUN_ARCHIVE, err);
    return kt_strdup(path, given, err);
}

/* The dataset beside the archive; *path is NULL where there is none. */
static kt_status dataset_of(char **path, const char *archive, kt_error *err)
{
    const char *slash = strrchr(archive, '/');
    int folder = slash ? (int)(slash - archive) + 1 : 0;
    kt_status status = kt_format(path, err, "%.*s%s", folder, archive, KT_RUN_DATASET);
    if (status == KT_OK && kt_path_kind_of(*path) == KT_PATH_MISSING) {
        free(*path);
        *path = NULL;
    }
    return status;
}

static int by_name(const void *a, const void *b)
{
    const kt_archive_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static kt_status choose(export_job *job, const kt_texts *services, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_archive *archive = job->archive;
    bool all = services->n == 0;
    size_t n = all ? archive->n_entries : services->n;
    if (n == 0)
        return kt_fail(err, KT_INPUT, "%s: holds no models", job->path);
    KT_TRY(kt_alloc(&job->entries, n, sizeof *job->entries, err));
    for (size_t i = 0; all && i < n; i++)
        job->entries[i] = &archive->entries[i];
    for (size_t i = 0; !all && i < n; i++)
        KT_TRY(kt_archive_find(&job->entries[i], archive, services->text[i], err));
    qsort(job->entries, n, sizeof *job->entries, by_name);
    for (size_t i = 0; i < n; i++) /* one that was named twice is written once */
        if (job->n == 0 || job->entries[job->n - 1] != job->entries[i])
            job->entries[job->n++] = job->entries[i];
out:
    return status;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const export_options *o = given;
    kt_archive archive = {0};
    export_job job = {.options = o, .archive = &archive};
    char *path = NULL, *dataset = NULL;
    (void)n;
    if (!o->out)
        KT_TRY(kt_fail(err, KT_USAGE, "--out DIR is missing"));
    KT_TRY(archive_of(&path, paths[0], err));
    job.path = path;
    KT_TRY(kt_archive_read(&archive, path, err));
    KT_TRY(choose(&job, &o->services, err));
    if (o->data)
        KT_TRY(dataset_of(&dataset, path, err));
    job.dataset = dataset;
    KT_TRY(formats[o->format].write(&job, err));
out:
    free(job.entries);
    free(dataset);
    free(path);
    kt_archive_clear(&archive);
    return status;
}

const kt_command command_export = {
    .name = "export",
    .summary = "Writes models in the formats of other programs",
    .usage = "ARCHIVE|RUN --format keras|kubetwin|json|csv --out DIR",
    .about =
        "keras: DIR/saved_models/<service>/model/model.keras, and service_train.csv and service_test.csv "
        "beside it\n"
        "where the archive lies in its run.\n"
        "kubetwin: the models, DIR/microservice_types.conf for a branch of KubeTwin, and the mixtures on a "
        "grid of rates "
        "and\n"
        "replicas, DIR/mixtures.csv and DIR/mixtures.json, as its random variables (ERV) take them, for use "
        "without\n"
        "Python: two components at least, weights that sum to 1 exactly, gamma's rate under the name scale.\n"
        "json, csv: DIR/mixtures.json or DIR/mixtures.csv, the same for other simulators: parameters by "
        "their "
        "usual\n"
        "names (weibull shape, scale; gamma shape, rate; lognormal and normal mu, sigma), seconds.\n",
    .options = options,
    .size = sizeof(export_options),
    .least = 1,
    .most = 1,
    .run = run,
};
