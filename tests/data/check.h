/* What the tests of this room share: calls that must succeed, or fail with a message, and files of text. */
#ifndef KT_TEST_DATA_CHECK_H
#define KT_TEST_DATA_CHECK_H

#include "kt/error.h"
#include "kt/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                             \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        if ((call) != KT_OK)                                                                                 \
            fail_msg("%s", err.message);                                                                     \
        assert_int_equal(err.status, KT_OK);                                                                 \
    } while (0)

/* The call fails with the status, and its message has the part. */
#define FAILS(call, wanted, part)                                                                            \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        assert_int_equal((call), wanted);                                                                    \
        assert_int_equal(err.status, wanted);                                                                \
        if (!strstr(err.message, part))                                                                      \
            fail_msg("'%s' lacks '%s'", err.message, part);                                                  \
    } while (0)

/* Not kt_file_write, which waits for the disk. */
static inline void write_bytes(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

#endif
