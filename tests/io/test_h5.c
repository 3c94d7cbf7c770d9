#include "../scratch.h"
#include "kt/file.h"
#include "kt/h5.h"
#include <hdf5.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define OK(call)                                                                                             \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        if ((call) != KT_OK)                                                                                 \
            fail_msg("%s", err.message);                                                                     \
        assert_int_equal(err.status, KT_OK);                                                                 \
    } while (0)

/* The call fails with the status, and its message has both parts. */
#define FAILS(call, wanted, part, other)                                                                     \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        assert_int_equal((call), wanted);                                                                    \
        assert_int_equal(err.status, wanted);                                                                \
        if (!strstr(err.message, part) || !strstr(err.message, other))                                       \
            fail_msg("'%s' lacks '%s' or '%s'", err.message, part, other);                                   \
    } while (0)

/* HDF5 itself loses memory where a file is damaged or cannot be made; ours is judged by open handles. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* Every identifier that the library takes of HDF5 it gives back, after failures too. HDF5 counts those of
 * files and what is in them. It numbers the others of a kind one after the other: between two of the test's
 * own none may be valid. */
enum { N_KINDS = 3 };
static hid_t first[N_KINDS];

static void take_one_of_each(hid_t ids[N_KINDS])
{
    ids[0] = H5Screate(H5S_SCALAR);
    ids[1] = H5Tcopy(H5T_C_S1);
    ids[2] = H5Pcreate(H5P_DATASET_XFER);
    for (int kind = 0; kind < N_KINDS; kind++)
        H5Idec_ref(ids[kind]);
}

static int enter(void **state)
{
    take_one_of_each(first);
    return scratch_enter(state);
}

