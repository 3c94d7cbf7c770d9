#include "kt/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a path leads: itself, or the file behind a symbolic link, which must not be renamed over (the link
 * may be /dev/stdout). Caller frees. */
static kt_status resolve(char **out, const char *path, kt_error *err)
{
    struct stat info;
    *out = NULL;
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode))
        *out = realpath(path, NULL);
    return *out ? KT_OK : kt_strdup(out, path, err);
}

/* The length of the folder's part of a path: 0 for "name", 1 for "/name", else without the last '/'. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return 0;
    return slash == path ? 1 : (size_t)(slash - path);
}

static kt_status folder_of(char **out, const char *path, kt_error *err)
{
    size_t n = folder_length(path);
    return n > 0 ? kt_format(out, err, "%.*s", (int)n, path) : kt_strdup(out, ".", err);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool kt_file_put(int file, const void *data, size_t n)
{
    const char *from = data;
    while (n > 0) {
        ssize_t done = write(file, from, n);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            from += done;
            n -= (size_t)done;
        }
    }
    return true;
}

/* Closes, and keeps the errno of a failure that came before. */
static bool close_all(int file, bool good)
{
    int saved = errno;
    bool closed = close(file) == 0;
    if (!good)
        errno = saved;
    return good && closed;
}

kt_status kt_file_read(char **data, size_t *n, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *bytes = NULL;
    size_t used = 0, capacity = 0;
    *data = NULL;
    *n = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0) {
        status = kt_fail_errno(err, KT_IO, "cannot open %s", path);
        goto out;
    }
    /* A pipe has no size and a growing file outgrows it: the size is a first guess. */
    capacity = S_ISREG(info.st_mode) ? (size_t)info.st_size : 0;
    for (;;) {
        size_t wanted = used + 1 < capacity ? capacity : capacity + capacity / 2 + 4096;
        if (wanted != capacity || !bytes)
            KT_TRY(kt_grow(&bytes, capacity = wanted, 1, err));
        ssize_t got = read(file, bytes + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = kt_fail_errno(err, KT_IO, "cannot read %s", path);
            goto out;
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    bytes[used] = '\0';
    *data = bytes;
    *n = used;
    bytes = NULL;
out:
    free(bytes);
    if (file >= 0)
        close(file);
    return status;
}

kt_status kt_file_temporary(char **temporary, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *target = NULL, *folder = NULL, *made = NULL;
    *temporary = NULL;
    KT_TRY(resolve(&target, path, err));
    KT_TRY(folder_of(&folder, target, err));
    if (*name_of(target) == '\0') {
        status = kt_fail(err, KT_IO, "cannot write %s: it names a folder", path);
        goto out;
    }
    /* The process's number keeps programs apart, the count what a killed one left behind. A name may have 255
     * bytes, so a long one is cut. */
    for (int count = 0; !made; count++) {
        struct stat info;
        KT_TRY(
            kt_format(&made, err, "%s/.%.200s.%ld.%d.tmp", folder, name_of(target), (long)getpid(), count));
        if (lstat(made, &info) == 0) {
            free(made);
            made = NULL;
        }
    }
    *temporary = made;
out:
    free(folder);
    free(target);
    return status;
}

static kt_status sync_path(const char *path, int flags, kt_error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (file < 0)
        return kt_fail_errno(err, KT_IO, "cannot open %s to sync it", path);
    /* EINVAL: a filesystem that cannot sync this kind of thing. */
    bool good = fsync(file) == 0 || errno == EINVAL;
    return close_all(file, good) ? KT_OK : kt_fail_errno(err, KT_IO, "cannot sync %s", path);
}

kt_status kt_file_ask(const kt_file_guard *guard, kt_error *err)
{
    return guard ? guard->ask(guard->context, err) : KT_OK;
}

kt_status kt_file_commit(const char *temporary, const char *path, const kt_file_guard *guard, kt_error *err)
{
    kt_status status = KT_OK;
    char *target = NULL, *folder = NULL;
    KT_TRY(resolve(&target, path, err));
    KT_TRY(folder_of(&folder, target, err));
    KT_TRY(sync_path(temporary, 0, err));
    KT_TRY(kt_file_ask(guard, err));
    if (rename(temporary, target) != 0) {
        status = kt_fail_errno(err, KT_IO, "cannot rename a finished file to %s", path);
        goto out;
    }
    KT_TRY(sync_path(folder, O_DIRECTORY, err));
out:
    free(folder);
    free(target);
    return status;
}

void kt_file_start_sync(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
    close(file);
}

void kt_file_discard(const char *temporary)
{
    if (temporary)
        unlink(temporary);
}

static kt_status write_to(const char *path, int flags, const void *data, size_t n, const char *name,
                          kt_error *err)
{
    int file = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
    if (file < 0)
        return kt_fail_errno(err, KT_IO, "cannot write %s", name);
    if (!close_all(file, kt_file_put(file, data, n)))
        return kt_fail_errno(err, KT_IO, "cannot write %zu bytes to %s", n, name);
    return KT_OK;
}

kt_status kt_file_write(const char *path, const void *data, size_t n, kt_error *err)
{
    if (kt_path_kind_of(path) == KT_PATH_OTHER) /* a device or pipe is written to, not replaced */
        return write_to(path, 0, data, n, path, err);
    kt_status status = KT_OK;
    char *temporary = NULL;
    KT_TRY(kt_file_temporary(&temporary, path, err));
    KT_TRY(write_to(temporary, O_CREAT | O_EXCL, data, n, path, err));
    KT_TRY(kt_file_commit(temporary, path, NULL, err));
out:
    if (status != KT_OK)
        kt_file_discard(temporary);
    free(temporary);
    return status;
}

kt_status kt_file_append(const char *path, const void *data, size_t n, bool sync, kt_error *err)
{
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return kt_fail_errno(err, KT_IO, "cannot append to %s", path);
    struct stat before;
    bool good = fstat(file, &before) == 0;
    if (good && !kt_file_put(file, data, n)) {
        int saved = errno;
        good = false;
        if (S_ISREG(before.st_mode) && ftruncate(file, before.st_size) != 0)
            kt_fail_errno(err, KT_IO, "cannot take back a part of a write to %s", path);
        errno = saved;
    }
    if (good && sync)
        good = fsync(file) == 0 || errno == EINVAL;
    if (!close_all(file, good))
        return kt_fail_errno(err, KT_IO, "cannot append %zu bytes to %s", n, path);
    return KT_OK;
}

static kt_status make_folder(const char *path, kt_error *err)
{
    if (mkdir(path, 0777) == 0)
        return KT_OK;
    int saved = errno;
    if (kt_path_kind_of(path) == KT_PATH_FOLDER)
        return KT_OK;
    errno = saved;
    return kt_fail_errno(err, KT_IO, "cannot create the folder %s", path);
}

kt_status kt_folder_create(const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *part = NULL;
    KT_TRY(kt_strdup(&part, path, err));
    for (char *c = part; *c; c++) {
        if (*c != '/' || c == part || c[-1] == '/')
            continue;
        *c = '\0';
        KT_TRY(make_folder(part, err));
        *c = '/';
    }
    KT_TRY(make_folder(path, err));
out:
    free(part);
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

kt_status kt_folder_list(char ***names, size_t *n, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char **list = NULL;
    size_t used = 0, capacity = 0;
    *names = NULL;
    *n = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        status = kt_fail_errno(err, KT_IO, "cannot list the folder %s", path);
        goto out;
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        if (!entry && errno != 0) {
            status = kt_fail_errno(err, KT_IO, "cannot list the folder %s", path);
            goto out;
        }
        if (used == capacity)
            KT_TRY(kt_grow(&list, capacity = 2 * capacity + 16, sizeof *list, err));
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        KT_TRY(kt_strdup(&list[used], entry->d_name, err));
        used++;
    }
    qsort(list, used, sizeof *list, by_bytes);
    *names = list;
    *n = used;
    list = NULL;
    used = 0;
out:
    kt_strings_free(list, used);
    if (folder)
        closedir(folder);
    return status;
}

kt_path_kind kt_path_kind_of(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return KT_PATH_MISSING;
    if (S_ISREG(info.st_mode))
        return KT_PATH_FILE;
    return S_ISDIR(info.st_mode) ? KT_PATH_FOLDER : KT_PATH_OTHER;
}

kt_status kt_path_join(char **out, const char *folder, const char *name, kt_error *err)
{
    size_t n = strlen(folder);
    const char *between = n == 0 || folder[n - 1] == '/' ? "" : "/";
    return kt_format(out, err, "%s%s%s", folder, between, name);
}

bool kt_path_ends(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

kt_status kt_path_stem(char **out, const char *path, kt_error *err)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    /* The dots a hidden file begins with, or "..", begin no extension. */
    size_t first = start + strspn(path + start, ".");
    for (size_t dot = end; dot > first; dot--)
        if (path[dot - 1] == '.') {
            end = dot - 1;
            break;
        }
    return kt_format(out, err, "%.*s", (int)(end - start), path + start);
}
