#include "kt/records.h"

#include "kt/digest.h"
#include "kt/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lengths are written as they lie in memory");

typedef struct {
    uint64_t n;
    uint8_t digest[KT_DIGEST_BYTES];
} head;
_Static_assert(sizeof(head) == 8 + KT_DIGEST_BYTES, "a head is stored as it lies in memory");

struct kt_records {
    FILE *file;
    char *path, *data;
    size_t capacity;
    uint64_t end, size; /* of what was read; of the file when it was opened */
};

kt_status kt_records_open(kt_records **records, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_records *r = NULL;
    struct stat info;
    *records = NULL;
    KT_TRY(kt_alloc(&r, 1, sizeof *r, err));
    KT_TRY(kt_strdup(&r->path, path, err));
    r->file = fopen(path, "rbe");
    if (!r->file || fstat(fileno(r->file), &info) != 0) {
        status = kt_fail_errno(err, KT_IO, "cannot open %s", path);
        goto out;
    }
    r->size = (uint64_t)info.st_size;
    *records = r;
    r = NULL;
out:
    kt_records_close(r);
    return status;
}

void kt_records_close(kt_records *records)
{
    if (!records)
        return;
    if (records->file)
        fclose(records->file);
    free(records->path);
    free(records->data);
    free(records);
}

uint64_t kt_records_end(const kt_records *records)
{
    return records->end;
}

/* false: the file ends before. */
static kt_status read_all(bool *whole, kt_records *r, void *to, size_t n, kt_error *err)
{
    *whole = fread(to, 1, n, r->file) == n;
    return *whole || !ferror(r->file) ? KT_OK : kt_fail_errno(err, KT_IO, "cannot read %s", r->path);
}

kt_status kt_records_next(const char **data, size_t *n, bool *torn, kt_records *r, kt_error *err)
{
    kt_status status = KT_OK;
    head h;
    uint8_t digest[KT_DIGEST_BYTES];
    bool whole;
    *data = NULL;
    *n = 0;
    *torn = r->size > r->end;
    if (!*torn)
        goto out;
    KT_TRY(read_all(&whole, r, &h, sizeof h, err));
    if (!whole || h.n > r->size - r->end - sizeof h) /* a damaged length must not ask for memory */
        goto out;
    if (h.n >= r->capacity)
        KT_TRY(kt_grow(&r->data, r->capacity = h.n + 1, 1, err));
    KT_TRY(read_all(&whole, r, r->data, h.n, err));
    KT_TRY(kt_digest_of(digest, r->data, h.n, err));
    if (!whole || memcmp(digest, h.digest, sizeof digest) != 0)
        goto out;
    r->data[h.n] = '\0';
    r->end += sizeof h + h.n;
    *torn = false;
    *data = r->data;
    *n = h.n;
out:
    return status;
}

static bool put(int file, const void *data, size_t n, off_t at)
{
    for (const char *from = data; n > 0;) {
        ssize_t done = pwrite(file, from, n, at);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            from += done;
            at += done;
            n -= (size_t)done;
        }
    }
    return true;
}

static bool put_record(int file, off_t at, const head *h, const kt_record_part *parts, size_t n_parts)
{
    if (ftruncate(file, at) != 0 || !put(file, h, sizeof *h, at))
        return false;
    at += (off_t)sizeof *h;
    for (size_t i = 0; i < n_parts; i++) {
        if (!put(file, parts[i].data, parts[i].n, at))
            return false;
        at += (off_t)parts[i].n;
    }
    return true;
}

static kt_status head_of(head *h, const kt_record_part *parts, size_t n_parts, kt_error *err)
{
    kt_digest *digest = NULL;
    kt_status status = kt_digest_create(&digest, err);
    h->n = 0;
    for (size_t i = 0; i < n_parts && status == KT_OK; i++) {
        kt_digest_add(digest, parts[i].data, parts[i].n);
        h->n += parts[i].n;
    }
    if (status == KT_OK)
        kt_digest_end(digest, h->digest);
    kt_digest_destroy(digest);
    return status;
}

kt_status kt_records_append(const char *path, uint64_t *end, const kt_record_part *parts, size_t n_parts,
                            bool sync, kt_error *err)
{
    kt_status status = KT_OK;
    head h;
    int file = -1;
    KT_TRY(head_of(&h, parts, n_parts, err));
    file = open(path, O_WRONLY | O_CLOEXEC | (*end == 0 ? O_CREAT : 0), 0666);
    if (file < 0) {
        status = kt_fail_errno(err, KT_IO, "cannot append to %s", path);
        goto out;
    }
    /* EINVAL: a filesystem that cannot sync. What a failed write left is cut off by the next one. */
    if (!put_record(file, (off_t)*end, &h, parts, n_parts) || (sync && fsync(file) != 0 && errno != EINVAL)) {
        status = kt_fail_errno(err, KT_IO, "cannot append %llu bytes to %s", (unsigned long long)h.n, path);
        goto out;
    }
    if (close(file) != 0) {
        file = -1;
        status = kt_fail_errno(err, KT_IO, "cannot append to %s", path);
        goto out;
    }
    file = -1;
    *end += sizeof h + h.n;
out:
    if (file >= 0)
        close(file);
    return status;
}

/* Where a filesystem has no locks, the file is its user's to look after. */
kt_status kt_records_lock(int *lock, const char *path, kt_error *err)
{
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        return kt_fail_errno(err, KT_IO, "cannot write %s", path);
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return KT_OK;
    kt_records_unlock(*lock);
    *lock = -1;
    return kt_fail(err, KT_BUSY, "%s is being written by another process", path);
}

void kt_records_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
