#include "kt/halt.h"
#include "kt/comm.h"
#include <stdlib.h>

enum { TAG_HALT = 1 };

struct kt_halt {
    MPI_Comm comm;
    int rank;
    const volatile sig_atomic_t *asked;
    double began, after;
    bool known;   /* to this rank */
    double since; /* MPI_Wtime when it was */
    int told;     /* by this rank, 0 or 1; rank 0: by the others */
    MPI_Request telling;
};

kt_status kt_halt_begin(kt_halt **out, const volatile sig_atomic_t *asked, double after, MPI_Comm comm,
                        kt_error *err)
{
    kt_halt *halt = NULL;
    kt_status status = kt_alloc(&halt, 1, sizeof *halt, err);
    *out = NULL;
    KT_TRY(kt_comm_agree(comm, status, err));
    halt->rank = kt_comm_rank(comm);
    halt->asked = asked;
    halt->began = MPI_Wtime();
    halt->after = after;
    halt->telling = MPI_REQUEST_NULL;
    MPI_Comm_dup(comm, &halt->comm);
    *out = halt;
    return KT_OK;
out:
    free(halt);
    return status;
}

static void hear_one(kt_halt *halt)
{
    kt_comm_receive(NULL, 0, MPI_ANY_SOURCE, TAG_HALT, halt->comm);
    halt->told++;
}

/* Of what rank 0 was told: is there anything? */
static bool hear(kt_halt *halt)
{
    for (int there = 0;;) {
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_HALT, halt->comm, &there, MPI_STATUS_IGNORE);
        if (!there)
            return halt->told > 0;
        hear_one(halt);
    }
}

static bool is_over(const kt_halt *halt)
{
    return halt->after > 0 && MPI_Wtime() - halt->began >= halt->after;
}

double kt_halt_poll(kt_halt *halt)
{
    bool asked = *halt->asked != 0;
    if (halt->rank == 0)
        asked = hear(halt) || asked || is_over(halt);
    if (asked && !halt->known) {
        halt->known = true;
        halt->since = MPI_Wtime();
        if (halt->rank != 0) {
            halt->told = 1;
            MPI_Isend(NULL, 0, MPI_BYTE, 0, TAG_HALT, halt->comm, &halt->telling);
        }
    }
    return halt->known ? MPI_Wtime() - halt->since : -1;
}

const bool *kt_halt_flag(const kt_halt *halt)
{
    return &halt->known;
}

void kt_halt_end(kt_halt *halt)
{
    int mine, all = 0;
    MPI_Request sum;
    if (!halt)
        return;
    mine = halt->rank == 0 ? 0 : halt->told;
    MPI_Ireduce(&mine, &all, 1, MPI_INT, MPI_SUM, 0, halt->comm, &sum);
    kt_comm_wait(&sum, MPI_STATUS_IGNORE);
    while (halt->rank == 0 && halt->told < all)
        hear_one(halt);
    if (halt->telling != MPI_REQUEST_NULL)
        kt_comm_wait(&halt->telling, MPI_STATUS_IGNORE);
    MPI_Comm_free(&halt->comm);
    free(halt);
}
