/* Waiting, rates, cells and replicas. Times in us; what is expected was added up by hand. */
#include "../scratch.h"
#include "spans_of.h"
#include "tracestate.h"

static cleaning c;

static double rate(const char *service, size_t row)
{
    return service_of(&c, service)->x[2 * row];
}

static double rep(const char *service, size_t row)
{
    return service_of(&c, service)->x[2 * row + 1];
}

static const char *label(const char *service, size_t row)
{
    const kt_service *s = service_of(&c, service);
    return s->cells[s->cell[row]].label;
}

static void near(double got, double wanted)
{
    if (fabs(got - wanted) > 1e-12 * fabs(wanted))
        fail_msg("%.17g, not %.17g", got, wanted);
}

static const char *queue_of(const char *service)
{
    return kt_json_as_text(kt_json_get(kt_json_get(report_of(&c, service), "queue"), "rule"), "");
}

/* One worker: freed at 0, 100, 150, 200; the third one failed and still occupies it. Without removal the
 * spans' lengths; with two workers the second one starts at once, the third when the first is done (100). */
static void waiting(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 0, 100, 0, NULL, NULL},
        {2, 1, 0, S, "a", "p", 10, 140, 0, NULL, NULL},
        {3, 1, 0, S, "a", "p", 20, 180, KT_SPAN_FAILED, NULL, NULL},
        {4, 1, 0, S, "a", "p", 30, 200, 0, NULL, NULL},
        {5, 1, 0, S, "a", "q", 40, 50, 0, NULL, NULL}, /* another pod: at once */
    };
    CLEAN(&c, t, NULL, .queue = 1);
    times_are(&c, "a", "100 50 30 50");
    assert_int_equal(account_of(&c, "failed"), 1);
    clean_again(&c, &(kt_clean_settings){.queue = 2});
    times_are(&c, "a", "100 140 200 50");
    clean_again(&c,
                &(kt_clean_settings){.workers = {1, {"2"}}}); /* the fourth: freed at 150, the second's end */
    times_are(&c, "a", "100 140 80 50");
    says(&c, "a: a pod works on 2 requests at a time");
    clean_again(&c, &(kt_clean_settings){.workers = {2, {"a=1", "2"}}});
    times_are(&c, "a", "100 50 30 50");
    cleaning_clear(&c);
}

/* A visit that waited past its call loses only what it called after it began: row 50..160 less 60..90. And
 * one that ends before its worker was free has no time: counted, not clamped. */
static void waiting_and_calls(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 0, 50, 0, NULL, NULL},   {2, 1, 0, S, "a", "p", 10, 150, 0, NULL, NULL},
        {2, 2, 1, C, "a", "p", 40, 20, 0, NULL, NULL},  {2, 3, 2, S, "b", "b1", 45, 10, 0, NULL, NULL},
        {2, 4, 1, C, "a", "p", 60, 30, 0, NULL, NULL},  {2, 5, 4, S, "b", "b1", 61, 10, 0, NULL, NULL},
        {3, 1, 0, S, "a", "p", 20, 100, 0, NULL, NULL},
    };
    CLEAN(&c, t, NULL, .queue = 1, .target = KT_TARGET_ASK_PROC);
    times_are(&c, "a", "50 70"); /* 110 - (50..60) - (60..90) */
    assert_int_equal(account_of(&c, "no_time"), 1);
    cleaning_clear(&c);
}

enum { MANY = 400 };

/* n visits at one pod, each 600 us of work or so, 1,000 us apart; every third comes when the pod is busy.
 * With one worker it waits, else it is served at once. */
static void load_pod(one_span *t, bool one_worker)
{
    int64_t freed = 0;
    for (int i = 0; i < MANY; i++) {
        int64_t start = 1000 * (i - (i % 3 == 2 ? 1 : 0)) + (i % 3 == 2 ? 300 : 0);
        int64_t work = 580 + (i * 37) % 41, begin = one_worker && freed > start ? freed : start;
        freed = begin + work;
        t[i] = (one_span){(uint64_t)i + 1, 1, 0, S, "a", "p", start, freed - start, 0, NULL, NULL};
    }
}

/* The rule is found from the spans; a service that serves all at once is not taken for a queue although none
 * overtakes: what found its pod busy would have half the time. */
