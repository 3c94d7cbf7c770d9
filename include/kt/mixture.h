/* Mixtures of one family: what a model answers at one point. Double, seconds. A kt_mixture borrows its
 * arrays. */
#ifndef KT_MIXTURE_H
#define KT_MIXTURE_H

#include "kt/family.h"
#include <stddef.h>

enum { KT_MIXTURE_MAX = 512 }; /* components, those of all members of an ensemble together */

typedef struct {
    kt_family family;
    int n;
    const double *weight, *concentration, *scale; /* [n] each; weights sum to 1 */
} kt_mixture;

double kt_mixture_log_pdf(const kt_mixture *mixture, double y);
double kt_mixture_cdf(const kt_mixture *mixture, double y);
double kt_mixture_survival(const kt_mixture *mixture, double y);
double kt_mixture_mean(const kt_mixture *mixture);
double kt_mixture_variance(const kt_mixture *mixture);

/* The y with cdf(y) = p, p in (0, 1), to 1e-12 relative (absolute where |y| < 1e-300); NaN for parameters
 * that give no distribution. */
double kt_mixture_quantile(const kt_mixture *mixture, double p);

double kt_mixture_sample(const kt_mixture *mixture, kt_rng *rng);

/* Continuous ranked probability score of each y: integral of (F(x) - 1{x >= y})^2 dx (Gneiting and Raftery
 * 2007), in seconds, to 1e-6 relative. y [n] ascending; out [n]. One pass over the distribution for all y. */
void kt_mixture_crps(double *out, const kt_mixture *mixture, const double *y, size_t n);

#endif
