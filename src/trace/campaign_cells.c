#include "campaign_private.h"

#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CELLS = 100000, MOST_AXES = 64 };

kt_status campaign_check_keys(const kt_json *object, const char *const *names, size_t n, const char *where,
                              kt_error *err)
{
    for (size_t i = 0; i < kt_json_size(object); i++) {
        const char *key = kt_json_key(object, i);
        bool known = false;
        for (size_t k = 0; k < n && !known; k++)
            known = strcmp(names[k], key) == 0;
        const char *near = known ? NULL : kt_nearest(key, names, n);
        if (near)
            return kt_fail(err, KT_USAGE, "%s: unknown key %s; did you mean %s?", where, key, near);
        if (!known)
            return kt_fail(err, KT_USAGE, "%s: unknown key %s", where, key);
    }
    return KT_OK;
}

/* ---- one element of the plan's cells: an axis of rates, and one for each group of services ---- */

typedef struct {
    const kt_json *values;       /* a number or a list of them */
    const char *const *services; /* [n] that move together; rates: none */
    size_t n;
} axis;

typedef struct {
    axis axes[MOST_AXES]; /* the first is the rates' */
    size_t n;
    int64_t requests;
    double seconds;
} grid;

static size_t length(const axis *a)
{
    return kt_json_kind_of(a->values) == KT_JSON_ARRAY ? kt_json_size(a->values) : 1;
}

static const kt_json *value(const axis *a, size_t i)
{
    return kt_json_kind_of(a->values) == KT_JSON_ARRAY ? kt_json_at(a->values, i) : a->values;
}

static kt_status check_axis(const axis *a, const char *key, bool whole, double most, const char *where,
                            kt_error *err)
{
    if (length(a) == 0)
        return kt_fail(err, KT_USAGE, "%s: %s: an empty list", where, key);
    for (size_t i = 0; i < length(a); i++) {
        double number = kt_json_as_real(value(a, i), NAN);
        if (!(number > 0 && number <= most) || (whole && number != floor(number)))
            return kt_fail(err, KT_USAGE,
                           "%s: %s: a %snumber above 0, at most %g, or a list of such is wanted", where, key,
                           whole ? "whole " : "", most);
    }
    return KT_OK;
}

/* "cart,catalog" to names. */
static kt_status read_services(axis *a, kt_campaign *c, const char *key, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    char *rest = NULL;
    const char **names = NULL;
    size_t n = 1;
    for (const char *comma = strchr(key, ','); comma; comma = strchr(comma + 1, ','))
        n++;
    KT_TRY(kt_strdup(&rest, key, err));
    KT_TRY(campaign_own(c, rest, err));
    KT_TRY(kt_alloc(&names, n, sizeof *names, err));
    KT_TRY(campaign_own(c, names, err));
    for (char *part; (part = strsep(&rest, ","));) {
        part += strspn(part, " ");
        part[strcspn(part, " ")] = '\0';
        if (*part == '\0')
            KT_TRY(kt_fail(err, KT_USAGE, "%s: rep: '%s': services with commas between them are wanted",
                           where, key));
        names[a->n++] = part;
    }
    a->services = names;
out:
    return status;
}

static kt_status add_rep(grid *g, kt_campaign *c, const char *key, const kt_json *values, const char *where,
                         kt_error *err)
{
    kt_status status = KT_OK;
    if (g->n == MOST_AXES)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: rep: more than %d entries", where, MOST_AXES - 1));
    axis *a = &g->axes[g->n++];
    a->values = values;
    KT_TRY(check_axis(a, key, true, 1e6, where, err));
    KT_TRY(read_services(a, c, key, where, err));
out:
    return status;
}

static kt_status read_length(grid *g, const kt_json *cell, int64_t requests, double seconds,
                             const char *where, kt_error *err)
{
    const kt_json *r = kt_json_get(cell, "requests"), *s = kt_json_get(cell, "seconds");
    if (r && (kt_json_kind_of(r) != KT_JSON_INT ||
              !(kt_json_as_int(r, 0) >= 1 && kt_json_as_int(r, 0) <= 100000000)))
        return kt_fail(err, KT_USAGE, "%s: requests: a whole number from 1 to 1e8 is wanted", where);
    if (s && !(kt_json_as_real(s, 0) > 0 && kt_json_as_real(s, 0) <= 1e8))
        return kt_fail(err, KT_USAGE, "%s: seconds: a number above 0 is wanted", where);
    bool own_length = r || s;
    g->requests = own_length ? kt_json_as_int(r, 0) : requests;
    g->seconds = own_length ? kt_json_as_real(s, 0) : seconds;
    if ((g->requests > 0) == (g->seconds > 0))
        return kt_fail(err, KT_USAGE, "%s: %s requests %s seconds: one of them is wanted", where,
                       g->requests > 0 ? "both" : "neither", g->requests > 0 ? "and" : "nor");
    return KT_OK;
}

