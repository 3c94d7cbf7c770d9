/* Cells scored against SciPy's figures (tests/golden/metrics.py). */
#include "kt/json.h"
#include "kt/metrics.h"
#include "kt/pause.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* The network's float arithmetic is what separates the two. */
static const double tolerance = 5e-6;

typedef struct {
    kt_model model;
    kt_predictor *predictor;
} subject;

static double number(const kt_json *object, const char *key)
{
    return kt_json_as_real(kt_json_get(object, key), NAN);
}

static size_t numbers(double *out, const kt_json *object, const char *key)
{
    const kt_json *list = kt_json_get(object, key);
    size_t n = kt_json_size(list);
    for (size_t i = 0; i < n; i++)
        out[i] = kt_json_as_real(kt_json_at(list, i), NAN);
    return n;
}

static kt_json *golden(void)
{
    kt_json *document = NULL;
    kt_error err = {0};
    if (kt_json_read(&document, KT_TESTS "/golden/metrics.json", &err) != KT_OK)
        fail_msg("%s", err.message);
    return document;
}

static void open_subject(subject *s, const kt_json *document, const kt_json *family)
{
    kt_model *m = &s->model;
    double params[64], corners[8];
    const char *name = kt_json_as_text(kt_json_get(family, "family"), "");
    memset(s, 0, sizeof *s);
    m->net = (kt_net){.inputs = 2, .layers = 1, .components = 2, .width = {1}};
    while (strcmp(kt_family_table[m->net.family].name, name) != 0)
        m->net.family++;
    assert_int_equal(numbers(params, family, "params"), kt_net_params(&m->net));
    assert_int_equal(kt_alloc(&m->params, kt_net_params(&m->net), sizeof *m->params, NULL), KT_OK);
    for (size_t i = 0; i < kt_net_params(&m->net); i++)
        m->params[i] = (float)params[i];
    numbers(m->scaler.mean, document, "mean");
    numbers(m->scaler.sd, document, "sd");
    m->scale = number(document, "scale");
    m->floor = number(document, "floor");
    numbers(corners, document, "hull");
    assert_int_equal(kt_hull_create(&m->hull, corners, 4, 2, NULL), KT_OK);
    assert_int_equal(kt_predictor_create(&s->predictor, m, KT_ISA_AUTO, NULL), KT_OK);
}

static void close_subject(subject *s)
{
    kt_predictor_destroy(s->predictor);
    kt_model_clear(&s->model);
}

static void near(double value, double expected, double within, const char *where, const char *what)
{
    if (!(fabs(value - expected) <= within * fabs(expected)) && value != expected)
        fail_msg("%s: %s is %.12g, not %.12g", where, what, value, expected);
}

static void check_cell(const subject *s, const kt_json *wanted)
{
    enum { MOST = 256 };
    double x[2 * MOST], y[MOST], list[KT_PIT_BINS];
    size_t n = numbers(y, wanted, "y");
    kt_cell cell = {.label = "a cell"};
    kt_cell_score score;
    const char *where = kt_json_as_text(kt_json_get(wanted, "name"), "");
    assert_int_equal(numbers(x, wanted, "x"), 2 * n);
    numbers(cell.mean, wanted, "mean");
    assert_int_equal(kt_metrics_cell(&score, s->predictor, &cell, x, y, n, 1, 2, 3, NULL), KT_OK);
    assert_string_equal(score.label, "a cell");
    assert_int_equal(score.rows, n);
    assert_true(score.interior);
    near(score.autocorrelation, number(wanted, "autocorrelation"), 1e-12, where, "autocorrelation");
    near(score.ks, number(wanted, "ks"), tolerance, where, "ks");
    near(score.w1, number(wanted, "w1"), tolerance, where, "w1");
    near(score.nll, number(wanted, "nll"), tolerance, where, "nll");
    near(score.crps, number(wanted, "crps"), tolerance, where, "crps");
    /* A median of 200 resamples: its standard error is about 3 %; KS of n rows comes in steps of 1/n. */
    bool blocks = fabs(score.autocorrelation) > 0.1;
    near(score.ks_floor, number(wanted, "ks_floor"), blocks ? 0.12 + 1.0 / (double)n : 5e-4, where,
         "ks_floor");
    assert_int_equal(numbers(list, wanted, "observed"), KT_QUANTILES);
    for (int q = 0; q < KT_QUANTILES; q++)
        near(score.observed[q], list[q], 1e-13, where, "observed");
    numbers(list, wanted, "predicted");
    for (int q = 0; q < KT_QUANTILES; q++)
        near(score.predicted[q], list[q], tolerance, where, "predicted");
    numbers(list, wanted, "error");
    for (int q = 0; q < KT_QUANTILES; q++)
        near(score.error[q], list[q], 2e-4, where, "error"); /* the difference of two near numbers */
    assert_int_equal(numbers(list, wanted, "pit"), KT_PIT_BINS);
    for (int b = 0; b < KT_PIT_BINS; b++)
        near((double)score.pit[b], list[b], 0, where, "pit");
}

