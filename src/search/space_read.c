/* Reading a space: nothing of it is believed before it was checked. */
#include "space_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

typedef struct {
    kt_space *space;
    const kt_option *table;
    const char *where; /* the file */
} reading;

static kt_status refuse(const reading *r, const char *name, const char *what, kt_error *err)
{
    return kt_fail(err, KT_USAGE, "%s: space: %s: %s", r->where, name, what);
}

/* A value of an option in its normal form (new reference), or what is wrong with it. */
static kt_status normal(kt_json **out, const reading *r, const char *name, const kt_json *value,
                        kt_error *err)
{
    kt_status status = KT_OK;
    char *where = NULL;
    kt_json *one = kt_json_object(), *part = NULL;
    kt_json_put(one, name, kt_json_keep((kt_json *)(uintptr_t)value));
    KT_TRY(kt_format(&where, err, "%s: space", r->where));
    KT_TRY(kt_options_check(r->table, one, where, err));
    part = kt_options_of_class(r->table, one, KT_CLASS_RESULT);
    *out = kt_json_keep(kt_json_get(part, name));
    if (!*out)
        KT_TRY(kt_fail(err, KT_MEMORY, "%s: out of memory", r->where));
out:
    kt_json_drop(one);
    kt_json_drop(part);
    free(where);
    return status;
}

/* Which of the choices a value is; their number: none. */
static size_t find_choice(const space_dim *dim, const kt_json *value)
{
    size_t i = 0, n = kt_json_size(dim->choices);
    while (i < n && !kt_json_equal(kt_json_at(dim->choices, i), value))
        i++;
    return i;
}

static kt_status read_choices(space_dim *dim, const reading *r, const kt_json *list, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *value = NULL;
    size_t n = kt_json_size(list);
    if (kt_json_kind_of(list) != KT_JSON_ARRAY || n == 0)
        KT_TRY(refuse(r, dim->dim.name, "choice: a list of one value or more", err));
    if (n > SPACE_CHOICES)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: %zu choices, at most %d are possible", r->where,
                       dim->dim.name, n, SPACE_CHOICES));
    dim->choices = kt_json_array();
    for (size_t i = 0; i < n; i++) {
        KT_TRY(normal(&value, r, dim->dim.name, kt_json_at(list, i), err));
        if (find_choice(dim, value) < i)
            KT_TRY(refuse(r, dim->dim.name, "choice: a value is there twice", err));
        kt_json_append(dim->choices, value);
        value = NULL;
    }
    dim->dim.n = dim->dim.grid = n;
out:
    kt_json_drop(value);
    return status;
}

static const kt_option *option_of(const reading *r, const char *name)
{
    const kt_option *option = r->table;
    while (option->name && strcmp(option->name, name) != 0)
        option++;
    return option->name ? option : NULL;
}

static kt_status read_range(space_dim *dim, const reading *r, const kt_json *list, kt_error *err)
{
    kt_status status = KT_OK;
    kt_dim *d = &dim->dim;
    kt_json *end = NULL;
    const char *kind = space_kinds[d->kind].name;
    const kt_option *option = option_of(r, d->name);
    if (option && option->type != space_kinds[d->kind].type)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: takes no %s, but %s", r->where, d->name, kind,
                       option->type == KT_OPTION_REAL  ? "uniform, log or choice"
                       : option->type == KT_OPTION_INT ? "int, int_log or choice"
                                                       : "choice"));
    if (kt_json_kind_of(list) != KT_JSON_ARRAY || kt_json_size(list) != 2)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: %s: a list of two numbers", r->where, d->name, kind));
    for (size_t i = 0; i < 2; i++) {
        KT_TRY(normal(&end, r, d->name, kt_json_at(list, i), err));
        *(i == 0 ? &d->low : &d->high) = kt_json_as_real(end, NAN);
        kt_json_drop(end);
        end = NULL;
    }
    if (!(d->low < d->high))
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: %s from %g to %g: is empty", r->where, d->name, kind,
                       d->low, d->high));
    if (space_kinds[d->kind].logarithmic && !(d->low > 0))
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: %s from %g: has to begin above 0", r->where, d->name,
                       kind, d->low));
    if (option && option->type == KT_OPTION_INT)
        d->n = (size_t)(d->high - d->low) + 1;
out:
    kt_json_drop(end);
    return status;
}

/* Of a range, or of all whole numbers where there are no more of them. */
static kt_status read_grid(space_dim *dim, const reading *r, const kt_json *value, kt_error *err)
{
    int64_t n = kt_json_as_int(value, 0);
    if (!value)
        return KT_OK;
    if (dim->dim.kind == KT_DIM_CHOICE)
        return refuse(r, dim->dim.name, "grid: choices are their own grid", err);
    if (n < 2 || (dim->dim.n > 0 && (uint64_t)n > dim->dim.n))
        return refuse(r, dim->dim.name, "grid: 2 points or more, and no more than whole numbers in the range",
                      err);
    dim->dim.grid = (size_t)n;
    return KT_OK;
}

