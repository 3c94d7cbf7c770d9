#include "kt/load.h"

#include "../scratch.h"
#include "load_server.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

static char url[100];

static kt_load_options at(const load_server *server, const char *path, double rate, int64_t requests)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server->port, path);
    return (kt_load_options){.url = url,
                             .method = "POST",
                             .body = "{}",
                             .rate = rate,
                             .requests = requests,
                             .seed = 7,
                             .most = 1000,
                             .timeout_s = 20,
                             .give_up_s = 60};
}

static kt_load_result load(const kt_load_options *options)
{
    kt_load_result result = {.n = 0};
    kt_error err = {0};
    if (kt_load_run(&result, options, &err) != KT_OK)
        fail_msg("%s", err.message);
    return result;
}

/* ---- the schedule: numbers are fixed by the seed, bounds are quantiles at 1e-6 ---- */

static void gaps_are_exponential(void **state)
{
    (void)state;
    enum { N = 20000 };
    const double rate = 250;
    kt_load_options o = {.rate = rate, .requests = N + 1, .seed = 11};
    kt_load_request *r = NULL;
    size_t n;
    assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
    assert_int_equal(n, N + 1);
    assert_int_equal(r[0].due, 0);
    static double u[N]; /* cdf of each gap: uniform if the law is right */
    double sum = 0, squares = 0, lagged = 0;
    for (size_t i = 0; i < N; i++) {
        double gap = (double)(r[i + 1].due - r[i].due) * 1e-9 * rate;
        assert_true(gap >= 0);
        sum += gap;
        squares += gap * gap;
        u[i] = -expm1(-gap);
        lagged += i > 0 ? (u[i] - 0.5) * (u[i - 1] - 0.5) : 0;
    }
    /* Mean 1, sd 1 / sqrt(n). Variance 1: its sample has sd sqrt(8 / n). 4.9 sd each. */
    double mean = sum / N, variance = squares / N - mean * mean;
    assert_true(fabs(mean - 1) < 4.9 / sqrt(N));
    assert_true(fabs(variance - 1) < 4.9 * sqrt(8.0 / N));
    /* Neighbours are independent: the product of two centred uniform numbers has variance 1 / 144. */
    assert_true(fabs(lagged / N) < 4.9 / 12 / sqrt(N));
    /* Kolmogorov: P(sqrt(n) D > 2.69) = 2 exp(-2 * 2.69^2) = 1.0e-6. */
    int below[1001] = {0};
    double distance = 0;
    for (size_t i = 0; i < N; i++)
        below[(int)(u[i] * 1000)]++;
    for (int i = 0, all = 0; i < 1000; i++) {
        all += below[i];
        distance = fmax(distance, fabs((double)all / N - (i + 1) / 1000.0));
    }
    assert_true(distance * sqrt(N) < 2.69);
    assert_true(distance * sqrt(N) > 0.2); /* numbers, not a grid: it is below that with probability 1e-12 */
    free(r);
}

static void counts_in_a_time_are_poisson(void **state)
{
    (void)state;
    enum { CELLS = 2000 };
    double sum = 0, squares = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        kt_load_options o = {.rate = 40, .seconds = 0.5, .seed = 3, .cell = cell};
        kt_load_request *r = NULL;
        size_t n;
        assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
        for (size_t i = 0; i < n; i++)
            assert_true(r[i].due >= 0 && r[i].due <= 500000000);
        sum += (double)n;
        squares += (double)n * (double)n;
        free(r);
    }
    double mean = sum / CELLS, variance = squares / CELLS - mean * mean;
    /* Poisson of 20: variance 20, fourth central moment 20 + 3 * 400. */
    assert_true(fabs(mean - 20) < 4.9 * sqrt(20.0 / CELLS));
    assert_true(fabs(variance - 20) < 4.9 * sqrt((1220.0 - 400) / CELLS));
}

static void constant_arrivals_have_one_gap(void **state)
{
    (void)state;
    kt_load_options o = {.rate = 3, .requests = 10001, .arrivals = KT_ARRIVALS_CONSTANT};
    kt_load_request *r = NULL;
    size_t n;
    assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(r[i].due, llround((double)i * 1e9 / 3));
    free(r);
}

