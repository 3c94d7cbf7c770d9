/* Proposals: Sobol's points against SciPy's (tests/golden/sobol.py), densities against integrals, and tpe
 * against random search on functions whose minimum is known. */
#include "../memory.h"
#include "kt/rng.h"
#include "kt/sweep.h"
#include "propose_private.h"
#include "space_private.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const kt_option table[] = {
    {"a", 0, KT_OPTION_REAL, KT_CLASS_RESULT, 0, -10, 20, NULL, "1", "R", "", NULL},
    {"b", 0, KT_OPTION_REAL, KT_CLASS_RESULT, 0, -10, 20, NULL, "1", "R", "", NULL},
    {"c", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, 0, 0, 0, "x|y|z", "x", "C", "", NULL},
    {"n", 0, KT_OPTION_INT, KT_CLASS_RESULT, 0, 1, 512, NULL, "1", "N", "", NULL},
    {.name = NULL}};

static kt_space *space_of(const char *text)
{
    kt_json *json = NULL;
    kt_space *space = NULL;
    assert_int_equal(kt_json_parse(&json, text, strlen(text), "space", NULL), KT_OK);
    assert_int_equal(kt_space_create(&space, json, table, "space", NULL), KT_OK);
    kt_json_drop(json);
    return space;
}

/* ---- points ---- */

static void sobol_is_scipys(void **state)
{
    (void)state;
    FILE *file = fopen(KT_TESTS "/golden/sobol.txt", "r");
    unsigned i, x, points = 0;
    assert_non_null(file);
    while (fscanf(file, "%u", &i) == 1) {
        for (int d = 0; d < KT_SPACE_MAX; d++) {
            assert_int_equal(fscanf(file, "%u", &x), 1);
            assert_int_equal(sobol_bits(i, d), x);
        }
        points++;
    }
    fclose(file);
    assert_int_equal(points, 11);
}

/* Of the first 2^k points one lies in each of 2^k equal parts of any coordinate, and in each of 2^k
 * rectangles of the first two. */
static void scrambled_points_stay_a_net(void **state)
{
    (void)state;
    enum { K = 6, N = 1 << K };
    for (uint64_t seed = 0; seed < 5; seed++) {
        for (int d = 0; d < KT_SPACE_MAX; d++) {
            int hits[N] = {0};
            for (uint32_t i = 0; i < N; i++)
                hits[(int)(sobol_scrambled(i, d, seed, 7) * N)]++;
            for (int part = 0; part < N; part++)
                assert_int_equal(hits[part], 1);
        }
        for (int rows = 0; rows <= K; rows++) {
            int hits[N] = {0}, r = 1 << rows, c = N >> rows;
            for (uint32_t i = 0; i < N; i++)
                hits[(int)(sobol_scrambled(i, 0, seed, 7) * r) * c +
                     (int)(sobol_scrambled(i, 1, seed, 7) * c)]++;
            for (int part = 0; part < N; part++)
                assert_int_equal(hits[part], 1);
        }
    }
    assert_true(sobol_scrambled(0, 0, 1, 7) != sobol_scrambled(0, 0, 2, 7));
    assert_true(sobol_scrambled(0, 0, 1, 7) != sobol_scrambled(0, 0, 1, 8));
    double sum = 0; /* of all scramblings a point is even */
    for (uint64_t seed = 0; seed < 4000; seed++)
        sum += sobol_scrambled(3, 5, seed, 1) / 4000;
    assert_true(fabs(sum - 0.5) < 5 * sqrt(1. / 12 / 4000));
}

static void batches_do_not_matter(void **state)
{
    (void)state;
    kt_space *space =
        space_of("{\"a\": {\"uniform\": [0, 1], \"grid\": 4}, \"b\": {\"uniform\": [0, 1], \"grid\": 4}}");
    for (kt_propose_method method = KT_PROPOSE_GRID; method <= KT_PROPOSE_SOBOL; method++) {
        const kt_proposer p = {.method = method, .seed = 3, .subject = 4};
        double whole[2 * 16], parts[2 * 16];
        assert_int_equal(kt_propose(whole, space, &p, 0, 16, NULL, 0, NULL), KT_OK);
        for (size_t i = 0; i < 16; i += 4)
            assert_int_equal(kt_propose(parts + 2 * i, space, &p, i, 4, NULL, 0, NULL), KT_OK);
        assert_memory_equal(whole, parts, sizeof whole);
    }
    kt_space_destroy(space);
}

/* ---- densities ---- */

