#include "job.h"
#include "kt/pack.h"
#include "team_fit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    job *j;
    const job_plan *plan;
    team_fit team;
    size_t member;          /* that is being fitted */
    kt_archive_entry entry; /* with the members that are done */
    bool first;             /* of this team's fits */
    uint64_t from_step;     /* of all members' steps, where this team began */
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

static kt_status tell_end(fitting *f, const char *refused, kt_error *err)
{
    char *line = NULL;
    const kt_archive_entry *e = &f->entry;
    uint64_t steps = e->fitted.steps;
    for (size_t m = 0; m < e->n_more; m++)
        steps += e->more[m].steps;
    kt_status status =
        progress_fitted(&line, f->team.about->name, f->team.size, f->j->rank, f->from_step, steps,
                        e->fitted.batch, refused, f->fitted - f->began, f->judged - f->fitted, err);
    if (status == KT_OK)
        tell(f, line);
    flush(f);
    return status;
}

/* ---- a service's state: the members that are done, and how far the next one is ---- */

static void state_fields(kt_pack *p, size_t *member, char **entry, size_t *n_entry)
{
    *member = (size_t)kt_pack_whole(p, (int)*member, 0, JOB_MEMBERS);
    kt_pack_size(p, n_entry);
    kt_pack_vector(p, entry, *n_entry, 1, 1);
    kt_pack_bytes(p, *entry, p->status == KT_OK ? *n_entry : 0);
}

static kt_status wrap_state(void *context, char **state, size_t *n, kt_error *err)
{
    kt_status status = KT_OK;
    fitting *f = context;
    char *entry = NULL, *fit = *state;
    size_t n_entry = 0;
    kt_pack p = {.what = "a service's state", .err = err};
    *state = NULL;
    if (f->member > 0)
        KT_TRY(kt_archive_entry_pack(&entry, &n_entry, &f->entry, err));
    state_fields(&p, &f->member, &entry, &n_entry);
    kt_pack_bytes(&p, fit, *n);
    KT_TRY(kt_pack_take(state, n, &p));
out:
    free(entry);
    free(fit);
    return status;
}

/* Where to go on; at the start where the state is of no use. *fit: of the member, borrowed. */
static void unwrap_state(const char **fit, size_t *n_fit, fitting *f, const char *state, size_t n)
{
    char *entry = NULL;
    size_t n_entry = 0, member = 0;
    kt_archive_entry done = {0};
    *fit = NULL;
    *n_fit = 0;
    if (!state)
        return;
    kt_pack p = kt_pack_open("a service's state", state, n, NULL);
    state_fields(&p, &member, &entry, &n_entry);
    bool good = p.status == KT_OK && (member > 0) == (n_entry > 0);
    if (good && member > 0)
        good = kt_archive_entry_unpack(&done, entry, n_entry, NULL) == KT_OK;
    if (good) {
        *fit = state + p.at;
        *n_fit = n - p.at;
        f->member = member;
        if (member > 0) {
            kt_archive_entry_clear(&f->entry);
            f->entry = done;
        }
    }
    free(entry);
}

/* ---- the fits, one member after the other ---- */

static kt_status describe(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive_entry *entry = &f->entry;
    const kt_store_service *s = f->team.about;
    KT_TRY(kt_strdup(&entry->name, s->name, err));
    entry->target = s->target;
    entry->rule = s->rule;
    entry->n_train = s->n_train;
    entry->n_validation = s->n_validation;
    entry->n_test = s->n_test;
    memcpy(entry->data_digest, s->digest, sizeof entry->data_digest);
out:
    return status;
}

static void place_among_members(fitting *f)
{
    const job_plan *plan = f->plan;
    f->team.recipe = &plan->recipe[f->member];
    f->team.before = f->team.after = 0;
    for (int m = 0; m < plan->members; m++) {
        uint64_t steps = kt_fit_budget(&plan->recipe[m], f->team.data.n_train);
        f->team.before += (size_t)m < f->member ? steps : 0;
        f->team.after += (size_t)m > f->member ? steps : 0;
    }
}

static kt_status keep_member(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive_entry *entry = &f->entry;
    if (f->member == 0)
        return kt_fit_finish(&entry->fitted, f->team.fit, err);
    KT_TRY(kt_grow(&entry->more, entry->n_more + 1, sizeof *entry->more, err));
    KT_TRY(kt_fit_finish(&entry->more[entry->n_more], f->team.fit, err));
    entry->n_more++;
out:
    return status;
}

static kt_status fit_member(fitting *f, const char *state, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work_task *task = f->team.task;
    place_among_members(f);
    KT_TRY(team_fit_begin(&f->team, state, n, UINT64_MAX, err));
    if (f->first)
        f->from_step = f->team.before + f->team.first_step;
    f->first = false;
    KT_TRY(team_fit_run(&task->bytes, &task->n, &f->team, UINT64_MAX, err));
    if (!task->left)
        KT_TRY(keep_member(f, err));
out:
    return status;
}

/* The best member has to come to its end; of the others those count that do. */
static kt_status fit(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    const char *state;
    size_t n;
    unwrap_state(&state, &n, f, f->team.task->state, f->team.task->n_state);
    f->first = true;
    while (f->member < (size_t)f->plan->members) {
        kt_error why = {0};
        status = fit_member(f, state, n, &why);
        if (status != KT_OK && (f->member == 0 || !team_fit_concerns_one(status)))
            KT_TRY(kt_fail(err, status, "%s", why.message));
        status = KT_OK;
        if (f->team.task->left)
            break;
        f->member++;
        state = NULL;
    }
out:
    return status;
}

/* ---- one service ---- */

static kt_status give_model(fitting *f, kt_error *err)
{
    kt_archive_entry *entry = &f->entry;
    entry->fitted.flags |= entry->n_test == 0 ? KT_FLAG_NO_HELD_OUT : 0u;
    return keeping_model(&f->team.task->bytes, &f->team.task->n, entry, err);
}

static kt_status finish(fitting *f, const kt_error *why, kt_error *err)
{
    kt_status status = KT_OK;
    bool refused = why->status != KT_OK;
    if (!refused)
        KT_TRY(judging_run(&f->entry, f->j, f->team.service, f->team.task->team, err));
    f->judged = MPI_Wtime();
    if (f->team.rank != 0)
        goto out;
    KT_TRY(refused ? keeping_refusal(&f->team.task->bytes, &f->team.task->n, why, err) : give_model(f, err));
    KT_TRY(tell_end(f, refused ? why->message : NULL, err));
out:
    return status;
}

static kt_status fit_and_judge(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_error why = {0};

    f->began = MPI_Wtime();
    KT_TRY(team_fit_open(&f->team, err));
    KT_TRY(describe(f, err));
    status = fit(f, &why);
    f->fitted = MPI_Wtime();
    if (status != KT_OK && !team_fit_concerns_one(status))
        KT_TRY(kt_fail(err, status, "%s", why.message));
    status = KT_OK;
    if (f->team.task->left)
        flush(f);
    else
        KT_TRY(finish(f, &why, err));
out:
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
    f->plan = &j->plan[task->item];
    f->team = (team_fit){.work = work,
                         .task = task,
                         .store = j->store,
                         .service = task->item,
                         .isa = j->isa,
                         .looked = tell_look,
                         .wrap = wrap_state,
                         .context = f};
    status = fit_and_judge(f, err);
    team_fit_close(&f->team);
    kt_archive_entry_clear(&f->entry);
    free(f);
    return status;
}
