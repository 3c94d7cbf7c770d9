#include "h5_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types ---- */

typedef struct {
    hid_t file, memory; /* little-endian, and the machine's */
} type_pair;

static type_pair types_of(kt_h5_type type)
{
    const type_pair pairs[] = {
        [KT_H5_F32] = {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT}, [KT_H5_F64] = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE},
        [KT_H5_I32] = {H5T_STD_I32LE, H5T_NATIVE_INT32},  [KT_H5_I64] = {H5T_STD_I64LE, H5T_NATIVE_INT64},
        [KT_H5_U8] = {H5T_STD_U8LE, H5T_NATIVE_UINT8},    [KT_H5_U32] = {H5T_STD_U32LE, H5T_NATIVE_UINT32},
        [KT_H5_U64] = {H5T_STD_U64LE, H5T_NATIVE_UINT64},
    };
    return pairs[type];
}

static bool is_real(kt_h5_type type)
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

typedef struct {
    hid_t id, space, type; /* type: in the file */
    H5T_class_t class;
    int rank;
    size_t rows, columns; /* columns: 0 for rank 1 */
} dataset;

static const dataset closed = {.id = H5I_INVALID_HID, .space = H5I_INVALID_HID, .type = H5I_INVALID_HID};

static void release(dataset *d)
{
    kt_h5_release(d->type);
    kt_h5_release(d->space);
    kt_h5_release(d->id);
}

static kt_status open_dataset(dataset *d, kt_h5 *h, const char *name, kt_error *err)
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

