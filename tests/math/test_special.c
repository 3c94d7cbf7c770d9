#include "kt/special.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"

static const struct {
    const char *name;
    double (*f)(double);
    double relative, absolute; /* absolute where the function crosses zero */
} one_argument[] = {
    {"digamma", kt_digamma, 1e-13, 2e-15},   {"gamma_s", kt_gamma_s, 1e-14, 1e-14},
    {"gamma_d", kt_gamma_d, 1e-13, 0},       {"log_gamma_1p", kt_log_gamma_1p, 1e-14, 0},
    {"gamma_phi", kt_gamma_phi, 2e-15, 0},   {"gamma_phi_1p", kt_gamma_phi_1p, 2e-15, 0},
    {"normal_cdf", kt_normal_cdf, 5e-13, 0}, /* at z = -37.5 one rounding of z is z^2 of the value: 3e-13 */
};

static void one_argument_against_mpmath(void **state)
{
    (void)state;
    golden g = golden_open("special.txt");
    int checked = 0;
    while (golden_next(&g))
        for (size_t i = 0; i < sizeof one_argument / sizeof *one_argument; i++)
            if (golden_is(&g, one_argument[i].name)) {
                golden_expect(&g, "value", one_argument[i].f(golden_number(&g, 1)), golden_number(&g, 2),
                              one_argument[i].relative, one_argument[i].absolute);
                checked++;
            }
    assert_true(checked > 80);
}

/* One rounding of x changes P by x f(x) / P of itself: that is allowed ten times, and 2e-13 besides. */
static void incomplete_gamma_against_mpmath(void **state)
{
    (void)state;
    golden g = golden_open("special.txt");
    int checked = 0;
    while (golden_next(&g)) {
        bool p = golden_is(&g, "gamma_p");
        if (!p && !golden_is(&g, "gamma_q"))
            continue;
        double a = golden_number(&g, 1), x = golden_number(&g, 2), truth = golden_number(&g, 3);
        double density = exp(kt_gamma_s(a) - a * ((x - a) / a - log(x / a)));
        golden_expect(&g, "value", (p ? kt_gamma_p : kt_gamma_q)(a, x), truth,
                      2e-13 + 10 * 1.1e-16 * density / truth, 0);
        checked++;
    }
    assert_true(checked > 400);
}

static void incomplete_gamma_at_the_ends(void **state)
{
    (void)state;
    assert_true(kt_gamma_p(2, 0) == 0 && kt_gamma_q(2, 0) == 1);
    assert_true(kt_gamma_p(2, INFINITY) == 1 && kt_gamma_q(2, INFINITY) == 0);
    assert_true(isnan(kt_gamma_p(0, 1)) && isnan(kt_gamma_p(-1, 1)) && isnan(kt_gamma_p(1, -1)));
    assert_true(isnan(kt_gamma_q(NAN, 1)) && isnan(kt_gamma_q(1, NAN)) && isnan(kt_gamma_q(INFINITY, 1)));
    assert_true(isnan(kt_digamma(NAN)));
}

/* P + Q = 1 across the borders between the methods, and P does not fall where x crosses them. */
static void the_methods_meet(void **state)
{
    (void)state;
    for (double a = 1e-3; a < 1e8; a *= 1.37) {
        double last = 0;
        for (double r = 0.05; r < 4; r += 0.01) {
            double x = r * a, p = kt_gamma_p(a, x);
            assert_true(fabs(p + kt_gamma_q(a, x) - 1) < 1e-14);
            assert_true(p >= last * (1 - 1e-14));
            last = p;
        }
    }
}

static void log_sum_exp(void **state)
{
    (void)state;
    assert_true(fabs(kt_log_sum_exp((double[]){0, log(2), log(5)}, 3) - log(8)) < 1e-15);
    assert_true(fabs(kt_log_sum_exp((double[]){-1000, -1000}, 2) - (log(2) - 1000)) < 1e-12);
    assert_true(fabs(kt_log_sum_exp((double[]){1000, 0}, 2) - 1000) < 1e-12);
    assert_true(kt_log_sum_exp((double[]){3}, 1) == 3);
    assert_true(kt_log_sum_exp((double[]){-INFINITY, 3}, 2) == 3);
    assert_true(kt_log_sum_exp((double[]){-INFINITY, -INFINITY}, 2) == -INFINITY);
    assert_true(kt_log_sum_exp((double[]){INFINITY, 3}, 2) == INFINITY);
    assert_true(isnan(kt_log_sum_exp((double[]){1, NAN, 2}, 3)));
    assert_true(isnan(kt_log_sum_exp((double[]){NAN, 1}, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_argument_against_mpmath),
        cmocka_unit_test(incomplete_gamma_against_mpmath),
        cmocka_unit_test(incomplete_gamma_at_the_ends),
        cmocka_unit_test(the_methods_meet),
        cmocka_unit_test(log_sum_exp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
