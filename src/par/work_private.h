/* What the files of kt_work share: a rank's own side (work.c, turn.c) and rank 0's (desk.c). */
#ifndef KT_PAR_WORK_PRIVATE_H
#define KT_PAR_WORK_PRIVATE_H

#include "kt/pause.h"
#include "kt/work.h"

/* To rank 0: ASK an int, TELL text, BYTES a bytes_head, then the bytes (STATE); REPLY a reply.
 * From rank 0: ANSWER an answer, then its ranks (TEAM) and its state (STATE); ORDER an order, then its ranks
 * (LARGER). Orders may lie unread when their run has ended, so that nothing else has their tags. */
enum { TAG_ASK = 1, TAG_TELL, TAG_BYTES, TAG_REPLY, TAG_ANSWER, TAG_TEAM, TAG_STATE, TAG_ORDER, TAG_LARGER };

enum { ASK_NEXT, ASK_FAILED };
enum { BYTES_RESULT, BYTES_STATE, BYTES_LEFT }; /* the end; on the way; where a run was left for a stop */
enum { ORDER_SAVE, ORDER_STOP, ORDER_GROW };
enum { NONE_LEFT = -1 };

typedef struct {
    int64_t kind, item;
} bytes_head;

typedef struct {
    int64_t item, yes;
} reply;

typedef struct {
    int64_t item; /* or NONE_LEFT */
    int64_t n_state,
        n_team; /* n_team 0: alone; else the ranks of the team that the receiver joins, its rank 0 first */
} answer;

typedef struct {
    int64_t kind, item, n_team; /* GROW: the team with those who join */
} order;

/* What the leader of a team was ordered and has not done yet. */
typedef struct {
    bool save, stop;
    int n_team, *team; /* 0: not to grow */
} pending;

typedef struct desk desk;

struct kt_work {
    MPI_Comm comm; /* our own: nobody else's messages */
    MPI_Comm
        groups; /* where teams are made: MPI sends messages of its own then, which the desk must not hear */
    int rank, size;
    const kt_work_item *items;
    const kt_work_calls *calls;
    const kt_work_options *options;
    kt_pauser outer; /* of the caller of kt_work_run */
    bool runs;       /* the caller's own code: the desk can be served */
    double latency;  /* seconds of an exchange between two ranks */
    desk *desk;      /* on rank 0 */

    /* the running item */
    kt_work_task *task;
    int *team, n_team; /* ranks of comm, leader first */
    bool grows, stops; /* why it is left */
    int *next_team, n_next;
    pending pending;   /* on the leader */
    int64_t word[2];   /* what the leader says: kt_work_order, ranks of the next team */
    MPI_Request words; /* the word before, on its way */
    char *saved;       /* a state on its way to rank 0 */
    bytes_head saved_head;
    MPI_Request saving[2];
    double began, first_turn; /* MPI_Wtime */
    uint64_t first_step;
};

/* ---- turn.c ---- */

/* Seconds of an exchange between two ranks, the same on all. Collective. */
double turn_latency(MPI_Comm comm);

/* Bytes of the running item to rank 0. */
void turn_send(kt_work *w, int kind, const char *bytes, size_t n);

/* Waits until a state that was given to rank 0 has left. */
void turn_finish_saving(kt_work *w);

/* ---- desk.c: rank 0 hands out, listens and keeps time ---- */

/* queue: of the n_items those that are handed out, in order. */
kt_status desk_create(desk **d, kt_work *w, size_t n_items, const size_t *queue, size_t n_queue,
                      kt_error *err);
void desk_destroy(desk *d);

/* Takes what others sent, answers, and sees to what is due. */
void desk_serve(kt_work *w);

/* What rank 0 does next, as another rank would be answered; false: nothing yet. failed: rank 0's own run did.
 */
bool desk_ask(answer *a, const int **team, kt_work *w, bool failed);

/* Has every rank been told that nothing is left, and has every run come to its end? */
bool desk_closed(const kt_work *w);

/* Rank 0 leads the running item by the plan. */
void desk_leads(kt_work *w, size_t item, int n_team);

/* Rank 0's own bytes and reply, as if they had been sent. */
void desk_take(kt_work *w, int from, const bytes_head *head, const char *bytes, size_t n);
void desk_reply(kt_work *w, int from, const reply *r);

/* Rank 0 follows a leader into a larger team: those who join must have been told first. */
void desk_await_growth(kt_work *w, int leader, int n_team);

bool desk_stopping(const kt_work *w);                   /* nothing more is begun */
bool desk_left(const kt_work *w);                       /* something is not done */
kt_status desk_status(const kt_work *w, kt_error *err); /* the first failure of a callback */

#endif
