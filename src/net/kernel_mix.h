/* From head outputs to the mixture's loss and back, a block at a time. For kernel_isa.c.
 *
 * mixture() sees z_w, a = log of the first parameter, and b (weibull: log scale, gamma: log mean, lognormal
 * and normal: mu); with exp heads these are the head outputs themselves, softplus heads pass through
 * softplus_in and softplus_out. */
#ifndef KT_NET_KERNEL_MIX_H
#define KT_NET_KERNEL_MIX_H

#include "kernel_product.h"

KT_INLINE vf clamp(vf low, vf high, vf a)
{
    return vmax(low, vmin(high, a));
}

/* One component: log f and its derivatives by a and b, for a within its bounds. Positive families: y is log y
 * and f the density of y. The exponent is cut at 60 and a at its bounds; the derivative is that of the
 * formula at the cut value, so that a step leads back. */
KT_INLINE vf component(kt_family family, vf a, vf b, vf y, vf *da, vf *db)
{
    vf one = vset(1.f), t = y - b;
    if (family == KT_WEIBULL) { /* log f = a + z - y - e^z, z = k (y - b) */
        vf k = vexp(a), z = vmin(vset(60.f), k * t), e = vexp(z), m = one - e;
        *da = vfma(z, m, one);
        *db = k * (e - one);
        return ((a + z) - y) - e;
    }
    if (family == KT_GAMMA) { /* log f = S(k) - k phi(t) - y, t = y - b; S, phi: kt/vmath.h */
        vf D, phi;
        t = vmin(vset(60.f), t);
        vf k = vexp(a), S = vgamma(k, a, &D);
        vexp_phi(t, &phi);
        *da = vfnma(k, phi, D);
        *db = k * (phi + t);
        return vfnma(k, phi, S) - y;
    }
    /* log f = -a - log(2 pi) / 2 - z^2 / 2, z = (y - b) / sigma; lognormal: - y */
    vf i = vexp(vset(0.f) - a), z = t * i, c = vset(-0.918938533f) - a;
    *da = vfma(z, z, vset(-1.f));
    *db = z * i;
    if (family == KT_LOGNORMAL)
        c = c - y;
    return vfnma(vset(0.5f) * z, z, c);
}

/* z [3K][64] becomes the derivatives of the sum of weight x loss, which is returned; or with rows not NULL,
 * each row's loss is written there and z is lost. Four passes over the block rather than one pass of long
 * dependent steps: neighbouring vectors fill each other's latencies. */
KT_INLINE float mixture(kt_family family, const kt_kernel *k, float *z, const float *t, const float *weight,
                        float *rows)
{
    const int K = k->net.components;
    float *w = z, *a = w + K * NB, *b = a + K * NB, *e = k->mix, *l = e + K * NB;
    float lse[NB] __attribute__((aligned(64))), u[NB] __attribute__((aligned(64)));
    float m[NB] __attribute__((aligned(64))), q[NB] __attribute__((aligned(64)));
    const vf low = vset(k->low), high = vset(k->high), zero = vset(0.f);
    vf loss[NL];
    for (int n = 0; n < NB; n += VL) { /* softmax: e = exp(z_w - max), u = weight / sum e */
        vf top = vload(w + n), s = zero;
        for (int j = 1; j < K; j++)
            top = vmax(top, vload(w + j * NB + n));
        for (int j = 0; j < K; j++) {
            vf x = vexp(vload(w + j * NB + n) - top);
            vstore(e + j * NB + n, x);
            s = s + x;
        }
        vstore(lse + n, top + vlog(s));
        vstore(u + n, vload(weight + n) / s);
    }
    for (int n = 0; n < NB; n += VL) { /* l = log(mixture weight x density) */
        vf y = vload(t + n), top = vset(-3e38f);
        for (int j = 0; j < K; j++) {
            int i = j * NB + n;
            vf da, db,
                c = component(family, clamp(low, high, vload(a + i)), vload(b + i), y, &da, &db) +
                    (vload(w + i) - vload(lse + n));
            vstore(l + i, c);
            vstore(a + i, da);
            vstore(b + i, db);
            top = vmax(top, c);
        }
        vstore(m + n, top);
    }
    for (int i = 0; i < NL; i++)
        loss[i] = zero;
    for (int n = 0; n < NB; n += VL) { /* l = exp(l - max), q = -weight / sum l */
        vf top = vload(m + n), s = zero, share = vload(weight + n);
        for (int j = 0; j < K; j++) {
            vf x = vexp(vload(l + j * NB + n) - top);
            vstore(l + j * NB + n, x);
            s = s + x;
        }
        vf log_density = top + vlog(s);
        if (rows)
            vstore(rows + n, zero - log_density);
        loss[n / VL % NL] = vfnma(share, log_density, loss[n / VL % NL]);
        vstore(q + n, (zero - share) / s);
    }
    if (rows)
        return 0;
    for (int n = 0; n < NB; n += VL)
        for (int j = 0; j < K; j++) { /* r = -weight x responsibility */
            int i = j * NB + n;
            vf r = vload(l + i) * vload(q + n);
            vstore(w + i, vfma(vload(e + i), vload(u + n), r));
            vstore(a + i, r * vload(a + i));
            vstore(b + i, r * vload(b + i));
        }
    return vsum_lanes(loss);
}

