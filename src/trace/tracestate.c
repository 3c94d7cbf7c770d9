#include "tracestate.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The part of text [n] up to a separator, without spaces before it; *next: behind the separator. */
static size_t part_of(const char **text, const char **next, const char *end, char separator)
{
    while (*text < end && (**text == ' ' || **text == '\t'))
        ++*text;
    const char *stop = memchr(*text, separator, (size_t)(end - *text));
    *next = stop ? stop + 1 : end;
    return (size_t)((stop ? stop : end) - *text);
}

static bool begins(const char *text, size_t n, const char *with)
{
    size_t m = strlen(with);
    return n > m && memcmp(text, with, m) == 0;
}

const char *kt_tracestate_sampling(size_t *length, const char *text, size_t n)
{
    const char *found = "", *next;
    *length = 0;
    for (const char *member = text; member < text + n; member = next) {
        size_t size = part_of(&member, &next, text + n, ',');
        if (!begins(member, size, "ot="))
            continue;
        const char *after, *end = member + size;
        for (const char *part = member + 3; part < end; part = after) {
            size_t bytes = part_of(&part, &after, end, ';');
            bool threshold = begins(part, bytes, "th:");
            if (!threshold && !(begins(part, bytes, "p:") && *length == 0))
                continue;
            found = part;
            *length = bytes;
            if (threshold)
                return found;
        }
    }
    return found;
}

double kt_tracestate_share(const char *part)
{
    enum { DIGITS = 14 };
    char *end;
    if (strncmp(part, "th:", 3) == 0) {
        size_t n = strlen(part + 3);
        uint64_t threshold = strtoull(part + 3, &end, 16);
        if (n == 0 || n > DIGITS || *end != '\0')
            return 1;
        threshold <<= 4 * (DIGITS - n);
        return ldexp((double)((UINT64_C(1) << 4 * DIGITS) - threshold), -4 * DIGITS);
    }
    if (strncmp(part, "p:", 2) == 0) {
        long power = strtol(part + 2, &end, 10);
        return end != part + 2 && *end == '\0' && power >= 0 && power < 63 ? ldexp(1, -(int)power) : 1;
    }
    return 1;
}
