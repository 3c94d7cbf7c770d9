/* Numbers as text, faster than printf: tables of a million mixtures are mostly digits. */
#ifndef KT_DIGITS_H
#define KT_DIGITS_H

#include <stddef.h>

enum { KT_DIGITS = 32 }; /* bytes that one number may need; no NUL is written */

/* Both return the end of what was written at `out`. */

/* In the form of printf's %.9g: any float comes back from it. */
char *kt_digits_float(char *out, float value);

/* The shortest of %.15g, %.16g and %.17g that comes back as the same double. */
char *kt_digits_double(char *out, double value);

#endif
