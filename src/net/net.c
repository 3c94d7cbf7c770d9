#include "kt/net.h"
#include "kt/special.h"
#include <assert.h>
#include <math.h>
#include <string.h>

const char *const kt_activation_name[KT_ACTIVATIONS] = {
    [KT_TANH] = "tanh",       [KT_RELU] = "relu",         [KT_LEAKY_RELU] = "leaky_relu", [KT_ELU] = "elu",
    [KT_SIGMOID] = "sigmoid", [KT_SOFTPLUS] = "softplus", [KT_LINEAR] = "linear",
};

/* ---- Shape and layout ---- */

static kt_status check_range(const char *what, int value, int low, int high, kt_error *err)
{
    if (value < low || value > high)
        return kt_fail(err, KT_USAGE, "network: %s is %d, must be from %d to %d", what, value, low, high);
    return KT_OK;
}

kt_status kt_net_check(const kt_net *net, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(check_range("the number of inputs", net->inputs, 1, KT_NET_MAX_INPUTS, err));
    KT_TRY(check_range("the number of hidden layers", net->layers, 1, KT_NET_MAX_LAYERS, err));
    KT_TRY(check_range("the number of components", net->components, 1, KT_NET_MAX_COMPONENTS, err));
    for (int l = 0; l < net->layers; l++)
        KT_TRY(check_range("the width of a hidden layer", net->width[l], 1, KT_NET_MAX_WIDTH, err));
    KT_TRY(check_range("the activation's number", (int)net->activation, 0, KT_ACTIVATIONS - 1, err));
    KT_TRY(check_range("the head's number", (int)net->head, 0, KT_HEAD_SOFTPLUS, err));
    KT_TRY(check_range("the family's number", (int)net->family, 0, KT_FAMILIES - 1, err));
out:
    return status;
}

/* Tensors of one Dense layer that begins at `offset`. */
static kt_net_view dense(size_t offset, int in, int out, bool batch_norm)
{
    kt_net_view view = {.kernel = offset, .bias = offset + (size_t)in * (size_t)out, .in = in, .out = out};
    if (batch_norm) {
        view.gamma = view.bias + (size_t)out;
        view.beta = view.gamma + (size_t)out;
    }
    return view;
}

static size_t dense_end(kt_net_view view)
{
    return (view.beta ? view.beta : view.bias) + (size_t)view.out;
}

kt_net_view kt_net_hidden(const kt_net *net, int layer)
{
    assert(layer >= 0 && layer < net->layers);
    kt_net_view view = dense(0, net->inputs, net->width[0], net->batch_norm);
    for (int l = 1; l <= layer; l++)
        view = dense(dense_end(view), net->width[l - 1], net->width[l], net->batch_norm);
    return view;
}

kt_net_view kt_net_head(const kt_net *net, int head)
{
    assert(head >= 0 && head < 3);
    kt_net_view view = kt_net_hidden(net, net->layers - 1);
    int in = view.out;
    for (int h = 0; h <= head; h++)
        view = dense(dense_end(view), in, net->components, false);
    return view;
}

size_t kt_net_params(const kt_net *net)
{
    return dense_end(kt_net_head(net, 2));
}

size_t kt_net_state(const kt_net *net)
{
    size_t n = 0;
    for (int l = 0; net->batch_norm && l < net->layers; l++)
        n += 2 * (size_t)net->width[l];
    return n;
}

/* ---- From heads to distributions ---- */

kt_net_bounds kt_net_head_bounds(kt_family family)
{
    /* log 1e-3, log 1e3, log 1e6. The sides that no rule needs keep an exponential within the range of
     * floats. */
    kt_net_bounds bounds = {-6.907755278982137, 6.907755278982137};
    if (family == KT_GAMMA)
        bounds.high = 13.815510557964274;
    return bounds;
}

static double positive(kt_head head, double z)
{
    if (head == KT_HEAD_EXP)
        return exp(z);
    return fmax(z, 0) + log1p(exp(-fabs(z))) + KT_HEAD_FLOOR;
}

/* Heads a and b of one component to the family's own parameters, of y / s. */
static void parameters(double *concentration, double *scale, const kt_net *net, double z_a, double z_b)
{
    double first = positive(net->head, z_a);
    switch (net->family) {
    case KT_WEIBULL:
        *concentration = first;
        *scale = positive(net->head, z_b);
        return;
    case KT_GAMMA: /* an exp head gives the mean a / rate */
        *concentration = first;
        *scale = net->head == KT_HEAD_EXP ? exp(z_a - z_b) : positive(net->head, z_b);
        return;
    default:
        *concentration = z_b;
        *scale = first;
    }
}

void kt_net_mixture(double *weight, double *concentration, double *scale, const kt_net *net, const double *z,
                    double s)
{
    int K = net->components;
    double norm = kt_log_sum_exp(z, K);
    for (int j = 0; j < K; j++) {
        weight[j] = exp(z[j] - norm);
        parameters(&concentration[j], &scale[j], net, z[K + j], z[2 * K + j]);
        kt_family_table[net->family].rescale(&concentration[j], &scale[j], s);
    }
}

/* ---- BatchNormalization into the layer before it: gamma (x W + b - mean) / sqrt(var + eps) + beta ---- */

static void fold_layer(float *folded, kt_net_view to, const float *params, kt_net_view from,
                       const float *mean, const float *variance)
{
    for (int o = 0; o < from.out; o++) {
        double factor = params[from.gamma + (size_t)o] / sqrt(variance[o] + KT_NORM_EPSILON);
        for (int i = 0; i < from.in; i++) {
            size_t at = (size_t)i * (size_t)from.out + (size_t)o;
            folded[to.kernel + at] = (float)(params[from.kernel + at] * factor);
        }
        folded[to.bias + (size_t)o] = (float)(((double)params[from.bias + (size_t)o] - mean[o]) * factor +
                                              params[from.beta + (size_t)o]);
    }
}

void kt_net_fold(kt_net *plain, float *folded, const kt_net *net, const float *params, const float *state)
{
    kt_net without = *net;
    without.batch_norm = false;
    for (int l = 0; net->batch_norm && l < net->layers; l++) {
        kt_net_view from = kt_net_hidden(net, l);
        fold_layer(folded, kt_net_hidden(&without, l), params, from, state, state + from.out);
        state += 2 * from.out;
    }
    size_t from = net->batch_norm ? kt_net_head(net, 0).kernel : 0;
    size_t to = net->batch_norm ? kt_net_head(&without, 0).kernel : 0;
    memcpy(folded + to, params + from, (kt_net_params(net) - from) * sizeof *folded);
    *plain = without;
}
