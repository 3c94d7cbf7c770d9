/* Run folders: who may write where, and what a person is told. */
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/journal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64], run[128];

static int fresh_folder(void **state)
{
    (void)state;
    strcpy(base, "/tmp/kt-folder-XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(run, sizeof run, "%s/a/run", base);
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

static kt_json *parsed(const char *text)
{
    kt_json *value = NULL;
    assert_int_equal(kt_json_parse(&value, text, strlen(text), "test", NULL), KT_OK);
    return value;
}

static void touch(const char *name)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", run, name);
    assert_int_equal(kt_file_write(path, "x", 1, NULL), KT_OK);
}

static bool there(const char *name)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return kt_path_kind_of(path) == KT_PATH_FILE;
}

static kt_status open_run(kt_run_state *state, const char *options, const char *inputs, int numerics,
                          bool fresh, kt_error *err)
{
    kt_json *o = parsed(options), *i = parsed(inputs);
    kt_error_clear(err);
    kt_run_request request = {.path = run, .options = o, .inputs = i, .numerics = numerics, .fresh = fresh};
    kt_lock *lock = NULL;
    kt_status status = kt_run_open(state, &lock, &request, err);
    assert_int_equal(there(KT_RUN_LOCK), lock != NULL);
    assert_int_equal(lock != NULL, status == KT_OK && *state != KT_RUN_FINISHED);
    kt_lock_release(lock);
    kt_json_drop(o);
    kt_json_drop(i);
    return status;
}

