/* What the files on HDF5 share; the only place besides them that sees hdf5.h. */
#ifndef KT_H5_PRIVATE_H
#define KT_H5_PRIVATE_H

#include "kt/h5.h"

#include <hdf5.h>

/* An open dataset. */
typedef struct {
    hid_t id, space, type; /* type: in the file */
    H5T_class_t class;
    int rank;
    size_t rows, columns; /* columns: 0 for rank 1 */
} kt_h5_dataset;

#define KT_H5_CLOSED                                                                                         \
    {                                                                                                        \
        .id = H5I_INVALID_HID, .space = H5I_INVALID_HID, .type = H5I_INVALID_HID                             \
    }

typedef struct {
    hid_t file, memory; /* little-endian, and the machine's */
} kt_h5_types;

/* How the rows of a table are written. */
typedef struct {
    const kt_h5_field *fields; /* whose */
    kt_h5_types row;
    hid_t transfer;
} kt_h5_rows;

enum { KT_H5_KEPT = 4 };

/* What all handles of one open file share. */
typedef struct {
    char *path;
    int handles;
    bool writable, failed; /* failed: a write was refused, the file cannot become whole */
    bool memory;           /* an image, no file of the system */
    hid_t creation;        /* the list that all its datasets are made with */
    int n_kept; /* datasets of the root that are read in parts, by name: they stay open until it is closed */
    char *kept_name[KT_H5_KEPT];
    kt_h5_dataset kept[KT_H5_KEPT];
    int n_tables; /* the first that were written: describing a row takes as long as writing some */
    kt_h5_rows table[KT_H5_KEPT];
} kt_h5_file;

struct kt_h5 {
    hid_t id; /* file or group */
    kt_h5_file *file;
    char *object; /* "" for the root, else "/models/frontend" */
};

/* The library is told to print nothing; before any other call to it. */
void kt_h5_quiet(void);

/* A handle without an identifier, and its end: what is left of one after its identifier is released. */
kt_status kt_h5_handle(kt_h5 **out, const char *path, bool writable, kt_error *err);
void kt_h5_forget(kt_h5 *h);

/* The list that datasets are made with, or a negative identifier. */
hid_t kt_h5_dataset_list(void);

/* "path:/group/name: cannot <what>: <HDF5's innermost reason>". A KT_IO is a refused write: it gives the file
 * up, see h5.c. */
kt_status kt_h5_fail(kt_h5 *h, const char *name, kt_status status, const char *what, kt_error *err);

/* Fails with "path:/group/name" before the formatted text, for what HDF5 itself has nothing against. */
kt_status kt_h5_refuse(kt_h5 *h, const char *name, kt_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Takes any identifier, valid or not. */
void kt_h5_release(hid_t id);

/* A creation list of that class without times, or a negative identifier. */
hid_t kt_h5_timeless(hid_t class);

/* A string of `width` bytes, zero-padded or zero-terminated, UTF-8; or a negative identifier. */
hid_t kt_h5_text_type(size_t width, H5T_str_t padding);

/* ---- h5_data.c: datasets, also for h5_table.c ---- */

kt_h5_types kt_h5_types_of(kt_h5_type type);
bool kt_h5_is_real(kt_h5_type type);

/* dataset: KT_H5_CLOSED; the caller releases it in any case. */
kt_status kt_h5_dataset_open(kt_h5_dataset *dataset, kt_h5 *h, const char *name, kt_error *err);
void kt_h5_dataset_release(kt_h5_dataset *dataset);
void kt_h5_release_kept(kt_h5_file *file);

/* For elements of these types. HDF5 clears a buffer of 1 MB for each table that it converts; ours is smaller,
 * and holds one element at least. */
hid_t kt_h5_transfer_list(hid_t file, hid_t memory);

/* The elements that `memory` and `file` select (H5S_ALL: all), as `type`. */
kt_status kt_h5_dataset_read(void *data, const kt_h5_dataset *d, kt_h5 *h, const char *name, hid_t type,
                             hid_t memory, hid_t file, kt_error *err);

/* Makes a dataset, writes it and closes it. */
kt_status kt_h5_dataset_put(kt_h5 *h, const char *name, kt_h5_types types, size_t rows, size_t columns,
                            hid_t transfer, const void *data, kt_error *err);

/* ---- h5_table.c ---- */

void kt_h5_release_tables(kt_h5_file *file);

#endif
