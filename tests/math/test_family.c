#include "kt/family.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"

static kt_family family_named(const char *name)
{
    kt_family family = 0;
    while (family < KT_FAMILIES && strcmp(kt_family_table[family].name, name) != 0)
        family++;
    assert_true(family < KT_FAMILIES);
    return family;
}

/* Bounds: a relative error of 1e-13, and what a few roundings of y do, |d log F / d log y| times 4 eps. That
 * is large only where a shape is large: for weibull k = 1000 a rounding of y is 1e-13 of the cdf, whoever
 * computes it. */
static void values_against_mpmath(void **state)
{
    (void)state;
    golden g = golden_open("families.txt");
    int checked = 0;
    while (golden_next(&g)) {
        const kt_family_functions *f = &kt_family_table[family_named(g.word[0])];
        double c = golden_number(&g, 1), s = golden_number(&g, 2);
        if (strcmp(g.word[3], "moments") == 0) {
            golden_expect(&g, "mean", f->mean(c, s), golden_number(&g, 4), 1e-13, 0);
            golden_expect(&g, "variance", f->variance(c, s), golden_number(&g, 5), 1e-11, 0);
            continue;
        }
        double y = golden_number(&g, 3), log_pdf = golden_number(&g, 4), cdf = golden_number(&g, 5),
               survival = golden_number(&g, 6);
        double rounding = 4 * 2.2e-16 * (f->positive ? y : fmax(fabs(y), fabs(c))) * exp(log_pdf);
        /* by how much log f itself moves with a rounding of y, from its definition by differences */
        double slope = fabs(f->log_pdf(y * (1 + 1e-7), c, s) - f->log_pdf(y * (1 - 1e-7), c, s)) / 2e-7;
        golden_expect(&g, "log_pdf", f->log_pdf(y, c, s), log_pdf, 1e-14, 1e-13 + 4 * 2.2e-16 * slope);
        golden_expect(&g, "cdf", f->cdf(y, c, s), cdf, 2e-13 + rounding / cdf, 0);
        golden_expect(&g, "survival", f->survival(y, c, s), survival, 2e-13 + rounding / survival, 0);
        checked++;
    }
    assert_true(checked > 90);
}

static void edges_of_the_support(void **state)
{
    (void)state;
    const kt_family_functions *w = &kt_family_table[KT_WEIBULL], *g = &kt_family_table[KT_GAMMA],
                              *l = &kt_family_table[KT_LOGNORMAL];
    assert_true(w->log_pdf(0, 0.5, 2) == INFINITY && w->log_pdf(0, 2, 2) == -INFINITY);
    assert_true(w->log_pdf(0, 1, 2) == -log(2));
    assert_true(g->log_pdf(0, 0.5, 2) == INFINITY && g->log_pdf(0, 2, 2) == -INFINITY);
    assert_true(g->log_pdf(0, 1, 2) == log(2));
    assert_true(l->log_pdf(0, 0, 1) == -INFINITY);
    for (kt_family family = 0; family < KT_FAMILIES; family++) {
        const kt_family_functions *f = &kt_family_table[family];
        assert_int_equal(f->positive, family != KT_NORMAL);
        if (f->positive) {
            assert_true(f->log_pdf(-1, 1, 1) == -INFINITY);
            assert_true(f->cdf(0, 1, 1) == 0 && f->cdf(-1, 1, 1) == 0);
            assert_true(f->survival(0, 1, 1) == 1 && f->survival(-1, 1, 1) == 1);
        }
        assert_true(f->cdf(INFINITY, 1, 1) == 1 && f->survival(INFINITY, 1, 1) == 0);
        assert_true(isnan(f->log_pdf(1, NAN, 1)) && isnan(f->cdf(1, 1, NAN)));
    }
}

static double f_at(const kt_family_functions *f, double y, double c, double s)
{
    return exp(f->log_pdf(y, c, s));
}

/* f of s y is f of y over s, and the moments follow. */
static void rescaling(void **state)
{
    (void)state;
    for (kt_family family = 0; family < KT_FAMILIES; family++) {
        const kt_family_functions *f = &kt_family_table[family];
        double c = 1.7, s = 0.6, c2 = c, s2 = s, by = 37.5;
        f->rescale(&c2, &s2, by);
        assert_true(fabs(f->mean(c2, s2) / f->mean(c, s) / by - 1) < 1e-14);
        assert_true(fabs(f->variance(c2, s2) / f->variance(c, s) / by / by - 1) < 1e-14);
        for (double y = 0.1; y < 5; y += 0.3) {
            assert_true(fabs(f_at(f, y * by, c2, s2) * by / f_at(f, y, c, s) - 1) < 1e-13);
            assert_true(fabs(f->cdf(y * by, c2, s2) / f->cdf(y, c, s) - 1) < 1e-13);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: the largest distance of 20,000 draws from the cdf is below 1.95 / sqrt(n) but for
 * one seed in a thousand. */
static void samples_follow_the_cdf(void **state)
{
    (void)state;
    enum { N = 20000 };
    static double y[N];
    static const double cases[][3] = {{KT_WEIBULL, 0.7, 0.1}, {KT_WEIBULL, 30, 2},   {KT_GAMMA, 0.3, 5},
                                      {KT_GAMMA, 40, 100},    {KT_LOGNORMAL, -3, 1}, {KT_NORMAL, 2, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kt_family_functions *f = &kt_family_table[(int)cases[i][0]];
        kt_rng rng;
        kt_rng_init(&rng, 11, 1, KT_RNG_SAMPLE, 0, (uint32_t)i);
        for (int n = 0; n < N; n++)
            y[n] = f->sample(&rng, cases[i][1], cases[i][2]);
        qsort(y, N, sizeof *y, ascending);
        double worst = 0;
        for (int n = 0; n < N; n++) {
            double cdf = f->cdf(y[n], cases[i][1], cases[i][2]);
            worst = fmax(worst, fmax(fabs(cdf - n / (double)N), fabs(cdf - (n + 1) / (double)N)));
        }
        assert_true(worst < 1.95 / sqrt(N));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_against_mpmath),
        cmocka_unit_test(edges_of_the_support),
        cmocka_unit_test(rescaling),
        cmocka_unit_test(samples_follow_the_cdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
