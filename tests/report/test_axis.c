#include "axis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const axis *a, size_t n, const double *tick)
{
    assert_int_equal(a->n, n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a->tick[i] - tick[i]) <= 1e-12 * fabs(tick[n - 1])))
            fail_msg("tick %zu is %.17g, not %g", i, a->tick[i], tick[i]);
    assert_true(a->low == a->tick[0] && a->high == a->tick[n - 1]);
}
#define EXPECT(a, ...)                                                                                       \
    expect(&(a), sizeof((double[]){__VA_ARGS__}) / sizeof(double), (const double[]){__VA_ARGS__})

static void linear(void **state)
{
    (void)state;
    axis a = axis_linear(0, 78, 7);
    EXPECT(a, 0, 20, 40, 60, 80);
    a = axis_linear(0.13, 0.61, 6); /* steps of 0.1 would be seven ticks */
    EXPECT(a, 0, 0.2, 0.4, 0.6, 0.8);
}

static void linear_steps(void **state)
{
    (void)state;
    axis a = axis_linear(-3.83, -3.66, 7);
    EXPECT(a, -3.85, -3.8, -3.75, -3.7, -3.65);
    a = axis_linear(0, 2250, 6);
    EXPECT(a, 0, 500, 1000, 1500, 2000, 2500);
    a = axis_linear(5, 5, 7); /* one value: half of it around */
    assert_true(a.low <= 2.5 && a.high >= 7.5 && a.n >= 2);
    a = axis_linear(0, 0, 5);
    assert_true(a.low < 0 && a.high > 0);
}

static void fitting(void **state)
{
    (void)state;
    axis a = axis_fitting(0, 2250, 6);
    assert_int_equal(a.n, 5);
    assert_true(a.low == 0 && a.high == 2250 && a.tick[4] == 2000);
    a = axis_fitting(3, 3, 6);
    assert_true(a.low < 3 && a.high > 3 && a.n >= 2);
}

static void logarithmic(void **state)
{
    (void)state;
    axis a = axis_log(0.0075, 0.043, 7);
    EXPECT(a, 0.005, 0.01, 0.02, 0.05);
    a = axis_log(0.001, 0.1, 7); /* ends on ticks stay */
    EXPECT(a, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1);
    a = axis_log(3, 4e4, 7);
    EXPECT(a, 1, 10, 100, 1e3, 1e4, 1e5);
    a = axis_log(1e-9, 1e9, 7);
    assert_true(a.n <= 7 && a.low <= 1e-9 && a.high >= 1e9);
    a = axis_log(2, 2, 7);
    assert_true(a.low <= 2 && a.high >= 2 && a.low < a.high);
}

/* Whatever is asked: ticks ascend, enclose the data and are no more than asked for. */
static void any_range(void **state)
{
    (void)state;
    for (int e = -12; e <= 9; e++)
        for (int k = 1; k <= 40; k++)
            for (int most = 2; most <= AXIS_TICKS; most += 3) {
                double low = pow(10, e) * k / 7, high = low * (1 + k * k / 3.0);
                axis both[] = {axis_linear(low, high, most), axis_log(low, high, most)};
                for (int b = 0; b < 2; b++) {
                    const axis *a = &both[b];
                    if (!(a->n >= 2 && a->n <= most && a->low <= low * (1 + 1e-9) &&
                          a->high >= high * (1 - 1e-9)))
                        fail_msg("%g to %g, %d ticks: %d from %g to %g", low, high, most, a->n, a->low,
                                 a->high);
                    for (int i = 1; i < a->n; i++)
                        assert_true(a->tick[i] > a->tick[i - 1]);
                }
            }
}

static void places_and_labels(void **state)
{
    (void)state;
    char label[32];
    axis a = axis_times(0.0075, 0.043, 7);
    a.from = 1000;
    a.to = 0;
    assert_true(a.log);
    assert_string_equal(a.unit_name, "ms");
    assert_int_equal(axis_at(&a, 0.005), 1000);
    assert_int_equal(axis_at(&a, 0.05), 0);
    assert_int_equal(axis_at(&a, sqrt(0.005 * 0.05)), 500);
    assert_int_equal(axis_at(&a, 1), 0); /* beyond the end */
    assert_int_equal(axis_at(&a, -1), 1000);
    axis_label(label, &a, a.tick[1]);
    assert_string_equal(label, "10");
    a = axis_times(2e-6, 5e-6, 7);
    assert_false(a.log);
    assert_string_equal(a.unit_name, "\xC2\xB5s");
    axis_label(label, &a, 0);
    assert_string_equal(label, "0");
    a = axis_times(0, 30, 7); /* a time of zero has no logarithm */
    assert_false(a.log);
    assert_string_equal(a.unit_name, "s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),    cmocka_unit_test(linear_steps), cmocka_unit_test(logarithmic),
        cmocka_unit_test(any_range), cmocka_unit_test(fitting),      cmocka_unit_test(places_and_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
