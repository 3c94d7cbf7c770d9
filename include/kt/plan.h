/* Who does what when: from costs alone, pure. */
#ifndef KT_PLAN_H
#define KT_PLAN_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>

/* What the order goes by: a service's fit in rows of steps (some 60 ns each by networks of the usual size). A
 * row to read costs about as much, one to judge 64 times as much. */
double kt_plan_cost(double steps, int batch, double rows, double held_out_rows);

/* The order in which items are begun: the most costly first, equal ones by index. order [n]. */
void kt_plan_order(size_t *order, const double *cost, size_t n);

/* auto: what costs more than a rank's fair share begins with a team, if all ranks can be in it: one of fewer
 * would leave others idle, and free ranks join what runs; service: nothing; data: all that can be shared. */
typedef enum { KT_PLAN_AUTO, KT_PLAN_SERVICE, KT_PLAN_DATA } kt_plan_mode;
#define KT_PLAN_CHOICES "auto|service|data"

/* That order with what begins with a team in front, each part still in order: *n_team of them. limit: ranks
 * that can share an item, at least 1. */
void kt_plan_teams(size_t *order, size_t *n_team, const double *cost, const int *limit, size_t n, int ranks,
                   kt_plan_mode mode);

/* A step of a team: the rank that has most does this share of a batch's `limit` blocks, and its sum takes so
 * many exchanges one after the other. */
double kt_plan_share(int limit, int ranks);
int kt_plan_exchanges(int ranks);

/* A run knows what a step takes after so many; growing pays where what it saves is twice what beginning anew
 * takes. */
enum { KT_PLAN_MEASURED_STEPS = 16 };
bool kt_plan_growing_pays(double saved_s, double begin_s);

/* Deals n items out to `parts` parts: in that order, each to the part with the least so far, the first of
 * equal ones. Then no part costs more than 4/3 of what the best deal's costliest does (Graham 1969). part
 * [n]: 0 to parts - 1. */
kt_status kt_plan_deal(int *part, const double *cost, size_t n, int parts, kt_error *err);

#endif
