#include "h5_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static kt_status put(kt_h5 *h, const char *name, hid_t file_type, hid_t memory_type, const void *value,
                     kt_error *err)
{
    kt_status status = KT_OK;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(h->id, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, memory_type, value) < 0)
        status = kt_h5_fail(h, name, KT_IO, "write the attribute", err);
    kt_h5_release(attribute);
    kt_h5_release(space);
    return status;
}

kt_status kt_h5_put_text(kt_h5 *h, const char *name, const char *value, kt_error *err)
{
    size_t n = strlen(value);
    hid_t type = kt_h5_text_type(n > 0 ? n : 1, H5T_STR_NULLPAD);
    kt_status status = put(h, name, type, type, value, err);
    kt_h5_release(type);
    return status;
}

kt_status kt_h5_put_int(kt_h5 *h, const char *name, int64_t value, kt_error *err)
{
    return put(h, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, err);
}

kt_status kt_h5_put_real(kt_h5 *h, const char *name, double value, kt_error *err)
{
    return put(h, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, err);
}

/* ---- reading ---- */

/* A scalar attribute of the class, and its type in the file. Caller releases both. */
static kt_status open_scalar(hid_t *attribute, hid_t *type, kt_h5 *h, const char *name, H5T_class_t class,
                             const char *kind, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t space = H5I_INVALID_HID;
    *attribute = *type = H5I_INVALID_HID;
    if (H5Aexists(h->id, name) <= 0)
        return kt_h5_refuse(h, name, err, "there is no such attribute");
    *attribute = H5Aopen(h->id, name, H5P_DEFAULT);
    *type = H5Aget_type(*attribute);
    space = H5Aget_space(*attribute);
    if (*type < 0 || space < 0)
        status = kt_h5_fail(h, name, KT_INPUT, "open the attribute", err);
    else if (H5Tget_class(*type) != class || H5Sget_simple_extent_npoints(space) != 1)
        status = kt_h5_refuse(h, name, err, "the attribute is not %s", kind);
    kt_h5_release(space);
    return status;
}

/* h5py and others write texts of variable length. */
static kt_status read_variable(char **value, hid_t attribute, hid_t type, kt_h5 *h, const char *name,
                               kt_error *err)
{
    char *text = NULL;
    kt_status status = KT_OK;
    if (H5Aread(attribute, type, &text) < 0)
        status = kt_h5_fail(h, name, KT_INPUT, "read the attribute", err);
    else
        status = kt_strdup(value, text ? text : "", err);
    H5free_memory(text);
    return status;
}

kt_status kt_h5_get_text(char **value, kt_h5 *h, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t attribute, type;
    char *text = NULL;
    *value = NULL;
    KT_TRY(open_scalar(&attribute, &type, h, name, H5T_STRING, "a text", err));
    if (H5Tis_variable_str(type) > 0) {
        KT_TRY(read_variable(value, attribute, type, h, name, err));
    } else {
        KT_TRY(kt_alloc(&text, H5Tget_size(type) + 1, 1, err));
        if (H5Aread(attribute, type, text) < 0) {
            status = kt_h5_fail(h, name, KT_INPUT, "read the attribute", err);
            goto out;
        }
        *value = text;
        text = NULL;
    }
out:
    free(text);
    kt_h5_release(type);
    kt_h5_release(attribute);
    return status;
}

static kt_status get_number(void *value, kt_h5 *h, const char *name, H5T_class_t class, const char *kind,
                            hid_t memory_type, kt_error *err)
{
    hid_t attribute, type;
    kt_status status = open_scalar(&attribute, &type, h, name, class, kind, err);
    if (status == KT_OK && H5Aread(attribute, memory_type, value) < 0)
        status = kt_h5_fail(h, name, KT_INPUT, "read the attribute", err);
    kt_h5_release(type);
    kt_h5_release(attribute);
    return status;
}

kt_status kt_h5_get_int(int64_t *value, kt_h5 *h, const char *name, kt_error *err)
{
    return get_number(value, h, name, H5T_INTEGER, "a whole number", H5T_NATIVE_INT64, err);
}

kt_status kt_h5_get_real(double *value, kt_h5 *h, const char *name, kt_error *err)
{
    return get_number(value, h, name, H5T_FLOAT, "a real number", H5T_NATIVE_DOUBLE, err);
}

/* ---- the schema ---- */

kt_status kt_h5_put_schema(kt_h5 *file, const char *schema, int version, kt_error *err)
{
    kt_status status = kt_h5_put_text(file, "schema", schema, err);
    return status == KT_OK ? kt_h5_put_int(file, "version", version, err) : status;
}

kt_status kt_h5_check_schema(int *version, kt_h5 *file, const char *schema, int newest, kt_error *err)
{
    kt_status status = KT_OK;
    char *found = NULL;
    int64_t number;
    KT_TRY(kt_h5_get_text(&found, file, "schema", err));
    if (strcmp(found, schema) != 0) {
        status = kt_h5_refuse(file, "schema", err, "the file is a %s, wanted is a %s", found, schema);
        goto out;
    }
    KT_TRY(kt_h5_get_int(&number, file, "version", err));
    if (number < 1) {
        status = kt_h5_refuse(file, "version", err, "%lld is no version of %s", (long long)number, schema);
    } else if (number > newest) {
        status = kt_fail(err, KT_UNSUPPORTED, "%s: is of version %lld of %s; this program knows up to %d",
                         file->file->path, (long long)number, schema, newest);
    } else {
        *version = (int)number;
    }
out:
    free(found);
    return status;
}
