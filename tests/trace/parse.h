/* Parsing in tests, and sets of spans as text: a line a span,
 *
 *   trace id parent start+duration kind flags service operation key=value... | key=value of the process
 *
 * with ids in hex without leading zeros, times in ns, "-" for an empty text. */
#ifndef KT_TEST_TRACE_PARSE_H
#define KT_TEST_TRACE_PARSE_H

#include "../data/check.h"
#include "kt/jaeger.h"
#include "kt/spans.h"
#include <stdlib.h>

static inline const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

static inline void print_tags(FILE *to, const kt_spans *spans, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++)
        fprintf(to, " %s=%s", spans->text[spans->tag[i].key], spans->text[spans->tag[i].value]);
}

/* The caller frees it. */
static inline char *print_spans(const kt_spans *spans)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    for (size_t i = 0; i < spans->n; i++) {
        const kt_span *s = &spans->span[i];
        const kt_span_process *p = &spans->process[s->process];
        int k = 0;
        while (k < 15 && s->trace[k] == 0)
            k++;
        fprintf(to, "%x", s->trace[k]);
        while (++k < 16)
            fprintf(to, "%02x", s->trace[k]);
        fprintf(to, " %llx %llx %lld+%lld %s %d %s %s", (unsigned long long)s->id,
                (unsigned long long)s->parent, (long long)s->start, (long long)s->duration,
                kt_span_kind_text[s->kind], s->flags, or_dash(spans->text[p->service]),
                or_dash(spans->text[s->operation]));
        print_tags(to, spans, s->first_tag, s->n_tags);
        if (p->n_tags > 0) {
            fprintf(to, " |");
            print_tags(to, spans, p->first_tag, p->n_tags);
        }
        fprintf(to, "\n");
    }
    fclose(to);
    return text;
}

static inline kt_status parse_bytes(kt_spans *spans, kt_jaeger_form *form, size_t *traces, const char *text,
                                    size_t n, kt_error *err)
{
    char *copy = malloc(n > 0 ? n : 1); /* of its own size, so that a read behind the end is seen */
    memcpy(copy, text, n);
    kt_status status = kt_jaeger_parse(spans, form, traces, copy, n, "t.json", NULL, err);
    free(copy);
    return status;
}

#endif
