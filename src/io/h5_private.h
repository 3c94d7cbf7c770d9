/* What the files on HDF5 share; the only place besides them that sees hdf5.h. */
#ifndef KT_H5_PRIVATE_H
#define KT_H5_PRIVATE_H

#include "kt/h5.h"

#include <hdf5.h>

/* What all handles of one open file share. */
typedef struct {
    char *path;
    int handles;
    bool writable, failed; /* failed: a write was refused, the file cannot become whole */
    bool memory;           /* an image, no file of the system */
    hid_t creation;        /* the list that all its datasets are made with */
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

#endif
