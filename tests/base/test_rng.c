#include "kt/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Bounds on statistics are quantiles at a probability of 1e-6 on the far side: the numbers are fixed, so a
 * test fails for ever or never. */

/* kat_vectors of Random123 1.14: philox4x32 10. */
static void philox_gives_the_published_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], wanted[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t out[4];
        kt_philox(out, vectors[i].counter, vectors[i].key);
        assert_memory_equal(out, vectors[i].wanted, sizeof out);
    }
}

static kt_rng stream(uint64_t seed)
{
    kt_rng rng;
    kt_rng_init(&rng, seed, kt_rng_subject("frontend"), KT_RNG_SAMPLE, 3, 5);
    return rng;
}

static void numbers_are_the_blocks_in_order(void **state)
{
    (void)state;
    kt_rng rng = stream(1);
    uint32_t counter[4], key[2], block[4];
    memcpy(counter, rng.counter, sizeof counter);
    memcpy(key, rng.key, sizeof key);
    for (int i = 0; i < 40; i++) {
        if (i % 4 == 0) {
            kt_philox(block, counter, key);
            counter[0]++;
        }
        assert_int_equal(kt_rng_u32(&rng), block[i % 4]);
    }
}

/* Each part of a stream's name matters: 128 bits of each of many streams, all different. */
static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void every_part_of_the_name_matters(void **state)
{
    (void)state;
    enum { N = 4 * 4 * 4 * 4 * 4 };
    static const char *const names[] = {"", "a", "frontend", "frontend.istio-dt"};
    static uint32_t first[N][4];
    size_t n = 0;
    for (uint64_t seed = 0; seed < 4; seed++)
        for (int name = 0; name < 4; name++)
            for (int purpose = 0; purpose < 4; purpose++)
                for (uint32_t epoch = 0; epoch < 4; epoch++)
                    for (uint32_t index = 0; index < 4; index++, n++) {
                        kt_rng rng;
                        kt_rng_init(&rng, seed << 31, kt_rng_subject(names[name]), (kt_rng_purpose)purpose,
                                    epoch, index);
                        for (int i = 0; i < 4; i++)
                            first[n][i] = kt_rng_u32(&rng);
                    }
    qsort(first, N, sizeof *first, by_bytes);
    for (size_t i = 1; i < N; i++)
        assert_true(memcmp(first[i - 1], first[i], sizeof *first) < 0);
}

static void uniform_has_its_moments_and_is_even(void **state)
{
    (void)state;
    enum { N = 1 << 20, BINS = 256 };
    kt_rng rng = stream(2);
    double sum = 0, squares = 0, product = 0, last = 0.5, chi2 = 0;
    static int bins[BINS];
    for (int i = 0; i < N; i++) {
        double u = kt_rng_uniform(&rng);
        assert_true(u > 0 && u < 1);
        sum += u - 0.5;
        squares += (u - 0.5) * (u - 0.5);
        product += (u - 0.5) * (last - 0.5);
        last = u;
        bins[(int)(u * BINS)]++;
    }
    for (int i = 0; i < BINS; i++)
        chi2 += pow(bins[i] - N / BINS, 2) / (N / BINS);
    assert_true(fabs(sum / N) < 4.9 * sqrt(1.0 / 12 / N));
    assert_true(fabs(squares / N - 1.0 / 12) < 4.9 * sqrt(1.0 / 180 / N));
    assert_true(fabs(product / N) < 4.9 / 12 / sqrt(N));
    assert_true(chi2 > 161.6 && chi2 < 377.1); /* chi-square of 255 degrees, 1e-6 on each side */
}

