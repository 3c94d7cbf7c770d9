/* A small archive made by hand: models of constant or slowly turning mixtures, with all that an archive can
 * hold. */
#ifndef KT_TEST_SAMPLE_ARCHIVE_H
#define KT_TEST_SAMPLE_ARCHIVE_H

#include "kt/archive.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *sample_new(size_t n, size_t size)
{
    void *out = NULL;
    if (kt_alloc(&out, n, size, NULL) != KT_OK)
        abort();
    return out;
}

static inline char *sample_text(const char *text)
{
    char *out = NULL;
    if (kt_strdup(&out, text, NULL) != KT_OK)
        abort();
    return out;
}

/* Parameters near zero but for what is set: a mixture that turns a little with x. */
static inline void sample_model(kt_model *model, kt_family family, bool batch_norm, uint32_t seed)
{
    static const double corners[] = {1, 1, 40, 1, 40, 4, 1, 4};
    kt_rng rng;
    kt_rng_init(&rng, seed, 1, KT_RNG_START, 0, 0);
    model->net = (kt_net){.inputs = 2, .layers = 2, .components = 3, .width = {4, 3}, .family = family};
    model->net.batch_norm = batch_norm;
    size_t n = kt_net_params(&model->net), n_state = kt_net_state(&model->net);
    model->params = sample_new(n, sizeof *model->params);
    for (size_t i = 0; i < n; i++)
        model->params[i] = (float)(0.2 * kt_rng_normal(&rng));
    if (n_state > 0) {
        model->state = sample_new(n_state, sizeof *model->state);
        for (size_t i = 0; i < n_state; i++)
            model->state[i] = (float)(0.5 + kt_rng_uniform(&rng));
    }
    model->scaler = (kt_scaler){.mean = {20, 2.5}, .sd = {10, 1}, .frozen = 0};
    model->scale = 0.01;
    model->floor = 1e-6;
    if (kt_hull_create(&model->hull, corners, 4, 2, NULL) != KT_OK)
        abort();
}

static inline void sample_cell(kt_cell_score *cell, size_t i)
{
    double part = (double)(i + 1);
    *cell = (kt_cell_score){.rows = 10 * (i + 1), .role = KT_ROLE_HELD_OUT, .interior = i % 2 == 0};
    snprintf(cell->label, sizeof cell->label, "rate %zu, 2 pods", 10 * (i + 1));
    cell->mean[0] = 10 * part;
    cell->mean[1] = 2;
    cell->ks = 0.02 * part;
    cell->ks_floor = 0.01 * part;
    cell->autocorrelation = -0.05 * part;
    cell->w1 = 0.03 * part;
    for (int q = 0; q < KT_QUANTILES; q++) {
        cell->observed[q] = 0.01 * part * (q + 1);
        cell->predicted[q] = 0.011 * part * (q + 1);
        cell->error[q] = 0.1 + 0.01 * q;
    }
    cell->nll = -3.5 + part / 7;
    cell->crps = 0.002 * part;
    cell->pit[i] = 4 * (i + 1);
    cell->pit[KT_PIT_BINS - 1] = 6 * (i + 1);
}

static inline void sample_fitted(kt_fitted *fitted, kt_family family, bool batch_norm, uint32_t seed)
{
    sample_model(&fitted->model, family, batch_norm, seed);
    fitted->steps = 2250;
    fitted->floored = 3;
    fitted->batch = 128;
    fitted->flags = KT_FLAG_FLOORED | KT_FLAG_TIES;
    fitted->n_looks = 3;
    fitted->best = 1;
    fitted->looks = sample_new(fitted->n_looks, sizeof *fitted->looks);
    for (size_t i = 0; i < fitted->n_looks; i++)
        fitted->looks[i] = (kt_look){.step = 75 * (i + 1),
                                     .train = -3.1 - (double)i,
                                     .validation = -3.0 - 1.0 / (double)(i + 1),
                                     .rate = 0.01,
                                     .low = -0.4,
                                     .high = 1.5,
                                     .flags = i == 1 ? KT_LOOK_BEST : 0};
}

