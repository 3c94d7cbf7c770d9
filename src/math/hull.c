/* Convex hull by the monotone chain (Andrew, "Another efficient algorithm for convex hulls in two
 * dimensions", Information Processing Letters 9, 1979). */
#include "kt/hull.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-9;

static int by_x_then_y(const void *left, const void *right)
{
    const double *a = left, *b = right;
    if (a[0] != b[0])
        return a[0] < b[0] ? -1 : 1;
    return (a[1] > b[1]) - (a[1] < b[1]);
}

/* Twice the area of the triangle a, b, c: positive for a turn to the left. */
static double turn(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

static size_t without_duplicates(double *point, size_t n)
{
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (point[2 * i] != point[2 * kept - 2] || point[2 * i + 1] != point[2 * kept - 1])
            memmove(point + 2 * kept++, point + 2 * i, 2 * sizeof *point);
    return kept;
}

/* Adds c to the chain of n corners whose first `fixed` stay; corners that it makes straight or hollow go. */
static size_t extend(double *chain, size_t n, size_t fixed, const double *c)
{
    while (n > fixed && turn(chain + 2 * n - 4, chain + 2 * n - 2, c) <= 0)
        n--;
    memcpy(chain + 2 * n, c, 2 * sizeof *c);
    return n + 1;
}

/* point [n, 2] is sorted in place; corner has room for n + 1 points. Returns the number of corners. */
static size_t convex(double *corner, double *point, size_t n)
{
    qsort(point, n, 2 * sizeof *point, by_x_then_y);
    n = without_duplicates(point, n);
    size_t h = 0;
    for (size_t i = 0; i < n; i++)
        h = extend(corner, h, 1, point + 2 * i);
    size_t lower = h;
    for (size_t i = n - 1; i-- > 0;)
        h = extend(corner, h, lower, point + 2 * i);
    return h > 1 ? h - 1 : h; /* the chain ends where it began */
}

static void box(double *vertex, const double *point, size_t n, int d)
{
    for (int j = 0; j < d; j++) {
        double low = point[j], high = point[j];
        for (size_t i = 1; i < n; i++) {
            double x = point[i * (size_t)d + (size_t)j];
            low = fmin(low, x);
            high = fmax(high, x);
        }
        vertex[j] = low;
        vertex[d + j] = high;
    }
}

kt_status kt_hull_create(kt_hull *hull, const double *points, size_t n, int d, kt_error *err)
{
    kt_status status = KT_OK;
    double *sorted = NULL;
    size_t values = n * (size_t)d;

    assert(n > 0 && d > 0);
    *hull = (kt_hull){.d = d, .n = 2};
    for (size_t i = 0; i < values; i++)
        if (!isfinite(points[i]))
            return kt_fail(err, KT_INPUT, "hull: point %zu has %g in column %zu", i / (size_t)d, points[i],
                           i % (size_t)d);
    KT_TRY(kt_alloc(&hull->vertex, d == 2 ? 2 * n + 2 : 2 * (size_t)d, sizeof *hull->vertex, err));
    if (d == 2) {
        KT_TRY(kt_alloc(&sorted, values, sizeof *sorted, err));
        memcpy(sorted, points, values * sizeof *sorted);
        hull->n = convex(hull->vertex, sorted, n);
    } else {
        box(hull->vertex, points, n, d);
    }
out:
    if (status != KT_OK)
        kt_hull_clear(hull);
    free(sorted);
    return status;
}

void kt_hull_clear(kt_hull *hull)
{
    free(hull->vertex);
    *hull = (kt_hull){0};
}

/* Lowest and highest of column j over the vertices, which are those over all points, and the unit of its
 * tolerance. */
static void column(double *low, double *high, double *unit, const kt_hull *hull, int j)
{
    *low = *high = hull->vertex[j];
    for (size_t i = 1; i < hull->n; i++) {
        double x = hull->vertex[i * (size_t)hull->d + (size_t)j];
        *low = fmin(*low, x);
        *high = fmax(*high, x);
    }
    *unit = *high - *low;
    if (*unit == 0)
        *unit = *low != 0 ? fabs(*low) : 1;
}

bool kt_hull_inside(const kt_hull *hull, const double *point)
{
    double unit[2] = {1, 1};
    for (int j = 0; j < hull->d; j++) {
        double low, high, u;
        column(&low, &high, &u, hull, j);
        if (!(point[j] >= low - TOLERANCE * u && point[j] <= high + TOLERANCE * u))
            return false;
        if (hull->d == 2)
            unit[j] = u;
    }
    /* Left of every edge. A segment is two edges there and back; the ends of it, and a single point, the box
     * has settled. */
    for (size_t i = 0; hull->d == 2 && i < hull->n; i++) {
        const double *a = hull->vertex + 2 * i, *b = hull->vertex + 2 * ((i + 1) % hull->n);
        double length = hypot((b[0] - a[0]) / unit[0], (b[1] - a[1]) / unit[1]);
        if (!(turn(a, b, point) / (unit[0] * unit[1]) >= -TOLERANCE * length))
            return false;
    }
    return true;
}

/* Widens [*low, *high] by where the edge a, b, whose ends are [x, other], meets other = at. */
static void meet(double *low, double *high, const double *a, const double *b, int j, double at, double unit)
{
    double from = a[1 - j] - at, to = b[1 - j] - at, x = a[j];
    if (fabs(from) > TOLERANCE * unit) {
        if (fabs(to) <= TOLERANCE * unit || (from < 0) == (to < 0))
            return; /* the end is the next edge's start */
        x += (b[j] - a[j]) * from / (from - to);
    }
    *low = fmin(*low, x);
    *high = fmax(*high, x);
}

bool kt_hull_section(double *low, double *high, const kt_hull *hull, int j, const double *point)
{
    double least, most, unit;
    if (hull->d != 2) {
        for (int k = 0; k < hull->d; k++) {
            column(&least, &most, &unit, hull, k);
            if (k != j && !(point[k] >= least - TOLERANCE * unit && point[k] <= most + TOLERANCE * unit))
                return false;
        }
        *low = hull->vertex[j];
        *high = hull->vertex[hull->d + j];
        return true;
    }
    column(&least, &most, &unit, hull, 1 - j);
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < hull->n; i++)
        meet(low, high, hull->vertex + 2 * i, hull->vertex + 2 * ((i + 1) % hull->n), j, point[1 - j], unit);
    return *low <= *high;
}
