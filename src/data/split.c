#include "kt/split.h"

#include "kt/pause.h"
#include "kt/rng.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_CELLS = 3, COVERED_FROM = 4 }; /* a rep with so many cells has one held out */

/* ---- which cells ---- */

enum { LABEL_REPS = KT_LABEL / 2, MOST_REPS = LABEL_REPS + 1 };

/* A cell in the draw. Where the label of a nominal step tells its rate and the replicas of all services of
 * its file, these decide, and not the service's own: so services that share steps share the draw, whichever
 * of them are there. The own rep comes last and only bounds what may be held out. */
typedef struct {
    size_t cell;
    const char *label;
    uint32_t lot; /* the lowest of those that may be is drawn */
    double rate;
    size_t n_reps; /* from the label: 0 where it says none, 1 where all are equal */
    double rep[MOST_REPS];
    size_t group[MOST_REPS];
} ticket;

/* The cells of one rep of one service. */
typedef struct {
    size_t cells, held_out;
    double rep;
} group;

typedef struct {
    size_t n, n_reps; /* n_reps: of every ticket, the own one included */
    ticket *ticket;   /* [n] by (rep, rate) */
    size_t n_groups;
    group *group;
    uint8_t *held_out; /* [n] by cell; borrowed */
} lottery;

static int by_label(const void *a, const void *b)
{
    const ticket *x = a, *y = b;
    int order = strcmp(x->label, y->label);
    return order != 0 ? order : (x->cell > y->cell) - (x->cell < y->cell);
}

static int by_load(const void *a, const void *b)
{
    const ticket *x = a, *y = b;
    for (size_t k = 0; k < x->n_reps; k++)
        if (x->rep[k] != y->rep[k])
            return x->rep[k] < y->rep[k] ? -1 : 1;
    if (x->rate != y->rate)
        return x->rate < y->rate ? -1 : 1;
    return by_label(a, b);
}

/* "1,2,-,4" to values, -1 for what was not said; of a label that was cut (#) the last value is not sure. */
static size_t read_list(double *value, const char *text)
{
    size_t n = 0;
    while (n < LABEL_REPS) {
        char *end;
        value[n] = strtod(text, &end);
        if (end == text) {
            if (*text != '-')
                break;
            value[n] = -1;
            end++;
        }
        n++;
        text = end + 1;
        if (*end == '#')
            return n - 1;
        if (*end != ',')
            break;
    }
    return n;
}

/* What "rps=40 rep=1,2,2" tells; false where the label is of another make. */
static bool read_label(ticket *t)
{
    static const char rps[] = "rps=", rep[] = " rep=";
    double rate[LABEL_REPS];
    const char *reps = strstr(t->label, rep);
    t->n_reps = 0;
    if (strncmp(t->label, rps, sizeof rps - 1) != 0 || read_list(rate, t->label + sizeof rps - 1) == 0)
        return false;
    t->rate = rate[0];
    t->n_reps = reps ? read_list(t->rep, reps + sizeof rep - 1) : 0;
    return true;
}

static double feature_or(const kt_samples *samples, const kt_cell *cell, const char *name, double otherwise)
{
    int f = kt_samples_feature(samples, name);
    return f >= 0 ? cell->mean[f] : otherwise;
}

/* Rate and reps of all tickets, from labels where all tell them, else from the cell's own rows; without a
 * column rps_eff the first feature is the load. */
static void place(lottery *l, const kt_samples *samples, const kt_service *s)
{
    bool told = s->rule == KT_CELLS_NOMINAL;
    size_t n_reps = 1; /* one value stands for any number of equal ones */
    for (size_t i = 0; i < l->n && told; i++) {
        told = read_label(&l->ticket[i]);
        size_t n = l->ticket[i].n_reps;
        if (n != 1)
            n_reps = n_reps == 1 || n < n_reps ? n : n_reps;
    }
    n_reps = told ? n_reps : 0;
    for (size_t i = 0; i < l->n; i++) {
        ticket *t = &l->ticket[i];
        const kt_cell *cell = &s->cells[t->cell];
        double own = feature_or(samples, cell, "rep", 0);
        for (size_t k = 1; k < n_reps && t->n_reps == 1; k++)
            t->rep[k] = t->rep[0];
        t->n_reps = told ? n_reps : 1;
        t->rep[n_reps] = own;
        if (!told)
            t->rate = feature_or(samples, cell, "rps_eff", cell->mean[0]);
    }
    l->n_reps = n_reps + 1;
}

/* Groups of tickets by the value of each of their reps. */
static kt_status find_groups(lottery *l, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(&l->group, l->n * l->n_reps, sizeof *l->group, err));
    for (size_t k = 0; k < l->n_reps; k++) {
        size_t first = l->n_groups;
        for (size_t i = 0; i < l->n; i++) {
            ticket *t = &l->ticket[i];
            size_t g = first;
            while (g < l->n_groups && l->group[g].rep != t->rep[k])
                g++;
            if (g == l->n_groups)
                l->group[l->n_groups++].rep = t->rep[k];
            l->group[g].cells++;
            t->group[k] = g;
        }
    }
