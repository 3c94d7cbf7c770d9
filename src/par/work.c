#include "kt/comm.h"
#include "kt/pulse.h"
#include "work_private.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAP_NS = 20000, TAG_GROUP = 1, TAG_MEET };

/* ---- one item ---- */

static MPI_Comm make_team(const kt_work *w, const int *ranks, int n)
{
    MPI_Group all, members;
    MPI_Comm team;
    if (n == 1)
        return MPI_COMM_SELF;
    MPI_Comm_group(w->groups, &all);
    MPI_Group_incl(all, n, ranks, &members);
    /* create_group would wait without a beat for those that are in another team, however long */
    kt_comm_meet(ranks, n, TAG_MEET, w->groups);
    MPI_Comm_create_group(w->groups, members, TAG_GROUP, &team);
    MPI_Group_free(&members);
    MPI_Group_free(&all);
    return team;
}

static kt_status run_once(kt_work *w, kt_work_task *task, kt_error *err)
{
    w->task = task;
    w->grows = w->stops = false;
    w->words = MPI_REQUEST_NULL;
    w->first_turn = 0;
    w->began = MPI_Wtime();
    w->runs = true;
    kt_status status = w->calls->run(w->calls->context, w, task, err);
    w->runs = false;
    if (w->words != MPI_REQUEST_NULL)
        kt_comm_wait(&w->words, MPI_STATUS_IGNORE);
    if (w->n_team > 1)
        status = kt_comm_agree(task->team, status, err);
    if (status == KT_OK && w->team[0] == w->rank && !w->grows)
        turn_send(w, task->left ? BYTES_LEFT : BYTES_RESULT, task->bytes, task->n);
    return status;
}

/* The leader's state to all of the team, if none of them failed before. carried: what the others get. */
static kt_status share_state(kt_work_task *task, char **carried, const kt_work *w, kt_status status,
                             kt_error *err)
{
    bool leads = w->team[0] == w->rank;
    char *shared = leads ? (char *)(uintptr_t)task->state : NULL;
    size_t n = leads ? task->n_state : 0;
    KT_TRY(kt_comm_agree(task->team, status, err));
    KT_TRY(kt_comm_share(&shared, &n, 0, task->team, err));
    if (!leads)
        *carried = shared;
    task->state = n > 0 ? shared : NULL;
    task->n_state = n;
out:
    return status;
}

/* As a member of w->team, whose leader has the state (NULL: none). A team that grows takes the state along;
 * it comes together even where its run failed, for those who join were told and must learn of it. */
static kt_status run_item(kt_work *w, size_t item, const char *state, size_t n_state, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work_task task = {.item = item, .state = state, .n_state = n_state};
    char *carried = NULL; /* the state that this rank owns */
    w->pending.save = false;
    w->pending.stop = w->rank == 0 && desk_stopping(w);
    w->pending.n_team = 0;
    for (bool grows = true; grows;) {
        task.team = make_team(w, w->team, w->n_team);
        if (w->n_team > 1)
            status = share_state(&task, &carried, w, status, err);
        w->grows = false;
        if (status == KT_OK)
            status = run_once(w, &task, err);
        if (w->n_team > 1)
            MPI_Comm_free(&task.team);
        free(carried);
        carried = NULL;
        grows = w->grows;
        if (grows) {
            carried = task.bytes;
            memcpy(w->team, w->next_team, (size_t)w->n_next * sizeof *w->team);
            w->n_team = w->n_next;
            task = (kt_work_task){.item = item, .state = carried, .n_state = task.n};
        }
    }
    free(task.bytes);
    free(carried);
    return status;
}

static kt_status run_answer(kt_work *w, const answer *a, const int *team, const char *state, kt_error *err)
{
    w->n_team = a->n_team > 0 ? (int)a->n_team : 1;
    w->team[0] = w->rank;
    if (a->n_team > 0)
        memcpy(w->team, team, (size_t)a->n_team * sizeof *w->team);
    return run_item(w, (size_t)a->item, state, (size_t)a->n_state, err);
}

/* ---- the first ranks in teams; the others go on to the queue at once ---- */

static kt_status run_teams(kt_work *w, const size_t *order, size_t n_team, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < n_team && status == KT_OK && !w->stops; i++) {
        size_t item = order[i], n = 0;
        int size = w->items[item].limit < w->size ? w->items[item].limit : w->size;
        const char *state = NULL;
        if (w->rank >= size)
            continue;
        w->n_team = size;
        for (int r = 0; r < size; r++)
            w->team[r] = r;
        if (w->rank == 0) {
            desk_leads(w, item, size);
            state = w->calls->begun(w->calls->context, item, &n);
        }
        status = run_item(w, item, state, n, err);
    }
    return status;
}

/* ---- the queue ---- */

static kt_status queue_first_rank(kt_work *w, kt_status status, kt_error *err)
{
    const struct timespec nap = {0, NAP_NS};
    while (!desk_closed(w)) {
        answer a;
        const int *team;
        size_t n = 0;
        kt_pause();
        desk_serve(w);
        if (!desk_ask(&a, &team, w, status != KT_OK)) {
            nanosleep(&nap, NULL);
        } else if (a.item != NONE_LEFT && status == KT_OK) {
            const char *state = a.n_state > 0 ? w->calls->begun(w->calls->context, (size_t)a.item, &n) : NULL;
            status = run_answer(w, &a, team, state, err);
        }
    }
    return status;
}

