/* The kernel against the plain reference in double (which has its own test), and how it takes what is
 * extreme. */
#include "kernel_case.h"

static const kt_isa sets[] = {KT_ISA_GENERIC, KT_ISA_V3, KT_ISA_V4};

typedef struct {
    double gradient, loss, state; /* largest errors */
    int cases;
} worst;

typedef struct {
    double gradient, loss; /* relative */
} errors;

static errors distance(const double *gradient, double loss, const double *expected, double expected_loss,
                       size_t n)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += (gradient[i] - expected[i]) * (gradient[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return (errors){sqrt(error / size), fabs(loss - expected_loss) / fmax(1, fabs(expected_loss))};
}

/* How far the true values move when every parameter moves by what rounding in float does to a chain of n
 * fused multiply-adds, a random walk of n half units, and every target by half a unit, to which t - b is
 * rounded: an error of that size is the problem's, not the kernel's. */
static errors sensitivity(kernel_case *c, const double *gradient, double loss, double penalty)
{
    errors worst = {0};
    double *moved = zeroed(c->params, sizeof *moved), *p = zeroed(c->params, sizeof *p),
           *t = zeroed((size_t)c->rows, sizeof *t), moved_loss;
    kt_rng rng;
    int chain = 1;
    for (int l = 0; l < c->net.layers; l++)
        chain = c->net.width[l] > chain ? c->net.width[l] : chain;
    const double unit = sqrt(chain) * 0x1p-24;
    kt_rng_init(&rng, 1, 1, KT_RNG_SAMPLE, 0, 0);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < c->params; i++)
            p[i] = c->pd[i] * (1 + (2 * kt_rng_uniform(&rng) - 1) * unit);
        for (int r = 0; r < c->rows; r++)
            t[r] = c->t[r] * (1 + (2 * kt_rng_uniform(&rng) - 1) * 0x1p-24);
        assert_int_equal(
            kt_net_reference(&moved_loss, moved, NULL, &c->net, p, c->x, t, (size_t)c->rows, penalty, NULL),
            KT_OK);
        errors e = distance(moved, moved_loss, gradient, loss, c->params);
        worst.gradient = fmax(worst.gradient, e.gradient);
        worst.loss = fmax(worst.loss, e.loss);
    }
    free(moved);
    free(p);
    free(t);
    return worst;
}

static void describe(const kt_net *net, int rows, errors e)
{
    print_message(
        "%s, %s, head %d, norm %d, inputs %d, width %d .. %d, K %d, rows %d: gradient %.2g, loss %.2g\n",
        kt_family_table[net->family].name, kt_activation_name[net->activation], net->head, net->batch_norm,
        net->inputs, net->width[0], net->width[net->layers - 1], net->components, rows, e.gradient, e.loss);
}

static double state_error(const float *state, const kernel_case *c)
{
    double worst = 0;
    for (size_t i = 0; i < c->state; i++)
        worst = fmax(worst, fabs((double)state[i] - c->sd[i]));
    return worst;
}

/* The gradient of all of c's rows on every instruction set that runs here: the same bits from all, and close
 * to the reference's: within 3e-6 (loss: 1e-6), or within twice what rounding does to it. */
static void compare_case(worst *w, kernel_case *c, double penalty)
{
    const int rows = c->rows;
    double *expected = zeroed(c->params, sizeof *expected), *got = zeroed(c->params, sizeof *got), loss;
    float *canonical = zeroed(c->params, sizeof *canonical), *first = NULL,
          *state = zeroed(c->state, sizeof *state);
    case_to_double(c);
    assert_int_equal(
        kt_net_reference(&loss, expected, c->sd, &c->net, c->pd, c->x, c->t, (size_t)rows, penalty, NULL),
        KT_OK);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        kt_kernel *kernel = NULL;
        if (!runs(sets[i]))
            continue;
        assert_int_equal(kt_kernel_create(&kernel, &c->net, sets[i], (size_t)rows, NULL), KT_OK);
        size_t size = kt_kernel_size(kernel);
        float *p = zeroed(size, sizeof *p), *g = zeroed(size + 16, sizeof *g);
        memset(g, 0x7f, (size + 16) * sizeof *g); /* everything is written */
        memcpy(state, c->s, c->state * sizeof *state);
        kt_kernel_pack(p, kernel, c->p);
        case_gradient(g, state, kernel, sets[i], c, p, NULL, rows, (float)penalty);
        kt_kernel_unpack(canonical, kernel, g);
        for (size_t k = 0; k < c->params; k++)
            got[k] = (double)canonical[k];
        errors e = distance(got, (double)g[size], expected, loss, c->params), bound = {3e-6, 1e-6};
        if (!(e.gradient < bound.gradient && e.loss < bound.loss)) {
            errors own = sensitivity(c, expected, loss, penalty);
            bound = (errors){fmax(bound.gradient, 2 * own.gradient), fmax(bound.loss, 2 * own.loss)};
        }
        if (!(e.gradient < bound.gradient && e.loss < bound.loss))
            describe(&c->net, rows, e);
        assert_true(e.gradient < bound.gradient);
        assert_true(e.loss < bound.loss);
        for (int k = 1; k < 16; k++)
            assert_true(g[size + (size_t)k] == 0);
        w->gradient = fmax(w->gradient, e.gradient);
        w->loss = fmax(w->loss, e.loss);
        if (c->state > 0)
            w->state = fmax(w->state, state_error(state, c));
        w->cases++;
        if (first)
            assert_memory_equal(first, g, (size + 16) * sizeof *g);
        kt_kernel_destroy(kernel);
        free(p);
        if (first)
            free(g);
        else
            first = g;
    }
    free(first);
    free(expected);
    free(got);
    free(canonical);
    free(state);
}

