/* SHA-256 of bytes, and of numbers in their canonical form (little-endian, two's complement, IEEE 754). */
#ifndef KT_DIGEST_H
#define KT_DIGEST_H

#include "kt/error.h"
#include <stddef.h>
#include <stdint.h>

enum { KT_DIGEST_BYTES = 32, KT_DIGEST_HEX = 65 };

typedef struct kt_digest kt_digest;

kt_status kt_digest_create(kt_digest **digest, kt_error *err);
void kt_digest_destroy(kt_digest *digest); /* takes NULL */
void kt_digest_add(kt_digest *digest, const void *data, size_t n);
void kt_digest_text(kt_digest *digest, const char *text); /* its length as u64, then its bytes */
void kt_digest_u64(kt_digest *digest, uint64_t value);
void kt_digest_f64(kt_digest *digest, const double *values, size_t n);
void kt_digest_u32(kt_digest *digest, const uint32_t *values, size_t n);
void kt_digest_end(kt_digest *digest, uint8_t out[KT_DIGEST_BYTES]); /* ready for a new message afterwards */

kt_status kt_digest_of(uint8_t out[KT_DIGEST_BYTES], const void *data, size_t n, kt_error *err);
void kt_digest_hex(char out[KT_DIGEST_HEX], const uint8_t digest[KT_DIGEST_BYTES]);

const char *kt_digest_library(void); /* "3.0.17": OpenSSL's version */

#endif
