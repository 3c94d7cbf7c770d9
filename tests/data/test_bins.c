#include "bins.h"
#include "check.h"
#include "kt/rng.h"
#include <stdio.h>
#include <stdlib.h>

/* 1,000 distinct rates with 2 replicas and 250 with 3: ten bins of 100 rows, two of 125. */
static void quantiles(void **state)
{
    (void)state;
    enum { N = 1250 };
    static double x[N][2];
    static uint32_t bin[N];
    char(*label)[KT_LABEL] = NULL;
    size_t n_bins, count[12] = {0};
    for (int i = 0; i < N; i++) {
        x[i][0] = (i * 7) % 1000 + (i >= 1000 ? 0.5 : 0); /* 7 is prime to 1000 */
        x[i][1] = i >= 1000 ? 3 : 2;
    }
    OK(kt_bins_make(bin, &label, &n_bins, x[0], N, 2, 0, 1, &err));
    assert_int_equal(n_bins, 12);
    assert_string_equal(label[0], "rep=2 bin=1/10");
    assert_string_equal(label[9], "rep=2 bin=10/10");
    assert_string_equal(label[11], "rep=3 bin=2/2");
    for (int i = 0; i < N; i++) {
        count[bin[i]]++;
        if (i < 1000)
            assert_int_equal(bin[i], (int)x[i][0] / 100);
        else
            assert_true(bin[i] >= 10);
    }
    for (size_t b = 0; b < 12; b++)
        assert_int_equal(count[b], b < 10 ? 100 : 125);
    free(label);
}

static void ties_stay_together(void **state)
{
    (void)state;
    enum { N = 3000 };
    static double x[N];
    static uint32_t bin[N];
    char(*label)[KT_LABEL] = NULL;
    size_t n_bins;
    kt_rng rng;
    kt_rng_init(&rng, 4, 0, KT_RNG_SAMPLE, 0, 0);
    for (uint32_t values = 1; values < 40; values++) {
        for (size_t i = 0; i < N; i++)
            x[i] = kt_rng_below(&rng, values);
        OK(kt_bins_make(bin, &label, &n_bins, x, N, 1, 0, -1, &err));
        assert_int_equal(n_bins, 10);
        assert_string_equal(label[0], "bin=1/10");
        uint32_t of_value[40];
        memset(of_value, 0xFF, sizeof of_value);
        for (size_t i = 0; i < N; i++) {
            uint32_t *of = &of_value[(size_t)x[i]];
            *of = *of == UINT32_MAX ? bin[i] : *of;
            assert_int_equal(*of, bin[i]);
        }
        for (uint32_t v = 1; v < values; v++) /* and the order of values is that of bins */
            assert_true(of_value[v] >= of_value[v - 1]);
        free(label);
    }
}

static void few_rows_and_odd_columns(void **state)
{
    (void)state;
    enum { N = 150 };
    static double x[N][2];
    static uint32_t bin[N];
    char(*label)[KT_LABEL] = NULL;
    size_t n_bins;
    for (int i = 0; i < N; i++) {
        x[i][0] = i;
        x[i][1] = i % 2;
    }
    OK(kt_bins_make(bin, &label, &n_bins, x[0], N, 2, 0, 1, &err)); /* 75 rows each: one bin */
    assert_int_equal(n_bins, 2);
    assert_string_equal(label[1], "rep=1 bin=1/1");
    free(label);
    OK(kt_bins_make(bin, &label, &n_bins, x[0], N, 2, 1, 0, &err)); /* 150 values are no replicas */
    assert_int_equal(n_bins, 1);
    assert_string_equal(label[0], "bin=1/1");
    free(label);
    OK(kt_bins_make(bin, &label, &n_bins, x[0], N, 2, -1, 1, &err)); /* no rate at all */
    assert_int_equal(n_bins, 2);
    for (int i = 0; i < N; i++)
        assert_int_equal(bin[i], i % 2);
    free(label);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(ties_stay_together),
        cmocka_unit_test(few_rows_and_odd_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
