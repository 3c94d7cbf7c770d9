#include "h5_check.h"

#include <malloc.h>
#include <time.h>

static void datasets_come_back(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    double reals[6];
    float floats[3];
    int32_t parts[5];
    size_t rows, columns;
    write_everything("a.h5", 0, 0);
    OK(kt_h5_open(&file, "a.h5", &err));
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
    OK(kt_h5_get(parts, file, "parts", KT_H5_I32, 5, 0, &err));
    for (int i = 0; i < 5; i++)
        assert_int_equal(parts[i], i == 2 ? 0 : i);
    OK(kt_h5_get_rows(reals, file, "reals", KT_H5_F64, 1, 1, &err));
    assert_true(isnan(reals[0]) && isinf(reals[1]));
    OK(kt_h5_get_rows(reals, file, "reals", KT_H5_F64, 3, 0, &err));
    OK(kt_h5_close(file, &err));
    OK(kt_h5_close(NULL, &err));
}

static void bytes_and_tables_come_back(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    char *bytes;
    size_t n;
    void *table;
    service wanted[N_SERVICES];
    fill_services(wanted, 0);
    write_everything("a.h5", 0, 0);
    OK(kt_h5_open(&file, "a.h5", &err));
    OK(kt_h5_get_bytes(&bytes, &n, file, "bytes", &err));
    assert_true(n == 300 && bytes[0] == 7 && bytes[299] == 7 && bytes[300] == '\0');
    free(bytes);
    OK(kt_h5_get_bytes(&bytes, &n, file, "no bytes", &err));
    assert_true(n == 0 && bytes[0] == '\0');
    free(bytes);
    OK(kt_h5_get_table(&table, &n, file, "services", service_fields, N_FIELDS, sizeof(service), &err));
    assert_int_equal(n, N_SERVICES);
    assert_memory_equal(table, wanted, sizeof wanted);
    free(table);
    OK(kt_h5_get_table(&table, &n, file, "no services", service_fields, N_FIELDS, sizeof(service), &err));
    assert_int_equal(n, 0);
    free(table);
    OK(kt_h5_close(file, &err));
}

static void attributes_come_back(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    char *text;
    int64_t integer;
    double real;
    int version;
    write_everything("a.h5", 0, 0);
    OK(kt_h5_open(&file, "a.h5", &err));
    OK(kt_h5_check_schema(&version, file, "kt-test", 3, &err));
    assert_int_equal(version, 3);
    OK(kt_h5_get_text(&text, file, "text", &err));
    assert_string_equal(text, "μ-service");
    free(text);
    OK(kt_h5_get_text(&text, file, "empty", &err));
    assert_string_equal(text, "");
    free(text);
    OK(kt_h5_get_int(&integer, file, "int", &err));
    assert_true(integer == INT64_MIN);
    OK(kt_h5_get_real(&real, file, "real", &err));
    assert_true(real == 0.1);
    OK(kt_h5_close(file, &err));
}

static void groups_come_back_and_outlive_their_parents(void **state)
{
    (void)state;
    kt_h5 *file = NULL, *models = NULL, *model = NULL;
    double reals[2];
    char **names;
    int64_t integer;
    size_t n;
    write_everything("a.h5", 0, 0);
    OK(kt_h5_open(&file, "a.h5", &err));
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
    assert_true(reals[0] == 1.5 && reals[1] == -2.25);
    OK(kt_h5_get_int(&integer, model, "a11", &err));
    assert_int_equal(integer, 11);
    OK(kt_h5_close(model, &err));
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

static void the_library_tells_its_version(void **state)
{
    (void)state;
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%u.%u.%u", major, minor, release);
    assert_string_equal(kt_h5_library(), wanted);
}

/* More datasets than stay open, in turns; one is asked for as what it is not in between. */
static void many_are_read_in_parts(void **state)
{
    (void)state;
    enum { SETS = 7, ROWS = 5 };
    kt_h5 *file = NULL;
    char name[8];
    OK(kt_h5_create(&file, "a.h5", 0, &err));
    for (int set = 0; set < SETS; set++) {
        double values[ROWS];
        for (int row = 0; row < ROWS; row++)
            values[row] = 10 * set + row;
        snprintf(name, sizeof name, "s%d", set);
        OK(kt_h5_put(file, name, KT_H5_F64, ROWS, 0, values, &err));
    }
    OK(kt_h5_close(file, &err));
    file = NULL;
    OK(kt_h5_open(&file, "a.h5", &err));
    for (int row = 0; row < ROWS - 1; row++) {
        for (int set = 0; set < SETS; set++) {
            double two[2];
            uint32_t whole[2];
            snprintf(name, sizeof name, "s%d", set);
            OK(kt_h5_get_rows(two, file, name, KT_H5_F64, (size_t)row, 2, &err));
            assert_true(two[0] == 10 * set + row && two[1] == 10 * set + row + 1);
            FAILS(kt_h5_get_rows(whole, file, name, KT_H5_U32, 0, 2, &err), KT_INPUT, name, "whole");
            FAILS(kt_h5_get_rows(two, file, name, KT_H5_F64, ROWS, 1, &err), KT_INPUT, name, "5 rows");
        }
    }
    OK(kt_h5_close(file, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(datasets_come_back),
        IN_SCRATCH(bytes_and_tables_come_back),
        IN_SCRATCH(attributes_come_back),
        IN_SCRATCH(groups_come_back_and_outlive_their_parents),
        IN_SCRATCH(same_calls_same_bytes),
        IN_SCRATCH(nothing_is_created_over_a_file),
        IN_SCRATCH(conversions_never_clip),
        IN_SCRATCH(tables_of_other_versions),
        IN_SCRATCH(files_of_other_writers),
        IN_SCRATCH(names_become_links),
        cmocka_unit_test(the_library_tells_its_version),
        IN_SCRATCH(many_are_read_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
