/* Evaluation by the kernel, of any number of rows, against the plain reference in double. */
#include "kernel_case.h"

static const kt_isa sets[] = {KT_ISA_GENERIC, KT_ISA_V3, KT_ISA_V4};
static const int counts[] = {1, 63, 64, 65, 200};

typedef struct {
    kernel_case c;
    kt_kernel *kernel;
    float *p;
    double *z; /* [rows, 3K] */
} evaluated;

static evaluated open_case(kt_net net, kt_isa isa, int rows)
{
    evaluated e = {.c = case_create(net, rows, 21)};
    case_to_double(&e.c);
    assert_int_equal(kt_kernel_create(&e.kernel, &net, isa, 0, NULL), KT_OK);
    e.p = zeroed(kt_kernel_size(e.kernel), sizeof *e.p);
    kt_kernel_pack(e.p, e.kernel, e.c.p);
    e.z = zeroed((size_t)(rows * 3 * net.components), sizeof *e.z);
    assert_int_equal(kt_net_heads(e.z, &net, e.c.pd, NULL, e.c.x, (size_t)rows, NULL), KT_OK);
    return e;
}

static void close_case(evaluated *e)
{
    kt_kernel_destroy(e->kernel);
    free(e->p);
    free(e->z);
    case_destroy(&e->c);
}

/* Runs `check` on every family and head, instruction set and number of rows. */
static void everywhere(void (*check)(evaluated *e, int rows))
{
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (size_t n = 0; runs(sets[s]) && n < sizeof counts / sizeof *counts; n++)
            for (int family = 0; family < KT_FAMILIES; family++)
                for (int head = 0; head < 2; head++) {
                    kt_net net = {3, 2, 7, {16, 21}, KT_TANH, (kt_head)head, (kt_family)family, false};
                    evaluated e = open_case(net, sets[s], counts[n]);
                    check(&e, counts[n]);
                    close_case(&e);
                }
}

static void check_heads(evaluated *e, int rows)
{
    const int n = rows * 3 * e->c.net.components;
    float *z = zeroed((size_t)n + 1, sizeof *z);
    z[n] = 123;
    kt_kernel_heads(z, e->kernel, e->p, e->c.records, (size_t)rows);
    for (int i = 0; i < n; i++)
        assert_true(fabs((double)z[i] - e->z[i]) < 2e-6);
    assert_true(z[n] == 123); /* nothing beyond the last row */
    free(z);
}

static void heads_match_the_reference(void **state)
{
    (void)state;
    everywhere(check_heads);
}

static void check_losses(evaluated *e, int rows)
{
    float *losses = zeroed((size_t)rows + 1, sizeof *losses);
    losses[rows] = 123;
    kt_kernel_losses(losses, e->kernel, e->p, e->c.records, (size_t)rows);
    for (int r = 0; r < rows; r++) {
        double loss;
        assert_int_equal(kt_net_reference(&loss, NULL, NULL, &e->c.net, e->c.pd, e->c.x + r * e->c.net.inputs,
                                          e->c.t + r, 1, 0, NULL),
                         KT_OK);
        assert_true(fabs((double)losses[r] - loss) < 3e-6 * fmax(1, fabs(loss)));
    }
    assert_true(losses[rows] == 123);
    free(losses);
}

static void losses_match_the_reference(void **state)
{
    (void)state;
    everywhere(check_losses);
}

static void check_mixtures(evaluated *e, int rows)
{
    enum { MAX = 7 };
    const int K = e->c.net.components;
    const double scale = 0.0125; /* s */
    float *out = zeroed((size_t)(rows * 3 * K), sizeof *out);
    kt_kernel_mixtures(out, e->kernel, e->p, e->c.records, (size_t)rows, (float)scale);
    for (int r = 0; r < rows; r++) {
        double expected[3][MAX], sum = 0;
        kt_net_mixture(expected[0], expected[1], expected[2], &e->c.net, e->z + r * 3 * K,
                       (double)(float)scale);
        for (int h = 0; h < 3; h++)
            for (int j = 0; j < K; j++) {
                double got = (double)out[(r * 3 + h) * K + j], want = expected[h][j];
                /* of mu of log y, a sum with log s, the error is absolute */
                bool sum_of_logs = e->c.net.family == KT_LOGNORMAL && h == 1;
                bool mu = e->c.net.family == KT_NORMAL && h == 1;
                double size = sum_of_logs ? fmax(1, fabs(want)) : mu ? scale : fabs(want);
                assert_true(fabs(got - want) < 3e-6 * size);
                sum += h == 0 ? got : 0;
            }
        assert_true(fabs(sum - 1) < 1e-6);
    }
    free(out);
}

static void mixtures_match_the_reference(void **state)
{
    (void)state;
    everywhere(check_mixtures);
}

static void check_range(evaluated *e, int rows)
{
    const int K = e->c.net.components;
    double least = INFINITY, most = -INFINITY;
    float low = 0, high = 0;
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < K; j++) {
            double a = e->z[r * 3 * K + K + j];
            if (e->c.net.head == KT_HEAD_SOFTPLUS)
                a = log(fmax(a, 0) + log1p(exp(-fabs(a))) + KT_HEAD_FLOOR);
            least = fmin(least, a);
            most = fmax(most, a);
        }
    kt_kernel_range(&low, &high, e->kernel, e->p, e->c.records, (size_t)rows);
    assert_true(fabs((double)low - least) < 3e-6);
    assert_true(fabs((double)high - most) < 3e-6);
}

static void range_is_the_widest_over_all_rows(void **state)
{
    (void)state;
    everywhere(check_range);
}

static void range_tells_of_any_nan(void **state)
{
    (void)state;
    kt_net net = {2, 2, 3, {8, 8}, KT_RELU, KT_HEAD_EXP, KT_GAMMA, false};
    for (int row = 0; row < 150; row++) {
        evaluated e = open_case(net, best(), 150);
        float low, high;
        e.c.records[(size_t)row * e.c.record] = NAN;
        kt_kernel_range(&low, &high, e.kernel, e.p, e.c.records, 150);
        assert_true(isnan(low) && isnan(high));
        close_case(&e);
    }
}

/* The extremes of z stay finite and keep their order. */
static void far_heads_stay_numbers(void **state)
{
    (void)state;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = 0; head < 2; head++) {
            kt_net net = {2, 1, 2, {4}, KT_TANH, (kt_head)head, (kt_family)family, false};
            evaluated e = open_case(net, best(), 1);
            float *canonical = e.c.p, out[6];
            memset(canonical, 0, e.c.params * sizeof *canonical);
            canonical[kt_net_head(&net, 0).bias] = 200;
            canonical[kt_net_head(&net, 1).bias] = 80;
            canonical[kt_net_head(&net, 1).bias + 1] = -300;
            kt_kernel_pack(e.p, e.kernel, canonical);
            kt_kernel_mixtures(out, e.kernel, e.p, e.c.records, 1, 1);
            for (int i = 0; i < 6; i++)
                assert_true(isfinite(out[i]));
            assert_true(out[0] == 1 && out[1] >= 0 && out[1] < 1e-30f);
            float *first = family <= KT_GAMMA ? out + 2 : out + 4;
            assert_true(first[0] >= 80 && first[1] > 0 && first[1] < 2e-8f);
            close_case(&e);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_match_the_reference),    cmocka_unit_test(losses_match_the_reference),
        cmocka_unit_test(mixtures_match_the_reference), cmocka_unit_test(range_is_the_widest_over_all_rows),
        cmocka_unit_test(range_tells_of_any_nan),       cmocka_unit_test(far_heads_stay_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
