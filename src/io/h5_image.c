/* Files in memory: what goes into an archive of another kind needs no file of its own on the way. */
#include "h5_private.h"

#include <string.h>

enum { GROWTH = 1 << 10 }; /* bytes that an image in the making grows by: half of it is left over */

/* An access list for memory, or a negative identifier. data NULL: for a new file. The format is that of 1.8:
 * that of 1.10 marks a file as open in its first block, until it is closed and its memory gone. */
static hid_t memory_list(const void *data, size_t n)
{
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    if (list >= 0 && (H5Pset_fapl_core(list, GROWTH, false) < 0 ||
                      H5Pset_libver_bounds(list, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 ||
                      (data && H5Pset_file_image(list, (void *)(uintptr_t)data, n) < 0))) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

kt_status kt_h5_create_memory(kt_h5 **file, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t creation = H5I_INVALID_HID, access = H5I_INVALID_HID;
    kt_h5 *h = NULL;
    *file = NULL;
    kt_h5_quiet();
    KT_TRY(kt_h5_handle(&h, name, true, err));
    h->file->memory = true;
    h->file->creation = kt_h5_dataset_list();
    creation = kt_h5_timeless(H5P_FILE_CREATE);
    access = memory_list(NULL, 0);
    if ((h->id = H5Fcreate(name, H5F_ACC_TRUNC, creation, access)) < 0) {
        status = kt_fail(err, KT_MEMORY, "cannot make %s in memory", name);
        goto out;
    }
    *file = h;
    h = NULL;
out:
    kt_h5_release(access);
    kt_h5_release(creation);
    kt_h5_forget(h);
    return status;
}

/* HDF5's own call for this zeroes a flag of the first block, and leaves the block's checksum as it was. */
kt_status kt_h5_image(char **data, size_t *n, kt_h5 *file, kt_error *err)
{
    kt_status status = KT_OK;
    void *memory = NULL;
    hsize_t size = 0;
    *data = NULL;
    *n = 0;
    if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0 || H5Fget_filesize(file->id, &size) < 0 ||
        H5Fget_vfd_handle(file->id, H5P_DEFAULT, &memory) < 0)
        return kt_h5_fail(file, "", KT_IO, "take its bytes", err);
    KT_TRY(kt_alloc(data, size, 1, err));
    memcpy(*data, *(void **)memory, size);
    *n = size;
out:
    return status;
}

kt_status kt_h5_open_memory(kt_h5 **file, const void *data, size_t n, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t access = H5I_INVALID_HID;
    kt_h5 *h = NULL;
    *file = NULL;
    kt_h5_quiet();
    KT_TRY(kt_h5_handle(&h, name, false, err));
    h->file->memory = true;
    access = n > 0 ? memory_list(data, n) : H5I_INVALID_HID;
    if (access < 0 || (h->id = H5Fopen(name, H5F_ACC_RDONLY, access)) < 0) {
        status = kt_fail(err, KT_INPUT, "%s: is not an HDF5 file, or a damaged one", name);
        goto out;
    }
    *file = h;
    h = NULL;
out:
    kt_h5_release(access);
    kt_h5_forget(h);
    return status;
}
