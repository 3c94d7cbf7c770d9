/* The main job, in the order in which it happens: configure, acquire, partition, plan, fit and judge, gather,
 * archive. What the files of the job share. */
#ifndef KT_TRAIN_JOB_H
#define KT_TRAIN_JOB_H

#include "kt/archive.h"
#include "kt/checkpoint.h"
#include "kt/folder.h"
#include "kt/halt.h"
#include "kt/lock.h"
#include "kt/store.h"
#include "kt/work.h"
#include "program.h"
#include "progress.h"
#include "settings.h"
#include "sweep.h"
#include <mpi.h>

enum { JOB_MEMBERS = 16 };
typedef struct { /* of a service */
    int members; /* networks of its model, the best first */
    kt_recipe recipe[JOB_MEMBERS];
} job_plan;

typedef struct { /* of a service, on rank 0 */
    bool done;
    char *state; /* kt_fit_save of an earlier start of the run, NULL: none */
    size_t n;
} job_kept;

typedef struct job {
    MPI_Comm comm;
    int rank, size;
    kt_json *options; /* merged; settings borrow from it */
    settings set;
    sweep *sweep; /* NULL: none */
    double stall; /* seconds after which a rank that is not heard of is lost; 0: never */
    kt_isa isa;
    char *folder, *dataset, *archive_path;
    kt_lock *lock; /* rank 0: the folder's; asked before each rename or append there */
    const char **inputs;
    size_t n_inputs;
    int part, parts; /* kt/parts.h; 0: all services */
    kt_store *store;
    job_plan *plan;     /* [services] how each is trained */
    progress progress;  /* rank 0 shows and writes */
    kt_archive archive; /* rank 0, as the others: */
    kt_checkpoint *checkpoint;
    uint8_t run[KT_DIGEST_BYTES]; /* of all that the results depend on */
    job_kept *kept;               /* [services] */
    int commits;                  /* of the checkpoint, and what they took */
    double commit_seconds;
    char digest[KT_DIGEST_HEX];
    kt_run_state before; /* what was in the folder */
    kt_halt *halt;       /* was any rank asked to stop, or is --stop-after over? */
} job;

/* Collective on comm. argc, argv are read on rank 0 only. stop: not 0 once this process was asked to stop.
 * *code: the program's exit code where KT_OK is returned. */
kt_status job_run(int *code, int argc, char **argv, const char *isa, const volatile sig_atomic_t *stop,
                  MPI_Comm comm, kt_error *err);

/* ---- acquire.c: whatever the user named becomes RUN/dataset.h5 ---- */
kt_status acquire_check(const kt_json *options, size_t n_operands, kt_error *err); /* is any data named? */
kt_json *acquire_inputs(const job *j); /* how they are named, for the run's folder (new reference) */
/* What the user named, as rows; samples: zeroed. Rank 0. */
kt_status acquire_read(kt_samples *samples, job *j, kt_error *err);
/* Which services are asked for: all where names has none. chosen [services]. */
kt_status acquire_choose(bool *chosen, const kt_samples *samples, const kt_texts *names, kt_error *err);
/* Rank 0 makes the dataset, or finds that of an unfinished run; all open it. Collective. */
kt_status acquire_run(job *j, kt_error *err);

/* The other ranks open the dataset that rank 0 has open; mark, of rank 0: by which they know that theirs is
 * the same. Collective. */
kt_status acquire_mark(uint8_t mark[KT_DIGEST_BYTES], const kt_store *store, kt_error *err);
kt_status acquire_open(kt_store **store, const char *path, const job *j, const uint8_t mark[KT_DIGEST_BYTES],
                       kt_error *err);

/* ---- hosts.c: what can differ or fail where ranks are on several hosts ---- */
kt_status hosts_agree(MPI_Comm comm, kt_error *err); /* do all run the same program? Collective */
kt_status hosts_kernel(job *j, kt_error *err);       /* the kernel for this rank's host */
kt_status hosts_watch(job *j, kt_error *err);        /* a lost rank ends the job from here on. Collective */

/* ---- fitting.c: one service, by a team ---- */
kt_status fitting_run(void *context, kt_work *work, kt_work_task *task, kt_error *err);

/* ---- judging.c: held-out cells and the sketch, shared out over the team; the entry is complete on its rank
 * 0 ---- */
kt_status judging_run(kt_archive_entry *entry, const job *j, size_t item, MPI_Comm team, kt_error *err);

/* ---- keeping.c: results and states that come in, on rank 0 ---- */
/* A service's result as bytes, which the caller frees. */
kt_status keeping_model(char **bytes, size_t *n, const kt_archive_entry *entry, kt_error *err);
kt_status keeping_refusal(char **bytes, size_t *n, const kt_error *why, kt_error *err);
/* Opens the checkpoint and takes what is there. mark: of the dataset. */
kt_status keeping_open(job *j, const uint8_t mark[KT_DIGEST_BYTES], kt_error *err);
/* Tells all ranks which services are done. Collective. */
kt_status keeping_share(job *j, kt_work_item *items, kt_error *err);
/* For kt_work_calls. */
const char *keeping_begun(void *context, size_t item, size_t *n);
kt_status keeping_result(void *context, size_t item, const char *bytes, size_t n, kt_error *err);
kt_status keeping_state(void *context, size_t item, const char *bytes, size_t n, kt_error *err);
kt_status keeping_commit(void *context, kt_error *err);

/* ---- finishing.c: rank 0 writes the archive once, says what is in it, and the run is finished ---- */
kt_status finishing_run(job *j, kt_error *err);

/* ---- reporting.c: RUN/report.html. The archive is what counts: a report that cannot be written is told and
 * fails nothing ---- */
void reporting_run(const job *j);

/* ---- results.c ---- */
kt_status results_print(const job *j, kt_error *err);
/* The same of a run that had finished before, from its archive. */
kt_status results_again(job *j, kt_error *err);
/* Writes the models in other formats, where it was asked for. */
kt_status results_export(job *j, kt_error *err);

#endif
