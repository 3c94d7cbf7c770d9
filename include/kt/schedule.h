/* How long a fit phase takes: what kt/work.h does with items of known costs, played through without ranks.
 *
 * Items too large for one rank that all ranks can share are done by all as a team, one after the other; the
 * rest is handed out one by one, the most costly first, to whoever is free. When none is left, free ranks
 * join the run that would end last, up to its limit: it begins anew, reads its rows, and goes on from its
 * step. It does so where the seconds that it saves are twice those that beginning takes, which it knows after
 * some steps. Ranks that no run wants leave. */
#ifndef KT_SCHEDULE_H
#define KT_SCHEDULE_H

#include "kt/plan.h"

/* What an item takes, in seconds. With g ranks:
 *
 *   start + read / g + steps (fixed + shared b(g) + latency ceil(log2 g)) + judge / g
 *
 * where b(g) = ceil(limit / g) / limit is the share of the rank that has most blocks of a batch. */
typedef struct {
    double cost;          /* what the order goes by, in any unit */
    double start, read;   /* until the first step, alike for all ranks of a team, and shared by them */
    double fixed, shared; /* of each step */
    double judge;         /* after the last */
    double steps;
    int limit; /* ranks that can share it, at least 1 */
} kt_plan_item;

double kt_plan_seconds(const kt_plan_item *item, int ranks, double latency);

typedef struct {
    double begin, end; /* seconds */
    int first, last;   /* ranks that began it and that ended it */
} kt_plan_run;

typedef struct {
    double makespan;
    double alone;        /* what one rank would take for all */
    double bound;        /* no schedule is shorter: fair shares, and the longest item by its best team */
    double busy;         /* seconds of ranks that had something to do */
    size_t teams, grown; /* items that began with a team; that ranks joined */
} kt_plan_summary;

/* runs [n]. latency: seconds of one exchange between two ranks of a team. O(n log n + ranks^2). Pure. */
kt_status kt_plan_schedule(kt_plan_run *runs, kt_plan_summary *summary, const kt_plan_item *items, size_t n,
                           int ranks, kt_plan_mode mode, double latency, kt_error *err);

#endif
