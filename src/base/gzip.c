#include "kt/file.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static bool is_gzip(const char *data, size_t n)
{
    return n >= 2 && (unsigned char)data[0] == 0x1f && (unsigned char)data[1] == 0x8b;
}

/* zlib counts in unsigned ints. */
static unsigned piece(size_t n)
{
    return n < UINT_MAX / 2 ? (unsigned)n : UINT_MAX / 2;
}

/* One member, appended at *used; what is left of the input is in stream. */
static kt_status unpack_member(char **data, size_t *used, size_t *capacity, z_stream *stream, const char *end,
                               const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    int result = Z_OK;
    while (result != Z_STREAM_END) {
        if (*capacity - *used < 2) { /* room for the NUL too */
            size_t wanted = *capacity + *capacity / 2 + 4096;
            KT_TRY(kt_grow(data, wanted, 1, err));
            *capacity = wanted;
        }
        unsigned room = piece(*capacity - *used - 1);
        stream->avail_in = piece((size_t)(end - (const char *)stream->next_in));
        stream->next_out = (unsigned char *)*data + *used;
        stream->avail_out = room;
        result = inflate(stream, Z_NO_FLUSH);
        *used += room - stream->avail_out;
        if (result == Z_MEM_ERROR)
            KT_TRY(kt_fail(err, KT_MEMORY, "%s: out of memory", name));
        if (result == Z_BUF_ERROR) /* there was room */
            KT_TRY(kt_fail(err, KT_INPUT, "%s: its gzip data end too early", name));
        if (result != Z_OK && result != Z_STREAM_END)
            KT_TRY(kt_fail(err, KT_INPUT, "%s: its gzip data are damaged: %s", name,
                           stream->msg ? stream->msg : "no reason is given"));
    }
out:
    return status;
}

static bool all_zero(const char *data, size_t n)
{
    while (n > 0 && *data == '\0')
        data++, n--;
    return n == 0;
}

kt_status kt_gunzip(char **out, size_t *n_out, const char *data, size_t n, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    const char *end = data + n;
    z_stream stream = {.next_in = (unsigned char *)data};
    char *bytes = NULL;
    size_t used = 0, capacity = n < SIZE_MAX / 8 ? 4 * n + 4096 : n;
    *out = NULL;
    *n_out = 0;
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) /* 16: gzip alone */
        return kt_fail(err, KT_MEMORY, "%s: out of memory", name);
    KT_TRY(kt_grow(&bytes, capacity, 1, err));
    for (;;) {
        KT_TRY(unpack_member(&bytes, &used, &capacity, &stream, end, name, err));
        const char *rest = (const char *)stream.next_in;
        if (all_zero(rest, (size_t)(end - rest))) /* padding of tapes and blocks */
            break;
        if (!is_gzip(rest, (size_t)(end - rest)))
            KT_TRY(kt_fail(err, KT_INPUT, "%s: %zu bytes behind its gzip data are none", name,
                           (size_t)(end - rest)));
        inflateReset(&stream);
    }
    bytes[used] = '\0';
    *out = bytes;
    *n_out = used;
    bytes = NULL;
out:
    inflateEnd(&stream);
    free(bytes);
    return status;
}

kt_status kt_file_read_any(char **data, size_t *n, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *packed = NULL;
    size_t size;
    *data = NULL;
    *n = 0;
    KT_TRY(kt_file_read(&packed, &size, path, err));
    if (is_gzip(packed, size)) {
        KT_TRY(kt_gunzip(data, n, packed, size, path, err));
    } else {
        *data = packed;
        *n = size;
        packed = NULL;
    }
out:
    free(packed);
    return status;
}
