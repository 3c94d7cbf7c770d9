#include "visit_rates.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    uint32_t service, run, visit;
    int64_t start;
} arrival;

static int by_run_and_start(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->visit > y->visit) - (x->visit < y->visit);
}

/* The run of a request that has one. */
static uint32_t run_of(const kt_cells *cells, uint32_t request)
{
    size_t low = 0, high = cells->n_runs;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (cells->run[middle].first <= request)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* What rates are taken from: the visits at the entry, as one service, or all. */
static kt_status collect(arrival **arrivals, size_t *n, const kt_visits *visits, const kt_requests *requests,
                         const kt_cells *cells, bool of_service, kt_error *err)
{
    kt_status status = KT_OK;
    *n = 0;
    KT_TRY(kt_grow(arrivals, visits->n, sizeof **arrivals, err));
    for (size_t i = 0; i < visits->n; i++) {
        const kt_visit *v = &visits->visit[i];
        if (v->cell != KT_NONE && (of_service || requests->request[v->request].visit == i))
            (*arrivals)[(*n)++] =
                (arrival){of_service ? v->service : 0, run_of(cells, v->request), (uint32_t)i, v->start};
    }
    qsort(*arrivals, *n, sizeof **arrivals, by_run_and_start);
out:
    return status;
}

typedef struct {
    const kt_cells *cells;
    const kt_rate_rule *rule;
    double sample; /* rates are of the traced ones: all are so much more */
    int64_t *at;
    double *rate;
} rating;

/* Arrivals [n] of one service, run by run. visits_of [cells]: zeroed; zeroed again. */
static void rate_service(const rating *r, kt_visits *visits, const arrival *a, size_t n, size_t *visits_of)
{
    for (size_t i = 0; i < n; i++)
        visits_of[r->cells->run[a[i].run].cell]++;
    for (size_t first = 0, next; first < n; first = next) {
        uint32_t cell = r->cells->run[a[first].run].cell;
        const kt_load_cell *load = &r->cells->cell[cell];
        double by_request = (double)visits_of[cell] / (double)load->requests;
        for (next = first; next < n && a[next].run == a[first].run; next++)
            r->at[next - first] = a[next].start;
        kt_rate_of(r->rate, r->rule, r->at, next - first, load->rate * by_request * r->sample);
        for (size_t i = first; i < next; i++)
            visits->visit[a[i].visit].rate = r->rate[i - first] / r->sample;
    }
    for (size_t i = 0; i < n; i++)
        visits_of[r->cells->run[a[i].run].cell] = 0;
}

kt_status kt_visits_rate(kt_visits *visits, const kt_requests *requests, const kt_cells *cells,
                         const kt_rate_rule *rule, bool of_service, kt_error *err)
{
    kt_status status = KT_OK;
    arrival *arrivals = NULL;
    size_t n, *visits_of = NULL;
    rating r = {.cells = cells, .rule = rule, .sample = rule->kind == KT_RATE_CELL ? 1 : cells->sample};
    if (isnan(r.sample))
        return kt_fail(err, KT_INPUT,
                       "not all requests are traced: give the share that is with --sampling, or take the "
                       "cells' rates with --rps-eff cell");
    KT_TRY(collect(&arrivals, &n, visits, requests, cells, of_service, err));
    KT_TRY(kt_grow(&r.at, n, sizeof *r.at, err));
    KT_TRY(kt_grow(&r.rate, n, sizeof *r.rate, err));
    KT_TRY(kt_alloc(&visits_of, cells->n, sizeof *visits_of, err));
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && arrivals[next].service == arrivals[first].service;)
            next++;
        rate_service(&r, visits, arrivals + first, next - first, visits_of);
    }
    for (size_t i = 0; i < visits->n && !of_service; i++) {
        kt_visit *v = &visits->visit[i];
        if (v->cell != KT_NONE)
            v->rate = visits->visit[requests->request[v->request].visit].rate;
    }
out:
    free(arrivals);
    free(r.at);
    free(r.rate);
    free(visits_of);
    return status;
}
