/* --sweep: trials of many settings, and the best of them. What the files sweep*.c share. Everything is
 * decided on rank 0 (kt/trials.h); the other ranks learn which fits a stage has. */
#ifndef KT_TRAIN_SWEEP_H
#define KT_TRAIN_SWEEP_H

#include "kt/checkpoint.h"
#include "kt/fit.h"
#include "kt/ledger.h"
#include "kt/metrics.h"
#include "kt/store.h"
#include "kt/sweep.h"
#include "kt/trials.h"
#include "kt/work.h"

typedef struct job job;

/* A trial of the running stage. */
typedef struct {
    size_t search, trial;
    kt_recipe recipe;
    bool started; /* rank 0: as the ledger says */
} sweep_trial;

/* One fit of it: a service's rows without a fold's cells, which judge it. */
typedef struct {
    size_t trial;   /* of the stage */
    size_t service; /* in the stores */
    int fold;
    bool done; /* rank 0, as the rest: */
    double value;
    char *reason; /* for which it failed, NULL: it did not */
} sweep_fit;

typedef struct {
    int rung; /* -1: none is left */
    size_t n_trials, n_fits;
    sweep_trial *trials;
    sweep_fit *fits; /* by trial, service, fold */
} sweep_stage;

/* How far fits have come, by name. */
typedef struct sweep_states sweep_states;

typedef struct {
    kt_sweep what;
    int n_folds;
    kt_store **fold;              /* [n_folds] */
    size_t n_searches, *searched; /* [n_searches] the service of each, where each has its own */
    sweep_stage stage;
    double latency; /* of ranks, as kt_work_options remembers it */
    /* rank 0: */
    kt_ledger *ledger;
    kt_trials **search; /* [n_searches] */
    sweep_states *states;
    kt_json *outcome;      /* what the archive says of it */
    size_t ended, planned; /* trials */
} sweep;

/* json: of a sweep's file, or its normal form. where: for messages. */
kt_status sweep_create(sweep **s, const kt_json *json, const char *where, kt_error *err);
void sweep_destroy(sweep *s); /* takes NULL */

/* ---- sweep.c ---- */

/* Runs the trials, or what is left of them, and plans the fits of the best: j->plan. *stopped as kt_work_run
 * says. Collective. */
kt_status sweep_run(bool *stopped, job *j, kt_error *err);

/* ---- sweep_folds.c ---- */

/* Writes the folds of the training cells, or finds those of an unfinished run; all open them. Collective. */
kt_status sweep_folds(sweep *s, const job *j, kt_error *err);

/* ---- sweep_stage.c: which fits a stage has, and what comes in of them ---- */
kt_status sweep_stage_share(job *j, kt_error *err);              /* collective */
kt_status sweep_stage_run(bool *stopped, job *j, kt_error *err); /* collective */
void sweep_stage_clear(sweep_stage *stage);

/* Has the fold cells of the service to judge it by, and rows to train on? */
bool sweep_judges(const sweep *s, int fold, size_t service);

const char *sweep_service(const sweep *s, const sweep_fit *fit);
/* Under which its state is kept; of searches by service the name tells the search too. Caller frees. */
kt_status sweep_fit_name(char **name, const sweep *s, const sweep_fit *fit, kt_error *err);

/* ---- sweep_decide.c ---- */
kt_status sweep_stage_end(job *j, kt_error *err); /* rank 0: values of trials, decisions */

/* ---- sweep_trial.c: one fit, by a team ---- */
kt_status sweep_trial_run(void *context, kt_work *work, kt_work_task *task, kt_error *err);

/* What its result says. state: where a promoted trial goes on; borrowed. */
typedef struct {
    double value, seconds; /* seconds: of all its ranks */
    uint64_t steps;
    char *reason; /* NULL: it has a value; caller frees */
    const char *state;
    size_t n_state;
} sweep_result;
kt_status sweep_result_unpack(sweep_result *result, const char *bytes, size_t n, kt_error *err);

/* ---- sweep_states.c ---- */
kt_status sweep_states_put(sweep_states **states, const char *name, const char *bytes, size_t n,
                           kt_error *err);
const char *sweep_states_get(const sweep_states *states, const char *name,
                             size_t *n); /* NULL: none; borrowed */
void sweep_states_drop(sweep_states *states, const char *name);
kt_status sweep_states_keep(const sweep_states *states, kt_checkpoint *checkpoint, kt_error *err);
void sweep_states_destroy(sweep_states *states);

/* ---- sweep_winners.c ---- */

/* How each service is trained, from rank 0's outcome. Collective. */
kt_status sweep_winners(job *j, kt_error *err);

/* ---- sweep_dry.c ---- */
kt_status sweep_dry(job *j, kt_error *err); /* rank 0 */

#endif
