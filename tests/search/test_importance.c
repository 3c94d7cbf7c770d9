/* Importance of options: against SciPy's quadrature, against what is known exactly, and against chance. */
#include "kt/importance.h"
#include "kt/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static kt_importance importance(const double *place, size_t n, size_t values)
{
    kt_importance out;
    assert_int_equal(kt_importance_of(&out, place, n, values, NULL), KT_OK);
    return out;
}

static void it_is_what_quadrature_gives(void **state)
{
    (void)state;
    FILE *file = fopen(KT_TESTS "/golden/importance.txt", "r");
    assert_non_null(file);
    size_t values, n, lines = 0;
    while (fscanf(file, "%zu %zu", &values, &n) == 2) {
        double place[128], wanted;
        assert_true(n <= 128);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(fscanf(file, "%lf", &place[i]), 1);
        assert_int_equal(fscanf(file, "%lf", &wanted), 1);
        double got = importance(place, n, values).divergence;
        double within = values > 0 ? 1e-12 : 1e-3 * wanted + 1e-6;
        if (!(fabs(got - wanted) <= within))
            fail_msg("line %zu: %.10g, not %.10g", lines + 1, got, wanted);
        lines++;
    }
    fclose(file);
    assert_int_equal(lines, 32);
}

/* All of the best quarter have one value of four, which no other trial has: D = 4 - 1. */
static void the_most_is_reached(void **state)
{
    (void)state;
    double place[40];
    for (size_t i = 0; i < 40; i++)
        place[i] = i < 10 ? 0.125 : 0.375 + 0.25 * (double)(i % 3);
    kt_importance got = importance(place, 40, 4);
    assert_true(fabs(got.divergence - 3) < 1e-12);
    assert_true(got.chance < 1 && got.trials == 40 && got.best == 10);
    for (size_t i = 0; i < 40; i++)
        place[i] = 0.5; /* one value: nothing to explain */
    assert_true(importance(place, 40, 4).divergence < 1e-12);
    assert_true(importance(place, 40, 0).divergence < 1e-12);
}

static void few_trials_say_nothing(void **state)
{
    (void)state;
    double place[20];
    for (size_t i = 0; i < 20; i++)
        place[i] = i < 7 ? 0.1 * (double)i : NAN;
    kt_importance got = importance(place, 20, 0);
    assert_true(isnan(got.divergence) && isnan(got.chance));
    assert_int_equal(got.trials, 7);
    place[7] = 0.5;
    assert_true(importance(place, 20, 0).divergence >= 0);
    assert_int_equal(importance(NULL, 0, 0).trials, 0);
}

/* Of options that do nothing one in twenty passes what chance gives; one that decides does always. */
static void chance_is_known(void **state)
{
    (void)state;
    enum { OPTIONS = 400, TRIALS = 36 };
    double place[TRIALS];
    kt_rng rng;
    for (size_t values = 0; values <= 3; values += 3) {
        int above = 0;
        kt_rng_init(&rng, 5, 0, KT_RNG_SAMPLE, (uint32_t)values, 0);
        for (int o = 0; o < OPTIONS; o++) {
            for (size_t i = 0; i < TRIALS; i++)
                place[i] = kt_rng_uniform(&rng);
            kt_importance got = importance(place, TRIALS, values);
            above += got.divergence > got.chance;
        }
        assert_in_range(above, OPTIONS / 100, OPTIONS / 10); /* 4 expected standard deviations: 5 % +- 4.4 */
    }
    for (size_t i = 0; i < TRIALS; i++)
        place[i] = (double)i / TRIALS;
    kt_importance got = importance(place, TRIALS, 0);
    assert_true(got.divergence > 2 * got.chance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_quadrature_gives),
        cmocka_unit_test(the_most_is_reached),
        cmocka_unit_test(few_trials_say_nothing),
        cmocka_unit_test(chance_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
