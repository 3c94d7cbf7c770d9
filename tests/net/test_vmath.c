/* The vector functions against the C library's in double, and every set's bits against plain C's. */
#include "kt/kernel.h"
#include "kt/rng.h"
#include "kt/special.h"
#include "vmath_table.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 1 << 18 };

static float in[N] __attribute__((aligned(64))), plain[N] __attribute__((aligned(64)));
static float fast[N] __attribute__((aligned(64)));

static const vmath_table *table_of(kt_isa isa) /* NULL where it cannot run */
{
    kt_isa resolved;
    if (kt_isa_resolve(&resolved, isa, NULL) != KT_OK)
        return NULL;
#ifdef __x86_64__
    if (isa == KT_ISA_V3)
        return &vmath_v3;
    if (isa == KT_ISA_V4)
        return &vmath_v4;
#endif
    return &vmath_generic;
}

/* ---- references in double; S and D without the cancellation that lgamma has for large k ---- */

static double reference_s(double a)
{
    double k = exp(a), w = 1 / k, w2 = w * w;
    if (k < 30)
        return k * a - k - lgamma(k);
    return 0.5 * a - 0.5 * log(2 * M_PI) - w * (1. / 12 - w2 * (1. / 360 - w2 * (1. / 1260 - w2 / 1680)));
}

static double reference_d(double a)
{
    double k = exp(a), w = 1 / k, w2 = w * w;
    if (k < 30)
        return k * (a - kt_digamma(k));
    return 0.5 + w * (1. / 12 - w2 * (1. / 120 - w2 * (1. / 252 - w2 / 240)));
}

static double reference_phi(double x)
{
    double sum = 0, term = x * x / 2;
    if (fabs(x) > 0.5)
        return expm1(x) - x;
    for (int k = 3; k < 25; k++) {
        sum += term;
        term *= x / k;
    }
    return sum;
}

