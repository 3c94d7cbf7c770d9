#include "check.h"
#include "kt/csv.h"
#include "kt/split.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 200 };
static const kt_split_options usual = {
    .seed = 1, .test_cells = 0.2, .validation = 0.16, .most_validation = 65536};

static void read_sample(kt_samples *samples)
{
    static const char *const path[] = {KT_TESTS "/fixtures/requests.csv"};
    kt_csv_options options = {.unit = KT_UNIT_AUTO};
    *samples = (kt_samples){.d = 0};
    OK(kt_csv_read(samples, path, 1, &options, &err));
}

/* Cells of a service: rate, rep and rows each; labels of one's own, or in the form of nominal steps. */
typedef struct {
    double rate, rep;
    size_t rows;
    const char *label;
} made_cell;

static void add_service(kt_samples *samples, const char *name, kt_cell_rule rule, const made_cell *cells,
                        size_t n)
{
    static const char *const feature[] = {"rps_eff", "rep"};
    for (; samples->d < 2; samples->d++)
        OK(kt_strdup(&samples->feature[samples->d], feature[samples->d], &err));
    OK(kt_grow(&samples->services, samples->n_services + 1, sizeof *samples->services, &err));
    kt_service *s = &samples->services[samples->n_services++];
    *s = (kt_service){.n_cells = n, .rule = rule};
    for (size_t c = 0; c < n; c++)
        s->n += cells[c].rows;
    OK(kt_strdup(&s->name, name, &err));
    OK(kt_alloc(&s->x, s->n * 2, sizeof *s->x, &err));
    OK(kt_alloc(&s->y, s->n, sizeof *s->y, &err));
    OK(kt_alloc(&s->cell, s->n, sizeof *s->cell, &err));
    OK(kt_alloc(&s->cells, n, sizeof *s->cells, &err));
    size_t left[100], total = s->n;
    for (size_t c = 0; c < n; c++) {
        left[c] = cells[c].rows;
        snprintf(s->cells[c].label, KT_LABEL, "%s", cells[c].label);
    }
    for (size_t i = 0, c = 0; i < total; c = (c + 1) % n) { /* in turns: cells are no runs of rows */
        if (left[c] == 0)
            continue;
        left[c]--;
        s->x[2 * i] = cells[c].rate;
        s->x[2 * i + 1] = cells[c].rep;
        s->y[i] = 1;
        s->cell[i++] = (uint32_t)c;
    }
}

static void clear_splits(kt_split *splits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kt_split_clear(&splits[i]);
}

static size_t count_test(const kt_split *split, const kt_service *s)
{
    size_t n = 0;
    for (size_t c = 0; c < s->n_cells; c++)
        n += split->cell_test[c];
    return n;
}

/* Every row once; training and validation rows of training cells, test rows of test cells; each part in the
 * order that kt/split.h promises. */
static void check_rows(const kt_split *split, const kt_service *s, const kt_split_options *options)
{
    size_t pool = split->n_train + split->n_validation, in_test = 0;
    bool *seen = calloc(s->n + 1, sizeof *seen);
    assert_int_equal(pool + split->n_test, s->n);
    for (size_t i = 0; i < s->n; i++) {
        uint32_t row = split->row[i];
        assert_true(row < s->n && !seen[row]);
        seen[row] = true;
        in_test += split->cell_test[s->cell[row]];
        assert_int_equal(split->cell_test[s->cell[row]], i >= pool);
        if (i > split->n_train && i < pool)
            assert_true(row > split->row[i - 1]);
        if (i > pool) {
            uint32_t before = s->cell[split->row[i - 1]];
            assert_true(s->cell[row] > before || (s->cell[row] == before && row > split->row[i - 1]));
        }
    }
    assert_int_equal(in_test, split->n_test);
    double wanted = fmin(round(options->validation * (double)pool), (double)options->most_validation);
    assert_true((double)split->n_validation == wanted);
    free(seen);
}

/* Of each rep: at least one cell held out where there are four, and never all. */
static void check_reps(const kt_split *split, const kt_service *s)
{
    for (size_t c = 0; c < s->n_cells; c++) {
        size_t all = 0, test = 0;
        for (size_t k = 0; k < s->n_cells; k++) {
            bool same = s->cells[k].mean[1] == s->cells[c].mean[1];
            all += same;
            test += same && split->cell_test[k];
        }
        assert_true(test < all);
        if (all >= 4)
            assert_true(test > 0);
    }
}

