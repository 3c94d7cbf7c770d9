#include "kt/certify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_cleaning(const char *before, const char *certificate, const char *wanted)
{
    kt_samples samples = {.d = 0};
    kt_spans_papers papers = {.certificate = (char *)certificate};
    if (before)
        assert_int_equal(kt_strdup(&samples.cleaning, before, NULL), KT_OK);
    assert_int_equal(kt_samples_certify(&samples, &papers, NULL), KT_OK);
    assert_string_equal(samples.cleaning, wanted);
    free(samples.cleaning);
}

/* Retries, servers and times of asking stay out: they are not the data's. */
static void a_certificate_is_its_verdict_and_bounds(void **state)
{
    (void)state;
    assert_cleaning(
        "{\"queue\":1}",
        "{\"server\":\"http://a\",\"verdict\":\"complete\",\"since\":1,\"until\":2,\"windows\":[1]}",
        "{\"certificate\":{\"since\":1,\"until\":2,\"verdict\":\"complete\"},\"queue\":1}");
    assert_cleaning("{}", "{\"reason\":\"why\",\"verdict\":\"unknown\"}",
                    "{\"certificate\":{\"reason\":\"why\",\"verdict\":\"unknown\"}}");
}

static void recorded_files_prove_nothing(void **state)
{
    (void)state;
    assert_cleaning(NULL, NULL, "{\"certificate\":{\"verdict\":\"none\"}}");
}

static void a_broken_certificate_changes_nothing(void **state)
{
    (void)state;
    kt_samples samples = {.cleaning = "{\"queue\":1}"};
    kt_spans_papers papers = {.certificate = "{\"verdict\":"};
    kt_error err = {0};
    assert_int_equal(kt_samples_certify(&samples, &papers, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "certificate:1:"));
    assert_string_equal(samples.cleaning, "{\"queue\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_its_verdict_and_bounds),
        cmocka_unit_test(recorded_files_prove_nothing),
        cmocka_unit_test(a_broken_certificate_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
