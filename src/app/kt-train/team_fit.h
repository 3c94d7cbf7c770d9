/* One fit by the ranks of a team, in slices between which they hear what rank 0 wants (kt/work.h). */
#ifndef KT_TRAIN_TEAM_FIT_H
#define KT_TRAIN_TEAM_FIT_H

#include "kt/fit.h"
#include "kt/reduce.h"
#include "kt/store.h"
#include "kt/work.h"

typedef struct {
    /* set by the caller */
    kt_work *work;
    kt_work_task *task;
    kt_store *store;
    size_t service; /* in the store */
    const kt_recipe *recipe;
    kt_isa isa;
    uint64_t before, after; /* steps of the item's other fits, done and to do */
    kt_status (*looked)(void *context, const kt_look *look, kt_error *err); /* may be NULL, as the next */
    kt_status (*wrap)(void *context, char **state, size_t *n,
                      kt_error *err); /* makes the item's state of the fit's */
    void *context;

    const kt_store_service *about;
    int rank, size; /* in the team */
    kt_reducer *reducer;
    double *cell_mean; /* [n_cells, d] of training cells */
    kt_fit_data data;
    kt_fit *fit;
    uint64_t budget, first_step; /* steps of the whole fit; where this team began */
} team_fit;

/* Readies the team. What fails here ends the job. Collective over the team, as the two below. */
kt_status team_fit_open(team_fit *t, kt_error *err);

/* Begins the fit, or goes on from a state (NULL: none). One that is of no use, or past step `until`, is
 * passed over: the fit begins anew. */
kt_status team_fit_begin(team_fit *t, const char *state, size_t n_state, uint64_t until, kt_error *err);

/* Goes on until that step or the fit's end; or leaves (task->left), then *state is the fit's on the team's
 * rank 0 (caller frees). */
kt_status team_fit_run(char **state, size_t *n_state, team_fit *t, uint64_t until, kt_error *err);

void team_fit_close(team_fit *t); /* not collective; takes one that was not opened */

/* A service or a trial that cannot be fitted is noted and the others go on; every rank of the team comes to
 * the same verdict. */
bool team_fit_concerns_one(kt_status status);

#endif
