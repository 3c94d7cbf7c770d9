#include "kt/load.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Numbers are fixed by the seed, bounds are quantiles at 1e-6. */

static void gaps_are_exponential(void **state)
{
    (void)state;
    enum { N = 20000 };
    const double rate = 250;
    kt_load_options o = {.rate = rate, .requests = N + 1, .seed = 11};
    kt_load_request *r = NULL;
    size_t n;
    assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
    assert_int_equal(n, N + 1);
    assert_int_equal(r[0].due, 0);
    static double u[N]; /* cdf of each gap: uniform if the law is right */
    double sum = 0, squares = 0, lagged = 0;
    for (size_t i = 0; i < N; i++) {
        double gap = (double)(r[i + 1].due - r[i].due) * 1e-9 * rate;
        assert_true(gap >= 0);
        sum += gap;
        squares += gap * gap;
        u[i] = -expm1(-gap);
        lagged += i > 0 ? (u[i] - 0.5) * (u[i - 1] - 0.5) : 0;
    }
    /* Mean 1, sd 1 / sqrt(n). Variance 1: its sample has sd sqrt(8 / n). 4.9 sd each. */
    double mean = sum / N, variance = squares / N - mean * mean;
    assert_true(fabs(mean - 1) < 4.9 / sqrt(N));
    assert_true(fabs(variance - 1) < 4.9 * sqrt(8.0 / N));
    /* Neighbours are independent: the product of two centred uniform numbers has variance 1 / 144. */
    assert_true(fabs(lagged / N) < 4.9 / 12 / sqrt(N));
    /* Kolmogorov: P(sqrt(n) D > 2.69) = 2 exp(-2 * 2.69^2) = 1.0e-6. */
    int below[1001] = {0};
    double distance = 0;
    for (size_t i = 0; i < N; i++)
        below[(int)(u[i] * 1000)]++;
    for (int i = 0, all = 0; i < 1000; i++) {
        all += below[i];
        distance = fmax(distance, fabs((double)all / N - (i + 1) / 1000.0));
    }
    assert_true(distance * sqrt(N) < 2.69);
    assert_true(distance * sqrt(N) > 0.2); /* numbers, not a grid: it is below that with probability 1e-12 */
    free(r);
}

static void counts_in_a_time_are_poisson(void **state)
{
    (void)state;
    enum { CELLS = 2000 };
    double sum = 0, squares = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        kt_load_options o = {.rate = 40, .seconds = 0.5, .seed = 3, .cell = cell};
        kt_load_request *r = NULL;
        size_t n;
        assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
        for (size_t i = 0; i < n; i++)
            assert_true(r[i].due >= 0 && r[i].due <= 500000000);
        sum += (double)n;
        squares += (double)n * (double)n;
        free(r);
    }
    double mean = sum / CELLS, variance = squares / CELLS - mean * mean;
    /* Poisson of 20: variance 20, fourth central moment 20 + 3 * 400. */
    assert_true(fabs(mean - 20) < 4.9 * sqrt(20.0 / CELLS));
    assert_true(fabs(variance - 20) < 4.9 * sqrt((1220.0 - 400) / CELLS));
}

static void constant_arrivals_have_one_gap(void **state)
{
    (void)state;
    kt_load_options o = {.rate = 3, .requests = 10001, .arrivals = KT_ARRIVALS_CONSTANT};
    kt_load_request *r = NULL;
    size_t n;
    assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(r[i].due, llround((double)i * 1e9 / 3));
    free(r);
}

static void the_parts_of_a_load_follow_each_other(void **state)
{
    (void)state;
    for (int by_count = 0; by_count < 2; by_count++) {
        kt_load_options o = {.rate = 100, .warmup_s = 1, .cooldown_s = 2, .seed = 5};
        o.requests = by_count ? 300 : 0;
        o.seconds = by_count ? 0 : 3;
        kt_load_request *r = NULL;
        size_t n, of[3] = {0};
        assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
        int64_t last_measured = 0;
        for (size_t i = 0; i < n; i++) {
            static const kt_load_phase order[] = {KT_LOAD_WARMUP, KT_LOAD_MEASURED, KT_LOAD_COOLDOWN};
            size_t part = 0;
            while (order[part] != r[i].phase)
                part++;
            of[part]++;
            for (size_t k = 0; i > 0 && k < part; k++)
                assert_true(r[i - 1].phase != order[2] || part == 2);
            assert_int_equal(r[i].due < 1000000000, part == 0);
            if (part == 1)
                last_measured = r[i].due;
            if (part == 2)
                assert_true(r[i].due > last_measured &&
                            r[i].due < (by_count ? last_measured : 4000000000) + 2000000000);
        }
        /* Poisson of 100, 300 and 200, or 300 for sure: within 5 sd */
        assert_in_range(of[0], 50, 150);
        assert_in_range(of[1], by_count ? 300 : 214, by_count ? 300 : 386);
        assert_in_range(of[2], 130, 270);
        free(r);
    }
}

static void ids_follow_from_seed_cell_and_number(void **state)
{
    (void)state;
    kt_load_options o = {.rate = 10, .requests = 1000, .seed = 1}, same = o, other = o;
    kt_load_request *a = NULL, *b = NULL;
    size_t n;
    assert_int_equal(kt_load_schedule(&a, &n, &o, NULL), KT_OK);
    assert_int_equal(kt_load_schedule(&b, &n, &same, NULL), KT_OK);
    for (size_t i = 0; i < n; i++) {
        uint8_t trace[16], span[8];
        kt_load_ids(trace, span, &o, i);
        assert_memory_equal(trace, a[i].trace, 16);
        assert_memory_equal(a[i].trace, b[i].trace, 16);
        assert_int_equal(a[i].due, b[i].due);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(a[k].trace, trace, 16);
    }
    free(b);
    for (int what = 0; what < 3; what++) { /* another seed, cell, attempt */
        other = o;
        other.seed += what == 0;
        other.cell += what == 1;
        other.attempt += what == 2;
        assert_int_equal(kt_load_schedule(&b, &n, &other, NULL), KT_OK);
        assert_memory_not_equal(a[0].trace, b[0].trace, 16);
        assert_int_equal(a[1].due == b[1].due, what == 2); /* the same load once more, under other ids */
        free(b);
    }
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_exponential),
        cmocka_unit_test(counts_in_a_time_are_poisson),
        cmocka_unit_test(constant_arrivals_have_one_gap),
        cmocka_unit_test(the_parts_of_a_load_follow_each_other),
        cmocka_unit_test(ids_follow_from_seed_cell_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
