/* Against laws known in closed form, simulation, and SciPy's kstwo (in test_metrics.c). */
#include "distance.h"
#include "kt/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance * fabs(expected)))
        fail_msg("%.17g differs from %.17g by more than %g of it", value, expected, tolerance);
}

static void quantiles_of_samples(void **state)
{
    (void)state;
    const double y[] = {1, 2, 4, 8}; /* R: quantile(c(1,2,4,8), type = 7) */
    near(kt_sample_quantile(y, 4, 0.5), 3, 1e-15);
    near(kt_sample_quantile(y, 4, 0.95), 7.4, 1e-15);
    near(kt_sample_quantile(y, 4, 0), 1, 0);
    near(kt_sample_quantile(y, 4, 1), 8, 0);
    near(kt_sample_quantile(y, 1, 0.99), 1, 0);
    const double endless[] = {1, INFINITY, INFINITY};
    assert_true(kt_sample_quantile(endless, 3, 0.75) == INFINITY);
}

static void autocorrelation(void **state)
{
    (void)state;
    const double y[] = {1, 2, 3, 4, 5}; /* mean 3: (2 + 0 + 0 + 2) / 10 */
    near(kt_autocorrelation(y, 5), 0.4, 1e-15);
    const double flip[] = {1, -1, 1, -1};
    near(kt_autocorrelation(flip, 4), -0.75, 1e-15);
    double constant[100];
    for (int i = 0; i < 100; i++)
        constant[i] = 0.1;
    assert_true(kt_autocorrelation(constant, 100) == 0);
    assert_true(kt_autocorrelation(constant, 1) == 0);
}

static void ks_by_hand(void **state)
{
    (void)state;
    const double f[] = {0.1, 0.4, 0.9}; /* steps 1/3, 2/3, 1: largest 2/3 - 0.4 */
    near(kt_ks(f, 3), 2.0 / 3 - 0.4, 1e-15);
    const double far[] = {1, 1};
    near(kt_ks(far, 2), 1, 0);
    const double tied[] = {0.5, 0.5};
    near(kt_ks(tied, 2), 0.5, 0);
    const double none[] = {0.5, NAN};
    assert_true(isnan(kt_ks(none, 2)));
}

/* Draws from the uniform distribution against itself. The median of m simulated values has a standard error
 * of 1 / (2 sqrt(m) density) = about 0.6 % of it for m = 4000; four of them are allowed. */
static void floor_is_what_simulation_gives(void **state)
{
    (void)state;
    enum { TRIALS = 4000, MOST = 200 };
    static double ks[TRIALS];
    const size_t sizes[] = {1, 2, 5, 20, MOST};
    kt_rng rng;
    kt_rng_init(&rng, 1, 2, KT_RNG_SAMPLE, 0, 0);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int t = 0; t < TRIALS; t++) {
            double u[MOST];
            for (size_t i = 0; i < sizes[s]; i++)
                u[i] = kt_rng_uniform(&rng);
            qsort(u, sizes[s], sizeof *u, ascending);
            ks[t] = kt_ks(u, sizes[s]);
        }
        qsort(ks, TRIALS, sizeof *ks, ascending);
        near(kt_ks_floor(sizes[s]), kt_sample_quantile(ks, TRIALS, 0.5), 0.024);
    }
}

/* Rows without dependence: the bootstrap by blocks says what Kolmogorov's law says. */
static void blocks_of_independent_rows(void **state)
{
    (void)state;
    enum { ROWS = 4096 };
    static uint32_t place[ROWS];
    kt_rng rng;
    kt_rng_init(&rng, 5, 6, KT_RNG_SAMPLE, 0, 0);
    for (uint32_t i = 0; i < ROWS; i++)
        place[i] = i;
    kt_rng_shuffle(&rng, place, ROWS);
    double floor = 0, again = 0;
    kt_rng bootstrap = rng;
    assert_int_equal(kt_ks_floor_blocks(&floor, place, ROWS, ROWS, &bootstrap, NULL), KT_OK);
    /* sd of a median of 200 is 2.6 %; a sample's own blocks add as much again */
    near(floor, kt_ks_floor(ROWS), 0.15);
    bootstrap = rng;
    assert_int_equal(kt_ks_floor_blocks(&again, place, ROWS, ROWS, &bootstrap, NULL), KT_OK);
    assert_true(floor == again);
}

/* A value held for 16 rows: as if there were a sixteenth of the rows. Blocks of 32 hold two such runs on
 * average whole or cut, so that they see nearly all of that. */