/* Makes an ensemble of an entry: n members more, of other forms. */
static inline void sample_members(kt_archive_entry *entry, size_t n)
{
    entry->n_more = n;
    entry->more = sample_new(n, sizeof *entry->more);
    for (size_t m = 0; m < n; m++) {
        kt_fitted *fitted = &entry->more[m];
        sample_fitted(fitted, entry->fitted.model.net.family, m % 2 == 0, 100 + (uint32_t)m);
        fitted->steps += m;
        fitted->batch = 64;
        fitted->flags = 0;
        fitted->model.scale = 0.02;
        fitted->model.floor = 1e-7;
    }
}

static inline void sample_entry(kt_archive_entry *entry, const char *name, kt_family family, bool batch_norm,
                                size_t n_cells)
{
    uint32_t seed = (uint32_t)kt_rng_subject(name);
    *entry =
        (kt_archive_entry){.name = sample_text(name), .n_train = 800, .n_validation = 150, .n_test = 300};
    sample_fitted(&entry->fitted, family, batch_norm, seed);
    entry->target = KT_TARGET_PROC_DELAY;
    entry->rule = KT_CELLS_COLUMN;
    for (size_t i = 0; i < KT_DIGEST_BYTES; i++)
        entry->data_digest[i] = (uint8_t)(17 * i + seed);
    entry->n_cells = n_cells;
    entry->cells = sample_new(n_cells, sizeof *entry->cells);
    for (size_t i = 0; i < n_cells; i++)
        sample_cell(&entry->cells[i], i);
    entry->n_sketch = 5;
    for (size_t i = 0; i < entry->n_sketch; i++)
        entry->sketch[i] = (i + 1) * 0x0123456789ABCDEFu;
}

static inline void sample_features(kt_archive *archive)
{
    *archive = (kt_archive){.config = sample_text("{\"family\":\"weibull\",\"seed\":7}"), .d = 2};
    archive->cleaning = sample_text("{\"queue\":\"fifo\"}");
    archive->feature[0] = sample_text("rps_eff");
    archive->feature[1] = sample_text("rep");
}

/* Five services: each family, one with BatchNormalization, names that HDF5 cannot hold or that are UTF-8, one
 * without cells; one refused. */
static inline void sample_archive(kt_archive *archive)
{
    sample_features(archive);
    archive->n_entries = 5;
    archive->entries = sample_new(archive->n_entries, sizeof *archive->entries);
    sample_entry(&archive->entries[0], "./odd %näme", KT_NORMAL, false, 1);
    sample_entry(&archive->entries[1], "cart.shop", KT_WEIBULL, true, 2);
    sample_entry(&archive->entries[2], "frontend.istio-dt", KT_GAMMA, false, 4);
    sample_entry(&archive->entries[3], "frontend.shop", KT_LOGNORMAL, false, 0);
    sample_entry(&archive->entries[4], "path/with/slash", KT_WEIBULL, false, 1);
    archive->n_refused = 1;
    archive->refused = sample_new(1, sizeof *archive->refused);
    strcpy(archive->refused[0].name, "idle");
    strcpy(archive->refused[0].reason, "12 rows, at least 32 are wanted");
    archive->refused[0].status = KT_REFUSED;
}

/* The same with ensembles of three and two members and the sweep that found them: each service had a search
 * of its own. */
static inline void sample_ensembles(kt_archive *archive)
{
    sample_archive(archive);
    sample_members(&archive->entries[1], 2);
    sample_members(&archive->entries[2], 1);
    archive->sweep =
        sample_text("{\"sweep\":{\"keep\":3,\"objective\":\"nll\",\"per\":\"service\"},\"trials\":9,"
                    "\"winners\":["
                    "{\"options\":{\"rate\":0.02},\"place\":1,\"search\":\"cart.shop\",\"trial\":5,"
                    "\"value\":-3.2},"
                    "{\"options\":{\"layers\":\"4,3\",\"rate\":0.01},\"place\":0,\"search\":\"cart.shop\","
                    "\"trial\":7,\"value\":-3.5},"
                    "{\"options\":{\"family\":\"gamma\"},\"place\":0,\"search\":\"frontend.istio-dt\","
                    "\"trial\":0,\"value\":-2.5}]}");
}

/* ---- What differs between two entries: the first field, or NULL. Numbers by their bits: NaN equals NaN.
 * ---- */

#define SAMPLE_DIFFERS(field)                                                                                \
    if (memcmp(&a->field, &b->field, sizeof a->field) != 0)                                                  \
    return #field

