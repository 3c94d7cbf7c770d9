/* Costs: items worked out by hand, times of fits turned into items, the file. */
#include "../scratch.h"

#include "kt/costs.h"
#include "kt/file.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void near(double value, double expected)
{
    if (fabs(value - expected) > 1e-12 * (1 + fabs(expected)))
        fail_msg("%.17g, expected is %.17g", value, expected);
}

static kt_costs sample(void)
{
    kt_costs costs = {.latency = 1e-5};
    kt_costs_add(&costs, (kt_costs_batch){1024, 0.01, 0.002, 0.5, 1e-3, 0.1, 1e-2});
    kt_costs_add(&costs, (kt_costs_batch){128, 0.002, 0.001, 0.25, 2e-3, 0.2, 2e-2});
    return costs;
}

static void an_item_by_hand(void **state)
{
    (void)state;
    const kt_costs costs = sample();
    const kt_costs_fit fit = {
        .batch = 128, .limit = 2, .steps = 1000, .rows = 500, .held_out_cells = 3, .held_out_rows = 90};
    kt_plan_item item = kt_costs_item(&costs, &fit);
    near(item.cost, 128000 + 500 + 64 * 90);
    near(kt_plan_seconds(&item, 1, costs.latency), 0.25 + 500 * 2e-3 + 1000 * 0.002 + 3 * 0.2 + 90 * 2e-2);
    near(kt_plan_seconds(&item, 2, costs.latency),
         0.25 + 250 * 2e-3 + 1000 * (0.001 + 0.0005 + 1e-5) + 1.5 * 0.2 + 45 * 2e-2);

    /* a batch that was not measured: 512 is nearer to 1,024 than to 128, and half of its rows */
    const kt_costs_fit other = {.batch = 512, .limit = 8, .steps = 10, .rows = 0};
    item = kt_costs_item(&costs, &other);
    near(kt_plan_seconds(&item, 1, 0), 0.5 + 10 * (0.002 + 0.008 / 2));
    const kt_costs_fit small = {.batch = 16, .limit = 1, .steps = 10, .rows = 0};
    item = kt_costs_item(&costs, &small);
    near(kt_plan_seconds(&item, 1, 0), 0.25 + 10 * (0.001 + 0.001 / 8));
}

static void as_measured(void **state)
{
    (void)state;
    const kt_costs costs = sample();
    const kt_costs_fit fit = {
        .batch = 128, .limit = 2, .steps = 1000, .rows = 500, .held_out_cells = 3, .held_out_rows = 90};
    for (int ranks = 1; ranks <= 2; ranks++) {
        kt_plan_item item = kt_costs_item(&costs, &fit);
        kt_costs_measured(&item, ranks, costs.latency, 7, 0.5);
        near(kt_plan_seconds(&item, ranks, costs.latency), 7.5);
        near(item.judge, 0.5 * ranks);
    }
    /* what the exchanges take is no work: 1,000 of 10 us */
    kt_plan_item steps = {.shared = 1, .steps = 1000, .limit = 2};
    kt_costs_measured(&steps, 2, 1e-5, 5.01, 0);
    near(steps.shared, 0.01);
    near(kt_plan_seconds(&steps, 1, 1e-5), 10);
}

static void batches_are_in_order(void **state)
{
    (void)state;
    kt_costs costs = sample();
    assert_int_equal(costs.n, 2);
    assert_int_equal(costs.batch[0].batch, 128);
    kt_costs_add(&costs, (kt_costs_batch){.batch = 128, .step = 3});
    assert_int_equal(costs.n, 2);
    near(costs.batch[0].step, 3);
    for (int b = 1; b <= 2 * KT_COSTS_BATCHES; b++)
        kt_costs_add(&costs, (kt_costs_batch){.batch = b, .step = 1});
    assert_int_equal(costs.n, KT_COSTS_BATCHES);
    for (size_t i = 1; i < costs.n; i++)
        assert_true(costs.batch[i - 1].batch < costs.batch[i].batch);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    const kt_costs costs = sample();
    kt_costs back;
    assert_int_equal(kt_costs_write("costs.json", &costs, NULL), KT_OK);
    assert_int_equal(kt_costs_read(&back, "costs.json", NULL), KT_OK);
    assert_int_equal(back.n, costs.n);
    assert_true(back.latency == costs.latency);
    for (size_t i = 0; i < costs.n; i++) {
        const kt_costs_batch *a = &back.batch[i], *b = &costs.batch[i];
        assert_int_equal(a->batch, b->batch);
        assert_true(a->step == b->step && a->fixed == b->fixed && a->start == b->start && a->row == b->row);
        assert_true(a->judge_cell == b->judge_cell && a->judge_row == b->judge_row);
    }
    assert_int_equal(kt_costs_read(&back, "nowhere.json", NULL), KT_IO);
}

#define BATCH(changed)                                                                                       \
    "{\"schema\": \"kt-costs\", \"version\": 1, \"latency_seconds\": 0, \"batches\": [{\"batch\": 64, "      \
    "\"start_seconds\": 0, \"row_seconds\": 0, \"judge_cell_seconds\": 0, " changed "}]}"

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *text;
        kt_status status;
        const char *word;
    } wrong[] = {
        {"{}", KT_INPUT, "kt-costs"},
        {"{\"schema\": \"kt-costs\", \"version\": 99}", KT_UNSUPPORTED, "version 99"},
        {"{\"schema\": \"kt-costs\", \"version\": 1, \"batches\": []}", KT_INPUT, "latency_seconds"},
        {"{\"schema\": \"kt-costs\", \"version\": 1, \"latency_seconds\": 0}", KT_INPUT, "no batch"},
        {BATCH("\"judge_row_seconds\": 0, \"fixed_seconds\": 0, \"step_seconds\": \"fast\""), KT_INPUT,
         "step_seconds"},
        {BATCH("\"judge_row_seconds\": 0, \"fixed_seconds\": -1, \"step_seconds\": 1"), KT_INPUT,
         "fixed_seconds"},
        {BATCH("\"judge_row_seconds\": 0, \"fixed_seconds\": 2, \"step_seconds\": 1"), KT_INPUT, "batch 64"},
        {BATCH("\"fixed_seconds\": 0, \"step_seconds\": 1"), KT_INPUT, "judge_row_seconds"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kt_costs costs;
        kt_error err = {0};
        assert_int_equal(kt_file_write("wrong.json", wrong[i].text, strlen(wrong[i].text), NULL), KT_OK);
        assert_int_equal(kt_costs_read(&costs, "wrong.json", &err), wrong[i].status);
        if (!strstr(err.message, wrong[i].word))
            fail_msg("'%s' lacks '%s'", err.message, wrong[i].word);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_by_hand),      cmocka_unit_test(as_measured),
        cmocka_unit_test(batches_are_in_order), IN_FOLDER(what_is_written_is_read),
        IN_FOLDER(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
