/* Self times against what Jaeger's page shows, and against marking every microsecond. */
#include "fixtures.h"
#include "names.h"
#include "parse.h"
#include "self_time.h"
#include "spans_of.h"

static kt_spans spans;
static kt_names names;
static kt_parents parents;
static int64_t *self, *scratch;

static void measure(void)
{
    names = (kt_names){.n = 0};
    parents = (kt_parents){.n = 0};
    OK(kt_names_init(&names, &spans, NULL, &err));
    OK(kt_parents_find(&parents, &spans, names.service, &err));
    OK(kt_alloc(&self, spans.n, sizeof *self, &err));
    OK(kt_alloc(&scratch, spans.n, sizeof *scratch, &err));
    kt_self_times(self, &spans, &parents, scratch);
}

static void release(void)
{
    free(self);
    free(scratch);
    kt_names_clear(&names);
    kt_parents_clear(&parents);
    kt_spans_clear(&spans);
}

static void read_file(const char *name)
{
    kt_jaeger_form form;
    size_t n, traces;
    char *text = read_fixture(&n, name);
    OK(kt_spans_init(&spans, &err));
    OK(kt_jaeger_parse(&spans, &form, &traces, text, n, name, NULL, &err));
    OK(kt_spans_finish(&spans, &err));
    free(text);
}

/* Overlapping children, one that outlives its parent and one behind its end: 0..100 without 10..40, 90..100.
 */
static void by_hand(void **state)
{
    (void)state;
    static const one_span t[] = {
        {1, 1, 0, S, "a", "p", 0, 100, 0, NULL, NULL},  {1, 2, 1, I, "a", "p", 10, 20, 0, NULL, NULL},
        {1, 3, 1, C, "a", "p", 15, 5, 0, NULL, NULL},   {1, 4, 1, C, "a", "p", 20, 20, 0, NULL, NULL},
        {1, 5, 4, S, "b", "q", 0, 30, 0, NULL, NULL},   {1, 6, 1, P, "a", "p", 90, 50, 0, NULL, NULL},
        {1, 7, 1, C, "a", "p", 120, 10, 0, NULL, NULL},
    };
    spans_of(&spans, t, sizeof t / sizeof *t);
    measure();
    for (size_t i = 0; i < spans.n; i++) {
        static const int64_t wanted[] = {0,  60, 20, 5,
                                         10, 30, 50, 10}; /* by id; 4 is answered from 0 to 30 */
        assert_int_equal(self[i], 1000 * wanted[spans.span[i].id]);
    }
    release();
}

/* The page's own published values of this trace, ms to two places. */
static void as_the_page_shows(void **state)
{
    (void)state;
    static const struct {
        uint64_t id;
        double ms;
    } known[] = {{0x150c193cf155b46b, 2.40},
                 {0x22be69e72cbcde0b, 0.76},
                 {0xe821b549888cbc3b, 1.67},
                 {0x622a5079b565623e, 0.05},
                 {0x4085dddb47429851, 0.02}};
    SKIP_WITHOUT_FIXTURES();
    read_file("jaeger-fixtures/jaeger-ui/selftime_testTraceNormal.json");
    measure();
    assert_int_equal(spans.n, 5);
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            if (known[k].id == spans.span[i].id)
                assert_true(fabs(1e-6 * (double)self[i] - known[k].ms) <= 0.005001);
    release();
}

/* The rule the slow way: every microsecond of a span that none of its children has. */
static int64_t by_marking(size_t i)
{
    const kt_span *s = &spans.span[i];
    int64_t left = 0;
    for (int64_t us = s->start; us < s->start + s->duration; us += 1000) {
        bool free_of = true;
        for (size_t k = 0; k < spans.n && free_of; k++) {
            const kt_span *child = &spans.span[k];
            free_of = parents.parent[k] != i || us < child->start || us >= child->start + child->duration;
        }
        left += free_of ? 1000 : 0;
    }
    return left;
}

static void by_marking_all(void **state)
{
    (void)state;
    static const char *const files[] = {
        "jaeger-ui/selftime_spanAmongEachOtherGroupedAndSpans",
        "jaeger-ui/selftime_spanLongerAsParent",
        "jaeger-ui/selftime_spansAmongEachOther",
        "jaeger-ui/selftime_spansAmongEachOtherGrouped",
        "jaeger-ui/selftime_testTraceNormal",
        "jaeger-ui/selftime_traceWithMultipleSpansWithTheSameValueInDifferentTags",
        "jaeger-ui/selftime_traceWithOverlappingChildren",
        "jaeger-ui/selftime_traceWithOverlappingChildrenLongerThanParent",
        "jaeger-ui/selftime_traceWithSingleChildLongerThanParentAndStartsAfterParent",
        "jaeger-ui/selftime_traceWithThreeShortChildren",
        "jaeger-ui/selftime_traceWithThreeShortOverlappingChildren",
        "jaeger-ui/selftime_traceWithTwoChildrenStartedAtTraceStart",
        "jaeger-ui/selftime_traceWithTwoNonOverlappingChildren",
        "crisp/1",
        "crisp/9",
        "crisp/13",
        "crisp/15",
        "crisp/18",
        "crisp/21",
        "crisp/24"};
    SKIP_WITHOUT_FIXTURES();
    size_t less = 0;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char name[200];
        snprintf(name, sizeof name, "jaeger-fixtures/%s.json", files[f]);
        read_file(name);
        measure();
        for (size_t i = 0; i < spans.n; i++) {
            if (self[i] != by_marking(i))
                fail_msg("%s: span %zu: %lld, not %lld", files[f], i, (long long)self[i],
                         (long long)by_marking(i));
            less += self[i] < spans.span[i].duration;
        }
        release();
    }
    assert_true(less > 20); /* spans with children are among them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(as_the_page_shows),
                                       cmocka_unit_test(by_marking_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
