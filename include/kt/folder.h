/* A run's folder: who may write there, and what it was made with.
 *
 *   config.json   canonical: {"kt_train": version, "numerics": n, "options": result options} and, where the
 *                 run trains some of the services, "part", where it begins with a sweep, "sweep"; written
 * once inputs.json   how the data were named on the command line spans.h5 (of a pull, spans.h5.part while it
 * runs), dataset.h5, journal.jsonl, models.h5, run.json report.html   the page of kt/report.h
 *   saved_models/<service>/model/   of --export, see kt/keras.h
 *   run.lock      while a kt-train works there (kt/lock.h)
 * A folder in which a run has come to nothing, not even a dataset, is taken over by the next one whatever it
 * is asked. Nothing is written to a folder that holds other files but no config.json of ours, and --fresh
 * removes only what kt-train wrote. */
#ifndef KT_FOLDER_H
#define KT_FOLDER_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/lock.h"
#include <stdbool.h>

#define KT_RUN_CONFIG  "config.json"
#define KT_RUN_INPUTS  "inputs.json"
#define KT_RUN_SPANS   "spans.h5"
#define KT_RUN_DATASET "dataset.h5"
#define KT_RUN_JOURNAL "journal.jsonl"
#define KT_RUN_ARCHIVE "models.h5"
#define KT_RUN_MODELS  "saved_models"
#define KT_RUN_INFO    "run.json"
#define KT_RUN_COSTS   "costs.json" /* of kt plan --calibrate */
#define KT_RUN_REPORT  "report.html"

typedef enum { KT_RUN_NEW, KT_RUN_UNFINISHED, KT_RUN_FINISHED } kt_run_state;

typedef struct {
    const char *path;
    const kt_json *options; /* those that results depend on: an object */
    const kt_json *inputs;  /* how the data are named: an array of texts */
    const kt_json *sweep;   /* the normal form of a sweep's file (kt/sweep.h); NULL: none */
    int numerics;
    const char *part; /* "2/3" of the services (kt/parts.h); NULL: all */
    bool fresh;       /* remove an earlier run's files first */
    const char *job;  /* of the batch system, or NULL */
} kt_run_request;

/* Opens or creates the folder for a run and takes its lock (caller releases it; NULL for a finished run, to
 * which nothing is written). What killed processes left, temporary names or what a finished run needs no
 * more, is removed. KT_BUSY: another kt-train works there; a run with other options (the first difference is
 * named), other inputs or another numerics number is there, or a folder that is not a run's. */
kt_status kt_run_open(kt_run_state *state, kt_lock **lock, const kt_run_request *run, kt_error *err);

/* Writes one of a run's files, for people to read too: atomically, and only while the lock is held. */
kt_status kt_run_write(const char *folder, const char *name, const kt_json *value, const kt_lock *lock,
                       kt_error *err);

#endif
