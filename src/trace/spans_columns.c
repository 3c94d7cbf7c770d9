#include "spans_columns.h"

#include "spans_private.h"
#include <stdlib.h>
#include <string.h>

const span_column span_column_table[SPAN_COLUMNS] = {
    [SPAN_TRACE] = {"trace", KT_H5_U64, 2, 16},
    [SPAN_ID] = {"id", KT_H5_U64, 1, 8},
    [SPAN_PARENT] = {"parent", KT_H5_U64, 1, 8},
    [SPAN_START] = {"start", KT_H5_I64, 1, 8},
    [SPAN_DURATION] = {"duration", KT_H5_I64, 1, 8},
    [SPAN_PROCESS] = {"process", KT_H5_U32, 1, 4},
    [SPAN_OPERATION] = {"operation", KT_H5_U32, 1, 4},
    [SPAN_N_TAGS] = {"n_tags", KT_H5_U32, 1, 4},
    [SPAN_KIND] = {"kind", KT_H5_U8, 1, 1},
    [SPAN_FLAGS] = {"flags", KT_H5_U8, 1, 1},
};

kt_status span_columns_create(span_columns *columns, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    for (int c = 0; c < SPAN_COLUMNS; c++)
        KT_TRY(kt_grow(&columns->column[c], n, span_column_table[c].size, err));
out:
    return status;
}

void span_columns_clear(span_columns *columns)
{
    for (int c = 0; c < SPAN_COLUMNS; c++)
        free(columns->column[c]);
    *columns = (span_columns){.column = {NULL}};
}

#define AT(type, which) (((type *)columns->column[which])[row])

void span_columns_put(span_columns *columns, size_t row, const kt_span *span)
{
    uint64_t *trace = (uint64_t *)columns->column[SPAN_TRACE] + 2 * row;
    trace[0] = trace[1] = 0;
    for (int i = 0; i < 16; i++)
        trace[i / 8] = trace[i / 8] << 8 | span->trace[i];
    AT(uint64_t, SPAN_ID) = span->id;
    AT(uint64_t, SPAN_PARENT) = span->parent;
    AT(int64_t, SPAN_START) = span->start;
    AT(int64_t, SPAN_DURATION) = span->duration;
    AT(uint32_t, SPAN_PROCESS) = span->process;
    AT(uint32_t, SPAN_OPERATION) = span->operation;
    AT(uint32_t, SPAN_N_TAGS) = span->n_tags;
    AT(uint8_t, SPAN_KIND) = span->kind;
    AT(uint8_t, SPAN_FLAGS) = span->flags;
}

kt_span span_columns_get(const span_columns *columns, size_t row)
{
    const uint64_t *trace = (const uint64_t *)columns->column[SPAN_TRACE] + 2 * row;
    kt_span span = {.id = AT(const uint64_t, SPAN_ID),
                    .parent = AT(const uint64_t, SPAN_PARENT),
                    .start = AT(const int64_t, SPAN_START),
                    .duration = AT(const int64_t, SPAN_DURATION),
                    .process = AT(const uint32_t, SPAN_PROCESS),
                    .operation = AT(const uint32_t, SPAN_OPERATION),
                    .n_tags = AT(const uint32_t, SPAN_N_TAGS),
                    .kind = AT(const uint8_t, SPAN_KIND),
                    .flags = AT(const uint8_t, SPAN_FLAGS)};
    for (int i = 0; i < 16; i++)
        span.trace[i] = (uint8_t)(trace[i / 8] >> (56 - i % 8 * 8));
    return span;
}

/* ---- names ---- */

kt_status span_names_create(span_names *names, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_grow(&names->bytes, names->n_bytes, 1, err));
    KT_TRY(kt_grow(&names->text_end, names->n_texts, sizeof *names->text_end, err));
    KT_TRY(kt_grow(&names->service, names->n_processes, sizeof *names->service, err));
    KT_TRY(kt_grow(&names->n_tags, names->n_processes, sizeof *names->n_tags, err));
    KT_TRY(kt_grow(&names->tag_key, names->n_process_tags, sizeof *names->tag_key, err));
    KT_TRY(kt_grow(&names->tag_value, names->n_process_tags, sizeof *names->tag_value, err));
out:
    return status;
}

void span_names_clear(span_names *names)
{
    free(names->bytes);
    free(names->text_end);
    free(names->service);
    free(names->n_tags);
    free(names->tag_key);
    free(names->tag_value);
    *names = (span_names){.n_texts = 0};
}

