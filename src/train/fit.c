#include "fit_private.h"
#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RETREATS = 5, BOUND_RETREATS = 6, LOOK_STEPS = 75, LOOK_BATCHES = 4 };
#define BETA1          0.9f
#define BETA2          0.999f
#define EPSILON        1e-7f
#define FIRST_PENALTY  1.f
#define PENALTY_GROWTH 10.f

/* ---- making and releasing ---- */

static void add_floats(void *a, const void *b, void *context)
{
    const kt_fit *fit = context;
    kt_kernel_add(a, b, kt_kernel_gradient(fit->kernel), fit->isa);
}

static void add_doubles(void *a, const void *b, void *context)
{
    const kt_tree *tree = context;
    double *to = a;
    const double *from = b;
    for (size_t i = 0; i < tree->width / sizeof *to; i++)
        to[i] += from[i];
}

static kt_status snapshot_init(kt_snapshot *s, size_t size, size_t n_state, kt_error *err)
{
    kt_status status = KT_OK;
    s->beta1_power = s->beta2_power = 1;
    KT_TRY(kt_alloc(&s->params, size, sizeof *s->params, err));
    KT_TRY(kt_alloc(&s->m, size, sizeof *s->m, err));
    KT_TRY(kt_alloc(&s->v, size, sizeof *s->v, err));
    KT_TRY(kt_alloc(&s->state, n_state, sizeof *s->state, err));
out:
    return status;
}

static void snapshot_clear(kt_snapshot *s)
{
    free(s->params);
    free(s->m);
    free(s->v);
    free(s->state);
}

static void snapshot_copy(kt_snapshot *to, const kt_snapshot *from, size_t size, size_t n_state)
{
    memcpy(to->params, from->params, size * sizeof *to->params);
    memcpy(to->m, from->m, size * sizeof *to->m);
    memcpy(to->v, from->v, size * sizeof *to->v);
    memcpy(to->state, from->state, n_state * sizeof *to->state);
    to->beta1_power = from->beta1_power;
    to->beta2_power = from->beta2_power;
    to->step = from->step;
}

kt_status kt_recipe_check(const kt_recipe *recipe, kt_error *err)
{
    int batch = recipe->batch;
    if (batch < 0 || (batch > KT_BLOCK && batch % KT_BLOCK != 0))
        return kt_fail(err, KT_USAGE, "batch %d: up to %d rows, or a multiple of %d", batch, KT_BLOCK,
                       KT_BLOCK);
    if (recipe->steps <= 0 && recipe->epochs <= 0)
        return kt_fail(err, KT_USAGE, "no budget: steps %lld, epochs %lld", (long long)recipe->steps,
                       (long long)recipe->epochs);
    return kt_net_check(&recipe->net, err);
}

static kt_status make_kernels(kt_fit *fit, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_net *net = &fit->model.net;
    kt_net plain = *net;
    plain.batch_norm = false;

    KT_TRY(kt_kernel_create(&fit->kernel, net, fit->isa, (size_t)fit->blocks.batch, err));
    fit->judge = fit->kernel;
    if (net->batch_norm)
        KT_TRY(kt_kernel_create(&fit->judge, &plain, fit->isa, 0, err));
    fit->size = kt_kernel_size(fit->kernel);
    fit->n_state = kt_net_state(net);
    KT_TRY(kt_tree_init(&fit->tree, kt_kernel_gradient(fit->kernel) * sizeof(float), add_floats, fit, err));
    KT_TRY(kt_tree_init(&fit->sums, 64, add_doubles, &fit->sums, err));
    KT_TRY(kt_alloc(&fit->gradient, kt_kernel_gradient(fit->kernel), sizeof(float), err));
    KT_TRY(kt_alloc(&fit->best_params, fit->size, sizeof(float), err));
    KT_TRY(kt_alloc(&fit->best_state, fit->n_state, sizeof(float), err));
    KT_TRY(kt_alloc(&fit->folded, kt_kernel_size(fit->judge), sizeof(float), err));
    KT_TRY(kt_alloc(&fit->canonical, kt_net_params(net), sizeof(float), err));
    KT_TRY(kt_alloc(&fit->canonical_folded, kt_net_params(&plain), sizeof(float), err));
    KT_TRY(snapshot_init(&fit->now, fit->size, fit->n_state, err));
    KT_TRY(snapshot_init(&fit->back, fit->size, fit->n_state, err));
out:
    return status;
}

