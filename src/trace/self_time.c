#include "self_time.h"

void kt_self_times(int64_t *self, const kt_spans *spans, const kt_parents *parents, int64_t *reached)
{
    for (size_t i = 0; i < spans->n; i++) {
        self[i] = spans->span[i].duration;
        reached[i] = spans->span[i].start;
    }
    for (size_t i = 0; i < spans->n; i++) { /* in canonical order children come by start */
        uint32_t above = parents->parent[i];
        if (above == KT_NONE)
            continue;
        const kt_span *parent = &spans->span[above], *child = &spans->span[i];
        int64_t end = child->start + child->duration, last = parent->start + parent->duration;
        int64_t from = child->start > reached[above] ? child->start : reached[above];
        int64_t to = end < last ? end : last;
        if (to <= from)
            continue;
        self[above] -= to - from;
        reached[above] = to;
    }
}
