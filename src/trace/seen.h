/* Which traces a pull has, and which of them may lack spans. */
#ifndef KT_TRACE_SEEN_H
#define KT_TRACE_SEEN_H

#include "kt/spans.h"
#include "words.h"
#include <stdbool.h>

typedef struct {
    uint8_t id[16];
    uint64_t mark;  /* of its spans, whatever their order */
    uint32_t spans; /* of the largest copy */
    bool doubtful;  /* without one root, or two copies differed */
} kt_seen_trace;

/* Zeroed: empty. */
typedef struct {
    kt_seen_trace *trace;
    size_t n, capacity;
    kt_slots slots;
} kt_seen;

void kt_seen_clear(kt_seen *seen);

/* Takes note of the traces of a set, which is in canonical order, and leaves in it the spans that are new:
 * traces that were there just so before are taken out. final: asked for by id, so that what is doubtful now
 * stays so. */
kt_status kt_seen_take(kt_seen *seen, kt_spans *spans, bool final, kt_error *err);

/* The place of a trace that is there. */
size_t kt_seen_place(const kt_seen *seen, const uint8_t id[16]);

/* Doubtful traces in the order of ids; caller frees. */
kt_status kt_seen_doubtful(uint32_t **trace, size_t *n, const kt_seen *seen, kt_error *err);

#endif