static void compare(worst *w, kt_net net, int rows, uint64_t seed)
{
    kernel_case c = case_create(net, rows, seed);
    compare_case(w, &c, 0);
    case_destroy(&c);
}

static const struct {
    int inputs, layers, components, width[KT_NET_MAX_LAYERS], rows;
} shapes[] = {
    {2, 2, 8, {16, 16}, 64},     {2, 2, 4, {10, 10}, 200}, {1, 1, 1, {5}, 63},
    {3, 3, 3, {5, 17, 33}, 130}, {15, 1, 16, {32}, 100},   {6, 4, 6, {12, 8, 20, 6}, 65},
    {7, 2, 21, {48, 1}, 64},     {4, 2, 5, {1, 13}, 90},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static kt_net net_of(size_t shape)
{
    kt_net net = {.inputs = shapes[shape].inputs,
                  .layers = shapes[shape].layers,
                  .components = shapes[shape].components};
    memcpy(net.width, shapes[shape].width, sizeof net.width);
    return net;
}

static void every_kind(bool batch_norm)
{
    worst w = {0};
    for (size_t shape = 0; shape < SHAPES; shape++)
        for (int family = 0; family < KT_FAMILIES; family++)
            for (int activation = 0; activation < KT_ACTIVATIONS; activation++)
                for (int head = 0; head < 2; head++) {
                    kt_net net = net_of(shape);
                    net.family = (kt_family)family;
                    net.activation = (kt_activation)activation;
                    net.head = (kt_head)head;
                    net.batch_norm = batch_norm;
                    compare(&w, net, shapes[shape].rows,
                            1 + shape * 100 + (size_t)(family * 10 + activation));
                }
    print_message("%d cases: gradient within %.1e, loss within %.1e, state within %.1e\n", w.cases,
                  w.gradient, w.loss, w.state);
    assert_true(w.state < 1e-6);
}

static void gradients_of_every_kind(void **state)
{
    (void)state;
    every_kind(false);
}

static void gradients_with_batch_normalization(void **state)
{
    (void)state;
    every_kind(true);
}

static void a_single_row_and_partial_blocks(void **state)
{
    (void)state;
    worst w = {0};
    for (int rows = 1; rows < 200; rows = rows * 2 + 1)
        for (int family = 0; family < KT_FAMILIES; family++) {
            kt_net net = {2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, (kt_family)family, false};
            compare(&w, net, rows, (uint64_t)rows);
            net.batch_norm = true;
            if (rows > 15) /* the sd of a few rows makes the problem itself ill-conditioned */
                compare(&w, net, rows, (uint64_t)rows);
        }
}

static void the_widest_networks(void **state)
{
    (void)state;
    worst w = {0};
    compare(&w, (kt_net){2, 2, 8, {512, 512}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false}, 70, 1);
    compare(&w, (kt_net){15, 1, 64, {512}, KT_SOFTPLUS, KT_HEAD_SOFTPLUS, KT_GAMMA, true}, 70, 2);
    compare(&w, (kt_net){2, 4, 64, {17, 130, 200, 64}, KT_ELU, KT_HEAD_EXP, KT_LOGNORMAL, false}, 64, 3);
}

/* Biases of z_a that put components beyond their bounds, and one close to the upper one. */
static void beyond_the_bounds_with_and_without_penalty(void **state)
{
    (void)state;
    for (int head = 0; head < 2; head++)
        for (int family = 0; family < KT_FAMILIES; family++)
            for (int penalty = 0; penalty < 2; penalty++) {
                worst w = {0};
                kt_net net = {2, 2, 8, {16, 16}, KT_TANH, (kt_head)head, (kt_family)family, false};
                kernel_case c = case_create(net, 100, 5);
                kt_net_bounds bounds = kt_net_head_bounds(net.family);
                float *bias = c.p + kt_net_head(&net, 1).bias;
                bias[0] = (float)bounds.low - 1.f;
                bias[1] = (float)(head == KT_HEAD_EXP ? bounds.high + 0.5 : exp(bounds.high + 0.2));
                bias[2] = (float)(head == KT_HEAD_EXP ? bounds.high - 0.1 : exp(bounds.high - 0.1));
                compare_case(&w, &c, penalty * 0.7);
                print_message("%-9s head %d penalty %d: gradient within %.1e, loss within %.1e\n",
                              kt_family_table[family].name, head, penalty, w.gradient, w.loss);
                case_destroy(&c);
            }
}

/* A row at e^40 times the scale, all components at one bound of z_a: as in the reference, also where several
 * tie at the cut exponent, among which the row is then shared. */
static void absurd_rows(void **state)
{
    (void)state;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int side = -1; side <= 1; side += 2)
            for (int K = 1; K <= 8; K += 7) {
                worst w = {0};
                kt_net net = {2, 2, K, {16, 16}, KT_TANH, KT_HEAD_EXP, (kt_family)family, false};
                kernel_case c = case_create(net, 64, 6);
                const double a = side * (family == KT_GAMMA ? 13 : 6.5);
                for (int j = 0; j < K; j++)
                    c.p[kt_net_head(&net, 1).bias + (size_t)j] = (float)a;
                c.records[7 * c.record + 2] = 40;
                compare_case(&w, &c, 0);
                print_message("%-9s K %d log k near %+.1f: gradient within %.1e, loss within %.1e\n",
                              kt_family_table[family].name, K, a, w.gradient, w.loss);
                case_destroy(&c);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_every_kind),
        cmocka_unit_test(gradients_with_batch_normalization),
        cmocka_unit_test(a_single_row_and_partial_blocks),
        cmocka_unit_test(the_widest_networks),
        cmocka_unit_test(beyond_the_bounds_with_and_without_penalty),
        cmocka_unit_test(absurd_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
