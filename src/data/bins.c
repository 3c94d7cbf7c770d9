#include "bins.h"

#include "kt/select.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The distinct values of a column, ascending; *n is most + 1 where there are more than `most`. */
static void distinct(double *value, size_t *n, size_t most, const double *x, size_t rows, int d, int column)
{
    *n = 0;
    for (size_t r = 0; r < rows; r++) {
        double v = x[r * (size_t)d + (size_t)column];
        size_t place = 0;
        while (place < *n && value[place] < v)
            place++;
        if (place < *n && value[place] == v)
            continue;
        if (*n == most) {
            *n = most + 1;
            return;
        }
        memmove(value + place + 1, value + place, (*n - place) * sizeof *value);
        value[place] = v;
        ++*n;
    }
}

/* Edges [first, last) of bins that n rates are cut into, from those of ranks [from, to), which lie in their
 * places: the middle edge parts them for the others. */
static void select_edges(double *edge, size_t first, size_t last, double *rate, size_t from, size_t to,
                         size_t n, size_t bins)
{
    if (first == last)
        return;
    size_t middle = first + (last - first) / 2, rank = (middle + 1) * n / bins - 1;
    edge[middle] = kt_select(rate + from, to - from, rank - from);
    select_edges(edge, first, middle, rate, from, rank, n, bins);
    select_edges(edge, middle + 1, last, rate, rank + 1, to, n, bins);
}

/* Upper edges of quantile bins: bin b takes what is above edge b - 1 and at most edge b; the last one takes
 * the rest. Edges are values of the data, so that equal rates never part. rate [n] is permuted. Returns the
 * number of bins. */
static size_t find_edges(double edge[KT_BINS_MOST], double *rate, size_t n)
{
    size_t bins = n / KT_BIN_ROWS;
    bins = bins < 1 ? 1 : bins > KT_BINS_MOST ? KT_BINS_MOST : bins;
    select_edges(edge, 0, bins - 1, rate, 0, n, n, bins);
    return bins;
}

typedef struct {
    const double *x; /* [n, d] */
    size_t n;
    int d, rate, rep;
    double *scratch; /* [n] */
} binning;

static inline double at(const binning *b, size_t row, int column)
{
    return b->x[row * (size_t)b->d + (size_t)column];
}

/* The rows of one value of rep (NULL: all): bins from `first` on; returns how many. Rows of different reps
 * lie mixed and rates in no order, so nothing here branches on them. */
static size_t bin_rows(uint32_t *bin, double edge[KT_BINS_MOST], const binning *b, const double *rep,
                       size_t first)
{
    size_t n = 0, bins = 1;
    for (size_t r = 0; r < b->n && b->rate >= 0; r++) {
        b->scratch[n] = at(b, r, b->rate);
        n += !rep || at(b, r, b->rep) == *rep;
    }
    if (b->rate >= 0)
        bins = find_edges(edge, b->scratch, n);
    for (size_t r = 0; r < b->n; r++) {
        uint32_t mine = (uint32_t)first;
        for (size_t e = 0; e + 1 < bins; e++)
            mine += at(b, r, b->rate) > edge[e];
        bin[r] = !rep || at(b, r, b->rep) == *rep ? mine : bin[r];
    }
    return bins;
}

kt_status kt_bins_make(uint32_t *bin, char (**label)[KT_LABEL], size_t *n_bins, const double *x, size_t n,
                       int d, int rate, int rep, kt_error *err)
{
    kt_status status = KT_OK;
    binning b = {.x = x, .n = n, .d = d, .rate = rate, .rep = rep};
    double reps[KT_BIN_REPS_MOST], edge[KT_BINS_MOST];
    size_t n_reps = 0;
    *label = NULL;
    *n_bins = 0;
    if (b.rep >= 0)
        distinct(reps, &n_reps, KT_BIN_REPS_MOST, x, n, d, rep);
    if (n_reps > KT_BIN_REPS_MOST)
        b.rep = -1;
    size_t groups = b.rep >= 0 ? n_reps : 1;
    KT_TRY(kt_alloc(label, groups * KT_BINS_MOST, sizeof **label, err));
    KT_TRY(kt_alloc(&b.scratch, rate >= 0 ? n : 0, sizeof *b.scratch, err));
    for (size_t g = 0; g < groups; g++) {
        char prefix[sizeof "rep=-1.23456789012345e-308 "] = "";
        if (b.rep >= 0)
            snprintf(prefix, sizeof prefix, "rep=%.15g ", reps[g]);
        unsigned bins = (unsigned)bin_rows(bin, edge, &b, b.rep >= 0 ? &reps[g] : NULL, *n_bins);
        for (unsigned i = 0; i < bins; i++)
            snprintf((*label)[*n_bins + i], KT_LABEL, "%sbin=%u/%u", prefix, i + 1, bins);
        *n_bins += bins;
    }
out:
    free(b.scratch);
    return status;
}
