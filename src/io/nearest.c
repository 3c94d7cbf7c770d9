#include "kt/options.h"

#include <stdint.h>
#include <string.h>

static size_t smallest(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two names, a swap of neighbours being one (optimal string alignment; Damerau 1964). */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t n = strlen(a), m = strlen(b), row[3][LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    size_t *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = smallest(replaced, smallest(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smallest(now[j], before[j - 2] + 1);
        }
        size_t *freed = before;
        before = last;
        last = now;
        now = freed;
    }
    return last[m];
}

const char *kt_nearest(const char *name, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(name) / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        size_t edits = distance(name, names[i]);
        if (edits < least) {
            least = edits;
            best = names[i];
        }
    }
    return best;
}
