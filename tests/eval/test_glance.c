/* Rows of a cell in order, and intervals of their quantiles against laws whose quantiles are known. */
#include "kt/glance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void rows_in_order_of_size(void **state)
{
    (void)state;
    const double y[] = {3, 1, 2, 1, 5};
    const double sorted[] = {1, 1, 2, 3, 5};
    const uint32_t row[] = {1, 3, 2, 0, 4}, place[] = {2, 0, 1, 0, 3};
    kt_glance g = {0};
    assert_int_equal(kt_glance_make(&g, y, 5, NULL), KT_OK);
    assert_int_equal(g.values, 4);
    assert_memory_equal(g.sorted, sorted, sizeof sorted);
    assert_memory_equal(g.row, row, sizeof row);
    assert_memory_equal(g.place, place, sizeof place);
    kt_glance_clear(&g);
}

static void near(double value, double expected)
{
    assert_true(fabs(value - expected) <= 1e-10 * expected);
}

/* The score of a cell says the same as that of kt_metrics_cell, whose values SciPy gave (test_metrics.c). */
static void score_by_hand(void **state)
{
    (void)state;
    const double y[] = {0.5, 2, 1, 4}, weight[] = {1}, shape[] = {1}, scale[] = {1}; /* exponential */
    const kt_mixture m = {KT_WEIBULL, 1, weight, shape, scale};
    double f[4];
    kt_cell_score score = {.rows = 4};
    kt_glance g = {0};
    assert_int_equal(kt_glance_make(&g, y, 4, NULL), KT_OK);
    assert_int_equal(kt_glance_score(&score, f, &g, &m, 1, 2, 3, NULL), KT_OK);
    near(score.ks, 1 - exp(-0.5)); /* before the first row */
    near(score.observed[0], 1.5);
    near(score.predicted[0], log(2));
    near(score.error[0], (1.5 - log(2)) / 1.5);
    near(score.predicted[2], log(100));
    kt_glance_clear(&g);
}

/* How often the interval holds the law's quantile, and its mean width, over draws of n rows in runs of `run`
 * equal ones. */
static void measure(double *coverage, double *width, int q, size_t n, size_t run)
{
    enum { TRIALS = 400, MOST = 1024 };
    double y[MOST], truth = -log(1 - kt_quantile_level[q]);
    kt_rng rng;
    *coverage = *width = 0;
    for (uint32_t t = 0; t < TRIALS; t++) {
        double low[KT_QUANTILES], high[KT_QUANTILES];
        kt_glance g = {0};
        kt_rng_init(&rng, 7, n, KT_RNG_SAMPLE, t, (uint32_t)run);
        for (size_t i = 0; i < n; i++)
            y[i] = i % run == 0 ? -log(kt_rng_uniform(&rng)) : y[i - 1];
        assert_int_equal(kt_glance_make(&g, y, n, NULL), KT_OK);
        assert_int_equal(kt_glance_intervals(low, high, &g, &rng, NULL), KT_OK);
        assert_true(low[q] <= high[q] && low[q] >= g.sorted[0] && high[q] <= g.sorted[n - 1]);
        *coverage += low[q] <= truth && truth <= high[q];
        *width += (high[q] - low[q]) / TRIALS;
        kt_glance_clear(&g);
    }
    *coverage /= TRIALS;
}

/* Exponential law: the density at quantile p is 1 - p, the standard error of a sample quantile
 * sqrt(p (1-p) / n) over it (Cramer 1946, section 28.5). A share of 0.95 over 400 trials has a standard error
 * of 0.011. */
static void intervals_of_independent_rows(void **state)
{
    (void)state;
    const struct {
        int q;
        size_t n;
        double least; /* the tail of few rows is known less well: percentile intervals cover too little */
    } cases[] = {{0, 320, 0.91}, {0, 1024, 0.91}, {1, 1024, 0.89}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double coverage, width, p = kt_quantile_level[cases[c].q];
        double expected = 2 * 1.96 * sqrt(p * (1 - p) / (double)cases[c].n) / (1 - p);
        measure(&coverage, &width, cases[c].q, cases[c].n, 1);
        if (!(coverage >= cases[c].least && coverage <= 0.99))
            fail_msg("p%.0f of %zu rows: covered %.3f", 100 * p, cases[c].n, coverage);
        if (!(fabs(width / expected - 1) < 0.15))
            fail_msg("p%.0f of %zu rows: width %.4f, expected %.4f", 100 * p, cases[c].n, width, expected);
    }
}

/* Rows in runs of four are a quarter of the independent rows: intervals twice as wide. Resampling single rows
 * would not see it. */
static void intervals_know_dependence(void **state)
{
    (void)state;
    double alone, runs, coverage, unused;
    measure(&unused, &alone, 0, 1024, 1);
    measure(&coverage, &runs, 0, 1024, 4);
    assert_true(runs / alone > 1.75 && runs / alone < 2.15);
    assert_true(coverage >= 0.90);
}

static void few_rows_and_constant_ones(void **state)
{
    (void)state;
    const double one[] = {0.25}, constant[] = {2, 2, 2, 2, 2, 2};
    double low[KT_QUANTILES], high[KT_QUANTILES];
    kt_rng rng;
    kt_glance g = {0};
    kt_rng_init(&rng, 1, 1, KT_RNG_SAMPLE, 0, 0);
    assert_int_equal(kt_glance_make(&g, one, 1, NULL), KT_OK);
    assert_int_equal(kt_glance_intervals(low, high, &g, &rng, NULL), KT_OK);
    assert_true(low[0] == 0.25 && high[2] == 0.25);
    kt_glance_clear(&g);
    assert_int_equal(kt_glance_make(&g, constant, 6, NULL), KT_OK);
    assert_int_equal(kt_glance_intervals(low, high, &g, &rng, NULL), KT_OK);
    assert_true(low[1] == 2 && high[1] == 2);
    kt_glance_clear(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_order_of_size),         cmocka_unit_test(score_by_hand),
        cmocka_unit_test(intervals_of_independent_rows), cmocka_unit_test(intervals_know_dependence),
        cmocka_unit_test(few_rows_and_constant_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
