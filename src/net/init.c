#include "kt/init.h"

#include "kt/rng.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SPREAD   0.02   /* of log y between two components' neighbours */
#define SPREAD         0.54   /* of the distance of quantiles 0.1 and 0.9 of a component's share */
#define WEIBULL_LOG_SD 1.2825 /* pi / sqrt(6): standard deviation of log y at k = 1 */
#define HEAD_SHRINK    0.1    /* heads start near their biases */
#define TRUNCATED_SD   0.87962566103423978 /* of a standard normal cut at +-2 */
#define TRUNCATION     2.0

static void fill_normal(float *kernel, const kt_net_view *v, kt_start start, kt_rng *rng)
{
    double sd = start == KT_START_QUANTILE ? sqrt(1.0 / v->in) : sqrt(2.0 / v->in) / TRUNCATED_SD;
    for (int i = 0; i < v->in * v->out; i++) {
        double z = kt_rng_normal(rng);
        while (start == KT_START_KERAS && fabs(z) > TRUNCATION)
            z = kt_rng_normal(rng);
        kernel[i] = (float)(sd * z);
    }
}

/* Glorot and Bengio 2010. */
static void fill_uniform(float *kernel, const kt_net_view *v, kt_start start, kt_rng *rng)
{
    double limit = sqrt(6.0 / (v->in + v->out)) * (start == KT_START_QUANTILE ? HEAD_SHRINK : 1);
    for (int i = 0; i < v->in * v->out; i++)
        kernel[i] = (float)(limit * (2 * kt_rng_uniform(rng) - 1));
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Type 7 of Hyndman and Fan 1996. */
static double quantile(const float *sorted, size_t n, double p)
{
    double h = p * (double)(n - 1);
    size_t i = (size_t)h;
    double low = (double)sorted[i], high = (double)sorted[i + 1 < n ? i + 1 : i];
    return low + (h - (double)i) * (high - low);
}

/* The z with softplus(z) + KT_HEAD_FLOOR = value; values that the floor nearly hides become twice the floor.
 */
static double inverse_softplus(double value)
{
    double v = fmax(value - KT_HEAD_FLOOR, KT_HEAD_FLOOR);
    return v > 30 ? v : log(expm1(v));
}

/* Component j of K takes the j-th K-th of the data: its middle and its spread, in t. */
static void component_start(double *z_a, double *z_b, const kt_net *net, double middle, double spread)
{
    double log_first, second; /* log of the first parameter; log l, log mean or mu */
    switch (net->family) {
    case KT_WEIBULL:
        log_first = log(WEIBULL_LOG_SD / spread);
        second = middle - log(log(2)) * exp(-log_first);
        break;
    case KT_GAMMA:
        log_first = -2 * log(spread);
        second = middle;
        break;
    default:
        log_first = log(spread);
        second = middle;
    }
    bool exponential = net->head == KT_HEAD_EXP,
         location = net->family == KT_LOGNORMAL || net->family == KT_NORMAL;
    if (net->family == KT_GAMMA && !exponential)
        second = log_first - second; /* a softplus head gives the rate */
    *z_a = exponential ? log_first : inverse_softplus(exp(log_first));
    *z_b = exponential || location ? second : inverse_softplus(exp(second));
}

static void quantile_biases(float *params, const kt_net *net, const float *sorted, size_t n)
{
    int K = net->components;
    float *a = params + kt_net_head(net, 1).bias, *b = params + kt_net_head(net, 2).bias;
    for (int j = 0; j < K; j++) {
        double low = quantile(sorted, n, (j + 0.1) / K), high = quantile(sorted, n, (j + 0.9) / K), z_a, z_b;
        component_start(&z_a, &z_b, net, quantile(sorted, n, (j + 0.5) / K),
                        fmax(LEAST_SPREAD, SPREAD * (high - low)));
        a[j] = (float)z_a;
        b[j] = (float)z_b;
    }
}

static void fill_layers(float *params, float *state, const kt_net *net, kt_start start, uint64_t seed,
                        uint64_t subject, uint32_t frozen_inputs)
{
    kt_rng rng;
    for (int l = 0; l < net->layers; l++) {
        kt_net_view v = kt_net_hidden(net, l);
        kt_rng_init(&rng, seed, subject, KT_RNG_START, 0, (uint32_t)l);
        fill_normal(params + v.kernel, &v, start, &rng);
        for (int o = 0; net->batch_norm && o < v.out; o++) {
            params[v.gamma + (size_t)o] = 1;
            *state++ = 0;
        }
        for (int o = 0; net->batch_norm && o < v.out; o++)
            *state++ = 1;
    }
    for (int h = 0; h < 3; h++) {
        kt_net_view v = kt_net_head(net, h);
        kt_rng_init(&rng, seed, subject, KT_RNG_START, 0, (uint32_t)(net->layers + h));
        fill_uniform(params + v.kernel, &v, start, &rng);
    }
    kt_net_view first = kt_net_hidden(net, 0);
    for (int i = 0; i < first.in; i++)
        if (frozen_inputs >> i & 1)
            memset(params + first.kernel + (size_t)(i * first.out), 0, (size_t)first.out * sizeof *params);
}

kt_status kt_net_start(float *params, float *state, const kt_net *net, kt_start start, const float *t,
                       size_t n, uint64_t seed, uint64_t subject, uint32_t frozen_inputs, kt_error *err)
{
    kt_status status = KT_OK;
    float *sorted = NULL;
    assert(start != KT_START_QUANTILE || n > 0);
    memset(params, 0, kt_net_params(net) * sizeof *params);
    fill_layers(params, state, net, start, seed, subject, frozen_inputs);
    if (start != KT_START_QUANTILE)
        return KT_OK;
    KT_TRY(kt_alloc(&sorted, n, sizeof *sorted, err));
    memcpy(sorted, t, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ascending);
    quantile_biases(params, net, sorted, n);
out:
    free(sorted);
    return status;
}
