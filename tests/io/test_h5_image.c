#include "h5_check.h"

static void make(char **data, size_t *n)
{
    const float floats[] = {1, 2, 3, 4, 5, 6};
    const int64_t count = 41;
    kt_h5 *file = NULL, *group = NULL;
    OK(kt_h5_create_memory(&file, "weights", &err));
    OK(kt_h5_group_create(&group, file, "vars", &err));
    OK(kt_h5_put(group, "0", KT_H5_F32, 2, 3, floats, &err));
    OK(kt_h5_put_scalar(group, "1", KT_H5_I64, &count, &err));
    OK(kt_h5_put_text(file, "what", "a test", &err));
    OK(kt_h5_close(group, &err));
    OK(kt_h5_image(data, n, file, &err));
    OK(kt_h5_close(file, &err));
}

static void check(kt_h5 *file)
{
    kt_h5 *group = NULL;
    float floats[6];
    OK(kt_h5_group_open(&group, file, "vars", &err));
    OK(kt_h5_get(floats, group, "0", KT_H5_F32, 2, 3, &err));
    for (int i = 0; i < 6; i++)
        assert_true(floats[i] == (float)(i + 1));
    OK(kt_h5_close(group, &err));
    OK(kt_h5_close(file, &err));
}

static void an_image_is_a_file(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    char *data, *again, **names;
    size_t n, n_again, n_names;
    make(&data, &n);
    make(&again, &n_again);
    assert_int_equal(n, n_again);
    assert_memory_equal(data, again, n);
    OK(kt_folder_list(&names, &n_names, ".", &err)); /* the system saw none of it */
    assert_int_equal(n_names, 0);
    free(names);
    OK(kt_file_write("a.h5", data, n, &err));
    OK(kt_h5_open(&file, "a.h5", &err));
    check(file);
    OK(kt_h5_open_memory(&file, data, n, "an image", &err));
    free(data);
    check(file);
    free(again);
}

static void a_scalar_has_no_dimensions(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    char *data;
    size_t n;
    int64_t value = 0;
    make(&data, &n);
    OK(kt_file_write("a.h5", data, n, &err));
    free(data);
    hid_t id = H5Fopen("a.h5", H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(id, "/vars/1", H5P_DEFAULT);
    hid_t space = H5Dget_space(set);
    assert_int_equal(H5Sget_simple_extent_type(space), H5S_SCALAR);
    assert_true(H5Dread(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) >= 0);
    assert_int_equal(value, 41);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(id);
    OK(kt_h5_open(&file, "a.h5", &err));
    kt_h5 *group = NULL;
    size_t rows, columns;
    OK(kt_h5_group_open(&group, file, "vars", &err));
    FAILS(kt_h5_shape(&rows, &columns, group, "1", &err), KT_INPUT, "/vars/1", "0 dimensions");
    OK(kt_h5_close(group, &err));
    OK(kt_h5_close(file, &err));
}

static void what_is_no_image(void **state)
{
    (void)state;
    kt_h5 *file = NULL;
    char *data;
    size_t n;
    make(&data, &n);
    FAILS(kt_h5_open_memory(&file, "", 0, "m.keras", &err), KT_INPUT, "m.keras", "not an HDF5 file");
    FAILS(kt_h5_open_memory(&file, "PK and more", 11, "m.keras", &err), KT_INPUT, "m.keras",
          "not an HDF5 file");
    FAILS(kt_h5_open_memory(&file, data, 100, "m.keras", &err), KT_INPUT, "m.keras", "not an HDF5 file");
    assert_null(file);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(an_image_is_a_file),
        IN_SCRATCH(a_scalar_has_no_dimensions),
        IN_SCRATCH(what_is_no_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
