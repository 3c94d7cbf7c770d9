/* Random numbers that are functions of their key: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011). A stream is named by (seed, subject, purpose, epoch, index); two streams never
 * meet, and a stream gives the same numbers on every machine, rank and thread. */
#ifndef KT_RNG_H
#define KT_RNG_H

#include <stdint.h>

/* Purposes are part of results: append, never renumber. */
typedef enum {
    KT_RNG_SHUFFLE,    /* the stored order of training rows */
    KT_RNG_CELLS,      /* which cells are held out */
    KT_RNG_VALIDATION, /* which rows of the training cells are validation */
    KT_RNG_START,      /* start values of parameters; index = layer */
    KT_RNG_EPOCH,      /* order of a strip in an epoch; index = strip */
    KT_RNG_BOOTSTRAP,  /* sampling floors; index = cell */
    KT_RNG_SAMPLE,     /* draws that a user asks for */
    KT_RNG_LOAD,       /* due times and trace ids of requests; index = cell */
    KT_RNG_PROPOSE,    /* trials of a sweep; index = trial */
} kt_rng_purpose;

typedef struct {
    uint32_t key[2], counter[4], buffer[4];
    int left; /* numbers of the buffer not yet given */
} kt_rng;

/* One block of the bijection: out = philox4x32-10(counter, key). */
void kt_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* subject: usually kt_rng_subject of a service's name. */
void kt_rng_init(kt_rng *rng, uint64_t seed, uint64_t subject, kt_rng_purpose purpose, uint32_t epoch,
                 uint32_t index);
uint64_t kt_rng_subject(const char *name); /* 64 bits of the name, FNV-1a then a finalizer */

uint32_t kt_rng_u32(kt_rng *rng);
double kt_rng_uniform(kt_rng *rng);             /* in (0, 1), 53 bits, never 0 or 1 */
uint32_t kt_rng_below(kt_rng *rng, uint32_t n); /* in [0, n), unbiased (Lemire); n >= 1 */
double kt_rng_normal(kt_rng *rng);              /* mean 0, sd 1 (Box-Muller, one of the pair) */
double kt_rng_gamma(kt_rng *rng, double shape); /* scale 1 (Marsaglia and Tsang 2000); shape > 0 */
void kt_rng_shuffle(kt_rng *rng, uint32_t *items, uint32_t n); /* Fisher-Yates */

#endif
