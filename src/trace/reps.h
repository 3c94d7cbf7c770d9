/* Replicas of each service in each cell. */
#ifndef KT_TRACE_REPS_H
#define KT_TRACE_REPS_H

#include "cells.h"
#include "kt/error.h"
#include "names.h"
#include "visits.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t n_services;
    double *rep;    /* [cells, services] NAN: not known */
    uint32_t *seen; /* [cells, services] pods that requests of the cell visited */
    uint32_t
        *first;     /* [services] the first cell in which the manifest and the pods seen differ, or KT_NONE */
    size_t *differ; /* [services] number of such cells */
} kt_reps;

/* given [names->n]: what the user says, else NAN; then the manifest; then the pods seen, where every visit
 * has one. reps: zeroed. O(n log n) in visits. */
kt_status kt_reps_find(kt_reps *reps, const kt_cells *cells, const kt_visits *visits, const kt_names *names,
                       const double *given, kt_error *err);
void kt_reps_clear(kt_reps *reps);

#endif
