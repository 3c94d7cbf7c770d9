/* Brackets and promotions, against Hyperband's own numbers and decisions made by hand. */
#include "kt/rng.h"
#include "kt/rungs.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static kt_rungs rungs_of(kt_rungs_kind kind, int n, double eta)
{
    kt_rungs rungs;
    assert_int_equal(kt_rungs_make(&rungs, kind, n, eta, NULL), KT_OK);
    return rungs;
}

static void shares_are_powers_of_eta(void **state)
{
    (void)state;
    kt_rungs rungs = rungs_of(KT_RUNGS_HALVING, 3, 3), none = rungs_of(KT_RUNGS_NONE, 5, 0);
    assert_true(fabs(rungs.share[0] - 1. / 9) < 1e-15 && fabs(rungs.share[1] - 1. / 3) < 1e-15);
    assert_true(rungs.share[2] == 1);
    assert_int_equal(kt_rungs_step(&rungs, 0, 2250), 250);
    assert_int_equal(kt_rungs_step(&rungs, 1, 2250), 750);
    assert_int_equal(kt_rungs_step(&rungs, 2, 2250), 2250);
    assert_int_equal(kt_rungs_step(&rungs, 0, 5), 1); /* never before the first step */
    assert_int_equal(none.n, 1);
    assert_int_equal(kt_rungs_step(&none, 0, 7), 7);
}

static void bad_ones_are_refused(void **state)
{
    (void)state;
    kt_rungs rungs;
    kt_error err = {0};
    assert_int_equal(kt_rungs_make(&rungs, KT_RUNGS_HALVING, 3, 1, &err), KT_USAGE);
    assert_non_null(strstr(err.message, "eta 1"));
    assert_int_equal(kt_rungs_make(&rungs, KT_RUNGS_HALVING, 3, NAN, NULL), KT_USAGE);
    assert_int_equal(kt_rungs_make(&rungs, KT_RUNGS_HALVING, 0, 3, NULL), KT_USAGE);
    assert_int_equal(kt_rungs_make(&rungs, KT_RUNGS_HYPERBAND, KT_RUNGS_MAX + 1, 2, NULL), KT_USAGE);
}

static void count(size_t by[KT_RUNGS_MAX], const int *first, size_t n)
{
    memset(by, 0, KT_RUNGS_MAX * sizeof *by);
    for (size_t i = 0; i < n; i++)
        by[first[i]]++;
}

/* eta 3, three rungs: s_max = 2, n_s = ceil(3 / (s + 1) 3^s) = 9, 5, 3 for s = 2, 1, 0. Five rungs of eta 3,
 * as in the paper's table 1 (R = 81): 81, 34, 15, 8, 5. */
static void hyperband_deals_in_its_proportions(void **state)
{
    (void)state;
    const kt_rungs three = rungs_of(KT_RUNGS_HYPERBAND, 3, 3), five = rungs_of(KT_RUNGS_HYPERBAND, 5, 3);
    const kt_rungs halving = rungs_of(KT_RUNGS_HALVING, 3, 3);
    const size_t exact[] = {9, 5, 3}, paper[] = {81, 34, 15, 8, 5};
    const size_t sixteen[] = {8, 5, 3}; /* 8.47, 4.71, 2.82: the two missing to the largest remainders */
    size_t by[KT_RUNGS_MAX];
    int first[143];
    kt_rungs_deal(first, &three, 17);
    count(by, first, 17);
    assert_memory_equal(by, exact, sizeof exact);
    for (int b = 0; b < 3; b++) { /* spread: each half of the batch has its part of each */
        size_t early = 0;
        for (int i = 0; i < 9; i++)
            early += first[i] == b;
        assert_true(early >= exact[b] / 2 && early <= (exact[b] + 1) / 2 + 1);
    }
    kt_rungs_deal(first, &three, 16);
    count(by, first, 16);
    assert_memory_equal(by, sixteen, sizeof sixteen);
    kt_rungs_deal(first, &five, 143);
    count(by, first, 143);
    assert_memory_equal(by, paper, sizeof paper);
    kt_rungs_deal(first, &halving, 20);
    count(by, first, 20);
    assert_int_equal(by[0], 20);
}

static void the_best_of_each_bracket_go_on(void **state)
{
    (void)state;
    const kt_rungs rungs = rungs_of(KT_RUNGS_HYPERBAND, 3, 3);
    const int first[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2};
    const double value[] = {5, NAN, 2, 2, 9, 1, 7, 6, 8, 0};
    const bool there[] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, expected[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0};
    const bool later[] = {0, 0, 1, 0, 0, 1, 1, 1, 1, 0}, then[] = {0, 0, 0, 0, 0, 1, 0, 1, 0, 0};
    bool promoted[10];
    kt_rungs_promote(promoted, &rungs, first, value, there, 10, 0); /* two of six; the earlier of equals */
    assert_memory_equal(promoted, expected, sizeof expected);
    kt_rungs_promote(promoted, &rungs, first, value, later, 10, 1); /* of two one, of three one */
    assert_memory_equal(promoted, then, sizeof then);
}

