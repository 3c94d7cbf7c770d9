#include "sweep_left.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int scheduler_of(const kt_sweep_view *view)
{
    return strcmp(view->scheduler, "halving") == 0     ? KT_RUNGS_HALVING
           : strcmp(view->scheduler, "hyperband") == 0 ? KT_RUNGS_HYPERBAND
                                                       : KT_RUNGS_NONE;
}

static kt_status rungs_of(kt_rungs *rungs, const kt_sweep_view *view, kt_error *err)
{
    return kt_rungs_make(rungs, (kt_rungs_kind)scheduler_of(view),
                         (int)kt_json_as_int(kt_json_get(view->sweep, "rungs"), 1),
                         kt_json_as_real(kt_json_get(view->sweep, "eta"), 3), err);
}

kt_status sweep_left_rungs(kt_sweep_view *view, kt_error *err)
{
    kt_status status = KT_OK;
    kt_rungs rungs;
    KT_TRY(rungs_of(&rungs, view, err));
    view->n_rungs = rungs.n;
    for (int r = 0; r < rungs.n; r++)
        view->rung[r].share = rungs.share[r];
out:
    return status;
}

/* Of its whole budget, what a trial takes to come to a rung from the one before. */
static double step_to(const kt_sweep_view *view, int first, int rung)
{
    return view->rung[rung].share - (rung > first ? view->rung[rung - 1].share : 0);
}

static kt_status plan_batch(double *budget, size_t *trials, const kt_rungs *rungs, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    double *share = NULL;
    KT_TRY(kt_alloc(&share, n, sizeof *share, err));
    KT_TRY(kt_rungs_expect(share, trials, rungs, n, err));
    for (size_t i = 0; i < n; i++)
        *budget += share[i];
out:
    free(share);
    return status;
}

/* Of one search. */
static kt_status plan(double *budget, size_t *planned, size_t *trials, const kt_sweep_view *view,
                      const kt_sweep_search *search, kt_error *err)
{
    kt_status status = KT_OK;
    kt_rungs rungs;
    size_t asked = (size_t)kt_json_as_int(kt_json_get(view->sweep, "trials"), 0);
    size_t all = asked > search->n ? asked : search->n;
    int64_t at_a_time = kt_json_as_int(kt_json_get(view->sweep, "batch"), 0);
    size_t batch = strcmp(view->method, "tpe") == 0 && at_a_time > 0 ? (size_t)at_a_time : all;
    KT_TRY(rungs_of(&rungs, view, err));
    *budget = 0;
    *planned = all;
    for (size_t from = 0; from < all; from += batch) {
        size_t n = all - from < batch ? all - from : batch;
        KT_TRY(plan_batch(budget, trials, &rungs, n, err));
    }
out:
    return status;
}

/* Rungs that it came to; that at which it failed; its part of the one on the way. */
static double spent_by(const kt_sweep_view *view, const kt_sweep_trial *t, size_t fits)
{
    int next = t->rung < 0 ? t->first : t->rung + 1;
    double spent = t->rung < 0 ? 0 : view->rung[t->rung].share;
    if (next < view->n_rungs && t->state == KT_TRIAL_FAILED)
        spent += step_to(view, t->first, next);
    else if (next < view->n_rungs && fits > 0)
        spent += step_to(view, t->first, next) * (double)t->fits / (double)fits;
    return spent;
}

kt_status sweep_left(kt_sweep_view *view, double rank_seconds, size_t fits, kt_error *err)
{
    kt_status status = KT_OK;
    size_t trials[KT_RUNGS_MAX] = {0};
    double budget = 0;
    for (size_t k = 0; k < view->n_searches; k++) {
        const kt_sweep_search *s = &view->search[k];
        double more;
        size_t planned;
        KT_TRY(plan(&more, &planned, trials, view, s, err));
        budget += more;
        view->planned += planned;
        for (size_t i = 0; i < s->n; i++) {
            view->seconds += s->trial[i].seconds;
            view->spent += spent_by(view, &s->trial[i], fits);
        }
    }
    for (int r = 0; r < view->n_rungs; r++)
        view->rung[r].trials = trials[r];
    if (rank_seconds > 0)
        view->utilisation = fmin(1, view->seconds / rank_seconds);
    view->left = view->ended ? 0 : fmax(0, budget - view->spent);
    if (view->ended)
        view->to_go = 0;
    else if (view->spent > 0 && rank_seconds > 0 && view->ranks > 0)
        view->to_go = view->left * rank_seconds / view->spent / (double)view->ranks;
    else if (view->spent > 0 && view->wall > 0)
        view->to_go = view->left * view->wall / view->spent;
out:
    return status;
}
