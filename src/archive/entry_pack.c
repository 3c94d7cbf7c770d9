/* One entry as bytes, see kt/pack.h. */
#include "archive_private.h"
#include "kt/pack.h"

#include <limits.h>
#include <string.h>

static const char magic[8] = "kt-entry", what[] = "a packed model";
enum { PACK_VERSION = 2 }; /* 1: without further members */

static void net_fields(kt_pack *p, kt_net *net)
{
    net->inputs = kt_pack_whole(p, net->inputs, 1, KT_NET_MAX_INPUTS);
    net->layers = kt_pack_whole(p, net->layers, 0, KT_NET_MAX_LAYERS);
    net->components = kt_pack_whole(p, net->components, 1, KT_NET_MAX_COMPONENTS);
    for (int i = 0; i < KT_NET_MAX_LAYERS; i++)
        net->width[i] = kt_pack_whole(p, net->width[i], 0, KT_NET_MAX_WIDTH);
    net->activation = (kt_activation)kt_pack_whole(p, (int)net->activation, 0, KT_ACTIVATIONS - 1);
    net->head = (kt_head)kt_pack_whole(p, (int)net->head, 0, KT_HEAD_SOFTPLUS);
    net->family = (kt_family)kt_pack_whole(p, (int)net->family, 0, KT_FAMILIES - 1);
    net->batch_norm = kt_pack_whole(p, net->batch_norm, 0, 1) != 0;
    if (p->status == KT_OK && p->reading)
        p->status = archive_check_net(net, what, p->err);
}

static void model_fields(kt_pack *p, kt_model *model)
{
    net_fields(p, &model->net);
    if (p->status != KT_OK)
        return;
    size_t d = (size_t)model->net.inputs, n_params = kt_net_params(&model->net),
           n_state = kt_net_state(&model->net);
    kt_pack_vector(p, &model->params, n_params, sizeof(float), 4);
    kt_pack_f32(p, model->params, p->status == KT_OK ? n_params : 0);
    if (n_state > 0) {
        kt_pack_vector(p, &model->state, n_state, sizeof(float), 4);
        kt_pack_f32(p, model->state, p->status == KT_OK ? n_state : 0);
    }
    kt_pack_f64(p, model->scaler.mean, d);
    kt_pack_f64(p, model->scaler.sd, d);
    uint64_t frozen = model->scaler.frozen;
    kt_pack_u64(p, &frozen);
    model->scaler.frozen = (uint32_t)frozen;
    kt_pack_f64(p, &model->scale, 1);
    kt_pack_f64(p, &model->floor, 1);
    model->hull.d = model->net.inputs;
    kt_pack_size(p, &model->hull.n);
    kt_pack_vector(p, &model->hull.vertex, model->hull.n, d * sizeof(double), 8 * d);
    kt_pack_f64(p, model->hull.vertex, p->status == KT_OK ? model->hull.n * d : 0);
}

static void fitted_fields(kt_pack *p, kt_fitted *fitted)
{
    model_fields(p, &fitted->model);
    kt_pack_u64(p, &fitted->steps);
    kt_pack_u64(p, &fitted->floored);
    fitted->batch = kt_pack_whole(p, fitted->batch, 1, INT_MAX);
    fitted->flags = (uint32_t)kt_pack_whole(p, (int)fitted->flags, 0, INT_MAX);
    kt_pack_size(p, &fitted->best);
    kt_pack_size(p, &fitted->n_looks);
    kt_pack_vector(p, &fitted->looks, fitted->n_looks, sizeof *fitted->looks, 56);
    for (size_t i = 0; p->status == KT_OK && i < fitted->n_looks; i++)
        kt_look_fields(p, &fitted->looks[i]);
}

static void member_fields(kt_pack *p, kt_archive_entry *entry)
{
    entry->n_more = (size_t)kt_pack_whole(p, (int)entry->n_more, 0, KT_MIXTURE_MAX - 1);
    kt_pack_vector(p, &entry->more, entry->n_more, sizeof *entry->more, 64);
    for (size_t m = 0; p->status == KT_OK && m < entry->n_more; m++) {
        kt_fitted copy = entry->more[m];
        fitted_fields(p, &copy);
        if (p->reading)
            entry->more[m] = copy;
    }
}