static void the_parts_of_a_load_follow_each_other(void **state)
{
    (void)state;
    for (int by_count = 0; by_count < 2; by_count++) {
        kt_load_options o = {.rate = 100, .warmup_s = 1, .cooldown_s = 2, .seed = 5};
        o.requests = by_count ? 300 : 0;
        o.seconds = by_count ? 0 : 3;
        kt_load_request *r = NULL;
        size_t n, of[3] = {0};
        assert_int_equal(kt_load_schedule(&r, &n, &o, NULL), KT_OK);
        int64_t last_measured = 0;
        for (size_t i = 0; i < n; i++) {
            static const kt_load_phase order[] = {KT_LOAD_WARMUP, KT_LOAD_MEASURED, KT_LOAD_COOLDOWN};
            size_t part = 0;
            while (order[part] != r[i].phase)
                part++;
            of[part]++;
            for (size_t k = 0; i > 0 && k < part; k++)
                assert_true(r[i - 1].phase != order[2] || part == 2);
            assert_int_equal(r[i].due < 1000000000, part == 0);
            if (part == 1)
                last_measured = r[i].due;
            if (part == 2)
                assert_true(r[i].due > last_measured &&
                            r[i].due < (by_count ? last_measured : 4000000000) + 2000000000);
        }
        /* Poisson of 100, 300 and 200, or 300 for sure: within 5 sd */
        assert_in_range(of[0], 50, 150);
        assert_in_range(of[1], by_count ? 300 : 214, by_count ? 300 : 386);
        assert_in_range(of[2], 130, 270);
        free(r);
    }
}

static void ids_follow_from_seed_cell_and_number(void **state)
{
    (void)state;
    kt_load_options o = {.rate = 10, .requests = 1000, .seed = 1}, same = o, other = o;
    kt_load_request *a = NULL, *b = NULL;
    size_t n;
    assert_int_equal(kt_load_schedule(&a, &n, &o, NULL), KT_OK);
    assert_int_equal(kt_load_schedule(&b, &n, &same, NULL), KT_OK);
    for (size_t i = 0; i < n; i++) {
        uint8_t trace[16], span[8];
        kt_load_ids(trace, span, &o, i);
        assert_memory_equal(trace, a[i].trace, 16);
        assert_memory_equal(a[i].trace, b[i].trace, 16);
        assert_int_equal(a[i].due, b[i].due);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(a[k].trace, trace, 16);
    }
    free(b);
    for (int what = 0; what < 3; what++) { /* another seed, cell, attempt */
        other = o;
        other.seed += what == 0;
        other.cell += what == 1;
        other.attempt += what == 2;
        assert_int_equal(kt_load_schedule(&b, &n, &other, NULL), KT_OK);
        assert_memory_not_equal(a[0].trace, b[0].trace, 16);
        assert_int_equal(a[1].due == b[1].due, what == 2); /* the same load once more, under other ids */
        free(b);
    }
    free(a);
}

/* ---- against a server ---- */

static size_t of_error(const kt_load_result *result, kt_load_error error)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n; i++)
        n += result->request[i].error == error;
    return n;
}

static void requests_are_sent_as_told(void **state)
{
    (void)state;
    load_server server = load_server_start("log");
    kt_load_options o = at(&server, "/ok", 500, 200);
    kt_load_result result = load(&o);
    load_server_stop(&server);
    assert_int_equal(result.n, 200);
    assert_int_equal(result.end, KT_LOAD_ALL);
    FILE *log = fopen("log", "r");
    long long arrival;
    char trace[100];
    long body;
    size_t lines = 0;
    for (; fscanf(log, "%lld,POST,/ok,%ld,%79[^,],%*s", &arrival, &body, trace) == 3; lines++) {
        const kt_load_request *r = NULL;
        char wanted[36] = "00-";
        assert_int_equal(body, 2);
        for (size_t i = 0; i < result.n && !r; i++) {
            for (size_t k = 0; k < 16; k++)
                snprintf(wanted + 3 + 2 * k, 3, "%02x", result.request[i].trace[k]);
            if (strncmp(trace, wanted, 35) == 0)
                r = &result.request[i];
        }
        assert_non_null(r);
        assert_int_equal(strlen(trace), 55);
        assert_string_equal(trace + 52, "-01");
        assert_true(strncmp(trace + 36, "0000000000000000", 16) != 0);
        /* One machine, but the difference of its clocks may move by some microseconds meanwhile. */
        assert_true(arrival > r->due && arrival > r->sent - 1000000 && arrival < r->done + 1000000);
    }
    fclose(log);
    assert_int_equal(lines, 200);
    for (size_t i = 0; i < result.n; i++) {
        assert_int_equal(result.request[i].status, 200);
        assert_true(result.request[i].sent >= result.request[i].due);
        assert_true(result.request[i].done >= result.request[i].sent);
    }
    kt_load_result_clear(&result);
}

