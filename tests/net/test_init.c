#include "kt/init.h"
#include "kt/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 600000, DATA = 2000 };
static float params[MOST], again[MOST], moving[4096], data[DATA];

static const char *const head_name[] = {"exp", "softplus"};

static kt_net net_of(kt_family family, kt_head head, int components)
{
    return (kt_net){.inputs = 2,
                    .layers = 2,
                    .components = components,
                    .width = {16, 16},
                    .family = family,
                    .head = head};
}

static void start(const kt_net *net, kt_start kind, const float *t, size_t n, uint64_t seed, uint64_t subject,
                  uint32_t frozen)
{
    assert_true(kt_net_params(net) <= MOST);
    memset(params, 0x7f, sizeof params); /* whatever is not written shows */
    assert_int_equal(kt_net_start(params, moving, net, kind, t, n, seed, subject, frozen, NULL), KT_OK);
}

/* Head biases against NumPy, quantiles and formulas both. */
static void biases_against_numpy(void **state)
{
    (void)state;
    FILE *file = fopen(KT_TESTS "/golden/start.txt", "r");
    char word[20], family[20], head[20];
    int n = 0, K, cases = 0;
    assert_non_null(file);
    while (fscanf(file, "%19s", word) == 1) {
        if (strcmp(word, "t") == 0) {
            double value;
            assert_int_equal(fscanf(file, "%lf", &value), 1);
            n = (int)value;
            for (int i = 0; i < n; i++)
                assert_int_equal(fscanf(file, "%f", &data[i]), 1);
            continue;
        }
        assert_int_equal(fscanf(file, "%19s %19s %d", family, head, &K), 3);
        kt_net net = net_of(0, strcmp(head, head_name[1]) == 0 ? KT_HEAD_SOFTPLUS : KT_HEAD_EXP, K);
        while (strcmp(kt_family_table[net.family].name, family) != 0)
            assert_true(++net.family < KT_FAMILIES);
        start(&net, KT_START_QUANTILE, data, (size_t)n, 1, 1, 0);
        for (int j = 0; j < K; j++) {
            double a, b;
            assert_int_equal(fscanf(file, "%lf %lf", &a, &b), 2);
            assert_true(params[kt_net_head(&net, 0).bias + (size_t)j] == 0);
            assert_true(fabs(params[kt_net_head(&net, 1).bias + (size_t)j] - a) < 1e-6 * (fabs(a) + 0.1));
            assert_true(fabs(params[kt_net_head(&net, 2).bias + (size_t)j] - b) < 1e-6 * (fabs(b) + 0.1));
        }
        cases++;
    }
    assert_int_equal(cases, 4 * KT_FAMILIES * 2);
    fclose(file);
}

/* What the biases are for: before any training the mixture is already near the data. The distance of the two
 * cdfs is below 0.05 for every family and head, here for two lognormal populations. */
static void the_start_is_near_the_data(void **state)
{
    (void)state;
    kt_rng rng;
    kt_rng_init(&rng, 1, 1, KT_RNG_SAMPLE, 0, 0);
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = 0; head < 2; head++) {
            kt_net net = net_of((kt_family)family, (kt_head)head, 8);
            for (int i = 0; i < DATA; i++)
                data[i] = (float)((i % 3 == 0 ? -1.2 : 0.3) + 0.3 * kt_rng_normal(&rng));
            start(&net, KT_START_QUANTILE, data, DATA, 1, 1, 0);
            double z[24], w[8], c[8], s[8], worst = 0;
            for (int h = 0; h < 3; h++)
                for (int j = 0; j < 8; j++)
                    z[8 * h + j] = params[kt_net_head(&net, h).bias + (size_t)j];
            kt_net_mixture(w, c, s, &net, z, 1);
            kt_mixture m = {net.family, 8, w, c, s};
            for (double y = -3; y < 3; y += 0.05) {
                int below = 0;
                for (int i = 0; i < DATA; i++)
                    below += data[i] <= y;
                double at = kt_family_table[family].positive ? exp(y) : y;
                worst = fmax(worst, fabs(kt_mixture_cdf(&m, at) - below / (double)DATA));
            }
            assert_true(worst < 0.05);
        }
}

/* Sizes at the ends of what data may have: the start stays a number. */
static void extreme_targets(void **state)
{
    (void)state;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = 0; head < 2; head++) {
            kt_net net = net_of((kt_family)family, (kt_head)head, 8);
            for (int i = 0; i < 100; i++)
                data[i] = i % 2 ? 30.f : -30.f;
            start(&net, KT_START_QUANTILE, data, 100, 1, 1, 0);
            for (size_t i = 0; i < kt_net_params(&net); i++)
                assert_true(isfinite(params[i]));
            start(&net, KT_START_QUANTILE, data, 1, 1, 1, 0);
            for (size_t i = 0; i < kt_net_params(&net); i++)
                assert_true(isfinite(params[i]));
        }
}

