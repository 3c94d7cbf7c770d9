#include "kt/trials.h"
#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int first, reached; /* rungs: it begins at, the last it came to (-1: none) */
    bool runs;          /* is to go on to another */
    bool failed;
    double value; /* at the rung that it reached */
} trial;

struct kt_trials {
    const kt_sweep *sweep;
    const char *search;
    kt_ledger *ledger;
    kt_proposer proposer;
    size_t n, d, batch; /* trials proposed; dimensions; where the running batch begins */
    trial *trial;       /* [all] */
    double *u;          /* [all, d] */
    int rung;           /* of the running stage */
    size_t *stage, n_stage;
};

static size_t all(const kt_sweep *sweep)
{
    return (size_t)sweep->set.trials;
}

kt_status kt_trials_create(kt_trials **out, const kt_sweep *sweep, const char *search, kt_ledger *ledger,
                           kt_error *err)
{
    kt_status status = KT_OK;
    kt_trials *t = NULL;
    *out = NULL;
    KT_TRY(kt_alloc(&t, 1, sizeof *t, err));
    t->sweep = sweep;
    t->search = search;
    t->ledger = ledger;
    t->d = kt_space_dims(sweep->space);
    t->proposer = (kt_proposer){.method = (kt_propose_method)sweep->set.method,
                                .seed = (uint64_t)sweep->set.seed,
                                .subject = search ? kt_rng_subject(search) : 0};
    t->rung = sweep->rung.n; /* of no batch, which is at its end */
    KT_TRY(kt_alloc(&t->trial, all(sweep), sizeof *t->trial, err));
    KT_TRY(kt_alloc(&t->stage, all(sweep), sizeof *t->stage, err));
    KT_TRY(kt_alloc(&t->u, all(sweep) * t->d, sizeof *t->u, err));
    *out = t;
    t = NULL;
out:
    kt_trials_destroy(t);
    return status;
}

void kt_trials_destroy(kt_trials *t)
{
    if (!t)
        return;
    free(t->trial);
    free(t->stage);
    free(t->u);
    free(t);
}

kt_json *kt_trials_options(const kt_trials *t, size_t i)
{
    return kt_space_values(t->sweep->space, t->u + i * t->d);
}

/* ---- events ---- */

kt_json *kt_trials_event(const kt_trials *t, const char *event, size_t i, int rung)
{
    kt_json *json = kt_json_object();
    kt_json_put(json, "event", kt_json_string(event));
    if (t->search)
        kt_json_put(json, "search", kt_json_string(t->search));
    kt_json_put(json, "trial", kt_json_int((int64_t)i));
    if (rung >= 0)
        kt_json_put(json, "rung", kt_json_int(rung));
    return json;
}

static kt_status tell(kt_trials *t, const char *event, size_t i, kt_error *err)
{
    return kt_ledger_write(t->ledger, kt_trials_event(t, event, i, t->rung), err);
}

static kt_status tell_proposed(kt_trials *t, size_t i, kt_error *err)
{
    kt_json *json = kt_trials_event(t, "proposed", i, -1);
    kt_json_put(json, "first", kt_json_int(t->trial[i].first));
    kt_json_put(json, "options", kt_trials_options(t, i));
    return kt_ledger_write(t->ledger, json, err);
}

/* ---- batches and stages ---- */

static kt_status look_back(kt_observed **seen, const kt_trials *t, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(seen, t->n, sizeof **seen, err));
    for (size_t i = 0; i < t->n; i++) {
        const trial *one = &t->trial[i];
        (*seen)[i] = (kt_observed){
            .u = t->u + i * t->d, .rung = one->reached, .value = one->failed ? NAN : one->value};
    }
out:
    return status;
}

static kt_status propose(kt_trials *t, kt_error *err)
{
    kt_status status = KT_OK;
    kt_observed *seen = NULL;
    int *first = NULL;
    size_t from = t->n, n = kt_sweep_batch(t->sweep, from);
    KT_TRY(look_back(&seen, t, err));
    KT_TRY(kt_alloc(&first, n, sizeof *first, err));
    KT_TRY(kt_propose(t->u + from * t->d, t->sweep->space, &t->proposer, from, n, seen, from, err));
    kt_rungs_deal(first, &t->sweep->rung, n);
    for (size_t i = 0; i < n; i++) {
        t->trial[from + i] = (trial){.first = first[i], .reached = -1, .runs = true};
        KT_TRY(tell_proposed(t, from + i, err));
    }
    t->batch = from;
    t->n += n;
    t->rung = 0;
out:
    free(seen);
    free(first);
    return status;
}

