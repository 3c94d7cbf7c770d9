#include "kt/sweep_view.h"

#include "kt/ledger.h"
#include "space_private.h"
#include "sweep_left.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const kt_trial_state_text[KT_TRIAL_STATES] = {"proposed", "running", "preempted", "waiting",
                                                          "stopped",  "failed",  "done"};

/* A job at work, while events are read. */
typedef struct {
    kt_sweep_view *view;
    const char *folder;
    double from, last;   /* of this job's events */
    int64_t ranks;       /* of it; 0: not known */
    size_t *sorted;      /* searches by name */
    double rank_seconds; /* of those before; NaN: not known */
    size_t fits;         /* of a trial to a rung: the most that were seen */
} replay;

/* ---- what the sweep's file says ---- */

static const char *word(const kt_json *json, const char *key)
{
    return kt_json_as_text(kt_json_get(json, key), "");
}

static void read_dimension(kt_sweep_view *view, const char *name, const kt_json *json)
{
    for (size_t k = 0; k < SPACE_KINDS && view->n_varied < KT_SPACE_MAX; k++) {
        const kt_json *range = kt_json_get(json, space_kinds[k].name);
        if (!range)
            continue;
        view->varied[view->n_varied++] = (kt_sweep_varied){.name = name,
                                                           .kind = (kt_dim_kind)k,
                                                           .low = kt_json_as_real(kt_json_at(range, 0), 0),
                                                           .high = kt_json_as_real(kt_json_at(range, 1), 1),
                                                           .choices = k == KT_DIM_CHOICE ? range : NULL};
        return;
    }
}

static void read_sweep(kt_sweep_view *view)
{
    const kt_json *space = kt_json_get(view->sweep, "space");
    view->method = word(view->sweep, "method");
    view->scheduler = word(view->sweep, "scheduler");
    view->objective = word(view->sweep, "objective");
    for (size_t i = 0; i < kt_json_size(space); i++) {
        const char *name = kt_json_key(space, i);
        if (kt_json_kind_of(kt_json_get(space, name)) == KT_JSON_OBJECT)
            read_dimension(view, name, kt_json_get(space, name));
    }
}

/* ---- trials ---- */

