/* RUN/parts.json: what is written is read, what is no such file is refused, what differs is named. */
#include "../scratch.h"

#include "kt/file.h"
#include "kt/parts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void one_of_several(void **state)
{
    (void)state;
    const char *wrong[] = {"",     "2",     "2/",    "/3",     "0/3",      "4/3", "-1/3",
                           "2/3x", "2/3/4", "1.5/3", "2 of 3", "1/100001", "x/3"};
    int part = 0, parts = 0;
    assert_int_equal(kt_parts_parse(&part, &parts, "2/3", NULL), KT_OK);
    assert_int_equal(part, 2);
    assert_int_equal(parts, 3);
    assert_int_equal(kt_parts_parse(&part, &parts, "100000/100000", NULL), KT_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kt_error err = {0};
        assert_int_equal(kt_parts_parse(&part, &parts, wrong[i], &err), KT_USAGE);
        assert_non_null(strstr(err.message, wrong[i]));
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    kt_parts_service services[] = {{"a", 2, SHA_A}, {"b \"quoted\"", 1, SHA_B}};
    const kt_parts written = {.part = 2, .parts = 3, .n = 2, .services = services};
    kt_parts read = {.n = 0};
    kt_lock *lock = NULL;
    assert_int_equal(kt_lock_take(&lock, ".", NULL, NULL), KT_OK);
    assert_int_equal(kt_parts_write(".", &written, lock, NULL), KT_OK);
    assert_int_equal(kt_parts_read(&read, ".", NULL), KT_OK);
    assert_int_equal(read.part, 2);
    assert_int_equal(kt_parts_compare(&written, &read, "x", "y", NULL), KT_OK);
    kt_parts_clear(&read);
    assert_int_equal(unlink(KT_RUN_LOCK), 0); /* who lost it writes nothing */
    assert_int_equal(unlink(KT_RUN_PARTS), 0);
    assert_int_equal(kt_parts_write(".", &written, lock, NULL), KT_BUSY);
    assert_int_equal(kt_parts_read(&read, ".", NULL), KT_IO);
    kt_lock_release(lock);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *text, *word;
    } wrong[] = {
        {"[]", "part 0"},
        {"{\"part\": 3, \"parts\": 2, \"services\": []}", "part 3 of 2"},
        {"{\"part\": 1, \"parts\": 2, \"services\": [{\"service\": \"a\", \"part\": 3, \"data_sha256\": "
         "\"" SHA_A "\"}]}",
         "'a'"},
        {"{\"part\": 1, \"parts\": 2, \"services\": [{\"service\": \"a\", \"part\": 1, \"data_sha256\": "
         "\"12\"}]}",
         "'a'"},
        {"{\"part\": 1, \"parts\": 2, \"services\": [{\"service\": \"b\", \"part\": 1, \"data_sha256\": "
         "\"" SHA_A "\"}, {\"service\": \"a\", \"part\": 1, \"data_sha256\": \"" SHA_A "\"}]}",
         "order"},
        {"{", "parts.json"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kt_parts read;
        kt_error err = {0};
        assert_int_equal(kt_file_write(KT_RUN_PARTS, wrong[i].text, strlen(wrong[i].text), NULL), KT_OK);
        assert_int_equal(kt_parts_read(&read, ".", &err), KT_INPUT);
        if (!strstr(err.message, wrong[i].word))
            fail_msg("'%s' lacks '%s'", err.message, wrong[i].word);
        assert_int_equal(read.n, 0);
    }
}

static void what_differs_is_named(void **state)
{
    (void)state;
    kt_parts_service a[] = {{"a", 1, SHA_A}, {"b", 2, SHA_B}}, less[] = {{"b", 2, SHA_B}},
                     rows[] = {{"a", 1, SHA_A}, {"b", 2, SHA_A}},
                     dealt[] = {{"a", 2, SHA_A}, {"b", 2, SHA_B}};
    const struct {
        kt_parts parts;
        const char *word;
    } others[] = {{{2, 2, 1, less}, "service a"},
                  {{2, 2, 2, rows}, "other rows of service b"},
                  {{2, 2, 2, dealt}, "service a to part 1, two to part 2"},
                  {{2, 3, 2, a}, "one of 2 parts, two one of 3"}};
    const kt_parts one = {1, 2, 2, a};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        kt_error err = {0};
        assert_int_equal(kt_parts_compare(&one, &others[i].parts, "one", "two", &err), KT_INPUT);
        if (!strstr(err.message, others[i].word))
            fail_msg("'%s' lacks '%s'", err.message, others[i].word);
        assert_int_equal(kt_parts_compare(&others[i].parts, &one, "one", "two", NULL), KT_INPUT);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(one_of_several),
        IN_FOLDER(what_is_written_is_read),
        IN_FOLDER(what_is_wrong_is_refused),
        IN_FOLDER(what_differs_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
