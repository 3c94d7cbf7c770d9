/* The choice of the next cells: against the formulas written out for two points, and where the answer is
 * plain. */
#include "kt/next.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Exponential times of mean 10 ms everywhere: their relative variance is 1, a cell's noise 4 / rows + 1e-4.
 */
typedef struct {
    kt_model model;
    kt_predictor *predictor;
} subject;

static subject *make_model(void)
{
    static const double corners[] = {1, 1, 100, 1, 100, 8, 1, 8};
    subject *s = NULL;
    assert_int_equal(kt_alloc(&s, 1, sizeof *s, NULL), KT_OK);
    kt_model *m = &s->model;
    *m = (kt_model){.net = {.inputs = 2, .layers = 1, .components = 2, .width = {1}}};
    assert_int_equal(kt_alloc(&m->params, kt_net_params(&m->net), sizeof *m->params, NULL), KT_OK);
    m->scaler = (kt_scaler){.mean = {10, 2}, .sd = {10, 1}};
    m->scale = 0.01;
    assert_int_equal(kt_hull_create(&m->hull, corners, 4, 2, NULL), KT_OK);
    assert_int_equal(kt_predictor_create(&s->predictor, m, KT_ISA_GENERIC, NULL), KT_OK);
    return s;
}

static void drop_model(subject *s)
{
    kt_predictor_destroy(s->predictor);
    kt_model_clear(&s->model);
    free(s);
}

static size_t choose(kt_next_choice *chosen, size_t budget, const kt_next_service *services, size_t n,
                     const double *candidates, size_t m, double rows)
{
    size_t got = 0;
    kt_error err = {0};
    if (kt_next_choose(chosen, &got, budget, services, n, candidates, m, rows, &err) != KT_OK)
        fail_msg("%s", err.message);
    return got;
}

static double noise(double rows)
{
    return 4 / rows + 1e-4;
}

#define BUSY 0.02 /* s */

/* exp(-1/2 sum of squares): a factor of 2 in 1 / (1 - utilisation) and in replicas is 1, one of 8 in rates */
static double alike(const double *a, const double *b)
{
    double queue = log2((1 - b[0] * BUSY / b[1]) / (1 - a[0] * BUSY / a[1]));
    double replicas = log2(a[1] / b[1]), rate = log2(a[0] / b[0]) / 3;
    return exp(-(queue * queue + replicas * replicas + rate * rate) / 2);
}

/* Two candidates, one measured cell: the gains by the conditional covariances. */
static void test_gain(void **state)
{
    static const double at[] = {10, 1, 40, 4}, cell[] = {8, 2};
    const double excess = 0.7, old = 500, new = 300;
    kt_next_choice chosen[2];
    (void)state;
    subject *made = make_model();
    const kt_next_cell measured = {cell[0], cell[1], old, excess};
    const kt_next_service service = {made->predictor, false, BUSY, 1, &measured};
    double k[2] = {alike(at, cell), alike(at + 2, cell)}, w[2] = {1 + excess * k[0], 1 + excess * k[1]};
    double left = 1 + noise(old), c00 = 1 - k[0] * k[0] / left, c11 = 1 - k[1] * k[1] / left;
    double c01 = alike(at, at + 2) - k[0] * k[1] / left, total = w[0] * c00 + w[1] * c11;
    double gain0 = (w[0] * c00 * c00 + w[1] * c01 * c01) / (c00 + noise(new)) / total;
    double gain1 = (w[0] * c01 * c01 + w[1] * c11 * c11) / (c11 + noise(new)) / total;
    assert_true(gain1 > gain0); /* the one that is farther away */
    assert_int_equal(choose(chosen, 5, &service, 1, at, 2, new), 2);
    assert_int_equal(chosen[0].candidate, 1);
    assert_true(fabs(chosen[0].gain - gain1) < 1e-12);
    /* the second, once the first is measured: all that is left is at itself and what it tells of the first */
    double d11 = c11 - c11 * c11 / (c11 + noise(new)), d01 = c01 - c01 * c11 / (c11 + noise(new));
    double d00 = c00 - c01 * c01 / (c11 + noise(new));
    assert_true(fabs(chosen[1].gain - (w[0] * d00 * d00 + w[1] * d01 * d01) / (d00 + noise(new)) / total) <
                1e-12);
    assert_true(d11 < c11);
    drop_model(made);
}

