/* What a fit has come to, as bytes (kt/pack.h). Parameters and moments are stored in canonical order, which
 * every kernel knows; what follows from the data, the recipe and the step number is not stored. */
#include "fit_private.h"
#include "kt/pack.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "kt-fit", what[] = "a saved fit";
enum { STATE_VERSION = 1 };

void kt_look_fields(kt_pack *p, kt_look *look)
{
    kt_look copy = *look; /* so that packing writes to nothing that it was given */
    uint64_t flags = copy.flags;
    kt_pack_u64(p, &copy.step);
    kt_pack_f64(p, &copy.train, 1);
    kt_pack_f64(p, &copy.validation, 1);
    kt_pack_f64(p, &copy.rate, 1);
    kt_pack_f64(p, &copy.low, 1);
    kt_pack_f64(p, &copy.high, 1);
    kt_pack_u64(p, &flags);
    copy.flags = (uint32_t)flags;
    if (p->reading)
        *look = copy;
}

/* A number that must be what this fit has. */
static void same(kt_pack *p, const char *name, uint64_t here)
{
    uint64_t there = here;
    kt_pack_u64(p, &there);
    if (p->status == KT_OK && there != here)
        p->status = kt_fail(p->err, KT_INPUT, "%s has %llu %s, %llu are wanted", what,
                            (unsigned long long)there, name, (unsigned long long)here);
}

static void head(kt_pack *p, const kt_fit *fit)
{
    char mark[sizeof magic];
    memcpy(mark, magic, sizeof mark);
    kt_pack_bytes(p, mark, sizeof mark);
    if (p->status == KT_OK && memcmp(mark, magic, sizeof mark) != 0)
        p->status = kt_fail(p->err, KT_INPUT, "%s does not begin as one", what);
    kt_pack_whole(p, STATE_VERSION, STATE_VERSION, STATE_VERSION);
    same(p, "parameters", kt_net_params(&fit->model.net));
    same(p, "numbers of state", fit->n_state);
    same(p, "training rows", fit->data.n_train);
    same(p, "steps", fit->steps);
    same(p, "rows a batch", (uint64_t)fit->blocks.batch);
}

/* Padded values, by way of their canonical form. */
static void padded(kt_pack *p, kt_fit *fit, float *values)
{
    if (!p->reading)
        kt_kernel_unpack(fit->canonical, fit->kernel, values);
    kt_pack_f32(p, fit->canonical, kt_net_params(&fit->model.net));
    if (p->reading && p->status == KT_OK)
        kt_kernel_pack(values, fit->kernel, fit->canonical);
}

static void snapshot(kt_pack *p, kt_fit *fit, kt_snapshot *s)
{
    padded(p, fit, s->params);
    padded(p, fit, s->m);
    padded(p, fit, s->v);
    kt_pack_f32(p, s->state, fit->n_state);
    kt_pack_f64(p, &s->beta1_power, 1);
    kt_pack_f64(p, &s->beta2_power, 1);
    kt_pack_u64(p, &s->step);
}

static size_t looks_room(size_t n)
{
    size_t room = 1;
    while (room < n)
        room *= 2;
    return room;
}

static void looks(kt_pack *p, kt_fit *fit)
{
    kt_pack_size(p, &fit->n_looks);
    if (p->reading && p->status == KT_OK) {
        free(fit->looks);
        fit->looks = NULL;
        size_t n = fit->n_looks, room = looks_room(n);
        fit->n_looks = 0;
        if (n > (p->n - p->at) / sizeof(uint64_t))
            p->status = kt_fail(p->err, KT_INPUT, "%s announces %zu looks", what, n);
        else
            p->status = kt_alloc(&fit->looks, room, sizeof *fit->looks, p->err);
        fit->n_looks = p->status == KT_OK ? n : 0;
    }
    for (size_t i = 0; i < fit->n_looks && p->status == KT_OK; i++)
        kt_look_fields(p, &fit->looks[i]);
}

static void fields(kt_pack *p, kt_fit *fit)
{
    uint64_t pending = fit->pending;
    head(p, fit);
    snapshot(p, fit, &fit->now);
    snapshot(p, fit, &fit->back);
    padded(p, fit, fit->best_params);
    kt_pack_f32(p, fit->best_state, fit->n_state);
    kt_pack_f64(p, &fit->rate_factor, 1);
    kt_pack_f32(p, &fit->penalty, 1);
    fit->retreats = kt_pack_whole(p, fit->retreats, 0, INT_MAX);
    fit->bound_retreats = kt_pack_whole(p, fit->bound_retreats, 0, INT_MAX);
    kt_pack_f64(p, &fit->loss_sum, 1);
    kt_pack_u64(p, &fit->loss_steps);
    kt_pack_f64(p, &fit->last_rate, 1);
    kt_pack_u64(p, &pending);
    fit->pending = (uint32_t)pending;
    fit->has_best = kt_pack_whole(p, fit->has_best, 0, 1) != 0;
    kt_pack_f64(p, &fit->best_validation, 1);
    kt_pack_size(p, &fit->best);
    kt_pack_size(p, &fit->since_best);
    looks(p, fit);
    if (p->status == KT_OK && fit->has_best && fit->best >= fit->n_looks)
        p->status = kt_fail(p->err, KT_INPUT, "%s keeps look %zu of %zu", what, fit->best, fit->n_looks);
}

kt_status kt_fit_save(char **data, size_t *n, kt_fit *fit, kt_error *err)
{
    kt_pack p = {.what = what, .err = err};
    fields(&p, fit);
    return kt_pack_take(data, n, &p);
}

kt_status kt_fit_load(kt_fit *fit, const char *data, size_t n, kt_error *err)
{
    kt_pack p = kt_pack_open(what, data, n, err);
    fields(&p, fit);
    return kt_pack_close(&p);
}
