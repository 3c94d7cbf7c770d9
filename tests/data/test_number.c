#include "check.h"
#include "kt/rng.h"
#include "number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double good(const char *text)
{
    double value = -777;
    if (kt_number_read(&value, text, strlen(text)) != KT_NUMBER_GOOD)
        fail_msg("'%s' was not read", text);
    return value;
}

/* The C library's strtod is correctly rounded; every bit must be equal. */
static void equal_to_strtod(const char *text)
{
    double mine = good(text), truth = strtod(text, NULL);
    if (memcmp(&mine, &truth, sizeof mine) != 0)
        fail_msg("'%s' gives %a, strtod %a", text, mine, truth);
}

static void forms(void **state)
{
    (void)state;
    static const char *const text[] = {
        "0",
        "1",
        "12.5",
        ".5",
        "5.",
        "+3",
        "-3.25",
        "1e3",
        "1E-3",
        "1e+05",
        "000.10",
        "123456",
        "0.000001",
        "1e22",
        "1e23",
        "1e-22",
        "1e308",
        "4.9e-324",
        "0e999",
        "0.0000000000000000000000000",
        "0e-25",
        "1.e2",
        "00000000000000000000000001.5",
    };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        equal_to_strtod(text[i]);
    assert_true(good(" \t 7.5 \t") == 7.5);
    assert_false(signbit(good("-0.0")));
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        kt_number_kind kind;
    } bad[] = {
        {"", KT_NUMBER_BLANK},
        {"  \t", KT_NUMBER_BLANK},
        {"abc", KT_NUMBER_TEXT},
        {"1x", KT_NUMBER_TEXT},
        {"1 2", KT_NUMBER_TEXT},
        {"1,5", KT_NUMBER_TEXT},
        {"0x10", KT_NUMBER_TEXT},
        {"-", KT_NUMBER_TEXT},
        {".", KT_NUMBER_TEXT},
        {"e5", KT_NUMBER_TEXT},
        {"1e", KT_NUMBER_TEXT},
        {"1e+", KT_NUMBER_TEXT},
        {"1e5.5", KT_NUMBER_TEXT},
        {"--1", KT_NUMBER_TEXT},
        {"1\n", KT_NUMBER_TEXT},
        {"nan", KT_NUMBER_INFINITE},
        {"NaN", KT_NUMBER_INFINITE},
        {"-inf", KT_NUMBER_INFINITE},
        {"Infinity", KT_NUMBER_INFINITE},
        {"1e309", KT_NUMBER_INFINITE},
        {"1e99999999999999999999", KT_NUMBER_INFINITE},
        {"nano", KT_NUMBER_TEXT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 42;
        if (kt_number_read(&value, bad[i].text, strlen(bad[i].text)) != bad[i].kind)
            fail_msg("'%s' is of another kind", bad[i].text);
        assert_true(value == 42);
    }
    char digits[300];
    memset(digits, '1', sizeof digits);
    double value;
    assert_int_equal(kt_number_read(&value, digits, 256), KT_NUMBER_TEXT);
    assert_int_equal(kt_number_read(&value, digits, 255), KT_NUMBER_GOOD);
    digits[255] = '\0';
    assert_true(value == strtod(digits, NULL));
    assert_int_equal(kt_number_read(&value,
                                    "1\0"
                                    "2",
                                    3),
                     KT_NUMBER_TEXT);
}

/* Halves between two doubles, and the texts next to them: where rounding twice goes wrong. */
static void halves(void **state)
{
    (void)state;
    static const char *const text[] = {
        "9007199254740993",
        "9007199254740995",
        "9007199254740993.1",
        "9007199254740992.9",
        "18014398509481986",
        "18014398509481990",
        "9007199254740993e3",
        "9007199254740993e-3",
        "4503599627370497.5",
        "4503599627370498.5",
        "4503599627370497.500",
        "1125899906842624.125",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "8.533e+68",
        "9223372036854775807",
        "18446744073709551615",
        "9999999999999999999",
        "9999999999999999999e27",
        "9999999999999999999e-27",
        "1e27",
        "1e-27",
        "7205759403792793e1",
    };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        equal_to_strtod(text[i]);
    /* m 2^k + 2^(k - 1) is exactly between two doubles of 53 bits */
    kt_rng rng;
    kt_rng_init(&rng, 1, 2, KT_RNG_SAMPLE, 0, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t m = UINT64_C(1) << 52 | ((uint64_t)kt_rng_u32(&rng) << 20 ^ kt_rng_u32(&rng));
        char line[64];
        snprintf(line, sizeof line, "%llu", (unsigned long long)(2 * m + 1)); /* 54 bits */
        equal_to_strtod(line);
        snprintf(line, sizeof line, "%llu.5", (unsigned long long)m); /* a half, exactly */
        equal_to_strtod(line);
        snprintf(line, sizeof line, "%llue%d", (unsigned long long)(m >> 1),
                 (int)kt_rng_below(&rng, 55) - 27);
        equal_to_strtod(line);
    }
}

static void random_decimals(void **state)
{
    (void)state;
    kt_rng rng;
    kt_rng_init(&rng, 7, 8, KT_RNG_SAMPLE, 0, 0);
    for (int i = 0; i < 300000; i++) {
        char text[80], *p = text;
        uint32_t digits = 1 + kt_rng_below(&rng, 24), point = kt_rng_below(&rng, digits + 1);
        if (kt_rng_below(&rng, 8) == 0)
            *p++ = '-';
        for (uint32_t k = 0; k < digits; k++) {
            if (k == point)
                *p++ = '.';
            *p++ = (char)('0' + (kt_rng_below(&rng, 4) ? kt_rng_below(&rng, 10) : 0));
        }
        *p = '\0';
        if (kt_rng_below(&rng, 3) == 0)
            sprintf(p, "e%d", (int)kt_rng_below(&rng, 80) - 40);
        double value = strtod(text, NULL);
        if (value == 0) /* -0 is read as 0 */
            assert_true(good(text) == 0);
        else
            equal_to_strtod(text);
    }
    for (int i = 0; i < 100000; i++) { /* what programs print */
        char text[40];
        double value = exp(40 * kt_rng_uniform(&rng) - 25);
        snprintf(text, sizeof text, "%.17g", value);
        assert_true(good(text) == value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(halves),
        cmocka_unit_test(random_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
