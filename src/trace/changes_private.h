/* Places where something changes: what changes.c, changes_pods.c and changes_rate.c share. */
#ifndef KT_TRACE_CHANGES_PRIVATE_H
#define KT_TRACE_CHANGES_PRIVATE_H

#include "changes.h"

/* Requests: fewer between two changes of rate are one change found twice; between two of pods, these are
 * still changing: with several pods chosen at random some are first seen late. */
enum { KT_FRAGMENT = 10, KT_CHANGING = 50 };

/* Requests before which something changes. */
typedef struct {
    size_t n, capacity;
    size_t *at;
} kt_cuts;

kt_status kt_cuts_add(kt_cuts *cuts, size_t at, kt_error *err);
/* In order, each once, from `first` to `last`, which are there too. */
kt_status kt_cuts_settle(kt_cuts *cuts, size_t first, size_t last, kt_error *err);

/* Where pods come and go. seen [n]: by service, then by request. */
kt_status kt_pod_cuts(kt_cuts *cuts, const kt_sighting *seen, size_t n, size_t n_pods, kt_error *err);

/* Where the rate of requests [first, last) changes. start: ns, ascending. */
kt_status kt_rate_cuts(kt_cuts *cuts, const int64_t *start, size_t first, size_t last, kt_error *err);

#endif
