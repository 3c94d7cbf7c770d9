/* What a sweep's events come to, for people: its trials, the best so far, what was spent and what is left. */
#ifndef KT_SWEEP_VIEW_H
#define KT_SWEEP_VIEW_H

#include "kt/json.h"
#include "kt/rungs.h"
#include "kt/space.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    KT_TRIAL_PROPOSED,
    KT_TRIAL_RUNNING,
    KT_TRIAL_PREEMPTED, /* it was running when its job was stopped or killed */
    KT_TRIAL_WAITING,   /* it came to a rung, and the others of its batch have not */
    KT_TRIAL_STOPPED,   /* others at its rung were better */
    KT_TRIAL_FAILED,
    KT_TRIAL_DONE, /* it had its whole budget */
    KT_TRIAL_STATES
} kt_trial_state;
extern const char *const kt_trial_state_text[KT_TRIAL_STATES]; /* "proposed", ... */

typedef struct {
    int64_t trial;
    kt_json *options; /* an object */
    kt_trial_state state;
    int first, rung;         /* it begins at; the last that it came to, -1: none */
    double value;            /* there; NaN: none */
    double at[KT_RUNGS_MAX]; /* its value at each rung; NaN: none */
    double seconds;          /* that ranks worked for it, as far as its fits came to rungs */
    double ended;            /* when it was stopped, failed or done, s since 1970; NaN: it has not */
    double after;            /* s that jobs had worked at the sweep when its last fit came in; NaN: none */
    char *reason;            /* it failed for; NULL: it did not */
    int64_t place;           /* among the winners, from 0; -1: none */
    size_t fits;             /* that came to the rung after `rung` */
} kt_sweep_trial;

typedef struct {
    char *name; /* the service that it is about; NULL: all */
    size_t n;
    kt_sweep_trial *trial; /* [n] by number */
    size_t *order; /* [n] the best first: who came further, then whose value is smaller; failed ones last */
} kt_sweep_search;

/* An option that trials vary. */
typedef struct {
    const char *name;
    kt_dim_kind kind;
    double low, high;       /* of what is no choice */
    const kt_json *choices; /* of what is one: an array */
} kt_sweep_varied;

/* Trials at a rung: those that are to come there, came, went on, were stopped and failed. */
typedef struct {
    double share; /* of the budget */
    size_t trials, reached, promoted, stopped, failed;
} kt_sweep_rung;

typedef struct {
    const char *method, *scheduler, *objective; /* as the sweep's file names them; "" where it is not known */
    size_t n_searches;
    kt_sweep_search *search; /* [n_searches] in the order of their first trials */
    size_t n_varied;
    kt_sweep_varied varied[KT_SPACE_MAX]; /* byte order of names */
    int n_rungs;
    kt_sweep_rung rung[KT_RUNGS_MAX];
    size_t count[KT_TRIAL_STATES]; /* trials by state */
    size_t trials, planned;        /* proposed; in the end */
    bool ended;
    double begun, last; /* s since 1970: of the first event and the last one, or `now`; NaN: no event */
    double seconds;     /* that ranks worked for trials */
    double wall;        /* that jobs worked at the sweep */
    int64_t ranks;      /* of the last job; 0: not known */
    double utilisation; /* seconds over ranks times wall, in [0, 1]; NaN: not known */
    double spent, left; /* whole budgets of a trial */
    double to_go;       /* s with as many ranks as now; NaN: not known, 0: it has ended */

    kt_json *sweep; /* owned */
} kt_sweep_view;

/* Reads a run's ledger. sweep: the normal form of its file (kt/sweep.h), or NULL; kept. now: s since 1970
 * where a job works at it, NaN: none does, and the last event was the last. Errors as of kt_ledger_read;
 * KT_INPUT: an event of a trial that was not proposed. */
kt_status kt_sweep_view_read(kt_sweep_view *view, const char *folder, kt_json *sweep, double now,
                             kt_error *err);
void kt_sweep_view_clear(kt_sweep_view *view); /* takes a zeroed one */

/* The best trial that came to a rung; NULL: none yet. */
const kt_sweep_trial *kt_sweep_best(const kt_sweep_search *search);

/* All of it for machines (new reference). */
kt_json *kt_sweep_view_json(const kt_sweep_view *view);

/* A trial's value of an option as it would be typed, near enough: lists without brackets, reals by `format`,
 * "" where it has none. Caller frees. */
kt_status kt_sweep_value_text(char **text, const kt_sweep_trial *trial, const char *option,
                              const char *format, kt_error *err);

/* Where a trial's value of an option lies from 0 to 1, as space.h lays it out, of a choice the middle of its
 * part; NaN: the trial does not have it. */
double kt_sweep_place(const kt_sweep_varied *varied, const kt_sweep_trial *trial);

#endif
