#include "kt/samples.h"

#include "kt/options.h"
#include "kt/pause.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kt_cell_rule_text[] = {
    [KT_CELLS_NOMINAL] = "one for each nominal rate with the replicas of all services of its rows",
    [KT_CELLS_COLUMN] = "what the column cell says, file by file",
    [KT_CELLS_BINS] = "replicas by up to ten quantile bins of the rate, file by file",
};

static void clear_service(kt_service *s)
{
    free(s->name);
    free(s->x);
    free(s->y);
    free(s->cell);
    free(s->cells);
}

void kt_samples_clear(kt_samples *samples)
{
    for (int f = 0; f < samples->d; f++)
        free(samples->feature[f]);
    for (size_t i = 0; i < samples->n_services; i++)
        clear_service(&samples->services[i]);
    free(samples->services);
    free(samples->provenance);
    free(samples->cleaning);
    *samples = (kt_samples){.d = 0};
}

/* The length of a short name: up to the first dot. */
static size_t short_length(const char *name)
{
    return strcspn(name, ".");
}

static bool is_short_of(const char *name, const char *full)
{
    size_t n = short_length(full);
    return strlen(name) == n && strncmp(name, full, n) == 0;
}

/* The nearest full or short name, as text in `out`, or "". */
static void find_nearest(char *out, size_t capacity, const kt_samples *samples, const char *name)
{
    size_t n = samples->n_services;
    char **candidate = NULL;
    out[0] = '\0';
    if (kt_alloc(&candidate, 2 * n, sizeof *candidate, NULL) != KT_OK)
        return;
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        const char *full = samples->services[i].name;
        good = kt_strdup(&candidate[2 * i], full, NULL) == KT_OK &&
               kt_format(&candidate[2 * i + 1], NULL, "%.*s", (int)short_length(full), full) == KT_OK;
    }
    const char *nearest = good ? kt_nearest(name, (const char *const *)candidate, 2 * n) : NULL;
    if (nearest)
        snprintf(out, capacity, "%s", nearest);
    for (size_t i = 0; i < 2 * n; i++)
        free(candidate[i]);
    free(candidate);
}

kt_status kt_samples_find(size_t *index, const kt_samples *samples, const char *name, kt_error *err)
{
    size_t matches = 0, first = 0, last = 0;
    for (size_t i = 0; i < samples->n_services; i++) {
        if (strcmp(samples->services[i].name, name) == 0) {
            *index = i;
            return KT_OK;
        }
        if (is_short_of(name, samples->services[i].name)) {
            first = matches++ == 0 ? i : first;
            last = i;
        }
    }
    *index = first;
    if (matches == 1)
        return KT_OK;
    if (matches > 1)
        return kt_fail(
            err, KT_USAGE,
            "%zu services are called '%s' in short: give one by its whole name, as in '%s' or '%s'", matches,
            name, samples->services[first].name, samples->services[last].name);
    char nearest[KT_NAME];
    find_nearest(nearest, sizeof nearest, samples, name);
    return kt_fail(err, KT_USAGE, "no service '%s' among the %zu of the data%s%s%s", name,
                   samples->n_services, *nearest ? ": is it '" : "", nearest, *nearest ? "'?" : "");
}

int kt_samples_feature(const kt_samples *samples, const char *name)
{
    for (int f = 0; f < samples->d; f++)
        if (strcmp(samples->feature[f], name) == 0)
            return f;
    return -1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const kt_service *)a)->name, ((const kt_service *)b)->name);
}

void kt_samples_sort(kt_samples *samples)
{
    qsort(samples->services, samples->n_services, sizeof *samples->services, by_name);
}

