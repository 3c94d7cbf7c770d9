#include "kt/jaeger.h"
#include "parse.h"

/* The spans of a text as text; it must be read. */
static void reads(const char *text, const char *wanted, kt_jaeger_form wanted_form)
{
    kt_spans spans;
    kt_jaeger_form form;
    size_t traces;
    OK(kt_spans_init(&spans, &err));
    OK(parse_bytes(&spans, &form, &traces, text, strlen(text), &err));
    char *printed = print_spans(&spans);
    assert_string_equal(printed, wanted);
    assert_int_equal(form, wanted_form);
    free(printed);
    kt_spans_clear(&spans);
}

static void refuses(const char *text, kt_jaeger_form wanted_form, const char *part)
{
    kt_spans spans;
    kt_jaeger_form form;
    size_t traces;
    OK(kt_spans_init(&spans, &err));
    FAILS(parse_bytes(&spans, &form, &traces, text, strlen(text), &err), KT_INPUT, part);
    assert_int_equal(spans.n, 0);
    assert_int_equal(form, wanted_form);
    kt_spans_clear(&spans);
}

/* One v1 trace with one span that has these fields besides its ids. */
#define V1(fields)                                                                                           \
    "{\"data\":[{\"traceID\":\"ab\",\"spans\":[{\"traceID\":\"ab\",\"spanID\":\"1\"" fields                  \
    ",\"processID\":\"p1\"}],\"processes\":{\"p1\":{\"serviceName\":\"web\"}}}]}"
#define V1_TAG(key, value) V1(",\"tags\":[{\"key\":\"" key "\",\"value\":" value "}]")
#define V3(fields)                                                                                           \
    "{\"result\":{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"   \
    "\"stringValue\":\"web\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"ab\",\"spanId\":\"1\"" fields    \
    "}]}]}]}}"

static void whole_v1_span(void **state)
{
    (void)state;
    reads("{\"data\":[{\"traceID\":\"AB00000000000000cd\",\"spans\":[{"
          "\"traceID\":\"ab00000000000000cd\",\"spanID\":\"000000000000beef\",\"flags\":1,"
          "\"operationName\":\"GET /\",\"references\":[{\"refType\":\"CHILD_OF\",\"traceID\":"
          "\"ab00000000000000cd\",\"spanID\":\"BE\"}],\"startTime\":1795470320505578,\"duration\":1234,"
          "\"tags\":[{\"key\":\"span.kind\",\"type\":\"string\",\"value\":\"server\"},"
          "{\"key\":\"http.status_code\",\"type\":\"int64\",\"value\":200},"
          "{\"key\":\"http.url\",\"type\":\"string\",\"value\":\"http://x/1\"},"
          "{\"key\":\"sampler.param\",\"type\":\"float64\",\"value\":0.25},"
          "{\"key\":\"error\",\"type\":\"bool\",\"value\":false}],"
          "\"logs\":[],\"processID\":\"p1\",\"warnings\":null}],\"processes\":{\"p1\":{\"serviceName\":"
          "\"web\",\"tags\":[{\"key\":\"k8s.pod.name\",\"type\":\"string\",\"value\":\"web-1\"},"
          "{\"key\":\"telemetry.sdk.name\",\"type\":\"string\",\"value\":\"x\"}]}},\"warnings\":null}],"
          "\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}\n",
          "ab00000000000000cd beef be 1795470320505578000+1234000 server 0 web GET / error=false "
          "http.status_code=200 sampler.param=0.25 | k8s.pod.name=web-1\n",
          KT_JAEGER_V1);
}

static void whole_v3_span(void **state)
{
    (void)state;
    reads(
        "{\"result\":{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"web\"}},{\"key\":\"host.name\",\"value\":{\"stringValue\":\"h\"}}]},"
        "\"scopeSpans\":[{\"scope\":{}},{\"scope\":{},\"spans\":[{\"traceId\":"
        "\"000000000000009600000000000000a0\",\"spanId\":\"00000000000000b4\",\"parentSpanId\":\"\","
        "\"name\":\"GET /\",\"kind\":2,\"startTimeUnixNano\":\"1795470320505578123\","
        "\"endTimeUnixNano\":\"1795470320505579124\",\"attributes\":[{\"key\":\"http.response.status_code\","
        "\"value\":{\"intValue\":\"503\"}},{\"key\":\"peer.service\",\"value\":{\"arrayValue\":{}}},"
        "{\"key\":\"error\",\"value\":{\"boolValue\":true}}],\"links\":[{\"traceId\":\"1\",\"spanId\":\"2\"}"
        "],\"status\":{}}]}]}]}}",
        "9600000000000000a0 b4 0 1795470320505578123+1001 server 2 web GET / error=true "
        "http.response.status_code=503 | host.name=h\n",
        KT_JAEGER_V3);
    /* ids in base64, names of enumerators, numbers as numbers, the older name of scopes */
    reads("{\"resourceSpans\":[{\"instrumentationLibrarySpans\":[{\"spans\":[{"
          "\"traceId\":\"AAAAAAAAAJYAAAAAAAAAoA==\",\"spanId\":\"AAAAAAAAALQ=\",\"parentSpanId\":"
          "\"AAAAAAAAAAE=\",\"kind\":\"SPAN_KIND_CONSUMER\",\"startTimeUnixNano\":5,\"endTimeUnixNano\":8,"
          "\"status\":{\"code\":\"STATUS_CODE_ERROR\"}}]}]}]}",
          "9600000000000000a0 b4 1 5+3 consumer 2 - -\n", KT_JAEGER_V3);
}

