/* What a W3C tracestate says of sampling: the member "ot" of OpenTelemetry, with a rejection threshold
 * ("th:8": of 14 hexadecimal digits, those left out at the end are 0) or, in older ones, a power of two
 * ("p:3"). */
#ifndef KT_TRACE_TRACESTATE_H
#define KT_TRACE_TRACESTATE_H

#include <stddef.h>

#define KT_TRACESTATE_TAG "w3c.tracestate"

/* The part "th:..." or "p:..." of the text [n], whose length is *length; 0: it says nothing. The rest differs
 * from trace to trace. */
const char *kt_tracestate_sampling(size_t *length, const char *text, size_t n);

/* Such a part to the share of traces that are kept; 1 for "" and what is no such part. */
double kt_tracestate_share(const char *part);

#endif
