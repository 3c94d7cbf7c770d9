/* The plain reference against central differences, for every parameter of every family, head and activation,
 * with and without batch normalization; and its loss against the families' own densities. */
#include "kt/kernel.h"
#include "kt/net.h"
#include "kt/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 7, INPUTS = 3, MOST = 400 };

typedef struct {
    kt_net net;
    size_t n;
    double params[MOST], state[MOST], x[ROWS * INPUTS], t[ROWS];
} problem;

static void make(problem *p, kt_net net, uint64_t seed)
{
    kt_rng rng;
    kt_rng_init(&rng, seed, 3, KT_RNG_SAMPLE, 0, 0);
    *p = (problem){.net = net, .n = kt_net_params(&net)};
    assert_true(p->n <= MOST && kt_net_state(&net) <= MOST);
    for (size_t i = 0; i < p->n; i++)
        p->params[i] = 0.4 * kt_rng_normal(&rng);
    for (int l = 0; net.batch_norm && l < net.layers; l++)
        for (int o = 0; o < net.width[l]; o++)
            p->params[kt_net_hidden(&net, l).gamma + (size_t)o] += 1;
    for (size_t i = 0; i < kt_net_state(&net); i++)
        p->state[i] = 0.5 + kt_rng_uniform(&rng);
    for (int i = 0; i < ROWS * INPUTS; i++)
        p->x[i] = kt_rng_normal(&rng);
    for (int i = 0; i < ROWS; i++)
        p->t[i] = 0.5 * kt_rng_normal(&rng);
}

static double loss_at(const problem *p, double penalty)
{
    double loss;
    assert_int_equal(kt_net_reference(&loss, NULL, NULL, &p->net, p->params, p->x, p->t, ROWS, penalty, NULL),
                     KT_OK);
    return loss;
}

/* Fourth-order central differences; short steps where an activation has a corner that a long one would cross.
 */
static double difference(problem *p, size_t i, double penalty)
{
    kt_activation kind = p->net.activation;
    const double h = kind == KT_RELU || kind == KT_LEAKY_RELU || kind == KT_ELU ? 2e-6 : 2e-4,
                 at = p->params[i];
    double f[4];
    const double step[4] = {-2 * h, -h, h, 2 * h};
    for (int k = 0; k < 4; k++) {
        p->params[i] = at + step[k];
        f[k] = loss_at(p, penalty);
    }
    p->params[i] = at;
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

static void compare(problem *p, double penalty)
{
    double gradient[MOST], loss, largest = 0;
    assert_int_equal(
        kt_net_reference(&loss, gradient, NULL, &p->net, p->params, p->x, p->t, ROWS, penalty, NULL), KT_OK);
    assert_true(loss == loss_at(p, penalty));
    for (size_t i = 0; i < p->n; i++)
        largest = fmax(largest, fabs(gradient[i]));
    for (size_t i = 0; i < p->n; i++) {
        double d = difference(p, i, penalty);
        if (!(fabs(d - gradient[i]) <= 1e-7 * largest))
            fail_msg("%s, head %d, %s%s: parameter %zu: %.12g, differences %.12g",
                     kt_family_table[p->net.family].name, p->net.head, kt_activation_name[p->net.activation],
                     p->net.batch_norm ? ", batch norm" : "", i, gradient[i], d);
    }
}

static kt_net net_of(int family, int head, int activation, bool batch_norm)
{
    return (kt_net){.inputs = INPUTS,
                    .layers = 2,
                    .components = 3,
                    .width = {5, 4},
                    .activation = (kt_activation)activation,
                    .head = (kt_head)head,
                    .family = (kt_family)family,
                    .batch_norm = batch_norm};
}

static void gradients_are_differences(void **state)
{
    (void)state;
    problem p;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = KT_HEAD_EXP; head <= KT_HEAD_SOFTPLUS; head++)
            for (int activation = 0; activation < KT_ACTIVATIONS; activation++)
                for (int batch_norm = 0; batch_norm < 2; batch_norm++) {
                    make(&p, net_of(family, head, activation, batch_norm),
                         (uint64_t)(family * 50 + activation));
                    /* differences across the corner of relu and leaky_relu are no derivatives: linear covers
                     * products */
                    compare(&p, 0);
                }
}

