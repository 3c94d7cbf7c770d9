#include "kt/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)
static const int64_t now = 1787184000 * SECOND + 7; /* 2026-08-20T00:00:00.000000007Z: date -d @1787184000 */

static void lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"30", 30},      {"30s", 30},     {"0", 0},        {"1.5h", 5400},
                {"250ms", 0.25}, {"2d", 172800},  {"1h30m", 5400}, {"90m", 5400},
                {"1w", 604800},  {"10us", 10e-6}, {".5s", 0.5}};
    static const char *const bad[] = {"",    "s",    "-1",  "1x",  "1 h", "1h-30m", "0x10",
                                      "1e3", "30ss", "inf", "nan", "1s2", "1h30",   "99999999999d"};
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(kt_when_length(&seconds, good[i].text, "--settle", NULL), KT_OK);
        if (seconds < good[i].seconds * (1 - 1e-15) || seconds > good[i].seconds * (1 + 1e-15))
            fail_msg("%s: %g", good[i].text, seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kt_error err = {0};
        if (kt_when_length(&seconds, bad[i], "--settle", &err) != KT_USAGE)
            fail_msg("'%s' passed as %g", bad[i], seconds);
        assert_non_null(strstr(err.message, "--settle"));
    }
}

/* Seconds since 1970 by GNU date. */
static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time;
    } good[] = {
        {"now", now},
        {"1h", now - 3600 * SECOND},
        {"0", now},
        {"250ms", now - SECOND / 4},
        {"2026-08-20T12:00:00Z", 1787227200 * SECOND},
        {"2026-08-20 12:00:00.5+02:00", 1787220000 * SECOND + SECOND / 2},
        {"2026-08-20t12:00:00.123456789-01:30", 1787232600 * SECOND + 123456789},
        {"2024-02-29T23:59:59z", 1709251199 * SECOND},
        {"1970-01-01T00:00:00Z", 0},
        {"1787184000", 1787184000 * SECOND},
        {"1787184000.25", 1787184000 * SECOND + SECOND / 4},
        {"1787184000.0000000019", 1787184000 * SECOND + 1},
        {"100000000", 100000000 * SECOND},
    };
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2026-08-20",
                                      "2026-08-20T12:00:00",
                                      "2026-02-30T12:00:00Z",
                                      "2026-13-01T12:00:00Z",
                                      "2026-08-20T24:30:00Z",
                                      "1787184000000",
                                      "-5",
                                      "2026-08-20T12:00:00+2",
                                      "2026-08-20T12:00:00+24:00",
                                      "now ",
                                      "1787184000x",
                                      "2026-08-20T12:00:00.Z",
                                      "1500-01-01T00:00:00Z",
                                      "99999d"};
    int64_t time;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(kt_when_parse(&time, good[i].text, now, "--since", NULL), KT_OK);
        if (time != good[i].time)
            fail_msg("%s: %lld", good[i].text, (long long)time);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kt_error err = {0};
        if (kt_when_parse(&time, bad[i], now, "--since", &err) != KT_USAGE)
            fail_msg("'%s' passed as %lld", bad[i], (long long)time);
        assert_non_null(strstr(err.message, "--since"));
    }
}

static void texts(void **state)
{
    (void)state;
    char text[KT_WHEN_TEXT];
    int64_t back;
    kt_when_text(text, now);
    assert_string_equal(text, "2026-08-20T00:00:00.000000007Z");
    kt_when_text(text, -1);
    assert_string_equal(text, "1969-12-31T23:59:59.999999999Z");
    kt_when_text(text, kt_when_now());
    assert_int_equal(kt_when_parse(&back, text, 0, "t", NULL), KT_OK);
    assert_true(back > 1700000000 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(times),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
