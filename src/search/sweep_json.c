#include "kt/sweep_view.h"

static kt_json *trial_json(const kt_sweep_view *view, const kt_sweep_trial *t)
{
    kt_json *json = kt_json_put(kt_json_object(), "trial", kt_json_int(t->trial));
    kt_json_put(json, "state", kt_json_string(kt_trial_state_text[t->state]));
    kt_json_put(json, "first_rung", kt_json_int(t->first));
    if (t->rung >= 0)
        kt_json_put(json, "rung", kt_json_int(t->rung));
    kt_json_put(json, "value", kt_json_real(t->value));
    kt_json_put(json, "values", kt_json_reals(t->at, (size_t)view->n_rungs));
    kt_json_put(json, "seconds", kt_json_real(t->seconds));
    kt_json_put(json, "ended", kt_json_real(t->ended));
    kt_json_put(json, "scored_after_seconds", kt_json_real(t->after));
    if (t->reason)
        kt_json_put(json, "reason", kt_json_string(t->reason));
    if (t->place >= 0)
        kt_json_put(json, "place", kt_json_int(t->place));
    return kt_json_put(json, "options", kt_json_keep(t->options));
}

static kt_json *search_json(const kt_sweep_view *view, const kt_sweep_search *s)
{
    kt_json *json = kt_json_object(), *trials = kt_json_array();
    if (s->name)
        kt_json_put(json, "service", kt_json_string(s->name));
    const kt_sweep_trial *best = kt_sweep_best(s);
    if (best) {
        kt_json_put(json, "best_trial", kt_json_int(best->trial));
        kt_json_put(json, "best_value", kt_json_real(best->value));
    }
    for (size_t i = 0; i < s->n; i++)
        kt_json_append(trials, trial_json(view, &s->trial[i]));
    return kt_json_put(json, "trials", trials);
}

static kt_json *rung_json(const kt_sweep_rung *r)
{
    kt_json *json = kt_json_put(kt_json_object(), "share", kt_json_real(r->share));
    kt_json_put(json, "trials", kt_json_int((int64_t)r->trials));
    kt_json_put(json, "reached", kt_json_int((int64_t)r->reached));
    kt_json_put(json, "promoted", kt_json_int((int64_t)r->promoted));
    kt_json_put(json, "stopped", kt_json_int((int64_t)r->stopped));
    return kt_json_put(json, "failed", kt_json_int((int64_t)r->failed));
}

kt_json *kt_sweep_view_json(const kt_sweep_view *view)
{
    kt_json *json = kt_json_object(), *searches = kt_json_array(), *rungs = kt_json_array(),
            *states = kt_json_object();
    for (int s = 0; s < KT_TRIAL_STATES; s++)
        kt_json_put(states, kt_trial_state_text[s], kt_json_int((int64_t)view->count[s]));
    for (int r = 0; r < view->n_rungs; r++)
        kt_json_append(rungs, rung_json(&view->rung[r]));
    for (size_t k = 0; k < view->n_searches; k++)
        kt_json_append(searches, search_json(view, &view->search[k]));
    if (view->sweep)
        kt_json_put(json, "sweep", kt_json_keep(view->sweep));
    kt_json_put(json, "ended", kt_json_bool(view->ended));
    kt_json_put(json, "planned", kt_json_int((int64_t)view->planned));
    kt_json_put(json, "proposed", kt_json_int((int64_t)view->trials));
    kt_json_put(json, "states", states);
    kt_json_put(json, "rungs", rungs);
    kt_json_put(json, "budget_spent", kt_json_real(view->spent));
    kt_json_put(json, "budget_left", kt_json_real(view->left));
    kt_json_put(json, "training_seconds", kt_json_real(view->seconds));
    kt_json_put(json, "wall_seconds", kt_json_real(view->wall));
    kt_json_put(json, "ranks", kt_json_int(view->ranks));
    kt_json_put(json, "utilisation", kt_json_real(view->utilisation));
    kt_json_put(json, "seconds_to_go", kt_json_real(view->to_go));
    return kt_json_put(json, "searches", searches);
}
