/* The AVX-512 intrinsics that kt/vmath.h uses, by AVX2 and plain C: compiled with -include of this file the
 * kernel's 512-bit code runs, and is tested, on a CPU that has only AVX2. The semantics are Intel's (Software
 * Developer's Manual, volume 2). */
#ifndef KT_TESTS_NET_AVX512_EMULATED_H
#define KT_TESTS_NET_AVX512_EMULATED_H

#include <immintrin.h>
#include <string.h>

#define __AVX512F__ 1 /* after the include: immintrin.h declares its own only where the CPU has them */

typedef float e_f16 __attribute__((vector_size(64)));
typedef double e_d8 __attribute__((vector_size(64)));
#define __m512  e_f16
#define __m512d e_d8

#define E_INLINE static inline
#define E_LANES(type, n, expression)                                                                         \
    type y_;                                                                                                 \
    for (int i = 0; i < (n); i++)                                                                            \
        y_[i] = (expression);                                                                                \
    return y_

/* an operation that AVX2 has, on both halves */
#define E_HALVES(operation)                                                                                  \
    e_f16 y_;                                                                                                \
    for (int half = 0; half < 2; half++) {                                                                   \
        __m256 h_ = operation;                                                                               \
        memcpy((char *)&y_ + 32 * half, &h_, 32);                                                            \
    }                                                                                                        \
    return y_

E_INLINE __m256 e_half(e_f16 a, int half)
{
    __m256 h;
    memcpy(&h, (const char *)&a + 32 * half, 32);
    return h;
}
E_INLINE e_f16 e_load(const float *p)
{
    E_HALVES(_mm256_load_ps(p + 8 * half));
}
E_INLINE void e_store(float *p, e_f16 x)
{
    memcpy(__builtin_assume_aligned(p, 64), &x, sizeof x);
}
E_INLINE e_f16 e_set1(float s)
{
    E_HALVES(_mm256_set1_ps(s));
}
E_INLINE e_f16 e_fmadd(e_f16 a, e_f16 b, e_f16 c)
{
    E_HALVES(_mm256_fmadd_ps(e_half(a, half), e_half(b, half), e_half(c, half)));
}
E_INLINE e_f16 e_fnmadd(e_f16 a, e_f16 b, e_f16 c)
{
    E_HALVES(_mm256_fnmadd_ps(e_half(a, half), e_half(b, half), e_half(c, half)));
}
E_INLINE e_f16 e_max(e_f16 a, e_f16 b)
{
    E_HALVES(_mm256_max_ps(e_half(a, half), e_half(b, half)));
}
E_INLINE e_f16 e_min(e_f16 a, e_f16 b)
{
    E_HALVES(_mm256_min_ps(e_half(a, half), e_half(b, half)));
}
E_INLINE e_f16 e_sqrt(e_f16 a)
{
    E_HALVES(_mm256_sqrt_ps(e_half(a, half)));
}
E_INLINE e_f16 e_abs(e_f16 a)
{
    E_HALVES(_mm256_andnot_ps(_mm256_set1_ps(-0.f), e_half(a, half)));
}
E_INLINE unsigned e_less(e_f16 a, e_f16 b)
{
    unsigned mask = 0;
    for (int i = 0; i < 16; i++)
        mask |= (unsigned)(a[i] < b[i]) << i;
    return mask;
}
E_INLINE e_f16 e_blend(unsigned mask, e_f16 a, e_f16 b)
{
    E_LANES(e_f16, 16, mask >> i & 1 ? b[i] : a[i]);
}
E_INLINE e_d8 e_cvt(__m256 a)
{
    E_LANES(e_d8, 8, (double)a[i]);
}
E_INLINE e_d8 e_set1_pd(double s)
{
    E_LANES(e_d8, 8, s);
}
E_INLINE e_d8 e_fmadd_pd(e_d8 a, e_d8 b, e_d8 c)
{
    E_LANES(e_d8, 8, __builtin_fma(a[i], b[i], c[i]));
}
E_INLINE e_f16 e_insert(e_f16 a, __m256 b, int half)
{
    memcpy((char *)&a + 32 * half, &b, 32);
    return a;
}
/* within each 128 bits: elements 0, 0', 1, 1' (high: 2, 2', 3, 3') */
E_INLINE e_f16 e_unpack(e_f16 a, e_f16 b, int high)
{
    E_LANES(e_f16, 16, (i & 1 ? b : a)[(i & 12) + 2 * high + (i >> 1 & 1)]);
}
E_INLINE e_d8 e_unpack_pd(e_d8 a, e_d8 b, int high)
{
    E_LANES(e_d8, 8, (i & 1 ? b : a)[(i & 6) + high]);
}
/* 128-bit parts: two of a, then two of b, each named by two bits of the control */
E_INLINE e_f16 e_shuffle(e_f16 a, e_f16 b, int control)
{
    E_LANES(e_f16, 16, (i < 8 ? a : b)[4 * (control >> (i >> 2 << 1) & 3) + (i & 3)]);
}

#define _mm512_load_ps   e_load
#define _mm512_store_ps  e_store
#define _mm512_set1_ps   e_set1
#define _mm512_fmadd_ps  e_fmadd
#define _mm512_fnmadd_ps e_fnmadd
#define _mm512_max_ps    e_max
#define _mm512_min_ps    e_min
#define _mm512_sqrt_ps   e_sqrt
#define _mm512_abs_ps    e_abs
#undef _mm512_cmp_ps_mask /* macros, in some compilers */
#undef _mm512_extractf32x8_ps
#undef _mm512_insertf32x8
#undef _mm512_shuffle_f32x4
#define _mm512_cmp_ps_mask(a, b, op) e_less(a, b) /* vmath.h has no other */
#define _mm512_mask_blend_ps         e_blend
#define _mm512_cvtps_pd              e_cvt
#define _mm512_set1_pd               e_set1_pd
#define _mm512_fmadd_pd              e_fmadd_pd
#define _mm512_castps512_ps256(a)    e_half(a, 0)
#define _mm512_extractf32x8_ps       e_half
#define _mm512_castps256_ps512(a)    e_insert((e_f16){0}, a, 0)
#define _mm512_insertf32x8           e_insert
#define _mm512_unpacklo_ps(a, b)     e_unpack(a, b, 0)
#define _mm512_unpackhi_ps(a, b)     e_unpack(a, b, 1)
#define _mm512_unpacklo_pd(a, b)     e_unpack_pd(a, b, 0)
#define _mm512_unpackhi_pd(a, b)     e_unpack_pd(a, b, 1)
#define _mm512_shuffle_f32x4         e_shuffle

#endif
