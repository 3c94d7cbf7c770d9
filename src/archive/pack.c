/* One entry as bytes: fields in a fixed order, little-endian. One list of fields serves packing and
 * unpacking, so that they cannot differ. */
#include "archive_private.h"

#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "kt-entry";
enum { PACK_VERSION = 1 };

typedef struct {
    bool reading;
    char *data;
    size_t at, n, room; /* n: bytes there are (reading), room: allocated (writing) */
    kt_status status;   /* once it is not KT_OK nothing more happens */
    kt_error *err;
} packer;

static void bytes(packer *p, void *value, size_t n)
{
    if (p->status != KT_OK)
        return;
    if (p->reading) {
        if (n > p->n - p->at) {
            p->status = kt_fail(p->err, KT_INPUT, "a packed model ends at byte %zu, %zu more are wanted",
                                p->n, n - (p->n - p->at));
            return;
        }
        memcpy(value, p->data + p->at, n);
    } else {
        if (n > p->room - p->at) {
            size_t room = 2 * p->room + n;
            p->status = kt_grow(&p->data, room, 1, p->err);
            if (p->status != KT_OK)
                return;
            p->room = room;
        }
        memcpy(p->data + p->at, value, n);
    }
    p->at += n;
}

static void u64(packer *p, uint64_t *value)
{
    uint64_t wire = htole64(*value);
    bytes(p, &wire, sizeof wire);
    if (p->reading)
        *value = le64toh(wire);
}

static void size(packer *p, size_t *value)
{
    uint64_t wide = *value;
    u64(p, &wide);
    *value = (size_t)wide;
}

/* An enum, flag or count that fits an int; low to high when it is read. */
static int whole(packer *p, int value, int low, int high)
{
    uint64_t wide = (uint64_t)(int64_t)value;
    u64(p, &wide);
    int64_t back = (int64_t)wide;
    if (p->status == KT_OK && p->reading && (back < low || back > high))
        p->status =
            kt_fail(p->err, KT_INPUT, "a packed model holds %lld before byte %zu, where %d to %d is wanted",
                    (long long)back, p->at, low, high);
    return p->status == KT_OK ? (int)back : low;
}

static void f64(packer *p, double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        u64(p, &bits);
        if (p->reading)
            memcpy(&values[i], &bits, sizeof bits);
    }
}

static void f32(packer *p, float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t wire;
        memcpy(&wire, &values[i], sizeof wire);
        wire = htole32(wire);
        bytes(p, &wire, sizeof wire);
        wire = le32toh(wire);
        if (p->reading)
            memcpy(&values[i], &wire, sizeof wire);
    }
}

/* Makes room for a vector that is about to be read; `least` bytes an element must still be there, which
 * bounds what a wrong count can ask for. */
static void vector(packer *p, void *out, size_t n, size_t element, size_t least)
{
    if (p->status != KT_OK || !p->reading)
        return;
    if (n > (p->n - p->at) / least)
        p->status = kt_fail(p->err, KT_INPUT, "a packed model announces %zu elements at byte %zu of %zu", n,
                            p->at, p->n);
    else
        p->status = kt_alloc(out, n, element, p->err);
}

/* Its length, then its bytes without a NUL. */
static void text(packer *p, char **value)
{
    size_t n = p->reading ? 0 : strlen(*value);
    size(p, &n);
    if (p->status == KT_OK && p->reading && n > p->n - p->at)
        p->status =
            kt_fail(p->err, KT_INPUT, "a packed model announces a text of %zu bytes at byte %zu of %zu", n,
                    p->at, p->n);
    else if (p->status == KT_OK && p->reading)
        p->status = kt_alloc(value, n + 1, 1, p->err);
    bytes(p, *value, n);
    if (p->status == KT_OK && strlen(*value) != n)
        p->status = kt_fail(p->err, KT_INPUT, "a packed model has a NUL in the text before byte %zu", p->at);
}

static void net_fields(packer *p, kt_net *net)
{
    net->inputs = whole(p, net->inputs, 1, KT_NET_MAX_INPUTS);
    net->layers = whole(p, net->layers, 0, KT_NET_MAX_LAYERS);
    net->components = whole(p, net->components, 1, KT_NET_MAX_COMPONENTS);
    for (int i = 0; i < KT_NET_MAX_LAYERS; i++)
        net->width[i] = whole(p, net->width[i], 0, KT_NET_MAX_WIDTH);
    net->activation = (kt_activation)whole(p, (int)net->activation, 0, KT_ACTIVATIONS - 1);
    net->head = (kt_head)whole(p, (int)net->head, 0, KT_HEAD_SOFTPLUS);
    net->family = (kt_family)whole(p, (int)net->family, 0, KT_FAMILIES - 1);
    net->batch_norm = whole(p, net->batch_norm, 0, 1) != 0;
    if (p->status == KT_OK && p->reading)
        p->status = archive_check_net(net, "a packed model", p->err);
}

