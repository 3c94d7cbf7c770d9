/* One fit of a trial by a team: on to its rung, and what it is worth there. */
#include "job.h"
#include "kt/comm.h"
#include "kt/pack.h"
#include "team_cells.h"
#include "team_fit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    team_fit team;
    const sweep *sweep;
    const sweep_trial *trial;
    double *value; /* [held-out cells] on the team's rank 0 */
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

/* ---- judging ---- */

static kt_status value_of(void *context, void *result, kt_predictor *predictor, const kt_cell *cell,
                          uint32_t index, const double *x, const double *y, kt_error *err)
{
    const trying *t = context;
    kt_error why = {0};
    double *value = result;
    kt_status status = kt_metrics_value(value, (kt_metric)t->sweep->what.set.objective, predictor, cell, x, y,
                                        cell->rows, &why);
    (void)index;
    if (status == KT_NUMERIC) {
        *value = NAN; /* fails the trial, not the job */
        return KT_OK;
    }
    return status == KT_OK ? KT_OK : kt_fail(err, status, "%s", why.message);
}

static kt_status judge(trying *t, kt_error *err)
{
    kt_status status = KT_OK;
    kt_model model = {0};
    team_cells cells = {.team = t->team.task->team,
                        .store = t->team.store,
                        .service = t->team.service,
                        .size = sizeof *t->value,
                        .judge = value_of,
                        .context = t};
    status = kt_fit_model(&model, t->team.fit, err);
    if (status == KT_OK)
        status = kt_predictor_create(&cells.predictor, &model, t->team.isa, err);
    KT_TRY(kt_comm_agree(cells.team, status, err));
    KT_TRY(team_cells_judge(t->value, &cells, err));
out:
    kt_predictor_destroy(cells.predictor);
    kt_model_clear(&model);
    return status;
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
        if (!isfinite(t->value[n]))
            kt_fail(why, KT_NUMERIC, "cell %s: the objective is not finite", s->cells[c].label);
        r->value += t->value[n++];
    }
    r->value /= (double)n;
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
    KT_TRY(kt_alloc(&t->value, team_cells_count(t->team.about), sizeof *t->value, err));
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
