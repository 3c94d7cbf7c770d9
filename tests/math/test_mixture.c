#include "kt/mixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"

enum { MAX = 8 };
typedef struct {
    kt_mixture mixture;
    double weight[MAX], concentration[MAX], scale[MAX];
} owned;

/* Reads what follows a line "mixture family n". */
static void read_mixture(owned *m, golden *g)
{
    kt_family family = 0;
    while (strcmp(kt_family_table[family].name, g->word[1]) != 0)
        assert_true(++family < KT_FAMILIES);
    int n = atoi(g->word[2]);
    assert_true(n <= MAX);
    for (int j = 0; j < n; j++) {
        assert_true(golden_next(g));
        m->weight[j] = golden_number(g, 0);
        m->concentration[j] = golden_number(g, 1);
        m->scale[j] = golden_number(g, 2);
    }
    m->mixture = (kt_mixture){family, n, m->weight, m->concentration, m->scale};
}

/* How much the cdf of m moves with a few roundings of y. */
static double rounding(double y, double log_pdf)
{
    return 10 * 2.2e-16 * fabs(y) * exp(log_pdf);
}

static void against_mpmath(void **state)
{
    (void)state;
    golden g = golden_open("mixtures.txt");
    owned m;
    int mixtures = 0;
    while (golden_next(&g)) {
        if (golden_is(&g, "mixture")) {
            read_mixture(&m, &g);
            mixtures++;
        } else if (golden_is(&g, "moments")) {
            golden_expect(&g, "mean", kt_mixture_mean(&m.mixture), golden_number(&g, 1), 1e-13, 0);
            golden_expect(&g, "variance", kt_mixture_variance(&m.mixture), golden_number(&g, 2), 1e-11, 0);
        } else if (golden_is(&g, "quantile")) {
            golden_expect(&g, "quantile", kt_mixture_quantile(&m.mixture, golden_number(&g, 1)),
                          golden_number(&g, 2), 1e-12, 0);
        } else {
            double y = golden_number(&g, 1), log_pdf = golden_number(&g, 2), cdf = golden_number(&g, 3),
                   survival = golden_number(&g, 4), crps;
            golden_expect(&g, "log_pdf", kt_mixture_log_pdf(&m.mixture, y), log_pdf, 1e-11, 1e-11);
            golden_expect(&g, "cdf", kt_mixture_cdf(&m.mixture, y), cdf, 5e-13, rounding(y, log_pdf));
            golden_expect(&g, "survival", kt_mixture_survival(&m.mixture, y), survival, 5e-13,
                          rounding(y, log_pdf));
            kt_mixture_crps(&crps, &m.mixture, &y, 1);
            golden_expect(&g, "crps", crps, golden_number(&g, 5), 1e-8, 0);
        }
    }
    assert_true(mixtures >= 15);
}

/* One call for many y gives what a call for each gives; y far outside and repeated too. */
static void crps_of_many(void **state)
{
    (void)state;
    static const double w[] = {0.3, 0.5, 0.2}, c[] = {1000, 3, 0.6}, s[] = {0.001, 0.01, 2};
    kt_mixture m = {KT_WEIBULL, 3, w, c, s};
    static double y[2000], many[2000];
    for (int i = 0; i < 2000; i++)
        y[i] = i < 10 ? 0.0 : i < 20 ? 1e-30 : i < 1990 ? exp(-9 + 0.008 * (i / 2)) : 1e6;
    kt_mixture_crps(many, &m, y, 2000);
    for (int i = 0; i < 2000; i++) {
        double one;
        kt_mixture_crps(&one, &m, &y[i], 1);
        assert_true(one == many[i]);
        if (i > 0) /* its slope lies between -1 and 1 */
            assert_true(fabs(many[i] - many[i - 1]) <= (y[i] - y[i - 1]) * (1 + 1e-9) + 1e-12);
    }
    kt_mixture_crps(many, &m, y, 0);

    double below = -3, above;
    kt_mixture_crps(&above, &m, &below, 1);
    kt_mixture_crps(many, &m, y, 1);
    assert_true(fabs(above - many[0] - 3) < 1e-12);
}

/* Large, tiny and absurd shapes: an answer, and soon. */
static void extreme_parameters(void **state)
{
    (void)state;
    for (kt_family family = 0; family < KT_FAMILIES; family++)
        for (double e = -12; e <= 12; e += 0.5) {
            double w[] = {0.5, 0.5}, c[] = {pow(10, e), 2}, s[] = {1, pow(10, -e)}, crps[3],
                   y[] = {0.5, 1, 2};
            if (family == KT_LOGNORMAL || family == KT_NORMAL) {
                c[0] = e;
                s[0] = pow(10, e / 4);
            }
            kt_mixture m = {family, 2, w, c, s};
            kt_mixture_crps(crps, &m, y, 3);
            for (int i = 0; i < 3; i++)
                assert_true(crps[i] >= 0);
            double last = -INFINITY;
            for (double p = 0.01; p < 1; p += 0.07) {
                double q = kt_mixture_quantile(&m, p);
                assert_true(q >= last);
                last = q;
                if (q > 1e-300 && q < 1e300 && exp(kt_mixture_log_pdf(&m, q)) * q < 1e3)
                    assert_true(fabs(kt_mixture_cdf(&m, q) - p) < 1e-9);
            }
        }
}

