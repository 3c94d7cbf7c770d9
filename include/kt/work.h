/* Hands items of work to ranks: large ones to teams of ranks, then the others one by one, largest first, to
 * whoever is free (kt/plan.h). When no item is left to hand out, ranks that are free join a running item
 * where that pays. Rank 0 works as well and answers between two turns of its own work. Who does what never
 * influences results.
 *
 * An item's run can be taken apart and put together: its state, as bytes, goes to a larger team, or to rank 0
 * for a checkpoint or because the work was asked to stop. */
#ifndef KT_WORK_H
#define KT_WORK_H

#include "kt/error.h"
#include "kt/plan.h"
#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    double cost; /* in any unit */
    int limit;   /* ranks that can share it, at least 1 */
    bool done;   /* nothing is left to do */
} kt_work_item;

typedef struct kt_work kt_work;

/* One run of an item by the ranks of a team. */
typedef struct {
    size_t item;
    MPI_Comm team;     /* alone: a communicator of one */
    const char *state; /* where to go on, the same on all ranks; NULL: at the start */
    size_t n_state;
    /* Set by run; bytes on the team's rank 0, which kt_work frees: the state where the run was left, else the
     * result. */
    bool left;
    char *bytes;
    size_t n;
} kt_work_task;

typedef struct {
    /* Does an item. Calls kt_work_turn every millisecond or so, and pauses (kt/pause.h) where that cannot be:
     * then beats (kt/pulse.h), lets rank 0 answer the others, and lets the pauser of the caller of
     * kt_work_run have its say. An error here ends the whole job; what concerns one item only is part of its
     * result. */
    kt_status (*run)(void *context, kt_work *work, kt_work_task *task, kt_error *err);
    /* On rank 0: */
    void (*hear)(void *context, const char *text, size_t n); /* a line that a rank told */
    const char *(*begun)(void *context, size_t item,
                         size_t *n); /* a state to go on from, or NULL; borrowed */
    kt_status (*result)(void *context, size_t item, const char *bytes, size_t n, kt_error *err);
    kt_status (*state)(void *context, size_t item, const char *bytes, size_t n, kt_error *err);
    kt_status (*commit)(void *context, kt_error *err); /* results and states so far belong together */
    void *context;
} kt_work_calls;

typedef struct {
    kt_plan_mode parallel;
    double save_every; /* seconds between commits; 0: never */
    double *latency;   /* seconds of an exchange between two ranks; 0: measured when it is asked for, and
                        remembered here; NULL: measured */
    const bool *stop;  /* of rank 0: whether all is to stop; may be NULL */
} kt_work_options;

/* Collective on comm; ends with agreement. *stopped, on all ranks: some items are not done, because
 * rank 0 was to stop; their states were committed. A failing rank stops the others too.
 */
kt_status kt_work_run(bool *stopped, const kt_work_item *items, size_t n, const kt_work_options *options,
                      MPI_Comm comm, const kt_work_calls *calls, kt_error *err);

/* Between two pieces of an item's run, at the same place on all ranks of its team. steps: done of all, in any
 * unit of about equal parts, in each of which the team exchanges once. What the caller is to do: go on; save
 * its state (kt_work_save) and go on; or leave, with its state in the task. Collective over the team. */
typedef enum { KT_WORK_GO_ON, KT_WORK_SAVE, KT_WORK_LEAVE } kt_work_order;
kt_work_order kt_work_turn(kt_work *work, uint64_t steps, uint64_t of_steps);

/* Gives the state of the running item to rank 0. Takes bytes, from malloc. By the team's rank 0. */
void kt_work_save(kt_work *work, char *bytes, size_t n);

/* Tells rank 0 a text of at most KT_WORK_TELL bytes, in order. Not collective. */
enum { KT_WORK_TELL = 4000 };
void kt_work_tell(kt_work *work, const char *text, size_t n);

#endif