static void densities_are_of_mass_one(void **state)
{
    (void)state;
    enum { STEPS = 20000 };
    const double sets[][5] = {{0.1, 0.12, 0.5, 0.9, 0.91}, {0, 0, 0, 1, 1}, {0.3, 0.3, 0.3, 0.3, 0.3}};
    for (size_t s = 0; s < 3; s++) {
        for (size_t n = 0; n <= 5; n++) {
            tpe_density density;
            double sum = 0;
            assert_int_equal(tpe_density_make(&density, sets[s], n, 0, NULL), KT_OK);
            for (int i = 0; i < STEPS; i++)
                sum += exp(tpe_density_log(&density, (i + 0.5) / STEPS)) / STEPS;
            if (fabs(sum - 1) > 1e-6)
                fail_msg("set %zu, %zu of them: mass %.9f", s, n, sum);
            tpe_density_clear(&density);
        }
    }
    tpe_density density; /* choices 0, 0, 2 of 4: each 1.5 of 3 on itself, 0.5 on the others; the prior 1/4 */
    const double x[] = {0.1, 0.2, 0.6}, mass[] = {17. / 48, 9. / 48, 13. / 48, 9. / 48};
    assert_int_equal(tpe_density_make(&density, x, 3, 4, NULL), KT_OK);
    for (int c = 0; c < 4; c++)
        assert_true(fabs(exp(tpe_density_log(&density, (c + 0.5) / 4)) - mass[c]) < 1e-12);
    tpe_density_clear(&density);
}

/* One seen at 0.2, between 0 and 1, so 0.8 wide; the prior is 1 everywhere. */
static void one_kernel_by_hand(void **state)
{
    (void)state;
    const double x = 0.2, sd = 0.8;
    tpe_density density;
    assert_int_equal(tpe_density_make(&density, &x, 1, 0, NULL), KT_OK);
    for (double at = 0; at <= 1; at += 0.125) {
        double inside = 0.5 * (erf((1 - x) / sd / sqrt(2)) + erf(x / sd / sqrt(2)));
        double own = exp(-0.5 * pow((at - x) / sd, 2)) / sd / inside / sqrt(2 * M_PI);
        assert_true(fabs(tpe_density_log(&density, at) - log(0.5 * (own + 1))) < 1e-12);
    }
    tpe_density_clear(&density);
}

/* All coordinates of a whole number move to one that stands for it. */
static void whole_numbers_have_a_middle(void **state)
{
    (void)state;
    static const char *const spaces[] = {"{\"n\": {\"int\": [3, 9]}}", "{\"n\": {\"int_log\": [1, 512]}}"};
    for (size_t s = 0; s < 2; s++) {
        kt_space *space = space_of(spaces[s]);
        double middle[513];
        for (int n = 0; n <= 512; n++)
            middle[n] = -1;
        for (int i = 0; i <= 10000; i++) {
            double u = i / 10000., to = space_middle(&space->dim[0], u);
            kt_json *a = kt_space_values(space, &u), *b = kt_space_values(space, &to);
            int64_t n = kt_json_as_int(kt_json_get(a, "n"), 0);
            assert_int_equal(kt_json_as_int(kt_json_get(b, "n"), -1), n);
            assert_true(middle[n] < 0 || middle[n] == to);
            middle[n] = to;
            kt_json_drop(a);
            kt_json_drop(b);
        }
        assert_true(s > 0 || fabs(middle[6] - 0.5) < 1e-15);
        kt_space_destroy(space);
    }
    kt_space *real = space_of("{\"a\": {\"log\": [1, 9]}}");
    assert_true(space_middle(&real->dim[0], 0.123) == 0.123);
    kt_space_destroy(real);
}

/* ---- searches ---- */

static double number(const kt_json *values, const char *name, double otherwise)
{
    return kt_json_as_real(kt_json_get(values, name), otherwise);
}

/* Branin's function: 0.397887 at (-pi, 12.275), (pi, 2.275), (9.42478, 2.475). */
static double branin(const kt_json *v)
{
    double a = number(v, "a", 0), b = number(v, "b", 0);
    return pow(b - 5.1 / (4 * M_PI * M_PI) * a * a + 5 / M_PI * a - 6, 2) +
           10 * (1 - 1 / (8 * M_PI)) * cos(a) + 10;
}

/* A choice decides which of the others there are; the best is y with n = 100, b = 0.01. */
static double forked(const kt_json *v)
{
    const char *c = kt_json_as_text(kt_json_get(v, "c"), "");
    if (strcmp(c, "x") == 0)
        return 2 + fabs(number(v, "a", 0));
    return (strcmp(c, "z") == 0 ? 0.5 : 0) + fabs(log(number(v, "b", 1) / 0.01)) +
           fabs(log(number(v, "n", 1) / 100));
}

