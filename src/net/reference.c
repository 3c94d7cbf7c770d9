/* The network in double, plainly: what the kernel is tested against. Products by BLAS, formulas as in the
 * literature. */
#include "kt/net.h"

#include "kt/special.h"
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPONENT_CUT 60.0
#define HALF_LOG_2PI 0.91893853320467274178
#define MOMENTUM     0.99

/* ---- activations, and their derivatives by their outputs ---- */

static double activate(kt_activation f, double z)
{
    switch (f) {
    case KT_TANH:
        return tanh(z);
    case KT_RELU:
        return fmax(z, 0);
    case KT_LEAKY_RELU:
        return z < 0 ? KT_LEAKY_SLOPE * z : z;
    case KT_ELU:
        return z < 0 ? expm1(z) : z;
    case KT_SIGMOID:
        return 1 / (1 + exp(-z));
    case KT_SOFTPLUS:
        return fmax(z, 0) + log1p(exp(-fabs(z)));
    default:
        return z;
    }
}

static double slope(kt_activation f, double h)
{
    switch (f) {
    case KT_TANH:
        return 1 - h * h;
    case KT_RELU:
        return h > 0;
    case KT_LEAKY_RELU:
        return h < 0 ? KT_LEAKY_SLOPE : 1;
    case KT_ELU:
        return h < 0 ? h + 1 : 1;
    case KT_SIGMOID:
        return h * (1 - h);
    case KT_SOFTPLUS:
        return -expm1(-h);
    default:
        return 1;
    }
}

/* ---- one component: log f and its derivatives by a, the log of the first parameter, and b ---- */

/* Keeps a NaN, where fmin would not. */
static double at_most(double bound, double x)
{
    return x > bound ? bound : x;
}

static double component(kt_family family, double a, double b, double t, double *da, double *db)
{
    double first = exp(a);
    if (family == KT_WEIBULL) {
        double z = at_most(EXPONENT_CUT, first * (t - b));
        *da = 1 - z * expm1(z);
        *db = first * expm1(z);
        return a + z - t - exp(z);
    }
    if (family == KT_GAMMA) { /* kt/special.h */
        double u = at_most(EXPONENT_CUT, t - b), phi = kt_gamma_phi(u);
        *da = kt_gamma_d(first) - first * phi;
        *db = first * expm1(u);
        return kt_gamma_s(first) - first * phi - t;
    }
    double z = (t - b) / first;
    *da = z * z - 1;
    *db = z / first;
    return -a - HALF_LOG_2PI - 0.5 * z * z - (family == KT_LOGNORMAL ? t : 0);
}

/* ---- heads to a, b, and how derivatives come back ---- */

typedef struct {
    double a, b;           /* a not yet within its bounds */
    double da_dza, db_dzb; /* and db/da = 1 for the rate of a softplus head of gamma */
} terms;

static double log_softplus(double z, double *derivative)
{
    double h = activate(KT_SOFTPLUS, z) + KT_HEAD_FLOOR;
    *derivative = activate(KT_SIGMOID, z) / h;
    return log(h);
}

static double within(kt_net_bounds bounds, double a)
{
    return a < bounds.low ? bounds.low : at_most(bounds.high, a);
}

static terms of_heads(const kt_net *net, kt_net_bounds bounds, double z_a, double z_b)
{
    terms u = {z_a, z_b, 1, 1};
    if (net->head == KT_HEAD_EXP)
        return u;
    u.a = log_softplus(z_a, &u.da_dza);
    if (net->family == KT_WEIBULL)
        u.b = log_softplus(z_b, &u.db_dzb);
    if (net->family == KT_GAMMA) {
        u.b = within(bounds, u.a) - log_softplus(z_b, &u.db_dzb);
        u.db_dzb = -u.db_dzb;
    }
    return u;
}

/* One row: z [3K] becomes the derivatives of share x loss, which is returned. Responsibilities are divided by
 * their own sum: where l is large, as at the cut, log K is lost in the log density, and exp(l - log density)
 * would be 1 for each of K equal components. */
static double row_loss(double *z, const kt_net *net, double t, double share, double penalty)
{
    const int K = net->components;
    const kt_net_bounds bounds = kt_net_head_bounds(net->family);
    const bool rate = net->family == KT_GAMMA && net->head == KT_HEAD_SOFTPLUS;
    double l[KT_NET_MAX_COMPONENTS], da[KT_NET_MAX_COMPONENTS], db[KT_NET_MAX_COMPONENTS],
        excess[KT_NET_MAX_COMPONENTS], over = 0;
    terms u[KT_NET_MAX_COMPONENTS];
    double norm = kt_log_sum_exp(z, K);
    for (int j = 0; j < K; j++) {
        u[j] = of_heads(net, bounds, z[K + j], z[2 * K + j]);
        excess[j] = u[j].a - within(bounds, u[j].a);
        over += 0.5 * penalty * excess[j] * excess[j];
        l[j] = z[j] - norm + component(net->family, within(bounds, u[j].a), u[j].b, t, &da[j], &db[j]);
    }
    double log_density = kt_log_sum_exp(l, K), sum = 0;
    for (int j = 0; j < K; j++)
        sum += exp(l[j] - log_density);
    for (int j = 0; j < K; j++) {
        double r = exp(l[j] - log_density) / sum;
        double by_a = -r * (da[j] + (rate ? db[j] : 0)) + penalty * excess[j];
        z[j] = share * (exp(z[j] - norm) - r);
        z[K + j] = share * by_a * u[j].da_dza;
        z[2 * K + j] = -share * r * db[j] * u[j].db_dzb;
    }
    return share * (over - log_density);
}

