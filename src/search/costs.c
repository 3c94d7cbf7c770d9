#include "kt/costs.h"

#include "kt/file.h"
#include "kt/json.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- from what was measured to items ---- */

static const kt_costs_batch *nearest(const kt_costs *costs, int batch)
{
    const kt_costs_batch *best = &costs->batch[0];
    for (size_t i = 1; i < costs->n; i++)
        if (fabs(log((double)costs->batch[i].batch / batch)) < fabs(log((double)best->batch / batch)))
            best = &costs->batch[i];
    return best;
}

kt_plan_item kt_costs_item(const kt_costs *costs, const kt_costs_fit *fit)
{
    assert(costs->n >= 1 && fit->batch >= 1);
    const kt_costs_batch *b = nearest(costs, fit->batch);
    return (kt_plan_item){.cost = kt_plan_cost(fit->steps, fit->batch, fit->rows, fit->held_out_rows),
                          .start = b->start,
                          .read = b->row * fit->rows,
                          .fixed = b->fixed,
                          .shared = (b->step - b->fixed) * fit->batch / b->batch,
                          .judge = b->judge_cell * fit->held_out_cells + b->judge_row * fit->held_out_rows,
                          .steps = fit->steps,
                          .limit = fit->limit};
}

void kt_costs_measured(kt_plan_item *item, int ranks, double latency, double fit_seconds,
                       double judge_seconds)
{
    kt_plan_item fit_alone = *item;
    fit_alone.judge = 0;
    /* what the exchanges take is the team's, not the item's */
    double exchanged = kt_plan_seconds(&fit_alone, ranks, latency) - kt_plan_seconds(&fit_alone, ranks, 0);
    double expected = kt_plan_seconds(&fit_alone, ranks, 0), seconds = fit_seconds - exchanged;
    item->judge = judge_seconds * ranks;
    if (seconds <= 0 || expected <= 0)
        return;
    double factor = seconds / expected;
    item->start *= factor;
    item->read *= factor;
    item->fixed *= factor;
    item->shared *= factor;
}

void kt_costs_add(kt_costs *costs, kt_costs_batch batch)
{
    size_t at = 0;
    while (at < costs->n && costs->batch[at].batch < batch.batch)
        at++;
    bool there = at < costs->n && costs->batch[at].batch == batch.batch;
    if (!there && costs->n == KT_COSTS_BATCHES)
        return;
    if (!there)
        memmove(costs->batch + at + 1, costs->batch + at, (costs->n++ - at) * sizeof *costs->batch);
    costs->batch[at] = batch;
}

/* ---- as a file ---- */

static const struct {
    const char *key;
    size_t offset;
} fields[] = {{"step_seconds", offsetof(kt_costs_batch, step)},
              {"fixed_seconds", offsetof(kt_costs_batch, fixed)},
              {"start_seconds", offsetof(kt_costs_batch, start)},
              {"row_seconds", offsetof(kt_costs_batch, row)},
              {"judge_cell_seconds", offsetof(kt_costs_batch, judge_cell)},
              {"judge_row_seconds", offsetof(kt_costs_batch, judge_row)}};
enum { FIELDS = sizeof fields / sizeof *fields };

kt_status kt_costs_write(const char *path, const kt_costs *costs, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    kt_json *json = kt_json_object(), *batches = kt_json_array();
    for (size_t i = 0; i < costs->n; i++) {
        const char *batch = (const char *)&costs->batch[i];
        kt_json *one = kt_json_put(kt_json_object(), "batch", kt_json_int(costs->batch[i].batch));
        for (size_t f = 0; f < FIELDS; f++)
            kt_json_put(one, fields[f].key, kt_json_real(*(const double *)(batch + fields[f].offset)));
        kt_json_append(batches, one);
    }
    kt_json_put(json, "schema", kt_json_string(KT_COSTS_SCHEMA));
    kt_json_put(json, "version", kt_json_int(KT_COSTS_VERSION));
    kt_json_put(json, "latency_seconds", kt_json_real(costs->latency));
    kt_json_put(json, "batches", batches);
    KT_TRY(kt_json_text(&text, json, 2, err));
    KT_TRY(kt_file_write(path, text, strlen(text), err));
out:
    kt_json_drop(json);
    free(text);
    return status;
}

static kt_status take_seconds(double *out, const kt_json *json, const char *key, const char *path,
                              kt_error *err)
{
    *out = kt_json_as_real(kt_json_get(json, key), -1);
    return *out >= 0 ? KT_OK : kt_fail(err, KT_INPUT, "%s: %s is not a number of seconds", path, key);
}

static kt_status take_batch(kt_costs *costs, const kt_json *json, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t rows = kt_json_as_int(kt_json_get(json, "batch"), 0);
    kt_costs_batch batch = {.batch = (int)rows};
    for (size_t f = 0; f < FIELDS; f++)
        KT_TRY(take_seconds((double *)((char *)&batch + fields[f].offset), json, fields[f].key, path, err));
    if (rows < 1 || rows > 1 << 30 || batch.step == 0 || batch.fixed > batch.step)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: batch %lld: a step of %g s, of which %g s fixed", path,
                       (long long)rows, batch.step, batch.fixed));
    kt_costs_add(costs, batch);
out:
    return status;
}

kt_status kt_costs_read(kt_costs *costs, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    *costs = (kt_costs){.n = 0};
    KT_TRY(kt_json_read(&json, path, err));
    const kt_json *batches = kt_json_get(json, "batches");
    int64_t version = kt_json_as_int(kt_json_get(json, "version"), 0);
    if (strcmp(kt_json_as_text(kt_json_get(json, "schema"), ""), KT_COSTS_SCHEMA) != 0 || version < 1)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: is not of schema %s", path, KT_COSTS_SCHEMA));
    if (version > KT_COSTS_VERSION)
        KT_TRY(kt_fail(err, KT_UNSUPPORTED, "%s: version %lld, this program knows %d", path,
                       (long long)version, KT_COSTS_VERSION));
    KT_TRY(take_seconds(&costs->latency, json, "latency_seconds", path, err));
    for (size_t i = 0; i < kt_json_size(batches); i++)
        KT_TRY(take_batch(costs, kt_json_at(batches, i), path, err));
    if (costs->n == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no batch was measured", path));
out:
    kt_json_drop(json);
    return status;
}