/* The ends, which no stream reaches by chance. */
static void uniform_keeps_away_from_its_ends(void **state)
{
    (void)state;
    kt_rng low = {.left = 4}, high = {.left = 4, .buffer = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    assert_true(kt_rng_uniform(&low) == 0x1p-53);
    assert_true(kt_rng_uniform(&high) == 1 - 0x1p-53);
}

/* With n = 3 * 2^30 a third of the values would come twice as often without rejection. */
static void below_is_unbiased(void **state)
{
    (void)state;
    enum { N = 300000 };
    const uint32_t n = 3u << 30;
    kt_rng rng = stream(3);
    int thirds[3] = {0}, residues[3] = {0};
    for (int i = 0; i < N; i++) {
        uint32_t x = kt_rng_below(&rng, n);
        assert_true(x < n);
        thirds[x >> 30]++;
        residues[x % 3]++;
    }
    double chi2[2] = {0};
    for (int i = 0; i < 3; i++) {
        chi2[0] += pow(thirds[i] - N / 3, 2) / (N / 3);
        chi2[1] += pow(residues[i] - N / 3, 2) / (N / 3);
    }
    assert_true(chi2[0] < 27.6 && chi2[1] < 27.6); /* 2 degrees */
    for (int i = 0; i < 100; i++)
        assert_int_equal(kt_rng_below(&rng, 1), 0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov's distance times sqrt(n); its 1 - 1e-6 quantile is 2.69. */
static double distance(double *x, int n, double (*cdf)(double))
{
    double most = 0;
    qsort(x, (size_t)n, sizeof *x, by_value);
    for (int i = 0; i < n; i++) {
        double f = cdf(x[i]);
        most = fmax(most, fmax(f - (double)i / n, (i + 1.0) / n - f));
    }
    return most * sqrt(n);
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

enum { DRAWS = 100000 };
static double draw[DRAWS];

static void normal_is_normal(void **state)
{
    (void)state;
    kt_rng rng = stream(4);
    for (int i = 0; i < DRAWS; i++)
        draw[i] = kt_rng_normal(&rng);
    assert_true(distance(draw, DRAWS, normal_cdf) < 2.69);
}

/* Closed forms of the regularised incomplete gamma function. */
static double gamma_half_cdf(double x)
{
    return erf(sqrt(x));
}

static double gamma_1_cdf(double x)
{
    return -expm1(-x);
}

static double gamma_3_halves_cdf(double x)
{
    return erf(sqrt(x)) - 2 * sqrt(x / M_PI) * exp(-x);
}

static double gamma_4_cdf(double x)
{
    return 1 - exp(-x) * (1 + x * (1 + x / 2 * (1 + x / 3)));
}

static void gamma_is_gamma(void **state)
{
    (void)state;
    static const struct {
        double shape, (*cdf)(double);
    } cases[] = {{0.5, gamma_half_cdf}, {1, gamma_1_cdf}, {1.5, gamma_3_halves_cdf}, {4, gamma_4_cdf}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        kt_rng rng = stream(50 + c);
        for (int i = 0; i < DRAWS; i++)
            draw[i] = kt_rng_gamma(&rng, cases[c].shape);
        assert_true(distance(draw, DRAWS, cases[c].cdf) < 2.69);
    }
}

/* Mean and variance of a gamma variable are its shape; the fourth central moment is 3 a^2 + 6 a. */
static void gamma_has_its_moments(void **state)
{
    (void)state;
    static const double shapes[] = {0.02, 0.3, 30, 1e6};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        kt_rng rng = stream(60 + s);
        double a = shapes[s], sum = 0, squares = 0;
        for (int i = 0; i < DRAWS; i++) {
            double x = kt_rng_gamma(&rng, a);
            assert_true(x >= 0 && isfinite(x));
            sum += x - a;
            squares += (x - a) * (x - a);
        }
        assert_true(fabs(sum / DRAWS) < 4.9 * sqrt(a / DRAWS));
        assert_true(fabs(squares / DRAWS - a) < 4.9 * sqrt((2 * a * a + 6 * a) / DRAWS));
    }
}

static void shuffle_gives_every_order_alike(void **state)
{
    (void)state;
    enum { N = 240000, ORDERS = 24 };
    kt_rng rng = stream(7);
    static int seen[256];
    int orders = 0;
    double chi2 = 0;
    for (int i = 0; i < N; i++) {
        uint32_t items[] = {0, 1, 2, 3};
        kt_rng_shuffle(&rng, items, 4);
        seen[items[0] << 6 | items[1] << 4 | items[2] << 2 | items[3]]++;
    }
    for (int i = 0; i < 256; i++) {
        orders += seen[i] > 0;
        chi2 += seen[i] > 0 ? pow(seen[i] - N / ORDERS, 2) / (N / ORDERS) : 0;
    }
    assert_int_equal(orders, ORDERS);
    assert_true(chi2 < 70.6); /* 23 degrees */
}

/* The plain form: what the fast one must equal, in its order, and in what it leaves of the stream. */
static void plain_shuffle(kt_rng *rng, uint32_t *items, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = kt_rng_below(rng, i), kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}

static void shuffle_is_fisher_and_yates(void **state)
{
    (void)state;
    enum { MOST = 300 };
    for (uint32_t n = 0; n < MOST; n++)
        for (uint32_t before = 0; before < 5; before++) {
            kt_rng a = stream(n), b = stream(n);
            uint32_t x[MOST], y[MOST];
            for (uint32_t i = 0; i < before; i++)
                assert_int_equal(kt_rng_u32(&a), kt_rng_u32(&b));
            for (uint32_t i = 0; i < n; i++)
                x[i] = y[i] = i;
            kt_rng_shuffle(&a, x, n);
            plain_shuffle(&b, y, n);
            if (n > 0)
                assert_memory_equal(x, y, n * sizeof *x);
            for (int i = 0; i < 9; i++)
                assert_int_equal(kt_rng_u32(&a), kt_rng_u32(&b));
        }
}

/* With as many items rejections happen: about n / 2^33 of the numbers each. */
static void shuffle_of_many_items_rejects_alike(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    uint32_t *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    kt_rng a = stream(8), b = stream(8);
    for (uint32_t i = 0; i < N; i++)
        x[i] = y[i] = i;
    kt_rng_shuffle(&a, x, N);
    plain_shuffle(&b, y, N);
    assert_memory_equal(x, y, N * sizeof *x);
    for (int i = 0; i < 9; i++)
        assert_int_equal(kt_rng_u32(&a), kt_rng_u32(&b));
    assert_true(a.counter[0] > N / 4); /* more numbers than items: some were rejected */
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_vectors),
        cmocka_unit_test(numbers_are_the_blocks_in_order),
        cmocka_unit_test(every_part_of_the_name_matters),
        cmocka_unit_test(uniform_has_its_moments_and_is_even),
        cmocka_unit_test(uniform_keeps_away_from_its_ends),
        cmocka_unit_test(below_is_unbiased),
        cmocka_unit_test(normal_is_normal),
        cmocka_unit_test(gamma_is_gamma),
        cmocka_unit_test(gamma_has_its_moments),
        cmocka_unit_test(shuffle_gives_every_order_alike),
        cmocka_unit_test(shuffle_is_fisher_and_yates),
        cmocka_unit_test(shuffle_of_many_items_rejects_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
