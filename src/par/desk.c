/* Rank 0's side of kt_work: who runs what, who is free, and what is due. Other ranks are heard only when
 * desk_serve is called, which rank 0 does between two turns of its own work. */
#include "kt/comm.h"
#include "work_private.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
    BUSY,
    IDLE,
    JOINS,
    RELEASED
} rank_state; /* JOINS: asked for a team that has not replied yet */

typedef struct {                 /* a run, kept at its leader */
    bool runs, save_due, closed; /* closed: it would not grow */
    size_t item;
    int n_team, n_wanted; /* ranks; with those who are to join, 0: none asked */
    int *team;            /* [n_team], then the others of n_wanted */
    double began;
} runner;

struct desk {
    const size_t *queue;
    size_t n_queue, next;
    runner *by; /* [ranks] */
    rank_state *rank;
    int unreleased, running, awaited; /* awaited: states for the next commit */
    bool stopping, left;              /* left: an item is not done */
    double committed, unit;           /* unit: seconds a cost took, 0: not known yet */
    int size;
    bool has_own;
    answer own; /* rank 0's */
    const int *own_team;
    kt_error error;
};

/* Ranks of the largest team that there can be. */
static int largest_team(const kt_work *w, size_t n_items)
{
    int most = 1;
    for (size_t i = 0; i < n_items; i++)
        most = w->items[i].limit > most ? w->items[i].limit : most;
    return most < w->size ? most : w->size;
}

kt_status desk_create(desk **out, kt_work *w, size_t n_items, const size_t *queue, size_t n_queue,
                      kt_error *err)
{
    kt_status status = KT_OK;
    desk *d = NULL;
    size_t most = (size_t)largest_team(w, n_items);
    KT_TRY(kt_alloc(&d, 1, sizeof *d, err));
    *out = d;
    d->queue = queue;
    d->n_queue = n_queue;
    d->size = d->unreleased = w->size;
    d->committed = MPI_Wtime();
    KT_TRY(kt_alloc(&d->by, (size_t)w->size, sizeof *d->by, err));
    KT_TRY(kt_alloc(&d->rank, (size_t)w->size, sizeof *d->rank, err));
    for (int r = 0; r < w->size; r++)
        KT_TRY(kt_alloc(&d->by[r].team, most, sizeof *d->by[r].team, err));
out:
    return status;
}

void desk_destroy(desk *d)
{
    if (!d)
        return;
    for (int r = 0; d->by && r < d->size; r++)
        free(d->by[r].team);
    free(d->by);
    free(d->rank);
    free(d);
}

/* ---- telling ---- */

static void answer_to(kt_work *w, int to, answer a, const int *team)
{
    desk *d = w->desk;
    d->rank[to] = a.item == NONE_LEFT ? RELEASED : BUSY;
    d->unreleased -= a.item == NONE_LEFT;
    if (to == 0) {
        d->own = a;
        d->own_team = team;
        d->has_own = true;
        return;
    }
    size_t n = 0;
    const char *state = a.n_state > 0 ? w->calls->begun(w->calls->context, (size_t)a.item, &n) : NULL;
    kt_comm_send(&a, sizeof a, to, TAG_ANSWER, w->comm);
    if (a.n_team > 0)
        kt_comm_send(team, (size_t)a.n_team * sizeof *team, to, TAG_TEAM, w->comm);
    if (a.n_state > 0)
        kt_comm_send(state, n, to, TAG_STATE, w->comm);
}

static void order_to(kt_work *w, int to, int kind)
{
    const runner *run = &w->desk->by[to];
    order o = {kind, (int64_t)run->item, kind == ORDER_GROW ? run->n_wanted : 0};
    if (to == 0) {
        w->pending.save |= kind == ORDER_SAVE;
        w->pending.stop |= kind == ORDER_STOP;
        w->pending.n_team = kind == ORDER_GROW ? run->n_wanted : w->pending.n_team;
        if (kind == ORDER_GROW)
            memcpy(w->pending.team, run->team, (size_t)run->n_wanted * sizeof *run->team);
        return;
    }
    kt_comm_send(&o, sizeof o, to, TAG_ORDER, w->comm);
    if (o.n_team > 0)
        kt_comm_send(run->team, (size_t)run->n_wanted * sizeof *run->team, to, TAG_LARGER, w->comm);
}

static void release(kt_work *w, int to)
{
    answer_to(w, to, (answer){.item = NONE_LEFT}, NULL);
}

/* ---- commits ---- */

static void fail(kt_work *w, kt_status status, const kt_error *err);

static void commit(kt_work *w)
{
    kt_error err = {0};
    kt_status status = w->calls->commit(w->calls->context, &err);
    if (status != KT_OK)
        fail(w, status, &err);
}

static void state_is_there(kt_work *w, runner *run)
{
    if (!run->save_due)
        return;
    run->save_due = false;
    if (--w->desk->awaited == 0)
        commit(w);
}