kt_status span_names_of(span_names *names, const kt_spans *spans, kt_error *err)
{
    kt_status status = KT_OK;
    names->n_texts = spans->n_texts;
    names->n_processes = spans->n_processes;
    for (size_t i = 0; i < spans->n_texts; i++)
        names->n_bytes += strlen(spans->text[i]);
    for (size_t i = 0; i < spans->n_processes; i++)
        names->n_process_tags += spans->process[i].n_tags;
    KT_TRY(span_names_create(names, err));
    for (size_t i = 0, end = 0; i < spans->n_texts; i++) {
        size_t n = strlen(spans->text[i]);
        memcpy(names->bytes + end, spans->text[i], n);
        names->text_end[i] = end += n;
    }
    for (size_t i = 0, at = 0; i < spans->n_processes; i++) {
        const kt_span_process *process = &spans->process[i];
        names->service[i] = process->service;
        names->n_tags[i] = process->n_tags;
        for (uint32_t k = 0; k < process->n_tags; k++, at++) {
            names->tag_key[at] = spans->tag[process->first_tag + k].key;
            names->tag_value[at] = spans->tag[process->first_tag + k].value;
        }
    }
out:
    return status;
}

/* ---- back ---- */

static kt_status check(bool good, const char *where, const char *what, size_t i, kt_error *err)
{
    return good ? KT_OK : kt_fail(err, KT_INPUT, "%s: %s %zu is none: the spans are damaged", where, what, i);
}

kt_status span_columns_texts(kt_spans *spans, const span_names *names, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t start = 0;
    for (size_t i = 0; i < names->n_texts; i++) {
        uint64_t end = names->text_end[i];
        bool inside = end >= start && end <= names->n_bytes;
        uint32_t index = 0;
        KT_TRY(check(inside && (i > 0 || end == 0), where, "text", i, err));
        KT_TRY(check(!memchr(names->bytes + start, '\0', end - start), where, "text", i, err));
        KT_TRY(kt_spans_text(&index, spans, names->bytes + start, end - start, err));
        KT_TRY(check(index == i, where, "text", i, err));
        start = end;
    }
    KT_TRY(check(names->n_texts > 0 && start == names->n_bytes, where, "text", names->n_texts, err));
out:
    return status;
}

static kt_status add_tags(kt_spans *spans, const uint32_t *key, const uint32_t *value, size_t n,
                          const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(spans_reserve(spans, 0, n, err));
    for (size_t i = 0; i < n; i++) {
        KT_TRY(check(key[i] < spans->n_texts && value[i] < spans->n_texts, where, "tag", i, err));
        spans->tag[spans->n_tags + i] = (kt_span_tag){key[i], value[i]};
    }
    spans->n_tags += n;
out:
    return status;
}

kt_status span_columns_spans(kt_spans *spans, const span_columns *columns, size_t n, const uint32_t *key,
                             const uint32_t *value, size_t n_tags, size_t n_processes, const char *where,
                             kt_error *err)
{
    kt_status status = KT_OK;
    size_t at = spans->n_tags, end = at + n_tags;
    KT_TRY(spans_reserve(spans, n, n_tags, err));
    for (size_t i = 0; i < n; i++) {
        kt_span span = span_columns_get(columns, i);
        span.first_tag = (uint32_t)at;
        bool good = span.process < n_processes && span.operation < spans->n_texts &&
                    span.kind <= KT_SPAN_CONSUMER && span.duration >= 0 &&
                    span.start <= INT64_MAX - span.duration && span.n_tags <= end - at;
        KT_TRY(check(good, where, "span", spans->n, err));
        spans->span[spans->n++] = span;
        at += span.n_tags;
    }
    KT_TRY(check(at == end, where, "tag", at, err));
    KT_TRY(add_tags(spans, key, value, n_tags, where, err));
out:
    return status;
}

kt_status span_columns_processes(kt_spans *spans, const span_names *names, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span_tag *tags = NULL;
    size_t at = 0;
    KT_TRY(kt_grow(&tags, names->n_process_tags, sizeof *tags, err));
    for (size_t i = 0; i < names->n_process_tags; i++) {
        tags[i] = (kt_span_tag){names->tag_key[i], names->tag_value[i]};
        KT_TRY(check(tags[i].key < spans->n_texts && tags[i].value < spans->n_texts, where,
                     "tag of processes", i, err));
    }
    for (size_t i = 0; i < names->n_processes; i++) {
        uint32_t n = names->n_tags[i], index = 0;
        KT_TRY(check(names->service[i] < spans->n_texts && n <= names->n_process_tags - at, where, "process",
                     i, err));
        KT_TRY(kt_spans_process(&index, spans, names->service[i], tags + at, n, err));
        KT_TRY(check(index == i, where, "process", i, err)); /* each is there once */
        at += n;
    }
out:
    free(tags);
    return status;
}