static void test_plain(void **state)
{
    static const double rates[] = {1, 1, 80, 1, 100, 1}, edge[] = {90, 1, 160, 8}, twice[] = {4, 1, 64, 1};
    static const kt_next_cell ends[] = {{1, 1, 1000, 0}, {100, 1, 1000, 0}};
    static const kt_next_cell few[] = {{4, 1, 20, 0}, {64, 1, 20000, 0}},
                              bad[] = {{4, 1, 300, 0}, {64, 1, 300, 4}};
    kt_next_choice chosen[3];
    (void)state;
    subject *made = make_model();
    kt_next_service s = {made->predictor, false, 0.009, 2, ends};
    assert_int_equal(choose(chosen, 1, &s, 1, rates, 3, 300), 1); /* between what was measured */
    assert_int_equal(chosen[0].candidate, 1);
    assert_int_equal(chosen[0].reason, KT_NEXT_FAR);
    assert_int_equal(choose(chosen, 1, &s, 1, edge, 2, 300), 1); /* beyond it */
    assert_int_equal(chosen[0].candidate, 1);
    assert_int_equal(chosen[0].reason, KT_NEXT_OUTSIDE);
    s.cell = few;
    assert_int_equal(choose(chosen, 1, &s, 1, twice, 2, 300), 1);
    assert_int_equal(chosen[0].candidate, 0);
    assert_int_equal(chosen[0].reason, KT_NEXT_ROWS);
    s.cell = bad;
    assert_int_equal(choose(chosen, 1, &s, 1, twice, 2, 300), 1);
    assert_int_equal(chosen[0].candidate, 1);
    assert_int_equal(chosen[0].reason, KT_NEXT_ERROR);
    drop_model(made);
}

/* A service whose replicas never vary takes nothing from more of them; two services share a choice. */
static void test_services(void **state)
{
    static const double at[] = {20, 1, 20, 8};
    static const kt_next_cell one[] = {{20, 1, 3000, 0}}, other[] = {{20, 8, 3000, 0}};
    kt_next_choice chosen[2];
    (void)state;
    subject *made = make_model();
    kt_next_service services[] = {{made->predictor, true, BUSY, 1, one},
                                  {made->predictor, false, BUSY, 1, other}};
    assert_int_equal(choose(chosen, 2, services, 2, at, 2, 300), 2);
    assert_int_equal(chosen[0].candidate, 0); /* what the second service lacks */
    assert_int_equal(chosen[0].service, 1);
    assert_true(chosen[0].gain > chosen[1].gain);
    assert_int_equal(choose(chosen, 1, services, 1, at, 2, 300), 1);
    assert_true(chosen[0].gain > 0 && chosen[0].gain < 1);
    drop_model(made);
}

/* Every candidate once, more together than alone, and no more than there is to take away. */
static void test_all(void **state)
{
    enum { M = 40 };
    static const kt_next_cell cell[] = {{3, 1, 300, 0}, {9, 2, 300, 1}};
    double at[2 * M], sum = 0;
    bool seen[M] = {false};
    kt_next_choice chosen[M + 5];
    size_t n = 0;
    (void)state;
    subject *made = make_model();
    const kt_next_service s = {made->predictor, false, BUSY, 2, cell};
    for (size_t i = 0; i < M; i++) {
        at[2 * i] = 1 + 3.0 * (double)(i % 10);
        at[2 * i + 1] = 1 + (double)(i / 10);
    }
    assert_int_equal(choose(chosen, M + 5, &s, 1, at, M, 300), M);
    for (size_t i = 0; i < M; i++) {
        assert_false(seen[chosen[i].candidate]);
        seen[chosen[i].candidate] = true;
        assert_true(chosen[i].gain >= 0);
        sum += chosen[i].gain;
    }
    assert_true(sum > 0.5 && sum <= 1 + 1e-9);
    assert_int_equal(kt_next_choose(chosen, &n, 1, &s, 1, at, KT_NEXT_MOST + 1, 300, NULL), KT_USAGE);
    drop_model(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gain), cmocka_unit_test(test_plain),
                                       cmocka_unit_test(test_services), cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
