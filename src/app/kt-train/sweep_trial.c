/* One fit of a trial by a team: on to its rung, and what it is worth there. */
#include "job.h"
#include "kt/comm.h"
#include "kt/pack.h"
#include "kt/pulse.h"
#include "team_fit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    team_fit team;
    const sweep *sweep;
    const sweep_trial *trial;
    double *value; /* [n_cells] of the held-out cells this rank judges; then on the team's rank 0 of all */
    double began;
} trying;

/* ---- what the team's rank 0 sends ---- */

static void result_fields(kt_pack *p, sweep_result *r)
{
    bool failed = kt_pack_whole(p, r->reason != NULL, 0, 1) != 0;
    kt_pack_f64(p, &r->value, 1);
    kt_pack_f64(p, &r->seconds, 1);
    kt_pack_u64(p, &r->steps);
    if (failed)
        kt_pack_text(p, &r->reason);
}

static kt_status pack_result(char **bytes, size_t *n, sweep_result *r, kt_error *err)
{
    kt_pack p = {.what = "a trial's result", .err = err};
    result_fields(&p, r);
    kt_pack_bytes(&p, (char *)(uintptr_t)r->state, r->n_state);
    return kt_pack_take(bytes, n, &p);
}

kt_status sweep_result_unpack(sweep_result *result, const char *bytes, size_t n, kt_error *err)
{
    *result = (sweep_result){.reason = NULL};
    kt_pack p = kt_pack_open("a trial's result", bytes, n, err);
    result_fields(&p, result);
    result->state = bytes + p.at;
    result->n_state = n - p.at;
    return p.status;
}

/* ---- judging: the cells of the fold, shared out over the team ---- */

static kt_status judge_cell(double *value, trying *t, kt_predictor *predictor, size_t c, size_t first,
                            kt_error *err)
{
    kt_status status = KT_OK;
    const kt_cell *cell = &t->team.about->cells[c];
    double *x = NULL, *y = NULL;
    kt_error why = {0};
    KT_TRY(kt_alloc(&x, cell->rows * (size_t)kt_predictor_inputs(predictor), sizeof *x, err));
    KT_TRY(kt_alloc(&y, cell->rows, sizeof *y, err));
    KT_TRY(kt_store_rows(x, y, NULL, t->team.store, t->team.service, first, cell->rows, err));
    status = kt_metrics_value(value, (kt_metric)t->sweep->what.set.objective, predictor, cell, x, y,
                              cell->rows, &why);
    if (status == KT_NUMERIC) {
        *value = NAN; /* fails the trial, not the job */
        status = KT_OK;
    }
    if (status != KT_OK)
        KT_TRY(kt_fail(err, status, "%s", why.message));
out:
    free(x);
    free(y);
    return status;
}

/* This rank's cells. */
static kt_status judge_own(trying *t, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = t->team.about;
    kt_model model = {0};
    kt_predictor *predictor = NULL;
    size_t first = s->n_train + s->n_validation, at = 0;
    KT_TRY(kt_fit_model(&model, t->team.fit, err));
    KT_TRY(kt_predictor_create(&predictor, &model, t->team.isa, err));
    kt_predictor_on_pause(predictor, team_fit_pause, t->team.work);
    for (size_t c = 0; c < s->n_cells; c++) {
        if (!s->cell_test[c])
            continue;
        if (at++ % (size_t)t->team.size == (size_t)t->team.rank)
            KT_TRY(judge_cell(&t->value[c], t, predictor, c, first, err));
        first += s->cells[c].rows;
        kt_work_poll(t->team.work);
    }
out:
    kt_predictor_destroy(predictor);
    kt_model_clear(&model);
    return status;
}

static kt_status take_values(void *context, const char *data, size_t n, int rank, kt_error *err)
{
    trying *t = context;
    const kt_store_service *s = t->team.about;
    size_t at = 0;
    (void)n, (void)err;
    for (size_t c = 0; c < s->n_cells; c++) {
        if (s->cell_test[c] && at++ % (size_t)t->team.size == (size_t)rank)
            memcpy(&t->value[c], data + c * sizeof *t->value, sizeof *t->value);
    }
    return KT_OK;
}

