/* HDF5 files: typed reads and writes. Only io/h5.c sees hdf5.h. The library's own error printing is off; an
 * error becomes one message with path:object and HDF5's innermost reason.
 *
 * What is written depends on the calls alone: version bounds fixed at 1.10, no times, contiguous layout, no
 * filters, little-endian types, objects in the order of the calls. Files are created under a temporary name
 * (kt/file.h); file locking of HDF5 is off. */
#ifndef KT_H5_H
#define KT_H5_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kt_h5 kt_h5; /* an open file or group */

/* Element types in files. KT_H5_TEXT is a zero-padded fixed string; its width is an argument. */
typedef enum { KT_H5_F32, KT_H5_F64, KT_H5_I32, KT_H5_I64, KT_H5_U8, KT_H5_U32, KT_H5_U64 } kt_h5_type;

/* Files. user_block: 0, or a power of two >= 512 left free before the HDF5 data. Close takes NULL; a parent
 * may be closed before its groups. create fails where path exists. */
kt_status kt_h5_create(kt_h5 **file, const char *path, size_t user_block, kt_error *err);
kt_status kt_h5_open(kt_h5 **file, const char *path,
                     kt_error *err);            /* read-only; KT_INPUT when it is no HDF5 file */
kt_status kt_h5_close(kt_h5 *h, kt_error *err); /* flush errors (a full disk) are returned here */

/* Files in memory, with all that is said of files here. create: no file of the system is made. image: its
 * bytes as a file would have them; caller frees. open: of such bytes, which are copied; name begins messages.
 */
kt_status kt_h5_create_memory(kt_h5 **file, const char *name, kt_error *err);
kt_status kt_h5_image(char **data, size_t *n, kt_h5 *file, kt_error *err);
kt_status kt_h5_open_memory(kt_h5 **file, const void *data, size_t n, const char *name, kt_error *err);

kt_status kt_h5_group_create(kt_h5 **group, kt_h5 *parent, const char *name, kt_error *err);
kt_status kt_h5_group_open(kt_h5 **group, kt_h5 *parent, const char *name, kt_error *err);
bool kt_h5_has(kt_h5 *h, const char *name);
/* Names of links in byte order. Caller frees each and the array. */
kt_status kt_h5_names(char ***names, size_t *n, kt_h5 *h, kt_error *err);

/* A name that HDF5 can hold as a link: '/', '.' at its start, '%' and control characters as %XX. Caller
 * frees. */
kt_status kt_h5_link_name(char **out, const char *name, kt_error *err);

/* Datasets, rank 1 or 2; shape {n, 0} is rank 1. Whole ones. */
kt_status kt_h5_put(kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                    const void *data, kt_error *err);
/* One element, of rank 0. */
kt_status kt_h5_put_scalar(kt_h5 *h, const char *name, kt_h5_type type, const void *data, kt_error *err);
/* Shape of a dataset; columns 0 for rank 1. KT_INPUT where it is missing or of another kind than numbers. */
kt_status kt_h5_shape(size_t *rows, size_t *columns, kt_h5 *h, const char *name, kt_error *err);
/* Reads all of it, converted to `type`; the shape must be as said (columns 0: rank 1). data: caller's. */
kt_status kt_h5_get(void *data, kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                    kt_error *err);

/* In parts: make an unwritten dataset, then write and read rows [first, first + n). */
kt_status kt_h5_reserve(kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                        kt_error *err);
kt_status kt_h5_put_rows(kt_h5 *h, const char *name, kt_h5_type type, size_t first, size_t n,
                         const void *data, kt_error *err);
kt_status kt_h5_get_rows(void *data, kt_h5 *h, const char *name, kt_h5_type type, size_t first, size_t n,
                         kt_error *err);

/* Bytes of any length as a u8 dataset; get appends a NUL. Caller frees. */
kt_status kt_h5_put_bytes(kt_h5 *h, const char *name, const void *data, size_t n, kt_error *err);
kt_status kt_h5_get_bytes(char **data, size_t *n, kt_h5 *h, const char *name, kt_error *err);

/* Tables: a compound dataset from an array of C structs, field by field, packed in the file. A text field is
 * a char array inside the struct of `width` bytes. Fields absent from an older file read as zero. */
typedef struct {
    const char *name;
    kt_h5_type type; /* ignored where width > 0 */
    size_t offset;
    size_t width; /* > 0: text of that many bytes in the struct */
} kt_h5_field;
/* fields: the same until the file is closed. */
kt_status kt_h5_put_table(kt_h5 *h, const char *name, const kt_h5_field *fields, size_t n_fields,
                          const void *rows, size_t row_size, size_t n, kt_error *err);
kt_status kt_h5_get_table(void **rows, size_t *n, kt_h5 *h, const char *name, const kt_h5_field *fields,
                          size_t n_fields, size_t row_size, kt_error *err); /* caller frees *rows */

/* Attributes of the file's root or of a group, short ones only. */
kt_status kt_h5_put_text(kt_h5 *h, const char *name, const char *value, kt_error *err);
kt_status kt_h5_put_int(kt_h5 *h, const char *name, int64_t value, kt_error *err);
kt_status kt_h5_put_real(kt_h5 *h, const char *name, double value, kt_error *err);
kt_status kt_h5_get_text(char **value, kt_h5 *h, const char *name, kt_error *err); /* caller frees */
kt_status kt_h5_get_int(int64_t *value, kt_h5 *h, const char *name, kt_error *err);
kt_status kt_h5_get_real(double *value, kt_h5 *h, const char *name, kt_error *err);

/* Schema name and version as root attributes "schema" and "version". check: KT_INPUT for another schema (both
 * are named), KT_UNSUPPORTED for a version above `newest`; *version is what the file says. */
kt_status kt_h5_put_schema(kt_h5 *file, const char *schema, int version, kt_error *err);
kt_status kt_h5_check_schema(int *version, kt_h5 *file, const char *schema, int newest, kt_error *err);

const char *kt_h5_library(void); /* "1.10.8": HDF5's version */

#endif
