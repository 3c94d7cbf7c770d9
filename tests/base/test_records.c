#include "../scratch.h"
#include "kt/file.h"
#include "kt/records.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { HEAD = 8 + 32 };
static const char *const texts[] = {"one", "", "the third record", "4"};
enum { TEXTS = sizeof texts / sizeof *texts };

/* Writes the texts, each in two parts. Returns where the last one ends. */
static uint64_t write_texts(const char *path)
{
    uint64_t end = 0;
    for (int i = 0; i < TEXTS; i++) {
        size_t n = strlen(texts[i]), half = n / 2;
        const kt_record_part parts[] = {{texts[i], half}, {texts[i] + half, n - half}};
        uint64_t before = end;
        assert_int_equal(kt_records_append(path, &end, parts, 2, i % 2 == 0, NULL), KT_OK);
        assert_int_equal(end, before + HEAD + n);
    }
    return end;
}

/* How many of the texts can be read, one after the other. */
static int read_texts(const char *path, bool *torn, uint64_t *end)
{
    kt_records *records;
    const char *data;
    size_t n;
    int count = 0;
    assert_int_equal(kt_records_open(&records, path, NULL), KT_OK);
    for (;; count++) {
        assert_int_equal(kt_records_next(&data, &n, torn, records, NULL), KT_OK);
        if (!data)
            break;
        assert_true(count < TEXTS);
        assert_int_equal(n, strlen(texts[count]));
        assert_string_equal(data, texts[count]);
        assert_false(*torn);
    }
    *end = kt_records_end(records);
    kt_records_close(records);
    return count;
}

static void what_is_appended_is_read(void **state)
{
    (void)state;
    bool torn;
    uint64_t end, wrote = write_texts("a");
    assert_int_equal(read_texts("a", &torn, &end), TEXTS);
    assert_false(torn);
    assert_int_equal(end, wrote);
}

/* "abc": FIPS 180-2, appendix B.1 */
static void the_form_is_as_stated(void **state)
{
    (void)state;
    static const unsigned char wanted[HEAD + 3] = "\x03\0\0\0\0\0\0\0\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41"
                                                  "\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17"
                                                  "\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"
                                                  "abc";
    uint64_t end = 0;
    char *data;
    size_t n;
    assert_int_equal(kt_records_append("a", &end, &(kt_record_part){"abc", 3}, 1, true, NULL), KT_OK);
    assert_int_equal(kt_file_read(&data, &n, "a", NULL), KT_OK);
    assert_int_equal(n, sizeof wanted);
    assert_memory_equal(data, wanted, n);
    free(data);
}

/* Cut at every length, and flipped at every byte: what stands before counts, what comes after does not. */
static void torn_and_damaged_files_are_read_to_there(void **state)
{
    (void)state;
    char *whole;
    size_t size;
    uint64_t ends[TEXTS + 1] = {0}, end;
    bool torn;
    write_texts("a");
    for (int i = 0; i < TEXTS; i++)
        ends[i + 1] = ends[i] + HEAD + strlen(texts[i]);
    assert_int_equal(kt_file_read(&whole, &size, "a", NULL), KT_OK);
    for (size_t n = 0; n <= size; n++) {
        int records = 0;
        while (records < TEXTS && ends[records + 1] <= n)
            records++;
        remove("b");
        assert_int_equal(kt_file_append("b", whole, n, false, NULL), KT_OK);
        assert_int_equal(read_texts("b", &torn, &end), records);
        assert_int_equal(torn, n > ends[records]);
        assert_int_equal(end, ends[records]);
    }
    for (size_t at = 0; at < size; at++) {
        int records = 0;
        while (ends[records + 1] <= at)
            records++;
        whole[at] ^= 0x40;
        remove("b");
        assert_int_equal(kt_file_append("b", whole, size, false, NULL), KT_OK);
        assert_int_equal(read_texts("b", &torn, &end), records);
        assert_true(torn);
        whole[at] ^= 0x40;
    }
    free(whole);
}

static void appending_cuts_off_what_was_torn(void **state)
{
    (void)state;
    bool torn;
    uint64_t end, wrote = write_texts("a");
    assert_int_equal(kt_file_append("a", "half a record, longer than the one that follows", 47, false, NULL),
                     KT_OK);
    assert_int_equal(read_texts("a", &torn, &end), TEXTS);
    assert_true(torn);
    end = wrote - HEAD - 1; /* before the fourth */
    assert_int_equal(kt_records_append("a", &end, &(kt_record_part){"4", 1}, 1, false, NULL), KT_OK);
    assert_int_equal(read_texts("a", &torn, &end), TEXTS);
    assert_false(torn);
    assert_int_equal(end, wrote);
}

/* In a child with a limit on the size of files, which stands in for a disk that fills up. */
static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    bool torn;
    uint64_t end, wrote = write_texts("a");
    pid_t child = fork();
    if (child == 0) {
        kt_error err = {0};
        end = wrote;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){wrote + 10, wrote + 10});
        kt_status status = kt_records_append("a", &end, &(kt_record_part){"more", 4}, 1, true, &err);
        _exit(status == KT_IO && end == wrote && strstr(err.message, "a: File too large") ? 0 : 1);
    }
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    assert_int_equal(read_texts("a", &torn, &end), TEXTS);
    assert_int_equal(end, wrote);
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    int lock;
    assert_int_equal(kt_records_lock(&lock, "a", NULL), KT_OK);
    pid_t child = fork();
    if (child == 0) {
        int other;
        kt_error err = {0};
        kt_status status = kt_records_lock(&other, "a", &err);
        _exit(status == KT_BUSY && other == -1 && strstr(err.message, "a is being written") ? 0 : 1);
    }
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    kt_records_unlock(lock);
    assert_int_equal(kt_records_lock(&lock, "a", NULL), KT_OK);
    kt_records_unlock(lock);
    kt_records_unlock(-1);
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    kt_records *records = (kt_records *)&records;
    kt_error first = {0}, second = {0}, third = {0};
    uint64_t end = 0;
    int lock;
    assert_int_equal(kt_records_open(&records, "none", &first), KT_IO);
    assert_null(records);
    assert_non_null(strstr(first.message, "none: No such file"));
    assert_int_equal(kt_records_append("no/file", &end, &(kt_record_part){"", 0}, 1, true, &second), KT_IO);
    assert_non_null(strstr(second.message, "no/file: No such file"));
    assert_int_equal(kt_records_lock(&lock, "no/file", &third), KT_IO);
    assert_non_null(strstr(third.message, "no/file: No such file"));
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(what_is_appended_is_read),
        IN_SCRATCH(the_form_is_as_stated),
        IN_SCRATCH(torn_and_damaged_files_are_read_to_there),
        IN_SCRATCH(appending_cuts_off_what_was_torn),
        IN_SCRATCH(a_full_disk_loses_nothing),
        IN_SCRATCH(one_writer_at_a_time),
        IN_SCRATCH(what_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
