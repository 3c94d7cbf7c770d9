/* A set of spans as bytes: a head, the names, the columns. Numbers are those of the machine: records stay
 * where they were written. */
#include "kt/spans.h"

#include "spans_columns.h"
#include <stdlib.h>
#include <string.h>

static const uint64_t magic = 0x31736e617073746bu; /* another byte order reads another number */

typedef struct {
    uint64_t magic, n, n_tags, n_texts, n_bytes, n_processes, n_process_tags, duplicates;
} head;

typedef struct {
    char *data;
    size_t at, n;
} cursor;

static void put(cursor *c, const void *data, size_t n)
{
    if (n > 0)
        memcpy(c->data + c->at, data, n);
    c->at += n;
}

static kt_status get(void *data, cursor *c, size_t n, kt_error *err)
{
    if (n > c->n - c->at)
        return kt_fail(err, KT_INPUT, "a record of spans ends at byte %zu, %zu more are wanted", c->n,
                       n - (c->n - c->at));
    if (n > 0)
        memcpy(data, c->data + c->at, n);
    c->at += n;
    return KT_OK;
}

/* Columns and tags of all spans. */
static void put_spans(cursor *c, span_columns *columns, const kt_spans *spans)
{
    for (size_t i = 0; i < spans->n; i++)
        span_columns_put(columns, i, &spans->span[i]);
    for (int k = 0; k < SPAN_COLUMNS; k++)
        put(c, columns->column[k], spans->n * span_column_table[k].size);
    for (size_t i = 0; i < spans->n; i++)
        for (uint32_t k = 0; k < spans->span[i].n_tags; k++)
            put(c, &spans->tag[spans->span[i].first_tag + k].key, sizeof(uint32_t));
    for (size_t i = 0; i < spans->n; i++)
        for (uint32_t k = 0; k < spans->span[i].n_tags; k++)
            put(c, &spans->tag[spans->span[i].first_tag + k].value, sizeof(uint32_t));
}

static size_t names_size(const head *h)
{
    return h->n_bytes + 8 * h->n_texts + 8 * h->n_processes + 8 * h->n_process_tags;
}

static size_t spans_size(const head *h)
{
    size_t size = 8 * h->n_tags;
    for (int c = 0; c < SPAN_COLUMNS; c++)
        size += h->n * span_column_table[c].size;
    return size;
}

kt_status kt_spans_pack(char **data, size_t *n, const kt_spans *spans, kt_error *err)
{
    kt_status status = KT_OK;
    span_names names = {.n_texts = 0};
    span_columns columns = {.column = {NULL}};
    cursor c = {.data = NULL};
    *data = NULL;
    *n = 0;
    KT_TRY(span_names_of(&names, spans, err));
    KT_TRY(span_columns_create(&columns, spans->n, err));
    const head h = {magic,         spans->n,          kt_spans_count_tags(spans), names.n_texts,
                    names.n_bytes, names.n_processes, names.n_process_tags,       spans->duplicates};
    c.n = sizeof h + names_size(&h) + spans_size(&h);
    KT_TRY(kt_grow(&c.data, c.n, 1, err));
    put(&c, &h, sizeof h);
    put(&c, names.text_end, names.n_texts * sizeof *names.text_end);
    put(&c, names.bytes, names.n_bytes);
    put(&c, names.service, names.n_processes * sizeof *names.service);
    put(&c, names.n_tags, names.n_processes * sizeof *names.n_tags);
    put(&c, names.tag_key, names.n_process_tags * sizeof *names.tag_key);
    put(&c, names.tag_value, names.n_process_tags * sizeof *names.tag_value);
    put_spans(&c, &columns, spans);
    *data = c.data;
    *n = c.at;
    c.data = NULL;
out:
    free(c.data);
    span_columns_clear(&columns);
    span_names_clear(&names);
    return status;
}

static kt_status get_head(head *h, cursor *c, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(get(h, c, sizeof *h, err));
    /* bounds on each first, so that the sum cannot overflow */
    bool good = h->magic == magic && h->n <= c->n && h->n_tags <= c->n && h->n_texts <= c->n &&
                h->n_bytes <= c->n && h->n_processes <= c->n && h->n_process_tags <= c->n &&
                c->n < SIZE_MAX / 1024 && sizeof *h + names_size(h) + spans_size(h) == c->n;
    if (!good)
        status = kt_fail(err, KT_INPUT, "%zu bytes that make no record of spans", c->n);
out:
    return status;
}

static kt_status get_names(span_names *names, cursor *c, const head *h, kt_error *err)
{
    kt_status status = KT_OK;
    *names = (span_names){h->n_texts, h->n_bytes, h->n_processes, h->n_process_tags, NULL, NULL, NULL, NULL,
                          NULL,       NULL};
    KT_TRY(span_names_create(names, err));
    KT_TRY(get(names->text_end, c, names->n_texts * sizeof *names->text_end, err));
    KT_TRY(get(names->bytes, c, names->n_bytes, err));
    KT_TRY(get(names->service, c, names->n_processes * sizeof *names->service, err));
    KT_TRY(get(names->n_tags, c, names->n_processes * sizeof *names->n_tags, err));
    KT_TRY(get(names->tag_key, c, names->n_process_tags * sizeof *names->tag_key, err));
    KT_TRY(get(names->tag_value, c, names->n_process_tags * sizeof *names->tag_value, err));
out:
    return status;
}

kt_status kt_spans_unpack(kt_spans *spans, const char *data, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    cursor c = {.data = (char *)data, .n = n};
    head h;
    span_names names = {.n_texts = 0};
    span_columns columns = {.column = {NULL}};
    uint32_t *tags = NULL; /* keys, then values */
    static const char where[] = "a record of spans";
    KT_TRY(get_head(&h, &c, err));
    KT_TRY(kt_spans_init(spans, err));
    KT_TRY(get_names(&names, &c, &h, err));
    KT_TRY(span_columns_create(&columns, h.n, err));
    KT_TRY(kt_grow(&tags, 2 * h.n_tags, sizeof *tags, err));
    for (int k = 0; k < SPAN_COLUMNS; k++)
        KT_TRY(get(columns.column[k], &c, h.n * span_column_table[k].size, err));
    KT_TRY(get(tags, &c, 2 * h.n_tags * sizeof *tags, err));
    KT_TRY(span_columns_texts(spans, &names, where, err));
    KT_TRY(
        span_columns_spans(spans, &columns, h.n, tags, tags + h.n_tags, h.n_tags, h.n_processes, where, err));
    KT_TRY(span_columns_processes(spans, &names, where, err));
    spans->duplicates = h.duplicates;
out:
    if (status != KT_OK)
        kt_spans_clear(spans);
    free(tags);
    span_columns_clear(&columns);
    span_names_clear(&names);
    return status;
}
