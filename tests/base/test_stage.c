#include "../scratch.h"
#include "kt/file.h"
#include "kt/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static kt_error err;

static void put(const kt_stage *stage, const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", kt_stage_path(stage), folder);
    assert_int_equal(kt_folder_create(path, &err), KT_OK);
    snprintf(path, sizeof path, "%s/%s/%s", kt_stage_path(stage), folder, name);
    assert_int_equal(kt_stage_write(path, text, strlen(text), &err), KT_OK);
}

static void holds(const char *path, const char *text)
{
    char *data;
    size_t n;
    assert_int_equal(kt_file_read(&data, &n, path, &err), KT_OK);
    assert_string_equal(data, text);
    free(data);
}

/* The only names in a folder, hidden ones too. */
static void lists(const char *path, size_t wanted, ...)
{
    char **names;
    size_t n;
    va_list list;
    assert_int_equal(kt_folder_list(&names, &n, path, &err), KT_OK);
    va_start(list, wanted);
    assert_int_equal(n, wanted);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(names[i], va_arg(list, const char *));
        free(names[i]);
    }
    va_end(list);
    free(names);
}

static kt_stage *begin(const char *target)
{
    kt_stage *stage = NULL;
    err = (kt_error){0};
    if (kt_stage_begin(&stage, target, &err) != KT_OK)
        fail_msg("%s", err.message);
    return stage;
}

static void a_new_folder_appears_whole(void **state)
{
    (void)state;
    kt_stage *stage = begin("a/b//c/");
    put(stage, "x", "1", "one");
    assert_int_equal(kt_path_kind_of("a"), KT_PATH_MISSING);
    assert_int_equal(kt_stage_commit(stage, false, &err), KT_OK);
    holds("a/b/c/x/1", "one");
    lists(".", (size_t)1, "a");
    lists("a/b", (size_t)1, "c");
}

static void what_is_not_committed_goes(void **state)
{
    (void)state;
    kt_stage *stage = begin("a/b");
    put(stage, "x", "1", "one");
    kt_stage_end(stage);
    lists(".", (size_t)0);
    kt_stage_end(NULL);
}

static void a_folder_that_is_there_is_added_to(void **state)
{
    (void)state;
    const char *const targets[] = {"out", ".", "out/"};
    kt_stage *stage = begin("out");
    put(stage, "x", "1", "one");
    assert_int_equal(kt_stage_commit(stage, false, &err), KT_OK);
    for (size_t i = 0; i < 3; i++) {
        char folder[8];
        snprintf(folder, sizeof folder, "y%zu", i);
        stage = begin(targets[i]);
        put(stage, folder, "2", "two");
        assert_int_equal(kt_stage_commit(stage, false, &err), KT_OK);
    }
    holds("out/x/1", "one");
    holds("y1/2", "two");
    lists("out", (size_t)3, "x", "y0", "y2");
    lists(".", (size_t)2, "out", "y1");
}

static void nothing_is_replaced_unasked(void **state)
{
    (void)state;
    kt_stage *stage = begin("out");
    put(stage, "x", "1", "one");
    put(stage, "x", "2", "two");
    assert_int_equal(kt_stage_commit(stage, false, &err), KT_OK);
    stage = begin("out");
    put(stage, "a", "0", "new");
    put(stage, "x", "1", "new");
    assert_int_equal(kt_stage_commit(stage, false, &err), KT_BUSY);
    assert_string_equal(err.message, "out/x/1 is there already");
    lists("out", (size_t)2, strrchr(kt_stage_path(stage), '/') + 1, "x"); /* nothing was moved */
    holds("out/x/1", "one");
    assert_int_equal(kt_stage_commit(stage, true, &err), KT_OK);
    holds("out/x/1", "new");
    holds("out/x/2", "two");
    holds("out/a/0", "new");
    lists("out", (size_t)2, "a", "x");
}

static void files_and_folders_keep_apart(void **state)
{
    (void)state;
    assert_int_equal(kt_folder_create("out/x/1", &err), KT_OK);
    assert_int_equal(kt_file_write("out/y", "", 0, &err), KT_OK);
    kt_stage *stage = begin("out");
    put(stage, "x", "1", "one");
    assert_int_equal(kt_stage_commit(stage, true, &err), KT_IO);
    assert_string_equal(err.message, "cannot write out/x/1: a folder is there");
    kt_stage_end(stage);
    stage = begin("out");
    put(stage, "y", "1", "one");
    assert_int_equal(kt_stage_commit(stage, true, &err), KT_IO);
    assert_string_equal(err.message, "cannot write out/y: a file is there");
    kt_stage_end(stage);
    lists("out", (size_t)2, "x", "y");
}

static void refuses(const char *target, const char *words)
{
    kt_stage *stage;
    err = (kt_error){0};
    assert_int_equal(kt_stage_begin(&stage, target, &err), KT_IO);
    assert_null(stage);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
}

static void targets_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(kt_file_write("file", "", 0, &err), KT_OK);
    refuses("file", "not a folder");
    refuses("file/x", "Not a directory");
    refuses("a/../b", "a is not there");
    refuses("/proc/x", "/proc/x");
    lists(".", (size_t)1, "file");
    kt_stage *stage = begin("out");
    char path[300];
    snprintf(path, sizeof path, "%s/none/x", kt_stage_path(stage));
    assert_int_equal(kt_stage_write(path, "x", 1, &err), KT_IO);
    kt_stage_end(stage);
    lists(".", (size_t)1, "file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
    const struct CMUnitTest tests[] = {
        TEST(a_new_folder_appears_whole),         TEST(what_is_not_committed_goes),
        TEST(a_folder_that_is_there_is_added_to), TEST(nothing_is_replaced_unasked),
        TEST(files_and_folders_keep_apart),       TEST(targets_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