/* 17 trials, brackets of 9, 5 and 3: 9, then 3 + 5, then 1 + 1 + 3 come to the rungs; in 27ths of a budget 27
 * + 18 + 18 for the first bracket, 45 + 18 for the second, 81 for the last. */
static void a_batch_is_expected_to_take(void **state)
{
    (void)state;
    const kt_rungs rungs = rungs_of(KT_RUNGS_HYPERBAND, 3, 3);
    const size_t expected[] = {9, 8, 5};
    size_t come[KT_RUNGS_MAX] = {0};
    double share[17], sum = 0;
    assert_int_equal(kt_rungs_expect(share, come, &rungs, 17, NULL), KT_OK);
    assert_memory_equal(come, expected, sizeof expected);
    for (int i = 0; i < 17; i++)
        sum += share[i];
    assert_true(fabs(sum - (63 + 63 + 81) / 27.) < 1e-12);
}

static void failures_never_go_on(void **state)
{
    (void)state;
    const kt_rungs rungs = rungs_of(KT_RUNGS_HALVING, 2, 2);
    const int first[] = {0, 0, 0, 0};
    const bool there[] = {1, 1, 1, 1};
    const double one[] = {NAN, NAN, NAN, 4}, none[] = {NAN, NAN, NAN, NAN};
    bool promoted[4];
    kt_rungs_promote(promoted, &rungs, first, one, there, 4, 0); /* room for two */
    assert_true(!promoted[0] && !promoted[1] && !promoted[2] && promoted[3]);
    kt_rungs_promote(promoted, &rungs, first, none, there, 4, 0);
    assert_true(!promoted[0] && !promoted[1] && !promoted[2] && !promoted[3]);
}

static double best_of(const int *first, const double *value, const bool *of, size_t n, int bracket)
{
    double best = INFINITY;
    for (size_t i = 0; i < n; i++)
        best = of[i] && first[i] == bracket && value[i] < best ? value[i] : best;
    return best;
}

/* Of any batch, whatever fails and however many values are equal: each bracket keeps its best, at most one in
 * eta but never less than one, and none that is worse than one it stops. */
static void what_holds_for_any_batch(void **state)
{
    (void)state;
    enum { MOST = 40 };
    kt_rng rng;
    kt_rng_init(&rng, 1, 0, KT_RNG_SAMPLE, 0, 0);
    for (int round = 0; round < 5000; round++) {
        const kt_rungs rungs = rungs_of(KT_RUNGS_HYPERBAND, 1 + (int)kt_rng_below(&rng, 5),
                                        2 + (double)kt_rng_below(&rng, 5) / 2);
        size_t n = 1 + kt_rng_below(&rng, MOST), total = 0;
        int first[MOST];
        double value[MOST];
        bool there[MOST], promoted[MOST], stopped[MOST] = {false};
        kt_rungs_deal(first, &rungs, n);
        for (size_t i = 0; i < n; i++) {
            value[i] = kt_rng_below(&rng, 3) == 0 ? NAN : (double)kt_rng_below(&rng, 8);
            there[i] = kt_rng_below(&rng, 4) > 0;
        }
        kt_rungs_promote(promoted, &rungs, first, value, there, n, 0);
        for (int b = 0; b < rungs.n; b++) {
            size_t of = 0, kept = 0, valued = 0;
            double worst = -INFINITY;
            for (size_t i = 0; i < n; i++) {
                if (first[i] != b)
                    continue;
                of += there[i];
                kept += promoted[i];
                valued += there[i] && !isnan(value[i]);
                assert_true(!promoted[i] || (there[i] && !isnan(value[i])));
                stopped[i] = there[i] && !promoted[i];
                worst = promoted[i] && value[i] > worst ? value[i] : worst;
                total++;
            }
            size_t room = (size_t)((double)of / rungs.eta) > 1 ? (size_t)((double)of / rungs.eta) : 1;
            assert_int_equal(kept, valued < room ? valued : room);
            if (kept > 0) {
                assert_true(best_of(first, value, promoted, n, b) == best_of(first, value, there, n, b));
                assert_true(worst <= best_of(first, value, stopped, n, b));
            }
        }
        assert_int_equal(total, n); /* each trial has a bracket of the rungs there are */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_powers_of_eta),
        cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(hyperband_deals_in_its_proportions),
        cmocka_unit_test(the_best_of_each_bracket_go_on),
        cmocka_unit_test(failures_never_go_on),
        cmocka_unit_test(a_batch_is_expected_to_take),
        cmocka_unit_test(what_holds_for_any_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
