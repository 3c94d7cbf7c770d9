/* What the sources of kt/spans.h share. */
#ifndef KT_TRACE_SPANS_PRIVATE_H
#define KT_TRACE_SPANS_PRIVATE_H

#include "kt/spans.h"
#include "words.h"

struct kt_spans_tables {
    kt_words words;
    kt_slots processes;
    size_t span_capacity, tag_capacity, process_capacity;
};

/* Room for n more spans and tags altogether. */
kt_status spans_reserve(kt_spans *spans, size_t n_spans, size_t n_tags, kt_error *err);

/* Indices of one set in another one: what is asked for first is put there first. */
typedef struct {
    kt_spans *to;
    const kt_spans *from;
    uint32_t *text, *process; /* plus 1; 0: not yet there */
    kt_span_tag *tags;        /* of one span or process */
    size_t tags_capacity;
} spans_translation;
kt_status spans_translation_init(spans_translation *t, kt_spans *to, const kt_spans *from, kt_error *err);
void spans_translation_clear(spans_translation *t);
kt_status spans_translate_text(uint32_t *index, spans_translation *t, uint32_t text, kt_error *err);
kt_status spans_translate_process(uint32_t *index, spans_translation *t, uint32_t process, kt_error *err);
kt_status spans_translate_tags(spans_translation *t, uint32_t first, uint32_t n,
                               kt_error *err); /* to t->tags */
/* Adds a span of `from` to `to`, its process first. */
kt_status spans_translate(spans_translation *t, const kt_span *span, kt_error *err);

#endif
