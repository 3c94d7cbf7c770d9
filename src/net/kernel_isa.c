/* The kernel's arithmetic. Compiled once for each instruction set with -DKT_KERNEL_ISA=generic, v3 or v4; the
 * bits are the same (see kt/vmath.h):
 *  - an element of a product is one chain of fused multiply-adds, its index ascending, whatever the tiles;
 *  - sums over rows have 16 lanes and a fixed order;
 *  - blocks are summed by the tree of kt/tree.h; a row that a block does not have weighs 0 (it is a copy of
 * the block's first row, so that it brings no value of its own). */
#include "kernel_mix.h"
#include "kernel_norm.h"
#include "kernel_product.h"
#include "kernel_types.h"
#include <math.h>
#include <string.h>

/* ---- one block's rows in, forward, backward ---- */

/* rows index[0..n) of block b to feature-major x, t and weights */
static void gather(kt_kernel *k, int b, const float *records, const uint32_t *index, int n, float share)
{
    const int record = k->record, d = k->net.inputs;
    float *x = k->x + (ptrdiff_t)b * record * NB, *t = k->t + b * NB;
    for (int q = 0; q < record; q += 4) {
        float *to[4];
        int step[4];
        for (int c = 0; c < 4; c++) {
            to[c] = q + c < d ? x + (q + c) * NB : q + c == d ? t : k->trash;
            step[c] = q + c <= d ? 4 : 0;
        }
        for (int i = 0; i < NB; i += 4) {
            const float *row[4];
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                int r = i + j < n ? i + j : 0;
                row[j] = records + (size_t)(index ? index[r] : (uint32_t)r) * (size_t)record + q;
            }
            vcolumns(to, row);
#pragma GCC unroll 4
            for (int c = 0; c < 4; c++)
                to[c] += step[c];
        }
    }
    for (int i = 0; i < NB; i++)
        k->weight[b * NB + i] = i < n ? share : 0.f;
    for (int i = 0; k->net.batch_norm && i < NB; i++)
        k->valid[b * NB + i] = i < n ? 1.f : 0.f;
}

static float *output_of(const kernel_layer *y, int b)
{
    return y->output + (ptrdiff_t)b * y->cols * NB;
}

static float *z_of(const kt_kernel *k, int b)
{
    return k->z + (ptrdiff_t)b * k->head_stride;
}

/* What layer l reads, in block b. */
static const float *input_of(const kt_kernel *k, int l, int b)
{
    return l == 0 ? k->x + (ptrdiff_t)b * k->record * NB : output_of(&k->layer[l - 1], b);
}

/* Layer by layer over all blocks, as the statistics of BatchNormalization need the whole batch (n rows). */
static void forward(kt_kernel *k, const float *p, int blocks, int n)
{
    const kt_net *net = &k->net;
    product_function *hidden = products[net->batch_norm ? KT_LINEAR : net->activation].forward;
    for (int l = 0; l < net->layers; l++) {
        const kernel_layer *y = &k->layer[l];
        const int rows = round_up(y->out, 4);
        for (int b = 0; b < blocks; b++) {
            float *a = output_of(y, b);
            hidden(a, rows, p + y->kernel, y->cols, y->in, input_of(k, l, b), p + y->bias);
            memset(a + y->out * NB, 0, (size_t)((rows - y->out) * NB) * sizeof *a); /* f(0) may not be 0 */
        }
        if (net->batch_norm)
            normalisations[net->activation](k, y, p, blocks, n);
    }
    const kernel_layer *top = &k->layer[net->layers - 1];
    for (int b = 0; b < blocks; b++)
        heads_forward(z_of(k, b), k->head_rows, p + k->head_kernel, top->cols, top->out, output_of(top, b),
                      p + k->head_bias);
}

/* Block b's gradient of the heads, [kernel, bias, loss]; dz lies in z. */
static void heads_gradient(float *g, const kt_kernel *k, int b)
{
    const kernel_layer *top = &k->layer[k->net.layers - 1];
    const int bias = k->head_bias - k->head_kernel, loss = k->size - k->head_kernel;
    flip(output_of(top, b), k->flipped, top->cols);
    outer(g, k->head_rows, z_of(k, b), k->flipped, top->cols);
    memset(g + bias, 0, (size_t)(loss + 16 - bias) * sizeof *g);
    row_sums(g + bias, z_of(k, b), 3 * k->net.components);
    g[loss] = k->loss[b];
}

/* Block b's gradient of hidden layer l, [kernel, bias]; the derivatives by the layer's sums lie in its
 * output. */
static void hidden_gradient(float *g, const kt_kernel *k, int l, int b)
{
    const kernel_layer *y = &k->layer[l];
    float *bias = g + y->bias - y->kernel;
    flip(output_of(y, b), k->flipped, y->cols);
    outer(g, l == 0 ? k->record : round_up(y->in, 4), input_of(k, l, b), k->flipped, y->cols);
    if (k->net.batch_norm) /* its mean takes any bias away: the gradient is 0, not rounding noise */
        memset(bias, 0, (size_t)y->cols * sizeof *g);
    else if (l > 0) /* the first layer's bias is a row of its kernel */
        column_sums(bias, k->flipped, y->cols);
}

