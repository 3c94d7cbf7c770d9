#include "spread.h"
#include "kt/special.h"
#include <float.h>
#include <math.h>

static const double CUT = 23; /* exp(-23) = 1e-10 */

/* cdf about exp(k x) below, survival exp(-m), m = exp(k x), above, for x = log(y / l). The integral of cdf^2
 * is cut where cdf y < 1e-10; m^(1/k) survival^2, which the integral of survival^2 sums, is largest at m = 1
 * / 2k, about normal there with variance m / 2. */
static kt_spread weibull_spread(double k, double l)
{
    double top = 0.5 / k, m = top + 5 * sqrt(2 * top) + CUT;
    return (kt_spread){log(l), 1 / k, log(l) - CUT / (k + 1), log(l) + log(m) / k};
}

/* Both tails go as exp(-a phi(t)), t = log(y / mean). The integral of cdf^2 is cut where a phi(t) - t passes
 * CUT, that of survival^2 where 2 a phi(t) - t passes 2 CUT. Newton from outside on a convex function stays
 * outside. */
static kt_spread gamma_spread(double a, double b)
{
    double center = log(a / b), left = -(CUT + a) / (1 + a);
    double right = a < 1 ? log1p(200 / a) : 0.5 * (1 + sqrt(1 + 8 * CUT * a)) / a;
    for (int i = 0; i < 8; i++) {
        left -= (a * kt_gamma_phi(left) - left - CUT) / (a * expm1(left) - 1);
        right -= (2 * a * kt_gamma_phi(right) - right - 2 * CUT) / (2 * a * expm1(right) - 1);
    }
    return (kt_spread){center, 1 / sqrt(fmax(a, 1)), center + left, center + right};
}

/* survival^2 y is largest at z = sigma / 2 and falls as exp(-(z - sigma / 2)^2). */
static kt_spread lognormal_spread(double mu, double sigma)
{
    double high = fmax(6.4, 0.5 * sigma + 5);
    return (kt_spread){mu, sigma, mu - 6.4 * sigma, mu + high * sigma};
}

static kt_spread normal_spread(double mu, double sigma)
{
    return (kt_spread){mu, sigma, mu - 6.4 * sigma, mu + 6.4 * sigma};
}

static kt_spread (*const spread_of[KT_FAMILIES])(double, double) = {
    [KT_WEIBULL] = weibull_spread,
    [KT_GAMMA] = gamma_spread,
    [KT_LOGNORMAL] = lognormal_spread,
    [KT_NORMAL] = normal_spread,
};

kt_spread kt_component_spread(const kt_mixture *mixture, int j)
{
    return spread_of[mixture->family](mixture->concentration[j], mixture->scale[j]);
}

double kt_from_variable(kt_family family, double x)
{
    return kt_family_table[family].positive ? exp(x) : x;
}

double kt_to_variable(kt_family family, double y)
{
    if (!kt_family_table[family].positive)
        return y;
    return y > 0 ? log(y) : -INFINITY;
}

void kt_variable_range(double *first, double *last, kt_family family)
{
    bool positive = kt_family_table[family].positive;
    *first = positive ? -745.13 : -DBL_MAX; /* log of the smallest denormal */
    *last = positive ? 709.78 : DBL_MAX;
}

bool kt_mixture_proper(const kt_mixture *mixture)
{
    bool shape = mixture->family == KT_WEIBULL || mixture->family == KT_GAMMA;
    double total = 0;
    for (int j = 0; j < mixture->n; j++) {
        double w = mixture->weight[j], c = mixture->concentration[j], s = mixture->scale[j];
        if (!(w >= 0 && isfinite(c) && s > 0 && s < INFINITY) || (shape && c <= 0))
            return false;
        total += w;
    }
    return total > 0 && total < INFINITY;
}