/* Beyond a bound the density is that at the bound and the penalty pulls back: differences of the penalty
 * alone. */
static void penalty_pulls_back(void **state)
{
    (void)state;
    problem p;
    for (int family = 0; family < KT_FAMILIES; family++) {
        double with[MOST], without[MOST], loss, plain;
        make(&p, net_of(family, KT_HEAD_EXP, KT_TANH, false), 9);
        kt_net_bounds bounds = kt_net_head_bounds(p.net.family);
        kt_net_view a = kt_net_head(&p.net, 1);
        memset(p.params + a.kernel, 0, (size_t)(a.in * a.out) * sizeof *p.params);
        p.params[a.bias] = bounds.high + 0.25;
        p.params[a.bias + 1] = bounds.low - 0.5;
        assert_int_equal(kt_net_reference(&loss, with, NULL, &p.net, p.params, p.x, p.t, ROWS, 3, NULL),
                         KT_OK);
        assert_int_equal(kt_net_reference(&plain, without, NULL, &p.net, p.params, p.x, p.t, ROWS, 0, NULL),
                         KT_OK);
        assert_true(fabs(loss - plain - 1.5 * (0.25 * 0.25 + 0.5 * 0.5)) < 1e-12 * fabs(loss));
        double scale = fabs(without[a.bias]) + fabs(without[a.bias + 1]) + 1;
        assert_true(fabs(with[a.bias] - without[a.bias] - 3 * 0.25) < 1e-12 * scale);
        assert_true(fabs(with[a.bias + 1] - without[a.bias + 1] + 3 * 0.5) < 1e-12 * scale);
        assert_true(fabs(with[a.bias + 2] - without[a.bias + 2]) < 1e-12 * scale);
    }
}

/* Heads, mixture and density of each family, against the loss: two ways through the code to one number. */
static void loss_is_the_mixtures_density(void **state)
{
    (void)state;
    problem p;
    const double s = 0.02;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = KT_HEAD_EXP; head <= KT_HEAD_SOFTPLUS; head++) {
            double z[ROWS * 9], sum = 0, w[3], c[3], l[3];
            make(&p, net_of(family, head, KT_TANH, false), 21);
            assert_int_equal(kt_net_heads(z, &p.net, p.params, NULL, p.x, ROWS, NULL), KT_OK);
            for (int i = 0; i < ROWS; i++) {
                kt_net_mixture(w, c, l, &p.net, z + 9 * i, s);
                kt_mixture m = {p.net.family, 3, w, c, l};
                double y = kt_family_table[family].positive ? s * exp(p.t[i]) : s * p.t[i];
                sum -= kt_mixture_log_pdf(&m, y);
            }
            double loss = loss_at(&p, 0) + log(s);
            assert_true(fabs(sum / ROWS - loss) < 1e-10 * (1 + fabs(loss)));
        }
}

static void folding_keeps_the_network(void **state)
{
    (void)state;
    problem p;
    kt_net plain;
    float params[MOST], running[MOST], folded[MOST];
    double as_double[MOST], z[ROWS * 9], again[ROWS * 9];
    make(&p, net_of(KT_WEIBULL, KT_HEAD_SOFTPLUS, KT_LEAKY_RELU, true), 5);
    for (size_t i = 0; i < p.n; i++)
        p.params[i] = params[i] = (float)p.params[i];
    for (size_t i = 0; i < kt_net_state(&p.net); i++)
        p.state[i] = running[i] = (float)p.state[i];
    kt_net_fold(&plain, folded, &p.net, params, running);
    assert_false(plain.batch_norm);
    for (size_t i = 0; i < kt_net_params(&plain); i++)
        as_double[i] = (double)folded[i];
    assert_int_equal(kt_net_heads(z, &p.net, p.params, p.state, p.x, ROWS, NULL), KT_OK);
    assert_int_equal(kt_net_heads(again, &plain, as_double, NULL, p.x, ROWS, NULL), KT_OK);
    for (int i = 0; i < ROWS * 9; i++)
        assert_true(fabs(z[i] - again[i]) < 3e-6);
}