static void properties(void **state)
{
    (void)state;
    kt_samples samples;
    read_sample(&samples);
    size_t third[3] = {0}, total = 0, n = samples.n_services;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        kt_split splits[4] = {{0}}, again[4] = {{0}};
        kt_split_options options = usual;
        options.seed = seed;
        OK(kt_split_make(splits, &samples, &options, &err));
        OK(kt_split_make(again, &samples, &options, &err));
        for (size_t i = 0; i < n; i++) {
            const kt_service *s = &samples.services[i];
            size_t test = count_test(&splits[i], s);
            assert_true(test >= 5 &&
                        test <= 9); /* round(0.2 26), and at most one more for each of four reps */
            check_rows(&splits[i], s, &options);
            check_reps(&splits[i], s);
            assert_memory_equal(splits[i].cell_test, splits[0].cell_test, s->n_cells); /* one draw for all */
            assert_memory_equal(splits[i].cell_test, again[i].cell_test, s->n_cells);
            assert_memory_equal(splits[i].row, again[i].row, s->n * sizeof *again[i].row);
        }
        for (size_t c = 0; c < 26; c++) {
            const kt_service *s = &samples.services[0];
            size_t below = 0;
            for (size_t k = 0; k < 26; k++)
                below += s->cells[k].mean[0] < s->cells[c].mean[0];
            third[below * 3 / 26] += splits[0].cell_test[c];
            total += splits[0].cell_test[c];
        }
        clear_splits(splits, n);
        clear_splits(again, n);
    }
    for (int k = 0; k < 3; k++) /* the load's thirds are met about equally */
        if (third[k] < total / 4 || third[k] > total / 2)
            fail_msg("third %d: %zu of %zu", k, third[k], total);
    kt_samples_clear(&samples);
}

/* A service read alone has the split that it has among all. */
static void subset_of_services(void **state)
{
    (void)state;
    kt_samples samples;
    read_sample(&samples);
    for (uint64_t seed = 0; seed < 20; seed++) {
        kt_split all[4] = {{0}};
        kt_split_options options = usual;
        options.seed = seed;
        OK(kt_split_make(all, &samples, &options, &err));
        for (size_t i = 0; i < 4; i++) {
            kt_samples one = samples;
            kt_split alone = {0};
            one.services += i;
            one.n_services = 1;
            OK(kt_split_make(&alone, &one, &options, &err));
            assert_memory_equal(alone.cell_test, all[i].cell_test, 26);
            assert_memory_equal(alone.row, all[i].row, one.services->n * sizeof *alone.row);
            kt_split_clear(&alone);
        }
        clear_splits(all, 4);
    }
    kt_samples_clear(&samples);
}

/* Draws over seeds: every cell has its turn, and about as often as another one of its run. */
static void every_cell_has_its_turn(void **state)
{
    (void)state;
    enum { N = 20 };
    made_cell cells[N];
    char label[N][16];
    size_t times[N] = {0};
    kt_samples samples = {.d = 0};
    for (int c = 0; c < N; c++) {
        snprintf(label[c], sizeof label[c], "step %d", c);
        cells[c] = (made_cell){10 * (c % 10) + 5, 1 + c / 10, 5, label[c]};
    }
    add_service(&samples, "a", KT_CELLS_COLUMN, cells, N);
    OK(kt_samples_finish(&samples, &err));
    for (uint64_t seed = 0; seed < 2000; seed++) {
        kt_split split = {0};
        kt_split_options options = usual;
        options.seed = seed;
        OK(kt_split_make(&split, &samples, &options, &err));
        for (int run = 0; run < 4; run++) { /* four of twenty: one of each five neighbours */
            size_t drawn = 0;
            for (int c = 5 * run; c < 5 * run + 5; c++) {
                drawn += split.cell_test[c];
                times[c] += split.cell_test[c];
            }
            assert_int_equal(drawn, 1);
        }
        kt_split_clear(&split);
    }
    for (int c = 0; c < N; c++) /* 400 expected, sd 18 */
        if (times[c] < 310 || times[c] > 490)
            fail_msg("cell %d was held out %zu times of 2000", c, times[c]);
    kt_samples_clear(&samples);
}

/* Names of services, the order of cells and other services are no part of the draw of cells; labels and seed
 * are. */
