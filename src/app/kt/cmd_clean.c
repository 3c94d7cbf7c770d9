/* kt clean: recorded traces to a dataset, and what became of every span. */
#include "clean_view.h"
#include "command.h"
#include "kt/certify.h"
#include "kt/clean.h"
#include "kt/recorded.h"
#include "kt/store.h"
#include <stdio.h>

typedef struct {
    const char *out, *csv, *visits, *manifest;
    int target;
    bool json, quiet, help;
    kt_clean_settings clean;
} clean_options;

#define AT(field) offsetof(clean_options, field)
static const kt_option files[] = {
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL, "FILE.h5", "the dataset to write",
     "Output"},
    {"csv", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(csv), 0, 0, NULL, NULL, "FILE.csv",
     "the same rows in the cleaned form of the original scripts, milliseconds", NULL},
    {"rows", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(visits), 0, 0, NULL, NULL, "FILE.csv",
     "every visit of a request with its ids, times (seconds) and what became of it", NULL},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "print one JSON document",
     NULL},
    {"quiet", 'q', KT_OPTION_FLAG, KT_CLASS_RUN, AT(quiet), 0, 0, NULL, "false", NULL,
     "no tables and no warnings", NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {"manifest", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(manifest), 0, 0, NULL, NULL, "FILE.json",
     "which load was offered when (what the folder or the spans file holds)", "Traces"},
    {"target", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(target), 0, 0, KT_TARGET_CHOICES, "auto", "WHAT",
     "what is learned; auto: proc+delay where callers tell a delay", NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const kt_option *options(void)
{
    enum { ROOM = 64 };
    static kt_option joined[ROOM];
    const kt_option_part parts[] = {{files, 0}, {kt_clean_table, AT(clean)}};
    if (!joined[0].name)
        kt_options_join(joined, ROOM, parts, sizeof parts / sizeof *parts);
    return joined;
}

static void note(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static kt_status write_files(const clean_options *o, const kt_cleaned *cleaned, const kt_spans_papers *papers,
                             kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples samples = {.d = 0};
    KT_TRY(kt_cleaned_samples(&samples, cleaned, err));
    KT_TRY(kt_samples_certify(&samples, papers, err));
    if (o->out)
        KT_TRY(kt_store_write(o->out, &samples, NULL, NULL, NULL, err));
    if (o->csv)
        KT_TRY(kt_cleaned_csv(o->csv, cleaned, err));
    if (o->visits)
        KT_TRY(kt_cleaned_visits(o->visits, cleaned, err));
out:
    kt_samples_clear(&samples);
    return status;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    clean_options *o = given;
    kt_spans spans = {.n = 0};
    kt_spans_papers papers = {.certificate = NULL};
    kt_manifest manifest = {.n = 0};
    kt_cleaned *cleaned = NULL;
    kt_recorded_options recorded = {.manifest = o->manifest, .note = o->quiet ? NULL : note};
    o->clean.target = o->target;
    if (!o->out && !o->csv && !o->visits && !o->json)
        KT_TRY(kt_fail(err, KT_USAGE, "--out FILE.h5 is missing (or --csv, --rows, --json)"));
    KT_TRY(kt_recorded_read(&spans, &papers, &manifest, paths, n, &recorded, err));
    KT_TRY(kt_clean_make(&cleaned, &spans, &manifest, &o->clean, o->quiet ? NULL : note, NULL, err));
    KT_TRY(write_files(o, cleaned, &papers, err));
    if (o->json)
        KT_TRY(program_print_json(kt_json_keep((kt_json *)kt_cleaned_report(cleaned)), err));
    else if (!o->quiet)
        KT_TRY(clean_view_print(kt_cleaned_report(cleaned), err));
out:
    kt_cleaned_destroy(cleaned);
    kt_manifest_clear(&manifest);
    kt_spans_papers_clear(&papers);
    kt_spans_clear(&spans);
    return status;
}

const kt_command command_clean = {
    .name = "clean",
    .summary = "Turns recorded traces into a dataset",
    .usage = "SPANS.h5|FOLDER|FILE... --out FILE.h5",
    .about =
        "Traces are what kt collect wrote, replies of Jaeger (JSON of both forms, JSON lines, gzipped or "
        "not),\n"
        "the original scripts' trace CSV, and folders of these. Each visit of a request to a service is "
        "a row:\n"
        "its processing time is the span's without waiting for a worker and without calls to others.\n",
    .table = options,
    .size = sizeof(clean_options),
    .least = 1,
    .most = 1000000,
    .run = run,
};
