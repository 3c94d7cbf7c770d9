/* Which trials a sweep tries next: points of the unit cube (kt/space.h), functions of the seed, the trials'
 * numbers and what was seen of earlier ones.
 *
 *   grid     all combinations, the last dimension fastest
 *   random   even
 *   sobol    Sobol's sequence, direction numbers of Joe and Kuo (2008), each dimension scrambled by Owen's
 *            nested permutations, keyed by the seed
 *   tpe      tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011): see src/search/tpe.c */
#ifndef KT_PROPOSE_H
#define KT_PROPOSE_H

#include "kt/space.h"

typedef enum { KT_PROPOSE_GRID, KT_PROPOSE_RANDOM, KT_PROPOSE_SOBOL, KT_PROPOSE_TPE } kt_propose_method;
#define KT_PROPOSE_CHOICES "grid|random|sobol|tpe"

/* What is known of a trial. One that came further counts before one that came less far, whatever their
 * values; then the smaller value is better. */
typedef struct {
    const double *u; /* [d] */
    int rung;        /* the last that it reached; -1: none */
    double value;    /* there; NaN: it failed */
} kt_observed;

typedef struct {
    kt_propose_method method;
    uint64_t seed, subject; /* subject: of the search, where there are several (kt_rng_subject) */
} kt_proposer;

/* u [n, d]: trials first .. first + n - 1 of the search. seen [n_seen]: in the order of trials; only tpe
 * looks at it. The same arguments give the same points, however the trials before were cut into calls for all
 * but tpe. */
kt_status kt_propose(double *u, const kt_space *space, const kt_proposer *proposer, size_t first, size_t n,
                     const kt_observed *seen, size_t n_seen, kt_error *err);

#endif
