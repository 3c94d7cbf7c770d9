#include "job.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include <stdlib.h>
#include <string.h>

kt_status sweep_create(sweep **out, const kt_json *json, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = NULL;
    KT_TRY(kt_alloc(&s, 1, sizeof *s, err));
    s->stage.rung = -1;
    KT_TRY(kt_sweep_create(&s->what, json, settings_trial_table(), where, err));
    s->n_folds = s->what.set.folds > 0 ? (int)s->what.set.folds : 1;
    if (s->what.set.keep > JOB_MEMBERS)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: keep %lld: at most %d are kept", where,
                       (long long)s->what.set.keep, JOB_MEMBERS));
    *out = s;
    s = NULL;
out:
    sweep_destroy(s);
    return status;
}

void sweep_destroy(sweep *s)
{
    if (!s)
        return;
    for (int k = 0; s->fold && k < s->n_folds; k++)
        kt_store_close(s->fold[k]);
    for (size_t k = 0; s->search && k < s->n_searches; k++)
        kt_trials_destroy(s->search[k]);
    free(s->fold);
    free(s->search);
    free(s->searched);
    sweep_stage_clear(&s->stage);
    sweep_states_destroy(s->states);
    kt_ledger_close(s->ledger);
    kt_json_drop(s->outcome);
    kt_sweep_clear(&s->what);
    free(s);
}

/* ---- beginning ---- */

/* One search for all services, or one for each that some fold can judge. */
static kt_status name_searches(sweep *s, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = kt_store_count(j->store), judged = 0;
    KT_TRY(kt_alloc(&s->searched, n, sizeof *s->searched, err));
    for (size_t i = 0; i < n; i++) {
        bool can = false;
        for (int k = 0; k < s->n_folds; k++)
            can = can || sweep_judges(s, k, i);
        if (can)
            s->searched[judged++] = i;
        else if (j->rank == 0)
            progress_note(&j->progress, "%s has too few training cells to compare trials on",
                          kt_store_at(j->store, i)->name);
    }
    if (judged == 0)
        KT_TRY(kt_fail(err, KT_INPUT,
                       "%s: no service has 3 training cells, of which some could judge the trials",
                       j->dataset));
    s->n_searches = s->what.set.per == KT_SWEEP_SERVICE ? judged : 1;
    if (s->what.set.per == KT_SWEEP_ALL) {
        free(s->searched);
        s->searched = NULL;
    }
    s->planned = s->n_searches * (size_t)s->what.set.trials;
out:
    return status;
}

static kt_status tell_taken_up(sweep *s, job *j, kt_error *err)
{
    kt_json *event = kt_json_object();
    if (kt_ledger_cut(s->ledger) > 0)
        progress_note(&j->progress, "%s/" KT_RUN_LEDGER ": its last line was torn and does not count",
                      j->folder);
    if (kt_ledger_events(s->ledger) > 1)
        progress_note(&j->progress, "the sweep goes on: its ledger has %zu events",
                      kt_ledger_events(s->ledger));
    kt_json_put(event, "event", kt_json_string("resumed"));
    kt_json_put(event, "ranks", kt_json_int(j->size));
    return kt_ledger_write(s->ledger, event, err);
}

static kt_status open_ledger(sweep *s, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    char run[KT_DIGEST_HEX];
    kt_digest_hex(run, j->run);
    KT_TRY(kt_ledger_open(&s->ledger, j->folder, run, kt_lock_guard(j->lock), err));
    KT_TRY(tell_taken_up(s, j, err));
    KT_TRY(kt_alloc(&s->search, s->n_searches, sizeof(kt_trials *), err));
    for (size_t k = 0; k < s->n_searches; k++) {
        const char *name = s->searched ? kt_store_at(j->store, s->searched[k])->name : NULL;
        KT_TRY(kt_trials_create(&s->search[k], &s->what, name, s->ledger, err));
    }
out:
    return status;
}

static kt_status begin(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    if (j->rank == 0)
        status = progress_phase(&j->progress, "sweep", err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    KT_TRY(sweep_folds(s, j, err));
    status = name_searches(s, j, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    if (j->rank == 0)
        status = open_ledger(s, j, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
out:
    return status;
}

/* ---- all stages ---- */

kt_status sweep_run(bool *stopped, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    *stopped = false;
    KT_TRY(begin(j, err));
    for (;;) {
        KT_TRY(sweep_stage_share(j, err));
        if (s->stage.rung < 0)
            break;
        KT_TRY(sweep_stage_run(stopped, j, err));
        if (*stopped)
            goto out;
        if (j->rank == 0)
            status = sweep_stage_end(j, err);
        KT_TRY(kt_comm_agree(j->comm, status, err));
    }
    KT_TRY(sweep_winners(j, err));
out:
    return status;
}
