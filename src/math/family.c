#include "kt/family.h"
#include "kt/special.h"
#include <math.h>

static const double HALF_LOG_2PI = 0.9189385332046727418;

/* A density that goes as y^power at 0: the formula's limit there. */
static double log_at_zero(double power, double log_factor)
{
    return power < 0 ? INFINITY : power > 0 ? -INFINITY : log_factor;
}

/* ---- weibull ---- */

static double weibull_log_pdf(double y, double k, double l)
{
    if (y <= 0)
        return y < 0 ? -INFINITY : log_at_zero(k - 1, -log(l));
    return log(k / l) + (k - 1) * log(y / l) - pow(y / l, k);
}

static double weibull_cdf(double y, double k, double l)
{
    return y > 0 ? -expm1(-pow(y / l, k)) : 0;
}

static double weibull_survival(double y, double k, double l)
{
    return y > 0 ? exp(-pow(y / l, k)) : 1;
}

static double weibull_mean(double k, double l)
{
    return l * exp(kt_log_gamma_1p(1 / k));
}

/* E y^2 - (E y)^2 would lose all digits for large k. */
static double weibull_variance(double k, double l)
{
    double first = kt_log_gamma_1p(1 / k);
    return l * l * exp(2 * first) * expm1(kt_log_gamma_1p(2 / k) - 2 * first);
}

static double weibull_sample(kt_rng *rng, double k, double l)
{
    return l * pow(-log(kt_rng_uniform(rng)), 1 / k);
}

static void weibull_rescale(double *k, double *l, double s)
{
    (void)k;
    *l *= s;
}

/* ---- gamma: shape a, rate b ---- */

static double gamma_log_pdf(double y, double a, double b)
{
    if (y <= 0)
        return y < 0 ? -INFINITY : log_at_zero(a - 1, log(b));
    double u = (b * y - a) / a;
    double phi = u > -0.5 ? kt_gamma_phi_1p(u) : u - log(b * y / a);
    return kt_gamma_s(a) - a * phi - log(y);
}

static double gamma_cdf(double y, double a, double b)
{
    return y > 0 ? kt_gamma_p(a, b * y) : 0;
}

static double gamma_survival(double y, double a, double b)
{
    return y > 0 ? kt_gamma_q(a, b * y) : 1;
}

static double gamma_mean(double a, double b)
{
    return a / b;
}

static double gamma_variance(double a, double b)
{
    return a / b / b;
}

static double gamma_sample(kt_rng *rng, double a, double b)
{
    return kt_rng_gamma(rng, a) / b;
}

static void gamma_rescale(double *a, double *b, double s)
{
    (void)a;
    *b /= s;
}

/* ---- lognormal ---- */

static double lognormal_log_pdf(double y, double mu, double sigma)
{
    if (y <= 0)
        return -INFINITY;
    double z = (log(y) - mu) / sigma;
    return -log(y) - log(sigma) - HALF_LOG_2PI - 0.5 * z * z;
}

static double lognormal_cdf(double y, double mu, double sigma)
{
    return y > 0 ? kt_normal_cdf((log(y) - mu) / sigma) : 0;
}

static double lognormal_survival(double y, double mu, double sigma)
{
    return y > 0 ? kt_normal_cdf((mu - log(y)) / sigma) : 1;
}

static double lognormal_mean(double mu, double sigma)
{
    return exp(mu + 0.5 * sigma * sigma);
}

static double lognormal_variance(double mu, double sigma)
{
    return expm1(sigma * sigma) * exp(2 * mu + sigma * sigma);
}

static double lognormal_sample(kt_rng *rng, double mu, double sigma)
{
    return exp(mu + sigma * kt_rng_normal(rng));
}

static void lognormal_rescale(double *mu, double *sigma, double s)
{
    (void)sigma;
    *mu += log(s);
}

/* ---- normal ---- */

static double normal_log_pdf(double y, double mu, double sigma)
{
    double z = (y - mu) / sigma;
    return -log(sigma) - HALF_LOG_2PI - 0.5 * z * z;
}

static double normal_cdf(double y, double mu, double sigma)
{
    return kt_normal_cdf((y - mu) / sigma);
}

static double normal_survival(double y, double mu, double sigma)
{
    return kt_normal_cdf((mu - y) / sigma);
}

static double normal_mean(double mu, double sigma)
{
    (void)sigma;
    return mu;
}

static double normal_variance(double mu, double sigma)
{
    (void)mu;
    return sigma * sigma;
}

static double normal_sample(kt_rng *rng, double mu, double sigma)
{
    return mu + sigma * kt_rng_normal(rng);
}

static void normal_rescale(double *mu, double *sigma, double s)
{
    *mu *= s;
    *sigma *= s;
}

#define FAMILY(name, positive)                                                                               \
    {                                                                                                        \
#name, positive, name##_log_pdf, name##_cdf, name##_survival, name##_mean, name##_variance,          \
            name##_sample, name##_rescale                                                                    \
    }
const kt_family_functions kt_family_table[KT_FAMILIES] = {
    [KT_WEIBULL] = FAMILY(weibull, true),
    [KT_GAMMA] = FAMILY(gamma, true),
    [KT_LOGNORMAL] = FAMILY(lognormal, true),
    [KT_NORMAL] = FAMILY(normal, false),
};
