/* A stage: the fits by which the trials of a batch reach a rung, as one pool of work. */
#include "job.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void sweep_stage_clear(sweep_stage *stage)
{
    for (size_t i = 0; i < stage->n_fits; i++)
        free(stage->fits[i].reason);
    free(stage->fits);
    free(stage->trials);
    *stage = (sweep_stage){.rung = -1};
}

/* ---- which fits: rank 0 says which trials, all build the same list ---- */

static kt_status stage_text(char **text, sweep *s, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = kt_json_object(), *trials = kt_json_array();
    int rung = -1;
    for (size_t k = 0; k < s->n_searches; k++) {
        const size_t *trial;
        size_t n;
        KT_TRY(kt_trials_stage(&trial, &n, &rung, s->search[k], err)); /* searches climb together */
        for (size_t i = 0; i < n; i++) {
            kt_json *one = kt_json_object();
            kt_json_put(one, "search", kt_json_int((int64_t)k));
            kt_json_put(one, "trial", kt_json_int((int64_t)trial[i]));
            kt_json_put(one, "options", kt_trials_options(s->search[k], trial[i]));
            kt_json_append(trials, one);
        }
    }
    kt_json_put(json, "rung", kt_json_int(rung));
    kt_json_put(json, "trials", kt_json_keep(trials));
    KT_TRY(kt_json_text(text, json, 0, err));
out:
    kt_json_drop(json);
    kt_json_drop(trials);
    return status;
}

bool sweep_judges(const sweep *s, int fold, size_t service)
{
    const kt_store_service *about = kt_store_at(s->fold[fold], service);
    return about->n_test > 0 && about->n_train > 0;
}

static kt_status add_fits(sweep_stage *stage, const sweep *s, size_t trial, kt_error *err)
{
    kt_status status = KT_OK;
    size_t all = kt_store_count(s->fold[0]), most = stage->n_fits + all * (size_t)s->n_folds;
    KT_TRY(kt_grow(&stage->fits, most, sizeof *stage->fits, err));
    for (size_t service = 0; service < all; service++) {
        if (s->searched && s->searched[stage->trials[trial].search] != service)
            continue;
        for (int fold = 0; fold < s->n_folds; fold++)
            if (sweep_judges(s, fold, service))
                stage->fits[stage->n_fits++] = (sweep_fit){.trial = trial, .service = service, .fold = fold};
    }
out:
    return status;
}

static kt_status build(sweep_stage *stage, const job *j, const char *text, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    KT_TRY(kt_json_parse(&json, text, n, "a stage", err));
    const kt_json *trials = kt_json_get(json, "trials");
    stage->rung = (int)kt_json_as_int(kt_json_get(json, "rung"), -1);
    KT_TRY(kt_alloc(&stage->trials, kt_json_size(trials), sizeof *stage->trials, err));
    for (; stage->n_trials < kt_json_size(trials); stage->n_trials++) {
        const kt_json *one = kt_json_at(trials, stage->n_trials);
        sweep_trial *trial = &stage->trials[stage->n_trials];
        trial->search = (size_t)kt_json_as_int(kt_json_get(one, "search"), 0);
        trial->trial = (size_t)kt_json_as_int(kt_json_get(one, "trial"), 0);
        KT_TRY(settings_trial(&trial->recipe, j->options, kt_json_get(one, "options"),
                              kt_store_features(j->store), err));
        KT_TRY(add_fits(stage, j->sweep, stage->n_trials, err));
    }
out:
    kt_json_drop(json);
    return status;
}

