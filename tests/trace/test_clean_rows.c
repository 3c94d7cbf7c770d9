/* Which spans are rows, and which calls their times lose. Times in us; what is expected was added up by hand.
 */
#include "spans_of.h"

static cleaning c;

/* Two requests a second apart, so that each has a rate: the first span of either is the entry's. */
#define AGAIN                                                                                                \
    {                                                                                                        \
        9, 1, 0, S, "a", "a1", 1000000, 100, 0, NULL, NULL                                                   \
    }

/* a: 100 long, calls b (20..60) and d (50..80): loses their union, 60. */
static void fan_out(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL}, {1, 2, 1, C, "a", "a1", 20, 40, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 25, 30, 0, NULL, NULL}, {1, 4, 1, C, "a", "a1", 50, 30, 0, NULL, NULL},
        {1, 5, 4, S, "d", "d1", 51, 28, 0, NULL, NULL}, AGAIN,
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "40 100");
    times_are(&c, "b", "40"); /* 30 and a delay of 10 */
    times_are(&c, "d", "30");
    assert_int_equal(service_of(&c, "a")->target, KT_TARGET_PROC);
    assert_int_equal(service_of(&c, "b")->target, KT_TARGET_PROC_DELAY);
    assert_int_equal(account_of(&c, "call"), 2);
    clean_again(&c, &(kt_clean_settings){.target = KT_TARGET_ASK_PROC});
    times_are(&c, "b", "30");
    cleaning_clear(&c);
}

/* Each retry is a row of b and a call of a: 100 - 20 - 30. The first one failed: a fails with it, unless
 * errors are kept; the second one stays. */
static void retries_and_errors(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},
        {1, 2, 1, C, "a", "a1", 10, 20, KT_SPAN_FAILED, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 11, 17, KT_SPAN_FAILED, NULL, NULL},
        {1, 4, 1, C, "a", "a1", 40, 30, 0, NULL, NULL},
        {1, 5, 4, S, "b", "b1", 42, 26, 0, NULL, NULL},
        AGAIN,
    };
    CLEAN(&c, t, NULL, .errors = 0);
    times_are(&c, "a", "100");
    times_are(&c, "b", "30");
    assert_int_equal(account_of(&c, "failed"), 1);
    assert_int_equal(account_of(&c, "above_failed"), 1);
    clean_again(&c, &(kt_clean_settings){.errors = 1});
    times_are(&c, "a", "50 100");
    times_are(&c, "b", "20 30");
    cleaning_clear(&c);
}

/* Siblings of what failed stay, ancestors do not: d failed below b; e stays. */
static void siblings_stay(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},
        {1, 2, 1, C, "a", "a1", 10, 40, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 10, 40, 0, NULL, NULL},
        {1, 4, 3, C, "b", "b1", 20, 10, 0, NULL, NULL},
        {1, 5, 4, S, "d", "d1", 20, 10, KT_SPAN_FAILED, NULL, NULL},
        {1, 6, 1, C, "a", "a1", 60, 10, 0, NULL, NULL},
        {1, 7, 6, S, "e", "e1", 60, 10, 0, NULL, NULL},
        AGAIN,
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "100");
    times_are(&c, "b", "");
    times_are(&c, "d", "");
    times_are(&c, "e", "10");
    assert_int_equal(account_of(&c, "above_failed"), 2);
    cleaning_clear(&c);
}

/* Sidecar and app of b are one row, also with INTERNAL work between them; calls of the inner one are the
 * row's: 80 - 20. */
static void nested_servers(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL}, {1, 2, 1, C, "a", "a1", 5, 90, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 10, 80, 0, NULL, NULL}, {1, 4, 3, I, "b", "b1", 12, 70, 0, NULL, NULL},
        {1, 5, 4, S, "b", "b1", 15, 60, 0, NULL, NULL}, {1, 6, 5, C, "b", "b1", 30, 20, 0, NULL, NULL},
        {1, 7, 6, S, "d", "d1", 31, 18, 0, NULL, NULL}, AGAIN,
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "10 100");
    times_are(&c, "b", "70"); /* 60 and a delay of 90 - 80 */
    assert_int_equal(account_of(&c, "nested"), 1);
    assert_int_equal(account_of(&c, "internal"), 1);
    cleaning_clear(&c);
}

/* INTERNAL spans are a's own work, calls below them count, calls inside of calls do not count twice; PRODUCER
 * spans and what follows from a span are no calls. 100 - (10..30) = 80. */
