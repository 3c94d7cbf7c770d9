#include "kt/original.h"

#include "ids.h"
#include "original_rows.h"
#include "status.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRACE,
    SPAN,
    START,
    DURATION,
    CLIENT,
    SERVER,
    NEEDED,
    HTTP = NEEDED,
    FLAGS,
    METHOD,
    PATH,
    NODE,
    COLUMNS
};
static const char *const columns[COLUMNS] = {
    [TRACE] = "trace_id",     [SPAN] = "span_id",   [START] = "start_time",      [DURATION] = "duration",
    [CLIENT] = "client",      [SERVER] = "server",  [HTTP] = "http_status_code", [FLAGS] = "response_flags",
    [METHOD] = "http_method", [PATH] = "grpc_path", [NODE] = "node_id"};

typedef struct {
    kt_spans *spans;
    const char *name;
    original_rows rows;
    size_t at[COLUMNS]; /* cell of a row; SIZE_MAX: the table has no such column */
    size_t first;       /* span of the first row */
    uint32_t *server;   /* [rows] text: the service that a row goes to */
    size_t capacity;
} reader;

/* Where the header has the columns; the first one that it needs and lacks, or NULL. */
static const char *find_columns(size_t at[COLUMNS], const original_rows *rows)
{
    for (int c = 0; c < COLUMNS; c++) {
        at[c] = SIZE_MAX;
        for (size_t i = rows->n_cells; i > 0; i--)
            if (strcmp(rows->cell[i - 1], columns[c]) == 0)
                at[c] = i - 1;
    }
    for (int c = 0; c < NEEDED; c++)
        if (at[c] == SIZE_MAX)
            return columns[c];
    return NULL;
}

bool kt_original_is(const char *text, size_t n)
{
    original_rows rows;
    size_t at[COLUMNS];
    bool more = false;
    original_rows_init(&rows, text, n, "header");
    bool is = original_rows_next(&more, &rows, NULL) == KT_OK && more && !find_columns(at, &rows);
    original_rows_clear(&rows);
    return is;
}

/* ---- rows to spans ---- */

static const char *cell(const reader *r, int column)
{
    return r->at[column] == SIZE_MAX ? "" : r->rows.cell[r->at[column]];
}

/* Whole microseconds to ns; spreadsheets write 12.0 for 12. */
static kt_status get_time(int64_t *ns, const reader *r, int column, kt_error *err)
{
    const char *text = cell(r, column);
    char *end;
    errno = 0;
    int64_t us = strtoll(text, &end, 10);
    bool some = end > text;
    if (some && *end == '.')
        end += 1 + strspn(end + 1, "0");
    if (!some || *end != '\0' || errno != 0 || __builtin_mul_overflow(us, (int64_t)1000, ns))
        return kt_fail(err, KT_INPUT, "%s:%zu: column '%s': '%.40s' is no number of microseconds", r->name,
                       r->rows.line, columns[column], text);
    return KT_OK;
}

static kt_status get_text(uint32_t *text, const reader *r, int column, kt_error *err)
{
    const char *value = cell(r, column);
    if (*value == '\0')
        return kt_fail(err, KT_INPUT, "%s:%zu: column '%s' is blank", r->name, r->rows.line, columns[column]);
    return kt_spans_text(text, r->spans, value, strlen(value), err);
}

static kt_status add_tag(kt_span_tag *tags, size_t *n, const reader *r, const char *key, const char *value,
                         kt_error *err)
{
    kt_status status = KT_OK;
    if (*value == '\0')
        return KT_OK;
    KT_TRY(kt_spans_text(&tags[*n].key, r->spans, key, strlen(key), err));
    KT_TRY(kt_spans_text(&tags[*n].value, r->spans, value, strlen(value), err));
    ++*n;
out:
    return status;
}

static kt_status get_process(kt_span *span, const reader *r, uint32_t service, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span_tag node;
    size_t n = 0;
    KT_TRY(add_tag(&node, &n, r, columns[NODE], cell(r, NODE), err));
    KT_TRY(kt_spans_process(&span->process, r->spans, service, &node, n, err));
out:
    return status;
}

static kt_status get_tags(kt_span_tag *tags, size_t *n, kt_span *span, const reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    char code[16];
    size_t length = strcspn(cell(r, HTTP), "."); /* 200.0 */
    memcpy(code, cell(r, HTTP), length < sizeof code ? length : 0);
    code[length < sizeof code ? length : 0] = '\0';
    status_see(span, "http.status_code", code);
    status_see(span, columns[FLAGS], cell(r, FLAGS));
    KT_TRY(add_tag(tags, n, r, "http.status_code", code, err));
    KT_TRY(add_tag(tags, n, r, columns[FLAGS], cell(r, FLAGS), err));
    if (span->kind == KT_SPAN_CLIENT)
        KT_TRY(add_tag(tags, n, r, "peer.service", cell(r, SERVER), err));
out:
    return status;
}

static kt_status add_row(reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span span = {.parent = 0};
    kt_span_tag tags[4];
    size_t n = 0, row = r->spans->n - r->first;
    uint32_t client;
    if (row == r->capacity) {
        KT_TRY(kt_grow(&r->server, 2 * r->capacity + 256, sizeof *r->server, err));
        r->capacity = 2 * r->capacity + 256;
    }
    KT_TRY(get_time(&span.start, r, START, err));
    KT_TRY(get_time(&span.duration, r, DURATION, err));
    kt_id_of_trace(span.trace, cell(r, TRACE), strlen(cell(r, TRACE)));
    span.id = kt_id_of_span(cell(r, SPAN), strlen(cell(r, SPAN)));
    KT_TRY(get_text(&client, r, CLIENT, err));
    KT_TRY(get_text(&r->server[row], r, SERVER, err));
    span.kind = client == r->server[row] ? KT_SPAN_SERVER : KT_SPAN_CLIENT;
    KT_TRY(get_process(&span, r, client, err));
    const char *operation = *cell(r, PATH) ? cell(r, PATH) : cell(r, METHOD);
    KT_TRY(kt_spans_text(&span.operation, r->spans, operation, strlen(operation), err));
    KT_TRY(get_tags(tags, &n, &span, r, err));
    KT_TRY(kt_spans_add(r->spans, &span, tags, n, err));
out:
    return status;
}

