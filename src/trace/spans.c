#include "kt/spans.h"

#include "spans_private.h"
#include "tracestate.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const kt_span_kind_text[] = {
    [KT_SPAN_INTERNAL] = "internal", [KT_SPAN_SERVER] = "server",     [KT_SPAN_CLIENT] = "client",
    [KT_SPAN_PRODUCER] = "producer", [KT_SPAN_CONSUMER] = "consumer",
};

const char *const kt_span_tags[] = {
    /* which service and pod */
    "istio.canonical_service", "istio.canonical_revision", "istio.mesh_id", "k8s.pod.name",
    "k8s.namespace.name", "service.namespace", "service.instance.id", "host.name", "hostname", "ip",
    "node_id",
    /* who is called that sends no spans */
    "peer.service", "db.system", "db.system.name", "db.name", "db.namespace", "messaging.system",
    "net.peer.name", "server.address", "rpc.service", "http.host", "upstream_cluster",
    "upstream_cluster.name",
    /* how it ended */
    "http.status_code", "http.response.status_code", "error", "otel.status_code", "status.code",
    "rpc.grpc.status_code", "grpc.status_code", "grpc.status", "response_flags",
    /* which share of requests is traced */
    "sampler.type", "sampler.param", KT_TRACESTATE_TAG, NULL};

kt_status kt_spans_init(kt_spans *spans, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t empty;
    *spans = (kt_spans){.n = 0};
    KT_TRY(kt_alloc(&spans->tables, 1, sizeof *spans->tables, err));
    KT_TRY(kt_spans_text(&empty, spans, "", 0, err));
out:
    if (status != KT_OK)
        kt_spans_clear(spans);
    return status;
}

void kt_spans_clear(kt_spans *spans)
{
    if (spans->tables) {
        kt_words_clear(&spans->tables->words);
        kt_slots_clear(&spans->tables->processes);
    }
    free(spans->tables);
    free(spans->span);
    free(spans->tag);
    free(spans->process);
    *spans = (kt_spans){.n = 0};
}

/* ---- growth ---- */

static kt_status reserve(void *array, size_t *capacity, size_t used, size_t more, size_t size,
                         const char *what, kt_error *err)
{
    if (more <= *capacity - used)
        return KT_OK;
    if (more > UINT32_MAX - used) /* they are numbered with 32 bits */
        return kt_fail(err, KT_INPUT, "more than %u %s in one set of spans", UINT32_MAX, what);
    size_t wanted = used + more > 2 * *capacity ? used + more : 2 * *capacity;
    kt_status status = kt_grow(array, wanted, size, err);
    if (status == KT_OK)
        *capacity = wanted;
    return status;
}

kt_status spans_reserve(kt_spans *spans, size_t n_spans, size_t n_tags, kt_error *err)
{
    kt_status status = KT_OK;
    struct kt_spans_tables *t = spans->tables;
    KT_TRY(reserve(&spans->span, &t->span_capacity, spans->n, n_spans, sizeof *spans->span, "spans", err));
    KT_TRY(reserve(&spans->tag, &t->tag_capacity, spans->n_tags, n_tags, sizeof *spans->tag, "tags", err));
out:
    return status;
}

kt_status kt_spans_text(uint32_t *index, kt_spans *spans, const char *text, size_t n, kt_error *err)
{
    kt_words *words = &spans->tables->words;
    kt_status status = kt_words_put(index, words, text, n, err);
    spans->text = words->text;
    spans->n_texts = words->n;
    return status;
}

/* ---- tags ---- */

static bool after(const kt_spans *spans, kt_span_tag a, kt_span_tag b)
{
    if (a.key != b.key)
        return strcmp(spans->text[a.key], spans->text[b.key]) > 0;
    return a.value != b.value && strcmp(spans->text[a.value], spans->text[b.value]) > 0;
}

/* By the texts of key and value, each once; returns how many are left. There are a few: insertion. */
static size_t sort_tags(const kt_spans *spans, kt_span_tag *tags, size_t n)
{
    size_t kept = 0;
    for (size_t i = 1; i < n; i++) {
        kt_span_tag moved = tags[i];
        size_t k = i;
        for (; k > 0 && after(spans, tags[k - 1], moved); k--)
            tags[k] = tags[k - 1];
        tags[k] = moved;
    }
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || memcmp(&tags[i], &tags[kept - 1], sizeof *tags) != 0)
            tags[kept++] = tags[i];
    return kept;
}

kt_status kt_spans_add(kt_spans *spans, const kt_span *span, const kt_span_tag *tags, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(spans_reserve(spans, 1, n, err));
    kt_span *to = &spans->span[spans->n++];
    kt_span_tag *own = spans->tag + spans->n_tags;
    if (n > 0)
        memcpy(own, tags, n * sizeof *tags);
    *to = *span;
    if (to->duration < 0 || to->start > INT64_MAX - to->duration) {
        to->duration = 0;
        to->flags |= KT_SPAN_WRAPPED;
    }
    to->first_tag = (uint32_t)spans->n_tags;
    to->n_tags = (uint32_t)sort_tags(spans, own, n);
    spans->n_tags += to->n_tags;
out:
    return status;
}

/* ---- processes ---- */

typedef struct {
    const kt_spans *spans;
    uint32_t service;
    const kt_span_tag *tags;
    size_t n;
} wanted_process;

static bool same_process(const void *context, uint32_t item)
{
    const wanted_process *w = context;
    const kt_span_process *there = &w->spans->process[item];
    return there->service == w->service && there->n_tags == w->n &&
           (w->n == 0 || memcmp(w->spans->tag + there->first_tag, w->tags, w->n * sizeof *w->tags) == 0);
}

