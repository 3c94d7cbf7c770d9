#include "kt/campaign.h"

#include "campaign_private.h"
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const kt_campaign *c;
    const kt_campaign_options *o;
    campaign_folder folder;
    size_t cell;                    /* the one at work */
    const kt_campaign_cell *set_up; /* whose replicas the hooks have set, or NULL */
    bool passable;                  /* the failure is of the hook or the server, not of this machine */
    size_t failed, run;
} campaign;

static kt_load_order ask(void *context)
{
    const campaign *w = context;
    return w->o->stop ? w->o->stop(w->o->context) : KT_LOAD_GO;
}

static void tell(void *context, size_t sent, size_t done, size_t errors)
{
    const campaign *w = context;
    w->o->progress(w->o->context, w->cell, sent, done, errors);
}

/* ---- one cell ---- */

static kt_load_options load_of(campaign *w)
{
    const kt_campaign_cell *cell = &w->c->cell[w->cell];
    kt_load_options load = w->c->load;
    load.rate = cell->rps / w->c->slowdown;
    load.requests = cell->requests;
    load.seconds = cell->seconds;
    load.cell = (uint32_t)w->cell;
    load.attempt = w->folder.tries[w->cell] - 1;
    load.stop = ask;
    load.progress = w->o->progress ? tell : NULL;
    load.context = w;
    return load;
}

static kt_json *reps_of(const kt_campaign_cell *cell)
{
    kt_json *reps = kt_json_object();
    for (size_t i = 0; i < cell->n_reps; i++)
        kt_json_put(reps, cell->rep[i].service, kt_json_int(cell->rep[i].rep));
    return reps;
}

/* The cell as the manifest has it; NULL where nothing was measured, which leaves it without a time. */
static kt_json *entry_of(const campaign *w, const kt_load_result *result)
{
    const kt_campaign_cell *cell = &w->c->cell[w->cell];
    kt_json *entry = kt_load_figures(result);
    if (!kt_json_get(entry, "start_us")) {
        kt_json_drop(entry);
        return NULL;
    }
    kt_json_put(entry, "cell", kt_json_int((int64_t)w->cell));
    kt_json_put(entry, "rps", kt_json_real(cell->rps));
    kt_json_put(entry, "slowdown", kt_json_real(w->c->slowdown));
    kt_json_put(entry, "rps_asked", kt_json_real(cell->rps / w->c->slowdown));
    kt_json_put(entry, "attempt", kt_json_int(w->folder.tries[w->cell] - 1));
    if (cell->n_reps > 0)
        kt_json_put(entry, "rep", reps_of(cell));
    if (result->end == KT_LOAD_STOPPED)
        kt_json_put(entry, "incomplete", kt_json_string("stopped"));
    if (result->end == KT_LOAD_GONE || result->end == KT_LOAD_UNANSWERED)
        kt_json_put(entry, "incomplete", kt_json_string("the server gave no answer"));
    return entry;
}

static kt_status judge(const campaign *w, const kt_load_result *result, const kt_json *entry, kt_error *err)
{
    if (result->end == KT_LOAD_STOPPED)
        return kt_fail(err, KT_STOPPED, "stopped in cell %zu after %zu of %zu requests", w->cell, result->n,
                       result->planned);
    if (result->end == KT_LOAD_GONE)
        return kt_fail(err, KT_IO, "cell %zu: no answer within %g s: %s", w->cell, w->c->load.give_up_s,
                       result->reason);
    if (result->end == KT_LOAD_UNANSWERED)
        return kt_fail(err, KT_IO, "cell %zu: none of its %zu requests was answered: %s", w->cell, result->n,
                       result->reason);
    if (!entry)
        return kt_fail(err, KT_IO, "cell %zu: no request was due within its %g s", w->cell,
                       w->c->cell[w->cell].seconds);
    return KT_OK;
}

static kt_status run_load(campaign *w, kt_error *err)
{
    kt_status status = KT_OK;
    kt_load_result result = {.n = 0};
    KT_TRY(campaign_folder_begin(&w->folder, w->c, w->cell, err));
    kt_load_options load = load_of(w);
    KT_TRY(kt_load_run(&result, &load, err));
    kt_json *entry = entry_of(w, &result);
    KT_TRY(campaign_folder_put(&w->folder, w->c, w->cell, &result, kt_json_keep(entry), err));
    if (entry && w->o->cell_done)
        w->o->cell_done(w->o->context, entry);
    w->passable = true;
    status = judge(w, &result, entry, err);
    kt_json_drop(entry);
out:
    kt_load_result_clear(&result);
    return status;
}

static kt_status wait(const campaign *w, kt_error *err)
{
    for (double left = w->c->pause_s; left > 0; left -= 0.05) {
        if (ask((void *)w) != KT_LOAD_GO)
            return kt_fail(err, KT_STOPPED, "stopped before cell %zu", w->cell);
        poll(NULL, 0, left < 0.05 ? (int)(left * 1000) : 50);
    }
    return KT_OK;
}

static kt_status run_cell(campaign *w, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_campaign_cell *before = w->set_up;
    w->set_up = NULL; /* until all hooks have done their work nothing is known */
    w->passable = true;
    KT_TRY(campaign_run_hooks(w->c, w->cell, before, w->o, err));
    w->passable = false;
    w->set_up = &w->c->cell[w->cell];
    if (w->run++ > 0)
        KT_TRY(wait(w, err));
    KT_TRY(run_load(w, err));
out:
    return status;
}

/* ---- all cells ---- */

/* A failure is passed over where that is asked for; being told to stop, or a full disk, is not. */
static kt_status pass_over(campaign *w, kt_status status, const kt_error *why, kt_error *err)
{
    if (status == KT_OK)
        return KT_OK;
    if (status != KT_IO || !w->passable || !w->o->keep_going)
        return kt_fail(err, status, "%s", why->message);
    w->failed++;
    if (w->o->note)
        w->o->note(w->o->context, why->message);
    return KT_OK;
}

kt_status kt_campaign_run(kt_json **summary, const kt_campaign *plan, const kt_campaign_options *options,
                          kt_error *err)
{
    kt_status status = KT_OK, end = KT_OK;
    campaign w = {.c = plan, .o = options};
    *summary = NULL;
    KT_TRY(campaign_folder_open(&w.folder, w.c, options, err));
    for (w.cell = 0; w.cell < w.c->n && end == KT_OK; w.cell++) {
        kt_error why = {0};
        if (w.folder.finished || w.folder.done[w.cell])
            continue;
        if (ask(&w) != KT_LOAD_GO)
            end = kt_fail(err, KT_STOPPED, "stopped before cell %zu", w.cell);
        else
            end = pass_over(&w, run_cell(&w, &why), &why, err);
    }
    KT_TRY(campaign_folder_finish(summary, &w.folder, w.c, err));
    if (end == KT_OK && w.failed > 0)
        end = kt_fail(err, KT_IO, "%zu of %zu cells failed; the same command tries them again", w.failed,
                      w.c->n);
    status = end;
out:
    campaign_folder_close(&w.folder);
    return status;
}