/* NULL comes first. */
static int by_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* Where in r->sorted the name is, or belongs. */
static size_t find_search(bool *found, const replay *r, const char *name)
{
    size_t low = 0, high = r->view->n_searches;
    *found = false;
    while (low < high && !*found) {
        size_t middle = (low + high) / 2;
        int order = by_name(r->view->search[r->sorted[middle]].name, name);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *found ? high : low;
}

static kt_status search_of(kt_sweep_search **search, replay *r, const kt_json *event, kt_error *err)
{
    kt_status status = KT_OK;
    kt_sweep_view *view = r->view;
    const char *name = kt_json_as_text(kt_json_get(event, "search"), NULL);
    bool found;
    size_t n = view->n_searches, at = find_search(&found, r, name);
    if (found) {
        *search = &view->search[r->sorted[at]];
        return KT_OK;
    }
    KT_TRY(kt_grow(&view->search, n + 1, sizeof *view->search, err));
    KT_TRY(kt_grow(&r->sorted, n + 1, sizeof *r->sorted, err));
    *search = &view->search[n];
    **search = (kt_sweep_search){.name = NULL};
    if (name)
        KT_TRY(kt_strdup(&(*search)->name, name, err));
    memmove(r->sorted + at + 1, r->sorted + at, (n - at) * sizeof *r->sorted);
    r->sorted[at] = view->n_searches++;
out:
    return status;
}

static kt_status propose(const replay *r, kt_sweep_search *search, const kt_json *event, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = search->n;
    if (kt_json_as_int(kt_json_get(event, "trial"), -1) != (int64_t)n)
        return kt_fail(err, KT_INPUT, "%s/" KT_RUN_LEDGER ": trial %lld is proposed after %zu others",
                       r->folder, (long long)kt_json_as_int(kt_json_get(event, "trial"), -1), n);
    if ((n & (n - 1)) == 0) /* full at 0, 1, 2, 4, ... */
        KT_TRY(kt_grow(&search->trial, n ? 2 * n : 1, sizeof *search->trial, err));
    kt_sweep_trial *t = &search->trial[search->n++];
    *t = (kt_sweep_trial){.trial = (int64_t)n,
                          .options = kt_json_keep(kt_json_get(event, "options")),
                          .first = (int)kt_json_as_int(kt_json_get(event, "first"), 0),
                          .rung = -1,
                          .value = NAN,
                          .ended = NAN,
                          .after = NAN,
                          .place = -1};
    for (int r = 0; r < KT_RUNGS_MAX; r++)
        t->at[r] = NAN;
out:
    return status;
}

static void end_trial(const replay *r, kt_sweep_trial *t, kt_trial_state state)
{
    t->state = state;
    t->ended = r->last;
}

static void on_scored(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    (void)rung;
    t->seconds += kt_json_as_real(kt_json_get(event, "seconds"), 0);
    t->after = r->view->wall + r->last - r->from;
    r->fits = ++t->fits > r->fits ? t->fits : r->fits;
}

static void on_started(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    (void)r, (void)rung, (void)event;
    t->state = KT_TRIAL_RUNNING;
}

static void on_preempted(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    (void)r, (void)rung, (void)event;
    t->state = KT_TRIAL_PREEMPTED;
}

static void on_rung(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    t->rung = rung;
    t->value = t->at[rung] = kt_json_as_real(kt_json_get(event, "value"), NAN);
    t->fits = 0;
    t->state = KT_TRIAL_WAITING;
    if (rung == r->view->n_rungs - 1)
        end_trial(r, t, KT_TRIAL_DONE);
    r->view->rung[rung].reached++;
}

static void on_promoted(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    (void)t, (void)event;
    r->view->rung[rung].promoted++;
}

static void on_stopped(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    (void)event;
    end_trial(r, t, KT_TRIAL_STOPPED);
    r->view->rung[rung].stopped++;
}

static void on_failed(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    if (!t->reason)
        kt_strdup(&t->reason, word(event, "reason"), NULL); /* for people: without it "" */
    end_trial(r, t, KT_TRIAL_FAILED);
    r->view->rung[rung].failed++;
}

static void on_won(replay *r, kt_sweep_trial *t, int rung, const kt_json *event)
{
    (void)r, (void)rung;
    t->place = kt_json_as_int(kt_json_get(event, "place"), 0);
}

/* ---- jobs ---- */

static void end_job(replay *r)
{
    double seconds = r->last > r->from ? r->last - r->from : 0; /* clocks go back, too */
    r->view->wall += seconds;
    r->rank_seconds += r->ranks > 0 || seconds == 0 ? seconds * (double)r->ranks : NAN;
    r->from = NAN;
}

/* What ran when its job was stopped or killed. */
static void preempt(kt_sweep_view *view)
{
    for (size_t k = 0; k < view->n_searches; k++)
        for (size_t i = 0; i < view->search[k].n; i++)
            if (view->search[k].trial[i].state == KT_TRIAL_RUNNING)
                view->search[k].trial[i].state = KT_TRIAL_PREEMPTED;
}

static void on_resumed(replay *r, double last, const kt_json *event)
{
    double now = r->last;
    r->last = last;
    end_job(r);
    r->from = r->last = now;
    r->ranks = r->view->ranks = kt_json_as_int(kt_json_get(event, "ranks"), 0);
    preempt(r->view);
}

/* ---- events ---- */

static const struct {
    const char *name;
    void (*on)(replay *r, kt_sweep_trial *trial, int rung, const kt_json *event);
} of_trials[] = {{"scored", on_scored},   {"started", on_started},    {"rung", on_rung},
                 {"stopped", on_stopped}, {"promoted", on_promoted},  {"failed", on_failed},
                 {"won", on_won},         {"preempted", on_preempted}};
enum { OF_TRIALS = sizeof of_trials / sizeof *of_trials };

static kt_status on_trial(replay *r, const char *name, const kt_json *event, kt_error *err)
{
    kt_status status = KT_OK;
    kt_sweep_search *search = NULL;
    int64_t trial = kt_json_as_int(kt_json_get(event, "trial"), -1),
            rung = kt_json_as_int(kt_json_get(event, "rung"), 0);
    KT_TRY(search_of(&search, r, event, err));
    if (strcmp(name, "proposed") == 0)
        return propose(r, search, event, err);
    if (trial < 0 || trial >= (int64_t)search->n)
        return kt_fail(err, KT_INPUT, "%s/" KT_RUN_LEDGER ": trial %lld is %s and was not proposed",
                       r->folder, (long long)trial, name);
    if (rung >= r->view->n_rungs)
        return kt_fail(err, KT_INPUT, "%s/" KT_RUN_LEDGER ": trial %lld has a rung %lld of %d", r->folder,
                       (long long)trial, (long long)rung, r->view->n_rungs);
    for (size_t k = 0; k < OF_TRIALS; k++)
        if (strcmp(of_trials[k].name, name) == 0)
            of_trials[k].on(r, &search->trial[trial], (int)rung, event);
out:
    return status;
}

static kt_status each(void *context, const kt_json *event, kt_error *err)
{
    replay *r = context;
    kt_sweep_view *view = r->view;
    const char *name = word(event, "event");
    double before = r->last;
    if (view->ended) /* what comes later is about the winners' fits */
        return strcmp(name, "won") == 0 ? on_trial(r, name, event, err) : KT_OK;
    r->last = kt_json_as_real(kt_json_get(event, "time"), r->last);
    if (strcmp(name, "sweep") == 0) {
        view->begun = r->last;
        return KT_OK;
    }
    if (strcmp(name, "resumed") == 0) {
        on_resumed(r, before, event);
        return KT_OK;
    }
    if (isnan(r->from))
        r->from = r->last;
    if (strcmp(name, "ended") == 0)
        view->ended = true;
    else
        return on_trial(r, name, event, err);
    return KT_OK;
}

/* ---- what comes of them ---- */

/* One that came further before one that came less far, then the smaller value, then the earlier; one that
 * failed after all others. */
static int by_merit(const kt_sweep_trial *a, const kt_sweep_trial *b)
{
    bool a_failed = a->state == KT_TRIAL_FAILED, b_failed = b->state == KT_TRIAL_FAILED;
    if (a_failed != b_failed)
        return a_failed - b_failed;
    if (a->rung != b->rung)
        return a->rung > b->rung ? -1 : 1;
    if (a->value != b->value && !(isnan(a->value) && isnan(b->value)))
        return isnan(b->value) || a->value < b->value ? -1 : 1;
    return (a->trial > b->trial) - (a->trial < b->trial);
}

const kt_sweep_trial *kt_sweep_best(const kt_sweep_search *s)
{
    const kt_sweep_trial *best = s->n > 0 ? &s->trial[s->order[0]] : NULL;
    return best && best->rung >= 0 && best->state != KT_TRIAL_FAILED ? best : NULL;
}

static int by_rank(const void *a, const void *b, void *context)
{
    const kt_sweep_trial *trial = context;
    return by_merit(&trial[*(const size_t *)a], &trial[*(const size_t *)b]);
}

static kt_status rank(kt_sweep_view *view, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t k = 0; k < view->n_searches; k++) {
        kt_sweep_search *s = &view->search[k];
        KT_TRY(kt_alloc(&s->order, s->n, sizeof *s->order, err));
        for (size_t i = 0; i < s->n; i++) {
            s->order[i] = i;
            view->count[s->trial[i].state]++;
        }
        view->trials += s->n;
        qsort_r(s->order, s->n, sizeof *s->order, by_rank, s->trial);
    }
out:
    return status;
}

