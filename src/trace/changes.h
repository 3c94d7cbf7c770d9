/* Load steps that nobody wrote down: found where the set of pods or the rate of requests changes. */
#ifndef KT_TRACE_CHANGES_H
#define KT_TRACE_CHANGES_H

#include "kt/error.h"
#include "names.h"
#include <stddef.h>
#include <stdint.h>

/* A request visited a pod of a service. */
typedef struct {
    uint32_t service, request, pod;
} kt_sighting;

/* A step: requests [first, next) under one load. */
typedef struct {
    size_t first, next;
    uint32_t cell;
} kt_run;

enum { KT_CELL_REQUESTS = 100 }; /* a step of fewer is put together with others of its kind */

/* Steps of requests [n] in order, cells numbered by first request; caller frees *run. start [n] ns,
 * ascending; sighting [n_sightings] is sorted here; pods below n_pods.
 *
 * Pods: one is gone, or not yet there, while its service gets visits and it gets none, for so long that at
 * its share (the smaller of an equal one and that of its median gap) this had p < 1e-9. Requests between two
 * such changes that are fewer than 50 apart belong to no step.
 * Rate: windows of 10 s from the first request of a set of pods; where two that are side by side differ by a
 * two-sided Poisson test with p < 1e-6, the cut is where the likelihood of two rates is largest.
 * Steps of fewer than KT_CELL_REQUESTS of one set of pods are one cell where their rates lie in one bin, a
 * factor of 1.5 wide. O(n log n). */
kt_status kt_changes_find(kt_run **run, size_t *n_runs, size_t *n_cells, const int64_t *start, size_t n,
                          kt_sighting *sighting, size_t n_sightings, size_t n_pods, kt_error *err);

/* P of counts as far apart as n1 and n2 in exposures e1 and e2 > 0, or farther, at one rate (two-sided,
 * conditional on their sum: binomial). */
double kt_poisson_p(size_t n1, double e1, size_t n2, double e2);

#endif
