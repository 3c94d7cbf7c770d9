/* Sets of spans for tests, made from rows, and their comparison. */
#ifndef KT_TEST_TRACE_ROWS_H
#define KT_TEST_TRACE_ROWS_H

#include "../data/check.h"
#include "kt/rng.h"
#include "kt/spans.h"
#include <stdlib.h>

static inline uint32_t text(kt_spans *spans, const char *word)
{
    uint32_t index;
    OK(kt_spans_text(&index, spans, word, strlen(word), &err));
    return index;
}

/* A process of the service with a pod's name. */
static inline uint32_t process(kt_spans *spans, const char *service, const char *pod)
{
    uint32_t index;
    kt_span_tag tags[] = {{text(spans, "k8s.pod.name"), text(spans, pod)},
                          {text(spans, "ip"), text(spans, "10.0.0.1")}};
    OK(kt_spans_process(&index, spans, text(spans, service), tags, 2, &err));
    return index;
}

typedef struct {
    uint64_t trace, id, parent;
    int64_t start, duration;
    kt_span_kind kind;
    const char *service, *pod, *operation, *key, *value; /* key NULL: no tag */
} row;

static inline void add(kt_spans *spans, const row *r)
{
    kt_span span = {.id = r->id,
                    .parent = r->parent,
                    .start = r->start,
                    .duration = r->duration,
                    .process = process(spans, r->service, r->pod),
                    .operation = text(spans, r->operation),
                    .kind = (uint8_t)r->kind};
    for (int i = 0; i < 8; i++)
        span.trace[15 - i] = (uint8_t)(r->trace >> 8 * i);
    kt_span_tag tags[2];
    size_t n = 0;
    if (r->key) {
        tags[n++] = (kt_span_tag){text(spans, r->key), text(spans, r->value)};
        tags[n++] = (kt_span_tag){text(spans, "error"), text(spans, "false")};
    }
    OK(kt_spans_add(spans, &span, tags, n, &err));
}

static inline void same_sets(const kt_spans *a, const kt_spans *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->n_tags, b->n_tags);
    assert_int_equal(a->n_processes, b->n_processes);
    assert_int_equal(a->n_texts, b->n_texts);
    assert_memory_equal(a->tag, b->tag, a->n_tags * sizeof *a->tag);
    assert_memory_equal(a->process, b->process, a->n_processes * sizeof *a->process);
    for (size_t i = 0; i < a->n_texts; i++)
        assert_string_equal(a->text[i], b->text[i]);
    for (size_t i = 0; i < a->n; i++) {
        const kt_span *p = &a->span[i], *q = &b->span[i];
        assert_memory_equal(p->trace, q->trace, 16);
        assert_true(p->id == q->id && p->parent == q->parent && p->start == q->start);
        assert_true(p->duration == q->duration && p->process == q->process && p->operation == q->operation);
        assert_true(p->first_tag == q->first_tag && p->n_tags == q->n_tags);
        assert_true(p->kind == q->kind && p->flags == q->flags);
    }
}

static inline row random_row(kt_rng *rng)
{
    static const char *const words[] = {"a", "b", "c", "d", "e", "f"};
    return (row){.trace = kt_rng_below(rng, 40),
                 .id = kt_rng_below(rng, 20),
                 .parent = kt_rng_below(rng, 3),
                 .start = (int64_t)kt_rng_below(rng, 8000) * (kt_rng_below(rng, 2) ? 1 : 1000),
                 .duration = kt_rng_below(rng, 5000),
                 .kind = kt_rng_below(rng, 2) ? KT_SPAN_SERVER : KT_SPAN_CLIENT,
                 .service = words[kt_rng_below(rng, 6)],
                 .pod = words[kt_rng_below(rng, 6)],
                 .operation = words[kt_rng_below(rng, 6)],
                 .key = kt_rng_below(rng, 2) ? words[kt_rng_below(rng, 6)] : NULL,
                 .value = words[kt_rng_below(rng, 6)]};
}

#endif
