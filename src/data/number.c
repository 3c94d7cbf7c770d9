#include "number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DIGITS_EXACT = 19, /* any 19 digits fit into 64 bits */
    FIVES = 27,        /* 5^27 is the last power of five below 2^64 */
    TENS = 22,         /* 10^22 is the last power of ten that is a double */
    EXPONENT_MOST = 9999,
    LONGEST = 255,
};

/* What the text says: mantissa * 10^exponent, exact where `digits` is at most DIGITS_EXACT. */
typedef struct {
    uint64_t mantissa;
    int digits, exponent;
    bool negative;
} decimal;

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Powers of five that fit into 64 bits, and of ten that fit into a double. */
static const uint64_t five_to[FIVES + 1] = {1ull,
                                            5ull,
                                            25ull,
                                            125ull,
                                            625ull,
                                            3125ull,
                                            15625ull,
                                            78125ull,
                                            390625ull,
                                            1953125ull,
                                            9765625ull,
                                            48828125ull,
                                            244140625ull,
                                            1220703125ull,
                                            6103515625ull,
                                            30517578125ull,
                                            152587890625ull,
                                            762939453125ull,
                                            3814697265625ull,
                                            19073486328125ull,
                                            95367431640625ull,
                                            476837158203125ull,
                                            2384185791015625ull,
                                            11920928955078125ull,
                                            59604644775390625ull,
                                            298023223876953125ull,
                                            1490116119384765625ull,
                                            7450580596923828125ull};
static const double ten_to[TENS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* mantissa * 10^e for |e| <= FIVES and mantissa > 0, rounded once. 10^e is 5^e 2^e: the power of two costs
 * nothing, and the product or quotient with 5^|e| is cut to 64 bits whose last one says whether anything was
 * lost. That bit lies below the rounding position, so the conversion to double rounds as the exact value
 * would. */
static double scaled(uint64_t mantissa, int e)
{
    if (e >= 0) {
        unsigned __int128 product = (unsigned __int128)mantissa * five_to[e];
        uint64_t high = (uint64_t)(product >> 64);
        if (high == 0)
            return ldexp((double)(uint64_t)product, e);
        int shift = __builtin_clzll(high);
        product <<= shift;
        return ldexp((double)((uint64_t)(product >> 64) | ((uint64_t)product != 0)), 64 - shift + e);
    }
    uint64_t five = five_to[-e];
    int up = __builtin_clzll(mantissa), down = __builtin_clzll(five);
    five <<= down;
    unsigned __int128 dividend = (unsigned __int128)(mantissa << up) << 63;
    uint64_t quotient = (uint64_t)(dividend / five); /* in (2^62, 2^64): both had their top bit set */
    uint64_t rest = (uint64_t)dividend - quotient * five;
    return ldexp((double)(quotient | (rest != 0)), e - 63 - up + down);
}

/* Digits from p on, behind those of *mantissa; returns their end. Eight at a time where there are so many:
 * pairs, then fours, then all of a little-endian word are added up in its lanes. */
static inline const char *read_digits(uint64_t *mantissa, const char *p, const char *end)
{
    const uint64_t high = UINT64_C(0xF0F0F0F0F0F0F0F0), zeros = UINT64_C(0x3030303030303030);
    uint64_t sum = *mantissa, word;
    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, sizeof word);
        if ((word & high) != zeros || ((word + UINT64_C(0x0606060606060606)) & high) != zeros)
            break;
        word -= zeros;
        word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
        word = (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
        word = (word * 10000 + (word >> 32)) & UINT64_C(0x00000000FFFFFFFF);
        sum = sum * 100000000 + word;
    }
    for (; p < end && is_digit(*p); p++)
        sum = sum * 10 + (uint64_t)(*p - '0');
    *mantissa = sum;
    return p;
}

/* Digits with a point and an exponent; NULL where the text is something else, else its end. */
static const char *read_decimal(decimal *out, const char *p, const char *end)
{
    uint64_t mantissa = 0;
    const char *first = p;
    p = read_digits(&mantissa, p, end);
    ptrdiff_t digits = p - first, decimals = 0;
    if (p < end && *p == '.') {
        const char *point = p;
        p = read_digits(&mantissa, p + 1, end);
        decimals = p - point - 1;
        digits += decimals;
    }
    if (digits == 0)
        return NULL;
    if (digits > DIGITS_EXACT) /* zeros in front carry nothing */
        for (const char *zero = first; digits > 0 && (*zero == '0' || *zero == '.'); zero++)
            digits -= *zero == '0';
    int exponent = 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool negative = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end || !is_digit(*p))
            return NULL;
        for (; p < end && is_digit(*p); p++)
            if (exponent < EXPONENT_MOST)
                exponent = exponent * 10 + (*p - '0');
        if (negative)
            exponent = -exponent;
    }
    out->mantissa = mantissa;
    out->digits = (int)digits;
    out->exponent = exponent - (int)decimals;
    return p;
}

static kt_number_kind kind_of_word(const char *text, size_t n)
{
    static const char *const word[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (n == strlen(word[i]) && strncasecmp(text, word[i], n) == 0)
            return KT_NUMBER_INFINITE;
    return KT_NUMBER_TEXT;
}

static double by_library(const char *text, size_t n)
{
    char copy[LONGEST + 1];
    memcpy(copy, text, n);
    copy[n] = '\0';
    return strtod(copy, NULL);
}

kt_number_kind kt_number_read(double *value, const char *text, size_t n)
{
    const char *p = text, *end = text + n;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (p == end)
        return KT_NUMBER_BLANK;
    if (end - p > LONGEST)
        return KT_NUMBER_TEXT;
    decimal d = {.negative = *p == '-'};
    if (*p == '-' || *p == '+')
        p++;
    if (read_decimal(&d, p, end) != end)
        return kind_of_word(p, (size_t)(end - p));
    double magnitude;
    if (d.digits > DIGITS_EXACT)
        magnitude = by_library(p, (size_t)(end - p));
    else if (d.mantissa == 0)
        magnitude = 0;
    else if (d.mantissa <= UINT64_C(1) << 53 && abs(d.exponent) <= TENS) /* both exact: one rounding */
        magnitude = d.exponent < 0 ? (double)d.mantissa / ten_to[-d.exponent]
                                   : (double)d.mantissa * ten_to[d.exponent];
    else if (abs(d.exponent) <= FIVES)
        magnitude = scaled(d.mantissa, d.exponent);
    else
        magnitude = by_library(p, (size_t)(end - p));
    if (!isfinite(magnitude))
        return KT_NUMBER_INFINITE;
    *value = d.negative && magnitude > 0 ? -magnitude : magnitude;
    return KT_NUMBER_GOOD;
}
