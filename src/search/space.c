#include "space_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const space_kind space_kinds[SPACE_KINDS] = {
    [KT_DIM_CHOICE] = {"choice", KT_OPTION_CHOICE, false},
    [KT_DIM_UNIFORM] = {"uniform", KT_OPTION_REAL, false},
    [KT_DIM_LOG] = {"log", KT_OPTION_REAL, true},
    [KT_DIM_INT] = {"int", KT_OPTION_INT, false},
    [KT_DIM_INT_LOG] = {"int_log", KT_OPTION_INT, true},
};

/* ---- values ---- */

/* The scale on which a coordinate is even; whole numbers have half of one on either side. */
static void scale(double *a, double *b, kt_dim_kind kind, double low, double high)
{
    double half = space_kinds[kind].type == KT_OPTION_INT ? 0.5 : 0;
    *a = low - half;
    *b = high + half;
    if (space_kinds[kind].logarithmic) {
        *a = log(*a);
        *b = log(*b);
    }
}

static double value_at(const kt_dim *dim, double u)
{
    double a, b, value;
    scale(&a, &b, dim->kind, dim->low, dim->high);
    value = a + u * (b - a);
    if (space_kinds[dim->kind].logarithmic)
        value = exp(value);
    if (space_kinds[dim->kind].type == KT_OPTION_INT)
        value = floor(value + 0.5);
    return fmin(fmax(value, dim->low), dim->high);
}

double space_coordinate(kt_dim_kind kind, double low, double high, double value)
{
    double a, b;
    scale(&a, &b, kind, low, high);
    return ((space_kinds[kind].logarithmic ? log(value) : value) - a) / (b - a);
}

static double coordinate_of(const kt_dim *dim, double value)
{
    return space_coordinate(dim->kind, dim->low, dim->high, value);
}

double space_middle(const space_dim *dim, double u)
{
    return space_kinds[dim->dim.kind].type == KT_OPTION_INT ? coordinate_of(&dim->dim, value_at(&dim->dim, u))
                                                            : u;
}

size_t space_choice(const space_dim *dim, double u)
{
    size_t i = (size_t)(u * (double)dim->dim.n);
    return i < dim->dim.n ? i : dim->dim.n - 1;
}

static kt_json *json_at(const space_dim *dim, double u)
{
    switch (space_kinds[dim->dim.kind].type) {
    case KT_OPTION_REAL:
        return kt_json_real(value_at(&dim->dim, u));
    case KT_OPTION_INT:
        return kt_json_int((int64_t)value_at(&dim->dim, u));
    default:
        return kt_json_keep(kt_json_at(dim->choices, space_choice(dim, u)));
    }
}

/* Point `value` of a grid of whole numbers, ends included. Where points by logarithms would be nearer than
 * one the numbers follow each other. */
static double whole_point(const kt_dim *dim, size_t value)
{
    double last = dim->grid > 1 ? (double)(dim->grid - 1) : 1, at = dim->low;
    if (dim->kind == KT_DIM_INT)
        return floor(dim->low + (double)value / last * (dim->high - dim->low) + 0.5);
    for (size_t k = 1; k <= value; k++) {
        double even = log(dim->low) + (double)k / last * (log(dim->high) - log(dim->low));
        at = fmax(floor(exp(even) + 0.5), at + 1);
    }
    return at;
}

double kt_space_coordinate(const kt_space *space, size_t i, size_t value)
{
    const kt_dim *dim = &space->dim[i].dim;
    if (dim->kind == KT_DIM_CHOICE)
        return ((double)value + 0.5) / (double)dim->n;
    if (space_kinds[dim->kind].type == KT_OPTION_REAL)
        return dim->grid > 1 ? (double)value / (double)(dim->grid - 1) : 0.5;
    return coordinate_of(dim, whole_point(dim, value));
}

bool space_is_there(const kt_space *space, size_t i, const bool *there, const size_t *choice)
{
    const space_dim *dim = &space->dim[i];
    for (size_t w = 0; w < dim->n_when; w++) {
        const space_condition *when = &dim->when[w];
        if (!there[when->of] || !(when->allowed >> choice[when->of] & 1))
            return false;
    }
    return true;
}

void kt_space_active(bool *active, const kt_space *space, const double *u)
{
    size_t choice[KT_SPACE_MAX] = {0};
    for (size_t k = 0; k < space->n; k++) {
        size_t i = space->order[k];
        active[i] = space_is_there(space, i, active, choice);
        if (space->dim[i].dim.kind == KT_DIM_CHOICE)
            choice[i] = space_choice(&space->dim[i], u[i]);
    }
}

kt_json *kt_space_values(const kt_space *space, const double *u)
{
    bool active[KT_SPACE_MAX];
    kt_json *values = kt_json_object();
    kt_json_merge(values, space->fixed);
    kt_space_active(active, space, u);
    for (size_t i = 0; i < space->n; i++) {
        if (active[i])
            kt_json_put(values, space->dim[i].dim.name, json_at(&space->dim[i], u[i]));
    }
    return values;
}

size_t kt_space_dims(const kt_space *space)
{
    return space->n;
}

const kt_dim *kt_space_at(const kt_space *space, size_t i)
{
    return &space->dim[i].dim;
}

kt_json *kt_space_json(const kt_space *space)
{
    return kt_json_keep(space->json);
}

void kt_space_destroy(kt_space *space)
{
    if (!space)
        return;
    for (size_t i = 0; i < space->n; i++)
        kt_json_drop(space->dim[i].choices);
    kt_json_drop(space->json);
    kt_json_drop(space->fixed);
    free(space);
}
