#include "kt/comm.h"
#include "kt/pause.h"
#include "kt/pulse.h"
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A wait looks again at once for some 20 us, as long as an exchange between neighbours takes; then it lets
 * others run, for ranks may outnumber cores; then it sleeps. */
enum { SPINS = 200, YIELDS = 2000, NAP_NS = 20000, TAG_SIZE = 1, TAG_DATA = 2, PIECE = 1 << 30 };

int kt_comm_rank(MPI_Comm comm)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    return rank;
}

int kt_comm_size(MPI_Comm comm)
{
    int size;
    MPI_Comm_size(comm, &size);
    return size;
}

void kt_comm_wait(MPI_Request *request, MPI_Status *status)
{
    const struct timespec nap = {0, NAP_NS};
    for (int i = 0, done = 0;; i++) {
        MPI_Test(request, &done, status);
        if (done)
            return;
        if (i < SPINS)
            continue;
        kt_pause();
        kt_pulse_beat();
        if (i < YIELDS)
            sched_yield();
        else
            nanosleep(&nap, NULL);
    }
}

static void finish(MPI_Request request)
{
    kt_comm_wait(&request, MPI_STATUS_IGNORE);
}

void kt_comm_bcast(void *data, size_t n, int root, MPI_Comm comm)
{
    for (size_t at = 0; at < n; at += PIECE) {
        MPI_Request request;
        MPI_Ibcast((char *)data + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, root, comm, &request);
        finish(request);
    }
}

kt_status kt_comm_agree(MPI_Comm comm, kt_status local, kt_error *err)
{
    int rank = kt_comm_rank(comm), size = kt_comm_size(comm);
    int mine = local == KT_OK ? size : rank, lowest;
    kt_error shared = {0};
    MPI_Request request;

    MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, comm, &request);
    finish(request);
    if (lowest == size)
        return KT_OK;
    if (rank == lowest) {
        shared.status = local;
        if (err && err->status != KT_OK)
            memcpy(shared.message, err->message, sizeof shared.message);
    }
    kt_comm_bcast(&shared, sizeof shared, lowest, comm);
    if (err)
        *err = shared;
    return shared.status;
}

kt_status kt_comm_share(char **data, size_t *n, int root, MPI_Comm comm, kt_error *err)
{
    kt_status status = KT_OK;
    unsigned long long bytes = *n;
    bool receives = kt_comm_rank(comm) != root;

    kt_comm_bcast(&bytes, sizeof bytes, root, comm);
    if (receives) {
        *data = NULL;
        *n = (size_t)bytes;
        status = kt_alloc(data, (size_t)bytes + 1, 1, err);
    }
    KT_TRY(kt_comm_agree(comm, status, err));
    kt_comm_bcast(*data, *n, root, comm);
out:
    if (status != KT_OK && receives) {
        free(*data);
        *data = NULL;
    }
    return status;
}

void kt_comm_send(const void *data, size_t n, int to, int tag, MPI_Comm comm)
{
    MPI_Request request;
    MPI_Isend(data, (int)n, MPI_BYTE, to, tag, comm, &request);
    finish(request);
}

void kt_comm_receive(void *data, size_t n, int from, int tag, MPI_Comm comm)
{
    MPI_Request request;
    MPI_Irecv(data, (int)n, MPI_BYTE, from, tag, comm, &request);
    finish(request);
}

static void send_bytes(const char *data, size_t n, int to, MPI_Comm comm)
{
    unsigned long long bytes = n;
    kt_comm_send(&bytes, sizeof bytes, to, TAG_SIZE, comm);
    for (size_t at = 0; at < n; at += PIECE)
        kt_comm_send(data + at, n - at < PIECE ? n - at : PIECE, to, TAG_DATA, comm);
}

static kt_status receive_bytes(char **data, size_t *n, int from, MPI_Comm comm, kt_error *err)
{
    kt_status status = KT_OK;
    unsigned long long bytes;
    kt_comm_receive(&bytes, sizeof bytes, from, TAG_SIZE, comm);
    *n = (size_t)bytes;
    KT_TRY(kt_alloc(data, *n, 1, err));
    for (size_t at = 0; at < *n; at += PIECE)
        kt_comm_receive(*data + at, *n - at < PIECE ? *n - at : PIECE, from, TAG_DATA, comm);
out:
    return status;
}

void kt_comm_meet(const int *ranks, int n, int tag, MPI_Comm comm)
{
    if (kt_comm_rank(comm) != ranks[0]) {
        kt_comm_send(NULL, 0, ranks[0], tag, comm);
        kt_comm_receive(NULL, 0, ranks[0], tag, comm);
        return;
    }
    for (int i = 1; i < n; i++)
        kt_comm_receive(NULL, 0, ranks[i], tag, comm);
    for (int i = 1; i < n; i++)
        kt_comm_send(NULL, 0, ranks[i], tag, comm);
}

kt_status kt_comm_gather(const char *data, size_t n, int root, MPI_Comm comm,
                         kt_status (*use)(void *context, const char *data, size_t n, int rank, kt_error *err),
                         void *context, kt_error *err)
{
    kt_status status = KT_OK;
    if (kt_comm_rank(comm) != root) {
        send_bytes(data, n, root, comm);
        return kt_comm_agree(comm, KT_OK, err);
    }
    for (int r = 0; r < kt_comm_size(comm); r++) {
        char *theirs = NULL;
        size_t size = n;
        /* after a failure messages are still taken, so that nobody waits for ever */
        kt_status got = r == root ? KT_OK : receive_bytes(&theirs, &size, r, comm, err);
        if (got == KT_OK && status == KT_OK)
            got = use(context, r == root ? data : theirs, size, r, err);
        status = status == KT_OK ? got : status;
        free(theirs);
    }
    return kt_comm_agree(comm, status, err);
}
