/* Vector floor of the training kernel: one natural vector `vf` of VL floats (16 with AVX-512, 8 with AVX2 and
 * FMA, 4 in plain C) and exp, log, tanh, the gamma family's terms and others on it. For files that are
 * compiled once for each instruction set; everything here is inlined.
 *
 * Every function is the same sequence of IEEE operations in every lane, so its bits do not depend on VL:
 *  - fused multiply-add is what vfma and vfnma say and nothing else (compile with -ffp-contract=off);
 *  - the basic operations and sqrt are correctly rounded (IEEE 754);
 *  - no reciprocal estimates: their bits differ between vendors; no libm: its bits differ between versions;
 *  - vmax(c, x), vmin(c, x) give the second operand when one is NaN, so that a NaN in x survives every clamp;
 *  - where lanes meet there are always 16 logical lanes in NL vectors (vsum_lanes).
 *
 * Coefficients are own fits (least squares with Lawson's weights, for the relative error). Largest errors
 * against double, in units in the last place: exp 1.1, log 0.9, tanh 4.6, expm1 4.7, sigmoid 3.1, softplus
 * 2.1, S 2.4 (units of at least 1's), D 3.4, phi 13.5 where it changes its formula. */
#ifndef KT_VMATH_H
#define KT_VMATH_H

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#include <immintrin.h>
#define KT_INLINE static inline __attribute__((always_inline))
#else
#define KT_INLINE static inline /* each fused multiply-add may be a call here: code size matters */
#endif
#include <stdbool.h>
#include <string.h>

/* vload, vstore: aligned to the vector. vfma: a b + c; vfnma: -a b + c; vselect_less: x < y ? a : b.
 * vany_less: is x < y in any lane? vd: VL / 2 doubles, for sums of squares. */
#if defined(__AVX512F__)
#define VL 16
typedef __m512 vf;
typedef __m512d vd;
KT_INLINE vf vload(const float *p)
{
    return _mm512_load_ps(p);
}
KT_INLINE void vstore(float *p, vf x)
{
    _mm512_store_ps(p, x);
}
KT_INLINE vf vset(float s)
{
    return _mm512_set1_ps(s);
}
KT_INLINE vf vfma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
KT_INLINE vf vfnma(vf a, vf b, vf c)
{
    return _mm512_fnmadd_ps(a, b, c);
}
KT_INLINE vf vmax(vf c, vf x)
{
    return _mm512_max_ps(c, x);
}
KT_INLINE vf vmin(vf c, vf x)
{
    return _mm512_min_ps(c, x);
}
KT_INLINE vf vsqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}
KT_INLINE vf vabs(vf x)
{
    return _mm512_abs_ps(x);
}
KT_INLINE vf vselect_less(vf x, vf y, vf a, vf b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
}
KT_INLINE bool vany_less(vf x, vf y)
{
    return _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ) != 0;
}
KT_INLINE vd vdload(const float *p)
{
    return _mm512_cvtps_pd(_mm256_load_ps(p));
}
KT_INLINE vd vdset(double s)
{
    return _mm512_set1_pd(s);
}
KT_INLINE vd vdfma(vd a, vd b, vd c)
{
    return _mm512_fmadd_pd(a, b, c);
}
#elif defined(__AVX2__) && defined(__FMA__)
#define VL 8
typedef __m256 vf;
typedef __m256d vd;
KT_INLINE vf vload(const float *p)
{
    return _mm256_load_ps(p);
}
KT_INLINE void vstore(float *p, vf x)
{
    _mm256_store_ps(p, x);
}
KT_INLINE vf vset(float s)
{
    return _mm256_set1_ps(s);
}
KT_INLINE vf vfma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
KT_INLINE vf vfnma(vf a, vf b, vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
KT_INLINE vf vmax(vf c, vf x)
{
    return _mm256_max_ps(c, x);
}
KT_INLINE vf vmin(vf c, vf x)
{
    return _mm256_min_ps(c, x);
}
KT_INLINE vf vsqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}
KT_INLINE vf vabs(vf x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.f), x);
}
KT_INLINE vf vselect_less(vf x, vf y, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ));
}
KT_INLINE bool vany_less(vf x, vf y)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(x, y, _CMP_LT_OQ)) != 0;
}
KT_INLINE vd vdload(const float *p)
{
    return _mm256_cvtps_pd(_mm_load_ps(p));
}
KT_INLINE vd vdset(double s)
{
    return _mm256_set1_pd(s);
}
KT_INLINE vd vdfma(vd a, vd b, vd c)
{
    return _mm256_fmadd_pd(a, b, c);
}
#else
#define VL 4
typedef float vf __attribute__((vector_size(16)));
typedef double vd __attribute__((vector_size(16)));
KT_INLINE vf vload(const float *p)
{
    vf x;
    memcpy(&x, __builtin_assume_aligned(p, 16), sizeof x);
    return x;
}
KT_INLINE void vstore(float *p, vf x)
{
    memcpy(__builtin_assume_aligned(p, 16), &x, sizeof x);
}
KT_INLINE vf vset(float s)
{
    return (vf){s, s, s, s};
}
KT_INLINE vf vfma(vf a, vf b, vf c)
{
    return (vf){__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]),
                __builtin_fmaf(a[2], b[2], c[2]), __builtin_fmaf(a[3], b[3], c[3])};
}
KT_INLINE vf vfnma(vf a, vf b, vf c)
{
    return vfma(-a, b, c);
}
typedef int vm __attribute__((vector_size(16)));
KT_INLINE vf vpick(vm mask, vf a, vf b)
{
    return (vf)(((vm)a & mask) | ((vm)b & ~mask));
}
KT_INLINE vf vmax(vf c, vf x)
{
    return vpick(c > x, c, x);
}
KT_INLINE vf vmin(vf c, vf x)
{
    return vpick(c < x, c, x);
}
KT_INLINE vf vsqrt(vf x)
{
    return (vf){__builtin_sqrtf(x[0]), __builtin_sqrtf(x[1]), __builtin_sqrtf(x[2]), __builtin_sqrtf(x[3])};
}
KT_INLINE vf vabs(vf x)
{
    return (vf)((vm)x & 0x7fffffff);
}
KT_INLINE vf vselect_less(vf x, vf y, vf a, vf b)
{
    return vpick(x < y, a, b);
}
KT_INLINE bool vany_less(vf x, vf y)
{
    vm less = x < y;
    return (less[0] | less[1] | less[2] | less[3]) != 0;
}
KT_INLINE vd vdload(const float *p)
{
    return (vd){p[0], p[1]};
}
KT_INLINE vd vdset(double s)
{
    return (vd){s, s};
}
KT_INLINE vd vdfma(vd a, vd b, vd c)
{
    return (vd){__builtin_fma(a[0], b[0], c[0]), __builtin_fma(a[1], b[1], c[1])};
}
#endif

