#include "kt/split.h"

#include "kt/rng.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_CELLS = 3, COVERED_FROM = 4 }; /* a rep with so many cells has one held out */

typedef struct {
    size_t cell;
    double rep, rate;
} placed;

/* ---- which cells ---- */

static int by_load(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->rep != y->rep)
        return x->rep < y->rep ? -1 : 1;
    if (x->rate != y->rate)
        return x->rate < y->rate ? -1 : 1;
    return (x->cell > y->cell) - (x->cell < y->cell);
}

static double feature_or(const kt_samples *samples, const kt_cell *cell, const char *name, double otherwise)
{
    int f = kt_samples_feature(samples, name);
    return f >= 0 ? cell->mean[f] : otherwise;
}

/* Cells by (rep, rate). Without such columns the first feature is the load. */
static void place(placed *cells, const kt_samples *samples, const kt_service *s)
{
    for (size_t c = 0; c < s->n_cells; c++)
        cells[c] = (placed){c, feature_or(samples, &s->cells[c], "rep", 0),
                            feature_or(samples, &s->cells[c], "rps_eff", s->cells[c].mean[0])};
    qsort(cells, s->n_cells, sizeof *cells, by_load);
}

static double rep_of(const kt_samples *samples, const kt_service *s, size_t cell)
{
    return feature_or(samples, &s->cells[cell], "rep", 0);
}

/* Cells of one rep of a service: all of them, and those held out. */
static void count_rep(size_t *all, size_t *test, const kt_samples *samples, const kt_service *s,
                      const uint8_t *held_out, double rep)
{
    *all = *test = 0;
    for (size_t c = 0; c < s->n_cells; c++) {
        bool same = rep_of(samples, s, c) == rep;
        *all += same;
        *test += same && held_out[c];
    }
}

/* Would holding this cell out as well leave one of its reps, in any service of the group, without training
 * cells? */
static bool is_last(const kt_samples *samples, const size_t *group, size_t n, const uint8_t *held_out,
                    size_t cell)
{
    for (size_t g = 0; g < n; g++) {
        const kt_service *s = &samples->services[group[g]];
        size_t all, test;
        count_rep(&all, &test, samples, s, held_out, rep_of(samples, s, cell));
        if (test + 1 >= all)
            return true;
    }
    return false;
}

/* The cell of a run of places that comes first in a keyed order and may be held out, or n_cells. */
static size_t draw(kt_rng *rng, const placed *run, size_t n_run, const kt_samples *samples,
                   const size_t *group, size_t n, const uint8_t *held_out)
{
    size_t from = kt_rng_below(rng, (uint32_t)n_run);
    for (size_t i = 0; i < n_run; i++) {
        size_t cell = run[(from + i) % n_run].cell;
        if (!held_out[cell] && !is_last(samples, group, n, held_out, cell))
            return cell;
    }
    return samples->services[group[0]].n_cells;
}

/* One more for each (service, rep) with enough cells and none held out. */
static void cover_reps(uint8_t *held_out, kt_rng *rng, placed *of_rep, const placed *cells,
                       const kt_samples *samples, const size_t *group, size_t n)
{
    for (size_t g = 0; g < n; g++) {
        const kt_service *s = &samples->services[group[g]];
        for (size_t c = 0; c < s->n_cells; c++) {
            size_t all, test, n_rep = 0;
            double rep = rep_of(samples, s, cells[c].cell);
            count_rep(&all, &test, samples, s, held_out, rep);
            if (all < COVERED_FROM || test > 0)
                continue;
            for (size_t i = 0; i < s->n_cells; i++)
                if (rep_of(samples, s, cells[i].cell) == rep)
                    of_rep[n_rep++] = cells[i];
            size_t cell = draw(rng, of_rep, n_rep, samples, group, n, held_out);
            if (cell < s->n_cells)
                held_out[cell] = 1;
        }
    }
}

/* group [n]: services whose lists of cells are equal. The draw is keyed by the labels, so that it does not
 * depend on which services are there. */
static kt_status draw_cells(uint8_t *held_out, const kt_samples *samples, const size_t *group, size_t n,
                            const kt_split_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_service *first = &samples->services[group[0]];
    size_t n_cells = first->n_cells;
    size_t wanted = (size_t)floor(options->test_cells * (double)n_cells + 0.5);
    uint64_t subject = 0;
    placed *cells = NULL, *of_rep = NULL;
    kt_rng rng;

    if (n_cells < LEAST_CELLS || options->test_cells <= 0)
        return KT_OK;
    wanted = wanted > 0 ? wanted : 1;
    KT_TRY(kt_alloc(&cells, n_cells, sizeof *cells, err));
    KT_TRY(kt_alloc(&of_rep, n_cells, sizeof *of_rep, err));
    for (size_t c = 0; c < n_cells; c++)
        subject = (subject * 0x9e3779b97f4a7c15u) ^ kt_rng_subject(first->cells[c].label);
    kt_rng_init(&rng, options->seed, subject, KT_RNG_CELLS, 0, 0);
    place(cells, samples, first);
    for (size_t i = 0; i < wanted; i++) {
        size_t from = i * n_cells / wanted, to = (i + 1) * n_cells / wanted;
        size_t cell = draw(&rng, cells + from, to - from, samples, group, n, held_out);
        if (cell < n_cells)
            held_out[cell] = 1;
    }
    cover_reps(held_out, &rng, of_rep, cells, samples, group, n);
out:
    free(cells);
    free(of_rep);
    return status;
}

