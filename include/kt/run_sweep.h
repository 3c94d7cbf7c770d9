/* The sweep of a run's folder. */
#ifndef KT_RUN_SWEEP_H
#define KT_RUN_SWEEP_H

#include "kt/sweep_view.h"

/* Has the run a ledger, whatever is in it? */
bool kt_run_has_sweep(const char *folder);

/* How its sweep stands. now: s since 1970; where no kt-train works in the folder (kt_lock_is_held), or with
 * NaN, the last event was the last. Caller clears. KT_INPUT: the run has no sweep, or as of
 * kt_sweep_view_read. at_work: may be NULL. */
kt_status kt_run_sweep(kt_sweep_view *view, bool *at_work, const char *folder, double now, kt_error *err);

#endif
