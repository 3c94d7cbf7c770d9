/* The main job, in the order in which it happens: configure, acquire, partition, plan, fit and judge, gather,
 * archive. What the files of the job share. */
#ifndef KT_TRAIN_JOB_H
#define KT_TRAIN_JOB_H

#include "kt/archive.h"
#include "kt/lock.h"
#include "kt/store.h"
#include "kt/work.h"
#include "program.h"
#include "progress.h"
#include "settings.h"
#include <mpi.h>

typedef struct {
    char *data; /* packed entries and refusals, each a u64 length and its bytes */
    size_t n, capacity;
} job_results;

typedef struct {
    MPI_Comm comm;
    int rank, size;
    kt_json *options; /* merged; settings borrow from it */
    settings set;
    double stall; /* seconds after which a rank that is not heard of is lost; 0: never */
    kt_isa isa;
    char *folder, *dataset, *archive_path;
    kt_lock *lock; /* rank 0: the folder's; asked before each rename or append there */
    const char **inputs;
    size_t n_inputs;
    int part, parts; /* kt/parts.h; 0: all services */
    kt_store *store;
    progress progress;   /* rank 0 shows and writes */
    job_results results; /* of this rank */
    kt_archive archive;  /* rank 0 */
    char digest[KT_DIGEST_HEX];
    bool finished_before;
} job;

/* Collective on comm. argc, argv are read on rank 0 only. *code: the program's exit code where KT_OK is
 * returned. */
kt_status job_run(int *code, int argc, char **argv, const char *isa, MPI_Comm comm, kt_error *err);

/* ---- acquire.c: whatever the user named becomes RUN/dataset.h5; rank 0 alone ---- */
kt_status acquire_check(const kt_json *options, size_t n_operands, kt_error *err); /* is any data named? */
kt_json *acquire_inputs(const job *j); /* how they are named, for the run's folder (new reference) */
kt_status acquire_partition(job *j, kt_error *err);

/* ---- hosts.c: what can differ or fail where ranks are on several hosts ---- */
kt_status hosts_agree(MPI_Comm comm, kt_error *err); /* do all run the same program? Collective */
kt_status hosts_kernel(job *j, kt_error *err);       /* the kernel for this rank's host */
kt_status hosts_watch(job *j, kt_error *err);        /* a lost rank ends the job from here on. Collective */

/* ---- fitting.c: one service, by a team ---- */
kt_status fitting_run(void *context, kt_work *work, size_t item, MPI_Comm team, kt_error *err);

/* ---- judging.c: held-out cells and the sketch, shared out over the team; the entry is complete on its rank
 * 0 ---- */
kt_status judging_run(kt_archive_entry *entry, const job *j, size_t item, MPI_Comm team, kt_error *err);

/* ---- reporting.c: RUN/report.html. The archive is what counts: a report that cannot be written is told and
 * fails nothing ---- */
void reporting_run(const job *j);

/* ---- results.c ---- */
kt_status results_add(job_results *results, const char *data, size_t n, bool refused, kt_error *err);
kt_status results_take(void *context, const char *data, size_t n, int rank,
                       kt_error *err); /* context: kt_archive */
kt_status results_print(const job *j, kt_error *err);
/* The same of a run that had finished before, from its archive. */
kt_status results_again(job *j, kt_error *err);
/* Writes the models in other formats, where it was asked for. */
kt_status results_export(const job *j, kt_error *err);

#endif