static kt_status ask(answer *a, char **state, kt_work *w, int what, kt_error *err)
{
    kt_status status = KT_OK;
    kt_comm_send(&what, sizeof what, 0, TAG_ASK, w->comm);
    kt_comm_receive(a, sizeof *a, 0, TAG_ANSWER, w->comm);
    *state = NULL;
    if (a->n_team > 0)
        kt_comm_receive(w->next_team, (size_t)a->n_team * sizeof *w->next_team, 0, TAG_TEAM, w->comm);
    if (a->n_state > 0) {
        status = kt_alloc(state, (size_t)a->n_state, 1, err);
        kt_comm_receive(*state, status == KT_OK ? (size_t)a->n_state : 0, 0, TAG_STATE, w->comm);
    }
    return status;
}

static kt_status queue_other_rank(kt_work *w, kt_status status, kt_error *err)
{
    for (;;) {
        answer a;
        char *state = NULL;
        kt_status asked = ask(&a, &state, w, status == KT_OK ? ASK_NEXT : ASK_FAILED, err);
        status = status == KT_OK ? asked : status;
        if (a.item == NONE_LEFT) {
            turn_finish_saving(w);
            return status;
        }
        if (status == KT_OK)
            status = run_answer(w, &a, w->next_team, state, err);
        free(state);
    }
}

/* ---- all of it ---- */

static bool can_share(const kt_work *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!w->items[i].done && w->items[i].limit > 1)
            return w->size > 1 && w->options->parallel == KT_PLAN_AUTO;
    }
    return false;
}

/* The open items in the order in which they are begun; the first *n_team of them in teams. */
static kt_status plan(size_t *order, size_t *n_open, size_t *n_team, const kt_work *w, size_t n,
                      kt_error *err)
{
    kt_status status = KT_OK;
    size_t *open = NULL;
    double *cost = NULL;
    int *limit = NULL;
    *n_open = 0;
    KT_TRY(kt_alloc(&open, n, sizeof *open, err));
    KT_TRY(kt_alloc(&cost, n, sizeof *cost, err));
    KT_TRY(kt_alloc(&limit, n, sizeof *limit, err));
    for (size_t i = 0; i < n; i++) {
        if (w->items[i].done)
            continue;
        cost[*n_open] = w->items[i].cost;
        limit[*n_open] = w->items[i].limit;
        open[(*n_open)++] = i;
    }
    kt_plan_teams(order, n_team, cost, limit, *n_open, w->size, w->options->parallel);
    for (size_t i = 0; i < *n_open; i++)
        order[i] = open[order[i]];
out:
    free(open);
    free(cost);
    free(limit);
    return status;
}

static kt_status prepare(kt_work *w, size_t **order, size_t *n_team, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n_open = 0, ranks = (size_t)w->size;
    KT_TRY(kt_alloc(order, n, sizeof **order, err));
    KT_TRY(kt_alloc(&w->team, ranks, sizeof *w->team, err));
    KT_TRY(kt_alloc(&w->next_team, ranks, sizeof *w->next_team, err));
    KT_TRY(kt_alloc(&w->pending.team, ranks, sizeof *w->pending.team, err));
    KT_TRY(plan(*order, &n_open, n_team, w, n, err));
    if (w->rank == 0)
        KT_TRY(desk_create(&w->desk, w, n, *order + *n_team, n_open - *n_team, err));
out:
    return status;
}

/* Rank 0: how it all ended. */
static kt_status close_desk(int *left, kt_work *w, kt_status status, kt_error *err)
{
    *left = desk_left(w);
    if (desk_stopping(w)) {
        kt_error why = {0};
        kt_status kept = w->calls->commit(w->calls->context, &why);
        if (status == KT_OK && kept != KT_OK)
            status = kt_fail(err, kept, "%s", why.message);
    }
    return status == KT_OK ? desk_status(w, err) : status;
}

/* The desk is not served within itself, nor in the middle of a turn. */
static bool see_to(void *context)
{
    kt_work *w = context;
    if (w->outer.call)
        w->outer.call(w->outer.context);
    kt_pulse_beat();
    if (w->rank == 0 && w->runs)
        desk_serve(w);
    return false;
}

kt_status kt_work_run(bool *stopped, const kt_work_item *items, size_t n, const kt_work_options *options,
                      MPI_Comm comm, const kt_work_calls *calls, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work w = {.items = items,
                 .calls = calls,
                 .options = options,
                 .words = MPI_REQUEST_NULL,
                 .saving = {MPI_REQUEST_NULL, MPI_REQUEST_NULL}};
    size_t *order = NULL, n_team = 0;
    int left = 0;

    w.outer = kt_pause_with((kt_pauser){see_to, &w});
    MPI_Comm_dup(comm, &w.comm);
    MPI_Comm_dup(comm, &w.groups);
    w.rank = kt_comm_rank(comm);
    w.size = kt_comm_size(comm);
    status = prepare(&w, &order, &n_team, n, err);
    KT_TRY(kt_comm_agree(comm, status, err));
    w.latency = options->latency ? *options->latency : 0;
    if (w.latency <= 0 && can_share(&w, n))
        w.latency = turn_latency(w.comm);
    if (options->latency)
        *options->latency = w.latency;
    status = run_teams(&w, order, n_team, err);
    status = w.rank == 0 ? queue_first_rank(&w, status, err) : queue_other_rank(&w, status, err);
    if (w.rank == 0)
        status = close_desk(&left, &w, status, err);
    status = kt_comm_agree(comm, status, err);
    kt_comm_bcast(&left, sizeof left, 0, comm);
    *stopped = left != 0;
out:
    kt_pause_with(w.outer);
    desk_destroy(w.desk);
    free(order);
    free(w.team);
    free(w.next_team);
    free(w.pending.team);
    MPI_Comm_free(&w.groups);
    MPI_Comm_free(&w.comm);
    return status;
}
