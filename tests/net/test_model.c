/* Models and their predictor against the reference in double, BatchNormalization folded. */
#include "model_case.h"

/* [n, 3K] of what the model means, in double throughout. */
static double *reference(const kt_model *model, const double *x, size_t n)
{
    const kt_net *net = &model->net;
    size_t params = kt_net_params(net), state = kt_net_state(net), K = (size_t)net->components;
    double *p = zeroed(params, 8), *s = zeroed(state, 8), *u = zeroed(n * (size_t)net->inputs, 8);
    double *z = zeroed(n * 3 * K, 8), *out = zeroed(n * 3 * K, 8);
    for (size_t i = 0; i < params; i++)
        p[i] = (double)model->params[i];
    for (size_t i = 0; i < state; i++)
        s[i] = (double)model->state[i];
    for (size_t i = 0; i < n * (size_t)net->inputs; i++) {
        size_t column = i % (size_t)net->inputs;
        u[i] = (x[i] - model->scaler.mean[column]) / model->scaler.sd[column];
    }
    assert_int_equal(kt_net_heads(z, net, p, state ? s : NULL, u, n, NULL), KT_OK);
    for (size_t r = 0; r < n; r++) {
        double *m = out + r * 3 * K;
        kt_net_mixture(m, m + K, m + 2 * K, net, z + r * 3 * K, model->scale);
    }
    free(p);
    free(s);
    free(u);
    free(z);
    return out;
}

static void check_predictor(kt_net net)
{
    enum { N = 600 };
    kt_model model = make_model(net, 31);
    kt_predictor *predictor = NULL;
    const int K = net.components, d = net.inputs;
    double *x = zeroed((size_t)(N * d), 8);
    float *got = zeroed((size_t)(N * 3 * K), 4);
    for (int i = 0; i < N * d; i++)
        x[i] = 1 + 7 * fmod(0.618 * i, 1);
    double *want = reference(&model, x, N);
    assert_int_equal(kt_predictor_create(&predictor, &model, best(), NULL), KT_OK);
    kt_predict(got, predictor, x, N);
    for (int r = 0; r < N; r++) {
        kt_mixture point = kt_predict_point(predictor, x + r * d);
        const double *parts[] = {point.weight, point.concentration, point.scale};
        double sum = 0;
        assert_int_equal(point.family, net.family);
        assert_int_equal(point.n, K);
        for (int h = 0; h < 3; h++)
            for (int j = 0; j < K; j++) {
                int i = (r * 3 + h) * K + j;
                bool mu = h == 1 && net.family >= KT_LOGNORMAL; /* may be near 0: its error is absolute */
                double size = !mu                       ? fabs(want[i])
                              : net.family == KT_NORMAL ? model.scale
                                                        : fmax(1, fabs(want[i]));
                assert_true(fabs((double)got[i] - want[i]) < 1e-5 * size);
                assert_true(fabs(parts[h][j] - want[i]) < 1e-5 * size);
                sum += h == 0 ? parts[0][j] : 0;
            }
        assert_true(fabs(sum - 1) < 1e-15 * K);
    }
    kt_predictor_destroy(predictor);
    kt_model_clear(&model);
    free(x);
    free(got);
    free(want);
}

static void predictions_match_the_reference(void **state)
{
    (void)state;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = 0; head < 2; head++) {
            check_predictor((kt_net){2, 2, 8, {16, 16}, KT_TANH, (kt_head)head, (kt_family)family, false});
            check_predictor(
                (kt_net){2, 2, 4, {10, 10}, KT_LEAKY_RELU, (kt_head)head, (kt_family)family, true});
            check_predictor((kt_net){4, 3, 64, {9, 30, 5}, KT_ELU, (kt_head)head, (kt_family)family, true});
        }
}

static void a_copy_is_its_own(void **state)
{
    (void)state;
    for (int norm = 0; norm < 2; norm++) {
        kt_net net = {2, 2, 4, {10, 10}, KT_LEAKY_RELU, KT_HEAD_EXP, KT_WEIBULL, norm};
        kt_model model = make_model(net, 5), copy = {0};
        size_t bytes = kt_net_params(&net) * sizeof(float);
        float *params = zeroed(kt_net_params(&net), 4);
        memcpy(params, model.params, bytes);
        assert_int_equal(kt_model_copy(&copy, &model, NULL), KT_OK);
        assert_int_equal(copy.state != NULL, norm);
        memset(model.params, 0, bytes);
        kt_model_clear(&model);
        assert_null(model.params);
        assert_memory_equal(copy.params, params, bytes);
        assert_true(kt_model_inside(&copy, (double[]){10, 2}));
        assert_false(kt_model_inside(&copy, (double[]){10, 5}));
        kt_model_clear(&copy);
        free(params);
    }
    kt_model empty = {0};
    kt_model_clear(&empty);
    kt_predictor_destroy(NULL);
}

static void targets_are_logs_over_the_scale(void **state)
{
    (void)state;
    kt_model model = {.scale = 0.25, .floor = 1e-3};
    assert_true(kt_model_target(&model, 0.25) == 0);
    assert_true(fabs((double)kt_model_target(&model, 0.5) - M_LN2) < 1e-7);
    assert_true(kt_model_target(&model, 0) == kt_model_target(&model, 1e-3));
    assert_true(fabs((double)kt_model_target(&model, 0) - log(1e-3 / 0.25)) < 1e-6);
    assert_true(isnan(kt_model_target(&model, NAN)));
    model.net.family = KT_NORMAL;
    assert_true(kt_model_target(&model, -0.5) == -2);
}

static void a_bad_network_is_refused(void **state)
{
    (void)state;
    kt_net net = {2, 2, 4, {10, 10}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false};
    kt_model model = make_model(net, 5);
    kt_predictor *predictor = (kt_predictor *)1;
    kt_error err = {0};
    model.net.components = 65;
    assert_int_equal(kt_predictor_create(&predictor, &model, KT_ISA_GENERIC, &err), KT_USAGE);
    assert_null(predictor);
    assert_non_null(strstr(err.message, "65"));
    kt_model_clear(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_match_the_reference),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(targets_are_logs_over_the_scale),
        cmocka_unit_test(a_bad_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
