#include "kt/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Finalizer of splitmix64 (Steele, Lea and Flood 2014): each bit of the input moves half of the output's. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t add(uint64_t hash, double value)
{
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return mix((hash + 0x9E3779B97F4A7C15u) ^ bits);
}

uint64_t kt_row_hash(const double *x, int d, double y)
{
    uint64_t hash = (uint64_t)d;
    for (int i = 0; i < d; i++)
        hash = add(hash, x[i]);
    return add(hash, y);
}

/* Number of sketch entries below the hash. */
static size_t rank_of(const uint64_t *sketch, size_t size, uint64_t hash)
{
    size_t low = 0, high = size;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sketch[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t kt_sketch_make(uint64_t *sketch, const uint64_t *hashes, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = hashes[i];
        if (size == KT_SKETCH && hash >= sketch[KT_SKETCH - 1])
            continue; /* all but some 256 log(n / 256) of them */
        size_t at = rank_of(sketch, size, hash);
        if (at < size && sketch[at] == hash)
            continue;
        size_t moved = (size < KT_SKETCH ? size++ : KT_SKETCH - 1) - at;
        memmove(sketch + at + 1, sketch + at, moved * sizeof *sketch);
        sketch[at] = hash;
    }
    return size;
}

size_t kt_sketch_matches(const uint64_t *sketch, size_t size, const uint64_t *hashes, size_t n)
{
    assert(size <= KT_SKETCH);
    size_t matches = 0;
    for (size_t i = 0; size > 0 && i < n; i++) {
        if (hashes[i] > sketch[size - 1])
            continue;
        matches += sketch[rank_of(sketch, size, hashes[i])] == hashes[i];
    }
    return matches;
}
