#include "kt/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void bounds_as_the_header_says(void **state)
{
    (void)state;
    const struct {
        double ks, floor, p95, worst;
        kt_verdict verdict;
    } cases[] = {
        {0.070, 0.048, 0.02, 0.1, KT_VERDICT_GOOD}, /* 1.46 floors */
        {0.074, 0.048, 0.02, 0.1, KT_VERDICT_FAIR}, /* 1.54 */
        {0.049, 0.004, 0.10, 0.2, KT_VERDICT_GOOD}, /* many rows: below 0.05 */
        {0.051, 0.004, 0.02, 0.1, KT_VERDICT_FAIR},
        {0.049, 0.048, 0.11, 0.1, KT_VERDICT_FAIR},
        {0.049, 0.048, 0.26, 0.1, KT_VERDICT_POOR},
        {0.049, 0.048, 0.02, 0.21, KT_VERDICT_FAIR},
        {0.049, 0.048, 0.02, 0.41, KT_VERDICT_POOR},
        {0.145, 0.048, 0.02, 0.2, KT_VERDICT_POOR}, /* 3.02 floors, above 0.10 */
        {NAN, 0.048, 0.02, 0.1, KT_VERDICT_POOR},
        {0.049, 0.048, NAN, 0.1, KT_VERDICT_POOR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kt_score s = {.cells = 3,
                            .ks = cases[i].ks,
                            .ks_floor = cases[i].floor,
                            .error = {0, cases[i].p95, 0},
                            .worst_ks = cases[i].worst};
        char reason[300];
        kt_verdict_reason(reason, sizeof reason, &s);
        if (kt_verdict_of(&s) != cases[i].verdict)
            fail_msg("case %zu: %s", i, kt_verdict_text[kt_verdict_of(&s)]);
        assert_int_equal(reason[0] == '\0', cases[i].verdict == KT_VERDICT_GOOD);
    }
}

static void what_keeps_it_from_being_good(void **state)
{
    (void)state;
    char reason[300];
    kt_score s = {.cells = 0};
    kt_verdict_reason(reason, sizeof reason, &s);
    assert_int_equal(kt_verdict_of(&s), KT_VERDICT_UNJUDGED);
    assert_string_equal(reason, "no cell inside the hull was held out");
    s = (kt_score){
        .cells = 1, .ks = 0.09, .ks_floor = 0.049, .error = {0, 0.123, 0}, .worst = "a", .worst_ks = 0.3};
    kt_verdict_reason(reason, sizeof reason, &s);
    assert_string_equal(reason, "KS 0.090 at a floor of 0.049, p95 off by 12.3 %, KS 0.300 in a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_as_the_header_says),
        cmocka_unit_test(what_keeps_it_from_being_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
