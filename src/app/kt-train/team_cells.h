/* The held-out cells of a service, judged by the ranks of a team: rank r of n has cells r, r + n, ... */
#ifndef KT_TRAIN_TEAM_CELLS_H
#define KT_TRAIN_TEAM_CELLS_H

#include "kt/model.h"
#include "kt/store.h"
#include <mpi.h>

typedef struct {
    MPI_Comm team;
    kt_store *store;
    size_t service; /* in the store */
    kt_predictor *predictor;
    size_t size; /* bytes of a result */
    /* Judges one cell, index: of all cells of the service; x [rows, d], y [rows] */
    kt_status (*judge)(void *context, void *result, kt_predictor *predictor, const kt_cell *cell,
                       uint32_t index, const double *x, const double *y, kt_error *err);
    void *context;
} team_cells;

/* How many there are. */
size_t team_cells_count(const kt_store_service *service);

/* results [count]: on the team's rank 0 all of them, in the order of the cells. Collective over the team;
 * ends with agreement. */
kt_status team_cells_judge(void *results, const team_cells *t, kt_error *err);

#endif
