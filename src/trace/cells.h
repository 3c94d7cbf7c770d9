/* Load cells: which requests came under which load. */
#ifndef KT_TRACE_CELLS_H
#define KT_TRACE_CELLS_H

#include "changes.h"
#include "kt/error.h"
#include "kt/manifest.h"
#include "roots.h"
#include "visits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t start, end;           /* ns: as told, or of its first and last request */
    size_t requests;              /* found */
    double asked, rate;           /* of requests, per second; NAN: not known */
    double due;                   /* the rate as drawn where that is told, else asked */
    const kt_manifest_cell *told; /* NULL: found */
    bool overloaded;              /* achieved less than 0.9 of due */
} kt_load_cell;

typedef struct {
    bool told; /* by a manifest */
    size_t n;
    kt_load_cell *cell;
    size_t n_runs;
    kt_run *run;   /* by first request: no group of arrivals crosses their borders */
    double sample; /* share of requests of which traces are there; NAN: not all, unknown how many */
} kt_cells;

typedef struct {
    const kt_manifest *manifest; /* n = 0: there is none; borrowed by the cells */
    double sampling;             /* as the user says; 0: nothing said */
} kt_cells_options;

/* Sets cell of requests and visits. With a manifest a request is of the cell in which it starts; the rate is
 * the achieved one. Without: kt/changes.h, the rate is that of the requests over the share of them that is
 * traced. KT_INPUT where that share is not known and would be needed, or no request starts in a cell. cells:
 * zeroed. */
kt_status kt_cells_find(kt_cells *cells, kt_requests *requests, kt_visits *visits, size_t n_pods,
                        const kt_cells_options *options, kt_error *err);
void kt_cells_clear(kt_cells *cells);

#endif
