#include "kt/http.h"
#include "kt/when.h"
#include "scripted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define OK_(body)         "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body
#define STATUS(line, ...) "HTTP/1.1 " line "\r\nConnection: close\r\n" __VA_ARGS__ "\r\n"
#define SAYS(text)                                                                                           \
    {                                                                                                        \
        .bytes = (text)                                                                                      \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static char notes[4000];
static int stop_after; /* -1: never */

static void take_note(void *context, const char *line)
{
    (void)context;
    strncat(notes, line, sizeof notes - strlen(notes) - 2);
    strcat(notes, "\n");
}

static bool asks_to_stop(void *context)
{
    (void)context;
    return stop_after >= 0 && stop_after-- == 0;
}

static bool depth_is_final(int status, const char *body)
{
    return status == 500 && strstr(body, "depth");
}

static int count_of(const char *text, const char *part)
{
    int n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text += strlen(part);
    }
    return n;
}

static kt_http_options quick(const char *url)
{
    kt_http_options options = kt_http_presets;
    options.url = url;
    options.wait_s = 0.01;
    options.longest_s = 3;
    options.retries = 3;
    options.final = depth_is_final;
    options.note = take_note;
    options.stop = asks_to_stop;
    notes[0] = '\0';
    stop_after = -1;
    return options;
}

/* One GET of path at a server with these answers; *asked: the requests it got. */
static kt_status get(kt_http_reply *reply, char **asked, const char *path, const scripted_answer *answers,
                     size_t n, const kt_http_options *more, kt_error *err)
{
    scripted server;
    kt_http *http;
    scripted_open(&server, answers, n);
    kt_http_options options = more ? *more : quick(NULL);
    options.url = options.url ? options.url : server.url;
    char connect_to[64];
    if (more && more->connect_to) {
        snprintf(connect_to, sizeof connect_to, "127.0.0.1:%d", server.port);
        options.connect_to = connect_to;
    }
    if (more && more->proxy)
        options.proxy = server.url;
    *reply = (kt_http_reply){.status = 0};
    assert_int_equal(kt_http_create(&http, &options, NULL), KT_OK);
    kt_status status = kt_http_get(reply, http, path, err);
    kt_http_destroy(http);
    *asked = scripted_close(&server);
    return status;
}

static void an_answer_is_whole(void **state)
{
    (void)state;
    kt_http_reply reply;
    char *asked;
    const scripted_answer answers[] = {SAYS(OK_("{\"a\": 1}"))};
    assert_int_equal(get(&reply, &asked, "/api/x?service=a%20b", answers, 1, NULL, NULL), KT_OK);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"a\": 1}");
    assert_int_equal(reply.n, 8);
    assert_int_equal(reply.received, 8);
    assert_int_equal(reply.retries, 0);
    assert_ptr_equal(strstr(asked, "GET /api/x?service=a%20b HTTP/1.1\r\n"), asked);
    assert_non_null(strstr(asked, "gzip"));
    assert_null(strstr(asked, "Authorization"));
    free(asked);
    kt_http_reply_clear(&reply);
}

static void other_statuses_are_answers(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
    } cases[] = {{STATUS("404 Not Found") "none", 404},
                 {STATUS("401 Unauthorized") "missing tenant header", 401},
                 {STATUS("400 Bad Request") "", 400},
                 {STATUS("501 Not Implemented") "", 501},
                 {STATUS("500 Oops") "search depth must be greater than 0", 500}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        kt_http_reply reply;
        char *asked;
        const scripted_answer answers[] = {SAYS(cases[i].answer), SAYS(OK_("asked again"))};
        assert_int_equal(get(&reply, &asked, "/", answers, 2, NULL, NULL), KT_OK);
        assert_int_equal(reply.status, cases[i].status);
        assert_string_equal(reply.body, strstr(cases[i].answer, "\r\n\r\n") + 4);
        free(asked);
        kt_http_reply_clear(&reply);
    }
}

static void redirects_are_shown_not_followed(void **state)
{
    (void)state;
    kt_http_reply reply;
    char *asked;
    const scripted_answer answers[] = {
        SAYS(STATUS("302 Found", "Location: http://me:secret@login.example/sso?ticket=5\r\n")),
        SAYS(OK_("followed"))};
    assert_int_equal(get(&reply, &asked, "/", answers, 2, NULL, NULL), KT_OK);
    assert_int_equal(reply.status, 302);
    assert_string_equal(reply.location, "http://login.example/sso");
    free(asked);
    kt_http_reply_clear(&reply);
}

