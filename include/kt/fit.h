/* One model's fit: minibatch AdamW on a service's training rows, a look at the validation rows now and then,
 * the best look kept. No MPI here: ranks share a fit through kt_team, and each gives the same model, bit for
 * bit, as one rank alone.
 *
 * Training rows are stored shuffled and cut into S = batch / 64 strips; block p of every step comes from
 * strip p, whose order is drawn anew each epoch. A rank owns a run of strips and holds no other rows. What a
 * fit must know of all rows before it starts (mean and sd of features, median and quantiles of y, ties) it
 * takes from the first KT_FIT_SAMPLE stored rows: all of them for most services, a simple random sample of a
 * larger one. */
#ifndef KT_FIT_H
#define KT_FIT_H

#include "kt/init.h"
#include "kt/model.h"
#include "kt/pack.h"
#include "kt/tree.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- How to train: result options, after the recipe. ---- */
typedef enum { KT_RATE_COSINE, KT_RATE_POLYNOMIAL } kt_schedule;
#define KT_SCHEDULE_CHOICES "cosine|polynomial"

typedef struct {
    kt_net net; /* inputs and family included */
    kt_start start;
    bool target_scale;          /* s = median of training y; else 1 */
    double clip_low, clip_high; /* y is clipped to it before all else (seconds); 0, 0: not */
    int batch;                  /* rows: up to 64 or a multiple of 64; 0: by row count */
    int64_t steps, epochs;      /* the budget: the larger of the two; either may be 0 */
    bool partial_batches;       /* train the incomplete last batch of an epoch */
    double rate, rate_end, decay, clip;
    int64_t rate_steps; /* polynomial: steps until rate_end */
    kt_schedule schedule;
    bool keep_last;     /* the last step's parameters rather than the best look's */
    int64_t look_steps; /* 0: by validation rows; -1: each epoch */
    int64_t patience;   /* looks without a better one until the fit ends; 0: off */
    uint64_t seed;
} kt_recipe;

/* ---- A fit's rows, as one rank of a team holds them. ---- */
typedef struct {
    const char *name;
    size_t n_train, n_validation; /* of the whole service */
    int d;
    /* Fills x [n, d] and y [n] with stored rows [first, first + n). */
    kt_status (*rows)(void *context, double *x, double *y, size_t first, size_t n, kt_error *err);
    void *context;
    size_t n_cells;          /* training cells' means: the hull */
    const double *cell_mean; /* [n_cells, d] */
} kt_fit_data;

/* ---- The ranks that share a fit. NULL functions: alone. Collective: all ranks of the team call in the same
 * order. ---- */
typedef struct {
    int rank, size;
    /* Completes the tree over the blocks of all ranks (rank r pushed its run of [0, blocks)); then root is
     * the same on all. */
    kt_status (*complete)(void *context, kt_tree *tree, int blocks, kt_error *err);
    /* The largest of each of n values over ranks. */
    kt_status (*largest)(void *context, double *values, int n, kt_error *err);
    void *context;
} kt_team;

/* KT_USAGE: a batch, a budget or a net that no fit can have. */
kt_status kt_recipe_check(const kt_recipe *recipe, kt_error *err);

/* The run of blocks that rank r of `size` owns: [*first, *last). */
void kt_team_run(int *first, int *last, int blocks, int rank, int size);

/* Rows of a minibatch: `asked` where the service has that many rows, else (or 0) by the rule on its row
 * count. */
int kt_batch_rows(int asked, size_t n_train);

/* Strips of a batch, the most ranks that a fit can use: 1 with BatchNormalization. */
int kt_batch_strips(int batch);

/* Steps of the whole budget. */
uint64_t kt_fit_budget(const kt_recipe *recipe, size_t n_train);

typedef enum { KT_LOOK_BEST = 1, KT_LOOK_RETREAT = 2, KT_LOOK_OVER_BOUND = 4 } kt_look_flags;
typedef struct {
    uint64_t step;
    double train,
        validation; /* mean NLL in nats, y in seconds; train: over the steps since the look before */
    double rate;
    double low, high; /* range of the log of the first parameter over training rows and hull corners */
    uint32_t flags;
} kt_look;

/* Stored in cards: append, never renumber. */
typedef enum {
    KT_FLAG_FEW_ROWS = 1,    /* fewer than 300 training rows */
    KT_FLAG_TIES = 2,        /* more than 5 % of training y equal another */
    KT_FLAG_CONSTANT = 4,    /* a feature never varied (kt_scaler.frozen) */
    KT_FLAG_OVER_BOUND = 8,  /* k or sigma still outside its bounds */
    KT_FLAG_RETREATED = 16,  /* NaN or infinity on the way */
    KT_FLAG_FLOORED = 32,    /* rows at the floor */
    KT_FLAG_NO_HELD_OUT = 64 /* too few cells to hold one out */
} kt_flag;

typedef struct {
    kt_model model;
    uint64_t steps, floored;
    int batch;
    uint32_t flags; /* kt_flag */
    size_t n_looks, best;
    kt_look *looks;
} kt_fitted;
void kt_fitted_clear(kt_fitted *fitted);

/* A look's fields, for packing and unpacking. */
void kt_look_fields(kt_pack *p, kt_look *look);

enum { KT_FIT_SAMPLE = 65536 };

typedef struct kt_fit kt_fit;

/* Collective over the team. KT_REFUSED: fewer than 32 rows, or all y zero. recipe, data and team are
 * borrowed. */
kt_status kt_fit_create(kt_fit **fit, const kt_recipe *recipe, const kt_fit_data *data, const kt_team *team,
                        kt_isa isa, kt_error *err);
void kt_fit_destroy(kt_fit *fit);

/* Runs at most `most` steps, and stops after a look. KT_NUMERIC: NaN or infinity came back after too many
 * retreats. */
typedef enum { KT_FIT_STEPPED, KT_FIT_LOOKED, KT_FIT_DONE } kt_fit_progress;
kt_status kt_fit_advance(kt_fit_progress *progress, kt_fit *fit, int most, kt_error *err);

/* The looks so far; borrowed until the next call. */
const kt_look *kt_fit_looks(const kt_fit *fit, size_t *n);
uint64_t kt_fit_step(const kt_fit *fit);

/* What the fit has come to, as bytes, between two calls of kt_fit_advance: the same on each rank of a team
 * and for every number of ranks. Caller frees *data. */
kt_status kt_fit_save(char **data, size_t *n, kt_fit *fit, kt_error *err);

/* Goes on from there: a fit just created for the same service, data and recipe, by a team of any size, whose
 * ranks all load the same bytes. Not collective. KT_INPUT where the bytes are damaged or another fit's; then
 * the fit is of no more use. */
kt_status kt_fit_load(kt_fit *fit, const char *data, size_t n, kt_error *err);

/* A copy of the model that would be kept if the fit ended here, by the recipe the best look's or the last
 * step's; before the first look that of the last step. Not collective: the same on each rank. Caller clears.
 */
kt_status kt_fit_model(kt_model *out, kt_fit *fit, kt_error *err);

/* Gives the kept model away. */
kt_status kt_fit_finish(kt_fitted *out, kt_fit *fit, kt_error *err);

#endif
