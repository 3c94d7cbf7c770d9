#include "kt/manifest.h"

#include "kt/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name; /* of the document */
    size_t cell;
    const kt_json *json; /* the cell */
} place;

static kt_status refuse(const place *p, const char *key, const char *wanted, kt_error *err)
{
    bool missing = !kt_json_get(p->json, key);
    return kt_fail(err, KT_INPUT, "%s: cell %zu: %s %s%s", p->name, p->cell, key,
                   missing ? "is missing, wanted is " : "is not ", wanted);
}

/* Microseconds to ns. */
static kt_status get_time(int64_t *ns, const place *p, const char *key, kt_error *err)
{
    const kt_json *value = kt_json_get(p->json, key);
    double us = kt_json_as_real(value, -1); /* whole microseconds of our times are exact in a double */
    if (!(us >= 0 && us < (double)INT64_MAX / 1000))
        return refuse(p, key, "a time in microseconds since 1970", err);
    *ns = (kt_json_kind_of(value) == KT_JSON_INT ? kt_json_as_int(value, 0) : (int64_t)us) * 1000;
    return KT_OK;
}

/* Keys that may be missing or null. */
static kt_status get_rate(double *rate, const place *p, const char *key, kt_error *err)
{
    const kt_json *value = kt_json_get(p->json, key);
    *rate = kt_json_as_real(value, NAN);
    if (kt_json_kind_of(value) != KT_JSON_NULL && !(*rate >= 0 && isfinite(*rate)))
        return refuse(p, key, "a number of requests per second", err);
    return KT_OK;
}

static kt_status get_count(int64_t *count, const place *p, const char *key, kt_error *err)
{
    const kt_json *value = kt_json_get(p->json, key);
    *count = kt_json_as_int(value, -1);
    if (kt_json_kind_of(value) != KT_JSON_NULL && *count < 0)
        return refuse(p, key, "a count", err);
    return KT_OK;
}

static kt_status get_reps(kt_manifest_cell *cell, const place *p, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *reps = kt_json_get(p->json, "rep");
    size_t n = kt_json_size(reps);
    if (kt_json_kind_of(reps) != KT_JSON_NULL && kt_json_kind_of(reps) != KT_JSON_OBJECT)
        return refuse(p, "rep", "an object of services and their numbers of replicas", err);
    KT_TRY(kt_alloc(&cell->rep, n, sizeof *cell->rep, err));
    for (size_t i = 0; i < n; i++) {
        const char *service = kt_json_key(reps, i);
        double rep = kt_json_as_real(kt_json_get(reps, service), -1);
        if (!(rep > 0 && isfinite(rep)))
            KT_TRY(kt_fail(err, KT_INPUT, "%s: cell %zu: rep of '%s' is not a number above 0", p->name,
                           p->cell, service));
        KT_TRY(kt_strdup(&cell->rep[i].service, service, err));
        cell->rep[i].rep = rep;
        cell->n_reps++;
    }
out:
    return status;
}

static kt_status get_cell(kt_manifest_cell *cell, const place *p, kt_error *err)
{
    kt_status status = KT_OK;
    if (kt_json_kind_of(p->json) != KT_JSON_OBJECT)
        return kt_fail(err, KT_INPUT, "%s: cell %zu is not an object", p->name, p->cell);
    KT_TRY(get_time(&cell->start, p, "start_us", err));
    KT_TRY(get_time(&cell->end, p, "end_us", err));
    if (cell->end <= cell->start)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: cell %zu ends at %lld us, which is not after its start at %lld us",
                       p->name, p->cell, (long long)(cell->end / 1000), (long long)(cell->start / 1000)));
    KT_TRY(get_rate(&cell->asked, p, "rps_asked", err));
    KT_TRY(get_rate(&cell->drawn, p, "rps_drawn", err));
    KT_TRY(get_rate(&cell->achieved, p, "rps_achieved", err));
    KT_TRY(get_count(&cell->requests, p, "n", err));
    KT_TRY(get_count(&cell->errors, p, "errors", err));
    KT_TRY(get_reps(cell, p, err));
out:
    return status;
}

static int by_start(const void *a, const void *b)
{
    const kt_manifest_cell *ca = a, *cb = b;
    return (ca->start > cb->start) - (ca->start < cb->start);
}

static kt_status get_cells(kt_manifest *manifest, const kt_json *json, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *cells = kt_json_get(json, "cells");
    size_t n = kt_json_size(cells);
    if (kt_json_kind_of(cells) != KT_JSON_ARRAY || n == 0)
        return kt_fail(err, KT_INPUT, "%s: no load cells: wanted is a list of them with the key cells", name);
    KT_TRY(kt_alloc(&manifest->cell, n, sizeof *manifest->cell, err));
    manifest->n = n;
    for (size_t i = 0; i < n; i++)
        KT_TRY(get_cell(&manifest->cell[i], &(place){name, i, kt_json_at(cells, i)}, err));
    qsort(manifest->cell, n, sizeof *manifest->cell, by_start);
    for (size_t i = 1; i < n; i++) {
        const kt_manifest_cell *before = &manifest->cell[i - 1], *cell = &manifest->cell[i];
        if (cell->start < before->end)
            KT_TRY(kt_fail(err, KT_INPUT,
                           "%s: cells overlap: one starts at %lld us, another one lasts from %lld to %lld us",
                           name, (long long)(cell->start / 1000), (long long)(before->start / 1000),
                           (long long)(before->end / 1000)));
    }
out:
    return status;
}

static kt_status get_entry(kt_manifest *manifest, const kt_json *json, const char *name, kt_error *err)
{
    const kt_json *entry = kt_json_get(json, "entry");
    if (!entry)
        entry = kt_json_get(kt_json_get(json, "config"), "entry");
    if (kt_json_kind_of(entry) == KT_JSON_NULL)
        return KT_OK;
    const char *service = kt_json_as_text(entry, "");
    if (*service == '\0')
        return kt_fail(err, KT_INPUT, "%s: entry is not the name of a service", name);
    return kt_strdup(&manifest->entry, service, err);
}

kt_status kt_manifest_parse(kt_manifest *manifest, const char *text, size_t n, const char *name,
                            kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    KT_TRY(kt_json_parse(&json, text, n, name, err));
    KT_TRY(get_cells(manifest, json, name, err));
    KT_TRY(get_entry(manifest, json, name, err));
    KT_TRY(kt_json_text(&manifest->text, json, 0, err));
out:
    kt_json_drop(json);
    return status;
}

void kt_manifest_clear(kt_manifest *manifest)
{
    for (size_t i = 0; i < manifest->n; i++) {
        kt_manifest_cell *cell = &manifest->cell[i];
        for (size_t k = 0; k < cell->n_reps; k++)
            free(cell->rep[k].service);
        free(cell->rep);
    }
    free(manifest->cell);
    free(manifest->entry);
    free(manifest->text);
    *manifest = (kt_manifest){.n = 0};
}

double kt_manifest_rep_of(const kt_manifest_cell *cell, const char *service)
{
    double rep = NAN;
    for (size_t i = 0; i < cell->n_reps; i++) {
        if (strcmp(cell->rep[i].service, service) == 0)
            return cell->rep[i].rep;
        if (strcmp(cell->rep[i].service, "*") == 0)
            rep = cell->rep[i].rep;
    }
    return rep;
}
