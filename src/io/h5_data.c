#include "h5_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types ---- */

/* A switch: each of HDF5's names is a call. */
kt_h5_types kt_h5_types_of(kt_h5_type type)
{
    switch (type) {
    case KT_H5_F32:
        return (kt_h5_types){H5T_IEEE_F32LE, H5T_NATIVE_FLOAT};
    case KT_H5_F64:
        return (kt_h5_types){H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE};
    case KT_H5_I32:
        return (kt_h5_types){H5T_STD_I32LE, H5T_NATIVE_INT32};
    case KT_H5_I64:
        return (kt_h5_types){H5T_STD_I64LE, H5T_NATIVE_INT64};
    case KT_H5_U8:
        return (kt_h5_types){H5T_STD_U8LE, H5T_NATIVE_UINT8};
    case KT_H5_U32:
        return (kt_h5_types){H5T_STD_U32LE, H5T_NATIVE_UINT32};
    case KT_H5_U64:
        return (kt_h5_types){H5T_STD_U64LE, H5T_NATIVE_UINT64};
    }
    return (kt_h5_types){H5I_INVALID_HID, H5I_INVALID_HID};
}

bool kt_h5_is_real(kt_h5_type type)
{
    return type == KT_H5_F32 || type == KT_H5_F64;
}

/* HDF5 turns a value that does not fit into the nearest that does; a reader wants to know. */
static H5T_conv_ret_t note_overflow(H5T_conv_except_t exception, hid_t from, hid_t to, void *source,
                                    void *target, void *overflow)
{
    (void)from;
    (void)to;
    (void)source;
    (void)target;
    if (exception != H5T_CONV_EXCEPT_RANGE_HI && exception != H5T_CONV_EXCEPT_RANGE_LOW)
        return H5T_CONV_UNHANDLED;
    *(bool *)overflow = true;
    return H5T_CONV_ABORT;
}

/* ---- an open dataset ---- */

void kt_h5_dataset_release(kt_h5_dataset *d)
{
    kt_h5_release(d->type);
    kt_h5_release(d->space);
    kt_h5_release(d->id);
}

kt_status kt_h5_dataset_open(kt_h5_dataset *d, kt_h5 *h, const char *name, kt_error *err)
{
    hsize_t shape[H5S_MAX_RANK] = {0};
    if (!kt_h5_has(h, name))
        return kt_h5_refuse(h, name, err, "there is no such dataset");
    d->id = H5Oopen(h->id, name, H5P_DEFAULT);
    if (d->id < 0)
        return kt_h5_fail(h, name, KT_INPUT, "open it", err);
    if (H5Iget_type(d->id) != H5I_DATASET)
        return kt_h5_refuse(h, name, err, "it is not a dataset");
    d->space = H5Dget_space(d->id);
    d->type = H5Dget_type(d->id);
    d->class = H5Tget_class(d->type);
    d->rank = H5Sget_simple_extent_dims(d->space, shape, NULL);
    if (d->rank < 0 || d->class == H5T_NO_CLASS)
        return kt_h5_fail(h, name, KT_INPUT, "open it", err);
    if (d->rank < 1 || d->rank > 2)
        return kt_h5_refuse(h, name, err, "it has %d dimensions, wanted are 1 or 2", d->rank);
    d->rows = shape[0];
    d->columns = d->rank == 2 ? shape[1] : 0;
    return KT_OK;
}

static kt_status open_numbers(kt_h5_dataset *d, kt_h5 *h, const char *name, kt_error *err)
{
    kt_status status = kt_h5_dataset_open(d, h, name, err);
    if (status == KT_OK && d->class != H5T_INTEGER && d->class != H5T_FLOAT)
        return kt_h5_refuse(h, name, err, "it does not hold numbers");
    return status;
}

static void say_shape(char out[48], size_t rows, size_t columns)
{
    if (columns > 0)
        snprintf(out, 48, "[%zu, %zu]", rows, columns);
    else
        snprintf(out, 48, "[%zu]", rows);
}

hid_t kt_h5_transfer_list(hid_t file, hid_t memory)
{
    size_t room = 1 << 16, of_file = H5Tget_size(file), of_memory = H5Tget_size(memory);
    hid_t list = H5Pcreate(H5P_DATASET_XFER);
    room = of_file > room ? of_file : room;
    H5Pset_buffer(list, of_memory > room ? of_memory : room, NULL, NULL);
    return list;
}

kt_status kt_h5_dataset_read(void *data, const kt_h5_dataset *d, kt_h5 *h, const char *name, hid_t type,
                             hid_t memory, hid_t file, kt_error *err)
{
    kt_status status = KT_OK;
    bool overflow = false;
    hid_t transfer = kt_h5_transfer_list(d->type, type);
    H5Pset_type_conv_cb(transfer, note_overflow, &overflow);
    if (H5Dread(d->id, type, memory, file, transfer, data) < 0) {
        if (overflow)
            status = kt_h5_refuse(h, name, err, "it has a value that does not fit the type it is read as");
        else
            status = kt_h5_fail(h, name, KT_INPUT, "read it", err);
    }
    kt_h5_release(transfer);
    return status;
}

