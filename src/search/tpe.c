/* The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl, NeurIPS 2011). What was seen is
 * split into the few best and the others; each coordinate of a new trial is, of some that are drawn from the
 * density l of the best, the one with the largest l / g, where g is the density of the others. Conditions
 * come before what hangs on them, and a coordinate knows only the trials that have it.
 *
 * Densities are sums of normal kernels, one on each coordinate seen and a wide one as prior; a kernel is as
 * wide as the way to its further neighbour, within bounds (Bergstra et al., ICML 2013, hyperopt). Of the
 * choices they are counts and one shared out evenly. Trials of the same batch that are proposed already count
 * among the others, so that a batch spreads (Ginsbourger et al. 2010, constant liar). As long as too few are
 * seen Sobol's points cover the space. */
#include "kt/rng.h"
#include "propose_private.h"
#include "space_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STARTUP = 10, CANDIDATES = 24, MOST_BEST = 25, NARROWEST = 100 };
#define SHARE_OF_BEST   0.1
#define SHARE_OF_OTHERS (1. / 3)

/* ---- one coordinate's density ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double below(double x, double mean, double sd)
{
    return 0.5 * erfc((mean - x) / sd * M_SQRT1_2);
}

static void set_kernel(tpe_density *density, size_t i, double sd)
{
    density->sd[i] = sd;
    density->inside[i] = below(1, density->mean[i], sd) - below(0, density->mean[i], sd);
}

/* The prior, mean 0.5 and as wide as all, has its place among the others while neighbours are looked for. */
static void set_widths(tpe_density *density)
{
    size_t n = density->n;
    double narrowest = 1. / (double)(n + 1 < NARROWEST ? n + 1 : NARROWEST);
    qsort(density->mean, n, sizeof *density->mean, ascending);
    for (size_t i = 0; i < n; i++) {
        double left = density->mean[i] - (i > 0 ? density->mean[i - 1] : 0);
        double right = (i + 1 < n ? density->mean[i + 1] : 1) - density->mean[i];
        set_kernel(density, i, fmin(fmax(fmax(left, right), narrowest), 1));
    }
    for (size_t i = 0; i < n; i++) {
        if (density->mean[i] == 0.5) {
            set_kernel(density, i, 1);
            break;
        }
    }
}

kt_status tpe_density_make(tpe_density *density, const double *x, size_t n, size_t choices, kt_error *err)
{
    kt_status status = KT_OK;
    *density = (tpe_density){.choices = choices, .n = n + 1};
    KT_TRY(kt_alloc(&density->mean, n + 1, sizeof *density->mean, err));
    KT_TRY(kt_alloc(&density->sd, n + 1, sizeof *density->sd, err));
    KT_TRY(kt_alloc(&density->inside, n + 1, sizeof *density->inside, err));
    memcpy(density->mean, x, n * sizeof *x);
    density->mean[n] = 0.5;
    if (choices == 0)
        set_widths(density);
out:
    return status;
}

void tpe_density_clear(tpe_density *density)
{
    free(density->mean);
    free(density->sd);
    free(density->inside);
    *density = (tpe_density){.choices = 0};
}

static size_t choice_of(const tpe_density *density, double x)
{
    size_t i = (size_t)(x * (double)density->choices);
    return i < density->choices ? i : density->choices - 1;
}

double tpe_density_log(const tpe_density *density, double x)
{
    double sum = 0;
    if (density->choices > 0) {
        for (size_t i = 0; i + 1 < density->n; i++)
            sum += choice_of(density, density->mean[i]) == choice_of(density, x);
        return log((sum + 1. / (double)density->choices) / (double)density->n);
    }
    for (size_t i = 0; i < density->n; i++) {
        double z = (x - density->mean[i]) / density->sd[i];
        sum += exp(-0.5 * z * z) / (density->sd[i] * density->inside[i]);
    }
    return log(sum / (double)density->n / sqrt(2 * M_PI) + 1e-300);
}

/* A kernel, then a number from it. */
static double draw(const tpe_density *density, kt_rng *rng)
{
    size_t i = kt_rng_below(rng, (uint32_t)density->n);
    double x;
    if (density->choices > 0 && i + 1 < density->n)
        return density->mean[i];
    if (density->choices > 0)
        return ((double)kt_rng_below(rng, (uint32_t)density->choices) + 0.5) / (double)density->choices;
    do
        x = density->mean[i] + density->sd[i] * kt_rng_normal(rng);
    while (!(x >= 0 && x <= 1));
    return x;
}

static double most_promising(const tpe_density *l, const tpe_density *g, kt_rng *rng)
{
    double best = 0, best_ratio = -INFINITY;
    for (int c = 0; c < CANDIDATES; c++) {
        double x = draw(l, rng), ratio = tpe_density_log(l, x) - tpe_density_log(g, x);
        if (c == 0 || ratio > best_ratio) {
            best = x;
            best_ratio = ratio;
        }
    }
    return best;
}

