/* Entries with several members: what they answer, in tables, and in a .keras file, which has but the best. */
#include "../scratch.h"
#include "kt/file.h"
#include "kt/grid.h"
#include "kt/keras.h"
#include "sample_archive.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define GOOD(call) assert_int_equal(call, KT_OK)

/* The predictor's tests say what an ensemble answers; here, that all members are asked. */
static void an_entry_answers_with_all_its_members(void **state)
{
    (void)state;
    const double x[] = {12, 2};
    kt_archive archive;
    sample_ensembles(&archive);
    for (size_t i = 0; i < archive.n_entries; i++) {
        const kt_archive_entry *entry = &archive.entries[i];
        kt_predictor *all = NULL, *one = NULL;
        size_t n = kt_archive_members(entry);
        double average = 0;
        assert_int_equal(n, i == 1 ? 3 : i == 2 ? 2 : 1);
        assert_int_equal(kt_archive_predictor(&all, entry, KT_ISA_GENERIC, NULL), KT_OK);
        kt_mixture mixture = kt_predict_point(all, x);
        assert_int_equal(mixture.n, 3 * n);
        for (size_t m = 0; m < n; m++) {
            const kt_model *model = &kt_archive_member(entry, m)->model;
            assert_int_equal(kt_predictor_create(&one, model, KT_ISA_GENERIC, NULL), KT_OK);
            kt_mixture own = kt_predict_point(one, x);
            average += kt_mixture_cdf(&own, 0.01) / (double)n;
            kt_predictor_destroy(one);
        }
        assert_true(fabs(kt_mixture_cdf(&mixture, 0.01) - average) < 1e-14);
        kt_predictor_destroy(all);
    }
    kt_archive_clear(&archive);
}

/* An ensemble's table is the average of its members' tables; in ERV's form the weights sum to 1 exactly. */
static void tables_are_of_all_members(void **state)
{
    (void)state;
    static const double at[] = {12.5, 2, 34, 3};
    const kt_serving serving = {1, NAN};
    kt_archive archive;
    kt_grid all, erv, one[2];
    sample_ensembles(&archive);
    const kt_archive_entry *entry = &archive.entries[2];
    GOOD(kt_grid_make(&all, entry, &serving, at, 2, KT_GRID_PLAIN, KT_ISA_GENERIC, NULL));
    GOOD(kt_grid_make(&erv, entry, &serving, at, 2, KT_GRID_ERV, KT_ISA_GENERIC, NULL));
    for (size_t m = 0; m < 2; m++) {
        kt_archive_entry alone = *entry;
        alone.n_more = 0;
        alone.fitted = *kt_archive_member(entry, m);
        GOOD(kt_grid_make(&one[m], &alone, &serving, at, 2, KT_GRID_PLAIN, KT_ISA_GENERIC, NULL));
    }
    assert_int_equal(all.components, 6);
    assert_int_equal(erv.components, 6);
    for (size_t p = 0; p < 2; p++) {
        kt_mixture mixture = kt_grid_mixture(&all, p), rounded = kt_grid_mixture(&erv, p);
        kt_mixture first = kt_grid_mixture(&one[0], p), second = kt_grid_mixture(&one[1], p);
        double sum = 0;
        for (double y = 1e-4; y < 1; y *= 2) {
            double average = 0.5 * (kt_mixture_cdf(&first, y) + kt_mixture_cdf(&second, y));
            assert_true(fabs(kt_mixture_cdf(&mixture, y) - average) < 1e-14);
            assert_true(fabs(kt_mixture_cdf(&rounded, y) - average) < 1e-8);
        }
        for (int j = 0; j < rounded.n; j++)
            sum += rounded.weight[j];
        assert_true(sum == 1);
    }
    kt_grid_clear(&all);
    kt_grid_clear(&erv);
    kt_grid_clear(&one[0]);
    kt_grid_clear(&one[1]);
    kt_archive_clear(&archive);
}

static void a_keras_file_has_the_best_member(void **state)
{
    (void)state;
    kt_archive archive;
    char *data = NULL, *alone = NULL;
    size_t n = 0, n_alone = 0;
    kt_archive_entry back = {.name = NULL};
    kt_keras_origin origin = {0};
    kt_predictor *was = NULL, *is = NULL;
    kt_error err = {0};
    sample_ensembles(&archive);
    kt_archive_entry *entry = &archive.entries[1];
    GOOD(kt_keras_write(&data, &n, entry, &archive, KT_KERAS_2, &err));
    GOOD(kt_file_write("model.keras", data, n, NULL));
    GOOD(kt_keras_read(&back, &origin, "model.keras", -1, &err));
    assert_int_equal(kt_predictor_create(&was, &entry->fitted.model, KT_ISA_GENERIC, NULL), KT_OK);
    assert_int_equal(kt_predictor_create(&is, &back.fitted.model, KT_ISA_GENERIC, NULL), KT_OK);
    kt_mixture best = kt_predict_point(was, (double[]){12, 2}),
               read = kt_predict_point(is, (double[]){12, 2});
    assert_int_equal(read.n, best.n);
    for (double y = 1e-4; y < 1; y *= 2)
        assert_true(fabs(kt_mixture_cdf(&read, y) - kt_mixture_cdf(&best, y)) < 1e-6);
    kt_predictor_destroy(was);
    kt_predictor_destroy(is);
    assert_int_equal(back.n_more, 0);
    assert_non_null(memmem(data, n, "\"best_of\":3", 11));
    size_t n_more = entry->n_more;
    entry->n_more = 0;
    GOOD(kt_keras_write(&alone, &n_alone, entry, &archive, KT_KERAS_2, &err));
    entry->n_more = n_more;
    assert_null(memmem(alone, n_alone, "best_of", 7));
    free(data);
    free(alone);
    kt_archive_entry_clear(&back);
    kt_keras_origin_clear(&origin);
    kt_archive_clear(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_answers_with_all_its_members),
        cmocka_unit_test(tables_are_of_all_members),
        cmocka_unit_test_setup_teardown(a_keras_file_has_the_best_member, scratch_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
