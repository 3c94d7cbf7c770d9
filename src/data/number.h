/* Decimal text to double, correctly rounded. */
#ifndef KT_DATA_NUMBER_H
#define KT_DATA_NUMBER_H

#include <stddef.h>

typedef enum {
    KT_NUMBER_GOOD,
    KT_NUMBER_BLANK,
    KT_NUMBER_TEXT,     /* no number; too long for one: over 255 characters */
    KT_NUMBER_INFINITE, /* nan, inf, or beyond the range of doubles */
} kt_number_kind;

/* text [n]: digits with an optional sign, point and exponent, spaces and tabs around them; no hexadecimal, no
 * thousands separators. *value is set for KT_NUMBER_GOOD alone; -0 becomes 0. */
kt_number_kind kt_number_read(double *value, const char *text, size_t n);

#endif
