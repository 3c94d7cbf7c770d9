#include "kt/h5.h"

#include "h5_private.h"
#include "kt/file.h"
#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing printed, and nothing done at exit: every file is closed by its owner, and HDF5's own attempt walks
 * into what is left of one that a full disk refused. The first call sets both, later ones change nothing. */
void kt_h5_quiet(void)
{
    H5dont_atexit();
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* The innermost reason. Where it is a failed system call, HDF5 adds the time and addresses to the system's
 * message: only the message is kept. */
static herr_t innermost(unsigned depth, const H5E_error2_t *error, void *out)
{
    static const char mark[] = "error message = '";
    if (depth > 0)
        return 0;
    char *reason = out;
    const char *message = strstr(error->desc, mark);
    if (message) {
        message += sizeof mark - 1;
        snprintf(reason, 200, "%.*s", (int)strcspn(message, "'"), message);
    } else {
        snprintf(reason, 200, "%s", error->desc);
    }
    return 0;
}

/* HDF5 keeps a file open while something of it cannot be written, and tries again at each close. After a
 * refused write the file is lost: what is left of it goes to the null device, so that all handles close. */
static void give_up(kt_h5 *h)
{
    void *driver = NULL;
    hid_t id = H5Iget_file_id(h->id);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (id >= 0 && null >= 0 && H5Fget_vfd_handle(id, H5P_DEFAULT, &driver) >= 0)
        dup3(null, *(int *)driver, O_CLOEXEC);
    if (null >= 0)
        close(null);
    kt_h5_release(id);
    h->file->failed = true;
}

kt_status kt_h5_fail(kt_h5 *h, const char *name, kt_status status, const char *what, kt_error *err)
{
    char reason[200] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, reason);
    kt_fail(err, status, "%s:%s/%s: cannot %s%s%s", h->file->path, h->object, name, what,
            reason[0] ? ": " : "", reason);
    if (status == KT_IO && !h->file->memory)
        give_up(h);
    return status;
}

kt_status kt_h5_refuse(kt_h5 *h, const char *name, kt_error *err, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return kt_fail(err, KT_INPUT, "%s:%s/%s: %s", h->file->path, h->object, name, text);
}

void kt_h5_release(hid_t id)
{
    if (id >= 0)
        H5Idec_ref(id);
}

hid_t kt_h5_timeless(hid_t class)
{
    hid_t list = H5Pcreate(class);
    if (list >= 0 && H5Pset_obj_track_times(list, false) < 0) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

hid_t kt_h5_text_type(size_t width, H5T_str_t padding)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, width) < 0 || H5Tset_strpad(type, padding) < 0 ||
                      H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

void kt_h5_forget(kt_h5 *h)
{
    if (!h)
        return;
    if (h->file && --h->file->handles == 0) {
        kt_h5_release_tables(h->file);
        kt_h5_release(h->file->creation);
        free(h->file->path);
        free(h->file);
    }
    free(h->object);
    free(h);
}

kt_status kt_h5_handle(kt_h5 **out, const char *path, bool writable, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *h = NULL;
    KT_TRY(kt_alloc(&h, 1, sizeof *h, err));
    h->id = H5I_INVALID_HID;
    KT_TRY(kt_alloc(&h->file, 1, sizeof *h->file, err));
    h->file->handles = 1;
    h->file->writable = writable;
    h->file->creation = H5I_INVALID_HID;
    KT_TRY(kt_strdup(&h->file->path, path, err));
    KT_TRY(kt_strdup(&h->object, "", err));
    *out = h;
    h = NULL;
out:
    kt_h5_forget(h);
    return status;
}

static hid_t access_list(void)
{
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 7) /* network filesystems often lack locks, and runs have their own */
    H5Pset_file_locking(list, false, true);
#endif
    return list;
}

/* Contiguous, without times, filters or fill values. Making it takes longer than making a small dataset. */
hid_t kt_h5_dataset_list(void)
{
    hid_t list = kt_h5_timeless(H5P_DATASET_CREATE);
    if (list >= 0 &&
        (H5Pset_layout(list, H5D_CONTIGUOUS) < 0 || H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) < 0 ||
         H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) < 0)) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

kt_status kt_h5_create(kt_h5 **file, const char *path, size_t user_block, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t creation = H5I_INVALID_HID, access = H5I_INVALID_HID;
    kt_h5 *h = NULL;
    *file = NULL;
    kt_h5_quiet();
    KT_TRY(kt_h5_handle(&h, path, true, err));
    creation = kt_h5_timeless(H5P_FILE_CREATE);
    access = access_list();
    h->file->creation = kt_h5_dataset_list();
    /* No sieve buffer: rows that a full disk refuses are refused by the write, not by a close that cannot
     * fail in order. */
    if (H5Pset_userblock(creation, user_block) < 0 || H5Pset_sieve_buf_size(access, 0) < 0 ||
        H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
        (h->id = H5Fcreate(path, H5F_ACC_EXCL, creation, access)) < 0) {
        char reason[200] = "";
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, reason);
        status = kt_fail(err, KT_IO, "cannot create %s: %s", path, reason);
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

kt_status kt_h5_open(kt_h5 **file, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t access = H5I_INVALID_HID;
    kt_h5 *h = NULL;
    *file = NULL;
    kt_h5_quiet();
    int plain = open(path, O_RDONLY | O_CLOEXEC); /* the system's refusals are not the content's */
    if (plain < 0)
        return kt_fail_errno(err, KT_IO, "cannot open %s", path);
    close(plain);
    if (kt_path_kind_of(path) != KT_PATH_FILE)
        return kt_fail(err, KT_IO, "cannot open %s: it is not a file", path);
    KT_TRY(kt_h5_handle(&h, path, false, err));
    if (H5Fis_hdf5(path) <= 0) {
        status = kt_fail(err, KT_INPUT, "%s: is not an HDF5 file", path);
        goto out;
    }
    access = access_list();
    if ((h->id = H5Fopen(path, H5F_ACC_RDONLY, access)) < 0) {
        char reason[200] = "";
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, reason);
        status = kt_fail(err, KT_INPUT, "%s: is a damaged HDF5 file: %s", path, reason);
        goto out;
    }
    *file = h;
    h = NULL;
out:
    kt_h5_release(access);
    kt_h5_forget(h);
    return status;
}

