/* Sobol's sequence: direction numbers of Joe and Kuo, "Constructing Sobol sequences with better
 * two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), their file new-joe-kuo-6.21201; scrambled as
 * in Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences" (1995): whether a bit is flipped depends on
 * the bits above it. */
#include "kt/rng.h"
#include "propose_private.h"
#include <assert.h>

enum { BITS = 32, DEGREE = 7 };

/* Primitive polynomials, the leading and the last coefficient included, and the first direction numbers. */
static const struct {
    uint8_t polynomial, first[DEGREE];
} table[KT_SPACE_MAX] = {
    {1, {1}},
    {3, {1}},
    {7, {1, 3}},
    {11, {1, 3, 1}},
    {13, {1, 1, 1}},
    {19, {1, 1, 3, 3}},
    {25, {1, 3, 5, 13}},
    {37, {1, 1, 5, 5, 17}},
    {41, {1, 1, 5, 5, 5}},
    {47, {1, 1, 7, 11, 19}},
    {55, {1, 1, 5, 1, 1}},
    {59, {1, 1, 1, 3, 11}},
    {61, {1, 3, 5, 5, 31}},
    {67, {1, 3, 3, 9, 7, 49}},
    {91, {1, 1, 1, 15, 21, 21}},
    {97, {1, 3, 1, 13, 27, 49}},
    {103, {1, 1, 1, 15, 7, 5}},
    {109, {1, 3, 1, 15, 13, 25}},
    {115, {1, 1, 5, 5, 19, 61}},
    {131, {1, 3, 7, 11, 23, 15, 103}},
    {137, {1, 3, 7, 13, 13, 15, 69}},
    {143, {1, 1, 3, 13, 7, 35, 63}},
    {145, {1, 3, 5, 9, 1, 25, 53}},
    {157, {1, 3, 1, 13, 9, 35, 107}},
    {167, {1, 3, 1, 5, 27, 61, 31}},
    {171, {1, 1, 5, 11, 19, 41, 61}},
    {185, {1, 3, 5, 3, 3, 13, 69}},
    {191, {1, 1, 7, 13, 1, 19, 1}},
    {193, {1, 3, 7, 5, 13, 19, 59}},
    {203, {1, 1, 3, 9, 25, 29, 41}},
    {211, {1, 3, 5, 13, 23, 1, 55}},
    {213, {1, 3, 7, 3, 13, 59, 17}},
};

static int degree_of(unsigned polynomial)
{
    int degree = -1;
    for (; polynomial > 0; polynomial >>= 1)
        degree++;
    return degree;
}

/* m_k = 2 a_1 m_(k-1) ^ 4 a_2 m_(k-2) ^ ... ^ 2^s m_(k-s) ^ m_(k-s); of the first dimension all are 1. */
static void directions(uint32_t v[BITS], int dim)
{
    unsigned polynomial = table[dim].polynomial;
    int s = degree_of(polynomial);
    for (int k = 0; k < BITS; k++) {
        v[k] = dim == 0 ? 1 : k < s ? table[dim].first[k] : v[k - s];
        for (int i = 1; k >= s && i <= s && dim > 0; i++)
            v[k] ^= (polynomial >> (s - i) & 1) ? v[k - i] << i : 0;
    }
    for (int k = 0; k < BITS; k++)
        v[k] <<= BITS - 1 - k;
}

uint32_t sobol_bits(uint32_t i, int dim)
{
    uint32_t v[BITS], x = 0;
    assert(dim < KT_SPACE_MAX);
    directions(v, dim);
    uint32_t gray = i ^ i >> 1;
    for (int k = 0; k < BITS; k++)
        x ^= (gray >> k & 1) ? v[k] : 0;
    return x;
}

double sobol_scrambled(uint32_t i, int dim, uint64_t seed, uint64_t subject)
{
    const uint64_t mixed = seed ^ (subject * UINT64_C(0x9e3779b97f4a7c15));
    const uint32_t key[2] = {(uint32_t)mixed, (uint32_t)(mixed >> 32)}, x = sobol_bits(i, dim);
    uint32_t scrambled = 0;
    for (int k = 0; k < BITS; k++) {
        uint32_t above = k == 0 ? 0 : x >> (BITS - k), flip[4];
        kt_philox(flip, (uint32_t[]){above, (uint32_t)k, (uint32_t)dim, 0x50b01u}, key);
        scrambled |= (x ^ (flip[0] & 1) << (BITS - 1 - k)) & UINT32_C(1) << (BITS - 1 - k);
    }
    return ((double)scrambled + 0.5) / 4294967296.;
}
