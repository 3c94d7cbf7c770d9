#include "kt/mixture.h"
#include "kt/special.h"
#include "spread.h"
#include <assert.h>
#include <math.h>

static double weighted(const kt_mixture *mixture, double (*f)(double, double, double), double y)
{
    double sum = 0;
    for (int j = 0; j < mixture->n; j++)
        sum += mixture->weight[j] * f(y, mixture->concentration[j], mixture->scale[j]);
    return sum;
}

double kt_mixture_cdf(const kt_mixture *mixture, double y)
{
    return weighted(mixture, kt_family_table[mixture->family].cdf, y);
}

double kt_mixture_survival(const kt_mixture *mixture, double y)
{
    return weighted(mixture, kt_family_table[mixture->family].survival, y);
}

double kt_mixture_log_pdf(const kt_mixture *mixture, double y)
{
    double term[KT_MIXTURE_MAX];
    int n = 0;
    assert(mixture->n > 0 && mixture->n <= KT_MIXTURE_MAX);
    for (int j = 0; j < mixture->n; j++)
        if (mixture->weight[j] != 0) /* nothing times an infinite density is nothing */
            term[n++] = log(mixture->weight[j]) + kt_family_table[mixture->family].log_pdf(
                                                      y, mixture->concentration[j], mixture->scale[j]);
    return n > 0 ? kt_log_sum_exp(term, n) : -INFINITY;
}

double kt_mixture_mean(const kt_mixture *mixture)
{
    double sum = 0;
    for (int j = 0; j < mixture->n; j++)
        sum += mixture->weight[j] *
               kt_family_table[mixture->family].mean(mixture->concentration[j], mixture->scale[j]);
    return sum;
}

double kt_mixture_variance(const kt_mixture *mixture)
{
    const kt_family_functions *family = &kt_family_table[mixture->family];
    double mean = kt_mixture_mean(mixture), sum = 0;
    for (int j = 0; j < mixture->n; j++) {
        double c = mixture->concentration[j], s = mixture->scale[j], apart = family->mean(c, s) - mean;
        sum += mixture->weight[j] * (family->variance(c, s) + apart * apart);
    }
    return sum;
}

double kt_mixture_sample(const kt_mixture *mixture, kt_rng *rng)
{
    double u = kt_rng_uniform(rng);
    int j = 0;
    while (j < mixture->n - 1 && u >= mixture->weight[j])
        u -= mixture->weight[j++];
    return kt_family_table[mixture->family].sample(rng, mixture->concentration[j], mixture->scale[j]);
}

/* ---- Quantile, in the variable of spread.h ---- */

/* How far the cdf at x is above p, in the log of the smaller tail, where it is nearly straight; *slope: by x.
 */
static double above(double *slope, const kt_mixture *mixture, double p, double x)
{
    double y = kt_from_variable(mixture->family, x), density = kt_mixture_log_pdf(mixture, y);
    bool upper = p > 0.5;
    double tail = upper ? kt_mixture_survival(mixture, y) : kt_mixture_cdf(mixture, y);
    if (kt_family_table[mixture->family].positive)
        density += x;
    *slope = exp(density) / tail;
    double excess = log(tail / (upper ? 1 - p : p));
    return upper ? -excess : excess;
}

/* From where the cdf is below p to where it is above. False: the quantile is beyond the range of doubles. */
static bool bracket(double *low, double *high, const kt_mixture *mixture, double p)
{
    double first, last, slope;
    kt_variable_range(&first, &last, mixture->family);
    *low = INFINITY;
    *high = -INFINITY;
    for (int j = 0; j < mixture->n; j++)
        if (mixture->weight[j] > 0) {
            kt_spread spread = kt_component_spread(mixture, j);
            *low = fmin(*low, spread.center - spread.width);
            *high = fmax(*high, spread.center + spread.width);
        }
    double step = *high - *low;
    *low = fmax(first, fmin(*low, last));
    *high = fmin(last, fmax(*high, first));
    for (double by = step; above(&slope, mixture, p, *low) > 0; by *= 2) {
        if (*low == first)
            return *high = first, false;
        *low = fmax(first, *low - by);
    }
    for (double by = step; above(&slope, mixture, p, *high) < 0; by *= 2) {
        if (*high == last)
            return *low = last, false;
        *high = fmin(last, *high + by);
    }
    return true;
}

double kt_mixture_quantile(const kt_mixture *mixture, double p)
{
    if (!kt_mixture_proper(mixture) || !(p > 0 && p < 1))
        return NAN;
    double low, high, slope, x, step;
    bool positive = kt_family_table[mixture->family].positive;
    if (!bracket(&low, &high, mixture, p)) /* below the smallest positive double, or above the largest */
        return low < 0 && positive ? 0 : low < 0 ? -INFINITY : INFINITY;
    x = 0.5 * (low + high);
    step = high - low;
    for (int i = 0; i < 200; i++) { /* Newton's step where it stays inside and shrinks, else the middle */
        double v = above(&slope, mixture, p, x);
        if (v == 0)
            break;
        *(v < 0 ? &low : &high) = x;
        double next = x - v / slope;
        if (!(next > low && next < high && fabs(next - x) < 0.5 * step))
            next = 0.5 * (low + high);
        step = fabs(next - x);
        x = next;
        if (step <= (positive ? 1e-14 + 2e-16 * fabs(x) : 1e-14 * fabs(x)))
            break;
    }
    return kt_from_variable(mixture->family, x);
}
