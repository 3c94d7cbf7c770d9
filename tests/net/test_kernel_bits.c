/* Bits: the same after hundreds of steps on every instruction set, for every split of a batch's blocks over
 * ranks, and whatever the kernel computed before. */
#include "kernel_case.h"

enum { ROWS = 5000, STEPS = 300 };

typedef struct {
    float *params, *m, *v, *state;
    size_t size;
    float loss;
} trained;

static trained train(const kernel_case *c, kt_isa isa, int batch)
{
    trained out = {0};
    kt_kernel *kernel = NULL;
    kt_rng rng;
    kt_rng_init(&rng, 3, 3, KT_RNG_EPOCH, 0, 0);
    assert_int_equal(kt_kernel_create(&kernel, &c->net, isa, (size_t)batch, NULL), KT_OK);
    size_t size = out.size = kt_kernel_size(kernel);
    float *g = zeroed(size + 16, sizeof *g);
    uint32_t *index = zeroed((size_t)batch, sizeof *index);
    out.params = zeroed(size, sizeof *out.params);
    out.m = zeroed(size, sizeof *out.m);
    out.v = zeroed(size, sizeof *out.v);
    out.state = zeroed(c->state, sizeof *out.state);
    memcpy(out.state, c->s, c->state * sizeof *out.state);
    kt_kernel_pack(out.params, kernel, c->p);
    kt_adam adam = {1e-2f, 0.1f, 1, 0.9f, 0.999f, 1e-7f, 1, 1};
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < batch; i++)
            index[i] = kt_rng_below(&rng, ROWS);
        case_gradient(g, out.state, kernel, isa, c, out.params, index, batch, 0.1f);
        adam.rate = 1e-2f * (1 - (float)step / STEPS);
        assert_true(isfinite(kt_kernel_adam(kernel, out.params, out.m, out.v, g, &adam, 0)));
        out.loss = g[size];
    }
    kt_kernel_destroy(kernel);
    free(g);
    free(index);
    return out;
}

static void release(trained *t)
{
    free(t->params);
    free(t->m);
    free(t->v);
    free(t->state);
}

static void assert_padding_is_zero(const kernel_case *c, const trained *t)
{
    kt_kernel *kernel = NULL;
    float *ones = zeroed(c->params, sizeof *ones), *used = zeroed(t->size, sizeof *used);
    assert_int_equal(kt_kernel_create(&kernel, &c->net, KT_ISA_GENERIC, 64, NULL), KT_OK);
    for (size_t i = 0; i < c->params; i++)
        ones[i] = 1;
    kt_kernel_pack(used, kernel, ones);
    for (size_t i = 0; i < t->size; i++)
        assert_true(used[i] > 0 || (t->params[i] == 0 && t->m[i] == 0 && t->v[i] == 0));
    kt_kernel_destroy(kernel);
    free(ones);
    free(used);
}

static const struct {
    kt_net net;
    int batch;
} fits[] = {
    {{2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false}, 128},
    {{2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_GAMMA, false}, 128},
    {{2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_LOGNORMAL, false}, 128},
    {{2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_NORMAL, false}, 128},
    {{2, 2, 4, {10, 10}, KT_LEAKY_RELU, KT_HEAD_SOFTPLUS, KT_WEIBULL, true}, 64},
    {{2, 2, 4, {10, 10}, KT_LEAKY_RELU, KT_HEAD_SOFTPLUS, KT_GAMMA, true}, 100},
    {{2, 2, 4, {10, 10}, KT_SIGMOID, KT_HEAD_SOFTPLUS, KT_LOGNORMAL, true}, 200},
    {{2, 2, 4, {10, 10}, KT_ELU, KT_HEAD_EXP, KT_NORMAL, true}, 64},
    {{4, 3, 5, {13, 40, 7}, KT_SOFTPLUS, KT_HEAD_SOFTPLUS, KT_GAMMA, false}, 100},
    {{2, 1, 16, {64}, KT_RELU, KT_HEAD_EXP, KT_WEIBULL, false}, 37},
};

enum { FITS = sizeof fits / sizeof *fits };
static trained generic[FITS]; /* once for all comparisons */

static void same_training(kt_isa isa)
{
    if (!runs(isa)) {
        print_message("%s cannot run on this CPU: not tested\n", kt_isa_name(isa));
        skip();
    }
    for (size_t i = 0; i < FITS; i++) {
        kernel_case c = case_create(fits[i].net, ROWS, 40 + i);
        if (!generic[i].params)
            generic[i] = train(&c, KT_ISA_GENERIC, fits[i].batch);
        const trained plain = generic[i];
        trained fast = train(&c, isa, fits[i].batch);
        print_message("fit %zu: loss %.6f\n", i, (double)plain.loss);
        assert_true(isfinite(plain.loss));
        assert_memory_equal(plain.params, fast.params, plain.size * sizeof *plain.params);
        assert_memory_equal(plain.m, fast.m, plain.size * sizeof *plain.m);
        assert_memory_equal(plain.v, fast.v, plain.size * sizeof *plain.v);
        assert_memory_equal(plain.state, fast.state, c.state * sizeof *plain.state);
        assert_padding_is_zero(&c, &fast);
        release(&fast);
        case_destroy(&c);
    }
}

static void v3_trains_like_generic(void **state)
{
    (void)state;
    same_training(KT_ISA_V3);
}

