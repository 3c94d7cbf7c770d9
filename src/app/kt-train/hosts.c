#include "job.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include "kt/when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one program on all hosts ---- */

typedef struct {
    int32_t numerics, archive, dataset;
    char version[20];
    char host[MPI_MAX_PROCESSOR_NAME];
} program_of;

static program_of own_program(void)
{
    program_of own = {.numerics = KT_NUMERICS,
                      .archive = KT_ARCHIVE_VERSION,
                      .dataset = KT_DATASET_VERSION,
                      .version = KT_VERSION};
    int length;
    MPI_Get_processor_name(own.host, &length);
    return own;
}

static bool is_same(const program_of *a, const program_of *b)
{
    return a->numerics == b->numerics && a->archive == b->archive && a->dataset == b->dataset &&
           strcmp(a->version, b->version) == 0;
}

static kt_status compare(const program_of *all, int size, kt_error *err)
{
    const program_of *own = &all[0];
    for (int r = 1; r < size; r++) {
        const program_of *other = &all[r];
        if (!is_same(own, other))
            return kt_fail(
                err, KT_INPUT,
                "rank %d on %s runs kt-train %s (numerics %d, archive %d, dataset %d), rank 0 on %s %s "
                "(%d, %d, %d); install the same on all hosts",
                r, other->host, other->version, other->numerics, other->archive, other->dataset, own->host,
                own->version, own->numerics, own->archive, own->dataset);
    }
    return KT_OK;
}

kt_status hosts_agree(MPI_Comm comm, kt_error *err)
{
    kt_status status = KT_OK;
    program_of own = own_program(), *all = NULL;
    int size = kt_comm_size(comm);
    bool judges = kt_comm_rank(comm) == 0;
    if (judges)
        status = kt_alloc(&all, (size_t)size, sizeof *all, err);
    KT_TRY(kt_comm_agree(comm, status, err));
    MPI_Gather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, 0, comm);
    if (judges)
        status = compare(all, size, err);
    KT_TRY(kt_comm_agree(comm, status, err));
out:
    free(all);
    return status;
}

kt_status hosts_kernel(job *j, kt_error *err)
{
    kt_error why = {0};
    kt_status status = kt_isa_resolve(&j->isa, (kt_isa)j->set.isa, &why);
    if (status == KT_OK)
        return KT_OK;
    if (j->size == 1)
        return kt_fail(err, status, "%s", why.message);
    return kt_fail(err, status, "rank %d on %s: %s", j->rank, own_program().host, why.message);
}

/* ---- hosts that are lost ---- */

enum { COURTESY_S = 1 };

/* Where one rank ends, launchers end the others: who has nothing to say lets the others speak first. */
static void leave(void *context, int rank, const char *host, double seconds, bool speak)
{
    const job *j = context;
    if (speak)
        fprintf(stderr,
                "kt-train: rank %d on %s was not heard of for %.0f s (--stall); the same command line goes "
                "on with "
                "%s\n",
                rank, host, seconds, j->folder);
    else
        sleep(COURTESY_S);
    fflush(stderr);
    _exit(EXIT_FAILED);
}

kt_status hosts_watch(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_pulse_options options = {.lost = leave, .context = j};
    KT_TRY(kt_when_length(&options.limit, j->set.stall, "--stall", err));
    if (options.limit > 0 && options.limit < 1)
        KT_TRY(kt_fail(err, KT_USAGE, "--stall %s: 0 (never), or at least 1s", j->set.stall));
    j->stall = options.limit;
    KT_TRY(kt_pulse_begin(&options, j->comm, err));
out:
    return status;
}
