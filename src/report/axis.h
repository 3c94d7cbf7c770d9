/* Axes: round ticks, and where values lie on a picture. */
#ifndef KT_REPORT_AXIS_H
#define KT_REPORT_AXIS_H

#include <stdbool.h>

enum { AXIS_TICKS = 16 };

typedef struct {
    bool log;
    double low, high;      /* the ends */
    int from, to;          /* where they lie, in units of the picture */
    double unit;           /* labels are values over it */
    const char *unit_name; /* "ms" or "" */
    int n;
    double tick[AXIS_TICKS];
} axis;

/* Ticks 1, 2 or 5 times a power of ten apart, at most `most` (2 to AXIS_TICKS); the ends move out to ticks.
 * low <= high, finite. */
axis axis_linear(double low, double high, int most);

/* The same, but the axis ends where the data do, and its ticks lie between. */
axis axis_fitting(double low, double high, int most);

/* Ticks at 1, 2 and 5 times powers of ten, at powers alone where these are too many, at every other power
 * where they still are. low > 0. */
axis axis_log(double low, double high, int most);

/* For times: logarithmic where they span more than a factor of 5, in s, ms or us by the largest. */
axis axis_times(double low, double high, int most);

/* Where a value lies, rounded; values beyond the ends lie at the ends. */
int axis_at(const axis *a, double value);

/* A tick's label, without the unit. */
void axis_label(char label[32], const axis *a, double tick);

#endif