/* The number alone is that of the whole score. */
static void check_values(const subject *s, const kt_json *wanted)
{
    enum { MOST = 256 };
    double x[2 * MOST], y[MOST], value, mean = 0, error[KT_QUANTILES];
    size_t n = numbers(y, wanted, "y");
    kt_cell cell = {.label = "a cell"};
    const char *where = kt_json_as_text(kt_json_get(wanted, "name"), "");
    numbers(x, wanted, "x");
    numbers(cell.mean, wanted, "mean");
    numbers(error, wanted, "error");
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    const double expected[] = {[KT_METRIC_NLL] = number(wanted, "nll"),
                               [KT_METRIC_KS] = number(wanted, "ks"),
                               [KT_METRIC_CRPS] = number(wanted, "crps") / mean,
                               [KT_METRIC_P95] = error[1]};
    for (kt_metric metric = KT_METRIC_NLL; metric <= KT_METRIC_P95; metric++) {
        assert_int_equal(kt_metrics_value(&value, metric, s->predictor, &cell, x, y, n, NULL), KT_OK);
        near(value, expected[metric], metric == KT_METRIC_P95 ? 2e-4 : tolerance, where, "a value");
    }
}

static void cells_score_as_scipy_says(void **state)
{
    (void)state;
    kt_json *document = golden();
    const kt_json *families = kt_json_get(document, "families");
    assert_int_equal(kt_json_size(families), KT_FAMILIES);
    for (size_t f = 0; f < kt_json_size(families); f++) {
        subject s;
        const kt_json *cells = kt_json_get(kt_json_at(families, f), "cells");
        open_subject(&s, document, kt_json_at(families, f));
        assert_true(kt_json_size(cells) >= 6);
        for (size_t i = 0; i < kt_json_size(cells); i++) {
            check_cell(&s, kt_json_at(cells, i));
            check_values(&s, kt_json_at(cells, i));
        }
        close_subject(&s);
    }
    kt_json_drop(document);
}

/* Independent rows: the floor is SciPy's median of the exact law, at every n of the list. */
static void floors_are_the_exact_law(void **state)
{
    (void)state;
    enum { MOST = 10000 };
    static double x[2 * MOST], y[MOST];
    kt_json *document = golden();
    const kt_json *floors = kt_json_get(document, "ks_floor");
    subject s;
    open_subject(&s, document, kt_json_at(kt_json_get(document, "families"), 0));
    kt_cell cell = {.label = "c", .mean = {12, 2}};
    kt_rng rng;
    kt_rng_init(&rng, 1, 1, KT_RNG_SAMPLE, 0, 0);
    for (size_t i = 0; i < kt_json_size(floors); i++) {
        const char *key = kt_json_key(floors, i);
        size_t n = (size_t)atoi(key);
        kt_cell_score score = {.autocorrelation = 1};
        while (fabs(score.autocorrelation) > 0.1) { /* by chance, where n is small */
            for (size_t j = 0; j < n; j++) {
                x[2 * j] = 12;
                x[2 * j + 1] = 2;
                y[j] = 0.01 * (1 + kt_rng_uniform(&rng));
            }
            assert_int_equal(kt_metrics_cell(&score, s.predictor, &cell, x, y, n, 1, 2, 3, NULL), KT_OK);
            if (n == 2) /* always -0.5 */
                break;
        }
        if (n != 2)
            near(score.ks_floor, number(floors, key), 8e-4, key, "ks_floor");
    }
    close_subject(&s);
    kt_json_drop(document);
}

