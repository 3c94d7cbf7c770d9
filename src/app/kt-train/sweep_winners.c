/* The best trials, and how services are trained by them. */
#include "job.h"
#include "kt/comm.h"
#include "kt/mixture.h"
#include <stdlib.h>
#include <string.h>

/* ---- rank 0: who has won ---- */

static kt_status tell_won(const kt_trials *search, sweep *s, size_t trial, size_t place, kt_error *err)
{
    kt_json *event = kt_trials_event(search, "won", trial, -1);
    kt_json_put(event, "place", kt_json_int((int64_t)place));
    kt_json_put(event, "value", kt_json_real(kt_trials_value(search, trial)));
    return kt_ledger_write(s->ledger, event, err);
}

static kt_status add_winner(kt_json *winners, const kt_trials *search, sweep *s, size_t trial, size_t place,
                            kt_error *err)
{
    kt_json *one = kt_json_object();
    if (kt_trials_search(search))
        kt_json_put(one, "search", kt_json_string(kt_trials_search(search)));
    kt_json_put(one, "trial", kt_json_int((int64_t)trial));
    kt_json_put(one, "place", kt_json_int((int64_t)place));
    kt_json_put(one, "value", kt_json_real(kt_trials_value(search, trial)));
    kt_json_put(one, "options", kt_trials_options(search, trial));
    kt_json_append(winners, one);
    return tell_won(search, s, trial, place, err);
}

/* The best, and as many of the next as are kept: those of its family whose components have room beside the
 * others'. */
static kt_status choose(kt_json *winners, const kt_trials *search, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    size_t *best = NULL, n = 0, place = 0, keep = (size_t)s->what.set.keep;
    kt_recipe first = {.seed = 0}, recipe;
    int components = 0;
    KT_TRY(kt_alloc(&best, kt_trials_count(search), sizeof *best, err));
    kt_trials_best(best, &n, search);
    if (n == 0)
        KT_TRY(kt_fail(err, KT_NUMERIC, "no trial came to its end%s%s: see " KT_RUN_LEDGER,
                       kt_trials_search(search) ? " for " : "",
                       kt_trials_search(search) ? kt_trials_search(search) : ""));
    for (size_t i = 0; i < n && place < keep; i++) {
        kt_json *options = kt_trials_options(search, best[i]);
        status = settings_trial(&recipe, j->options, options, kt_store_features(j->store), err);
        kt_json_drop(options);
        KT_TRY(status);
        if (i == 0)
            first = recipe;
        if (recipe.net.family != first.net.family || components + recipe.net.components > KT_MIXTURE_MAX)
            continue;
        components += recipe.net.components;
        KT_TRY(add_winner(winners, search, s, best[i], place++, err));
    }
    if (place < keep)
        progress_note(&j->progress,
                      "sweep: %zu of the %zu members that were asked for are of the best one's family", place,
                      keep);
out:
    free(best);
    return status;
}

static kt_status tell_ended(sweep *s, size_t trials, size_t failures, kt_error *err)
{
    kt_json *event = kt_json_object();
    kt_json_put(event, "event", kt_json_string("ended"));
    kt_json_put(event, "trials", kt_json_int((int64_t)trials));
    kt_json_put(event, "failures", kt_json_int((int64_t)failures));
    return kt_ledger_write(s->ledger, event, err);
}

static kt_status conclude(char **text, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    kt_json *winners = kt_json_array();
    size_t trials = 0, failures = 0;
    s->outcome = kt_json_object();
    for (size_t k = 0; k < s->n_searches; k++) {
        KT_TRY(choose(winners, s->search[k], j, err));
        trials += kt_trials_count(s->search[k]);
        failures += kt_trials_failed(s->search[k]);
    }
    KT_TRY(tell_ended(s, trials, failures, err));
    KT_TRY(kt_ledger_sync(s->ledger, err));
    kt_json_put(s->outcome, "sweep", kt_json_keep(s->what.json));
    kt_json_put(s->outcome, "trials", kt_json_int((int64_t)trials));
    kt_json_put(s->outcome, "failures", kt_json_int((int64_t)failures));
    kt_json_put(s->outcome, "winners", kt_json_keep(winners));
    KT_TRY(kt_json_text(text, s->outcome, 0, err));
out:
    kt_json_drop(winners);
    return status;
}

/* ---- all: what follows ---- */

/* The plan of those services that the winner stands for. A service that no search was about is trained as
 * asked. */
static kt_status take_winner(job *j, const kt_json *winner, kt_error *err)
{
    kt_status status = KT_OK;
    const char *search = kt_json_as_text(kt_json_get(winner, "search"), NULL);
    int place = (int)kt_json_as_int(kt_json_get(winner, "place"), 0);
    kt_recipe recipe;
    KT_TRY(settings_trial(&recipe, j->options, kt_json_get(winner, "options"), kt_store_features(j->store),
                          err));
    for (size_t i = 0; i < kt_store_count(j->store); i++) {
        if (search && strcmp(search, kt_store_at(j->store, i)->name) != 0)
            continue;
        j->plan[i].recipe[place] = recipe;
        j->plan[i].members = place + 1;
    }
out:
    return status;
}

static kt_status take_winners(job *j, const char *text, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    KT_TRY(kt_json_parse(&json, text, n, "the outcome of the sweep", err));
    const kt_json *winners = kt_json_get(json, "winners");
    for (size_t i = 0; i < kt_json_size(winners); i++)
        KT_TRY(take_winner(j, kt_json_at(winners, i), err));
out:
    kt_json_drop(json);
    return status;
}

kt_status sweep_winners(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t n = 0;
    if (j->rank == 0)
        status = conclude(&text, j, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    n = text ? strlen(text) : 0;
    KT_TRY(kt_comm_share(&text, &n, 0, j->comm, err));
    status = take_winners(j, text, n, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
out:
    free(text);
    return status;
}
