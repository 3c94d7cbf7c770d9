/* Visits and their calls: what a set of spans says of who worked when, before anything is dropped.
 *
 * A visit is a SERVER or CONSUMER span, the outer one where two of the same service nest through INTERNAL
 * spans; each may become a row. A call of a visit is an outermost CLIENT span below it, reached through
 * INTERNAL spans of the visit's service. */
#ifndef KT_TRACE_VISITS_H
#define KT_TRACE_VISITS_H

#include "account.h"
#include "kt/error.h"
#include "kt/spans.h"
#include "names.h"
#include "parents.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_UNKNOWN INT64_MIN /* a time that is not known; as `freed`: the worker was free already */

enum { KT_EXTERNAL_KEEP, KT_EXTERNAL_DROP, KT_EXTERNAL_SERVICE }; /* of KT_EXTERNAL_CHOICES */

typedef struct {
    uint32_t span, service;
    uint32_t pod;     /* KT_NONE: not known */
    uint32_t top;     /* the visit at the top of its tree: itself where there is none above */
    uint32_t request; /* KT_NONE: of none */
    uint32_t cell;    /* KT_NONE: in none */
    size_t first_call, n_calls;
    int64_t start, end, freed; /* ns */
    int64_t proc, delay;       /* ns; delay: network and proxies, KT_UNKNOWN where no caller tells */
    int64_t broker;            /* ns, below a PRODUCER: from its end to the start; KT_UNKNOWN */
    double rate, rep;
    uint8_t fate;
    bool orphan;    /* top: its tree's root has a parent that was not collected */
    bool detached;  /* a CONSUMER, or it follows from another span: nobody waits, no delay is part of its
                       target */
    bool peer;      /* a CLIENT span that stands for a service without spans: no worker, no pod */
    bool bad_times; /* its own duration or that of a call is negative */
} kt_visit;

typedef struct {
    int64_t start, end; /* ns */
} kt_call;

/* A call of which no span of who was called is there. */
typedef struct {
    uint32_t span, visit;
    uint32_t peer; /* text: who was called, as far as tags say */
    bool traced;   /* the peer is a service that sends spans elsewhere */
} kt_external;

typedef struct {
    size_t n; /* in the order of spans, then peers */
    kt_visit *visit;
    size_t n_calls;
    kt_call *call; /* those that a visit's time loses: by visit, then by start */
    size_t n_externals;
    kt_external *external;
    uint8_t *line;           /* [spans] what became of those that are no visit */
    uint64_t callee_outside; /* spans that leave the CLIENT span of their call */
    uint64_t call_outside;   /* calls that leave their visit: clipped */
} kt_visits;

typedef struct {
    int external;     /* KT_EXTERNAL_... */
    bool keep_failed; /* failed spans are rows like others */
} kt_visits_options;

/* spans: finished; names grows by peers, pods by pods. visits: zeroed. Fates are ROW, FAILED or ABOVE_FAILED.
 * O(n). */
kt_status kt_visits_find(kt_visits *visits, kt_names *names, kt_pods *pods, const kt_spans *spans,
                         const kt_parents *tree, const kt_visits_options *options, kt_error *err);
void kt_visits_clear(kt_visits *visits);

/* The length of the union of calls [n], which are in the order of start, inside of [from, to]. */
int64_t kt_calls_covered(const kt_call *call, size_t n, int64_t from, int64_t to);

#endif
