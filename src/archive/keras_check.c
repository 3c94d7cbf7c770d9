/* Does the network of a file answer as the model does that it was made from? It is computed as Keras computes
 * it, in floats, with an estimate of what their rounding may cost; the model in double. */
#include "keras_private.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = KT_NET_MAX_WIDTH, POINTS = 64 };
#define WEIGHT_ERROR 1e-6 /* absolute */
#define HULL_ERROR   5e-6 /* relative */
#define FAR_ERROR    1e-4
#define TOO_SMALL    1e-30 /* beyond these floats end */
#define TOO_LARGE    1e30

typedef struct {
    float value[WIDTH];
    float error[WIDTH]; /* what rounding may have done to it; independent ones add as squares */
} layer_values;

static float activate(kt_activation activation, float v)
{
    switch (activation) {
    case KT_TANH:
        return tanhf(v);
    case KT_RELU:
        return fmaxf(v, 0);
    case KT_LEAKY_RELU:
        return v > 0 ? v : (float)KT_LEAKY_SLOPE * v;
    case KT_ELU:
        return v > 0 ? v : expm1f(v);
    case KT_SIGMOID:
        return 1 / (1 + expf(-v));
    case KT_SOFTPLUS:
        return fmaxf(v, 0) + log1pf(expf(-fabsf(v)));
    default:
        return v;
    }
}

/* The sums of a Dense layer, and of BatchNormalization behind it. */
static void multiply(layer_values *out, const keras_dense *dense, const layer_values *in)
{
    for (int o = 0; o < dense->out; o++) {
        float sum = 0, size = fabsf(dense->bias[o]), error = 0;
        for (int i = 0; i < dense->in; i++) {
            float weight = dense->kernel[i * dense->out + o];
            sum += weight * in->value[i];
            size += fabsf(weight * in->value[i]);
            error += weight * in->error[i] * (weight * in->error[i]);
        }
        out->value[o] = sum + dense->bias[o];
        out->error[o] = sqrtf(error) + FLT_EPSILON * size;
        if (!dense->norm)
            continue;
        const float *gamma = dense->norm + o;
        float factor = gamma[0] / sqrtf(gamma[3 * dense->out] + (float)dense->epsilon);
        float shift = gamma[dense->out] - gamma[2 * dense->out] * factor;
        out->error[o] = fabsf(factor) * out->error[o] + 2 * FLT_EPSILON *
                                                            (fabsf(out->value[o] * factor) + fabsf(shift) +
                                                             2 * fabsf(gamma[2 * dense->out] * factor));
        out->value[o] = out->value[o] * factor + shift;
    }
}

static void normalise(layer_values *out, const keras_net *net, const double *x)
{
    for (int j = 0; j < net->d; j++) {
        float sd = fmaxf(sqrtf(net->variance[j]), 1e-7f);
        out->value[j] = ((float)x[j] - net->mean[j]) / sd;
        out->error[j] = FLT_EPSILON * (2 * fabsf(out->value[j]) + fabsf((float)x[j]) / sd);
    }
}

/* out [3][K], and what rounding may cost it: relative, of weights and linear outputs absolute. */
static void compute(float out[][KT_NET_MAX_COMPONENTS], float error[][KT_NET_MAX_COMPONENTS],
                    const keras_net *net, const double *x, layer_values *a, layer_values *b)
{
    normalise(a, net, x);
    for (int l = 0; l < net->layers; l++) {
        const int width = net->hidden[l].out;
        multiply(b, &net->hidden[l], a);
        for (int i = 0; i < width; i++) { /* no activation is steeper than 1 */
            b->value[i] = activate(net->activation, b->value[i]);
            b->error[i] += 2 * FLT_EPSILON * fabsf(b->value[i]);
        }
        layer_values *swap = a;
        a = b;
        b = swap;
    }
    for (int h = 0; h < KERAS_HEADS; h++) {
        const keras_head *head = &net->head[h];
        const int K = head->dense.out;
        float top = -FLT_MAX, worst = 0, sum = 0;
        multiply(b, &head->dense, a);
        for (int j = 0; j < K; j++) {
            top = fmaxf(top, b->value[j]);
            worst = fmaxf(worst, b->error[j]);
        }
        for (int j = 0; j < K; j++) {
            float v = b->value[j], factor = (float)head->factor, offset = (float)head->offset;
            out[h][j] = head->function == KERAS_SOFTMAX    ? expf(v - top)
                        : head->function == KERAS_EXP      ? expf(v)
                        : head->function == KERAS_SOFTPLUS ? factor * activate(KT_SOFTPLUS, v) + offset
                                                           : factor * v + offset;
            error[h][j] = 4 * FLT_EPSILON + (head->function == KERAS_SOFTMAX  ? 2 * worst
                                             : head->function == KERAS_LINEAR ? factor * b->error[j]
                                                                              : b->error[j]);
            sum += out[h][j];
        }
        for (int j = 0; j < K && head->function == KERAS_SOFTMAX; j++)
            out[h][j] /= sum;
    }
}

