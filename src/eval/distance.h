/* How far rows lie from a distribution, and how far they would by chance. */
#ifndef KT_DISTANCE_H
#define KT_DISTANCE_H

#include "kt/error.h"
#include "kt/mixture.h"
#include <stddef.h>
#include <stdint.h>

/* Quantile of type 7 (linear between order statistics; Hyndman and Fan 1996). sorted [n] ascending, n >= 1.
 */
double kt_sample_quantile(const double *sorted, size_t n, double p);

/* Lag-1 autocorrelation of y [n] in its order; 0 where y is constant. */
double kt_autocorrelation(const double *y, size_t n);

/* sup |F_n - F|. f [n]: F at the order statistics, ascending. */
double kt_ks(const double *f, size_t n);

/* Median of that for n independent draws from F, F continuous, to 0.0007 relative. For n <= 8 the median of
 * the exact law (Durbin 1973); above that of Kolmogorov's limit, its argument corrected by Vrbik,
 * "Small-sample corrections to Kolmogorov-Smirnov test statistic", Pioneer J. Theor. Appl. Stat. 15 (2018): x
 * -> x + 1/(6 sqrt n) + (x - 1)/(4 n). */
double kt_ks_floor(size_t n);

/* Median of sup |F*_n - F_n| over resamples of blocks of KT_KS_BLOCK consecutive rows (circular, so that each
 * row is as likely as any other; of n / 4 rows where that is less) against the rows' own distribution F_n:
 * the sampling error that dependent rows have. place [n]: row i holds the place[i]-th smallest of `values`
 * distinct values. */
enum { KT_KS_BLOCK = 32, KT_KS_RESAMPLES = 200 };
kt_status kt_ks_floor_blocks(double *floor, const uint32_t *place, size_t n, size_t values, kt_rng *rng,
                             kt_error *err);

/* integral |F_n - F| dy. y [n] ascending, f [n] = F(y): by Simpson's rule between order statistics, halved
 * until a piece is good to 1e-7 of the mean of y; what lies above the last row follows from the means, as
 * integral (F_n - F) dy = E - mean y. NaN where F is none. */
double kt_wasserstein(const kt_mixture *mixture, const double *y, const double *f, size_t n);

#endif