/* ---- the best and the others ---- */

/* Further first, then smaller, then earlier; failed ones last. */
static int by_merit(const void *a, const void *b, void *context)
{
    const size_t i = *(const size_t *)a, k = *(const size_t *)b;
    const kt_observed *p = (const kt_observed *)context + i, *q = (const kt_observed *)context + k;
    bool p_failed = isnan(p->value), q_failed = isnan(q->value);
    if (p_failed || q_failed)
        return p_failed != q_failed ? (p_failed ? 1 : -1) : (i > k) - (i < k);
    if (p->rung != q->rung)
        return p->rung > q->rung ? -1 : 1;
    if (p->value != q->value)
        return p->value < q->value ? -1 : 1;
    return (i > k) - (i < k);
}

typedef struct {
    const kt_space *space;
    size_t d, n, n_best;
    const double **point; /* [n] the best, then the others */
    double *x;            /* [n] room for one coordinate of them */
} evidence;

static kt_status weigh(evidence *e, const kt_observed *seen, size_t n_seen, size_t n_new, kt_error *err)
{
    kt_status status = KT_OK;
    size_t *order = NULL, succeeded = 0;
    KT_TRY(kt_alloc(&order, n_seen, sizeof *order, err));
    KT_TRY(kt_alloc(&e->point, n_seen + n_new, sizeof *e->point, err));
    KT_TRY(kt_alloc(&e->x, n_seen + n_new, sizeof *e->x, err));
    for (size_t i = 0; i < n_seen; i++) {
        order[i] = i;
        succeeded += isnan(seen[i].value) ? 0 : 1;
    }
    qsort_r(order, n_seen, sizeof *order, by_merit, (void *)(uintptr_t)seen);
    e->n = n_seen;
    e->n_best = (size_t)ceil(SHARE_OF_BEST * (double)n_seen);
    e->n_best = e->n_best < MOST_BEST ? e->n_best : MOST_BEST;
    e->n_best = e->n_best < succeeded ? e->n_best : succeeded;
    for (size_t i = 0; i < n_seen; i++)
        e->point[i] = seen[order[i]].u;
out:
    free(order);
    return status;
}

/* Of trials [from, to) those that have coordinate i. */
static kt_status density_of(tpe_density *density, evidence *e, size_t i, size_t from, size_t to,
                            kt_error *err)
{
    size_t n = 0;
    const kt_dim *dim = kt_space_at(e->space, i);
    for (size_t k = from; k < to; k++) {
        bool there[KT_SPACE_MAX];
        kt_space_active(there, e->space, e->point[k]);
        if (there[i])
            e->x[n++] = e->point[k][i];
    }
    return tpe_density_make(density, e->x, n, dim->kind == KT_DIM_CHOICE ? dim->n : 0, err);
}

static kt_status propose_one(double *u, evidence *e, kt_rng *rng, kt_error *err)
{
    kt_status status = KT_OK;
    tpe_density l = {.choices = 0}, g = {.choices = 0};
    bool there[KT_SPACE_MAX];
    for (size_t i = 0; i < e->d; i++)
        u[i] = 0.5;
    for (size_t k = 0; k < e->d; k++) {
        size_t i = e->space->order[k];
        kt_space_active(there, e->space, u);
        if (!there[i])
            continue;
        KT_TRY(density_of(&l, e, i, 0, e->n_best, err));
        KT_TRY(density_of(&g, e, i, e->n_best, e->n, err));
        u[i] = most_promising(&l, &g, rng);
        tpe_density_clear(&l);
        tpe_density_clear(&g);
    }
out:
    tpe_density_clear(&l);
    tpe_density_clear(&g);
    return status;
}

kt_status tpe_propose(double *u, const kt_space *space, const kt_proposer *proposer, size_t first, size_t n,
                      const kt_observed *seen, size_t n_seen, kt_error *err)
{
    kt_status status = KT_OK;
    evidence e = {.space = space, .d = kt_space_dims(space)};
    KT_TRY(weigh(&e, seen, n_seen, n, err));
    for (size_t k = 0; k < n; k++) {
        double *one = u + k * e.d;
        kt_rng rng;
        kt_rng_init(&rng, proposer->seed, proposer->subject, KT_RNG_PROPOSE, STREAM_TPE,
                    (uint32_t)(first + k));
        if (n_seen < STARTUP || kt_rng_uniform(&rng) < SHARE_OF_OTHERS)
            take_sobol(one, e.d, proposer, first + k);
        else
            KT_TRY(propose_one(one, &e, &rng, err));
        e.point[e.n++] = one;
    }
out:
    free(e.point);
    free(e.x);
    return status;
}