static void blocks_of_dependent_rows(void **state)
{
    (void)state;
    enum { ROWS = 8192, RUN = 16 };
    static uint32_t place[ROWS], value[ROWS / RUN];
    kt_rng rng;
    kt_rng_init(&rng, 9, 6, KT_RNG_SAMPLE, 0, 0);
    for (uint32_t i = 0; i < ROWS / RUN; i++)
        value[i] = i;
    kt_rng_shuffle(&rng, value, ROWS / RUN);
    for (int i = 0; i < ROWS; i++)
        place[i] = value[i / RUN];
    double floor = 0;
    assert_int_equal(kt_ks_floor_blocks(&floor, place, ROWS, ROWS / RUN, &rng, NULL), KT_OK);
    near(floor / kt_ks_floor(ROWS / RUN), 0.85, 0.2);
    assert_true(floor > 2.5 * kt_ks_floor(ROWS));
}

/* Constant rows lie on one value: no resample differs. Few rows: blocks are shorter, and it still varies. */
static void blocks_at_the_edges(void **state)
{
    (void)state;
    uint32_t place[64] = {0};
    double floor = 1;
    kt_rng rng;
    kt_rng_init(&rng, 9, 6, KT_RNG_SAMPLE, 0, 0);
    assert_int_equal(kt_ks_floor_blocks(&floor, place, 64, 1, &rng, NULL), KT_OK);
    assert_true(floor == 0);
    for (uint32_t i = 0; i < 16; i++)
        place[i] = i;
    assert_int_equal(kt_ks_floor_blocks(&floor, place, 16, 16, &rng, NULL), KT_OK);
    assert_true(floor > 0 && floor <= 1);
    assert_int_equal(kt_ks_floor_blocks(&floor, place, 1, 1, &rng, NULL), KT_OK);
    assert_true(floor == 0);
}

static double distance(const kt_mixture *mixture, const double *y, size_t n)
{
    double f[16];
    for (size_t i = 0; i < n; i++)
        f[i] = kt_mixture_cdf(mixture, y[i]);
    return kt_wasserstein(mixture, y, f, n);
}

/* Exponential of mean m (weibull of shape 1) against one row at c: m (2 exp(-c/m) - 1) + c. */
static void wasserstein_of_exponentials(void **state)
{
    (void)state;
    const double one[] = {1}, shape[] = {1};
    for (int i = 0; i < 40; i++) {
        double scale[] = {0.003}, c[] = {1e-6 * pow(1.6, i)};
        kt_mixture mixture = {KT_WEIBULL, 1, one, shape, scale};
        near(distance(&mixture, c, 1), scale[0] * (2 * exp(-c[0] / scale[0]) - 1) + c[0], 3e-6);
    }
}

/* Two rows, u and v, and normal(0, 1): piece by piece from the antiderivative G of its cdf. */
static double antiderivative(double z)
{
    return z * 0.5 * erfc(-z / sqrt(2)) + exp(-z * z / 2) / sqrt(2 * acos(-1));
}

static void wasserstein_of_a_normal(void **state)
{
    (void)state;
    const double one[] = {1}, mu[] = {0}, sigma[] = {1};
    kt_mixture mixture = {KT_NORMAL, 1, one, mu, sigma};
    const double rows[][2] = {{-1, 1}, {-0.3, 2}, {0.5, 3}, {0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double u = rows[i][0], v = rows[i][1], cut = u < 0 && v > 0 ? 0 : u; /* F crosses 1/2 at 0 */
        double below = 0.5 * (cut - u) - (antiderivative(cut) - antiderivative(u));
        double between = antiderivative(v) - antiderivative(cut) - 0.5 * (v - cut);
        double expected = antiderivative(u) + below + between + antiderivative(-v);
        near(distance(&mixture, rows[i], 2), expected, 1e-6);
    }
}

/* Narrow components far from each other and from the rows: steps that a coarse rule would miss. A component
 * of shape 1000 is a step at its mean to first order, and the distance is that of two sets of points. */
static void wasserstein_sees_narrow_steps(void **state)
{
    (void)state;
    const double weight[] = {0.9, 0.05, 0.05}, shape[] = {1e3, 1e3, 1e3}, scale[] = {1, 50, 950};
    kt_mixture mixture = {KT_WEIBULL, 3, weight, shape, scale};
    const double y[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1000};
    double mean = tgamma(1 + 1e-3), far = 50 * mean, farther = 950 * mean;
    double expected = 0.05 * (1000 - far) + 0.05 * (1000 - farther);
    near(distance(&mixture, y, 10), expected, 1e-4); /* the spread of 0.1 % about 1 adds 1e-3 */
    const double none[] = {NAN, 0, 0};
    mixture.weight = none;
    assert_true(isnan(distance(&mixture, y, 10)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_samples),
        cmocka_unit_test(autocorrelation),
        cmocka_unit_test(ks_by_hand),
        cmocka_unit_test(floor_is_what_simulation_gives),
        cmocka_unit_test(blocks_of_independent_rows),
        cmocka_unit_test(blocks_of_dependent_rows),
        cmocka_unit_test(blocks_at_the_edges),
        cmocka_unit_test(wasserstein_of_exponentials),
        cmocka_unit_test(wasserstein_of_a_normal),
        cmocka_unit_test(wasserstein_sees_narrow_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
