#include "seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    uint8_t trace;
    uint64_t id, parent;
    kt_span_kind kind;
} wanted;

/* A set of n spans, each a microsecond after the one before, taken by `seen`. Returns what is left of it. */
static size_t take(kt_seen *seen, const wanted *w, size_t n, bool final)
{
    kt_spans spans = {.n = 0};
    uint32_t service, process;
    assert_int_equal(kt_spans_init(&spans, NULL), KT_OK);
    assert_int_equal(kt_spans_text(&service, &spans, "a", 1, NULL), KT_OK);
    assert_int_equal(kt_spans_process(&process, &spans, service, NULL, 0, NULL), KT_OK);
    for (size_t i = 0; i < n; i++) {
        kt_span span = {.id = w[i].id,
                        .parent = w[i].parent,
                        .kind = (uint8_t)w[i].kind,
                        .start = (int64_t)i * 1000,
                        .process = process};
        span.trace[15] = w[i].trace;
        assert_int_equal(kt_spans_add(&spans, &span, NULL, 0, NULL), KT_OK);
    }
    assert_int_equal(kt_spans_finish(&spans, NULL), KT_OK);
    assert_int_equal(kt_seen_take(seen, &spans, final, NULL), KT_OK);
    n = spans.n;
    kt_spans_clear(&spans);
    return n;
}

static size_t doubtful(const kt_seen *seen)
{
    uint32_t *trace;
    size_t n;
    assert_int_equal(kt_seen_doubtful(&trace, &n, seen, NULL), KT_OK);
    free(trace);
    return n;
}

static void copies_are_left_out(void **state)
{
    (void)state;
    kt_seen seen = {.n = 0};
    const wanted w[] = {{1, 10, 0, KT_SPAN_SERVER}, {1, 11, 10, KT_SPAN_CLIENT}, {2, 20, 0, KT_SPAN_SERVER}};
    assert_int_equal(take(&seen, w, 3, false), 3);
    assert_int_equal(take(&seen, w, 3, false), 0);
    assert_int_equal(seen.n, 2);
    assert_int_equal(doubtful(&seen), 0);
    assert_int_equal(seen.trace[kt_seen_place(&seen, seen.trace[1].id)].spans, 1);
    kt_seen_clear(&seen);
}

/* A second copy with more spans counts, and the trace is asked for again, which settles it. */
static void traces_that_grew_are_doubtful(void **state)
{
    (void)state;
    kt_seen seen = {.n = 0};
    const wanted w[] = {{1, 10, 0, KT_SPAN_SERVER}, {1, 11, 10, KT_SPAN_CLIENT}};
    assert_int_equal(take(&seen, w, 1, false), 1);
    assert_int_equal(take(&seen, w, 2, false), 2);
    assert_int_equal(doubtful(&seen), 1);
    assert_int_equal(take(&seen, w, 2, false), 0); /* seen so again: no answer to the doubt */
    assert_int_equal(doubtful(&seen), 1);
    assert_int_equal(take(&seen, w, 2, true), 0);
    assert_int_equal(doubtful(&seen), 0);
    kt_seen_clear(&seen);
}

static void one_root_makes_a_trace_whole(void **state)
{
    (void)state;
    static const struct {
        wanted w[2];
        size_t n;
        bool whole;
    } cases[] = {
        {{{1, 10, 0, KT_SPAN_CLIENT}}, 1, true},
        {{{1, 10, 9, KT_SPAN_SERVER}}, 1, true},    /* called by one that is not traced */
        {{{1, 10, 9, KT_SPAN_CONSUMER}}, 1, true},  /* the same */
        {{{1, 10, 9, KT_SPAN_CLIENT}}, 1, false},   /* a caller's span is missing */
        {{{1, 10, 9, KT_SPAN_INTERNAL}}, 1, false}, /* the same */
        {{{1, 10, 9, KT_SPAN_SERVER}, {1, 11, 8, KT_SPAN_SERVER}}, 2, false},
        {{{1, 10, 0, KT_SPAN_SERVER}, {1, 11, 0, KT_SPAN_SERVER}}, 2, false},
        {{{1, 10, 11, KT_SPAN_SERVER}, {1, 11, 10, KT_SPAN_SERVER}}, 2, false}, /* a cycle */
        {{{0, 10, 9, KT_SPAN_CLIENT}}, 1, true},                                /* no trace at all */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_seen seen = {.n = 0};
        take(&seen, cases[i].w, cases[i].n, false);
        assert_int_equal(doubtful(&seen), !cases[i].whole);
        take(&seen, cases[i].w, cases[i].n, true);
        assert_int_equal(doubtful(&seen), !cases[i].whole);
        kt_seen_clear(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_left_out),
        cmocka_unit_test(traces_that_grew_are_doubtful),
        cmocka_unit_test(one_root_makes_a_trace_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
