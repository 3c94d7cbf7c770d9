/* What a fit gives at its end. */
#include "fit_private.h"
#include <stdlib.h>
#include <string.h>

void kt_fitted_clear(kt_fitted *fitted)
{
    kt_model_clear(&fitted->model);
    free(fitted->looks);
    *fitted = (kt_fitted){0};
}

static kt_status team_count(uint64_t *sum, kt_fit *fit, uint64_t own, kt_error *err)
{
    kt_status status = KT_OK;
    kt_tree_restart(&fit->sums);
    for (int p = fit->blocks.first; p < fit->blocks.last; p++) {
        double *slot = kt_tree_next(&fit->sums);
        memset(slot, 0, fit->sums.width);
        slot[0] = p == fit->blocks.first ? (double)own : 0;
        kt_tree_push(&fit->sums, (kt_tree_node){0, p});
    }
    if (fit->team.complete)
        KT_TRY(fit->team.complete(fit->team.context, &fit->sums, fit->blocks.strips, err));
    *sum = (uint64_t) * (double *)kt_tree_root(&fit->sums);
out:
    return status;
}

static void give_away(kt_model *to, kt_model *from)
{
    to->net = from->net;
    to->scaler = from->scaler;
    to->scale = from->scale;
    to->floor = from->floor;
    to->hull = from->hull;
    from->hull = (kt_hull){0};
}

typedef struct {
    bool last;
    const float *params, *state;
} kept;

static kept what_is_kept(const kt_fit *fit)
{
    bool last = fit->recipe.keep_last || !fit->has_best;
    return (kept){last, last ? fit->now.params : fit->best_params, last ? fit->now.state : fit->best_state};
}

kt_status kt_fit_model(kt_model *out, kt_fit *fit, kt_error *err)
{
    const kept k = what_is_kept(fit);
    kt_model lent = fit->model;
    kt_kernel_unpack(fit->canonical, fit->kernel, k.params);
    lent.params = fit->canonical;
    lent.state = fit->n_state > 0 ? (float *)(uintptr_t)k.state : NULL;
    return kt_model_copy(out, &lent, err);
}

kt_status kt_fit_finish(kt_fitted *out, kt_fit *fit, kt_error *err)
{
    kt_status status = KT_OK;
    const kept k = what_is_kept(fit);
    double low, high;

    *out = (kt_fitted){0};
    KT_TRY(kt_fit_range(&low, &high, fit, kt_fit_judged(fit, k.params, k.state), true, err));
    KT_TRY(team_count(&out->floored, fit, fit->rows.floored, err));
    KT_TRY(kt_alloc(&out->model.params, kt_net_params(&fit->model.net), sizeof(float), err));
    kt_kernel_unpack(out->model.params, fit->kernel, k.params);
    if (fit->n_state > 0) {
        KT_TRY(kt_alloc(&out->model.state, fit->n_state, sizeof(float), err));
        memcpy(out->model.state, k.state, fit->n_state * sizeof(float));
    }
    give_away(&out->model, &fit->model);
    out->flags = fit->rows.flags | (kt_fit_over_bound(fit, low, high) ? KT_FLAG_OVER_BOUND : 0u) |
                 (fit->retreats > 0 ? KT_FLAG_RETREATED : 0u) | (out->floored > 0 ? KT_FLAG_FLOORED : 0u);
    out->steps = fit->now.step;
    out->batch = fit->blocks.batch;
    out->looks = fit->looks;
    out->n_looks = fit->n_looks;
    out->best = k.last && fit->n_looks > 0 ? fit->n_looks - 1 : fit->best;
    fit->looks = NULL;
    fit->n_looks = 0;
out:
    if (status != KT_OK)
        kt_fitted_clear(out);
    return status;
}
