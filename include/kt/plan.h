/* Who does what when: from costs alone, pure. */
#ifndef KT_PLAN_H
#define KT_PLAN_H

#include "kt/error.h"
#include <stddef.h>

/* The order in which items are begun: the most costly first, equal ones by index. order [n]. */
void kt_plan_order(size_t *order, const double *cost, size_t n);

/* Deals n items out to `parts` parts: in that order, each to the part with the least so far, the first of
 * equal ones. Then no part costs more than 4/3 of what the best deal's costliest does (Graham 1969). part
 * [n]: 0 to parts - 1. */
kt_status kt_plan_deal(int *part, const double *cost, size_t n, int parts, kt_error *err);

#endif
