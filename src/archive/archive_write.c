#include "archive_private.h"
#include "kt/file.h"
#include "kt/json.h"
#include "kt/pause.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The layer widths, parameters and everything else that makes a model answer. */
static kt_status write_model(kt_h5 *h, const kt_model *model, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_net *net = &model->net;
    size_t d = (size_t)net->inputs;
    double scaler[2 * KT_FEATURES_MAX];
    char *head = NULL;
    memcpy(scaler, model->scaler.mean, d * sizeof *scaler);
    memcpy(scaler + d, model->scaler.sd, d * sizeof *scaler);
    KT_TRY(archive_choice(&head, KT_HEAD_CHOICES, (int)net->head, err));
    KT_TRY(kt_h5_put_text(h, "family", kt_family_table[net->family].name, err));
    KT_TRY(kt_h5_put_text(h, "head", head, err));
    KT_TRY(kt_h5_put_text(h, "activation", kt_activation_name[net->activation], err));
    KT_TRY(kt_h5_put_int(h, "inputs", net->inputs, err));
    KT_TRY(kt_h5_put_int(h, "components", net->components, err));
    KT_TRY(kt_h5_put_int(h, "batch_norm", net->batch_norm, err));
    KT_TRY(kt_h5_put_int(h, "constant_features", model->scaler.frozen, err));
    KT_TRY(kt_h5_put_real(h, "scale", model->scale, err));
    KT_TRY(kt_h5_put_real(h, "floor", model->floor, err));
    KT_TRY(kt_h5_put(h, "hidden", KT_H5_I32, (size_t)net->layers, 0, net->width, err));
    KT_TRY(kt_h5_put(h, "parameters", KT_H5_F32, kt_net_params(net), 0, model->params, err));
    if (kt_net_state(net) > 0)
        KT_TRY(kt_h5_put(h, "state", KT_H5_F32, kt_net_state(net), 0, model->state, err));
    KT_TRY(kt_h5_put(h, "scaler", KT_H5_F64, 2, d, scaler, err));
    KT_TRY(kt_h5_put(h, "hull", KT_H5_F64, model->hull.n, d, model->hull.vertex, err));
out:
    free(head);
    return status;
}

/* The rows that it was trained on. */
static kt_status write_rows(kt_h5 *h, const kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    char *target = NULL, *rule = NULL, digest[KT_DIGEST_HEX];
    kt_digest_hex(digest, entry->data_digest);
    KT_TRY(archive_choice(&target, ARCHIVE_TARGETS, (int)entry->target, err));
    KT_TRY(archive_choice(&rule, ARCHIVE_RULES, (int)entry->rule, err));
    KT_TRY(kt_h5_put_text(h, "target", target, err));
    KT_TRY(kt_h5_put_text(h, "cells_by", rule, err));
    KT_TRY(kt_h5_put_text(h, "data", digest, err));
    KT_TRY(kt_h5_put_int(h, "n_train", (int64_t)entry->n_train, err));
    KT_TRY(kt_h5_put_int(h, "n_validation", (int64_t)entry->n_validation, err));
    KT_TRY(kt_h5_put_int(h, "n_test", (int64_t)entry->n_test, err));
out:
    free(target);
    free(rule);
    return status;
}

/* How it was trained. */
static kt_status write_training(kt_h5 *h, const kt_fitted *fitted, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_h5_put_int(h, "batch", fitted->batch, err));
    KT_TRY(kt_h5_put_int(h, "steps", (int64_t)fitted->steps, err));
    KT_TRY(kt_h5_put_int(h, "floored", (int64_t)fitted->floored, err));
    KT_TRY(kt_h5_put_int(h, "flags", fitted->flags, err));
    KT_TRY(kt_h5_put_int(h, "best_look", (int64_t)fitted->best, err));
    KT_TRY(kt_h5_put_table(h, "looks", look_fields, LOOK_FIELDS, fitted->looks, sizeof *fitted->looks,
                           fitted->n_looks, err));
out:
    return status;
}

/* How good it is, and how its rows are recognised. */
static kt_status write_cells(kt_h5 *h, const kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = entry->n_cells, d = (size_t)entry->fitted.model.net.inputs;
    double *mean = NULL;
    uint64_t *pit = NULL;
    KT_TRY(kt_h5_put(h, "sketch", KT_H5_U64, entry->n_sketch, 0, entry->sketch, err));
    KT_TRY(kt_alloc(&mean, n, d * sizeof *mean, err));
    KT_TRY(kt_alloc(&pit, n, KT_PIT_BINS * sizeof *pit, err));
    for (size_t i = 0; i < n; i++) {
        memcpy(mean + i * d, entry->cells[i].mean, d * sizeof *mean);
        memcpy(pit + i * KT_PIT_BINS, entry->cells[i].pit, KT_PIT_BINS * sizeof *pit);
    }
    KT_TRY(kt_h5_put_table(h, "cells", cell_fields, CELL_FIELDS, entry->cells, sizeof *entry->cells, n, err));
    KT_TRY(kt_h5_put(h, "cell_mean", KT_H5_F64, n, d, mean, err));
    KT_TRY(kt_h5_put(h, "pit", KT_H5_U64, n, KT_PIT_BINS, pit, err));
out:
    free(mean);
    free(pit);
    return status;
}

