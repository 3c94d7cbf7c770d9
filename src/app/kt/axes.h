/* Ranges on the command line. */
#ifndef KT_APP_AXES_H
#define KT_APP_AXES_H

#include "kt/grid.h"
#include "kt/options.h"

/* "FROM:TO[:STEP]" or one number; STEP left out: 1. option begins the message. */
kt_status axis_read(kt_axis *axis, const char *option, const char *text, kt_error *err);

/* "rps=RANGE" and "rep=RANGE", each at most once; what is not given has step 0. */
kt_status axes_read(kt_axis *rps, kt_axis *rep, const kt_texts *grids, kt_error *err);

#endif