static void add(float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i += VL)
        vstore(a + i, vload(a + i) + vload(b + i));
}

/* g = node (level, index) of the tree over the blocks' gradients of layer l (l = layers: the heads). */
static void sum_blocks(float *g, const kt_kernel *k, int l, int level, int index, int blocks)
{
    if (level == 0 && l == k->net.layers) {
        heads_gradient(g, k, index);
    } else if (level == 0) {
        hidden_gradient(g, k, l, index);
    } else {
        const int right = 2 * index + 1;
        sum_blocks(g, k, l, level - 1, 2 * index, blocks);
        if ((ptrdiff_t)right << (level - 1) < blocks) {
            float *other = k->sums + (ptrdiff_t)(level - 1) * k->longest;
            sum_blocks(other, k, l, level - 1, right, blocks);
            add(g, other, (size_t)(l == k->net.layers ? k->size + 16 - k->head_kernel : k->layer[l].segment));
        }
    }
}

static void backward(float *g, kt_kernel *k, const float *p, int blocks, int n)
{
    const int layers = k->net.layers;
    const kernel_layer *top = &k->layer[layers - 1];
    int levels = 0;
    while (1 << levels < blocks)
        levels++;
    sum_blocks(g + k->head_kernel, k, layers, levels, 0, blocks);
    for (int b = 0; b < blocks; b++)
        products[k->net.activation].heads_backward(output_of(top, b), round_up(top->out, 4),
                                                   p + k->head_kernel, top->cols, 3 * k->net.components,
                                                   z_of(k, b), NULL);
    for (int l = layers - 1; l >= 0; l--) {
        const kernel_layer *y = &k->layer[l];
        if (k->net.batch_norm)
            normalise_back(g, k, y, p, blocks, n);
        sum_blocks(g + y->kernel, k, l, levels, 0, blocks);
        for (int b = 0; l > 0 && b < blocks; b++)
            products[k->net.activation].backward(output_of(y - 1, b), round_up(y->in, 4), p + y->kernel,
                                                 y->cols, y->out, output_of(y, b), NULL);
    }
}

/* Keras' moving statistics, with its momentum of 0.99. */
static void move_state(float *state, const kt_kernel *k)
{
    const float step = 0.01f;
    for (int l = 0; l < k->net.layers; l++) {
        const kernel_layer *y = &k->layer[l];
        for (int o = 0; o < y->out; o++, state++)
            *state += step * (y->mean[o] - *state);
        for (int o = 0; o < y->out; o++, state++)
            *state += step * (y->variance[o] - *state);
    }
}

static void gradient(float *g, float *state, kt_kernel *k, const float *p, const float *records,
                     const uint32_t *index, int n, float share, float penalty)
{
    const int blocks = (n + NB - 1) / NB;
    float loss = 0;
    for (int b = 0; b < blocks; b++) {
        const int at = b * NB, rows = n - at < NB ? n - at : NB;
        gather(k, b, index ? records : records + (ptrdiff_t)at * k->record, index ? index + at : NULL, rows,
               share);
    }
    forward(k, p, blocks, n);
    for (int b = 0; b < blocks; b++) {
        k->loss[b] = heads_loss(k, z_of(k, b), k->t + b * NB, k->weight + b * NB, penalty);
        loss += k->loss[b];
    }
    backward(g, k, p, blocks, n);
    if (state && isfinite(loss)) /* a step that will not happen moves nothing */
        move_state(state, k);
}

/* ---- optimiser ---- */

static bool frozen_span(const kernel_span *span, uint32_t frozen)
{
    return span->input >= 0 && (frozen >> span->input & 1);
}

/* Sum of squares in double, 16 lanes, then their tree: one absurd row can pass float's range. */
static double sum_of_squares(const kt_kernel *k, const float *g, uint32_t frozen)
{
    enum { VD = VL / 2, ND = 16 / VD };
    double s[16] __attribute__((aligned(64)));
    vd c[ND];
    for (int j = 0; j < ND; j++)
        c[j] = vdset(0);
    for (int r = 0; r < k->spans; r++)
        if (!frozen_span(&k->span[r], frozen))
            for (int i = k->span[r].first; i < k->span[r].last; i += 16)
#pragma GCC unroll ND
                for (int j = 0; j < ND; j++) {
                    vd x = vdload(g + i + j * VD);
                    c[j] = vdfma(x, x, c[j]);
                }
    memcpy(s, c, sizeof s);
    for (int h = 8; h; h /= 2)
        for (int i = 0; i < h; i++)
            s[i] = s[i] + s[i + h];
    return s[0];
}

