#include "cells.h"

#include <math.h>
#include <stdlib.h>

static const double least_achieved = 0.9; /* of due */
static const double least_found = 0.95;   /* of the requests that a manifest tells of: less is a sample */

/* ---- cells that a manifest tells of ---- */

/* The first request that does not start before `time`. */
static size_t seek(const kt_requests *requests, int64_t time)
{
    size_t low = 0, high = requests->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (requests->request[middle].start < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static kt_status take_told(kt_cells *cells, const kt_requests *requests, const kt_manifest *manifest,
                           kt_error *err)
{
    kt_status status = KT_OK;
    size_t found = 0;
    KT_TRY(kt_alloc(&cells->cell, manifest->n, sizeof *cells->cell, err));
    KT_TRY(kt_alloc(&cells->run, manifest->n, sizeof *cells->run, err));
    for (size_t c = 0; c < manifest->n; c++) {
        const kt_manifest_cell *told = &manifest->cell[c];
        kt_run run = {seek(requests, told->start), seek(requests, told->end + 1), (uint32_t)c};
        if (cells->n_runs > 0 && run.first < cells->run[cells->n_runs - 1].next)
            run.first = cells->run[cells->n_runs - 1].next; /* at the border of two cells: of the first */
        cells->cell[cells->n++] = (kt_load_cell){.start = told->start,
                                                 .end = told->end,
                                                 .asked = told->asked,
                                                 .due = told->drawn > 0 ? told->drawn : told->asked,
                                                 .rate = NAN,
                                                 .requests = run.next - run.first,
                                                 .told = told};
        found += run.next - run.first;
        if (run.next > run.first)
            cells->run[cells->n_runs++] = run;
    }
    if (found == 0)
        status =
            kt_fail(err, KT_INPUT,
                    "none of the %zu requests starts in one of the %zu cells of the manifest: these last "
                    "from %lld to %lld us, requests start from %lld to %lld us",
                    requests->n, manifest->n, (long long)(manifest->cell[0].start / 1000),
                    (long long)(manifest->cell[manifest->n - 1].end / 1000),
                    (long long)(requests->request[0].start / 1000),
                    (long long)(requests->request[requests->n - 1].start / 1000));
out:
    return status;
}

/* Requests found of those that were sent and not answered with an error. */
static double share_found(const kt_cells *cells)
{
    double found = 0, sent = 0;
    for (size_t c = 0; c < cells->n; c++) {
        const kt_manifest_cell *told = cells->cell[c].told;
        if (told->requests <= 0 || cells->cell[c].requests == 0) /* or its traces were not given */
            continue;
        found += (double)cells->cell[c].requests;
        sent += (double)(told->requests - (told->errors > 0 ? told->errors : 0));
    }
    return sent > 0 && found < least_found * sent ? found / sent : 1;
}

/* ---- cells that are found ---- */

static kt_status find_untold(kt_cells *cells, const kt_requests *requests, const kt_visits *visits,
                             size_t n_pods, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t *start = NULL;
    kt_sighting *seen = NULL;
    size_t n = 0;
    KT_TRY(kt_grow(&start, requests->n, sizeof *start, err));
    KT_TRY(kt_grow(&seen, visits->n, sizeof *seen, err));
    for (size_t r = 0; r < requests->n; r++)
        start[r] = requests->request[r].start;
    for (size_t i = 0; i < visits->n; i++) {
        const kt_visit *v = &visits->visit[i];
        if (v->request != KT_NONE && v->pod != KT_NONE)
            seen[n++] = (kt_sighting){v->service, v->request, v->pod};
    }
    KT_TRY(kt_changes_find(&cells->run, &cells->n_runs, &cells->n, start, requests->n, seen, n, n_pods, err));
    KT_TRY(kt_alloc(&cells->cell, cells->n, sizeof *cells->cell, err));
    for (size_t i = 0; i < cells->n_runs; i++) {
        const kt_run *run = &cells->run[i];
        kt_load_cell *cell = &cells->cell[run->cell];
        if (cell->requests == 0)
            *cell = (kt_load_cell){.start = start[run->first], .asked = NAN, .rate = NAN};
        cell->end = start[run->next - 1];
        cell->requests += run->next - run->first;
    }
out:
    free(start);
    free(seen);
    return status;
}

/* ---- rates ---- */

/* Gaps of requests over their time, each run's on its own. */
static kt_status rate_from_traces(kt_cells *cells, const kt_requests *requests, kt_error *err)
{
    kt_status status = KT_OK;
    double *gaps = NULL, *time = NULL;
    KT_TRY(kt_alloc(&gaps, cells->n, sizeof *gaps, err));
    KT_TRY(kt_alloc(&time, cells->n, sizeof *time, err));
    for (size_t i = 0; i < cells->n_runs; i++) {
        const kt_run *run = &cells->run[i];
        gaps[run->cell] += (double)(run->next - run->first - 1);
        time[run->cell] +=
            1e-9 * (double)(requests->request[run->next - 1].start - requests->request[run->first].start);
    }
    for (size_t c = 0; c < cells->n; c++)
        if (isnan(cells->cell[c].rate) && time[c] > 0)
            cells->cell[c].rate = gaps[c] / time[c] / cells->sample;
out:
    free(gaps);
    free(time);
    return status;
}

/* Which share of requests is there, and may rates be taken from them? */
static kt_status settle_sample(kt_cells *cells, const kt_requests *requests, double sampling, kt_error *err)
{
    bool needed = false;
    cells->sample = sampling > 0 ? sampling : requests->sampled;
    if (cells->told && !(sampling > 0)) {
        double found = share_found(cells);
        cells->sample = found < 1 ? found : cells->sample;
    }
    for (size_t c = 0; c < cells->n; c++)
        needed |= isnan(cells->cell[c].rate);
    if (sampling > 0 || cells->sample == 1 || !needed)
        return KT_OK;
    if (isnan(cells->sample))
        return kt_fail(err, KT_INPUT,
                       "not all requests are traced (tags sampler.type and sampler.param), and no manifest "
                       "tells their rate: give the share that is with --sampling");
    return kt_fail(err, KT_INPUT,
                   "about %.3g of the requests are traced, and no manifest tells their rate: give the share "
                   "with --sampling %.3g",
                   cells->sample, cells->sample);
}

kt_status kt_cells_find(kt_cells *cells, kt_requests *requests, kt_visits *visits, size_t n_pods,
                        const kt_cells_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    cells->told = options->manifest->n > 0;
    if (cells->told)
        KT_TRY(take_told(cells, requests, options->manifest, err));
    else
        KT_TRY(find_untold(cells, requests, visits, n_pods, err));
    for (size_t c = 0; c < cells->n; c++) {
        kt_load_cell *cell = &cells->cell[c];
        if (cell->told && cell->told->achieved > 0)
            cell->rate = cell->told->achieved;
    }
    KT_TRY(settle_sample(cells, requests, options->sampling, err));
    KT_TRY(rate_from_traces(cells, requests, err));
    for (size_t c = 0; c < cells->n; c++)
        cells->cell[c].overloaded = cells->cell[c].rate < least_achieved * cells->cell[c].due;
    for (size_t i = 0; i < cells->n_runs; i++)
        for (size_t r = cells->run[i].first; r < cells->run[i].next; r++)
            requests->request[r].cell = cells->run[i].cell;
    for (size_t i = 0; i < visits->n; i++) {
        kt_visit *v = &visits->visit[i];
        v->cell = v->request == KT_NONE ? KT_NONE : requests->request[v->request].cell;
    }
out:
    return status;
}

void kt_cells_clear(kt_cells *cells)
{
    free(cells->cell);
    free(cells->run);
    *cells = (kt_cells){.n = 0};
}
