#include "kt/file.h"
#include "kt/folder.h"
#include "kt/journal.h"
#include "kt/json.h"
#include "planning.h"
#include "recipe.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of what was not split yet: the shares that kt-train presets. */
#define TEST_SHARE       0.2
#define VALIDATION_SHARE 0.16
#define MOST_VALIDATION  65536.

/* ---- the job ---- */

static kt_status read_recipe(plan_job *job, const char *recipe, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *merged = NULL, *presets = NULL, *config = NULL;
    char *path = NULL;
    recipe_wishes wishes = {.recipe = 0};
    KT_TRY(kt_options_presets(&merged, recipe_table, err));
    KT_TRY(recipe_presets(&presets, recipe, err));
    kt_json_merge(merged, presets);
    if (job->folder) {
        KT_TRY(kt_path_join(&path, job->folder, KT_RUN_CONFIG, err));
        KT_TRY(kt_json_read(&config, path, err));
        kt_json_merge(merged, kt_json_get(config, "options"));
        job->swept = kt_json_get(config, "sweep") != NULL;
    }
    KT_TRY(kt_options_fill(&wishes, recipe_table, merged, err));
    job->recipe = recipe_make(&wishes, kt_store_features(job->store), 1);
    KT_TRY(kt_net_check(&job->recipe.net, err));
out:
    kt_json_drop(merged);
    kt_json_drop(presets);
    kt_json_drop(config);
    free(path);
    return status;
}

static kt_costs_fit fit_of(const plan_job *job, const kt_store_service *s)
{
    double train = (double)s->n_train, validation = (double)s->n_validation, held_out = (double)s->n_test;
    double cells = 0;
    for (size_t c = 0; c < s->n_cells; c++)
        cells += s->cell_test[c];
    if (s->n_train + s->n_validation + s->n_test == 0) {
        held_out = s->n_cells > 1 ? TEST_SHARE * (double)s->n : 0;
        cells = s->n_cells > 1 ? TEST_SHARE * (double)s->n_cells : 0;
        validation = VALIDATION_SHARE * ((double)s->n - held_out);
        validation = validation < MOST_VALIDATION ? validation : MOST_VALIDATION;
        train = (double)s->n - held_out - validation;
    }
    int batch = kt_batch_rows(job->recipe.batch, (size_t)train);
    return (kt_costs_fit){.batch = batch,
                          .limit = job->recipe.net.batch_norm ? 1 : kt_batch_strips(batch),
                          .steps = (double)kt_fit_budget(&job->recipe, (size_t)train),
                          .rows = train + validation,
                          .held_out_cells = cells,
                          .held_out_rows = held_out};
}

kt_status plan_open(plan_job *job, const char *path, const char *recipe, kt_error *err)
{
    kt_status status = KT_OK;
    char *dataset = NULL;
    *job = (plan_job){.path = path};
    if (kt_path_kind_of(path) == KT_PATH_FOLDER) {
        KT_TRY(kt_strdup(&job->folder, path, err));
        KT_TRY(kt_path_join(&dataset, path, KT_RUN_DATASET, err));
        if (kt_path_kind_of(dataset) != KT_PATH_FILE)
            KT_TRY(kt_fail(err, KT_INPUT, "%s: holds no %s: no run of kt-train, or one that has just begun",
                           path, KT_RUN_DATASET));
    }
    KT_TRY(kt_store_open(&job->store, dataset ? dataset : path, err));
    KT_TRY(read_recipe(job, recipe, err));
    job->n = kt_store_count(job->store);
    KT_TRY(kt_alloc(&job->fits, job->n, sizeof *job->fits, err));
    KT_TRY(kt_alloc(&job->items, job->n, sizeof *job->items, err));
    for (size_t i = 0; i < job->n; i++)
        job->fits[i] = fit_of(job, kt_store_at(job->store, i));
out:
    free(dataset);
    return status;
}

void plan_clear(plan_job *job)
{
    free(job->folder);
    kt_store_close(job->store);
    free(job->fits);
    free(job->items);
}

/* ---- what the run's journal tells ---- */

typedef struct {
    kt_journal_fit *fits; /* byte order of services */
    size_t n;
    double *sorted; /* [n] for medians */
} told;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds that are about a few steps at the end of a fit, which was gone on with, are about its start. */
static bool tells(const kt_journal_fit *fit)
{
    return fit->from_step <= 0.5 * fit->steps;
}

static double steps_of(const kt_journal_fit *fit)
{
    return fit->steps - fit->from_step;
}

/* Median seconds of a step by ranks alone, of one batch; 0: no fit tells. */
static double median_step(const told *t, int batch)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->fits[i].ranks == 1 && t->fits[i].batch == batch && tells(&t->fits[i]))
            t->sorted[n++] = t->fits[i].fit_seconds / steps_of(&t->fits[i]);
    if (n == 0)
        return 0;
    qsort(t->sorted, n, sizeof *t->sorted, ascending);
    return t->sorted[n / 2];
}