static inline const char *sample_model_difference(const kt_model *a, const kt_model *b)
{
    SAMPLE_DIFFERS(net.inputs);
    SAMPLE_DIFFERS(net.layers);
    SAMPLE_DIFFERS(net.components);
    SAMPLE_DIFFERS(net.width);
    SAMPLE_DIFFERS(net.activation);
    SAMPLE_DIFFERS(net.head);
    SAMPLE_DIFFERS(net.family);
    SAMPLE_DIFFERS(net.batch_norm);
    SAMPLE_DIFFERS(scaler.mean);
    SAMPLE_DIFFERS(scaler.sd);
    SAMPLE_DIFFERS(scaler.frozen);
    SAMPLE_DIFFERS(scale);
    SAMPLE_DIFFERS(floor);
    SAMPLE_DIFFERS(hull.d);
    SAMPLE_DIFFERS(hull.n);
    if (memcmp(a->params, b->params, kt_net_params(&a->net) * sizeof *a->params) != 0)
        return "params";
    if (kt_net_state(&a->net) > 0 &&
        memcmp(a->state, b->state, kt_net_state(&a->net) * sizeof *a->state) != 0)
        return "state";
    if (memcmp(a->hull.vertex, b->hull.vertex, a->hull.n * (size_t)a->hull.d * sizeof(double)) != 0)
        return "hull.vertex";
    return NULL;
}

static inline const char *sample_look_difference(const kt_look *a, const kt_look *b)
{
    SAMPLE_DIFFERS(step);
    SAMPLE_DIFFERS(train);
    SAMPLE_DIFFERS(validation);
    SAMPLE_DIFFERS(rate);
    SAMPLE_DIFFERS(low);
    SAMPLE_DIFFERS(high);
    SAMPLE_DIFFERS(flags);
    return NULL;
}

static inline const char *sample_cell_difference(const kt_cell_score *a, const kt_cell_score *b)
{
    SAMPLE_DIFFERS(label);
    SAMPLE_DIFFERS(rows);
    SAMPLE_DIFFERS(role);
    SAMPLE_DIFFERS(interior);
    SAMPLE_DIFFERS(mean);
    SAMPLE_DIFFERS(ks);
    SAMPLE_DIFFERS(ks_floor);
    SAMPLE_DIFFERS(autocorrelation);
    SAMPLE_DIFFERS(w1);
    SAMPLE_DIFFERS(observed);
    SAMPLE_DIFFERS(predicted);
    SAMPLE_DIFFERS(error);
    SAMPLE_DIFFERS(nll);
    SAMPLE_DIFFERS(crps);
    SAMPLE_DIFFERS(pit);
    return NULL;
}

static inline const char *sample_fitted_difference(const kt_fitted *a, const kt_fitted *b)
{
    const char *found = sample_model_difference(&a->model, &b->model);
    SAMPLE_DIFFERS(steps);
    SAMPLE_DIFFERS(floored);
    SAMPLE_DIFFERS(batch);
    SAMPLE_DIFFERS(flags);
    SAMPLE_DIFFERS(best);
    SAMPLE_DIFFERS(n_looks);
    for (size_t i = 0; !found && i < a->n_looks; i++)
        found = sample_look_difference(&a->looks[i], &b->looks[i]);
    return found;
}

static inline const char *sample_difference(const kt_archive_entry *a, const kt_archive_entry *b)
{
    const char *found = NULL;
    if (strcmp(a->name, b->name) != 0)
        return "name";
    SAMPLE_DIFFERS(n_more);
    SAMPLE_DIFFERS(target);
    SAMPLE_DIFFERS(rule);
    SAMPLE_DIFFERS(n_train);
    SAMPLE_DIFFERS(n_validation);
    SAMPLE_DIFFERS(n_test);
    SAMPLE_DIFFERS(data_digest);
    SAMPLE_DIFFERS(n_cells);
    SAMPLE_DIFFERS(n_sketch);
    SAMPLE_DIFFERS(sketch);
    for (size_t m = 0; !found && m < kt_archive_members(a); m++)
        found = sample_fitted_difference(kt_archive_member(a, m), kt_archive_member(b, m));
    for (size_t i = 0; !found && i < a->n_cells; i++)
        found = sample_cell_difference(&a->cells[i], &b->cells[i]);
    return found;
}

#undef SAMPLE_DIFFERS

#endif
