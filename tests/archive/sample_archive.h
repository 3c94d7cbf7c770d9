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

static inline void sample_entry(kt_archive_entry *entry, const char *name, kt_family family, bool batch_norm,
                                size_t n_cells)
{
    uint32_t seed = (uint32_t)kt_rng_subject(name);
    kt_fitted *fitted = &entry->fitted;
    *entry =
        (kt_archive_entry){.name = sample_text(name), .n_train = 800, .n_validation = 150, .n_test = 300};
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

#endif
