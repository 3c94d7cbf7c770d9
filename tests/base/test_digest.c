#include "kt/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_digest(kt_digest *digest, const char *wanted)
{
    uint8_t bytes[KT_DIGEST_BYTES];
    char hex[KT_DIGEST_HEX];
    kt_digest_end(digest, bytes);
    kt_digest_hex(hex, bytes);
    assert_string_equal(hex, wanted);
}

/* The examples of FIPS 180-4 (csrc.nist.gov, "SHA256.pdf" and "SHA2_Additional.pdf"). */
static const struct {
    const char *text;
    size_t times;
    const char *wanted;
} examples[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void the_standard_s_examples(void **state)
{
    (void)state;
    kt_digest *digest = NULL;
    assert_int_equal(kt_digest_create(&digest, NULL), KT_OK);
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) { /* one object for all */
        for (size_t k = 0; k < examples[i].times; k++)
            kt_digest_add(digest, examples[i].text, strlen(examples[i].text));
        assert_digest(digest, examples[i].wanted);
    }
    kt_digest_destroy(digest);
    kt_digest_destroy(NULL);
    for (size_t i = 0; i < 3; i++) { /* and in one call */
        uint8_t bytes[KT_DIGEST_BYTES];
        char hex[KT_DIGEST_HEX];
        assert_int_equal(kt_digest_of(bytes, examples[i].text, strlen(examples[i].text), NULL), KT_OK);
        kt_digest_hex(hex, bytes);
        assert_string_equal(hex, examples[i].wanted);
    }
}

/* Python: hashlib.sha256(struct.pack("<Q8sQ", 8, b"frontend", 2**63 + 5) + struct.pack("<3d", 0.1, -0.0, inf)
 * + struct.pack("<2I", 1, 2**32 - 2)). */
static void numbers_have_one_form(void **state)
{
    (void)state;
    kt_digest *digest = NULL;
    assert_int_equal(kt_digest_create(&digest, NULL), KT_OK);
    kt_digest_text(digest, "frontend");
    kt_digest_u64(digest, ((uint64_t)1 << 63) + 5);
    kt_digest_f64(digest, (double[]){0.1, -0.0, __builtin_inf()}, 3);
    kt_digest_u32(digest, (uint32_t[]){1, UINT32_MAX - 1}, 2);
    assert_digest(digest, "2ff30099e70044529e2f1054e0a7a427410795cd8db0d9973c5ee7d4255d83bb");
    kt_digest_destroy(digest);
}

/* Lengths keep texts apart that would run into each other. */
static void texts_do_not_run_together(void **state)
{
    (void)state;
    kt_digest *digest = NULL;
    uint8_t one[KT_DIGEST_BYTES], other[KT_DIGEST_BYTES];
    assert_int_equal(kt_digest_create(&digest, NULL), KT_OK);
    kt_digest_text(digest, "ab");
    kt_digest_text(digest, "c");
    kt_digest_end(digest, one);
    kt_digest_text(digest, "a");
    kt_digest_text(digest, "bc");
    kt_digest_end(digest, other);
    assert_memory_not_equal(one, other, sizeof one);
    kt_digest_destroy(digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_s_examples),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(texts_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
