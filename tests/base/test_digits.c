/* Against printf and strtod. */
#include "kt/digits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Returns whether the text is printf's. */
static bool check_float(float value)
{
    char text[KT_DIGITS], wanted[KT_DIGITS];
    char *end = kt_digits_float(text, value);
    assert_true(end - text < KT_DIGITS);
    *end = '\0';
    snprintf(wanted, sizeof wanted, "%.9g", (double)value);
    float back = strtof(text, NULL);
    if (isnan(value) ? !isnan(back) : memcmp(&back, &value, sizeof value) != 0)
        fail_msg("%s comes back from %s", wanted, text);
    return strcmp(text, wanted) == 0;
}

static void chosen_floats_look_like_printf(void **state)
{
    (void)state;
    static const float values[] = {0.0f,       -0.0f,      1.0f,        -1.0f,       10.0f,     0.1f,  0.125f,
                                   1e8f,       1e9f,       123456789.f, 999999999.f, 1e10f,     1e-4f, 1e-5f,
                                   9.9999e-5f, 0.0001f,    3.4e38f,     1.2e-38f,    1e-45f,    0.5f,  100.f,
                                   99.99999f,  16777216.f, 1.0000001f,  INFINITY,    -INFINITY, NAN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (!check_float(values[i]))
            fail_msg("%.9g does not look so", (double)values[i]);
}

/* Every 4001st of all floats, both signs; powers of ten and two and their neighbours. Only a tie, to within
 * the roundings of a double, may end in another last digit: none does here. */
static void floats_come_back(void **state)
{
    (void)state;
    size_t other = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 4001)
        other += !check_float(from_bits((uint32_t)bits));
    for (int e = -44; e <= 38; e++) {
        float ten = (float)pow(10, e), two = ldexpf(1, 3 * e);
        const float near[] = {ten, nextafterf(ten, 0), nextafterf(ten, INFINITY),
                              two, nextafterf(two, 0), nextafterf(two, INFINITY)};
        for (size_t i = 0; i < sizeof near / sizeof *near; i++)
            other += !check_float(near[i]);
    }
    assert_int_equal(other, 0);
}

static void doubles_come_back_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {12, "12"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1e300, "1e+300"},
                 {-2.5, "-2.5"},
                 {5e-324, "4.94065645841247e-324"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[KT_DIGITS];
        *kt_digits_double(text, cases[i].value) = '\0';
        assert_string_equal(text, cases[i].text);
        assert_true(strtod(text, NULL) == cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_floats_look_like_printf),
        cmocka_unit_test(floats_come_back),
        cmocka_unit_test(doubles_come_back_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