/* ---- matrices, row-major ---- */

/* c [m, n] = a [m, k] b [k, n] + each row `bias` */
static void affine(double *c, const double *a, const double *b, const double *bias, size_t m, int n, int k)
{
    for (size_t i = 0; i < m; i++)
        memcpy(c + i * (size_t)n, bias, (size_t)n * sizeof *c);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, n, k, 1, a, k, b, n, 1, c, n);
}

/* Gradients of an affine layer from those of its outputs dc [m, n]: db [k, n], dbias [n], and da [m, k] +=
 * unless NULL. */
static void affine_back(double *da, double *db, double *dbias, const double *dc, const double *a,
                        const double *b, size_t m, int n, int k)
{
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, n, (int)m, 1, a, k, dc, n, 0, db, n);
    for (size_t i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            dbias[j] += dc[i * (size_t)n + (size_t)j];
    if (da)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, k, n, 1, dc, n, b, n, 1, da, k);
}

/* ---- the network ---- */

typedef struct {
    const kt_net *net;
    size_t n;
    const double *input[KT_NET_MAX_LAYERS + 1]; /* of each layer, then of the heads */
    double *h[KT_NET_MAX_LAYERS];               /* [n, width] outputs */
    double *xhat[KT_NET_MAX_LAYERS];            /* [n, width] with BatchNormalization */
    double *deviation[KT_NET_MAX_LAYERS];       /* [width] sqrt(var + eps) */
    double *z;                                  /* [3][n, K] */
    double *d, *d_below;                        /* [n, widest] */
} pass;

static kt_status pass_init(pass *p, const kt_net *net, const double *x, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    size_t widest = 1;
    *p = (pass){.net = net, .n = n};
    openblas_set_num_threads(1); /* a rank has a core, and sums have one order */
    p->input[0] = x;
    for (int l = 0; l < net->layers; l++) {
        size_t width = (size_t)net->width[l];
        widest = width > widest ? width : widest;
        KT_TRY(kt_alloc(&p->h[l], n * width, sizeof(double), err));
        KT_TRY(kt_alloc(&p->xhat[l], n * width, sizeof(double), err));
        KT_TRY(kt_alloc(&p->deviation[l], width, sizeof(double), err));
        p->input[l + 1] = p->h[l];
    }
    KT_TRY(kt_alloc(&p->z, 3 * n * (size_t)net->components, sizeof(double), err));
    KT_TRY(kt_alloc(&p->d, n * widest, sizeof(double), err));
    KT_TRY(kt_alloc(&p->d_below, n * widest, sizeof(double), err));
out:
    return status;
}

static void pass_clear(pass *p)
{
    for (int l = 0; l < KT_NET_MAX_LAYERS; l++) {
        free(p->h[l]);
        free(p->xhat[l]);
        free(p->deviation[l]);
    }
    free(p->z);
    free(p->d);
    free(p->d_below);
}

/* Mean and population variance of a column of h [n, width]. */
static void column_moments(double *mean, double *variance, const double *h, size_t n, size_t width)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < n; i++)
        *mean += h[i * width] / (double)n;
    for (size_t i = 0; i < n; i++)
        *variance += (h[i * width] - *mean) * (h[i * width] - *mean) / (double)n;
}

/* In place, between product and activation. training: statistics of the batch, which move the state unless it
 * is NULL; else the state's. state: of this layer, mean [width], variance [width]. */
static void normalize(pass *p, int l, const double *params, double *moving, const double *state,
                      bool training)
{
    kt_net_view v = kt_net_hidden(p->net, l);
    size_t width = (size_t)v.out;
    for (size_t o = 0; o < width; o++) {
        double mean, variance;
        if (training)
            column_moments(&mean, &variance, p->h[l] + o, p->n, width);
        else
            mean = state[o], variance = state[width + o];
        if (moving) {
            moving[o] = MOMENTUM * moving[o] + (1 - MOMENTUM) * mean;
            moving[width + o] = MOMENTUM * moving[width + o] + (1 - MOMENTUM) * variance;
        }
        p->deviation[l][o] = sqrt(variance + KT_NORM_EPSILON);
        for (size_t i = 0; i < p->n; i++) {
            double xhat = (p->h[l][i * width + o] - mean) / p->deviation[l][o];
            p->xhat[l][i * width + o] = xhat;
            p->h[l][i * width + o] = params[v.gamma + o] * xhat + params[v.beta + o];
        }
    }
}