/* Through a copy, so that packing writes to nothing that it was given. */
static void cell(kt_pack *p, kt_cell_score *value)
{
    kt_cell_score copy = *value;
    kt_pack_bytes(p, copy.label, sizeof copy.label);
    kt_pack_u64(p, &copy.rows);
    copy.role = (kt_role)kt_pack_whole(p, (int)copy.role, KT_ROLE_NEW, KT_ROLE_HELD_OUT);
    copy.interior = kt_pack_whole(p, copy.interior, 0, 1) != 0;
    kt_pack_f64(p, copy.mean, KT_FEATURES_MAX);
    kt_pack_f64(p, &copy.ks, 1);
    kt_pack_f64(p, &copy.ks_floor, 1);
    kt_pack_f64(p, &copy.autocorrelation, 1);
    kt_pack_f64(p, &copy.w1, 1);
    kt_pack_f64(p, copy.observed, KT_QUANTILES);
    kt_pack_f64(p, copy.predicted, KT_QUANTILES);
    kt_pack_f64(p, copy.error, KT_QUANTILES);
    kt_pack_f64(p, &copy.nll, 1);
    kt_pack_f64(p, &copy.crps, 1);
    for (int i = 0; i < KT_PIT_BINS; i++)
        kt_pack_u64(p, &copy.pit[i]);
    if (p->reading)
        *value = copy;
}

static void entry_fields(kt_pack *p, kt_archive_entry *entry)
{
    char mark[sizeof magic];
    memcpy(mark, magic, sizeof mark);
    kt_pack_bytes(p, mark, sizeof mark);
    if (p->status == KT_OK && memcmp(mark, magic, sizeof mark) != 0)
        p->status = kt_fail(p->err, KT_INPUT, "%s does not begin as one", what);
    int version = kt_pack_whole(p, PACK_VERSION, 1, PACK_VERSION);
    kt_pack_text(p, &entry->name);
    fitted_fields(p, &entry->fitted);
    entry->target = (kt_target)kt_pack_whole(p, (int)entry->target, 0, KT_TARGET_PROC_DELAY);
    entry->rule = (kt_cell_rule)kt_pack_whole(p, (int)entry->rule, 0, KT_CELLS_BINS);
    kt_pack_size(p, &entry->n_train);
    kt_pack_size(p, &entry->n_validation);
    kt_pack_size(p, &entry->n_test);
    kt_pack_bytes(p, entry->data_digest, sizeof entry->data_digest);
    kt_pack_size(p, &entry->n_cells);
    kt_pack_vector(p, &entry->cells, entry->n_cells, sizeof *entry->cells, 64);
    for (size_t i = 0; p->status == KT_OK && i < entry->n_cells; i++)
        cell(p, &entry->cells[i]);
    entry->n_sketch = (size_t)kt_pack_whole(p, (int)entry->n_sketch, 0, KT_SKETCH);
    for (size_t i = 0; i < entry->n_sketch; i++)
        kt_pack_u64(p, &entry->sketch[i]);
    if (version > 1)
        member_fields(p, entry);
}

kt_status kt_archive_entry_pack(char **data, size_t *n, const kt_archive_entry *entry, kt_error *err)
{
    kt_archive_entry copy = *entry;
    kt_pack p = {.what = what, .err = err};
    entry_fields(&p, &copy);
    return kt_pack_take(data, n, &p);
}

kt_status kt_archive_entry_unpack(kt_archive_entry *entry, const char *data, size_t n, kt_error *err)
{
    kt_pack p = kt_pack_open(what, data, n, err);
    *entry = (kt_archive_entry){0};
    entry_fields(&p, entry);
    kt_status status = kt_pack_close(&p);
    for (size_t m = 0; status == KT_OK && m < kt_archive_members(entry); m++)
        status = archive_check_fitted(kt_archive_member(entry, m), entry->name, err);
    if (status == KT_OK)
        status = archive_check_entry(entry, entry->name, err);
    if (status == KT_OK)
        status = archive_check_members(entry, entry->name, err);
    if (status != KT_OK)
        kt_archive_entry_clear(entry);
    return status;
}