/* Rows in another order are the same cell, but for what the order means. */
static void order_matters_only_to_the_floor(void **state)
{
    (void)state;
    double x[400], y[200];
    kt_json *document = golden();
    subject s;
    open_subject(&s, document, kt_json_at(kt_json_get(document, "families"), 1));
    kt_cell cell = {.label = "c", .mean = {10, 2}};
    kt_cell_score one, other, again;
    for (int i = 0; i < 200; i++) {
        x[2 * i] = 8 + i % 5;
        x[2 * i + 1] = 2;
        y[i] = 1e-3 * (20 + i);
    }
    assert_int_equal(kt_metrics_cell(&one, s.predictor, &cell, x, y, 200, 1, 2, 3, NULL), KT_OK);
    assert_int_equal(kt_metrics_cell(&again, s.predictor, &cell, x, y, 200, 1, 2, 3, NULL), KT_OK);
    assert_memory_equal(&one, &again, sizeof one);
    for (int i = 0; i < 200; i++) { /* 7 and 200 have no common divisor */
        int from = 7 * i % 200;
        x[2 * i] = 8 + from % 5;
        y[i] = 1e-3 * (20 + from);
    }
    assert_int_equal(kt_metrics_cell(&other, s.predictor, &cell, x, y, 200, 1, 2, 3, NULL), KT_OK);
    assert_true(one.ks_floor > 2 * other.ks_floor); /* sorted rows depend on each other most of all */
    assert_true(one.autocorrelation > 0.9);
    one.ks_floor = other.ks_floor;
    one.autocorrelation = other.autocorrelation;
    assert_memory_equal(&one, &other, sizeof one);
    cell.mean[0] = 18.1;
    assert_int_equal(kt_metrics_cell(&other, s.predictor, &cell, x, y, 200, 1, 2, 3, NULL), KT_OK);
    assert_false(other.interior);
    close_subject(&s);
    kt_json_drop(document);
}

static bool count(void *context)
{
    ++*(int *)context;
    return false;
}

/* The clock that pauses see: between two looks at it there is always time for one. */
int __wrap_clock_gettime(clockid_t id, struct timespec *time);
int __wrap_clock_gettime(clockid_t id, struct timespec *time)
{
    static time_t seconds;
    (void)id;
    *time = (struct timespec){.tv_sec = seconds++};
    return 0;
}

