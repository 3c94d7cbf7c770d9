#include "job.h"
#include "team_fit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    job *j;
    team_fit team;
    kt_recipe recipe;
    char told[KT_WORK_TELL];
    size_t n_told;
    double began, fitted, judged; /* MPI_Wtime */
} fitting;

/* ---- what rank 0 hears ---- */

static void flush(fitting *f)
{
    if (f->n_told > 0)
        kt_work_tell(f->team.work, f->told, f->n_told);
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

static kt_status tell_look(void *context, const kt_look *look, kt_error *err)
{
    fitting *f = context;
    char *line = NULL;
    if (f->team.rank != 0)
        return KT_OK;
    kt_status status =
        progress_look(&line, f->team.about->name, f->team.size, look, MPI_Wtime() - f->began, err);
    if (status == KT_OK)
        tell(f, line);
    return status;
}

static kt_status tell_end(fitting *f, const kt_fitted *fitted, const char *refused, kt_error *err)
{
    char *line = NULL;
    kt_status status = progress_fitted(&line, f->team.about->name, f->team.size, f->j->rank,
                                       f->team.first_step, fitted->steps, fitted->batch, refused,
                                       f->fitted - f->began, f->judged - f->fitted, err);
    if (status == KT_OK)
        tell(f, line);
    flush(f);
    return status;
}

/* ---- the fit ---- */

static kt_status fit(kt_fitted *fitted, fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work_task *task = f->team.task;
    KT_TRY(team_fit_begin(&f->team, task->state, task->n_state, UINT64_MAX, err));
    KT_TRY(team_fit_run(&task->bytes, &task->n, &f->team, UINT64_MAX, err));
    if (!task->left)
        KT_TRY(kt_fit_finish(fitted, f->team.fit, err));
out:
    return status;
}

/* ---- one service ---- */

static kt_status give_model(fitting *f, kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = f->team.about;
    KT_TRY(kt_strdup(&entry->name, s->name, err));
    entry->target = s->target;
    entry->rule = s->rule;
    entry->n_train = s->n_train;
    entry->n_validation = s->n_validation;
    entry->n_test = s->n_test;
    memcpy(entry->data_digest, s->digest, sizeof entry->data_digest);
    entry->fitted.flags |= s->n_test == 0 ? KT_FLAG_NO_HELD_OUT : 0u;
    KT_TRY(keeping_model(&f->team.task->bytes, &f->team.task->n, entry, err));
out:
    return status;
}

static kt_status finish(fitting *f, kt_archive_entry *entry, const kt_error *why, kt_error *err)
{
    kt_status status = KT_OK;
    bool refused = why->status != KT_OK;
    if (!refused)
        KT_TRY(judging_run(entry, f->j, f->team.work, f->team.service, f->team.task->team, err));
    f->judged = MPI_Wtime();
    if (f->team.rank != 0)
        goto out;
    KT_TRY(refused ? keeping_refusal(&f->team.task->bytes, &f->team.task->n, why, err)
                   : give_model(f, entry, err));
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
    KT_TRY(team_fit_open(&f->team, err));
    status = fit(&entry.fitted, f, &why);
    f->fitted = MPI_Wtime();
    if (status != KT_OK && !team_fit_concerns_one(status))
        KT_TRY(kt_fail(err, status, "%s", why.message));
    status = KT_OK;
    if (f->team.task->left)
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
    f->recipe = settings_recipe(&j->set, kt_store_features(j->store));
    f->team = (team_fit){.work = work,
                         .task = task,
                         .store = j->store,
                         .service = task->item,
                         .recipe = &f->recipe,
                         .isa = j->isa,
                         .looked = tell_look,
                         .context = f};
    status = fit_and_judge(f, err);
    team_fit_close(&f->team);
    free(f);
    return status;
}
