#include "kt/scaler.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void textbook_values(void **state)
{
    (void)state;
    /* 2 4 4 4 5 5 7 9: mean 5, population sd 2 (sample sd would be 2.138) */
    static const double x[8][3] = {{2, 10, -1}, {4, 30, -1}, {4, 10, -1}, {4, 30, -1},
                                   {5, 10, -1}, {5, 30, -1}, {7, 10, -1}, {9, 30, -1}};
    kt_scaler scaler;
    kt_scaler_fit(&scaler, x[0], 8, 3);
    assert_true(scaler.mean[0] == 5 && scaler.sd[0] == 2);
    assert_true(scaler.mean[1] == 20 && scaler.sd[1] == 10);
    assert_true(scaler.mean[2] == -1 && scaler.sd[2] == 1);
    assert_int_equal(scaler.frozen, 4);

    float out[3];
    kt_scaler_apply(out, &scaler, (const double[]){8, 15, -1}, 3);
    assert_true(out[0] == 1.5f && out[1] == -0.5f && out[2] == 0);
    kt_scaler_apply(out, &scaler, (const double[]){8, 15, 4}, 3); /* a frozen column is still only shifted */
    assert_true(out[2] == 5);
}

/* A small spread on a large mean keeps its digits: the sum of squares alone would have lost them. */
static void large_mean_small_spread(void **state)
{
    (void)state;
    double x[1000];
    for (int i = 0; i < 1000; i++)
        x[i] = 1e8 + (i % 2 ? 1000.5 : 999.5);
    kt_scaler scaler;
    kt_scaler_fit(&scaler, x, 1000, 1);
    assert_true(scaler.mean[0] == 1e8 + 1000);
    assert_int_equal(scaler.frozen, 1); /* 0.5 of 1e8 is below 1e-6 of the mean */
    for (int i = 0; i < 1000; i++)
        x[i] = 1e8 + (i % 2 ? 1000. : -1000.);
    kt_scaler_fit(&scaler, x, 1000, 1);
    assert_true(scaler.mean[0] == 1e8 && scaler.sd[0] == 1000);
    assert_int_equal(scaler.frozen, 0);
}

static void constant_columns(void **state)
{
    (void)state;
    static const double value[] = {0, 0.1, 1e-30, -1e12, 1. / 3};
    for (size_t v = 0; v < sizeof value / sizeof *value; v++) {
        double x[777];
        for (int i = 0; i < 777; i++)
            x[i] = value[v];
        kt_scaler scaler;
        kt_scaler_fit(&scaler, x, 777, 1);
        assert_int_equal(scaler.frozen, 1);
        assert_true(scaler.sd[0] == 1);
        assert_true(fabs(scaler.mean[0] - value[v]) <= 1e-13 * fabs(value[v]));
    }
    kt_scaler scaler;
    kt_scaler_fit(&scaler, (const double[]){3, 4}, 1, 2); /* one row */
    assert_int_equal(scaler.frozen, 3);
    assert_true(scaler.mean[0] == 3 && scaler.mean[1] == 4);
}

/* The quotient is rounded to float once: (2^24 + 1) / 1 is a tie in float, 16777217 / 3 is not representable.
 */
static void rounded_once(void **state)
{
    (void)state;
    kt_scaler scaler = {.mean = {0.1}, .sd = {3}};
    float out;
    kt_scaler_apply(&out, &scaler, (const double[]){16777217.1}, 1);
    assert_true(out == (float)((16777217.1 - 0.1) / 3));
    assert_true(out != ((float)16777217.1 - (float)0.1) / 3.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(textbook_values),
        cmocka_unit_test(large_mean_small_spread),
        cmocka_unit_test(constant_columns),
        cmocka_unit_test(rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