/* ---- parents ---- */

/* By trace and start; of equal starts the longer first. */
static int by_start(const void *a, const void *b, void *context)
{
    const kt_span *span = context, *p = &span[*(const uint32_t *)a], *q = &span[*(const uint32_t *)b];
    int order = memcmp(p->trace, q->trace, sizeof p->trace);
    if (order == 0)
        order = (p->start > q->start) - (p->start < q->start);
    if (order == 0)
        order = (p->duration < q->duration) - (p->duration > q->duration);
    return order;
}

static bool holds(const kt_span *outer, const kt_span *inner)
{
    return outer->start <= inner->start && outer->start + outer->duration >= inner->start + inner->duration;
}

typedef struct {
    uint32_t *order; /* [n] rows by trace and start */
    uint32_t *open;  /* [n_open] rows of the trace that have not ended */
    bool *taken;     /* [n] CLIENT rows that have their SERVER row */
    size_t n, n_open;
} sweep;

static uint32_t service_of(const reader *r, uint32_t row)
{
    return r->spans->process[r->spans->span[r->first + row].process].service;
}

/* The shortest row that a row belongs to; of CLIENT rows one that has no SERVER row yet, if there is one. */
static void find_parent(reader *r, sweep *s, uint32_t row)
{
    kt_span *all = r->spans->span + r->first, *span = &all[row];
    uint32_t best = UINT32_MAX;
    for (size_t i = 0; i < s->n_open; i++) {
        uint32_t other = s->open[i];
        bool goes_here = span->kind == KT_SPAN_SERVER
                             ? all[other].kind == KT_SPAN_CLIENT && r->server[other] == r->server[row]
                             : all[other].kind == KT_SPAN_SERVER && r->server[other] == service_of(r, row);
        if (other == row || !goes_here || !holds(&all[other], span))
            continue;
        if (best == UINT32_MAX || s->taken[best] > s->taken[other] ||
            (s->taken[best] == s->taken[other] && all[other].duration < all[best].duration))
            best = other;
    }
    if (best == UINT32_MAX)
        return;
    span->parent = all[best].id;
    if (span->kind == KT_SPAN_SERVER)
        s->taken[best] = true;
}

/* Opens the rows that start with the one at `first`, of one trace; returns where the next ones are. */
static size_t open_rows(const reader *r, sweep *s, size_t first)
{
    const kt_span *all = r->spans->span + r->first, *span = &all[s->order[first]];
    size_t next = first, kept = 0;
    for (size_t i = 0; i < s->n_open; i++) {
        const kt_span *other = &all[s->open[i]];
        if (memcmp(other->trace, span->trace, sizeof span->trace) == 0 &&
            other->start + other->duration >= span->start)
            s->open[kept++] = s->open[i];
    }
    for (; next < s->n; next++) {
        const kt_span *other = &all[s->order[next]];
        if (other->start != span->start || memcmp(other->trace, span->trace, sizeof span->trace) != 0)
            break;
        s->open[kept++] = s->order[next];
    }
    s->n_open = kept;
    return next;
}

static kt_status find_parents(reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    sweep s = {.n = r->spans->n - r->first};
    KT_TRY(kt_grow(&s.order, s.n, sizeof *s.order, err));
    KT_TRY(kt_grow(&s.open, s.n, sizeof *s.open, err));
    KT_TRY(kt_alloc(&s.taken, s.n, sizeof *s.taken, err));
    for (uint32_t i = 0; i < s.n; i++)
        s.order[i] = i;
    qsort_r(s.order, s.n, sizeof *s.order, by_start, r->spans->span + r->first);
    for (size_t first = 0, next; first < s.n; first = next) {
        next = open_rows(r, &s, first);
        for (size_t i = first; i < next; i++)
            find_parent(r, &s, s.order[i]);
    }
out:
    free(s.order);
    free(s.open);
    free(s.taken);
    return status;
}

kt_status kt_original_parse(kt_spans *spans, const char *text, size_t n, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    reader r = {.spans = spans, .name = name, .first = spans->n};
    bool more;
    original_rows_init(&r.rows, text, n, name);
    KT_TRY(original_rows_next(&more, &r.rows, err));
    const char *missing = more ? find_columns(r.at, &r.rows) : columns[0];
    if (missing)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:1: no trace CSV: the column '%s' is missing", name, missing));
    size_t width = r.rows.n_cells;
    for (;;) {
        KT_TRY(original_rows_next(&more, &r.rows, err));
        if (!more)
            break;
        if (r.rows.n_cells != width)
            KT_TRY(kt_fail(err, KT_INPUT, "%s:%zu: %zu cells in this row, %zu in the header", name,
                           r.rows.line, r.rows.n_cells, width));
        KT_TRY(add_row(&r, err));
    }
    KT_TRY(find_parents(&r, err));
out:
    if (status != KT_OK)
        spans->n = r.first;
    original_rows_clear(&r.rows);
    free(r.server);
    return status;
}