static void v4_trains_like_generic(void **state)
{
    (void)state;
    same_training(KT_ISA_V4);
}

/* Ranks own contiguous runs of blocks, even or not, and may finish in any order; the nodes they hold make the
 * same root. */
static void splits_over_ranks_have_the_same_bits(void **state)
{
    (void)state;
    static const int sizes[] = {1, 64, 65, 129, 192, 333, 448, 500, 1024, 1500, 2047};
    enum { MAX_RANKS = 7 };
    kt_net net = {2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false};
    kernel_case c = case_create(net, ROWS, 9);
    kt_kernel *kernel = NULL;
    kt_isa isa = best();
    assert_int_equal(kt_isa_resolve(&isa, isa, NULL), KT_OK);
    assert_int_equal(kt_kernel_create(&kernel, &net, isa, 0, NULL), KT_OK);
    case_vectors v = {kt_kernel_gradient(kernel), isa};
    const size_t bytes = v.n * sizeof(float);
    float *p = zeroed(v.n, sizeof *p), *root = zeroed(v.n, sizeof *root);
    uint32_t index[2048];
    kt_rng rng;
    kt_tree whole = {0}, part[MAX_RANKS] = {0};
    kt_rng_init(&rng, 4, 4, KT_RNG_EPOCH, 0, 0);
    assert_int_equal(kt_tree_init(&whole, bytes, case_add, &v, NULL), KT_OK);
    for (int r = 0; r < MAX_RANKS; r++)
        assert_int_equal(kt_tree_init(&part[r], bytes, case_add, &v, NULL), KT_OK);
    for (int i = 0; i < 2048; i++)
        index[i] = kt_rng_below(&rng, ROWS);
    kt_kernel_pack(p, kernel, c.p);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int n = sizes[s], blocks = (n + KT_BLOCK - 1) / KT_BLOCK;
        case_gradient(root, NULL, kernel, isa, &c, p, index, n, 0);
        for (int ranks = 1; ranks <= MAX_RANKS; ranks++)
            for (int even = 0; even < 2; even++) {
                int cut[MAX_RANKS + 1] = {0};
                for (int r = 1; r <= ranks; r++)
                    cut[r] = r == ranks ? blocks
                             : even
                                 ? blocks * r / ranks
                                 : cut[r - 1] + (int)kt_rng_below(&rng, (uint32_t)(blocks - cut[r - 1]) + 1);
                for (int r = ranks - 1; r >= 0; r--) {
                    kt_tree_restart(&part[r]);
                    case_blocks(&part[r], kernel, &c, p, index, n, cut[r], cut[r + 1], 0);
                }
                kt_tree_restart(&whole);
                for (int r = 0; r < ranks; r++)
                    for (int i = 0; i < part[r].n; i++) {
                        memcpy(kt_tree_next(&whole), part[r].slot + (size_t)i * bytes, bytes);
                        kt_tree_push(&whole, part[r].node[i]);
                    }
                assert_memory_equal(kt_tree_root(&whole), root, bytes);
            }
    }
    for (int r = 0; r < MAX_RANKS; r++)
        kt_tree_clear(&part[r]);
    kt_tree_clear(&whole);
    kt_kernel_destroy(kernel);
    free(p);
    free(root);
    case_destroy(&c);
}

/* A partial block after full ones, and an index that names the rows in order, are as on a fresh kernel. */
static void nothing_is_left_from_before(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FITS; i++) {
        kernel_case c = case_create(fits[i].net, 300, 3);
        kt_kernel *used = NULL, *fresh = NULL;
        kt_isa isa;
        uint32_t index[300];
        assert_int_equal(kt_isa_resolve(&isa, best(), NULL), KT_OK);
        assert_int_equal(kt_kernel_create(&used, &c.net, isa, 300, NULL), KT_OK);
        assert_int_equal(kt_kernel_create(&fresh, &c.net, isa, 300, NULL), KT_OK);
        size_t n = kt_kernel_gradient(used);
        float *p = zeroed(n, sizeof *p), *a = zeroed(n, sizeof *a), *b = zeroed(n, sizeof *b);
        float *state = zeroed(c.state, sizeof *state), losses[300];
        for (uint32_t r = 0; r < 300; r++)
            index[r] = r;
        kt_kernel_pack(p, used, c.p);
        case_gradient(a, state, used, isa, &c, p, NULL, 300, 1);
        if (!c.net.batch_norm)
            kt_kernel_losses(losses, used, p, c.records, 300);
        case_gradient(a, state, used, isa, &c, p, index, 21, 0);
        case_gradient(b, state, fresh, isa, &c, p, NULL, 21, 0);
        assert_memory_equal(a, b, n * sizeof *a);
        kt_kernel_destroy(used);
        kt_kernel_destroy(fresh);
        free(p);
        free(a);
        free(b);
        free(state);
        case_destroy(&c);
    }
}

static int release_generic(void **state)
{
    (void)state;
    for (size_t i = 0; i < FITS; i++)
        release(&generic[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v3_trains_like_generic),
        cmocka_unit_test(v4_trains_like_generic),
        cmocka_unit_test(splits_over_ranks_have_the_same_bits),
        cmocka_unit_test(nothing_is_left_from_before),
    };
    return cmocka_run_group_tests(tests, NULL, release_generic);
}
