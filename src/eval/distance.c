#include "distance.h"

#include "kt/pause.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double kt_sample_quantile(const double *sorted, size_t n, double p)
{
    assert(n >= 1 && p >= 0 && p <= 1);
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n)
        return sorted[n - 1];
    double low = sorted[i], high = sorted[i + 1];
    return low == high ? low : low + (at - (double)i) * (high - low); /* equal: infinities too */
}

double kt_autocorrelation(const double *y, size_t n)
{
    double mean = 0, lag = 0, variance = 0;
    for (size_t i = 0; i < n; i++)
        mean += y[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        KT_PAUSE_OFTEN();
        double d = y[i] - mean;
        variance += d * d;
        if (i + 1 < n)
            lag += d * (y[i + 1] - mean);
    }
    double noise = 1e-14 * mean; /* what rounding leaves of a constant */
    return variance > (double)n * noise * noise ? lag / variance : 0;
}

double kt_ks(const double *f, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double below = f[i] - (double)i / (double)n, above = (double)(i + 1) / (double)n - f[i];
        double d = below > above ? below : above;
        if (!(d <= largest)) /* NaN stays */
            largest = d;
    }
    return largest;
}

double kt_ks_floor(size_t n)
{
    static const double exact[] = {0.75,
                                   0.5,
                                   0.43448354743176749,
                                   0.38081852595461757,
                                   0.34191186044445438,
                                   0.31320752877128739,
                                   0.29179598563637400,
                                   0.27437000363650901};
    assert(n >= 1);
    if (n <= sizeof exact / sizeof *exact)
        return exact[n - 1];
    double limit = 0.82757355518990772, rows = (double)n, root = sqrt(rows);
    return (limit - 1 / (6 * root) + 1 / (4 * rows)) / (1 + 1 / (4 * rows)) / root;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sup |F* - F| in rows, from how often each distinct value was drawn and how often it is there. */
static uint64_t largest_gap(const uint32_t *drawn, const uint32_t *there, size_t values)
{
    int64_t gap = 0, largest = 0;
    for (size_t v = 0; v < values; v++) {
        gap += (int64_t)drawn[v] - (int64_t)there[v];
        int64_t size = gap < 0 ? -gap : gap;
        largest = size > largest ? size : largest;
    }
    return (uint64_t)largest;
}

kt_status kt_ks_floor_blocks(double *floor, const uint32_t *place, size_t n, size_t values, kt_rng *rng,
                             kt_error *err)
{
    assert(n >= 1 && n <= UINT32_MAX);
    kt_status status = KT_OK;
    uint32_t *drawn = NULL, *there = NULL;
    double ks[KT_KS_RESAMPLES];
    size_t block = n / 4 < 1 ? 1 : n / 4 < KT_KS_BLOCK ? n / 4 : KT_KS_BLOCK;
    KT_TRY(kt_alloc(&drawn, values, sizeof *drawn, err));
    KT_TRY(kt_alloc(&there, values, sizeof *there, err));
    for (size_t i = 0; i < n; i++)
        there[place[i]]++;
    for (int r = 0; r < KT_KS_RESAMPLES; r++) {
        kt_pause();
        memset(drawn, 0, values * sizeof *drawn);
        for (size_t done = 0; done < n; done += block) {
            size_t row = kt_rng_below(rng, (uint32_t)n);
            KT_PAUSE_OFTEN();
            for (size_t i = 0; i < block && done + i < n; i++) {
                drawn[place[row]]++;
                row = row + 1 < n ? row + 1 : 0;
            }
        }
        ks[r] = (double)largest_gap(drawn, there, values) / (double)n;
    }
    qsort(ks, KT_KS_RESAMPLES, sizeof *ks, ascending);
    *floor = kt_sample_quantile(ks, KT_KS_RESAMPLES, 0.5);
out:
    free(drawn);
    free(there);
    return status;
}

/* ---- Wasserstein ---- */

typedef struct {
    const kt_mixture *mixture;
    double tolerance;
    double area, difference; /* integrals of |F_n - F| and F_n - F so far */
} transport;

/* integral |level - F| over a width h on which F is nearly straight. */
static double straight(double fa, double fb, double level, double h)
{
    double a = fa - level, b = fb - level;
    if (a * b >= 0)
        return 0.5 * h * fabs(a + b);
    return 0.5 * h * (a * a + b * b) / fabs(b - a);
}

/* One stretch between order statistics, where F_n is `level`. F rises, so the error of any rule is at most
 * (fb - fa)(b - a): a step of F that a rule might miss makes that large, and the piece is halved. */
static void add_piece(transport *t, double a, double fa, double b, double fb, double level, int depth)
{
    double h = b - a, middle = a + 0.5 * h, fm = kt_mixture_cdf(t->mixture, middle);
    double simpson = h / 6 * (fa + 4 * fm + fb);
    bool good = fabs(0.5 * h * (fa + fb) - simpson) <= t->tolerance && (fb - fa) * h <= 1e4 * t->tolerance;
    if (!good && depth > 0 && middle > a && middle < b) {
        add_piece(t, a, fa, middle, fm, level, depth - 1);
        add_piece(t, middle, fm, b, fb, level, depth - 1);
        return;
    }
    t->difference += level * h - simpson;
    if ((fa - level) * (fb - level) >= 0)
        t->area += fabs(simpson - level * h);
    else
        t->area += straight(fa, fm, level, 0.5 * h) + straight(fm, fb, level, 0.5 * h);
}

double kt_wasserstein(const kt_mixture *mixture, const double *y, const double *f, size_t n)
{
    enum { DEPTH = 40 };
    double mean = 0, expected = kt_mixture_mean(mixture);
    for (size_t i = 0; i < n; i++) {
        mean += y[i];
        if (isnan(f[i]))
            return NAN;
    }
    mean /= (double)n;
    if (!isfinite(expected))
        return expected;
    double size = fmax(fabs(mean), fabs(expected));
    size = size > 0 ? size : sqrt(kt_mixture_variance(mixture)); /* both about 0: a normal law may be */
    transport t = {mixture, 1e-7 * size, 0, 0};
    double start = kt_family_table[mixture->family].positive ? 0 : kt_mixture_quantile(mixture, 1e-15);
    if (start < y[0])
        add_piece(&t, start, kt_mixture_cdf(mixture, start), y[0], f[0], 0, DEPTH);
    for (size_t i = 0; i + 1 < n; i++) {
        kt_pause(); /* a piece may take long */
        if (y[i] < y[i + 1])
            add_piece(&t, y[i], f[i], y[i + 1], f[i + 1], (double)(i + 1) / (double)n, DEPTH);
    }
    double above = expected - mean - t.difference;
    return t.area + (above > 0 ? above : 0);
}
