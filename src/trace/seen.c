#include "seen.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t no_trace[16];

void kt_seen_clear(kt_seen *seen)
{
    free(seen->trace);
    kt_slots_clear(&seen->slots);
    *seen = (kt_seen){.n = 0};
}

typedef struct {
    const kt_seen *seen;
    const uint8_t *id;
} looked_for;

static bool same_trace(const void *context, uint32_t item)
{
    const looked_for *l = context;
    return memcmp(l->seen->trace[item].id, l->id, 16) == 0;
}

/* The trace's place; a new one is zeroed. */
static kt_status find(size_t *index, bool *is_new, kt_seen *seen, const uint8_t id[16], kt_error *err)
{
    kt_status status = KT_OK;
    looked_for l = {seen, id};
    uint32_t hash = kt_hash_bytes(id, 16);
    KT_TRY(kt_slots_reserve(&seen->slots, err));
    kt_slot *slot = kt_slots_seek(&seen->slots, hash, same_trace, &l);
    *is_new = slot->item == 0;
    if (*is_new) {
        if (seen->n == seen->capacity) {
            size_t capacity = 2 * seen->capacity + 64;
            KT_TRY(kt_grow(&seen->trace, capacity, sizeof *seen->trace, err));
            seen->capacity = capacity;
        }
        seen->trace[seen->n] = (kt_seen_trace){.mark = 0};
        memcpy(seen->trace[seen->n].id, id, 16);
        kt_slots_take(&seen->slots, slot, hash, (uint32_t)seen->n++);
    }
    *index = slot->item - 1;
out:
    return status;
}

size_t kt_seen_place(const kt_seen *seen, const uint8_t id[16])
{
    looked_for l = {seen, id};
    return kt_slots_seek(&seen->slots, kt_hash_bytes(id, 16), same_trace, &l)->item - 1;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* One span without a parent in the trace, and this one no call or work of another: a whole trace, also where
 * the root's parent is a client that is not traced. */
static kt_status has_one_root(bool *one, const kt_span *span, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t *id = NULL;
    size_t roots = 0;
    KT_TRY(kt_alloc(&id, n, sizeof *id, err));
    for (size_t i = 0; i < n; i++)
        id[i] = span[i].id;
    qsort(id, n, sizeof *id, by_number);
    *one = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t parent = span[i].parent;
        if (parent != 0 && bsearch(&parent, id, n, sizeof *id, by_number))
            continue;
        roots++;
        *one = *one && (parent == 0 || span[i].kind == KT_SPAN_SERVER || span[i].kind == KT_SPAN_CONSUMER);
    }
    *one = *one && roots == 1;
out:
    free(id);
    return status;
}

static uint64_t mark_of(const kt_span *span, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = span[i].id ^ ((uint64_t)span[i].start * 0x9e3779b97f4a7c15u) ^ span[i].kind;
        v = (v ^ (v >> 31)) * 0xbf58476d1ce4e5b9u;
        sum += v ^ (v >> 29);
    }
    return sum;
}

/* *known: the very same spans were there before. */
static kt_status take_trace(bool *known, kt_seen *seen, const kt_span *span, size_t n, bool final,
                            kt_error *err)
{
    kt_status status = KT_OK;
    size_t index;
    bool is_new, whole;
    uint64_t mark = mark_of(span, n);
    KT_TRY(find(&index, &is_new, seen, span->trace, err));
    KT_TRY(has_one_root(&whole, span, n, err));
    kt_seen_trace *trace = &seen->trace[index];
    *known = !is_new && trace->mark == mark && trace->spans == n;
    if (memcmp(span->trace, no_trace, 16) == 0)
        whole = true; /* spans that belong to no trace */
    trace->doubtful = !whole || (!final && !is_new && (trace->doubtful || !*known));
    if (is_new || n >= trace->spans) {
        trace->mark = mark;
        trace->spans = (uint32_t)n;
    }
out:
    return status;
}

kt_status kt_seen_take(kt_seen *seen, kt_spans *spans, bool final, kt_error *err)
{
    kt_status status = KT_OK;
    size_t kept = 0;
    for (size_t i = 0, n; i < spans->n; i += n) {
        bool known;
        for (n = 1; i + n < spans->n && memcmp(spans->span[i].trace, spans->span[i + n].trace, 16) == 0;)
            n++;
        KT_TRY(take_trace(&known, seen, spans->span + i, n, final, err));
        if (!known) {
            memmove(spans->span + kept, spans->span + i, n * sizeof *spans->span);
            kept += n;
        }
    }
    spans->n = kept;
    KT_TRY(kt_spans_finish(spans, err)); /* tags and texts of those that went go too */
out:
    return status;
}

static int by_id(const void *a, const void *b, void *context)
{
    const kt_seen *seen = context;
    return memcmp(seen->trace[*(const uint32_t *)a].id, seen->trace[*(const uint32_t *)b].id, 16);
}

kt_status kt_seen_doubtful(uint32_t **trace, size_t *n, const kt_seen *seen, kt_error *err)
{
    kt_status status = KT_OK;
    *n = 0;
    KT_TRY(kt_alloc(trace, seen->n, sizeof **trace, err));
    for (size_t i = 0; i < seen->n; i++)
        if (seen->trace[i].doubtful)
            (*trace)[(*n)++] = (uint32_t)i;
    qsort_r(*trace, *n, sizeof **trace, by_id, (void *)seen);
out:
    return status;
}
