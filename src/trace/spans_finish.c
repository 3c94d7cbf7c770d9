#include "kt/spans.h"

#include "spans_private.h"
#include <stdlib.h>
#include <string.h>

/* What spans are sorted by: big-endian ids as numbers. */
typedef struct {
    uint64_t trace[2], id;
    int64_t start; /* us, rounded down */
    uint32_t span;
    uint8_t kind, coarse; /* coarse: its times are whole microseconds */
} sort_key;

static sort_key key_of(const kt_span *s, size_t i)
{
    sort_key key = {.id = s->id, .span = (uint32_t)i, .kind = s->kind};
    uint64_t half[2];
    memcpy(half, s->trace, sizeof half);
    key.trace[0] = __builtin_bswap64(half[0]);
    key.trace[1] = __builtin_bswap64(half[1]);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    memcpy(key.trace, half, sizeof half);
#endif
    key.start = s->start / 1000 - (s->start % 1000 < 0);
    key.coarse = s->start % 1000 == 0 && s->duration % 1000 == 0;
    return key;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int order_identity(const sort_key *a, const sort_key *b)
{
    int order = ORDER(a->trace[0], b->trace[0]);
    if (order == 0)
        order = ORDER(a->trace[1], b->trace[1]);
    if (order == 0)
        order = ORDER(a->start, b->start);
    if (order == 0)
        order = ORDER(a->id, b->id);
    return order != 0 ? order : ORDER(a->kind, b->kind);
}

static int by_identity(const void *a, const void *b)
{
    return order_identity(a, b);
}

static int order_text(const kt_spans *spans, uint32_t a, uint32_t b)
{
    return a == b ? 0 : strcmp(spans->text[a], spans->text[b]);
}

/* Tags come in any order: sums over them do not depend on it. */
static uint64_t sum_tags(const kt_spans *spans, uint32_t first, uint32_t n)
{
    uint64_t sum = n;
    for (const kt_span_tag *tag = spans->tag + first; n > 0; n--, tag++) {
        const char *key = spans->text[tag->key], *value = spans->text[tag->value];
        uint64_t hash = kt_hash_bytes(key, strlen(key));
        sum += (hash << 32 | kt_hash_bytes(value, strlen(value))) * 0x9e3779b97f4a7c15u;
    }
    return sum;
}

/* Which of two that are one span is kept: < 0 for a. By content alone, never by where they stand. */
static int order_worth(const kt_spans *spans, const sort_key *ka, const sort_key *kb)
{
    const kt_span *a = &spans->span[ka->span], *b = &spans->span[kb->span];
    const kt_span_process *pa = &spans->process[a->process], *pb = &spans->process[b->process];
    int order = ORDER(ka->coarse, kb->coarse);
    if (order == 0)
        order = ORDER(b->n_tags, a->n_tags);
    if (order == 0)
        order = ORDER(b->duration, a->duration);
    if (order == 0)
        order = ORDER(b->start, a->start);
    if (order == 0)
        order = ORDER(b->parent, a->parent);
    if (order == 0)
        order = ORDER(b->flags, a->flags);
    if (order == 0)
        order = order_text(spans, a->operation, b->operation);
    if (order == 0)
        order = order_text(spans, pa->service, pb->service);
    if (order == 0 && a->process != b->process)
        order = ORDER(sum_tags(spans, pa->first_tag, pa->n_tags), sum_tags(spans, pb->first_tag, pb->n_tags));
    if (order == 0)
        order = ORDER(sum_tags(spans, a->first_tag, a->n_tags), sum_tags(spans, b->first_tag, b->n_tags));
    return order;
}

/* Of those that are one span the worthiest stays; returns how many stay. */
static size_t drop_duplicates(sort_key *key, size_t n, const kt_spans *spans)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || order_identity(&key[kept - 1], &key[i]) != 0)
            key[kept++] = key[i];
        else if (order_worth(spans, &key[i], &key[kept - 1]) < 0)
            key[kept - 1] = key[i];
    }
    return kept;
}

/* Within one microsecond of one trace the order is by nanoseconds. */
static int by_start(const void *a, const void *b, void *context)
{
    const kt_spans *spans = context;
    const sort_key *ka = a, *kb = b;
    int order = ORDER(spans->span[ka->span].start, spans->span[kb->span].start);
    return order != 0 ? order : order_identity(ka, kb);
}

static void sort_within(sort_key *key, size_t n, kt_spans *spans)
{
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && key[next].start == key[first].start &&
                               memcmp(key[next].trace, key[first].trace, sizeof key->trace) == 0;)
            next++;
        if (next - first > 1)
            qsort_r(key + first, next - first, sizeof *key, by_start, spans);
    }
}

kt_status kt_spans_finish(kt_spans *spans, kt_error *err)
{
    kt_status status = KT_OK;
    sort_key *key = NULL;
    kt_spans sorted = {.n = 0};
    spans_translation t = {.to = NULL};
    bool ordered = true;
    KT_TRY(kt_grow(&key, spans->n, sizeof *key, err));
    for (size_t i = 0; i < spans->n; i++) {
        key[i] = key_of(&spans->span[i], i);
        ordered = ordered && (i == 0 || order_identity(&key[i - 1], &key[i]) <= 0);
    }
    if (!ordered)
        qsort(key, spans->n, sizeof *key, by_identity);
    size_t kept = drop_duplicates(key, spans->n, spans);
    sort_within(key, kept, spans);
    KT_TRY(kt_spans_init(&sorted, err));
    KT_TRY(spans_translation_init(&t, &sorted, spans, err));
    KT_TRY(spans_reserve(&sorted, kept, spans->n_tags, err));
    for (size_t i = 0; i < kept; i++)
        KT_TRY(spans_translate(&t, &spans->span[key[i].span], err));
    sorted.duplicates = spans->duplicates + spans->n - kept;
    kt_spans_clear(spans);
    *spans = sorted;
    sorted = (kt_spans){.n = 0};
out:
    spans_translation_clear(&t);
    kt_spans_clear(&sorted);
    free(key);
    return status;
}
