/* Datasets in HDF5: schema kt-dataset. All services one after the other; a reader needs only its own rows.
 *
 *   /x [N, d] f64, /y [N] f64 s
 *   /cell [N] u32              index into the service's cells
 *   /row [N] u32               place in canonical order
 *   /services                  table: name, offset, numbers of rows and cells, rule, target, counts, digest
 *   /cells, /cell_mean [c, d]  table: label, rows, test (0/1); means of the features
 *   /features, /provenance     JSON bytes
 *   /cleaning                  JSON bytes, where rows come from traces
 *
 * A dataset without a split (kt import) has n_train = n_validation = n_test = 0 and rows in canonical order.
 * One with a split (RUN/dataset.h5) stores training rows in their shuffled order, validation, then test by
 * cell; reading it whole restores the canonical order, so that it trains to the same archive as its source.
 */
#ifndef KT_STORE_H
#define KT_STORE_H

#include "kt/error.h"
#include "kt/file.h"
#include "kt/samples.h"
#include "kt/split.h"
#include <stdbool.h>
#include <stddef.h>

#define KT_DATASET_SCHEMA "kt-dataset"
enum { KT_DATASET_VERSION = 1 };

/* Atomic. splits: [n_services], or NULL for none. services: which to write (n_services flags), or NULL for
 * all. guard: kt/file.h. */
kt_status kt_store_write(const char *path, const kt_samples *samples, const kt_split *splits,
                         const bool *services, const kt_file_guard *guard, kt_error *err);

/* The whole file, canonical order. samples: zeroed. Digests are recomputed and compared: KT_INPUT where one
 * differs. */
kt_status kt_store_read(kt_samples *samples, const char *path, kt_error *err);

/* An open dataset: the index in memory, rows by service on demand. */
typedef struct kt_store kt_store;
typedef struct {
    const char *name;
    size_t offset, n, n_train, n_validation, n_test;
    size_t n_cells;
    const kt_cell *cells;
    const uint8_t *cell_test; /* [n_cells] */
    kt_cell_rule rule;
    kt_target target;
    uint64_t blank_targets, negative_delays;
    uint8_t digest[KT_DIGEST_BYTES];
} kt_store_service;

kt_status kt_store_open(kt_store **store, const char *path, kt_error *err);
void kt_store_close(kt_store *store);
int kt_store_features(const kt_store *store);
const char *kt_store_feature(const kt_store *store, int i);
const char *kt_store_provenance(const kt_store *store); /* JSON; borrowed */
const char *kt_store_cleaning(const kt_store *store);   /* JSON, or NULL (kt/samples.h); borrowed */
size_t kt_store_count(const kt_store *store);
const kt_store_service *kt_store_at(const kt_store *store, size_t i);   /* borrowed until close */
bool kt_store_find(size_t *i, const kt_store *store, const char *name); /* by exact name */

/* Rows [first, first + n) of service i in stored order; x [n, d], y [n], cell [n] (any may be NULL). */
kt_status kt_store_rows(double *x, double *y, uint32_t *cell, kt_store *store, size_t i, size_t first,
                        size_t n, kt_error *err);

/* Service i as it was before the split: all rows in canonical order. service: zeroed, and cleared as part of
 * kt_samples. Its digest is the stored one: rows are not compared with it. */
kt_status kt_store_service_rows(kt_service *service, kt_store *store, size_t i, kt_error *err);

#endif