static void queue_is_found(void **state)
{
    (void)state;
    static one_span t[MANY];
    load_pod(t, true);
    CLEAN(&c, t, NULL, .queue = 0);
    assert_string_equal(queue_of("a"), "fifo");
    const kt_service *a = service_of(&c, "a");
    for (size_t i = 0; i < a->n; i++)
        assert_true(a->y[i] >= 579e-6 && a->y[i] <= 621e-6);
    cleaning_clear(&c);
    load_pod(t, false);
    CLEAN(&c, t, NULL, .queue = 0);
    assert_string_equal(queue_of("a"), "none");
    says(&c, "KubeTwin serves one at a time");
    cleaning_clear(&c);
    for (int i = 0; i < MANY; i++) /* every fiftieth is overtaken by the next one: 2 % */
        t[i] =
            (one_span){(uint64_t)i + 1, 1, 0, S, "a", "p", 1000 * i, i % 50 == 0 ? 1700 : 600, 0, NULL, NULL};
    CLEAN(&c, t, NULL, .queue = 0);
    assert_string_equal(queue_of("a"), "none");
    cleaning_clear(&c);
}

#define CELL(n, start, end, asked, achieved, requests, reps)                                                 \
    "{\"cell\":" #n ",\"start_us\":" #start ",\"end_us\":" #end ",\"rps_asked\":" #asked                     \
    ",\"rps_achieved\":" #achieved ",\"n\":" #requests ",\"errors\":0,\"rep\":{" reps "}}"

/* Requests by their start to cells; repeats of a step are one cell with two rates; one step did not achieve
 * 0.9 of what was asked; one request is of no cell. a has one replica by the manifest and two pods: that is
 * said. */
static void manifest_cells(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 1000, 100, 0, NULL, NULL}, {2, 1, 0, S, "a", "q", 1500, 101, 0, NULL, NULL},
        {3, 1, 0, S, "a", "p", 2500, 102, 0, NULL, NULL}, {4, 1, 0, S, "a", "p", 3000, 103, 0, NULL, NULL},
        {5, 1, 0, S, "a", "p", 4000, 104, 0, NULL, NULL}, {5, 2, 1, C, "a", "p", 4010, 50, 0, NULL, NULL},
        {5, 3, 2, S, "b", "b1", 4500, 20, 0, NULL, NULL}, /* behind the cell's end: the request is in it */
        {6, 1, 0, S, "a", "p", 5000, 105, 0, NULL, NULL},
    };
    static const char manifest[] =
        "{\"entry\":\"a\",\"cells\":[" CELL(0, 1000, 2000, 40, 39.5, 2, "\"a\":1,\"b\":2") "," CELL(
            1, 3000, 3400, 50, 44, 1,
            "\"a\":1,\"b\":2") "," CELL(2, 4000, 4400, 40, 41, 1,
                                        "\"a\":1,\"b\":2") "," CELL(3, 5000, 5400, 60, 60, 1,
                                                                    "\"a\":1,\"b\":3") "]}";
    CLEAN(&c, t, manifest, .queue = 2);
    times_are(&c, "a", "100 101 54 105");
    near(rate("a", 0), 39.5);
    near(rate("a", 2), 41);
    near(rate("b", 0), 41);
    near(rep("b", 0), 2);
    assert_string_equal(label("a", 0), "rps=40 rep=1,2");
    assert_string_equal(label("a", 2), "rps=40 rep=1,2");
    assert_string_equal(label("a", 3), "rps=60 rep=1,3");
    assert_int_equal(service_of(&c, "a")->n_cells, 2);
    assert_int_equal(service_of(&c, "a")->rule, KT_CELLS_NOMINAL);
    assert_int_equal(account_of(&c, "no_cell"), 1);
    assert_int_equal(account_of(&c, "overloaded"), 1);
    says(&c, "overloaded, 44 of 50");
    says(&c, "a: the manifest and the pods seen differ in 1 cells, first in cell 0: 2 pods seen");
    clean_again(&c, &(kt_clean_settings){.keep_overload = true, .rep = {1, {"b=7"}}});
    times_are(&c, "a", "100 101 103 54 105");
    near(rep("b", 0), 7);
    cleaning_clear(&c);
}

/* 40 of 50 by the luck of the draw is no overload where what was drawn is told; 40 of 45 that were due is
 * one. */