typedef int vi __attribute__((vector_size(4 * VL)));
typedef unsigned vu
    __attribute__((vector_size(4 * VL))); /* for sums of bits, which may wrap: of NaN, infinities */
enum { LANES = VL, NL = 16 / VL };        /* NL: natural vectors in one logical vector of 16 lanes */

/* sum c[i] x^i, Horner; n is a constant and the loop disappears */
KT_INLINE vf vpoly(vf x, const float *c, int n)
{
    vf p = vset(c[n - 1]);
#pragma GCC unroll 16
    for (int i = n - 2; i >= 0; i--)
        p = vfma(p, x, vset(c[i]));
    return p;
}
#define VPOLY(x, ...) vpoly(x, (const float[]){__VA_ARGS__}, (int)(sizeof((const float[]){__VA_ARGS__}) / 4))

/* x = n ln 2 + r, |r| <= ln 2 / 2; *t carries n in its low bits */
KT_INLINE vf vexp_reduce(vf x, vf *t)
{
    *t = vfma(x, vset(1.442695041f), vset(12582912.f));
    vf n = *t - vset(12582912.f);
    return vfnma(n, vset(1.428606765e-6f), vfnma(n, vset(0.693145751953125f), x));
}

/* p 2^n, p in [0.7, 1.42] */
KT_INLINE vf vexp_scale(vf p, vf t)
{
    return (vf)((vu)p + ((vu)t << 23));
}

/* exp(x) for x <= 88; below -87 it stays at exp(-87) = 1.6e-38, so no denormals arise */
KT_INLINE vf vexp(vf x)
{
    vf t, r = vexp_reduce(vmax(vset(-87.f), x), &t);
    vf q = VPOLY(r, 0.5f, 1.666651964e-1f, 4.166620597e-2f, 8.368886076e-3f, 1.395044848e-3f);
    return vexp_scale(vfma(r * r, q, r) + vset(1.f), t);
}

/* returns exp(x); phi = exp(x) - 1 - x to full relative precision near 0; x <= 88 */
KT_INLINE vf vexp_phi(vf x, vf *phi)
{
    vf t, r = vexp_reduce(vmax(vset(-87.f), x), &t);
    vf q =
        VPOLY(r, 0.5f, 1.666666716e-1f, 4.166646302e-2f, 8.333360776e-3f, 1.393368701e-3f, 1.985783310e-4f);
    vf e = vexp_scale(vfma(r * r, q, r) + vset(1.f), t);
    *phi = vselect_less(vabs(x), vset(0.3465f), x * x * q, (e - vset(1.f)) - x);
    return e;
}

