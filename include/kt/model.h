/* A model: what turns a point x (rps_eff, rep, ...) into a mixture of processing times. Plain data, as an
 * archive holds it, and a predictor that evaluates one or an ensemble of them fast. */
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

/* One thread at a time. The models are borrowed. */
typedef struct kt_predictor kt_predictor;
kt_status kt_predictor_create(kt_predictor **predictor, const kt_model *model, kt_isa isa, kt_error *err);
void kt_predictor_destroy(kt_predictor *predictor); /* takes NULL */

/* Of an ensemble: n >= 1 models of one service, the best first. It answers with the mixture of their
 * mixtures, each of which has the same share, so that densities are averaged (Lakshminarayanan et al. 2017).
 * KT_USAGE where they differ in family or inputs, or have more than KT_MIXTURE_MAX components together. */
kt_status kt_predictor_create_ensemble(kt_predictor **predictor, const kt_model *const *models, size_t n,
                                       kt_isa isa, kt_error *err);

kt_family kt_predictor_family(const kt_predictor *predictor);
int kt_predictor_inputs(const kt_predictor *predictor);
int kt_predictor_components(const kt_predictor *predictor); /* K: of all members together */

/* Seconds; y below it counts as it. The largest of the members': none knows a y below its own. */
double kt_predictor_floor(const kt_predictor *predictor);

/* Does x lie in the hull of the training cells? Members have the same cells; asked is the first. */
bool kt_predictor_inside(const kt_predictor *predictor, const double *x);

/* x [n, d] as users give it; out [n, 3, K]: weight, concentration, scale in the family's own parameters,
 * seconds; of an ensemble the first member's components come first. */
void kt_predict(float *out, kt_predictor *predictor, const double *x, size_t n);

/* One point in double, with weights that sum to 1: arrays [K] are borrowed until the next call. */
kt_mixture kt_predict_point(kt_predictor *predictor, const double *x);

bool kt_model_inside(const kt_model *model, const double *x);

/* log(max(y, floor) / s), or y / s for the normal family: the target as the kernel sees it. */
float kt_model_target(const kt_model *model, double y);

#endif
