/* Archives that were changed on their way: by one bit anywhere, by a cut, and by someone who fits the digest
 * too. */
#include "../scratch.h"
#include "archive_private.h"
#include "kt/file.h"
#include "sample_archive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static size_t write_small(void)
{
    kt_archive archive;
    kt_error err = {0};
    char *data = NULL;
    size_t n = 0;
    sample_features(&archive);
    archive.n_entries = 1;
    archive.entries = sample_new(1, sizeof *archive.entries);
    sample_entry(&archive.entries[0], "web", KT_WEIBULL, true, 2);
    sample_members(&archive.entries[0], 1);
    archive.sweep = sample_text("{\"trials\":3}");
    if (kt_archive_write("models.h5", &archive, NULL, NULL, &err) != KT_OK)
        fail_msg("%s", err.message);
    kt_archive_clear(&archive);
    assert_int_equal(kt_file_read(&data, &n, "models.h5", NULL), KT_OK);
    free(data);
    return n;
}

static void put_byte(int file, size_t at, uint8_t value)
{
    assert_int_equal(pwrite(file, &value, 1, (off_t)at), 1);
}

/* Every byte, with each of its bits flipped in turn over the offsets, and all eight in the block. */
static void every_flipped_byte_is_found(void **state)
{
    (void)state;
    size_t n = write_small();
    int file = open("models.h5", O_RDWR);
    assert_true(file >= 0 && n > ARCHIVE_BLOCK);
    for (size_t at = 0; at < n; at++) {
        uint8_t byte;
        assert_int_equal(pread(file, &byte, 1, (off_t)at), 1);
        int first = at < ARCHIVE_BLOCK ? 0 : (int)(at % 8), last = at < ARCHIVE_BLOCK ? 7 : first;
        for (int bit = first; bit <= last; bit++) {
            put_byte(file, at, (uint8_t)(byte ^ 1 << bit));
            kt_status status = kt_archive_verify("models.h5", NULL, NULL);
            if (status != KT_INPUT && status != KT_UNSUPPORTED)
                fail_msg("byte %zu, bit %d: %s", at, bit, kt_status_text(status));
        }
        put_byte(file, at, byte);
    }
    assert_int_equal(kt_archive_verify("models.h5", NULL, NULL), KT_OK);
    close(file);
}

static void refuse(const char *said)
{
    kt_archive archive;
    kt_error err = {0};
    kt_status status = kt_archive_read(&archive, "models.h5", &err);
    if (status != KT_INPUT && status != KT_UNSUPPORTED)
        fail_msg("\"%s\": %s", said, kt_status_text(status));
    if (!strstr(err.message, said))
        fail_msg("\"%s\" does not say \"%s\"", err.message, said);
}

static void messages_say_where(void **state)
{
    (void)state;
    size_t n = write_small();
    int file = open("models.h5", O_RDWR);
    put_byte(file, 100, 'x');
    refuse("models.h5: damaged at byte 100");
    put_byte(file, 100, 0);
    put_byte(file, n - 1, 'x');
    refuse("models.h5: damaged: its bytes from 512 on");
    put_byte(file, 11, '3');
    refuse("models.h5: kt-archive version 3 is newer");
    assert_true(kt_archive_claimed("models.h5"));
    put_byte(file, 0, 'K');
    refuse("models.h5: is not an archive");
    assert_false(kt_archive_claimed("models.h5"));
    assert_false(kt_archive_claimed("missing.h5"));
    close(file);
}

static void cut_archives_are_refused(void **state)
{
    (void)state;
    const size_t n = write_small(), sizes[] = {n - 1, n / 2, 513, 512, 511, 78, 77, 20, 3, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        kt_archive archive;
        assert_int_equal(truncate("models.h5", (off_t)sizes[i]), 0);
        assert_int_equal(kt_archive_verify("models.h5", NULL, NULL), KT_INPUT);
        assert_int_equal(kt_archive_read(&archive, "models.h5", NULL), KT_INPUT);
    }
    assert_int_equal(remove("models.h5"), 0);
    assert_int_equal(kt_archive_verify("models.h5", NULL, NULL), KT_IO);
    assert_int_equal(kt_file_write("models.h5", "rps_eff,rep\n1,2\n", 16, NULL), KT_OK);
    refuse("is not an archive");
}

/* ---- well-formed HDF5 with a right digest, and wrong content ---- */

typedef struct {
    const char *attribute; /* or dataset */
    int64_t whole;
    double real;
    const char *text;
    const char *said;
} wrong;

static const wrong right = {.attribute = ""};
static const double zeros[2 * KT_FEATURES_MAX] = {0}, ones[4] = {1, 1, 1, 1};

#define DO(call)             assert_int_equal(call, KT_OK)
#define IS(name)             (strcmp(w->attribute, name) == 0)
#define INT(h, name, value)  DO(kt_h5_put_int(h, name, IS(name) ? w->whole : (value), NULL))
#define REAL(h, name, value) DO(kt_h5_put_real(h, name, IS(name) ? w->real : (value), NULL))
#define TEXT(h, name, value) DO(kt_h5_put_text(h, name, IS(name) ? w->text : (value), NULL))