typedef float mixture_function(const kt_kernel *k, float *z, const float *t, const float *weight,
                               float *rows);
#define MIXTURE(name, family)                                                                                \
    NOINLINE float gradient_##name(const kt_kernel *k, float *z, const float *t, const float *weight,        \
                                   float *rows)                                                              \
    {                                                                                                        \
        (void)rows;                                                                                          \
        return mixture(family, k, z, t, weight, NULL);                                                       \
    }                                                                                                        \
    NOINLINE float rows_##name(const kt_kernel *k, float *z, const float *t, const float *weight,            \
                               float *rows)                                                                  \
    {                                                                                                        \
        return mixture(family, k, z, t, weight, __builtin_assume_aligned(rows, 64));                         \
    }
MIXTURE(weibull, KT_WEIBULL)
MIXTURE(gamma, KT_GAMMA)
MIXTURE(lognormal, KT_LOGNORMAL)
MIXTURE(normal, KT_NORMAL)

static const struct {
    mixture_function *gradient, *rows;
} mixtures_of[KT_FAMILIES] = {
    [KT_WEIBULL] = {gradient_weibull, rows_weibull},
    [KT_GAMMA] = {gradient_gamma, rows_gamma},
    [KT_LOGNORMAL] = {gradient_lognormal, rows_lognormal},
    [KT_NORMAL] = {gradient_normal, rows_normal},
};

static bool scale_is_positive(const kt_kernel *k) /* the second head too passes through exp or softplus */
{
    return k->net.family == KT_WEIBULL || k->net.family == KT_GAMMA;
}

/* z [n] becomes log h(z), h(z) = softplus(z) + 1e-8, and slope [n] its derivative. */
static void log_softplus(float *z, float *slope, int n)
{
    const vf one = vset(1.f);
    for (int i = 0; i < n; i += VL) {
        vf x = vload(z + i), u, h = vsoftplus(x, &u) + vset((float)KT_HEAD_FLOOR);
        vstore(z + i, vlog(h));
        vstore(slope + i, vselect_less(x, vset(0.f), u, one) / ((one + u) * h));
    }
}

/* Softplus heads: z_a and z_b become a and b; the slopes are kept in the scratch. Gamma's second head is a
 * rate: log mean = a - log rate. */
NOINLINE void softplus_in(const kt_kernel *k, float *z)
{
    const int n = k->net.components * NB;
    float *a = z + n, *b = a + n, *slope = k->mix + 2 * n;
    log_softplus(a, slope, n);
    if (scale_is_positive(k))
        log_softplus(b, slope + n, n);
    if (k->net.family == KT_GAMMA)
        for (int i = 0; i < n; i += VL)
            vstore(b + i, clamp(vset(k->low), vset(k->high), vload(a + i)) - vload(b + i));
}

/* The way back: derivatives by a and b become those by z_a and z_b. */
NOINLINE void softplus_out(const kt_kernel *k, float *z)
{
    const int n = k->net.components * NB;
    float *a = z + n, *b = a + n, *slope = k->mix + 2 * n;
    if (k->net.family == KT_GAMMA)
        for (int i = 0; i < n; i += VL) {
            vf db = vload(b + i);
            vstore(a + i, vload(a + i) + db);
            vstore(b + i, vset(0.f) - db);
        }
    for (int i = 0; i < n; i += VL)
        vstore(a + i, vload(a + i) * vload(slope + i));
    if (scale_is_positive(k))
        for (int i = 0; i < n; i += VL)
            vstore(b + i, vload(b + i) * vload(slope + n + i));
}

