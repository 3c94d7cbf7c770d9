/* Jaeger's JSON to spans: the v1 form ({"data": [trace...]}, one trace, files saved from the UI), the v3 form
 * ({"result": {"resourceSpans": ...}}) and plain OTLP JSON; several documents one after the other (JSON
 * lines).
 *
 * Whatever may be missing may be missing; arrays may be null, numbers may be texts, ids may be short, long,
 * of either case, or base64; an id that is neither counts as a name (its hash). Unknown keys are passed over.
 * The parent of a v1 span is its first CHILD_OF reference in the same trace, else its first FOLLOWS_FROM
 * (KT_SPAN_FOLLOWS), else parentSpanID; OTLP's links are no parents. A span fails (KT_SPAN_FAILED) by its
 * error tag, a status of ERROR, HTTP 5xx, the gRPC codes that OpenTelemetry calls errors of a server (2, 4,
 * 12 to 15) or response flags other than "-". A start beyond the range of int64 wraps, as it did at its
 * sender.
 *
 * A text is walked piece by piece (a trace, a resource), so that memory is that of the text and one piece.
 * Errors are KT_INPUT with name:line, and line:column where it is no JSON. */
#ifndef KT_JAEGER_H
#define KT_JAEGER_H

#include "kt/error.h"
#include "kt/spans.h"
#include <stddef.h>

/* OTHER: JSON or a web page, but no trace (with an error). */
typedef enum { KT_JAEGER_NONE, KT_JAEGER_V1, KT_JAEGER_V3, KT_JAEGER_OTHER } kt_jaeger_form;

typedef struct {
    const char *const *tags; /* NULL-terminated: kept besides kt_span_tags; NULL: none */
} kt_jaeger_options;

/* Appends the spans of all documents in text [n]; *form: of the last one, NONE where there was none or an
 * empty object; *traces: distinct trace ids among them. `name` (a path or URL) begins messages. spans are not
 * finished. An error reply ({"errors": [...]} without a trace, {"error": {...}}) is KT_INPUT with its
 * message, and so is what is no trace: a web page, lists of services, replies of Grafana Tempo. After an
 * error no span of the text is in the set. */
kt_status kt_jaeger_parse(kt_spans *spans, kt_jaeger_form *form, size_t *traces, const char *text, size_t n,
                          const char *name, const kt_jaeger_options *options, kt_error *err);

#endif