static kt_status read_grid(grid *g, kt_campaign *c, const kt_json *cell, int64_t requests, double seconds,
                           const char *where, kt_error *err)
{
    static const char *const keys[] = {"rps", "rep", "requests", "seconds"};
    kt_status status = KT_OK;
    const kt_json *rep = kt_json_get(cell, "rep");
    kt_json_kind kind = kt_json_kind_of(rep);
    if (kt_json_kind_of(cell) != KT_JSON_OBJECT)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: {\"rps\": ..., \"rep\": ...} is wanted", where));
    KT_TRY(campaign_check_keys(cell, keys, sizeof keys / sizeof *keys, where, err));
    g->axes[g->n++] = (axis){.values = kt_json_get(cell, "rps")};
    KT_TRY(check_axis(&g->axes[0], "rps", false, 1e6, where, err));
    KT_TRY(read_length(g, cell, requests, seconds, where, err));
    if (kind == KT_JSON_OBJECT)
        for (size_t i = 0; i < kt_json_size(rep); i++)
            KT_TRY(add_rep(g, c, kt_json_key(rep, i), kt_json_get(rep, kt_json_key(rep, i)), where, err));
    else if (rep)
        KT_TRY(add_rep(g, c, "*", rep, where, err));
out:
    return status;
}

static int by_service(const void *a, const void *b)
{
    return strcmp(((const kt_campaign_rep *)a)->service, ((const kt_campaign_rep *)b)->service);
}

/* The number i of the product, rates changing first. */
static kt_status make_cell(kt_campaign_cell *cell, kt_campaign *c, const grid *g, size_t i, const char *where,
                           kt_error *err)
{
    kt_status status = KT_OK;
    kt_campaign_rep *rep = NULL;
    size_t services = 0, n = 0;
    for (size_t a = 1; a < g->n; a++)
        services += g->axes[a].n;
    KT_TRY(kt_alloc(&rep, services, sizeof *rep, err));
    KT_TRY(campaign_own(c, rep, err));
    *cell =
        (kt_campaign_cell){.requests = g->requests, .seconds = g->seconds, .n_reps = services, .rep = rep};
    for (size_t a = 0; a < g->n; a++) {
        double number = kt_json_as_real(value(&g->axes[a], i % length(&g->axes[a])), 0);
        i /= length(&g->axes[a]);
        if (a == 0)
            cell->rps = number;
        for (size_t k = 0; k < g->axes[a].n; k++)
            rep[n++] = (kt_campaign_rep){g->axes[a].services[k], (int64_t)number};
    }
    qsort(rep, n, sizeof *rep, by_service);
    for (size_t k = 1; k < n; k++)
        if (strcmp(rep[k - 1].service, rep[k].service) == 0)
            KT_TRY(kt_fail(err, KT_USAGE, "%s: rep: '%s' is there twice", where, rep[k].service));
out:
    return status;
}

static kt_status add_cells(kt_campaign *c, const kt_json *cell, int64_t requests, double seconds,
                           const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    grid g = {.n = 0};
    size_t product = 1;
    KT_TRY(read_grid(&g, c, cell, requests, seconds, where, err));
    for (size_t a = 0; a < g.n && product <= MOST_CELLS; a++)
        product *= length(&g.axes[a]);
    if (c->n + product > MOST_CELLS)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: over %d cells", where, MOST_CELLS));
    KT_TRY(kt_grow(&c->cell, c->n + product, sizeof *c->cell, err));
    for (size_t i = 0; i < product; i++)
        KT_TRY(make_cell(&c->cell[c->n++], c, &g, i, where, err));
out:
    return status;
}

/* The list again for each repeat. The order within each is drawn by itself, so that what drifts with time
 * does not fall on some of the cells. */
static kt_status repeat(kt_campaign *c, int64_t repeats, bool shuffle, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *order = NULL;
    kt_campaign_cell *list = NULL;
    size_t once = c->n;
    if (once * (size_t)repeats > MOST_CELLS)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: over %d cells", where, MOST_CELLS));
    KT_TRY(kt_alloc(&order, once, sizeof *order, err));
    KT_TRY(kt_alloc(&list, once * (size_t)repeats, sizeof *list, err));
    for (size_t r = 0; r < (size_t)repeats; r++) {
        kt_rng rng;
        kt_rng_init(&rng, c->load.seed, kt_rng_subject("order of cells"), KT_RNG_LOAD, 0, (uint32_t)r);
        for (uint32_t i = 0; i < once; i++)
            order[i] = i;
        if (shuffle)
            kt_rng_shuffle(&rng, order, (uint32_t)once);
        for (size_t i = 0; i < once; i++)
            list[r * once + i] = c->cell[order[i]];
    }
    free(c->cell);
    c->cell = list;
    c->n = once * (size_t)repeats;
out:
    free(order);
    return status;
}

kt_status campaign_read_cells(kt_campaign *c, const kt_json *cells, int64_t requests, double seconds,
                              int64_t repeats, bool shuffle, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    char *place = NULL;
    if (kt_json_kind_of(cells) != KT_JSON_ARRAY || kt_json_size(cells) == 0)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: cells: a list of cells is wanted", where));
    for (size_t i = 0; i < kt_json_size(cells); i++) {
        KT_TRY(kt_format(&place, err, "%s: cells[%zu]", where, i));
        KT_TRY(add_cells(c, kt_json_at(cells, i), requests, seconds, place, err));
        free(place);
        place = NULL;
    }
    KT_TRY(repeat(c, repeats, shuffle, where, err));
out:
    free(place);
    return status;
}
