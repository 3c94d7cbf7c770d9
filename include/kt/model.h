/* A model: what turns a point x (rps_eff, rep, ...) into a mixture of processing times. Plain data, as an
 * archive holds it, and a predictor that evaluates it fast. */
#ifndef KT_MODEL_H
#define KT_MODEL_H

#include "kt/error.h"
#include "kt/hull.h"
#include "kt/kernel.h"
#include "kt/net.h"
#include "kt/scaler.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    kt_net net;
    float *params; /* [kt_net_params] canonical; owned */
    float *state;  /* [kt_net_state], NULL where that is 0; owned */
    kt_scaler scaler;
    double scale; /* s: the network sees y / s */
    double floor; /* seconds: y below it counts as it */
    kt_hull hull; /* of the training cells' means */
} kt_model;

void kt_model_clear(kt_model *model); /* takes a zeroed one */
kt_status kt_model_copy(kt_model *out, const kt_model *model, kt_error *err);

/* One thread at a time. The model is borrowed. */
typedef struct kt_predictor kt_predictor;
kt_status kt_predictor_create(kt_predictor **predictor, const kt_model *model, kt_isa isa, kt_error *err);
void kt_predictor_destroy(kt_predictor *predictor);

/* Long work with a predictor (kt/metrics.h) pauses every few milliseconds: the one who made the predictor may
 * want to see to something else meanwhile. pause NULL, as at first: nothing. */
void kt_predictor_on_pause(kt_predictor *predictor, void (*pause)(void *context), void *context);
void kt_predictor_pause(const kt_predictor *predictor);

/* x [n, d] as users give it; out [n, 3, K]: weight, concentration, scale in the family's own parameters,
 * seconds. */
void kt_predict(float *out, kt_predictor *predictor, const double *x, size_t n);

/* One point in double, with weights that sum to 1: arrays [K] are borrowed until the next call. */
kt_mixture kt_predict_point(kt_predictor *predictor, const double *x);

bool kt_model_inside(const kt_model *model, const double *x);

/* log(max(y, floor) / s), or y / s for the normal family: the target as the kernel sees it. */
float kt_model_target(const kt_model *model, double y);

#endif
