#include "kt/work.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_ASK = 1, TAG_ANSWER, TAG_TELL, TAG_TEAM, TAG_MEET };
enum { ASK_NEXT, ASK_FAILED };
enum { NONE_LEFT = -1, NAP_NS = 20000 };

struct kt_work {
    MPI_Comm comm;  /* our own: nobody else's messages */
    MPI_Comm teams; /* what makes them: not for who asks and answers */
    int rank, size;
    const kt_work_item *items;
    const kt_work_calls *calls;
    size_t n, n_team, *order;
    size_t next;  /* rank 0: place in order of the next item of the queue */
    int released; /* rank 0: ranks that were told that none is left */
};

/* ---- the plan ---- */

static int by_cost(const void *a, const void *b, void *context)
{
    const kt_work_item *items = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (items[i].cost != items[j].cost)
        return items[i].cost > items[j].cost ? -1 : 1;
    return (i > j) - (i < j);
}

static bool to_a_team(const kt_work_item *item, double fair_share, int ranks, kt_parallel mode)
{
    if (item->limit < 2 || ranks < 2 || mode == KT_PARALLEL_SERVICE)
        return false;
    return mode == KT_PARALLEL_DATA || item->cost > fair_share;
}

void kt_work_plan(size_t *order, size_t *n_team, const kt_work_item *items, size_t n, int ranks,
                  kt_parallel mode)
{
    double total = 0;
    size_t teams = 0;
    for (size_t i = 0; i < n; i++) {
        total += items[i].cost;
        order[i] = i;
    }
    qsort_r(order, n, sizeof *order, by_cost, (void *)items);

    /* teams to the front, both parts still in order */
    for (size_t i = 0; i < n; i++) {
        if (!to_a_team(&items[order[i]], total / ranks, ranks, mode))
            continue;
        size_t item = order[i];
        memmove(order + teams + 1, order + teams, (i - teams) * sizeof *order);
        order[teams++] = item;
    }
    *n_team = teams;
}

/* ---- rank 0's side ---- */

static void answer(kt_work *w, int to, int what)
{
    if (what == ASK_FAILED)
        w->next = w->n;
    long long item = w->next < w->n ? (long long)w->order[w->next++] : NONE_LEFT;
    w->released += item == NONE_LEFT;
    kt_comm_send(&item, sizeof item, to, TAG_ANSWER, w->comm);
}

static void hear(kt_work *w, int from)
{
    char text[KT_WORK_TELL];
    int n;
    MPI_Status got;
    MPI_Recv(text, KT_WORK_TELL, MPI_BYTE, from, TAG_TELL, w->comm, &got);
    MPI_Get_count(&got, MPI_BYTE, &n);
    w->calls->hear(w->calls->context, text, (size_t)n);
}

void kt_work_poll(kt_work *w)
{
    kt_pulse_beat();
    if (w->rank != 0 || w->size == 1)
        return;
    for (;;) {
        int there, what;
        MPI_Status from;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, w->comm, &there, &from);
        if (!there)
            return;
        if (from.MPI_TAG == TAG_TELL) {
            hear(w, from.MPI_SOURCE);
        } else {
            kt_comm_receive(&what, sizeof what, from.MPI_SOURCE, TAG_ASK, w->comm);
            answer(w, from.MPI_SOURCE, what);
        }
    }
}

void kt_work_tell(kt_work *w, const char *text, size_t n)
{
    assert(n <= KT_WORK_TELL);
    if (w->rank == 0)
        w->calls->hear(w->calls->context, text, n);
    else
        kt_comm_send(text, n, 0, TAG_TELL, w->comm);
}

static kt_status queue_first_rank(kt_work *w, kt_status status, kt_error *err)
{
    const struct timespec nap = {0, NAP_NS};
    if (status != KT_OK)
        w->next = w->n;
    while (w->next < w->n) {
        size_t item = w->order[w->next++];
        status = w->calls->run(w->calls->context, w, item, MPI_COMM_SELF, err);
        kt_work_poll(w);
        if (status != KT_OK)
            w->next = w->n;
    }
    while (w->released < w->size - 1) {
        kt_work_poll(w);
        nanosleep(&nap, NULL);
    }
    return status;
}

/* ---- the others' side ---- */

static long long ask(kt_work *w, int what)
{
    long long item;
    kt_comm_send(&what, sizeof what, 0, TAG_ASK, w->comm);
    kt_comm_receive(&item, sizeof item, 0, TAG_ANSWER, w->comm);
    return item;
}

static kt_status queue_other_rank(kt_work *w, kt_status status, kt_error *err)
{
    for (;;) {
        long long item = ask(w, status == KT_OK ? ASK_NEXT : ASK_FAILED);
        if (item == NONE_LEFT)
            return status;
        if (status == KT_OK)
            status = w->calls->run(w->calls->context, w, (size_t)item, MPI_COMM_SELF, err);
    }
}

/* ---- teams: the first ranks; the others go on to the queue at once ---- */

static kt_status run_in_team(kt_work *w, size_t item, int size, kt_error *err)
{
    MPI_Group all, members;
    MPI_Comm team;
    int range[1][3] = {{0, size - 1, 1}};
    MPI_Comm_group(w->teams, &all);
    MPI_Group_range_incl(all, 1, range, &members);
    /* create_group would wait without a beat for those that are in another team, however long */
    kt_comm_meet(size, TAG_MEET, w->teams);
    MPI_Comm_create_group(w->teams, members, TAG_TEAM, &team);
    kt_status status = kt_comm_agree(team, w->calls->run(w->calls->context, w, item, team, err), err);
    MPI_Comm_free(&team);
    MPI_Group_free(&members);
    MPI_Group_free(&all);
    return status;
}

static kt_status run_teams(kt_work *w, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < w->n_team && status == KT_OK; i++) {
        size_t item = w->order[i];
        int size = w->items[item].limit < w->size ? w->items[item].limit : w->size;
        if (w->rank < size)
            status = run_in_team(w, item, size, err);
    }
    return status;
}

kt_status kt_work_run(const kt_work_item *items, size_t n, kt_parallel mode, MPI_Comm comm,
                      const kt_work_calls *calls, kt_error *err)
{
    kt_status status = KT_OK;
    kt_work w = {.items = items, .calls = calls, .n = n};

    MPI_Comm_dup(comm, &w.comm);
    MPI_Comm_dup(comm, &w.teams);
    w.rank = kt_comm_rank(comm);
    w.size = kt_comm_size(comm);
    status = kt_alloc(&w.order, n, sizeof *w.order, err);
    KT_TRY(kt_comm_agree(comm, status, err));
    kt_work_plan(w.order, &w.n_team, items, n, w.size, mode);
    w.next = w.n_team;
    status = run_teams(&w, err);
    status = w.rank == 0 ? queue_first_rank(&w, status, err) : queue_other_rank(&w, status, err);
    status = kt_comm_agree(comm, status, err);
out:
    free(w.order);
    MPI_Comm_free(&w.teams);
    MPI_Comm_free(&w.comm);
    return status;
}
