/* One search of a sweep: its trials, and what is decided about them. Trials come in batches, a batch climbs
 * the rungs (kt/rungs.h) together, and every decision waits until all trials of a stage, those of a batch
 * that are to reach one rung, are scored. So decisions are functions of the sweep, the seed and the scores
 * alone, and whoever has the scores can make them again. Every event goes to the ledger. */
#ifndef KT_TRIALS_H
#define KT_TRIALS_H

#include "kt/ledger.h"
#include "kt/sweep.h"

typedef struct kt_trials kt_trials;

/* search: the service that the search is about, NULL for all. The arguments are borrowed. */
kt_status kt_trials_create(kt_trials **trials, const kt_sweep *sweep, const char *search, kt_ledger *ledger,
                           kt_error *err);
void kt_trials_destroy(kt_trials *trials); /* takes NULL */

/* The stage that is to run: *rung, and the trials that are to reach it, ascending (borrowed until
 * kt_trials_decide); there may be none of them. *rung = -1: the search has ended. Proposes the next batch
 * where the one before has ended. */
kt_status kt_trials_stage(const size_t **trial, size_t *n, int *rung, kt_trials *trials, kt_error *err);

/* A trial of the stage came to its rung: its value, or the reason for which it failed. */
kt_status kt_trials_set(kt_trials *trials, size_t trial, double value, const char *reason, kt_error *err);

/* Ends a stage, all of whose trials are set: who goes on and who stops. */
kt_status kt_trials_decide(kt_trials *trials, kt_error *err);

/* Is the trial to go on to another rung? */
bool kt_trials_goes_on(const kt_trials *trials, size_t trial);

size_t kt_trials_count(const kt_trials *trials); /* proposed so far */
size_t kt_trials_failed(const kt_trials *trials);
const char *kt_trials_search(const kt_trials *trials);
kt_json *kt_trials_options(const kt_trials *trials, size_t trial); /* kt_space_values */

/* Trials that came to the last rung, the best first; *n may be 0. trial [count]. */
void kt_trials_best(size_t *trial, size_t *n, const kt_trials *trials);
double kt_trials_value(const kt_trials *trials, size_t trial); /* at the last rung that it reached */

/* An event about a trial, for the caller to fill and write (new reference). rung < 0: none. */
kt_json *kt_trials_event(const kt_trials *trials, const char *event, size_t trial, int rung);

#endif