/* Who judges pauses often, whether rows share a point or not, and finds the same. */
static void judging_pauses(void **state)
{
    enum { ROWS = 50000, SHARING = 50, SORT = ROWS / 4096 * 8 };
    (void)state;
    kt_json *document = golden();
    subject s;
    double *x = calloc(2 * ROWS, sizeof *x), *y = calloc(ROWS, sizeof *y);
    kt_cell cell = {.label = "c", .mean = {10, 2}};
    kt_rng rng;
    assert_true(x && y);
    open_subject(&s, document, kt_json_at(kt_json_get(document, "families"), 0));
    kt_rng_init(&rng, 1, 1, KT_RNG_SAMPLE, 0, 0);
    for (int points = 0; points < 2; points++) {
        kt_cell_score quiet, paused;
        double value;
        int pauses = 0;
        for (int i = 0; i < ROWS; i++) {
            x[2 * i] = points ? 8 + 4.0 * (i / SHARING) / (ROWS / SHARING) : 10;
            x[2 * i + 1] = 2;
            y[i] = 0.01 * (1 + kt_rng_uniform(&rng));
        }
        assert_int_equal(kt_metrics_cell(&quiet, s.predictor, &cell, x, y, ROWS, 1, 2, 3, NULL), KT_OK);
        kt_pause_with((kt_pauser){count, &pauses});
        assert_int_equal(kt_metrics_cell(&paused, s.predictor, &cell, x, y, ROWS, 1, 2, 3, NULL), KT_OK);
        assert_memory_equal(&quiet, &paused, sizeof quiet);
        assert_in_range(pauses, ROWS + SORT, 2 * ROWS); /* at each stretch of the transport, and in sorts */
        for (int m = KT_METRIC_NLL; m <= KT_METRIC_P95; m++) {
            pauses = 0;
            assert_int_equal(kt_metrics_value(&value, (kt_metric)m, s.predictor, &cell, x, y, ROWS, NULL),
                             KT_OK);
            assert_in_range(pauses, m == KT_METRIC_NLL ? ROWS / 5000 : points ? ROWS / 4096 : SORT, ROWS);
        }
        kt_pause_with((kt_pauser){0});
    }
    close_subject(&s);
    kt_json_drop(document);
    free(x);
    free(y);
}

/* Of an ensemble the density that is averaged over the members, in seconds, at a y that all of them know: the
 * floor is the largest. Against the members' densities, each asked alone. */
static void an_ensemble_scores_its_average(void **state)
{
    (void)state;
    enum { ROWS = 60, MEMBERS = 3 };
    kt_json *document = golden();
    for (size_t f = 0; f < KT_FAMILIES; f++) {
        subject s[MEMBERS];
        const kt_model *models[MEMBERS];
        double x[2 * ROWS], y[ROWS], nll = 0, value;
        kt_predictor *all = NULL;
        kt_cell cell = {.label = "c", .mean = {10, 2}};
        kt_cell_score score;
        for (int m = 0; m < MEMBERS; m++) {
            open_subject(&s[m], document, kt_json_at(kt_json_get(document, "families"), f));
            models[m] = &s[m].model;
            s[m].model.params[1] += 0.1f * (float)m;
            s[m].model.floor *= 1 + m;
            s[m].model.scale *= 1 + 0.2 * m;
            kt_predictor_destroy(s[m].predictor); /* of the parameters before */
            assert_int_equal(kt_predictor_create(&s[m].predictor, models[m], KT_ISA_AUTO, NULL), KT_OK);
        }
        assert_int_equal(kt_predictor_create_ensemble(&all, models, MEMBERS, KT_ISA_AUTO, NULL), KT_OK);
        double floor = s[MEMBERS - 1].model.floor;
        for (int i = 0; i < ROWS; i++) {
            x[2 * i] = 8 + i % 5;
            x[2 * i + 1] = 2;
            y[i] = i == 7 ? 0 : i == 8 ? 0.7 * floor : 1e-3 * (1 + i);
            double seen = s[0].model.net.family == KT_NORMAL ? y[i] : fmax(y[i], floor), density = 0;
            for (int m = 0; m < MEMBERS; m++) {
                kt_mixture mixture = kt_predict_point(s[m].predictor, x + 2 * i);
                density += exp(kt_mixture_log_pdf(&mixture, seen)) / MEMBERS;
            }
            nll -= log(density) / ROWS;
        }
        assert_int_equal(kt_metrics_cell(&score, all, &cell, x, y, ROWS, 1, 2, 3, NULL), KT_OK);
        near(score.nll, nll, 1e-12, "an ensemble", "nll");
        assert_true(score.interior);
        assert_int_equal(kt_metrics_value(&value, KT_METRIC_NLL, all, &cell, x, y, ROWS, NULL), KT_OK);
        near(value, nll, 1e-12, "an ensemble", "the value nll");
        kt_predictor_destroy(all);
        for (int m = 0; m < MEMBERS; m++)
            close_subject(&s[m]);
    }
    kt_json_drop(document);
}

