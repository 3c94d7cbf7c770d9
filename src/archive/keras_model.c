/* A model's network as Keras computes it, and back. */
#include "keras_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void keras_net_clear(keras_net *net)
{
    for (int i = 0; i < KT_NET_MAX_LAYERS + KERAS_HEADS; i++) {
        keras_dense *dense =
            i < KT_NET_MAX_LAYERS ? &net->hidden[i] : &net->head[i - KT_NET_MAX_LAYERS].dense;
        free(dense->kernel);
        free(dense->bias);
        free(dense->norm);
    }
    *net = (keras_net){0};
}

kt_status keras_dense_init(keras_dense *dense, int in, int out, bool norm, kt_error *err)
{
    kt_status status = KT_OK;
    *dense = (keras_dense){.in = in, .out = out, .epsilon = KT_NORM_EPSILON};
    KT_TRY(kt_alloc(&dense->kernel, (size_t)in * (size_t)out, sizeof(float), err));
    KT_TRY(kt_alloc(&dense->bias, (size_t)out, sizeof(float), err));
    if (norm)
        KT_TRY(kt_alloc(&dense->norm, 4 * (size_t)out, sizeof(float), err));
out:
    return status;
}

/* ---- What each of the two heads behind the weights holds, by family: which of the model's heads it comes
 * from, and the power of the target scale s in it. Positive ones get s as a factor (softplus) or its
 * logarithm in the bias (exp); of mu, lognormal gets the logarithm and normal the factor. ---- */

typedef enum { FROM_A, FROM_B, FROM_A_LESS_B } source;
typedef struct {
    source exp, softplus;
    int power;
    bool linear; /* mu */
} head_rule;

static const head_rule rules[KT_FAMILIES][2] = {
    [KT_WEIBULL] = {{FROM_A, FROM_A, 0, false}, {FROM_B, FROM_B, 1, false}},
    [KT_GAMMA] = {{FROM_A, FROM_A, 0, false}, {FROM_A_LESS_B, FROM_B, -1, false}},
    [KT_LOGNORMAL] = {{FROM_B, FROM_B, 1, true}, {FROM_A, FROM_A, 0, false}},
    [KT_NORMAL] = {{FROM_B, FROM_B, 1, true}, {FROM_A, FROM_A, 1, false}},
};

/* ---- from a model ---- */

/* The part of Normalization that floats cannot hold goes into the first layer: mean's rounding to the bias,
 * an sd whose square is far out to the kernel. */
static void standardise(keras_net *net, const kt_scaler *scaler)
{
    keras_dense *first = &net->hidden[0];
    for (int o = 0; o < first->out; o++) {
        double bias = (double)first->bias[o];
        for (int j = 0; j < net->d; j++) {
            float *weight = &first->kernel[j * first->out + o];
            bias += (double)*weight * ((double)net->mean[j] - scaler->mean[j]) / scaler->sd[j];
            *weight = (float)((double)*weight * sqrt((double)net->variance[j]) / scaler->sd[j]);
        }
        first->bias[o] = (float)bias;
    }
}

static void set_normalization(keras_net *net, const kt_scaler *scaler)
{
    for (int j = 0; j < net->d; j++) {
        bool plain = scaler->sd[j] > 1e-5 && scaler->sd[j] < 1e15; /* Keras divides by 1e-7 at least */
        net->mean[j] = (float)scaler->mean[j];
        net->variance[j] = plain ? (float)(scaler->sd[j] * scaler->sd[j]) : 1;
    }
}

static kt_status take_hidden(keras_net *net, const kt_model *model, kt_error *err)
{
    const float *state = model->state;
    for (int l = 0; l < net->layers; l++) {
        kt_net_view view = kt_net_hidden(&model->net, l);
        keras_dense *dense = &net->hidden[l];
        size_t out = (size_t)view.out;
        kt_status status = keras_dense_init(dense, view.in, view.out, model->net.batch_norm, err);
        if (status != KT_OK)
            return status;
        memcpy(dense->kernel, model->params + view.kernel, (size_t)view.in * out * sizeof(float));
        memcpy(dense->bias, model->params + view.bias, out * sizeof(float));
        if (!dense->norm)
            continue;
        memcpy(dense->norm, model->params + view.gamma, out * sizeof(float));
        memcpy(dense->norm + out, model->params + view.beta, out * sizeof(float));
        memcpy(dense->norm + 2 * out, state, 2 * out * sizeof(float));
        state += 2 * out;
    }
    return KT_OK;
}

