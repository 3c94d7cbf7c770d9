/* What the sources of kt/clean.h share. */
#ifndef KT_TRACE_CLEAN_PRIVATE_H
#define KT_TRACE_CLEAN_PRIVATE_H

#include "cells.h"
#include "figures.h"
#include "kt/clean.h"
#include "kt/csv.h"
#include "names.h"
#include "parents.h"
#include "queue.h"
#include "rates.h"
#include "reps.h"
#include "roots.h"
#include "visit_rates.h"
#include "visits.h"

typedef struct {
    size_t rows;
    bool has_delay;   /* a caller tells it of at least one visit */
    kt_target target; /* of its rows */
    uint64_t no_delay, negative_delays;
} kt_cleaned_service;

struct kt_cleaned {
    const kt_spans *spans;       /* borrowed */
    const kt_manifest *manifest; /* borrowed */
    const kt_clean_settings *settings;
    void (*note)(void *context, const char *line);
    void *context;
    kt_names names;
    kt_pods pods;
    kt_parents tree;
    kt_visits visits;
    kt_requests requests;
    kt_cells cells;
    kt_reps reps;
    kt_queue *queue; /* [names.n] */
    kt_rate_rule rule;
    kt_cleaned_service *service; /* [names.n] */
    uint32_t *by_name;           /* [names.n] services in byte order */
    size_t n_rows;
    uint32_t *row; /* [n_rows] visits, in the order of requests, then of start */
    kt_cell_rule cell_rule;
    char (*label)[KT_LABEL]; /* [cells.n] of those with rows */
    kt_json *flags;          /* what was said */
    kt_json *report;
};

/* Says a line, and keeps it for the report. */
void kt_cleaned_say(kt_cleaned *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whose cells have equal labels, as a reader of kt_cleaned_csv would name them. */
kt_status kt_cleaned_label(kt_cleaned *c, kt_error *err);

/* The delay that counts for a visit, ns; KT_UNKNOWN where a row would need one. The first visit of a request
 * has no caller, and nobody waits for a detached one: both count as 0. */
int64_t kt_cleaned_delay(const kt_cleaned *c, const kt_visit *visit);

/* Says what is not as it should be. */
kt_status kt_cleaned_flag(kt_cleaned *c, const kt_figures *figures, kt_error *err);

/* Fills c->report. count [KT_FATES]. */
kt_status kt_cleaned_describe(kt_cleaned *c, const uint64_t *count, kt_error *err);

/* NAME or the part before its first dot, where that is unique. KT_USAGE with `option` and the nearest. */
kt_status kt_names_match(uint32_t *service, const kt_names *names, const char *name, const char *option,
                         kt_error *err);

#endif
