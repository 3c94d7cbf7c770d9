#include "../memory.h"
#include "../scratch.h"
#include "kt/digest.h"
#include "kt/file.h"
#include "kt/h5.h"
#include "sample_archive.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void succeed(kt_status status, const kt_error *err)
{
    if (status != KT_OK)
        fail_msg("%s", err->message);
}

static void same_entry(const kt_archive_entry *a, const kt_archive_entry *b)
{
    const char *field = sample_difference(a, b);
    if (field)
        fail_msg("%s: %s differs", a->name, field);
}

static void check_round_trip(void (*make)(kt_archive *archive), int version)
{
    kt_error err = {0};
    kt_archive archive, back;
    make(&archive);
    archive.entries[2].cells[1].ks = NAN; /* a model that is no distribution there */
    archive.entries[2].cells[1].error[2] = INFINITY;
    succeed(kt_archive_write("models.h5", &archive, NULL, NULL, &err), &err);
    succeed(kt_archive_read(&back, "models.h5", &err), &err);
    assert_string_equal(back.config, archive.config);
    assert_string_equal(back.cleaning, archive.cleaning);
    assert_int_equal(back.version, version);
    assert_int_equal(back.sweep != NULL, archive.sweep != NULL);
    if (archive.sweep)
        assert_string_equal(back.sweep, archive.sweep);
    assert_int_equal(back.numerics, KT_NUMERICS);
    assert_int_equal(back.d, 2);
    assert_string_equal(back.feature[0], "rps_eff");
    assert_string_equal(back.feature[1], "rep");
    assert_int_equal(back.n_entries, archive.n_entries);
    for (size_t i = 0; i < archive.n_entries; i++)
        same_entry(&archive.entries[i], &back.entries[i]);
    assert_int_equal(back.n_refused, 1);
    assert_memory_equal(back.refused, archive.refused, sizeof *back.refused);
    kt_archive_clear(&archive);
    kt_archive_clear(&back);
}

/* Of the oldest version that can hold it. */
static void what_is_written_is_read(void **state)
{
    (void)state;
    check_round_trip(sample_archive, 1);
    check_round_trip(sample_ensembles, 2);
}

/* A file of each version there was, written when it was new: it holds the sample, and as long as the numerics
 * and HDF5 are the same it is written with the same bytes. */
static void old_versions_are_read(void **state)
{
    (void)state;
    static void (*const make[])(kt_archive *) = {sample_archive, sample_ensembles};
    for (int version = 1; version <= KT_ARCHIVE_VERSION; version++) {
        char path[4096], was[KT_DIGEST_HEX], is[KT_DIGEST_HEX];
        kt_error err = {0};
        kt_archive archive, back;
        make[version - 1](&archive);
        snprintf(path, sizeof path, "%s/fixtures/archive-%d.h5", KT_TESTS, version);
        succeed(kt_archive_verify(path, was, &err), &err);
        succeed(kt_archive_read(&back, path, &err), &err);
        assert_int_equal(back.version, version);
        assert_int_equal(back.n_entries, archive.n_entries);
        for (size_t i = 0; i < archive.n_entries; i++)
            same_entry(&archive.entries[i], &back.entries[i]);
        succeed(kt_archive_write("again.h5", &back, is, NULL, &err), &err);
        if (back.numerics == KT_NUMERICS && strcmp(kt_h5_library(), "1.10.8") == 0)
            assert_string_equal(is, was);
        kt_archive_clear(&archive);
        kt_archive_clear(&back);
    }
}

/* The options of the run, and over them those that a sweep found: of a service's own search, else of the one
 * for all. */
static void check_options(const kt_archive *archive, const char *service, const char *expected)
{
    kt_error err = {0};
    kt_json *options = NULL;
    char *text = NULL;
    succeed(kt_archive_options(&options, archive, service, &err), &err);
    succeed(kt_json_text(&text, options, 0, &err), &err);
    assert_string_equal(text, expected);
    kt_json_drop(options);
    free(text);
}