/* Each cell counts the same. The first that has no value fails the trial. */
static void sum_up(sweep_result *r, const trying *t, kt_error *why)
{
    const kt_store_service *s = t->team.about;
    size_t n = 0;
    r->value = 0;
    for (size_t c = 0; c < s->n_cells; c++) {
        if (!s->cell_test[c])
            continue;
        if (!isfinite(t->value[c]))
            kt_fail(why, KT_NUMERIC, "cell %s: the objective is not finite", s->cells[c].label);
        r->value += t->value[c];
        n++;
    }
    r->value /= (double)n;
}

static kt_status judge(trying *t, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = t->team.about->n_cells * sizeof *t->value;
    status = judge_own(t, err);
    KT_TRY(kt_comm_agree(t->team.task->team, status, err));
    KT_TRY(kt_comm_gather((const char *)t->value, n, 0, t->team.task->team, take_values, t, err));
out:
    return status;
}

/* ---- the fit ---- */

static kt_status fit(uint64_t *until, trying *t, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work_task *task = t->team.task;
    kt_error wrong = {0};
    if (kt_recipe_check(&t->trial->recipe, &wrong) != KT_OK)
        KT_TRY(kt_fail(err, KT_REFUSED, "%s", wrong.message));
    *until = kt_rungs_step(&t->sweep->what.rung, t->sweep->stage.rung,
                           kt_fit_budget(&t->trial->recipe, t->team.data.n_train));
    KT_TRY(team_fit_begin(&t->team, task->state, task->n_state, *until, err));
    KT_TRY(team_fit_run(&task->bytes, &task->n, &t->team, *until, err));
out:
    return status;
}

static kt_status give_result(trying *t, kt_error *why, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work_task *task = t->team.task;
    char *state = NULL;
    sweep_result result = {.steps = t->team.fit ? kt_fit_step(t->team.fit) : 0};
    if (why->status == KT_OK)
        sum_up(&result, t, why);
    if (why->status != KT_OK)
        result.reason = why->message;
    if (!result.reason && t->sweep->stage.rung + 1 < t->sweep->what.rung.n)
        KT_TRY(kt_fit_save(&state, &result.n_state, t->team.fit, err));
    result.state = state;
    result.seconds = (MPI_Wtime() - t->began) * t->team.size;
    KT_TRY(pack_result(&task->bytes, &task->n, &result, err));
out:
    free(state);
    return status;
}

static kt_status try_it(trying *t, kt_error *err)
{
    kt_status status = KT_OK;
    kt_error why = {0};
    uint64_t until = 0;
    KT_TRY(team_fit_open(&t->team, err));
    KT_TRY(kt_alloc(&t->value, t->team.about->n_cells, sizeof *t->value, err));
    status = fit(&until, t, &why);
    if (status != KT_OK && !team_fit_concerns_one(status))
        KT_TRY(kt_fail(err, status, "%s", why.message));
    status = KT_OK;
    if (t->team.task->left)
        goto out;
    if (why.status == KT_OK)
        KT_TRY(judge(t, err));
    if (t->team.rank == 0)
        KT_TRY(give_result(t, &why, err));
out:
    return status;
}

kt_status sweep_trial_run(void *context, kt_work *work, kt_work_task *task, kt_error *err)
{
    kt_status status = KT_OK;
    job *j = context;
    sweep *s = j->sweep;
    const sweep_fit *fit = &s->stage.fits[task->item];
    trying *t = NULL;
    KT_TRY(kt_alloc(&t, 1, sizeof *t, err));
    t->sweep = s;
    t->trial = &s->stage.trials[fit->trial];
    t->began = MPI_Wtime();
    t->team = (team_fit){.work = work,
                         .task = task,
                         .store = s->fold[fit->fold],
                         .service = fit->service,
                         .recipe = &t->trial->recipe,
                         .isa = j->isa};
    status = try_it(t, err);
    team_fit_close(&t->team);
    free(t->value);
out:
    free(t);
    return status;
}