static void write_rows(kt_h5 *model, const wrong *w)
{
    const uint64_t pit[KT_PIT_BINS] = {10};
    kt_cell_score cell;
    sample_cell(&cell, 0);
    TEXT(model, "target", "proc");
    TEXT(model, "cells_by", "bins");
    TEXT(model, "data", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    INT(model, "n_train", 10);
    INT(model, "n_validation", 2);
    INT(model, "n_test", 3);
    DO(kt_h5_put(model, "sketch", KT_H5_U64, IS("sketch") ? 2 : 1, 0, pit + 1, NULL));
    if (IS("role"))
        memset(&cell.role, 77, sizeof cell.role);
    if (IS("interior"))
        memset(&cell.interior, 2, sizeof cell.interior);
    cell.rows = IS("rows") ? 11 : 10;
    DO(kt_h5_put_table(model, "cells", cell_fields, CELL_FIELDS, &cell, sizeof cell, 1, NULL));
    DO(kt_h5_put(model, "cell_mean", KT_H5_F64, IS("cell_mean") ? 2 : 1, 1, ones, NULL));
    DO(kt_h5_put(model, "pit", KT_H5_U64, 1, KT_PIT_BINS, pit, NULL));
}

static void write_member(kt_h5 *service, const char *name, const wrong *w)
{
    const float params[64] = {0};
    const int32_t width[1] = {1};
    kt_look look = {.step = 1};
    kt_h5 *model = NULL;
    DO(kt_h5_group_create(&model, service, name, NULL));
    TEXT(model, "family", "weibull");
    TEXT(model, "head", "exp");
    TEXT(model, "activation", "tanh");
    INT(model, "inputs", 1);
    INT(model, "components", 1);
    INT(model, "batch_norm", 0);
    INT(model, "constant_features", 0);
    REAL(model, "scale", 1.0);
    REAL(model, "floor", 0.0);
    DO(kt_h5_put(model, "hidden", KT_H5_I32, IS("hidden") ? 0 : 1, 0, width, NULL));
    DO(kt_h5_put(model, "parameters", KT_H5_F32, IS("parameters") ? (size_t)w->whole : 8, 0, params, NULL));
    DO(kt_h5_put(model, "scaler", KT_H5_F64, 2, 1, IS("scaler") ? zeros : ones, NULL));
    DO(kt_h5_put(model, "hull", KT_H5_F64, IS("hull") ? 1 : 2, 1, ones, NULL));
    INT(model, "batch", 16);
    INT(model, "steps", 100);
    INT(model, "floored", 0);
    INT(model, "flags", 0);
    INT(model, "best_look", 0);
    DO(kt_h5_put_table(model, "looks", look_fields, LOOK_FIELDS, &look, sizeof look, 1, NULL));
    if (strcmp(name, "0") == 0)
        write_rows(model, w);
    DO(kt_h5_close(model, NULL));
}

/* An archive as the library writes it, but for one attribute, or its parameters, or its features. second: the
 * name of a second member, whose attribute it is; or NULL. */
static void write_wrong(const wrong *w, const char *second)
{
    kt_h5 *file = NULL, *models = NULL, *service = NULL;
    kt_archive_refused refused;
    DO(kt_h5_create(&file, "models.h5", ARCHIVE_BLOCK, NULL));
    TEXT(file, "schema", KT_ARCHIVE_SCHEMA);
    INT(file, "version", KT_ARCHIVE_VERSION);
    INT(file, "numerics", KT_NUMERICS);
    const char *features = IS("features") ? w->text : "[\"rps_eff\"]";
    DO(kt_h5_put_bytes(file, "config", "{}", 2, NULL));
    DO(kt_h5_put_bytes(file, "features", features, strlen(features), NULL));
    DO(kt_h5_group_create(&models, file, "models", NULL));
    DO(kt_h5_group_create(&service, models, "web", NULL));
    TEXT(service, "name", "web");
    write_member(service, "0", second ? &right : w);
    if (second)
        write_member(service, second, w);
    DO(kt_h5_put_table(file, "refused", refused_fields, REFUSED_FIELDS, &refused, sizeof refused, 0, NULL));
    DO(kt_h5_close(service, NULL));
    DO(kt_h5_close(models, NULL));
    DO(kt_h5_close(file, NULL));
}
#undef TEXT
#undef REAL
#undef INT
#undef IS
#undef DO

static void wrong_content_is_refused_with_its_place(void **state)
{
    (void)state;
    static const wrong cases[] = {
        {"schema", 0, 0, "kt-dataset", "kt-dataset"},
        {"version", KT_ARCHIVE_VERSION + 1, 0, NULL, "version"},
        {"numerics", 0, 0, NULL, "numerics: 0"},
        {"features", 0, 0, "[]", ":/features"},
        {"features", 0, 0, "[\"a\",7]", ":/features: number 1"},
        {"features", 0, 0, "[\"a\",\"b\"]", "/models/web/0/inputs: 1"},
        {"features", 0, 0, "{oops", ":/features"},
        {"name", 0, 0, "other", ":/models/web: the name \"other\""},
        {"family", 0, 0, "cauchy", "/models/web/0/family: \"cauchy\""},
        {"family", 0, 0, "weibull|gamma", "/models/web/0/family"},
        {"head", 0, 0, "", "/models/web/0/head"},
        {"activation", 0, 0, "tan", "/models/web/0/activation"},
        {"inputs", 16, 0, NULL, "/models/web/0/inputs: 16"},
        {"components", 65, 0, NULL, "/models/web/0/components: 65"},
        {"components", -1, 0, NULL, "/models/web/0/components: -1"},
        {"batch_norm", 2, 0, NULL, "/models/web/0/batch_norm: 2"},
        {"constant_features", 2, 0, NULL, "constant features 0x2"},
        {"scale", 0, 0, NULL, "target scale 0"},
        {"floor", 0, -1, NULL, "floor -1"},
        {"hidden", 0, 0, NULL, "/models/web/0"},
        {"parameters", 9, 0, NULL, "/models/web/0/parameters"},
        {"parameters", 7, 0, NULL, "/models/web/0/parameters"},
        {"scaler", 0, 0, NULL, "/models/web/0/scaler: column 0"},
        {"hull", 0, 0, NULL, "/models/web/0/hull: 1 points"},
        {"target", 0, 0, "delay", "/models/web/0/target"},
        {"cells_by", 0, 0, "guess", "/models/web/0/cells_by"},
        {"data", 0, 0, "0123", "/models/web/0/data"},
        {"data", 0, 0, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
         "/models/web/0/data"},
        {"n_train", -1, 0, NULL, "/models/web/0/n_train: -1"},
        {"batch", 0, 0, NULL, "/models/web/0/batch: 0"},
        {"best_look", 1, 0, NULL, "best look is 1 of 1"},
        {"sketch", 0, 0, NULL, "/models/web/0/sketch"},
        {"role", 0, 0, NULL, "/models/web/0/cells: cell 0"},
        {"interior", 0, 0, NULL, "/models/web/0/cells: cell 0"},
        {"rows", 0, 0, NULL, "/models/web/0/pit: row 0 counts 10 rows of 11"},
        {"cell_mean", 0, 0, NULL, "/models/web/0/cell_mean"},
    };
    char digest[KT_DIGEST_HEX];
    kt_archive archive;
    kt_error err = {0};
    write_wrong(&right, NULL);
    assert_int_equal(archive_seal(digest, "models.h5", 1, NULL), KT_OK);
    if (kt_archive_read(&archive, "models.h5", &err) !=
        KT_OK) /* so that what is refused below is what is wrong */
        fail_msg("%s", err.message);
    kt_archive_clear(&archive);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(remove("models.h5"), 0);
        write_wrong(&cases[i], NULL);
        assert_int_equal(archive_seal(digest, "models.h5", KT_ARCHIVE_VERSION, NULL), KT_OK);
        refuse(cases[i].said);
    }
}

