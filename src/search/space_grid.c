/* The grid of a space: its points one by one, without all of them at once. */
#include "space_private.h"
#include <assert.h>

enum { MOST_VISITS = 10000000 }; /* of combinations that decide about other dimensions, in one group */

typedef struct {
    const kt_space *space;
    bool there[KT_SPACE_MAX];
    size_t choice[KT_SPACE_MAX];
    uint64_t visits;
} walk;

static uint64_t times(uint64_t a, uint64_t b)
{
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Points of those of dimensions order[k] and on that are in a group, given what was chosen before. */
static uint64_t count_group(walk *w, size_t k, size_t group)
{
    uint64_t sum = 0;
    while (k < w->space->n && w->space->dim[w->space->order[k]].group != group)
        k++;
    if (k == w->space->n)
        return 1;
    if (w->visits++ > MOST_VISITS)
        return UINT64_MAX;
    size_t i = w->space->order[k];
    const space_dim *dim = &w->space->dim[i];
    w->there[i] = space_is_there(w->space, i, w->there, w->choice);
    if (!w->there[i])
        return count_group(w, k + 1, group);
    if (!dim->decides)
        return times(dim->dim.grid, count_group(w, k + 1, group));
    for (size_t v = 0; v < dim->dim.grid; v++) {
        w->choice[i] = v;
        sum = plus(sum, count_group(w, k + 1, group));
    }
    return sum;
}

/* Of all groups: what one has does not depend on another. */
static uint64_t count(walk *w, size_t k)
{
    uint64_t product = 1;
    for (size_t group = 0; group < w->space->n; group++) {
        w->visits = 0;
        if (w->space->dim[group].group == group)
            product = times(product, count_group(w, k, group));
    }
    return product;
}

kt_status kt_space_grid_size(uint64_t *n, const kt_space *space, const char *where, kt_error *err)
{
    walk w = {.space = space};
    for (size_t i = 0; i < space->n; i++) {
        if (space->dim[i].dim.grid == 0)
            return kt_fail(err, KT_USAGE, "%s: space: %s: a grid needs its number of points, \"grid\": n",
                           where, space->dim[i].dim.name);
    }
    *n = count(&w, 0);
    return KT_OK;
}

void kt_space_grid_point(double *u, const kt_space *space, uint64_t point)
{
    walk w = {.space = space};
    for (size_t k = 0; k < space->n; k++) {
        size_t i = space->order[k], v = 0;
        uint64_t behind;
        w.there[i] = space_is_there(space, i, w.there, w.choice);
        u[i] = kt_space_coordinate(space, i, 0);
        if (!w.there[i])
            continue;
        for (;; v++) { /* each choice may have another number of points behind it */
            w.choice[i] = v;
            behind = count(&w, k + 1);
            if (point < behind || !space->dim[i].decides)
                break;
            point -= behind;
        }
        assert(behind > 0);
        if (!space->dim[i].decides) {
            v = (size_t)(point / behind);
            point %= behind;
        }
        u[i] = kt_space_coordinate(space, i, v);
    }
}
