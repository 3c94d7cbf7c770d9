/* Matrix products of a block, [feature][64 rows], with activations at their ends. For kernel_isa.c. */
#ifndef KT_NET_KERNEL_PRODUCT_H
#define KT_NET_KERNEL_PRODUCT_H

#include "kernel_types.h"
#include "kt/vmath.h"

#define NOINLINE static __attribute__((noinline))
/* A register tile is 4 rows x NT vectors: 16 of 32 registers, or 8 of 16. */
enum { NB = KT_BLOCK, NT = VL == 16 ? 4 : 2 };
typedef enum { PLAIN, ACTIVATED, DERIVED } ending;

KT_INLINE vf activation(kt_activation f, vf x)
{
    vf u;
    switch (f) {
    case KT_TANH:
        return vtanh(x);
    case KT_RELU:
        return vmax(vset(0.f), x);
    case KT_LEAKY_RELU:
        return vmax(vset((float)KT_LEAKY_SLOPE) * x, x);
    case KT_ELU:
        return vselect_less(x, vset(0.f), vexpm1(vmin(vset(0.f), x)), x);
    case KT_SIGMOID:
        return vsigmoid(x);
    case KT_SOFTPLUS:
        return vsoftplus(x, &u);
    default:
        return x;
    }
}

/* The activation's derivative, from its output h. */
KT_INLINE vf derivative(kt_activation f, vf h)
{
    vf zero = vset(0.f), one = vset(1.f);
    switch (f) {
    case KT_TANH:
        return vfnma(h, h, one);
    case KT_RELU:
        return vselect_less(zero, h, one, zero);
    case KT_LEAKY_RELU:
        return vselect_less(h, zero, vset((float)KT_LEAKY_SLOPE), one);
    case KT_ELU:
        return vselect_less(h, zero, h + one, one);
    case KT_SIGMOID:
        return vfnma(h, h, h);
    case KT_SOFTPLUS:
        return zero - vexpm1(zero - h);
    default:
        return one;
    }
}

/* C[r][n] = init[r] + sum_k W[r rs + k ks] A[k][n] for rows r in [0, R), R a multiple of 4, and all 64
 * columns n; then ACTIVATED: C = f(C); DERIVED: C = C f'(h), h the activation's output that C held. k
 * ascends, so an element's bits don't depend on the tile. */
KT_INLINE void product(float *C, int R, const float *W, int rs, int ks, int nk, const float *A,
                       const float *init, ending end, kt_activation f)
{
    for (int r = 0; r < R; r += 4, W += 4 * rs, C += 4 * NB)
        for (int n = 0; n < NB; n += NT * VL) {
            vf c[4][NT];
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
#pragma GCC unroll NT
                for (int j = 0; j < NT; j++)
                    c[i][j] = vset(init ? init[r + i] : 0.f);
            const float *a = A + n, *w = W;
#pragma GCC unroll 1
            for (int k = 0; k < nk; k++, a += NB, w += ks) {
                vf x[NT];
#pragma GCC unroll NT
                for (int j = 0; j < NT; j++)
                    x[j] = vload(a + j * VL);
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++)
#pragma GCC unroll NT
                    for (int j = 0; j < NT; j++)
                        c[i][j] = vfma(vset(w[i * rs]), x[j], c[i][j]);
            }
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
#pragma GCC unroll NT
                for (int j = 0; j < NT; j++) {
                    float *d = C + i * NB + n + j * VL;
                    vf y = c[i][j];
                    if (end == ACTIVATED)
                        y = activation(f, y);
                    if (end == DERIVED)
                        y = y * derivative(f, vload(d));
                    vstore(d, y);
                }
        }
}

/* One copy of each with its constants. Hidden kernels lie in -> out, the heads' out -> in; ldw: their
 * columns. */
typedef void product_function(float *C, int R, const float *W, int ldw, int nk, const float *A,
                              const float *init);
#define PRODUCTS(name, f)                                                                                    \
    NOINLINE void forward_##name(float *C, int R, const float *W, int ldw, int nk, const float *A,           \
                                 const float *init)                                                          \
    {                                                                                                        \
        product(C, R, W, 1, ldw, nk, A, init, ACTIVATED, f);                                                 \
    }                                                                                                        \
    NOINLINE void backward_##name(float *C, int R, const float *W, int ldw, int nk, const float *A,          \
                                  const float *init)                                                         \
    {                                                                                                        \
        (void)init;                                                                                          \
        product(C, R, W, ldw, 1, nk, A, NULL, DERIVED, f);                                                   \
    }                                                                                                        \
    NOINLINE void heads_backward_##name(float *C, int R, const float *W, int ldw, int nk, const float *A,    \
                                        const float *init)                                                   \
    {                                                                                                        \
        (void)init;                                                                                          \
        product(C, R, W, 1, ldw, nk, A, NULL, DERIVED, f);                                                   \
    }