static void a_stall_is_seen_by_all_that_it_kept_waiting(void **state)
{
    (void)state;
    load_server server = load_server_start(NULL);
    kt_load_options o = at(&server, "/stall/50/400", 200, 200);
    o.arrivals = KT_ARRIVALS_CONSTANT;
    kt_load_result result = load(&o);
    load_server_stop(&server);
    /* Number 50 is due 245 ms after the begin and answered at 645 ms; what is due in between waits until
     * then. */
    size_t slow = 0;
    for (size_t i = 49; i < 129; i++) {
        double late_by = (double)(result.request[i].done - result.request[i].due) * 1e-6;
        assert_true(late_by > 400 - 5 * (double)(i - 49) - 2);
        slow += late_by > 100;
    }
    assert_in_range(slow, 59, 80);
    assert_int_equal(of_error(&result, KT_LOAD_NONE), 200);
    kt_load_result_clear(&result);
}

static void one_slot_makes_requests_wait(void **state)
{
    (void)state;
    load_server server = load_server_start(NULL);
    kt_load_options o = at(&server, "/sleep/50", 100, 40);
    o.arrivals = KT_ARRIVALS_CONSTANT;
    o.most = 1;
    kt_load_result result = load(&o);
    load_server_stop(&server);
    /* Each takes at least 50 ms and the next is due 10 ms after the one before: 40 ms more each. */
    for (size_t i = 0; i < 40; i++) {
        const kt_load_request *r = &result.request[i];
        assert_true((double)(r->done - r->due) * 1e-6 > 50 + 40 * (double)i - 2);
        assert_int_equal(r->waited, i > 0);
    }
    kt_json *figures = kt_load_figures(&result);
    assert_int_equal(kt_json_as_int(kt_json_get(figures, "waited"), -1), 39);
    assert_int_equal(kt_json_as_int(kt_json_get(figures, "n"), -1), 40);
    double achieved = kt_json_as_real(kt_json_get(figures, "rps_achieved"), -1);
    assert_true(achieved > 5 && achieved < 20.1); /* asked were 100 */
    kt_json_drop(figures);
    kt_load_result_clear(&result);
}

static void errors_are_told_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        kt_load_error error;
        int status;
    } cases[] = {{"/status/500", KT_LOAD_HTTP_5XX, 500}, {"/status/404", KT_LOAD_HTTP_4XX, 404},
                 {"/status/302", KT_LOAD_HTTP_3XX, 302}, {"/reset", KT_LOAD_BROKEN, 0},
                 {"/cut", KT_LOAD_BROKEN, 200},          {"/hang", KT_LOAD_TIMEOUT, 0},
                 {"/close", KT_LOAD_NONE, 200}};
    load_server server = load_server_start(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_load_options o = at(&server, cases[i].path, 200, 12);
        o.timeout_s = 0.2;
        kt_load_result result = load(&o);
        if (of_error(&result, cases[i].error) != 12)
            fail_msg("%s: %s", cases[i].path, kt_load_error_text[result.request[0].error]);
        for (size_t k = 0; k < 12; k++)
            assert_int_equal(result.request[k].status, cases[i].status);
        assert_int_equal(result.end, KT_LOAD_ALL);
        kt_load_result_clear(&result);
    }
    load_server_stop(&server);
    kt_load_options o = at(&server, "/ok", 200, 12); /* nobody listens there now */
    kt_load_result result = load(&o);
    assert_int_equal(of_error(&result, KT_LOAD_REFUSED), 12);
    kt_load_result_clear(&result);
    o.url = "http://no-such-host.invalid/";
    o.requests = 2;
    result = load(&o);
    assert_int_equal(of_error(&result, KT_LOAD_HOST), 2);
    kt_load_result_clear(&result);
    server = load_server_start(NULL);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", server.port); /* which speaks no TLS */
    o.url = url;
    o.timeout_s = 0.3;
    result = load(&o);
    assert_true(of_error(&result, KT_LOAD_TLS) + of_error(&result, KT_LOAD_TIMEOUT) == 2);
    kt_load_result_clear(&result);
    load_server_stop(&server);
}