static void ask_for_states(kt_work *w, double now)
{
    desk *d = w->desk;
    d->committed = now;
    for (int r = 0; r < w->size; r++) {
        if (!d->by[r].runs)
            continue;
        d->by[r].save_due = true;
        d->awaited++;
        order_to(w, r, ORDER_SAVE);
    }
    if (d->awaited == 0)
        commit(w);
}

/* ---- stopping ---- */

static void stop(kt_work *w)
{
    desk *d = w->desk;
    if (d->stopping)
        return;
    d->stopping = true;
    d->left |= d->next < d->n_queue;
    for (int r = 0; r < w->size; r++) {
        if (d->by[r].runs)
            order_to(w, r, ORDER_STOP);
        if (d->rank[r] == IDLE)
            release(w, r);
    }
}

static void fail(kt_work *w, kt_status status, const kt_error *err)
{
    if (w->desk->error.status == KT_OK) {
        w->desk->error = *err;
        w->desk->error.status = status;
    }
    stop(w);
}

/* ---- growing ---- */

static bool can_grow(const kt_work *w, const runner *run)
{
    return run->runs && !run->closed && run->n_wanted == 0 && run->n_team < w->items[run->item].limit;
}

/* The run that will end last, as far as rank 0 can tell; -1: none can grow. */
static int last_to_end(const kt_work *w)
{
    const desk *d = w->desk;
    double now = MPI_Wtime(), longest = 0;
    int best = -1;
    for (int r = 0; r < w->size; r++) {
        const runner *run = &d->by[r];
        if (!can_grow(w, run))
            continue;
        double remains = w->items[run->item].cost / run->n_team;
        if (d->unit > 0)
            remains = remains * d->unit - (now - run->began);
        if (best < 0 || remains > longest) {
            best = r;
            longest = remains;
        }
    }
    return best;
}

static void invite(kt_work *w, int leader)
{
    desk *d = w->desk;
    runner *run = &d->by[leader];
    int limit = w->items[run->item].limit, n = run->n_team;
    for (int r = 0; r < w->size && n < limit; r++) {
        if (d->rank[r] != IDLE)
            continue;
        d->rank[r] = JOINS;
        run->team[n++] = r;
    }
    run->n_wanted = n;
    order_to(w, leader, ORDER_GROW);
}

static int count(const desk *d, int ranks, rank_state state)
{
    int n = 0;
    for (int r = 0; r < ranks; r++)
        n += d->rank[r] == state;
    return n;
}

/* Free ranks join a run, wait for one that is asked, or are released. */
static void place_idle(kt_work *w)
{
    desk *d = w->desk;
    int leader;
    while (!d->stopping && w->options->parallel == KT_PLAN_AUTO && count(d, w->size, IDLE) > 0 &&
           (leader = last_to_end(w)) >= 0)
        invite(w, leader);
    if (count(d, w->size, JOINS) > 0 && !d->stopping)
        return;
    for (int r = 0; r < w->size; r++) {
        if (d->rank[r] == IDLE)
            release(w, r);
    }
}

static void take_back(kt_work *w, runner *run)
{
    for (int i = run->n_team; i < run->n_wanted; i++)
        w->desk->rank[run->team[i]] = IDLE;
    run->n_wanted = 0;
}

void desk_reply(kt_work *w, int from, const reply *r)
{
    desk *d = w->desk;
    runner *run = &d->by[from];
    if (!run->runs || run->item != (size_t)r->item || run->n_wanted == 0)
        return;
    if (r->yes) {
        int before = run->n_team;
        run->n_team = run->n_wanted;
        run->n_wanted = 0;
        for (int i = before; i < run->n_team; i++)
            answer_to(w, run->team[i], (answer){.item = r->item, .n_team = run->n_team}, run->team);
    } else {
        run->closed = true;
        take_back(w, run);
    }
    place_idle(w);
}

/* ---- runs ---- */

static void begin(kt_work *w, int leader, size_t item, int n_team)
{
    runner *run = &w->desk->by[leader];
    int *team = run->team;
    *run = (runner){.runs = true, .item = item, .n_team = n_team, .team = team, .began = MPI_Wtime()};
    for (int i = 0; i < n_team; i++)
        team[i] = leader + i; /* alone, or the first ranks */
    w->desk->running++;
}

static void end(kt_work *w, int leader)
{
    desk *d = w->desk;
    runner *run = &d->by[leader];
    if (!run->runs)
        return;
    run->runs = false;
    d->running--;
    take_back(w, run);
    state_is_there(w, run);
    place_idle(w);
}

void desk_leads(kt_work *w, size_t item, int n_team)
{
    begin(w, 0, item, n_team);
}

static void learn(kt_work *w, const runner *run)
{
    double cost = w->items[run->item].cost;
    if (cost > 0)
        w->desk->unit = (MPI_Wtime() - run->began) * run->n_team / cost;
}

