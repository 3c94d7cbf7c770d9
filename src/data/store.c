#include "kt/store.h"

#include "kt/json.h"
#include "kt/pause.h"
#include "store_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(type, field) offsetof(type, field)
const kt_h5_field store_service_fields[STORE_SERVICE_FIELDS] = {
    {"name", KT_H5_U8, AT(store_service_row, name), KT_NAME},
    {"offset", KT_H5_U64, AT(store_service_row, offset), 0},
    {"rows", KT_H5_U64, AT(store_service_row, rows), 0},
    {"n_train", KT_H5_U64, AT(store_service_row, n_train), 0},
    {"n_validation", KT_H5_U64, AT(store_service_row, n_validation), 0},
    {"n_test", KT_H5_U64, AT(store_service_row, n_test), 0},
    {"first_cell", KT_H5_U64, AT(store_service_row, first_cell), 0},
    {"cells", KT_H5_U64, AT(store_service_row, cells), 0},
    {"rule", KT_H5_U32, AT(store_service_row, rule), 0},
    {"target", KT_H5_U32, AT(store_service_row, target), 0},
    {"blank_targets", KT_H5_U64, AT(store_service_row, blank_targets), 0},
    {"negative_delays", KT_H5_U64, AT(store_service_row, negative_delays), 0},
    {"digest", KT_H5_U8, AT(store_service_row, digest), KT_DIGEST_HEX},
};
const kt_h5_field store_cell_fields[STORE_CELL_FIELDS] = {
    {"label", KT_H5_U8, AT(store_cell_row, label), KT_LABEL},
    {"rows", KT_H5_U64, AT(store_cell_row, rows), 0},
    {"test", KT_H5_U32, AT(store_cell_row, test), 0},
};

/* ---- the index: nothing of it is believed before it was checked ---- */

static kt_status bad(const kt_store *store, kt_error *err, const char *object, size_t i, const char *what)
{
    return kt_fail(err, KT_INPUT, "%s:/%s: row %zu: %s", store->path, object, i, what);
}

static bool hex_digest(uint8_t digest[KT_DIGEST_BYTES], const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 2 * KT_DIGEST_BYTES; i++) {
        const char *digit = hex[i] ? strchr(digits, hex[i]) : NULL;
        if (!digit)
            return false;
        uint8_t value = (uint8_t)(digit - digits);
        digest[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : digest[i / 2] | value);
    }
    return hex[2 * KT_DIGEST_BYTES] == '\0';
}

static kt_status check_service(kt_store *store, size_t i, uint64_t *offset, uint64_t *cell, kt_error *err)
{
    const store_service_row *row = &store->service_rows[i];
    kt_store_service *s = &store->services[i];
    uint64_t test_rows = 0, rows = 0;
    bool has_split = row->n_train != 0 || row->n_validation != 0 || row->n_test != 0;
    if (!memchr(row->name, '\0', KT_NAME) || row->name[0] == '\0')
        return bad(store, err, "services", i, "no name");
    if (i > 0 && strcmp(store->service_rows[i - 1].name, row->name) >= 0)
        return bad(store, err, "services", i, "names are not in order");
    if (row->offset != *offset || row->rows > store->rows - *offset || row->first_cell != *cell ||
        row->cells > store->n_cells - *cell)
        return bad(store, err, "services", i,
                   "rows or cells outside of the file, or not one after the other");
    if (has_split && (row->n_train > row->rows || row->n_validation > row->rows - row->n_train ||
                      row->n_test != row->rows - row->n_train - row->n_validation))
        return bad(store, err, "services", i, "training, validation and test rows are not all rows");
    if (row->rule > KT_CELLS_BINS || row->target > KT_TARGET_PROC_DELAY ||
        !hex_digest(s->digest, row->digest))
        return bad(store, err, "services", i, "a rule, target or digest that there is not");
    for (uint64_t c = *cell; c < *cell + row->cells; c++) {
        rows += store->cells[c].rows;
        test_rows += store->cell_test[c] ? store->cells[c].rows : 0;
    }
    if (rows != row->rows || test_rows != row->n_test)
        return bad(store, err, "services", i, "its cells have another number of rows");
    *offset += row->rows;
    *cell += row->cells;
    return KT_OK;
}

