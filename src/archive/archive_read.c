#include "archive_private.h"
#include "kt/file.h"
#include "kt/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* An attribute that must be in [low, high]. */
static kt_status get_int(int64_t *out, kt_h5 *h, const char *where, const char *name, int64_t low,
                         int64_t high, kt_error *err)
{
    kt_status status = kt_h5_get_int(out, h, name, err);
    if (status == KT_OK && (*out < low || *out > high))
        status = kt_fail(err, KT_INPUT, "%s/%s: %lld is outside %lld to %lld", where, name, (long long)*out,
                         (long long)low, (long long)high);
    return status;
}

static kt_status get_size(size_t *out, kt_h5 *h, const char *where, const char *name, kt_error *err)
{
    int64_t value = 0;
    kt_status status = get_int(&value, h, where, name, 0, INT64_MAX, err);
    *out = (size_t)value;
    return status;
}

/* A text attribute that must be one of the choices. */
static kt_status get_choice(int *out, kt_h5 *h, const char *where, const char *name, const char *choices,
                            kt_error *err)
{
    char *text = NULL;
    kt_status status = kt_h5_get_text(&text, h, name, err);
    if (status == KT_OK && (*out = archive_choice_index(choices, text)) < 0)
        status = kt_fail(err, KT_INPUT, "%s/%s: \"%s\" is none of %s", where, name, text, choices);
    free(text);
    return status;
}

/* A new vector from a dataset of a known shape. */
static kt_status get_vector(void *out, kt_h5 *h, const char *name, kt_h5_type type, size_t size, size_t rows,
                            size_t columns, kt_error *err)
{
    kt_status status = kt_alloc(out, rows * (columns ? columns : 1), size, err);
    return status == KT_OK ? kt_h5_get(*(void **)out, h, name, type, rows, columns, err) : status;
}

static kt_status read_net(kt_net *net, kt_h5 *h, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    int family = 0, head = 0, activation = 0;
    int64_t inputs = 0, components = 0, batch_norm = 0;
    size_t layers = 0, columns = 0;
    int32_t width[KT_NET_MAX_LAYERS] = {0};
    KT_TRY(get_choice(&family, h, where, "family", KT_FAMILY_CHOICES, err));
    KT_TRY(get_choice(&head, h, where, "head", KT_HEAD_CHOICES, err));
    KT_TRY(get_choice(&activation, h, where, "activation", KT_ACTIVATION_CHOICES, err));
    KT_TRY(get_int(&inputs, h, where, "inputs", 1, KT_NET_MAX_INPUTS, err));
    KT_TRY(get_int(&components, h, where, "components", 1, KT_NET_MAX_COMPONENTS, err));
    KT_TRY(get_int(&batch_norm, h, where, "batch_norm", 0, 1, err));
    KT_TRY(kt_h5_shape(&layers, &columns, h, "hidden", err));
    if (layers > KT_NET_MAX_LAYERS)
        return kt_fail(err, KT_INPUT, "%s/hidden: %zu layers, the most is %d", where, layers,
                       KT_NET_MAX_LAYERS);
    KT_TRY(kt_h5_get(width, h, "hidden", KT_H5_I32, layers, 0, err));
    *net = (kt_net){.inputs = (int)inputs,
                    .layers = (int)layers,
                    .components = (int)components,
                    .activation = (kt_activation)activation,
                    .head = (kt_head)head,
                    .family = (kt_family)family,
                    .batch_norm = batch_norm != 0};
    for (size_t i = 0; i < layers; i++)
        net->width[i] = width[i];
    KT_TRY(archive_check_net(net, where, err));
out:
    return status;
}

