/* What kt plan plans: the fits of a run or of a dataset, and what they cost. */
#ifndef KT_APP_PLANNING_H
#define KT_APP_PLANNING_H

#include "kt/costs.h"
#include "kt/fit.h"
#include "kt/store.h"

/* Of an exchange, where it was not said: between processes of one machine. */
#define PLAN_LATENCY 5e-6

typedef struct {
    const char *path; /* as it was given */
    char *folder;     /* of a run, else NULL */
    kt_store *store;
    bool swept; /* a run with trials, which are not planned */
    kt_recipe recipe;
    size_t n;            /* services */
    kt_costs_fit *fits;  /* [n] */
    kt_plan_item *items; /* [n] */
    kt_costs costs;
    size_t measured;  /* services whose own times are in the run's journal */
    char source[300]; /* where the costs come from, for people */
} plan_job;

/* path: a run's folder, or a dataset, which would be trained by the recipe. Caller clears. */
kt_status plan_open(plan_job *job, const char *path, const char *recipe, kt_error *err);
void plan_clear(plan_job *job);

/* Costs from what this machine takes: fits of the job's own services, for a moment each. */
kt_status plan_calibrate(plan_job *job, kt_error *err);

/* Fills costs and items. file: of costs, NULL: the run's own, if there is one. latency < 0: that of the
 * costs. KT_USAGE where nothing was measured. */
kt_status plan_costs(plan_job *job, const char *file, bool calibrated, double latency, kt_error *err);

#endif