static void fill_service(kt_store *store, size_t i)
{
    const store_service_row *row = &store->service_rows[i];
    kt_store_service *s = &store->services[i];
    s->name = row->name;
    s->offset = (size_t)row->offset;
    s->n = (size_t)row->rows;
    s->n_train = (size_t)row->n_train;
    s->n_validation = (size_t)row->n_validation;
    s->n_test = (size_t)row->n_test;
    s->n_cells = (size_t)row->cells;
    s->cells = store->cells + row->first_cell;
    s->cell_test = store->cell_test + row->first_cell;
    s->rule = (kt_cell_rule)row->rule;
    s->target = (kt_target)row->target;
    s->blank_targets = row->blank_targets;
    s->negative_delays = row->negative_delays;
}

static kt_status read_services(kt_store *store, kt_error *err)
{
    kt_status status = KT_OK;
    void *rows = NULL;
    uint64_t offset = 0, cell = 0;
    KT_TRY(kt_h5_get_table(&rows, &store->n, store->file, "services", store_service_fields,
                           STORE_SERVICE_FIELDS, sizeof *store->service_rows, err));
    store->service_rows = rows;
    KT_TRY(kt_alloc(&store->services, store->n, sizeof *store->services, err));
    for (size_t i = 0; i < store->n; i++) {
        KT_TRY(check_service(store, i, &offset, &cell, err));
        fill_service(store, i);
    }
    if (offset != store->rows || cell != store->n_cells)
        KT_TRY(kt_fail(
            err, KT_INPUT, "%s:/services: %llu rows and %llu cells of %zu and %zu belong to a service",
            store->path, (unsigned long long)offset, (unsigned long long)cell, store->rows, store->n_cells));
out:
    return status;
}

static kt_status read_cells(kt_store *store, kt_error *err)
{
    kt_status status = KT_OK;
    void *table = NULL;
    double *means = NULL;
    size_t d = (size_t)store->d;
    KT_TRY(kt_h5_get_table(&table, &store->n_cells, store->file, "cells", store_cell_fields,
                           STORE_CELL_FIELDS, sizeof(store_cell_row), err));
    const store_cell_row *rows = table;
    KT_TRY(kt_alloc(&means, store->n_cells * d, sizeof *means, err));
    KT_TRY(kt_alloc(&store->cells, store->n_cells, sizeof *store->cells, err));
    KT_TRY(kt_alloc(&store->cell_test, store->n_cells, sizeof *store->cell_test, err));
    KT_TRY(kt_h5_get(means, store->file, "cell_mean", KT_H5_F64, store->n_cells, d, err));
    for (size_t c = 0; c < store->n_cells; c++) {
        if (!memchr(rows[c].label, '\0', KT_LABEL) || rows[c].test > 1 || rows[c].rows > store->rows)
            KT_TRY(bad(store, err, "cells", c, "a label without end, a flag or a count that cannot be"));
        memcpy(store->cells[c].label, rows[c].label, KT_LABEL);
        store->cells[c].rows = rows[c].rows;
        memcpy(store->cells[c].mean, means + c * d, d * sizeof *means);
        store->cell_test[c] = (uint8_t)rows[c].test;
    }
out:
    free(table);
    free(means);
    return status;
}

static kt_status read_features(kt_store *store, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t n, columns;
    KT_TRY(kt_h5_get_bytes(&text, &n, store->file, "features", err));
    KT_TRY(kt_json_parse(&store->features, text, n, store->path, err));
    store->d = (int)kt_json_size(store->features);
    if (store->d < 1 || store->d > KT_FEATURES_MAX)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:/features: %d names", store->path, store->d));
    for (int f = 0; f < store->d; f++)
        if (!kt_json_as_text(kt_json_at(store->features, (size_t)f), NULL))
            KT_TRY(kt_fail(err, KT_INPUT, "%s:/features: name %d is no text", store->path, f));
    KT_TRY(kt_h5_shape(&store->rows, &columns, store->file, "x", err));
    if (columns != (size_t)store->d)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:/x: %zu columns for %d features", store->path, columns, store->d));
    KT_TRY(kt_h5_get_bytes(&store->provenance, &n, store->file, "provenance", err));
    if (kt_h5_has(store->file, "cleaning"))
        KT_TRY(kt_h5_get_bytes(&store->cleaning, &n, store->file, "cleaning", err));
out:
    free(text);
    return status;
}

static kt_status check_lengths(kt_store *store, kt_error *err)
{
    kt_status status = KT_OK;
    static const char *const names[] = {"y", "cell", "row"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t rows, columns;
        KT_TRY(kt_h5_shape(&rows, &columns, store->file, names[i], err));
        if (rows != store->rows || columns != 0)
            KT_TRY(kt_fail(err, KT_INPUT, "%s:/%s: %zu rows, /x has %zu", store->path, names[i], rows,
                           store->rows));
    }
out:
    return status;
}

