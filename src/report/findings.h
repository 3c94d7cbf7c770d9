/* What a report says of each service, as numbers: all formats print these. */
#ifndef KT_REPORT_FINDINGS_H
#define KT_REPORT_FINDINGS_H

#include "kt/json.h"
#include "kt/report.h"
#include "kt/verdict.h"
#include <stdbool.h>

enum {
    CURVE = 25,      /* points of a distribution */
    GRID = 25,       /* rates at which quantiles of the model are drawn */
    PANELS_MAX = 12, /* combinations of the other features that have a picture */
    NO_PANEL = PANELS_MAX
};

enum { ROWS_MOST = 5000000 }; /* of a service whose rows are looked at: they are held in memory */

typedef struct {
    kt_cell_score score; /* w1, nll, crps and pit: of held-out cells only */
    size_t panel;
    bool seen;                                    /* its rows were there; else the three below are not */
    double low[KT_QUANTILES], high[KT_QUANTILES]; /* of observed quantiles */
    double share[CURVE];                          /* of rows up to time */
    double gap_at, gap_from, gap_to;              /* where KS is taken, between these shares */
    double time[CURVE], predicted[CURVE],
        other[CURVE]; /* the distribution; predicted, other: the models' shares */
} found_cell;

typedef struct {
    char label[256]; /* "rep 2" */
    double point[KT_FEATURES_MAX];
    double x_low, x_high; /* where its quantiles are drawn */
    bool in_hull;         /* some of the line is, from low to high: */
    double low, high;
    double line[KT_QUANTILES][GRID], other[GRID]; /* other: p95 of the other model */
} found_panel;

/* Held-out cells inside the hull that neither model was trained on. */
typedef struct {
    size_t trained_on;   /* cells left out because the other was trained on them */
    bool unknown_rows;   /* what the other was trained on is not known */
    bool other_target;   /* it was trained on times with, or without, delay */
    kt_score own, other; /* cells = 0: none in common */
} found_comparison;

typedef struct {
    bool pictured;                         /* else only its card was looked at: no cells, no panels */
    const kt_archive_entry *entry, *other; /* other: of the archive to compare with, or NULL */
    size_t n_cells, worst;                 /* worst: the cell shown first */
    found_cell *cells;                     /* by panel, then rate */
    size_t n_panels, combinations;         /* combinations of the other features that there are */
    found_panel panels[PANELS_MAX];
    int x;                      /* the feature along which quantiles are drawn */
    kt_score interior, outside; /* of held-out cells */
    kt_verdict verdict;
    found_comparison comparison;
} found_service;

typedef struct {
    const kt_report *report;
    kt_json *sweep; /* of the archive, or NULL */
    size_t n;
    found_service *services;
} findings;

kt_status findings_make(findings *f, const kt_report *report, kt_error *err); /* f: zeroed */
void findings_clear(findings *f);

double found_grid(const found_panel *panel, int k); /* the k-th of GRID rates */

/* ---- findings_cell.c ---- */

/* A cell whose rows are there: x [n, d] and y [n] in canonical order. score: all but what comes from rows is
 * set. */
kt_status found_cell_rows(found_cell *cell, kt_predictor *predictor, const double *y, size_t n, uint64_t seed,
                          uint64_t subject, uint32_t index, kt_error *err);
/* One of which the archive's card alone tells. */
void found_cell_card(found_cell *cell, kt_predictor *predictor);

/* ---- findings_compare.c ---- */

/* The other model on a service's held-out cells, from its card or from rows (service, NULL: none). */
kt_status found_compare(found_service *f, const kt_service *service, size_t d, uint64_t seed, kt_isa isa,
                        kt_error *err);

/* Rows of a cell in canonical order; caller frees both. */
kt_status found_rows(double **x, double **y, const kt_service *service, size_t d, size_t cell, kt_error *err);

#endif
