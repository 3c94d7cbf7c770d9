/* Documents: what is in them, told by their keys. */
#include "kt/jaeger.h"

#include "jaeger_private.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is no trace ---- */

/* Keys by which other things are known. */
static const struct {
    const char *key, *what;
} others[] = {
    {"batches", "it looks like a trace of Grafana Tempo's own API, not of Jaeger's"},
    {"traces", "it looks like a search reply of Grafana Tempo's own API, not of Jaeger's"},
    {"services", "it is a list of services, not of traces"},
    {"operations", "it is a list of operations, not of traces"},
    {"summaries", "it holds summaries of traces, not their spans"},
    {"processMap", "it holds spans in Jaeger's internal form, not in that of its API"},
};

/* An object that is no trace. */
static kt_status refuse_object(jaeger *j, const json_t *json, kt_error *err)
{
    j->form = KT_JAEGER_OTHER;
    char keys[120] = "";
    size_t used = 0;
    const char *key;
    json_t *value;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (json_object_get(json, others[i].key))
            return jaeger_refuse(j, err, "%s", others[i].what);
    json_object_foreach((json_t *)json, key, value)
    {
        int n = snprintf(keys + used, sizeof keys - used, "%s%.30s", used > 0 ? ", " : "", key);
        if (n < 0 || (size_t)n >= sizeof keys - used)
            break;
        used += (size_t)n;
    }
    return jaeger_refuse(j, err, "no trace in this object, whose keys are %s", keys);
}

/* {"error": {"httpCode": 400, "message": ..}} or {"errors": [{"code": 404, "msg": ..}]}. */
static kt_status check_errors(const jaeger *j, const json_t *rest, bool spans, kt_error *err)
{
    static const char *const messages[] = {"message", "msg"}, *const codes[] = {"httpCode", "code"};
    const json_t *error = json_object_get(rest, "error"),
                 *first = json_array_get(json_object_get(rest, "errors"), 0);
    const char *text = NULL;
    json_int_t code = 0;
    /* of traces that were asked for by id some may be missing: those that are there count */
    if (!error || json_is_null(error))
        error = spans ? NULL : first;
    if (!error)
        return KT_OK;
    for (int i = 0; i < 2; i++) {
        const json_t *number = json_object_get(error, codes[i]);
        text = text ? text : json_string_value(json_object_get(error, messages[i]));
        code = code ? code : json_integer_value(number);
    }
    if (json_is_string(error))
        text = json_string_value(error);
    return jaeger_refuse(j, err, "the server answered with an error%s%.0lld: %.300s", code ? " " : "",
                         (long long)code, text ? text : "no message");
}

/* ---- what is one ---- */

static kt_status take(jaeger *j, const json_t *json, int depth, kt_error *err);

static kt_status take_all(jaeger *j, const json_t *list, int depth, kt_error *err)
{
    kt_status status = KT_OK;
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) KT_TRY(take(j, item, depth, err));
out:
    return status;
}

/* A trace, a span, a resource's spans, or what holds such. */
static kt_status take(jaeger *j, const json_t *json, int depth, kt_error *err)
{
    static const char *const holders[] = {"data", "result", "resourceSpans"};
    enum { DEEPEST = 4 };
    if (json_is_array(json) && depth < DEEPEST)
        return take_all(j, json, depth + 1, err);
    if (!json_is_object(json)) {
        j->form = KT_JAEGER_OTHER;
        return jaeger_refuse(j, err, "no trace: a list of other things");
    }
    if (json_object_get(json, "scopeSpans") || json_object_get(json, "instrumentationLibrarySpans") ||
        json_object_get(json, "resource"))
        return jaeger_v3_resource(j, json, err);
    if (json_object_get(json, "spans") && !json_object_get(json, "processMap"))
        return jaeger_v1_trace(j, json, err);
    if (json_object_get(json, "spanID") && json_object_get(json, "process"))
        return jaeger_v1_span(j, json, NULL, NULL, err);
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        const json_t *held = json_object_get(json, holders[i]);
        if (held && depth < DEEPEST)
            return take(j, held, depth + 1, err);
    }
    return json_object_size(json) == 0 ? KT_OK : refuse_object(j, json, err);
}

static kt_status take_array(jaeger *j, kt_error *err)
{
    kt_status status = KT_OK;
    json_t *value = NULL;
    KT_TRY(jaeger_expect(j, '[', err));
    bool more = jaeger_peek(j) != ']';
    if (!more)
        KT_TRY(jaeger_expect(j, ']', err));
    while (more) {
        KT_TRY(jaeger_value(&value, j, err));
        KT_TRY(take(j, value, 0, err));
        json_decref(value);
        value = NULL;
        KT_TRY(jaeger_more(&more, j, ']', err));
    }
out:
    json_decref(value);
    return status;
}

/* ---- documents in pieces ---- */

static kt_status take_object(jaeger *j, int depth, kt_error *err);