static kt_status read_model(kt_model *model, kt_h5 *h, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_net *net = &model->net;
    double scaler[2 * KT_FEATURES_MAX];
    int64_t frozen = 0;
    size_t columns = 0;
    KT_TRY(read_net(&model->net, h, where, err));
    size_t d = (size_t)net->inputs, n_state = kt_net_state(net);
    KT_TRY(get_int(&frozen, h, where, "constant_features", 0, UINT32_MAX, err));
    KT_TRY(kt_h5_get(scaler, h, "scaler", KT_H5_F64, 2, d, err));
    memcpy(model->scaler.mean, scaler, d * sizeof *scaler);
    memcpy(model->scaler.sd, scaler + d, d * sizeof *scaler);
    model->scaler.frozen = (uint32_t)frozen;
    KT_TRY(kt_h5_get_real(&model->scale, h, "scale", err));
    KT_TRY(kt_h5_get_real(&model->floor, h, "floor", err));
    KT_TRY(get_vector(&model->params, h, "parameters", KT_H5_F32, sizeof(float), kt_net_params(net), 0, err));
    if (n_state > 0)
        KT_TRY(get_vector(&model->state, h, "state", KT_H5_F32, sizeof(float), n_state, 0, err));
    model->hull.d = net->inputs;
    KT_TRY(kt_h5_shape(&model->hull.n, &columns, h, "hull", err));
    KT_TRY(get_vector(&model->hull.vertex, h, "hull", KT_H5_F64, sizeof(double), model->hull.n, d, err));
out:
    return status;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static kt_status get_digest(uint8_t digest[KT_DIGEST_BYTES], kt_h5 *h, const char *where, kt_error *err)
{
    char *text = NULL;
    kt_status status = kt_h5_get_text(&text, h, "data", err);
    if (status != KT_OK)
        return status;
    bool good = strlen(text) == KT_DIGEST_HEX - 1;
    for (size_t i = 0; good && i < KT_DIGEST_BYTES; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        digest[i] = good ? (uint8_t)(high << 4 | low) : 0;
    }
    if (!good)
        status = kt_fail(err, KT_INPUT, "%s/data: \"%s\" is no digest", where, text);
    free(text);
    return status;
}

static kt_status read_rows(kt_archive_entry *entry, kt_h5 *h, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    int target = 0, rule = 0;
    KT_TRY(get_choice(&target, h, where, "target", ARCHIVE_TARGETS, err));
    KT_TRY(get_choice(&rule, h, where, "cells_by", ARCHIVE_RULES, err));
    KT_TRY(get_digest(entry->data_digest, h, where, err));
    KT_TRY(get_size(&entry->n_train, h, where, "n_train", err));
    KT_TRY(get_size(&entry->n_validation, h, where, "n_validation", err));
    KT_TRY(get_size(&entry->n_test, h, where, "n_test", err));
    entry->target = (kt_target)target;
    entry->rule = (kt_cell_rule)rule;
out:
    return status;
}

static kt_status read_training(kt_fitted *fitted, kt_h5 *h, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t batch = 0, flags = 0;
    size_t steps = 0, floored = 0;
    KT_TRY(get_int(&batch, h, where, "batch", 1, INT_MAX, err));
    KT_TRY(get_size(&steps, h, where, "steps", err));
    KT_TRY(get_size(&floored, h, where, "floored", err));
    KT_TRY(get_int(&flags, h, where, "flags", 0, UINT32_MAX, err));
    KT_TRY(get_size(&fitted->best, h, where, "best_look", err));
    KT_TRY(kt_h5_get_table((void **)&fitted->looks, &fitted->n_looks, h, "looks", look_fields, LOOK_FIELDS,
                           sizeof *fitted->looks, err));
    fitted->batch = (int)batch;
    fitted->flags = (uint32_t)flags;
    fitted->steps = steps;
    fitted->floored = floored;
out:
    return status;
}

static kt_status read_cells(kt_archive_entry *entry, kt_h5 *h, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    size_t d = (size_t)entry->fitted.model.net.inputs, columns = 0;
    double *mean = NULL;
    uint64_t *pit = NULL;
    KT_TRY(kt_h5_shape(&entry->n_sketch, &columns, h, "sketch", err));
    if (entry->n_sketch > KT_SKETCH) {
        status = kt_fail(err, KT_INPUT, "%s/sketch: %zu numbers, the most is %d", where, entry->n_sketch,
                         KT_SKETCH);
        goto out;
    }
    KT_TRY(kt_h5_get(entry->sketch, h, "sketch", KT_H5_U64, entry->n_sketch, 0, err));
    KT_TRY(kt_h5_get_table((void **)&entry->cells, &entry->n_cells, h, "cells", cell_fields, CELL_FIELDS,
                           sizeof *entry->cells, err));
    KT_TRY(get_vector(&mean, h, "cell_mean", KT_H5_F64, sizeof *mean, entry->n_cells, d, err));
    KT_TRY(get_vector(&pit, h, "pit", KT_H5_U64, sizeof *pit, entry->n_cells, KT_PIT_BINS, err));
    for (size_t i = 0; i < entry->n_cells; i++) {
        memcpy(entry->cells[i].mean, mean + i * d, d * sizeof *mean);
        memcpy(entry->cells[i].pit, pit + i * KT_PIT_BINS, KT_PIT_BINS * sizeof *pit);
    }
out:
    free(mean);
    free(pit);
    return status;
}

/* The m-th member; what the service has but once is the best one's. */
static kt_status read_member(kt_archive_entry *entry, size_t m, kt_h5 *service, int d, const char *inside,
                             kt_error *err)
{
    kt_status status = KT_OK;
    kt_fitted *fitted = m == 0 ? &entry->fitted : &entry->more[m - 1];
    kt_h5 *member = NULL;
    char *name = NULL, *where = NULL;
    KT_TRY(kt_format(&name, err, "%zu", m));
    KT_TRY(kt_format(&where, err, "%s/%s", inside, name));
    KT_TRY(kt_h5_group_open(&member, service, name, err));
    KT_TRY(read_model(&fitted->model, member, where, err));
    if (fitted->model.net.inputs != d)
        KT_TRY(kt_fail(err, KT_INPUT, "%s/inputs: %d, but /features names %d", where,
                       fitted->model.net.inputs, d));
    if (m == 0)
        KT_TRY(read_rows(entry, member, where, err));
    KT_TRY(read_training(fitted, member, where, err));
    KT_TRY(archive_check_fitted(fitted, where, err));
    if (m == 0) {
        KT_TRY(read_cells(entry, member, where, err));
        KT_TRY(archive_check_entry(entry, where, err));
    }
out:
    kt_h5_close(member, NULL);
    free(name);
    free(where);
    return status;
}

static kt_status count_members(size_t *n, kt_h5 *service, const char *inside, kt_error *err)
{
    char **names = NULL;
    kt_status status = kt_h5_names(&names, n, service, err);
    if (status == KT_OK)
        kt_strings_free(names, *n);
    if (status == KT_OK && (*n == 0 || *n > KT_MIXTURE_MAX))
        status =
            kt_fail(err, KT_INPUT, "%s: holds %zu models, 1 to %d are possible", inside, *n, KT_MIXTURE_MAX);
    return status;
}

static kt_status read_entry(kt_archive_entry *entry, kt_h5 *models, const char *link, int d, const char *path,
                            kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *service = NULL;
    char *where = NULL, *wanted = NULL;
    size_t n = 0;
    KT_TRY(kt_format(&where, err, "%s:/models/%s", path, link));
    KT_TRY(kt_h5_group_open(&service, models, link, err));
    KT_TRY(kt_h5_get_text(&entry->name, service, "name", err));
    KT_TRY(kt_h5_link_name(&wanted, entry->name, err));
    if (strcmp(wanted, link) != 0) {
        status = kt_fail(err, KT_INPUT, "%s: the name \"%s\" belongs under %s", where, entry->name, wanted);
        goto out;
    }
    KT_TRY(count_members(&n, service, where, err));
    KT_TRY(kt_alloc(&entry->more, n - 1, sizeof *entry->more, err));
    entry->n_more = n - 1;
    for (size_t m = 0; m < n; m++)
        KT_TRY(read_member(entry, m, service, d, where, err));
    KT_TRY(archive_check_members(entry, where, err));
out:
    kt_h5_close(service, NULL);
    free(where);
    free(wanted);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const kt_archive_entry *)a)->name, ((const kt_archive_entry *)b)->name);
}

