#include "job.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include "kt/reduce.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A slice of steps takes some 0.2 ms: so long may another rank wait for rank 0's answer. */
enum { SLICE_WORK = 1500000, MOST_STEPS = 64 }; /* rows x parameters, steps */

typedef struct {
    job *j;
    kt_work *work;
    kt_work_task *task;
    const kt_store_service *service;
    int rank, size; /* in the team */
    kt_reducer *reducer;
    double *cell_mean; /* [n_cells, d] of training cells */
    kt_fit_data data;
    char told[KT_WORK_TELL];
    size_t n_told;
    uint64_t first_step;          /* of this team */
    double began, fitted, judged; /* MPI_Wtime */
} fitting;

/* ---- what rank 0 hears ---- */

static void flush(fitting *f)
{
    if (f->n_told > 0)
        kt_work_tell(f->work, f->told, f->n_told);
    f->n_told = 0;
}

static void tell(fitting *f, char *line)
{
    size_t n = strlen(line);
    if (n <= sizeof f->told) {
        if (f->n_told + n > sizeof f->told)
            flush(f);
        memcpy(f->told + f->n_told, line, n);
        f->n_told += n;
    }
    free(line);
}

static kt_status tell_look(fitting *f, const kt_look *look, kt_error *err)
{
    char *line = NULL;
    if (f->rank != 0)
        return KT_OK;
    kt_status status = progress_look(&line, f->service->name, f->size, look, MPI_Wtime() - f->began, err);
    if (status == KT_OK)
        tell(f, line);
    return status;
}

static kt_status tell_end(fitting *f, const kt_fitted *fitted, const char *refused, kt_error *err)
{
    char *line = NULL;
    kt_status status =
        progress_fitted(&line, f->service->name, f->size, f->j->rank, f->first_step, fitted->steps,
                        fitted->batch, refused, f->fitted - f->began, f->judged - f->fitted, err);
    if (status == KT_OK)
        tell(f, line);
    flush(f);
    return status;
}

/* ---- the fit ---- */

static kt_status read_rows(void *context, double *x, double *y, size_t first, size_t n, kt_error *err)
{
    fitting *f = context;
    kt_pulse_beat(); /* all the rows of a large service take long to read */
    return kt_store_rows(x, y, NULL, f->j->store, f->task->item, first, n, err);
}

static kt_status prepare(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = f->service;
    int d = kt_store_features(f->j->store);
    size_t n = 0;
    KT_TRY(kt_alloc(&f->cell_mean, (s->n_cells + 1) * (size_t)d, sizeof *f->cell_mean, err));
    for (size_t c = 0; c < s->n_cells; c++) {
        if (!s->cell_test[c])
            memcpy(f->cell_mean + n++ * (size_t)d, s->cells[c].mean, (size_t)d * sizeof *f->cell_mean);
    }
    f->data = (kt_fit_data){.name = s->name,
                            .n_train = s->n_train,
                            .n_validation = s->n_validation,
                            .d = d,
                            .rows = read_rows,
                            .context = f,
                            .n_cells = n,
                            .cell_mean = f->cell_mean};
    KT_TRY(kt_reducer_create(&f->reducer, f->task->team, err));
out:
    return status;
}

static int slice_steps(const kt_recipe *recipe, size_t n_train)
{
    double step = (double)kt_batch_rows(recipe->batch, n_train) * (double)kt_net_params(&recipe->net);
    double steps = SLICE_WORK / step;
    return steps < 1 ? 1 : steps > MOST_STEPS ? MOST_STEPS : (int)steps;
}

/* Between two slices: left is set where the fit is to go on elsewhere or later. */
static kt_status turn(fitting *f, kt_fit *fit, uint64_t budget, kt_error *err)
{
    kt_status status = KT_OK;
    char *state = NULL;
    size_t n;
    kt_work_order order = kt_work_turn(f->work, kt_fit_step(fit), budget);
    f->task->left = order == KT_WORK_LEAVE;
    if (order == KT_WORK_GO_ON || f->rank != 0)
        return KT_OK;
    KT_TRY(kt_fit_save(&state, &n, fit, err));
    if (order == KT_WORK_SAVE) {
        kt_work_save(f->work, state, n);
    } else {
        f->task->bytes = state;
        f->task->n = n;
    }
out:
    return status;
}

