/* kt report: what a modeller asks of models, as a page, as text or for machines. */
#include "command.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/report.h"
#include "kt/run_sweep.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTML, MARKDOWN, JSON, SVG };

typedef struct {
    kt_texts services;
    int format, picture;
    const char *out, *data, *against, *title, *cell;
    bool quiet, help;
} report_options;

#define AT(field) offsetof(report_options, field)
static const kt_option options[] = {
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL, "FILE",
     "where to write it (RUN/report.html; other formats to stdout)", "Report"},
    {"format", 'f', KT_OPTION_CHOICE, KT_CLASS_RUN, AT(format), 0, 0, "html|md|json|svg", "html", "NAME",
     "one page, text, all numbers, or one picture", NULL},
    {"against", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(against), 0, 0, NULL, NULL, "ARCHIVE",
     "models to compare with, for example of the original's recipe, on cells that neither was trained on",
     NULL},
    {"service", 's', KT_OPTION_TEXTS, KT_CLASS_RUN, AT(services), 0, 0, NULL, NULL, "NAME",
     "this service only; may be repeated", NULL},
    {"data", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(data), 0, 0, NULL, NULL, "FILE",
     "the dataset that the models were made from (of a RUN: its dataset.h5)", NULL},
    {"title", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(title), 0, 0, NULL, NULL, "WORDS", "heading of the report",
     NULL},
    {"picture", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(picture), 0, 0, KT_PICTURE_CHOICES, "quantiles", "NAME",
     "which picture --format svg draws", "Picture"},
    {"cell", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(cell), 0, 0, NULL, NULL, "LABEL",
     "the cell of --picture cdf (the worst)", NULL},
    {"quiet", 'q', KT_OPTION_FLAG, KT_CLASS_RUN, AT(quiet), 0, 0, NULL, "false", NULL,
     "do not say what was written", "Output"},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

typedef struct {
    char *archive, *data, *out; /* paths; data, out: NULL where there is none */
} places;

static void clear_places(places *p)
{
    free(p->archive);
    free(p->data);
    free(p->out);
}

/* Of a run its archive, its rows where they are there, and report.html in it. */
static kt_status find_places(places *p, const report_options *o, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    bool run = kt_path_kind_of(path) == KT_PATH_FOLDER;
    KT_TRY(run ? kt_path_join(&p->archive, path, KT_RUN_ARCHIVE, err) : kt_strdup(&p->archive, path, err));
    if (run && kt_path_kind_of(p->archive) == KT_PATH_MISSING)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no " KT_RUN_ARCHIVE " in this folder", path));
    if (o->data)
        KT_TRY(kt_strdup(&p->data, o->data, err));
    else if (run)
        KT_TRY(kt_path_join(&p->data, path, KT_RUN_DATASET, err));
    if (!o->data && run && kt_path_kind_of(p->data) == KT_PATH_MISSING) {
        free(p->data);
        p->data = NULL;
    }
    if (o->out)
        KT_TRY(kt_strdup(&p->out, o->out, err));
    else if (o->format == HTML && run)
        KT_TRY(kt_path_join(&p->out, path, KT_RUN_REPORT, err));
    else if (o->format == HTML)
        KT_TRY(kt_fail(err, KT_USAGE, "where to? --out FILE"));
out:
    return status;
}

static int ascending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Which entries: each once, in the order of the archive. */
static kt_status choose(size_t *index, size_t *n, const report_options *o, const kt_archive *archive,
                        kt_error *err)
{
    kt_status status = KT_OK;
    size_t kept = 0;
    for (size_t i = 0; i < o->services.n; i++) {
        const kt_archive_entry *entry = NULL;
        KT_TRY(kt_archive_find(&entry, archive, o->services.text[i], err));
        index[i] = (size_t)(entry - archive->entries);
    }
    qsort(index, o->services.n, sizeof *index, ascending);
    for (size_t i = 0; i < o->services.n; i++)
        if (kept == 0 || index[kept - 1] != index[i])
            index[kept++] = index[i];
    *n = kept;
out:
    return status;
}

static kt_status make(char **text, size_t *n, const kt_report *report, const report_options *o, kt_error *err)
{
    switch (o->format) {
    case HTML:
        return kt_report_html(text, n, report, err);
    case MARKDOWN:
        return kt_report_markdown(text, n, report, err);
    case JSON:
        return kt_report_json(text, n, report, err);
    default:
        return kt_report_svg(text, n, report, (kt_picture)o->picture, o->cell, err);
    }
}

static kt_status deliver(const places *p, const report_options *o, const char *text, size_t n, kt_error *err)
{
    if (!p->out) {
        fwrite(text, 1, n, stdout);
        if (o->format == JSON)
            putchar('\n');
        return KT_OK;
    }
    kt_status status = kt_file_write(p->out, text, n, err);
    if (status == KT_OK && !o->quiet)
        printf("%s\n", p->out);
    return status;
}

static kt_status run(void *given, const char *const *paths, size_t n_paths, kt_error *err)
{
    kt_status status = KT_OK;
    const report_options *o = given;
    places p = {.archive = NULL};
    kt_archive archive = {0}, against = {0};
    kt_store *store = NULL;
    kt_sweep_view sweep = {.sweep = NULL};
    char digest[KT_DIGEST_HEX], *text = NULL;
    size_t index[KT_OPTION_LIST_MAX], n = 0;
    (void)n_paths;
    kt_report report = {.archive = &archive, .digest = digest, .title = o->title};
    report.pictured = o->format == HTML ? KT_REPORT_PICTURED : 0;
    KT_TRY(command_isa(&report.isa, err));
    KT_TRY(find_places(&p, o, paths[0], err));
    KT_TRY(kt_archive_verify(p.archive, digest, err));
    KT_TRY(kt_archive_read(&archive, p.archive, err));
    KT_TRY(choose(index, &report.n_services, o, &archive, err));
    if (o->services.n > 0)
        report.services = index;
    if (o->format == SVG && (report.services ? report.n_services : archive.n_entries) != 1)
        KT_TRY(kt_fail(err, KT_USAGE, "a picture shows one service: name it with --service"));
    if (!report.services)
        report.n_services = archive.n_entries;
    if (o->against) {
        KT_TRY(kt_archive_read(&against, o->against, err));
        report.against = &against;
    }
    if (p.data)
        KT_TRY(kt_store_open(&store, p.data, err));
    report.store = store;
    if (kt_run_has_sweep(paths[0])) {
        KT_TRY(kt_run_sweep(&sweep, NULL, paths[0], NAN, err));
        report.sweep = &sweep;
    }
    KT_TRY(make(&text, &n, &report, o, err));
    KT_TRY(deliver(&p, o, text, n, err));
out:
    free(text);
    kt_sweep_view_clear(&sweep);
    kt_store_close(store);
    kt_archive_clear(&archive);
    kt_archive_clear(&against);
    clear_places(&p);
    return status;
}

const kt_command command_report = {
    .name = "report",
    .summary = "Says how far models can be trusted, in one page with pictures",
    .usage = "RUN|ARCHIVE",
    .about = "The page is one file that needs no network. Of a RUN it shows every measured\n"
             "cell, of an ARCHIVE alone what that keeps of its held-out cells. The same input\n"
             "gives the same bytes.\n",
    .options = options,
    .size = sizeof(report_options),
    .least = 1,
    .most = 1,
    .run = run,
};
