#include "kt/rng.h"
#include "propose_private.h"

static void draw_random(double *u, size_t d, const kt_proposer *p, size_t trial)
{
    kt_rng rng;
    kt_rng_init(&rng, p->seed, p->subject, KT_RNG_PROPOSE, STREAM_RANDOM, (uint32_t)trial);
    for (size_t i = 0; i < d; i++)
        u[i] = kt_rng_uniform(&rng);
}

void take_sobol(double *u, size_t d, const kt_proposer *p, size_t trial)
{
    for (size_t i = 0; i < d; i++)
        u[i] = sobol_scrambled((uint32_t)trial, (int)i, p->seed, p->subject);
}

kt_status kt_propose(double *u, const kt_space *space, const kt_proposer *p, size_t first, size_t n,
                     const kt_observed *seen, size_t n_seen, kt_error *err)
{
    size_t d = kt_space_dims(space);
    if (p->method == KT_PROPOSE_TPE)
        return tpe_propose(u, space, p, first, n, seen, n_seen, err);
    for (size_t i = 0; i < n; i++) {
        double *one = u + i * d;
        switch (p->method) {
        case KT_PROPOSE_GRID:
            kt_space_grid_point(one, space, first + i);
            break;
        case KT_PROPOSE_SOBOL:
            take_sobol(one, d, p, first + i);
            break;
        default:
            draw_random(one, d, p, first + i);
        }
    }
    return KT_OK;
}
