#include "clean_private.h"

#include "kt/csv.h"
#include "kt/file.h"
#include "self_time.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

typedef struct {
    const char *path;
    char *temporary;
    FILE *out;
} output;

static kt_status open_output(output *o, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    o->path = path;
    KT_TRY(kt_file_temporary(&o->temporary, path, err));
    o->out = fopen(o->temporary, "w");
    if (!o->out)
        status = kt_fail_errno(err, KT_IO, "%s: cannot write", path);
out:
    return status;
}

/* Puts the file in place if all went well, else nothing of it stays. */
static kt_status close_output(output *o, kt_status status, kt_error *err)
{
    bool written = !o->out || !ferror(o->out);
    if (o->out && fclose(o->out) != 0)
        written = false;
    if (status == KT_OK && !written)
        status = kt_fail_errno(err, KT_IO, "%s: cannot write", o->path);
    if (status == KT_OK)
        status = kt_file_commit(o->temporary, o->path, NULL, err);
    if (status != KT_OK && o->temporary)
        kt_file_discard(o->temporary);
    free(o->temporary);
    return status;
}

/* ---- cells of a table ---- */

/* The shortest of 15 and 17 digits that reads back as the value; blank where it is not known. */
static void put_real(FILE *out, double value)
{
    char text[32];
    if (isnan(value))
        return;
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    fputs(text, out);
}

/* A time in units of 10^digits ns, exactly. */
static void put_time(FILE *out, int64_t ns, int digits)
{
    int64_t unit = 1;
    for (int k = 0; k < digits; k++)
        unit *= 10;
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, rest = size % (uint64_t)unit;
    fprintf(out, "%s%" PRIu64, ns < 0 ? "-" : "", size / (uint64_t)unit);
    if (rest == 0)
        return;
    for (; rest % 10 == 0; digits--)
        rest /= 10;
    fprintf(out, ".%0*" PRIu64, digits, rest);
}

/* ---- the cleaned form ---- */

/* Lines of one request: visits [lines, services], KT_NONE where a service has none. */
typedef struct {
    const kt_cleaned *c;
    FILE *out;
    size_t n;          /* services with rows */
    uint32_t *service; /* [n] in byte order */
    uint32_t *place;   /* [names.n] */
    size_t *seen;      /* [n] visits in the present request */
    size_t lines, room;
    uint32_t *visit;
} table;

static kt_status make_table(table *t, const kt_cleaned *c, FILE *out, kt_error *err)
{
    kt_status status = KT_OK;
    *t = (table){.c = c, .out = out};
    KT_TRY(kt_alloc(&t->service, c->names.n, sizeof *t->service, err));
    KT_TRY(kt_alloc(&t->place, c->names.n, sizeof *t->place, err));
    KT_TRY(kt_alloc(&t->seen, c->names.n, sizeof *t->seen, err));
    for (size_t k = 0; k < c->names.n; k++) {
        uint32_t s = c->by_name[k];
        if (c->service[s].rows == 0)
            continue;
        t->place[s] = (uint32_t)t->n;
        t->service[t->n++] = s;
    }
out:
    return status;
}

static void clear_table(table *t)
{
    free(t->service);
    free(t->place);
    free(t->seen);
    free(t->visit);
}

static void put_header(const table *t)
{
    bool nominal = t->c->cell_rule == KT_CELLS_NOMINAL;
    fputs("cell", t->out);
    for (size_t k = 0; k < t->n; k++) {
        const char *name = t->c->names.name[t->service[k]];
        static const char *const prefix[] = {"rps_", "rps_eff_", "rep_", "proc_time_", "delay_"};
        for (size_t p = nominal ? 0 : 1; p < 4U + t->c->service[t->service[k]].has_delay; p++) {
            fputc(',', t->out);
            kt_csv_put(t->out, prefix[p], name);
        }
    }
    fputc('\n', t->out);
}

/* What a service has in a line: in a request's first line its load, also without a visit, so that a reader
 * knows the load step. */
static void put_service(const table *t, uint32_t service, uint32_t visit, uint32_t cell, bool first)
{
    const kt_cleaned *c = t->c;
    const kt_visit *v = visit == KT_NONE ? NULL : &c->visits.visit[visit];
    bool known = v || first;
    if (c->cell_rule == KT_CELLS_NOMINAL) {
        fputc(',', t->out);
        put_real(t->out, known ? c->cells.cell[cell].asked : NAN);
    }
    fputc(',', t->out);
    put_real(t->out, v ? v->rate : NAN);
    fputc(',', t->out);
    put_real(t->out, known ? c->reps.rep[cell * c->names.n + service] : NAN);
    fputc(',', t->out);
    if (v)
        put_time(t->out, v->proc, 6);
    if (!c->service[service].has_delay)
        return;
    fputc(',', t->out);
    int64_t counted = v ? kt_cleaned_delay(c, v) : KT_UNKNOWN;
    if (counted != KT_UNKNOWN)
        put_time(t->out, counted == 0 && !v->detached && v->delay != KT_UNKNOWN ? v->delay : counted, 6);
}