kt_status kt_store_open(kt_store **out, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_store *store = NULL;
    int version;
    *out = NULL;
    KT_TRY(kt_alloc(&store, 1, sizeof *store, err));
    KT_TRY(kt_strdup(&store->path, path, err));
    KT_TRY(kt_h5_open(&store->file, path, err));
    KT_TRY(kt_h5_check_schema(&version, store->file, KT_DATASET_SCHEMA, KT_DATASET_VERSION, err));
    KT_TRY(read_features(store, err));
    KT_TRY(check_lengths(store, err));
    KT_TRY(read_cells(store, err));
    KT_TRY(read_services(store, err));
    *out = store;
    store = NULL;
out:
    kt_store_close(store);
    return status;
}

void kt_store_close(kt_store *store)
{
    if (!store)
        return;
    kt_h5_close(store->file, NULL);
    kt_json_drop(store->features);
    free(store->path);
    free(store->provenance);
    free(store->cleaning);
    free(store->services);
    free(store->service_rows);
    free(store->cells);
    free(store->cell_test);
    free(store);
}

int kt_store_features(const kt_store *store)
{
    return store->d;
}

const char *kt_store_feature(const kt_store *store, int i)
{
    return kt_json_as_text(kt_json_at(store->features, (size_t)i), "");
}

const char *kt_store_provenance(const kt_store *store)
{
    return store->provenance;
}

const char *kt_store_cleaning(const kt_store *store)
{
    return store->cleaning;
}

size_t kt_store_count(const kt_store *store)
{
    return store->n;
}

const kt_store_service *kt_store_at(const kt_store *store, size_t i)
{
    return &store->services[i];
}

bool kt_store_find(size_t *i, const kt_store *store, const char *name)
{
    size_t low = 0, high = kt_store_count(store); /* names are in byte order */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int side = strcmp(kt_store_at(store, middle)->name, name);
        if (side == 0) {
            *i = middle;
            return true;
        }
        if (side < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* ---- rows ---- */

/* Is no value of v [n] NaN, infinite or, unless `negative`, below 0? All of them at once: few files are bad.
 */
static bool all_good(const double *v, size_t n, bool negative)
{
    const uint64_t sign = (uint64_t)1 << 63, infinity = (uint64_t)0x7ff << 52, drop = negative ? sign : 0;
    uint64_t bad = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, v + i, sizeof bits);
        bits = bits == sign ? 0 : bits & ~drop;
        bad |= bits >= infinity;
    }
    return !bad;
}

static kt_status check_rows(const kt_store *store, size_t at, const double *x, const double *y,
                            const uint32_t *cell, size_t n, size_t n_cells, kt_error *err)
{
    size_t d = (size_t)store->d;
    bool good_x = !x || all_good(x, n * d, true), good_y = !y || all_good(y, n, false);
    for (size_t i = 0; !good_x && i < n * d; i++)
        if (!isfinite(x[i]))
            return kt_fail(err, KT_INPUT, "%s:/x: row %zu holds %g", store->path, at + i / d, x[i]);
    for (size_t i = 0; !good_y && i < n; i++)
        if (!isfinite(y[i]) || y[i] < 0)
            return kt_fail(err, KT_INPUT, "%s:/y: row %zu holds %g", store->path, at + i, y[i]);
    for (size_t i = 0; cell && i < n; i++)
        if (cell[i] >= n_cells)
            return kt_fail(err, KT_INPUT, "%s:/cell: row %zu holds %u", store->path, at + i, cell[i]);
    return KT_OK;
}

kt_status kt_store_rows(double *x, double *y, uint32_t *cell, kt_store *store, size_t i, size_t first,
                        size_t n, kt_error *err)
{
    enum { PIECE = 1 << 16 };
    kt_status status = KT_OK;
    const kt_store_service *s = &store->services[i];
    for (size_t done = 0; done < n;) {
        size_t at = s->offset + first + done, some = n - done < PIECE ? n - done : PIECE;
        kt_pause();
        if (x)
            KT_TRY(kt_h5_get_rows(x, store->file, "x", KT_H5_F64, at, some, err));
        if (y)
            KT_TRY(kt_h5_get_rows(y, store->file, "y", KT_H5_F64, at, some, err));
        if (cell)
            KT_TRY(kt_h5_get_rows(cell, store->file, "cell", KT_H5_U32, at, some, err));
        KT_TRY(check_rows(store, at, x, y, cell, some, s->n_cells, err));
        done += some;
        x = x ? x + some * (size_t)store->d : NULL;
        y = y ? y + some : NULL;
        cell = cell ? cell + some : NULL;
    }
out:
    return status;
}
