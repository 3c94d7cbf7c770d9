/* What the files of kt_store share: an open kt-dataset, and its tables as C structs. */
#ifndef KT_DATA_STORE_PRIVATE_H
#define KT_DATA_STORE_PRIVATE_H

#include "kt/h5.h"
#include "kt/json.h"
#include "kt/samples.h"
#include "kt/store.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char name[KT_NAME];
    uint64_t offset, rows, n_train, n_validation, n_test;
    uint64_t first_cell, cells;
    uint32_t rule, target;
    uint64_t blank_targets, negative_delays;
    char digest[KT_DIGEST_HEX];
} store_service_row;

typedef struct {
    char label[KT_LABEL];
    uint64_t rows;
    uint32_t test;
} store_cell_row;

enum { STORE_SERVICE_FIELDS = 13, STORE_CELL_FIELDS = 3 };
extern const kt_h5_field store_service_fields[STORE_SERVICE_FIELDS], store_cell_fields[STORE_CELL_FIELDS];

struct kt_store {
    kt_h5 *file;
    char *path, *provenance, *cleaning;
    kt_json *features;
    int d;
    size_t n, n_cells, rows;
    kt_store_service *services; /* names point into service_rows */
    store_service_row *service_rows;
    kt_cell *cells;
    uint8_t *cell_test;
};

#endif