static void what_the_draw_depends_on(void **state)
{
    (void)state;
    static const made_cell cells[] = {
        {10, 1, 9, "rps=10 rep=1,2"}, {20, 1, 9, "rps=20 rep=1,2"}, {30, 1, 9, "rps=30 rep=1,2"},
        {40, 1, 9, "rps=40 rep=1,2"}, {10, 1, 9, "rps=10 rep=1,3"}, {20, 1, 9, "rps=20 rep=1,3"},
        {30, 1, 9, "rps=30 rep=1,3"}, {40, 1, 9, "rps=40 rep=1,3"}, {50, 1, 9, "rps=50 rep=1"},
    };
    enum { N = sizeof cells / sizeof *cells };
    made_cell reversed[N];
    for (size_t c = 0; c < N; c++) {
        reversed[c] = cells[N - 1 - c];
        reversed[c].rep = c == 0 ? 1 : c <= 4 ? 3 : 2; /* the other service's replicas */
        reversed[c].rate += 0.5;                       /* and its own achieved rates */
    }
    kt_samples samples = {.d = 0};
    add_service(&samples, "a", KT_CELLS_NOMINAL, cells, N);
    add_service(&samples, "b", KT_CELLS_NOMINAL, reversed, N);
    OK(kt_samples_finish(&samples, &err));
    bool differs = false;
    uint8_t first[N] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        kt_split splits[2] = {{0}};
        kt_split_options options = usual;
        options.seed = seed;
        OK(kt_split_make(splits, &samples, &options, &err));
        for (size_t c = 0; c < N; c++)
            assert_int_equal(splits[0].cell_test[c], splits[1].cell_test[N - 1 - c]);
        for (size_t i = 0; i < 2; i++)
            check_reps(&splits[i], &samples.services[i]);
        /* rows are each service's own */
        if (splits[0].n_train > 20)
            assert_memory_not_equal(splits[0].row, splits[1].row, 20 * sizeof(uint32_t));
        if (seed == 0)
            memcpy(first, splits[0].cell_test, N);
        differs |= memcmp(first, splits[0].cell_test, N) != 0;
        clear_splits(splits, 2);
    }
    assert_true(differs);
    kt_samples_clear(&samples);
}

/* Labels that were cut still share the draw as far as they go, and each service keeps cells of all its reps.
 */
static void cut_labels(void **state)
{
    (void)state;
    enum { N = 8 };
    made_cell cells[N], others[N];
    char label[N][KT_LABEL];
    kt_samples samples = {.d = 0};
    for (int c = 0; c < N; c++) {
        snprintf(label[c], sizeof label[c], "rps=%d rep=1,%d,1,2,3,1,2,3,1,2,3,1,2,3,1,2,3,1,2,3,1#0000000%d",
                 5 + c, c % 2 + 1, c);
        cells[c] = (made_cell){5 + c, 1 + c % 2, 3, label[c]};
        others[c] = (made_cell){5 + c, 1 + c / 4, 3, label[c]}; /* not to be seen in the label */
    }
    add_service(&samples, "a", KT_CELLS_NOMINAL, cells, N);
    add_service(&samples, "b", KT_CELLS_NOMINAL, others, N);
    OK(kt_samples_finish(&samples, &err));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        kt_split splits[2] = {{0}};
        kt_split_options options = usual;
        options.seed = seed;
        OK(kt_split_make(splits, &samples, &options, &err));
        for (size_t i = 0; i < 2; i++)
            check_reps(&splits[i], &samples.services[i]);
        for (size_t c = 0; c < N; c++) /* b may need one more, for a rep of its own */
            assert_true(splits[1].cell_test[c] >= splits[0].cell_test[c]);
        clear_splits(splits, 2);
    }
    kt_samples_clear(&samples);
}

static void few_cells(void **state)
{
    (void)state;
    static const made_cell cells[] = {
        {10, 1, 40, "c1"}, {20, 1, 40, "c2"}, {30, 1, 40, "c3"}, {40, 2, 1, "c4"}};
    static const size_t wanted[] = {0, 0, 0, 1, 1};
    for (size_t n = 1; n <= 4; n++) {
        kt_samples samples = {.d = 0};
        kt_split split = {0};
        add_service(&samples, "a", KT_CELLS_COLUMN, cells, n);
        OK(kt_samples_finish(&samples, &err));
        OK(kt_split_make(&split, &samples, &usual, &err));
        assert_int_equal(count_test(&split, &samples.services[0]), wanted[n]);
        check_rows(&split, &samples.services[0], &usual);
        if (n == 4)
            assert_int_equal(split.cell_test[3], 0); /* the only one of its rep */
        kt_split_clear(&split);
        kt_samples_clear(&samples);
    }
}