static void take_head(keras_head *head, const kt_model *model, const head_rule *rule)
{
    const kt_net *net = &model->net;
    kt_net_view a = kt_net_head(net, 1), b = kt_net_head(net, 2);
    bool exponential = net->head == KT_HEAD_EXP;
    source from = exponential ? rule->exp : rule->softplus;
    double shift = 0, scale = pow(model->scale, rule->power);
    head->function = rule->linear ? KERAS_LINEAR : exponential ? KERAS_EXP : KERAS_SOFTPLUS;
    head->factor = 1;
    head->offset = 0;
    if (head->function == KERAS_SOFTPLUS) {
        head->factor = scale;
        head->offset = scale * KT_HEAD_FLOOR;
    } else if (rule->linear && net->family == KT_NORMAL) {
        head->factor = scale;
    } else {
        shift = rule->power * log(model->scale);
    }
    for (size_t i = 0; i < (size_t)(a.in + 1) * (size_t)a.out; i++) { /* the bias follows the kernel */
        double of_a = (double)model->params[a.kernel + i], of_b = (double)model->params[b.kernel + i];
        double value = from == FROM_A ? of_a : from == FROM_B ? of_b : of_a - of_b;
        size_t bias = (size_t)a.in * (size_t)a.out;
        if (i < bias)
            head->dense.kernel[i] = (float)value;
        else
            head->dense.bias[i - bias] = (float)(value + shift);
    }
}

kt_status keras_from_model(keras_net *net, const kt_model *model, kt_error *err)
{
    kt_status status = KT_OK;
    kt_net_view weights = kt_net_head(&model->net, 0);
    *net =
        (keras_net){.d = model->net.inputs, .layers = model->net.layers, .activation = model->net.activation};
    KT_TRY(take_hidden(net, model, err));
    set_normalization(net, &model->scaler);
    standardise(net, &model->scaler);
    for (int h = 0; h < KERAS_HEADS; h++)
        KT_TRY(keras_dense_init(&net->head[h].dense, weights.in, weights.out, false, err));
    net->head[0].function = KERAS_SOFTMAX;
    net->head[0].factor = 1;
    memcpy(net->head[0].dense.kernel, model->params + weights.kernel,
           (size_t)(weights.in * weights.out) * sizeof(float));
    memcpy(net->head[0].dense.bias, model->params + weights.bias, (size_t)weights.out * sizeof(float));
    for (int h = 1; h < KERAS_HEADS; h++)
        take_head(&net->head[h], model, &rules[model->net.family][h - 1]);
out:
    if (status != KT_OK)
        keras_net_clear(net);
    return status;
}

/* ---- to a model ---- */

static kt_status shape_of(kt_net *to, const keras_net *net, kt_family family, const char *where,
                          kt_error *err)
{
    kt_error reason = {0};
    int normed = 0;
    *to = (kt_net){.inputs = net->d,
                   .layers = net->layers,
                   .components = net->head[0].dense.out,
                   .activation = net->activation,
                   .family = family};
    for (int l = 0; l < net->layers; l++) {
        to->width[l] = net->hidden[l].out;
        normed += net->hidden[l].norm != NULL;
    }
    if (normed > 0 && normed < net->layers)
        return kt_fail(err, KT_UNSUPPORTED,
                       "%s: has BatchNormalization behind %d of its %d hidden layers; wanted is all or none",
                       where, normed, net->layers);
    to->batch_norm = normed > 0;
    if (kt_net_check(to, &reason) != KT_OK)
        return kt_fail(err, KT_UNSUPPORTED, "%s: %s", where, reason.message);
    return KT_OK;
}

/* Which function both positive heads have; the target scale that makes a softplus head's rescaling ours. */
static kt_status heads_of(kt_model *model, double *floor_shift, const keras_net *net, const char *where,
                          kt_error *err)
{
    const head_rule *rule = rules[model->net.family];
    keras_function found = KERAS_LINEAR;
    const char *family = kt_family_table[model->net.family].name;
    model->scale = 1;
    for (int h = 1; h < KERAS_HEADS; h++) {
        const keras_head *head = &net->head[h];
        bool linear = head->function == KERAS_LINEAR;
        if (head->function == KERAS_SOFTMAX || linear != rule[h - 1].linear)
            return kt_fail(err, KT_UNSUPPORTED,
                           "%s: output %d is %s, which a %s mixture has not; name the family with --family",
                           where, h + 1,
                           linear                            ? "linear"
                           : head->function == KERAS_SOFTMAX ? "softmax"
                                                             : "positive",
                           family);
        if (linear)
            continue;
        if (found != KERAS_LINEAR && head->function != found)
            return kt_fail(err, KT_UNSUPPORTED, "%s: one output is softplus, another exponential", where);
        found = head->function;
        if (!(head->factor > 0))
            return kt_fail(err, KT_UNSUPPORTED, "%s: output %d is multiplied by %g", where, h + 1,
                           head->factor);
        if (rule[h - 1].power != 0 && found == KERAS_SOFTPLUS)
            model->scale = pow(head->factor, 1.0 / rule[h - 1].power);
    }
    model->net.head = found == KERAS_EXP ? KT_HEAD_EXP : KT_HEAD_SOFTPLUS;
    for (int h = 1; h < KERAS_HEADS; h++) {
        const keras_head *head = &net->head[h];
        double factor = rule[h - 1].power == 0 ? 1 : pow(model->scale, rule[h - 1].power);
        double shift = found == KERAS_EXP ? -head->offset : factor * KT_HEAD_FLOOR - head->offset;
        if (head->function == KERAS_LINEAR)
            continue;
        if (found == KERAS_SOFTPLUS && fabs(head->factor / factor - 1) > 1e-12)
            return kt_fail(err, KT_UNSUPPORTED, "%s: output %d is multiplied by %g", where, h + 1,
                           head->factor);
        if (fabs(shift) > 1.1e-8 * fmax(1, factor))
            return kt_fail(err, KT_UNSUPPORTED, "%s: to output %d %g is added, where at most 1e-8 is wanted",
                           where, h + 1, head->offset);
        *floor_shift = fmax(*floor_shift, fabs(shift) > 1e-3 * KT_HEAD_FLOOR * factor ? fabs(shift) : 0);
    }
    return KT_OK;
}

