/* How much of its budget a trial gets before it is compared with others: synchronous successive halving
 * (Jamieson and Talwalkar, AISTATS 2016) and Hyperband (Li et al., JMLR 2018). Rung r is a share of the
 * trial's budget of steps; the last is all of it. A bracket is the trials that begin at the same rung and
 * compete with each other: halving has one, which begins at rung 0, Hyperband one for each rung. */
#ifndef KT_RUNGS_H
#define KT_RUNGS_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KT_RUNGS_MAX = 16 };

typedef enum { KT_RUNGS_NONE, KT_RUNGS_HALVING, KT_RUNGS_HYPERBAND } kt_rungs_kind;
#define KT_RUNGS_CHOICES "none|halving|hyperband"

typedef struct {
    kt_rungs_kind kind;
    int n;                      /* rungs, at least 1 */
    double eta;                 /* of how many one goes on */
    double share[KT_RUNGS_MAX]; /* of the budget: share[n - 1] = 1, each eta times the one before */
} kt_rungs;

/* KT_USAGE: eta not above 1, n not in 1 .. KT_RUNGS_MAX. Kind none has one rung, whatever n and eta. */
kt_status kt_rungs_make(kt_rungs *rungs, kt_rungs_kind kind, int n, double eta, kt_error *err);

/* The step at which a trial of that budget reaches a rung: at least 1, the last the budget itself. */
uint64_t kt_rungs_step(const kt_rungs *rungs, int rung, uint64_t budget);

/* first [n]: the rung at which each of a batch's trials begins. Hyperband deals a batch to its brackets in
 * its own proportions, as near as whole trials allow; each bracket that gets one gets the trials that are
 * spread evenly over the batch. */
void kt_rungs_deal(int *first, const kt_rungs *rungs, size_t n);

/* What a batch's n trials take of their budgets, each as likely to go on as any other of its bracket, and how
 * many come to each rung, if none fails. share [n]; come [rungs->n]: added to. */
kt_status kt_rungs_expect(double *share, size_t *come, const kt_rungs *rungs, size_t n, kt_error *err);

/* Of a batch's n trials those that go on from `rung` (not the last) to the next: of each bracket one in eta
 * of those that were there, at least one, by the smallest value; an earlier trial where values are equal.
 * value [n]: at this rung, NaN where the trial failed; there [n]: the trial was at this rung. Failed ones are
 * counted among those that were there, and never go on. */
void kt_rungs_promote(bool *promoted, const kt_rungs *rungs, const int *first, const double *value,
                      const bool *there, size_t n, int rung);

#endif
