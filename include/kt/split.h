/* Splits: which cells are held out, which rows validate, and the stored order of training rows. A function of
 * the seed, the data's cells and nothing else; training one service alone sees the split it has among all. */
#ifndef KT_SPLIT_H
#define KT_SPLIT_H

#include "kt/error.h"
#include "kt/samples.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t seed;
    double test_cells;        /* share of cells, 0: none */
    double validation;        /* share of the training cells' rows */
    uint64_t most_validation; /* rows */
    int folds, fold; /* folds > 1: cells are dealt to that many, and those of `fold` (from 0) are held out,
                        whatever test_cells says */
} kt_split_options;

typedef struct {
    size_t n_train, n_validation, n_test;
    uint32_t *row;      /* [n] rows of the service: training in stored order, validation, then test by cell */
    uint8_t *cell_test; /* [n_cells] 1: held out */
} kt_split;

/* splits [samples->n_services], zeroed. Test cells: ordered by (rep, rate) and drawn one from each of as many
 * equal runs as cells are wanted, so that they spread over load; then one more for each (service, rep) that
 * has 4 or more cells and none held out; never all the cells of a rep. Fewer than 3 cells: none is held out.
 *
 * A service's draw depends on the labels of its cells, which for nominal load steps tell the rate and the
 * replicas of all services of the file (kt/csv.h): services with equal sets of labels hold out the same
 * steps, whichever of them are there. Labels that tell nothing (cells of a column, bins) are placed by the
 * service's own rates and reps; the lots are still drawn by label, so that draws differ only where these
 * differ.
 *
 * Folds: of each run of `folds` cells in that order one goes to each fold, by lot; a fold is empty where
 * there are fewer cells, and with fewer than 3 cells all are. */
kt_status kt_split_make(kt_split *splits, const kt_samples *samples, const kt_split_options *options,
                        kt_error *err);
void kt_split_clear(kt_split *split);

#endif