static bool equal_cells(const kt_service *a, const kt_service *b)
{
    if (a->n_cells != b->n_cells)
        return false;
    for (size_t c = 0; c < a->n_cells; c++)
        if (strcmp(a->cells[c].label, b->cells[c].label) != 0)
            return false;
    return true;
}

/* Services by their lists of labels: a hash first, so that thousands of services take no n^2 comparisons of
 * texts. */
static uint64_t labels_hash(const kt_service *s)
{
    uint64_t hash = s->n_cells;
    for (size_t c = 0; c < s->n_cells; c++)
        hash = (hash * 0x9e3779b97f4a7c15u) ^ kt_rng_subject(s->cells[c].label);
    return hash;
}

static kt_status hold_out_cells(kt_split *splits, const kt_samples *samples, const kt_split_options *options,
                                kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = samples->n_services, *group = NULL;
    uint64_t *hash = NULL;
    bool *done = NULL;
    KT_TRY(kt_alloc(&group, n, sizeof *group, err));
    KT_TRY(kt_alloc(&hash, n, sizeof *hash, err));
    KT_TRY(kt_alloc(&done, n, sizeof *done, err));
    for (size_t i = 0; i < n; i++)
        hash[i] = labels_hash(&samples->services[i]);
    for (size_t i = 0; i < n; i++) {
        size_t members = 0;
        for (size_t k = i; k < n && !done[i]; k++)
            if (!done[k] && hash[k] == hash[i] && equal_cells(&samples->services[i], &samples->services[k]))
                group[members++] = k;
        if (members == 0)
            continue;
        KT_TRY(draw_cells(splits[i].cell_test, samples, group, members, options, err));
        for (size_t m = 0; m < members; m++) {
            done[group[m]] = true;
            if (group[m] != i)
                memcpy(splits[group[m]].cell_test, splits[i].cell_test, samples->services[i].n_cells);
        }
    }
out:
    free(group);
    free(hash);
    free(done);
    return status;
}

/* ---- which rows ---- */

/* rows [n] of training cells in canonical order: a random part of `wanted` moves behind the others, which are
 * shuffled for storage; both parts come from streams of their own. */
static kt_status order_rows(uint32_t *rows, size_t n, size_t wanted, uint64_t seed, uint64_t subject,
                            kt_error *err)
{
    kt_status status = KT_OK;
    kt_rng rng;
    uint32_t *validation = NULL;
    size_t kept = 0, taken = 0;
    KT_TRY(kt_alloc(&validation, wanted + 1, sizeof *validation, err));
    kt_rng_init(&rng, seed, subject, KT_RNG_VALIDATION, 0, 0);
    for (size_t i = 0; i < n; i++) { /* selection sampling (Knuth, vol. 2, algorithm S) */
        if (kt_rng_below(&rng, (uint32_t)(n - i)) < wanted - taken)
            validation[taken++] = rows[i];
        else
            rows[kept++] = rows[i];
    }
    memcpy(rows + kept, validation, taken * sizeof *rows);
    kt_rng_init(&rng, seed, subject, KT_RNG_SHUFFLE, 0, 0);
    kt_rng_shuffle(&rng, rows, (uint32_t)kept);
out:
    free(validation);
    return status;
}

static kt_status split_rows(kt_split *split, const kt_service *s, const kt_split_options *options,
                            kt_error *err)
{
    kt_status status = KT_OK;
    size_t *at = NULL, n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!split->cell_test[s->cell[i]])
            split->row[n++] = (uint32_t)i;
    size_t wanted = (size_t)floor(options->validation * (double)n + 0.5);
    wanted = wanted < options->most_validation ? wanted : (size_t)options->most_validation;
    wanted = wanted < n || n == 0 ? wanted : n - 1;
    split->n_validation = wanted;
    split->n_train = n - wanted;
    split->n_test = s->n - n;
    KT_TRY(order_rows(split->row, n, wanted, options->seed, kt_rng_subject(s->name), err));

    KT_TRY(kt_alloc(&at, s->n_cells + 1, sizeof *at, err)); /* test rows, by counting */
    for (size_t c = 0, next = n; c < s->n_cells; c++) {
        at[c] = next;
        next += split->cell_test[c] ? s->cells[c].rows : 0;
    }
    for (size_t i = 0; i < s->n; i++)
        if (split->cell_test[s->cell[i]])
            split->row[at[s->cell[i]]++] = (uint32_t)i;
out:
    free(at);
    return status;
}

kt_status kt_split_make(kt_split *splits, const kt_samples *samples, const kt_split_options *options,
                        kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < samples->n_services; i++) {
        const kt_service *s = &samples->services[i];
        if (s->n > UINT32_MAX)
            KT_TRY(
                kt_fail(err, KT_INPUT, "%s: %zu rows, at most %u are possible", s->name, s->n, UINT32_MAX));
        KT_TRY(kt_alloc(&splits[i].row, s->n, sizeof *splits[i].row, err));
        KT_TRY(kt_alloc(&splits[i].cell_test, s->n_cells, sizeof *splits[i].cell_test, err));
    }
    KT_TRY(hold_out_cells(splits, samples, options, err));
    for (size_t i = 0; i < samples->n_services; i++)
        KT_TRY(split_rows(&splits[i], &samples->services[i], options, err));
out:
    return status;
}

void kt_split_clear(kt_split *split)
{
    free(split->row);
    free(split->cell_test);
    *split = (kt_split){0};
}
