/* The layout, and the plain reference against NumPy and SciPy. Its gradients: test_reference.c. */
#include "kt/net.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 400 };

static const kt_net original = {.inputs = 2,
                                .layers = 2,
                                .components = 4,
                                .width = {10, 10},
                                .activation = KT_LEAKY_RELU,
                                .head = KT_HEAD_SOFTPLUS,
                                .family = KT_WEIBULL,
                                .batch_norm = true};

static void sizes(void **state)
{
    (void)state;
    /* as Keras counts: (2 + 1) 10 + (10 + 1) 10 + 2 x 20 of BatchNormalization + 3 (10 + 1) 4, and 40 not
     * trained */
    assert_int_equal(kt_net_params(&original), 312);
    assert_int_equal(kt_net_state(&original), 40);
    kt_net net = {.inputs = 2, .layers = 2, .components = 8, .width = {16, 16}};
    assert_int_equal(kt_net_params(&net), 728);
    assert_int_equal(kt_net_state(&net), 0);
}

/* Tensors follow each other without gap in the order that the header states. */
static void views_tile_the_vector(void **state)
{
    (void)state;
    for (int layers = 1; layers <= KT_NET_MAX_LAYERS; layers++)
        for (int batch_norm = 0; batch_norm < 2; batch_norm++) {
            kt_net net = {.inputs = 3, .layers = layers, .components = 5, .width = {7, 2, 11, 4}};
            net.batch_norm = batch_norm;
            size_t at = 0;
            int in = net.inputs;
            for (int l = 0; l < layers; l++) {
                kt_net_view v = kt_net_hidden(&net, l);
                size_t out = (size_t)net.width[l];
                assert_int_equal(v.in, in);
                assert_int_equal(v.out, out);
                assert_int_equal(v.kernel, at);
                assert_int_equal(v.bias, at += (size_t)in * out);
                at += out;
                if (batch_norm) {
                    assert_int_equal(v.gamma, at);
                    assert_int_equal(v.beta, at + out);
                    at += 2 * out;
                }
                in = v.out;
            }
            for (int h = 0; h < 3; h++) {
                kt_net_view v = kt_net_head(&net, h);
                assert_int_equal(v.in, in);
                assert_int_equal(v.out, 5);
                assert_int_equal(v.kernel, at);
                assert_int_equal(v.bias, at + (size_t)in * 5);
                at += (size_t)in * 5 + 5;
            }
            assert_int_equal(kt_net_params(&net), at);
        }
}

static void expect_refused(kt_net net, const char *says)
{
    kt_error err = {0};
    assert_int_equal(kt_net_check(&net, &err), KT_USAGE);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void check(void **state)
{
    (void)state;
    assert_int_equal(kt_net_check(&original, NULL), KT_OK);
    kt_net net = original;
#define REFUSED(member, value, says)                                                                         \
    net = original;                                                                                          \
    net.member = value;                                                                                      \
    expect_refused(net, says)
    REFUSED(inputs, 0, "inputs is 0, must be from 1 to 15");
    REFUSED(inputs, 16, "inputs is 16");
    REFUSED(layers, 0, "hidden layers is 0, must be from 1 to 4");
    REFUSED(layers, 5, "hidden layers is 5");
    REFUSED(components, 0, "components is 0, must be from 1 to 64");
    REFUSED(components, 65, "components is 65");
    REFUSED(width[1], 0, "width of a hidden layer is 0, must be from 1 to 512");
    REFUSED(width[0], 513, "width of a hidden layer is 513");
    REFUSED(activation, KT_ACTIVATIONS, "activation");
    REFUSED(head, (kt_head)2, "head");
    REFUSED(family, KT_FAMILIES, "family");
    net = original;
    net.width[2] = -1; /* not one of its layers */
    assert_int_equal(kt_net_check(&net, NULL), KT_OK);
}

static void bounds(void **state)
{
    (void)state;
    for (kt_family family = 0; family < KT_FAMILIES; family++) {
        kt_net_bounds b = kt_net_head_bounds(family);
        assert_true(fabs(exp(b.low) / 1e-3 - 1) < 1e-14);
        assert_true(fabs(exp(b.high) / (family == KT_GAMMA ? 1e6 : 1e3) - 1) < 1e-14);
    }
}

/* ---- golden ---- */

typedef struct {
    kt_net net;
    int n;
    double params[MOST], state[MOST], x[MOST], t[MOST], penalty[1], loss[1], moved[MOST], heads[MOST],
        seconds[1], mixture[MOST];
} truth;

static int index_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    fail_msg("unknown name %s", name);
    return -1;
}

