/* How a sweep stands, for people: what kt sweep shows, and kt-train at its end. */
#ifndef KT_APP_SWEEP_PRINT_H
#define KT_APP_SWEEP_PRINT_H

#include "kt/sweep_view.h"
#include <stdio.h>

/* service: whose search is listed, NULL: the only one, or the best of each. KT_USAGE: there is none of it. */
kt_status sweep_print_text(const kt_sweep_view *view, bool at_work, size_t top, const char *service,
                           kt_error *err);
kt_status sweep_print_csv(const kt_sweep_view *view, kt_error *err); /* a line for each trial */
void sweep_line(char line[200], const kt_sweep_view *view);          /* in a few words */

#endif
