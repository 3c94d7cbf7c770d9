#include "team_fit.h"
#include "kt/comm.h"
#include <stdlib.h>
#include <string.h>

/* A slice of steps takes some 0.2 ms: so long may another rank wait for rank 0's answer. */
enum { SLICE_WORK = 1500000, MOST_STEPS = 64 }; /* rows x parameters, steps */

static kt_status read_rows(void *context, double *x, double *y, size_t first, size_t n, kt_error *err)
{
    team_fit *t = context;
    return kt_store_rows(x, y, NULL, t->store, t->service, first, n, err);
}

kt_status team_fit_open(team_fit *t, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(t->store, t->service);
    int d = kt_store_features(t->store);
    size_t n = 0;
    t->about = s;
    t->rank = kt_comm_rank(t->task->team);
    t->size = kt_comm_size(t->task->team);
    KT_TRY(kt_alloc(&t->cell_mean, (s->n_cells + 1) * (size_t)d, sizeof *t->cell_mean, err));
    for (size_t c = 0; c < s->n_cells; c++) {
        if (!s->cell_test[c])
            memcpy(t->cell_mean + n++ * (size_t)d, s->cells[c].mean, (size_t)d * sizeof *t->cell_mean);
    }
    t->data = (kt_fit_data){.name = s->name,
                            .n_train = s->n_train,
                            .n_validation = s->n_validation,
                            .d = d,
                            .rows = read_rows,
                            .context = t,
                            .n_cells = n,
                            .cell_mean = t->cell_mean};
    KT_TRY(kt_reducer_create(&t->reducer, t->task->team, err));
out:
    return status;
}

void team_fit_close(team_fit *t)
{
    kt_fit_destroy(t->fit);
    kt_reducer_destroy(t->reducer);
    free(t->cell_mean);
    t->fit = NULL;
    t->reducer = NULL;
    t->cell_mean = NULL;
}

static kt_status create(team_fit *t, kt_error *err)
{
    kt_fit_destroy(t->fit);
    t->fit = NULL;
    return kt_fit_create(&t->fit, t->recipe, &t->data, kt_reducer_team(t->reducer), t->isa, err);
}

kt_status team_fit_begin(team_fit *t, const char *state, size_t n_state, uint64_t until, kt_error *err)
{
    kt_status status = KT_OK;
    t->budget = kt_fit_budget(t->recipe, t->data.n_train);
    KT_TRY(create(t, err));
    if (state && (kt_fit_load(t->fit, state, n_state, NULL) != KT_OK || kt_fit_step(t->fit) > until))
        KT_TRY(create(t, err));
    t->first_step = kt_fit_step(t->fit);
out:
    return status;
}

static int slice_steps(const team_fit *t)
{
    double step =
        (double)kt_batch_rows(t->recipe->batch, t->data.n_train) * (double)kt_net_params(&t->recipe->net);
    double steps = SLICE_WORK / step;
    return steps < 1 ? 1 : steps > MOST_STEPS ? MOST_STEPS : (int)steps;
}

/* Between two slices: left is set where the fit is to go on elsewhere or later. */
static kt_status turn(char **state, size_t *n_state, team_fit *t, uint64_t until, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t end = until < t->budget ? until : t->budget;
    kt_work_order order = kt_work_turn(t->work, t->before + kt_fit_step(t->fit), t->before + end + t->after);
    t->task->left = order == KT_WORK_LEAVE;
    if (order == KT_WORK_GO_ON || t->rank != 0)
        return KT_OK;
    KT_TRY(kt_fit_save(state, n_state, t->fit, err));
    if (t->wrap)
        KT_TRY(t->wrap(t->context, state, n_state, err));
out:
    return status;
}

kt_status team_fit_run(char **state, size_t *n_state, team_fit *t, uint64_t until, kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit_progress progress = KT_FIT_STEPPED;
    int slice = slice_steps(t);
    *state = NULL;
    *n_state = 0;
    while (progress != KT_FIT_DONE && !t->task->left && kt_fit_step(t->fit) < until) {
        uint64_t remain = until - kt_fit_step(t->fit);
        KT_TRY(kt_fit_advance(&progress, t->fit, remain < (uint64_t)slice ? (int)remain : slice, err));
        if (progress != KT_FIT_STEPPED && t->looked) {
            size_t n;
            const kt_look *looks = kt_fit_looks(t->fit, &n);
            KT_TRY(t->looked(t->context, &looks[n - 1], err));
        }
        if (progress != KT_FIT_DONE)
            KT_TRY(turn(state, n_state, t, until, err));
        if (*state && !t->task->left) {
            kt_work_save(t->work, *state, *n_state);
            *state = NULL;
        }
    }
out:
    return status;
}

bool team_fit_concerns_one(kt_status status)
{
    return status == KT_REFUSED || status == KT_NUMERIC;
}