static void put_lines(const table *t, uint32_t cell)
{
    for (size_t line = 0; line < t->lines; line++) {
        if (t->c->cell_rule == KT_CELLS_NOMINAL)
            fprintf(t->out, "%" PRIu32, cell);
        else
            kt_csv_put(t->out, "", t->c->label[cell]);
        for (size_t k = 0; k < t->n; k++)
            put_service(t, t->service[k], t->visit[line * t->n + k], cell, line == 0);
        fputc('\n', t->out);
    }
}

/* Rows [first, next) are one request's. */
static kt_status put_request(table *t, size_t first, size_t next, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_cleaned *c = t->c;
    t->lines = 0;
    for (size_t i = first; i < next; i++) {
        uint32_t place = t->place[c->visits.visit[c->row[i]].service];
        size_t line = t->seen[place]++;
        if (line == t->lines) {
            if (++t->lines > t->room) {
                KT_TRY(kt_grow(&t->visit, 2 * t->lines * t->n, sizeof *t->visit, err));
                t->room = 2 * t->lines;
            }
            memset(t->visit + line * t->n, 0xFF, t->n * sizeof *t->visit);
        }
        t->visit[line * t->n + place] = c->row[i];
    }
    put_lines(t, c->visits.visit[c->row[first]].cell);
    for (size_t i = first; i < next; i++)
        t->seen[t->place[c->visits.visit[c->row[i]].service]] = 0;
out:
    return status;
}

kt_status kt_cleaned_csv(const char *path, const kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    output o = {.path = path};
    table t = {.c = NULL};
    KT_TRY(open_output(&o, path, err));
    KT_TRY(make_table(&t, c, o.out, err));
    put_header(&t);
    for (size_t first = 0, next; first < c->n_rows; first = next) {
        uint32_t request = c->visits.visit[c->row[first]].request;
        for (next = first; next < c->n_rows && c->visits.visit[c->row[next]].request == request;)
            next++;
        KT_TRY(put_request(&t, first, next, err));
    }
out:
    clear_table(&t);
    return close_output(&o, status, err);
}

/* ---- visits ---- */

static void put_visit(FILE *out, const kt_cleaned *c, const kt_visit *v, const int64_t *self)
{
    const kt_span *span = &c->spans->span[v->span];
    char name[KT_NAME] = "";
    for (int i = 0; i < 16; i++)
        fprintf(out, "%02x", span->trace[i]);
    fprintf(out, ",%016" PRIx64 ",", span->id);
    kt_csv_put(out, "", c->names.name[v->service]);
    fputc(',', out);
    if (v->pod != KT_NONE) {
        int n;
        const char *text = kt_pod_name(&n, &c->pods, v->pod);
        snprintf(name, sizeof name, "%.*s", n, text);
    }
    kt_csv_put(out, "", name);
    fputc(',', out);
    kt_csv_put(out, "", v->cell == KT_NONE ? "" : c->label[v->cell]);
    fputc(',', out);
    put_time(out, v->start, 3);
    fputc(',', out);
    put_time(out, v->freed > v->start ? v->freed - v->start : 0, 9);
    fputc(',', out);
    put_time(out, v->proc, 9);
    fputc(',', out);
    if (v->delay != KT_UNKNOWN)
        put_time(out, v->delay, 9);
    fputc(',', out);
    put_time(out, self[v->span], 9);
    fputc(',', out);
    put_real(out, v->cell == KT_NONE ? NAN : v->rate);
    fputc(',', out);
    put_real(out, v->cell == KT_NONE ? NAN : v->rep);
    fprintf(out, ",%s\n", kt_fate_key[v->fate]);
}

kt_status kt_cleaned_visits(const char *path, const kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    output o = {.path = path};
    int64_t *self = NULL, *scratch = NULL;
    KT_TRY(kt_alloc(&self, c->spans->n, sizeof *self, err));
    KT_TRY(kt_alloc(&scratch, c->spans->n, sizeof *scratch, err));
    kt_self_times(self, c->spans, &c->tree, scratch);
    KT_TRY(open_output(&o, path, err));
    fputs("trace_id,span_id,service,pod,cell,start,wait,proc_time,delay,self_time,rps_eff,rep,fate\n", o.out);
    for (size_t i = 0; i < c->visits.n; i++)
        if (c->visits.visit[i].request != KT_NONE)
            put_visit(o.out, c, &c->visits.visit[i], self);
out:
    free(self);
    free(scratch);
    return close_output(&o, status, err);
}
