/* Many points at which a model is asked: a grid, or a table in a file. */
#ifndef KT_POINTS_H
#define KT_POINTS_H

#include "command.h"

typedef struct {
    size_t n;
    double *x; /* [n, d] */
} points;

/* grids: "NAME=FROM:TO:STEP" for each feature (":STEP" left out: 1); their product, the last one fastest. */
kt_status points_from_grids(points *p, const kt_archive *archive, const kt_texts *grids, kt_error *err);

/* CSV with a header of feature names and numbers. KT_INPUT with path:line and the value. */
kt_status points_from_file(points *p, const kt_archive *archive, const char *path, kt_error *err);

void points_clear(points *p);

#endif