static kt_status check_class(const kt_h5_dataset *d, kt_h5 *h, const char *name, kt_h5_type type,
                             kt_error *err)
{
    if (d->class == H5T_FLOAT && !kt_h5_is_real(type))
        return kt_h5_refuse(h, name, err, "it holds real numbers, wanted are whole ones");
    return KT_OK;
}

/* An unwritten dataset. */
static kt_status make_dataset(hid_t *id, kt_h5 *h, const char *name, hid_t type, size_t rows, size_t columns,
                              kt_error *err)
{
    kt_status status = KT_OK;
    const hsize_t shape[] = {rows, columns};
    hid_t space = H5Screate_simple(columns > 0 ? 2 : 1, shape, NULL), creation = h->file->creation;
    if (creation < 0 || (*id = H5Dcreate2(h->id, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT)) < 0)
        status = kt_h5_fail(h, name, KT_IO, "create the dataset", err);
    kt_h5_release(space);
    return status;
}

/* What was written last may still be with HDF5 and be refused only now. */
static kt_status finish(hid_t id, kt_h5 *h, const char *name, kt_status status, kt_error *err)
{
    if (id < 0 || H5Idec_ref(id) >= 0)
        return status;
    if (status == KT_OK)
        status = kt_h5_fail(h, name, KT_IO, "write it", err);
    H5Idec_ref(id);
    return status;
}

kt_status kt_h5_dataset_put(kt_h5 *h, const char *name, kt_h5_types types, size_t rows, size_t columns,
                            hid_t transfer, const void *data, kt_error *err)
{
    hid_t id = H5I_INVALID_HID;
    kt_status status = make_dataset(&id, h, name, types.file, rows, columns, err);
    if (status == KT_OK && rows > 0 && H5Dwrite(id, types.memory, H5S_ALL, H5S_ALL, transfer, data) < 0)
        status = kt_h5_fail(h, name, KT_IO, "write it", err);
    return finish(id, h, name, status, err);
}

/* ---- whole datasets ---- */

kt_status kt_h5_put(kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                    const void *data, kt_error *err)
{
    return kt_h5_dataset_put(h, name, kt_h5_types_of(type), rows, columns, H5P_DEFAULT, data, err);
}

