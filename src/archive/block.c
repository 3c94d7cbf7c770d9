#include "archive_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

static void make_block(char block[ARCHIVE_BLOCK], int version, const char *hex)
{
    memset(block, 0, ARCHIVE_BLOCK);
    snprintf(block, ARCHIVE_BLOCK, "%s %d %s\n", KT_ARCHIVE_SCHEMA, version, hex);
}

/* Up to n bytes from `offset` on; *got is less at the end of the file. */
static kt_status read_at(size_t *got, char *data, size_t n, int file, size_t offset, const char *path,
                         kt_error *err)
{
    *got = 0;
    while (*got < n) {
        ssize_t done = pread(file, data + *got, n - *got, (off_t)(offset + *got));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return kt_fail_errno(err, KT_IO, "cannot read %s", path);
        if (done == 0)
            break;
        *got += (size_t)done;
    }
    return KT_OK;
}

static void end_digest(char hex[KT_DIGEST_HEX], kt_digest *digest)
{
    uint8_t bytes[KT_DIGEST_BYTES];
    kt_digest_end(digest, bytes);
    kt_digest_hex(hex, bytes);
}

/* Digests in one pass: of the file's bytes after its block, and of `block` and them (the whole file's).
 * Either may be NULL. */
static kt_status digest_file(char rest[KT_DIGEST_HEX], char whole[KT_DIGEST_HEX], const char *block, int file,
                             const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_digest *after = NULL, *all = NULL;
    char *data = NULL;
    KT_TRY(kt_digest_create(&after, err));
    KT_TRY(kt_digest_create(&all, err));
    KT_TRY(kt_alloc(&data, CHUNK, 1, err));
    if (whole)
        kt_digest_add(all, block, ARCHIVE_BLOCK);
    for (size_t offset = ARCHIVE_BLOCK, got = CHUNK; got == CHUNK; offset += got) {
        KT_TRY(read_at(&got, data, CHUNK, file, offset, path, err));
        if (rest)
            kt_digest_add(after, data, got);
        if (whole)
            kt_digest_add(all, data, got);
    }
    if (rest)
        end_digest(rest, after);
    if (whole)
        end_digest(whole, all);
out:
    free(data);
    kt_digest_destroy(after);
    kt_digest_destroy(all);
    return status;
}

static kt_status write_block(int file, const char *block, const char *path, kt_error *err)
{
    for (size_t done = 0; done < ARCHIVE_BLOCK;) {
        ssize_t n = pwrite(file, block + done, ARCHIVE_BLOCK - done, (off_t)done);
        if (n < 0 && errno != EINTR)
            return kt_fail_errno(err, KT_IO, "cannot write %s", path);
        done += n > 0 ? (size_t)n : 0;
    }
    return KT_OK;
}

kt_status archive_seal(char digest[KT_DIGEST_HEX], const char *path, int version, kt_error *err)
{
    kt_status status = KT_OK;
    char block[ARCHIVE_BLOCK], rest[KT_DIGEST_HEX];
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return kt_fail_errno(err, KT_IO, "cannot open %s", path);
    KT_TRY(digest_file(rest, NULL, NULL, file, path, err));
    make_block(block, version, rest);
    KT_TRY(write_block(file, block, path, err));
    KT_TRY(digest_file(NULL, digest, block, file, path, err));
out:
    if (close(file) != 0 && status == KT_OK)
        status = kt_fail_errno(err, KT_IO, "cannot write %s", path);
    return status;
}

/* Version of a block that begins as one of ours, or 0. */
static int version_of(const char *block)
{
    int version = 0;
    return sscanf(block, KT_ARCHIVE_SCHEMA " %6d ", &version) == 1 && version > 0 ? version : 0;
}

static kt_status check_block(const char *found, size_t n, const char *rest, const char *path, kt_error *err)
{
    char wanted[ARCHIVE_BLOCK];
    int version = version_of(found);
    if (version > KT_ARCHIVE_VERSION)
        return kt_fail(err, KT_UNSUPPORTED, "%s: %s version %d is newer than this program's %d", path,
                       KT_ARCHIVE_SCHEMA, version, KT_ARCHIVE_VERSION);
    make_block(wanted, version ? version : KT_ARCHIVE_VERSION, rest);
    size_t at = 0, end = strlen(wanted) - 1, digest = end - strlen(rest);
    while (at < n && found[at] == wanted[at])
        at++;
    if (at == ARCHIVE_BLOCK)
        return KT_OK;
    if (at >= digest && at < end && n == ARCHIVE_BLOCK)
        return kt_fail(err, KT_INPUT,
                       "%s: damaged: its bytes from %d on do not have the digest in its first line", path,
                       ARCHIVE_BLOCK);
    return kt_fail(err, KT_INPUT, "%s: damaged at byte %zu", path, at);
}

static bool begins_as_archive(const char *block, size_t n)
{
    return n >= sizeof KT_ARCHIVE_SCHEMA &&
           strncmp(block, KT_ARCHIVE_SCHEMA " ", sizeof KT_ARCHIVE_SCHEMA) == 0;
}

bool kt_archive_claimed(const char *path)
{
    char block[sizeof KT_ARCHIVE_SCHEMA] = "";
    size_t n = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool claimed =
        read_at(&n, block, sizeof block, file, 0, path, NULL) == KT_OK && begins_as_archive(block, n);
    close(file);
    return claimed;
}

kt_status archive_unseal(char digest[KT_DIGEST_HEX], const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char block[ARCHIVE_BLOCK + 1] = "", rest[KT_DIGEST_HEX];
    size_t n = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return kt_fail_errno(err, KT_IO, "cannot open %s", path);
    KT_TRY(read_at(&n, block, ARCHIVE_BLOCK, file, 0, path, err));
    if (!begins_as_archive(block, n)) {
        status = kt_fail(err, KT_INPUT, "%s: is not an archive of models (%s), or damaged in its first bytes",
                         path, KT_ARCHIVE_SCHEMA);
        goto out;
    }
    KT_TRY(digest_file(rest, digest, block, file, path, err));
    KT_TRY(check_block(block, n, rest, path, err));
out:
    close(file);
    return status;
}
