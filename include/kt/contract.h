/* What KubeTwin needs of a model, as a list of checks; each that does not hold is one line. */
#ifndef KT_CONTRACT_H
#define KT_CONTRACT_H

#include "kt/grid.h"
#include "kt/kubetwin.h"

typedef struct {
    const char *check; /* its name; static */
    char *service;
    char *text; /* what, which value, where */
} kt_broken;

typedef struct {
    size_t n;
    kt_broken *broken;
} kt_contract;

/* One service's mixtures under load. load [grid->n, 2]: for each point the rate that models are made for and
 * the replicas at which the grid's point is what KubeTwin asks; a rate of NaN: nobody asks there, the point
 * is only looked at for being a distribution. branch: KT_BRANCHES where it is not known: no check of the
 * family. workers: replicas of the simulated service for each of the real one (1; more where a pod works on
 * several requests at a time and its replica set is made larger for that). Adds to the contract. */
kt_status kt_contract_hold(kt_contract *contract, const kt_grid *grid, const double *load, kt_branch branch,
                           double workers, kt_error *err);

void kt_contract_clear(kt_contract *contract); /* takes a zeroed one */

/* What kt_contract_hold looks at for a model: the points that the branch asks for load [n, 2], or for a
 * grid over the hull where n = 0, then points over the hull and at rates of 0 and 34. *grid zeroed, the caller
 * clears it; *load [grid->n, 2], caller frees. */
kt_status kt_contract_points(kt_grid *grid, double **load, const kt_archive_entry *entry,
                             const kt_serving *serving, kt_branch branch, double workers,
                             const double *wanted, size_t n, kt_isa isa, kt_error *err);

#endif
