/* OTLP in JSON: resources with scopes with spans. Times in nanoseconds, as texts; what is empty is left out.
 */
#include "jaeger_private.h"

#include "ids.h"
#include "tracestate.h"
#include <string.h>

/* {"stringValue": ..}, {"intValue": ".."}, and so on: the one value that is in it. */
static const json_t *any_value(const json_t *value)
{
    void *at = json_object_iter((json_t *)value);
    return at ? json_object_iter_value(at) : NULL;
}

static kt_status read_attributes(jaeger *j, kt_span *span, const json_t *attributes, kt_error *err)
{
    kt_status status = KT_OK;
    size_t i;
    json_t *attribute;
    j->n_tags = 0;
    json_array_foreach(attributes, i, attribute)
    {
        const json_t *value = NULL;
        const char *name = NULL;
        for (void *at = json_object_iter(attribute); at; at = json_object_iter_next(attribute, at)) {
            const char *field = json_object_iter_key(at);
            if (strcmp(field, "key") == 0)
                name = json_string_value(json_object_iter_value(at));
            else if (strcmp(field, "value") == 0)
                value = any_value(json_object_iter_value(at));
        }
        if (name && value)
            KT_TRY(jaeger_tag(j, span, name, strlen(name), value, err));
    }
out:
    return status;
}

static kt_status read_resource(uint32_t *process, jaeger *j, const json_t *resource, kt_error *err)
{
    kt_status status = KT_OK;
    const json_t *attributes = json_object_get(resource, "attributes");
    const char *name = "";
    uint32_t service;
    size_t i, n = 0;
    json_t *attribute;
    json_array_foreach(attributes, i, attribute)
    {
        const char *key = json_string_value(json_object_get(attribute, "key"));
        if (key && strcmp(key, "service.name") == 0)
            name = jaeger_text(&n, any_value(json_object_get(attribute, "value")));
    }
    KT_TRY(kt_spans_text(&service, j->spans, name, n, err));
    KT_TRY(read_attributes(j, NULL, attributes, err));
    KT_TRY(kt_spans_process(process, j->spans, service, j->tags, j->n_tags, err));
out:
    return status;
}

/* A number, or an enumerator's name: `names` in order, NULL-terminated. -1 for neither. */
static int enumerator(const json_t *value, const char *const *names)
{
    if (json_is_number(value)) {
        double number = json_number_value(value);
        return number >= 0 && number < 100 ? (int)number : -1;
    }
    for (int i = 0; json_is_string(value) && names[i]; i++)
        if (strcmp(json_string_value(value), names[i]) == 0)
            return i;
    return -1;
}

static void set_kind(kt_span *span, const json_t *json)
{
    static const char *const names[] = {"SPAN_KIND_UNSPECIFIED",
                                        "SPAN_KIND_INTERNAL",
                                        "SPAN_KIND_SERVER",
                                        "SPAN_KIND_CLIENT",
                                        "SPAN_KIND_PRODUCER",
                                        "SPAN_KIND_CONSUMER",
                                        NULL};
    int kind = enumerator(json_object_get(json, "kind"), names) - 1;
    if (kind < KT_SPAN_INTERNAL || kind > KT_SPAN_CONSUMER)
        return;
    span->kind = (uint8_t)kind;
    span->flags &= (uint8_t)~KT_SPAN_NO_KIND;
}

static void set_status(kt_span *span, const json_t *json)
{
    static const char *const names[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR", NULL};
    if (enumerator(json_object_get(json_object_get(json, "status"), "code"), names) == 2)
        span->flags |= KT_SPAN_FAILED;
}

static kt_status get_time(uint64_t *ns, jaeger *j, const json_t *json, const char *key, kt_error *err)
{
    const json_t *value = json_object_get(json, key);
    bool negative = false;
    *ns = 0;
    if (value && !json_is_null(value) && (!jaeger_number(ns, &negative, value) || negative))
        return jaeger_refuse(j, err, "a span's %s is no number of nanoseconds", key);
    return KT_OK;
}

static kt_status set_times(jaeger *j, kt_span *span, const json_t *json, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t start, end;
    KT_TRY(get_time(&start, j, json, "startTimeUnixNano", err));
    KT_TRY(get_time(&end, j, json, "endTimeUnixNano", err));
    span->start = (int64_t)start; /* wraps, as in the v1 form */
    span->duration = end < start || end - start > INT64_MAX ? -1 : (int64_t)(end - start);
out:
    return status;
}

static kt_status read_span(jaeger *j, const json_t *json, uint32_t process, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span span = {.process = process, .kind = KT_SPAN_INTERNAL, .flags = KT_SPAN_NO_KIND};
    size_t n;
    if (!json_is_object(json))
        return jaeger_refuse(j, err, "a span is no object");
    const char *text = jaeger_text(&n, json_object_get(json, "traceId"));
    kt_id_of_trace(span.trace, text, n);
    span.id = jaeger_span_id(json_object_get(json, "spanId"));
    span.parent = jaeger_span_id(json_object_get(json, "parentSpanId"));
    text = jaeger_text(&n, json_object_get(json, "name"));
    KT_TRY(kt_spans_text(&span.operation, j->spans, text, n, err));
    KT_TRY(set_times(j, &span, json, err));
    KT_TRY(read_attributes(j, &span, json_object_get(json, "attributes"), err));
    const json_t *state = json_object_get(json, "traceState");
    if (state)
        KT_TRY(jaeger_tag(j, &span, KT_TRACESTATE_TAG, strlen(KT_TRACESTATE_TAG), state, err));
    set_kind(&span, json);
    set_status(&span, json);
    KT_TRY(kt_spans_add(j->spans, &span, j->tags, j->n_tags, err));
out:
    return status;
}

static kt_status read_scopes(jaeger *j, const json_t *scopes, uint32_t process, kt_error *err)
{
    kt_status status = KT_OK;
    size_t i, k;
    json_t *scope, *span;
    json_array_foreach(scopes, i, scope) json_array_foreach(json_object_get(scope, "spans"), k, span)
        KT_TRY(read_span(j, span, process, err));
out:
    return status;
}

kt_status jaeger_v3_resource(jaeger *j, const json_t *resource_spans, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t process;
    j->form = KT_JAEGER_V3;
    KT_TRY(read_resource(&process, j, json_object_get(resource_spans, "resource"), err));
    KT_TRY(read_scopes(j, json_object_get(resource_spans, "scopeSpans"), process, err));
    /* its name before OTLP 0.15 */
    KT_TRY(read_scopes(j, json_object_get(resource_spans, "instrumentationLibrarySpans"), process, err));
out:
    return status;
}