/* Every key of the object is a kind, "grid" or "when", and one is a kind. */
static kt_status read_dim(space_dim *dim, const reading *r, const kt_json *object, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *given = NULL;
    for (size_t i = 0; i < kt_json_size(object); i++) {
        const char *key = kt_json_key(object, i);
        int kind = 0;
        while (kind < SPACE_KINDS && strcmp(space_kinds[kind].name, key) != 0)
            kind++;
        if (kind == SPACE_KINDS && strcmp(key, "grid") != 0 && strcmp(key, "when") != 0)
            KT_TRY(kt_fail(err, KT_USAGE,
                           "%s: space: %s: %s: not choice, uniform, log, int, int_log, grid or when",
                           r->where, dim->dim.name, key));
        if (kind < SPACE_KINDS && given)
            KT_TRY(refuse(r, dim->dim.name, "drawn in two ways", err));
        if (kind < SPACE_KINDS) {
            dim->dim.kind = (kt_dim_kind)kind;
            given = kt_json_get(object, key);
        }
    }
    if (!given)
        KT_TRY(refuse(r, dim->dim.name, "neither choice, uniform, log, int nor int_log", err));
    KT_TRY(dim->dim.kind == KT_DIM_CHOICE ? read_choices(dim, r, given, err)
                                          : read_range(dim, r, given, err));
    KT_TRY(read_grid(dim, r, kt_json_get(object, "grid"), err));
out:
    return status;
}

/* An unknown option is told before what is wrong about its range. */
static kt_status check_name(const reading *r, const char *name, kt_error *err)
{
    const char *names[256];
    size_t n = 0;
    if (option_of(r, name))
        return KT_OK;
    for (const kt_option *option = r->table; option->name && n < sizeof names / sizeof *names; option++)
        names[n++] = option->name;
    const char *nearest = kt_nearest(name, names, n);
    return kt_fail(err, KT_USAGE, "%s: space: %s: not an option that trials can vary%s%s%s", r->where, name,
                   nearest ? ": is it " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static kt_status read_one(reading *r, const char *name, const kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    kt_space *space = r->space;
    kt_json *fixed = NULL;
    KT_TRY(check_name(r, name, err));
    if (kt_json_kind_of(value) != KT_JSON_OBJECT) {
        KT_TRY(normal(&fixed, r, name, value, err));
        kt_json_put(space->fixed, name, fixed);
        goto out;
    }
    if (space->n == KT_SPACE_MAX)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: more than %d options are varied", r->where, KT_SPACE_MAX));
    space_dim *dim = &space->dim[space->n++];
    dim->dim.name = name;
    KT_TRY(read_dim(dim, r, value, err));
out:
    return status;
}

/* ---- conditions ---- */

static kt_status read_allowed(space_condition *when, const reading *r, const char *name,
                              const kt_json *values, kt_error *err)
{
    kt_status status = KT_OK;
    const space_dim *of = &r->space->dim[when->of];
    bool list =
        kt_json_kind_of(values) == KT_JSON_ARRAY && option_of(r, of->dim.name)->type != KT_OPTION_INTS;
    bool lists =
        kt_json_kind_of(values) == KT_JSON_ARRAY && kt_json_kind_of(kt_json_at(values, 0)) == KT_JSON_ARRAY;
    size_t n = list || lists ? kt_json_size(values) : 1, which;
    kt_json *value = NULL;
    for (size_t i = 0; i < n; i++) {
        KT_TRY(normal(&value, r, of->dim.name, list || lists ? kt_json_at(values, i) : values, err));
        which = find_choice(of, value);
        kt_json_drop(value);
        value = NULL;
        if (which == of->dim.n)
            KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: when: can never hold: %s has no such choice",
                           r->where, name, of->dim.name));
        when->allowed |= UINT64_C(1) << which;
    }
    if (when->allowed == 0)
        KT_TRY(refuse(r, name, "when: can never hold: an empty list", err));
out:
    kt_json_drop(value);
    return status;
}

