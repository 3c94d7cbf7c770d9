#include "job.h"
#include "kt/comm.h"
#include "kt/reduce.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 16 }; /* steps between two answers of rank 0 */

typedef struct {
    job *j;
    kt_work *work;
    size_t item;
    const kt_store_service *service;
    MPI_Comm team;
    int rank, size; /* in the team */
    kt_reducer *reducer;
    double *cell_mean; /* [n_cells, d] of training cells */
    kt_fit_data data;
    char told[KT_WORK_TELL];
    size_t n_told;
    double began, fitted, judged; /* MPI_Wtime */
} fitting;

/* ---- what rank 0 hears ---- */

static void tell(fitting *f, char *line)
{
    size_t n = strlen(line);
    if (n <= sizeof f->told) {
        if (f->n_told + n > sizeof f->told) {
            kt_work_tell(f->work, f->told, f->n_told);
            f->n_told = 0;
        }
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
        progress_fitted(&line, f->service->name, f->size, f->j->rank, fitted->steps, fitted->batch, refused,
                        f->fitted - f->began, f->judged - f->fitted, err);
    if (status == KT_OK)
        tell(f, line);
    kt_work_tell(f->work, f->told, f->n_told);
    f->n_told = 0;
    return status;
}

/* ---- the fit ---- */

static kt_status read_rows(void *context, double *x, double *y, size_t first, size_t n, kt_error *err)
{
    fitting *f = context;
    return kt_store_rows(x, y, NULL, f->j->store, f->item, first, n, err);
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
    KT_TRY(kt_reducer_create(&f->reducer, f->team, err));
out:
    return status;
}

static kt_status fit(kt_fitted *fitted, fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit *fit = NULL;
    kt_recipe recipe = settings_recipe(&f->j->set, f->data.d);
    kt_fit_progress progress = KT_FIT_STEPPED;
    KT_TRY(kt_fit_create(&fit, &recipe, &f->data, kt_reducer_team(f->reducer), f->j->isa, err));
    while (progress != KT_FIT_DONE) {
        KT_TRY(kt_fit_advance(&progress, fit, SLICE, err));
        if (progress != KT_FIT_STEPPED) {
            size_t n;
            const kt_look *looks = kt_fit_looks(fit, &n);
            KT_TRY(tell_look(f, &looks[n - 1], err));
        }
        kt_work_poll(f->work);
    }
    KT_TRY(kt_fit_finish(fitted, fit, err));
out:
    kt_fit_destroy(fit);
    return status;
}

/* ---- one service ---- */

static kt_status keep_refusal(fitting *f, const kt_error *why, kt_error *err)
{
    kt_archive_refused refused = {.status = (int32_t)why->status};
    snprintf(refused.name, sizeof refused.name, "%s", f->service->name);
    snprintf(refused.reason, sizeof refused.reason, "%s", why->message);
    return results_add(&f->j->results, (const char *)&refused, sizeof refused, true, err);
}

static kt_status keep_entry(fitting *f, kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = f->service;
    char *bytes = NULL;
    size_t n;
    KT_TRY(kt_strdup(&entry->name, s->name, err));
    entry->target = s->target;
    entry->rule = s->rule;
    entry->n_train = s->n_train;
    entry->n_validation = s->n_validation;
    entry->n_test = s->n_test;
    memcpy(entry->data_digest, s->digest, sizeof entry->data_digest);
    entry->fitted.flags |= s->n_test == 0 ? KT_FLAG_NO_HELD_OUT : 0u;
    KT_TRY(kt_archive_entry_pack(&bytes, &n, entry, err));
    KT_TRY(results_add(&f->j->results, bytes, n, false, err));
out:
    free(bytes);
    return status;
}

/* A service that cannot be fitted is noted and the others go on; every rank of the team comes to the same
 * verdict. */
static bool of_this_service(kt_status status)
{
    return status == KT_REFUSED || status == KT_NUMERIC;
}

static kt_status fit_and_judge(fitting *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive_entry entry = {0};
    kt_error why = {0};

    f->began = f->fitted = f->judged = MPI_Wtime();
    KT_TRY(prepare(f, err));
    status = fit(&entry.fitted, f, &why);
    f->fitted = f->judged = MPI_Wtime();
    if (of_this_service(status)) {
        status = f->rank == 0 ? keep_refusal(f, &why, err) : KT_OK;
    } else if (status != KT_OK) {
        kt_fail(err, status, "%s", why.message);
    } else {
        KT_TRY(judging_run(&entry, f->j, f->item, f->team, err));
        f->judged = MPI_Wtime();
        status = f->rank == 0 ? keep_entry(f, &entry, err) : KT_OK;
    }
    if (status == KT_OK && f->rank == 0)
        status = tell_end(f, &entry.fitted, why.status == KT_OK ? NULL : why.message, err);
out:
    kt_archive_entry_clear(&entry);
    return status;
}

kt_status fitting_run(void *context, kt_work *work, size_t item, MPI_Comm team, kt_error *err)
{
    job *j = context;
    fitting *f = NULL;
    kt_status status = kt_alloc(&f, 1, sizeof *f, err);
    if (status != KT_OK)
        return status;
    f->j = j;
    f->work = work;
    f->item = item;
    f->service = kt_store_at(j->store, item);
    f->team = team;
    f->rank = kt_comm_rank(team);
    f->size = kt_comm_size(team);
    status = fit_and_judge(f, err);
    kt_reducer_destroy(f->reducer);
    free(f->cell_mean);
    free(f);
    return status;
}
