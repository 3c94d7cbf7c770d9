/* What the events of a sweep come to, against what was worked out by hand. */
#include "../memory.h"
#include "../scratch.h"
#include "kt/ledger.h"
#include "kt/sweep_view.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char halving[] =
    "{\"space\":{\"activation\":\"tanh\",\"batch\":{\"choice\":[32,64,[1,2]]},\"clip\":{\"int\":[1,4]},"
    "\"learning-rate\":{\"log\":[0.001,0.1]},\"weight-decay\":{\"uniform\":[0,0.5]}},\"method\":\"random\","
    "\"scheduler\":\"halving\",\"rungs\":2,\"eta\":2,\"trials\":4,\"objective\":\"nll\"}";
static const double base = 2e9; /* after the first line's own time */

static kt_json *parse(const char *text)
{
    kt_json *json;
    kt_error err = {0};
    if (kt_json_parse(&json, text, strlen(text), "test", &err) != KT_OK)
        fail_msg("%s", err.message);
    return json;
}

static void tell(kt_ledger *l, double at, const char *format, ...)
{
    char text[512];
    kt_error err = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (kt_ledger_write(l, kt_json_put(parse(text), "time", kt_json_real(base + at)), &err) != KT_OK)
        fail_msg("%s", err.message);
}

static kt_ledger *begin(void)
{
    kt_ledger *l;
    remove(KT_RUN_LEDGER);
    assert_int_equal(kt_ledger_open(&l, ".", "00", NULL, NULL), KT_OK);
    return l;
}

#define EVENT(name) "{\"event\":\"" name "\",\"trial\":%d,\"rung\":%d"

static void proposed(kt_ledger *l, double at, int trial, double rate)
{
    tell(l, at,
         "{\"event\":\"proposed\",\"trial\":%d,\"first\":0,\"options\":{\"activation\":\"tanh\",\"batch\":64,"
         "\"learning-rate\":%.17g}}",
         trial, rate);
}

static void scored(kt_ledger *l, double at, int trial, int rung, const char *service, double seconds)
{
    tell(l, at, EVENT("scored") ",\"service\":\"%s\",\"fold\":0,\"value\":1,\"steps\":10,\"seconds\":%.17g}",
         trial, rung, service, seconds);
}

/* Four trials of two fits each, halved once. The first job, of 2 ranks, runs from 0 to 10 s and is killed;
 * the second, of 3, from 100 on. Trial 3 fails. */
static void write_halving(kt_ledger *l)
{
    tell(l, 0, "{\"event\":\"resumed\",\"ranks\":2}");
    for (int i = 0; i < 4; i++)
        proposed(l, 0, i, 0.01);
    for (int i = 0; i < 4; i++)
        tell(l, 1, EVENT("started") "}", i, 0);
    scored(l, 4, 0, 0, "a", 3);
    scored(l, 5, 0, 0, "b", 4);
    scored(l, 9, 1, 0, "a", 4);
    scored(l, 10, 1, 0, "b", 5);
    tell(l, 100, "{\"event\":\"resumed\",\"ranks\":3}");
    tell(l, 101, EVENT("started") "}", 2, 0);
    scored(l, 104, 2, 0, "a", 2);
    scored(l, 104, 2, 0, "b", 2);
    for (int i = 0; i < 3; i++)
        tell(l, 104, EVENT("rung") ",\"value\":%d}", i, 0, i == 2 ? -2 : i);
    tell(l, 104, EVENT("failed") ",\"reason\":\"a: no number\"}", 3, 0);
    tell(l, 104, EVENT("promoted") "}", 0, 0);
    tell(l, 104, EVENT("promoted") "}", 2, 0);
    tell(l, 104, EVENT("stopped") "}", 1, 0);
    tell(l, 105, EVENT("started") "}", 0, 1);
    scored(l, 109, 0, 1, "a", 4);
}

static kt_sweep_view read_view(const char *sweep, double now)
{
    kt_sweep_view view;
    kt_error err = {0};
    kt_json *json = sweep ? parse(sweep) : NULL;
    if (kt_sweep_view_read(&view, ".", json, now, &err) != KT_OK)
        fail_msg("%s", err.message);
    kt_json_drop(json);
    return view;
}

