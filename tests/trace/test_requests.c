#include "kt/load.h"

#include "../scratch.h"
#include "kt/file.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
                  {"first_us", 1000000000},
                  {"last_us", 1000800000},
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
    assert_int_equal(kt_load_write("part.csv", &result, 2, NULL), KT_OK);
    result.n = 0;
    assert_int_equal(kt_load_write("empty.csv", &result, 1, NULL), KT_OK);
    const char *parts[] = {"empty.csv", "part.csv", "no.csv"};
    kt_error err = {0};
    assert_int_equal(kt_load_join("requests.csv", parts, 3, &err), KT_IO);
    assert_non_null(strstr(err.message, "no.csv"));
    assert_int_equal(kt_path_kind_of("requests.csv"), KT_PATH_MISSING);
    assert_int_equal(kt_load_join("requests.csv", parts, 2, NULL), KT_OK);
    char *text = NULL, *part = NULL;
    size_t bytes;
    assert_int_equal(kt_file_read(&text, &bytes, "requests.csv", NULL), KT_OK);
    assert_int_equal(kt_file_read(&part, &bytes, "part.csv", NULL), KT_OK);
    assert_string_equal(text, part);
    assert_non_null(strstr(text, "1000.200500000,0.150000000,3,503,http-5xx,ab000000000000000000000000000002,"
                                 "1000.200000000,2,measured\n"));
    free(text);
    free(part);
    kt_spans spans = {.n = 0}, none = {.n = 0};
    uint32_t process;
    assert_int_equal(kt_spans_init(&spans, NULL), KT_OK);
    assert_int_equal(kt_spans_process(&process, &spans, 0, NULL, 0, NULL), KT_OK);
    for (size_t i = 0; i < 6; i++) { /* two spans of each but requests 4 and 5 */
        kt_span span = {.id = 2 * i + 1, .process = process};
        memcpy(span.trace, r[5 - i].trace, 16);
        for (int k = 0; i != 1 && i != 2 && k < 2; k++, span.id++)
            assert_int_equal(kt_spans_add(&spans, &span, NULL, 0, NULL), KT_OK);
    }
    assert_int_equal(kt_spans_finish(&spans, NULL), KT_OK);
    kt_load_found found;
    assert_int_equal(kt_load_find(&found, "requests.csv", &spans, NULL), KT_OK);
    assert_int_equal(found.requests, 6);
    assert_int_equal(found.answered, 5);
    assert_int_equal(found.found, 4);
    assert_int_equal(found.answered_missing, 1);
    assert_string_equal(found.missing, "cell 2: 5");
    assert_int_equal(kt_load_find(&found, "requests.csv", &none, NULL), KT_OK);
    assert_string_equal(found.missing, "cell 2: 1 2 3 5 6");
    FILE *file = fopen("requests.csv", "a");
    fputs("1000.2,0.1,3\n", file);
    fclose(file);
    kt_error_clear(&err);
    assert_int_equal(kt_load_find(&found, "requests.csv", &none, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "requests.csv:8:"));
    kt_spans_clear(&spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_the_measured),
        cmocka_unit_test(requests_are_written_and_found),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