static void drawn_rates(void **state)
{
    (void)state;
    static const one_span t[] = {{1, 1, 0, S, "a", "p", 1000, 100, 0, NULL, NULL},
                                 {2, 1, 0, S, "a", "p", 3000, 101, 0, NULL, NULL}};
    static const char manifest[] =
        "{\"cells\":[" CELL(0, 1000, 2000, 50, 40, 1, "\"*\":1},\"rps_drawn\":40.5,\"x\":{") "," CELL(
            1, 3000, 4000, 40, 40, 1, "\"*\":1},\"rps_drawn\":45,\"x\":{") "]}";
    CLEAN(&c, t, manifest, .queue = 2);
    times_are(&c, "a", "100");
    near(rep("a", 0), 1);
    assert_int_equal(account_of(&c, "overloaded"), 1);
    says(&c, "cell 1: overloaded, 40 of 45 requests per second were achieved: left out");
    cleaning_clear(&c);
}

/* Two seconds of a cell of five are cut at its start, one at its end; the queue saw them: the request at 2.0
 * s waits for the one at 1.9 s, which is cut. */
static void warm_up(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 1000000, 100, 0, NULL, NULL},
        {2, 1, 0, S, "a", "p", 2900000, 200000, 0, NULL, NULL},
        {3, 1, 0, S, "a", "p", 3000000, 200000, 0, NULL, NULL},
        {4, 1, 0, S, "a", "p", 4000000, 70, 0, NULL, NULL},
        {5, 1, 0, S, "a", "p", 5500000, 80, 0, NULL, NULL},
    };
    static const char manifest[] = "{\"cells\":[" CELL(0, 1000000, 6000000, 1, 1.1, 5, "\"a\":1") "]}";
    CLEAN(&c, t, manifest, .queue = 1, .warmup_s = 2, .cooldown_s = 1);
    times_are(&c, "a", "100000 70");
    assert_int_equal(account_of(&c, "trimmed"), 3);
    near(rate("a", 0), 1.1);
    cleaning_clear(&c);
}

/* Rates of groups: starts at 0, 1, 3, 6, 10, 15, 21 s. */
static void rates(void **state)
{
    (void)state;
    static one_span t[7];
    for (int i = 0; i < 7; i++)
        t[i] = (one_span){(uint64_t)i + 1, 1, 0, S, "a", "p", 500000 * i * (i + 1), 100, 0, NULL, NULL};
    CLEAN(&c, t, NULL, .rps_eff = "rows:3"); /* gaps 1+2+3; 3+4+5; the last three: 4+5+6 */
    near(rate("a", 0), 2 / 6.);
    near(rate("a", 2), 2 / 6.);
    near(rate("a", 3), 2 / 12.);
    near(rate("a", 6), 2 / 15.);
    clean_again(&c, &(kt_clean_settings){.rps_eff = "group8"}); /* six gaps in 21 s */
    near(rate("a", 0), 6 / 21.);
    clean_again(&c, &(kt_clean_settings){.rps_eff = "cell"});
    near(rate("a", 0), 6 / 21.);
    clean_again(&c, &(kt_clean_settings){.rps_eff = "window:5"}); /* 0 1 3 | 6 | 10 and what follows to 21 */
    near(rate("a", 0), 3 / 5.);
    near(rate("a", 3), 1 / 5.);
    clean_again(&c, &(kt_clean_settings){.rps_eff = "cell", .sampling = 0.5}); /* twice as many in truth */
    near(rate("a", 0), 12 / 21.);
    static const char *const bad[] = {"rows:2", "rows:x", "window:0", "group9"};
    for (size_t i = 0; i < 4; i++) {
        kt_cleaned *none = NULL;
        FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.rps_eff = bad[i]}, NULL, NULL,
                            &err),
              KT_USAGE, bad[i]);
    }
    cleaning_clear(&c);
}

/* b is visited twice by each request: its own arrivals come at twice the cell's rate. */
static void rates_of_services(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 1000, 100, 0, NULL, NULL}, {1, 2, 1, C, "a", "p", 1010, 20, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 1010, 20, 0, NULL, NULL}, {1, 4, 1, C, "a", "p", 1040, 20, 0, NULL, NULL},
        {1, 5, 4, S, "b", "b1", 1040, 20, 0, NULL, NULL},
    };
    static const char manifest[] = "{\"cells\":[" CELL(0, 1000, 2000, 40, 39, 1, "\"a\":1") "]}";
    CLEAN(&c, t, manifest, .rps_of = 1);
    near(rate("a", 0), 39);
    near(rate("b", 0), 78);
    cleaning_clear(&c);
}

