#include "kt/sweep.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(kt_sweep_options, field)
#define MOST      1000000

static const kt_option keys[] = {
    {"method", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(method), 0, 0, KT_PROPOSE_CHOICES, "tpe", NULL, NULL,
     NULL},
    {"trials", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(trials), 0, MOST, NULL, NULL, NULL, NULL, NULL},
    {"batch", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(batch), 1, MOST, NULL, "16", NULL, NULL, NULL},
    {"scheduler", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(scheduler), 0, 0, KT_RUNGS_CHOICES, "hyperband",
     NULL, NULL, NULL},
    {"rungs", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(rungs), 1, KT_RUNGS_MAX, NULL, "3", NULL, NULL, NULL},
    {"eta", 0, KT_OPTION_REAL, KT_CLASS_RESULT, AT(eta), 1, 1000, NULL, "3", NULL, NULL, NULL},
    {"objective", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(objective), 0, 0, KT_OBJECTIVE_CHOICES, "nll",
     NULL, NULL, NULL},
    {"folds", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(folds), 0, 100, NULL, "0", NULL, NULL, NULL},
    {"per", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(per), 0, 0, KT_SWEEP_PER_CHOICES, "all", NULL, NULL,
     NULL},
    {"keep", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(keep), 1, MOST, NULL, "1", NULL, NULL, NULL},
    {"seed", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(seed), 0, 9.0e15, NULL, "1", NULL, NULL, NULL},
    {"max_trials", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(max_trials), 1, MOST, NULL, "10000", NULL, NULL,
     NULL},
    {"max_failures", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(max_failures), 0, MOST, NULL, "0", NULL, NULL,
     NULL},
    {.name = NULL}};

enum { TRIALS = 64 }; /* where a sweep does not say how many, unless it is a grid */

/* The keys but "space", over their presets. */
static kt_status read_keys(kt_sweep *sweep, const kt_json *json, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *merged = NULL, *given = kt_json_object();
    for (size_t i = 0; i < kt_json_size(json); i++) {
        const char *key = kt_json_key(json, i);
        if (strcmp(key, "space") != 0)
            kt_json_put(given, key, kt_json_keep(kt_json_get(json, key)));
    }
    KT_TRY(kt_options_check(keys, given, where, err));
    KT_TRY(kt_options_presets(&merged, keys, err));
    kt_json_merge(merged, given);
    KT_TRY(kt_options_fill(&sweep->set, keys, merged, err));
    sweep->json = kt_options_of_class(keys, merged, KT_CLASS_RESULT);
out:
    kt_json_drop(given);
    kt_json_drop(merged);
    return status;
}

static kt_status count_trials(kt_sweep *sweep, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    kt_sweep_options *set = &sweep->set;
    uint64_t grid = UINT64_MAX;
    if (set->method == KT_PROPOSE_GRID) {
        KT_TRY(kt_space_grid_size(&grid, sweep->space, where, err));
        if (set->trials == 0 && grid > (uint64_t)set->max_trials)
            KT_TRY(kt_fail(err, KT_USAGE, "%s: the grid has %s%llu points, max_trials is %lld", where,
                           grid == UINT64_MAX ? "more than " : "", (unsigned long long)grid,
                           (long long)set->max_trials));
        set->trials = set->trials == 0 ? (int64_t)grid : set->trials;
    }
    set->trials = set->trials == 0 ? TRIALS : set->trials;
    if ((uint64_t)set->trials > grid)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: trials %lld: the grid has %llu points", where,
                       (long long)set->trials, (unsigned long long)grid));
    if (set->trials > set->max_trials)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: trials %lld: max_trials is %lld", where, (long long)set->trials,
                       (long long)set->max_trials));
out:
    return status;
}

static kt_status check(const kt_sweep *sweep, const char *where, kt_error *err)
{
    const kt_sweep_options *set = &sweep->set;
    if (set->folds == 1)
        return kt_fail(err, KT_USAGE, "%s: folds 1: 0, or from 2 on", where);
    if (set->keep > set->trials)
        return kt_fail(err, KT_USAGE, "%s: keep %lld of %lld trials", where, (long long)set->keep,
                       (long long)set->trials);
    return KT_OK;
}

kt_status kt_sweep_create(kt_sweep *sweep, const kt_json *json, const kt_option *table, const char *where,
                          kt_error *err)
{
    kt_status status = KT_OK;
    kt_error why = {0};
    if (kt_json_kind_of(json) != KT_JSON_OBJECT)
        return kt_fail(err, KT_USAGE, "%s: a sweep is an object", where);
    KT_TRY(read_keys(sweep, json, where, err));
    if (kt_rungs_make(&sweep->rung, (kt_rungs_kind)sweep->set.scheduler, (int)sweep->set.rungs,
                      sweep->set.eta, &why) != KT_OK)
        KT_TRY(kt_fail(err, why.status, "%s: %s", where, why.message));
    KT_TRY(kt_space_create(&sweep->space, kt_json_get(json, "space"), table, where, err));
    KT_TRY(count_trials(sweep, where, err));
    KT_TRY(check(sweep, where, err));
    kt_json_put(sweep->json, "trials", kt_json_int(sweep->set.trials));
    kt_json_put(sweep->json, "space", kt_space_json(sweep->space));
out:
    if (status != KT_OK)
        kt_sweep_clear(sweep);
    return status;
}

void kt_sweep_clear(kt_sweep *sweep)
{
    kt_space_destroy(sweep->space);
    kt_json_drop(sweep->json);
    *sweep = (kt_sweep){.json = NULL};
}

size_t kt_sweep_batch(const kt_sweep *sweep, size_t first)
{
    size_t left = (size_t)sweep->set.trials - first, batch = (size_t)sweep->set.batch;
    return sweep->set.method == KT_PROPOSE_TPE && batch < left ? batch : left;
}