/* The value of a key, which begins here. What holds traces is walked, all else collected in `rest`. */
static kt_status take_member(bool *held, jaeger *j, json_t *rest, const char *key, int depth, kt_error *err)
{
    kt_status status = KT_OK;
    json_t *value = NULL;
    char first = jaeger_peek(j);
    bool data = strcmp(key, "data") == 0, result = strcmp(key, "result") == 0,
         resources = strcmp(key, "resourceSpans") == 0;
    if (data || result || resources) {
        *held = true;
        j->form = data ? KT_JAEGER_V1 : KT_JAEGER_V3;
        if (first == '[')
            return take_array(j, err);
        if (result && first == '{' && depth == 0)
            return take_object(j, depth + 1, err);
    }
    KT_TRY(jaeger_value(&value, j, err));
    if (*held && (data || result || resources)) {
        if (!json_is_null(value))
            KT_TRY(take(j, value, 0, err));
    } else if (json_object_set(rest, key, value) != 0)
        status = kt_fail(err, KT_MEMORY, "%s: out of memory", j->name);
out:
    json_decref(value);
    return status;
}

static kt_status take_object(jaeger *j, int depth, kt_error *err)
{
    kt_status status = KT_OK;
    json_t *rest = json_object(), *key = NULL;
    size_t begin = j->at, spans = j->spans->n;
    bool held = false, more;
    KT_TRY(jaeger_expect(j, '{', err));
    more = jaeger_peek(j) != '}';
    if (!more)
        KT_TRY(jaeger_expect(j, '}', err));
    while (more) {
        KT_TRY(jaeger_peek(j) == '"' ? KT_OK : jaeger_expect(j, '"', err));
        KT_TRY(jaeger_value(&key, j, err));
        KT_TRY(jaeger_expect(j, ':', err));
        KT_TRY(take_member(&held, j, rest, json_string_value(key), depth, err));
        json_decref(key);
        key = NULL;
        KT_TRY(jaeger_more(&more, j, '}', err));
    }
    j->piece = begin;
    KT_TRY(check_errors(j, rest, j->spans->n > spans, err));
    if (!held && depth == 0)
        KT_TRY(take(j, rest, 0, err));
out:
    json_decref(key);
    json_decref(rest);
    return status;
}

static kt_status take_document(jaeger *j, kt_error *err)
{
    char first = jaeger_peek(j), shown[24] = "";
    j->piece = j->at;
    if (first == '{')
        return take_object(j, 0, err);
    if (first == '[')
        return take_array(j, err);
    j->form = KT_JAEGER_OTHER;
    if (first == '<')
        return jaeger_refuse(j, err,
                             "a web page, not JSON: the interface of Jaeger or of a proxy (is the base path "
                             "right?)");
    for (size_t i = 0; i + 1 < sizeof shown && j->at + i < j->n; i++) {
        char c = j->text[j->at + i];
        shown[i] = isprint((unsigned char)c) ? c : '?';
    }
    return jaeger_refuse(j, err, "no JSON of Jaeger, it begins with '%s'", shown);
}

/* ---- traces in what was added ---- */

typedef struct {
    const kt_spans *spans;
    const uint8_t *trace;
} wanted;

static bool same_trace(const void *context, uint32_t item)
{
    const wanted *w = context;
    return memcmp(w->spans->span[item].trace, w->trace, 16) == 0;
}

static kt_status count_traces(size_t *traces, const kt_spans *spans, size_t first, kt_error *err)
{
    kt_status status = KT_OK;
    kt_slots slots = {.slot = NULL};
    for (size_t i = first; i < spans->n; i++) {
        const wanted w = {spans, spans->span[i].trace};
        if (i > first && same_trace(&w, (uint32_t)(i - 1)))
            continue;
        uint32_t hash = kt_hash_bytes(w.trace, 16);
        KT_TRY(kt_slots_reserve(&slots, err));
        kt_slot *slot = kt_slots_seek(&slots, hash, same_trace, &w);
        if (slot->item == 0)
            kt_slots_take(&slots, slot, hash, (uint32_t)i);
    }
    *traces = slots.n;
out:
    kt_slots_clear(&slots);
    return status;
}

kt_status kt_jaeger_parse(kt_spans *spans, kt_jaeger_form *form, size_t *traces, const char *text, size_t n,
                          const char *name, const kt_jaeger_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    jaeger j = {.text = text, .name = name, .n = n, .spans = spans};
    size_t first = spans->n;
    *traces = 0;
    KT_TRY(jaeger_tags_init(&j, options, err));
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark */
        j.at = 3;
    while (jaeger_peek(&j), j.at < n)
        KT_TRY(take_document(&j, err));
    KT_TRY(count_traces(traces, spans, first, err));
out:
    *form = j.form;
    if (status != KT_OK)
        spans->n = first; /* nothing of a text that is refused */
    kt_words_clear(&j.kept);
    kt_slots_clear(&j.seen);
    free(j.key_text);
    free(j.tags);
    free(j.process);
    return status;
}
