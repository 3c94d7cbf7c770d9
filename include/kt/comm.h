/* Communicators: what the ranks need from MPI besides the sums of kt/reduce.h. Every function is collective
 * on comm unless it says otherwise. MPI errors end the job, as MPI's default handler does. */
#ifndef KT_COMM_H
#define KT_COMM_H

#include "kt/error.h"
#include <mpi.h>
#include <stddef.h>

int kt_comm_rank(MPI_Comm comm); /* not collective */
int kt_comm_size(MPI_Comm comm); /* not collective */

/* Ends a phase: KT_OK where every rank brings it, else the status and message of the lowest failing rank, on
 * all. */
kt_status kt_comm_agree(MPI_Comm comm, kt_status local, kt_error *err);

/* Root's n bytes at data to the same place of everybody. */
void kt_comm_bcast(void *data, size_t n, int root, MPI_Comm comm);

/* Root's n bytes to everybody. On the others *data is allocated; the caller frees it. root's is left alone.
 */
kt_status kt_comm_share(char **data, size_t *n, int root, MPI_Comm comm, kt_error *err);

/* Each rank's bytes to root, in rank order: use(context, data, n, rank) is called there. Agrees at its end.
 */
kt_status kt_comm_gather(const char *data, size_t n, int root, MPI_Comm comm,
                         kt_status (*use)(void *context, const char *data, size_t n, int rank, kt_error *err),
                         void *context, kt_error *err);

/* Returns when the n ranks, of which this is one, have all come here. Collective on those. */
void kt_comm_meet(const int *ranks, int n, int tag, MPI_Comm comm);

/* Waits for a request; meanwhile pauses (kt/pause.h), beats (kt/pulse.h) and yields the processor: ranks may
 * outnumber cores. Not collective. */
void kt_comm_wait(MPI_Request *request, MPI_Status *status);

/* One message of at most 1 GiB, with such a wait. Between two ranks. */
void kt_comm_send(const void *data, size_t n, int to, int tag, MPI_Comm comm);
void kt_comm_receive(void *data, size_t n, int from, int tag, MPI_Comm comm);

#endif