kt_status kt_h5_close(kt_h5 *h, kt_error *err)
{
    kt_status status = KT_OK;
    if (!h)
        return KT_OK;
    /* A flush first: it fails while the file is still whole enough to be given up in order. Groups leave it
     * to the file. */
    bool flush = h->file->writable && h->object[0] == '\0';
    if (h->file->failed)
        status = kt_fail(err, KT_IO, "%s: a write failed before, the file is not whole", h->file->path);
    else if (flush && H5Fflush(h->id, H5F_SCOPE_GLOBAL) < 0)
        status = kt_h5_fail(h, "", KT_IO, "write", err);
    if (h->object[0] == '\0')
        kt_h5_release_kept(h->file);
    if (H5Idec_ref(h->id) < 0 && status == KT_OK) {
        status = kt_h5_fail(h, "", KT_IO, "close", err);
        H5Idec_ref(h->id);
    }
    kt_h5_forget(h);
    return status;
}

static kt_status handle_of_group(kt_h5 **out, kt_h5 *parent, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *h = NULL;
    KT_TRY(kt_alloc(&h, 1, sizeof *h, err));
    h->id = H5I_INVALID_HID;
    KT_TRY(kt_format(&h->object, err, "%s/%s", parent->object, name));
    h->file = parent->file;
    h->file->handles++;
    *out = h;
    h = NULL;
out:
    kt_h5_forget(h);
    return status;
}

kt_status kt_h5_group_create(kt_h5 **group, kt_h5 *parent, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    hid_t creation = H5I_INVALID_HID;
    kt_h5 *h = NULL;
    *group = NULL;
    KT_TRY(handle_of_group(&h, parent, name, err));
    creation = kt_h5_timeless(H5P_GROUP_CREATE);
    h->id = H5Gcreate2(parent->id, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (h->id < 0) {
        status = kt_h5_fail(parent, name, KT_IO, "create the group", err);
        goto out;
    }
    *group = h;
    h = NULL;
out:
    kt_h5_release(creation);
    kt_h5_forget(h);
    return status;
}

kt_status kt_h5_group_open(kt_h5 **group, kt_h5 *parent, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *h = NULL;
    *group = NULL;
    if (!kt_h5_has(parent, name))
        return kt_h5_refuse(parent, name, err, "there is no such group");
    KT_TRY(handle_of_group(&h, parent, name, err));
    h->id = H5Gopen2(parent->id, name, H5P_DEFAULT);
    if (h->id < 0) {
        status = kt_h5_fail(parent, name, KT_INPUT, "open it as a group", err);
        goto out;
    }
    *group = h;
    h = NULL;
out:
    kt_h5_forget(h);
    return status;
}

bool kt_h5_has(kt_h5 *h, const char *name)
{
    return H5Lexists(h->id, name, H5P_DEFAULT) > 0;
}

typedef struct {
    char **names;
    size_t n, capacity;
    kt_status status;
    kt_error *err;
} name_list;

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    (void)group;
    (void)info;
    name_list *list = context;
    kt_status status = KT_OK;
    if (list->n == list->capacity)
        KT_TRY(
            kt_grow(&list->names, list->capacity = 2 * list->capacity + 16, sizeof *list->names, list->err));
    KT_TRY(kt_strdup(&list->names[list->n], name, list->err));
    list->n++;
out:
    list->status = status;
    return status == KT_OK ? 0 : -1;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

kt_status kt_h5_names(char ***names, size_t *n, kt_h5 *h, kt_error *err)
{
    name_list list = {.err = err};
    *names = NULL;
    *n = 0;
    kt_status status = kt_grow(&list.names, 0, sizeof *list.names, err);
    if (status == KT_OK && H5Literate(h->id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_name, &list) < 0)
        status = list.status != KT_OK ? list.status : kt_h5_fail(h, "", KT_INPUT, "list its names", err);
    if (status == KT_OK) {
        qsort(list.names, list.n, sizeof *list.names, by_bytes);
        *names = list.names;
        *n = list.n;
        return KT_OK;
    }
    while (list.n > 0)
        free(list.names[--list.n]);
    free(list.names);
    return status;
}

kt_status kt_h5_link_name(char **out, const char *name, kt_error *err)
{
    kt_status status = kt_alloc(out, 3 * strlen(name) + 2, 1, err);
    if (status != KT_OK)
        return status;
    char *to = *out;
    if (*name == '\0') /* no link has an empty name; a '%' alone stands for no other */
        *to++ = '%';
    for (const char *c = name; *c; c++) {
        bool plain = *c != '/' && *c != '%' && !iscntrl((unsigned char)*c) && !(*c == '.' && c == name);
        to += plain ? sprintf(to, "%c", *c) : sprintf(to, "%%%02X", (unsigned char)*c);
    }
    *to = '\0';
    return KT_OK;
}

const char *kt_h5_library(void)
{
    static char text[24];
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}
