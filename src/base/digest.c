#include "kt/digest.h"

#include "kt/pause.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are hashed as they lie in memory");
_Static_assert(sizeof(double) == 8, "an f64 is a double");

struct kt_digest {
    EVP_MD_CTX *context;
};

/* After create nothing is allocated and nothing can fail; a digest that is not one must not get out. */
static void must(int done)
{
    if (done != 1)
        abort();
}

kt_status kt_digest_create(kt_digest **digest, kt_error *err)
{
    kt_status status = KT_OK;
    kt_digest *made = NULL;
    *digest = NULL;
    KT_TRY(kt_alloc(&made, 1, sizeof *made, err));
    made->context = EVP_MD_CTX_new();
    if (!made->context || EVP_DigestInit_ex(made->context, EVP_sha256(), NULL) != 1) {
        status = kt_fail(err, KT_MEMORY, "SHA-256 cannot be set up: out of memory, or OpenSSL refuses it");
        goto out;
    }
    *digest = made;
    made = NULL;
out:
    kt_digest_destroy(made);
    return status;
}

void kt_digest_destroy(kt_digest *digest)
{
    if (digest)
        EVP_MD_CTX_free(digest->context);
    free(digest);
}

void kt_digest_add(kt_digest *digest, const void *data, size_t n)
{
    enum { PIECE = 1 << 20 };
    const char *at = data;
    for (; n > PIECE; at += PIECE, n -= PIECE) {
        must(EVP_DigestUpdate(digest->context, at, PIECE));
        kt_pause();
    }
    must(EVP_DigestUpdate(digest->context, at, n));
}

void kt_digest_text(kt_digest *digest, const char *text)
{
    size_t n = strlen(text);
    kt_digest_u64(digest, n);
    kt_digest_add(digest, text, n);
}

void kt_digest_u64(kt_digest *digest, uint64_t value)
{
    kt_digest_add(digest, &value, sizeof value);
}

void kt_digest_f64(kt_digest *digest, const double *values, size_t n)
{
    kt_digest_add(digest, values, n * sizeof *values);
}

void kt_digest_u32(kt_digest *digest, const uint32_t *values, size_t n)
{
    kt_digest_add(digest, values, n * sizeof *values);
}

void kt_digest_end(kt_digest *digest, uint8_t out[KT_DIGEST_BYTES])
{
    must(EVP_DigestFinal_ex(digest->context, out, NULL));
    must(EVP_DigestInit_ex(digest->context, NULL, NULL));
}

kt_status kt_digest_of(uint8_t out[KT_DIGEST_BYTES], const void *data, size_t n, kt_error *err)
{
    kt_digest *digest = NULL;
    kt_status status = kt_digest_create(&digest, err);
    if (status == KT_OK) {
        kt_digest_add(digest, data, n);
        kt_digest_end(digest, out);
    }
    kt_digest_destroy(digest);
    return status;
}

void kt_digest_hex(char out[KT_DIGEST_HEX], const uint8_t digest[KT_DIGEST_BYTES])
{
    static const char digit[] = "0123456789abcdef";
    for (int i = 0; i < KT_DIGEST_BYTES; i++) {
        out[2 * i] = digit[digest[i] >> 4];
        out[2 * i + 1] = digit[digest[i] & 15];
    }
    out[KT_DIGEST_HEX - 1] = '\0';
}

const char *kt_digest_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
