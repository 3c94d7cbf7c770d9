/* What a report says of a sweep: parts of the page, of Markdown and JSON, and pictures. */
#ifndef KT_REPORT_SWEEPS_H
#define KT_REPORT_SWEEPS_H

#include "kt/importance.h"
#include "kt/report.h"
#include "kt/sweep_view.h"
#include "svg.h"

enum {
    SEARCHES_MOST = 12, /* that a page shows; of more the first ones */
    TRIALS_MOST = 1000  /* of a search that are listed and drawn: the best ones */
};

typedef struct {
    const kt_sweep_view *view;
    const kt_sweep_search *search;
    size_t shown;                           /* trials, of search->order */
    kt_importance importance[KT_SPACE_MAX]; /* of view->varied */
    size_t by_importance[KT_SPACE_MAX];     /* the largest first */
    int top;                                /* the rung whose values are compared; -1: none was reached */
    double low, high;                       /* of the axis of values; what lies above is drawn at its end */
} found_search;

kt_status found_search_make(found_search *f, const kt_sweep_view *view, const kt_sweep_search *search,
                            kt_error *err);

/* Is the search about a service of the report, or about all? */
bool found_search_shows(const kt_report *report, const kt_sweep_search *search);

const char *sweep_objective_text(const kt_sweep_view *view);

/* The option's value as text, "" where the trial does not have it; at most n bytes. */
void sweep_value_text(char *text, size_t n, const kt_sweep_trial *trial, const char *option);

/* ---- the page and the other formats ---- */
kt_status page_sweep(FILE *out, const kt_report *report, kt_error *err);
kt_status markdown_sweep(FILE *out, const kt_report *report, kt_error *err);
kt_status sweep_report_json(kt_json **json, const kt_sweep_view *view, kt_error *err);

/* ---- pictures, each as an element of a page ---- */

/* Values at the last rung, and the best so far, by the trial's number or by time. */
kt_status picture_sweep_best(FILE *out, const found_search *f, bool by_time, kt_error *err);

/* What became of the trials at each rung. */
void picture_sweep_rungs(FILE *out, const kt_sweep_view *view);

/* Importance of options, with what chance gives. */
void picture_sweep_importance(FILE *out, const found_search *f);

/* Parallel coordinates: a line for each trial, data-t="its number", through the values of its options. */
void picture_sweep_parallel(FILE *out, const found_search *f);

#endif
