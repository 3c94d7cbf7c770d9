#include "changes_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double bin_width = 1.5;

kt_status kt_cuts_add(kt_cuts *cuts, size_t at, kt_error *err)
{
    kt_status status = KT_OK;
    if (cuts->n == cuts->capacity) {
        size_t capacity = 2 * cuts->capacity + 16;
        KT_TRY(kt_grow(&cuts->at, capacity, sizeof *cuts->at, err));
        cuts->capacity = capacity;
    }
    cuts->at[cuts->n++] = at;
out:
    return status;
}

static int by_place(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

kt_status kt_cuts_settle(kt_cuts *cuts, size_t first, size_t last, kt_error *err)
{
    kt_status status = KT_OK;
    size_t kept = 0;
    KT_TRY(kt_cuts_add(cuts, first, err));
    KT_TRY(kt_cuts_add(cuts, last, err));
    qsort(cuts->at, cuts->n, sizeof *cuts->at, by_place);
    for (size_t i = 0; i < cuts->n; i++)
        if (kept == 0 || cuts->at[i] != cuts->at[kept - 1])
            cuts->at[kept++] = cuts->at[i];
    cuts->n = kept;
out:
    return status;
}

typedef struct {
    size_t first, next; /* requests */
    uint64_t pods;      /* names the set of pods */
    int bin;            /* of its rate */
    uint32_t cell;
} step;

typedef struct {
    size_t n, capacity;
    step *step;
} steps;

static kt_status add_step(steps *s, step one, kt_error *err)
{
    kt_status status = KT_OK;
    if (s->n == s->capacity) {
        size_t capacity = 2 * s->capacity + 16;
        KT_TRY(kt_grow(&s->step, capacity, sizeof *s->step, err));
        s->capacity = capacity;
    }
    s->step[s->n++] = one;
out:
    return status;
}

static int rate_bin(const int64_t *start, size_t first, size_t next)
{
    double time = 1e-9 * (double)(start[next - 1] - start[first]);
    return time > 0 ? (int)floor(log((double)(next - first - 1) / time) / log(bin_width)) : INT32_MIN;
}

/* Steps of one set of pods: requests [first, last). */
static kt_status cut_by_rate(steps *s, const int64_t *start, size_t first, size_t last, kt_error *err)
{
    kt_status status = KT_OK;
    kt_cuts c = {.n = 0};
    KT_TRY(kt_rate_cuts(&c, start, first, last, err));
    KT_TRY(kt_cuts_settle(&c, first, last, err));
    for (size_t i = 0; i + 1 < c.n; i++) {
        size_t from = c.at[i];
        while (i + 2 < c.n && c.at[i + 1] - from < KT_FRAGMENT) /* the same change found twice */
            i++;
        KT_TRY(add_step(s, (step){from, c.at[i + 1], 0, rate_bin(start, from, c.at[i + 1]), KT_NONE}, err));
    }
out:
    free(c.at);
    return status;
}

static int by_service_and_request(const void *a, const void *b)
{
    const kt_sighting *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->request != y->request)
        return x->request < y->request ? -1 : 1;
    return (x->pod > y->pod) - (x->pod < y->pod);
}

static int by_request_and_pod(const void *a, const void *b)
{
    const kt_sighting *x = a, *y = b;
    if (x->request != y->request)
        return x->request < y->request ? -1 : 1;
    return (x->pod > y->pod) - (x->pod < y->pod);
}

static uint64_t mix(uint64_t x) /* SplitMix64's */
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Names of the sets of pods between cuts: the sum of their pods' hashes, each once. stamp [pods]: zeroed. */
static void name_sets(steps *s, const kt_cuts *pods, const kt_sighting *seen, size_t n, uint32_t *stamp)
{
    size_t k = 0, at = 0;
    for (size_t i = 0; i + 1 < pods->n; i++) {
        uint64_t name = 0;
        for (; k < n && seen[k].request < pods->at[i + 1]; k++) {
            name += stamp[seen[k].pod] != i + 1 ? mix(seen[k].pod + UINT64_C(0x9e3779b97f4a7c15)) : 0;
            stamp[seen[k].pod] = (uint32_t)i + 1;
        }
        for (; at < s->n && s->step[at].first < pods->at[i + 1]; at++)
            s->step[at].pods = name;
    }
}

static int by_kind(const void *a, const void *b)
{
    const step *x = a, *y = b;
    if (x->pods != y->pods)
        return x->pods < y->pods ? -1 : 1;
    if (x->bin != y->bin)
        return x->bin < y->bin ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static int by_first(const void *a, const void *b)
{
    const step *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* cell of each step: first the number of a step that it is one with, then numbers in the order of requests.
 */
static size_t number_cells(steps *s)
{
    uint32_t alike = KT_NONE;
    size_t n = 0, previous = 0;
    qsort(s->step, s->n, sizeof *s->step, by_kind);
    for (size_t i = 0; i < s->n; i++) {
        step *one = &s->step[i];
        one->cell = (uint32_t)one->first;
        if (one->next - one->first >= KT_CELL_REQUESTS)
            continue;
        if (alike != KT_NONE && s->step[previous].pods == one->pods && s->step[previous].bin == one->bin)
            one->cell = alike;
        alike = one->cell;
        previous = i;
    }
    qsort(s->step, s->n, sizeof *s->step, by_first);
    for (size_t i = 0; i < s->n; i++) {
        step *one = &s->step[i];
        if (one->cell == one->first) {
            one->cell = (uint32_t)n++;
            continue;
        }
        step wanted = {.first = one->cell};
        const step *first = bsearch(&wanted, s->step, i, sizeof *s->step, by_first);
        one->cell = first->cell;
    }
    return n;
}

kt_status kt_changes_find(kt_run **run, size_t *n_runs, size_t *n_cells, const int64_t *start, size_t n,
                          kt_sighting *sighting, size_t n_sightings, size_t n_pods, kt_error *err)
{
    kt_status status = KT_OK;
    kt_cuts pods = {.n = 0};
    steps s = {.n = 0};
    uint32_t *stamp = NULL;
    qsort(sighting, n_sightings, sizeof *sighting, by_service_and_request);
    KT_TRY(kt_pod_cuts(&pods, sighting, n_sightings, n_pods, err));
    KT_TRY(kt_cuts_settle(&pods, 0, n, err));
    for (size_t i = 0; i + 1 < pods.n; i++) {
        bool inside = i > 0 && i + 2 < pods.n;
        if (!inside || pods.at[i + 1] - pods.at[i] >= KT_CHANGING)
            KT_TRY(cut_by_rate(&s, start, pods.at[i], pods.at[i + 1], err));
    }
    KT_TRY(kt_alloc(&stamp, n_pods, sizeof *stamp, err));
    qsort(sighting, n_sightings, sizeof *sighting, by_request_and_pod);
    name_sets(&s, &pods, sighting, n_sightings, stamp);
    *n_cells = number_cells(&s);
    KT_TRY(kt_alloc(run, s.n, sizeof **run, err));
    *n_runs = s.n;
    for (size_t i = 0; i < s.n; i++)
        (*run)[i] = (kt_run){s.step[i].first, s.step[i].next, s.step[i].cell};
out:
    free(pods.at);
    free(s.step);
    free(stamp);
    return status;
}