/* exp(x) - 1 for x <= 88 */
KT_INLINE vf vexpm1(vf x)
{
    vf phi, e = vexp_phi(x, &phi);
    return vselect_less(vabs(x), vset(0.3465f), phi + x, e - vset(1.f));
}

/* log(x) for normal x > 0; NaN or infinite x gives NaN, 0 and x < 0 give nonsense */
KT_INLINE vf vlog(vf x)
{
    vi i = (vi)((vu)x - 0x3f2aaaab); /* x = m 2^e, m in [2/3, 4/3) */
    vf e = vfma(x, vset(0.f), __builtin_convertvector(i >> 23, vf));
    vf f = (vf)((i & 0x7fffff) + 0x3f2aaaab) - vset(1.f);
    vf p = VPOLY(f, -0.5f, 3.333333433e-1f, -2.499981970e-1f, 1.999959797e-1f, -1.667958647e-1f,
                 1.430446953e-1f, -1.219564006e-1f, 1.075407490e-1f, -1.284573972e-1f, 1.200784892e-1f);
    return vfma(e, vset(0.693145751953125f), f + vfma(f * f, p, e * vset(1.428606765e-6f)));
}

/* tanh(x) = x N(s) / D(s), s = min(x^2, 81); the last clamp serves |x| > 9 and the last ulp below it */
KT_INLINE vf vtanh(vf x)
{
    vf s = vmin(vset(81.f), x * x);
    vf n = VPOLY(s, 9.999999795e-1f, 1.338102687e-1f, 3.495589583e-3f, 2.060910563e-5f, 1.335469221e-8f);
    vf d = VPOLY(s, 1.f, 4.671434247e-1f, 2.587698776e-2f, 3.285637174e-4f, 7.776571225e-7f);
    return vmax(vset(-1.f), vmin(vset(1.f), x * n / d));
}

/* 1 / (1 + exp(-x)) */
KT_INLINE vf vsigmoid(vf x)
{
    return vset(1.f) / (vset(1.f) + vexp(vmin(vset(87.f), vset(0.f) - x)));
}

/* log(1 + exp(x)) = max(x, 0) + log1p(u), u = exp(-|x|), log1p(u) = u + u^2 Q(u): full relative precision in
 * the lower tail. *u is for the derivative, 1 / (1 + exp(-x)) = (x < 0 ? u : 1) / (1 + u). */
KT_INLINE vf vsoftplus(vf x, vf *u)
{
    *u = vexp(vset(0.f) - vabs(x));
    vf q = VPOLY(*u, -4.999993145e-1f, 3.333047628e-1f, -2.495824695e-1f, 1.969374567e-1f, -1.535084993e-1f,
                 1.067316905e-1f, -5.759408697e-2f, 2.016826533e-2f, -3.310628003e-3f);
    return vmax(vset(0.f), x) + vfma(*u * *u, q, *u);
}

/* The gamma family's functions of k = exp(a): S = k log k - k - lgamma(k) and D = dS/da = k (log k -
 * digamma(k)). Both stay of order 1 (D in (0.5, 1), S ~ a/2 for large k) where lgamma itself would lose all
 * digits: k up to 1e6 is safe. k < 1: lgamma(1+k) = k P(k), digamma(1+k) = Q(k); k >= 1: Stirling's remainder
 * as a polynomial in 1/k. */
KT_INLINE vf vgamma(vf k, vf a, vf *D)
{
    vf one = vset(1.f), w = one / vmax(one, k);
    vf U = VPOLY(w, 8.333224803e-2f, 2.115880488e-5f, -2.912236843e-3f, 3.664430114e-4f, 4.125503183e-4f,
                 -1.587159641e-4f);
    vf W = VPOLY(w, 8.333238959e-2f, 2.111398499e-5f, -8.478270844e-3f, 3.315002541e-4f, 4.324400332e-3f,
                 -3.040398471e-3f, 7.249413757e-4f);
    vf S = vfma(vset(0.5f), a, vfnma(w, U, vset(-0.918938533f)));
    *D = vfma(w, W, vset(0.5f));
    if (!vany_less(k, one)) /* most often, once a fit has begun */
        return S;
    vf l = vmin(one, k);
    vf P = VPOLY(l, -5.772155523e-1f, 8.224604726e-1f, -4.005668461e-1f, 2.694992423e-1f, -2.016050220e-1f,
                 1.497588009e-1f, -9.801048040e-2f, 4.922277480e-2f, -1.598030515e-2f, 2.436883748e-3f);
    vf Q = VPOLY(l, -5.772156119e-1f, 1.644929171e+0f, -1.201907754e+0f, 1.080332398e+0f, -1.022246122e+0f,
                 9.499487877e-1f, -8.013517261e-1f, 5.557515621e-1f, -2.824338377e-1f, 9.039133787e-2f,
                 -1.341385674e-2f);
    *D = vselect_less(k, one, vfma(l, a - Q, one), *D);
    return vselect_less(k, one, a + l * (a - one - P), S);
}