/* A row far out where all components are equal and their exponents cut: log K is nothing beside the log
 * density of about -e^60, yet each of the K takes one K-th of the row. By hand, of one row with z = 60:
 * d/dz_w = w - 1/K, d/db = -k (e^60 - 1) / K, d/da = -(1 - 60 (e^60 - 1)) / K; gamma: da = D(k) - k (e^60 -
 * 61). */
static void components_that_tie_at_the_cut_share_the_row(void **state)
{
    (void)state;
    const kt_family cut[] = {KT_WEIBULL, KT_GAMMA};
    const double k = exp(0.5), e = exp(60);
    for (int f = 0; f < 2; f++) {
        problem p;
        double gradient[MOST], loss;
        make(&p, net_of((int)cut[f], KT_HEAD_EXP, KT_TANH, false), 4);
        kt_net_view w = kt_net_head(&p.net, 0), a = kt_net_head(&p.net, 1), b = kt_net_head(&p.net, 2);
        memset(p.params, 0, sizeof p.params);
        for (size_t j = 0; j < 3; j++) {
            p.params[w.bias + j] = log((double)(j + 1)); /* weights 1/6, 2/6, 3/6 */
            p.params[a.bias + j] = 0.5;
        }
        p.t[0] = 100;
        assert_int_equal(kt_net_reference(&loss, gradient, NULL, &p.net, p.params, p.x, p.t, 1, 0, NULL),
                         KT_OK);
        double da = cut[f] == KT_WEIBULL ? 1 - 60 * (e - 1) : -k * (e - 61);
        for (size_t j = 0; j < 3; j++) {
            assert_true(fabs(gradient[w.bias + j] - ((double)(j + 1) / 6 - 1. / 3)) < 1e-12);
            assert_true(fabs(gradient[a.bias + j] + da / 3) < 1e-12 * fabs(da));
            assert_true(fabs(gradient[b.bias + j] + k * (e - 1) / 3) < 1e-12 * k * e);
        }
    }
}

static void moving_statistics_move(void **state)
{
    (void)state;
    problem p;
    double before[MOST], loss;
    make(&p, net_of(KT_WEIBULL, KT_HEAD_EXP, KT_LINEAR, true), 5);
    memcpy(before, p.state, sizeof before);
    assert_int_equal(kt_net_reference(&loss, NULL, p.state, &p.net, p.params, p.x, p.t, ROWS, 0, NULL),
                     KT_OK);
    kt_net_view v = kt_net_hidden(&p.net, 0);
    for (int o = 0; o < v.out; o++) { /* of the first layer, whose products are at hand */
        double z[ROWS], mean = 0, variance = 0;
        for (int i = 0; i < ROWS; i++) {
            z[i] = p.params[v.bias + (size_t)o];
            for (int k = 0; k < v.in; k++)
                z[i] += p.x[i * INPUTS + k] * p.params[v.kernel + (size_t)(k * v.out + o)];
            mean += z[i] / ROWS;
        }
        for (int i = 0; i < ROWS; i++)
            variance += (z[i] - mean) * (z[i] - mean) / ROWS;
        assert_true(fabs(p.state[o] - (0.99 * before[o] + 0.01 * mean)) < 1e-12);
        assert_true(fabs(p.state[v.out + o] - (0.99 * before[v.out + o] + 0.01 * variance)) < 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(penalty_pulls_back),
        cmocka_unit_test(loss_is_the_mixtures_density),
        cmocka_unit_test(folding_keeps_the_network),
        cmocka_unit_test(components_that_tie_at_the_cut_share_the_row),
        cmocka_unit_test(moving_statistics_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