kt_status kt_trials_stage(const size_t **stage, size_t *n, int *rung, kt_trials *t, kt_error *err)
{
    kt_status status = KT_OK;
    *stage = t->stage;
    *n = t->n_stage = 0;
    *rung = -1;
    if (t->rung == t->sweep->rung.n) {
        if (t->n == all(t->sweep))
            return KT_OK;
        KT_TRY(propose(t, err));
    }
    for (size_t i = t->batch; i < t->n; i++) {
        if (t->trial[i].runs && t->trial[i].first <= t->rung)
            t->stage[t->n_stage++] = i;
    }
    *n = t->n_stage;
    *rung = t->rung;
out:
    return status;
}

kt_status kt_trials_set(kt_trials *t, size_t i, double value, const char *reason, kt_error *err)
{
    trial *one = &t->trial[i];
    kt_json *json = kt_trials_event(t, reason ? "failed" : "rung", i, t->rung);
    if (reason) {
        one->failed = true;
        kt_json_put(json, "reason", kt_json_string(reason));
    } else {
        one->reached = t->rung;
        one->value = value;
        kt_json_put(json, "value", kt_json_real(value));
    }
    return kt_ledger_write(t->ledger, json, err);
}

/* ---- decisions ---- */

static kt_status promote(kt_trials *t, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = t->n - t->batch;
    const trial *of = t->trial + t->batch;
    bool *there = NULL, *promoted = NULL;
    double *value = NULL;
    int *first = NULL;
    KT_TRY(kt_alloc(&there, n, sizeof *there, err));
    KT_TRY(kt_alloc(&promoted, n, sizeof *promoted, err));
    KT_TRY(kt_alloc(&value, n, sizeof *value, err));
    KT_TRY(kt_alloc(&first, n, sizeof *first, err));
    for (size_t i = 0; i < n; i++) {
        first[i] = of[i].first;
        value[i] = of[i].failed ? NAN : of[i].value;
    }
    for (size_t k = 0; k < t->n_stage; k++)
        there[t->stage[k] - t->batch] = true;
    kt_rungs_promote(promoted, &t->sweep->rung, first, value, there, n, t->rung);
    for (size_t k = 0; k < t->n_stage; k++) {
        size_t i = t->stage[k];
        t->trial[i].runs = promoted[i - t->batch];
        if (!t->trial[i].failed)
            KT_TRY(tell(t, t->trial[i].runs ? "promoted" : "stopped", i, err));
    }
out:
    free(there);
    free(promoted);
    free(value);
    free(first);
    return status;
}

kt_status kt_trials_decide(kt_trials *t, kt_error *err)
{
    kt_status status = KT_OK;
    if (t->rung + 1 < t->sweep->rung.n)
        KT_TRY(promote(t, err));
    else
        for (size_t k = 0; k < t->n_stage; k++)
            t->trial[t->stage[k]].runs = false;
    t->rung++;
out:
    return status;
}

bool kt_trials_goes_on(const kt_trials *t, size_t i)
{
    return t->trial[i].runs;
}

/* ---- what came of it ---- */

size_t kt_trials_count(const kt_trials *t)
{
    return t->n;
}

size_t kt_trials_failed(const kt_trials *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->trial[i].failed;
    return n;
}

const char *kt_trials_search(const kt_trials *t)
{
    return t->search;
}

double kt_trials_value(const kt_trials *t, size_t i)
{
    return t->trial[i].value;
}

static int by_value(const void *a, const void *b, void *context)
{
    const size_t i = *(const size_t *)a, k = *(const size_t *)b;
    const trial *of = context;
    if (of[i].value != of[k].value)
        return of[i].value < of[k].value ? -1 : 1;
    return (i > k) - (i < k);
}

void kt_trials_best(size_t *best, size_t *n, const kt_trials *t)
{
    *n = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (!t->trial[i].failed && t->trial[i].reached == t->sweep->rung.n - 1)
            best[(*n)++] = i;
    }
    qsort_r(best, *n, sizeof *best, by_value, t->trial);
}
