/* What the files of a fit share: the rows of one rank (rows.c), the order of steps (block.c), looks (look.c),
 * the loop (fit.c). */
#ifndef KT_TRAIN_FIT_PRIVATE_H
#define KT_TRAIN_FIT_PRIVATE_H

#include "kt/fit.h"
#include "kt/pause.h"

/* ---- block.c: which rows make step i ---- */
typedef struct {
    size_t n;                 /* training rows of the service */
    int batch, block, strips; /* rows of a batch, of a block (at most 64), strips */
    bool partial;             /* the last batch of an epoch may be incomplete */
    uint64_t epoch_steps;
    int first, last; /* strips owned: [first, last) */
    uint64_t seed, subject;
    uint64_t epoch;   /* of the order below, UINT64_MAX: none yet */
    uint32_t *order;  /* rows of the owned strips, strip after strip, counted from the first owned row */
    uint32_t *gather; /* [batch] rows of a whole batch */
} kt_blocks;

kt_status kt_blocks_init(kt_blocks *blocks, const kt_recipe *recipe, size_t n, uint64_t subject,
                         const kt_team *team, kt_error *err);
void kt_blocks_clear(kt_blocks *blocks);

/* First stored row of a strip; strip `strips` gives n. */
size_t kt_blocks_strip(const kt_blocks *blocks, int strip);

/* Draws the owned strips' order for the epoch of a step. */
void kt_blocks_seek(kt_blocks *blocks, uint64_t step);

/* Rows of strip p in a step: borrowed indices, *n of them (0..block). kt_blocks_seek comes first. */
const uint32_t *kt_blocks_rows(int *n, const kt_blocks *blocks, int strip, uint64_t step);

/* Rows of all strips in a step. */
int kt_blocks_total(const kt_blocks *blocks, uint64_t step);

/* ---- rows.c: a service's rows as the kernel wants them ---- */
typedef struct {
    size_t record;           /* floats of a record */
    size_t n;                /* rows of the owned strips */
    float *train;            /* [n, record] */
    int val_first, val_last; /* owned blocks of validation rows */
    size_t n_val;            /* owned */
    float *validation;       /* [n_val, record] */
    size_t n_points;
    float *points;  /* [n_points, record] distinct inputs of the sample, then the hull's corners */
    float *targets; /* [n_targets] of the sample: the start's quantiles */
    size_t n_targets;
    uint64_t floored; /* owned training rows at the floor */
    uint32_t flags;   /* kt_flag */
} kt_rows;

/* Reads and converts; fills model->scaler, scale, floor and hull too. */
kt_status kt_rows_init(kt_rows *rows, kt_model *model, const kt_recipe *recipe, const kt_fit_data *data,
                       const kt_blocks *blocks, const kt_team *team, kt_error *err);
void kt_rows_clear(kt_rows *rows);

/* ---- fit.c ---- */
typedef struct { /* where a fit can go back to: [size] each, state [n_state] */
    float *params, *m, *v, *state;
    double beta1_power, beta2_power;
    uint64_t step;
} kt_snapshot;

struct kt_fit {
    kt_recipe recipe;
    kt_fit_data data;
    kt_team team;
    kt_isa isa;
    kt_model model; /* params and state: filled by finish */
    kt_blocks blocks;
    kt_rows rows;
    kt_kernel *kernel,
        *judge; /* judge: of the network without BatchNormalization; the same one where there is none */
    kt_tree tree, sums; /* of gradients (float), of looks (double) */
    size_t size, n_state;
    float *gradient;       /* of a whole batch, with BatchNormalization */
    kt_snapshot now, back; /* the fit itself; the look before */
    float *best_params, *best_state;
    float *folded; /* [kt_kernel_size(judge)], and its canonical form */
    float *canonical, *canonical_folded;
    uint64_t steps, look_steps;
    double rate_factor; /* halved at each retreat */
    float penalty;
    int retreats, bound_retreats;
    double loss_sum; /* over the steps since the look before */
    uint64_t loss_steps;
    double last_rate;
    uint32_t pending; /* flags for the next look */
    size_t n_looks, best, since_best;
    bool has_best;
    kt_look *looks;
    double best_validation;
    double work; /* rows x parameters since the last pause */
};

/* A step of a large network takes long: after rows at the network, pauses where it is time to. */
static inline void kt_fit_worked(kt_fit *fit, size_t rows)
{
    const double most = 8e6;
    fit->work += (double)rows * (double)fit->size;
    if (fit->work < most)
        return;
    fit->work = 0;
    kt_pause();
}

/* ---- look.c ---- */
/* Mean validation loss and range of the log of the first parameter, at fit->now. Collective over the team. */
kt_status kt_fit_judge(kt_look *look, kt_fit *fit, kt_error *err);

/* As above for the range alone, over all training rows and the points, at padded parameters of the judge
 * kernel. */
kt_status kt_fit_range(double *low, double *high, kt_fit *fit, const float *judged, bool all_rows,
                       kt_error *err);

/* Parameters (padded, of fit->kernel) and state as the judge kernel takes them; borrowed until the next call.
 */
const float *kt_fit_judged(kt_fit *fit, const float *params, const float *state);

/* Is a range outside the family's bounds? */
bool kt_fit_over_bound(const kt_fit *fit, double low, double high);

#endif
