#include "sweeps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *sweep_objective_text(const kt_sweep_view *view)
{
    static const char *const text[][2] = {
        {"nll", "mean NLL, nats"}, {"ks", "mean KS"}, {"crps", "mean CRPS, s"}, {"p95", "mean error of p95"}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (strcmp(view->objective, text[i][0]) == 0)
            return text[i][1];
    return "value";
}

void sweep_value_text(char *text, size_t n, const kt_sweep_trial *trial, const char *option)
{
    char *whole = NULL;
    bool there = kt_sweep_value_text(&whole, trial, option, "%.4g", NULL) == KT_OK;
    snprintf(text, n, "%s", there ? whole : "");
    free(whole);
}

bool found_search_shows(const kt_report *report, const kt_sweep_search *search)
{
    if (!report->services || !search->name)
        return true;
    for (size_t i = 0; i < report->n_services; i++)
        if (strcmp(report->archive->entries[report->services[i]].name, search->name) == 0)
            return true;
    return false;
}

static bool is_over(const kt_sweep_trial *t)
{
    return t->state == KT_TRIAL_STOPPED || t->state == KT_TRIAL_FAILED || t->state == KT_TRIAL_DONE;
}

static kt_status find_importance(found_search *f, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_sweep_search *s = f->search;
    double *place = NULL;
    KT_TRY(kt_alloc(&place, s->n, sizeof *place, err));
    for (size_t v = 0; v < f->view->n_varied; v++) {
        const kt_sweep_varied *varied = &f->view->varied[v];
        size_t n = 0, at = v;
        for (size_t i = 0; i < s->n; i++)
            if (is_over(&s->trial[s->order[i]]))
                place[n++] = kt_sweep_place(varied, &s->trial[s->order[i]]);
        KT_TRY(kt_importance_of(&f->importance[v], place, n,
                                varied->kind == KT_DIM_CHOICE ? kt_json_size(varied->choices) : 0, err));
        double d = f->importance[v].divergence;
        for (; at > 0 && d > 0 && !(f->importance[f->by_importance[at - 1]].divergence >= d); at--)
            f->by_importance[at] = f->by_importance[at - 1];
        f->by_importance[at] = v;
    }
out:
    free(place);
    return status;
}

/* Up to three times as far above the best as the median: one wild trial must not flatten the others. */
static void find_range(found_search *f)
{
    const kt_sweep_search *s = f->search;
    size_t n = 0;
    while (f->top >= 0 && n < s->n && s->trial[s->order[n]].rung == f->top &&
           s->trial[s->order[n]].state != KT_TRIAL_FAILED)
        n++;
    f->low = 0;
    f->high = 1;
    if (n == 0)
        return;
    double best = s->trial[s->order[0]].value, middle = s->trial[s->order[n / 2]].value,
           worst = s->trial[s->order[n - 1]].value;
    f->low = best;
    f->high = middle > best ? fmin(worst, best + 3 * (middle - best)) : worst;
}

kt_status found_search_make(found_search *f, const kt_sweep_view *view, const kt_sweep_search *search,
                            kt_error *err)
{
    const kt_sweep_trial *best = kt_sweep_best(search);
    *f = (found_search){.view = view, .search = search, .top = best ? best->rung : -1};
    f->shown = search->n < TRIALS_MOST ? search->n : TRIALS_MOST;
    find_range(f);
    return find_importance(f, err);
}