static void forward(pass *p, const double *params, double *moving, const double *state, bool training)
{
    const kt_net *net = p->net;
    size_t at = 0;
    for (int l = 0; l < net->layers; l++) {
        kt_net_view v = kt_net_hidden(net, l);
        affine(p->h[l], p->input[l], params + v.kernel, params + v.bias, p->n, v.out, v.in);
        if (net->batch_norm)
            normalize(p, l, params, moving ? moving + at : NULL, state ? state + at : NULL, training);
        at += 2 * (size_t)v.out;
        for (size_t i = 0; i < p->n * (size_t)v.out; i++)
            p->h[l][i] = activate(net->activation, p->h[l][i]);
    }
    for (int h = 0; h < 3; h++) {
        kt_net_view v = kt_net_head(net, h);
        affine(p->z + (size_t)h * p->n * (size_t)v.out, p->input[net->layers], params + v.kernel,
               params + v.bias, p->n, v.out, v.in);
    }
}

/* p->d [n, width] from derivatives by gamma xhat + beta to those by the product (Ioffe and Szegedy 2015). */
static void normalize_back(pass *p, int l, const double *params, double *gradient)
{
    kt_net_view v = kt_net_hidden(p->net, l);
    size_t width = (size_t)v.out;
    double n = (double)p->n;
    for (size_t o = 0; o < width; o++) {
        double sum = 0, product = 0;
        for (size_t i = o; i < p->n * width; i += width) {
            sum += p->d[i];
            product += p->d[i] * p->xhat[l][i];
        }
        gradient[v.gamma + o] = product;
        gradient[v.beta + o] = sum;
        for (size_t i = o; i < p->n * width; i += width)
            p->d[i] =
                params[v.gamma + o] / p->deviation[l][o] * (p->d[i] - sum / n - p->xhat[l][i] * product / n);
    }
}

static void backward(pass *p, const double *params, double *gradient)
{
    const kt_net *net = p->net;
    size_t top = (size_t)net->width[net->layers - 1];
    memset(gradient, 0, kt_net_params(net) * sizeof *gradient);
    memset(p->d, 0, p->n * top * sizeof *p->d);
    for (int h = 0; h < 3; h++) {
        kt_net_view v = kt_net_head(net, h);
        affine_back(p->d, gradient + v.kernel, gradient + v.bias, p->z + (size_t)h * p->n * (size_t)v.out,
                    p->input[net->layers], params + v.kernel, p->n, v.out, v.in);
    }
    for (int l = net->layers - 1; l >= 0; l--) {
        kt_net_view v = kt_net_hidden(net, l);
        for (size_t i = 0; i < p->n * (size_t)v.out; i++)
            p->d[i] *= slope(net->activation, p->h[l][i]);
        if (net->batch_norm)
            normalize_back(p, l, params, gradient);
        memset(p->d_below, 0, l > 0 ? p->n * (size_t)v.in * sizeof *p->d_below : 0);
        affine_back(l > 0 ? p->d_below : NULL, gradient + v.kernel, gradient + v.bias, p->d, p->input[l],
                    params + v.kernel, p->n, v.out, v.in);
        double *swap = p->d;
        p->d = p->d_below;
        p->d_below = swap;
    }
}

/* z [3][n, K] row by row: outputs to [n, 3K] or derivatives from them. */
static void collect_row(double *row, const pass *p, size_t i)
{
    size_t K = (size_t)p->net->components;
    for (size_t h = 0; h < 3; h++)
        memcpy(row + h * K, p->z + (h * p->n + i) * K, K * sizeof *row);
}

static void spread_row(pass *p, size_t i, const double *row)
{
    size_t K = (size_t)p->net->components;
    for (size_t h = 0; h < 3; h++)
        memcpy(p->z + (h * p->n + i) * K, row + h * K, K * sizeof *row);
}

kt_status kt_net_reference(double *loss, double *gradient, double *state, const kt_net *net,
                           const double *params, const double *x, const double *t, size_t n, double penalty,
                           kt_error *err)
{
    kt_status status = KT_OK;
    pass p = {0};
    double row[3 * KT_NET_MAX_COMPONENTS];
    KT_TRY(pass_init(&p, net, x, n, err));
    forward(&p, params, state, NULL, true);
    *loss = 0;
    for (size_t i = 0; i < n; i++) {
        collect_row(row, &p, i);
        *loss += row_loss(row, net, t[i], 1 / (double)n, penalty);
        spread_row(&p, i, row);
    }
    if (gradient)
        backward(&p, params, gradient);
out:
    pass_clear(&p);
    return status;
}

kt_status kt_net_heads(double *z, const kt_net *net, const double *params, const double *state,
                       const double *x, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    pass p = {0};
    KT_TRY(pass_init(&p, net, x, n, err));
    forward(&p, params, NULL, state, false);
    for (size_t i = 0; i < n; i++)
        collect_row(z + i * 3 * (size_t)net->components, &p, i);
out:
    pass_clear(&p);
    return status;
}

const char *kt_net_library(void)
{
    static char text[24];
    if (sscanf(openblas_get_config(), "OpenBLAS %23s", text) != 1)
        snprintf(text, sizeof text, "unknown");
    return text;
}