/* A share of requests is traced: rates must come from elsewhere, and no queue is guessed at. */
static void sampled(void **state)
{
    (void)state;
    static const one_span kinds[] = {
        {1, 1, 0, S, "a", "p", 1000, 100, 0, NULL, "sampler.type=probabilistic"},
        {2, 1, 0, S, "a", "p", 501000, 100, 0, NULL, "sampler.type=probabilistic"},
    };
    static const char manifest[] = "{\"cells\":[" CELL(0, 1000, 1001000, 20, 19, 20, "\"a\":1") "]}";
    kt_cleaned *none = NULL;
    c.manifest = (kt_manifest){.n = 0};
    spans_of(&c.spans, kinds, 2);
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.queue = 0}, NULL, NULL, &err),
          KT_INPUT, "give the share that is with --sampling");
    clean_spans(&c, &(kt_clean_settings){.sampling = 0.1, .rps_eff = "cell"});
    near(rate("a", 0), 20); /* one gap in half a second */
    assert_string_equal(queue_of("a"), "none");
    clean_again(&c, &(kt_clean_settings){.sampling = 0.1, .queue = 1});
    assert_string_equal(queue_of("a"), "fifo");
    cleaning_clear(&c);
    CLEAN(&c, kinds, manifest, .queue = 0); /* the manifest tells it; 2 traces of 20 requests */
    near(rate("a", 0), 19);
    assert_string_equal(queue_of("a"), "none");
    says(&c, "not all requests are traced");
    cleaning_clear(&c);
}

/* The tracestate's threshold: "th:8" rejects half, "th:c" three quarters; "p:3" keeps one in eight. */
static void tracestates(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        double share;
    } known[] = {{"ot=th:8", "th:8", 0.5},
                 {"a=1, ot=rv:0123;th:c", "th:c", 0.25},
                 {"ot=p:3;r:5,b=th:1", "p:3", 0.125},
                 {"ot=p:3;th:0", "th:0", 1},
                 {"ot=th:ffffffffffffff", "th:ffffffffffffff", 0x1p-56},
                 {"ot=rv:1", "", 1},
                 {"th:8", "", 1},
                 {"ot=th:", "", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n;
        char part[64];
        const char *found = kt_tracestate_sampling(&n, known[i].text, strlen(known[i].text));
        snprintf(part, sizeof part, "%.*s", (int)n, found);
        assert_string_equal(part, known[i].part);
        assert_true(kt_tracestate_share(part) == known[i].share);
    }
    assert_true(kt_tracestate_share("th:8x") == 1 && kt_tracestate_share("p:70") == 1);
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 1000, 100, 0, NULL, "w3c.tracestate=th:8"},
        {2, 1, 0, S, "a", "p", 501000, 100, 0, NULL, "w3c.tracestate=th:8"},
    };
    kt_cleaned *none = NULL;
    c.manifest = (kt_manifest){.n = 0};
    spans_of(&c.spans, t, 2);
    FAILS(kt_clean_make(&none, &c.spans, &c.manifest, &(kt_clean_settings){.queue = 0}, NULL, NULL, &err),
          KT_INPUT, "--sampling 0.5");
    kt_spans_clear(&c.spans);
}

/* Times that rise within a cell; delays that rise with the load; visits that differ between cells. */
static void flags(void **state)
{
    (void)state;
    enum { N = 200 };
    static one_span t[5 * N];
    size_t n = 0;
    for (int i = 0; i < N; i++) {
        uint64_t trace = (uint64_t)i + 1;
        bool second = i >= N / 2; /* of two cells */
        int64_t start = 1000000 + 20000 * i, delay = second ? 300 : 100,
                drift = second && i >= 3 * N / 4 ? 900 : 0;
        t[n++] = (one_span){trace, 1, 0, S, "a", "p", start, 9000 + i % 7 + drift, 0, NULL, NULL};
        t[n++] = (one_span){trace, 2, 1, C, "a", "p", start + 10, 1000 + delay, 0, NULL, NULL};
        t[n++] = (one_span){trace, 3, 2, S, "b", "b1", start + 20, 1000, 0, NULL, NULL};
        if (second) {
            t[n++] = (one_span){trace, 4, 1, C, "a", "p", start + 4000, 1000 + delay, 0, NULL, NULL};
            t[n++] = (one_span){trace, 5, 4, S, "b", "b1", start + 4010, 1000, 0, NULL, NULL};
        }
    }
    static const char manifest[] = "{\"cells\":[" CELL(0, 1000000, 2999999, 50, 50, 100, "\"*\":1") "," CELL(
        1, 3000000, 5000000, 80, 80, 100, "\"*\":1") "]}";
    c.manifest = (kt_manifest){.n = 0};
    OK(kt_manifest_parse(&c.manifest, manifest, strlen(manifest), "m.json", &err));
    spans_of(&c.spans, t, n);
    clean_spans(&c, &(kt_clean_settings){.queue = 2});
    says(&c, "a: its times drift in cell 1");
    says(&c, "b: visits per request differ between cells: 1 in 'rps=50 rep=1', 2 in 'rps=80 rep=1'");
    says(&c, "b: the median delay is 0.1 ms at 50 requests per second and replica and 0.3 ms at 80");
    assert_null(strstr(c.notes, "cell 0"));
    cleaning_clear(&c);
}