/* A weight that rounding left short of 1 must not keep high quantiles from being reached. */
static void weights_short_of_one(void **state)
{
    (void)state;
    double w[] = {0.5 - 1e-7, 0.5 - 1e-7}, c[] = {2, 2}, s[] = {1, 1};
    kt_mixture m = {KT_WEIBULL, 2, w, c, s};
    double q = kt_mixture_quantile(&m, 1 - 1e-9);
    assert_true(fabs(q - sqrt(-log(1e-9))) < 1e-6);
}

static void improper_parameters(void **state)
{
    (void)state;
    static const double bad[][3] = {{NAN, 1, 1}, {1, NAN, 1}, {1, 1, NAN},      {1, 0, 1},        {1, -1, 1},
                                    {1, 1, 0},   {0, 1, 1},   {1, INFINITY, 1}, {1, 1, INFINITY}, {-1, 1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kt_mixture m = {KT_GAMMA, 1, &bad[i][0], &bad[i][1], &bad[i][2]};
        double y[] = {0.5, 1}, crps[2];
        assert_true(isnan(kt_mixture_quantile(&m, 0.5)));
        kt_mixture_crps(crps, &m, y, 2);
        assert_true(isnan(crps[0]) && isnan(crps[1]));
    }
    double one = 1;
    kt_mixture m = {KT_GAMMA, 1, &one, &one, &one};
    assert_true(isnan(kt_mixture_quantile(&m, 0)) && isnan(kt_mixture_quantile(&m, 1)));
    assert_true(isnan(kt_mixture_quantile(&m, NAN)));
}

/* The density of a component without weight is not asked for: at 0 it is infinite. */
static void no_weight(void **state)
{
    (void)state;
    double w[] = {0, 1}, c[] = {0.5, 1}, s[] = {1, 1};
    kt_mixture m = {KT_WEIBULL, 2, w, c, s};
    assert_true(kt_mixture_log_pdf(&m, 0) == 0);
}

static void samples_have_the_moments(void **state)
{
    (void)state;
    enum { N = 100000 };
    static const double w[] = {0.25, 0.6, 0.15}, c[] = {1.5, 5, 40}, s[] = {0.2, 1, 7};
    kt_mixture m = {KT_WEIBULL, 3, w, c, s};
    kt_rng rng;
    kt_rng_init(&rng, 3, 1, KT_RNG_SAMPLE, 0, 0);
    double sum = 0;
    int last = 0;
    for (int i = 0; i < N; i++) {
        double y = kt_mixture_sample(&m, &rng);
        sum += y;
        last += y > 4; /* the third component, and it alone */
    }
    double sd = sqrt(kt_mixture_variance(&m) / N);
    assert_true(fabs(sum / N - kt_mixture_mean(&m)) < 4 * sd);
    assert_true(fabs(last / (double)N - 0.15) < 4 * sqrt(0.15 * 0.85 / N));
}

/* As many components as there may be, narrow and each for itself: the closed form of normal mixtures (Grimit
 * et al. 2006). */
static double absolute_moment(double m, double s)
{
    return s * sqrt(2 / M_PI) * exp(-0.5 * m * m / (s * s)) + m * erf(m / (s * M_SQRT2));
}

static void crps_of_the_largest_mixture(void **state)
{
    (void)state;
    enum { N = KT_MIXTURE_MAX };
    static double w[N], mu[N], sigma[N];
    double y[] = {-3.5, 0.5, 100.2, 511.7, 600}, got[5], pairs = 0, sum = N * (N + 1) / 2.0;
    for (int i = 0; i < N; i++) {
        w[i] = (i + 1) / sum;
        mu[i] = i;
        sigma[i] = 0.01 * (1 + i % 7);
    }
    kt_mixture m = {KT_NORMAL, N, w, mu, sigma};
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            pairs += w[i] * w[j] * absolute_moment(mu[i] - mu[j], hypot(sigma[i], sigma[j]));
    kt_mixture_crps(got, &m, y, 5);
    for (int k = 0; k < 5; k++) {
        double expected = -0.5 * pairs;
        for (int i = 0; i < N; i++)
            expected += w[i] * absolute_moment(y[k] - mu[i], sigma[i]);
        assert_true(fabs(got[k] - expected) < 1e-6 * expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_mpmath),
        cmocka_unit_test(crps_of_many),
        cmocka_unit_test(crps_of_the_largest_mixture),
        cmocka_unit_test(extreme_parameters),
        cmocka_unit_test(weights_short_of_one),
        cmocka_unit_test(improper_parameters),
        cmocka_unit_test(no_weight),
        cmocka_unit_test(samples_have_the_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
