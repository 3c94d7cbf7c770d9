/* Rows of one CSV file to services: what the reader of files (csv.c) and that of rows (table.c) share. */
#ifndef KT_DATA_TABLE_H
#define KT_DATA_TABLE_H

#include "columns.h"
#include "kt/csv.h"
#include "kt/error.h"
#include "kt/samples.h"
#include "lexer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_ANY_FILE UINT32_MAX

/* What a service has while it grows and not afterwards. */
typedef struct {
    size_t capacity, cells_capacity;
    size_t first;        /* its rows of the present file begin here */
    uint32_t *cell_file; /* [n_cells] the file that named the cell; KT_ANY_FILE for nominal rates */
} kt_growing;

typedef struct {
    kt_samples *samples;
    kt_growing *growing; /* [n_growing] one for each service */
    size_t n_growing, capacity;
    const char *const *features; /* [samples->d] */
    kt_target_choice target;
    uint32_t n_files; /* whose rows were taken: the number of the present one */
} kt_reading;

/* One file: asked for, and what came of it. */
typedef struct {
    double per_second; /* values of the file / per_second = seconds */
    kt_cell_rule rule; /* asked; then the one that was followed */
    bool again;        /* `rule` needs another reading of the file: nothing was taken */
    uint64_t rows, blank_targets, negative_delays;
} kt_table;

/* All rows that the lexer has behind its header line, appended to their services. Where load steps turn out
 * not to be any (kt_steps_unlikely) the next rule is followed. KT_INPUT with file:line. */
kt_status kt_table_read(kt_table *table, kt_reading *reading, kt_lexer *lexer, const kt_columns *columns,
                        kt_error *err);

#endif
