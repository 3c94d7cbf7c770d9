/* The functions of kt/vmath.h over arrays, one table for each instruction set (vmath_isa.c). */
#ifndef KT_TESTS_NET_VMATH_TABLE_H
#define KT_TESTS_NET_VMATH_TABLE_H

#include <stddef.h>

typedef struct {
    /* [n], n a multiple of 16, aligned to 64 bytes */
    void (*exp)(float *out, const float *x, size_t n);
    void (*log)(float *out, const float *x, size_t n);
    void (*tanh)(float *out, const float *x, size_t n);
    void (*sigmoid)(float *out, const float *x, size_t n);
    void (*softplus)(float *out, const float *x, size_t n);
    void (*expm1)(float *out, const float *x, size_t n);
    void (*phi)(float *out, const float *x, size_t n);     /* exp(x) - 1 - x */
    void (*gamma_s)(float *out, const float *x, size_t n); /* S(exp x) */
    void (*gamma_d)(float *out, const float *x, size_t n); /* D(exp x) */
    void (*clamp)(float *out, const float *x, size_t n);   /* to [-1, 1] */
    float (*sum)(const float *x);                          /* of 16 */
    void (*transpose)(float *out, const float *x);         /* [16, 16] */
    void (*columns)(float *out, const float *x);           /* x [4, 4] unaligned -> out [4, 4] transposed */
    double (*squares)(const float *x);                     /* of 16: by vdload and vdfma */
} vmath_table;

extern const vmath_table vmath_generic, vmath_v3, vmath_v4;

#endif
