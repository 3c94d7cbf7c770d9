#include "h5_check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* For the many small files of a test, which need not survive a power failure. */
static void write_plainly(const char *path, const char *bytes, size_t n)
{
    unlink(path);
    OK(kt_file_append(path, bytes, n, false, &err));
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

/* How large files may become; below 0: as before. What a child writes at its end, such as counters of
 * coverage, must not be cut short, so the limit is one that it can lift again. */
static void limit_files(long limit)
{
    struct rlimit now;
    getrlimit(RLIMIT_FSIZE, &now);
    now.rlim_cur = limit < 0 ? now.rlim_max : (rlim_t)limit;
    setrlimit(RLIMIT_FSIZE, &now);
}

static int limited_body(long limit)
{
    signal(SIGXFSZ, SIG_IGN);
    limit_files(limit);
    int result = write_much("much.h5", "File too large");
    limit_files(-1);
    return result;
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
    limit_files(limit);
    kt_status status = kt_h5_close(file, &err);
    limit_files(-1);
    return status == KT_IO && strstr(err.message, "small.h5") ? 0 : 4;
}

static void a_flush_that_fails_is_an_error_of_close(void **state)
{
    (void)state;
    assert_int_equal(in_child(metadata_body, 0), 0);
    unlink("small.h5");
    assert_int_equal(in_child(metadata_body, 300), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(wrong_files_are_named),
        IN_SCRATCH(flipped_bytes_do_no_harm),
        IN_SCRATCH(wrong_contents_are_named),
        IN_SCRATCH(a_name_twice_is_an_error),
        IN_SCRATCH(a_refused_write_is_an_error_and_no_crash),
        IN_SCRATCH(a_flush_that_fails_is_an_error_of_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