static void a_run_is_new_then_unfinished_then_finished(void **state)
{
    kt_run_state is;
    kt_error err;
    (void)state;
    assert_int_equal(open_run(&is, "{\"steps\":10}", "[\"a.csv\"]", 1, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_NEW);
    touch(KT_RUN_DATASET);
    assert_int_equal(open_run(&is, "{\"steps\":10}", "[\"a.csv\"]", 1, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_UNFINISHED);
    touch(KT_RUN_ARCHIVE);
    assert_int_equal(open_run(&is, "{\"steps\":10}", "[\"a.csv\"]", 1, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_UNFINISHED); /* killed before its last file */
    touch(KT_RUN_INFO);
    assert_int_equal(open_run(&is, "{\"steps\":10}", "[\"a.csv\"]", 1, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_FINISHED);
}

static void another_run_is_refused_with_the_difference(void **state)
{
    kt_run_state is;
    kt_error err;
    (void)state;
    assert_int_equal(open_run(&is, "{\"family\":\"weibull\",\"steps\":10}", "[\"a.csv\"]", 1, false, &err),
                     KT_OK);
    touch(KT_RUN_SPANS ".part");
    assert_int_equal(open_run(&is, "{\"family\":\"gamma\",\"steps\":10}", "[\"a.csv\"]", 1, false, &err),
                     KT_BUSY);
    assert_non_null(strstr(err.message, "--family \"weibull\""));
    assert_non_null(strstr(err.message, "\"gamma\""));
    assert_int_equal(open_run(&is, "{\"family\":\"weibull\"}", "[\"a.csv\"]", 1, false, &err), KT_BUSY);
    assert_non_null(strstr(err.message, "--steps 10"));
    assert_int_equal(
        open_run(&is, "{\"family\":\"weibull\",\"k\":1,\"steps\":10}", "[\"a.csv\"]", 1, false, &err),
        KT_BUSY);
    assert_int_equal(open_run(&is, "{\"family\":\"weibull\",\"steps\":10}", "[\"b.csv\"]", 1, false, &err),
                     KT_BUSY);
    assert_non_null(strstr(err.message, "b.csv"));
    assert_int_equal(open_run(&is, "{\"family\":\"weibull\",\"steps\":10}", "[\"a.csv\"]", 2, false, &err),
                     KT_BUSY);
    assert_non_null(strstr(err.message, "numerics 1"));
}

/* Its input was bad, say, or its service misspelt. */
static void a_run_that_came_to_nothing_binds_nobody(void **state)
{
    kt_run_state is;
    kt_error err;
    char config[192];
    kt_json *stored = NULL;
    (void)state;
    assert_int_equal(open_run(&is, "{\"service\":[\"crat\"]}", "[\"a.csv\"]", 1, false, &err), KT_OK);
    touch(KT_RUN_JOURNAL);
    touch("notes.txt");
    assert_int_equal(open_run(&is, "{\"service\":[\"cart\"]}", "[\"b.csv\"]", 2, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_NEW);
    assert_false(there(KT_RUN_JOURNAL));
    assert_true(there("notes.txt"));
    snprintf(config, sizeof config, "%s/" KT_RUN_CONFIG, run);
    assert_int_equal(kt_json_read(&stored, config, NULL), KT_OK);
    assert_int_equal(kt_json_as_int(kt_json_get(stored, "numerics"), 0), 2);
    kt_json_drop(stored);
}

static void fresh_removes_only_our_files(void **state)
{
    kt_run_state is;
    kt_error err;
    (void)state;
    assert_int_equal(open_run(&is, "{\"steps\":10}", "[\"a.csv\"]", 1, false, &err), KT_OK);
    touch(KT_RUN_ARCHIVE);
    touch(KT_RUN_JOURNAL);
    touch("notes.txt");
    assert_int_equal(open_run(&is, "{\"steps\":20}", "[\"a.csv\"]", 1, true, &err), KT_OK);
    assert_int_equal(is, KT_RUN_NEW);
    assert_false(there(KT_RUN_ARCHIVE));
    assert_false(there(KT_RUN_JOURNAL));
    assert_true(there("notes.txt"));
    assert_true(there(KT_RUN_CONFIG));
}

static void somebody_elses_folder_is_left_alone(void **state)
{
    kt_run_state is;
    kt_error err;
    (void)state;
    assert_int_equal(kt_folder_create(run, NULL), KT_OK);
    touch("thesis.tex");
    for (int fresh = 0; fresh < 2; fresh++) {
        assert_int_equal(open_run(&is, "{}", "[]", 1, fresh, &err), KT_BUSY);
        assert_non_null(strstr(err.message, "thesis.tex"));
        assert_true(there("thesis.tex"));
        assert_false(there(KT_RUN_CONFIG));
    }
}

static void what_killed_ones_left_goes(void **state)
{
    kt_run_state is;
    kt_error err;
    (void)state;
    assert_int_equal(kt_folder_create(run, NULL), KT_OK);
    touch(KT_RUN_INPUTS);
    touch("." KT_RUN_CONFIG ".12.0.tmp");
    touch("." KT_RUN_LOCK ".12.0.tmp");
    touch(KT_RUN_LOCK ".00112233445566778899aabbccddeeff");
    assert_int_equal(open_run(&is, "{}", "[]", 1, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_NEW);
    touch(KT_RUN_DATASET);
    touch("." KT_RUN_ARCHIVE ".12.1.tmp");
    touch(".notes.txt.12.0.tmp");
    touch("." KT_RUN_ARCHIVE ".swp");
    assert_int_equal(open_run(&is, "{}", "[]", 1, false, &err), KT_OK);
    assert_int_equal(is, KT_RUN_UNFINISHED);
    assert_false(there("." KT_RUN_CONFIG ".12.0.tmp"));
    assert_false(there("." KT_RUN_LOCK ".12.0.tmp"));
    assert_false(there(KT_RUN_LOCK ".00112233445566778899aabbccddeeff"));
    assert_false(there("." KT_RUN_ARCHIVE ".12.1.tmp"));
    assert_true(there(".notes.txt.12.0.tmp"));
    assert_true(there("." KT_RUN_ARCHIVE ".swp"));
}

static void who_works_there_keeps_others_out(void **state)
{
    kt_run_state is;
    kt_error err;
    kt_lock *lock = NULL;
    (void)state;
    assert_int_equal(open_run(&is, "{}", "[]", 1, false, &err), KT_OK);
    assert_int_equal(kt_lock_take(&lock, run, NULL, NULL), KT_OK);
    touch(KT_RUN_DATASET);
    for (int fresh = 0; fresh < 2; fresh++) {
        kt_json *empty = kt_json_object(), *none = kt_json_array();
        kt_run_request request = {
            .path = run, .options = empty, .inputs = none, .numerics = 1, .fresh = fresh};
        kt_lock *second = NULL;
        assert_int_equal(kt_run_open(&is, &second, &request, NULL), KT_BUSY);
        assert_null(second);
        assert_true(there(KT_RUN_DATASET) && there(KT_RUN_CONFIG));
        kt_json_drop(empty);
        kt_json_drop(none);
    }
    touch(KT_RUN_INFO);
    touch(KT_RUN_ARCHIVE); /* a finished one says so whoever works there */
    kt_json *empty = kt_json_object(), *none = kt_json_array();
    kt_run_request request = {.path = run, .options = empty, .inputs = none, .numerics = 1};
    kt_lock *second = NULL;
    assert_int_equal(kt_run_open(&is, &second, &request, NULL), KT_OK);
    assert_int_equal(is, KT_RUN_FINISHED);
    assert_null(second);
    kt_json_drop(empty);
    kt_json_drop(none);
    kt_lock_release(lock);
}

static void a_journal_has_one_event_a_line(void **state)
{
    char path[192], *text;
    size_t n;
    (void)state;
    snprintf(path, sizeof path, "%s/journal.jsonl", base);
    assert_int_equal(kt_journal_write(path, parsed("{\"b\":1,\"a\":[2]}"), NULL), KT_OK);
    assert_int_equal(kt_journal_append(path, "{}\n{}\n", 6, NULL), KT_OK);
    assert_int_equal(kt_file_read(&text, &n, path, NULL), KT_OK);
    assert_string_equal(text, "{\"a\":[2],\"b\":1}\n{}\n{}\n");
    free(text);
}

static void fits_are_read_from_a_journal(void **state)
{
    (void)state;
    char path[192];
    kt_journal_fit *fits;
    size_t n;
    const char *lines =
        "{\"event\":\"phase\",\"phase\":\"fit\",\"seconds\":0.1}\n"
        "{\"event\":\"fitted\",\"service\":\"b\",\"group\":1,\"steps\":75,\"batch\":64,\"fit_seconds\":2.5,"
        "\"judge_seconds\":0.5}\n"
        "{\"event\":\"look\",\"service\":\"fitted\",\"step\":75}\n"
        "not JSON, though \"fitted\"\n"
        "{\"event\":\"refused\",\"service\":\"c\",\"reason\":\"\\\"fitted\\\" it is not\"}\n"
        "{\"event\":\"fitted\",\"service\":\"a\",\"group\":2,\"from_step\":16,\"steps\":80,\"batch\":128,"
        "\"fit_seconds\":1,"
        "\"judge_seconds\":0}\n"
        "{\"event\":\"fitted\",\"service\":\"b\",\"group\":1,\"steps\":75,\"batch\":64,\"fit_seconds\":3,"
        "\"judge_seconds\":0.25}\n"
        "{\"event\":\"fitted\",\"service\":\"a\",\"group\":2,\"ste"; /* cut short by a kill */
    snprintf(path, sizeof path, "%s/journal.jsonl", base);
    assert_int_equal(kt_file_write(path, lines, strlen(lines), NULL), KT_OK);
    assert_int_equal(kt_journal_fits(&fits, &n, path, NULL), KT_OK);
    assert_int_equal(n, 2);
    assert_string_equal(fits[0].service, "a");
    assert_int_equal(fits[0].ranks, 2);
    assert_int_equal(fits[0].batch, 128);
    assert_true(fits[0].from_step == 16 && fits[1].from_step == 0);
    assert_string_equal(fits[1].service, "b");
    assert_true(fits[1].steps == 75 && fits[1].fit_seconds == 3 && fits[1].judge_seconds == 0.25);
    kt_journal_fits_clear(fits, n);
    assert_int_equal(kt_file_write(path, "", 0, NULL), KT_OK);
    assert_int_equal(kt_journal_fits(&fits, &n, path, NULL), KT_OK);
    assert_int_equal(n, 0);
    kt_journal_fits_clear(fits, n);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fresh_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_run_is_new_then_unfinished_then_finished),
        IN_FOLDER(another_run_is_refused_with_the_difference),
        IN_FOLDER(a_run_that_came_to_nothing_binds_nobody),
        IN_FOLDER(fresh_removes_only_our_files),
        IN_FOLDER(somebody_elses_folder_is_left_alone),
        IN_FOLDER(what_killed_ones_left_goes),
        IN_FOLDER(who_works_there_keeps_others_out),
        IN_FOLDER(a_journal_has_one_event_a_line),
        IN_FOLDER(fits_are_read_from_a_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
