/* Self times as Jaeger's page of a trace shows them: a second reading of the same spans, which knows neither
 * kinds nor services nor queues. */
#ifndef KT_TRACE_SELF_TIME_H
#define KT_TRACE_SELF_TIME_H

#include "kt/spans.h"
#include "parents.h"
#include <stdint.h>

/* self [n] ns: a span's duration less the union of its direct children inside of it, whatever their kind;
 * what starts behind its end does not count, what ends behind it is cut. reached [n]: scratch. O(n). */
void kt_self_times(int64_t *self, const kt_spans *spans, const kt_parents *parents, int64_t *reached);

#endif