static void what_is_no_call(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},
        {1, 2, 1, I, "a", "a1", 5, 50, 0, NULL, NULL},
        {1, 3, 2, C, "a", "a1", 10, 20, 0, NULL, NULL},
        {1, 4, 3, C, "a", "a1", 12, 15, 0, NULL, NULL},
        {1, 5, 4, S, "b", "b1", 13, 10, 0, NULL, NULL},
        {1, 6, 1, P, "a", "a1", 60, 10, 0, NULL, NULL},
        {1, 7, 1, C, "a", "a1", 80, 10, KT_SPAN_FOLLOWS, NULL, NULL},
        AGAIN,
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "80 100");
    times_are(&c, "b", "20"); /* the outermost CLIENT span is the call: a delay of 20 - 10 */
    assert_int_equal(account_of(&c, "inner_call"), 1);
    assert_int_equal(account_of(&c, "producer"), 1);
    assert_int_equal(account_of(&c, "follows"), 1);
    cleaning_clear(&c);
}

/* Broker time (200 - 30) is told, and no part of the target; nor is a delay of what follows from a span: mail
 * is also called, with a delay of 5, and its other visits count without one. */
static void consumers(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},
        {1, 2, 1, P, "a", "a1", 20, 10, 0, NULL, NULL},
        {1, 3, 2, Q, "mail", "m1", 200, 40, 0, NULL, NULL},
        {2, 1, 0, S, "a", "a1", 1000000, 100, 0, NULL, NULL},
        {2, 2, 1, C, "a", "a1", 1000010, 35, 0, NULL, NULL},
        {2, 3, 2, S, "mail", "m1", 1000012, 30, 0, NULL, NULL},
        {2, 4, 1, S, "mail", "m1", 1000200, 20, KT_SPAN_FOLLOWS, NULL, NULL},
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "100 65");
    times_are(&c, "mail", "40 35 20");
    const kt_json *broker = kt_json_get(report_of(&c, "mail"), "broker");
    assert_true(fabs(kt_json_as_real(kt_json_get(broker, "median_s"), 0) - 170e-6) < 1e-12);
    assert_int_equal(kt_json_as_int(kt_json_get(broker, "visits"), 0), 1);
    assert_int_equal(service_of(&c, "mail")->target, KT_TARGET_PROC_DELAY);
    cleaning_clear(&c);
}

/* A database without spans: its 30 stay in a's time, or go, or become a service's. */
static void external_calls(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},
        {1, 2, 1, C, "a", "a1", 20, 30, 0, "SELECT", "db.system=redis"},
        {1, 3, 1, C, "mysql", NULL, 60, 10, 0, "SELECT", NULL},
        AGAIN,
    };
    CLEAN(&c, t, NULL, .external = 0);
    times_are(&c, "a", "100 100");
    assert_int_equal(account_of(&c, "external_kept"), 2);
    const kt_json *list = kt_json_get(kt_cleaned_report(c.made), "external");
    assert_int_equal(kt_json_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        const kt_json *e = kt_json_at(list, i);
        bool redis = strcmp(kt_json_as_text(kt_json_get(e, "peer"), ""), "redis") == 0;
        assert_string_equal(kt_json_as_text(kt_json_get(e, "service"), ""), "a");
        assert_int_equal(kt_json_as_int(kt_json_get(e, "calls"), 0), 1);
        assert_true(fabs(kt_json_as_real(kt_json_get(e, "median_s"), 0) - (redis ? 30e-6 : 10e-6)) < 1e-12);
    }
    clean_again(&c, &(kt_clean_settings){.external = 1});
    times_are(&c, "a", "60 100");
    clean_again(&c, &(kt_clean_settings){.external = 2});
    times_are(&c, "a", "60 100");
    times_are(&c, "redis", "");
    assert_int_equal(account_of(&c, "no_rep"), 2);
    says(&c, "redis: left out, its replicas are not known");
    clean_again(&c, &(kt_clean_settings){.external = 2, .rep = {1, {"redis=2"}}});
    times_are(&c, "redis", "30");
    assert_true(service_of(&c, "redis")->x[1] == 2);
    cleaning_clear(&c);
}

/* The server's clock is 30 behind: its span leaves the call. a: 100 - 40, b: 50, its delay is negative. A
 * call that outlives its caller is clipped: 100 - 10. */
