/* The network: x [d] -> standardised -> hidden layers (Dense, optional BatchNormalization, activation) ->
 * three heads of K. This file has its shape, the canonical layout of its parameters, and a plain reference in
 * double.
 *
 * Canonical parameters (archives, checkpoints, exports): one float vector, layer after layer:
 *   hidden layer l: kernel [in, out] row-major, bias [out], then with BatchNormalization gamma [out], beta
 * [out] heads w, a, b:  kernel [H, K], bias [K], each State, not trained by gradient (BatchNormalization
 * only): per hidden layer moving mean [out], moving variance [out].
 *
 * Heads give z_w, z_a, z_b. t is y over the target scale s; positive families see log t, normal sees t.
 *   head exp       first parameter       second             softplus head (h(z) = softplus(z) + 1e-8)
 *   weibull        k = exp(z_a)          l = exp(z_b)       k = h(z_a), l = h(z_b)
 *   gamma          a = exp(z_a)          mean = exp(z_b)    a = h(z_a), rate = h(z_b)
 *   lognormal      sigma = exp(z_a)      mu = z_b           sigma = h(z_a)
 *   normal         sigma = exp(z_a)      mu = z_b           sigma = h(z_a)
 * weights = softmax(z_w). */
#ifndef KT_NET_H
#define KT_NET_H

#include "kt/error.h"
#include "kt/family.h"
#include "kt/mixture.h"
#include <stdbool.h>
#include <stddef.h>

enum { KT_NET_MAX_LAYERS = 4, KT_NET_MAX_WIDTH = 512, KT_NET_MAX_INPUTS = 15, KT_NET_MAX_COMPONENTS = 64 };

/* Each is determined by its output h: that is what its derivative is computed from. */
typedef enum {
    KT_TANH,
    KT_RELU,
    KT_LEAKY_RELU,
    KT_ELU,
    KT_SIGMOID,
    KT_SOFTPLUS,
    KT_LINEAR,
    KT_ACTIVATIONS
} kt_activation;
#define KT_ACTIVATION_CHOICES "tanh|relu|leaky_relu|elu|sigmoid|softplus|linear"
#define KT_LEAKY_SLOPE        0.3 /* Keras' LeakyReLU default */
extern const char *const kt_activation_name[KT_ACTIVATIONS];

typedef enum { KT_HEAD_EXP, KT_HEAD_SOFTPLUS } kt_head;
#define KT_HEAD_CHOICES "exp|softplus"
#define KT_HEAD_FLOOR   1e-8 /* added to a softplus head */
#define KT_NORM_EPSILON 1e-3 /* BatchNormalization, as in Keras */

typedef struct {
    int inputs, layers, components; /* d, number of hidden layers, K */
    int width[KT_NET_MAX_LAYERS];
    kt_activation activation;
    kt_head head;
    kt_family family;
    bool batch_norm;
} kt_net;

/* KT_USAGE with the value and its range. */
kt_status kt_net_check(const kt_net *net, kt_error *err);

size_t kt_net_params(const kt_net *net); /* floats of the canonical vector */
size_t kt_net_state(const kt_net *net);  /* floats of the state, 0 without BatchNormalization */

/* Where a tensor lies in the canonical vector. Layer `net->layers` stands for the heads: use head 0, 1, 2 =
 * w, a, b. */
typedef struct {
    size_t kernel, bias, gamma,
        beta; /* offsets in floats; gamma, beta: hidden layers with BatchNormalization */
    int in, out;
} kt_net_view;
kt_net_view kt_net_hidden(const kt_net *net, int layer);
kt_net_view kt_net_head(const kt_net *net, int head);

/* Upper bound of z_a's exponential and lower bound of sigma that training keeps: k <= 1000, gamma's shape <=
 * 1e6, lognormal's and normal's sigma >= 1e-3 (of s). As an interval of the log of the first parameter. */
typedef struct {
    double low, high;
} kt_net_bounds;
kt_net_bounds kt_net_head_bounds(kt_family family);

/* ---- The plain reference. x [n, d] standardised, t [n] (log t for positive families), parameters in double.
 * ---- */

/* Mean negative log-likelihood of t under the network, in nats, of the density of t (for positive families
 * the Jacobian -log t is included: the density of y/s at t). gradient [kt_net_params] of it, or NULL. With
 * BatchNormalization training statistics of these n rows are used, and state [kt_net_state] is moved with
 * momentum 0.99 unless NULL. The exponent of weibull and gamma is cut at 60 and log of the first parameter at
 * the bounds, the derivative passing, exactly as in the kernel. penalty: weight of 0.5 * sum over components
 * of (excess of that log over the bounds)^2, mean over rows; 0: none. */
kt_status kt_net_reference(double *loss, double *gradient, double *state, const kt_net *net,
                           const double *params, const double *x, const double *t, size_t n, double penalty,
                           kt_error *err);

/* Head outputs z [n, 3K] (w, a, b) for evaluation: BatchNormalization uses `state`. */
kt_status kt_net_heads(double *z, const kt_net *net, const double *params, const double *state,
                       const double *x, size_t n, kt_error *err);

/* One row's z [3K] to a mixture in seconds: weight, concentration, scale [K] each in the family's own
 * parameters, with the target scale s undone. */
void kt_net_mixture(double *weight, double *concentration, double *scale, const kt_net *net, const double *z,
                    double s);

/* The same network without BatchNormalization, its moving statistics folded into kernels and biases: *plain
 * and folded [kt_net_params(plain)]. A network without it is copied. */
void kt_net_fold(kt_net *plain, float *folded, const kt_net *net, const float *params, const float *state);

const char *kt_net_library(void); /* "0.3.21": OpenBLAS' version */

#endif
