/* Schedules worked out by hand, and bounds that hold for all. */
#include "kt/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void near(double value, double expected)
{
    if (fabs(value - expected) > 1e-9 * (1 + fabs(expected)))
        fail_msg("%.12g, expected is %.12g", value, expected);
}

/* So many steps of a second each, all of which a team shares. */
static kt_plan_item item(double steps, int limit)
{
    return (kt_plan_item){.cost = steps, .shared = 1, .steps = steps, .limit = limit};
}

static kt_plan_summary plan(kt_plan_run *runs, const kt_plan_item *items, size_t n, int ranks,
                            kt_plan_mode mode, double latency)
{
    kt_plan_summary summary;
    kt_error err = {0};
    if (kt_plan_schedule(runs, &summary, items, n, ranks, mode, latency, &err) != KT_OK)
        fail_msg("%s", err.message);
    return summary;
}

static void what_an_item_takes(void **state)
{
    (void)state;
    const kt_plan_item one = {
        .start = 3, .read = 8, .fixed = 0.25, .shared = 2, .judge = 6, .steps = 100, .limit = 8};
    near(kt_plan_seconds(&one, 1, 0.5), 3 + 8 + 100 * (0.25 + 2) + 6);
    near(kt_plan_seconds(&one, 2, 0.5), 3 + 4 + 100 * (0.25 + 1 + 0.5) + 3);
    near(kt_plan_seconds(&one, 3, 0.5),
         3 + 8. / 3 + 100 * (0.25 + 2 * 3. / 8 + 2 * 0.5) + 2); /* 3 of 8 blocks */
    near(kt_plan_seconds(&one, 8, 0.5), 3 + 1 + 100 * (0.25 + 0.25 + 3 * 0.5) + 0.75);
}

static void one_by_one(void **state)
{
    (void)state;
    const kt_plan_item items[] = {item(2, 1), item(4, 1), item(3, 1)};
    kt_plan_run runs[3];
    kt_plan_summary all = plan(runs, items, 3, 2, KT_PLAN_AUTO, 0); /* 4 | 3, 2 */
    near(all.makespan, 5);
    near(all.alone, 9);
    near(all.busy, 9);
    near(all.bound, 4.5);
    near(runs[1].begin, 0);
    near(runs[1].end, 4);
    near(runs[2].end, 3);
    near(runs[0].begin, 3);
    near(runs[0].end, 5);
    near(plan(runs, items, 3, 1, KT_PLAN_AUTO, 0).makespan, 9);
    near(plan(runs, items, 3, 50, KT_PLAN_AUTO, 0).makespan, 4);
    near(plan(runs, items, 0, 50, KT_PLAN_AUTO, 0).makespan, 0);
}

static void a_large_one_has_a_team(void **state)
{
    (void)state;
    const kt_plan_item items[] = {item(100, 4), item(5, 1), item(4, 1)};
    kt_plan_run runs[3];
    kt_plan_summary all = plan(runs, items, 3, 2, KT_PLAN_AUTO, 0.01);
    near(runs[0].end, 50 + 100 * 0.01);
    assert_int_equal(runs[0].first, 2);
    assert_int_equal(all.teams, 1);
    near(runs[1].begin, 51); /* both ranks were in the team */
    near(all.makespan, 56);
    near(all.busy, 2 * 51 + 9);

    /* not all 6 can be in it: it begins alone; after 16 steps one free rank joins, after 16 more two */
    all = plan(runs, items, 3, 6, KT_PLAN_AUTO, 0.01);
    near(runs[0].end, 16 + 16 * (0.5 + 0.01) + 68 * (0.25 + 0.02));
    near(runs[1].begin, 0);
    near(runs[2].begin, 0);
    near(all.makespan, 42.52);
    assert_int_equal(all.teams, 0);
    near(all.bound, 27); /* the one item by its best team */

    all = plan(runs, items, 3, 2, KT_PLAN_SERVICE, 0.01);
    near(all.makespan, 100);
    assert_int_equal(all.teams, 0);
}

static void a_team_of_all_comes_first(void **state)
{
    (void)state;
    const kt_plan_item items[] = {item(80, 4), item(60, 2), item(1, 1)};
    kt_plan_run runs[3];
    plan(runs, items, 3, 4, KT_PLAN_AUTO, 0); /* fair share 35.25 */
    near(runs[0].end, 20);
    near(runs[1].begin, 20);
    near(runs[1].end, 20 + 16 + 44. / 2); /* one of the two free ranks joins */
    near(runs[2].begin, 20);
}

/* 40 | 30, 30: the rank that is free after 40 asks the last one, which knows after 16 steps what a step
 * takes. */
