/* Rows of a CSV in memory (RFC 4180): cells without spaces around them, as texts. */
#ifndef KT_TRACE_ORIGINAL_ROWS_H
#define KT_TRACE_ORIGINAL_ROWS_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *text, *name; /* borrowed */
    size_t n, at;
    size_t line, lines; /* where the row begins, from 1; line ends so far */
    char **cell;        /* [n_cells] into buffer */
    size_t n_cells, cells_capacity;
    char *buffer; /* the row's cells, each with its NUL */
    size_t capacity;
} original_rows;

void original_rows_init(original_rows *rows, const char *text, size_t n, const char *name);
void original_rows_clear(original_rows *rows);

/* The next row that is not empty; *more is false at the end. KT_INPUT with name:line. */
kt_status original_rows_next(bool *more, original_rows *rows, kt_error *err);

#endif
