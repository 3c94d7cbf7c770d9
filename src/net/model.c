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

typedef struct {
    const kt_model *model;
    kt_kernel *kernel; /* of the network without BatchNormalization */
    float *params;     /* padded */
} member;

struct kt_predictor {
    size_t n;
    member *members; /* [n] */
    int components;
    float *records; /* [CHUNK, record] */
    size_t record;
    float *part;                       /* [CHUNK, 3, K] of one member; NULL where there is but one */
    double mixture[3][KT_MIXTURE_MAX]; /* the last point's */
};

static kt_status check_alike(int *components, const kt_model *const *models, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_net *first = &models[0]->net;
    *components = 0;
    for (size_t m = 0; m < n; m++) {
        const kt_net *net = &models[m]->net;
        KT_TRY(kt_net_check(net, err));
        if (net->family != first->family)
            KT_TRY(kt_fail(err, KT_USAGE, "an ensemble of %s and %s: its members are of one family",
                           kt_family_table[first->family].name, kt_family_table[net->family].name));
        if (net->inputs != first->inputs)
            KT_TRY(kt_fail(err, KT_USAGE, "an ensemble of models with %d and %d inputs", first->inputs,
                           net->inputs));
        *components += net->components;
        if (*components > KT_MIXTURE_MAX)
            KT_TRY(kt_fail(err, KT_USAGE, "an ensemble of %zu models with more than %d components together",
                           n, KT_MIXTURE_MAX));
    }
out:
    return status;
}

static kt_status member_init(member *m, const kt_model *model, kt_isa isa, kt_error *err)
{
    kt_status status = KT_OK;
    float *folded = NULL; /* room for the whole network, at least what is left of it */
    kt_net plain;
    KT_TRY(kt_alloc(&folded, kt_net_params(&model->net), sizeof *folded, err));
    kt_net_fold(&plain, folded, &model->net, model->params, model->state);
    KT_TRY(kt_kernel_create(&m->kernel, &plain, isa, 0, err));
    KT_TRY(kt_alloc(&m->params, kt_kernel_size(m->kernel), sizeof *m->params, err));
    kt_kernel_pack(m->params, m->kernel, folded);
    m->model = model;
out:
    free(folded);
    return status;
}

kt_status kt_predictor_create_ensemble(kt_predictor **predictor, const kt_model *const *models, size_t n,
                                       kt_isa isa, kt_error *err)
{
    assert(n >= 1);
    kt_status status = KT_OK;
    kt_predictor *p = NULL;
    int components, most = 0;
    *predictor = NULL;
    KT_TRY(check_alike(&components, models, n, err));
    KT_TRY(kt_alloc(&p, 1, sizeof *p, err));
    KT_TRY(kt_alloc(&p->members, n, sizeof *p->members, err));
    p->components = components;
    p->record = kt_kernel_record(models[0]->net.inputs);
    p->n = n;
    for (size_t m = 0; m < n; m++) {
        most = models[m]->net.components > most ? models[m]->net.components : most;
        KT_TRY(member_init(&p->members[m], models[m], isa, err));
    }
    KT_TRY(kt_alloc(&p->records, CHUNK * p->record, sizeof *p->records, err));
    if (n > 1)
        KT_TRY(kt_alloc(&p->part, CHUNK * 3 * (size_t)most, sizeof *p->part, err));
    *predictor = p;
    p = NULL;
out:
    kt_predictor_destroy(p);
    return status;
}

kt_status kt_predictor_create(kt_predictor **predictor, const kt_model *model, kt_isa isa, kt_error *err)
{
    return kt_predictor_create_ensemble(predictor, &model, 1, isa, err);
}

void kt_predictor_destroy(kt_predictor *predictor)
{
    if (!predictor)
        return;
    for (size_t m = 0; m < predictor->n; m++) {
        kt_kernel_destroy(predictor->members[m].kernel);
        free(predictor->members[m].params);
    }
    free(predictor->members);
    free(predictor->records);
    free(predictor->part);
    free(predictor);
}

kt_family kt_predictor_family(const kt_predictor *predictor)
{
    return predictor->members[0].model->net.family;
}

int kt_predictor_inputs(const kt_predictor *predictor)
{
    return predictor->members[0].model->net.inputs;
}

int kt_predictor_components(const kt_predictor *predictor)
{
    return predictor->components;
}

double kt_predictor_floor(const kt_predictor *predictor)
{
    double floor = 0;
    for (size_t m = 0; m < predictor->n; m++)
        floor = fmax(floor, predictor->members[m].model->floor);
    return floor;
}

bool kt_predictor_inside(const kt_predictor *predictor, const double *x)
{
    return kt_model_inside(predictor->members[0].model, x);
}

static void standardise(kt_predictor *p, const kt_model *model, const double *x, size_t n)
{
    const int d = model->net.inputs;
    for (size_t i = 0; i < n; i++)
        kt_scaler_apply(p->records + i * p->record, &model->scaler, x + i * (size_t)d, d);
}

/* One member's rows [n, 3, K] to its place in out [n, 3, all], its weights divided by the members. */
static void place(float *out, const float *part, size_t n, size_t K, size_t all, size_t members)
{
    for (size_t i = 0; i < 3 * n; i++) {
        memcpy(out + i * all, part + i * K, K * sizeof *out);
        for (size_t j = 0; i % 3 == 0 && j < K; j++)
            out[i * all + j] /= (float)members;
    }
}

static void predict_chunk(float *out, kt_predictor *p, const double *x, size_t n)
{
    size_t first = 0, all = (size_t)p->components;
    for (size_t m = 0; m < p->n; m++) {
        const member *one = &p->members[m];
        size_t K = (size_t)one->model->net.components;
        float *to = p->part ? p->part : out;
        standardise(p, one->model, x, n);
        kt_kernel_mixtures(to, one->kernel, one->params, p->records, n, (float)one->model->scale);
        if (p->part)
            place(out + first, p->part, n, K, all, p->n);
        first += K;
    }
}

void kt_predict(float *out, kt_predictor *predictor, const double *x, size_t n)
{
    size_t d = (size_t)kt_predictor_inputs(predictor), width = 3 * (size_t)predictor->components;
    for (size_t at = 0; at < n; at += CHUNK)
        predict_chunk(out + at * width, predictor, x + at * d, n - at < CHUNK ? n - at : CHUNK);
}

/* One member's mixture at x, from place `first` on. */
static void point_of(kt_predictor *p, const member *one, int first, const double *x)
{
    const kt_net *net = &one->model->net;
    const int K = net->components;
    float heads[3 * KT_NET_MAX_COMPONENTS];
    double z[3 * KT_NET_MAX_COMPONENTS], *weight = p->mixture[0] + first, sum = 0;
    standardise(p, one->model, x, 1);
    kt_kernel_heads(heads, one->kernel, one->params, p->records, 1);
    for (int i = 0; i < 3 * K; i++)
        z[i] = (double)heads[i];
    kt_net_mixture(weight, p->mixture[1] + first, p->mixture[2] + first, net, z, one->model->scale);
    for (int j = 0; j < K; j++)
        sum += weight[j];
    for (int j = 0; j < K; j++)
        weight[j] = weight[j] / sum / (double)p->n;
}

kt_mixture kt_predict_point(kt_predictor *predictor, const double *x)
{
    int first = 0;
    for (size_t m = 0; m < predictor->n; m++) {
        point_of(predictor, &predictor->members[m], first, x);
        first += predictor->members[m].model->net.components;
    }
    return (kt_mixture){kt_predictor_family(predictor), predictor->components, predictor->mixture[0],
                        predictor->mixture[1], predictor->mixture[2]};
}
