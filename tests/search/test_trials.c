/* A whole search with values that are made up: what is decided, told and found again. */
#include "../scratch.h"
#include "kt/trials.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const kt_option table[] = {
    {"rate", 0, KT_OPTION_REAL, KT_CLASS_RESULT, 0, 0, 10, NULL, "1", "R", "", NULL},
    {"width", 0, KT_OPTION_INT, KT_CLASS_RESULT, 0, 1, 512, NULL, "1", "W", "", NULL},
    {.name = NULL}};
static const char run[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static kt_sweep sweep_of(const char *text)
{
    kt_json *json = NULL;
    kt_error err = {0};
    kt_sweep sweep = {.json = NULL};
    assert_int_equal(kt_json_parse(&json, text, strlen(text), "sweep.json", NULL), KT_OK);
    if (kt_sweep_create(&sweep, json, table, "sweep.json", &err) != KT_OK)
        fail_msg("%s", err.message);
    kt_json_drop(json);
    return sweep;
}

/* Wide ones fail; else the value falls with the rung, and is best at rate 3. */
static double value_of(const kt_json *options, int rung, bool *fails)
{
    *fails = kt_json_as_int(kt_json_get(options, "width"), 0) > 400;
    return fabs(kt_json_as_real(kt_json_get(options, "rate"), 0) - 3) - rung;
}

typedef struct {
    size_t stages, scored, best_trial;
    double shares, best;
} outcome;

/* To the end, or to where `most` trials were scored: as if it had been killed there. */
static outcome play(const kt_sweep *sweep, size_t most)
{
    outcome o = {0};
    kt_ledger *ledger = NULL;
    kt_trials *trials = NULL;
    size_t best[128], n_best;
    assert_int_equal(kt_ledger_open(&ledger, ".", run, NULL, NULL), KT_OK);
    assert_int_equal(kt_trials_create(&trials, sweep, NULL, ledger, NULL), KT_OK);
    for (;;) {
        const size_t *stage;
        size_t n;
        int rung;
        assert_int_equal(kt_trials_stage(&stage, &n, &rung, trials, NULL), KT_OK);
        if (rung < 0)
            break;
        o.stages++;
        for (size_t i = 0; i < n; i++) {
            bool fails;
            kt_json *options = kt_trials_options(trials, stage[i]);
            double value = value_of(options, rung, &fails);
            kt_json_drop(options);
            if (o.scored++ == most)
                goto killed;
            assert_true(i == 0 || stage[i] > stage[i - 1]);
            assert_int_equal(kt_trials_set(trials, stage[i], value, fails ? "too wide" : NULL, NULL), KT_OK);
            o.shares += sweep->rung.share[rung];
        }
        assert_int_equal(kt_trials_decide(trials, NULL), KT_OK);
    }
    kt_trials_best(best, &n_best, trials);
    assert_true(n_best > 0);
    for (size_t i = 1; i < n_best; i++)
        assert_true(kt_trials_value(trials, best[i - 1]) <= kt_trials_value(trials, best[i]));
    assert_int_equal(kt_trials_count(trials), sweep->set.trials);
    assert_true(kt_trials_failed(trials) > 0);
    o.best_trial = best[0];
    o.best = kt_trials_value(trials, best[0]);
killed:
    kt_trials_destroy(trials);
    kt_ledger_close(ledger);
    return o;
}

typedef struct {
    size_t proposed, rung, promoted, stopped, failed;
} events;

static kt_status count(void *context, const kt_json *event, kt_error *err)
{
    events *e = context;
    const char *what = kt_json_as_text(kt_json_get(event, "event"), "");
    (void)err;
    e->proposed += strcmp(what, "proposed") == 0;
    e->rung += strcmp(what, "rung") == 0;
    e->promoted += strcmp(what, "promoted") == 0;
    e->stopped += strcmp(what, "stopped") == 0;
    e->failed += strcmp(what, "failed") == 0;
    return KT_OK;
}

static events events_of(void)
{
    events e = {0};
    assert_int_equal(kt_ledger_read(".", count, &e, NULL), KT_OK);
    return e;
}

/* 18 trials in batches of 9, halved: 9, 3 and 1 of each batch come to the rungs, fewer where trials failed.
 */
static void a_batch_climbs_together(void **state)
{
    (void)state;
    kt_sweep sweep = sweep_of(
        "{\"trials\": 18, \"batch\": 9, \"scheduler\": \"halving\", \"space\": {\"rate\": {\"uniform\": "
        "[0, 10]}, \"width\": {\"int\": [1, 512]}}}");
    outcome o = play(&sweep, SIZE_MAX);
    events e = events_of();
    assert_int_equal(o.stages, 6);
    assert_int_equal(o.scored, 2 * (9 + 3 + 1));
    assert_int_equal(e.proposed, 18);
    assert_int_equal(e.promoted, 2 * (3 + 1));
    assert_int_equal(e.rung + e.failed, o.scored);
    assert_int_equal(e.stopped, 2 * (6 + 2) - e.failed);
    kt_sweep_clear(&sweep);
}

/* Wherever it was killed: played again, the ledger has the same events, each once. */
static void killed_anywhere_it_decides_the_same(void **state)
{
    (void)state;
    kt_sweep sweep =
        sweep_of("{\"trials\": 20, \"batch\": 10, \"space\": {\"rate\": {\"uniform\": [0, 10]}, \"width\": "
                 "{\"int\": [1, 512]}}}");
    outcome whole = play(&sweep, SIZE_MAX), again;
    events all = events_of(), e;
    for (size_t at = 0; at < whole.scored; at += 3) {
        assert_int_equal(remove(KT_RUN_LEDGER), 0);
        play(&sweep, at);
        again = play(&sweep, SIZE_MAX);
        e = events_of();
        assert_memory_equal(&e, &all, sizeof e);
        assert_memory_equal(&again, &whole, sizeof again);
    }
    kt_sweep_clear(&sweep);
}

/* A point that does better at once is found with less than the budget of all trials. */
static void hyperband_spends_less(void **state)
{
    (void)state;
    kt_sweep sweep = sweep_of(
        "{\"trials\": 64, \"space\": {\"rate\": {\"uniform\": [0, 10]}, \"width\": {\"int\": [1, 512]}}}");
    outcome o = play(&sweep, SIZE_MAX);
    assert_true(o.shares < 0.7 * 64);
    assert_true(o.best < -2 + 0.5); /* 3 - 0.5 < rate < 3 + 0.5, at rung 2 */
    kt_sweep_clear(&sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_climbs_together, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(killed_anywhere_it_decides_the_same, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(hyperband_spends_less, scratch_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
