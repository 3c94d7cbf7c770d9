/* Jaeger's own JSON: traces with spans, and processes that spans name. Times in whole microseconds. */
#include "jaeger_private.h"

#include "ids.h"
#include <string.h>

/* {"key": .., "value": ..}, as often as there are tags: walked rather than looked up. */
static kt_status read_tags(jaeger *j, kt_span *span, const json_t *tags, kt_error *err)
{
    kt_status status = KT_OK;
    size_t i;
    json_t *tag;
    j->n_tags = 0;
    json_array_foreach(tags, i, tag)
    {
        const json_t *value = NULL;
        const char *name = NULL;
        for (void *at = json_object_iter(tag); at; at = json_object_iter_next(tag, at)) {
            const char *field = json_object_iter_key(at);
            if (strcmp(field, "key") == 0)
                name = json_string_value(json_object_iter_value(at));
            else if (strcmp(field, "value") == 0)
                value = json_object_iter_value(at);
        }
        if (name && value)
            KT_TRY(jaeger_tag(j, span, name, strlen(name), value, err));
    }
out:
    return status;
}

static kt_status read_process(uint32_t *process, jaeger *j, const json_t *json, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t service;
    size_t n;
    const char *name = jaeger_text(&n, json_object_get(json, "serviceName"));
    KT_TRY(kt_spans_text(&service, j->spans, name, n, err));
    KT_TRY(read_tags(j, NULL, json_object_get(json, "tags"), err));
    KT_TRY(kt_spans_process(process, j->spans, service, j->tags, j->n_tags, err));
out:
    return status;
}

typedef struct {
    const jaeger *j;
    const json_t *json;
} wanted;

static bool same_json(const void *context, uint32_t item)
{
    const wanted *w = context;
    return w->j->process[item].json == w->json;
}

/* A process of the trace, read when it is first named. */
static kt_status find_process(uint32_t *process, jaeger *j, const json_t *json, kt_error *err)
{
    kt_status status = KT_OK;
    const wanted w = {j, json};
    uint32_t hash = kt_hash_bytes(&json, sizeof json);
    KT_TRY(kt_slots_reserve(&j->seen, err));
    kt_slot *slot = kt_slots_seek(&j->seen, hash, same_json, &w);
    if (slot->item != 0) {
        *process = j->process[slot->item - 1].process;
        goto out;
    }
    if (j->n_processes == j->processes_capacity) {
        KT_TRY(kt_grow(&j->process, 2 * j->processes_capacity + 16, sizeof *j->process, err));
        j->processes_capacity = 2 * j->processes_capacity + 16;
    }
    KT_TRY(read_process(process, j, json, err));
    j->process[j->n_processes].json = json;
    j->process[j->n_processes].process = *process;
    kt_slots_take(&j->seen, slot, hash, (uint32_t)j->n_processes++);
out:
    return status;
}

static bool same_trace(const kt_span *span, const json_t *reference)
{
    size_t n;
    uint8_t id[16];
    const char *text = jaeger_text(&n, json_object_get(reference, "traceID"));
    kt_id_of_trace(id, text, n);
    return n == 0 || memcmp(id, span->trace, sizeof id) == 0;
}

/* The first CHILD_OF in the trace, else the first FOLLOWS_FROM, else the field of old files. */
static void set_parent(kt_span *span, const json_t *json)
{
    const json_t *references = json_object_get(json, "references"), *child = NULL, *follows = NULL;
    size_t i;
    json_t *reference;
    json_array_foreach(references, i, reference)
    {
        size_t n;
        const char *type = jaeger_text(&n, json_object_get(reference, "refType"));
        if (!same_trace(span, reference))
            continue;
        if (!child && strcmp(type, "CHILD_OF") == 0)
            child = reference;
        if (!follows && strcmp(type, "FOLLOWS_FROM") == 0)
            follows = reference;
    }
    if (child || follows)
        span->parent = jaeger_span_id(json_object_get(child ? child : follows, "spanID"));
    else
        span->parent = jaeger_span_id(json_object_get(json, "parentSpanID"));
    if (follows && !child)
        span->flags |= KT_SPAN_FOLLOWS;
}

static kt_status set_times(jaeger *j, kt_span *span, const json_t *json, kt_error *err)
{
    static const uint64_t longest = INT64_MAX / 1000;
    const json_t *start = json_object_get(json, "startTime"), *duration = json_object_get(json, "duration");
    uint64_t us = 0;
    bool negative = false;
    if (start && !json_is_null(start) && !jaeger_number(&us, &negative, start))
        return jaeger_refuse(j, err, "a span's startTime is no number of microseconds");
    span->start = (int64_t)((negative ? -us : us) * 1000); /* wraps as the sender's did */
    us = 0;
    negative = false;
    if (duration && !json_is_null(duration) && !jaeger_number(&us, &negative, duration))
        return jaeger_refuse(j, err, "a span's duration is no number of microseconds");
    span->duration = negative || us > longest ? -1 : (int64_t)us * 1000;
    return KT_OK;
}

kt_status jaeger_v1_span(jaeger *j, const json_t *json, const json_t *processes, const json_t *trace_id,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_span span = {.kind = KT_SPAN_INTERNAL, .flags = KT_SPAN_NO_KIND};
    size_t n;
    j->form = KT_JAEGER_V1;
    if (!json_is_object(json))
        return jaeger_refuse(j, err, "a span is no object");
    const json_t *own = json_object_get(json, "traceID"), *process = json_object_get(json, "process");
    const char *text = jaeger_text(&n, json_is_string(own) ? own : trace_id);
    kt_id_of_trace(span.trace, text, n);
    span.id = jaeger_span_id(json_object_get(json, "spanID"));
    set_parent(&span, json);
    KT_TRY(set_times(j, &span, json, err));
    if (json_is_object(process))
        KT_TRY(read_process(&span.process, j, process, err));
    else {
        text = jaeger_text(&n, json_object_get(json, "processID"));
        KT_TRY(find_process(&span.process, j, json_object_get(processes, text), err));
    }
    text = jaeger_text(&n, json_object_get(json, "operationName"));
    KT_TRY(kt_spans_text(&span.operation, j->spans, text, n, err));
    KT_TRY(read_tags(j, &span, json_object_get(json, "tags"), err));
    KT_TRY(kt_spans_add(j->spans, &span, j->tags, j->n_tags, err));
out:
    return status;
}

kt_status jaeger_v1_trace(jaeger *j, const json_t *trace, kt_error *err)
{
    kt_status status = KT_OK;
    const json_t *processes = json_object_get(trace, "processes"), *id = json_object_get(trace, "traceID"),
                 *spans = json_object_get(trace, "spans");
    size_t i;
    json_t *span;
    j->form = KT_JAEGER_V1;
    j->n_processes = 0;
    kt_slots_clear(&j->seen);
    if (spans && !json_is_array(spans) && !json_is_null(spans))
        return jaeger_refuse(j, err, "a trace's spans are no list");
    json_array_foreach(spans, i, span) KT_TRY(jaeger_v1_span(j, span, processes, id, err));
out:
    return status;
}
