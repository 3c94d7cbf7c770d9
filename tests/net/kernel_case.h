/* A network with random parameters and rows, the same in canonical, padded and double form; for the kernel's
 * tests. */
#ifndef KT_TESTS_NET_KERNEL_CASE_H
#define KT_TESTS_NET_KERNEL_CASE_H

#include "kt/kernel.h"
#include "kt/rng.h"
#include "kt/tree.h"
#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    kt_net net;
    int rows;
    size_t params, state, record;
    float *p, *s, *records; /* canonical; records [rows, record] */
    double *pd, *sd, *x, *t;
} kernel_case;

static inline void *zeroed(size_t n, size_t size)
{
    void *p = NULL;
    assert_int_equal(kt_alloc(&p, n, size, NULL), KT_OK);
    return p;
}

static inline bool runs(kt_isa isa)
{
    kt_isa resolved;
    return kt_isa_resolve(&resolved, isa, NULL) == KT_OK;
}

/* The best instruction set that runs here. */
static inline kt_isa best(void)
{
    kt_isa resolved;
    return kt_isa_resolve(&resolved, KT_ISA_AUTO, NULL) == KT_OK ? resolved : KT_ISA_GENERIC;
}

/* Kernels of variance 1 / fan-in, components around the targets, gammas near 1. Targets follow the inputs in
 * two bumps. */
static inline kernel_case case_create(kt_net net, int rows, uint64_t seed)
{
    kernel_case c = {.net = net, .rows = rows};
    kt_rng rng;
    kt_rng_init(&rng, seed, 7, KT_RNG_START, 0, 0);
    c.params = kt_net_params(&net);
    c.state = kt_net_state(&net);
    c.record = kt_kernel_record(net.inputs);
    c.p = zeroed(c.params, sizeof *c.p);
    c.s = zeroed(c.state, sizeof *c.s);
    c.records = zeroed((size_t)rows * c.record, sizeof *c.records);
    c.pd = zeroed(c.params, sizeof *c.pd);
    c.sd = zeroed(c.state, sizeof *c.sd);
    c.x = zeroed((size_t)(rows * net.inputs), sizeof *c.x);
    c.t = zeroed((size_t)rows, sizeof *c.t);
    for (int l = 0; l < net.layers; l++) {
        kt_net_view v = kt_net_hidden(&net, l);
        for (int i = 0; i < v.in * v.out; i++)
            c.p[v.kernel + (size_t)i] = (float)(kt_rng_normal(&rng) / sqrt(v.in));
        for (int o = 0; o < v.out; o++) {
            c.p[v.bias + (size_t)o] = (float)(0.3 * kt_rng_normal(&rng));
            if (net.batch_norm) {
                c.p[v.gamma + (size_t)o] = (float)(1 + 0.2 * kt_rng_normal(&rng));
                c.p[v.beta + (size_t)o] = (float)(0.3 * kt_rng_normal(&rng));
            }
        }
    }
    for (int h = 0; h < 3; h++) {
        kt_net_view v = kt_net_head(&net, h);
        for (int i = 0; i < v.in * v.out; i++)
            c.p[v.kernel + (size_t)i] = (float)(0.4 * kt_rng_normal(&rng) / sqrt(v.in));
        for (int j = 0; j < v.out; j++)
            c.p[v.bias + (size_t)j] =
                (float)(0.3 * kt_rng_normal(&rng) + (h == 2 ? 2 * (j + 0.5) / v.out - 1 : 0));
    }
    for (size_t i = 0; i < c.state; i++)
        c.s[i] = (float)kt_rng_uniform(&rng);
    for (int r = 0; r < rows; r++) {
        float *row = c.records + (size_t)r * c.record;
        for (int i = 0; i < net.inputs; i++)
            row[i] = (float)kt_rng_normal(&rng);
        row[net.inputs] = (float)(0.4 * (double)row[0] - 0.3 * (double)row[net.inputs - 1] +
                                  (kt_rng_below(&rng, 2) ? 0.5 : -0.5) + 0.3 * kt_rng_normal(&rng));
    }
    return c;
}

static inline void case_to_double(kernel_case *c)
{
    for (size_t i = 0; i < c->params; i++)
        c->pd[i] = (double)c->p[i];
    for (size_t i = 0; i < c->state; i++)
        c->sd[i] = (double)c->s[i];
    for (int r = 0; r < c->rows; r++) {
        const float *row = c->records + (size_t)r * c->record;
        for (int i = 0; i < c->net.inputs; i++)
            c->x[r * c->net.inputs + i] = (double)row[i];
        c->t[r] = (double)row[c->net.inputs];
    }
}

static inline void case_destroy(kernel_case *c)
{
    free(c->p);
    free(c->s);
    free(c->records);
    free(c->pd);
    free(c->sd);
    free(c->x);
    free(c->t);
}

typedef struct {
    size_t n;
    kt_isa isa;
} case_vectors;

static inline void case_add(void *a, const void *b, void *context)
{
    const case_vectors *v = context;
    kt_kernel_add(a, b, v->n, v->isa);
}

/* gradient [kt_kernel_gradient] of a whole batch, rows index[0..n) (NULL: 0..n), blocks [first, last) to
 * `tree`. */
static inline void case_blocks(kt_tree *tree, kt_kernel *kernel, const kernel_case *c, const float *params,
                               const uint32_t *index, int n, int first, int last, float penalty)
{
    for (int b = first; b < last; b++) {
        int at = b * KT_BLOCK, rows = n - at < KT_BLOCK ? n - at : KT_BLOCK;
        kt_kernel_block(kt_tree_next(tree), kernel, params,
                        index ? c->records : c->records + (size_t)at * c->record, index ? index + at : NULL,
                        rows, 1.f / (float)n, penalty);
        kt_tree_push(tree, (kt_tree_node){0, b});
    }
}

static inline void case_gradient(float *gradient, float *state, kt_kernel *kernel, kt_isa isa,
                                 const kernel_case *c, const float *params, const uint32_t *index, int n,
                                 float penalty)
{
    case_vectors v = {kt_kernel_gradient(kernel), isa};
    kt_tree tree = {0};
    if (c->net.batch_norm) {
        kt_kernel_batch(gradient, state, kernel, params, c->records, index, n, 1.f / (float)n, penalty);
        return;
    }
    assert_int_equal(kt_tree_init(&tree, v.n * sizeof(float), case_add, &v, NULL), KT_OK);
    case_blocks(&tree, kernel, c, params, index, n, 0, (n + KT_BLOCK - 1) / KT_BLOCK, penalty);
    memcpy(gradient, kt_tree_root(&tree), v.n * sizeof *gradient);
    kt_tree_clear(&tree);
}

#endif
