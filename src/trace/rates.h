/* rps_eff: the rate at which requests arrived, as a row sees it. */
#ifndef KT_TRACE_RATES_H
#define KT_TRACE_RATES_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    KT_RATE_CELL,   /* the cell's rate */
    KT_RATE_ROWS,   /* of N gaps: (N - 1) / their sum, which has the mean 1 / gap for a Poisson process */
    KT_RATE_WINDOW, /* requests in a window of time */
    KT_RATE_GROUP,  /* the original scripts': 1 / mean gap of 8 consecutive ones; biased by 8/7 */
} kt_rate_kind;

typedef struct {
    kt_rate_kind kind;
    size_t rows;    /* ROWS, GROUP */
    double seconds; /* WINDOW */
} kt_rate_rule;

/* "auto" (cell where cells are told, else rows:32), "cell", "rows:N", "window:SECONDS", "group8". KT_USAGE.
 */
kt_status kt_rate_parse(kt_rate_rule *rule, const char *text, bool cells_are_told, kt_error *err);

/* rate [n] of arrivals at [n] ns, ascending, of one load step; each arrival's gap is that to the one before
 * it in the step. First and last groups of ROWS reach over their neighbours until they have N gaps.
 * cell_rate: for CELL, and where arrivals are too few or at one moment. Requests per second; NAN: not known.
 */
void kt_rate_of(double *rate, const kt_rate_rule *rule, const int64_t *at, size_t n, double cell_rate);

#endif
