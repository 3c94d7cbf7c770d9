/* How good a model is, cell by cell. A cell's distribution is compared with the model asked once at the
 * cell's mean features, as KubeTwin asks; NLL, CRPS and PIT are row by row, with each row's own features.
 *
 *   KS      sup |F_n - F|                        floor: its median when the n rows really come from the
 * model's distribution at that point; where the rows' lag-1 autocorrelation exceeds 0.1, by bootstrap of
 * blocks of 32 rows against the cell's own empirical distribution W1      integral |F_n - F| dy / mean of
 * rows p50..   observed (type 7 quantile), predicted, |predicted - observed| / observed NLL     nats a row, y
 * in seconds, y below the predictor's floor counts as it CRPS    seconds a row (kt_mixture_crps) PIT     F(y
 * | x): counts in KT_PIT_BINS equal bins */
#ifndef KT_METRICS_H
#define KT_METRICS_H

#include "kt/error.h"
#include "kt/model.h"
#include "kt/samples.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KT_PIT_BINS = 20, KT_QUANTILES = 3 };
extern const double kt_quantile_level[KT_QUANTILES]; /* 0.5, 0.95, 0.99 */

/* What the archive's training saw of a cell's rows. Stored: append, never renumber. */
typedef enum { KT_ROLE_NEW, KT_ROLE_TRAINING, KT_ROLE_HELD_OUT } kt_role;
extern const char *const kt_role_text[]; /* "new data", "training rows", "held out" */

typedef struct {
    char label[KT_LABEL];
    uint64_t rows;
    kt_role role;
    bool interior; /* its mean features lie in the model's hull */
    double mean[KT_FEATURES_MAX];
    double ks, ks_floor, autocorrelation, w1;
    double observed[KT_QUANTILES], predicted[KT_QUANTILES], error[KT_QUANTILES];
    double nll, crps;
    uint64_t pit[KT_PIT_BINS];
} kt_cell_score;

/* Rows of one cell in canonical order: x [n, d], y [n], n >= 1. seed, subject, index: the stream of the
 * bootstrap. */
kt_status kt_metrics_cell(kt_cell_score *score, kt_predictor *predictor, const kt_cell *cell, const double *x,
                          const double *y, size_t n, uint64_t seed, uint64_t subject, uint32_t index,
                          kt_error *err);

/* One number of a cell, for comparing models that were fitted to the same rows; smaller is better. nll: as
 * above; ks; crps: over the mean of the cell's rows, so that services compare; p95: the error of that
 * quantile. */
typedef enum { KT_METRIC_NLL, KT_METRIC_KS, KT_METRIC_CRPS, KT_METRIC_P95 } kt_metric;
#define KT_METRIC_CHOICES "nll|ks|crps|p95"

/* The same of what kt_metrics_cell says, without the rest. KT_NUMERIC: it is not finite. */
kt_status kt_metrics_value(double *value, kt_metric metric, kt_predictor *predictor, const kt_cell *cell,
                           const double *x, const double *y, size_t n, kt_error *err);

/* What one line of a table says of several cells: medians over cells, means over rows, and sums of PIT. */
typedef struct {
    uint64_t cells, rows;
    double ks, ks_floor, w1, error[KT_QUANTILES]; /* medians over cells; NaN where there are none */
    double nll, crps;                             /* means over rows */
    char worst[KT_LABEL];                         /* the cell with the largest KS - floor */
    double worst_ks;
    uint64_t pit[KT_PIT_BINS];
} kt_score;

/* Over the cells of that role that are, or are not, interior. */
void kt_metrics_sum(kt_score *score, const kt_cell_score *cells, size_t n, kt_role role, bool interior);

/* ---- Recognising rows: a sketch of the rows that a model was trained on (training and validation), the k
 * smallest of their 64-bit hashes (bottom-k; Broder 1997). A row of other data whose hash is not above the
 * largest of the sketch was trained on exactly if its hash is in it. ---- */
enum { KT_SKETCH = 256 };
uint64_t kt_row_hash(const double *x, int d, double y);
/* hashes [n] in any order -> sketch [KT_SKETCH] ascending; returns its size. */
size_t kt_sketch_make(uint64_t *sketch, const uint64_t *hashes, size_t n);
/* Rows of [n] hashes that are surely training rows. */
size_t kt_sketch_matches(const uint64_t *sketch, size_t size, const uint64_t *hashes, size_t n);

#endif