/* sum of 16 logical lanes by the tree l + (l+8), + (l+4), + (l+2), + (l+1); x: NL vectors */
KT_INLINE float vsum_lanes(const vf *x)
{
#if VL > 4
#if VL == 16
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(x[0]), _mm512_extractf32x8_ps(x[0], 1));
#else
    __m256 h = _mm256_add_ps(x[0], x[1]);
#endif
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
#else
    vf q = (x[0] + x[2]) + (x[1] + x[3]);
    return (q[0] + q[2]) + (q[1] + q[3]);
#endif
}

/* VL x VL transpose: b[j * ldb + i] = a[i * lda + j] */
KT_INLINE void vtranspose(const float *a, int lda, float *b, int ldb)
{
#if VL == 4
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            b[j * ldb + i] = a[i * lda + j];
#else
    /* The exchange of quarters (v4) or halves (v3) begins with the loads: shuffles have one port, loads two.
     */
    vf r[VL], t[VL];
#if VL == 16
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) { /* r[h + 2 i + 8 j]: half h of rows i + 8 j and i + 8 j + 4 */
        const float *from = a + (i / 2 % 4 + i / 8 * 8) * lda + i % 2 * 8;
        r[i] = _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_load_ps(from)),
                                  _mm256_load_ps(from + 4 * lda), 1);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) { /* t[q + 4 i]: quarter q of rows i, i + 4, i + 8, i + 12 */
        int q = 4 * (i / 2) + 2 * (i % 2);
        t[q] = _mm512_shuffle_f32x4(r[i], r[i + 8], 0x88);
        t[q + 1] = _mm512_shuffle_f32x4(r[i], r[i + 8], 0xdd);
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        vf ab = _mm512_unpacklo_ps(t[q], t[q + 4]), cd = _mm512_unpacklo_ps(t[q + 8], t[q + 12]);
        vf AB = _mm512_unpackhi_ps(t[q], t[q + 4]), CD = _mm512_unpackhi_ps(t[q + 8], t[q + 12]);
        r[4 * q] = (vf)_mm512_unpacklo_pd((__m512d)ab, (__m512d)cd);
        r[4 * q + 1] = (vf)_mm512_unpackhi_pd((__m512d)ab, (__m512d)cd);
        r[4 * q + 2] = (vf)_mm512_unpacklo_pd((__m512d)AB, (__m512d)CD);
        r[4 * q + 3] = (vf)_mm512_unpackhi_pd((__m512d)AB, (__m512d)CD);
    }
#else
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) { /* t[i + 4 h]: half h of rows i and i + 4 */
        const float *from = a + i % 4 * lda + i / 4 * 4;
        t[i] =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(from)), _mm_load_ps(from + 4 * lda), 1);
    }
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++) {
        vf ab = _mm256_unpacklo_ps(t[4 * h], t[4 * h + 1]),
           cd = _mm256_unpacklo_ps(t[4 * h + 2], t[4 * h + 3]);
        vf AB = _mm256_unpackhi_ps(t[4 * h], t[4 * h + 1]),
           CD = _mm256_unpackhi_ps(t[4 * h + 2], t[4 * h + 3]);
        r[4 * h] = (vf)_mm256_unpacklo_pd((__m256d)ab, (__m256d)cd);
        r[4 * h + 1] = (vf)_mm256_unpackhi_pd((__m256d)ab, (__m256d)cd);
        r[4 * h + 2] = (vf)_mm256_unpacklo_pd((__m256d)AB, (__m256d)CD);
        r[4 * h + 3] = (vf)_mm256_unpackhi_pd((__m256d)AB, (__m256d)CD);
    }
#endif
#pragma GCC unroll LANES
    for (int i = 0; i < VL; i++)
        vstore(b + i * ldb, r[i]);
#endif
}

/* Four records' next four floats, unaligned, to four columns. */
KT_INLINE void vcolumns(float *const column[4], const float *const row[4])
{
#if VL == 4
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            column[j][i] = row[i][j];
#else
    __m128 r[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        r[i] = _mm_loadu_ps(row[i]);
    _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        _mm_storeu_ps(column[i], r[i]);
#endif
}

#endif