static void free_ranks_join(void **state)
{
    (void)state;
    kt_plan_item items[] = {item(40, 1), item(30, 1), item(30, 2)};
    kt_plan_run runs[3];
    kt_plan_summary all = plan(runs, items, 3, 2, KT_PLAN_AUTO, 0);
    near(runs[2].begin, 30);
    near(runs[2].end, 46 + 14 * 0.5);
    assert_int_equal(runs[2].first, 1);
    assert_int_equal(runs[2].last, 2);
    assert_int_equal(all.grown, 1);
    near(all.busy, 40 + 30 + 16 + 2 * 7);
    near(plan(runs, items, 3, 2, KT_PLAN_SERVICE, 0).makespan, 60);

    for (int i = 0; i < 3; i++)
        items[i].start = 1; /* 41 | 31, 31: it steps from 32 on; to begin anew takes one more second */
    near(plan(runs, items, 3, 2, KT_PLAN_AUTO, 0).makespan, 48 + 1 + 7);
    for (int i = 0; i < 3; i++)
        items[i].start = 4; /* saves 7 s, takes 4: less than twice as much */
    all = plan(runs, items, 3, 2, KT_PLAN_AUTO, 0);
    near(all.makespan, 34 + 34);
    assert_int_equal(all.grown, 0);

    for (int i = 0; i < 3; i++)
        items[i].start = 0;
    near(plan(runs, items, 3, 2, KT_PLAN_AUTO, 0.6).makespan, 60); /* the exchange takes more than it saves */
}

/* Of 8 ranks 5 are free at 10 and join the longer of the three that run; one more is free at 20. */
static void they_join_the_last_to_end(void **state)
{
    (void)state;
    const kt_plan_item items[] = {item(10, 1), item(10, 1), item(10, 1), item(10, 1),
                                  item(10, 1), item(20, 1), item(34, 1), item(36, 4)};
    kt_plan_run runs[8];
    kt_plan_summary all = plan(runs, items, 8, 8, KT_PLAN_SERVICE, 0);
    near(all.makespan, 36);
    all = plan(runs, items, 8, 8, KT_PLAN_AUTO, 0);
    near(runs[7].end, 16 + 16. / 2 + 4. / 4); /* one of them asks first, the others with the next word */
    near(all.makespan, 34);

    const kt_plan_item others[] = {item(100, 1), item(100, 1), item(100, 1), item(40, 4), item(36, 4)};
    kt_plan_run five[5];
    /* fair share 75.2: 100 s, three at once; 36 and 40 on the other two until 36; then the free one asks
     * nobody, since 40 is at 36: 4 steps left, which two ranks do in 2 */
    plan(five, others, 5, 5, KT_PLAN_AUTO, 0);
    near(five[4].end, 36);
    near(five[3].end, 38);
    assert_int_equal(five[3].last, 2);
}

static void nothing_beats_the_bounds(void **state)
{
    (void)state;
    enum { N = 60 };
    srand(1);
    for (int round = 0; round < 300; round++) {
        kt_plan_item items[N];
        kt_plan_run runs[N];
        double longest = 0;
        size_t n = 1 + (size_t)rand() % N;
        int ranks = 1 + rand() % 20;
        for (size_t i = 0; i < n; i++) {
            items[i] = item(pow(10, 3. * rand() / RAND_MAX), 1 + rand() % 16);
            items[i].start = 0.1 * rand() / RAND_MAX;
            items[i].judge = 1. * rand() / RAND_MAX;
            longest = fmax(longest, kt_plan_seconds(&items[i], 1, 0));
        }
        for (int mode = KT_PLAN_AUTO; mode <= KT_PLAN_DATA; mode++) {
            kt_plan_summary all = plan(runs, items, n, ranks, (kt_plan_mode)mode, 0.001);
            double last = 0;
            for (size_t i = 0; i < n; i++) {
                assert_true(runs[i].begin >= 0 && runs[i].end > runs[i].begin);
                assert_true(runs[i].first >= 1 && runs[i].last >= runs[i].first);
                assert_true(runs[i].last <= ranks && (runs[i].last == 1 || runs[i].last <= items[i].limit));
                last = fmax(last, runs[i].end);
            }
            near(all.makespan, last);
            assert_true(all.makespan >= all.bound * (1 - 1e-12));
            assert_true(all.busy >= all.alone * (1 - 1e-12) &&
                        all.busy <= ranks * all.makespan * (1 + 1e-12));
            if (mode == KT_PLAN_SERVICE) /* Graham 1966 */
                assert_true(all.makespan <= all.alone / ranks + longest);
        }
    }
}

static void many_on_many(void **state)
{
    (void)state;
    enum { N = 100000, RANKS = 4096 };
    kt_plan_item *items = test_malloc(N * sizeof *items);
    kt_plan_run *runs = test_malloc(N * sizeof *runs);
    for (size_t i = 0; i < N; i++)
        items[i] = item(2250 + 1e5 / (double)(i + 1), i < 1000 ? 64 : 2);
    kt_plan_summary all = plan(runs, items, N, RANKS, KT_PLAN_AUTO, 1e-3);
    assert_true(all.makespan >= all.bound && all.makespan < 1.2 * all.bound);
    test_free(items);
    test_free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_item_takes),       cmocka_unit_test(one_by_one),
        cmocka_unit_test(a_large_one_has_a_team),   cmocka_unit_test(a_team_of_all_comes_first),
        cmocka_unit_test(free_ranks_join),          cmocka_unit_test(they_join_the_last_to_end),
        cmocka_unit_test(nothing_beats_the_bounds), cmocka_unit_test(many_on_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