/* ---- as CSV ---- */

/* kt_csv_read makes the same samples of the cleaned CSV. */
static void same_as_csv(kt_target_choice target)
{
    static const char *const path[] = {"c.csv"};
    kt_samples read = {.d = 0};
    OK(kt_cleaned_csv("c.csv", c.made, &err));
    OK(kt_csv_read(&read, path, 1, &(kt_csv_options){.unit = KT_UNIT_MS, .target = target}, &err));
    assert_int_equal(read.n_services, c.samples.n_services);
    for (size_t i = 0; i < read.n_services; i++) {
        const kt_service *a = &read.services[i], *b = &c.samples.services[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->n, b->n);
        assert_int_equal(a->rule, b->rule);
        assert_int_equal(a->negative_delays, b->negative_delays);
        assert_memory_equal(a->y, b->y, a->n * sizeof *a->y);
        assert_memory_equal(a->x, b->x, 2 * a->n * sizeof *a->x);
        assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    }
    kt_samples_clear(&read);
}

static void csv_reads_back(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a,x", "p", 1000, 100, 0, NULL, NULL},
        {1, 2, 1, C, "a,x", "p", 1010, 20, 0, NULL, NULL},
        {1, 3, 2, S, "b", "b1", 1012, 33, 0, NULL, NULL},
        {1, 4, 1, C, "a,x", "p", 1050, 21, 0, NULL, NULL},
        {1, 5, 4, S, "b", "b2", 1051, 17, 0, NULL, NULL},
        {2, 1, 0, S, "a,x", "p", 1500, 100, 0, NULL, NULL},
        {3, 1, 0, S, "a,x", "p", 4000, 100, 0, NULL, NULL},
        {3, 2, 1, C, "a,x", "p", 4010, 20, 0, NULL, NULL},
        {3, 3, 2, S, "b", "b1", 4011, 13, 0, NULL, NULL},
        {3, 4, 77, S, "b", "b1", 4050, 3, 0, NULL, NULL},
    };
    static const char manifest[] =
        "{\"cells\":[" CELL(0, 1000, 2000, 40, 39.123456789, 2,
                            "\"a,x\":1,\"b\":2") "," CELL(1, 4000, 4400, 60, 61, 1, "\"a,x\":1,\"b\":1") "]}";
    CLEAN(&c, t, manifest, .queue = 2);
    times_are(&c, "b", "33 21 20"); /* the first delay is -13; the last visit's is not known */
    assert_int_equal(account_of(&c, "no_delay"), 1);
    same_as_csv(KT_TARGET_AUTO);
    clean_again(&c, &(kt_clean_settings){.queue = 2, .target = KT_TARGET_ASK_PROC});
    times_are(&c, "b", "33 17 13 3");
    same_as_csv(KT_TARGET_ASK_PROC);
    kt_manifest_clear(&c.manifest); /* cells that are found */
    clean_again(&c, &(kt_clean_settings){.queue = 2});
    same_as_csv(KT_TARGET_AUTO);
    cleaning_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting),
        cmocka_unit_test(waiting_and_calls),
        cmocka_unit_test(queue_is_found),
        cmocka_unit_test(manifest_cells),
        cmocka_unit_test(drawn_rates),
        cmocka_unit_test(warm_up),
        cmocka_unit_test(rates),
        cmocka_unit_test(rates_of_services),
        cmocka_unit_test(sampled),
        cmocka_unit_test(tracestates),
        cmocka_unit_test(flags),
        cmocka_unit_test_setup_teardown(csv_reads_back, scratch_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
