/* Whether all ranks are alive: each beats to rank 0 and rank 0 to each, by small messages of a communicator
 * of its own. A rank that is not heard of is reported: to all where it is another, to the others where it is
 * rank 0.
 *
 * A process has one pulse, as it has one place among the ranks: every wait of kt/comm.h beats by itself, and
 * who works without waiting calls kt_pulse_beat. There is no thread: a long step is a silence, which must
 * stay below the limit. Time in which a rank did not listen counts little against the others: a job that was
 * suspended and goes on finds nobody lost. */
#ifndef KT_PULSE_H
#define KT_PULSE_H

#include "kt/error.h"
#include <mpi.h>
#include <stdbool.h>

typedef struct {
    double limit; /* seconds; 0: no pulse, and all calls do nothing */
    /* Rank `rank` on `host` was not heard for `seconds`. speak: this is the rank to say so; all are told
     * within a moment, as far as they can be reached. The job cannot be ended in order from here: not to
     * return is expected. After a return the pulse has ended on this rank. */
    void (*lost)(void *context, int rank, const char *host, double seconds, bool speak);
    void *context;
} kt_pulse_options;

/* Collective on comm, of which the pulse gets a duplicate. */
kt_status kt_pulse_begin(const kt_pulse_options *options, MPI_Comm comm, kt_error *err);

/* Collective on the comm of the beginning; does nothing without one. */
void kt_pulse_end(void);

/* Sends, hears and judges where it is time to; cheap. Not collective. */
void kt_pulse_beat(void);

/* Before work that may take longer than the limit: nothing is expected of this rank until its next beat. Not
 * collective. */
void kt_pulse_pause(void);

#endif
