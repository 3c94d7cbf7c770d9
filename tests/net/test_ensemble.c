/* Ensembles: what several models answer together against what each answers alone. */
#include "model_case.h"

enum { MEMBERS = 4, POINTS = 300 };

/* All that members may differ in. */
static void make_members(kt_model *members, kt_family family)
{
    const kt_net nets[MEMBERS] = {
        {2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, family, false},
        {2, 1, 3, {20}, KT_RELU, KT_HEAD_SOFTPLUS, family, false},
        {2, 2, 4, {10, 10}, KT_LEAKY_RELU, KT_HEAD_EXP, family, true},
        {2, 3, 64, {7, 30, 5}, KT_ELU, KT_HEAD_SOFTPLUS, family, true},
    };
    for (int m = 0; m < MEMBERS; m++) {
        members[m] = make_model(nets[m], 31 + (uint64_t)m);
        members[m].scale *= 1 + 0.5 * m;
        members[m].floor *= m == 2 ? 3 : 1;
        members[m].scaler.mean[0] += 0.5 * m;
    }
}

static void clear_members(kt_model *members)
{
    for (int m = 0; m < MEMBERS; m++)
        kt_model_clear(&members[m]);
}

static kt_predictor *predictor_of(const kt_model *members, size_t n)
{
    const kt_model *list[MEMBERS];
    kt_predictor *predictor = NULL;
    kt_error err = {0};
    for (size_t m = 0; m < n; m++)
        list[m] = &members[m];
    if (kt_predictor_create_ensemble(&predictor, list, n, best(), &err) != KT_OK)
        fail_msg("%s", err.message);
    return predictor;
}

/* What the kernel says of one model, without a predictor. */
static void one_member_answers_as_its_kernel_does(void **state)
{
    (void)state;
    kt_model members[MEMBERS];
    make_members(members, KT_GAMMA);
    for (int m = 0; m < MEMBERS; m++) {
        const kt_model *model = &members[m];
        size_t width = 3 * (size_t)model->net.components, record = kt_kernel_record(2);
        double x[2 * POINTS];
        float *folded = zeroed(kt_net_params(&model->net), 4), *records = zeroed(POINTS * record, 4);
        float *got = zeroed(POINTS * width, 4), *want = zeroed(POINTS * width, 4);
        kt_net plain;
        kt_kernel *kernel = NULL;
        for (int i = 0; i < 2 * POINTS; i++)
            x[i] = 1 + 7 * fmod(0.618 * i, 1);
        for (size_t i = 0; i < POINTS; i++)
            kt_scaler_apply(records + i * record, &model->scaler, x + 2 * i, 2);
        kt_net_fold(&plain, folded, &model->net, model->params, model->state);
        assert_int_equal(kt_kernel_create(&kernel, &plain, best(), 0, NULL), KT_OK);
        float *padded = zeroed(kt_kernel_size(kernel), 4);
        kt_kernel_pack(padded, kernel, folded);
        kt_kernel_mixtures(want, kernel, padded, records, POINTS, (float)model->scale);
        kt_predictor *predictor = predictor_of(model, 1);
        kt_predict(got, predictor, x, POINTS);
        assert_memory_equal(got, want, POINTS * width * sizeof *got);
        assert_int_equal(kt_predictor_components(predictor), model->net.components);
        assert_true(kt_predictor_floor(predictor) == model->floor);
        kt_predictor_destroy(predictor);
        kt_kernel_destroy(kernel);
        free(padded);
        free(folded);
        free(records);
        free(got);
        free(want);
    }
    clear_members(members);
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fmax(1e-3, fabs(expected))))
        fail_msg("%.17g is not %.17g", value, expected);
}

/* Density, distribution and mean are the averages of the members'; quantiles invert the distribution. */
static void check_point(kt_predictor *all, kt_predictor *const *alone, const double *x)
{
    kt_mixture own[MEMBERS], mixture = kt_predict_point(all, x);
    double weights = 0, mean = 0;
    for (int m = 0; m < MEMBERS; m++) {
        own[m] = kt_predict_point(alone[m], x);
        mean += kt_mixture_mean(&own[m]) / MEMBERS;
    }
    for (int j = 0; j < mixture.n; j++)
        weights += mixture.weight[j];
    near(weights, 1);
    near(kt_mixture_mean(&mixture), mean);
    for (int level = 1; level < 20; level++) {
        double p = level / 20.0, y = kt_mixture_quantile(&mixture, p), density = 0, below = 0, above = 0;
        for (int m = 0; m < MEMBERS; m++) {
            density += exp(kt_mixture_log_pdf(&own[m], y)) / MEMBERS;
            below += kt_mixture_cdf(&own[m], y) / MEMBERS;
            above += kt_mixture_survival(&own[m], y) / MEMBERS;
        }
        near(kt_mixture_log_pdf(&mixture, y), log(density));
        near(kt_mixture_cdf(&mixture, y), below);
        near(kt_mixture_survival(&mixture, y), above);
        near(below, p);
    }
}

