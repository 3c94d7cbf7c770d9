/* What the tags of a span say of its kind and its end: one table for all readers. */
#ifndef KT_TRACE_STATUS_H
#define KT_TRACE_STATUS_H

#include "kt/spans.h"

typedef struct {
    const char *key;
    void (*see)(kt_span *span, const char *value); /* sets kind or flags */
} status_meaning;

enum { STATUS_MEANINGS = 10, STATUS_KIND = 0 }; /* the first is span.kind */
extern const status_meaning status_meanings[STATUS_MEANINGS];

/* As the table says for the key, if it is there. */
void status_see(kt_span *span, const char *key, const char *value);

#endif