static void wrong_members_are_refused_with_their_place(void **state)
{
    (void)state;
    static const wrong cases[] = {
        {"family", 0, 0, "gamma", "/models/web: member 1 is gamma of 1 inputs, the best weibull of 1"},
        {"inputs", 2, 0, NULL, "/models/web/1"},
        {"scale", 0, 0, NULL, "/models/web/1: target scale 0"},
        {"best_look", 1, 0, NULL, "/models/web/1: the best look is 1 of 1"},
    };
    char digest[KT_DIGEST_HEX];
    kt_archive archive;
    kt_error err = {0};
    write_wrong(&right, "1");
    assert_int_equal(archive_seal(digest, "models.h5", KT_ARCHIVE_VERSION, NULL), KT_OK);
    if (kt_archive_read(&archive, "models.h5", &err) != KT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(archive.entries[0].n_more, 1);
    kt_archive_clear(&archive);
    assert_int_equal(remove("models.h5"), 0);
    write_wrong(&right, "2"); /* member 1 is missing */
    assert_int_equal(archive_seal(digest, "models.h5", KT_ARCHIVE_VERSION, NULL), KT_OK);
    refuse("/models/web/1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(remove("models.h5"), 0);
        write_wrong(&cases[i], "1");
        assert_int_equal(archive_seal(digest, "models.h5", KT_ARCHIVE_VERSION, NULL), KT_OK);
        refuse(cases[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_flipped_byte_is_found, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(messages_say_where, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(cut_archives_are_refused, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(wrong_content_is_refused_with_its_place, scratch_enter,
                                        scratch_leave),
        cmocka_unit_test_setup_teardown(wrong_members_are_refused_with_their_place, scratch_enter,
                                        scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
