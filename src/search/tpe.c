/* The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl, NeurIPS 2011). What was seen is
 * split into the few best and the others; each coordinate of a new trial is, of some that are drawn from the
 * density l of the best, the one with the largest l / g, where g is the density of the others. Conditions
 * come before what hangs on them, and a coordinate knows only the trials that have it.
 *
 * Densities are sums of normal kernels, one on each coordinate seen, and an even one as prior; a kernel is as
 * wide as the way to its further neighbour, within bounds (Bergstra et al., ICML 2013, hyperopt; Watanabe
 * 2023, arXiv:2304.11127, section 3). That of a choice is on it and, less so the more were seen, on all.
 * Whole numbers stand in the middle of their parts, so that what was seen of one counts for all of it. Trials
 * of the same batch that are proposed already count among the others, so that a batch spreads (Ginsbourger et
 * al. 2010, constant liar). As long as too few are seen Sobol's points cover the space.
 *
 * A batch learns later than one trial at a time would: fewer candidates than the usual 24, and choices that
 * are not given up early, go better with that. */
#include "kt/rng.h"
#include "propose_private.h"
#include "space_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STARTUP = 10, CANDIDATES = 12, MOST_BEST = 25, NARROWEST = 100 };
#define SHARE_OF_BEST    0.1
#define PRIOR_OF_CHOICES 2. /* trials, shared out over the kernels of those seen */

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

static void set_widths(tpe_density *density)
{
    size_t n = density->n;
    double narrowest = 1. / (double)(n + 2 < NARROWEST ? n + 2 : NARROWEST);
    qsort(density->mean, n, sizeof *density->mean, ascending);
    for (size_t i = 0; i < n; i++) {
        double left = density->mean[i] - (i > 0 ? density->mean[i - 1] : 0);
        double right = (i + 1 < n ? density->mean[i + 1] : 1) - density->mean[i];
        double sd = fmin(fmax(fmax(left, right), narrowest), 1);
        density->sd[i] = sd;
        density->inside[i] = below(1, density->mean[i], sd) - below(0, density->mean[i], sd);
    }
}

static size_t choice_of(const tpe_density *density, double x)
{
    size_t i = (size_t)(x * (double)density->choices);
    return i < density->choices ? i : density->choices - 1;
}

kt_status tpe_density_make(tpe_density *density, const double *x, size_t n, size_t choices, kt_error *err)
{
    kt_status status = KT_OK;
    *density = (tpe_density){.choices = choices, .n = n};
    KT_TRY(kt_alloc(&density->mean, n, sizeof *density->mean, err));
    KT_TRY(kt_alloc(&density->sd, n, sizeof *density->sd, err));
    KT_TRY(kt_alloc(&density->inside, n, sizeof *density->inside, err));
    for (size_t i = 0; i < n; i++)
        density->mean[i] = choices > 0 ? (double)choice_of(density, x[i]) : x[i];
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

/* What of a choice's kernel is shared out over all choices. */
static double shared(const tpe_density *density)
{
    double all = PRIOR_OF_CHOICES * (double)density->choices / (double)(density->n + 1);
    return all / (1 + all);
}

double tpe_density_log(const tpe_density *density, double x)
{
    double sum = 0, n = (double)density->n;
    if (density->choices > 0) {
        double even = shared(density), own = (double)choice_of(density, x);
        for (size_t i = 0; i < density->n; i++)
            sum += density->mean[i] == own ? 1 : 0;
        return log(((1 - even) * sum + (even * n + 1) / (double)density->choices) / (n + 1));
    }
    for (size_t i = 0; i < density->n; i++) {
        double z = (x - density->mean[i]) / density->sd[i];
        sum += exp(-0.5 * z * z) / (density->sd[i] * density->inside[i]);
    }
    return log((sum / sqrt(2 * M_PI) + 1) / (n + 1));
}

/* A kernel, then a coordinate from it. */
static double draw(const tpe_density *density, kt_rng *rng)
{
    size_t i = kt_rng_below(rng, (uint32_t)density->n + 1);
    bool prior = i == density->n;
    double x, choices = (double)density->choices;
    if (density->choices > 0) {
        prior = prior || kt_rng_uniform(rng) < shared(density);
        return ((prior ? kt_rng_below(rng, (uint32_t)density->choices) : density->mean[i]) + 0.5) / choices;
    }
    if (prior)
        return kt_rng_uniform(rng);
    do
        x = density->mean[i] + density->sd[i] * kt_rng_normal(rng);
    while (!(x >= 0 && x <= 1));
    return x;
}

static double most_promising(const space_dim *dim, const tpe_density *l, const tpe_density *g, kt_rng *rng)
{
    double best = 0, best_ratio = -INFINITY;
    for (int c = 0; c < CANDIDATES; c++) {
        double x = space_middle(dim, draw(l, rng)), ratio = tpe_density_log(l, x) - tpe_density_log(g, x);
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
            e->x[n++] = space_middle(&e->space->dim[i], e->point[k][i]);
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
        u[i] = most_promising(&e->space->dim[i], &l, &g, rng);
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
        if (n_seen < STARTUP)
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
