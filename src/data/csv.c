#include "kt/csv.h"

#include "columns.h"
#include "kt/file.h"
#include "kt/json.h"
#include "kt/select.h"
#include "kt/steps.h"
#include "lexer.h"
#include "table.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Times of services lie in these bounds, medians of files within this ratio; else the unit is in doubt. */
static const double shortest_median = 10e-6, longest_median = 100, widest_ratio = 1e4;

static const struct {
    const char *name, *words;
    double per_second;
} units[] = {[KT_UNIT_S] = {"s", "seconds", 1},
             [KT_UNIT_MS] = {"ms", "milliseconds", 1e3},
             [KT_UNIT_US] = {"us", "microseconds", 1e6}};

/* The median of a service in a file. */
typedef struct {
    const char *file, *service; /* borrowed; NULL: none yet */
    double seconds;
} typical;

typedef struct {
    kt_reading reading;
    const kt_csv_options *options;
    char **stem; /* [reading.n_files] the files by name, each once */
    size_t stems_capacity;
    bool any_delay;
    typical low, high; /* of all files so far */
    kt_json *files, *skipped;
    uint64_t blank_targets, negative_delays;
} reader;

static void note(const reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(const reader *r, const char *format, ...)
{
    char line[1000];
    va_list arguments;
    if (!r->options->note)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    r->options->note(r->options->context, line);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What is wrong with a file as a whole: an error where it was named by the caller, a note where a folder held
 * it. */
static kt_status refuse_file(reader *r, const char *path, bool in_folder, const char *why, kt_error *err)
{
    if (!in_folder)
        return kt_fail(err, KT_INPUT, "%s: %s", path, why);
    note(r, "%s: %s: skipped", path, why);
    kt_json_append(r->skipped, kt_json_string(base_name(path)));
    return KT_OK;
}

static kt_status refuse_untimed(reader *r, const char *path, bool in_folder, const kt_columns *columns,
                                kt_error *err)
{
    kt_status status = KT_OK;
    const char *near = kt_columns_near_target(columns);
    char *why = NULL;
    KT_TRY(kt_format(&why, err, "no column proc_time_<service> in its first line%s%s%s",
                     near ? ": is it '" : "", near ? near : "", near ? "'?" : ""));
    KT_TRY(refuse_file(r, path, in_folder, why, err));
out:
    free(why);
    return status;
}

/* The name of the file in labels of cells: its stem, with #2 and so on where an earlier file has the same. */
static kt_status add_stem(reader *r, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *plain = NULL, *unique = NULL;
    uint32_t n = r->reading.n_files;
    if (n == r->stems_capacity) {
        r->stems_capacity = 2 * r->stems_capacity + 16;
        KT_TRY(kt_grow(&r->stem, r->stems_capacity, sizeof *r->stem, err));
    }
    KT_TRY(kt_path_stem(&plain, path, err));
    KT_TRY(kt_strdup(&unique, plain, err));
    unsigned count = 1;
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(r->stem[i], unique) != 0)
            continue;
        free(unique);
        KT_TRY(kt_format(&unique, err, "%s#%u", plain, ++count));
        i = UINT32_MAX; /* from the first again */
    }
    r->stem[n] = unique;
    unique = NULL;
    r->reading.n_files++;
out:
    free(plain);
    free(unique);
    return status;
}

/* Against the bounds, and against all files before. */
static kt_status check_typical(const reader *r, const typical *t, kt_time_unit unit, kt_error *err)
{
    if (t->seconds < shortest_median || t->seconds > longest_median)
        return kt_fail(err, KT_INPUT,
                       "%s: the median time of '%s' would be %.3g s if its values were %s: give the unit "
                       "with --time-unit",
                       t->file, t->service, t->seconds, units[unit].words);
    const typical *other = r->high.file && r->high.seconds > widest_ratio * t->seconds ? &r->high
                           : r->low.file && t->seconds > widest_ratio * r->low.seconds ? &r->low
                                                                                       : NULL;
    if (other)
        return kt_fail(
            err, KT_INPUT,
            "the median time of '%s' in %s is %.3g s and that of '%s' in %s %.3g s, over %.0f times apart: "
            "give the unit with --time-unit",
            other->service, other->file, other->seconds, t->service, t->file, t->seconds, widest_ratio);
    return KT_OK;
}

