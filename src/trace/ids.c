#include "ids.h"

#include <stdbool.h>
#include <string.h>

/* [0, base) for a digit, else -1. Base64's alphabet is that of RFC 4648, section 4. */
static int digit(char c, int base)
{
    if (base == 64) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(alphabet, c) : NULL;
        return at ? (int)(at - alphabet) : -1;
    }
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The last digit is the lowest of bytes [size]; false where there is another character or too many. */
static bool from_hex(uint8_t *bytes, size_t size, const char *text, size_t n)
{
    memset(bytes, 0, size);
    if (n > 2 * size)
        return false;
    for (size_t i = 0; i < n; i++) {
        int value = digit(text[n - 1 - i], 16);
        if (value < 0)
            return false;
        bytes[size - 1 - i / 2] |= (uint8_t)(i % 2 ? value << 4 : value);
    }
    return true;
}

/* Exactly `size` bytes, with padding. */
static bool from_base64(uint8_t *bytes, size_t size, const char *text, size_t n)
{
    size_t padding = (3 - size % 3) % 3, done = 0;
    uint32_t bits = 0;
    if (n != (size + 2) / 3 * 4)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool pad = i >= n - padding;
        int value = pad ? 0 : digit(text[i], 64);
        if (value < 0 || (pad && text[i] != '='))
            return false;
        bits = bits << 6 | (uint32_t)value;
        for (int k = 16; i % 4 == 3 && k >= 0 && done < size; k -= 8)
            bytes[done++] = (uint8_t)(bits >> k);
    }
    return true;
}

/* FNV-1a with a finalizer: the same on every machine, since it is stored. */
static uint64_t hash_name(const char *text, size_t n, uint64_t seed)
{
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    return hash != 0 ? hash : 1;
}

static void to_bytes(uint8_t bytes[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

void kt_id_of_trace(uint8_t id[16], const char *text, size_t n)
{
    memset(id, 0, 16);
    if (from_hex(id, 16, text, n) || from_base64(id, 16, text, n))
        return;
    memset(id, 0, 16);
    if (from_base64(id + 8, 8, text, n))
        return;
    to_bytes(id, hash_name(text, n, 0));
    to_bytes(id + 8, hash_name(text, n, 1));
}

uint64_t kt_id_of_span(const char *text, size_t n)
{
    uint8_t bytes[8];
    uint64_t id = 0;
    if (!from_hex(bytes, 8, text, n) && !from_base64(bytes, 8, text, n))
        return hash_name(text, n, 0);
    for (int i = 0; i < 8; i++)
        id = id << 8 | bytes[i];
    return id;
}
