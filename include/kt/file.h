/* Files: whole reads, atomic writes, append. A file that matters is written to a temporary name in the same
 * folder, synced and renamed, so that a reader sees the old or the new one and never a part. Paths may be
 * relative. Errors: KT_IO with the path and the system's reason. */
#ifndef KT_FILE_H
#define KT_FILE_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>

/* The whole file; *data has a NUL after its n bytes. Caller frees. */
kt_status kt_file_read(char **data, size_t *n, const char *path, kt_error *err);

/* As kt_file_read; what is gzipped, by its first two bytes, is unpacked. KT_INPUT where it is cut or damaged.
 */
kt_status kt_file_read_any(char **data, size_t *n, const char *path, kt_error *err);

/* The content of gzip data: members one after the other, zeros behind them. *out has a NUL after its n_out
 * bytes; caller frees. name begins messages. */
kt_status kt_gunzip(char **out, size_t *n_out, const char *data, size_t n, const char *name, kt_error *err);

/* May this process still write there? What lasts long asks just before its file gets its name; anything but
 * KT_OK ends the write, and nothing of it stays. NULL: yes. */
typedef struct {
    kt_status (*ask)(void *context, kt_error *err);
    void *context;
} kt_file_guard;
kt_status kt_file_ask(const kt_file_guard *guard, kt_error *err);

/* Atomic: temporary name, fsync, rename, fsync of the folder. On failure nothing of it stays. */
kt_status kt_file_write(const char *path, const void *data, size_t n, kt_error *err);

/* The two halves of the above for a writer that opens files by name: *temporary is a free name in the folder
 * of `path` (caller frees); commit syncs it, asks, renames it to path and syncs the folder; discard removes
 * it.
 */
kt_status kt_file_temporary(char **temporary, const char *path, kt_error *err);
kt_status kt_file_commit(const char *temporary, const char *path, const kt_file_guard *guard, kt_error *err);
void kt_file_discard(const char *temporary);

/* Has the system begin to store what was written to path, so that a later sync has less to wait for. A hint:
 * it promises nothing and cannot fail. */
void kt_file_start_sync(const char *path);

/* Writes n bytes to an open file: in one write, unless the system takes less at a time. False: see errno; a
 * part may have been written. */
bool kt_file_put(int file, const void *data, size_t n);

/* Appends n bytes to path in one write (created if missing); sync also fsyncs. */
kt_status kt_file_append(const char *path, const void *data, size_t n, bool sync, kt_error *err);

/* Creates the folder and its parents; one that is there is fine. */
kt_status kt_folder_create(const char *path, kt_error *err);

/* Names in a folder without "." and "..", in byte order; kt_strings_free frees them. */
kt_status kt_folder_list(char ***names, size_t *n, const char *path, kt_error *err);

typedef enum { KT_PATH_MISSING, KT_PATH_FILE, KT_PATH_FOLDER, KT_PATH_OTHER } kt_path_kind;
kt_path_kind kt_path_kind_of(const char *path);

/* "folder/name"; caller frees. */
kt_status kt_path_join(char **out, const char *folder, const char *name, kt_error *err);

bool kt_path_ends(const char *path, const char *end); /* ".h5": byte by byte */

/* The last component without its last extension: "a/b.csv" -> "b", "a/b/" -> "b". Caller frees. */
kt_status kt_path_stem(char **out, const char *path, kt_error *err);

#endif