static void model_fields(packer *p, kt_model *model)
{
    net_fields(p, &model->net);
    if (p->status != KT_OK)
        return;
    size_t d = (size_t)model->net.inputs, n_params = kt_net_params(&model->net),
           n_state = kt_net_state(&model->net);
    vector(p, &model->params, n_params, sizeof(float), 4);
    f32(p, model->params, p->status == KT_OK ? n_params : 0);
    if (n_state > 0) {
        vector(p, &model->state, n_state, sizeof(float), 4);
        f32(p, model->state, p->status == KT_OK ? n_state : 0);
    }
    f64(p, model->scaler.mean, d);
    f64(p, model->scaler.sd, d);
    uint64_t frozen = model->scaler.frozen;
    u64(p, &frozen);
    model->scaler.frozen = (uint32_t)frozen;
    f64(p, &model->scale, 1);
    f64(p, &model->floor, 1);
    model->hull.d = model->net.inputs;
    size(p, &model->hull.n);
    vector(p, &model->hull.vertex, model->hull.n, d * sizeof(double), 8 * d);
    f64(p, model->hull.vertex, p->status == KT_OK ? model->hull.n * d : 0);
}

/* Through copies, so that packing writes to nothing that it was given. */
static void look(packer *p, kt_look *value)
{
    kt_look copy = *value;
    uint64_t flags = copy.flags;
    u64(p, &copy.step);
    f64(p, &copy.train, 1);
    f64(p, &copy.validation, 1);
    f64(p, &copy.rate, 1);
    f64(p, &copy.low, 1);
    f64(p, &copy.high, 1);
    u64(p, &flags);
    copy.flags = (uint32_t)flags;
    if (p->reading)
        *value = copy;
}

static void cell(packer *p, kt_cell_score *value)
{
    kt_cell_score copy = *value;
    bytes(p, copy.label, sizeof copy.label);
    u64(p, &copy.rows);
    copy.role = (kt_role)whole(p, (int)copy.role, KT_ROLE_NEW, KT_ROLE_HELD_OUT);
    copy.interior = whole(p, copy.interior, 0, 1) != 0;
    f64(p, copy.mean, KT_FEATURES_MAX);
    f64(p, &copy.ks, 1);
    f64(p, &copy.ks_floor, 1);
    f64(p, &copy.autocorrelation, 1);
    f64(p, &copy.w1, 1);
    f64(p, copy.observed, KT_QUANTILES);
    f64(p, copy.predicted, KT_QUANTILES);
    f64(p, copy.error, KT_QUANTILES);
    f64(p, &copy.nll, 1);
    f64(p, &copy.crps, 1);
    for (int i = 0; i < KT_PIT_BINS; i++)
        u64(p, &copy.pit[i]);
    if (p->reading)
        *value = copy;
}

static void entry_fields(packer *p, kt_archive_entry *entry)
{
    char mark[sizeof magic];
    memcpy(mark, magic, sizeof mark);
    bytes(p, mark, sizeof mark);
    if (p->status == KT_OK && memcmp(mark, magic, sizeof mark) != 0)
        p->status = kt_fail(p->err, KT_INPUT, "a packed model does not begin as one");
    whole(p, PACK_VERSION, PACK_VERSION, PACK_VERSION);
    text(p, &entry->name);
    model_fields(p, &entry->fitted.model);
    u64(p, &entry->fitted.steps);
    u64(p, &entry->fitted.floored);
    entry->fitted.batch = whole(p, entry->fitted.batch, 1, INT_MAX);
    entry->fitted.flags = (uint32_t)whole(p, (int)entry->fitted.flags, 0, INT_MAX);
    size(p, &entry->fitted.best);
    size(p, &entry->fitted.n_looks);
    vector(p, &entry->fitted.looks, entry->fitted.n_looks, sizeof *entry->fitted.looks, 56);
    for (size_t i = 0; p->status == KT_OK && i < entry->fitted.n_looks; i++)
        look(p, &entry->fitted.looks[i]);
    entry->target = (kt_target)whole(p, (int)entry->target, 0, KT_TARGET_PROC_DELAY);
    entry->rule = (kt_cell_rule)whole(p, (int)entry->rule, 0, KT_CELLS_BINS);
    size(p, &entry->n_train);
    size(p, &entry->n_validation);
    size(p, &entry->n_test);
    bytes(p, entry->data_digest, sizeof entry->data_digest);
    size(p, &entry->n_cells);
    vector(p, &entry->cells, entry->n_cells, sizeof *entry->cells, 64);
    for (size_t i = 0; p->status == KT_OK && i < entry->n_cells; i++)
        cell(p, &entry->cells[i]);
    entry->n_sketch = (size_t)whole(p, (int)entry->n_sketch, 0, KT_SKETCH);
    for (size_t i = 0; i < entry->n_sketch; i++)
        u64(p, &entry->sketch[i]);
}

kt_status kt_archive_entry_pack(char **data, size_t *n, const kt_archive_entry *entry, kt_error *err)
{
    kt_archive_entry copy = *entry;
    packer p = {.err = err};
    *data = NULL;
    *n = 0;
    entry_fields(&p, &copy);
    if (p.status == KT_OK) {
        *data = p.data;
        *n = p.at;
    } else {
        free(p.data);
    }
    return p.status;
}

kt_status kt_archive_entry_unpack(kt_archive_entry *entry, const char *data, size_t n, kt_error *err)
{
    packer p = {.reading = true, .data = (char *)(uintptr_t)data, .n = n, .err = err};
    *entry = (kt_archive_entry){0};
    entry_fields(&p, entry);
    if (p.status == KT_OK && p.at != n)
        p.status = kt_fail(err, KT_INPUT, "a packed model ends at byte %zu of %zu", p.at, n);
    if (p.status == KT_OK)
        p.status = archive_check_entry(entry, entry->name, err);
    if (p.status != KT_OK)
        kt_archive_entry_clear(entry);
    return p.status;
}
