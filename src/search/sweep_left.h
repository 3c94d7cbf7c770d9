/* What a sweep has spent of its budget, and what is left. */
#ifndef KT_SEARCH_SWEEP_LEFT_H
#define KT_SEARCH_SWEEP_LEFT_H

#include "kt/sweep_view.h"

/* The rungs of the view, by its sweep. */
kt_status sweep_left_rungs(kt_sweep_view *view, kt_error *err);

/* Fills in planned, seconds, utilisation, spent, left and to_go. rank_seconds: that the ranks were there;
 * NaN: not known. fits: of a trial to a rung. */
kt_status sweep_left(kt_sweep_view *view, double rank_seconds, size_t fits, kt_error *err);

#endif
