/* How much an option of a sweep has to do with which trials are good, after PED-ANOVA (Watanabe, Bansal and
 * Hutter, IJCAI 2023): the Pearson divergence of the option's distribution among the best trials from that
 * among all,
 *
 *     D = integral of (p_best(x) / p_all(x) - 1)^2 p_all(x) dx,
 *
 * up to a factor that all options share the fraction of variance, of being among the best, that the option
 * explains by itself. It needs the order of trials only, so that those that were stopped early count too. */
#ifndef KT_IMPORTANCE_H
#define KT_IMPORTANCE_H

#include "kt/error.h"
#include <stddef.h>

enum { KT_IMPORTANCE_LEAST = 8 }; /* trials below which nothing is said */

typedef struct {
    double divergence; /* D, from 0 to trials / best - 1; NaN: too few trials */
    double chance;     /* what D stays below in 95 % of random choices of the best */
    size_t trials;     /* that have the option: it rests on them */
    size_t best;       /* of these, the best quarter */
} kt_importance;

/* place [n]: where each trial's value lies, from 0 to 1, the best trial first; NaN: it does not have the
 * option, and does not count. values: that there are, in parts of equal length; 0: any.
 *
 * Of any: densities by Gaussian kernels, cut at 0 and 1, of one width for both: Scott's rule for the best
 * trials with the deviation of all, at least 1/32. The best are among all, hence D is bounded. */
kt_status kt_importance_of(kt_importance *importance, const double *place, size_t n, size_t values,
                           kt_error *err);

#endif
