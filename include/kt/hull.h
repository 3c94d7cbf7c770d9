/* The hull of the points that a model was trained on: convex in two columns, a box for any other number.
 * Points on the edge are inside (tolerance 1e-9 of each column's range; of its magnitude where it never
 * varied). */
#ifndef KT_HULL_H
#define KT_HULL_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int d;
    size_t n;       /* d = 2: corners, counter-clockwise (2 for a segment, 1 for a point); else 2 */
    double *vertex; /* d = 2: [n, 2]; else [2, d]: lowest, highest */
} kt_hull;

/* points [n, d] row-major, n >= 1; KT_INPUT for one that is not finite. */
kt_status kt_hull_create(kt_hull *hull, const double *points, size_t n, int d, kt_error *err);
void kt_hull_clear(kt_hull *hull); /* takes a zeroed one */
bool kt_hull_inside(const kt_hull *hull, const double *point);

/* Where the line through the point along column j is inside: from *low to *high. False: nowhere. */
bool kt_hull_section(double *low, double *high, const kt_hull *hull, int j, const double *point);

#endif