static kt_status start(kt_fit *fit, uint64_t subject, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_net_start(fit->canonical, fit->now.state, &fit->model.net, fit->recipe.start, fit->rows.targets,
                        fit->rows.n_targets, fit->recipe.seed, subject, fit->model.scaler.frozen, err));
    kt_kernel_pack(fit->now.params, fit->kernel, fit->canonical);
    snapshot_copy(&fit->back, &fit->now, fit->size, fit->n_state);
out:
    return status;
}

static uint64_t look_interval(const kt_fit *fit)
{
    if (fit->recipe.look_steps > 0)
        return (uint64_t)fit->recipe.look_steps;
    if (fit->recipe.look_steps < 0)
        return fit->blocks.epoch_steps;
    uint64_t batch = (uint64_t)fit->blocks.batch;
    uint64_t steps = (LOOK_BATCHES * fit->data.n_validation + batch - 1) / batch;
    return steps > LOOK_STEPS ? steps : LOOK_STEPS;
}

/* All ranks of the team go on, or none. */
static kt_status agree(const kt_team *team, kt_status local, kt_error *err)
{
    double worst = (double)local;
    kt_status status = team->largest ? team->largest(team->context, &worst, 1, err) : KT_OK;
    if (local != KT_OK || status != KT_OK)
        return local != KT_OK ? local : status;
    return worst == 0 ? KT_OK : kt_fail(err, (kt_status)worst, "another rank of the group failed");
}

kt_status kt_fit_create(kt_fit **out, const kt_recipe *recipe, const kt_fit_data *data, const kt_team *team,
                        kt_isa isa, kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit *fit = NULL;
    uint64_t subject = kt_rng_subject(data->name);

    *out = NULL;
    KT_TRY(kt_recipe_check(recipe, err));
    if (recipe->net.batch_norm && team->size > 1)
        KT_TRY(kt_fail(err, KT_USAGE, "a fit with batch normalization cannot be shared by %d ranks",
                       team->size));
    kt_kernel_float_mode();
    KT_TRY(kt_alloc(&fit, 1, sizeof *fit, err));
    fit->recipe = *recipe;
    fit->data = *data;
    fit->team = *team;
    fit->isa = isa;
    fit->model.net = recipe->net;
    fit->rate_factor = 1;
    KT_TRY(kt_blocks_init(&fit->blocks, recipe, data->n_train, subject, team, err));
    fit->steps = kt_fit_budget(recipe, data->n_train);
    fit->look_steps = look_interval(fit);
    KT_TRY(kt_rows_init(&fit->rows, &fit->model, recipe, data, &fit->blocks, team, err));
    KT_TRY(make_kernels(fit, err));
    KT_TRY(start(fit, subject, err));
out:
    status = agree(team, status, err);
    if (status != KT_OK) {
        kt_fit_destroy(fit);
        return status;
    }
    *out = fit;
    return KT_OK;
}

void kt_fit_destroy(kt_fit *fit)
{
    if (!fit)
        return;
    if (fit->judge != fit->kernel)
        kt_kernel_destroy(fit->judge);
    kt_kernel_destroy(fit->kernel);
    kt_tree_clear(&fit->tree);
    kt_tree_clear(&fit->sums);
    kt_blocks_clear(&fit->blocks);
    kt_rows_clear(&fit->rows);
    kt_model_clear(&fit->model);
    snapshot_clear(&fit->now);
    snapshot_clear(&fit->back);
    free(fit->gradient);
    free(fit->best_params);
    free(fit->best_state);
    free(fit->folded);
    free(fit->canonical);
    free(fit->canonical_folded);
    free(fit->looks);
    free(fit);
}

/* ---- going back ---- */