static double adam(kt_kernel *k, float *p, float *m, float *v, const float *g, kt_adam *o, uint32_t frozen)
{
    const double norm = __builtin_sqrt(sum_of_squares(k, g, frozen));
    if (!isfinite(norm))
        return norm;
    o->beta1_power *= (double)o->beta1;
    o->beta2_power *= (double)o->beta2;
    const vf scale = vset(o->clip > 0 && norm > (double)o->clip ? (float)((double)o->clip / norm) : 1.f);
    const vf rate = vset((float)((double)o->rate / (1 - o->beta1_power)));
    const vf c2 = vset((float)(1 / (1 - o->beta2_power)));
    const vf d1 = vset(1 - o->beta1), d2 = vset(1 - o->beta2), epsilon = vset(o->epsilon), zero = vset(0.f);
    for (int r = 0; r < k->spans; r++) {
        const kernel_span *span = &k->span[r];
        if (frozen_span(span, frozen))
            continue;
        const vf keep = vset(span->decay ? 1 - o->rate * o->decay : 1.f);
        for (int i = span->first; i < span->last; i += VL) {
            vf q = vload(g + i) * scale, a = vload(m + i), b = vload(v + i);
            a = vfma(d1, q - a, a);
            b = vfma(d2, vfma(q, q, zero - b), b);
            vstore(m + i, a);
            vstore(v + i, b);
            vstore(p + i, vfnma(rate, a / (vsqrt(b * c2) + epsilon), vload(p + i) * keep));
        }
    }
    return norm;
}

/* ---- evaluation ---- */

/* Head outputs of up to 64 rows from `at`; returns how many rows. */
static int evaluate(kt_kernel *k, const float *p, const float *records, size_t n, size_t at)
{
    const int rows = n - at < NB ? (int)(n - at) : NB;
    gather(k, 0, records + at * (size_t)k->record, NULL, rows, 1.f);
    forward(k, p, 1, rows);
    return rows;
}

static void losses(float *out, kt_kernel *k, const float *p, const float *records, size_t n)
{
    float block[NB] __attribute__((aligned(64)));
    for (size_t at = 0; at < n; at += NB) {
        const int rows = evaluate(k, p, records, n, at);
        if (k->net.head == KT_HEAD_SOFTPLUS)
            softplus_in(k, k->z);
        mixtures_of[k->net.family].rows(k, k->z, k->t, k->weight, block);
        memcpy(out + at, block, (size_t)rows * sizeof *out);
    }
}

/* z [3K][64] to rows of three times K, the parts in the given order. */
static void put_rows(float *out, const kt_kernel *k, int rows, const int order[3])
{
    const int K = k->net.components, cols = k->head_stride / NB;
    flip(k->z, k->flipped, cols);
    for (int n = 0; n < rows; n++)
        for (int h = 0; h < 3; h++, out += K)
            memcpy(out, k->flipped + n * cols + order[h] * K, (size_t)K * sizeof *out);
}

static void heads(float *out, kt_kernel *k, const float *p, const float *records, size_t n)
{
    for (size_t at = 0; at < n; at += NB) {
        const int rows = evaluate(k, p, records, n, at);
        put_rows(out + at * (size_t)(3 * k->net.components), k, rows, (int[]){0, 1, 2});
    }
}

static void mixtures(float *out, kt_kernel *k, const float *p, const float *records, size_t n, float s,
                     float log_s)
{
    const bool swap = !scale_is_positive(k); /* heads give sigma, mu; out wants mu, sigma */
    for (size_t at = 0; at < n; at += NB) {
        const int rows = evaluate(k, p, records, n, at);
        to_seconds(k, k->z, s, log_s);
        put_rows(out + at * (size_t)(3 * k->net.components), k, rows,
                 swap ? (int[]){0, 2, 1} : (int[]){0, 1, 2});
    }
}

static void range(float *low, float *high, kt_kernel *k, const float *p, const float *records, size_t n)
{
    const int values = k->net.components * NB;
    vf least = vset(INFINITY), most = vset(-INFINITY), trap = vset(0.f);
    for (size_t at = 0; at < n; at += NB) { /* missing rows are copies of the block's first */
        evaluate(k, p, records, n, at);
        if (k->net.head == KT_HEAD_SOFTPLUS)
            softplus_in(k, k->z);
        for (int i = 0; i < values; i += VL) {
            vf a = vload(k->z + values + i);
            least = vmin(a, least);
            most = vmax(a, most);
            trap = trap + a * vset(0.f); /* NaN where one a is: min and max may lose it */
        }
    }
    float l[VL] __attribute__((aligned(64))), m[VL] __attribute__((aligned(64)));
    vstore(l, least + trap);
    vstore(m, most + trap);
    *low = l[0];
    *high = m[0];
    for (int i = 1; i < VL; i++) {
        *low = l[i] < *low || isnan(l[i]) ? l[i] : *low;
        *high = m[i] > *high || isnan(m[i]) ? m[i] : *high;
    }
}

#define NAME_(isa) kt_kernel_ops_##isa
#define NAME(isa)  NAME_(isa)
const kernel_ops NAME(KT_KERNEL_ISA) = {
    .gradient = gradient,
    .add = add,
    .adam = adam,
    .losses = losses,
    .heads = heads,
    .mixtures = mixtures,
    .range = range,
};
