#include "kt/rng.h"

#include "kt/pause.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum { ROUNDS = 10 };

/* Multipliers and Weyl increments: Salmon et al., section 4.4. */
void kt_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Stafford's 13th variant of MurmurHash3's finalizer, as in SplitMix64: a bijection. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t kt_rng_subject(const char *name)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    return mix(hash);
}

void kt_rng_init(kt_rng *rng, uint64_t seed, uint64_t subject, kt_rng_purpose purpose, uint32_t epoch,
                 uint32_t index)
{
    uint64_t key = mix(mix(seed + 0x9E3779B97F4A7C15u) + subject);
    *rng = (kt_rng){.key = {(uint32_t)key, (uint32_t)(key >> 32)},
                    .counter = {0, index, epoch, (uint32_t)purpose}};
}

uint32_t kt_rng_u32(kt_rng *rng)
{
    if (rng->left == 0) {
        kt_philox(rng->buffer, rng->counter, rng->key);
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->buffer[4 - rng->left--];
}

/* An odd multiple of 2^-53: the two ends cannot be reached, and no value is rounded. */
double kt_rng_uniform(kt_rng *rng)
{
    uint64_t high = kt_rng_u32(rng), low = kt_rng_u32(rng);
    return ((double)((high << 32 | low) >> 12) + 0.5) * 0x1p-52;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the division is rarely reached. */
static inline uint32_t below(kt_rng *rng, uint32_t n)
{
    uint64_t product = (uint64_t)kt_rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t threshold = -n % n;
        while ((uint32_t)product < threshold)
            product = (uint64_t)kt_rng_u32(rng) * n;
    }
    return (uint32_t)(product >> 32);
}

uint32_t kt_rng_below(kt_rng *rng, uint32_t n)
{
    assert(n > 0);
    return below(rng, n);
}

double kt_rng_normal(kt_rng *rng)
{
    double radius = sqrt(-2 * log(kt_rng_uniform(rng)));
    return radius * cos(2 * M_PI * kt_rng_uniform(rng));
}

double kt_rng_gamma(kt_rng *rng, double shape)
{
    assert(shape > 0);
    if (shape < 1) /* X(a) = X(a + 1) U^(1/a) */
        return kt_rng_gamma(rng, shape + 1) * pow(kt_rng_uniform(rng), 1 / shape);
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = kt_rng_normal(rng), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(kt_rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

static inline void swap(uint32_t *items, uint32_t i, uint32_t j)
{
    uint32_t kept = items[i];
    items[i] = items[j];
    items[j] = kept;
}

/* In the path of every epoch, hence its own supply: blocks made ahead, whose rounds overlap, and read without
 * going through *rng for each number. What it takes of the stream, and leaves, is what kt_rng_below would. */
void kt_rng_shuffle(kt_rng *rng, uint32_t *items, uint32_t n)
{
    enum { BLOCKS = 16 };
    uint32_t supply[4 * BLOCKS], taken = 4 * BLOCKS, i = n;
    for (; i > 1 && rng->left > 0; i--)
        swap(items, i - 1, below(rng, i));
    if (i <= 1)
        return;
    while (i > 1) {
        if (taken == 4 * BLOCKS) {
            KT_PAUSE_OFTEN();
            for (size_t block = 0; block < BLOCKS; block++, rng->counter[0]++)
                kt_philox(supply + 4 * block, rng->counter, rng->key);
            taken = 0;
        }
        uint64_t product = (uint64_t)supply[taken++] * i;
        if ((uint32_t)product >= i || (uint32_t)product >= -i % i) {
            i--;
            swap(items, i, (uint32_t)(product >> 32));
        }
    }
    /* Back to the block that the last number came from. */
    uint32_t begun = (taken + 3) / 4;
    rng->counter[0] -= BLOCKS - begun;
    rng->left = (int)(4 * begun - taken);
    memcpy(rng->buffer, supply + 4 * (size_t)(begun - 1), sizeof rng->buffer);
}
