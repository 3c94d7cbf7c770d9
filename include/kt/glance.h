/* The rows of one cell, for whoever looks at their distribution: in order of size, how they compare with the
 * model asked once, and how far chance could have moved their quantiles. */
#ifndef KT_GLANCE_H
#define KT_GLANCE_H

#include "kt/error.h"
#include "kt/metrics.h"
#include "kt/mixture.h"
#include "kt/rng.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t n, values;       /* rows, distinct values among them */
    double autocorrelation; /* lag 1, in the order of the rows */
    double *sorted;         /* [n] seconds, ascending */
    uint32_t *row;          /* [n] which row that is; of equal ones the earlier first */
    uint32_t *place;        /* [n] row i holds the place[i]-th smallest of the distinct values */
} kt_glance;

/* y [n], 1 <= n <= UINT32_MAX, in canonical order. glance: zeroed. */
kt_status kt_glance_make(kt_glance *glance, const double *y, size_t n, kt_error *err);
void kt_glance_clear(kt_glance *glance);

/* Fills ks, ks_floor, autocorrelation, observed, predicted and error as kt_metrics_cell does (kt/metrics.h).
 * f [n]: gets the mixture's cdf at the sorted rows. */
kt_status kt_glance_score(kt_cell_score *score, double *f, const kt_glance *glance, const kt_mixture *mixture,
                          uint64_t seed, uint64_t subject, uint32_t index, kt_error *err);

/* The middle 95 % of each quantile (kt_quantile_level) over KT_GLANCE_RESAMPLES circular resamples of blocks
 * of consecutive rows: what the quantile would be were the cell measured again (percentile intervals; Politis
 * and Romano 1992). A block is one row where the autocorrelation is at most 0.1, else 32 rows, or n / 20
 * where that is less. */
enum { KT_GLANCE_RESAMPLES = 200 };
kt_status kt_glance_intervals(double low[KT_QUANTILES], double high[KT_QUANTILES], const kt_glance *glance,
                              kt_rng *rng, kt_error *err);

#endif
