#include "campaign_json.h"
#include <math.h>
#include <stdio.h>

static void parse(kt_campaign *c, const char *text)
{
    kt_error err = {0};
    kt_json *plan = json(text);
    *c = (kt_campaign){.n = 0};
    if (kt_campaign_parse(c, plan, "plan.json", &err) != KT_OK)
        fail_msg("%s: %s", text, err.message);
    kt_json_drop(plan);
}

#define PLAN(more) "{'uri': 'http://127.0.0.1:1/x', 'seed': 5, " more "}"

static void a_list_and_a_grid_become_cells(void **state)
{
    (void)state;
    static const struct {
        double rps;
        int64_t requests;
        double seconds;
        size_t n_reps;
        kt_campaign_rep rep[3];
    } wanted[] = {{5, 0, 10, 3, {{"cart", 1}, {"catalog", 1}, {"entry", 1}}},
                  {10, 0, 10, 3, {{"cart", 1}, {"catalog", 1}, {"entry", 1}}},
                  {5, 0, 10, 3, {{"cart", 2}, {"catalog", 2}, {"entry", 1}}},
                  {10, 0, 10, 3, {{"cart", 2}, {"catalog", 2}, {"entry", 1}}},
                  {40, 70, 0, 1, {{"*", 3}}},
                  {2.5, 0, 60, 0, {{0}}}};
    enum { N = sizeof wanted / sizeof *wanted };
    kt_campaign c;
    parse(&c, PLAN("'seconds': 60, 'sd': 2, 'warmup': 1, 'cooldown': 2, 'pause': 4, 'repeats': 2, 'cells': ["
                   "{'rps': [5, 10], 'rep': {'entry': 1, 'cart, catalog': [1, 2]}, 'seconds': 10},"
                   "{'rps': 40, 'rep': 3, 'requests': 70}, {'rps': 2.5}]"));
    assert_int_equal(c.n, 2 * N);
    for (size_t i = 0; i < c.n; i++) {
        const kt_campaign_cell *cell = &c.cell[i];
        assert_true(cell->rps == wanted[i % N].rps && cell->seconds == wanted[i % N].seconds);
        assert_int_equal(cell->requests, wanted[i % N].requests);
        assert_int_equal(cell->n_reps, wanted[i % N].n_reps);
        for (size_t k = 0; k < cell->n_reps; k++) {
            assert_string_equal(cell->rep[k].service, wanted[i % N].rep[k].service);
            assert_int_equal(cell->rep[k].rep, wanted[i % N].rep[k].rep);
        }
    }
    /* 6 x (1 + 2) of warm-up and cool-down, 4 x 10 + 2 * 70 / 40 + 60 of load, twice; 11 pauses */
    assert_true(fabs(kt_campaign_seconds(&c) - 2 * (18 + 40 + 3.5 + 60) - 44) < 1e-9);
    assert_string_equal(c.load.method, "POST");
    assert_string_equal(c.load.body, "{}");
    kt_campaign_clear(&c);
    parse(&c, PLAN("'method': 'GET', 'cells': [{'rps': 1, 'requests': 1}]"));
    assert_null(c.load.body);
    kt_campaign_clear(&c);
}

static void each_repeat_has_every_cell_in_an_order_of_its_own(void **state)
{
    (void)state;
    kt_campaign c, again;
    const char *text = PLAN("'repeats': 3, 'shuffle': true, 'requests': 1,"
                            "'cells': [{'rps': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}]");
    parse(&c, text);
    parse(&again, text);
    assert_int_equal(c.n, 36);
    int same = 0, in_order = 0;
    for (size_t r = 0; r < 3; r++) {
        unsigned seen = 0;
        for (size_t i = 0; i < 12; i++) {
            const kt_campaign_cell *cell = &c.cell[12 * r + i];
            seen |= 1u << (int)cell->rps;
            same += cell->rps == c.cell[i].rps;
            in_order += cell->rps == (double)i + 1;
            assert_true(cell->rps == again.cell[12 * r + i].rps);
        }
        assert_int_equal(seen, 0x1ffe);
    }
    assert_true(same < 24 && in_order < 18);
    kt_campaign_clear(&c);
    kt_campaign_clear(&again);
}

static void what_is_wrong_in_a_plan_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *plan, *words[2];
    } cases[] = {
        {"[]", {"plan.json", "object"}},
        {"{'seed': 1, 'cells': [{'rps': 1, 'requests': 1}]}", {"uri", "plan.json"}},
        {PLAN("'cels': []"), {"cels", "cells"}},
        {PLAN("'cells': []"), {"cells", "list"}},
        {PLAN("'cells': 3"), {"cells", "list"}},
        {PLAN("'cells': [3]"), {"cells[0]", "rps"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}, {'rps': 1, 'request': 1}]"), {"cells[1]", "requests"}},
        {PLAN("'cells': [{'requests': 1}]"), {"cells[0]", "rps"}},
        {PLAN("'cells': [{'rps': 0, 'requests': 1}]"), {"rps", "above 0"}},
        {PLAN("'cells': [{'rps': [], 'requests': 1}]"), {"rps", "empty"}},
        {PLAN("'cells': [{'rps': [1, 'x'], 'requests': 1}]"), {"rps", "number"}},
        {PLAN("'cells': [{'rps': 1}]"), {"requests", "seconds"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'seconds': 1}]"), {"requests", "seconds"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1.5}]"), {"requests", "whole"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'rep': {'cart': 1.5}}]"), {"cart", "whole"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'rep': {'cart': 0}}]"), {"cart", "above 0"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'rep': {'cart': 1, 'a,cart': 2}}]"), {"'cart'", "twice"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'rep': {'a,,b': 2}}]"), {"a,,b", "services"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'sd': 0"), {"sd", "range"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'arrivals': 'fast'"), {"arrivals", "poisson"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'method': 'post'"), {"method", "'post'"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'header': ['secret']"), {"header", "Name: value"}},
        {PLAN("'cells': [{'rps': 1e6, 'seconds': 1000}]"), {"1e+09", "possible"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'hook': 'ls'"), {"hook", "program"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'hook': ['ls', 3]"), {"hook", "argument 1"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1}], 'hook': [['a'], ['ls', '{servce}']]"),
         {"hook[1]", "{service}"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'rep': 2}], 'hook': ['ls', '{service}']"),
         {"hook", "names of services"}},
        {PLAN("'cells': [{'rps': 1, 'requests': 1, 'rep': {'a': 1, 'b': 2}}], 'hook': ['ls', '{rep}']"),
         {"hook", "{rep}"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_campaign c = {.n = 0};
        kt_error err = {0};
        kt_json *plan = json(cases[i].plan);
        assert_int_equal(kt_campaign_parse(&c, plan, "plan.json", &err), KT_USAGE);
        for (size_t k = 0; k < 2; k++)
            if (!strstr(err.message, cases[i].words[k]))
                fail_msg("%s: no '%s' in: %s", cases[i].plan, cases[i].words[k], err.message);
        kt_campaign_clear(&c);
        kt_json_drop(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_and_a_grid_become_cells),
        cmocka_unit_test(each_repeat_has_every_cell_in_an_order_of_its_own),
        cmocka_unit_test(what_is_wrong_in_a_plan_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
