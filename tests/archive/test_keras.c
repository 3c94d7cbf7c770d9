#include "sample_networks.h"

#include "../scratch.h"
#include "keras_private.h"
#include "kt/file.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static kt_error err;

#define OK(call)                                                                                             \
    do {                                                                                                     \
        err = (kt_error){0};                                                                                 \
        if ((call) != KT_OK)                                                                                 \
            fail_msg("%s", err.message);                                                                     \
    } while (0)

static void write_file(const char *path, const kt_archive *archive, size_t i, kt_keras_flavour flavour)
{
    char *data;
    size_t n;
    OK(kt_keras_write(&data, &n, &archive->entries[i], archive, flavour, &err));
    OK(kt_file_write(path, data, n, &err));
    free(data);
}

/* Inside the hull, at the rates that KubeTwin asks for, and far outside. */
static const double points[][2] = {{20, 2}, {1, 1}, {40, 4}, {13.37, 3}, {0, 1}, {34, 2}, {150, 9}};
enum { N_POINTS = sizeof points / sizeof *points };

/* The farthest that two models' mixtures are apart: weights absolute, the others relative. */
static double distance(const kt_model *a, const kt_model *b)
{
    kt_predictor *predictors[2];
    double most = 0;
    OK(kt_predictor_create(&predictors[0], a, KT_ISA_GENERIC, &err));
    OK(kt_predictor_create(&predictors[1], b, KT_ISA_GENERIC, &err));
    for (size_t p = 0; p < N_POINTS; p++) {
        kt_mixture x = kt_predict_point(predictors[0], points[p]),
                   y = kt_predict_point(predictors[1], points[p]);
        assert_int_equal(x.n, y.n);
        assert_int_equal(x.family, y.family);
        for (int j = 0; j < x.n; j++) {
            double spread =
                x.family >= KT_LOGNORMAL ? fmax(fabs(x.concentration[j]), x.scale[j]) : x.concentration[j];
            most = fmax(most, fabs(x.weight[j] - y.weight[j]));
            most = fmax(most, fabs(x.concentration[j] - y.concentration[j]) / spread);
            most = fmax(most, fabs(x.scale[j] / y.scale[j] - 1));
        }
    }
    kt_predictor_destroy(predictors[0]);
    kt_predictor_destroy(predictors[1]);
    return most;
}

static void every_network_comes_back(void **state)
{
    (void)state;
    kt_archive archive;
    sample_networks(&archive);
    for (size_t i = 0; i < archive.n_entries; i++)
        for (int flavour = 0; flavour < 2; flavour++) {
            kt_archive_entry back = {.name = NULL};
            kt_keras_origin origin;
            const kt_model *model = &archive.entries[i].fitted.model;
            write_file("m.keras", &archive, i, (kt_keras_flavour)flavour);
            OK(kt_keras_read(&back, &origin, "m.keras", -1, &err));
            assert_string_equal(origin.service, archive.entries[i].name);
            assert_true(origin.hull && origin.d == 2 && strcmp(origin.feature[1], "rep") == 0);
            assert_true(origin.floor_shift == 0);
            const kt_model *copy = &back.fitted.model;
            assert_memory_equal(&copy->net, &model->net, sizeof copy->net);
            assert_int_equal(copy->hull.n, 4);
            assert_true(copy->floor == model->floor);
            double d = distance(model, copy);
            if (d > 5e-6)
                fail_msg("%s: %g", archive.entries[i].name, d);
            kt_archive_entry_clear(&back);
            kt_keras_origin_clear(&origin);
        }
    kt_archive_clear(&archive);
}

static void the_same_model_gives_the_same_bytes(void **state)
{
    (void)state;
    kt_archive archive;
    char *first, *second;
    size_t n, m;
    sample_archive(&archive);
    for (size_t i = 0; i < archive.n_entries; i++) {
        OK(kt_keras_write(&first, &n, &archive.entries[i], &archive, KT_KERAS_2, &err));
        OK(kt_keras_write(&second, &m, &archive.entries[i], &archive, KT_KERAS_2, &err));
        assert_int_equal(n, m);
        assert_memory_equal(first, second, n);
        free(first);
        free(second);
    }
    kt_archive_clear(&archive);
}