static void kinds_and_failures(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kind;
        int flags;
    } cases[] = {
        {V1(""), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("span.kind", "\"client\""), "client", 0},
        {V1_TAG("span.kind", "\"Producer\""), "producer", 0},
        {V1_TAG("span.kind", "\"internal\""), "internal", 0},
        {V1_TAG("span.kind", "\"other\""), "internal", KT_SPAN_NO_KIND},
        {V3(",\"kind\":1"), "internal", 0},
        {V3(",\"kind\":3"), "client", 0},
        {V3(",\"kind\":4"), "producer", 0},
        {V3(",\"kind\":5"), "consumer", 0},
        {V3(",\"kind\":0"), "internal", KT_SPAN_NO_KIND},
        {V3(",\"kind\":9"), "internal", KT_SPAN_NO_KIND},
        {V3(",\"kind\":2,\"status\":{\"code\":2}"), "server", KT_SPAN_FAILED},
        {V3(",\"kind\":2,\"status\":{\"code\":1}"), "server", 0},
        {V1_TAG("error", "true"), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("error", "\"true\""), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("error", "\"redis timeout\""), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("error", "\"False\""), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("error", "\"\""), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("otel.status_code", "\"ERROR\""), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("otel.status_code", "\"OK\""), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("http.status_code", "500"), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("http.status_code", "\"503\""), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("http.status_code", "499"), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("http.response.status_code", "502.0"), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("rpc.grpc.status_code", "14"), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("rpc.grpc.status_code", "5"), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("grpc.status_code", "\"DeadlineExceeded\""), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
        {V1_TAG("grpc.status_code", "\"NOT_FOUND\""), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("response_flags", "\"-\""), "internal", KT_SPAN_NO_KIND},
        {V1_TAG("response_flags", "\"UF,URX\""), "internal", KT_SPAN_NO_KIND | KT_SPAN_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_spans spans;
        kt_jaeger_form form;
        size_t traces;
        OK(kt_spans_init(&spans, &err));
        OK(parse_bytes(&spans, &form, &traces, cases[i].text, strlen(cases[i].text), &err));
        assert_int_equal(spans.n, 1);
        assert_string_equal(kt_span_kind_text[spans.span[0].kind], cases[i].kind);
        if (spans.span[0].flags != cases[i].flags)
            fail_msg("%s: flags %d", cases[i].text, spans.span[0].flags);
        kt_spans_clear(&spans);
    }
}

#define HEAD               "ab 1 "
#define TAIL               " internal 8 web -\n"
#define CHILD(trace, id)   "{\"refType\":\"CHILD_OF\",\"traceID\":\"" trace "\",\"spanID\":\"" id "\"}"
#define FOLLOWS(trace, id) "{\"refType\":\"FOLLOWS_FROM\",\"traceID\":\"" trace "\",\"spanID\":\"" id "\"}"

static void parents(void **state)
{
    (void)state;
    reads(V1(",\"references\":[" FOLLOWS("AB", "5") "," CHILD("00ab", "6") "," CHILD("ab", "7") "]"),
          HEAD "6 0+0" TAIL, KT_JAEGER_V1);
    reads(V1(",\"references\":[" FOLLOWS("ac", "4") "," FOLLOWS("ab", "5") "," CHILD("ac", "6") "]"),
          HEAD "5 0+0 internal 9 web -\n", KT_JAEGER_V1);
    reads(V1(",\"references\":[" CHILD("ac", "6") "]"), HEAD "0 0+0" TAIL, KT_JAEGER_V1);
    reads(V1(",\"references\":null,\"parentSpanID\":\"9\""), HEAD "9 0+0" TAIL, KT_JAEGER_V1);
    /* a file saved by the interface: the referenced span itself lies inside */
    reads(V1(",\"references\":[{\"refType\":\"CHILD_OF\",\"traceID\":\"ab\",\"spanID\":\"2\",\"span\":"
             "{\"spanID\":\"2\",\"references\":[" CHILD("ab",
                                                        "3") "]}}],\"process\":{\"serviceName\":\"own\"}"),
          HEAD "2 0+0 internal 8 own -\n", KT_JAEGER_V1);
}

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {V1(",\"startTime\":\"12\",\"duration\":3.0"), HEAD "0 12000+3000" TAIL},
        {V1(",\"startTime\":1795470320505578,\"duration\":0"), HEAD "0 1795470320505578000+0" TAIL},
        /* -1000 us as 64 unsigned bits: too big for jansson's integers; the start keeps its last digit */
        {V1(",\"startTime\":1795470320505577,\"duration\":18446744073709550616"),
         HEAD "0 1795470320505577000+0 internal 12 web -\n"},
        {V1(",\"startTime\":5,\"duration\":18446744073709551615"), HEAD "0 5000+0 internal 12 web -\n"},
        {V1(",\"startTime\":5,\"duration\":-7"), HEAD "0 5000+0 internal 12 web -\n"},
        {V1(",\"startTime\":5,\"duration\":9223372036854775"), HEAD "0 5000+0 internal 12 web -\n"},
        {V1(",\"startTime\":-5,\"duration\":7"), HEAD "0 -5000+7000" TAIL},
        {V1(",\"startTime\":null,\"duration\":null"), HEAD "0 0+0" TAIL},
        {V3(",\"startTimeUnixNano\":\"10\",\"endTimeUnixNano\":\"9\""), HEAD "0 10+0 internal 12 web -\n"},
        {V3(",\"startTimeUnixNano\":\"10\",\"endTimeUnixNano\":\"10\""), HEAD "0 10+0" TAIL},
        {V3(",\"startTimeUnixNano\":\"10\""), HEAD "0 10+0 internal 12 web -\n"},
        {V3(",\"startTimeUnixNano\":\"11651379494838206464\",\"endTimeUnixNano\":\"11651379494838206465\""),
         HEAD "0 -6795364578871345152+1" TAIL},
        {V3(",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"18446744073709551615\""),
         HEAD "0 1+0 internal 12 web -\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        reads(cases[i].text, cases[i].wanted, strstr(cases[i].text, "data") ? KT_JAEGER_V1 : KT_JAEGER_V3);
    refuses(V1(",\"startTime\":\"2017-01-26T16:46:31Z\""), KT_JAEGER_V1, "t.json:1: a span's startTime");
    refuses(V1(",\"duration\":[1]"), KT_JAEGER_V1, "t.json:1: a span's duration");
    refuses(V3(",\"endTimeUnixNano\":\"1x\""), KT_JAEGER_V3, "a span's endTimeUnixNano");
}

static void what_is_missing_may_be_missing(void **state)
{
    (void)state;
    reads("{\"data\":[{\"spans\":[{}]}]}", "0 0 0 0+0 internal 8 - -\n", KT_JAEGER_V1);
    reads("{\"data\":[{\"traceID\":\"3\",\"spans\":[{\"spanID\":\"1\",\"tags\":null,\"references\":null,"
          "\"processID\":\"p9\"}]}]}",
          "3 1 0 0+0 internal 8 - -\n", KT_JAEGER_V1);
    reads("{\"data\":[{\"traceID\":\"3\",\"spans\":null,\"processes\":null}]}", "", KT_JAEGER_V1);
    reads("{\"data\":null,\"errors\":null}", "", KT_JAEGER_V1);
    reads("{\"data\":[],\"total\":0}", "", KT_JAEGER_V1);
    reads("{\"result\":{}}", "", KT_JAEGER_V3);
    reads("{\"result\":{\"resourceSpans\":[]}}", "", KT_JAEGER_V3);
    reads("{\"result\":{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{}]}]}}", "", KT_JAEGER_V3);
    reads("{}", "", KT_JAEGER_NONE);
    reads(" \n", "", KT_JAEGER_NONE);
    reads("", "", KT_JAEGER_NONE);
}

/* Documents one after the other, bare traces, lists of them, spans on their own. */
static void other_wrappings(void **state)
{
    (void)state;
    static const char trace[] = "{\"traceID\":\"3\",\"spans\":[{\"spanID\":\"1\",\"processID\":\"p\"}],"
                                "\"processes\":{\"p\":{\"serviceName\":\"a\"}}}",
                      line[] = "3 1 0 0+0 internal 8 a -\n";
    char text[1000], wanted[200];
    reads(trace, line, KT_JAEGER_V1);
    snprintf(text, sizeof text, "\xEF\xBB\xBF%s\n%s\r\n\n%s", trace, trace, V3(""));
    snprintf(wanted, sizeof wanted, "%s%sab 1 0 0+0" TAIL, line, line);
    reads(text, wanted, KT_JAEGER_V3);
    snprintf(text, sizeof text, "[%s, {\"data\": [%s]}]", trace, trace);
    snprintf(wanted, sizeof wanted, "%s%s", line, line);
    reads(text, wanted, KT_JAEGER_V1);
    snprintf(text, sizeof text, "{\"data\": %s}", trace);
    reads(text, line, KT_JAEGER_V1);
    reads("{\"traceID\":\"3\",\"spanID\":\"1\",\"process\":{\"serviceName\":\"a\"}}\n"
          "{\"traceID\":\"3\",\"spanID\":\"2\",\"process\":{\"serviceName\":\"a\"}}",
          "3 1 0 0+0 internal 8 a -\n3 2 0 0+0 internal 8 a -\n", KT_JAEGER_V1);
}

static void ids(void **state)
{
    (void)state;
    kt_spans spans;
    kt_jaeger_form form;
    size_t traces;
    static const char text[] =
        "{\"data\":[{\"traceID\":\"trace-1\",\"spans\":[{\"spanID\":\"span-1\"},{\"spanID\":\"span-2\","
        "\"references\":[" CHILD("trace-1",
                                 "span-1") "]}]},"
                                           "{\"traceID\":\"trace-2\",\"spans\":[{\"spanID\":\"span-1\"}]},"
                                           "{\"traceID\":\"0\",\"spans\":[{\"spanID\":\"0\"},{\"spanID\":"
                                           "\"0000000000000000\"}]}]}";
    OK(kt_spans_init(&spans, &err));
    OK(parse_bytes(&spans, &form, &traces, text, strlen(text), &err));
    const kt_span *s = spans.span;
    assert_int_equal(spans.n, 5);
    assert_int_equal(traces, 3);
    assert_true(s[0].id != 0 && s[0].id != s[1].id && s[1].parent == s[0].id && s[2].id == s[0].id);
    assert_memory_equal(s[0].trace, s[1].trace, 16);
    assert_memory_not_equal(s[0].trace, s[2].trace, 16);
    assert_true(s[3].id == 0 && s[4].id == 0);
    assert_memory_equal(s[3].trace, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    kt_spans_clear(&spans);
}

static void user_s_tags_are_kept(void **state)
{
    (void)state;
    static const char *const tags[] = {"tenant", NULL};
    static const char text[] = V1(",\"tags\":[{\"key\":\"tenant\",\"value\":\"x\\u0000y\"},"
                                  "{\"key\":\"other\",\"value\":1},{\"key\":\"ip\",\"value\":null},"
                                  "{\"key\":\"ip\"},{\"value\":2},7]");
    kt_spans spans;
    kt_jaeger_form form;
    size_t traces;
    kt_jaeger_options options = {.tags = tags};
    OK(kt_spans_init(&spans, &err));
    OK(kt_jaeger_parse(&spans, &form, &traces, text, strlen(text), "t.json", &options, &err));
    char *printed = print_spans(&spans);
    assert_string_equal(printed, "ab 1 0 0+0 internal 8 web - tenant=x\n"); /* up to the NUL */
    free(printed);
    kt_spans_clear(&spans);
}

static void what_is_no_trace_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        kt_jaeger_form form;
    } cases[] = {
        {"{\"data\":null,\"total\":0,\"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}",
         "t.json:1: the server answered with an error 404: trace not found", KT_JAEGER_V1},
        {"{\"data\":[],\"errors\":[{\"code\":500,\"msg\":\"no\"}]}", "error 500: no", KT_JAEGER_V1},
        {"{\"error\":{\"httpCode\":404,\"message\":\"No traces found\"}}",
         "t.json:1: the server answered with an error 404: No traces found", KT_JAEGER_NONE},
        {"{\"error\":\"broken\"}", "an error: broken", KT_JAEGER_NONE},
        {"{\"result\":{\"error\":{\"message\":\"late\"}}}", "an error: late", KT_JAEGER_V3},
        {"\n<!doctype html>", "t.json:2: a web page, not JSON", KT_JAEGER_OTHER},
        {"404 page not found\n", "begins with '404 page not found?'", KT_JAEGER_OTHER},
        {"{\"batches\":[]}", "Grafana Tempo", KT_JAEGER_OTHER},
        {"{\"traces\":[],\"metrics\":{}}", "Grafana Tempo", KT_JAEGER_OTHER},
        {"{\"services\":[\"a\"]}", "a list of services", KT_JAEGER_OTHER},
        {"{\"data\":[\"a\",\"b\"],\"total\":2}", "no trace", KT_JAEGER_OTHER},
        {"{\"a\":1,\"b\":2}", "whose keys are a, b", KT_JAEGER_OTHER},
        {"[1]", "no trace", KT_JAEGER_OTHER},
        {"{\"data\":[{\"traceID\":\"1\",\"spans\":[3]}]}", "a span is no object", KT_JAEGER_V1},
        {"{\"data\":[{\"traceID\":\"1\",\"spans\":{}}]}", "a trace's spans are no list", KT_JAEGER_V1},
        {"{\"data\":[\n{\"traceID\":\"1\",\n\"spans\":[{]}", "t.json:3:", KT_JAEGER_V1},
        {"{\"data\":[{\"spans\":[]}", "t.json:1:22: ']' expected: the text ends here", KT_JAEGER_V1},
        {"{\"data\":[] \"x\":1}", "t.json:1:12: '}' expected", KT_JAEGER_V1},
        {"{\"data\" []}", "t.json:1:9: ':' expected", KT_JAEGER_NONE},
        {"{data:[]}", "t.json:1:2: '\"' expected", KT_JAEGER_NONE},
        {"{\"data\":[]}}", "begins with '}'", KT_JAEGER_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i].text, cases[i].form, cases[i].part);
    /* traces that were asked for by id: those that are there count */
    reads("{\"data\":[{\"traceID\":\"3\",\"spans\":[{}]}],\"errors\":[{\"code\":404,\"msg\":\"trace not "
          "found\"}]}",
          "3 0 0 0+0 internal 8 - -\n", KT_JAEGER_V1);
}