static kt_status open_numbers(dataset *d, kt_h5 *h, const char *name, kt_error *err)
{
    kt_status status = open_dataset(d, h, name, err);
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

/* For elements of these types. HDF5 clears a buffer of 1 MB for each table that it converts; ours is smaller,
 * and holds one element at least. */
static hid_t transfer_list(hid_t file, hid_t memory)
{
    size_t room = 1 << 16, of_file = H5Tget_size(file), of_memory = H5Tget_size(memory);
    hid_t list = H5Pcreate(H5P_DATASET_XFER);
    room = of_file > room ? of_file : room;
    H5Pset_buffer(list, of_memory > room ? of_memory : room, NULL, NULL);
    return list;
}

/* The elements that `memory` and `file` select (H5S_ALL: all). */
static kt_status read_values(void *data, const dataset *d, kt_h5 *h, const char *name, hid_t type,
                             hid_t memory, hid_t file, kt_error *err)
{
    kt_status status = KT_OK;
    bool overflow = false;
    hid_t transfer = transfer_list(d->type, type);
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

static kt_status check_class(const dataset *d, kt_h5 *h, const char *name, kt_h5_type type, kt_error *err)
{
    if (d->class == H5T_FLOAT && !is_real(type))
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

static kt_status put_all(kt_h5 *h, const char *name, type_pair types, size_t rows, size_t columns,
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
    return put_all(h, name, types_of(type), rows, columns, H5P_DEFAULT, data, err);
}

kt_status kt_h5_put_scalar(kt_h5 *h, const char *name, kt_h5_type type, const void *data, kt_error *err)
{
    const type_pair types = types_of(type);
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
    dataset d = closed;
    kt_status status = open_numbers(&d, h, name, err);
    *rows = status == KT_OK ? d.rows : 0;
    *columns = status == KT_OK ? d.columns : 0;
    release(&d);
    return status;
}

kt_status kt_h5_get(void *data, kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                    kt_error *err)
{
    kt_status status = KT_OK;
    dataset d = closed;
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
        KT_TRY(read_values(data, &d, h, name, types_of(type).memory, H5S_ALL, H5S_ALL, err));
out:
    release(&d);
    return status;
}

/* ---- in parts ---- */

kt_status kt_h5_reserve(kt_h5 *h, const char *name, kt_h5_type type, size_t rows, size_t columns,
                        kt_error *err)
{
    hid_t id = H5I_INVALID_HID;
    kt_status status = make_dataset(&id, h, name, types_of(type).file, rows, columns, err);
    return finish(id, h, name, status, err);
}

/* Selects rows [first, first + n) of d->space; *memory is a space of that shape, which the caller releases.
 */
static kt_status select_rows(hid_t *memory, const dataset *d, kt_h5 *h, const char *name, size_t first,
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
    dataset d = closed;
    hid_t memory = H5I_INVALID_HID, id;
    KT_TRY(open_numbers(&d, h, name, err));
    KT_TRY(check_class(&d, h, name, type, err));
    KT_TRY(select_rows(&memory, &d, h, name, first, n, err));
    if (n > 0 && H5Dwrite(d.id, types_of(type).memory, memory, d.space, H5P_DEFAULT, data) < 0)
        status = kt_h5_fail(h, name, KT_IO, "write rows", err);
out:
    kt_h5_release(memory);
    id = d.id;
    d.id = H5I_INVALID_HID;
    release(&d);
    return finish(id, h, name, status, err);
}

kt_status kt_h5_get_rows(void *data, kt_h5 *h, const char *name, kt_h5_type type, size_t first, size_t n,
                         kt_error *err)
{
    kt_status status = KT_OK;
    dataset d = closed;
    hid_t memory = H5I_INVALID_HID;
    KT_TRY(open_numbers(&d, h, name, err));
    KT_TRY(check_class(&d, h, name, type, err));
    KT_TRY(select_rows(&memory, &d, h, name, first, n, err));
    if (n > 0)
        KT_TRY(read_values(data, &d, h, name, types_of(type).memory, memory, d.space, err));
out:
    kt_h5_release(memory);
    release(&d);
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
    dataset d = closed;
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
        KT_TRY(read_values(bytes, &d, h, name, d.type, H5S_ALL, H5S_ALL, err));
    *data = bytes;
    *n = d.rows;
    bytes = NULL;
out:
    free(bytes);
    release(&d);
    return status;
}

/* ---- tables ---- */

/* The two types of a table's row: packed in the file, a C struct in memory. */
static kt_status row_types(type_pair *row, kt_h5 *h, const char *name, const kt_h5_field *fields,
                           size_t n_fields, size_t row_size, kt_error *err)
{
    size_t packed = 0;
    bool good = true;
    for (size_t i = 0; i < n_fields; i++)
        packed += fields[i].width > 0 ? fields[i].width : H5Tget_size(types_of(fields[i].type).file);
    row->file = H5Tcreate(H5T_COMPOUND, packed);
    row->memory = H5Tcreate(H5T_COMPOUND, row_size);
    packed = 0;
    for (size_t i = 0; i < n_fields; i++) {
        const kt_h5_field *field = &fields[i];
        type_pair type = types_of(field->type);
        if (field->width > 0) /* what follows a text's end in memory stays out of the file */
            type = (type_pair){kt_h5_text_type(field->width, H5T_STR_NULLPAD),
                               kt_h5_text_type(field->width, H5T_STR_NULLTERM)};
        good = good && H5Tinsert(row->file, field->name, packed, type.file) >= 0 &&
               H5Tinsert(row->memory, field->name, field->offset, type.memory) >= 0;
        packed += H5Tget_size(type.file);
        if (field->width > 0) {
            kt_h5_release(type.file);
            kt_h5_release(type.memory);
        }
    }
    return good ? KT_OK : kt_h5_fail(h, name, KT_IO, "describe its rows", err);
}

kt_status kt_h5_put_table(kt_h5 *h, const char *name, const kt_h5_field *fields, size_t n_fields,
                          const void *rows, size_t row_size, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    type_pair row = {H5I_INVALID_HID, H5I_INVALID_HID};
    hid_t transfer = H5I_INVALID_HID;
    KT_TRY(row_types(&row, h, name, fields, n_fields, row_size, err));
    transfer = transfer_list(row.file, row.memory);
    KT_TRY(put_all(h, name, row, n, 0, transfer, rows, err));
out:
    kt_h5_release(transfer);
    kt_h5_release(row.file);
    kt_h5_release(row.memory);
    return status;
}

/* Adds a field to the type that rows are read as, if the file has it. */
static kt_status add_field(hid_t memory, size_t *added, const dataset *d, kt_h5 *h, const char *name,
                           const kt_h5_field *field, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t in_file = H5I_INVALID_HID, in_memory = H5I_INVALID_HID, type;
    int index = H5Tget_member_index(d->type, field->name);
    if (index < 0)
        return KT_OK;
    in_file = H5Tget_member_type(d->type, (unsigned)index);
    H5T_class_t class = H5Tget_class(in_file);
    if (field->width > 0) {
        if (class != H5T_STRING || H5Tis_variable_str(in_file) > 0 || H5Tget_size(in_file) > field->width) {
            status = kt_h5_refuse(h, name, err, "its field %s is not a text of up to %zu bytes", field->name,
                                  field->width);
            goto out;
        }
        type = in_memory = kt_h5_text_type(field->width, H5T_STR_NULLPAD);
    } else {
        if (class != H5T_INTEGER && !(class == H5T_FLOAT && is_real(field->type))) {
            status = kt_h5_refuse(h, name, err, "its field %s is not a %s number", field->name,
                                  is_real(field->type) ? "real" : "whole");
            goto out;
        }
        type = types_of(field->type).memory;
    }
    if (H5Tinsert(memory, field->name, field->offset, type) < 0)
        status = kt_h5_fail(h, name, KT_INPUT, "read it", err);
    ++*added;
out:
    kt_h5_release(in_memory);
    kt_h5_release(in_file);
    return status;
}

/* A text as wide as its field would have no end in memory. */
static kt_status check_texts(const char *rows, size_t n, size_t row_size, kt_h5 *h, const char *name,
                             const kt_h5_field *fields, size_t n_fields, kt_error *err)
{
    for (size_t f = 0; f < n_fields; f++)
        for (size_t i = 0; i < n && fields[f].width > 0; i++)
            if (!memchr(rows + i * row_size + fields[f].offset, '\0', fields[f].width))
                return kt_h5_refuse(h, name, err, "row %zu: its %s is longer than %zu bytes", i,
                                    fields[f].name, fields[f].width - 1);
    return KT_OK;
}

kt_status kt_h5_get_table(void **rows, size_t *n, kt_h5 *h, const char *name, const kt_h5_field *fields,
                          size_t n_fields, size_t row_size, kt_error *err)
{
    kt_status status = KT_OK;
    dataset d = closed;
    hid_t row = H5I_INVALID_HID;
    char *read = NULL;
    size_t added = 0;
    *rows = NULL;
    *n = 0;
    KT_TRY(open_dataset(&d, h, name, err));
    if (d.class != H5T_COMPOUND || d.rank != 1) {
        status = kt_h5_refuse(h, name, err, "it is not a table");
        goto out;
    }
    row = H5Tcreate(H5T_COMPOUND, row_size);
    for (size_t i = 0; i < n_fields; i++)
        KT_TRY(add_field(row, &added, &d, h, name, &fields[i], err));
    if (added == 0) {
        status = kt_h5_refuse(h, name, err, "it has none of the fields of this table");
        goto out;
    }
    KT_TRY(kt_alloc(&read, d.rows, row_size, err));
    if (d.rows > 0)
        KT_TRY(read_values(read, &d, h, name, row, H5S_ALL, H5S_ALL, err));
    KT_TRY(check_texts(read, d.rows, row_size, h, name, fields, n_fields, err));
    *rows = read;
    *n = d.rows;
    read = NULL;
out:
    free(read);
    kt_h5_release(row);
    release(&d);
    return status;
}