static void a_running_sweep_is_told(void **state)
{
    (void)state;
    static const kt_trial_state wanted[] = {KT_TRIAL_RUNNING, KT_TRIAL_STOPPED, KT_TRIAL_WAITING,
                                            KT_TRIAL_FAILED};
    kt_ledger *l = begin();
    write_halving(l);
    kt_sweep_view view = read_view(halving, base + 110);
    assert_int_equal(view.n_searches, 1);
    const kt_sweep_search *s = &view.search[0];
    assert_null(s->name);
    assert_int_equal(s->n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s->trial[i].state, wanted[i]);
    assert_string_equal(s->trial[3].reason, "a: no number");
    assert_true(s->trial[1].ended == base + 104 && isnan(s->trial[0].ended));
    assert_true(s->trial[1].after == 10 && s->trial[2].after == 10 + 4 && isnan(s->trial[3].after));
    assert_true(s->trial[0].seconds == 11 && s->trial[0].value == 0 && isnan(s->trial[0].at[1]));
    assert_int_equal(view.n_rungs, 2);
    assert_true(view.rung[0].share == 0.5 && view.rung[1].share == 1);
    const kt_sweep_rung *first = &view.rung[0], *last = &view.rung[1];
    assert_true(first->trials == 4 && first->reached == 3 && first->promoted == 2 && first->stopped == 1 &&
                first->failed == 1);
    assert_true(last->trials == 2 && last->reached == 0);
    /* the best first: trial 2, 0, 1 by value, the failed one last */
    static const size_t order[] = {2, 0, 1, 3};
    assert_memory_equal(s->order, order, sizeof order);
    /* budgets: 3 at half, the failed one at half too, and half of the other half of trial 0 */
    assert_true(view.spent == 4 * 0.5 + 0.25);
    assert_true(view.left == 4 * 0.5 + 2 * 0.5 - view.spent);
    assert_true(view.seconds == 24);
    assert_true(view.wall == 10 + 10); /* the gap between the jobs is nobody's */
    assert_true(view.utilisation == 24.0 / (2 * 10 + 3 * 10));
    assert_true(view.ranks == 3 && !view.ended);
    assert_true(fabs(view.to_go - 0.75 * 50 / 2.25 / 3) < 1e-12);
    assert_true(view.trials == 4 && view.planned == 4);
    kt_sweep_view_clear(&view);
    /* killed: what ran does not, once the next job is there */
    tell(l, 200, "{\"event\":\"resumed\",\"ranks\":1}");
    kt_ledger_close(l);
    view = read_view(halving, NAN);
    assert_int_equal(view.search[0].trial[0].state, KT_TRIAL_PREEMPTED);
    assert_true(view.wall == 10 + 9);
    kt_sweep_view_clear(&view);
}

static void an_ended_sweep_has_winners(void **state)
{
    (void)state;
    kt_ledger *l = begin();
    write_halving(l);
    scored(l, 110, 0, 1, "b", 4);
    scored(l, 110, 2, 1, "a", 4);
    scored(l, 112, 2, 1, "b", 4);
    tell(l, 112, EVENT("rung") ",\"value\":-3}", 0, 1);
    tell(l, 112, EVENT("rung") ",\"value\":-1}", 2, 1);
    tell(l, 112, "{\"event\":\"won\",\"trial\":0,\"place\":0,\"value\":-3}");
    tell(l, 112, "{\"event\":\"ended\",\"trials\":4,\"failures\":1}");
    tell(l, 900, "{\"event\":\"resumed\",\"ranks\":1}"); /* the winner's own fit went on */
    kt_ledger_close(l);
    kt_sweep_view view = read_view(halving, NAN);
    static const size_t order[] = {0, 2, 1, 3};
    assert_memory_equal(view.search[0].order, order, sizeof order);
    assert_int_equal(view.count[KT_TRIAL_DONE], 2);
    assert_int_equal(view.search[0].trial[0].place, 0);
    assert_int_equal(view.search[0].trial[2].place, -1);
    assert_true(view.ended && view.left == 0 && view.to_go == 0);
    assert_true(view.spent == 3 && view.wall == 10 + 12);
    kt_sweep_view_clear(&view);
}

