/* Hands items of work to ranks: large ones to teams of ranks, then the others one by one, largest first, to
 * whoever is free. Rank 0 works as well and answers between steps. Who does what never influences results. */
#ifndef KT_WORK_H
#define KT_WORK_H

#include "kt/error.h"
#include <mpi.h>
#include <stddef.h>

typedef enum { KT_PARALLEL_AUTO, KT_PARALLEL_SERVICE, KT_PARALLEL_DATA } kt_parallel;
#define KT_PARALLEL_CHOICES "auto|service|data"

typedef struct {
    double cost; /* in any unit */
    int limit;   /* ranks that can share it, at least 1 */
} kt_work_item;

typedef struct kt_work kt_work;

typedef struct {
    /* Does item i with the ranks of team (alone: a communicator of one). Calls kt_work_poll every few
     * milliseconds. An error here ends the whole job; what concerns one item only is the callee's to note. */
    kt_status (*run)(void *context, kt_work *work, size_t item, MPI_Comm team, kt_error *err);
    /* On rank 0: a line that a rank told. */
    void (*hear)(void *context, const char *text, size_t n);
    void *context;
} kt_work_calls;

/* The order in which items are begun, largest first and equal ones by index, and which go to teams: order
 * [n]; *n_team: the first so many. auto: those whose cost is above a rank's fair share; data: all that can be
 * shared; service: none. Pure. */
void kt_work_plan(size_t *order, size_t *n_team, const kt_work_item *items, size_t n, int ranks,
                  kt_parallel mode);

/* Collective on comm; ends with agreement. */
kt_status kt_work_run(const kt_work_item *items, size_t n, kt_parallel mode, MPI_Comm comm,
                      const kt_work_calls *calls, kt_error *err);

/* Beats (kt/pulse.h) and lets rank 0 answer the others; cheap. Not collective. */
void kt_work_poll(kt_work *work);

/* Tells rank 0 a text of at most KT_WORK_TELL bytes, in order. Not collective. */
enum { KT_WORK_TELL = 4000 };
void kt_work_tell(kt_work *work, const char *text, size_t n);

#endif