static void secrets_are_sent_and_not_shown(void **state)
{
    (void)state;
    scripted server;
    kt_http *http;
    kt_http_reply reply = {.status = 0};
    kt_error err = {0};
    char url[100];
    const char *const headers[] = {"x-tenant: acme", "x-empty:"};
    const scripted_answer answers[] = {SAYS(OK_("1")),
                                       SAYS(STATUS("503 Busy")),
                                       SAYS(STATUS("503 Busy")),
                                       SAYS(OK_("2")),
                                       SAYS(""),
                                       SAYS(""),
                                       SAYS(""),
                                       SAYS("")};
    scripted_open(&server, answers, COUNT(answers));
    snprintf(url, sizeof url, "http://user:pass@127.0.0.1:%d/base//", server.port);
    kt_http_options options = quick(url);
    options.bearer = "tok123";
    options.n_headers = 1;
    options.headers = headers;
    assert_int_equal(kt_http_create(&http, &options, NULL), KT_OK);
    memset(url, 'x', sizeof url - 1); /* options are copied */
    assert_int_equal(kt_http_get(&reply, http, "/api/y?key=hidden", NULL), KT_OK);
    kt_http_reply_clear(&reply);
    assert_int_equal(kt_http_get(&reply, http, "/api/y?key=hidden", NULL), KT_OK);
    assert_int_equal(reply.retries, 2);
    kt_http_reply_clear(&reply);
    assert_int_equal(kt_http_get(&reply, http, "/api/z", &err), KT_IO);
    assert_null(reply.body);
    kt_http_destroy(http);
    char *asked = scripted_close(&server);
    assert_ptr_equal(strstr(asked, "GET /base/api/y?key=hidden HTTP/1.1"), asked);
    assert_non_null(strstr(asked, "Authorization: Bearer tok123\r\n"));
    assert_non_null(strstr(asked, "x-tenant: acme\r\n"));
    free(asked);
    for (int i = 0; i < 2; i++) {
        const char *text = i ? err.message : notes;
        assert_null(strstr(text, "pass"));
        assert_null(strstr(text, "tok123"));
        assert_null(strstr(text, "hidden"));
        assert_non_null(strstr(text, "http://127.0.0.1:"));
        assert_non_null(strstr(text, i ? "/base/api/z" : "/base/api/y"));
    }
}

static void a_password_goes_out_as_basic_authentication(void **state)
{
    (void)state;
    scripted server;
    kt_http *http;
    kt_http_reply reply = {.status = 0};
    char url[100];
    const scripted_answer answers[] = {SAYS(OK_("1"))};
    scripted_open(&server, answers, 1);
    snprintf(url, sizeof url, "http://user:pass@127.0.0.1:%d", server.port);
    kt_http_options options = quick(url);
    assert_int_equal(kt_http_create(&http, &options, NULL), KT_OK);
    assert_int_equal(kt_http_get(&reply, http, "/", NULL), KT_OK);
    kt_http_reply_clear(&reply);
    kt_http_destroy(http);
    char *asked = scripted_close(&server);
    assert_non_null(strstr(asked, "Authorization: Basic dXNlcjpwYXNz\r\n")); /* printf user:pass | base64 */
    free(asked);
}

static void what_passes_is_tried_again(void **state)
{
    (void)state;
    static const char *const passing[] = {
        STATUS("408 Request Timeout"),
        STATUS("429 Too Many Requests"),
        STATUS("500 Internal Server Error"),
        STATUS("502 Bad Gateway"),
        STATUS("503 Service Unavailable"),
        STATUS("504 Gateway Timeout"),
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nshort",
    };
    for (size_t i = 0; i < COUNT(passing); i++) {
        kt_http_reply reply;
        char *asked;
        const scripted_answer answers[] = {SAYS(passing[i]), SAYS(passing[i]), SAYS(OK_("at last"))};
        assert_int_equal(get(&reply, &asked, "/", answers, 3, NULL, NULL), KT_OK);
        if (reply.status != 200 || strcmp(reply.body, "at last") != 0 || reply.retries != 2 ||
            count_of(notes, "trying again in") != 2)
            fail_msg("case %zu: status %d, '%s', %d retries: %s", i, reply.status, reply.body, reply.retries,
                     notes);
        free(asked);
        kt_http_reply_clear(&reply);
    }
}

