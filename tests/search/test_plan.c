/* Who gets what, against deals and schedules worked out by hand or found by trying all. */
#include "kt/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_most_costly_is_first(void **state)
{
    (void)state;
    const double cost[] = {2, 9, 2, 0, 9};
    const size_t expected[] = {1, 4, 0, 2, 3};
    size_t order[5];
    kt_plan_order(order, cost, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(order[i], expected[i]);
    kt_plan_order(order, cost, 0);
}

static void teams_are_in_front(void **state)
{
    (void)state;
    /* 20 in all, so a fair share of 2 ranks is 10, of 4 ranks 5 */
    const double cost[] = {1, 6, 2, 11};
    const int limit[] = {4, 1, 16, 8};
    const struct {
        int ranks;
        kt_plan_mode mode;
        size_t n_team, order[4];
    } cases[] = {
        {1, KT_PLAN_AUTO, 0, {3, 1, 2, 0}},  {2, KT_PLAN_AUTO, 1, {3, 1, 2, 0}},
        {4, KT_PLAN_AUTO, 1, {3, 1, 2, 0}},  /* 6 is above its share too, but cannot be shared */
        {10, KT_PLAN_AUTO, 0, {3, 1, 2, 0}}, /* as large as a share is not above it */
        {11, KT_PLAN_AUTO, 1, {2, 3, 1, 0}}, /* 11 cannot be shared by all */
        {20, KT_PLAN_AUTO, 0, {3, 1, 2, 0}}, {2, KT_PLAN_SERVICE, 0, {3, 1, 2, 0}},
        {2, KT_PLAN_DATA, 3, {3, 2, 0, 1}},  {1, KT_PLAN_DATA, 0, {3, 1, 2, 0}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t order[4], n_team;
        kt_plan_teams(order, &n_team, cost, limit, 4, cases[c].ranks, cases[c].mode);
        assert_int_equal(n_team, cases[c].n_team);
        assert_memory_equal(order, cases[c].order, sizeof order);
    }
}

static void dealt_by_hand(void **state)
{
    (void)state;
    /* 7 | 6; 5 to the second: 11; 4 to the first: 11; 3 to the first of equals: 14; 2 to the second: 13 */
    const double cost[] = {2, 3, 4, 5, 6, 7};
    const int expected[] = {1, 0, 0, 1, 1, 0};
    int part[6];
    assert_int_equal(kt_plan_deal(part, cost, 6, 2, NULL), KT_OK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(part[i], expected[i]);
    assert_int_equal(kt_plan_deal(part, cost, 2, 5, NULL), KT_OK); /* more parts than items */
    assert_int_equal(part[0], 1);
    assert_int_equal(part[1], 0);
    assert_int_equal(kt_plan_deal(part, cost, 0, 5, NULL), KT_OK);
}

/* The costliest part of the best of all deals. */
static double best_deal(const double *cost, int n, int parts, double *load)
{
    double best = 1e300;
    if (n == 0) {
        double most = 0;
        for (int p = 0; p < parts; p++)
            most = load[p] > most ? load[p] : most;
        return most;
    }
    for (int p = 0; p < parts; p++) {
        load[p] += cost[n - 1];
        double one = best_deal(cost, n - 1, parts, load);
        best = one < best ? one : best;
        load[p] -= cost[n - 1];
    }
    return best;
}

static void no_deal_is_worse_than_its_bound(void **state)
{
    (void)state;
    enum { N = 9, PARTS = 3 };
    srand(1);
    for (int round = 0; round < 50; round++) {
        double cost[N], load[PARTS] = {0}, most = 0;
        int part[N];
        for (int i = 0; i < N; i++)
            cost[i] = 1 + rand() % 100;
        double best = best_deal(cost, N, PARTS, load);
        assert_int_equal(kt_plan_deal(part, cost, N, PARTS, NULL), KT_OK);
        for (int i = 0; i < N; i++)
            load[part[i]] += cost[i];
        for (int p = 0; p < PARTS; p++)
            most = load[p] > most ? load[p] : most;
        assert_true(most >= best);
        assert_true(most <= (4.0 / 3 - 1.0 / (3 * PARTS)) * best + 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_costly_is_first),
        cmocka_unit_test(teams_are_in_front),
        cmocka_unit_test(dealt_by_hand),
        cmocka_unit_test(no_deal_is_worse_than_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
