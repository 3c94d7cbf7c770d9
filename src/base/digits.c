#include "kt/digits.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOAT_DIGITS = 9, EXACT = 22 }; /* 10^22 is the last power of ten that a double holds */

static const double power[EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* value * 10^p, p in [-44, 66], in at most three roundings. */
static double shift(double value, int p)
{
    for (; p > EXACT; p -= EXACT)
        value *= power[EXACT];
    for (; p < -EXACT; p += EXACT)
        value /= power[EXACT];
    return p < 0 ? value / power[-p] : value * power[p];
}

/* The number as d.dddddddd * 10^exponent, its nine digits as an integer. A double has 29 bits more than nine
 * digits need: three roundings leave them right but for ties. */
static uint32_t decompose(int *exponent, double value)
{
    int binary;
    frexp(value, &binary);
    int e = (int)floor((binary - 1) * 0.30102999566398120); /* of 10, or one less */
    double digits = nearbyint(shift(value, FLOAT_DIGITS - 1 - e));
    if (digits >= 1e9)
        digits = nearbyint(shift(value, FLOAT_DIGITS - 1 - ++e));
    *exponent = e;
    return (uint32_t)digits;
}

static char *put(char *out, const char *from, int n)
{
    memcpy(out, from, (size_t)n);
    return out + n;
}

char *kt_digits_float(char *out, float value)
{
    char digit[FLOAT_DIGITS];
    int e, n = FLOAT_DIGITS;
    if (!isfinite(value) || value == 0)
        return out + sprintf(out, "%.9g", (double)value);
    if (value < 0)
        *out++ = '-';
    uint32_t rest = decompose(&e, fabs((double)value));
    for (int i = FLOAT_DIGITS; i-- > 0; rest /= 10)
        digit[i] = (char)('0' + rest % 10);
    while (n > 1 && digit[n - 1] == '0')
        n--;
    if (e < -4 || e >= FLOAT_DIGITS) {
        *out++ = digit[0];
        if (n > 1)
            *out++ = '.';
        out = put(out, digit + 1, n - 1);
        return out + sprintf(out, "e%+03d", e);
    }
    if (e < 0) {
        out = put(out, "0.000", 1 - e);
        return put(out, digit, n);
    }
    int whole = e + 1;
    out = put(out, digit, n < whole ? n : whole);
    for (int i = n; i < whole; i++)
        *out++ = '0';
    if (n > whole) {
        *out++ = '.';
        out = put(out, digit + whole, n - whole);
    }
    return out;
}

char *kt_digits_double(char *out, double value)
{
    for (int precision = 15;; precision++) {
        int n = sprintf(out, "%.*g", precision, value);
        if (precision == 17 || strtod(out, NULL) == value)
            return out + n;
    }
}
