/* A rank's side of kt_work while an item runs: what it tells rank 0, and what the leader of its team says. */
#include "kt/comm.h"
#include "kt/pulse.h"
#include "work_private.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LATENCY_ROUNDS = 16, LATENCY_FLOATS = 1024 };

/* ---- does it pay to grow? ---- */

double turn_latency(MPI_Comm comm)
{
    static float values[LATENCY_FLOATS];
    double began = 0;
    for (int i = 0; i < 2 * LATENCY_ROUNDS; i++) {
        MPI_Request request;
        if (i == LATENCY_ROUNDS)
            began = MPI_Wtime();
        MPI_Iallreduce(MPI_IN_PLACE, values, LATENCY_FLOATS, MPI_FLOAT, MPI_MAX, comm, &request);
        kt_comm_wait(&request, MPI_STATUS_IGNORE);
    }
    double seconds = (MPI_Wtime() - began) / LATENCY_ROUNDS / kt_plan_exchanges(kt_comm_size(comm));
    kt_comm_bcast(&seconds, sizeof seconds, 0, comm);
    return seconds;
}

/* A larger team has to begin anew (rows are read, tables made), and then each step is shorter. What a step
 * takes is measured, and all of it but the exchanges is taken to be shared. */
static bool growing_pays(const kt_work *w, uint64_t steps, uint64_t of_steps)
{
    int now = w->n_team, then = w->pending.n_team, limit = w->items[w->task->item].limit;
    double step = (MPI_Wtime() - w->first_turn) / (double)(steps - w->first_step);
    double compute = step - w->latency * kt_plan_exchanges(now);
    double larger = compute * kt_plan_share(limit, then) / kt_plan_share(limit, now) +
                    w->latency * kt_plan_exchanges(then);
    double saved = (double)(of_steps - steps) * (step - larger);
    return compute > 0 && kt_plan_growing_pays(saved, w->first_turn - w->began);
}

/* ---- to rank 0 ---- */

void turn_finish_saving(kt_work *w)
{
    for (int i = 0; i < 2; i++) {
        if (w->saving[i] != MPI_REQUEST_NULL)
            kt_comm_wait(&w->saving[i], MPI_STATUS_IGNORE);
    }
    free(w->saved);
    w->saved = NULL;
}

void turn_send(kt_work *w, int kind, const char *bytes, size_t n)
{
    bytes_head head = {kind, (int64_t)w->task->item};
    if (w->rank == 0) {
        desk_take(w, 0, &head, bytes, n);
        return;
    }
    turn_finish_saving(w);
    kt_comm_send(&head, sizeof head, 0, TAG_BYTES, w->comm);
    kt_comm_send(bytes, n, 0, TAG_STATE, w->comm);
}

/* Rank 0 may be in this team and hears at its next turn, which it reaches with this rank only: so there is no
 * wait here. What was sent before has arrived: no state is asked for until all of the last commit are there.
 */
void kt_work_save(kt_work *w, char *bytes, size_t n)
{
    if (w->rank == 0) {
        w->runs = false;
        turn_send(w, BYTES_STATE, bytes, n);
        w->runs = true;
        free(bytes);
        return;
    }
    turn_finish_saving(w);
    w->saved = bytes;
    w->saved_head = (bytes_head){BYTES_STATE, (int64_t)w->task->item};
    MPI_Isend(&w->saved_head, (int)sizeof w->saved_head, MPI_BYTE, 0, TAG_BYTES, w->comm, &w->saving[0]);
    MPI_Isend(bytes, (int)n, MPI_BYTE, 0, TAG_STATE, w->comm, &w->saving[1]);
}

void kt_work_tell(kt_work *w, const char *text, size_t n)
{
    assert(n <= KT_WORK_TELL);
    if (w->rank == 0)
        w->calls->hear(w->calls->context, text, n);
    else
        kt_comm_send(text, n, 0, TAG_TELL, w->comm);
}

static void tell_reply(kt_work *w, bool yes)
{
    reply r = {(int64_t)w->task->item, yes};
    w->pending.n_team = 0;
    if (w->rank == 0)
        desk_reply(w, 0, &r);
    else
        kt_comm_send(&r, sizeof r, 0, TAG_REPLY, w->comm);
}

