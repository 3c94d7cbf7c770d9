/* The layers of a .keras file, as parts of a network. */
#include "keras_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The name of an activation; NULL for one that is Python code. */
static const char *activation_of(const node *layer)
{
    const kt_json *value = kt_json_get(layer->config, "activation");
    if (is(layer, "Softmax"))
        return "softmax";
    return value ? kt_json_as_text(value, NULL) : "linear";
}

/* Layers that change nothing when a model is asked. */
static bool is_idle(const node *layer)
{
    static const char *const names[] = {"Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(layer, names[i]))
            return true;
    return is(layer, "Activation") && strcmp(activation_of(layer) ? activation_of(layer) : "", "linear") == 0;
}

static kt_status read_dense(keras_dense *dense, const graph *g, const node *layer, int in, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t units = kt_json_as_int(kt_json_get(layer->config, "units"), 0);
    if (units < 1 || units > KT_NET_MAX_WIDTH || in < 1 || in > KT_NET_MAX_WIDTH)
        return kt_fail(err, KT_UNSUPPORTED, "%s: layer '%s' has %lld units for %d inputs, the most is %d",
                       g->where, layer->name, (long long)units, in, KT_NET_MAX_WIDTH);
    KT_TRY(keras_dense_init(dense, in, (int)units, false, err));
    KT_TRY(keras_get(dense->kernel, g->weights, layer->group, 0, in, (int)units, err));
    if (kt_json_as_bool(kt_json_get(layer->config, "use_bias"), true))
        KT_TRY(keras_get(dense->bias, g->weights, layer->group, 1, (int)units, 0, err));
out:
    return status;
}

static kt_status read_norm(keras_dense *dense, const graph *g, const node *layer, kt_error *err)
{
    kt_status status = KT_OK;
    const int out = dense->out;
    int variable = 0;
    const bool there[] = {kt_json_as_bool(kt_json_get(layer->config, "scale"), true),
                          kt_json_as_bool(kt_json_get(layer->config, "center"), true), true, true};
    if (dense->norm)
        return keras_refuse(g, layer->name, err, "is a second BatchNormalization");
    KT_TRY(kt_alloc(&dense->norm, 4 * (size_t)out, sizeof(float), err));
    for (int o = 0; o < out; o++)
        dense->norm[o] = 1;
    for (int v = 0; v < 4; v++)
        if (there[v])
            KT_TRY(keras_get(dense->norm + v * out, g->weights, layer->group, variable++, out, 0, err));
    dense->epsilon = kt_json_as_real(kt_json_get(layer->config, "epsilon"), KT_NORM_EPSILON);
    for (int o = 0; o < out; o++)
        if (!((double)dense->norm[3 * out + o] + dense->epsilon > 0))
            return kt_fail(err, KT_INPUT, "%s: layer '%s' has a variance of %g", g->where, layer->name,
                           (double)dense->norm[3 * out + o]);
out:
    return status;
}

/* The activation that a layer of its own is, KT_ACTIVATIONS: none of ours. */
static kt_activation own_activation(const node *layer)
{
    const kt_json *c = layer->config;
    if (is(layer, "LeakyReLU")) {
        double slope = kt_json_as_real(kt_json_get(c, "alpha"),
                                       kt_json_as_real(kt_json_get(c, "negative_slope"), KT_LEAKY_SLOPE));
        return fabs(slope - KT_LEAKY_SLOPE) < 1e-6 ? KT_LEAKY_RELU : KT_ACTIVATIONS;
    }
    if (is(layer, "ReLU"))
        return kt_json_kind_of(kt_json_get(c, "max_value")) == KT_JSON_NULL &&
                       kt_json_as_real(kt_json_get(c, "negative_slope"), 0) == 0 &&
                       kt_json_as_real(kt_json_get(c, "threshold"), 0) == 0
                   ? KT_RELU
                   : KT_ACTIVATIONS;
    if (is(layer, "ELU"))
        return kt_json_as_real(kt_json_get(c, "alpha"), 1) == 1 ? KT_ELU : KT_ACTIVATIONS;
    const char *name = activation_of(layer);
    for (int a = 0; name && a < KT_ACTIVATIONS; a++)
        if (a != KT_LEAKY_RELU && strcmp(name, kt_activation_name[a]) == 0)
            return (kt_activation)a;
    return KT_ACTIVATIONS;
}

/* The activation of hidden layer `layers` is known: it must be that of the others. */
static kt_status take_activation(keras_net *net, const graph *g, const node *layer, kt_error *err)
{
    char what[160];
    kt_activation found = own_activation(layer);
    if (found == KT_ACTIVATIONS) {
        const char *name = activation_of(layer);
        snprintf(what, sizeof what,
                 "has an activation%s%s that is none of " KT_ACTIVATION_CHOICES
                 " (leaky_relu: with a slope of 0.3)",
                 name ? " " : "", name ? name : " in Python code");
        return keras_refuse(g, layer->name, err, what);
    }
    if (net->layers > 1 && net->activation != found)
        return keras_refuse(g, layer->name, err, "has another activation than the layer before");
    net->activation = found;
    return KT_OK;
}

static kt_status read_normalization(keras_net *net, const graph *g, const node *layer, int d, kt_error *err)
{
    kt_status status = KT_OK;
    if (kt_json_kind_of(kt_json_get(layer->config, "mean")) != KT_JSON_NULL)
        return keras_refuse(g, layer->name, err,
                            "has its means in the configuration rather than among the weights");
    KT_TRY(keras_get(net->mean, g->weights, layer->group, 0, d, 0, err));
    KT_TRY(keras_get(net->variance, g->weights, layer->group, 1, d, 0, err));
out:
    return status;
}

/* Columns of the input: the last of its shape. */
static kt_status read_input(keras_net *net, const graph *g, const node *layer, kt_error *err)
{
    const kt_json *shape = kt_json_get(layer->config, "batch_input_shape");
    if (!shape)
        shape = kt_json_get(layer->config, "batch_shape");
    int64_t d = kt_json_as_int(kt_json_at(shape, 1), 0);
    if (kt_json_size(shape) != 2 || d < 1 || d > KT_FEATURES_MAX)
        return keras_refuse(g, layer->name, err, "is not of the shape [None, features]");
    net->d = (int)d;
    for (int j = 0; j < net->d; j++)
        net->variance[j] = 1;
    return KT_OK;
}

static kt_status read_reshape(keras_net *net, const graph *g, const node *layer, kt_error *err)
{
    const kt_json *shape = kt_json_get(layer->config, "newshape");
    int64_t d = kt_json_as_int(kt_json_at(shape, 1), 0);
    if (kt_json_size(shape) != 2 || kt_json_as_int(kt_json_at(shape, 0), 0) != -1 || d < 1 ||
        d > KT_FEATURES_MAX)
        return keras_refuse(g, layer->name, err, "is not a reshape to [-1, features]");
    net->d = (int)d;
    for (int j = 0; j < net->d; j++)
        net->variance[j] = 1;
    return KT_OK;
}

static kt_status read_shared(keras_net *net, const graph *g, kt_error *err)
{
    kt_status status = KT_OK;
    bool active = true; /* the last Dense has its activation */
    for (int i = 0; i < g->shared; i++) {
        const node *layer = g->chain[0][i];
        keras_dense *last = net->layers > 0 ? &net->hidden[net->layers - 1] : NULL;
        if (is(layer, "InputLayer")) {
            KT_TRY(read_input(net, g, layer, err));
        } else if (is(layer, "Reshape") && i == 1) {
            KT_TRY(read_reshape(net, g, layer, err));
        } else if (is(layer, "Normalization") && !last) {
            KT_TRY(read_normalization(net, g, layer, net->d, err));
        } else if (is(layer, "Dense")) {
            if (net->layers == KT_NET_MAX_LAYERS)
                return keras_refuse(g, layer->name, err, "is a fifth hidden layer, the most is four");
            if (!active) /* the one before is linear */
                KT_TRY(take_activation(net, g, g->chain[0][i - 1], err));
            KT_TRY(read_dense(&net->hidden[net->layers], g, layer, last ? last->out : net->d, err));
            net->layers++;
            const char *name = activation_of(layer);
            active = !name || strcmp(name, "linear") != 0;
            if (active)
                KT_TRY(take_activation(net, g, layer, err));
        } else if (is(layer, "BatchNormalization") && last && !active) {
            KT_TRY(read_norm(last, g, layer, err));
        } else if (is_idle(layer)) {
            continue;
        } else if (last && !active) {
            KT_TRY(take_activation(net, g, layer, err));
            active = true;
        } else {
            return keras_refuse(g, layer->name, err, "is not one that can stand there");
        }
    }
    if (net->layers == 0)
        return kt_fail(err, KT_UNSUPPORTED, "%s: the model has no hidden layer" ADVICE, g->where);
    if (!active)
        KT_TRY(take_activation(net, g, g->chain[0][g->shared - 1], err));
out:
    return status;
}

/* What a layer behind the Dense of a head does to it. */
static kt_status extend_head(keras_head *head, const graph *g, const node *layer, kt_error *err)
{
    static const struct {
        const char *name;
        keras_function function;
    } functions[] = {{"linear", KERAS_LINEAR},
                     {"softplus", KERAS_SOFTPLUS},
                     {"exponential", KERAS_EXP},
                     {"softmax", KERAS_SOFTMAX}};
    if (is(layer, "Rescaling")) {
        double factor = kt_json_as_real(kt_json_get(layer->config, "scale"), NAN);
        double offset = kt_json_as_real(kt_json_get(layer->config, "offset"), 0);
        if (!isfinite(factor) || !isfinite(offset))
            return keras_refuse(g, layer->name, err, "has a scale or offset that is not one number");
        head->factor *= factor;
        head->offset = head->offset * factor + offset;
        return KT_OK;
    }
    const char *name = activation_of(layer);
    bool plain = head->function == KERAS_LINEAR && head->factor == 1 && head->offset == 0;
    for (size_t i = 0; name && i < sizeof functions / sizeof *functions; i++)
        if (strcmp(name, functions[i].name) == 0 && (plain || functions[i].function == KERAS_LINEAR)) {
            if (functions[i].function != KERAS_LINEAR)
                head->function = functions[i].function;
            return KT_OK;
        }
    return keras_refuse(
        g, layer->name, err,
        name ? "has an activation that an output cannot have"
             : "has an activation in Python code, which nothing but Python can run: write it with "
               "Activation and Rescaling layers, copy the weights and save the model again");
}

static kt_status read_head(keras_head *head, const graph *g, int h, int in, kt_error *err)
{
    kt_status status = KT_OK;
    head->function = KERAS_LINEAR;
    head->factor = 1;
    for (int i = g->shared; i < g->length[h]; i++) {
        const node *layer = g->chain[h][i];
        bool first = i == g->shared;
        if (first != is(layer, "Dense"))
            return keras_refuse(g, layer->name, err,
                                first ? "begins an output and is no Dense"
                                      : "is a second Dense of an output");
        if (first)
            KT_TRY(read_dense(&head->dense, g, layer, in, err));
        if (first || is(layer, "Rescaling") || is(layer, "Activation") || is(layer, "Softmax"))
            KT_TRY(extend_head(head, g, layer, err));
        else if (!is_idle(layer))
            return keras_refuse(g, layer->name, err, "is not one that an output can end with");
    }
    if (!head->dense.kernel)
        return kt_fail(err, KT_UNSUPPORTED, "%s: output %d is a hidden layer" ADVICE, g->where, h + 1);
    if ((head->function == KERAS_SOFTMAX) != (h == 0))
        return kt_fail(err, KT_UNSUPPORTED, "%s: output %d is %ssoftmax" ADVICE, g->where, h + 1,
                       h == 0 ? "not " : "");
    if (h == 0 && (head->factor != 1 || head->offset != 0))
        return kt_fail(err, KT_UNSUPPORTED, "%s: the weights are rescaled" ADVICE, g->where);
out:
    return status;
}

static kt_status read_heads(keras_net *net, const graph *g, kt_error *err)
{
    kt_status status = KT_OK;
    for (int h = 0; h < KERAS_HEADS; h++) {
        KT_TRY(read_head(&net->head[h], g, h, net->hidden[net->layers - 1].out, err));
        if (net->head[h].dense.out != net->head[0].dense.out)
            return kt_fail(err, KT_UNSUPPORTED, "%s: outputs of %d and %d components" ADVICE, g->where,
                           net->head[0].dense.out, net->head[h].dense.out);
    }
out:
    return status;
}

kt_status keras_layers(keras_net *net, const graph *g, kt_error *err)
{
    kt_status status = read_shared(net, g, err);
    return status == KT_OK ? read_heads(net, g, err) : status;
}