static void members_are_averaged(void **state)
{
    (void)state;
    for (int family = 0; family < KT_FAMILIES; family++) {
        kt_model members[MEMBERS];
        kt_predictor *alone[MEMBERS];
        make_members(members, (kt_family)family);
        for (int m = 0; m < MEMBERS; m++)
            assert_int_equal(kt_predictor_create(&alone[m], &members[m], best(), NULL), KT_OK);
        kt_predictor *all = predictor_of(members, MEMBERS);
        assert_int_equal(kt_predictor_family(all), family);
        assert_int_equal(kt_predictor_inputs(all), 2);
        assert_int_equal(kt_predictor_components(all), 8 + 3 + 4 + 64);
        assert_true(kt_predictor_floor(all) == members[2].floor);
        assert_true(kt_predictor_inside(all, (double[]){10, 2}));
        assert_false(kt_predictor_inside(all, (double[]){10, 5}));
        for (int i = 0; i < 10; i++)
            check_point(all, alone, (double[]){1 + 2 * i, 1 + 0.3 * i});
        kt_predictor_destroy(all);
        for (int m = 0; m < MEMBERS; m++)
            kt_predictor_destroy(alone[m]);
        clear_members(members);
    }
}

/* Many points at once, in float: each member's mixture, its weights divided by the members. */
static void many_points_hold_each_member(void **state)
{
    (void)state;
    kt_model members[MEMBERS];
    make_members(members, KT_WEIBULL);
    kt_predictor *all = predictor_of(members, MEMBERS);
    const size_t n = (size_t)kt_predictor_components(all);
    double x[2 * POINTS];
    float *got = zeroed(POINTS * 3 * n, 4), *one = zeroed((size_t)POINTS * 3 * 64, 4);
    for (int i = 0; i < 2 * POINTS; i++)
        x[i] = 1 + 7 * fmod(0.618 * i, 1);
    kt_predict(got, all, x, POINTS);
    for (size_t m = 0, first = 0; m < MEMBERS; m++) {
        size_t K = (size_t)members[m].net.components;
        kt_predictor *alone = predictor_of(&members[m], 1);
        kt_predict(one, alone, x, POINTS);
        for (size_t row = 0; row < 3 * (size_t)POINTS; row++)
            for (size_t j = 0; j < K; j++) {
                float want = one[row * K + j] / (row % 3 == 0 ? MEMBERS : 1);
                assert_true(got[row * n + first + j] == want);
            }
        kt_predictor_destroy(alone);
        first += K;
    }
    kt_predictor_destroy(all);
    free(got);
    free(one);
    clear_members(members);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Draws are of the averaged distribution: KS at a level of 0.1 %, 1.95 / sqrt(n). */
static void draws_follow_the_average(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    kt_model members[MEMBERS];
    make_members(members, KT_LOGNORMAL);
    kt_predictor *all = predictor_of(members, MEMBERS);
    kt_mixture mixture = kt_predict_point(all, (double[]){7, 2});
    double *f = zeroed(DRAWS, 8), largest = 0;
    kt_rng rng;
    kt_rng_init(&rng, 5, 1, KT_RNG_SAMPLE, 0, 0);
    for (int i = 0; i < DRAWS; i++)
        f[i] = kt_mixture_cdf(&mixture, kt_mixture_sample(&mixture, &rng));
    qsort(f, DRAWS, sizeof *f, ascending);
    for (int i = 0; i < DRAWS; i++)
        largest = fmax(largest, fmax(f[i] - (double)i / DRAWS, (double)(i + 1) / DRAWS - f[i]));
    assert_true(largest > 0 && largest < 1.95 / sqrt(DRAWS));
    free(f);
    kt_predictor_destroy(all);
    clear_members(members);
}

static void refuse(const kt_model *const *members, size_t n, const char *said)
{
    kt_predictor *predictor = (kt_predictor *)1;
    kt_error err = {0};
    assert_int_equal(kt_predictor_create_ensemble(&predictor, members, n, KT_ISA_GENERIC, &err), KT_USAGE);
    assert_null(predictor);
    if (!strstr(err.message, said))
        fail_msg("\"%s\" does not say \"%s\"", err.message, said);
}

static void unlike_members_are_refused(void **state)
{
    (void)state;
    const kt_net net = {2, 1, 64, {5}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false};
    kt_net other = net, wider = net;
    other.family = KT_NORMAL;
    wider.inputs = 3;
    kt_model a = make_model(net, 1), b = make_model(other, 1), c = make_model(wider, 1);
    refuse((const kt_model *[]){&a, &a, &b}, 3, "weibull and normal");
    refuse((const kt_model *[]){&a, &c}, 2, "2 and 3 inputs");
    refuse((const kt_model *[]){&a, &a, &a, &a, &a, &a, &a, &a, &a}, 9, "more than 512 components");
    kt_predictor *most = NULL;
    assert_int_equal(kt_predictor_create_ensemble(&most, (const kt_model *[]){&a, &a, &a, &a, &a, &a, &a, &a},
                                                  8, KT_ISA_GENERIC, NULL),
                     KT_OK);
    assert_int_equal(kt_predict_point(most, (double[]){5, 2}).n, KT_MIXTURE_MAX);
    kt_predictor_destroy(most);
    kt_model_clear(&a);
    kt_model_clear(&b);
    kt_model_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_member_answers_as_its_kernel_does),
        cmocka_unit_test(members_are_averaged),
        cmocka_unit_test(many_points_hold_each_member),
        cmocka_unit_test(draws_follow_the_average),
        cmocka_unit_test(unlike_members_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
