/* The original scripts' trace CSV to spans:
 * trace_id,span_id,start_time,duration,client,server,...,http_status_code,..., node_id; microseconds. A row
 * with client = server is the SERVER span seen at the service, any other the caller's CLIENT span. There are
 * no parents: a SERVER row belongs to the shortest CLIENT row to its service that holds it, a CLIENT row to
 * the shortest SERVER row of its client that holds it. node_id (sidecar~IP~POD.NS~...) becomes a tag of the
 * process. */
#ifndef KT_ORIGINAL_H
#define KT_ORIGINAL_H

#include "kt/error.h"
#include "kt/spans.h"
#include <stdbool.h>
#include <stddef.h>

bool kt_original_is(const char *text, size_t n); /* by its header line */

/* Appends; errors are KT_INPUT with name:line and the column. */
kt_status kt_original_parse(kt_spans *spans, const char *text, size_t n, const char *name, kt_error *err);

#endif