/* Nothing of a refused text stays, what was there before does. */
static void refused_texts_leave_nothing(void **state)
{
    (void)state;
    kt_spans spans;
    kt_jaeger_form form;
    size_t traces;
    static const char good[] = V1(""), bad[] = V1("") " {\"data\":[{\"traceID\":\"9\",";
    OK(kt_spans_init(&spans, &err));
    OK(parse_bytes(&spans, &form, &traces, good, strlen(good), &err));
    FAILS(parse_bytes(&spans, &form, &traces, bad, strlen(bad), &err), KT_INPUT, "t.json:1:");
    assert_int_equal(spans.n, 1);
    OK(kt_spans_finish(&spans, &err));
    assert_int_equal(spans.n, 1);
    kt_spans_clear(&spans);
}

/* Cut anywhere and flipped anywhere: an error or other spans, never a crash. */
static void damaged_texts_do_no_harm(void **state)
{
    (void)state;
    static const char *const texts[] = {
        V1(",\"references\":[" CHILD("ab", "6") "],\"startTime\":5,\"duration\":18446744073709550616"),
        V3(",\"kind\":3,\"startTimeUnixNano\":\"10\",\"endTimeUnixNano\":\"12\",\"status\":{\"code\":2}"),
    };
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(texts[i]);
        char *text = strdup(texts[i]);
        for (size_t at = 0; at < 9 * n; at++) { /* n cuts, then every bit */
            kt_spans spans;
            kt_jaeger_form form;
            size_t traces, bit = at / n - 1, where = at % n;
            kt_error err = {0};
            if (at >= n)
                text[where] ^= (char)(1 << bit);
            OK(kt_spans_init(&spans, &err));
            kt_status status = parse_bytes(&spans, &form, &traces, text, at < n ? at : n, &err);
            assert_true(status == KT_OK || (status == KT_INPUT && spans.n == 0));
            if (at > 0 && at < n)
                assert_int_equal(status, KT_INPUT);
            OK(kt_spans_finish(&spans, &err));
            kt_spans_clear(&spans);
            if (at >= n)
                text[where] ^= (char)(1 << bit);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_v1_span),
        cmocka_unit_test(whole_v3_span),
        cmocka_unit_test(kinds_and_failures),
        cmocka_unit_test(parents),
        cmocka_unit_test(times),
        cmocka_unit_test(what_is_missing_may_be_missing),
        cmocka_unit_test(other_wrappings),
        cmocka_unit_test(ids),
        cmocka_unit_test(user_s_tags_are_kept),
        cmocka_unit_test(what_is_no_trace_is_refused),
        cmocka_unit_test(refused_texts_leave_nothing),
        cmocka_unit_test(damaged_texts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