static kt_cell_score made(const char *label, uint64_t rows, kt_role role, bool interior, double value)
{
    kt_cell_score cell = {.rows = rows, .role = role, .interior = interior, .ks = value, .ks_floor = 0.05};
    strcpy(cell.label, label);
    cell.w1 = 2 * value;
    cell.nll = -value;
    cell.crps = 3 * value;
    for (int q = 0; q < KT_QUANTILES; q++)
        cell.error[q] = value * (q + 1);
    cell.pit[rows % KT_PIT_BINS] = rows;
    return cell;
}

static void sums_are_of_the_cells_asked_for(void **state)
{
    (void)state;
    const kt_cell_score cells[] = {
        made("a", 100, KT_ROLE_HELD_OUT, true, 0.3),      made("b", 300, KT_ROLE_HELD_OUT, true, 0.1),
        made("outside", 7, KT_ROLE_HELD_OUT, false, 0.9), made("c", 100, KT_ROLE_HELD_OUT, true, 0.2),
        made("seen", 50, KT_ROLE_TRAINING, true, 0.8),    made("d", 500, KT_ROLE_HELD_OUT, true, 0.7),
    };
    kt_score score;
    kt_metrics_sum(&score, cells, 6, KT_ROLE_HELD_OUT, true);
    assert_int_equal(score.cells, 4);
    assert_int_equal(score.rows, 1000);
    near(score.ks, 0.25, 1e-15, "sum", "ks");
    near(score.ks_floor, 0.05, 1e-15, "sum", "ks_floor");
    near(score.w1, 0.5, 1e-15, "sum", "w1");
    near(score.error[2], 0.75, 1e-15, "sum", "error");
    near(score.nll, -0.43, 1e-14, "sum", "nll"); /* (30 + 30 + 20 + 350) / 1000 */
    near(score.crps, 1.29, 1e-14, "sum", "crps");
    assert_string_equal(score.worst, "d");
    near(score.worst_ks, 0.7, 0, "sum", "worst_ks");
    assert_int_equal(score.pit[0], 1000);
    kt_metrics_sum(&score, cells, 6, KT_ROLE_HELD_OUT, false);
    assert_int_equal(score.cells, 1);
    near(score.ks, 0.9, 0, "outside", "ks");
    assert_int_equal(score.pit[7], 7);
    kt_metrics_sum(&score, cells, 6, KT_ROLE_NEW, true);
    assert_int_equal(score.cells, 0);
    assert_true(isnan(score.ks) && isnan(score.nll) && isnan(score.error[0]) && isnan(score.worst_ks));
    assert_string_equal(score.worst, "");
}

/* A model that gives no distribution somewhere does not make a table look better. */
static void no_number_is_the_worst(void **state)
{
    (void)state;
    const kt_cell_score cells[] = {made("good", 10, KT_ROLE_NEW, true, 0.1),
                                   made("none", 10, KT_ROLE_NEW, true, NAN),
                                   made("bad", 10, KT_ROLE_NEW, true, 0.5)};
    kt_score score;
    kt_metrics_sum(&score, cells, 3, KT_ROLE_NEW, true);
    near(score.ks, 0.5, 0, "sum", "ks");
    assert_string_equal(score.worst, "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_score_as_scipy_says),       cmocka_unit_test(floors_are_the_exact_law),
        cmocka_unit_test(order_matters_only_to_the_floor), cmocka_unit_test(judging_pauses),
        cmocka_unit_test(an_ensemble_scores_its_average),  cmocka_unit_test(sums_are_of_the_cells_asked_for),
        cmocka_unit_test(no_number_is_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