static void a_lack_of_sockets_is_no_fault_of_the_server(void **state)
{
    (void)state;
    load_server server = load_server_start(NULL);
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 24;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    kt_load_options o = at(&server, "/sleep/400", 500, 60);
    kt_load_result result = load(&o);
    setrlimit(RLIMIT_NOFILE, &before);
    load_server_stop(&server);
    assert_in_range(of_error(&result, KT_LOAD_NONE), 1, 24);
    assert_int_equal(of_error(&result, KT_LOAD_NONE) + of_error(&result, KT_LOAD_LOCAL), 60);
    kt_load_result_clear(&result);
}

static void a_server_that_is_gone_ends_the_load(void **state)
{
    (void)state;
    load_server server = load_server_start(NULL);
    load_server_stop(&server);
    kt_load_options o = at(&server, "/ok", 50, 100000);
    o.give_up_s = 0.5;
    kt_load_result result = load(&o);
    assert_int_equal(result.end, KT_LOAD_GONE);
    assert_true(result.n >= 10 && result.n < 1000);
    assert_int_equal(of_error(&result, KT_LOAD_REFUSED) + of_error(&result, KT_LOAD_DROPPED), result.n);
    assert_true(strlen(result.reason) > 0);
    kt_load_result_clear(&result);
}

static size_t orders;
static kt_load_order after(void *context)
{
    return orders++ < 3 ? KT_LOAD_GO : *(kt_load_order *)context;
}

static void a_load_ends_by_order(void **state)
{
    (void)state;
    load_server server = load_server_start(NULL);
    for (kt_load_order order = KT_LOAD_FINISH; order <= KT_LOAD_DROP; order++) {
        kt_load_options o = at(&server, "/sleep/1500", 100, 100000);
        o.stop = after;
        o.context = &order;
        orders = 0;
        kt_load_result result = load(&o);
        assert_int_equal(result.end, KT_LOAD_STOPPED);
        assert_int_equal(result.planned, 100000);
        assert_true(result.n > 0 && result.n < 1000);
        size_t dropped = of_error(&result, KT_LOAD_DROPPED);
        assert_int_equal(dropped, order == KT_LOAD_DROP ? result.n : 0);
        assert_int_equal(of_error(&result, KT_LOAD_NONE), order == KT_LOAD_DROP ? 0 : result.n);
        kt_load_result_clear(&result);
    }
    load_server_stop(&server);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *header, *words;
    } cases[] = {{"", NULL, "URL"},
                 {"ftp://host/", NULL, "'ftp'"},
                 {"http://ok/", "nonsense", "nonsense"},
                 {"http://ok/", "Traceparent: 00-1-2-01", "traceparent"},
                 {"http://ok/", "A: b\r\nC: d", "'A'"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_error err = {0};
        kt_load_options o = {.url = cases[i].url,
                             .rate = 1,
                             .requests = 1,
                             .n_headers = cases[i].header != NULL,
                             .headers = &cases[i].header};
        assert_int_equal(kt_load_check(&o, &err), KT_USAGE);
        assert_non_null(strstr(err.message, cases[i].words));
    }
    kt_error err = {0};
    kt_load_options o = {.url = "http://user:hidden@[::1", .rate = 1, .requests = 1};
    assert_int_equal(kt_load_check(&o, &err), KT_USAGE);
    assert_null(strstr(err.message, "hidden"));
}

/* ---- what is written ---- */

#define MS 1000000

/* Due each 100 ms from 1000 s on; sent at once but for the last. */
static kt_load_result made_up(kt_load_request *r)
{
    const int64_t begin = 1000000000000;
    kt_load_result result = {.request = r, .n = 6, .planned = 6};
    for (int i = 0; i < 6; i++)
        r[i] =
            (kt_load_request){.due = begin + i * 100 * MS, .status = 200, .trace = {0xab, [15] = (uint8_t)i}};
    for (int i = 0; i < 6; i++) {
        r[i].sent = r[i].due + (i == 4 ? 300 * MS : MS / 2);
        r[i].done = r[i].due + (i + 1) * 50 * MS;
    }
    r[0].phase = KT_LOAD_WARMUP;
    r[2].status = 503;
    r[2].error = KT_LOAD_HTTP_5XX;
    r[4].waited = true;
    r[4].done = r[4].due + 400 * MS;
    r[5].phase = KT_LOAD_COOLDOWN;
    return result;
}