/* One that a team fitted tells where no rank alone did. */
static double step_by_team(const kt_journal_fit *fit, int limit, double latency)
{
    kt_plan_item steps = {.steps = steps_of(fit), .shared = 1, .limit = limit};
    double share = kt_plan_seconds(&steps, fit->ranks, 0);
    double exchanged = kt_plan_seconds(&steps, fit->ranks, latency) - share;
    return (fit->fit_seconds - exchanged) / share;
}

/* Costs by the journal alone: a step by its batch, all of it shared by a team. */
static void costs_told(kt_costs *costs, const plan_job *job, const told *t)
{
    double judged = 0, rows = 0;
    *costs = (kt_costs){.latency = PLAN_LATENCY};
    for (size_t i = 0, at = 0; i < job->n; i++) {
        const char *name = kt_store_at(job->store, i)->name;
        while (at < t->n && strcmp(t->fits[at].service, name) < 0)
            at++;
        if (at == t->n || strcmp(t->fits[at].service, name) != 0)
            continue;
        const kt_journal_fit *fit = &t->fits[at];
        if (!tells(fit))
            continue;
        judged += fit->judge_seconds * fit->ranks;
        rows += job->fits[i].held_out_rows;
        bool known = false;
        for (size_t b = 0; b < costs->n; b++)
            known = known || costs->batch[b].batch == fit->batch;
        if (known)
            continue;
        double step = median_step(t, fit->batch);
        step = step > 0 ? step : step_by_team(fit, job->fits[i].limit, costs->latency);
        if (step > 0)
            kt_costs_add(costs, (kt_costs_batch){.batch = fit->batch, .step = step});
    }
    for (size_t b = 0; b < costs->n; b++)
        costs->batch[b].judge_row = rows > 0 ? judged / rows : 0;
}

/* A service's own times count where a rank did it alone; those of a team where no rank did one like it. */
static void take_own_times(plan_job *job, const told *t)
{
    int batch = 0;
    double median = 0;
    for (size_t i = 0, at = 0; i < job->n; i++) {
        const char *name = kt_store_at(job->store, i)->name;
        while (at < t->n && strcmp(t->fits[at].service, name) < 0)
            at++;
        if (at == t->n || strcmp(t->fits[at].service, name) != 0)
            continue;
        const kt_journal_fit *fit = &t->fits[at];
        if (fit->batch != batch)
            median = median_step(t, fit->batch);
        batch = fit->batch;
        if (!tells(fit) || (fit->ranks > 1 && median > 0))
            continue;
        job->items[i].steps = steps_of(fit);
        kt_costs_measured(&job->items[i], fit->ranks, job->costs.latency, fit->fit_seconds,
                          fit->judge_seconds);
        job->items[i].steps = fit->steps;
        job->measured++;
    }
}

/* ---- costs and items ---- */

static kt_status read_told(told *t, const plan_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    if (!job->folder)
        return KT_OK;
    KT_TRY(kt_path_join(&path, job->folder, KT_RUN_JOURNAL, err));
    if (kt_path_kind_of(path) == KT_PATH_FILE)
        KT_TRY(kt_journal_fits(&t->fits, &t->n, path, err));
    KT_TRY(kt_alloc(&t->sorted, t->n, sizeof *t->sorted, err));
out:
    free(path);
    return status;
}

/* The file that was named, else the run's. */
static kt_status read_file(bool *there, plan_job *job, const char *file, kt_error *err)
{
    kt_status status = KT_OK;
    char *own = NULL;
    *there = file != NULL;
    if (!file && job->folder) {
        KT_TRY(kt_path_join(&own, job->folder, KT_RUN_COSTS, err));
        *there = kt_path_kind_of(own) == KT_PATH_FILE;
    }
    if (*there) {
        KT_TRY(kt_costs_read(&job->costs, file ? file : own, err));
        snprintf(job->source, sizeof job->source, "%s", file ? file : own);
    }
out:
    free(own);
    return status;
}

kt_status plan_costs(plan_job *job, const char *file, bool calibrated, double latency, kt_error *err)
{
    kt_status status = KT_OK;
    told t = {.n = 0};
    bool there = calibrated;
    if (calibrated)
        snprintf(job->source, sizeof job->source, "measured on this machine");
    else
        KT_TRY(read_file(&there, job, file, err));
    if (!calibrated && !file)
        KT_TRY(read_told(&t, job, err));
    if (!there) {
        costs_told(&job->costs, job, &t);
        snprintf(job->source, sizeof job->source, "journal of the run");
    }
    if (job->costs.n == 0 && job->n > 0)
        KT_TRY(kt_fail(
            err, KT_USAGE,
            "%s: nothing was measured yet: --calibrate measures on this machine, --costs FILE names what "
            "was measured",
            job->path));
    if (latency >= 0)
        job->costs.latency = latency;
    for (size_t i = 0; i < job->n; i++)
        job->items[i] = kt_costs_item(&job->costs, &job->fits[i]);
    take_own_times(job, &t);
    if (there && job->measured > 0)
        snprintf(job->source + strlen(job->source), sizeof job->source - strlen(job->source),
                 ", and the run's journal");
out:
    kt_journal_fits_clear(t.fits, t.n);
    free(t.sorted);
    return status;
}
