#include "fixtures.h"
#include "kt/original.h"
#include "parse.h"

#define HEAD "trace_id,span_id,start_time,duration,client,server,http_status_code,node_id\n"

static kt_status parse(kt_spans *spans, const char *text, size_t n, kt_error *err)
{
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, text, n);
    kt_status begun = kt_spans_init(spans, NULL);
    assert_int_equal(begun, KT_OK);
    kt_status status = kt_original_parse(spans, copy, n, "t.csv", err);
    free(copy);
    return status;
}

static void reads(const char *text, const char *wanted)
{
    kt_spans spans;
    OK(parse(&spans, text, strlen(text), &err));
    char *printed = print_spans(&spans);
    assert_string_equal(printed, wanted);
    free(printed);
    kt_spans_clear(&spans);
}

static void rows_become_spans(void **state)
{
    (void)state;
    reads(HEAD "a,1,100,50,web,web,200,sidecar~10.0.0.1~web-1.ns~x\r\n"
               "a,2,110,30,web,cart,503.0,sidecar~10.0.0.1~web-1.ns~x\r\n"
               "a,3,115,20.0,cart,cart,,\r\n"
               "\r\n"
               "b,4,0,-1,web,web,200,\"side\"\"car, 2\"\r\n",
          "a 1 0 100000+50000 server 0 web - http.status_code=200 | node_id=sidecar~10.0.0.1~web-1.ns~x\n"
          "a 2 1 110000+30000 client 2 web - http.status_code=503 peer.service=cart | "
          "node_id=sidecar~10.0.0.1~web-1.ns~x\n"
          "a 3 2 115000+20000 server 0 cart -\n"
          "b 4 0 0+0 server 4 web - http.status_code=200 | node_id=side\"car, 2\n");
    /* other columns, in another order, some missing */
    reads(",server,client,duration,start_time,span_id,trace_id,http_method,response_flags\n"
          "0,cart,web,7,5,1,a,GET,UF\n",
          "a 1 0 5000+7000 client 2 web GET peer.service=cart response_flags=UF\n");
    reads(HEAD, "");
}

/* Who belongs to whom, worked out by hand: id, parent. */
static void parents_are_the_shortest_that_hold(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pairs;
    } cases[] = {
        /* two calls of one service at a time: each SERVER row has a CLIENT row of its own */
        {"a,1,0,100,w,w,,\na,2,10,40,w,c,,\na,3,10,60,w,c,,\na,4,20,20,c,c,,\na,5,15,50,c,c,,\n",
         "1:0 2:1 3:1 4:2 5:3 "},
        {"a,1,0,100,w,w,,\na,2,10,60,w,c,,\na,3,12,40,w,c,,\na,4,15,20,c,c,,\na,5,20,20,c,c,,\n",
         "1:0 2:1 3:1 4:3 5:2 "},
        /* through a third service back to the first */
        {"a,1,0,100,w,w,,\na,2,10,80,w,c,,\na,3,20,60,c,c,,\na,4,30,40,c,w,,\na,5,35,30,w,w,,\na,6,40,5,w,d,,"
         "\n",
         "1:0 2:1 3:2 4:3 5:4 6:5 "},
        /* equal ends hold, one microsecond beyond does not; another trace never does */
        {"a,1,0,100,w,w,,\na,2,0,100,w,c,,\na,3,0,100,c,c,,\nb,4,0,50,w,w,,\nb,5,10,41,w,c,,\nb,6,20,5,c,c,,"
         "\n",
         "1:0 2:1 3:2 4:0 5:0 6:5 "},
        {"b,6,20,5,c,c,,\na,5,10,30,w,c,,\n", "6:0 5:0 "},
        /* rows in any order */
        {"a,3,20,20,c,c,,\na,2,10,40,w,c,,\na,1,0,100,w,w,,\n", "3:2 2:1 1:0 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_spans spans;
        char text[1000], pairs[200] = "";
        snprintf(text, sizeof text, HEAD "%s", cases[i].text);
        OK(parse(&spans, text, strlen(text), &err));
        for (size_t k = 0; k < spans.n; k++) {
            size_t used = strlen(pairs);
            snprintf(pairs + used, sizeof pairs - used, "%d:%d ", (int)spans.span[k].id,
                     (int)spans.span[k].parent);
        }
        assert_string_equal(pairs, cases[i].pairs);
        kt_spans_clear(&spans);
    }
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"trace_id,span_id\n", "t.csv:1: no trace CSV: the column 'start_time' is missing"},
        {"", "t.csv:1: no trace CSV"},
        {HEAD "a,1,x,5,w,w,,\n", "t.csv:2: column 'start_time': 'x' is no number"},
        {HEAD "a,1,,5,w,w,,\n", "t.csv:2: column 'start_time': '' is no number"},
        {HEAD "\na,1,1,5.5,w,w,,\n", "t.csv:3: column 'duration': '5.5' is no number"},
        {HEAD "a,1,9223372036854775807,5,w,w,,\n", "column 'start_time'"},
        {HEAD "a,1,1,5,,w,,\n", "t.csv:2: column 'client' is blank"},
        {HEAD "a,1,1,5,w,,,\n", "t.csv:2: column 'server' is blank"},
        {HEAD "a,1,1,5,w,w\n", "t.csv:2: 6 cells in this row, 8 in the header"},
        {HEAD "a,1,1,5,w,w,,\"x\n", "t.csv:2: a quote that is not closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_spans spans;
        FAILS(parse(&spans, cases[i].text, strlen(cases[i].text), &err), KT_INPUT, cases[i].part);
        assert_int_equal(spans.n, 0);
        kt_spans_clear(&spans);
    }
    kt_spans spans;
    FAILS(parse(&spans, HEAD "a,1,1,5,w\0,w,,\n", sizeof HEAD + 15, &err), KT_INPUT, "column 5: a NUL byte");
    kt_spans_clear(&spans);
}