/* Keeps how far a is beyond its bounds and returns the sum of weight x penalty / 2 x excess^2. */
NOINLINE float penalty_in(const kt_kernel *k, const float *z, const float *weight, float penalty)
{
    const int K = k->net.components;
    const float *a = z + K * NB;
    float *excess = k->mix + 4 * K * NB;
    vf sum[NL];
    for (int i = 0; i < NL; i++)
        sum[i] = vset(0.f);
    for (int n = 0; n < NB; n += VL)
        for (int j = 0; j < K; j++) {
            vf x = vload(a + j * NB + n), over = x - clamp(vset(k->low), vset(k->high), x);
            vstore(excess + j * NB + n, over);
            sum[n / VL % NL] = vfma(vload(weight + n) * over, over, sum[n / VL % NL]);
        }
    return 0.5f * penalty * vsum_lanes(sum);
}

NOINLINE void penalty_out(const kt_kernel *k, float *z, const float *weight, float penalty)
{
    const int K = k->net.components;
    float *a = z + K * NB;
    const float *excess = k->mix + 4 * K * NB;
    for (int n = 0; n < NB; n += VL)
        for (int j = 0; j < K; j++)
            vstore(a + j * NB + n, vfma(vload(weight + n) * vset(penalty), vload(excess + j * NB + n),
                                        vload(a + j * NB + n)));
}

/* z [3K][64] of a block becomes the loss's derivatives; returns the loss. */
static float heads_loss(const kt_kernel *k, float *z, const float *t, const float *weight, float penalty)
{
    float over = 0;
    if (k->net.head == KT_HEAD_SOFTPLUS)
        softplus_in(k, z);
    if (penalty > 0)
        over = penalty_in(k, z, weight, penalty);
    float loss = mixtures_of[k->net.family].gradient(k, z, t, weight, NULL) + over;
    if (penalty > 0)
        penalty_out(k, z, weight, penalty);
    if (k->net.head == KT_HEAD_SOFTPLUS)
        softplus_out(k, z);
    return loss;
}

/* z [n] becomes exp(z), cut at exp(88), or h(z). */
static void positive(float *z, int n, kt_head head)
{
    for (int i = 0; i < n; i += VL) {
        vf x = vload(z + i), u;
        if (head == KT_HEAD_EXP)
            x = vexp(vmin(vset(88.f), x));
        else
            x = vsoftplus(x, &u) + vset((float)KT_HEAD_FLOOR);
        vstore(z + i, x);
    }
}

static void softmax(float *w, int K)
{
    for (int n = 0; n < NB; n += VL) {
        vf top = vload(w + n), s = vset(0.f);
        for (int j = 1; j < K; j++)
            top = vmax(top, vload(w + j * NB + n));
        for (int j = 0; j < K; j++) {
            vf e = vexp(vload(w + j * NB + n) - top);
            vstore(w + j * NB + n, e);
            s = s + e;
        }
        for (int j = 0; j < K; j++)
            vstore(w + j * NB + n, vload(w + j * NB + n) / s);
    }
}

static void scale_by(float *z, int n, float s)
{
    for (int i = 0; i < n; i += VL)
        vstore(z + i, vload(z + i) * vset(s));
}

/* z [3K][64] becomes weights and both parameters in the order of the heads, for y in seconds: y = s x what
 * the network saw. lognormal, normal: sigma, mu, which the caller swaps. */
static void to_seconds(const kt_kernel *k, float *z, float s, float log_s)
{
    const int K = k->net.components, n = K * NB;
    float *a = z + n, *b = a + n;
    softmax(z, K);
    if (k->net.family == KT_GAMMA && k->net.head == KT_HEAD_EXP) /* log rate = log shape - log mean */
        for (int i = 0; i < n; i += VL)
            vstore(b + i, vload(a + i) - vload(b + i));
    positive(a, n, k->net.head);
    if (scale_is_positive(k)) {
        positive(b, n, k->net.head);
        scale_by(b, n, k->net.family == KT_GAMMA ? 1.f / s : s);
    } else if (k->net.family == KT_NORMAL) {
        scale_by(a, n, s);
        scale_by(b, n, s);
    } else {
        for (int i = 0; i < n; i += VL)
            vstore(b + i, vload(b + i) + vset(log_s));
    }
}

#endif
