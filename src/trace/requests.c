#include "kt/load.h"

#include "ids.h"
#include "kt/file.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS     1e-6 /* of a ns */
#define SECOND 1000000000

/* ---- requests.csv ---- */

/* A file under its temporary name. */
typedef struct {
    const char *path;
    char *temporary;
    FILE *to;
} file;

static kt_status begin(file *f, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    *f = (file){.path = path};
    KT_TRY(kt_file_temporary(&f->temporary, path, err));
    f->to = fopen(f->temporary, "wxe");
    if (!f->to)
        KT_TRY(kt_fail_errno(err, KT_IO, "cannot write %s", path));
out:
    return status;
}

/* Puts it in place, or away where something failed before or now. Returns the first failure. */
static kt_status finish(file *f, kt_status status, kt_error *err)
{
    bool good = f->to && !ferror(f->to);
    if (f->to && fclose(f->to) != 0)
        good = false;
    if (status == KT_OK && !good)
        status = kt_fail_errno(err, KT_IO, "cannot write %s", f->path);
    if (status == KT_OK)
        status = kt_file_commit(f->temporary, f->path, NULL, err);
    if (status != KT_OK)
        kt_file_discard(f->temporary);
    free(f->temporary);
    return status;
}

static void write_line(FILE *to, const kt_load_request *r, size_t number, uint32_t cell)
{
    char trace[33];
    for (size_t i = 0; i < 16; i++)
        snprintf(trace + 2 * i, 3, "%02x", r->trace[i]);
    int64_t ttr = r->done - r->due;
    fprintf(to,
            "%" PRId64 ".%09" PRId64 ",%" PRId64 ".%09" PRId64 ",%zu,%d,%s,%s,%" PRId64 ".%09" PRId64
            ",%u,%s\n",
            r->sent / SECOND, r->sent % SECOND, ttr / SECOND, ttr % SECOND, number, r->status,
            kt_load_error_text[r->error], trace, r->due / SECOND, r->due % SECOND, cell,
            kt_load_phase_text[r->phase]);
}

kt_status kt_load_write(const char *path, const kt_load_result *result, uint32_t cell, kt_error *err)
{
    kt_status status = KT_OK;
    file f;
    KT_TRY(begin(&f, path, err));
    fputs(KT_LOAD_CSV_HEADER, f.to);
    for (size_t i = 0; i < result->n; i++)
        write_line(f.to, &result->request[i], i + 1, cell);
out:
    return finish(&f, status, err);
}

static kt_status append(FILE *to, const char *path, kt_error *err)
{
    static const size_t header = sizeof KT_LOAD_CSV_HEADER - 1;
    char block[65536];
    size_t got;
    FILE *from = fopen(path, "re");
    if (!from)
        return kt_fail_errno(err, KT_IO, "cannot read %s", path);
    bool there = fseek(from, (long)header, SEEK_SET) == 0;
    while (there && (got = fread(block, 1, sizeof block, from)) > 0)
        fwrite(block, 1, got, to);
    bool good = there && !ferror(from);
    fclose(from);
    return good ? KT_OK : kt_fail_errno(err, KT_IO, "cannot read %s", path);
}

kt_status kt_load_join(const char *path, const char *const *parts, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    file f;
    KT_TRY(begin(&f, path, err));
    fputs(KT_LOAD_CSV_HEADER, f.to);
    for (size_t i = 0; i < n; i++)
        KT_TRY(append(f.to, parts[i], err));
out:
    return finish(&f, status, err);
}

/* ---- figures ---- */

typedef struct {
    size_t n, errors[KT_LOAD_ERRORS], late, waited, replies;
    int64_t first_due, last_due, last_sent, last_done, cooldown, latest;
    int64_t first, last; /* of all requests: due, done */
    double *reply;       /* ms, sorted */
    double sum;
} figures;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void gather(figures *f, const kt_load_result *result)
{
    f->cooldown = f->first_due = f->first = INT64_MAX;
    for (size_t i = 0; i < result->n; i++) {
        const kt_load_request *r = &result->request[i];
        f->first = r->due < f->first ? r->due : f->first;
        f->last = r->done > f->last ? r->done : f->last;
        if (r->phase == KT_LOAD_COOLDOWN && r->due < f->cooldown)
            f->cooldown = r->due;
        if (r->phase != KT_LOAD_MEASURED)
            continue;
        f->n++;
        f->errors[r->error]++;
        f->late += r->sent - r->due > 1000000;
        f->waited += r->waited;
        f->first_due = r->due < f->first_due ? r->due : f->first_due;
        f->last_due = r->due > f->last_due ? r->due : f->last_due;
        f->last_sent = r->sent > f->last_sent ? r->sent : f->last_sent;
        f->last_done = r->done > f->last_done ? r->done : f->last_done;
        f->latest = r->sent - r->due > f->latest ? r->sent - r->due : f->latest;
        if (r->error == KT_LOAD_NONE) {
            f->reply[f->replies++] = (double)(r->done - r->due) * MS;
            f->sum += (double)(r->done - r->due) * MS;
        }
    }
    qsort(f->reply, f->replies, sizeof *f->reply, by_value);
}

/* The smallest reply time that at least the share p of all did not exceed. */
static double quantile(const figures *f, double p)
{
    if (f->replies == 0)
        return NAN;
    size_t rank = (size_t)ceil(p * (double)f->replies);
    return f->reply[rank > 0 ? rank - 1 : 0];
}

