#include "parents.h"

#include <stdlib.h>
#include <string.h>

/* The spans of one trace by id. */
typedef struct {
    uint64_t id;
    uint32_t span;
} place;

static int by_id(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->span > y->span) - (x->span < y->span);
}

/* Most traces have a handful of spans. */
static void sort(place *p, size_t n)
{
    enum { FEW = 24 };
    if (n > FEW) {
        qsort(p, n, sizeof *p, by_id);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        place moved = p[i];
        size_t k = i;
        for (; k > 0 && p[k - 1].id > moved.id; k--)
            p[k] = p[k - 1];
        p[k] = moved;
    }
}

/* The first place with this id or a higher one. */
static size_t seek(const place *p, size_t n, uint64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

typedef struct {
    const kt_spans *spans;
    const uint32_t *service;
    const place *place; /* [n] of the trace */
    size_t n;
} trace;

/* The CLIENT (for a CONSUMER: PRODUCER) span whose id a SERVER span shares. */
static uint32_t other_half(const trace *t, uint32_t child)
{
    const kt_span *span = &t->spans->span[child];
    uint8_t wanted = span->kind == KT_SPAN_SERVER ? KT_SPAN_CLIENT : KT_SPAN_PRODUCER;
    for (size_t k = seek(t->place, t->n, span->id); k < t->n && t->place[k].id == span->id; k++)
        if (t->spans->span[t->place[k].span].kind == wanted)
            return t->place[k].span;
    return KT_NONE;
}

static uint32_t find_parent(const trace *t, uint32_t child)
{
    const kt_span *span = &t->spans->span[child];
    uint32_t best = KT_NONE;
    int best_worth = -1;
    for (size_t k = seek(t->place, t->n, span->parent); k < t->n && t->place[k].id == span->parent; k++) {
        uint32_t candidate = t->place[k].span;
        int worth =
            2 * (t->service[candidate] == t->service[child]) + kt_span_serves(&t->spans->span[candidate]);
        if (worth > best_worth) {
            best = candidate;
            best_worth = worth;
        }
    }
    return best;
}

static void link_trace(kt_parents *tree, const trace *t)
{
    for (size_t k = 0; k < t->n; k++) {
        uint32_t i = t->place[k].span, half = KT_NONE;
        const kt_span *span = &t->spans->span[i];
        if (kt_span_serves(span) && span->id != 0)
            half = other_half(t, i);
        tree->parent[i] = half;
        if (half != KT_NONE) {
            tree->shared++;
        } else if (span->parent != 0 && span->parent == span->id) {
            tree->own++;
        } else if (span->parent != 0) {
            tree->parent[i] = find_parent(t, i);
            tree->missing += tree->parent[i] == KT_NONE;
        }
    }
}

/* ---- cycles and order ---- */

enum { NEW, ON_PATH, DONE };

/* The cycle that span i is on loses the link above its earliest span. */
static void open_cycle(kt_parents *tree, uint8_t *state, uint32_t i)
{
    uint32_t earliest = i, k = i; /* canonical order within a trace is by start */
    do {
        state[k] = DONE;
        earliest = k < earliest ? k : earliest;
        k = tree->parent[k];
    } while (k != i);
    tree->parent[earliest] = KT_NONE;
    tree->cycles++;
}

/* From each span upwards until a root or one that was seen; a path that meets itself is a cycle. */
static void open_cycles(kt_parents *tree, uint8_t *state)
{
    for (size_t from = 0; from < tree->n; from++) {
        uint32_t i = (uint32_t)from;
        for (; i != KT_NONE && state[i] == NEW; i = tree->parent[i])
            state[i] = ON_PATH;
        if (i != KT_NONE && state[i] == ON_PATH)
            open_cycle(tree, state, i);
        for (i = (uint32_t)from; i != KT_NONE && state[i] == ON_PATH; i = tree->parent[i])
            state[i] = DONE;
    }
}

/* Each span behind its ancestors; most parents stand before their children anyway. stack [n]. */
static void put_in_order(kt_parents *tree, uint8_t *state, uint32_t *stack)
{
    size_t n = 0;
    memset(state, NEW, tree->n);
    for (size_t i = 0; i < tree->n; i++) {
        size_t depth = 0;
        for (uint32_t k = (uint32_t)i; k != KT_NONE && state[k] == NEW; k = tree->parent[k]) {
            state[k] = DONE;
            stack[depth++] = k;
        }
        while (depth > 0)
            tree->order[n++] = stack[--depth];
    }
}

kt_status kt_parents_find(kt_parents *tree, const kt_spans *spans, const uint32_t *service, kt_error *err)
{
    kt_status status = KT_OK;
    place *p = NULL;
    uint8_t *state = NULL;
    uint32_t *stack = NULL;
    tree->n = spans->n;
    KT_TRY(kt_alloc(&tree->parent, spans->n, sizeof *tree->parent, err));
    KT_TRY(kt_alloc(&tree->order, spans->n, sizeof *tree->order, err));
    KT_TRY(kt_grow(&p, spans->n, sizeof *p, err));
    KT_TRY(kt_alloc(&state, spans->n, sizeof *state, err));
    KT_TRY(kt_grow(&stack, spans->n, sizeof *stack, err));
    for (size_t i = 0; i < spans->n; i++)
        p[i] = (place){spans->span[i].id, (uint32_t)i};
    for (size_t first = 0, next; first < spans->n; first = next) {
        for (next = first + 1; next < spans->n && memcmp(spans->span[next].trace, spans->span[first].trace,
                                                         sizeof spans->span->trace) == 0;)
            next++;
        sort(p + first, next - first);
        link_trace(tree, &(trace){spans, service, p + first, next - first});
    }
    open_cycles(tree, state);
    put_in_order(tree, state, stack);
out:
    free(p);
    free(state);
    free(stack);
    return status;
}

void kt_parents_clear(kt_parents *tree)
{
    free(tree->parent);
    free(tree->order);
    *tree = (kt_parents){.n = 0};
}
