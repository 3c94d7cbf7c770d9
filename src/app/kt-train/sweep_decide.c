/* The end of a stage: what its trials are worth, and which of them go on. */
#include "job.h"
#include <stdlib.h>

/* Mean over the folds of a service, then over services; the first fit that failed fails the trial. */
static kt_status set_trial(sweep *s, size_t t, const sweep_fit *fits, size_t n, kt_error *err)
{
    const sweep_trial *trial = &s->stage.trials[t];
    kt_trials *search = s->search[trial->search];
    double sum = 0;
    size_t services = 0;
    for (size_t i = 0, end; i < n; i = end, services++) {
        double mean = 0;
        for (end = i; end < n && fits[end].service == fits[i].service; end++) {
            if (fits[end].reason) {
                kt_error why = {0};
                kt_fail(&why, KT_NUMERIC, "%s, fold %d: %s", sweep_service(s, &fits[end]), fits[end].fold,
                        fits[end].reason);
                return kt_trials_set(search, trial->trial, 0, why.message, err);
            }
            mean += fits[end].value;
        }
        sum += mean / (double)(end - i);
    }
    return kt_trials_set(search, trial->trial, sum / (double)services, NULL, err);
}

static kt_status set_trials(sweep *s, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t t = 0, i = 0, end; t < s->stage.n_trials; t++, i = end) {
        for (end = i; end < s->stage.n_fits && s->stage.fits[end].trial == t;)
            end++;
        KT_TRY(set_trial(s, t, s->stage.fits + i, end - i, err));
    }
out:
    return status;
}

/* States of trials that do not go on. */
static kt_status drop_states(sweep *s, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < s->stage.n_fits; i++) {
        const sweep_fit *fit = &s->stage.fits[i];
        const sweep_trial *trial = &s->stage.trials[fit->trial];
        char *name = NULL;
        if (kt_trials_goes_on(s->search[trial->search], trial->trial))
            continue;
        KT_TRY(sweep_fit_name(&name, s, fit, err));
        sweep_states_drop(s->states, name);
        free(name);
    }
out:
    return status;
}

static kt_status count(sweep *s, kt_error *err)
{
    size_t failed = 0, most = (size_t)s->what.set.max_failures;
    s->ended = 0;
    for (size_t k = 0; k < s->n_searches; k++) {
        const kt_trials *search = s->search[k];
        failed += kt_trials_failed(search);
        for (size_t i = 0; i < kt_trials_count(search); i++)
            s->ended += !kt_trials_goes_on(search, i);
    }
    if (most > 0 && failed > most)
        return kt_fail(err, KT_NUMERIC, "%zu trials failed, max_failures is %zu: see " KT_RUN_LEDGER, failed,
                       most);
    return KT_OK;
}

kt_status sweep_stage_end(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    sweep *s = j->sweep;
    KT_TRY(set_trials(s, err));
    for (size_t k = 0; k < s->n_searches; k++)
        KT_TRY(kt_trials_decide(s->search[k], err));
    KT_TRY(kt_ledger_sync(s->ledger, err));
    KT_TRY(drop_states(s, err));
    KT_TRY(count(s, err));
out:
    return status;
}