static void put_errors(kt_json *json, const figures *f)
{
    size_t all = 0;
    kt_json *kinds = kt_json_object();
    for (size_t k = KT_LOAD_NONE + 1; k < KT_LOAD_ERRORS; k++) {
        all += f->errors[k];
        if (f->errors[k] > 0)
            kt_json_put(kinds, kt_load_error_text[k], kt_json_int((int64_t)f->errors[k]));
    }
    kt_json_put(json, "errors", kt_json_int((int64_t)all));
    kt_json_put(json, "errors_by_kind", kinds);
}

static void put_replies(kt_json *json, const figures *f)
{
    static const struct {
        const char *key;
        double p;
    } quantiles[] = {{"reply_p50_ms", 0.5},  {"reply_p90_ms", 0.9},    {"reply_p95_ms", 0.95},
                     {"reply_p99_ms", 0.99}, {"reply_p999_ms", 0.999}, {"reply_max_ms", 1}};
    for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles; q++)
        kt_json_put(json, quantiles[q].key, kt_json_real(quantile(f, quantiles[q].p)));
    kt_json_put(json, "reply_mean_ms", kt_json_real(f->replies > 0 ? f->sum / (double)f->replies : NAN));
}

/* To whole microseconds; the end is rounded up so that it is never before what it ends. */
static void put_times(kt_json *json, const figures *f)
{
    int64_t end = f->cooldown < INT64_MAX ? f->cooldown : f->last_done;
    kt_json_put(json, "start_us", kt_json_int(f->first_due / 1000));
    kt_json_put(json, "end_us", kt_json_int((end + 999) / 1000));
    double span = (double)(f->last_sent - f->first_due) / SECOND; /* n requests have n - 1 gaps */
    kt_json_put(json, "first_us", kt_json_int(f->first / 1000));
    kt_json_put(json, "last_us", kt_json_int((f->last + 999) / 1000));
    double drawn = (double)(f->last_due - f->first_due) / SECOND;
    kt_json_put(json, "rps_drawn", kt_json_real(f->n > 1 ? (double)(f->n - 1) / drawn : NAN));
    kt_json_put(json, "rps_achieved", kt_json_real(f->n > 1 ? (double)(f->n - 1) / span : NAN));
}

kt_json *kt_load_figures(const kt_load_result *result)
{
    figures f = {.n = 0};
    if (kt_alloc(&f.reply, result->n, sizeof *f.reply, NULL) != KT_OK)
        return NULL;
    gather(&f, result);
    kt_json *json = kt_json_object();
    kt_json_put(json, "n", kt_json_int((int64_t)f.n));
    if (f.n > 0)
        put_times(json, &f);
    put_errors(json, &f);
    put_replies(json, &f);
    kt_json_put(json, "late", kt_json_int((int64_t)f.late));
    kt_json_put(json, "max_late_ms", kt_json_real((double)f.latest * MS));
    kt_json_put(json, "waited", kt_json_int((int64_t)f.waited));
    free(f.reply);
    return json;
}

/* ---- requests found again ---- */

static int by_trace(const void *id, const void *span)
{
    return memcmp(id, ((const kt_span *)span)->trace, 16);
}

/* Adds to a list of bounded length: " 17", or "; cell 1: 17" where a cell begins. */
static void tell_missing(kt_load_found *found, const char *cell, const char *number, char *last_cell,
                         size_t room)
{
    size_t used = strlen(found->missing);
    bool same = strcmp(last_cell, cell) == 0;
    char more[80];
    int n = same ? snprintf(more, sizeof more, " %s", number)
                 : snprintf(more, sizeof more, "%scell %s: %s", used > 0 ? "; " : "", cell, number);
    if (used >= 3 && strcmp(found->missing + used - 3, "...") == 0)
        return;
    if (used + (size_t)n + sizeof " ..." > sizeof found->missing)
        strcat(found->missing, " ...");
    else
        strcat(found->missing, more);
    snprintf(last_cell, room, "%s", cell);
}

kt_status kt_load_find(kt_load_found *found, const char *path, const kt_spans *spans, kt_error *err)
{
    enum { RID = 2, STATUS = 3, TRACE = 5, CELL = 7, COLUMNS = 9 };
    kt_status status = KT_OK;
    char *text = NULL, *rest, *line, last_cell[32] = "";
    size_t bytes, number = 1;
    *found = (kt_load_found){.requests = 0};
    KT_TRY(kt_file_read(&text, &bytes, path, err));
    rest = text;
    line = strsep(&rest, "\n");
    if (strncmp(line, KT_LOAD_CSV_HEADER, strlen(KT_LOAD_CSV_HEADER) - 1) != 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:1: not the header of kt load's requests", path));
    while ((line = strsep(&rest, "\n")) && *line) {
        char *field[COLUMNS + 1], *at = line;
        size_t n = 0;
        uint8_t id[16];
        number++;
        while (n <= COLUMNS && (field[n] = strsep(&at, ",")))
            n++;
        if (n != COLUMNS || strspn(field[TRACE], "0123456789abcdef") != 32 || field[TRACE][32] != '\0')
            KT_TRY(kt_fail(err, KT_INPUT, "%s:%zu: not a request that kt load has written", path, number));
        kt_id_of_trace(id, field[TRACE], 32);
        bool answered = strcmp(field[STATUS], "0") != 0;
        bool here = spans->n > 0 && bsearch(id, spans->span, spans->n, sizeof *spans->span, by_trace);
        found->requests++;
        found->answered += answered;
        found->found += here;
        if (answered && !here) {
            found->answered_missing++;
            tell_missing(found, field[CELL], field[RID], last_cell, sizeof last_cell);
        }
    }
out:
    free(text);
    return status;
}
