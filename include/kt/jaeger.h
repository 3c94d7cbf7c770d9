/* Jaeger's JSON to spans: the v1 form ({"data": [trace...]}, one trace, files saved from the UI), the v3 form
 * ({"result": {"resourceSpans": ...}}) and plain OTLP JSON; several documents one after the other (JSON
 * lines).
 *
 * Whatever may be missing may be missing; arrays may be null, numbers may be texts, ids may be short, long,
 * of either case, or base64. Unknown keys are passed over. Errors are KT_INPUT with name:line. */
#ifndef KT_JAEGER_H
#define KT_JAEGER_H

#include "kt/error.h"
#include "kt/spans.h"
#include <stddef.h>

typedef enum { KT_JAEGER_NONE, KT_JAEGER_V1, KT_JAEGER_V3 } kt_jaeger_form;

typedef struct {
    const char *const *tags; /* NULL-terminated: kept besides kt_span_tags; NULL: none */
} kt_jaeger_options;

/* Appends the spans of all documents in text [n]; *form: of the last one; *traces: distinct trace ids in
 * them. `name` (a path or URL) begins messages. spans are not finished. An error reply ({"errors": [...]},
 * {"error": {...}}) is KT_INPUT with its message. */
kt_status kt_jaeger_parse(kt_spans *spans, kt_jaeger_form *form, size_t *traces, const char *text, size_t n,
                          const char *name, const kt_jaeger_options *options, kt_error *err);

#endif