/* The median of the service's times above 0 in the present file, from `first` on; 0 where there is none. */
static kt_status median_of(double *median, const kt_service *s, size_t first, kt_error *err)
{
    kt_status status = KT_OK;
    double *times = NULL;
    size_t n = 0;
    KT_TRY(kt_grow(&times, s->n - first, sizeof *times, err));
    for (size_t i = first; i < s->n; i++)
        if (s->y[i] > 0)
            times[n++] = s->y[i];
    *median = n > 0 ? kt_select(times, n, n / 2) : 0;
out:
    free(times);
    return status;
}

/* Medians of all services of the present file, which ends here for them. */
static kt_status check_unit(reader *r, const char *path, kt_time_unit unit, kt_error *err)
{
    kt_status status = KT_OK;
    typical low = r->low, high = r->high;
    for (size_t i = 0; i < r->reading.samples->n_services; i++) {
        const kt_service *s = &r->reading.samples->services[i];
        kt_growing *g = &r->reading.growing[i];
        typical t = {.file = path, .service = s->name};
        if (g->first == s->n || r->options->unit != KT_UNIT_AUTO)
            continue;
        KT_TRY(median_of(&t.seconds, s, g->first, err));
        if (t.seconds == 0)
            continue;
        KT_TRY(check_typical(r, &t, unit, err));
        t.file = r->stem[r->reading.n_files - 1];
        if (!low.file || t.seconds < low.seconds)
            low = t;
        if (!high.file || t.seconds > high.seconds)
            high = t;
    }
    r->low = low;
    r->high = high;
out:
    return status;
}

static const char *const rule_name[] = {
    [KT_CELLS_NOMINAL] = "nominal", [KT_CELLS_COLUMN] = "column", [KT_CELLS_BINS] = "bins"};

/* The file's part in messages and in the provenance, after its rows were taken. */
static kt_status settle_file(reader *r, const char *path, const kt_columns *columns, const kt_table *table,
                             kt_cell_rule first_rule, kt_time_unit unit, kt_error *err)
{
    kt_status status = KT_OK;
    if (table->rule != first_rule)
        note(r, "%s: its %s do not name load steps, there are too many: cells are %s", path,
             first_rule == KT_CELLS_NOMINAL ? "nominal rates" : "cells", kt_cell_rule_text[table->rule]);
    kt_json *about = kt_json_object();
    kt_json_put(about, "file", kt_json_string(base_name(path)));
    kt_json_put(about, "form", kt_json_string(columns->cleaned ? "cleaned" : "readme"));
    kt_json_put(about, "unit", kt_json_string(units[unit].name));
    kt_json_put(about, "rows", kt_json_int((int64_t)table->rows));
    kt_json_put(about, "cells", kt_json_string(rule_name[table->rule]));
    kt_json_append(r->files, about);
    r->blank_targets += table->blank_targets;
    r->negative_delays += table->negative_delays;
    for (size_t i = 0; i < columns->n_services; i++)
        r->any_delay |= columns->service[i].delay != KT_NO_COLUMN;
    KT_TRY(add_stem(r, path, err));
    KT_TRY(check_unit(r, path, unit, err));
    for (size_t i = 0; i < r->reading.samples->n_services; i++)
        r->reading.growing[i].first = r->reading.samples->services[i].n;
out:
    return status;
}

/* The header line; *more is false in an empty file. */
static kt_status open_table(bool *more, kt_lexer *lexer, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_lexer_close(lexer);
    KT_TRY(kt_lexer_open(lexer, path, err));
    KT_TRY(kt_lexer_next(more, lexer, err));
out:
    return status;
}

