#include "kt/importance.h"

#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRID = 512, CHANCES = 200, CHANCE_RANK = 190 /* of 200: 95 % */ };
static const double narrowest = 1.0 / 32;

/* What each trial adds to the distribution over g cells; [m, g], each row sums to 1. */
typedef struct {
    size_t m, g;
    double *mass, *all; /* all [g]: mean of the rows */
} spread;

static double width_of(const double *x, size_t m, size_t best)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < m; i++)
        mean += x[i] / (double)m;
    for (size_t i = 0; i < m; i++)
        square += (x[i] - mean) * (x[i] - mean);
    return fmax(narrowest, 1.06 * sqrt(square / (double)(m - 1)) * pow((double)best, -0.2));
}

static void add_kernel(double *mass, double x, double width)
{
    double sum = 0;
    for (size_t k = 0; k < GRID; k++) {
        double z = (((double)k + 0.5) / GRID - x) / width;
        sum += mass[k] = exp(-0.5 * z * z);
    }
    for (size_t k = 0; k < GRID; k++)
        mass[k] /= sum;
}

static kt_status make_spread(spread *s, const double *x, size_t m, size_t best, size_t values, kt_error *err)
{
    kt_status status = KT_OK;
    double width = width_of(x, m, best);
    s->m = m;
    s->g = values > 0 ? values : GRID;
    KT_TRY(kt_alloc(&s->mass, m * s->g, sizeof *s->mass, err));
    KT_TRY(kt_alloc(&s->all, s->g, sizeof *s->all, err));
    for (size_t i = 0; i < m; i++) {
        double *row = s->mass + i * s->g;
        size_t value = values > 0 ? (size_t)(x[i] * (double)values) : 0;
        if (values > 0)
            row[value < values ? value : values - 1] = 1;
        else
            add_kernel(row, x[i], width);
        for (size_t k = 0; k < s->g; k++)
            s->all[k] += row[k] / (double)m;
    }
out:
    return status;
}

/* Of the trials that are named from all of them. sum [g]: room. */
static double divergence(double *sum, const spread *s, const uint32_t *which, size_t n)
{
    double total = 0;
    memset(sum, 0, s->g * sizeof *sum);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < s->g; k++)
            sum[k] += s->mass[which[i] * s->g + k];
    for (size_t k = 0; k < s->g; k++) {
        double less = s->all[k] > 0 ? sum[k] / (double)n / s->all[k] - 1 : 0;
        total += less * less * s->all[k];
    }
    return total;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static kt_status judge(kt_importance *out, const spread *s, kt_error *err)
{
    kt_status status = KT_OK;
    double chance[CHANCES], *sum = NULL;
    uint32_t *which = NULL, n = (uint32_t)s->m;
    KT_TRY(kt_alloc(&which, s->m, sizeof *which, err));
    KT_TRY(kt_alloc(&sum, s->g, sizeof *sum, err));
    for (uint32_t i = 0; i < n; i++)
        which[i] = i;
    out->divergence = divergence(sum, s, which, out->best);
    for (uint32_t c = 0; c < CHANCES; c++) {
        kt_rng rng;
        kt_rng_init(&rng, 0, 0, KT_RNG_BOOTSTRAP, c, 0);
        kt_rng_shuffle(&rng, which, n);
        chance[c] = divergence(sum, s, which, out->best);
    }
    qsort(chance, CHANCES, sizeof *chance, ascending);
    out->chance = chance[CHANCE_RANK - 1];
out:
    free(which);
    free(sum);
    return status;
}

kt_status kt_importance_of(kt_importance *out, const double *place, size_t n, size_t values, kt_error *err)
{
    kt_status status = KT_OK;
    spread s = {.m = 0};
    double *x = NULL;
    *out = (kt_importance){.divergence = NAN, .chance = NAN};
    KT_TRY(kt_alloc(&x, n, sizeof *x, err));
    for (size_t i = 0; i < n; i++)
        if (!isnan(place[i]))
            x[out->trials++] = place[i];
    out->best = (out->trials + 3) / 4;
    if (out->trials < KT_IMPORTANCE_LEAST)
        goto out;
    KT_TRY(make_spread(&s, x, out->trials, out->best, values, err));
    KT_TRY(judge(out, &s, err));
out:
    free(s.mass);
    free(s.all);
    free(x);
    return status;
}