kt_status kt_spans_process(uint32_t *index, kt_spans *spans, uint32_t service, kt_span_tag *tags, size_t n,
                           kt_error *err)
{
    kt_status status = KT_OK;
    kt_slots *slots = &spans->tables->processes;
    n = sort_tags(spans, tags, n);
    const wanted_process w = {spans, service, tags, n};
    uint32_t hash = kt_hash_bytes(tags, n * sizeof *tags) ^ kt_hash_bytes(&service, sizeof service);
    KT_TRY(kt_slots_reserve(slots, err));
    kt_slot *slot = kt_slots_seek(slots, hash, same_process, &w);
    if (slot->item != 0) {
        *index = slot->item - 1;
        goto out;
    }
    KT_TRY(reserve(&spans->process, &spans->tables->process_capacity, spans->n_processes, 1,
                   sizeof *spans->process, "processes", err));
    KT_TRY(spans_reserve(spans, 0, n, err));
    spans->process[spans->n_processes] = (kt_span_process){service, (uint32_t)spans->n_tags, (uint32_t)n};
    if (n > 0)
        memcpy(spans->tag + spans->n_tags, tags, n * sizeof *tags);
    spans->n_tags += n;
    *index = (uint32_t)spans->n_processes++;
    kt_slots_take(slots, slot, hash, *index);
out:
    return status;
}

/* ---- from one set to another ---- */

kt_status spans_translation_init(spans_translation *t, kt_spans *to, const kt_spans *from, kt_error *err)
{
    kt_status status = KT_OK;
    *t = (spans_translation){.to = to, .from = from};
    KT_TRY(kt_alloc(&t->text, from->n_texts, sizeof *t->text, err));
    KT_TRY(kt_alloc(&t->process, from->n_processes, sizeof *t->process, err));
out:
    return status;
}

void spans_translation_clear(spans_translation *t)
{
    free(t->text);
    free(t->process);
    free(t->tags);
}

kt_status spans_translate_text(uint32_t *index, spans_translation *t, uint32_t text, kt_error *err)
{
    kt_status status = KT_OK;
    if (t->text[text] == 0) {
        const char *bytes = t->from->text[text];
        KT_TRY(kt_spans_text(&t->text[text], t->to, bytes, strlen(bytes), err));
        t->text[text]++;
    }
    *index = t->text[text] - 1;
out:
    return status;
}

kt_status spans_translate_tags(spans_translation *t, uint32_t first, uint32_t n, kt_error *err)
{
    kt_status status = KT_OK;
    if (n > t->tags_capacity) {
        KT_TRY(kt_grow(&t->tags, n, sizeof *t->tags, err));
        t->tags_capacity = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        KT_TRY(spans_translate_text(&t->tags[i].key, t, t->from->tag[first + i].key, err));
        KT_TRY(spans_translate_text(&t->tags[i].value, t, t->from->tag[first + i].value, err));
    }
out:
    return status;
}

kt_status spans_translate_process(uint32_t *index, spans_translation *t, uint32_t process, kt_error *err)
{
    kt_status status = KT_OK;
    if (t->process[process] == 0) {
        const kt_span_process *from = &t->from->process[process];
        uint32_t service;
        KT_TRY(spans_translate_text(&service, t, from->service, err));
        KT_TRY(spans_translate_tags(t, from->first_tag, from->n_tags, err));
        KT_TRY(kt_spans_process(&t->process[process], t->to, service, t->tags, from->n_tags, err));
        t->process[process]++;
    }
    *index = t->process[process] - 1;
out:
    return status;
}

kt_status spans_translate(spans_translation *t, const kt_span *span, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span copy = *span;
    KT_TRY(spans_translate_process(&copy.process, t, span->process, err));
    KT_TRY(spans_translate_text(&copy.operation, t, span->operation, err));
    KT_TRY(spans_translate_tags(t, span->first_tag, span->n_tags, err));
    KT_TRY(kt_spans_add(t->to, &copy, t->tags, span->n_tags, err));
out:
    return status;
}

kt_status kt_spans_append(kt_spans *to, const kt_spans *from, kt_error *err)
{
    kt_status status = KT_OK;
    spans_translation t = {.to = NULL};
    assert(to != from);
    KT_TRY(spans_translation_init(&t, to, from, err));
    KT_TRY(spans_reserve(to, from->n, from->n_tags, err));
    for (size_t i = 0; i < from->n; i++)
        KT_TRY(spans_translate(&t, &from->span[i], err));
    to->duplicates += from->duplicates;
out:
    spans_translation_clear(&t);
    return status;
}

/* ---- looking up ---- */

static const char *tag_value(const kt_spans *spans, uint32_t first, uint32_t n, uint32_t key)
{
    for (const kt_span_tag *tag = spans->tag + first; n > 0; n--, tag++)
        if (tag->key == key)
            return spans->text[tag->value];
    return NULL;
}

const char *kt_process_tag_value(const kt_spans *spans, const kt_span_process *process, uint32_t key)
{
    return tag_value(spans, process->first_tag, process->n_tags, key);
}

const char *kt_span_tag_value(const kt_spans *spans, const kt_span *span, uint32_t key)
{
    const char *value = tag_value(spans, span->first_tag, span->n_tags, key);
    return value ? value : kt_process_tag_value(spans, &spans->process[span->process], key);
}

uint32_t kt_spans_find_text(const kt_spans *spans, const char *text)
{
    uint32_t index = kt_words_find(&spans->tables->words, text, strlen(text));
    return index == UINT32_MAX ? 0 : index;
}