static void trying_ends(void **state)
{
    (void)state;
    kt_http_reply reply;
    kt_error err = {0};
    char *asked;
    const scripted_answer broken[] = {SAYS(""), SAYS(""), SAYS(""), SAYS(""), SAYS(OK_("too late"))};
    assert_int_equal(get(&reply, &asked, "/p", broken, 5, NULL, &err), KT_IO);
    assert_int_equal(count_of(asked, "GET "), 4);
    assert_non_null(strstr(err.message, "/p: the connection was closed without an answer"));
    free(asked);
    const scripted_answer busy[] = {SAYS(STATUS("503 A")), SAYS(STATUS("503 A")), SAYS(STATUS("503 A")),
                                    SAYS(STATUS("503 A") "why")};
    assert_int_equal(get(&reply, &asked, "/p", busy, 4, NULL, NULL),
                     KT_OK); /* the last answer is the answer */
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply.body, "why");
    free(asked);
    kt_http_reply_clear(&reply);
}

static double seconds_of(const scripted_answer *answers, const char *body)
{
    kt_http_reply reply;
    char *asked;
    int64_t began = kt_when_now();
    assert_int_equal(get(&reply, &asked, "/", answers, 2, NULL, NULL), KT_OK);
    assert_string_equal(reply.body, body);
    free(asked);
    kt_http_reply_clear(&reply);
    return (double)(kt_when_now() - began) * 1e-9;
}

/* That a pause is at least so long is no matter of the machine's speed. */
static void retry_after_is_kept_to(void **state)
{
    (void)state;
    char dated[200];
    const scripted_answer seconds[] = {SAYS(STATUS("429 Slow down", "Retry-After: 1\r\n")), SAYS(OK_("1"))};
    assert_true(seconds_of(seconds, "1") >= 1);
    time_t soon = time(NULL) + 2;
    strftime(dated, sizeof dated,
             "HTTP/1.1 503 Busy\r\nConnection: close\r\nRetry-After: %a, %d %b %Y %H:%M:%S GMT\r\n\r\n",
             gmtime(&soon));
    const scripted_answer date[] = {SAYS(dated), SAYS(OK_("2"))};
    assert_true(seconds_of(date, "2") >= 0.9);
    const scripted_answer year[] = {SAYS(STATUS("429 Slow down", "Retry-After: 31536000\r\n")),
                                    SAYS(OK_("3"))};
    double waited = seconds_of(year, "3"); /* longest_s */
    assert_true(waited >= 3 && waited < 3600);
}

static void long_answers_are_cut(void **state)
{
    (void)state;
    kt_http_reply reply;
    char *asked;
    static char big[3000000];
    const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    memset(big, 'x', sizeof big);
    memcpy(big, head, sizeof head - 1);
    const scripted_answer answers[] = {{.bytes = big, .n = sizeof big}, SAYS(OK_("again"))};
    kt_http_options options = quick(NULL);
    options.most_bytes = 100000;
    assert_int_equal(get(&reply, &asked, "/", answers, 2, &options, NULL), KT_OK);
    assert_true(reply.cut);
    assert_int_equal(reply.status, 200);
    assert_int_equal(count_of(asked, "GET "), 1);
    free(asked);
    kt_http_reply_clear(&reply);
    options.most_bytes = sizeof big - (sizeof head - 1);
    assert_int_equal(get(&reply, &asked, "/", answers, 1, &options, NULL), KT_OK);
    assert_false(reply.cut);
    assert_int_equal(reply.n, options.most_bytes);
    free(asked);
    kt_http_reply_clear(&reply);
}