out:
    return status;
}

static bool may_go(const lottery *l, const ticket *t)
{
    if (l->held_out[t->cell])
        return false;
    for (size_t k = 0; k < l->n_reps; k++)
        if (l->group[t->group[k]].held_out + 1 >= l->group[t->group[k]].cells)
            return false;
    return true;
}

static bool is_member(const lottery *l, const ticket *t, size_t g)
{
    for (size_t k = 0; k < l->n_reps; k++)
        if (t->group[k] == g)
            return true;
    return false;
}

/* Holds one of tickets [from, to) out, of the group g where g < n_groups; none where none may. */
static void draw(lottery *l, size_t from, size_t to, size_t g)
{
    const ticket *drawn = NULL;
    for (size_t i = from; i < to; i++) {
        const ticket *t = &l->ticket[i];
        if ((!drawn || t->lot < drawn->lot) && (g >= l->n_groups || is_member(l, t, g)) && may_go(l, t))
            drawn = t;
    }
    if (!drawn)
        return;
    l->held_out[drawn->cell] = 1;
    for (size_t k = 0; k < l->n_reps; k++)
        l->group[drawn->group[k]].held_out++;
}

/* Lots in the order of labels, keyed by them. */
static void deal(lottery *l, uint64_t seed)
{
    uint64_t subject = l->n;
    kt_rng rng;
    qsort(l->ticket, l->n, sizeof *l->ticket, by_label);
    for (size_t i = 0; i < l->n; i++)
        subject = (subject * UINT64_C(0x9e3779b97f4a7c15)) ^ kt_rng_subject(l->ticket[i].label);
    kt_rng_init(&rng, seed, subject, KT_RNG_CELLS, 0, 0);
    for (size_t i = 0; i < l->n; i++)
        l->ticket[i].lot = kt_rng_u32(&rng);
}

/* As many cells as are wanted, spread over load, and one of each rep that has several. */
static void draw_share(lottery *l, double share)
{
    size_t wanted = (size_t)floor(share * (double)l->n + 0.5);
    wanted = wanted < 1 ? 1 : wanted > l->n ? l->n : wanted;
    for (size_t i = 0; i < wanted; i++)
        draw(l, i * l->n / wanted, (i + 1) * l->n / wanted, l->n_groups);
    for (size_t g = 0; g < l->n_groups; g++)
        if (l->group[g].cells >= COVERED_FROM && l->group[g].held_out == 0)
            draw(l, 0, l->n, g);
}

/* Of each run of `folds` tickets the one that has as many lower lots as the fold's number says. */
static void draw_fold(lottery *l, size_t folds, size_t fold)
{
    for (size_t from = 0; from < l->n; from += folds) {
        size_t to = from + folds < l->n ? from + folds : l->n;
        for (size_t i = from; i < to; i++) {
            size_t rank = 0;
            for (size_t k = from; k < to; k++)
                rank +=
                    l->ticket[k].lot < l->ticket[i].lot || (l->ticket[k].lot == l->ticket[i].lot && k < i);
            if (rank == fold)
                l->held_out[l->ticket[i].cell] = 1;
        }
    }
}

static kt_status split_cells(uint8_t *held_out, const kt_samples *samples, const kt_service *s,
                             const kt_split_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    lottery l = {.n = s->n_cells, .held_out = held_out};
    if (l.n < LEAST_CELLS || (options->folds < 2 && options->test_cells <= 0))
        return KT_OK;
    KT_TRY(kt_alloc(&l.ticket, l.n, sizeof *l.ticket, err));
    for (size_t c = 0; c < l.n; c++)
        l.ticket[c] = (ticket){.cell = c, .label = s->cells[c].label};
    deal(&l, options->seed);
    place(&l, samples, s);
    qsort(l.ticket, l.n, sizeof *l.ticket, by_load);
    KT_TRY(find_groups(&l, err));
    if (options->folds > 1)
        draw_fold(&l, (size_t)options->folds, (size_t)options->fold);
    else
        draw_share(&l, options->test_cells);
out:
    free(l.ticket);
    free(l.group);
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
        KT_PAUSE_OFTEN();
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
    for (size_t i = 0; i < samples->n_services; i++) {
        const kt_service *s = &samples->services[i];
        KT_TRY(kt_go_on(err));
        KT_TRY(split_cells(splits[i].cell_test, samples, s, options, err));
        KT_TRY(split_rows(&splits[i], s, options, err));
    }
out:
    return status;
}

void kt_split_clear(kt_split *split)
{
    free(split->row);
    free(split->cell_test);
    *split = (kt_split){0};
}
