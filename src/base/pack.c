#include "kt/pack.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void kt_pack_bytes(kt_pack *p, void *value, size_t n)
{
    if (p->status != KT_OK || n == 0) /* nothing may have no place */
        return;
    if (p->reading) {
        if (n > p->n - p->at) {
            p->status = kt_fail(p->err, KT_INPUT, "%s ends at byte %zu, %zu more are wanted", p->what, p->n,
                                n - (p->n - p->at));
            return;
        }
        memcpy(value, p->data + p->at, n);
    } else {
        if (n > p->room - p->at) {
            size_t room = 2 * p->room + n;
            p->status = kt_grow(&p->data, room, 1, p->err);
            if (p->status != KT_OK)
                return;
            p->room = room;
        }
        memcpy(p->data + p->at, value, n);
    }
    p->at += n;
}

void kt_pack_u64(kt_pack *p, uint64_t *value)
{
    uint64_t wire = htole64(*value);
    kt_pack_bytes(p, &wire, sizeof wire);
    if (p->reading)
        *value = le64toh(wire);
}

void kt_pack_size(kt_pack *p, size_t *value)
{
    uint64_t wide = *value;
    kt_pack_u64(p, &wide);
    *value = (size_t)wide;
}

int kt_pack_whole(kt_pack *p, int value, int low, int high)
{
    uint64_t wide = (uint64_t)(int64_t)value;
    kt_pack_u64(p, &wide);
    int64_t back = (int64_t)wide;
    if (p->status == KT_OK && p->reading && (back < low || back > high))
        p->status = kt_fail(p->err, KT_INPUT, "%s holds %lld before byte %zu, where %d to %d is wanted",
                            p->what, (long long)back, p->at, low, high);
    return p->status == KT_OK ? (int)back : low;
}

void kt_pack_f64(kt_pack *p, double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        kt_pack_u64(p, &bits);
        if (p->reading)
            memcpy(&values[i], &bits, sizeof bits);
    }
}

void kt_pack_f32(kt_pack *p, float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t wire;
        memcpy(&wire, &values[i], sizeof wire);
        wire = htole32(wire);
        kt_pack_bytes(p, &wire, sizeof wire);
        wire = le32toh(wire);
        if (p->reading)
            memcpy(&values[i], &wire, sizeof wire);
    }
}

void kt_pack_vector(kt_pack *p, void *out, size_t n, size_t element, size_t least)
{
    if (p->status != KT_OK || !p->reading)
        return;
    if (n > (p->n - p->at) / least)
        p->status = kt_fail(p->err, KT_INPUT, "%s announces %zu elements at byte %zu of %zu", p->what, n,
                            p->at, p->n);
    else
        p->status = kt_alloc(out, n, element, p->err);
}

/* Its length, then its bytes without a NUL. */
void kt_pack_text(kt_pack *p, char **value)
{
    size_t n = p->reading ? 0 : strlen(*value);
    kt_pack_size(p, &n);
    if (p->status == KT_OK && p->reading && n > p->n - p->at)
        p->status = kt_fail(p->err, KT_INPUT, "%s announces a text of %zu bytes at byte %zu of %zu", p->what,
                            n, p->at, p->n);
    else if (p->status == KT_OK && p->reading)
        p->status = kt_alloc(value, n + 1, 1, p->err);
    kt_pack_bytes(p, *value, n);
    if (p->status == KT_OK && strlen(*value) != n)
        p->status = kt_fail(p->err, KT_INPUT, "%s has a NUL in the text before byte %zu", p->what, p->at);
}

kt_pack kt_pack_open(const char *what, const char *data, size_t n, kt_error *err)
{
    return (kt_pack){.what = what, .reading = true, .data = (char *)(uintptr_t)data, .n = n, .err = err};
}

kt_status kt_pack_close(kt_pack *p)
{
    if (p->status == KT_OK && p->at != p->n)
        p->status = kt_fail(p->err, KT_INPUT, "%s ends at byte %zu of %zu", p->what, p->at, p->n);
    return p->status;
}

kt_status kt_pack_take(char **data, size_t *n, kt_pack *p)
{
    if (p->status != KT_OK)
        free(p->data);
    *data = p->status == KT_OK ? p->data : NULL;
    *n = p->status == KT_OK ? p->at : 0;
    p->data = NULL;
    return p->status;
}