static kt_status read_when(space_dim *dim, const reading *r, const kt_json *when, kt_error *err)
{
    kt_status status = KT_OK;
    kt_space *space = r->space;
    if (!when)
        return KT_OK;
    if (kt_json_kind_of(when) != KT_JSON_OBJECT || kt_json_size(when) == 0)
        return refuse(r, dim->dim.name, "when: an object of options and their values", err);
    for (size_t w = 0; w < kt_json_size(when); w++) {
        const char *name = kt_json_key(when, w);
        size_t of = 0;
        while (of < space->n && strcmp(space->dim[of].dim.name, name) != 0)
            of++;
        if (of == space->n || space->dim[of].dim.kind != KT_DIM_CHOICE)
            KT_TRY(kt_fail(err, KT_USAGE, "%s: space: %s: when: %s is not varied by choice", r->where,
                           dim->dim.name, name));
        if (dim->n_when == KT_SPACE_MAX)
            break; /* there are no more dimensions */
        space_condition *condition = &dim->when[dim->n_when++];
        *condition = (space_condition){.of = of};
        space->dim[of].decides = true;
        KT_TRY(read_allowed(condition, r, dim->dim.name, kt_json_get(when, name), err));
    }
out:
    return status;
}

static bool is_decided(const kt_space *space, size_t i, const bool *placed)
{
    for (size_t w = 0; w < space->dim[i].n_when; w++) {
        if (!placed[space->dim[i].when[w].of])
            return false;
    }
    return true;
}

/* Each dimension after those that decide about it, else in byte order. */
static kt_status put_in_order(const reading *r, kt_error *err)
{
    kt_space *space = r->space;
    bool placed[KT_SPACE_MAX] = {false};
    for (size_t k = 0; k < space->n; k++) {
        size_t i = 0;
        while (i < space->n && (placed[i] || !is_decided(space, i, placed)))
            i++;
        if (i == space->n) {
            for (i = 0; placed[i];)
                i++;
            return refuse(r, space->dim[i].dim.name, "when: can never hold: conditions in a circle", err);
        }
        placed[i] = true;
        space->order[k] = i;
    }
    return KT_OK;
}

/* Conditions have to hold all the way up, so that all of them are sets of choices of which each must be left
 * with one. */
static kt_status refuse_contradictions(const reading *r, kt_error *err)
{
    const kt_space *space = r->space;
    uint64_t left[KT_SPACE_MAX][KT_SPACE_MAX]; /* [of one, by one that decides] */
    memset(left, 0xff, sizeof left);
    for (size_t k = 0; k < space->n; k++) {
        size_t i = space->order[k];
        for (size_t w = 0; w < space->dim[i].n_when; w++) {
            const space_condition *when = &space->dim[i].when[w];
            for (size_t of = 0; of < space->n; of++)
                left[i][of] &= left[when->of][of];
            left[i][when->of] &= when->allowed;
        }
        for (size_t of = 0; of < space->n; of++) {
            if (left[i][of] == 0)
                return kt_fail(err, KT_USAGE,
                               "%s: space: %s: when: can never hold: no value of %s suits all conditions",
                               r->where, space->dim[i].dim.name, space->dim[of].dim.name);
        }
    }
    return KT_OK;
}

static void make_groups(kt_space *space)
{
    for (size_t i = 0; i < space->n; i++)
        space->dim[i].group = i;
    for (size_t i = 0; i < space->n; i++) {
        for (size_t w = 0; w < space->dim[i].n_when; w++) {
            size_t a = space->dim[i].group, b = space->dim[space->dim[i].when[w].of].group;
            for (size_t k = 0; k < space->n; k++) {
                if (space->dim[k].group == (a > b ? a : b))
                    space->dim[k].group = a > b ? b : a;
            }
        }
    }
}

kt_status kt_space_create(kt_space **out, const kt_json *json, const kt_option *table, const char *where,
                          kt_error *err)
{
    kt_status status = KT_OK;
    kt_space *space = NULL;
    *out = NULL;
    if (kt_json_kind_of(json) != KT_JSON_OBJECT)
        return kt_fail(err, KT_USAGE, "%s: there is no space, an object of options and how they are drawn",
                       where);
    KT_TRY(kt_alloc(&space, 1, sizeof *space, err));
    space->json = kt_json_keep((kt_json *)(uintptr_t)json);
    space->fixed = kt_json_object();
    reading r = {space, table, where};
    for (size_t i = 0; i < kt_json_size(json); i++)
        KT_TRY(read_one(&r, kt_json_key(json, i), kt_json_get(json, kt_json_key(json, i)), err));
    if (space->n == 0)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: space: is empty: no option is varied", where));
    for (size_t i = 0; i < space->n; i++)
        KT_TRY(read_when(&space->dim[i], &r, kt_json_get(kt_json_get(json, space->dim[i].dim.name), "when"),
                         err));
    KT_TRY(put_in_order(&r, err));
    KT_TRY(refuse_contradictions(&r, err));
    make_groups(space);
    *out = space;
    space = NULL;
out:
    kt_space_destroy(space);
    return status;
}