/* 1,000 zero bytes (gzip -9n): unpacked they count. */
static const char packed[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\x18\x05\xa3\x60\x14\x0c\x77\x00\x00"
    "\x80\x17\x0b\x06\xe8\x03\x00\x00";

static void packed_answers_are_unpacked(void **state)
{
    (void)state;
    kt_http_reply reply;
    char *asked, answer[300];
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                     sizeof packed - 1);
    memcpy(answer + n, packed, sizeof packed - 1);
    const scripted_answer answers[] = {{answer, (size_t)n + sizeof packed - 1, 0}};
    kt_http_options options = quick(NULL);
    assert_int_equal(get(&reply, &asked, "/", answers, 1, &options, NULL), KT_OK);
    assert_int_equal(reply.n, 1000);
    assert_int_equal(reply.received, sizeof packed - 1);
    free(asked);
    kt_http_reply_clear(&reply);
    options.most_bytes = 500;
    assert_int_equal(get(&reply, &asked, "/", answers, 1, &options, NULL), KT_OK);
    assert_true(reply.cut);
    free(asked);
    kt_http_reply_clear(&reply);
}

static void silence_ends(void **state)
{
    (void)state;
    kt_http_reply reply;
    kt_error err = {0};
    char *asked;
    const scripted_answer answers[] = {{OK_("late"), 0, 30}};
    kt_http_options options = quick(NULL);
    options.idle_s = 1;
    options.retries = 0;
    assert_int_equal(get(&reply, &asked, "/", answers, 1, &options, &err), KT_IO);
    assert_non_null(strstr(err.message, "no answer in time"));
    free(asked);
}

static void stopping_is_heard(void **state)
{
    (void)state;
    kt_http_reply reply;
    kt_error err = {0};
    char *asked;
    const scripted_answer silent[] = {{OK_("late"), 0, 30}};
    kt_http_options options = quick(NULL);
    stop_after = 1; /* while it waits for the answer */
    assert_int_equal(get(&reply, &asked, "/", silent, 1, &options, &err), KT_STOPPED);
    free(asked);
    kt_error_clear(&err);
    const scripted_answer busy[] = {SAYS(STATUS("429 A", "Retry-After: 100\r\n"))};
    options.longest_s = 100;
    stop_after = 5; /* in the pause: the request itself asks a few times */
    int64_t began = kt_when_now();
    assert_int_equal(get(&reply, &asked, "/", busy, 1, &options, &err), KT_STOPPED);
    assert_true(kt_when_now() - began < INT64_C(60000000000));
    assert_non_null(strstr(err.message, "stopped"));
    free(asked);
}