static double reference_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double reference_softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* Units in the last place of a float near r; S has a zero, so its errors count in units of at least 1's. */
static double ulp_of(double r, double at_least)
{
    int exponent;
    frexp(fmax(fabs(r), at_least), &exponent);
    return ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

enum { UNIFORM, LOG_UNIFORM, BOTH_SIGNS }; /* how arguments are spread over [low, high] */

static const struct {
    const char *name;
    size_t function; /* offset in the table */
    double (*reference)(double);
    int spread;
    double low, high, bound; /* bound in ulp */
    double at_least;
} functions[] = {
#define F(name) offsetof(vmath_table, name)
    {"exp", F(exp), exp, UNIFORM, -86.9, 88, 1.1, 0},
    {"log", F(log), log, LOG_UNIFORM, -85, 85, 0.85, 0},
    {"log near 1", F(log), log, LOG_UNIFORM, -0.6931, 0.6931, 0.9, 0},
    {"tanh", F(tanh), tanh, BOTH_SIGNS, -13.8, 9.21, 4.6, 0},
    /* exp's error passes through; the sum and the quotient add half a unit each, of up to twice the size */
    {"sigmoid", F(sigmoid), reference_sigmoid, UNIFORM, -86.9, 86.9, 3.1, 0},
    {"softplus", F(softplus), reference_softplus, UNIFORM, -86.9, 86.9, 2.1, 0},
    /* where the formula changes, exp's unit is four times the result's */
    {"expm1", F(expm1), expm1, UNIFORM, -20, 20, 4.7, 0},
    {"expm1 near 0", F(expm1), expm1, BOTH_SIGNS, -13.8, -1.1, 1.6, 0},
    {"phi", F(phi), reference_phi, UNIFORM, -60, 60, 13.5, 0},
    {"phi near 0", F(phi), reference_phi, UNIFORM, -0.5, 0.5, 13.5, 0},
    {"S", F(gamma_s), reference_s, UNIFORM, -6.907, 13.8155, 2.4, 1},
    {"D", F(gamma_d), reference_d, UNIFORM, -6.907, 13.8155, 3.4, 0},
#undef F
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void call(const vmath_table *table, size_t function, float *out)
{
    void (*f)(float *, const float *, size_t);
    memcpy(&f, (const char *)table + function, sizeof f);
    f(out, in, N);
}

static void fill(size_t f)
{
    kt_rng rng;
    kt_rng_init(&rng, 1, f, KT_RNG_SAMPLE, 0, 0);
    for (int n = 0; n < N; n++) { /* stratified */
        double x = functions[f].low + (functions[f].high - functions[f].low) * (n + kt_rng_uniform(&rng)) / N;
        if (functions[f].spread != UNIFORM)
            x = exp(x);
        in[n] = (float)(functions[f].spread == BOTH_SIGNS && n % 2 ? -x : x);
    }
}

static void errors_are_within_bounds(void **state)
{
    (void)state;
    for (size_t f = 0; f < FUNCTIONS; f++) {
        double worst = 0, at = 0;
        fill(f);
        call(&vmath_generic, functions[f].function, plain);
        for (int n = 0; n < N; n++) {
            double r = functions[f].reference((double)in[n]);
            double ulps = fabs((double)plain[n] - r) / ulp_of(r, functions[f].at_least);
            if (!(ulps <= worst)) {
                worst = ulps;
                at = (double)in[n];
            }
        }
        print_message("%-14s at most %5.2f ulp (at %.9g)\n", functions[f].name, worst, at);
        assert_true(worst <= functions[f].bound);
    }
}

static void all_sets_equal(kt_isa isa)
{
    const vmath_table *table = table_of(isa);
    if (!table) {
        print_message("%s cannot run on this CPU: not tested\n", kt_isa_name(isa));
        skip();
    }
    for (size_t f = 0; f < FUNCTIONS; f++) {
        fill(f);
        call(&vmath_generic, functions[f].function, plain);
        call(table, functions[f].function, fast);
        assert_memory_equal(plain, fast, sizeof plain);
    }
}

static void v3_has_the_bits_of_generic(void **state)
{
    (void)state;
    all_sets_equal(KT_ISA_V3);
}

static void v4_has_the_bits_of_generic(void **state)
{
    (void)state;
    all_sets_equal(KT_ISA_V4);
}

static void tanh_stays_within_one_and_tails_are_flat(void **state)
{
    (void)state;
    for (int n = 0; n < N; n++)
        in[n] = (float)(n % 2 ? -1 : 1) * (8 + 4e-5f * (float)n);
    in[0] = INFINITY;
    in[1] = -INFINITY;
    vmath_generic.tanh(plain, in, N);
    for (int n = 0; n < N; n++)
        assert_true(fabsf(plain[n]) <= 1 && fabsf(plain[n]) > 0.9999f && (plain[n] > 0) == (n % 2 == 0));
    for (int n = 0; n < N; n++)
        in[n] = -88 - (float)n;
    in[0] = -INFINITY;
    vmath_generic.exp(plain, in, N); /* no denormals, and not below exp(-87) */
    for (int n = 0; n < N; n++)
        assert_true(plain[n] >= 1.6e-38f && plain[n] < 1.7e-38f);
    vmath_generic.softplus(plain, in, N);
    for (int n = 0; n < N; n++)
        assert_true(plain[n] >= 0 && plain[n] < 1.7e-38f);
    vmath_generic.sigmoid(plain, in, N);
    for (int n = 0; n < N; n++)
        assert_true(plain[n] >= 0 && plain[n] < 1.7e-38f);
}

static void a_nan_passes_through(void **state)
{
    (void)state;
    for (int isa = KT_ISA_GENERIC; isa <= KT_ISA_V4; isa++) {
        const vmath_table *table = table_of((kt_isa)isa);
        static const size_t clamp = offsetof(vmath_table, clamp);
        for (int n = 0; n < N; n++)
            in[n] = n % 2 ? NAN : -NAN;
        for (size_t f = 0; table && f <= FUNCTIONS; f++) {
            call(table, f < FUNCTIONS ? functions[f].function : clamp, fast);
            for (int n = 0; n < N; n++)
                assert_true(isnan(fast[n]));
        }
    }
}

/* Numbers whose sum depends on the order: the tree is +8, +4, +2, +1. */
static float tree_sum(const float *x)
{
    float s[16];
    memcpy(s, x, sizeof s);
    for (int h = 8; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            s[i] = s[i] + s[i + h];
    return s[0];
}

static void lanes_meet_in_the_stated_order(void **state)
{
    (void)state;
    kt_rng rng;
    kt_rng_init(&rng, 2, 0, KT_RNG_SAMPLE, 0, 0);
    for (int isa = KT_ISA_GENERIC; isa <= KT_ISA_V4; isa++) {
        const vmath_table *table = table_of((kt_isa)isa);
        for (int n = 0; table && n < 1000; n++) {
            double squares = 0;
            for (int i = 0; i < 16; i++) {
                in[i] = (float)(kt_rng_normal(&rng) * exp(3 * kt_rng_normal(&rng)));
                squares += (double)in[i] * (double)in[i];
            }
            float expected = tree_sum(in), got = table->sum(in);
            assert_memory_equal(&expected, &got, sizeof got);
            assert_true(fabs(table->squares(in) - squares) <= 1e-14 * squares);
        }
    }
}

static void transposes_move_every_element(void **state)
{
    (void)state;
    for (int i = 0; i < 257; i++)
        in[i] = (float)i;
    for (int isa = KT_ISA_GENERIC; isa <= KT_ISA_V4; isa++) {
        const vmath_table *table = table_of((kt_isa)isa);
        if (!table)
            continue;
        table->transpose(fast, in);
        for (int i = 0; i < 256; i++)
            assert_true(fast[i] == in[i % 16 * 16 + i / 16]);
        table->columns(fast, in + 1); /* records need no alignment of their own */
        for (int i = 0; i < 16; i++)
            assert_true(fast[i] == in[1 + i % 4 * 4 + i / 4]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_within_bounds),
        cmocka_unit_test(v3_has_the_bits_of_generic),
        cmocka_unit_test(v4_has_the_bits_of_generic),
        cmocka_unit_test(tanh_stays_within_one_and_tails_are_flat),
        cmocka_unit_test(a_nan_passes_through),
        cmocka_unit_test(lanes_meet_in_the_stated_order),
        cmocka_unit_test(transposes_move_every_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
