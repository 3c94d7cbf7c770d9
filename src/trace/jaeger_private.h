/* What the sources of kt/jaeger.h share. */
#ifndef KT_TRACE_JAEGER_PRIVATE_H
#define KT_TRACE_JAEGER_PRIVATE_H

#include "kt/jaeger.h"
#include "words.h"
#include <jansson.h>

typedef struct {
    /* the text and the place in it */
    const char *text, *name;
    size_t n, at;
    size_t piece; /* where the JSON value that is being taken begins */
    /* what comes of it */
    kt_spans *spans;
    kt_jaeger_form form;
    /* keys of tags that mean something, and their indices in spans (plus 1; 0: not yet there) */
    kt_words kept;
    uint32_t *key_text;
    kt_span_tag *tags; /* of the span or process that is being read */
    size_t n_tags, tags_capacity;
    /* processes of the trace that is being read: JSON values and indices */
    kt_slots seen;
    struct {
        const json_t *json;
        uint32_t process;
    } * process;
    size_t n_processes, processes_capacity;
} jaeger;

/* ---- the text in pieces: jaeger_pieces.c ---- */

/* Passes over white space; the next byte, or 0 at the end. */
char jaeger_peek(jaeger *j);
/* Passes over the byte, which must be there. */
kt_status jaeger_expect(jaeger *j, char byte, kt_error *err);
/* Behind a value inside brackets: passes over a comma or the closing bracket. */
kt_status jaeger_more(bool *more, jaeger *j, char closing, kt_error *err);
/* The value that begins here; the caller drops it. */
kt_status jaeger_value(json_t **value, jaeger *j, kt_error *err);
/* KT_INPUT with name:line of the piece. */
kt_status jaeger_refuse(const jaeger *j, kt_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- tags: jaeger_tags.c ---- */

kt_status jaeger_tags_init(jaeger *j, const kt_jaeger_options *options, kt_error *err);
/* One tag of a span, or of a process (span NULL): what it says of kind and failure, and j->tags where it is
 * kept. */
kt_status jaeger_tag(jaeger *j, kt_span *span, const char *key, size_t n, const json_t *value, kt_error *err);

/* A number as it is or as a text; *negative for one below 0. False for anything else. */
bool jaeger_number(uint64_t *magnitude, bool *negative, const json_t *value);
/* Its bytes without what follows a NUL; "" where it is no text. */
const char *jaeger_text(size_t *n, const json_t *value);
/* A span's id; 0 where there is none. */
uint64_t jaeger_span_id(const json_t *value);

/* ---- forms: jaeger_v1.c, jaeger_v3.c ---- */

kt_status jaeger_v1_trace(jaeger *j, const json_t *trace, kt_error *err);
/* A span that carries its process, or finds it in `processes` (NULL: none); trace_id: where it has none. */
kt_status jaeger_v1_span(jaeger *j, const json_t *span, const json_t *processes, const json_t *trace_id,
                         kt_error *err);
kt_status jaeger_v3_resource(jaeger *j, const json_t *resource_spans, kt_error *err);

#endif