/* Sums in the order of rows: equal rows give equal bits. */
static void describe_cells(kt_service *s, int d)
{
    for (size_t c = 0; c < s->n_cells; c++) {
        s->cells[c].rows = 0;
        memset(s->cells[c].mean, 0, sizeof s->cells[c].mean);
    }
    for (size_t i = 0; i < s->n; i++) {
        assert(s->cell[i] < s->n_cells);
        KT_PAUSE_OFTEN();
        kt_cell *cell = &s->cells[s->cell[i]];
        cell->rows++;
        for (int f = 0; f < d; f++)
            cell->mean[f] += s->x[i * (size_t)d + (size_t)f];
    }
    for (size_t c = 0; c < s->n_cells; c++)
        for (int f = 0; f < d && s->cells[c].rows > 0; f++)
            s->cells[c].mean[f] /= (double)s->cells[c].rows;
}

static void digest_service(kt_service *s, kt_digest *digest, const kt_samples *samples)
{
    kt_digest_text(digest, s->name);
    kt_digest_u64(digest, (uint64_t)samples->d);
    for (int f = 0; f < samples->d; f++)
        kt_digest_text(digest, samples->feature[f]);
    kt_digest_u64(digest, (uint64_t)s->target);
    kt_digest_u64(digest, s->n);
    kt_digest_f64(digest, s->x, s->n * (size_t)samples->d);
    kt_digest_f64(digest, s->y, s->n);
    kt_digest_u64(digest, s->n_cells);
    for (size_t c = 0; c < s->n_cells; c++)
        kt_digest_text(digest, s->cells[c].label);
    kt_digest_u32(digest, s->cell, s->n);
    kt_digest_end(digest, s->digest);
}

/* A cell of one rate keeps it as it is: the mean of equal numbers may be another in its last bit. */
static kt_status service_cell_rates(kt_service *s, int d, int rate, kt_error *err)
{
    kt_status status = KT_OK;
    double *x = s->x + rate, *first = NULL;
    bool *varies = NULL;
    KT_TRY(kt_alloc(&first, s->n_cells, sizeof *first, err));
    KT_TRY(kt_alloc(&varies, s->n_cells, sizeof *varies, err));
    for (size_t i = s->n; i-- > 0;)
        first[s->cell[i]] = x[i * (size_t)d];
    for (size_t i = 0; i < s->n; i++)
        varies[s->cell[i]] |= x[i * (size_t)d] != first[s->cell[i]];
    for (size_t i = 0; i < s->n; i++)
        if (varies[s->cell[i]])
            x[i * (size_t)d] = s->cells[s->cell[i]].mean[rate];
out:
    free(first);
    free(varies);
    return status;
}

kt_status kt_samples_cell_rates(kt_samples *samples, kt_error *err)
{
    kt_status status = KT_OK;
    int rate = kt_samples_feature(samples, "rps_eff");
    if (rate < 0)
        return kt_fail(err, KT_USAGE, "rates of cells: rps_eff is not among the features");
    for (size_t i = 0; i < samples->n_services; i++)
        if (samples->services[i].rule != KT_CELLS_BINS)
            KT_TRY(service_cell_rates(&samples->services[i], samples->d, rate, err));
    KT_TRY(kt_samples_finish(samples, err));
out:
    return status;
}

kt_status kt_samples_finish(kt_samples *samples, kt_error *err)
{
    kt_status status = KT_OK;
    kt_digest *digest = NULL;
    assert(samples->d > 0 && samples->d <= KT_FEATURES_MAX);
    kt_samples_sort(samples);
    KT_TRY(kt_digest_create(&digest, err));
    for (size_t i = 0; i < samples->n_services; i++) {
        kt_service *s = &samples->services[i];
        if (strlen(s->name) == 0 || strlen(s->name) >= KT_NAME) {
            status =
                kt_fail(err, KT_INPUT, "the name of the service '%.40s' has %zu bytes: 1 to %d are possible",
                        s->name, strlen(s->name), KT_NAME - 1);
            goto out;
        }
        if (i > 0 && strcmp(samples->services[i - 1].name, s->name) == 0) {
            status = kt_fail(err, KT_INPUT, "the service '%s' is there twice", s->name);
            goto out;
        }
        describe_cells(s, samples->d);
        digest_service(s, digest, samples);
    }
out:
    kt_digest_destroy(digest);
    return status;
}
