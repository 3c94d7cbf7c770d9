/* What the files of kt_propose share. */
#ifndef KT_SEARCH_PROPOSE_PRIVATE_H
#define KT_SEARCH_PROPOSE_PRIVATE_H

#include "kt/propose.h"

/* Streams of KT_RNG_PROPOSE, by epoch. */
enum { STREAM_RANDOM, STREAM_TPE };

/* Coordinate `dim` < KT_SPACE_MAX of point i < 2^32 of Sobol's sequence in the order of Gray codes, 32 bits.
 */
uint32_t sobol_bits(uint32_t i, int dim);

/* The same scrambled, in (0, 1). */
double sobol_scrambled(uint32_t i, int dim, uint64_t seed, uint64_t subject);

/* Trial `trial` by Sobol's sequence: u [d]. */
void take_sobol(double *u, size_t d, const kt_proposer *proposer, size_t trial);

/* Trials first .. first + n - 1 by what was seen. */
kt_status tpe_propose(double *u, const kt_space *space, const kt_proposer *proposer, size_t first, size_t n,
                      const kt_observed *seen, size_t n_seen, kt_error *err);

/* ---- The density that tpe gives to one coordinate, for tests too ---- */
typedef struct {
    size_t choices; /* 0: a real in [0, 1] */
    size_t n;       /* kernels, one for each coordinate seen; one more, the prior, is even */
    double *mean;   /* [n] of the kernels' normal densities, cut off at 0 and 1; of a choice its number */
    double *sd, *inside; /* [n] their standard deviations, and what of each lies in [0, 1] */
} tpe_density;

/* From coordinates x [n]. */
kt_status tpe_density_make(tpe_density *density, const double *x, size_t n, size_t choices, kt_error *err);
void tpe_density_clear(tpe_density *density);
double tpe_density_log(const tpe_density *density, double x);

#endif
