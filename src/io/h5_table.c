/* Tables: datasets of one compound a row. */
#include "h5_private.h"

#include <stdlib.h>
#include <string.h>

#define NO_ROWS                                                                                              \
    {                                                                                                        \
        .row = {H5I_INVALID_HID, H5I_INVALID_HID}, .transfer = H5I_INVALID_HID                               \
    }

/* The two types of a table's row: packed in the file, a C struct in memory. */
static kt_status row_types(kt_h5_types *row, kt_h5 *h, const char *name, const kt_h5_field *fields,
                           size_t n_fields, size_t row_size, kt_error *err)
{
    size_t packed = 0;
    bool good = true;
    for (size_t i = 0; i < n_fields; i++)
        packed += fields[i].width > 0 ? fields[i].width : H5Tget_size(kt_h5_types_of(fields[i].type).file);
    row->file = H5Tcreate(H5T_COMPOUND, packed);
    row->memory = H5Tcreate(H5T_COMPOUND, row_size);
    packed = 0;
    for (size_t i = 0; i < n_fields; i++) {
        const kt_h5_field *field = &fields[i];
        kt_h5_types type = kt_h5_types_of(field->type);
        if (field->width > 0) /* what follows a text's end in memory stays out of the file */
            type = (kt_h5_types){kt_h5_text_type(field->width, H5T_STR_NULLPAD),
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

static void release_rows(const kt_h5_rows *rows)
{
    kt_h5_release(rows->transfer);
    kt_h5_release(rows->row.file);
    kt_h5_release(rows->row.memory);
}

void kt_h5_release_tables(kt_h5_file *file)
{
    while (file->n_tables > 0)
        release_rows(&file->table[--file->n_tables]);
}

/* Borrowed from the file, or *own. */
static kt_status rows_of(const kt_h5_rows **rows, kt_h5_rows *own, kt_h5 *h, const char *name,
                         const kt_h5_field *fields, size_t n_fields, size_t row_size, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5_file *file = h->file;
    for (int i = 0; i < file->n_tables; i++)
        if (file->table[i].fields == fields) {
            *rows = &file->table[i];
            return KT_OK;
        }
    own->fields = fields;
    KT_TRY(row_types(&own->row, h, name, fields, n_fields, row_size, err));
    own->transfer = kt_h5_transfer_list(own->row.file, own->row.memory);
    *rows = own;
    if (file->n_tables < KT_H5_KEPT) {
        *rows = &file->table[file->n_tables];
        file->table[file->n_tables++] = *own;
        *own = (kt_h5_rows)NO_ROWS;
    }
out:
    return status;
}

kt_status kt_h5_put_table(kt_h5 *h, const char *name, const kt_h5_field *fields, size_t n_fields,
                          const void *rows, size_t row_size, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5_rows own = NO_ROWS;
    const kt_h5_rows *how = NULL;
    KT_TRY(rows_of(&how, &own, h, name, fields, n_fields, row_size, err));
    KT_TRY(kt_h5_dataset_put(h, name, how->row, n, 0, how->transfer, rows, err));
out:
    release_rows(&own);
    return status;
}

/* Adds a field to the type that rows are read as, if the file has it. */
static kt_status add_field(hid_t memory, size_t *added, const kt_h5_dataset *d, kt_h5 *h, const char *name,
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
        if (class != H5T_INTEGER && !(class == H5T_FLOAT && kt_h5_is_real(field->type))) {
            status = kt_h5_refuse(h, name, err, "its field %s is not a %s number", field->name,
                                  kt_h5_is_real(field->type) ? "real" : "whole");
            goto out;
        }
        type = kt_h5_types_of(field->type).memory;
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
    kt_h5_dataset d = KT_H5_CLOSED;
    hid_t row = H5I_INVALID_HID;
    char *read = NULL;
    size_t added = 0;
    *rows = NULL;
    *n = 0;
    KT_TRY(kt_h5_dataset_open(&d, h, name, err));
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
        KT_TRY(kt_h5_dataset_read(read, &d, h, name, row, H5S_ALL, H5S_ALL, err));
    KT_TRY(check_texts(read, d.rows, row_size, h, name, fields, n_fields, err));
    *rows = read;
    *n = d.rows;
    read = NULL;
out:
    free(read);
    kt_h5_release(row);
    kt_h5_dataset_release(&d);
    return status;
}
