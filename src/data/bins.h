/* Cells of rows that nothing names: replicas by quantile bins of the rate. */
#ifndef KT_DATA_BINS_H
#define KT_DATA_BINS_H

#include "kt/error.h"
#include "kt/samples.h"
#include <stddef.h>
#include <stdint.h>

enum { KT_BINS_MOST = 10, KT_BIN_ROWS = 100, KT_BIN_REPS_MOST = 64 };

/* Each row's bin. rows x [n, d] row-major, of which column `rate` (or -1) is cut into quantile bins, within
 * each value of column `rep` (or -1; taken as -1 where it has over 64 values): up to ten bins of about equal
 * size and at least 100 rows; equal rates share a bin. bin [n]; label [*n_bins]: "rep=2 bin=3/10", caller
 * frees. */
kt_status kt_bins_make(uint32_t *bin, char (**label)[KT_LABEL], size_t *n_bins, const double *x, size_t n,
                       int d, int rate, int rep, kt_error *err);

#endif
