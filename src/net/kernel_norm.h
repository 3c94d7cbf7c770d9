/* BatchNormalization (Ioffe and Szegedy 2015) over a batch of several blocks. For kernel_isa.c. */
#ifndef KT_NET_KERNEL_NORM_H
#define KT_NET_KERNEL_NORM_H

#include "kernel_product.h"

/* sum over all rows of a b: 16 lanes, a block's four groups of 16 rows one after the other, block after
 * block; then the lanes' tree. Strides: floats from block to block. */
KT_INLINE float dot(const float *a, ptrdiff_t stride_a, const float *b, ptrdiff_t stride_b, int blocks)
{
    vf c[NL];
    for (int j = 0; j < NL; j++)
        c[j] = vset(0.f);
    for (; blocks > 0; blocks--, a += stride_a, b += stride_b)
#pragma GCC unroll 4
        for (int i = 0; i < NB; i += 16)
#pragma GCC unroll NL
            for (int j = 0; j < NL; j++)
                c[j] = vfma(vload(a + i + j * VL), vload(b + i + j * VL), c[j]);
    return vsum_lanes(c);
}

static float inverse_sd(float variance)
{
    return 1.f / __builtin_sqrtf(variance + (float)KT_NORM_EPSILON);
}

/* A layer's sums z become f(gamma (z - mean) / sd + beta); (z - mean) / sd, 0 in rows that a block does not
 * have, and the batch's statistics are kept. */
KT_INLINE void normalise(kt_activation f, const kt_kernel *k, const kernel_layer *y, const float *p,
                         int blocks, int n)
{
    const ptrdiff_t stride = (ptrdiff_t)y->cols * NB;
    for (int o = 0; o < y->out; o++) {
        float *z = y->output + o * NB, *normal = y->normal + o * NB;
        const float mean = dot(z, stride, k->valid, NB, blocks) / (float)n;
        for (int b = 0; b < blocks; b++)
#pragma GCC unroll 16
            for (int i = 0; i < NB; i += VL)
                vstore(normal + b * stride + i,
                       (vload(z + b * stride + i) - vset(mean)) * vload(k->valid + b * NB + i));
        const float variance = dot(normal, stride, normal, stride, blocks) / (float)n;
        const vf scale = vset(inverse_sd(variance)), gamma = vset(p[y->gamma + o]),
                 beta = vset(p[y->beta + o]);
        for (int b = 0; b < blocks; b++)
            for (int i = 0; i < NB; i += VL) {
                vf x = vload(normal + b * stride + i) * scale;
                vstore(normal + b * stride + i, x);
                vstore(z + b * stride + i, activation(f, vfma(gamma, x, beta)));
            }
        y->mean[o] = mean;
        y->variance[o] = variance;
    }
}

typedef void normalise_function(const kt_kernel *k, const kernel_layer *y, const float *p, int blocks, int n);
#define NORMALISE(name, f)                                                                                   \
    NOINLINE void normalise_##name(const kt_kernel *k, const kernel_layer *y, const float *p, int blocks,    \
                                   int n)                                                                    \
    {                                                                                                        \
        normalise(f, k, y, p, blocks, n);                                                                    \
    }
NORMALISE(tanh, KT_TANH)
NORMALISE(relu, KT_RELU)
NORMALISE(leaky_relu, KT_LEAKY_RELU)
NORMALISE(elu, KT_ELU)
NORMALISE(sigmoid, KT_SIGMOID)
NORMALISE(softplus, KT_SOFTPLUS)
NORMALISE(linear, KT_LINEAR)

static normalise_function *const normalisations[KT_ACTIVATIONS] = {
    [KT_TANH] = normalise_tanh,     [KT_RELU] = normalise_relu,       [KT_LEAKY_RELU] = normalise_leaky_relu,
    [KT_ELU] = normalise_elu,       [KT_SIGMOID] = normalise_sigmoid, [KT_SOFTPLUS] = normalise_softplus,
    [KT_LINEAR] = normalise_linear,
};

/* From the derivatives dy by what the activation saw to those by the layer's sums,
 * dz = gamma / sd (dy - mean(dy) - normal mean(dy normal)); the gradients of gamma and beta on the way. */
NOINLINE void normalise_back(float *g, const kt_kernel *k, const kernel_layer *y, const float *p, int blocks,
                             int n)
{
    const ptrdiff_t stride = (ptrdiff_t)y->cols * NB;
    memset(g + y->gamma, 0, (size_t)(2 * y->cols) * sizeof *g);
    for (int o = 0; o < y->out; o++) {
        float *dy = y->output + o * NB;
        const float *normal = y->normal + o * NB;
        const float dgamma = dot(dy, stride, normal, stride, blocks),
                    dbeta = dot(dy, stride, k->valid, NB, blocks);
        const vf scale = vset(p[y->gamma + o] * inverse_sd(y->variance[o]));
        const vf shift = vset(dbeta / (float)n), slope = vset(dgamma / (float)n);
        for (int b = 0; b < blocks; b++)
#pragma GCC unroll 16
            for (int i = 0; i < NB; i += VL) {
                vf d = vfnma(vload(k->valid + b * NB + i), shift, vload(dy + b * stride + i));
                vstore(dy + b * stride + i, scale * vfnma(vload(normal + b * stride + i), slope, d));
            }
        g[y->gamma + o] = dgamma;
        g[y->beta + o] = dbeta;
    }
}

#endif
