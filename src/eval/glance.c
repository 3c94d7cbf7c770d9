#include "kt/glance.h"

#include "distance.h"
#include "kt/pause.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Above it rows are not independent draws. */
static const double dependent = 0.1;

typedef struct {
    double y;
    uint32_t row;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    KT_PAUSE_OFTEN();
    if (p->y != q->y)
        return p->y < q->y ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

kt_status kt_glance_make(kt_glance *glance, const double *y, size_t n, kt_error *err)
{
    assert(n >= 1 && n <= UINT32_MAX);
    kt_status status = KT_OK;
    ranked *order = NULL;
    *glance = (kt_glance){.n = n, .autocorrelation = kt_autocorrelation(y, n)};
    KT_TRY(kt_alloc(&order, n, sizeof *order, err));
    KT_TRY(kt_alloc(&glance->sorted, n, sizeof *glance->sorted, err));
    KT_TRY(kt_alloc(&glance->row, n, sizeof *glance->row, err));
    KT_TRY(kt_alloc(&glance->place, n, sizeof *glance->place, err));
    for (size_t i = 0; i < n; i++) {
        KT_PAUSE_OFTEN();
        order[i] = (ranked){y[i], (uint32_t)i};
    }
    qsort(order, n, sizeof *order, by_value);
    for (size_t i = 0; i < n; i++) {
        KT_PAUSE_OFTEN();
        glance->values += i == 0 || order[i].y != order[i - 1].y;
        glance->sorted[i] = order[i].y;
        glance->row[i] = order[i].row;
        glance->place[order[i].row] = (uint32_t)(glance->values - 1);
    }
out:
    free(order);
    return status;
}

void kt_glance_clear(kt_glance *glance)
{
    free(glance->sorted);
    free(glance->row);
    free(glance->place);
    *glance = (kt_glance){0};
}

static bool independent(const kt_glance *glance)
{
    return fabs(glance->autocorrelation) <= dependent;
}

static kt_status floor_of(double *floor, const kt_glance *glance, uint64_t seed, uint64_t subject,
                          uint32_t index, kt_error *err)
{
    kt_rng rng;
    if (independent(glance)) {
        *floor = kt_ks_floor(glance->n);
        return KT_OK;
    }
    kt_rng_init(&rng, seed, subject, KT_RNG_BOOTSTRAP, 0, index);
    return kt_ks_floor_blocks(floor, glance->place, glance->n, glance->values, &rng, err);
}

kt_status kt_glance_score(kt_cell_score *score, double *f, const kt_glance *glance, const kt_mixture *mixture,
                          uint64_t seed, uint64_t subject, uint32_t index, kt_error *err)
{
    score->autocorrelation = glance->autocorrelation;
    for (size_t i = 0; i < glance->n; i++) {
        KT_PAUSE_OFTEN();
        f[i] = kt_mixture_cdf(mixture, glance->sorted[i]);
    }
    score->ks = kt_ks(f, glance->n);
    for (int q = 0; q < KT_QUANTILES; q++) {
        double observed = kt_sample_quantile(glance->sorted, glance->n, kt_quantile_level[q]);
        double predicted = kt_mixture_quantile(mixture, kt_quantile_level[q]);
        score->observed[q] = observed;
        score->predicted[q] = predicted;
        score->error[q] = predicted == observed ? 0 : fabs(predicted - observed) / observed;
    }
    return floor_of(&score->ks_floor, glance, seed, subject, index, err);
}

/* ---- intervals ---- */

enum { ALONE = 100 }; /* rows from which on quantiles lie two ranks and more apart */

/* Fewer blocks than 20 make intervals that are too narrow. */
static size_t block_rows(const kt_glance *glance)
{
    size_t block = independent(glance) ? 1 : glance->n / 20;
    return block < 1 ? 1 : block < KT_KS_BLOCK ? block : KT_KS_BLOCK;
}

/* One resample: how often each distinct value was drawn. */
static void draw(uint32_t *drawn, const kt_glance *glance, kt_rng *rng)
{
    size_t n = glance->n, block = block_rows(glance);
    memset(drawn, 0, glance->values * sizeof *drawn);
    for (size_t done = 0; done < n; done += block) {
        size_t row = kt_rng_below(rng, (uint32_t)n);
        KT_PAUSE_OFTEN();
        for (size_t i = 0; i < block && done + i < n; i++) {
            drawn[glance->place[row]]++;
            row = row + 1 < n ? row + 1 : 0;
        }
    }
}

/* Quantiles of type 7, as of the rows themselves. value [values]: the distinct ones. */
static void quantiles(double *out, const uint32_t *drawn, const double *value, size_t n)
{
    size_t v = 0, seen = drawn[0];
    for (int q = 0; q < KT_QUANTILES; q++) {
        double at = kt_quantile_level[q] * (double)(n - 1);
        size_t i = (size_t)at, next;
        while (seen <= i)
            seen += drawn[++v];
        next = v;
        for (size_t upto = seen; i + 1 < n && upto <= i + 1;)
            upto += drawn[++next];
        out[q] = value[v] == value[next] ? value[v] : value[v] + (at - (double)i) * (value[next] - value[v]);
    }
}

/* The same of n >= ALONE single rows drawn with replacement, without drawing them: the i-th smallest of n
 * uniform numbers is the sum of i exponential variables over that of n + 1 (Devroye 1986, chapter V, theorem
 * 2.2), and a sum of them is one gamma variable. */
static void quantiles_alone(double *out, const kt_glance *glance, kt_rng *rng)
{
    size_t n = glance->n, upto = 0, index[KT_QUANTILES];
    double sum = 0, first[KT_QUANTILES], second[KT_QUANTILES];
    for (int q = 0; q < KT_QUANTILES; q++) {
        index[q] = (size_t)(kt_quantile_level[q] * (double)(n - 1));
        first[q] = sum += kt_rng_gamma(rng, (double)(index[q] + 1 - upto));
        second[q] = sum -= log(kt_rng_uniform(rng));
        upto = index[q] + 2;
    }
    sum += kt_rng_gamma(rng, (double)(n + 1 - upto));
    for (int q = 0; q < KT_QUANTILES; q++) {
        size_t i = (size_t)(first[q] / sum * (double)n), next = (size_t)(second[q] / sum * (double)n);
        double low = glance->sorted[i < n ? i : n - 1], high = glance->sorted[next < n ? next : n - 1];
        double part = kt_quantile_level[q] * (double)(n - 1) - (double)index[q];
        out[q] = low == high ? low : low + part * (high - low);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

kt_status kt_glance_intervals(double low[KT_QUANTILES], double high[KT_QUANTILES], const kt_glance *glance,
                              kt_rng *rng, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *drawn = NULL;
    double *value = NULL, found[KT_QUANTILES][KT_GLANCE_RESAMPLES], one[KT_QUANTILES];
    bool alone = glance->n >= ALONE && independent(glance);
    KT_TRY(kt_alloc(&drawn, glance->values, sizeof *drawn, err));
    KT_TRY(kt_alloc(&value, glance->values, sizeof *value, err));
    for (size_t i = 0; i < glance->n; i++)
        value[glance->place[glance->row[i]]] = glance->sorted[i];
    for (int r = 0; r < KT_GLANCE_RESAMPLES; r++) {
        kt_pause();
        if (alone) {
            quantiles_alone(one, glance, rng);
        } else {
            draw(drawn, glance, rng);
            quantiles(one, drawn, value, glance->n);
        }
        for (int q = 0; q < KT_QUANTILES; q++)
            found[q][r] = one[q];
    }
    for (int q = 0; q < KT_QUANTILES; q++) {
        qsort(found[q], KT_GLANCE_RESAMPLES, sizeof found[q][0], ascending);
        low[q] = kt_sample_quantile(found[q], KT_GLANCE_RESAMPLES, 0.025);
        high[q] = kt_sample_quantile(found[q], KT_GLANCE_RESAMPLES, 0.975);
    }
out:
    free(drawn);
    free(value);
    return status;
}