/* The m-th member; what the service has but once is the best one's. */
static kt_status write_member(kt_h5 *service, const kt_archive_entry *entry, size_t m, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_fitted *fitted = kt_archive_member(entry, m);
    kt_h5 *member = NULL;
    char *name = NULL;
    KT_TRY(kt_format(&name, err, "%zu", m));
    KT_TRY(kt_h5_group_create(&member, service, name, err));
    KT_TRY(write_model(member, &fitted->model, err));
    if (m == 0)
        KT_TRY(write_rows(member, entry, err));
    KT_TRY(write_training(member, fitted, err));
    if (m == 0)
        KT_TRY(write_cells(member, entry, err));
out:
    kt_h5_close(member, NULL);
    free(name);
    return status;
}

static kt_status write_entry(kt_h5 *models, const kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *service = NULL;
    char *link = NULL;
    for (size_t m = 0; m < kt_archive_members(entry); m++)
        KT_TRY(archive_check_fitted(kt_archive_member(entry, m), entry->name, err));
    KT_TRY(archive_check_entry(entry, entry->name, err));
    KT_TRY(archive_check_members(entry, entry->name, err));
    KT_TRY(kt_h5_link_name(&link, entry->name, err));
    KT_TRY(kt_h5_group_create(&service, models, link, err));
    KT_TRY(kt_h5_put_text(service, "name", entry->name, err));
    for (size_t m = 0; m < kt_archive_members(entry); m++)
        KT_TRY(write_member(service, entry, m, err));
out:
    kt_h5_close(service, NULL);
    free(link);
    return status;
}

static kt_status write_features(kt_h5 *file, const kt_archive *archive, kt_error *err)
{
    kt_json *names = kt_json_array();
    char *text = NULL;
    for (int i = 0; i < archive->d; i++)
        names = kt_json_append(names, kt_json_string(archive->feature[i]));
    kt_status status = kt_json_text(&text, names, 0, err);
    if (status == KT_OK)
        status = kt_h5_put_bytes(file, "features", text, strlen(text), err);
    free(text);
    kt_json_drop(names);
    return status;
}

/* The oldest that can hold it. */
static int version_for(const kt_archive *archive)
{
    bool plain = !archive->sweep;
    for (size_t i = 0; plain && i < archive->n_entries; i++)
        plain = archive->entries[i].n_more == 0;
    return plain ? 1 : KT_ARCHIVE_VERSION;
}

static kt_status write_all(kt_h5 *file, const kt_archive *archive, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *models = NULL;
    KT_TRY(kt_h5_put_schema(file, KT_ARCHIVE_SCHEMA, version_for(archive), err));
    KT_TRY(kt_h5_put_int(file, "numerics", KT_NUMERICS, err));
    KT_TRY(kt_h5_put_bytes(file, "config", archive->config, strlen(archive->config), err));
    if (archive->sweep)
        KT_TRY(kt_h5_put_bytes(file, "sweep", archive->sweep, strlen(archive->sweep), err));
    KT_TRY(write_features(file, archive, err));
    if (archive->cleaning)
        KT_TRY(kt_h5_put_bytes(file, "cleaning", archive->cleaning, strlen(archive->cleaning), err));
    KT_TRY(kt_h5_group_create(&models, file, "models", err));
    for (size_t i = 0; i < archive->n_entries; i++) {
        const kt_archive_entry *entry = &archive->entries[i];
        assert(entry->fitted.model.net.inputs == archive->d);
        assert(i == 0 || strcmp(archive->entries[i - 1].name, entry->name) < 0);
        KT_TRY(kt_go_on(err));
        KT_TRY(write_entry(models, entry, err));
    }
    KT_TRY(kt_h5_put_table(file, "refused", refused_fields, REFUSED_FIELDS, archive->refused,
                           sizeof *archive->refused, archive->n_refused, err));
out:
    kt_h5_close(models, NULL);
    return status;
}

kt_status kt_archive_write(const char *path, const kt_archive *archive, char digest[KT_DIGEST_HEX],
                           const kt_file_guard *guard, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *file = NULL;
    char *temporary = NULL, whole[KT_DIGEST_HEX];
    KT_TRY(kt_file_temporary(&temporary, path, err));
    KT_TRY(kt_h5_create(&file, temporary, ARCHIVE_BLOCK, err));
    KT_TRY(write_all(file, archive, err));
    status = kt_h5_close(file, err);
    file = NULL;
    if (status != KT_OK)
        goto out;
    KT_TRY(archive_seal(whole, temporary, version_for(archive), err));
    KT_TRY(kt_file_commit(temporary, path, guard, err));
    free(temporary);
    temporary = NULL;
    if (digest)
        memcpy(digest, whole, sizeof whole);
out:
    kt_h5_close(file, NULL);
    if (temporary)
        kt_file_discard(temporary);
    free(temporary);
    return status;
}
