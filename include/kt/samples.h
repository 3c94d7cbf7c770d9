/* Samples: rows of services, with their cells. What every reader makes and every splitter takes.
 *
 * A service has n rows: features x [n, d] row-major, target y [n] in seconds, and the cell of each row. A
 * cell is one load step, (rate, replicas) with all its repeats: the unit that is held out. Rows keep the
 * order in which they were read: that is the canonical order, and the digest is taken over it. */
#ifndef KT_SAMPLES_H
#define KT_SAMPLES_H

#include "kt/digest.h"
#include "kt/error.h"
#include "kt/scaler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KT_LABEL = 64, KT_NAME = 256 }; /* bytes of a cell's label and of a service's name, with the NUL */

typedef struct {
    char label[KT_LABEL]; /* its name in the data, or made from its rule; equal labels in two services are one
                             load step */
    uint64_t rows;
    double mean[KT_FEATURES_MAX]; /* mean of each feature over its rows; for rps_eff: the cell's rate */
} kt_cell;

/* How cells were found, in order of preference. Stored: append, never renumber. */
typedef enum { KT_CELLS_NOMINAL, KT_CELLS_COLUMN, KT_CELLS_BINS } kt_cell_rule;
extern const char *const kt_cell_rule_text[]; /* one clause each, for people */

typedef enum { KT_TARGET_PROC, KT_TARGET_PROC_DELAY } kt_target;

typedef struct {
    char *name;
    size_t n;
    double *x;      /* [n, d] */
    double *y;      /* [n] seconds, finite, >= 0 */
    uint32_t *cell; /* [n] index into cells */
    size_t n_cells;
    kt_cell *cells;
    kt_cell_rule rule;
    kt_target target;
    uint64_t blank_targets, negative_delays; /* rows dropped, rows whose delay counted as 0 */
    uint8_t
        digest[KT_DIGEST_BYTES]; /* name, feature names, target, then x, y, cell labels and cell in order */
} kt_service;

typedef struct {
    int d;
    char *feature[KT_FEATURES_MAX]; /* names; default rps_eff, rep */
    size_t n_services;
    kt_service *services; /* byte order of names, which are unique */
    char *provenance;     /* JSON object for people: files, units, rules, counts; not part of digests */
    char
        *cleaning; /* JSON object: what the cleaning of traces found and chose, and how complete the pull was;
                      no paths, no times of day: archives keep it. NULL: the rows do not come from traces */
} kt_samples;

void kt_samples_clear(kt_samples *samples); /* releases all; takes a zeroed one */

/* Index of a service by its exact name, or by a unique short one ("frontend" for "frontend.istio-dt").
 * KT_USAGE where there is none (the nearest is named) or several. */
kt_status kt_samples_find(size_t *index, const kt_samples *samples, const char *name, kt_error *err);

/* Sets cell means and row counts, sorts services, computes digests. Readers call it at their end. */
kt_status kt_samples_finish(kt_samples *samples, kt_error *err);

/* Gives each row its cell's mean as rps_eff, where cells are load steps (any rule but bins), and makes the
 * digests anew. A rate read off a few neighbouring rows is noisy: a model that learns from it takes the
 * spread of readings for the effect of load, while it will be asked for a mean rate. KT_USAGE without that
 * feature. */
kt_status kt_samples_cell_rates(kt_samples *samples, kt_error *err);

void kt_samples_sort(kt_samples *samples); /* services alone, for those who put finished ones together */

/* The column that holds replicas ("rep") and the one that holds the rate ("rps_eff"), or -1. */
int kt_samples_feature(const kt_samples *samples, const char *name);

#endif
