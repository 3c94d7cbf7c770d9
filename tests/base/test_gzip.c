#include "../scratch.h"
#include "kt/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* printf 'hello, spans\n' | gzip -n -9 */
static const unsigned char hello[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb,
                                      0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0x28, 0x2e, 0x48, 0xcc, 0x2b,
                                      0xe6, 0x02, 0x00, 0x9f, 0x9e, 0xae, 0xc9, 0x0d, 0x00, 0x00, 0x00};
static const char plain[] = "hello, spans\n";

static kt_status unpack(char **out, size_t *n, const void *data, size_t size, kt_error *err)
{
    /* in a block of its own size, so that a read behind its end is seen */
    char *copy = malloc(size);
    memcpy(copy, data, size);
    kt_status status = kt_gunzip(out, n, copy, size, "name", err);
    free(copy);
    return status;
}

#define REFUSES(data, size, part)                                                                            \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        char *out = (char *)&err;                                                                            \
        size_t n = 1;                                                                                        \
        assert_int_equal(unpack(&out, &n, data, size, &err), KT_INPUT);                                      \
        assert_non_null(strstr(err.message, "name: "));                                                      \
        if (!strstr(err.message, part))                                                                      \
            fail_msg("'%s' lacks '%s'", err.message, part);                                                  \
        assert_null(out);                                                                                    \
        assert_int_equal(n, 0);                                                                              \
    } while (0)

static void members_are_joined(void **state)
{
    (void)state;
    unsigned char data[3 * sizeof hello] = {0};
    char *out;
    size_t n;
    assert_int_equal(unpack(&out, &n, hello, sizeof hello, NULL), KT_OK);
    assert_int_equal(n, sizeof plain - 1);
    assert_string_equal(out, plain);
    free(out);
    memcpy(data, hello, sizeof hello);
    memcpy(data + sizeof hello, hello, sizeof hello);
    assert_int_equal(unpack(&out, &n, data, sizeof data, NULL), KT_OK); /* with zeros behind */
    assert_string_equal(out, "hello, spans\nhello, spans\n");
    free(out);
    data[2 * sizeof hello + 1] = 'x';
    REFUSES(data, sizeof data, "33 bytes behind its gzip data");
}

/* Larger than any first guess at the size. */
static void large_and_empty_texts(void **state)
{
    (void)state;
    enum { N = 20000000 };
    char *text = calloc(N, 1), *out;
    unsigned char *packed = malloc(N);
    size_t n;
    for (size_t i = 0; i < N; i += 1000)
        text[i] = (char)(i / 1000);
    static const size_t sizes[] = {N, 0};
    for (int i = 0; i < 2; i++) {
        z_stream stream = {.next_in = (unsigned char *)text, .avail_in = (unsigned)sizes[i]};
        assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        stream.next_out = packed;
        stream.avail_out = N;
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(unpack(&out, &n, packed, stream.total_out, NULL), KT_OK);
        deflateEnd(&stream);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(out, text, n);
        assert_int_equal(out[n], '\0');
        free(out);
    }
    free(text);
    free(packed);
}

static void damage_is_found(void **state)
{
    (void)state;
    unsigned char data[sizeof hello];
    for (size_t cut = 2; cut < sizeof hello; cut++)
        REFUSES(hello, cut, "too early");
    int same = 0;
    for (size_t at = 10; at < sizeof hello; at++) /* behind the head, whose fields mean little */
        for (int bit = 0; bit < 8; bit++) {
            kt_error err = {0};
            char *out;
            size_t n;
            memcpy(data, hello, sizeof hello);
            data[at] ^= (unsigned char)(1 << bit);
            if (unpack(&out, &n, data, sizeof hello, &err) != KT_OK) {
                assert_non_null(strstr(err.message, "name: its gzip data"));
                continue;
            }
            assert_string_equal(out, plain); /* a bit of the last byte that nobody reads */
            free(out);
            same++;
        }
    assert_true(same < 8);
    memcpy(data, hello, sizeof hello);
    data[sizeof hello - 5] ^= 1; /* the checksum */
    REFUSES(data, sizeof hello, "damaged: incorrect data check");
}

static void files_are_told_apart(void **state)
{
    (void)state;
    kt_error err = {0};
    char *out;
    size_t n;
    assert_int_equal(kt_file_write("a", hello, sizeof hello, NULL), KT_OK);
    assert_int_equal(kt_file_write("b", plain, sizeof plain - 1, NULL), KT_OK);
    assert_int_equal(kt_file_write("c", hello, sizeof hello - 9, NULL), KT_OK);
    assert_int_equal(kt_file_write("d", "\x1f", 1, NULL), KT_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kt_file_read_any(&out, &n, i == 0 ? "a" : "b", NULL), KT_OK);
        assert_int_equal(n, sizeof plain - 1);
        assert_string_equal(out, plain);
        free(out);
    }
    assert_int_equal(kt_file_read_any(&out, &n, "c", &err), KT_INPUT);
    assert_string_equal(err.message, "c: its gzip data end too early");
    assert_int_equal(kt_file_read_any(&out, &n, "d", NULL), KT_OK);
    assert_int_equal(n, 1);
    free(out);
    assert_int_equal(kt_file_read_any(&out, &n, "none", NULL), KT_IO);
    assert_null(out);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_joined),
        cmocka_unit_test(large_and_empty_texts),
        cmocka_unit_test(damage_is_found),
        IN_SCRATCH(files_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