static void headers_tell_the_form(void **state)
{
    (void)state;
    static const char other[] = "st,ttr,rid\n1,2,3\n";
    assert_true(kt_original_is(HEAD, sizeof HEAD - 1));
    assert_true(kt_original_is("\xEF\xBB\xBF" HEAD, sizeof HEAD + 2));
    assert_false(kt_original_is(other, sizeof other - 1));
    assert_false(kt_original_is("", 0));
    assert_false(kt_original_is("\"", 1));
}

/* Cuts and flips: an error or other spans. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    static const char text[] = HEAD "a,1,100,50,web,web,200,\"x,\"\"y\"\na,2,110,30,web,cart,200,n\n";
    for (size_t at = 0; at < 9 * (sizeof text - 1); at++) {
        kt_spans spans;
        kt_error err = {0};
        size_t n = sizeof text - 1, where = at % n;
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        if (at >= n)
            copy[where] ^= (char)(1 << (at / n - 1));
        kt_status status = parse(&spans, copy, at < n ? at : n, &err);
        assert_true(status == KT_OK || (status == KT_INPUT && spans.n == 0));
        kt_spans_clear(&spans);
    }
}

/* The example of the original scripts: four requests of the shape web -> auth, bill, ms1 -> ms2. */
static void the_example(void **state)
{
    (void)state;
    SKIP_WITHOUT_FIXTURES();
    static const char *const shape[] = {"frontend<-", "auth<-frontend", "bill<-frontend", "ms1<-frontend",
                                        "ms2<-ms1"};
    size_t n, counts[5] = {0};
    char *text = read_fixture(&n, "seed-example/traces_rps1.0.csv");
    kt_spans spans;
    assert_true(kt_original_is(text, n));
    OK(parse(&spans, text, n, &err));
    assert_int_equal(spans.n, 36);
    for (size_t i = 0; i < spans.n; i++) {
        const kt_span *s = &spans.span[i], *call = NULL, *caller = NULL;
        if (s->kind != KT_SPAN_SERVER)
            continue;
        for (size_t k = 0; k < spans.n; k++)
            if (spans.span[k].id == s->parent)
                call = &spans.span[k];
        for (size_t k = 0; call && k < spans.n; k++)
            if (spans.span[k].id == call->parent)
                caller = &spans.span[k];
        char edge[100];
        snprintf(edge, sizeof edge, "%s<-%s", spans.text[spans.process[s->process].service],
                 caller ? spans.text[spans.process[caller->process].service] : "");
        assert_true((call == NULL) == (caller == NULL));
        for (int k = 0; k < 5; k++)
            counts[k] += strcmp(edge, shape[k]) == 0;
    }
    for (int k = 0; k < 5; k++)
        assert_int_equal(counts[k], 4);
    kt_spans_clear(&spans);
    free(text);
    text = read_fixture(&n, "seed-example/traces_example.csv");
    OK(parse(&spans, text, n, &err));
    assert_int_equal(spans.n, 2);
    kt_spans_clear(&spans);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_spans),      cmocka_unit_test(parents_are_the_shortest_that_hold),
        cmocka_unit_test(what_is_wrong_is_named), cmocka_unit_test(headers_tell_the_form),
        cmocka_unit_test(damage_does_no_harm),    cmocka_unit_test(the_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