void desk_take(kt_work *w, int from, const bytes_head *head, const char *bytes, size_t n)
{
    desk *d = w->desk;
    kt_error err = {0};
    runner *run = &d->by[from];
    kt_status (*keep)(void *, size_t, const char *, size_t, kt_error *) =
        head->kind == BYTES_RESULT ? w->calls->result : w->calls->state;
    kt_status status = keep(w->calls->context, (size_t)head->item, bytes, n, &err);
    if (status != KT_OK)
        fail(w, status, &err);
    if (head->kind == BYTES_RESULT)
        learn(w, run);
    d->left |= head->kind == BYTES_LEFT;
    if (head->kind == BYTES_STATE)
        state_is_there(w, run);
    else
        end(w, from);
}

static void hand_out(kt_work *w, int to)
{
    desk *d = w->desk;
    size_t n_state = 0;
    if (d->stopping) {
        release(w, to);
    } else if (d->next < d->n_queue) {
        size_t item = d->queue[d->next++];
        w->calls->begun(w->calls->context, item, &n_state);
        begin(w, to, item, 1);
        answer_to(w, to, (answer){.item = (int64_t)item, .n_state = (int64_t)n_state}, NULL);
    } else {
        d->rank[to] = IDLE;
        place_idle(w);
    }
}

static void asked(kt_work *w, int from, bool failed)
{
    end(w, from); /* of a run that failed */
    if (failed)
        stop(w);
    hand_out(w, from);
}

bool desk_ask(answer *a, const int **team, kt_work *w, bool failed)
{
    desk *d = w->desk;
    if (d->rank[0] == BUSY && !d->has_own)
        asked(w, 0, failed);
    if (!d->has_own)
        return false;
    d->has_own = false;
    *a = d->own;
    *team = d->own_team;
    return true;
}

bool desk_closed(const kt_work *w)
{
    return w->desk->unreleased == 0 && w->desk->running == 0;
}

bool desk_stopping(const kt_work *w)
{
    return w->desk->stopping;
}

bool desk_left(const kt_work *w)
{
    return w->desk->left;
}

kt_status desk_status(const kt_work *w, kt_error *err)
{
    const kt_error *e = &w->desk->error;
    return e->status == KT_OK ? KT_OK : kt_fail(err, e->status, "%s", e->message);
}

/* ---- listening ---- */

static void hear_text(kt_work *w, int from)
{
    char text[KT_WORK_TELL];
    int n;
    MPI_Status got;
    MPI_Recv(text, KT_WORK_TELL, MPI_BYTE, from, TAG_TELL, w->comm, &got);
    MPI_Get_count(&got, MPI_BYTE, &n);
    w->calls->hear(w->calls->context, text, (size_t)n);
}

static void hear_ask(kt_work *w, int from)
{
    int what;
    kt_comm_receive(&what, sizeof what, from, TAG_ASK, w->comm);
    asked(w, from, what == ASK_FAILED);
}

static void hear_bytes(kt_work *w, int from)
{
    bytes_head head;
    MPI_Status there;
    int n;
    char *bytes = NULL;
    kt_comm_receive(&head, sizeof head, from, TAG_BYTES, w->comm);
    MPI_Probe(from, TAG_STATE, w->comm, &there);
    MPI_Get_count(&there, MPI_BYTE, &n);
    if (kt_alloc(&bytes, (size_t)n, 1, NULL) != KT_OK)
        n = 0; /* MPI ends the job: the message does not fit */
    kt_comm_receive(bytes, (size_t)n, from, TAG_STATE, w->comm);
    desk_take(w, from, &head, bytes, (size_t)n);
    free(bytes);
}

static void hear_reply(kt_work *w, int from)
{
    reply r;
    kt_comm_receive(&r, sizeof r, from, TAG_REPLY, w->comm);
    desk_reply(w, from, &r);
}

static void (*const hear[])(kt_work *w, int from) = {
    [TAG_ASK] = hear_ask, [TAG_TELL] = hear_text, [TAG_BYTES] = hear_bytes, [TAG_REPLY] = hear_reply};

static void listen(kt_work *w)
{
    for (;;) {
        int there;
        MPI_Status from;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, w->comm, &there, &from);
        if (!there)
            return;
        assert(from.MPI_TAG >= TAG_ASK && from.MPI_TAG <= TAG_REPLY);
        hear[from.MPI_TAG](w, from.MPI_SOURCE);
    }
}

void desk_serve(kt_work *w)
{
    desk *d = w->desk;
    const kt_work_options *o = w->options;
    double now = MPI_Wtime();
    if (w->size > 1)
        listen(w);
    if (o->stop && *o->stop)
        stop(w);
    if (o->save_every > 0 && d->awaited == 0 && !d->stopping && now - d->committed >= o->save_every)
        ask_for_states(w, now);
}

void desk_await_growth(kt_work *w, int leader, int n_team)
{
    while (w->desk->by[leader].n_team < n_team) {
        kt_pause();
        desk_serve(w);
    }
}
