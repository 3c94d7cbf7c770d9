#include "archive_private.h"

#include <math.h>
#include <string.h>

/* An enum or bool from outside may hold any bits: looked at as the number it is. */
static uint32_t bits_of(const void *value, size_t size)
{
    uint32_t bits = 0;
    memcpy(&bits, value, size);
    return bits;
}
#define BITS(value) bits_of(&(value), sizeof(value))

kt_status archive_check_net(const kt_net *net, const char *where, kt_error *err)
{
    kt_error reason = {0};
    if (BITS(net->activation) >= KT_ACTIVATIONS || BITS(net->head) > KT_HEAD_SOFTPLUS ||
        BITS(net->family) >= KT_FAMILIES || BITS(net->batch_norm) > 1)
        return kt_fail(err, KT_INPUT, "%s: an activation, head or family that there is not", where);
    if (kt_net_check(net, &reason) != KT_OK)
        return kt_fail(err, KT_INPUT, "%s: %s", where, reason.message);
    return KT_OK;
}

static kt_status check_floats(const float *values, size_t n, const char *where, const char *what,
                              kt_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return kt_fail(err, KT_INPUT, "%s/%s: number %zu is %g", where, what, i, (double)values[i]);
    return KT_OK;
}

static kt_status check_model(const kt_model *model, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_net *net = &model->net;
    size_t d = (size_t)net->inputs, n_state = kt_net_state(net), vertices = model->hull.n * d;
    KT_TRY(check_floats(model->params, kt_net_params(net), where, "parameters", err));
    KT_TRY(check_floats(model->state, n_state, where, "state", err));
    for (size_t i = 0; i < d; i++)
        if (!isfinite(model->scaler.mean[i]) || !isfinite(model->scaler.sd[i]) || model->scaler.sd[i] <= 0)
            return kt_fail(err, KT_INPUT, "%s/scaler: column %zu has mean %g and sd %g", where, i,
                           model->scaler.mean[i], model->scaler.sd[i]);
    if (model->scaler.frozen >> d != 0)
        return kt_fail(err, KT_INPUT, "%s: constant features 0x%x of %zu", where, model->scaler.frozen, d);
    if (!isfinite(model->scale) || model->scale <= 0)
        return kt_fail(err, KT_INPUT, "%s: target scale %g", where, model->scale);
    if (!isfinite(model->floor) || model->floor < 0)
        return kt_fail(err, KT_INPUT, "%s: floor %g", where, model->floor);
    if (model->hull.d != net->inputs || model->hull.n < 1 || (d != 2 && model->hull.n != 2))
        return kt_fail(err, KT_INPUT, "%s/hull: %zu points for %zu features", where, model->hull.n, d);
    for (size_t i = 0; i < vertices; i++)
        if (!isfinite(model->hull.vertex[i]))
            return kt_fail(err, KT_INPUT, "%s/hull: number %zu is %g", where, i, model->hull.vertex[i]);
out:
    return status;
}

static kt_status check_cell(const kt_cell_score *cell, size_t i, int d, const char *where, kt_error *err)
{
    uint64_t rows = 0;
    if (!memchr(cell->label, '\0', sizeof cell->label))
        return kt_fail(err, KT_INPUT, "%s/cells: the label of cell %zu has no end", where, i);
    if (cell->rows == 0 || BITS(cell->role) > KT_ROLE_HELD_OUT || BITS(cell->interior) > 1)
        return kt_fail(err, KT_INPUT, "%s/cells: cell %zu has no rows, or a role that there is not", where,
                       i);
    for (int j = 0; j < d; j++)
        if (!isfinite(cell->mean[j]))
            return kt_fail(err, KT_INPUT, "%s/cell_mean: row %zu holds %g", where, i, cell->mean[j]);
    for (int b = 0; b < KT_PIT_BINS; b++)
        rows += cell->pit[b];
    if (rows != cell->rows)
        return kt_fail(err, KT_INPUT, "%s/pit: row %zu counts %llu rows of %llu", where, i,
                       (unsigned long long)rows, (unsigned long long)cell->rows);
    return KT_OK;
}

kt_status archive_check_fitted(const kt_fitted *fitted, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(archive_check_net(&fitted->model.net, where, err));
    KT_TRY(check_model(&fitted->model, where, err));
    if (fitted->batch < 1)
        return kt_fail(err, KT_INPUT, "%s: batch %d", where, fitted->batch);
    if (fitted->best >= fitted->n_looks && fitted->best + fitted->n_looks > 0)
        return kt_fail(err, KT_INPUT, "%s: the best look is %zu of %zu", where, fitted->best,
                       fitted->n_looks);
out:
    return status;
}

kt_status archive_check_entry(const kt_archive_entry *entry, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    if (entry->name[0] == '\0')
        return kt_fail(err, KT_INPUT, "%s: a service without a name", where);
    if (BITS(entry->target) > KT_TARGET_PROC_DELAY || BITS(entry->rule) > KT_CELLS_BINS)
        return kt_fail(err, KT_INPUT, "%s: a target or rule of cells that there is not", where);
    for (size_t i = 0; i < entry->n_cells; i++)
        KT_TRY(check_cell(&entry->cells[i], i, entry->fitted.model.net.inputs, where, err));
    for (size_t i = 1; i < entry->n_sketch; i++)
        if (entry->sketch[i - 1] >= entry->sketch[i])
            return kt_fail(err, KT_INPUT, "%s/sketch: number %zu is not above the one before", where, i);
out:
    return status;
}

kt_status archive_check_members(const kt_archive_entry *entry, const char *where, kt_error *err)
{
    const kt_net *best = &entry->fitted.model.net;
    int components = best->components;
    for (size_t m = 1; m < kt_archive_members(entry); m++) {
        const kt_net *net = &kt_archive_member(entry, m)->model.net;
        components += net->components;
        if (net->family != best->family || net->inputs != best->inputs)
            return kt_fail(err, KT_INPUT, "%s: member %zu is %s of %d inputs, the best %s of %d", where, m,
                           kt_family_table[net->family].name, net->inputs, kt_family_table[best->family].name,
                           best->inputs);
        if (components > KT_MIXTURE_MAX)
            return kt_fail(err, KT_INPUT, "%s: %zu members with more than %d components together", where,
                           kt_archive_members(entry), KT_MIXTURE_MAX);
    }
    return KT_OK;
}
