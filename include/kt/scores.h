/* Scores of services as a table for people and as JSON: what kt-train ends with, and kt info and kt evaluate
 * print. */
#ifndef KT_SCORES_H
#define KT_SCORES_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/metrics.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    size_t rows;    /* that its model was trained on */
    uint32_t flags; /* kt_flag */
    const kt_cell_score *cells;
    size_t n_cells;
} kt_scored;

/* A line for each service and kind of cells (role; interior or extrapolation) that it has; a service without
 * any has one line. Caller frees. */
kt_status kt_scores_table(char **out, const kt_scored *services, size_t n, kt_error *err);

/* A line for each cell. Caller frees. */
kt_status kt_scores_cells(char **out, const kt_scored *services, size_t n, kt_error *err);

/* An array with an object for each service: its scores by kind and, where asked, its cells. New reference. */
kt_json *kt_scores_json(const kt_scored *services, size_t n, bool with_cells);

/* The flags as words: "ties, few rows". */
void kt_flags_text(char *text, size_t size, uint32_t flags);

#endif
