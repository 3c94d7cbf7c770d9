/* Makes a request to stop, which may reach any rank, known to rank 0, whose word counts: by small messages of
 * a communicator of its own. */
#ifndef KT_HALT_H
#define KT_HALT_H

#include "kt/error.h"
#include <mpi.h>
#include <signal.h>
#include <stdbool.h>

typedef struct kt_halt kt_halt;

/* asked: not 0 where this rank was asked to stop, at any time; borrowed. after: seconds until all are asked;
 * 0: never. Collective on comm. */
kt_status kt_halt_begin(kt_halt **halt, const volatile sig_atomic_t *asked, double after, MPI_Comm comm,
                        kt_error *err);

/* Tells or hears; cheap. Seconds since this rank knows of a request: on rank 0 of anybody's, on the others of
 * their own; below 0: of none. Not collective. */
double kt_halt_poll(kt_halt *halt);

/* True once this rank polled and knew of a request; lives as long as halt. */
const bool *kt_halt_flag(const kt_halt *halt);

/* Collective on the comm of the beginning; takes NULL. */
void kt_halt_end(kt_halt *halt);

#endif
