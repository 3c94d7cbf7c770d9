/* What a sweep file asks for.
 *
 *   {"space": {...},                 kt/space.h
 *    "method": "tpe", "trials": 64, "batch": 16, "seed": 1, "max_trials": 10000, "max_failures": 0,
 *    "scheduler": "hyperband", "rungs": 3, "eta": 3,
 *    "objective": "nll", "folds": 0, "per": "all", "keep": 1}
 *
 * All but "space" have presets. The canonical text of the file, presets filled in, is part of what a run's
 * results depend on. */
#ifndef KT_SWEEP_H
#define KT_SWEEP_H

#include "kt/propose.h"
#include "kt/rungs.h"

typedef enum { KT_OBJECTIVE_NLL, KT_OBJECTIVE_KS, KT_OBJECTIVE_CRPS, KT_OBJECTIVE_P95 } kt_objective;
#define KT_OBJECTIVE_CHOICES "nll|ks|crps|p95"

typedef enum { KT_SWEEP_ALL, KT_SWEEP_SERVICE } kt_sweep_per;
#define KT_SWEEP_PER_CHOICES "all|service"

typedef struct {
    int method, scheduler, objective, per; /* kt_propose_method, kt_rungs_kind, kt_objective, kt_sweep_per */
    int64_t trials;                        /* of each search; 0: all of a grid */
    int64_t batch;                         /* trials that tpe proposes at a time */
    int64_t folds; /* of the training cells; 0: one seeded fifth of them judges all trials */
    int64_t rungs, seed, max_trials, max_failures, keep; /* max_failures 0: any number */
    double eta;
} kt_sweep_options;

typedef struct {
    kt_sweep_options set;
    kt_space *space;
    kt_rungs rung;
    kt_json *json; /* normal form of the file */
} kt_sweep;

/* json: of the file `where`. table: the options that trials may vary. Trials of a grid are set here. KT_USAGE
 * as kt_space_create; an unknown key (the nearest is named); a grid of more than max_trials; more than one
 * batch of trials of a grid asked than it has. sweep: zeroed. */
kt_status kt_sweep_create(kt_sweep *sweep, const kt_json *json, const kt_option *table, const char *where,
                          kt_error *err);
void kt_sweep_clear(kt_sweep *sweep); /* takes a zeroed one */

/* Trials that are proposed together, from `first` on: all of them, unless by tpe. */
size_t kt_sweep_batch(const kt_sweep *sweep, size_t first);

#endif
