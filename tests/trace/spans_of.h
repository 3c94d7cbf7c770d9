/* Hand-written traces: a table of spans in microseconds, cleaned. */
#ifndef KT_TEST_TRACE_SPANS_OF_H
#define KT_TEST_TRACE_SPANS_OF_H

#include "../data/check.h"
#include "kt/clean.h"
#include "kt/csv.h"
#include "kt/spans.h"
#include <math.h>
#include <stdlib.h>

enum {
    S = KT_SPAN_SERVER,
    C = KT_SPAN_CLIENT,
    I = KT_SPAN_INTERNAL,
    P = KT_SPAN_PRODUCER,
    Q = KT_SPAN_CONSUMER
};

/* Times in us; pod NULL: none. tag "key=value", or NULL. */
typedef struct {
    uint64_t trace, id, parent;
    int kind;
    const char *service, *pod;
    int64_t start, duration;
    int flags;
    const char *operation, *tag;
} one_span;

static inline uint32_t word_n(kt_spans *spans, const char *word, size_t n)
{
    uint32_t index;
    OK(kt_spans_text(&index, spans, word, n, &err));
    return index;
}

static inline uint32_t word(kt_spans *spans, const char *text)
{
    return word_n(spans, text, strlen(text));
}

static inline void add_span(kt_spans *spans, const one_span *s)
{
    uint32_t process;
    kt_span_tag tag = {word(spans, "k8s.pod.name"), word(spans, s->pod ? s->pod : "")};
    OK(kt_spans_process(&process, spans, word(spans, s->service), &tag, s->pod ? 1 : 0, &err));
    kt_span span = {.id = s->id,
                    .parent = s->parent,
                    .start = s->start * 1000,
                    .duration = s->duration * 1000,
                    .process = process,
                    .operation = word(spans, s->operation ? s->operation : "op"),
                    .kind = (uint8_t)s->kind,
                    .flags = (uint8_t)s->flags};
    for (int i = 0; i < 8; i++)
        span.trace[15 - i] = (uint8_t)(s->trace >> 8 * i);
    if (s->tag) {
        const char *equals = strchr(s->tag, '=');
        tag = (kt_span_tag){word_n(spans, s->tag, (size_t)(equals - s->tag)), word(spans, equals + 1)};
    }
    OK(kt_spans_add(spans, &span, &tag, s->tag ? 1 : 0, &err));
}

static inline void spans_of(kt_spans *spans, const one_span *table, size_t n)
{
    OK(kt_spans_init(spans, &err));
    for (size_t i = 0; i < n; i++)
        add_span(spans, &table[i]);
    OK(kt_spans_finish(spans, &err));
}

/* ---- cleaned ---- */

typedef struct {
    kt_spans spans;
    kt_manifest manifest;
    kt_cleaned *made;
    kt_samples samples;
    char notes[8000];
} cleaning;

static inline void take_note(void *context, const char *line)
{
    cleaning *c = context;
    size_t n = strlen(c->notes);
    snprintf(c->notes + n, sizeof c->notes - n, "%s\n", line);
}

/* Lines of the account sum to what was read. */
static inline void account_sums(const cleaning *c)
{
    const kt_json *report = kt_cleaned_report(c->made), *lines = kt_json_get(report, "account");
    int64_t sum = 0;
    for (size_t i = 0; i < kt_json_size(lines); i++)
        sum += kt_json_as_int(kt_json_get(kt_json_at(lines, i), "spans"), -1);
    assert_int_equal(sum, kt_json_as_int(kt_json_get(report, "spans"), -1));
    assert_int_equal(sum, c->spans.n + c->spans.duplicates);
}

static inline void clean_spans(cleaning *c, const kt_clean_settings *settings)
{
    c->made = NULL;
    c->samples = (kt_samples){.d = 0};
    c->notes[0] = '\0';
    OK(kt_clean_make(&c->made, &c->spans, &c->manifest, settings, take_note, c, &err));
    OK(kt_cleaned_samples(&c->samples, c->made, &err));
    account_sums(c);
}

static inline void clean_again(cleaning *c, const kt_clean_settings *settings)
{
    kt_cleaned_destroy(c->made);
    kt_samples_clear(&c->samples);
    clean_spans(c, settings);
}

static inline void cleaning_of(cleaning *c, const one_span *table, size_t n, const char *manifest,
                               const kt_clean_settings *settings)
{
    c->manifest = (kt_manifest){.n = 0};
    spans_of(&c->spans, table, n);
    if (manifest)
        OK(kt_manifest_parse(&c->manifest, manifest, strlen(manifest), "m.json", &err));
    clean_spans(c, settings);
}
#define CLEAN(c, table, manifest, ...)                                                                       \
    cleaning_of(c, table, sizeof(table) / sizeof *(table), manifest, &(kt_clean_settings){__VA_ARGS__})

static inline void cleaning_clear(cleaning *c)
{
    kt_cleaned_destroy(c->made);
    kt_samples_clear(&c->samples);
    kt_manifest_clear(&c->manifest);
    kt_spans_clear(&c->spans);
}

static inline const kt_service *service_of(const cleaning *c, const char *name)
{
    for (size_t i = 0; i < c->samples.n_services; i++)
        if (strcmp(c->samples.services[i].name, name) == 0)
            return &c->samples.services[i];
    fail_msg("no service %s; notes: %s", name, c->notes);
    return NULL;
}

/* Targets of a service's rows in us, separated by blanks; "" where it has none. */
static inline void times_are(const cleaning *c, const char *name, const char *wanted)
{
    char got[4000] = "";
    for (size_t i = 0; i < c->samples.n_services; i++) {
        const kt_service *s = &c->samples.services[i];
        for (size_t r = 0; r < s->n && strcmp(s->name, name) == 0; r++) {
            size_t n = strlen(got);
            snprintf(got + n, sizeof got - n, "%s%.6g", n > 0 ? " " : "", s->y[r] * 1e6);
        }
    }
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: '%s', not '%s'; notes: %s", name, got, wanted, c->notes);
}

static inline int64_t account_of(const cleaning *c, const char *line)
{
    const kt_json *lines = kt_json_get(kt_cleaned_report(c->made), "account");
    for (size_t i = 0; i < kt_json_size(lines); i++)
        if (strcmp(kt_json_as_text(kt_json_get(kt_json_at(lines, i), "line"), ""), line) == 0)
            return kt_json_as_int(kt_json_get(kt_json_at(lines, i), "spans"), -1);
    return 0;
}

static inline int64_t oddity_of(const cleaning *c, const char *name)
{
    return kt_json_as_int(kt_json_get(kt_json_get(kt_cleaned_report(c->made), "oddities"), name), -1);
}

static inline const kt_json *report_of(const cleaning *c, const char *name)
{
    const kt_json *services = kt_json_get(kt_cleaned_report(c->made), "services");
    for (size_t i = 0; i < kt_json_size(services); i++)
        if (strcmp(kt_json_as_text(kt_json_get(kt_json_at(services, i), "service"), ""), name) == 0)
            return kt_json_at(services, i);
    return NULL;
}

static inline void says(const cleaning *c, const char *part)
{
    if (!strstr(c->notes, part))
        fail_msg("'%s' is not said: %s", part, c->notes);
}

#endif