static double search(const kt_space *space, kt_propose_method method, uint64_t seed,
                     double (*of)(const kt_json *v))
{
    enum { TRIALS = 96, BATCH = 16 };
    double u[KT_SPACE_MAX * TRIALS], best = INFINITY;
    size_t d = kt_space_dims(space);
    kt_observed seen[TRIALS];
    const kt_proposer p = {.method = method, .seed = seed};
    for (size_t first = 0; first < TRIALS; first += BATCH) {
        assert_int_equal(kt_propose(u + first * d, space, &p, first, BATCH, seen, first, NULL), KT_OK);
        for (size_t i = first; i < first + BATCH; i++) {
            kt_json *values = kt_space_values(space, u + i * d);
            seen[i] = (kt_observed){u + i * d, 0, i % 7 == 6 ? NAN : of(values)}; /* some fail */
            best = seen[i].value < best ? seen[i].value : best;
            kt_json_drop(values);
        }
    }
    return best;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tpe_beats_chance(void **state)
{
    (void)state;
    enum { SEEDS = 201 }; /* the median of 21 is off by a factor of 2 */
    static const struct {
        const char *space;
        double (*of)(const kt_json *v), lowest;
    } cases[] = {
        {"{\"a\": {\"uniform\": [-5, 10]}, \"b\": {\"uniform\": [0, 15]}}", branin, 0.397887},
        {"{\"c\": {\"choice\": [\"x\", \"y\", \"z\"]}, \"a\": {\"uniform\": [-1, 1], \"when\": {\"c\": "
         "\"x\"}}, \"b\": "
         "{\"log\": [0.0001, 1], \"when\": {\"c\": [\"y\", \"z\"]}}, \"n\": {\"int_log\": [1, 512], "
         "\"when\": {\"c\": "
         "[\"y\", \"z\"]}}}",
         forked, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double best[2][SEEDS];
        kt_space *space = space_of(cases[c].space);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            best[0][seed] = search(space, KT_PROPOSE_TPE, seed, cases[c].of) - cases[c].lowest;
            best[1][seed] = search(space, KT_PROPOSE_RANDOM, seed, cases[c].of) - cases[c].lowest;
            assert_true(best[0][seed] >= -1e-6);
        }
        qsort(best[0], SEEDS, sizeof best[0][0], ascending);
        qsort(best[1], SEEDS, sizeof best[1][0], ascending);
        print_message("case %zu: tpe %.4f, random %.4f (medians of %d)\n", c, best[0][SEEDS / 2],
                      best[1][SEEDS / 2], SEEDS);
        assert_true(best[0][SEEDS / 2] < 0.5 * best[1][SEEDS / 2]);
        kt_space_destroy(space);
    }
}

/* The same seen, the same proposals; a batch has no trial twice. */
static void tpe_is_a_function(void **state)
{
    (void)state;
    enum { N = 32 };
    double u[2 * N], v[2 * N], w[2 * 16];
    kt_observed seen[N];
    kt_space *space = space_of("{\"a\": {\"uniform\": [-5, 10]}, \"b\": {\"uniform\": [0, 15]}}");
    const kt_proposer p = {.method = KT_PROPOSE_TPE, .seed = 5};
    assert_int_equal(kt_propose(u, space, &p, 0, 16, NULL, 0, NULL), KT_OK);
    for (size_t i = 0; i < 16; i++)
        seen[i] = (kt_observed){u + 2 * i, (int)(i % 3), (double)((i * 7) % 16)};
    assert_int_equal(kt_propose(v, space, &p, 16, 16, seen, 16, NULL), KT_OK);
    assert_int_equal(kt_propose(w, space, &p, 16, 16, seen, 16, NULL), KT_OK);
    assert_memory_equal(v, w, sizeof w);
    for (size_t i = 0; i < 16; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(w[2 * i] != w[2 * k] || w[2 * i + 1] != w[2 * k + 1]);
    kt_space_destroy(space);
}

/* Memory that ends at each of the allocations: said, and nothing leaks. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    enum { N = 12 };
    double u[2 * N], next[2];
    kt_observed seen[N];
    kt_space *space = space_of("{\"a\": {\"uniform\": [-5, 10]}, \"c\": {\"choice\": [\"x\", \"y\"]}}");
    const kt_proposer start = {.method = KT_PROPOSE_RANDOM}, tpe = {.method = KT_PROPOSE_TPE};
    kt_status status = KT_MEMORY;
    int count = 0;
    assert_int_equal(kt_propose(u, space, &start, 0, N, NULL, 0, NULL), KT_OK);
    for (size_t i = 0; i < N; i++)
        seen[i] = (kt_observed){u + 2 * i, 0, (double)i};
    for (; status != KT_OK; count++) {
        allocations = count;
        status = kt_propose(next, space, &tpe, N, 1, seen, N, NULL);
        allocations = -1;
        assert_true(status == KT_OK || status == KT_MEMORY);
    }
    assert_true(count > 1); /* at least one was refused */
    kt_space_destroy(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sobol_is_scipys),         cmocka_unit_test(scrambled_points_stay_a_net),
        cmocka_unit_test(batches_do_not_matter),   cmocka_unit_test(densities_are_of_mass_one),
        cmocka_unit_test(one_kernel_by_hand),      cmocka_unit_test(whole_numbers_have_a_middle),
        cmocka_unit_test(tpe_beats_chance),        cmocka_unit_test(tpe_is_a_function),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
