#include "kt/special.h"
#include "temme.h"
#include <assert.h>
#include <float.h>
#include <math.h>

static const double LOG_2PI = 1.837877066409345484;

/* ---- Gamma and digamma: Stirling's series from here on, with an error below 1e-17 (DLMF 5.11.1, 5.11.2)
 * ---- */

enum { STIRLING_FROM = 10 };

static double polynomial(double x, const double *c, int n)
{
    double sum = 0;
    while (n-- > 0)
        sum = sum * x + c[n];
    return sum;
}

double kt_gamma_s(double a)
{
    static const double c[] = {1. / 12,   -1. / 360,      1. / 1260, -1. / 1680,
                               1. / 1188, -691. / 360360, 1. / 156,  -3617. / 122400};
    if (a < STIRLING_FROM)
        return a * log(a) - a - lgamma(a);
    double w = 1 / a;
    return 0.5 * (log(a) - LOG_2PI) - w * polynomial(w * w, c, 8);
}

/* D(a) by Stirling's series */
static double d_series(double a)
{
    static const double c[] = {1. / 12,  -1. / 120,     1. / 252, -1. / 240,
                               1. / 132, -691. / 32760, 1. / 12,  -3617. / 8160};
    double w = 1 / a;
    return 0.5 + w * polynomial(w * w, c, 8);
}

double kt_digamma(double x)
{
    double below = 0;
    for (; x < STIRLING_FROM; x++) /* digamma(x) = digamma(x + 1) - 1 / x */
        below += 1 / x;
    return log(x) - d_series(x) / x - below;
}

double kt_gamma_d(double a)
{
    return a < STIRLING_FROM ? a * (log(a) - kt_digamma(a)) : d_series(a);
}

double kt_log_gamma_1p(double x)
{
    /* Euler's gamma; zeta(k) - 1 for k = 2, 3, ... */
    static const double zeta[] = {0.6449340668482264365, 0.2020569031595942854, 0.0823232337111381915,
                                  0.0369277551433699263, 0.0173430619844491397, 0.0083492773819228268,
                                  0.0040773561979443394, 0.0020083928260822144, 0.0009945751278180853,
                                  0.0004941886041194646, 0.0002460865533080483, 0.0001227133475784891,
                                  0.0000612481350587048};
    static const double euler = 0.5772156649015328606;
    if (x > 0.2)
        return lgamma(1 + x);
    double sum = 0; /* DLMF 5.7.3, its radius of convergence doubled by -log(1 + x) */
    for (int k = sizeof zeta / sizeof *zeta + 1; k >= 2; k--)
        sum = zeta[k - 2] / k - x * sum;
    return x * (1 - euler) - log1p(x) + x * x * sum;
}

double kt_gamma_phi(double t)
{
    if (fabs(t) > 0.5)
        return expm1(t) - t;
    double sum = 1;
    for (int k = 16; k > 2; k--)
        sum = 1 + sum * t / k;
    return 0.5 * t * t * sum;
}

double kt_gamma_phi_1p(double u)
{
    if (fabs(u) > 0.5)
        return u - log1p(u);
    double s = u / (2 + u), s2 = s * s, sum = 0; /* log(1 + u) = 2 artanh(s), and u - 2 s = u s */
    for (int k = 35; k >= 3; k -= 2)
        sum = sum * s2 + 1. / k;
    return u * s - 2 * s * s2 * sum;
}

/* ---- Incomplete gamma (DLMF 8): series below x = a + 1, continued fraction above, Temme around x = a ----
 */

enum {
    ITERATIONS = 2000,
    TEMME_FROM = 25
}; /* outside Temme's region both converge in at most a few hundred */

/* x^a e^-x / Gamma(a) */
static double kernel(double a, double x)
{
    double u = (x - a) / a; /* log(x / a) is lost in log(1 + u) when x is far below a */
    double phi = u > -0.5 ? kt_gamma_phi_1p(u) : u - log(x / a);
    return exp(kt_gamma_s(a) - a * phi);
}

static double p_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < ITERATIONS && term > sum * (DBL_EPSILON / 4); n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * kernel(a, x);
}

/* DLMF 8.9.2 by the modified Lentz algorithm (Thompson and Barnett 1986) */
static double q_fraction(double a, double x)
{
    const double tiny = DBL_MIN / DBL_EPSILON;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
    for (int n = 1; n < ITERATIONS; n++) {
        double an = -n * (n - a);
        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = b + an / c;
        c = fabs(c) < tiny ? tiny : c;
        h *= c * d;
        if (fabs(c * d - 1) < DBL_EPSILON)
            break;
    }
    return h * kernel(a, x);
}

/* Q for a < 1 and moderate x, where P is close to 1: DLMF 8.7.1 with 1 - x^a / Gamma(1 + a) taken first. */
static double q_small(double a, double x)
{
    double exponent = a * log(x) - kt_log_gamma_1p(a), term = 1, sum = 0;
    for (int n = 1; n < ITERATIONS && fabs(term) > fabs(sum) * (DBL_EPSILON / 4); n++) {
        term *= -x / n;
        sum += term / (a + n);
    }
    return -expm1(exponent) - exp(exponent) * a * sum;
}

/* side = 1: Q, -1: P. DLMF 8.12.3, 8.12.4, 8.12.7 */
static double temme_tail(double a, double x, int side)
{
    double u = (x - a) / a, half = kt_gamma_phi_1p(u),
           eta = copysign(sqrt(2 * half), u); /* half = eta^2 / 2 */
    double sum = 0;
    for (int k = TEMME_ORDERS; k-- > 0;)
        sum = sum / a + polynomial(eta, temme[k], TEMME_TERMS);
    double rest = exp(-a * half) / sqrt(2 * M_PI * a) * sum;
    return 0.5 * erfc(side * eta * sqrt(0.5 * a)) + side * rest;
}

static int in_temme_region(double a, double x)
{
    return a >= TEMME_FROM && fabs(x - a) <= 0.3 * a;
}

double kt_gamma_p(double a, double x)
{
    if (!(a > 0 && x >= 0 && a < INFINITY))
        return NAN;
    if (x == 0 || x == INFINITY)
        return x > 0;
    if (in_temme_region(a, x))
        return temme_tail(a, x, -1);
    return x < a + 1 ? p_series(a, x) : 1 - q_fraction(a, x);
}

double kt_gamma_q(double a, double x)
{
    if (!(a > 0 && x >= 0 && a < INFINITY))
        return NAN;
    if (x == 0 || x == INFINITY)
        return x == 0;
    if (in_temme_region(a, x))
        return temme_tail(a, x, 1);
    if (x >= a + 1)
        return q_fraction(a, x);
    return a < 1 ? q_small(a, x) : 1 - p_series(a, x);
}

/* ---- Others ---- */

double kt_normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

double kt_log_sum_exp(const double *x, int n)
{
    double top = x[0], sum = 0;
    assert(n > 0);
    for (int i = 1; i < n; i++)
        top = fmax(top, x[i]);
    if (isinf(top)) /* the difference of two infinities is no number */
        return top;
    for (int i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return top + log(sum);
}