static void give_hidden(kt_model *model, const keras_net *net)
{
    float *state = model->state;
    for (int l = 0; l < net->layers; l++) {
        const keras_dense *dense = &net->hidden[l];
        kt_net_view view = kt_net_hidden(&model->net, l);
        size_t out = (size_t)dense->out;
        memcpy(model->params + view.kernel, dense->kernel, (size_t)dense->in * out * sizeof(float));
        memcpy(model->params + view.bias, dense->bias, out * sizeof(float));
        if (!dense->norm)
            continue;
        memcpy(model->params + view.gamma, dense->norm, out * sizeof(float));
        memcpy(model->params + view.beta, dense->norm + out, out * sizeof(float));
        memcpy(state, dense->norm + 2 * out, 2 * out * sizeof(float));
        for (size_t o = 0; o < out; o++)
            state[out + o] = (float)((double)state[out + o] + dense->epsilon - KT_NORM_EPSILON);
        state += 2 * out;
    }
}

/* Element i of a head, kernel then bias, as the model's head without rescaling has it. */
static double element(const keras_head *head, const kt_model *model, size_t i)
{
    const keras_dense *dense = &head->dense;
    size_t bias = (size_t)dense->in * (size_t)dense->out;
    double value = (double)(i < bias ? dense->kernel[i] : dense->bias[i - bias]);
    if (head->function == KERAS_EXP)
        return i < bias ? value : value + log(head->factor);
    if (head->function != KERAS_LINEAR)
        return value;
    double scale = model->net.family == KT_NORMAL ? model->scale : 1;
    return (value * head->factor + (i < bias ? 0 : head->offset)) / scale;
}

static void give_heads(kt_model *model, const keras_net *net)
{
    const head_rule *rule = rules[model->net.family];
    kt_net_view view[KERAS_HEADS];
    for (int h = 0; h < KERAS_HEADS; h++)
        view[h] = kt_net_head(&model->net, h);
    for (size_t i = 0; i < (size_t)(view[0].in + 1) * (size_t)view[0].out; i++) {
        double second = element(&net->head[1], model, i), third = element(&net->head[2], model, i);
        bool swapped = rule[0].exp == FROM_B;
        double a = swapped ? third : second, b = swapped ? second : third;
        if (model->net.head == KT_HEAD_EXP && rule[1].exp == FROM_A_LESS_B)
            b = a - third;
        model->params[view[0].kernel + i] = (float)element(&net->head[0], model, i);
        model->params[view[1].kernel + i] = (float)a;
        model->params[view[2].kernel + i] = (float)b;
    }
}

kt_status keras_to_model(kt_model *model, double *floor_shift, const keras_net *net, kt_family family,
                         const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    *floor_shift = 0;
    KT_TRY(shape_of(&model->net, net, family, where, err));
    KT_TRY(heads_of(model, floor_shift, net, where, err));
    KT_TRY(kt_alloc(&model->params, kt_net_params(&model->net), sizeof(float), err));
    if (model->net.batch_norm)
        KT_TRY(kt_alloc(&model->state, kt_net_state(&model->net), sizeof(float), err));
    give_hidden(model, net);
    give_heads(model, net);
    for (int j = 0; j < net->d; j++) {
        model->scaler.mean[j] = (double)net->mean[j];
        model->scaler.sd[j] = fmax(sqrt((double)net->variance[j]), 1e-7);
    }
    model->floor = family == KT_NORMAL ? 0 : 1e-8; /* to which the original clips its times */
out:
    return status;
}
