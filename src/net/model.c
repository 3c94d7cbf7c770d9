#include "kt/model.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void kt_model_clear(kt_model *model)
{
    free(model->params);
    free(model->state);
    kt_hull_clear(&model->hull);
    *model = (kt_model){0};
}

static kt_status copy_array(void *out, const void *from, size_t n, size_t size, kt_error *err)
{
    void *to = NULL;
    kt_status status = kt_alloc(&to, n, size, err);
    if (status == KT_OK && n > 0)
        memcpy(to, from, n * size);
    memcpy(out, &to, sizeof to);
    return status;
}

kt_status kt_model_copy(kt_model *out, const kt_model *model, kt_error *err)
{
    kt_status status = KT_OK;
    kt_model copy = *model;
    copy.params = copy.state = NULL;
    copy.hull.vertex = NULL;
    KT_TRY(copy_array(&copy.params, model->params, kt_net_params(&model->net), sizeof *copy.params, err));
    if (model->state)
        KT_TRY(copy_array(&copy.state, model->state, kt_net_state(&model->net), sizeof *copy.state, err));
    if (model->hull.vertex)
        KT_TRY(copy_array(&copy.hull.vertex, model->hull.vertex, model->hull.n * (size_t)model->hull.d,
                          sizeof *copy.hull.vertex, err));
    *out = copy;
    copy = (kt_model){0};
out:
    kt_model_clear(&copy);
    return status;
}

bool kt_model_inside(const kt_model *model, const double *x)
{
    return kt_hull_inside(&model->hull, x);
}

float kt_model_target(const kt_model *model, double y)
{
    if (!kt_family_table[model->net.family].positive)
        return (float)(y / model->scale);
    return (float)log((y < model->floor ? model->floor : y) / model->scale);
}

/* ---- predictor ---- */

enum { CHUNK = 256 }; /* rows standardised at a time */

struct kt_predictor {
    const kt_model *model;
    kt_kernel *kernel; /* of the network without BatchNormalization */
    float *params;     /* padded */
    float *records;    /* [CHUNK, record] */
    size_t record;
    double mixture[3][KT_MIXTURE_MAX]; /* the last point's */
    void (*pause)(void *context);
    void *context;
};

kt_status kt_predictor_create(kt_predictor **predictor, const kt_model *model, kt_isa isa, kt_error *err)
{
    kt_status status = KT_OK;
    kt_predictor *p = NULL;
    float *folded = NULL;
    kt_net plain;
    *predictor = NULL;
    KT_TRY(kt_net_check(&model->net, err));
    KT_TRY(kt_alloc(&p, 1, sizeof *p, err));
    KT_TRY(
        kt_alloc(&folded, kt_net_params(&model->net), sizeof *folded, err)); /* at least what is left of it */
    kt_net_fold(&plain, folded, &model->net, model->params, model->state);
    KT_TRY(kt_kernel_create(&p->kernel, &plain, isa, 0, err));
    KT_TRY(kt_alloc(&p->params, kt_kernel_size(p->kernel), sizeof *p->params, err));
    kt_kernel_pack(p->params, p->kernel, folded);
    p->model = model;
    p->record = kt_kernel_record(plain.inputs);
    KT_TRY(kt_alloc(&p->records, CHUNK * p->record, sizeof *p->records, err));
    *predictor = p;
    p = NULL;
out:
    free(folded);
    kt_predictor_destroy(p);
    return status;
}

void kt_predictor_destroy(kt_predictor *predictor)
{
    if (!predictor)
        return;
    kt_kernel_destroy(predictor->kernel);
    free(predictor->params);
    free(predictor->records);
    free(predictor);
}

void kt_predictor_on_pause(kt_predictor *predictor, void (*pause)(void *context), void *context)
{
    predictor->pause = pause;
    predictor->context = context;
}

void kt_predictor_pause(const kt_predictor *predictor)
{
    if (predictor->pause)
        predictor->pause(predictor->context);
}

static void standardise(kt_predictor *p, const double *x, size_t n)
{
    const int d = p->model->net.inputs;
    for (size_t i = 0; i < n; i++)
        kt_scaler_apply(p->records + i * p->record, &p->model->scaler, x + i * (size_t)d, d);
}

void kt_predict(float *out, kt_predictor *predictor, const double *x, size_t n)
{
    const kt_net *net = &predictor->model->net;
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t rows = n - at < CHUNK ? n - at : CHUNK;
        standardise(predictor, x + at * (size_t)net->inputs, rows);
        kt_kernel_mixtures(out + at * (size_t)(3 * net->components), predictor->kernel, predictor->params,
                           predictor->records, rows, (float)predictor->model->scale);
    }
}

kt_mixture kt_predict_point(kt_predictor *predictor, const double *x)
{
    const kt_net *net = &predictor->model->net;
    const int K = net->components;
    float heads[3 * KT_MIXTURE_MAX];
    double z[3 * KT_MIXTURE_MAX], (*mixture)[KT_MIXTURE_MAX] = predictor->mixture, sum = 0;
    standardise(predictor, x, 1);
    kt_kernel_heads(heads, predictor->kernel, predictor->params, predictor->records, 1);
    for (int i = 0; i < 3 * K; i++)
        z[i] = (double)heads[i];
    kt_net_mixture(mixture[0], mixture[1], mixture[2], net, z, predictor->model->scale);
    for (int j = 0; j < K; j++)
        sum += mixture[0][j];
    for (int j = 0; j < K; j++)
        mixture[0][j] /= sum;
    return (kt_mixture){net->family, K, mixture[0], mixture[1], mixture[2]};
}
