/* JSON values over jansson, whose header only io/json.c sees. Values are counted references: kt_json_keep and
 * kt_json_drop; "put" takes the value it is given, "get" gives a borrowed one. Building never fails halfway:
 * when memory is short a value is NULL, every function passes NULL on, what a part is missing from is broken
 * for good but still the caller's to drop, and kt_json_text reports it. Texts are UTF-8; a byte that is not
 * becomes U+FFFD. */
#ifndef KT_JSON_H
#define KT_JSON_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json_t kt_json;

typedef enum {
    KT_JSON_NULL,
    KT_JSON_BOOL,
    KT_JSON_INT,
    KT_JSON_REAL,
    KT_JSON_TEXT,
    KT_JSON_ARRAY,
    KT_JSON_OBJECT
} kt_json_kind;

/* Reading: one document, duplicate keys refused. Errors say name:line:column. */
kt_status kt_json_parse(kt_json **out, const char *text, size_t n, const char *name, kt_error *err);
kt_status kt_json_read(kt_json **out, const char *path, kt_error *err);

kt_json *kt_json_keep(kt_json *value);
void kt_json_drop(kt_json *value); /* takes NULL */

/* Writing. Canonical: sorted keys, no spaces, 17 significant digits, one line: the same value gives the same
 * bytes. indent > 0: for people. Numbers that JSON lacks (NaN, infinities) are written as null. Caller frees.
 */
kt_status kt_json_text(char **out, const kt_json *value, int indent, kt_error *err);

kt_json *kt_json_object(void);
kt_json *kt_json_array(void);
kt_json *kt_json_null(void);
kt_json *kt_json_bool(bool value);
kt_json *kt_json_int(int64_t value);
kt_json *kt_json_real(double value);
kt_json *kt_json_string(const char *value);
kt_json *kt_json_reals(const double *values, size_t n);

/* Takes value. Returns the object or array itself, for chains of puts. */
kt_json *kt_json_put(kt_json *object, const char *key, kt_json *value);
kt_json *kt_json_append(kt_json *array, kt_json *value);
kt_json *kt_json_merge(kt_json *object, const kt_json *over); /* keys of `over` win */

kt_json_kind kt_json_kind_of(const kt_json *value);           /* NULL: KT_JSON_NULL */
size_t kt_json_size(const kt_json *value);                    /* of an array or object, else 0 */
kt_json *kt_json_get(const kt_json *object, const char *key); /* borrowed; NULL if absent */
kt_json *kt_json_at(const kt_json *array, size_t i);          /* borrowed */
const char *kt_json_key(const kt_json *object, size_t i);     /* the i-th key in byte order; borrowed */

bool kt_json_equal(const kt_json *a, const kt_json *b); /* 1 and 1.0 are not; NULL equals nothing */

/* The first key in which two objects differ, borrowed: of those of `a` in byte order, then of those that only
 * `b` has; NULL where the objects are equal. Its values as canonical text, "nothing" where a side lacks it;
 * caller frees. */
kt_status kt_json_difference(const char **key, char **in_a, char **in_b, const kt_json *a, const kt_json *b,
                             kt_error *err);

/* Values, with a fallback where there is none of that kind; real takes integers too. */
bool kt_json_as_bool(const kt_json *value, bool fallback);
int64_t kt_json_as_int(const kt_json *value, int64_t fallback);
double kt_json_as_real(const kt_json *value, double fallback);
const char *kt_json_as_text(const kt_json *value, const char *fallback);

/* Bytes of the UTF-8 character at c; 0 where there is none (RFC 3629, section 4). */
size_t kt_json_character(const char *c);

const char *kt_json_library(void); /* "2.14": jansson's version */

#endif