static void options_are_those_of_the_winner(void **state)
{
    (void)state;
    kt_archive archive;
    kt_json *options = NULL;
    kt_error err = {0};
    sample_archive(&archive);
    check_options(&archive, "cart.shop", "{\"family\":\"weibull\",\"seed\":7}");
    kt_archive_clear(&archive);
    sample_ensembles(&archive);
    check_options(&archive, "cart.shop",
                  "{\"family\":\"weibull\",\"layers\":\"4,3\",\"rate\":0.01,\"seed\":7}");
    check_options(&archive, "frontend.istio-dt", "{\"family\":\"gamma\",\"seed\":7}");
    check_options(&archive, "frontend.shop", "{\"family\":\"weibull\",\"seed\":7}");
    free(archive.sweep);
    archive.sweep = sample_text("{\"winners\":[{\"place\":0,\"options\":{\"seed\":9}}]}");
    check_options(&archive, "frontend.shop", "{\"family\":\"weibull\",\"seed\":9}");
    free(archive.sweep);
    archive.sweep = sample_text("{\"winners\":[");
    assert_int_equal(kt_archive_options(&options, &archive, "frontend.shop", &err), KT_INPUT);
    assert_null(options);
    assert_non_null(strstr(err.message, "/sweep"));
    kt_archive_clear(&archive);
}

static void an_archive_may_be_empty(void **state)
{
    (void)state;
    kt_error err = {0};
    kt_archive archive, back;
    sample_features(&archive);
    succeed(kt_archive_write("models.h5", &archive, NULL, NULL, &err), &err);
    succeed(kt_archive_read(&back, "models.h5", &err), &err);
    assert_int_equal(back.n_entries, 0);
    assert_int_equal(back.n_refused, 0);
    kt_archive_clear(&archive);
    kt_archive_clear(&back);
}

static void fill_stack(void)
{
    volatile char bytes[1 << 16];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
}

/* Written twice, once into a heap and stack that were used before: the same bytes, and the digest is
 * sha256sum's. */
static void bytes_depend_on_content_alone(void **state)
{
    (void)state;
    kt_error err = {0};
    kt_archive archive;
    char first[KT_DIGEST_HEX], second[KT_DIGEST_HEX], line[KT_DIGEST_HEX] = "", *a = NULL, *b = NULL;
    size_t n = 0, m = 0;
    sample_ensembles(&archive);
    succeed(kt_archive_write("a.h5", &archive, first, NULL, &err), &err);
    for (int i = 1; i < 200; i++) {
        char *dirt = malloc((size_t)i * 97);
        memset(dirt, i, (size_t)i * 97);
        free(dirt);
    }
    fill_stack();
    succeed(kt_archive_write("another name.h5", &archive, second, NULL, &err), &err);
    succeed(kt_file_read(&a, &n, "a.h5", &err), &err);
    succeed(kt_file_read(&b, &m, "another name.h5", &err), &err);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    assert_string_equal(first, second);
    succeed(kt_archive_verify("a.h5", second, &err), &err);
    assert_string_equal(first, second);
    FILE *sum = popen("sha256sum a.h5", "r");
    assert_non_null(fgets(line, sizeof line, sum));
    assert_int_equal(pclose(sum), 0);
    assert_string_equal(line, first);
    free(a);
    free(b);
    kt_archive_clear(&archive);
}

/* The first line: "kt-archive 1 " and what sha256sum says of the bytes after the block. */
static void block_is_a_line_and_zeros(void **state)
{
    (void)state;
    kt_error err = {0};
    kt_archive archive;
    char line[KT_DIGEST_HEX] = "", *data = NULL;
    size_t n = 0;
    sample_archive(&archive);
    succeed(kt_archive_write("models.h5", &archive, NULL, NULL, &err), &err);
    succeed(kt_file_read(&data, &n, "models.h5", &err), &err);
    FILE *sum = popen("tail -c +513 models.h5 | sha256sum", "r");
    assert_non_null(fgets(line, sizeof line, sum));
    assert_int_equal(pclose(sum), 0);
    assert_memory_equal(data, "kt-archive 1 ", 13);
    assert_memory_equal(data + 13, line, 64);
    assert_int_equal(data[77], '\n');
    for (size_t i = 78; i < 512; i++)
        assert_int_equal(data[i], 0);
    assert_memory_equal(data + 512, "\x89HDF\r\n\x1a\n", 8);
    free(data);
    kt_archive_clear(&archive);
}

static void refuse_find(const kt_archive *archive, const char *name, const char *said)
{
    const kt_archive_entry *entry = NULL;
    kt_error err = {0};
    assert_int_equal(kt_archive_find(&entry, archive, name, &err), KT_USAGE);
    assert_null(entry);
    if (!strstr(err.message, said))
        fail_msg("\"%s\" does not say \"%s\"", err.message, said);
}

