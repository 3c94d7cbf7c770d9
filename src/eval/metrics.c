#include "kt/metrics.h"

#include "distance.h"
#include "kt/glance.h"
#include "kt/pause.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const double kt_quantile_level[KT_QUANTILES] = {0.5, 0.95, 0.99};
const char *const kt_role_text[] = {"new data", "training rows", "held out"};

typedef struct {
    double y;
    uint32_t row;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    if (p->y != q->y)
        return p->y < q->y ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

typedef struct {
    const double *x;
    int d;
} points;

static int by_point(const void *a, const void *b, void *context)
{
    const ranked *p = a, *q = b;
    const points *all = context;
    KT_PAUSE_OFTEN();
    const double *u = all->x + (size_t)all->d * p->row, *v = all->x + (size_t)all->d * q->row;
    for (int i = 0; i < all->d; i++)
        if (u[i] != v[i])
            return u[i] < v[i] ? -1 : 1;
    return by_value(a, b);
}

/* What is asked row by row, of n rows that share their features. y [n] ascending, work [n]. */
static void score_rows(kt_cell_score *score, kt_predictor *predictor, const kt_mixture *mixture,
                       const double *y, double *work, size_t n)
{
    bool positive = kt_family_table[mixture->family].positive;
    double floor = kt_predictor_floor(predictor);
    kt_mixture_crps(work, mixture, y, n);
    for (size_t i = 0; i < n; i++) {
        KT_PAUSE_OFTEN();
        double seen = positive && y[i] < floor ? floor : y[i];
        score->nll -= kt_mixture_log_pdf(mixture, seen);
        score->crps += work[i];
        int bin = (int)(kt_mixture_cdf(mixture, y[i]) * KT_PIT_BINS);
        score->pit[bin < 0 ? 0 : bin < KT_PIT_BINS ? bin : KT_PIT_BINS - 1]++;
    }
}

kt_status kt_metrics_cell(kt_cell_score *score, kt_predictor *predictor, const kt_cell *cell, const double *x,
                          const double *y, size_t n, uint64_t seed, uint64_t subject, uint32_t index,
                          kt_error *err)
{
    assert(n >= 1 && n <= UINT32_MAX);
    kt_status status = KT_OK;
    kt_glance glance = {.n = 0};
    ranked *order = NULL;
    double *work = NULL;
    points all = {x, kt_predictor_inputs(predictor)};
    size_t width = (size_t)all.d;
    memset(score, 0, sizeof *score);
    memcpy(score->label, cell->label, sizeof score->label);
    memcpy(score->mean, cell->mean, width * sizeof *score->mean);
    score->rows = n;
    score->interior = kt_predictor_inside(predictor, cell->mean);
    KT_TRY(kt_alloc(&order, n, sizeof *order, err));
    KT_TRY(kt_alloc(&work, n, sizeof *work, err));

    KT_TRY(kt_glance_make(&glance, y, n, err));
    double *sorted = glance.sorted, mean = 0;
    bool one_point = true;
    for (size_t i = 0; i < n; i++) {
        order[i] = (ranked){sorted[i], glance.row[i]};
        mean += sorted[i];
        one_point = one_point && memcmp(x, x + width * i, width * sizeof *x) == 0;
    }
    kt_mixture mixture = kt_predict_point(predictor, cell->mean);
    KT_TRY(kt_glance_score(score, work, &glance, &mixture, seed, subject, index, err));
    score->w1 = kt_wasserstein(&mixture, sorted, work, n) / (mean / (double)n);

    if (!one_point)
        qsort_r(order, n, sizeof *order, by_point, &all);
    for (size_t first = 0, end; first < n; first = end) {
        const double *point = x + width * order[first].row;
        kt_pause();
        for (end = first; end < n && memcmp(point, x + width * order[end].row, width * sizeof *x) == 0; end++)
            sorted[end] = order[end].y;
        mixture = kt_predict_point(predictor, point);
        score_rows(score, predictor, &mixture, sorted + first, work, end - first);
    }
    score->nll /= (double)n;
    score->crps /= (double)n;
out:
    kt_glance_clear(&glance);
    free(order);
    free(work);
    return status;
}

/* ---- Several cells ---- */

typedef struct {
    const kt_cell_score *cells;
    size_t n, selected;
    kt_role role;
    bool interior;
} selection;

static bool selects(const selection *s, size_t i)
{
    return s->cells[i].role == s->role && s->cells[i].interior == s->interior;
}

/* The k-th smallest (from 0) of one number >= 0 in each selected cell. Such numbers are in the order of their
 * bits, NaN last and so the worst: each bit is settled by a count, which needs no memory. */
static double kth(const selection *s, size_t offset, size_t k)
{
    uint64_t found = 0;
    for (int bit = 62; bit >= 0; bit--) {
        uint64_t upper = found | (uint64_t)1 << bit, bits;
        size_t below = 0; /* with the bits found so far, and this one 0 */
        for (size_t i = 0; i < s->n; i++) {
            if (!selects(s, i))
                continue;
            memcpy(&bits, (const char *)&s->cells[i] + offset, sizeof bits);
            bits &= INT64_MAX;
            below += bits >= found && bits < upper;
        }
        if (k >= below) {
            k -= below;
            found = upper;
        }
    }
    double value;
    memcpy(&value, &found, sizeof value);
    return value;
}

static double median(const selection *s, size_t offset)
{
    if (s->selected == 0)
        return NAN;
    double low = kth(s, offset, (s->selected - 1) / 2), high = kth(s, offset, s->selected / 2);
    return low == high ? low : 0.5 * (low + high); /* equal: infinities too */
}

void kt_metrics_sum(kt_score *score, const kt_cell_score *cells, size_t n, kt_role role, bool interior)
{
    selection s = {cells, n, 0, role, interior};
    double worst = -INFINITY;
    memset(score, 0, sizeof *score);
    score->worst_ks = NAN;
    for (size_t i = 0; i < n; i++) {
        if (!selects(&s, i))
            continue;
        const kt_cell_score *cell = &cells[i];
        s.selected++;
        score->rows += cell->rows;
        score->nll += (double)cell->rows * cell->nll;
        score->crps += (double)cell->rows * cell->crps;
        for (int b = 0; b < KT_PIT_BINS; b++)
            score->pit[b] += cell->pit[b];
        double excess = isnan(cell->ks) ? INFINITY : cell->ks - cell->ks_floor;
        if (excess > worst) {
            worst = excess;
            score->worst_ks = cell->ks;
            memcpy(score->worst, cell->label, sizeof score->worst);
        }
    }
    score->cells = s.selected;
    score->nll /= (double)score->rows; /* NaN where there are none */
    score->crps /= (double)score->rows;
    score->ks = median(&s, offsetof(kt_cell_score, ks));
    score->ks_floor = median(&s, offsetof(kt_cell_score, ks_floor));
    score->w1 = median(&s, offsetof(kt_cell_score, w1));
    for (size_t q = 0; q < KT_QUANTILES; q++)
        score->error[q] = median(&s, offsetof(kt_cell_score, error) + q * sizeof(double));
}