static kt_status read_entries(kt_archive *archive, kt_h5 *file, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *models = NULL;
    char **links = NULL;
    size_t n = 0;
    KT_TRY(kt_h5_group_open(&models, file, "models", err));
    KT_TRY(kt_h5_names(&links, &n, models, err));
    KT_TRY(kt_alloc(&archive->entries, n, sizeof *archive->entries, err));
    for (size_t i = 0; i < n; i++) {
        archive->n_entries++; /* so that what was read of it is cleared */
        KT_TRY(read_entry(&archive->entries[i], models, links[i], archive->d, path, err));
    }
    qsort(archive->entries, n, sizeof *archive->entries, by_name); /* escapes may change the order */
out:
    for (size_t i = 0; i < n; i++)
        free(links[i]);
    free(links);
    kt_h5_close(models, NULL);
    return status;
}

static kt_status read_features(kt_archive *archive, kt_h5 *file, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *where = NULL;
    kt_json *names = NULL;
    size_t n = 0;
    KT_TRY(kt_format(&where, err, "%s:/features", path));
    KT_TRY(kt_h5_get_bytes(&text, &n, file, "features", err));
    KT_TRY(kt_json_parse(&names, text, n, where, err));
    size_t d = kt_json_size(names);
    if (kt_json_kind_of(names) != KT_JSON_ARRAY || d < 1 || d > KT_FEATURES_MAX) {
        status = kt_fail(err, KT_INPUT, "%s: is not a list of 1 to %d names", where, KT_FEATURES_MAX);
        goto out;
    }
    for (size_t i = 0; i < d; i++) {
        const char *name = kt_json_as_text(kt_json_at(names, i), NULL);
        if (!name || !*name) {
            status = kt_fail(err, KT_INPUT, "%s: number %zu is not a name", where, i);
            goto out;
        }
        KT_TRY(kt_strdup(&archive->feature[i], name, err));
        archive->d = (int)i + 1;
    }
out:
    kt_json_drop(names);
    free(text);
    free(where);
    return status;
}