static void services_are_found_by_name(void **state)
{
    (void)state;
    kt_archive archive;
    const kt_archive_entry *entry = NULL;
    sample_archive(&archive);
    assert_int_equal(kt_archive_find(&entry, &archive, "frontend.shop", NULL), KT_OK);
    assert_ptr_equal(entry, &archive.entries[3]);
    assert_int_equal(kt_archive_find(&entry, &archive, "cart", NULL), KT_OK);
    assert_ptr_equal(entry, &archive.entries[1]);
    refuse_find(&archive, "frontend", "frontend.istio-dt or frontend.shop");
    refuse_find(&archive, "fronted.shop", "frontend.shop");
    refuse_find(&archive, "car", "cart.shop");
    refuse_find(&archive, "zzzzzzzzzzzzzz", "no service");
    refuse_find(&archive, "", "no service");
    refuse_find(&archive, "idle", "12 rows");
    kt_archive_clear(&archive);
    sample_features(&archive);
    refuse_find(&archive, "cart", "no models");
    kt_archive_clear(&archive);
}

/* A model that is no model is not written, and nothing of the file stays. */
static kt_status forbid(void *context, kt_error *err)
{
    (void)context;
    return kt_fail(err, KT_BUSY, "no");
}

static void bad_models_are_not_written(void **state)
{
    (void)state;
    kt_archive archive;
    kt_error err = {0};
    char **names = NULL;
    size_t n = 0;
    sample_ensembles(&archive);
    archive.entries[1].more[1].model.net.family = KT_GAMMA;
    assert_int_equal(kt_archive_write("models.h5", &archive, NULL, NULL, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "cart.shop: member 2 is gamma"));
    archive.entries[1].more[1].model.net.family = KT_WEIBULL;
    kt_error_clear(&err);
    archive.entries[4].fitted.model.params[3] = NAN;
    assert_int_equal(kt_archive_write("models.h5", &archive, NULL, NULL, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "path/with/slash/parameters: number 3 is nan"));
    assert_int_equal(kt_folder_list(&names, &n, ".", NULL), KT_OK);
    assert_int_equal(n, 0);
    free(names);
    kt_error_clear(&err);
    archive.entries[4].fitted.model.params[3] = 0;
    assert_int_equal(kt_archive_write("models.h5", &archive, NULL, &(kt_file_guard){forbid, NULL}, NULL),
                     KT_BUSY);
    assert_int_equal(kt_folder_list(&names, &n, ".", NULL), KT_OK);
    assert_int_equal(n, 0);
    free(names);
    assert_int_equal(kt_archive_write("no/such/folder.h5", &archive, NULL, NULL, &err), KT_IO);
    kt_archive_clear(&archive);
}

/* After a failure of any allocation the archive that was there is whole, and nothing else is in the folder.
 */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    kt_archive archive;
    char before[KT_DIGEST_HEX], now[KT_DIGEST_HEX];
    kt_error err = {0};
    int failures = 0;
    sample_ensembles(&archive);
    archive.entries[0].n_train++; /* other bytes than the next ones */
    succeed(kt_archive_write("models.h5", &archive, before, NULL, &err), &err);
    archive.entries[0].n_train--;
    for (int n = 0;; n++) {
        allocations = n;
        kt_status status = kt_archive_write("models.h5", &archive, NULL, NULL, NULL);
        allocations = -1;
        if (status == KT_OK)
            break;
        assert_int_equal(status, KT_MEMORY);
        assert_int_equal(kt_archive_verify("models.h5", now, NULL), KT_OK);
        assert_string_equal(now, before);
        failures++;
        char **names;
        size_t count;
        assert_int_equal(kt_folder_list(&names, &count, ".", NULL), KT_OK);
        assert_int_equal(count, 1);
        free(names[0]);
        free(names);
    }
    assert_true(failures > 5);
    kt_archive_clear(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(old_versions_are_read, scratch_enter, scratch_leave),
        cmocka_unit_test(options_are_those_of_the_winner),
        cmocka_unit_test_setup_teardown(an_archive_may_be_empty, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(bytes_depend_on_content_alone, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(block_is_a_line_and_zeros, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, scratch_enter, scratch_leave),
        cmocka_unit_test(services_are_found_by_name),
        cmocka_unit_test_setup_teardown(bad_models_are_not_written, scratch_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