kt_status sweep_stage_share(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    char *text = NULL;
    size_t n = 0;
    sweep_stage_clear(&s->stage);
    if (j->rank == 0)
        status = stage_text(&text, s, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    n = text ? strlen(text) : 0;
    KT_TRY(kt_comm_share(&text, &n, 0, j->comm, err));
    status = build(&s->stage, j, text, n, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
out:
    free(text);
    return status;
}

/* ---- names ---- */

const char *sweep_service(const sweep *s, const sweep_fit *fit)
{
    return kt_store_at(s->fold[fit->fold], fit->service)->name;
}

kt_status sweep_fit_name(char **name, const sweep *s, const sweep_fit *fit, kt_error *err)
{
    return kt_format(name, err, "%zu/%d/%s", s->stage.trials[fit->trial].trial, fit->fold,
                     sweep_service(s, fit));
}

static kt_json *event_of(const sweep *s, const char *event, const sweep_fit *fit)
{
    const sweep_trial *trial = &s->stage.trials[fit->trial];
    kt_json *json = kt_trials_event(s->search[trial->search], event, trial->trial, s->stage.rung);
    kt_json_put(json, "service", kt_json_string(sweep_service(s, fit)));
    return kt_json_put(json, "fold", kt_json_int(fit->fold));
}

/* ---- on rank 0, as fits begin, end and are kept ---- */

static void hear(void *context, const char *text, size_t n)
{
    (void)context, (void)text, (void)n; /* fits of trials tell nothing on their way */
}

static const char *begun(void *context, size_t item, size_t *n)
{
    job *j = context;
    sweep *s = j->sweep;
    const sweep_fit *fit = &s->stage.fits[item];
    sweep_trial *trial = &s->stage.trials[fit->trial];
    char *name = NULL;
    const char *state = NULL;
    *n = 0;
    if (!trial->started) {
        trial->started = true;
        kt_ledger_write(s->ledger,
                        kt_trials_event(s->search[trial->search], "started", trial->trial, s->stage.rung),
                        NULL); /* for people: nothing depends on it */
    }
    if (sweep_fit_name(&name, s, fit, NULL) == KT_OK)
        state = sweep_states_get(s->states, name, n);
    free(name);
    return state;
}

static kt_status tell_scored(job *j, const sweep_fit *fit, const sweep_result *r, kt_error *err)
{
    const sweep *s = j->sweep;
    kt_json *json = event_of(s, "scored", fit);
    if (r->reason)
        kt_json_put(json, "reason", kt_json_string(r->reason));
    else
        kt_json_put(json, "value", kt_json_real(r->value));
    kt_json_put(json, "steps", kt_json_int((int64_t)r->steps));
    kt_json_put(json, "seconds", kt_json_real(r->seconds));
    return kt_ledger_write(s->ledger, json, err);
}

static void show(job *j)
{
    const sweep *s = j->sweep;
    size_t done = 0;
    for (size_t i = 0; i < s->stage.n_fits; i++)
        done += s->stage.fits[i].done;
    progress_live(&j->progress, "sweep: %zu of %zu trials ended; rung %d of %d: %zu of %zu fits", s->ended,
                  s->planned, s->stage.rung + 1, s->what.rung.n, done, s->stage.n_fits);
}

static kt_status result(void *context, size_t item, const char *bytes, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    job *j = context;
    sweep *s = j->sweep;
    sweep_fit *fit = &s->stage.fits[item];
    sweep_result r;
    char *name = NULL;
    KT_TRY(sweep_result_unpack(&r, bytes, n, err));
    KT_TRY(sweep_fit_name(&name, s, fit, err));
    if (r.n_state > 0)
        KT_TRY(sweep_states_put(&s->states, name, r.state, r.n_state, err));
    else
        sweep_states_drop(s->states, name);
    KT_TRY(tell_scored(j, fit, &r, err));
    fit->done = true;
    fit->value = r.value;
    fit->reason = r.reason;
    r.reason = NULL;
    show(j);
out:
    free(r.reason);
    free(name);
    return status;
}

static kt_status state(void *context, size_t item, const char *bytes, size_t n, kt_error *err)
{
    job *j = context;
    char *name = NULL;
    kt_status status = sweep_fit_name(&name, j->sweep, &j->sweep->stage.fits[item], err);
    if (status == KT_OK)
        status = sweep_states_put(&j->sweep->states, name, bytes, n, err);
    free(name);
    return status;
}

static kt_status commit(void *context, kt_error *err)
{
    kt_status status = KT_OK;
    job *j = context;
    KT_TRY(sweep_states_keep(j->sweep->states, j->checkpoint, err));
    KT_TRY(kt_ledger_sync(j->sweep->ledger, err));
    KT_TRY(keeping_commit(j, err));
out:
    return status;
}

/* ---- the work ---- */

/* Steps that are left, by what each of them takes. */
static void cost_of(kt_work_item *item, const sweep *s, const sweep_fit *fit)
{
    const kt_recipe *recipe = &s->stage.trials[fit->trial].recipe;
    size_t rows = kt_store_at(s->fold[fit->fold], fit->service)->n_train;
    uint64_t budget = kt_fit_budget(recipe, rows);
    int rung = s->stage.rung, batch = kt_batch_rows(recipe->batch, rows);
    uint64_t until = kt_rungs_step(&s->what.rung, rung, budget);
    uint64_t from = rung > 0 ? kt_rungs_step(&s->what.rung, rung - 1, budget) : 0;
    item->cost = (double)(until - from) * batch * (double)kt_net_params(&recipe->net);
    item->limit = recipe->net.batch_norm ? 1 : kt_batch_strips(batch);
}

/* What the ledger knows already. */
static void recall(sweep *s)
{
    for (size_t i = 0; i < s->stage.n_fits; i++) {
        sweep_fit *fit = &s->stage.fits[i];
        const sweep_trial *trial = &s->stage.trials[fit->trial];
        kt_ledger_score score;
        fit->done = kt_ledger_find(&score, s->ledger, kt_trials_search(s->search[trial->search]),
                                   (int64_t)trial->trial, s->stage.rung, sweep_service(s, fit), fit->fold);
        if (!fit->done)
            continue;
        fit->value = score.value;
        if (score.reason && kt_strdup(&fit->reason, score.reason, NULL) != KT_OK)
            fit->done = false;
    }
}

/* Which fits are done, on all ranks; false: none is left. */
static kt_status share_done(bool *open, kt_work_item *items, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    const sweep *s = j->sweep;
    size_t n = s->stage.n_fits;
    uint8_t *done = NULL;
    status = kt_alloc(&done, n, 1, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    if (j->rank == 0)
        recall(j->sweep);
    for (size_t i = 0; i < n; i++)
        done[i] = s->stage.fits[i].done;
    kt_comm_bcast(done, n, 0, j->comm);
    *open = false;
    for (size_t i = 0; i < n; i++) {
        items[i].done = done[i] != 0;
        *open = *open || !items[i].done;
    }
out:
    free(done);
    return status;
}

static kt_status tell_preempted(sweep *s, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t t = 0, i = 0; t < s->stage.n_trials; t++) {
        const sweep_trial *trial = &s->stage.trials[t];
        bool open = false;
        for (; i < s->stage.n_fits && s->stage.fits[i].trial == t; i++)
            open = open || !s->stage.fits[i].done;
        if (trial->started && open)
            KT_TRY(kt_ledger_write(
                s->ledger,
                kt_trials_event(s->search[trial->search], "preempted", trial->trial, s->stage.rung), err));
    }
    KT_TRY(kt_ledger_sync(s->ledger, err));
out:
    return status;
}

kt_status sweep_stage_run(bool *stopped, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    size_t n = s->stage.n_fits;
    kt_work_item *items = NULL;
    bool open;
    const kt_work_calls calls = {.run = sweep_trial_run,
                                 .hear = hear,
                                 .begun = begun,
                                 .result = result,
                                 .state = state,
                                 .commit = commit,
                                 .context = j};
    const kt_work_options how = {.parallel = (kt_plan_mode)j->set.parallel,
                                 .save_every = j->set.checkpoint_every,
                                 .latency = &s->latency,
                                 .stop = kt_halt_flag(j->halt)};
    *stopped = false;
    status = kt_alloc(&items, n, sizeof *items, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    for (size_t i = 0; i < n; i++)
        cost_of(&items[i], s, &s->stage.fits[i]);
    KT_TRY(share_done(&open, items, j, err));
    if (!open)
        goto out;
    KT_TRY(kt_work_run(stopped, items, n, &how, j->comm, &calls, err));
    if (*stopped && j->rank == 0)
        status = tell_preempted(s, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
out:
    free(items);
    return status;
}