/* ---- the check is one: what it is told apart from ---- */

static void refuses(const keras_net *net, const kt_model *model, const char *words)
{
    err = (kt_error){0};
    if (keras_check(net, model, "m", &err) != KT_NUMERIC)
        fail_msg("not found: %s", words);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
}

static void a_network_that_answers_otherwise_is_found(void **state)
{
    (void)state;
    keras_net net;
    kt_model model = {.params = NULL};
    sample_network(&model, 0);
    OK(keras_from_model(&net, &model, &err));
    OK(keras_check(&net, &model, "m", &err));

    keras_head swap = net.head[1]; /* what Keras does silently where heads lie at other depths */
    net.head[1] = net.head[2];
    net.head[2] = swap;
    refuses(&net, &model, "concentration 0");
    net.head[2] = net.head[1];
    net.head[1] = swap;

    net.head[2].dense.bias[3] += 1e-5f;
    refuses(&net, &model, "scale 3");
    net.head[2].dense.bias[3] -= 1e-5f;
    net.head[0].dense.bias[2] += 1e-4f;
    refuses(&net, &model, "weight ");
    net.head[0].dense.bias[2] -= 1e-4f;
    net.mean[0] += 1e-3f;
    refuses(&net, &model, "");
    net.mean[0] -= 1e-3f;
    net.variance[1] *= 1.0001f;
    refuses(&net, &model, "");
    net.variance[1] /= 1.0001f;
    net.hidden[1].kernel[7] = NAN;
    refuses(&net, &model, "nan");
    keras_net_clear(&net);
    kt_model_clear(&model);
}

/* Means far from 0 and features of tiny spread: what single floats hold badly. */
static void features_of_any_size(void **state)
{
    (void)state;
    static const struct {
        double mean, sd;
    } scales[] = {{1000.37, 0.5}, {1e-9, 3e-10}, {1e9, 4e8}, {2, 1}};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        kt_archive archive;
        char *data;
        size_t n;
        sample_features(&archive);
        archive.n_entries = 1;
        archive.entries = sample_new(1, sizeof *archive.entries);
        archive.entries[0].name = sample_text("s");
        kt_model *model = &archive.entries[0].fitted.model;
        sample_network(model, 0);
        model->scaler.mean[0] = scales[i].mean;
        model->scaler.sd[0] = scales[i].sd;
        for (size_t c = 0; c < model->hull.n; c++) {
            double *x = &model->hull.vertex[2 * c];
            x[0] = (double)(float)(scales[i].mean + (x[0] > 20 ? 2 : -2) * scales[i].sd);
        }
        OK(kt_keras_write(&data, &n, &archive.entries[0], &archive, KT_KERAS_2, &err));
        free(data);
        kt_archive_clear(&archive);
    }
}

/* ---- the tree ---- */

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Writes a model under each of the names; they are put in byte order. */
static kt_status export_names(const char *folder, const char **names, size_t n)
{
    kt_archive archive;
    const kt_archive_entry *entries[16];
    const kt_keras_options options = {.dataset = NULL};
    sample_features(&archive);
    archive.n_entries = n;
    archive.entries = sample_new(n, sizeof *archive.entries);
    qsort(names, n, sizeof *names, by_bytes);
    for (size_t i = 0; i < n; i++) {
        archive.entries[i].name = sample_text(names[i]);
        sample_network(&archive.entries[i].fitted.model, 0);
        entries[i] = &archive.entries[i];
    }
    err = (kt_error){0};
    kt_status status = kt_keras_export(folder, &archive, entries, n, &options, &err);
    kt_archive_clear(&archive);
    return status;
}

