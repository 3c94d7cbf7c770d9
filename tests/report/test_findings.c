/* What a report says of an archive made by hand, with and without another to compare with. */
#include "../archive/sample_archive.h"
#include "findings.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const digest = "0123";

static kt_report report_on(const kt_archive *archive)
{
    kt_report report = {.archive = archive, .digest = digest};
    assert_int_equal(kt_isa_resolve(&report.isa, KT_ISA_AUTO, NULL), KT_OK);
    return report;
}

static void cards_alone(void **state)
{
    (void)state;
    kt_archive archive;
    findings f = {.n = 0};
    sample_archive(&archive);
    const kt_report report = report_on(&archive);
    assert_int_equal(findings_make(&f, &report, NULL), KT_OK);
    assert_int_equal(f.n, 5);
    const found_service *s =
        &f.services[2]; /* four cells: rates 10 to 40 at 2 replicas, every other interior */
    assert_string_equal(s->entry->name, "frontend.istio-dt");
    assert_int_equal(s->n_cells, 4);
    assert_int_equal(s->n_panels, 1);
    assert_string_equal(s->panels[0].label, "rep 2");
    assert_true(s->panels[0].in_hull && s->panels[0].low == 1 && s->panels[0].high == 40);
    assert_int_equal(s->interior.cells, 2);
    assert_int_equal(s->outside.cells, 2);
    assert_int_equal(s->worst, 2); /* KS 0.06 at 0.03, inside; the one outside is further off */
    assert_int_equal(s->verdict, KT_VERDICT_FAIR); /* p95 is 11 % off */
    assert_false(s->cells[0].seen);
    for (int k = 1; k < CURVE; k++)
        assert_true(s->cells[0].predicted[k] > s->cells[0].predicted[k - 1]);
    assert_true(fabs(s->cells[0].predicted[0] - 0.005) < 1e-6);
    assert_int_equal(f.services[3].n_cells, 0);
    assert_int_equal(f.services[3].verdict, KT_VERDICT_UNJUDGED);
    findings_clear(&f);
    kt_archive_clear(&archive);
}

static void compared_on_the_same_cells(void **state)
{
    (void)state;
    kt_archive archive, other;
    findings f = {.n = 0};
    sample_archive(&archive);
    sample_archive(&other);
    kt_archive_entry *e = &other.entries[2];
    for (size_t c = 0; c < e->n_cells; c++) {
        e->cells[c].ks *= 3;
        e->cells[c].nll += 0.25;
    }
    strcpy(e->cells[2].label, "another"); /* of the same rows, but not held out there: it was trained on */
    kt_report report = report_on(&archive);
    report.against = &other;
    assert_int_equal(findings_make(&f, &report, NULL), KT_OK);
    const found_comparison *c = &f.services[2].comparison;
    assert_int_equal(c->own.cells, 1);
    assert_int_equal(c->other.cells, 1);
    assert_true(c->own.ks == 0.02 && fabs(c->other.ks - 0.06) < 1e-15);
    assert_true(fabs(c->other.nll - c->own.nll - 0.25) < 1e-12);
    assert_int_equal(c->trained_on, 1);
    assert_memory_equal(f.services[2].cells[0].other, f.services[2].cells[0].predicted,
                        CURVE * sizeof(double));
    assert_memory_equal(f.services[2].panels[0].other, f.services[2].panels[0].line[1],
                        GRID * sizeof(double));
    e->data_digest[0] ^= 1; /* other rows, and no dataset to ask: nothing can be compared */
    findings_clear(&f);
    assert_int_equal(findings_make(&f, &report, NULL), KT_OK);
    assert_int_equal(f.services[2].comparison.own.cells, 0);
    findings_clear(&f);

    kt_error err = {0};
    other.feature[0][0] = 'R';
    assert_int_equal(findings_make(&f, &report, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "other features"));
    findings_clear(&f);
    kt_archive_clear(&archive);
    kt_archive_clear(&other);
}

/* Of many services those with the weakest scores have pictures; all have a line. */
static void weakest_are_pictured(void **state)
{
    (void)state;
    static const bool wanted[] = {false, false, true, true,
                                  false}; /* KS 0.01 to 0.03 over the floor; unjudged */
    kt_archive archive;
    findings f = {.n = 0};
    char *page = NULL;
    size_t n = 0;
    sample_archive(&archive);
    kt_report report = report_on(&archive);
    report.pictured = 2;
    assert_int_equal(findings_make(&f, &report, NULL), KT_OK);
    for (size_t i = 0; i < f.n; i++)
        if (f.services[i].pictured != wanted[i])
            fail_msg("%s is %spictured", f.services[i].entry->name, wanted[i] ? "not " : "");
    assert_int_equal(f.services[1].n_cells, 0);
    assert_int_equal(f.services[1].interior.cells, 1);
    findings_clear(&f);
    assert_int_equal(kt_report_html(&page, &n, &report, NULL), KT_OK);
    assert_non_null(strstr(page, "cart.shop"));
    assert_null(strstr(page, "id=\"s1\""));
    assert_non_null(strstr(page, "id=\"s2\""));
    assert_non_null(strstr(page, "the 2 services with the weakest scores"));
    free(page);
    kt_archive_clear(&archive);
}

static void pages_are_functions_of_what_is_given(void **state)
{
    (void)state;
    kt_archive archive;
    char *first = NULL, *second = NULL;
    size_t n = 0, again = 0;
    sample_archive(&archive);
    kt_report report = report_on(&archive);
    report.title = "<b>title</b>";
    assert_int_equal(kt_report_html(&first, &n, &report, NULL), KT_OK);
    assert_int_equal(kt_report_html(&second, &again, &report, NULL), KT_OK);
    assert_int_equal(n, again);
    assert_memory_equal(first, second, n);
    assert_null(strstr(first, "<b>title"));
    assert_non_null(strstr(first, "&lt;b&gt;title&lt;/b&gt;"));
    assert_null(strstr(first, "http://"));
    assert_null(strstr(first, "https://"));
    free(first);
    free(second);
    kt_archive_clear(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_alone),
        cmocka_unit_test(compared_on_the_same_cells),
        cmocka_unit_test(weakest_are_pictured),
        cmocka_unit_test(pages_are_functions_of_what_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