/* The port was free a moment ago, and nobody listens. */
static void who_is_not_there_is_named_at_once(void **state)
{
    (void)state;
    int port;
    kt_http *http;
    kt_http_reply reply = {.status = 0};
    char url[64];
    close(scripted_socket(&port));
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    const struct {
        const char *url, *proxy, *words[3];
    } cases[] = {{url, NULL, {url, "/q: no connection", "tried again"}},
                 {"http://no-such-host.invalid:80",
                  NULL,
                  {"no-such-host.invalid:80/q", "no such host", "tried again"}},
                 {"http://name.invalid", url, {"name.invalid/q through the proxy ", url, "tried again"}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        kt_error err = {0};
        kt_http_options options = quick(cases[i].url);
        options.proxy = cases[i].proxy;
        options.wait_s = options.longest_s = 20;
        assert_int_equal(kt_http_create(&http, &options, NULL), KT_OK);
        assert_int_equal(kt_http_get(&reply, http, "/q?x", &err), KT_IO);
        if (!strstr(err.message, cases[i].words[0]) || !strstr(err.message, cases[i].words[1]) ||
            strstr(err.message, cases[i].words[2]) || notes[0])
            fail_msg("%s; notes: %s", err.message, notes);
        kt_http_destroy(http);
    }
}

static void proxies_and_routes(void **state)
{
    (void)state;
    kt_http_reply reply;
    char *asked;
    const scripted_answer answers[] = {SAYS(OK_("there"))};
    kt_http_options options = quick("http://jaeger.invalid:16686/base");
    options.proxy = "given by get()";
    setenv("no_proxy", "jaeger.invalid", 1);
    assert_int_equal(get(&reply, &asked, "/api", answers, 1, &options, NULL), KT_OK);
    unsetenv("no_proxy");
    assert_string_equal(reply.body, "there");
    assert_ptr_equal(strstr(asked, "GET http://jaeger.invalid:16686/base/api HTTP/1.1"), asked);
    free(asked);
    kt_http_reply_clear(&reply);
    options = quick("http://jaeger.invalid:16686/base");
    options.connect_to = "given by get()";
    assert_int_equal(get(&reply, &asked, "/api", answers, 1, &options, NULL), KT_OK);
    assert_ptr_equal(strstr(asked, "GET /base/api HTTP/1.1\r\nHost: jaeger.invalid:16686\r\n"), asked);
    free(asked);
    kt_http_reply_clear(&reply);
}

static void what_is_no_url_or_header_is_refused(void **state)
{
    (void)state;
    static const char *const urls[][2] = {{"jaeger:16686", "begins with http"},
                                          {"ftp://a", "begins with http"},
                                          {"file:///etc/passwd", "begins with"},
                                          {"http://", "no host"},
                                          {"http:///x", "no host"},
                                          {"http://:80", "no host"},
                                          {"http://a b", "blanks"},
                                          {"http://a/x?y", "before a ?"},
                                          {"http://u:secret@/x", "no host"},
                                          {"", "begins with"},
                                          {"http://a\r\nx", "control"}};
    static const char *const headers[] = {"none", ": x", "a b: c", "a: b\r\nc: d", "a: b\nc", ""};
    kt_http *http;
    for (size_t i = 0; i < COUNT(urls); i++) {
        kt_error err = {0};
        kt_http_options options = quick(urls[i][0]);
        assert_int_equal(kt_http_create(&http, &options, &err), KT_USAGE);
        assert_null(http);
        if (!strstr(err.message, urls[i][1]) || strstr(err.message, "secret"))
            fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < COUNT(headers); i++) {
        kt_http_options options = quick("http://a");
        options.n_headers = 1;
        options.headers = &headers[i];
        assert_int_equal(kt_http_create(&http, &options, NULL), KT_USAGE);
    }
    kt_error err = {0};
    kt_http_options options = quick("http://a");
    options.bearer = "se\ncret";
    assert_int_equal(kt_http_create(&http, &options, &err), KT_USAGE);
    assert_null(strstr(err.message, "cret"));
    options.bearer = NULL;
    options.ca_file = "none.pem";
    kt_error_clear(&err);
    assert_int_equal(kt_http_create(&http, &options, &err), KT_IO);
    assert_non_null(strstr(err.message, "none.pem"));
}

static void texts_of_urls(void **state)
{
    (void)state;
    static const char *const shown[][2] = {
        {"http://a:1/b/", "http://a:1/b"},  {"https://u:p@a/b", "https://a/b"},
        {"http://u:p@w@a", "http://a"},     {"http://a/b@c", "http://a/b@c"},
        {"http://t@a/?x=u@v", "http://a"},  {"socks5h://me:pw@127.0.0.1:1080", "socks5h://127.0.0.1:1080"},
        {"me:pw@proxy:3128", "proxy:3128"}, {"", ""}};
    static const char *const escaped[][2] = {{"a b&c=d/e?f#g", "a%20b%26c%3Dd%2Fe%3Ff%23g"},
                                             {"frontend.istio-dt_~", "frontend.istio-dt_~"},
                                             {"\xC3\xA9%+", "%C3%A9%25%2B"},
                                             {"", ""}};
    char *out;
    for (size_t i = 0; i < COUNT(shown); i++) {
        assert_int_equal(kt_http_display(&out, shown[i][0], NULL), KT_OK);
        assert_string_equal(out, shown[i][1]);
        free(out);
    }
    for (size_t i = 0; i < COUNT(escaped); i++) {
        assert_int_equal(kt_http_escape(&out, escaped[i][0], NULL), KT_OK);
        assert_string_equal(out, escaped[i][1]);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_whole),
        cmocka_unit_test(other_statuses_are_answers),
        cmocka_unit_test(redirects_are_shown_not_followed),
        cmocka_unit_test(secrets_are_sent_and_not_shown),
        cmocka_unit_test(a_password_goes_out_as_basic_authentication),
        cmocka_unit_test(what_passes_is_tried_again),
        cmocka_unit_test(trying_ends),
        cmocka_unit_test(retry_after_is_kept_to),
        cmocka_unit_test(long_answers_are_cut),
        cmocka_unit_test(packed_answers_are_unpacked),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(stopping_is_heard),
        cmocka_unit_test(who_is_not_there_is_named_at_once),
        cmocka_unit_test(proxies_and_routes),
        cmocka_unit_test(what_is_no_url_or_header_is_refused),
        cmocka_unit_test(texts_of_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
