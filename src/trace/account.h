/* The account: what became of every span, one line each. */
#ifndef KT_TRACE_ACCOUNT_H
#define KT_TRACE_ACCOUNT_H

#include "kt/json.h"
#include <stddef.h>
#include <stdint.h>

/* name in JSON, for people. The first ones are what may become of a visit, in the order in which they are
 * asked; KT_FATE_ROW is what is left. */
#define KT_FATE_LIST(X)                                                                                      \
    X(ROW, "row", "rows of the dataset")                                                                     \
    X(OTHER_ROOT, "other_root", "of traces that do not begin at the entry")                                  \
    X(OTHER_OPERATION, "other_operation", "of requests with another operation at the entry")                 \
    X(FAILED, "failed", "failed")                                                                            \
    X(ABOVE_FAILED, "above_failed", "with a failed one below")                                               \
    X(NO_CELL, "no_cell", "outside of all load cells")                                                       \
    X(OVERLOADED, "overloaded", "in overloaded cells")                                                       \
    X(TRIMMED, "trimmed", "in a warm-up or cool-down")                                                       \
    X(WRAPPED, "negative_duration", "with a negative duration, their own or of a call")                      \
    X(NO_TIME, "no_time", "without time left")                                                               \
    X(NO_REP, "no_rep", "of services whose replicas are not known")                                          \
    X(NO_RATE, "no_rate", "with a rate that is not known")                                                   \
    X(NO_DELAY, "no_delay", "with a delay that is not known")                                                \
    X(NESTED, "nested", "inside of a row of their own service: the same row")                                \
    X(CALL, "call", "calls")                                                                                 \
    X(INNER_CALL, "inner_call", "calls inside of calls")                                                     \
    X(EXTERNAL_KEPT, "external_kept", "calls without a span of who was called: the caller's time")           \
    X(EXTERNAL_DROPPED, "external_dropped", "calls without a span of who was called: nobody's time")         \
    X(FOLLOWS, "follows", "CLIENT spans that follow from another span: no calls")                            \
    X(INTERNAL, "internal", "INTERNAL spans: a row's own work")                                              \
    X(PRODUCER, "producer", "PRODUCER spans: no calls")                                                      \
    X(STRAY, "stray", "CLIENT and INTERNAL spans outside of any row")                                        \
    X(DUPLICATE, "duplicate", "seen before")

typedef enum {
#define X(name, key, text) KT_FATE_##name,
    KT_FATE_LIST(X)
#undef X
        KT_FATES
} kt_fate;

extern const char *const kt_fate_key[KT_FATES], *const kt_fate_text[KT_FATES];

/* [{"line": key, "text": ..., "spans": n}, ...] of lines that have spans (new reference). count [KT_FATES].
 */
kt_json *kt_account_json(const uint64_t *count);

#endif
