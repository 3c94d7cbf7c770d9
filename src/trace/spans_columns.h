/* Sets of spans by columns: what their files (spans_store.c) and their records (spans_pack.c) share. */
#ifndef KT_TRACE_SPANS_COLUMNS_H
#define KT_TRACE_SPANS_COLUMNS_H

#include "kt/h5.h"
#include "kt/spans.h"

enum {
    SPAN_TRACE, /* two numbers a span */
    SPAN_ID,
    SPAN_PARENT,
    SPAN_START,
    SPAN_DURATION,
    SPAN_PROCESS,
    SPAN_OPERATION,
    SPAN_N_TAGS,
    SPAN_KIND,
    SPAN_FLAGS,
    SPAN_COLUMNS
};

typedef struct {
    const char *name;
    kt_h5_type type;
    size_t numbers, size; /* of a row; bytes of a row */
} span_column;
extern const span_column span_column_table[SPAN_COLUMNS];

/* n rows of each column. Zeroed: none. */
typedef struct {
    void *column[SPAN_COLUMNS];
} span_columns;
kt_status span_columns_create(span_columns *columns, size_t n, kt_error *err);
void span_columns_clear(span_columns *columns);

void span_columns_put(span_columns *columns, size_t row, const kt_span *span);
kt_span span_columns_get(const span_columns *columns, size_t row);

/* What is not a span. */
typedef struct {
    size_t n_texts, n_bytes, n_processes, n_process_tags;
    char *bytes;        /* [n_bytes] texts one after the other */
    uint64_t *text_end; /* [n_texts] */
    uint32_t *service, *n_tags;
    uint32_t *tag_key, *tag_value;
} span_names;
kt_status span_names_create(span_names *names, kt_error *err); /* room as its counts say */
void span_names_clear(span_names *names);
kt_status span_names_of(span_names *names, const kt_spans *spans, kt_error *err); /* names: zeroed */

/* From columns to a set. Reading: texts first, then spans in any number of parts, each with its tags, then
 * processes, whose tags come behind all others. KT_INPUT with `where` and what is wrong. */
kt_status span_columns_texts(kt_spans *spans, const span_names *names, const char *where, kt_error *err);
kt_status span_columns_spans(kt_spans *spans, const span_columns *columns, size_t n, const uint32_t *key,
                             const uint32_t *value, size_t n_tags, size_t n_processes, const char *where,
                             kt_error *err);
kt_status span_columns_processes(kt_spans *spans, const span_names *names, const char *where, kt_error *err);

#endif