/* ---- a turn ---- */

/* Orders for a run that has ended meanwhile are dropped: rank 0 knows from its result. */
static void hear_orders(kt_work *w)
{
    for (;;) {
        int there;
        order o;
        MPI_Iprobe(0, TAG_ORDER, w->comm, &there, MPI_STATUS_IGNORE);
        if (!there)
            return;
        kt_comm_receive(&o, sizeof o, 0, TAG_ORDER, w->comm);
        if (o.kind == ORDER_GROW)
            kt_comm_receive(w->pending.team, (size_t)w->size * sizeof *w->pending.team, 0, TAG_LARGER,
                            w->comm);
        if ((size_t)o.item != w->task->item)
            continue;
        w->pending.save |= o.kind == ORDER_SAVE;
        w->pending.stop |= o.kind == ORDER_STOP;
        if (o.kind == ORDER_GROW)
            w->pending.n_team = (int)o.n_team;
    }
}

/* What the leader has its team do next. */
static void decide(kt_work *w, uint64_t steps, uint64_t of_steps)
{
    w->word[0] = KT_WORK_GO_ON;
    w->word[1] = 0;
    if (w->pending.stop) {
        w->word[0] = KT_WORK_LEAVE;
    } else if (w->pending.n_team > 0 && steps - w->first_step >= KT_PLAN_MEASURED_STEPS) {
        if (growing_pays(w, steps, of_steps)) {
            w->word[0] = KT_WORK_LEAVE;
            w->word[1] = w->pending.n_team;
        } else {
            tell_reply(w, false);
        }
    } else if (w->pending.save) {
        w->word[0] = KT_WORK_SAVE;
        w->pending.save = false;
    }
}

static kt_work_order obey(kt_work *w, const int64_t word[2])
{
    bool leads = w->team[0] == w->rank;
    if (word[0] == KT_WORK_SAVE)
        return leads ? KT_WORK_SAVE : KT_WORK_GO_ON;
    if (word[0] == KT_WORK_LEAVE) {
        w->grows = word[1] > 0;
        w->stops = !w->grows;
        w->n_next = (int)word[1];
        if (leads && w->grows) {
            memcpy(w->next_team, w->pending.team, (size_t)w->n_next * sizeof *w->next_team);
            tell_reply(w, true);
        }
        if (w->grows && w->n_team > 1)
            kt_comm_bcast(w->next_team, (size_t)w->n_next * sizeof *w->next_team, 0, w->task->team);
        if (w->rank == 0 && !leads && w->grows)
            desk_await_growth(w, w->team[0], w->n_next);
    }
    return (kt_work_order)word[0];
}

/* In a team the leader's word is on its way while the next piece is computed, and is obeyed a turn later. */
static kt_work_order take_turn(kt_work *w, uint64_t steps, uint64_t of_steps)
{
    bool leads = w->team[0] == w->rank;
    kt_pause();
    kt_pulse_beat();
    if (w->rank == 0)
        desk_serve(w);
    if (leads && w->rank != 0)
        hear_orders(w);
    if (w->n_team == 1) {
        decide(w, steps, of_steps);
        return obey(w, w->word);
    }
    int64_t word[2] = {KT_WORK_GO_ON, 0};
    if (w->words != MPI_REQUEST_NULL) {
        kt_comm_wait(&w->words, MPI_STATUS_IGNORE);
        memcpy(word, w->word, sizeof word);
    }
    if (word[0] != KT_WORK_LEAVE) {
        if (leads)
            decide(w, steps, of_steps);
        MPI_Ibcast(w->word, 2, MPI_INT64_T, 0, w->task->team, &w->words);
    }
    return obey(w, word);
}

kt_work_order kt_work_turn(kt_work *w, uint64_t steps, uint64_t of_steps)
{
    if (w->first_turn == 0) {
        w->first_turn = MPI_Wtime();
        w->first_step = steps;
    }
    w->runs = false;
    kt_work_order order = take_turn(w, steps, of_steps);
    w->runs = true;
    return order;
}