static void shares(void **state)
{
    (void)state;
    static const made_cell cells[] = {{10, 1, 40, "c1"}, {20, 1, 30, "c2"}, {30, 1, 50, "c3"},
                                      {40, 1, 20, "c4"}, {50, 1, 60, "c5"}, {60, 1, 10, "c6"}};
    kt_samples samples = {.d = 0};
    add_service(&samples, "a", KT_CELLS_COLUMN, cells, 6);
    OK(kt_samples_finish(&samples, &err));
    const kt_service *s = &samples.services[0];
    static const struct {
        double test, validation;
        uint64_t most;
        size_t cells;
    } cases[] = {
        {0, 0.16, 100, 0}, {0.5, 0.5, 100, 3}, {1, 0.1, 100, 5}, {0.01, 0, 100, 1}, {0.2, 0.5, 7, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_split split = {0};
        kt_split_options options = {.seed = 5,
                                    .test_cells = cases[i].test,
                                    .validation = cases[i].validation,
                                    .most_validation = cases[i].most};
        OK(kt_split_make(&split, &samples, &options, &err));
        assert_int_equal(count_test(&split, s), cases[i].cells);
        check_rows(&split, s, &options);
        kt_split_clear(&split);
    }
    /* one row is left to train on */
    kt_split split = {0};
    OK(kt_split_make(&split, &samples,
                     &(kt_split_options){.seed = 5, .validation = 1, .most_validation = 1000}, &err));
    assert_int_equal(split.n_train, 1);
    assert_int_equal(split.n_validation, 209);
    kt_split_clear(&split);
    kt_samples_clear(&samples);
}

/* Validation rows are a uniform sample: over seeds each row is chosen equally often, near and far ones alike;
 * training rows have no order left. */
static void rows_are_drawn_uniformly(void **state)
{
    (void)state;
    enum { ROWS = 50, ROUNDS = 4000 };
    static const made_cell cells[] = {{10, 1, ROWS, "c1"}};
    size_t chosen[ROWS] = {0}, neighbours = 0, ascending = 0;
    kt_samples samples = {.d = 0};
    add_service(&samples, "a", KT_CELLS_COLUMN, cells, 1);
    OK(kt_samples_finish(&samples, &err));
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        kt_split split = {0};
        const kt_split_options how = {
            .seed = seed, .test_cells = 0.2, .validation = 0.2, .most_validation = 1000};
        OK(kt_split_make(&split, &samples, &how, &err));
        assert_int_equal(split.n_validation, 10);
        for (size_t i = 40; i < 50; i++) {
            chosen[split.row[i]]++;
            neighbours += i > 40 && split.row[i] == split.row[i - 1] + 1;
        }
        for (size_t i = 1; i < 40; i++)
            ascending += split.row[i] > split.row[i - 1];
        kt_split_clear(&split);
    }
    for (int i = 0; i < ROWS; i++) /* 800 expected, sd 25 */
        if (chosen[i] < 680 || chosen[i] > 920)
            fail_msg("row %d was chosen %zu times of 4000", i, chosen[i]);
    /* 49 pairs of neighbours, each with 10/50 9/49: 1.8 a round, sd of the mean below 0.02 */
    double pairs = (double)neighbours / ROUNDS, rising = (double)ascending / (39. * ROUNDS);
    assert_true(fabs(pairs - 1.8) < 0.1);
    assert_true(fabs(rising - 0.5) < 0.01);
    kt_samples_clear(&samples);
}

/* Each cell is held out by exactly one fold, in services that share cells by the same one; folds differ by at
 * most one cell, and neighbours in load go to different ones. */
static void folds_deal_all_cells(void **state)
{
    (void)state;
    enum { FOLDS = 5, CELLS = 26 };
    kt_samples samples;
    size_t first_fold[CELLS] = {0}, differ = 0;
    read_sample(&samples);
    for (uint64_t seed = 0; seed < 20; seed++) {
        size_t fold_of[CELLS] = {0}, times[CELLS] = {0};
        for (int f = 0; f < FOLDS; f++) {
            kt_split splits[4] = {{0}};
            kt_split_options options = usual;
            options.seed = seed;
            options.folds = FOLDS;
            options.fold = f;
            OK(kt_split_make(splits, &samples, &options, &err));
            for (size_t i = 0; i < samples.n_services; i++) {
                check_rows(&splits[i], &samples.services[i], &options);
                assert_memory_equal(splits[i].cell_test, splits[0].cell_test, CELLS);
            }
            size_t held_out = count_test(&splits[0], &samples.services[0]);
            assert_true(held_out == CELLS / FOLDS || held_out == CELLS / FOLDS + 1);
            for (size_t c = 0; c < CELLS; c++) {
                times[c] += splits[0].cell_test[c];
                fold_of[c] = splits[0].cell_test[c] ? (size_t)f : fold_of[c];
            }
            clear_splits(splits, samples.n_services);
        }
        for (size_t c = 0; c < CELLS; c++) {
            assert_int_equal(times[c], 1);
            differ += fold_of[c] != first_fold[c];
            first_fold[c] = seed == 0 ? fold_of[c] : first_fold[c];
        }
    }
    assert_true(differ > 10 * CELLS); /* the seed decides */
    kt_samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties),
        cmocka_unit_test(subset_of_services),
        cmocka_unit_test(every_cell_has_its_turn),
        cmocka_unit_test(what_the_draw_depends_on),
        cmocka_unit_test(cut_labels),
        cmocka_unit_test(few_cells),
        cmocka_unit_test(shares),
        cmocka_unit_test(rows_are_drawn_uniformly),
        cmocka_unit_test(folds_deal_all_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