kt_status kt_h5_put_scalar(kt_h5 *h, const char *name, kt_h5_type type, const void *data, kt_error *err)
{
    const kt_h5_types types = kt_h5_types_of(type);
    kt_status status = KT_OK;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5Dcreate2(h->id, name, types.file, space, H5P_DEFAULT, h->file->creation, H5P_DEFAULT);
    if (id < 0 || H5Dwrite(id, types.memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = kt_h5_fail(h, name, KT_IO, "write it", err);
    kt_h5_release(space);
    return finish(id, h, name, status, err);
}

kt_status kt_h5_shape(size_t *rows, size_t *columns, kt_h5 *h, const char *name, kt_error *err)
{
    kt_h5_dataset d = KT_H5_CLOSED;
    kt_status status = open_numbers(&d, h, name, err);
    *rows = status == KT_OK ? d.rows : 0;
    *columns = status == KT_OK ? d.columns : 0;
    kt_h5_dataset_release(&d);
    return status;
}

kt_status kt_h5_get(void *data, kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                    kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5_dataset d = KT_H5_CLOSED;
    char found[48], wanted[48];
    KT_TRY(open_numbers(&d, h, name, err));
    if (d.rows != rows || d.columns != columns || (d.rank == 2) != (columns > 0)) {
        say_shape(found, d.rows, d.columns);
        say_shape(wanted, rows, columns);
        status = kt_h5_refuse(h, name, err, "its shape is %s, wanted is %s", found, wanted);
        goto out;
    }
    KT_TRY(check_class(&d, h, name, type, err));
    if (rows > 0)
        KT_TRY(kt_h5_dataset_read(data, &d, h, name, kt_h5_types_of(type).memory, H5S_ALL, H5S_ALL, err));
out:
    kt_h5_dataset_release(&d);
    return status;
}

/* ---- in parts ---- */

kt_status kt_h5_reserve(kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                        kt_error *err)
{
    hid_t id = H5I_INVALID_HID;
    kt_status status = make_dataset(&id, h, name, kt_h5_types_of(type).file, rows, columns, err);
    return finish(id, h, name, status, err);
}

/* Selects rows [first, first + n) of d->space; *memory is a space of that shape, which the caller releases.
 */
static kt_status select_rows(hid_t *memory, const kt_h5_dataset *d, kt_h5 *h, const char *name, size_t first,
                             size_t n, kt_error *err)
{
    const hsize_t start[] = {first, 0}, shape[] = {n, d->columns};
    if (first > d->rows || n > d->rows - first)
        return kt_h5_refuse(h, name, err, "it has %zu rows, wanted are %zu from row %zu on", d->rows, n,
                            first);
    *memory = H5Screate_simple(d->rank, shape, NULL);
    if (*memory < 0 || H5Sselect_hyperslab(d->space, H5S_SELECT_SET, start, NULL, shape, NULL) < 0)
        return kt_h5_fail(h, name, KT_INPUT, "select rows", err);
    return KT_OK;
}

kt_status kt_h5_put_rows(kt_h5 *h, const char *name, kt_h5_type type, size_t first, size_t n,
                         const void *data, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5_dataset d = KT_H5_CLOSED;
    hid_t memory = H5I_INVALID_HID, id;
    KT_TRY(open_numbers(&d, h, name, err));
    KT_TRY(check_class(&d, h, name, type, err));
    KT_TRY(select_rows(&memory, &d, h, name, first, n, err));
    if (n > 0 && H5Dwrite(d.id, kt_h5_types_of(type).memory, memory, d.space, H5P_DEFAULT, data) < 0)
        status = kt_h5_fail(h, name, KT_IO, "write rows", err);
out:
    kt_h5_release(memory);
    id = d.id;
    d.id = H5I_INVALID_HID;
    kt_h5_dataset_release(&d);
    return finish(id, h, name, status, err);
}

/* Opening a dataset takes HDF5 as long as reading some thousand rows, so those that are read in parts stay
 * open. */
static kt_h5_dataset *find_kept(const kt_h5 *h, const char *name)
{
    for (int i = 0; i < h->file->n_kept && h->object[0] == '\0'; i++)
        if (strcmp(h->file->kept_name[i], name) == 0)
            return &h->file->kept[i];
    return NULL;
}

/* Takes the dataset over where there is room for it. Not in a file that is written: its last bytes go out
 * when a dataset is closed, and may be refused. */
static kt_h5_dataset *keep(kt_h5_dataset *d, kt_h5 *h, const char *name)
{
    kt_h5_file *file = h->file;
    int i = file->n_kept;
    if (file->writable || h->object[0] != '\0' || i == KT_H5_KEPT ||
        kt_strdup(&file->kept_name[i], name, NULL) != KT_OK)
        return d;
    file->n_kept++;
    file->kept[i] = *d;
    *d = (kt_h5_dataset)KT_H5_CLOSED;
    return &file->kept[i];
}

void kt_h5_release_kept(kt_h5_file *file)
{
    while (file->n_kept > 0) {
        kt_h5_dataset_release(&file->kept[--file->n_kept]);
        free(file->kept_name[file->n_kept]);
    }
}

kt_status kt_h5_get_rows(void *data, kt_h5 *h, const char *name, kt_h5_type type, size_t first, size_t n,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5_dataset own = KT_H5_CLOSED, *d = find_kept(h, name);
    hid_t memory = H5I_INVALID_HID;
    if (!d) {
        KT_TRY(open_numbers(&own, h, name, err));
        d = keep(&own, h, name);
    }
    KT_TRY(check_class(d, h, name, type, err));
    KT_TRY(select_rows(&memory, d, h, name, first, n, err));
    if (n > 0)
        KT_TRY(kt_h5_dataset_read(data, d, h, name, kt_h5_types_of(type).memory, memory, d->space, err));
out:
    kt_h5_release(memory);
    kt_h5_dataset_release(&own);
    return status;
}

/* ---- bytes ---- */

kt_status kt_h5_put_bytes(kt_h5 *h, const char *name, const void *data, size_t n, kt_error *err)
{
    return kt_h5_put(h, name, KT_H5_U8, n, 0, data, err);
}

kt_status kt_h5_get_bytes(char **data, size_t *n, kt_h5 *h, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5_dataset d = KT_H5_CLOSED;
    char *bytes = NULL;
    *data = NULL;
    *n = 0;
    KT_TRY(open_numbers(&d, h, name, err));
    if (d.class != H5T_INTEGER || d.rank != 1 || H5Tget_size(d.type) != 1) {
        status = kt_h5_refuse(h, name, err, "it is not a list of bytes");
        goto out;
    }
    KT_TRY(kt_alloc(&bytes, d.rows + 1, 1, err));
    if (d.rows > 0)
        KT_TRY(kt_h5_dataset_read(bytes, &d, h, name, d.type, H5S_ALL, H5S_ALL, err));
    *data = bytes;
    *n = d.rows;
    bytes = NULL;
out:
    free(bytes);
    kt_h5_dataset_release(&d);
    return status;
}
