/* From the options of kt load to a plan. */
#ifndef KT_APP_LOAD_PLAN_H
#define KT_APP_LOAD_PLAN_H

#include "kt/json.h"
#include "kt/options.h"

/* What was given; 0, NULL or nothing where it was not. */
typedef struct {
    const char *plan, *uri, *arrivals, *method, *body, *ca_file, *entry;
    kt_texts rep, header;
    double rps, seconds, slowdown, warmup, cooldown, pause, hook_timeout, timeout, give_up;
    int64_t requests, most, seed, repeats;
    bool shuffle;
} load_wishes;

/* KT_USAGE for what is missing or contradicts itself. */
kt_status load_plan_check(const load_wishes *wishes, kt_error *err);

/* The plan's file, or a plan of one cell, under the options that were given; files named by @ are read. A
 * plan without seed has that of the folder (NULL: none) or a new one. */
kt_status load_plan_make(kt_json **plan, const load_wishes *wishes, const char *folder, kt_error *err);

#endif