static kt_status read_file(reader *r, const char *path, bool in_folder, kt_error *err)
{
    kt_status status = KT_OK;
    kt_lexer lexer = {.path = NULL};
    kt_columns columns = {.n = 0};
    bool more;
    KT_TRY(open_table(&more, &lexer, path, err));
    if (!more) {
        status = refuse_file(r, path, in_folder, "empty", err);
        goto out;
    }
    KT_TRY(kt_columns_find(&columns, &lexer, r->reading.features, (size_t)r->reading.samples->d, err));
    if (columns.n_services == 0) {
        status = refuse_untimed(r, path, in_folder, &columns, err);
        goto out;
    }
    kt_time_unit unit = r->options->unit != KT_UNIT_AUTO ? r->options->unit
                        : columns.cleaned                ? KT_UNIT_MS
                                                         : KT_UNIT_S;
    kt_cell_rule first_rule = columns.n_rates > 0            ? KT_CELLS_NOMINAL
                              : columns.cell != KT_NO_COLUMN ? KT_CELLS_COLUMN
                                                             : KT_CELLS_BINS;
    kt_table table = {.per_second = units[unit].per_second, .rule = first_rule};
    KT_TRY(kt_table_read(&table, &r->reading, &lexer, &columns, err));
    if (table.again) {
        KT_TRY(open_table(&more, &lexer, path, err));
        KT_TRY(kt_table_read(&table, &r->reading, &lexer, &columns, err));
    }
    if (table.rows == 0)
        status = refuse_file(r, path, in_folder, "a header and no rows", err);
    else
        status = settle_file(r, path, &columns, &table, first_rule, unit, err);
out:
    kt_columns_clear(&columns);
    kt_lexer_close(&lexer);
    return status;
}

static kt_status read_folder(reader *r, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL, *path = NULL;
    size_t n = 0, tables = 0;
    uint32_t before = r->reading.n_files;
    KT_TRY(kt_folder_list(&names, &n, folder, err));
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        if (length < 4 || strcasecmp(names[i] + length - 4, ".csv") != 0)
            continue;
        tables++;
        free(path);
        KT_TRY(kt_path_join(&path, folder, names[i], err));
        KT_TRY(read_file(r, path, true, err));
    }
    if (r->reading.n_files == before)
        status = kt_fail(err, KT_INPUT,
                         "%s: no data in this folder: %zu *.csv, none of them with rows and a column "
                         "proc_time_<service>",
                         folder, tables);
out:
    kt_strings_free(names, n);
    free(path);
    return status;
}

/* Cells that a file named are its own: with several files they carry its name. */
static kt_status mark_cells(reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    char *label = NULL;
    for (size_t i = 0; i < r->reading.samples->n_services && r->reading.n_files > 1; i++) {
        kt_service *s = &r->reading.samples->services[i];
        const kt_growing *g = &r->reading.growing[i];
        for (size_t c = 0; c < s->n_cells; c++) {
            if (g->cell_file[c] == KT_ANY_FILE)
                continue;
            free(label);
            KT_TRY(kt_format(&label, err, "%s:%s", r->stem[g->cell_file[c]], s->cells[c].label));
            kt_label_write(s->cells[c].label, label);
        }
    }
out:
    free(label);
    return status;
}

/* Services without a row go, and memory that growth took ahead. */
static kt_status trim_services(reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples *samples = r->reading.samples;
    size_t kept = 0;
    for (size_t i = 0; i < samples->n_services; i++) {
        kt_service *s = &samples->services[i];
        if (s->n == 0) {
            note(r, "the service '%s' has no row with a time: left out", s->name);
            free(s->name);
            free(s->x);
            free(s->y);
            free(s->cell);
            *s = (kt_service){.name = NULL};
            continue;
        }
        KT_TRY(kt_grow(&s->x, s->n, (size_t)samples->d * sizeof *s->x, err));
        KT_TRY(kt_grow(&s->y, s->n, sizeof *s->y, err));
        KT_TRY(kt_grow(&s->cell, s->n, sizeof *s->cell, err));
        kt_service moved = *s;
        *s = (kt_service){.name = NULL};
        samples->services[kept++] = moved;
    }
    samples->n_services = kept;
    if (kept == 0)
        status = kt_fail(err, KT_INPUT, "no row of the data has a time");
out:
    return status;
}

