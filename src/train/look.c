#include "fit_private.h"
#include <math.h>
#include <string.h>

/* A head at its bound is not over it: rounding of exp and log is not the training's doing. */
#define BOUND_TOLERANCE 1e-4

const float *kt_fit_judged(kt_fit *fit, const float *params, const float *state)
{
    if (fit->judge == fit->kernel)
        return params;
    kt_net plain;
    kt_kernel_unpack(fit->canonical, fit->kernel, params);
    kt_net_fold(&plain, fit->canonical_folded, &fit->model.net, fit->canonical, state);
    kt_kernel_pack(fit->folded, fit->judge, fit->canonical_folded);
    return fit->folded;
}

static double block_loss(kt_fit *fit, const float *judged, int block)
{
    float losses[KT_BLOCK];
    size_t at = (size_t)(block - fit->rows.val_first) * KT_BLOCK, n = fit->rows.n_val - at;
    double sum = 0;
    n = n < KT_BLOCK ? n : KT_BLOCK;
    kt_kernel_losses(losses, fit->judge, judged, fit->rows.validation + at * fit->rows.record, n);
    for (size_t i = 0; i < n; i++)
        sum += (double)losses[i];
    kt_fit_worked(fit, n);
    return sum;
}

static kt_status validation_loss(double *mean, kt_fit *fit, const float *judged, kt_error *err)
{
    kt_status status = KT_OK;
    int blocks = (int)((fit->data.n_validation + KT_BLOCK - 1) / KT_BLOCK);
    kt_tree_restart(&fit->sums);
    for (int b = fit->rows.val_first; b < fit->rows.val_last; b++) {
        double *slot = kt_tree_next(&fit->sums);
        memset(slot, 0, fit->sums.width);
        slot[0] = block_loss(fit, judged, b);
        kt_tree_push(&fit->sums, (kt_tree_node){0, b});
    }
    if (fit->team.complete)
        KT_TRY(fit->team.complete(fit->team.context, &fit->sums, blocks, err));
    *mean = *(double *)kt_tree_root(&fit->sums) / (double)fit->data.n_validation;
out:
    return status;
}

static void extend(double *low, double *high, kt_fit *fit, const float *judged, const float *records,
                   size_t n)
{
    enum { PIECE = 16 * KT_BLOCK };
    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = n - at < PIECE ? n - at : PIECE;
        float l, h;
        kt_kernel_range(&l, &h, fit->judge, judged, records + at * fit->rows.record, some);
        *low = fmin(*low, (double)l);
        *high = fmax(*high, (double)h);
        kt_fit_worked(fit, some);
    }
}

kt_status kt_fit_range(double *low, double *high, kt_fit *fit, const float *judged, bool all_rows,
                       kt_error *err)
{
    kt_status status = KT_OK;
    const kt_rows *rows = &fit->rows;
    int first, last, blocks = (int)((rows->n_points + KT_BLOCK - 1) / KT_BLOCK);
    *low = INFINITY, *high = -INFINITY;

    kt_team_run(&first, &last, blocks, fit->team.rank, fit->team.size);
    size_t from = (size_t)first * KT_BLOCK, to = (size_t)last * KT_BLOCK;
    to = to < rows->n_points ? to : rows->n_points;
    if (to > from)
        extend(low, high, fit, judged, rows->points + from * rows->record, to - from);
    if (all_rows)
        extend(low, high, fit, judged, rows->train, rows->n);
    if (fit->team.largest) {
        double values[2] = {-*low, *high};
        KT_TRY(fit->team.largest(fit->team.context, values, 2, err));
        *low = -values[0], *high = values[1];
    }
out:
    return status;
}

bool kt_fit_over_bound(const kt_fit *fit, double low, double high)
{
    kt_net_bounds bounds = kt_net_head_bounds(fit->model.net.family);
    return low < bounds.low - BOUND_TOLERANCE || high > bounds.high + BOUND_TOLERANCE;
}

kt_status kt_fit_judge(kt_look *look, kt_fit *fit, kt_error *err)
{
    kt_status status = KT_OK;
    const float *judged = kt_fit_judged(fit, fit->now.params, fit->now.state);
    double in_seconds = log(fit->model.scale); /* the kernel's density is that of y / scale */

    *look = (kt_look){.step = fit->now.step, .rate = fit->last_rate, .flags = fit->pending};
    look->train = fit->loss_sum / (double)fit->loss_steps + in_seconds;
    look->validation = look->train;
    if (fit->data.n_validation > 0) {
        KT_TRY(validation_loss(&look->validation, fit, judged, err));
        look->validation += in_seconds;
    }
    KT_TRY(kt_fit_range(&look->low, &look->high, fit, judged, false, err));
out:
    return status;
}