/* A line "name number ..."; returns how many numbers. */
static int read_numbers(double *out, const char *name, FILE *file)
{
    static char line[65536];
    int n = 0;
    assert_non_null(fgets(line, sizeof line, file));
    char *at = strtok(line, " \n");
    assert_string_equal(at, name);
    while ((at = strtok(NULL, " \n"))) {
        assert_true(n < MOST);
        out[n++] = strtod(at, NULL);
    }
    return n;
}

static bool read_truth(truth *t, FILE *file)
{
    static const char *const heads[] = {"exp", "softplus"};
    char family[20], head[20], activation[20];
    int batch_norm;
    *t = (truth){.n = 0};
    if (fscanf(file, "net %19s %19s %19s %d %d %d %d", family, head, activation, &batch_norm, &t->net.inputs,
               &t->net.components, &t->net.layers) != 7)
        return false;
    for (int l = 0; l < t->net.layers; l++)
        assert_int_equal(fscanf(file, "%d\n", &t->net.width[l]), 1);
    t->net.batch_norm = batch_norm;
    t->net.head = (kt_head)index_of(head, heads, 2);
    t->net.activation = (kt_activation)index_of(activation, kt_activation_name, KT_ACTIVATIONS);
    while (strcmp(kt_family_table[t->net.family].name, family) != 0)
        assert_true(++t->net.family < KT_FAMILIES);
    assert_int_equal(read_numbers(t->params, "params", file), kt_net_params(&t->net));
    assert_int_equal(read_numbers(t->state, "state", file), kt_net_state(&t->net));
    read_numbers(t->x, "x", file);
    t->n = read_numbers(t->t, "t", file);
    read_numbers(t->penalty, "penalty", file);
    read_numbers(t->loss, "loss", file);
    read_numbers(t->moved, "moved", file);
    assert_int_equal(read_numbers(t->heads, "heads", file), 3 * t->n * t->net.components);
    read_numbers(t->seconds, "seconds", file);
    assert_int_equal(read_numbers(t->mixture, "mixture", file), 3 * t->net.components);
    return true;
}

static void expect_close(const truth *t, const char *what, const double *value, const double *expected,
                         size_t n, double relative)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(value[i] - expected[i]) <= relative * (fabs(expected[i]) + 1e-3)))
            fail_msg("%s, head %d, %s: %s[%zu] is %.17g, truth %.17g", kt_family_table[t->net.family].name,
                     t->net.head, kt_activation_name[t->net.activation], what, i, value[i], expected[i]);
}

static void against_scipy(void **state)
{
    (void)state;
    FILE *file = fopen(KT_TESTS "/golden/net.txt", "r");
    truth t;
    int cases = 0;
    assert_non_null(file);
    for (; read_truth(&t, file); cases++) {
        const kt_net *net = &t.net;
        size_t n = (size_t)t.n, K = (size_t)net->components;
        double z[MOST], mixture[MOST], loss;
        assert_int_equal(kt_net_heads(z, net, t.params, t.state, t.x, n, NULL), KT_OK);
        expect_close(&t, "heads", z, t.heads, 3 * n * K, 1e-12);
        kt_net_mixture(mixture, mixture + K, mixture + 2 * K, net, z, t.seconds[0]);
        expect_close(&t, "mixture", mixture, t.mixture, 3 * K, 1e-12);
        assert_int_equal(
            kt_net_reference(&loss, NULL, t.state, net, t.params, t.x, t.t, n, t.penalty[0], NULL), KT_OK);
        expect_close(&t, "loss", &loss, t.loss, 1, 1e-11);
        expect_close(&t, "state", t.state, t.moved, kt_net_state(net), 1e-13);
    }
    assert_true(cases > 4 * 2 * KT_ACTIVATIONS);
    fclose(file);
}

/* What is no number must show. */
static void nan_survives(void **state)
{
    (void)state;
    FILE *file = fopen(KT_TESTS "/golden/net.txt", "r");
    truth t;
    assert_non_null(file);
    while (read_truth(&t, file)) {
        double loss, keep = t.t[1];
        t.t[1] = NAN;
        kt_net_reference(&loss, NULL, NULL, &t.net, t.params, t.x, t.t, (size_t)t.n, 0, NULL);
        assert_true(isnan(loss));
        t.t[1] = keep;
        for (int h = 0; h < 3; h++) {
            double *bias = &t.params[kt_net_head(&t.net, h).bias];
            keep = *bias;
            *bias = NAN;
            kt_net_reference(&loss, NULL, NULL, &t.net, t.params, t.x, t.t, (size_t)t.n, 0, NULL);
            assert_true(isnan(loss));
            *bias = keep;
        }
    }
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),  cmocka_unit_test(views_tile_the_vector), cmocka_unit_test(check),
        cmocka_unit_test(bounds), cmocka_unit_test(against_scipy),         cmocka_unit_test(nan_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