/* The corners of the hull and the point in their middle; each of these at 0 and at 34 requests per second,
 * where KubeTwin may ask; and points far out. The rate is the first feature. */
static size_t points_of(double x[][KT_FEATURES_MAX], const kt_model *model)
{
    const kt_hull *hull = &model->hull;
    const size_t d = (size_t)hull->d;
    size_t n = 0, corners = hull->n < POINTS / 3 - 2 ? hull->n : POINTS / 3 - 2;
    double middle[KT_FEATURES_MAX] = {0};
    for (size_t i = 0; i < corners; i++, n++) {
        memcpy(x[n], hull->vertex + i * d, d * sizeof **x);
        for (size_t j = 0; j < d; j++)
            middle[j] += x[n][j] / (double)corners;
    }
    memcpy(x[n++], middle, sizeof middle);
    size_t inside = n;
    for (size_t i = 0; i < inside; i++) {
        const double rates[] = {0, 34};
        for (int r = 0; r < 2; r++, n++) {
            memcpy(x[n], x[i], sizeof *x);
            x[n][0] = rates[r];
        }
    }
    for (int side = -1; side <= 1; side += 2, n++)
        for (size_t j = 0; j < d; j++)
            x[n][j] = middle[j] + side * 30 * model->scaler.sd[j];
    return n;
}

static bool differs(double got, double wanted, double tolerance, bool linear, double spread)
{
    if (linear)
        return !(fabs(got - wanted) <= tolerance * fmax(fabs(wanted), spread));
    if (fabs(wanted) < TOO_SMALL || fabs(wanted) > TOO_LARGE)
        return false;
    return !(fabs(got / wanted - 1) <= tolerance);
}

static kt_status check_point(const keras_net *net, const kt_model *model, const double *params,
                             const double *state, const double *x, layer_values *work, const char *where,
                             kt_error *err)
{
    static const char *const names[KERAS_HEADS] = {"weight", "concentration", "scale"};
    const int K = model->net.components;
    double z[3 * KT_NET_MAX_COMPONENTS], wanted[KERAS_HEADS][KT_NET_MAX_COMPONENTS], t[KT_FEATURES_MAX];
    float got[KERAS_HEADS][KT_NET_MAX_COMPONENTS], error[KERAS_HEADS][KT_NET_MAX_COMPONENTS];
    for (int j = 0; j < net->d; j++)
        t[j] = (x[j] - model->scaler.mean[j]) / model->scaler.sd[j];
    kt_status status = kt_net_heads(z, &model->net, params, state, t, 1, err);
    if (status != KT_OK)
        return status;
    kt_net_mixture(wanted[0], wanted[1], wanted[2], &model->net, z, model->scale);
    compute(got, error, net, x, &work[0], &work[1]);
    double bound = kt_model_inside(model, x) ? HULL_ERROR : FAR_ERROR;
    for (int h = 0; h < KERAS_HEADS; h++)
        for (int j = 0; j < K; j++) {
            bool linear = h == 0 || net->head[h].function == KERAS_LINEAR;
            double spread = h == 0 ? 1 : fmax(wanted[2][j], model->net.family == KT_LOGNORMAL ? 1 : 0);
            double rounding = (double)error[h][j] / (linear && h > 0 ? fmax(fabs(wanted[h][j]), spread) : 1);
            double tolerance = (h == 0 ? WEIGHT_ERROR : bound) + rounding;
            if (differs((double)got[h][j], wanted[h][j], tolerance, linear, spread))
                return kt_fail(err, KT_NUMERIC,
                               "%s: at %g, %g its %s %d is %.9g, that of the archive's model %.9g", where,
                               x[0], net->d > 1 ? x[1] : 0, names[h], j, (double)got[h][j], wanted[h][j]);
        }
    return KT_OK;
}

kt_status keras_check(const keras_net *net, const kt_model *model, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    double(*x)[KT_FEATURES_MAX] = NULL, *params = NULL, *state = NULL;
    layer_values *work = NULL;
    size_t n_params = kt_net_params(&model->net), n_state = kt_net_state(&model->net);
    KT_TRY(kt_alloc(&x, POINTS, sizeof *x, err));
    KT_TRY(kt_alloc(&params, n_params, sizeof *params, err));
    KT_TRY(kt_alloc(&state, n_state, sizeof *state, err));
    KT_TRY(kt_alloc(&work, 2, sizeof *work, err));
    for (size_t i = 0; i < n_params; i++)
        params[i] = (double)model->params[i];
    for (size_t i = 0; i < n_state; i++)
        state[i] = (double)model->state[i];
    size_t n = points_of(x, model);
    for (size_t i = 0; i < n; i++)
        KT_TRY(check_point(net, model, params, state, x[i], work, where, err));
out:
    free(work);
    free(state);
    free(params);
    free(x);
    return status;
}