static void names_stay_in_the_tree_and_apart(void **state)
{
    (void)state;
    const char *names[] = {"..",  ".", "../../up", "a/b",      "a%2Fb", "a%2fb",
                           "a b", "/", "\n",       "\xc3\xa4", "~",     "-rf"};
    const size_t n = sizeof names / sizeof *names;
    char **found, path[400];
    size_t n_found;
    OK(export_names("out", names, n));
    OK(kt_folder_list(&found, &n_found, ".", &err));
    assert_int_equal(n_found, 1);
    free_names(found, n_found);
    OK(kt_folder_list(&found, &n_found, "out/saved_models", &err));
    assert_int_equal(n_found, n);
    for (size_t i = 0; i < n; i++) { /* and each file says whose it is */
        kt_archive_entry entry = {.name = NULL};
        kt_keras_origin origin;
        size_t known = 0;
        snprintf(path, sizeof path, "out/saved_models/%s/model/model.keras", found[i]);
        OK(kt_keras_read(&entry, &origin, path, -1, &err));
        while (known < n && (!names[known] || strcmp(names[known], origin.service) != 0))
            known++;
        assert_in_range(known, 0, n - 1);
        names[known] = NULL;
        kt_archive_entry_clear(&entry);
        kt_keras_origin_clear(&origin);
    }
    free_names(found, n_found);
}

static void a_name_too_long_for_a_folder_leaves_nothing(void **state)
{
    (void)state;
    char slashes[101];
    const char *names[] = {"cart", slashes};
    char **found;
    size_t n_found;
    memset(slashes, '/', 100); /* each needs three bytes */
    slashes[100] = '\0';
    assert_int_equal(export_names("out", names, 2), KT_INPUT);
    assert_non_null(strstr(err.message, "300"));
    OK(kt_folder_list(&found, &n_found, ".", &err));
    assert_int_equal(n_found, 0);
    free_names(found, n_found);
}

/* ---- damage ---- */

/* Reads what is in m.keras: an answer or a message, nothing else. */
static kt_status read_any(void)
{
    kt_archive_entry entry = {.name = NULL};
    kt_keras_origin origin;
    err = (kt_error){0};
    kt_status status = kt_keras_read(&entry, &origin, "m.keras", -1, &err);
    assert_true(status == KT_OK || strncmp(err.message, "m.keras", 7) == 0);
    kt_archive_entry_clear(&entry);
    kt_keras_origin_clear(&origin);
    return status;
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    kt_archive archive;
    char *data;
    size_t n, taken = 0;
    sample_archive(&archive);
    OK(kt_keras_write(&data, &n, &archive.entries[1], &archive, KT_KERAS_2, &err));
    kt_archive_clear(&archive);
    for (size_t length = 0; length < n; length += 97) {
        OK(kt_file_write("m.keras", data, length, &err));
        assert_int_equal(read_any(), KT_INPUT);
    }
    for (size_t at = 0; at < n; at += 13) { /* a checksum covers the content, not every byte of the zip */
        data[at] = (char)(data[at] ^ 0x20);
        OK(kt_file_write("m.keras", data, n, &err));
        taken += read_any() == KT_OK;
        data[at] = (char)(data[at] ^ 0x20);
    }
    assert_in_range(taken, 0, n / 13 / 20);
    OK(kt_file_write("m.keras", data, n, &err));
    assert_int_equal(read_any(), KT_OK);
    free(data);
}

static void what_is_no_such_file(void **state)
{
    (void)state;
    kt_archive_entry entry = {.name = NULL};
    kt_keras_origin origin;
    OK(kt_file_write("m.keras", "weights", 7, &err));
    assert_int_equal(read_any(), KT_INPUT);
    err = (kt_error){0};
    assert_int_equal(kt_keras_read(&entry, &origin, "none.keras", -1, &err), KT_IO);
    kt_archive_entry_clear(&entry);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
    const struct CMUnitTest tests[] = {
        TEST(every_network_comes_back),
        TEST(the_same_model_gives_the_same_bytes),
        TEST(a_network_that_answers_otherwise_is_found),
        TEST(features_of_any_size),
        TEST(names_stay_in_the_tree_and_apart),
        TEST(a_name_too_long_for_a_folder_leaves_nothing),
        TEST(damaged_files_are_refused),
        TEST(what_is_no_such_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