static void go_back(kt_fit *fit, uint32_t flag)
{
    snapshot_copy(&fit->now, &fit->back, fit->size, fit->n_state);
    fit->loss_sum = 0;
    fit->loss_steps = 0;
    fit->pending |= flag;
}

static kt_status retreat(kt_fit *fit, const char *what, double value, kt_error *err)
{
    uint64_t step = fit->now.step;
    if (++fit->retreats >= RETREATS)
        return kt_fail(err, KT_NUMERIC, "%s: %s was %g at step %llu, for the %d. time", fit->data.name, what,
                       value, (unsigned long long)step, fit->retreats);
    fit->rate_factor *= 0.5;
    go_back(fit, KT_LOOK_RETREAT);
    return KT_OK;
}

/* ---- one step ---- */

static double learning_rate(const kt_fit *fit)
{
    const kt_recipe *r = &fit->recipe;
    uint64_t span = r->schedule == KT_RATE_POLYNOMIAL ? (uint64_t)r->rate_steps : fit->steps;
    double done = span > 0 ? fmin((double)fit->now.step / (double)span, 1) : 1;
    double share = r->schedule == KT_RATE_POLYNOMIAL ? 1 - done : 0.5 * (1 + cos(M_PI * done));
    return fit->rate_factor * (r->rate_end + (r->rate - r->rate_end) * share);
}

/* A strip's rows lie anywhere in memory: ask for the next block's while this one is computed. */
static void prefetch(const kt_fit *fit, int strip)
{
    int n;
    if (strip >= fit->blocks.last)
        return;
    const uint32_t *rows = kt_blocks_rows(&n, &fit->blocks, strip, fit->now.step);
    for (int i = 0; i < n; i++)
        __builtin_prefetch(fit->rows.train + rows[i] * fit->rows.record);
}

static const float *whole_batch(kt_fit *fit, float share, int total)
{
    int at = 0, n;
    for (int p = 0; p < fit->blocks.strips; p++, at += n) {
        const uint32_t *rows = kt_blocks_rows(&n, &fit->blocks, p, fit->now.step);
        memcpy(fit->blocks.gather + at, rows, (size_t)n * sizeof *rows);
    }
    kt_kernel_batch(fit->gradient, fit->now.state, fit->kernel, fit->now.params, fit->rows.train,
                    fit->blocks.gather, total, share, fit->penalty);
    kt_fit_worked(fit, (size_t)total);
    return fit->gradient;
}

static kt_status gradient(const float **out, kt_fit *fit, kt_error *err)
{
    kt_status status = KT_OK;
    kt_blocks_seek(&fit->blocks, fit->now.step);
    int total = kt_blocks_total(&fit->blocks, fit->now.step);
    float share = 1.f / (float)total;

    if (fit->model.net.batch_norm) {
        *out = whole_batch(fit, share, total);
        return KT_OK;
    }
    kt_tree_restart(&fit->tree);
    for (int p = fit->blocks.first; p < fit->blocks.last; p++) {
        int n;
        const uint32_t *rows = kt_blocks_rows(&n, &fit->blocks, p, fit->now.step);
        prefetch(fit, p + 1);
        kt_kernel_block(kt_tree_next(&fit->tree), fit->kernel, fit->now.params, fit->rows.train, rows, n,
                        share, fit->penalty);
        kt_tree_push(&fit->tree, (kt_tree_node){0, p});
        kt_fit_worked(fit, (size_t)n);
    }
    if (fit->team.complete)
        KT_TRY(fit->team.complete(fit->team.context, &fit->tree, fit->blocks.strips, err));
    *out = kt_tree_root(&fit->tree);
out:
    return status;
}

