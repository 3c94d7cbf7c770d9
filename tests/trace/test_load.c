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
    long long arrival, earliest = INT64_MIN, latest = INT64_MAX;
    char trace[100];
    long body;
    size_t lines = 0;
    for (; fscanf(log, "%*d,POST,/ok,%ld,%79[^,],,%*d,%lld", &body, trace, &arrival) == 3; lines++) {
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
        earliest = r->due - arrival > earliest ? r->due - arrival : earliest;
        latest = r->done - arrival < latest ? r->done - arrival : latest;
    }
    fclose(log);
    /* By one clock less the other, whatever it is, each arrived after it was due and before it was done. */
    assert_true(earliest <= latest);
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
        assert_int_equal(result.end, cases[i].status > 0 ? KT_LOAD_ALL : KT_LOAD_UNANSWERED);
        kt_load_result_clear(&result);
    }
    load_server_stop(&server);
    kt_load_options o = at(&server, "/ok", 200, 12); /* nobody listens there now */
    kt_load_result result = load(&o);
    assert_int_equal(of_error(&result, KT_LOAD_REFUSED), 12);
    assert_int_equal(result.end, KT_LOAD_UNANSWERED);
    assert_true(strstr(result.reason, "connect") != NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_sent_as_told),
        cmocka_unit_test(a_stall_is_seen_by_all_that_it_kept_waiting),
        cmocka_unit_test(one_slot_makes_requests_wait),
        cmocka_unit_test(errors_are_told_by_kind),
        cmocka_unit_test(a_lack_of_sockets_is_no_fault_of_the_server),
        cmocka_unit_test(a_server_that_is_gone_ends_the_load),
        cmocka_unit_test(a_load_ends_by_order),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
