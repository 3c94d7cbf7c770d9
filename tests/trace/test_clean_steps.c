/* Load steps that are found: sets of pods, rates, and the tests behind them. */
#include "../data/check.h"
#include "changes.h"
#include "figures.h"
#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>

enum { MOST = 4000 };
static int64_t start[MOST];
static kt_sighting seen[2 * MOST];
static size_t n, n_seen;
static int64_t now;
static kt_rng rng;

static void begin(uint64_t seed)
{
    n = n_seen = 0;
    now = 0;
    kt_rng_init(&rng, seed, 0, KT_RNG_SAMPLE, 0, 0);
}

/* `count` requests of a Poisson process, each visiting a random one of pods [first, first + pods). */
static void requests(size_t count, double rate, uint32_t first, uint32_t pods)
{
    for (size_t i = 0; i < count; i++) {
        now += (int64_t)(-1e9 * log(1 - kt_rng_uniform(&rng)) / rate);
        seen[n_seen++] = (kt_sighting){0, (uint32_t)n, first + (uint32_t)kt_rng_below(&rng, pods)};
        start[n++] = now;
    }
}

static kt_run *run;
static size_t n_runs, n_cells;

static void find(void)
{
    run = NULL;
    OK(kt_changes_find(&run, &n_runs, &n_cells, start, n, seen, n_seen, 16, &err));
}

static void near_place(size_t got, size_t wanted, size_t most)
{
    if (got > wanted + most || wanted > got + most)
        fail_msg("%zu, not %zu", got, wanted);
}

/* Binomial tails, by SciPy: 2 * binom.cdf(min(k, n - k), n, p) and the like. */
static void poisson_test(void **state)
{
    (void)state;
    assert_true(kt_poisson_p(0, 10, 0, 10) == 1);
    assert_true(kt_poisson_p(5, 10, 5, 10) == 1);
    assert_true(fabs(kt_poisson_p(0, 10, 10, 10) / (2 * pow(0.5, 10)) - 1) < 1e-12);
    assert_true(fabs(kt_poisson_p(10, 10, 0, 10) / (2 * pow(0.5, 10)) - 1) < 1e-12);
    assert_true(fabs(kt_poisson_p(0, 10, 4, 30) / (2 * pow(0.75, 4)) - 1) < 1e-12);
    assert_true(fabs(kt_poisson_p(1, 1, 3, 1) / (2 * 5. / 16) - 1) < 1e-12);
}

/* One rate, one set of pods: one step, for every seed. */
static void nothing_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed);
        requests(2000, 30, 0, 4);
        find();
        assert_int_equal(n_runs, 1);
        assert_int_equal(n_cells, 1);
        free(run);
    }
}

/* 2 pods, then 4, then 2 again: cuts at the first visits of new pods and behind the last ones of those gone.
 * A restart that keeps names is no cut (there is nothing to see), one that gives new names is. */
static void pods_change(void **state)
{
    (void)state;
    begin(1);
    requests(600, 30, 0, 2);
    requests(600, 30, 0, 4);
    requests(600, 30, 0, 2);
    requests(600, 30, 6, 2);
    find();
    assert_int_equal(n_cells, 4);
    near_place(run[1].first, 600, 30);
    near_place(run[2].first, 1200, 20);
    near_place(run[3].first, 1800, 20);
    free(run);
}

/* Both pods restart and keep their names, as those of a StatefulSet do: a break of two seconds, and the same
 * step after it as before. */
static void a_restart_that_keeps_the_pods(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        begin(seed);
        requests(600, 30, 0, 2);
        now += 2 * INT64_C(1000000000);
        requests(600, 30, 0, 2);
        find();
        assert_int_equal(n_cells, 1);
        assert_int_equal(n_runs, 1);
        free(run);
    }
}

/* 20 to 60 requests a second, and a pause: cut within a few requests of the change. */
static void rate_changes(void **state)
{
    (void)state;
    begin(2);
    requests(600, 20, 0, 2);
    requests(1200, 60, 0, 2);
    now += 60 * INT64_C(1000000000);
    requests(600, 60, 0, 2);
    find();
    assert_int_equal(n_runs, 3);
    near_place(run[1].first, 600, 30);
    near_place(run[2].first, 1800, 0);
    free(run);
}

/* Steps of fewer than 100 requests with pauses between: those of like rates are one cell. */
static void few_requests(void **state)
{
    (void)state;
    begin(3);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 60; k++) {
            seen[n_seen++] = (kt_sighting){0, (uint32_t)n, (uint32_t)k % 2};
            start[n++] = now += 100000000 * (i % 2 + 1) * 2;
        }
        now += 100 * INT64_C(1000000000);
    }
    find();
    assert_int_equal(n_runs, 4);
    assert_int_equal(n_cells, 2);
    assert_int_equal(run[0].cell, run[2].cell);
    assert_int_equal(run[1].cell, run[3].cell);
    free(run);
}

static void few_at_all(void **state)
{
    (void)state;
    begin(4);
    requests(1, 1, 0, 1);
    find();
    assert_int_equal(n_cells, 1);
    free(run);
}

/* Halves of one law differ by 3 standard errors in few of many tries; shifted by half a deviation in most. */
static void drift(void **state)
{
    (void)state;
    enum { TRIES = 400, N = 400 };
    int same = 0, shifted = 0;
    begin(5);
    for (int i = 0; i < TRIES; i++) {
        double value[N];
        for (int shift = 0; shift < 2; shift++) {
            for (int k = 0; k < N; k++)
                value[k] = -log(1 - kt_rng_uniform(&rng)) + (k >= N / 2 ? 0.6 * shift : 0);
            (*(shift ? &shifted : &same)) += kt_halves_differ(value, N);
        }
    }
    assert_true(same <= 6);
    assert_true(shifted >= 380);
    assert_false(kt_halves_differ((double[20]){0}, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisson_test), cmocka_unit_test(nothing_changes),
        cmocka_unit_test(pods_change),  cmocka_unit_test(a_restart_that_keeps_the_pods),
        cmocka_unit_test(rate_changes), cmocka_unit_test(few_requests),
        cmocka_unit_test(few_at_all),   cmocka_unit_test(drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