static kt_status step(kt_fit *fit, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_recipe *r = &fit->recipe;
    kt_snapshot *now = &fit->now;
    const float *g = NULL;
    kt_adam adam = {.decay = (float)r->decay,
                    .clip = (float)r->clip,
                    .beta1 = BETA1,
                    .beta2 = BETA2,
                    .epsilon = EPSILON,
                    .beta1_power = now->beta1_power,
                    .beta2_power = now->beta2_power};

    fit->last_rate = learning_rate(fit);
    adam.rate = (float)fit->last_rate;
    KT_TRY(gradient(&g, fit, err));
    double norm =
        kt_kernel_adam(fit->kernel, now->params, now->m, now->v, g, &adam, fit->model.scaler.frozen);
    if (!isfinite(norm) || !isfinite(g[fit->size]))
        return retreat(fit, "the gradient's norm", norm, err);
    now->beta1_power = adam.beta1_power;
    now->beta2_power = adam.beta2_power;
    now->step++;
    fit->loss_sum += (double)g[fit->size];
    fit->loss_steps++;
out:
    return status;
}

/* ---- looks ---- */

static kt_status append(kt_fit *fit, const kt_look *look, kt_error *err)
{
    kt_status status = KT_OK;
    if ((fit->n_looks & (fit->n_looks - 1)) == 0) /* full at 0, 1, 2, 4, ... */
        KT_TRY(kt_grow(&fit->looks, fit->n_looks ? 2 * fit->n_looks : 1, sizeof *fit->looks, err));
    fit->looks[fit->n_looks++] = *look;
out:
    return status;
}

static void keep_if_best(kt_fit *fit, kt_look *look, bool over)
{
    fit->since_best++;
    if (fit->has_best && (over || look->validation >= fit->best_validation))
        return;
    if (fit->has_best)
        fit->looks[fit->best].flags &= ~(uint32_t)KT_LOOK_BEST;
    look->flags |= KT_LOOK_BEST;
    fit->best = fit->n_looks;
    fit->best_validation =
        over ? INFINITY : look->validation; /* one inside the bounds is better than any over them */
    fit->has_best = true;
    fit->since_best = 0;
    memcpy(fit->best_params, fit->now.params, fit->size * sizeof *fit->best_params);
    memcpy(fit->best_state, fit->now.state, fit->n_state * sizeof *fit->best_state);
}

static kt_status look_around(bool *looked, kt_fit *fit, kt_error *err)
{
    kt_status status = KT_OK;
    kt_look look;
    *looked = false;
    KT_TRY(kt_fit_judge(&look, fit, err));
    if (!isfinite(look.validation))
        return retreat(fit, "the validation loss", look.validation, err);
    bool over = kt_fit_over_bound(fit, look.low, look.high);
    if (over && fit->bound_retreats < BOUND_RETREATS) {
        fit->bound_retreats++;
        fit->penalty = fit->penalty > 0 ? fit->penalty * PENALTY_GROWTH : FIRST_PENALTY;
        go_back(fit, KT_LOOK_OVER_BOUND);
        return KT_OK;
    }
    keep_if_best(fit, &look, over);
    KT_TRY(append(fit, &look, err));
    snapshot_copy(&fit->back, &fit->now, fit->size, fit->n_state);
    fit->loss_sum = 0;
    fit->loss_steps = 0;
    fit->pending = 0;
    *looked = true;
out:
    return status;
}

static bool finished(const kt_fit *fit)
{
    return fit->now.step >= fit->steps ||
           (fit->recipe.patience > 0 && fit->since_best >= (size_t)fit->recipe.patience);
}

kt_status kt_fit_advance(kt_fit_progress *progress, kt_fit *fit, int most, kt_error *err)
{
    kt_status status = KT_OK;
    bool looked = finished(fit); /* a fit that was loaded at its end */
    for (int i = 0; i < most && !looked; i++) {
        uint64_t before = fit->now.step;
        KT_TRY(step(fit, err));
        bool due =
            fit->now.step > before && (fit->now.step % fit->look_steps == 0 || fit->now.step == fit->steps);
        if (due)
            KT_TRY(look_around(&looked, fit, err));
    }
    *progress = !looked ? KT_FIT_STEPPED : finished(fit) ? KT_FIT_DONE : KT_FIT_LOOKED;
out:
    return status;
}

const kt_look *kt_fit_looks(const kt_fit *fit, size_t *n)
{
    *n = fit->n_looks;
    return fit->looks;
}

uint64_t kt_fit_step(const kt_fit *fit)
{
    return fit->now.step;
}
