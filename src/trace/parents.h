/* The tree of each trace: which span is the parent of which, whatever is wrong with the ids. */
#ifndef KT_TRACE_PARENTS_H
#define KT_TRACE_PARENTS_H

#include "kt/error.h"
#include "kt/spans.h"
#include "names.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t n;
    uint32_t *parent; /* [n] span, or KT_NONE: a root */
    uint32_t *order;  /* [n] spans, every parent before its children */
    uint64_t missing; /* spans whose parent was not collected: roots now */
    uint64_t own;     /* spans that name themselves */
    uint64_t cycles;  /* each opened above its earliest span */
    uint64_t shared;  /* SERVER spans that share the id of their caller's CLIENT span */
} kt_parents;

/* spans: in canonical order. service [spans->n]. Where two spans have the id that a child names (client and
 * server under one id), its parent is the one of the child's own service, else the SERVER or CONSUMER. Such a
 * SERVER span is the child of the CLIENT span that it shares its id with. tree: zeroed. O(n log n). */
kt_status kt_parents_find(kt_parents *tree, const kt_spans *spans, const uint32_t *service, kt_error *err);
void kt_parents_clear(kt_parents *tree);

static inline bool kt_span_serves(const kt_span *span)
{
    return span->kind == KT_SPAN_SERVER || span->kind == KT_SPAN_CONSUMER;
}

#endif