PRODUCTS(tanh, KT_TANH)
PRODUCTS(relu, KT_RELU)
PRODUCTS(leaky_relu, KT_LEAKY_RELU)
PRODUCTS(elu, KT_ELU)
PRODUCTS(sigmoid, KT_SIGMOID)
PRODUCTS(softplus, KT_SOFTPLUS)
PRODUCTS(linear, KT_LINEAR)
NOINLINE void heads_forward(float *C, int R, const float *W, int ldw, int nk, const float *A,
                            const float *init)
{
    product(C, R, W, ldw, 1, nk, A, init, PLAIN, KT_LINEAR);
}

static const struct {
    product_function *forward, *backward, *heads_backward;
} products[KT_ACTIVATIONS] = {
#define ROW(name)                                                                                            \
    {                                                                                                        \
        forward_##name, backward_##name, heads_backward_##name                                               \
    }
    [KT_TANH] = ROW(tanh),     [KT_RELU] = ROW(relu),       [KT_LEAKY_RELU] = ROW(leaky_relu),
    [KT_ELU] = ROW(elu),       [KT_SIGMOID] = ROW(sigmoid), [KT_SOFTPLUS] = ROW(softplus),
    [KT_LINEAR] = ROW(linear),
#undef ROW
};

/* One tile of G[r][j] = sum_n B[r][n] T[n][j], n ascending: MR rows x MJ vectors. B [..][64], T [64][ld], G
 * [..][ld]. Loops run over the largest tile: compilers unroll fully what has a literal number of turns. */
KT_INLINE void outer_tile(float *G, const float *B, const float *T, int ld, int MR, int MJ)
{
    vf c[16][4];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            c[i][j] = vset(0.f);
#pragma GCC unroll 2
    for (int n = 0; n < NB; n++, T += ld) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                if (i < MR && j < MJ)
                    c[i][j] = vfma(vset(B[i * NB + n]), vload(T + j * VL), c[i][j]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            if (i < MR && j < MJ)
                vstore(G + i * ld + j * VL, c[i][j]);
}

NOINLINE void outer(float *G, int R, const float *B, const float *T, int ld)
{
    int r = 0, nj = ld / VL; /* tiles change the speed, never the bits; R is a multiple of 4 */
    if (VL == 16 && nj == 1) {
        for (; r + 16 <= R; r += 16)
            outer_tile(G + r * ld, B + r * NB, T, ld, 16, 1);
        for (; r + 8 <= R; r += 8)
            outer_tile(G + r * ld, B + r * NB, T, ld, 8, 1);
    }
    if (VL == 8 && nj == 2)
        for (; r + 12 <= R; r += 12) {
            outer_tile(G + r * ld, B + r * NB, T, ld, 6, 2);
            outer_tile(G + (r + 6) * ld, B + (r + 6) * NB, T, ld, 6, 2);
        }
    for (; r < R; r += 4) {
        int j = 0;
        if (VL == 16)
            for (; j + 4 <= nj; j += 4)
                outer_tile(G + r * ld + j * VL, B + r * NB, T + j * VL, ld, 4, 4);
        for (; j + 2 <= nj; j += 2)
            outer_tile(G + r * ld + j * VL, B + r * NB, T + j * VL, ld, 4, 2);
        for (; j < nj; j++)
            outer_tile(G + r * ld + j * VL, B + r * NB, T + j * VL, ld, 4, 1);
    }
}

/* T [64][cols] = F [cols][64] transposed */
NOINLINE void flip(const float *F, float *T, int cols)
{
    for (int i = 0; i < cols; i += VL)
        for (int n = 0; n < NB; n += VL)
            vtranspose(F + i * NB + n, NB, T + n * cols + i, cols);
}

/* g[j] = sum_n T[n][j]: four chains, rows n mod 4, then (0 + 1) + (2 + 3) */
static void column_sums(float *g, const float *T, int cols)
{
    for (int j = 0; j < cols; j += VL) {
        vf c[4] = {vset(0.f), vset(0.f), vset(0.f), vset(0.f)};
        for (int n = 0; n < NB; n += 4)
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                c[i] = c[i] + vload(T + (n + i) * cols + j);
        vstore(g + j, (c[0] + c[1]) + (c[2] + c[3]));
    }
}

/* g[r] = sum_n F[r][n]: 16 lanes, then their tree */
static void row_sums(float *g, const float *F, int R)
{
    for (int r = 0; r < R; r++, F += NB) {
        vf c[NL];
#pragma GCC unroll NL
        for (int i = 0; i < NL; i++)
            c[i] = (vload(F + i * VL) + vload(F + 16 + i * VL)) +
                   (vload(F + 32 + i * VL) + vload(F + 48 + i * VL));
        g[r] = vsum_lanes(c);
    }
}

#endif