static kt_status write_provenance(reader *r, kt_error *err)
{
    if (r->blank_targets > 0)
        note(r, "%llu blank times: these rows were left out for their service",
             (unsigned long long)r->blank_targets);
    if (r->negative_delays > 0)
        note(r, "%llu negative delays count as 0", (unsigned long long)r->negative_delays);
    kt_json *about = kt_json_object();
    kt_json_put(about, "format", kt_json_string("csv"));
    kt_json_put(about, "files", kt_json_keep(r->files));
    kt_json_put(about, "skipped", kt_json_keep(r->skipped));
    kt_json_put(about, "blank_targets", kt_json_int((int64_t)r->blank_targets));
    kt_json_put(about, "negative_delays", kt_json_int((int64_t)r->negative_delays));
    kt_status status = kt_json_text(&r->reading.samples->provenance, about, 0, err);
    kt_json_drop(about);
    return status;
}

/* Names of features to samples, which own them. */
static kt_status set_features(kt_samples *samples, const kt_csv_options *options, kt_error *err)
{
    static const char *const usual[] = {"rps_eff", "rep"};
    kt_status status = KT_OK;
    size_t n = options->n_features > 0 ? options->n_features : 2;
    const char *const *names = options->n_features > 0 ? options->features : usual;
    if (n > KT_FEATURES_MAX)
        return kt_fail(err, KT_USAGE, "%zu features: at most %d are possible", n, KT_FEATURES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (kt_samples_feature(samples, names[i]) >= 0)
            return kt_fail(err, KT_USAGE, "the feature '%s' is asked for twice", names[i]);
        KT_TRY(kt_strdup(&samples->feature[i], names[i], err));
        samples->d++;
    }
out:
    return status;
}

static kt_status read_path(reader *r, const char *path, kt_error *err)
{
    switch (kt_path_kind_of(path)) {
    case KT_PATH_MISSING:
        return kt_fail(err, KT_IO, "%s: no such file or folder", path);
    case KT_PATH_FOLDER:
        return read_folder(r, path, err);
    default:
        return read_file(r, path, false, err);
    }
}

kt_status kt_csv_read(kt_samples *samples, const char *const *paths, size_t n, const kt_csv_options *options,
                      kt_error *err)
{
    kt_status status = KT_OK;
    reader r = {.options = options, .files = kt_json_array(), .skipped = kt_json_array()};
    assert(n > 0 && samples->n_services == 0);
    KT_TRY(set_features(samples, options, err));
    r.reading = (kt_reading){
        .samples = samples, .features = (const char *const *)samples->feature, .target = options->target};
    for (size_t i = 0; i < n; i++)
        KT_TRY(read_path(&r, paths[i], err));
    if (options->target == KT_TARGET_ASK_PROC_DELAY && !r.any_delay) {
        status = kt_fail(err, KT_INPUT,
                         "%s: no column delay_<service>, so that proc+delay cannot be the target", paths[0]);
        goto out;
    }
    KT_TRY(mark_cells(&r, err));
    KT_TRY(write_provenance(&r, err));
    KT_TRY(trim_services(&r, err));
    KT_TRY(kt_samples_finish(samples, err));
out:
    kt_json_drop(r.files);
    kt_json_drop(r.skipped);
    for (uint32_t i = 0; i < r.reading.n_files; i++)
        free(r.stem[i]);
    free(r.stem);
    for (size_t i = 0; i < r.reading.n_growing; i++)
        free(r.reading.growing[i].cell_file);
    free(r.reading.growing);
    return status;
}
