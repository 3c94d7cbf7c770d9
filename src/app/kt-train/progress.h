/* What a person sees while the job runs, and what the journal keeps. Only rank 0 shows and writes; the others
 * send lines there through kt_work_tell. */
#ifndef KT_TRAIN_PROGRESS_H
#define KT_TRAIN_PROGRESS_H

#include "kt/fit.h"
#include "kt/json.h"
#include "kt/lock.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    bool quiet, terminal;
    char *journal;       /* path; NULL: none yet */
    const kt_lock *lock; /* asked before each append to it */
    double began, shown; /* seconds of MPI_Wtime */
    size_t services, fitted, refused;
    char last[160];  /* the newest look, for the live line */
    kt_json *phases; /* seconds by phase */
    double phase_began;
    const char *phase;
} progress;

void progress_init(progress *p, bool quiet);
void progress_clear(progress *p);

/* Ends the phase before and begins the next; NULL ends the last. */
kt_status progress_phase(progress *p, const char *name, kt_error *err);

/* Lines for the journal, from any rank; updates the live line. */
void progress_hear(progress *p, const char *lines, size_t n);

/* The live line of another phase than fit; shown when it is time for one. */
void progress_live(progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line for people, above the live one. */
void progress_note(progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One look and the end of a fit as lines of the journal; caller frees. from_step: where the team began, which
 * the seconds are about. */
kt_status progress_look(char **line, const char *service, int team, const kt_look *look, double seconds,
                        kt_error *err);
kt_status progress_fitted(char **line, const char *service, int team, int rank, uint64_t from_step,
                          uint64_t steps, int batch, const char *refused, double fit_seconds,
                          double judge_seconds, kt_error *err);

#endif
