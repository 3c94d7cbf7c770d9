#include "kt/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The linker sends the library's allocations here: they fail where a test asks for it. */
static bool memory_is_short;
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__real_realloc(void *memory, size_t n);
char *__real_strdup(const char *text);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
void *__wrap_realloc(void *memory, size_t n);
char *__wrap_strdup(const char *text);

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return memory_is_short ? NULL : __real_aligned_alloc(alignment, n);
}

void *__wrap_realloc(void *memory, size_t n)
{
    return memory_is_short ? NULL : __real_realloc(memory, n);
}

char *__wrap_strdup(const char *text)
{
    return memory_is_short ? NULL : __real_strdup(text);
}

static void the_first_error_wins(void **state)
{
    (void)state;
    kt_error err = {0};
    assert_int_equal(kt_fail(&err, KT_INPUT, "%s:%d: no number", "a.csv", 3), KT_INPUT);
    errno = ENOENT;
    assert_int_equal(kt_fail_errno(&err, KT_IO, "cannot open b.csv"), KT_IO);
    assert_int_equal(err.status, KT_INPUT);
    assert_string_equal(err.message, "a.csv:3: no number");
    kt_error_clear(&err);
    assert_int_equal(err.status, KT_OK);
    assert_string_equal(err.message, "");
    kt_fail(&err, KT_NUMERIC, "second");
    assert_string_equal(err.message, "second");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(kt_fail(NULL, KT_BUSY, "taken"), KT_BUSY);
    assert_int_equal(kt_fail_errno(NULL, KT_IO, "gone"), KT_IO);
    kt_error_clear(NULL);
}

static void errno_is_told(void **state)
{
    (void)state;
    kt_error err = {0};
    errno = ENOSPC;
    kt_fail_errno(&err, KT_IO, "cannot write %s", "a.h5");
    assert_string_equal(err.message, "cannot write a.h5: No space left on device");
}

/* A message that is too long loses its end, but no half character stays, and never the reason. */
static void long_messages_are_cut(void **state)
{
    (void)state;
    enum { N = 3000 };
    static char path[N + 1];
    for (int i = 0; i + 1 < N; i += 2)
        memcpy(path + i, "μ", 2);
    for (int shift = 0; shift < 4; shift++) {
        kt_error err = {0};
        kt_fail(&err, KT_IO, "%.*s%s", shift, "abcd", path);
        size_t n = strlen(err.message);
        assert_in_range(n, sizeof err.message - 2, sizeof err.message - 1);
        assert_int_equal((n - (size_t)shift) % 2, 0);
        kt_error_clear(&err);
        errno = ENOSPC;
        kt_fail_errno(&err, KT_IO, "%.*s%s", shift, "abcd", path);
        n = strlen(err.message);
        assert_in_range(n, sizeof err.message - 2, sizeof err.message - 1);
        assert_string_equal(strstr(err.message, ": "), ": No space left on device");
        assert_int_equal((n - (size_t)shift - strlen(": No space left on device")) % 2, 0);
    }
}

/* A whole character at the very end is not taken for a cut one. */
static void whole_characters_stay(void **state)
{
    (void)state;
    kt_error err = {0};
    char text[sizeof err.message];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 3, "μ", 3);
    kt_fail(&err, KT_IO, "%s", text);
    assert_string_equal(err.message, text);
}

static void messages_are_one_line(void **state)
{
    (void)state;
    kt_error err = {0};
    kt_fail(&err, KT_USAGE, "unknown option --a\nb\x1B[31m\r\n");
    assert_string_equal(err.message, "unknown option --a b [31m");
}

static void every_status_has_a_meaning(void **state)
{
    (void)state;
    assert_string_equal(kt_status_text(KT_OK), "done");
    assert_string_equal(kt_status_text(KT_STOPPED), "stopped on request");
    for (kt_status s = KT_OK; s <= KT_INCOMPLETE; s++)
        assert_true(strlen(kt_status_text(s)) > 0);
}

static void memory_is_zero_and_aligned(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += 7) {
        double *x = NULL;
        assert_int_equal(kt_alloc(&x, n, sizeof *x, NULL), KT_OK);
        assert_non_null(x);
        assert_int_equal((uintptr_t)x % 64, 0);
        for (size_t i = 0; i < n; i++)
            assert_true(x[i] == 0);
        memset(x, 0xFF, n * sizeof *x); /* for the next one to find */
        free(x);
    }
}

static void growing_keeps_what_is_there(void **state)
{
    (void)state;
    int *x = NULL;
    assert_int_equal(kt_grow(&x, 0, sizeof *x, NULL), KT_OK);
    assert_non_null(x);
    for (int n = 1; n < 1000; n *= 3) {
        assert_int_equal(kt_grow(&x, (size_t)n, sizeof *x, NULL), KT_OK);
        x[n - 1] = n;
        for (int m = 1; m <= n; m *= 3)
            assert_int_equal(x[m - 1], m);
    }
    free(x);
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{SIZE_MAX, 1},
                                      {SIZE_MAX, 2},
                                      {(size_t)1 << 33, (size_t)1 << 31},
                                      {PTRDIFF_MAX, 1},
                                      {SIZE_MAX - 62, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        kt_error err = {0};
        int kept, *x = &kept, *y = &kept;
        assert_int_equal(kt_alloc(&x, sizes[i][0], sizes[i][1], &err), KT_MEMORY);
        assert_null(x);
        assert_non_null(strstr(err.message, "out of memory"));
        assert_int_equal(kt_grow(&y, (size_t)PTRDIFF_MAX + 1, 1, NULL), KT_MEMORY);
        assert_ptr_equal(y, &kept);
    }
}

static void texts_are_copied_and_made(void **state)
{
    (void)state;
    char *copy = NULL, *made = NULL;
    assert_int_equal(kt_strdup(&copy, "frontend", NULL), KT_OK);
    assert_string_equal(copy, "frontend");
    assert_int_equal(kt_format(&made, NULL, "%s/%d", copy, 7), KT_OK);
    assert_string_equal(made, "frontend/7");
    free(copy);
    free(made);
}

static void short_memory_is_an_error(void **state)
{
    (void)state;
    kt_error err = {0};
    int kept, *x = &kept, *y = &kept;
    char *text = (char *)&kept;
    memory_is_short = true;
    kt_status statuses[] = {kt_alloc(&x, 3, 4, &err), kt_grow(&y, 3, 4, NULL), kt_strdup(&text, "a", NULL)};
    memory_is_short = false;
    for (int i = 0; i < 3; i++)
        assert_int_equal(statuses[i], KT_MEMORY);
    assert_null(x);
    assert_ptr_equal(y, &kept);
    assert_null(text);
    assert_string_equal(err.message, "out of memory: 3 x 4 bytes wanted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(errno_is_told),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(whole_characters_stay),
        cmocka_unit_test(messages_are_one_line),
        cmocka_unit_test(every_status_has_a_meaning),
        cmocka_unit_test(memory_is_zero_and_aligned),
        cmocka_unit_test(growing_keeps_what_is_there),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(texts_are_copied_and_made),
        cmocka_unit_test(short_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