static void skew(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},   {1, 2, 1, C, "a", "a1", 20, 40, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", -10, 50, 0, NULL, NULL},  {2, 1, 0, S, "a", "a1", 1000, 100, 0, NULL, NULL},
        {2, 2, 1, C, "a", "a1", 1090, 40, 0, NULL, NULL}, {2, 3, 2, S, "b", "b1", 1100, 30, 0, NULL, NULL},
    };
    CLEAN(&c, t, NULL, .queue = 2);
    times_are(&c, "a", "60 90");
    times_are(&c, "b", "50 40");
    assert_int_equal(service_of(&c, "b")->negative_delays, 1);
    assert_int_equal(oddity_of(&c, "outside_of_their_call"), 1);
    assert_int_equal(oddity_of(&c, "calls_outside_of_their_caller"), 1);
    cleaning_clear(&c);
}

/* A negative duration, of the span or of a call, leaves no time to tell; a time of 0 is dropped too. */
static void bad_durations(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 0, KT_SPAN_WRAPPED, NULL, NULL},
        {2, 1, 0, S, "a", "a1", 1000, 100, 0, NULL, NULL},
        {2, 2, 1, C, "a", "a1", 1010, 0, KT_SPAN_WRAPPED, NULL, NULL},
        {2, 3, 2, S, "b", "b1", 1010, 20, 0, NULL, NULL},
        {3, 1, 0, S, "a", "a1", 2000, 0, 0, NULL, NULL},
        {4, 1, 0, S, "a", "a1", 3000, 70, 0, NULL, NULL},
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "70");
    times_are(&c, "b", "20");
    assert_int_equal(account_of(&c, "negative_duration"), 2);
    assert_int_equal(account_of(&c, "no_time"), 1);
    assert_int_equal(oddity_of(&c, "negative_durations"), 2);
    assert_int_equal(oddity_of(&c, "zero_durations"), 1);
    cleaning_clear(&c);
}

/* Duplicates, a cycle, a span that names itself, a parent that is not there: nothing is lost. */
static void broken_trees(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},    {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL},
        {1, 2, 1, C, "a", "a1", 20, 30, 0, NULL, NULL},    {1, 3, 99, S, "b", "b1", 25, 20, 0, NULL, NULL},
        {2, 1, 2, S, "a", "a1", 1000, 100, 0, NULL, NULL}, {2, 2, 1, C, "a", "a1", 1010, 50, 0, NULL, NULL},
        {3, 7, 7, S, "a", "a1", 2000, 100, 0, NULL, NULL},
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "100 100 100"); /* calls without callee stay */
    times_are(&c, "b", "20");          /* of the request of its trace; its caller is not known */
    assert_int_equal(account_of(&c, "duplicate"), 1);
    assert_int_equal(oddity_of(&c, "missing_parents"), 1);
    assert_int_equal(oddity_of(&c, "cycles"), 1);
    assert_int_equal(oddity_of(&c, "own_parents"), 1);
    cleaning_clear(&c);
}

/* Client and server under one id: b's SERVER span is the child of a's CLIENT span, and what names the id is
 * b's. a: 100 - 50; b: 40 - 10 and a delay of 10. */
static void shared_ids(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL}, {1, 2, 1, C, "a", "a1", 20, 50, 0, NULL, NULL},
        {1, 2, 1, S, "b", "b1", 25, 40, 0, NULL, NULL}, {1, 3, 2, C, "b", "b1", 30, 10, 0, NULL, NULL},
        {1, 3, 2, S, "d", "d1", 31, 8, 0, NULL, NULL},  AGAIN,
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "50 100");
    times_are(&c, "b", "40");
    times_are(&c, "d", "10");
    assert_int_equal(oddity_of(&c, "shared_ids"), 2);
    cleaning_clear(&c);
}

/* Probes at b are no requests; they are listed, and occupy b's worker: the request's visit starts when the
 * probe ends, 130: 160 - 130. */