static void figures_are_those_of_the_measured(void **state)
{
    (void)state;
    kt_load_request r[6];
    kt_load_result result = made_up(r);
    kt_json *f = kt_load_figures(&result);
    static const struct {
        const char *key;
        double wanted;
    } wanted[] = {{"n", 4},
                  {"start_us", 1000100000},
                  {"end_us", 1000500000}, /* the cool-down began */
                  {"rps_achieved", 5}, /* 3 after the first, the last of them sent 0.6 s after it was due */
                  {"rps_drawn", 10},
                  {"errors", 1},
                  {"late", 1},
                  {"max_late_ms", 300},
                  {"waited", 1},
                  {"reply_p50_ms", 200}, /* of 100, 200 and 400 */
                  {"reply_p90_ms", 400},
                  {"reply_max_ms", 400},
                  {"reply_mean_ms", 700.0 / 3}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        double got = kt_json_as_real(kt_json_get(f, wanted[i].key), NAN);
        if (!(fabs(got - wanted[i].wanted) < 1e-9 * wanted[i].wanted + 1e-12))
            fail_msg("%s: %.17g, not %.17g", wanted[i].key, got, wanted[i].wanted);
    }
    assert_int_equal(kt_json_as_int(kt_json_get(kt_json_get(f, "errors_by_kind"), "http-5xx"), 0), 1);
    assert_int_equal(kt_json_size(kt_json_get(f, "errors_by_kind")), 1);
    kt_json_drop(f);
    r[5].phase = KT_LOAD_WARMUP; /* no cool-down: the last reply ends it */
    f = kt_load_figures(&result);
    assert_int_equal(kt_json_as_int(kt_json_get(f, "end_us"), 0), 1000800000);
    kt_json_drop(f);
}

static void requests_are_written_and_found(void **state)
{
    (void)state;
    kt_load_request r[6];
    kt_load_result result = made_up(r);
    r[3].status = 0;
    r[3].error = KT_LOAD_REFUSED;
    char *text = NULL;
    size_t bytes;
    assert_int_equal(kt_load_csv(&text, &bytes, &result, 2, NULL), KT_OK);
    assert_non_null(strstr(text, "1000.200500000,0.150000000,3,503,http-5xx,ab000000000000000000000000000002,"
                                 "1000.200000000,2,measured\n"));
    FILE *file = fopen("requests.csv", "w");
    fputs(KT_LOAD_CSV_HEADER, file);
    fwrite(text, 1, bytes, file);
    fclose(file);
    free(text);
    uint8_t ids[4][16];
    for (size_t i = 0; i < 4; i++)
        memcpy(ids[i], r[i == 3 ? 5 : i].trace, 16);
    kt_load_found found;
    assert_int_equal(kt_load_find(&found, "requests.csv", (const uint8_t(*)[16])ids, 4, NULL), KT_OK);
    assert_int_equal(found.requests, 6);
    assert_int_equal(found.answered, 5);
    assert_int_equal(found.found, 4);
    assert_int_equal(found.answered_missing, 1);
    assert_string_equal(found.missing, "cell 2: 5");
    assert_int_equal(kt_load_find(&found, "requests.csv", NULL, 0, NULL), KT_OK);
    assert_string_equal(found.missing, "cell 2: 1 2 3 5 6");
    file = fopen("requests.csv", "a");
    fputs("1000.2,0.1,3\n", file);
    fclose(file);
    kt_error err = {0};
    assert_int_equal(kt_load_find(&found, "requests.csv", NULL, 0, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "requests.csv:8:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_exponential),
        cmocka_unit_test(counts_in_a_time_are_poisson),
        cmocka_unit_test(constant_arrivals_have_one_gap),
        cmocka_unit_test(the_parts_of_a_load_follow_each_other),
        cmocka_unit_test(ids_follow_from_seed_cell_and_number),
        cmocka_unit_test(requests_are_sent_as_told),
        cmocka_unit_test(a_stall_is_seen_by_all_that_it_kept_waiting),
        cmocka_unit_test(one_slot_makes_requests_wait),
        cmocka_unit_test(errors_are_told_by_kind),
        cmocka_unit_test(a_lack_of_sockets_is_no_fault_of_the_server),
        cmocka_unit_test(a_server_that_is_gone_ends_the_load),
        cmocka_unit_test(a_load_ends_by_order),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(figures_are_those_of_the_measured),
        cmocka_unit_test(requests_are_written_and_found),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
