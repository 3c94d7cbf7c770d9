/* What rows look like, by service and cell: for people, and to see what is not as it should be. */
#ifndef KT_TRACE_FIGURES_H
#define KT_TRACE_FIGURES_H

#include "cells.h"
#include "kt/error.h"
#include "roots.h"
#include "visits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Visits of one service in one cell; times in ns, NAN where there are none. */
typedef struct {
    uint32_t service, cell;
    size_t visits, rows, delays;
    double by_request, by_request_se; /* visits of a request that did not fail, and the standard error */
    double proc, delay;               /* medians over rows */
    bool drift;                       /* medians of the halves are over 3 standard errors apart */
} kt_figure;

/* Of a service over all cells. */
typedef struct {
    size_t figure, n_figures; /* its figures: [figure, figure + n_figures) */
    size_t delays, negative_delays, brokered;
    double proc, delay, broker; /* medians over rows; broker: over visits */
} kt_service_figures;

typedef struct {
    size_t n;
    kt_figure *figure;           /* by service, then by cell */
    kt_service_figures *service; /* [n_services] */
} kt_figures;

/* figures: zeroed. O(n log n) in visits. */
kt_status kt_figures_find(kt_figures *figures, const kt_visits *visits, const kt_requests *requests,
                          const kt_cells *cells, size_t n_services, kt_error *err);
void kt_figures_clear(kt_figures *figures);

/* The medians of two halves of value [n] (in the order of time, permuted) are over 3 standard errors apart;
 * these from order statistics, without an assumption on the law. Fewer than 32: no. */
bool kt_halves_differ(double *value, size_t n);

#endif