static int leave(void **state)
{
    hid_t last[N_KINDS];
    int left = (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    take_one_of_each(last);
    for (int kind = 0; kind < N_KINDS; kind++)
        for (hid_t id = first[kind] + 1; id < last[kind]; id++)
            left += H5Iis_valid(id) > 0;
    if (left != 0)
        print_error("%d identifiers of HDF5 are still valid\n", left);
    return scratch_leave(state) != 0 || left != 0;
}

/* For the many small files of a test, which need not survive a power failure. */
static void write_plainly(const char *path, const char *bytes, size_t n)
{
    unlink(path);
    OK(kt_file_append(path, bytes, n, false, &err));
}

typedef struct {
    char name[16];
    double cost;
    uint32_t rows;
    char note[8];
    int64_t offset;
} service;

static const kt_h5_field service_fields[] = {
    {"name", 0, offsetof(service, name), sizeof(((service *)0)->name)},
    {"cost", KT_H5_F64, offsetof(service, cost), 0},
    {"rows", KT_H5_U32, offsetof(service, rows), 0},
    {"note", 0, offsetof(service, note), sizeof(((service *)0)->note)},
    {"offset", KT_H5_I64, offsetof(service, offset), 0},
};
enum { N_FIELDS = sizeof service_fields / sizeof *service_fields, N_SERVICES = 3, N_GROUPS = 40 };

static void fill_services(service *services, int garbage)
{
    memset(services, garbage, N_SERVICES * sizeof *services);
    for (int i = 0; i < N_SERVICES; i++) {
        snprintf(services[i].name, sizeof services[i].name, "service %d", i);
        snprintf(services[i].note, sizeof services[i].note, "%s", i == 1 ? "" : "x");
        services[i].cost = 0.1 * i;
        services[i].rows = 4000000000u + (uint32_t)i;
        services[i].offset = -i;
    }
}

/* Something of every kind; `garbage` fills what must not reach the file. */
static void write_everything(const char *path, size_t user_block, int garbage)
{
    kt_h5 *file = NULL, *models = NULL, *model = NULL;
    double reals[] = {1.5, -2.25, NAN, INFINITY, 1e-310, 0.1};
    float floats[] = {1, 2, 3};
    uint8_t bytes[300];
    service services[N_SERVICES];
    fill_services(services, garbage);
    memset(bytes, 7, sizeof bytes);
    OK(kt_h5_create(&file, path, user_block, &err));
    OK(kt_h5_put_schema(file, "kt-test", 3, &err));
    OK(kt_h5_put(file, "reals", KT_H5_F64, 3, 2, reals, &err));
    OK(kt_h5_put(file, "floats", KT_H5_F32, 3, 0, floats, &err));
    OK(kt_h5_put(file, "none", KT_H5_F32, 0, 0, floats, &err));
    OK(kt_h5_put_bytes(file, "bytes", bytes, sizeof bytes, &err));
    OK(kt_h5_put_bytes(file, "no bytes", "", 0, &err));
    OK(kt_h5_put_table(file, "services", service_fields, N_FIELDS, services, sizeof *services, N_SERVICES,
                       &err));
    OK(kt_h5_put_table(file, "no services", service_fields, N_FIELDS, NULL, sizeof *services, 0, &err));
    OK(kt_h5_reserve(file, "parts", KT_H5_I32, 5, 0, &err));
    OK(kt_h5_put_rows(file, "parts", KT_H5_I32, 3, 2, (int32_t[]){3, 4}, &err));
    OK(kt_h5_put_rows(file, "parts", KT_H5_I32, 0, 2, (int32_t[]){0, 1}, &err));
    OK(kt_h5_put_text(file, "text", "μ-service", &err));
    OK(kt_h5_put_text(file, "empty", "", &err));
    OK(kt_h5_put_int(file, "int", INT64_MIN, &err));
    OK(kt_h5_put_real(file, "real", 0.1, &err));
    OK(kt_h5_group_create(&models, file, "models", &err));
    for (int i = 0; i < N_GROUPS; i++) { /* enough for HDF5's dense storage of links */
        char name[16];
        snprintf(name, sizeof name, "m%d", (i * 7) % N_GROUPS);
        OK(kt_h5_group_create(&model, models, name, &err));
        OK(kt_h5_put(model, "x", KT_H5_F64, 2, 0, reals, &err));
        for (int a = 0; a < 12; a++) { /* and of attributes */
            snprintf(name, sizeof name, "a%d", a);
            OK(kt_h5_put_int(model, name, a, &err));
        }
        OK(kt_h5_close(model, &err));
    }
    OK(kt_h5_close(file, &err)); /* before its group */
    OK(kt_h5_close(models, &err));
}

static void everything_comes_back(void **state)
{
    (void)state;
    kt_h5 *file = NULL, *models = NULL, *model = NULL;
    double reals[6];
    float floats[3];
    char *text = NULL, **names = NULL;
    int64_t integer;
    int32_t parts[5];
    size_t n, rows, columns;
    int version;
    void *table = NULL;
    write_everything("a.h5", 0, 0);
    OK(kt_h5_open(&file, "a.h5", &err));
    OK(kt_h5_check_schema(&version, file, "kt-test", 3, &err));
    assert_int_equal(version, 3);
    OK(kt_h5_get(reals, file, "reals", KT_H5_F64, 3, 2, &err));
    assert_true(reals[1] == -2.25 && isnan(reals[2]) && isinf(reals[3]) && reals[4] == 1e-310 &&
                reals[5] == 0.1);
    OK(kt_h5_get(floats, file, "floats", KT_H5_F32, 3, 0, &err));
    assert_true(floats[2] == 3);
    OK(kt_h5_get(reals, file, "floats", KT_H5_F64, 3, 0, &err));
    assert_true(reals[2] == 3);
    OK(kt_h5_shape(&rows, &columns, file, "reals", &err));
    assert_true(rows == 3 && columns == 2);
    OK(kt_h5_shape(&rows, &columns, file, "none", &err));
    assert_true(rows == 0 && columns == 0);
    OK(kt_h5_get(NULL, file, "none", KT_H5_F32, 0, 0, &err));
    OK(kt_h5_get_bytes(&text, &n, file, "bytes", &err));
    assert_true(n == 300 && text[0] == 7 && text[299] == 7 && text[300] == '\0');
    free(text);
    OK(kt_h5_get_bytes(&text, &n, file, "no bytes", &err));
    assert_true(n == 0 && text[0] == '\0');
    free(text);
    OK(kt_h5_get(parts, file, "parts", KT_H5_I32, 5, 0, &err));
    for (int i = 0; i < 5; i++)
        assert_int_equal(parts[i], i == 2 ? 0 : i);
    OK(kt_h5_get_rows(reals, file, "reals", KT_H5_F64, 1, 1, &err));
    assert_true(isnan(reals[0]) && isinf(reals[1]));
    OK(kt_h5_get_rows(reals, file, "reals", KT_H5_F64, 3, 0, &err));
    OK(kt_h5_get_text(&text, file, "text", &err));
    assert_string_equal(text, "μ-service");
    free(text);
    OK(kt_h5_get_text(&text, file, "empty", &err));
    assert_string_equal(text, "");
    free(text);
    OK(kt_h5_get_int(&integer, file, "int", &err));
    assert_true(integer == INT64_MIN);
    OK(kt_h5_get_real(reals, file, "real", &err));
    assert_true(reals[0] == 0.1);
    OK(kt_h5_get_table(&table, &n, file, "services", service_fields, N_FIELDS, sizeof(service), &err));
    assert_int_equal(n, N_SERVICES);
    service wanted[N_SERVICES];
    fill_services(wanted, 0);
    assert_memory_equal(table, wanted, sizeof wanted);
    free(table);
    OK(kt_h5_get_table(&table, &n, file, "no services", service_fields, N_FIELDS, sizeof(service), &err));
    assert_int_equal(n, 0);
    free(table);
    assert_true(kt_h5_has(file, "models") && !kt_h5_has(file, "model") && !kt_h5_has(file, "model/x"));
    OK(kt_h5_group_open(&models, file, "models", &err));
    OK(kt_h5_names(&names, &n, models, &err));
    assert_int_equal(n, N_GROUPS);
    for (size_t i = 1; i < n; i++)
        assert_true(strcmp(names[i - 1], names[i]) < 0);
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
    OK(kt_h5_group_open(&model, models, "m17", &err));
    OK(kt_h5_close(file, &err));
    OK(kt_h5_close(models, &err));
    OK(kt_h5_get(reals, model, "x", KT_H5_F64, 2, 0, &err));
    OK(kt_h5_get_int(&integer, model, "a11", &err));
    assert_int_equal(integer, 11);
    OK(kt_h5_close(model, &err));
    OK(kt_h5_close(NULL, &err));
}

static void same_calls_same_bytes(void **state)
{
    (void)state;
    char *a, *b;
    size_t n_a, n_b;
    /* Another second, another state of the heap, other bytes behind the texts. */
    mallopt(M_PERTURB, 0x5A);
    write_everything("a.h5", 512, 0x11);
    nanosleep(&(struct timespec){1, 100000000}, NULL);
    mallopt(M_PERTURB, 0xC3);
    write_everything("b.h5", 512, 0x22);
    mallopt(M_PERTURB, 0);
    OK(kt_file_read(&a, &n_a, "a.h5", &err));
    OK(kt_file_read(&b, &n_b, "b.h5", &err));
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    for (int i = 0; i < 512; i++)
        assert_int_equal(a[i], 0);
    assert_memory_equal(a + 512, "\x89HDF\r\n\x1A\n", 8);
    free(a);
    free(b);
}

static void nothing_is_created_over_a_file(void **state)
{
    (void)state;
    kt_h5 *file;
    OK(kt_file_write("a.h5", "mine", 4, &err));
    FAILS(kt_h5_create(&file, "a.h5", 0, &err), KT_IO, "a.h5", "File exists");
    FAILS(kt_h5_create(&file, "no/a.h5", 0, &err), KT_IO, "no/a.h5", "No such file");
    assert_null(file);
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    char *bytes;
    size_t n;
    FAILS(kt_h5_open(&file, "none.h5", &err), KT_IO, "none.h5", "No such file");
    FAILS(kt_h5_open(&file, ".", &err), KT_IO, ".", "not a file");
    OK(kt_file_write("junk.h5", "rps_eff,rep\n1,2\n", 16, &err));
    FAILS(kt_h5_open(&file, "junk.h5", &err), KT_INPUT, "junk.h5", "not an HDF5 file");
    OK(kt_file_write("empty.h5", "", 0, &err));
    FAILS(kt_h5_open(&file, "empty.h5", &err), KT_INPUT, "empty.h5", "not an HDF5 file");
    write_everything("a.h5", 0, 0);
    OK(kt_file_read(&bytes, &n, "a.h5", &err));
    for (size_t part = 8; part < n; part += n / 29) {
        write_plainly("cut.h5", bytes, part);
        FAILS(kt_h5_open(&file, "cut.h5", &err), KT_INPUT, "cut.h5", "");
        assert_null(file);
    }
    free(bytes);
}

static void flipped_bytes_do_no_harm(void **state)
{
    (void)state;
    char *bytes;
    size_t n;
    write_everything("a.h5", 0, 0);
    OK(kt_file_read(&bytes, &n, "a.h5", &err));
    for (size_t at = 0; at < n; at += 211) {
        kt_h5 *file = NULL, *group = NULL;
        double reals[6];
        void *table = NULL;
        char **names = NULL;
        size_t rows, n_names = 0;
        bytes[at] = (char)~bytes[at];
        write_plainly("flip.h5", bytes, n);
        bytes[at] = (char)~bytes[at];
        if (kt_h5_open(&file, "flip.h5", NULL) != KT_OK)
            continue;
        kt_h5_get(reals, file, "reals", KT_H5_F64, 3, 2, NULL);
        kt_h5_get_table(&table, &rows, file, "services", service_fields, N_FIELDS, sizeof(service), NULL);
        free(table);
        if (kt_h5_group_open(&group, file, "models", NULL) == KT_OK)
            kt_h5_names(&names, &n_names, group, NULL);
        while (n_names > 0)
            free(names[--n_names]);
        free(names);
        kt_h5_close(group, NULL);
        kt_h5_close(file, NULL);
    }
    free(bytes);
}

static void wrong_contents_are_named(void **state)
{
    (void)state;
    kt_h5 *file = NULL, *group = NULL;
    double reals[6];
    int64_t integer;
    uint32_t u32[6];
    char *text;
    size_t n, rows, columns;
    void *table;
    int version;
    write_everything("a.h5", 0, 0);
    OK(kt_h5_open(&file, "a.h5", &err));
    FAILS(kt_h5_get(reals, file, "nil", KT_H5_F64, 3, 2, &err), KT_INPUT, "a.h5:/nil", "no such dataset");
    FAILS(kt_h5_get(reals, file, "models", KT_H5_F64, 3, 2, &err), KT_INPUT, "a.h5:/models", "not a dataset");
    FAILS(kt_h5_get(reals, file, "services", KT_H5_F64, 3, 0, &err), KT_INPUT, "a.h5:/services", "numbers");
    FAILS(kt_h5_get(reals, file, "reals", KT_H5_F64, 2, 2, &err), KT_INPUT, "[3, 2]", "[2, 2]");
    FAILS(kt_h5_get(reals, file, "reals", KT_H5_F64, 3, 0, &err), KT_INPUT, "[3, 2]", "[3]");
    FAILS(kt_h5_get(reals, file, "floats", KT_H5_F64, 3, 1, &err), KT_INPUT, "[3]", "[3, 1]");
    FAILS(kt_h5_get(u32, file, "reals", KT_H5_U32, 3, 2, &err), KT_INPUT, "a.h5:/reals", "whole");
    FAILS(kt_h5_get_rows(u32, file, "reals", KT_H5_U32, 0, 1, &err), KT_INPUT, "a.h5:/reals", "whole");
    FAILS(kt_h5_get_rows(reals, file, "reals", KT_H5_F64, 2, 2, &err), KT_INPUT, "3 rows", "2 from row 2");
    FAILS(kt_h5_get_rows(reals, file, "reals", KT_H5_F64, 4, SIZE_MAX, &err), KT_INPUT, "3 rows", "row 4");
    FAILS(kt_h5_shape(&rows, &columns, file, "models", &err), KT_INPUT, "a.h5:/models", "not a dataset");
    FAILS(kt_h5_get_bytes(&text, &n, file, "floats", &err), KT_INPUT, "a.h5:/floats", "bytes");
    FAILS(kt_h5_get_bytes(&text, &n, file, "parts", &err), KT_INPUT, "a.h5:/parts", "bytes");
    FAILS(kt_h5_get_table(&table, &n, file, "reals", service_fields, N_FIELDS, sizeof(service), &err),
          KT_INPUT, "a.h5:/reals", "not a table");
    FAILS(kt_h5_group_open(&group, file, "nil", &err), KT_INPUT, "a.h5:/nil", "no such group");
    FAILS(kt_h5_group_open(&group, file, "reals", &err), KT_INPUT, "a.h5:/reals", "group");
    FAILS(kt_h5_get_text(&text, file, "nil", &err), KT_INPUT, "a.h5:/nil", "no such attribute");
    FAILS(kt_h5_get_text(&text, file, "int", &err), KT_INPUT, "a.h5:/int", "not a text");
    FAILS(kt_h5_get_int(&integer, file, "text", &err), KT_INPUT, "a.h5:/text", "whole number");
    FAILS(kt_h5_get_int(&integer, file, "real", &err), KT_INPUT, "a.h5:/real", "whole number");
    FAILS(kt_h5_get_real(reals, file, "text", &err), KT_INPUT, "a.h5:/text", "real number");
    FAILS(kt_h5_check_schema(&version, file, "kt-archive", 9, &err), KT_INPUT, "kt-test", "kt-archive");
    FAILS(kt_h5_check_schema(&version, file, "kt-test", 2, &err), KT_UNSUPPORTED, "version 3", "up to 2");
    OK(kt_h5_close(file, &err));
}

/* A value that the wanted type cannot hold is an error, one that it can is converted. */
static void conversions_never_clip(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    const int64_t integers[] = {1, -1, INT64_C(1) << 40, 7};
    const double reals[] = {1, 1e300};
    uint32_t u32[4];
    int32_t i32[4];
    float f32[2];
    double f64[4];
    OK(kt_h5_create(&file, "a.h5", 0, &err));
    OK(kt_h5_put(file, "integers", KT_H5_I64, 4, 0, integers, &err));
    OK(kt_h5_put(file, "reals", KT_H5_F64, 2, 0, reals, &err));
    OK(kt_h5_get_rows(u32, file, "integers", KT_H5_U32, 0, 1, &err));
    assert_int_equal(u32[0], 1);
    FAILS(kt_h5_get_rows(u32, file, "integers", KT_H5_U32, 1, 1, &err), KT_INPUT, "a.h5:/integers", "fit");
    OK(kt_h5_get_rows(i32, file, "integers", KT_H5_I32, 1, 1, &err));
    assert_int_equal(i32[0], -1);
    FAILS(kt_h5_get(i32, file, "integers", KT_H5_I32, 4, 0, &err), KT_INPUT, "a.h5:/integers", "fit");
    OK(kt_h5_get(f64, file, "integers", KT_H5_F64, 4, 0, &err));
    assert_true(f64[1] == -1 && f64[2] == 0x1p40);
    FAILS(kt_h5_get(f32, file, "reals", KT_H5_F32, 2, 0, &err), KT_INPUT, "a.h5:/reals", "fit");
    OK(kt_h5_close(file, &err));
}

static void tables_of_other_versions(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    service services[N_SERVICES];
    void *rows;
    size_t n;
    fill_services(services, 0);
    static const kt_h5_field narrow = {"name", 0, offsetof(service, name), 4},
                             exact = {"name", 0, offsetof(service, name), 9},
                             number = {"name", KT_H5_I64, offsetof(service, offset), 0},
                             whole = {"cost", KT_H5_I64, offsetof(service, offset), 0},
                             other = {"other", KT_H5_I64, offsetof(service, offset), 0};
    OK(kt_h5_create(&file, "a.h5", 0, &err));
    OK(kt_h5_put_table(file, "old", service_fields, 2, services, sizeof *services, N_SERVICES, &err));
    OK(kt_h5_get_table(&rows, &n, file, "old", service_fields, N_FIELDS, sizeof(service), &err));
    for (int i = 0; i < N_SERVICES; i++) {
        const service *row = (service *)rows + i;
        assert_string_equal(row->name, services[i].name);
        assert_true(row->cost == services[i].cost && row->rows == 0 && row->note[0] == '\0' &&
                    row->offset == 0);
    }
    free(rows);
    FAILS(kt_h5_get_table(&rows, &n, file, "old", &narrow, 1, sizeof(service), &err), KT_INPUT, "name",
          "4 bytes");
    FAILS(kt_h5_get_table(&rows, &n, file, "old", &number, 1, sizeof(service), &err), KT_INPUT, "name",
          "whole");
    FAILS(kt_h5_get_table(&rows, &n, file, "old", &whole, 1, sizeof(service), &err), KT_INPUT, "cost",
          "whole");
    FAILS(kt_h5_get_table(&rows, &n, file, "old", &other, 1, sizeof(service), &err), KT_INPUT, "/old",
          "none");
    /* "service 0" fills its nine bytes in the file and would have no end in memory. */
    OK(kt_h5_put_table(file, "full", &exact, 1, services, sizeof *services, N_SERVICES, &err));
    FAILS(kt_h5_get_table(&rows, &n, file, "full", &exact, 1, sizeof(service), &err), KT_INPUT, "row 0",
          "name");
    assert_null(rows);
    OK(kt_h5_close(file, &err));
}

static void files_of_other_writers(void **state)
{
    (void)state;
    /* As h5py writes: texts of variable length, chunks with deflate, a scalar. */
    hid_t id = H5Fcreate("other.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t scalar = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t attribute = H5Acreate2(id, "schema", type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    const char *text = "kt-test";
    assert_true(H5Awrite(attribute, type, &text) >= 0);
    H5Aclose(attribute);
    hsize_t shape[] = {100, 2}, chunk[] = {10, 2};
    hid_t space = H5Screate_simple(2, shape, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    H5Pset_deflate(creation, 4);
    hid_t big = H5Dcreate2(id, "x", H5T_IEEE_F64BE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    double values[200], read[200];
    for (int i = 0; i < 200; i++)
        values[i] = i / 7.0;
    assert_true(H5Dwrite(big, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(big);
    hid_t single = H5Dcreate2(id, "single", H5T_IEEE_F64LE, scalar, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(single);
    H5Pclose(creation);
    H5Sclose(space);
    H5Sclose(scalar);
    H5Tclose(type);
    assert_true(H5Fclose(id) >= 0);

    kt_h5 *file;
    char *schema;
    OK(kt_h5_open(&file, "other.h5", &err));
    OK(kt_h5_get_text(&schema, file, "schema", &err));
    assert_string_equal(schema, "kt-test");
    free(schema);
    OK(kt_h5_get(read, file, "x", KT_H5_F64, 100, 2, &err));
    assert_memory_equal(read, values, sizeof values);
    FAILS(kt_h5_get(read, file, "single", KT_H5_F64, 1, 0, &err), KT_INPUT, "/single", "0 dimensions");
    OK(kt_h5_close(file, &err));
}

static void names_become_links(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"frontend.istio-dt", "frontend.istio-dt"},
        {"a/b", "a%2Fb"},
        {".", "%2E"},
        {"..", "%2E."},
        {"50%", "50%25"},
        {"a\nb\x7F", "a%0Ab%7F"},
        {"", "%"},
        {"μ", "μ"},
    };
    kt_h5 *file = NULL, *group = NULL;
    char **names;
    size_t n;
    OK(kt_h5_create(&file, "a.h5", 0, &err));
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *link;
        OK(kt_h5_link_name(&link, pairs[i][0], &err));
        assert_string_equal(link, pairs[i][1]);
        OK(kt_h5_group_create(&group, file, link, &err));
        OK(kt_h5_close(group, &err));
        free(link);
    }
    OK(kt_h5_names(&names, &n, file, &err));
    assert_int_equal(n, sizeof pairs / sizeof *pairs);
    while (n > 0)
        free(names[--n]);
    free(names);
    OK(kt_h5_close(file, &err));
}

static void a_name_twice_is_an_error(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    double x = 1;
    OK(kt_h5_create(&file, "a.h5", 0, &err));
    OK(kt_h5_put(file, "x", KT_H5_F64, 1, 0, &x, &err));
    FAILS(kt_h5_put(file, "x", KT_H5_F64, 1, 0, &x, &err), KT_IO, "a.h5:/x", "exists");
    FAILS(kt_h5_close(file, &err), KT_IO, "a.h5", "a write failed before");
}

/* Writes a few megabytes; returns whether the first error was KT_IO, named the file and gave the reason. */
static int write_much(const char *path, const char *reason)
{
    enum { N = 20000, N_SETS = 30 };
    static double values[N];
    kt_error err = {0};
    kt_h5 *file = NULL, *group = NULL;
    kt_status status = kt_h5_create(&file, path, 0, &err);
    for (int i = 0; i < N_SETS && file; i++) {
        char name[16];
        snprintf(name, sizeof name, "g%d", i);
        if (kt_h5_group_create(&group, file, name, &err) != KT_OK)
            continue; /* a caller that does not look */
        kt_h5_put_text(group, "name", name, &err);
        kt_h5_put(group, "x", KT_H5_F64, N, 0, values, &err);
        kt_h5_put(group, "few", KT_H5_F64, 5, 0, values, &err);
        kt_h5_close(group, &err);
    }
    if (file)
        status = kt_h5_close(file, &err);
    bool told =
        status == KT_IO && err.status == KT_IO && strstr(err.message, path) && strstr(err.message, reason);
    if (!told)
        print_error("status %d, message '%s'\n", (int)status, err.message);
    return told ? 0 : 1;
}

/* In a child, so that what HDF5 does at exit counts. */
static int in_child(int (*body)(long limit), long limit)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        exit(body(limit));
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    return WIFEXITED(result) ? WEXITSTATUS(result) : 1000 + WTERMSIG(result);
}

static int limited_body(long limit)
{
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limit, (rlim_t)limit});
    return write_much("much.h5", "File too large");
}

static void a_refused_write_is_an_error_and_no_crash(void **state)
{
    (void)state;
    static const long limits[] = {0, 10, 100, 1000, 2048, 5000, 100000, 200000, 1000000, 4000000, 4800000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        unlink("much.h5");
        int result = in_child(limited_body, limits[i]);
        if (result != 0)
            fail_msg("limit %ld: result %d", limits[i], result);
    }
}

/* Only small things, which HDF5 holds back until the file is closed. */
static int metadata_body(long limit)
{
    kt_error err = {0};
    kt_h5 *file = NULL;
    signal(SIGXFSZ, SIG_IGN);
    if (kt_h5_create(&file, "small.h5", 0, &err) != KT_OK)
        return 2;
    if (kt_h5_put_int(file, "a", 1, &err) != KT_OK ||
        kt_h5_put(file, "x", KT_H5_F64, 3, 0, (double[3]){0}, &err) != KT_OK)
        return 3;
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limit, (rlim_t)limit});
    kt_status status = kt_h5_close(file, &err);
    return status == KT_IO && strstr(err.message, "small.h5") ? 0 : 4;
}

static void a_flush_that_fails_is_an_error_of_close(void **state)
{
    (void)state;
    assert_int_equal(in_child(metadata_body, 0), 0);
    unlink("small.h5");
    assert_int_equal(in_child(metadata_body, 300), 0);
}

static void the_library_tells_its_version(void **state)
{
    (void)state;
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%u.%u.%u", major, minor, release);
    assert_string_equal(kt_h5_library(), wanted);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(everything_comes_back),
        IN_SCRATCH(same_calls_same_bytes),
        IN_SCRATCH(nothing_is_created_over_a_file),
        IN_SCRATCH(wrong_files_are_named),
        IN_SCRATCH(flipped_bytes_do_no_harm),
        IN_SCRATCH(wrong_contents_are_named),
        IN_SCRATCH(conversions_never_clip),
        IN_SCRATCH(tables_of_other_versions),
        IN_SCRATCH(files_of_other_writers),
        IN_SCRATCH(names_become_links),
        IN_SCRATCH(a_name_twice_is_an_error),
        IN_SCRATCH(a_refused_write_is_an_error_and_no_crash),
        IN_SCRATCH(a_flush_that_fails_is_an_error_of_close),
        cmocka_unit_test(the_library_tells_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
