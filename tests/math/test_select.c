#include "kt/rng.h"
#include "kt/select.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Against the C library's sort: any rank, with ties, sorted and reversed and constant values. */
static void select_ranks(void **state)
{
    (void)state;
    enum { MOST = 400 };
    double value[MOST], sorted[MOST], work[MOST];
    kt_rng rng;
    kt_rng_init(&rng, 3, 0, KT_RNG_SAMPLE, 0, 0);
    for (size_t n = 1; n <= MOST; n += n < 20 ? 1 : 97) {
        for (int kind = 0; kind < 5; kind++) {
            for (size_t i = 0; i < n; i++)
                value[i] = kind == 0   ? kt_rng_uniform(&rng)
                           : kind == 1 ? (double)kt_rng_below(&rng, 4)
                           : kind == 2 ? (double)i
                           : kind == 3 ? -(double)i
                                       : 1;
            memcpy(sorted, value, sizeof value);
            qsort(sorted, n, sizeof *sorted, by_value);
            for (size_t k = 0; k < n; k++) {
                memcpy(work, value, sizeof value);
                assert_true(kt_select(work, n, k) == sorted[k]);
                for (size_t i = 0; i < n; i++)
                    assert_true(i < k ? work[i] <= work[k] : work[i] >= work[k]);
                qsort(work, n, sizeof *work, by_value);
                assert_memory_equal(work, sorted, n * sizeof *work);
            }
        }
    }
}

static void medians(void **state)
{
    (void)state;
    assert_true(kt_median((double[]){3}, 1) == 3);
    assert_true(kt_median((double[]){3, 1}, 2) == 2);
    assert_true(kt_median((double[]){9, 1, 5}, 3) == 5);
    assert_true(kt_median((double[]){9, 1, 5, 6}, 4) == 5.5);
    assert_true(kt_median((double[]){2, 2, 2, 7, 2, 7}, 6) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(select_ranks), cmocka_unit_test(medians)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