kt_status kt_sweep_view_read(kt_sweep_view *view, const char *folder, kt_json *sweep, double now,
                             kt_error *err)
{
    kt_status status = KT_OK;
    replay r = {.view = view, .folder = folder, .from = NAN, .last = NAN};
    *view = (kt_sweep_view){.sweep = kt_json_keep(sweep), .begun = NAN, .utilisation = NAN, .to_go = NAN};
    read_sweep(view);
    KT_TRY(sweep_left_rungs(view, err));
    KT_TRY(kt_ledger_read(folder, each, &r, err));
    if (!view->ended && now > r.last)
        r.last = now;
    if (!view->ended && isnan(now))
        preempt(view);
    view->last = r.last;
    end_job(&r);
    KT_TRY(rank(view, err));
    KT_TRY(sweep_left(view, r.rank_seconds, r.fits, err));
out:
    free(r.sorted);
    if (status != KT_OK)
        kt_sweep_view_clear(view);
    return status;
}

void kt_sweep_view_clear(kt_sweep_view *view)
{
    for (size_t k = 0; k < view->n_searches; k++) {
        kt_sweep_search *s = &view->search[k];
        for (size_t i = 0; i < s->n; i++) {
            kt_json_drop(s->trial[i].options);
            free(s->trial[i].reason);
        }
        free(s->trial);
        free(s->order);
        free(s->name);
    }
    free(view->search);
    kt_json_drop(view->sweep);
    *view = (kt_sweep_view){.sweep = NULL};
}

/* ---- values of options ---- */

static double place_of_choice(const kt_json *choices, const kt_json *value)
{
    for (size_t i = 0; i < kt_json_size(choices); i++)
        if (kt_json_equal(kt_json_at(choices, i), value))
            return ((double)i + 0.5) / (double)kt_json_size(choices);
    return NAN;
}

double kt_sweep_place(const kt_sweep_varied *v, const kt_sweep_trial *trial)
{
    const kt_json *json = kt_json_get(trial->options, v->name);
    if (!json)
        return NAN;
    if (v->kind == KT_DIM_CHOICE)
        return place_of_choice(v->choices, json);
    double share = space_coordinate(v->kind, v->low, v->high, kt_json_as_real(json, NAN));
    return share < 0 ? 0 : share > 1 ? 1 : share; /* a NaN stays one */
}

kt_status kt_sweep_value_text(char **text, const kt_sweep_trial *trial, const char *option,
                              const char *format, kt_error *err)
{
    const kt_json *value = kt_json_get(trial->options, option);
    if (!value)
        return kt_strdup(text, "", err);
    if (kt_json_kind_of(value) == KT_JSON_TEXT)
        return kt_strdup(text, kt_json_as_text(value, ""), err);
    if (kt_json_kind_of(value) == KT_JSON_REAL)
        return kt_format(text, err, format, kt_json_as_real(value, NAN));
    kt_status status = kt_json_text(text, value, 0, err);
    if (status == KT_OK && kt_json_kind_of(value) == KT_JSON_ARRAY) { /* [16,16]: without its brackets */
        size_t n = strlen(*text);
        memmove(*text, *text + 1, n - 1);
        (*text)[n - 2] = '\0';
    }
    return status;
}