static kt_status read_all(kt_archive *archive, kt_h5 *file, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t numerics = 0;
    size_t n = 0;
    KT_TRY(kt_h5_check_schema(&archive->version, file, KT_ARCHIVE_SCHEMA, KT_ARCHIVE_VERSION, err));
    KT_TRY(get_int(&numerics, file, path, "numerics", 1, INT_MAX, err));
    archive->numerics = (int)numerics;
    KT_TRY(kt_h5_get_bytes(&archive->config, &n, file, "config", err));
    if (kt_h5_has(file, "sweep"))
        KT_TRY(kt_h5_get_bytes(&archive->sweep, &n, file, "sweep", err));
    if (kt_h5_has(file, "cleaning"))
        KT_TRY(kt_h5_get_bytes(&archive->cleaning, &n, file, "cleaning", err));
    KT_TRY(read_features(archive, file, path, err));
    KT_TRY(read_entries(archive, file, path, err));
    KT_TRY(kt_h5_get_table((void **)&archive->refused, &archive->n_refused, file, "refused", refused_fields,
                           REFUSED_FIELDS, sizeof *archive->refused, err));
out:
    return status;
}

kt_status kt_archive_read(kt_archive *archive, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *file = NULL;
    char digest[KT_DIGEST_HEX];
    *archive = (kt_archive){0};
    KT_TRY(archive_unseal(digest, path, err));
    KT_TRY(kt_h5_open(&file, path, err));
    KT_TRY(read_all(archive, file, path, err));
out:
    kt_h5_close(file, NULL);
    if (status != KT_OK)
        kt_archive_clear(archive);
    return status;
}

kt_status kt_archive_verify(const char *path, char digest[KT_DIGEST_HEX], kt_error *err)
{
    char whole[KT_DIGEST_HEX];
    kt_status status = archive_unseal(whole, path, err);
    if (status == KT_OK && digest)
        memcpy(digest, whole, sizeof whole);
    return status;
}
