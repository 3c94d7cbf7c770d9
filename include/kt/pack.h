/* Values as bytes and back: fields one after the other, little-endian. One list of calls serves packing and
 * unpacking, so that the two cannot differ:
 *
 *   static void fields(kt_pack *p, thing *t) { kt_pack_u64(p, &t->count); kt_pack_f64(p, t->values, 3); }
 *
 * The first failure is kept in `status` and nothing happens after it. When unpacking, counts and texts are
 * checked against the bytes that are there, so that damage asks for no memory. */
#ifndef KT_PACK_H
#define KT_PACK_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *what; /* "a packed model", for messages */
    bool reading;
    char *data;         /* packing: the caller frees it */
    size_t at, n, room; /* n: bytes there are (reading), room: allocated (packing) */
    kt_status status;
    kt_error *err;
} kt_pack;

void kt_pack_bytes(kt_pack *p, void *value, size_t n);
void kt_pack_u64(kt_pack *p, uint64_t *value);
void kt_pack_size(kt_pack *p, size_t *value);
void kt_pack_f64(kt_pack *p, double *values, size_t n);
void kt_pack_f32(kt_pack *p, float *values, size_t n);

/* An enum, flag or count that fits an int: the value, checked to be low to high when it is read. */
int kt_pack_whole(kt_pack *p, int value, int low, int high);

/* Allocates room for n elements that are about to be read, of at least `least` packed bytes each. Packing:
 * nothing. */
void kt_pack_vector(kt_pack *p, void *out, size_t n, size_t element, size_t least);

/* A text of any length; allocated when read. */
void kt_pack_text(kt_pack *p, char **value);

/* Begins unpacking n bytes, which are only read. */
kt_pack kt_pack_open(const char *what, const char *data, size_t n, kt_error *err);
/* KT_INPUT where bytes are left over. */
kt_status kt_pack_close(kt_pack *p);

/* Ends packing: the bytes, or nothing after a failure. */
kt_status kt_pack_take(char **data, size_t *n, kt_pack *p);

#endif