static kt_status fit(kt_fitted *fitted, fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit *fit = NULL;
    kt_recipe recipe = settings_recipe(&f->j->set, f->data.d);
    kt_fit_progress progress = KT_FIT_STEPPED;
    uint64_t budget = kt_fit_budget(&recipe, f->data.n_train);
    int slice = slice_steps(&recipe, f->data.n_train);
    KT_TRY(kt_fit_create(&fit, &recipe, &f->data, kt_reducer_team(f->reducer), f->j->isa, err));
    if (f->task->state)
        KT_TRY(kt_fit_load(fit, f->task->state, f->task->n_state, err));
    f->first_step = kt_fit_step(fit);
    while (progress != KT_FIT_DONE && !f->task->left) {
        KT_TRY(kt_fit_advance(&progress, fit, slice, err));
        if (progress != KT_FIT_STEPPED) {
            size_t n;
            const kt_look *looks = kt_fit_looks(fit, &n);
            KT_TRY(tell_look(f, &looks[n - 1], err));
        }
        if (progress != KT_FIT_DONE)
            KT_TRY(turn(f, fit, budget, err));
    }
    if (!f->task->left)
        KT_TRY(kt_fit_finish(fitted, fit, err));
out:
    kt_fit_destroy(fit);
    return status;
}

/* ---- one service ---- */

static kt_status give_model(fitting *f, kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = f->service;
    KT_TRY(kt_strdup(&entry->name, s->name, err));
    entry->target = s->target;
    entry->rule = s->rule;
    entry->n_train = s->n_train;
    entry->n_validation = s->n_validation;
    entry->n_test = s->n_test;
    memcpy(entry->data_digest, s->digest, sizeof entry->data_digest);
    entry->fitted.flags |= s->n_test == 0 ? KT_FLAG_NO_HELD_OUT : 0u;
    KT_TRY(keeping_model(&f->task->bytes, &f->task->n, entry, err));
out:
    return status;
}

/* A service that cannot be fitted is noted and the others go on; every rank of the team comes to the same
 * verdict. */
static bool of_this_service(kt_status status)
{
    return status == KT_REFUSED || status == KT_NUMERIC;
}

static kt_status finish(fitting *f, kt_archive_entry *entry, const kt_error *why, kt_error *err)
{
    kt_status status = KT_OK;
    bool refused = why->status != KT_OK;
    if (!refused)
        KT_TRY(judging_run(entry, f->j, f->work, f->task->item, f->task->team, err));
    f->judged = MPI_Wtime();
    if (f->rank != 0)
        goto out;
    KT_TRY(refused ? keeping_refusal(&f->task->bytes, &f->task->n, why, err) : give_model(f, entry, err));
    KT_TRY(tell_end(f, &entry->fitted, refused ? why->message : NULL, err));
out:
    return status;
}

static kt_status fit_and_judge(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive_entry entry = {0};
    kt_error why = {0};

    f->began = MPI_Wtime();
    KT_TRY(prepare(f, err));
    status = fit(&entry.fitted, f, &why);
    f->fitted = MPI_Wtime();
    if (status != KT_OK && !of_this_service(status))
        KT_TRY(kt_fail(err, status, "%s", why.message));
    status = KT_OK;
    if (f->task->left)
        flush(f);
    else
        KT_TRY(finish(f, &entry, &why, err));
out:
    kt_archive_entry_clear(&entry);
    return status;
}

kt_status fitting_run(void *context, kt_work *work, kt_work_task *task, kt_error *err)
{
    job *j = context;
    fitting *f = NULL;
    kt_status status = kt_alloc(&f, 1, sizeof *f, err);
    if (status != KT_OK)
        return status;
    f->j = j;
    f->work = work;
    f->task = task;
    f->service = kt_store_at(j->store, task->item);
    f->rank = kt_comm_rank(task->team);
    f->size = kt_comm_size(task->team);
    status = fit_and_judge(f, err);
    kt_reducer_destroy(f->reducer);
    free(f->cell_mean);
    free(f);
    return status;
}
