/* kt import: tables of requests to a dataset, models to an archive. */
#include "import.h"
#include "kt/input.h"
#include "kt/store.h"
#include <stdio.h>

#define AT(field) offsetof(import_options, field)
static const kt_option options[] = {
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL, "FILE.h5",
     "the dataset or archive to write", "Import"},
    {"target", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(target), 0, 0, KT_TARGET_CHOICES, "auto", "WHAT",
     "what is learned; auto: proc+delay where a delay column exists", NULL},
    {"time-unit", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(unit), 0, 0, KT_UNIT_CHOICES, "auto", "UNIT",
     "unit of the times; auto: by the form of the file", NULL},
    {"rps-eff", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(rates), 0, 0, KT_RATES_CHOICES, "column", "WHICH",
     "rate of a row: what its column says, or the mean of its cell", NULL},
    {"features", 0, KT_OPTION_TEXTS, KT_CLASS_RESULT, AT(features), 0, 0, NULL, NULL, "NAME",
     "columns that models are asked with (rps_eff, rep); repeat the option", NULL},
    {"service", 's', KT_OPTION_TEXT, KT_CLASS_RUN, AT(service), 0, 0, NULL, NULL, "NAME",
     "the model's service; else as its file or folder says", "Models"},
    {"family", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(family), 0, 0, IMPORT_FAMILIES, "auto", "FAMILY",
     "what the mixtures are of; auto: as the file says, else weibull", NULL},
    {"hull", 0, KT_OPTION_TEXTS, KT_CLASS_RESULT, AT(hull), 0, 0, NULL, NULL, "NAME=FROM:TO",
     "where the models were trained: one --hull for each feature", NULL},
    {"quiet", 'q', KT_OPTION_FLAG, KT_CLASS_RUN, AT(quiet), 0, 0, NULL, "false", NULL, "say nothing", NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static void note(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const import_options *o = given;
    kt_samples samples = {.d = 0};
    kt_csv_options csv = {.unit = (kt_time_unit)o->unit,
                          .target = (kt_target_choice)o->target,
                          .rates = (kt_rates)o->rates,
                          .n_features = o->features.n,
                          .features = o->features.text,
                          .note = o->quiet ? NULL : note};
    bool models = false;
    if (!o->out)
        KT_TRY(kt_fail(err, KT_USAGE, "--out FILE.h5 is missing"));
    for (size_t i = 0; i < n; i++)
        models = models || import_is_model(paths[i]);
    if (models)
        return import_models(o, paths, n, err);
    if (o->service || o->family || o->hull.n > 0)
        KT_TRY(kt_fail(err, KT_USAGE, "--service, --family and --hull are for models, %s is none", paths[0]));
    KT_TRY(kt_input_read(&samples, paths, n, &csv, err));
    KT_TRY(kt_store_write(o->out, &samples, NULL, NULL, NULL, err));
    for (size_t i = 0; i < samples.n_services && !o->quiet; i++) {
        const kt_service *s = &samples.services[i];
        printf("%s: %zu rows, %zu cells: %s; %s\n", s->name, s->n, s->n_cells, kt_cell_rule_text[s->rule],
               s->target == KT_TARGET_PROC_DELAY ? "proc+delay" : "proc");
    }
out:
    kt_samples_clear(&samples);
    return status;
}

const kt_command command_import = {
    .name = "import",
    .summary = "Turns tables of requests into a dataset, .keras models into an archive",
    .usage = "FILE|FOLDER... --out FILE.h5",
    .about = "CSV in the plain form (rps_eff, rep, proc_time_<service>...; seconds) or the cleaned form of "
             "the original\n"
             "scripts (rps_<s>, rps_eff_<s>, rep_<s>, proc_time_<s>, delay_<s>; milliseconds). Models that "
             "TensorFlow "
             "2.15 or\n"
             "Keras 3 saved as .keras, of the original's form, with softplus or exponential outputs.\n",
    .options = options,
    .size = sizeof(import_options),
    .least = 1,
    .most = 1000000,
    .run = run,
};