static void probes(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 100, 100, 0, "GET /", NULL},
        {1, 2, 1, C, "a", "a1", 105, 60, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 110, 50, 0, NULL, NULL},
        {2, 1, 0, S, "b", "b1", 90, 40, 0, "GET /health", NULL},
        {3, 1, 0, S, "a", "a1", 500, 10, 0, "GET /health", NULL},
        {9, 1, 0, S, "a", "a1", 1000, 100, 0, "GET /", NULL},
    };
    CLEAN(&c, t, NULL, .queue = 1, .target = KT_TARGET_ASK_PROC);
    times_are(&c, "a", "40 10 100");
    times_are(&c, "b", "30");
    assert_int_equal(account_of(&c, "other_root"), 1);
    clean_again(&c, &(kt_clean_settings){.exclude_operations = {1, {"GET /health"}}});
    times_are(&c, "a", "40 100");
    assert_int_equal(account_of(&c, "other_operation"), 1);
    assert_int_equal(kt_json_size(kt_json_get(kt_cleaned_report(c.made), "roots")), 3);
    clean_again(&c, &(kt_clean_settings){.operations = {1, {"GET /"}}});
    times_are(&c, "a", "40 100");
    kt_cleaned *none = NULL;
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.entry = "b"}, NULL, NULL, &err),
          KT_INPUT, "no row is left of 6 spans and 1 requests at 'b'"); /* one request tells no rate */
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.operations = {1, {"GET /healh"}}},
                        NULL, NULL, &err),
          KT_USAGE, "did you mean 'GET /health'?");
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.entry = "c"}, NULL, NULL, &err),
          KT_USAGE, "the entry 'c' sends no spans");
    cleaning_clear(&c);
}

/* Two callers of one service: both visits are rows of d, of the same request. */
static void two_callers(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "a1", 0, 100, 0, NULL, NULL}, {1, 2, 1, C, "a", "a1", 10, 50, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 12, 46, 0, NULL, NULL}, {1, 4, 3, C, "b", "b1", 20, 15, 0, NULL, NULL},
        {1, 5, 4, S, "d", "d1", 21, 12, 0, NULL, NULL}, {1, 6, 1, C, "a", "a1", 70, 20, 0, NULL, NULL},
        {1, 7, 6, S, "d", "d1", 72, 15, 0, NULL, NULL}, AGAIN,
    };
    CLEAN(&c, t, NULL, .queue = 0);
    times_are(&c, "a", "30 100");
    times_are(&c, "b", "35"); /* 31 and 4 */
    times_are(&c, "d", "15 20");
    cleaning_clear(&c);
}

/* The service by a tag of the span; pods by the usual tags or another one, of Istio's node_id the third part.
 */
static void names_from_tags(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a.ns", NULL, 0, 100, 0, NULL, "node_id=sidecar~10.0.0.1~a-1.ns~ns.svc"},
        {2, 1, 0, S, "a.ns", NULL, 1000, 90, 0, NULL, "node_id=sidecar~10.0.0.1~a-1.ns~ns.svc"},
        {3, 1, 0, S, "a.ns", "p", 2000, 70, 0, NULL, "istio.canonical_service=web"},
        {4, 1, 0, S, "a.ns", "p", 3000, 60, 0, NULL, "istio.canonical_service=web"},
    };
    CLEAN(&c, t, NULL, .service_from = NULL);
    times_are(&c, "a.ns", "100 90 70 60");
    assert_string_equal(kt_json_as_text(kt_json_at(kt_json_get(report_of(&c, "a.ns"), "pods"), 0), ""),
                        "a-1.ns");
    assert_true(service_of(&c, "a.ns")->x[1] == 2);
    clean_again(&c, &(kt_clean_settings){.service_from = "tag:istio.canonical_service"});
    times_are(&c, "a.ns", "100 90"); /* as many traces begin at either */
    clean_again(&c, &(kt_clean_settings){.service_from = "tag:istio.canonical_service", .entry = "web"});
    times_are(&c, "web", "70 60");
    clean_again(&c, &(kt_clean_settings){.pod_from = {1, {"node_id"}}, .rep = {1, {"a=3"}}, .queue = 1});
    says(&c, "a.ns: the pod of 2 of 4 visits is not known");
    assert_true(service_of(&c, "a.ns")->x[1] == 3);
    kt_cleaned *none = NULL;
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.service_from = "tag:app"}, NULL,
                        NULL, &err),
          KT_USAGE, "no span has this tag");
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.pod_from = {1, {"node_id"}}},
                        NULL, NULL, &err),
          KT_INPUT, "of services whose replicas are not known");
    cleaning_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fan_out),         cmocka_unit_test(retries_and_errors),
        cmocka_unit_test(siblings_stay),   cmocka_unit_test(nested_servers),
        cmocka_unit_test(what_is_no_call), cmocka_unit_test(consumers),
        cmocka_unit_test(external_calls),  cmocka_unit_test(skew),
        cmocka_unit_test(bad_durations),   cmocka_unit_test(broken_trees),
        cmocka_unit_test(shared_ids),      cmocka_unit_test(probes),
        cmocka_unit_test(two_callers),     cmocka_unit_test(names_from_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
