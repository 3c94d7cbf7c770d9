#include "changes_private.h"

#include <math.h>
#include <stdlib.h>

/* Of silence by chance; there may be a million of places to look at. */
static const double least_p = 1e-9;

typedef struct {
    uint32_t pod, gap;
} pod_gap;

typedef struct {
    const kt_sighting *seen; /* [n] of one service, by request */
    size_t n;
    uint32_t *last;  /* [pods] place of the latest sighting, or KT_NONE */
    uint32_t *stamp; /* [pods] */
    double *typical; /* [pods] median gap between its visits; 0: seen once */
    uint32_t stamps;
    pod_gap *gap; /* [n] */
} service_pods;

static int by_pod_and_gap(const void *a, const void *b)
{
    const pod_gap *x = a, *y = b;
    if (x->pod != y->pod)
        return x->pod < y->pod ? -1 : 1;
    return (x->gap > y->gap) - (x->gap < y->gap);
}

static void forget(service_pods *p)
{
    for (size_t k = 0; k < p->n; k++)
        p->last[p->seen[k].pod] = KT_NONE;
}

static void find_typical(service_pods *p)
{
    size_t n = 0;
    forget(p);
    for (size_t k = 0; k < p->n; k++) {
        uint32_t pod = p->seen[k].pod;
        if (p->last[pod] != KT_NONE)
            p->gap[n++] = (pod_gap){pod, (uint32_t)k - p->last[pod]};
        p->last[pod] = (uint32_t)k;
        p->typical[pod] = 0;
    }
    qsort(p->gap, n, sizeof *p->gap, by_pod_and_gap);
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && p->gap[next].pod == p->gap[first].pod;)
            next++;
        p->typical[p->gap[first].pod] = p->gap[first + (next - first) / 2].gap;
    }
}

/* Is a pod with this share of its service's visits missing if it gets none of so many? */
static bool is_missing(double visits, double share)
{
    return visits * log1p(-share) < log(least_p);
}

/* Of visits [first, next), none of which is the pod's; near: the end at which it is looked at if long. */
static bool was_absent(service_pods *p, uint32_t pod, size_t first, size_t next, bool near_first)
{
    enum { LOOK = 4096 };
    double share = p->typical[pod] > 0 ? fmin(0.5, M_LN2 / p->typical[pod]) : 0;
    if (!is_missing((double)(next - first), share))
        return false;
    if (next - first > LOOK) {
        first = near_first ? first : next - LOOK;
        next = first + LOOK;
    }
    size_t others = 0;
    p->stamps++;
    for (size_t k = first; k < next; k++) {
        others += p->stamp[p->seen[k].pod] != p->stamps;
        p->stamp[p->seen[k].pod] = p->stamps;
    }
    return is_missing((double)(next - first), fmin(share, 1 / (double)(others + 1)));
}

/* Cuts behind a pod's last request before an absence and before its first one after it. */
static kt_status cut_at_pods(kt_cuts *c, service_pods *p, kt_error *err)
{
    kt_status status = KT_OK;
    find_typical(p);
    forget(p);
    for (size_t k = 0; k < p->n; k++) {
        uint32_t pod = p->seen[k].pod, last = p->last[pod];
        p->last[pod] = (uint32_t)k;
        if (!was_absent(p, pod, last == KT_NONE ? 0 : last + 1, k, last != KT_NONE))
            continue;
        KT_TRY(kt_cuts_add(c, p->seen[k].request, err));
        if (last != KT_NONE)
            KT_TRY(kt_cuts_add(c, (size_t)p->seen[last].request + 1, err));
    }
    for (size_t k = 0; k < p->n; k++) {
        uint32_t pod = p->seen[k].pod;
        if (p->last[pod] == k && was_absent(p, pod, k + 1, p->n, true))
            KT_TRY(kt_cuts_add(c, (size_t)p->seen[k].request + 1, err));
    }
out:
    return status;
}

kt_status kt_pod_cuts(kt_cuts *c, const kt_sighting *seen, size_t n, size_t n_pods, kt_error *err)
{
    kt_status status = KT_OK;
    service_pods p = {.seen = NULL};
    KT_TRY(kt_alloc(&p.last, n_pods, sizeof *p.last, err));
    KT_TRY(kt_alloc(&p.stamp, n_pods, sizeof *p.stamp, err));
    KT_TRY(kt_alloc(&p.typical, n_pods, sizeof *p.typical, err));
    KT_TRY(kt_grow(&p.gap, n, sizeof *p.gap, err));
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && seen[next].service == seen[first].service;)
            next++;
        p.seen = seen + first;
        p.n = next - first;
        KT_TRY(cut_at_pods(c, &p, err));
    }
out:
    free(p.last);
    free(p.stamp);
    free(p.typical);
    free(p.gap);
    return status;
}