/* Moments of n draws: mean within 5 standard errors of 0, sd within 2 % of sd, and none beyond most. */
static void expect_distribution(const float *v, size_t n, double sd, double most)
{
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        sum += v[i];
        squares += (double)v[i] * v[i];
        largest = fmax(largest, fabs((double)v[i]));
    }
    assert_true(fabs(sum / (double)n) < 5 * sd / sqrt((double)n));
    assert_true(fabs(sqrt(squares / (double)n) / sd - 1) < 0.02);
    assert_true(largest <= most && largest > 0.95 * fmin(most, 3 * sd));
}

static void distributions(void **state)
{
    (void)state;
    for (int i = 0; i < DATA; i++)
        data[i] = (float)i / DATA;
    kt_net net = {.inputs = 15, .layers = 2, .components = 64, .width = {200, 512}};
    for (kt_start kind = KT_START_QUANTILE; kind <= KT_START_KERAS; kind++) {
        bool keras = kind == KT_START_KERAS;
        start(&net, kind, data, DATA, 5, 6, 0);
        for (int l = 0; l < net.layers; l++) {
            kt_net_view v = kt_net_hidden(&net, l);
            /* he_normal: after the cut at 2 sd of the wider normal the sd is sqrt(2 / fan_in) */
            double sd = sqrt((keras ? 2. : 1.) / v.in);
            if (l == 1) /* enough draws */
                expect_distribution(params + v.kernel, (size_t)(v.in * v.out), sd,
                                    keras ? 2 * sd / 0.87962566103423978 : INFINITY);
            for (int o = 0; o < v.out; o++)
                assert_true(params[v.bias + (size_t)o] == 0);
        }
        for (int h = 0; h < 3; h++) {
            kt_net_view v = kt_net_head(&net, h);
            double limit = sqrt(6. / (512 + 64)) * (keras ? 1 : 0.1);
            expect_distribution(params + v.kernel, 512 * 64, limit / sqrt(3), limit * (1 + 1e-7));
            for (int o = 0; keras && o < v.out; o++)
                assert_true(params[v.bias + (size_t)o] == 0);
        }
    }
}

static void batch_norm_and_frozen_inputs(void **state)
{
    (void)state;
    kt_net net = {.inputs = 3, .layers = 2, .components = 2, .width = {5, 4}, .batch_norm = true};
    start(&net, KT_START_KERAS, NULL, 0, 1, 2, 1u << 0 | 1u << 2);
    const float *moved = moving;
    for (int l = 0; l < 2; l++) {
        kt_net_view v = kt_net_hidden(&net, l);
        for (int o = 0; o < v.out; o++) {
            assert_true(params[v.gamma + (size_t)o] == 1 && params[v.beta + (size_t)o] == 0);
            assert_true(moved[o] == 0 && moved[v.out + o] == 1);
        }
        moved += 2 * v.out;
    }
    kt_net_view first = kt_net_hidden(&net, 0);
    for (int i = 0; i < 3; i++)
        for (int o = 0; o < 5; o++)
            assert_int_equal(params[first.kernel + (size_t)(5 * i + o)] == 0, i != 1);
}

/* A function of seed and subject; a frozen input changes its own row alone. */
static void keyed(void **state)
{
    (void)state;
    kt_net net = net_of(KT_GAMMA, KT_HEAD_EXP, 4);
    size_t n = kt_net_params(&net);
    for (int i = 0; i < 100; i++)
        data[i] = (float)(i % 17);
    start(&net, KT_START_QUANTILE, data, 100, 1, 2, 0);
    memcpy(again, params, n * sizeof *params);
    for (int i = 0; i < 50; i++) { /* the order of the rows is nothing */
        float swap = data[i];
        data[i] = data[99 - i];
        data[99 - i] = swap;
    }
    start(&net, KT_START_QUANTILE, data, 100, 1, 2, 0);
    assert_memory_equal(params, again, n * sizeof *params);
    start(&net, KT_START_QUANTILE, data, 100, 1, 2, 2);
    assert_memory_equal(params, again, 16 * sizeof *params);
    assert_memory_equal(params + 32, again + 32, (n - 32) * sizeof *params);
    start(&net, KT_START_QUANTILE, data, 100, 2, 2, 0);
    assert_true(params[0] != again[0] && params[n - 9] != again[n - 9]);
    start(&net, KT_START_QUANTILE, data, 100, 1, 3, 0);
    assert_true(params[0] != again[0] && params[n - 9] != again[n - 9]);
    kt_net_view w = kt_net_head(&net, 0), a = kt_net_head(&net, 1); /* each layer draws its own */
    assert_true(memcmp(params + w.kernel, params + a.kernel, 64 * sizeof *params) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(biases_against_numpy),
        cmocka_unit_test(the_start_is_near_the_data),
        cmocka_unit_test(extreme_targets),
        cmocka_unit_test(distributions),
        cmocka_unit_test(batch_norm_and_frozen_inputs),
        cmocka_unit_test(keyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