/* Without its sweep's file, of which searches a service has its own, and of a ledger that is torn. */
static void little_is_enough(void **state)
{
    (void)state;
    kt_ledger *l = begin();
    kt_sweep_view view = read_view(NULL, NAN);
    assert_int_equal(view.trials, 0);
    assert_true(isnan(view.to_go));
    kt_sweep_view_clear(&view);
    for (int i = 0; i < 2; i++)
        tell(l, i, "{\"event\":\"proposed\",\"search\":\"%s\",\"trial\":0,\"first\":0,\"options\":{}}",
             i == 0 ? "b" : "a");
    tell(l, 3, "{\"event\":\"rung\",\"search\":\"a\",\"trial\":0,\"rung\":0,\"value\":5}");
    kt_ledger_close(l);
    FILE *file = fopen(KT_RUN_LEDGER, "a");
    assert_non_null(file);
    fputs("{\"event\":\"rung\",\"sea", file);
    fclose(file);
    view = read_view(NULL, NAN);
    assert_int_equal(view.n_searches, 2);
    assert_string_equal(view.search[0].name, "b");
    assert_string_equal(view.search[1].name, "a");
    assert_int_equal(view.search[1].trial[0].state, KT_TRIAL_DONE);
    assert_true(isnan(view.utilisation) && view.wall == 3);
    kt_sweep_view_clear(&view);
}

static void strange_events_are_refused(void **state)
{
    (void)state;
    static const char *const event[] = {EVENT("started") "}", EVENT("rung") ",\"value\":1}",
                                        "{\"event\":\"proposed\",\"trial\":%d,\"first\":%d,\"options\":{}}"};
    static const int trial[] = {4, 0, 7}, rung[] = {0, 2, 0};
    static const char *const message[] = {"./sweep.jsonl: trial 4 is started and was not proposed",
                                          "./sweep.jsonl: trial 0 has a rung 2 of 2",
                                          "./sweep.jsonl: trial 7 is proposed after 4 others"};
    kt_json *json = parse(halving);
    for (size_t i = 0; i < 3; i++) {
        kt_error err = {0};
        kt_sweep_view view;
        kt_ledger *l = begin();
        write_halving(l);
        tell(l, 200, event[i], trial[i], rung[i]);
        kt_ledger_close(l);
        assert_int_equal(kt_sweep_view_read(&view, ".", json, NAN, &err), KT_INPUT);
        assert_string_equal(err.message, message[i]);
    }
    kt_json_drop(json);
}

static double place(const kt_sweep_view *view, const char *options, size_t varied)
{
    kt_sweep_trial t = {.options = parse(options)};
    double at = kt_sweep_place(&view->varied[varied], &t);
    kt_json_drop(t.options);
    return at;
}

static void values_have_places(void **state)
{
    (void)state;
    kt_ledger_close(begin());
    kt_sweep_view view = read_view(halving, NAN);
    assert_int_equal(view.n_varied, 4); /* one value for all is none */
    assert_string_equal(view.varied[0].name, "batch");
    assert_string_equal(view.varied[3].name, "weight-decay");
    assert_true(fabs(place(&view, "{\"batch\":64}", 0) - 0.5) < 1e-15);
    assert_true(fabs(place(&view, "{\"batch\":[1,2]}", 0) - 5.0 / 6) < 1e-15);
    assert_true(isnan(place(&view, "{\"batch\":65}", 0)));
    assert_true(fabs(place(&view, "{\"clip\":2}", 1) - 0.375) < 1e-15); /* the second of four parts */
    assert_true(fabs(place(&view, "{\"learning-rate\":0.01}", 2) - 0.5) < 1e-15);
    assert_true(fabs(place(&view, "{\"weight-decay\":0.125}", 3) - 0.25) < 1e-15);
    assert_true(isnan(place(&view, "{}", 3)));
    kt_sweep_view_clear(&view);
}

/* Memory that ends at each of the allocations: nothing leaks, and no view is left behind. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    kt_status status = KT_MEMORY;
    kt_json *json = parse(halving);
    kt_ledger *l = begin();
    write_halving(l);
    kt_ledger_close(l);
    for (int count = 0; status != KT_OK; count++) {
        kt_sweep_view view;
        allocations = count;
        status = kt_sweep_view_read(&view, ".", json, base + 110, NULL);
        allocations = -1;
        assert_true(status == KT_OK || status == KT_MEMORY);
        if (status != KT_OK)
            assert_true(view.n_searches == 0 && !view.search);
        kt_sweep_view_clear(&view);
    }
    kt_json_drop(json);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_running_sweep_is_told), IN_SCRATCH(an_ended_sweep_has_winners),
        IN_SCRATCH(little_is_enough),        IN_SCRATCH(strange_events_are_refused),
        IN_SCRATCH(values_have_places),      IN_SCRATCH(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
