/* What the plain part of the kernel (kernel.c) and its arithmetic (kernel_isa.c, compiled once for each
 * instruction set) share.
 *
 * A padded vector of parameters, every offset a multiple of 16 floats:
 *   first layer     kernel [d + 1 to 4, H to 16]: rows x0 .. x(d-1), bias, zeros
 *   other layers    kernel [in to 4, out to 16], bias [out to 16]
 *   with BatchNormalization, after each of them: gamma, beta [out to 16]
 *   heads           kernel [3K to 4, H to 16] out -> in, bias [3K to 16]; rows z_w, z_a, z_b
 *
 * A gradient has the same layout, then 16 floats of which the first is the loss: the sums over blocks
 * carry it along. Padding is zero and stays zero under AdamW.
 *
 * Values of a block lie feature by feature, [feature][64 rows]: neither forward nor backward pads the
 * features, and the mixture needs no transpose. Only the gradients of kernels take one operand as
 * [64][feature] ("flipped"). */
#ifndef KT_NET_KERNEL_TYPES_H
#define KT_NET_KERNEL_TYPES_H

#include "kt/kernel.h"

enum { KERNEL_SPANS = KT_NET_MAX_INPUTS + 2 * KT_NET_MAX_LAYERS + 2 };

typedef struct {
    int in, out;                   /* without padding */
    int cols;                      /* out, padded to 16 */
    int kernel, bias, gamma, beta; /* offsets in a padded vector */
    int segment;            /* floats from `kernel` that one block's gradient covers: kernel and bias */
    float *output;          /* [blocks][cols][64]: the activation's, and on the way back d loss / d sum */
    float *normal;          /* BatchNormalization: [blocks][cols][64] (sum - mean) / sd */
    float *mean, *variance; /* [cols], of the batch */
} kernel_layer;

/* Floats [first, last) of a padded vector: weight decay or not; input: the row of the first kernel that it
 * is, or -1 */
typedef struct {
    int first, last, input;
    bool decay;
} kernel_span;

typedef struct {
    void (*gradient)(float *g, float *state, kt_kernel *, const float *p, const float *records,
                     const uint32_t *index, int n, float share, float penalty);
    void (*add)(float *a, const float *b, size_t n);
    double (*adam)(kt_kernel *, float *p, float *m, float *v, const float *g, kt_adam *, uint32_t frozen);
    void (*losses)(float *out, kt_kernel *, const float *p, const float *records, size_t n);
    void (*heads)(float *out, kt_kernel *, const float *p, const float *records, size_t n);
    void (*mixtures)(float *out, kt_kernel *, const float *p, const float *records, size_t n, float s,
                     float log_s);
    void (*range)(float *low, float *high, kt_kernel *, const float *p, const float *records, size_t n);
} kernel_ops;
extern const kernel_ops kt_kernel_ops_generic, kt_kernel_ops_v3, kt_kernel_ops_v4;

struct kt_kernel {
    kt_net net;
    const kernel_ops *ops;
    kernel_layer layer[KT_NET_MAX_LAYERS];
    int size, record;
    int head_rows, head_kernel, head_bias; /* 3K padded to 4; offsets */
    int head_stride;                       /* floats of a block's z: 3K padded to 16, times 64 */
    kernel_span span[KERNEL_SPANS];
    int spans, blocks;     /* blocks: the largest batch's */
    float low, high;       /* bounds of the log of the first parameter */
    float *x;              /* [blocks][record][64]: inputs, a row of ones, zeros */
    float *t;              /* [blocks][64] */
    float *weight, *valid; /* [blocks][64]: a row's share, or 0 where a block has no row; 1 or 0 */
    float *z;              /* [blocks][3K to 16][64]: head outputs, and on the way back d loss / dz */
    float *loss;           /* [blocks] */
    float *flipped;        /* [64][the widest, padded] */
    float *mix;            /* five times [K][64] */
    float *sums;           /* [levels of the tree][longest segment] */
    int longest;           /* floats of the longest segment */
    float trash[KT_BLOCK]; /* where a record's padding goes */
    float *memory;         /* all of the above */
};

static inline int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

#endif
