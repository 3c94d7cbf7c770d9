#include "kt/metrics.h"

#include "distance.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const double kt_quantile_level[KT_QUANTILES] = {0.5, 0.95, 0.99};
const char *const kt_role_text[] = {"new data", "training rows", "held out"};

/* Above it rows are not independent draws. */
static const double dependent = 0.1;

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
    const double *u = all->x + (size_t)all->d * p->row, *v = all->x + (size_t)all->d * q->row;
    for (int i = 0; i < all->d; i++)
        if (u[i] != v[i])
            return u[i] < v[i] ? -1 : 1;
    return by_value(a, b);
}

static kt_status floor_of(kt_cell_score *score, const ranked *order, size_t n, uint64_t seed,
                          uint64_t subject, uint32_t index, kt_error *err)
{
    if (fabs(score->autocorrelation) <= dependent) {
        score->ks_floor = kt_ks_floor(n);
        return KT_OK;
    }
    uint32_t *place = NULL, value = 0;
    kt_status status = kt_alloc(&place, n, sizeof *place, err);
    if (status != KT_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        value += i > 0 && order[i].y != order[i - 1].y;
        place[order[i].row] = value;
    }
    kt_rng rng;
    kt_rng_init(&rng, seed, subject, KT_RNG_BOOTSTRAP, 0, index);
    status = kt_ks_floor_blocks(&score->ks_floor, place, n, (size_t)value + 1, &rng, err);
    free(place);
    return status;
}

/* What is asked once, at the cell's mean features. y [n] ascending, work [n]. */
static void score_cell(kt_cell_score *score, const kt_mixture *mixture, const double *y, double *work,
                       size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        work[i] = kt_mixture_cdf(mixture, y[i]);
        mean += y[i];
    }
    mean /= (double)n;
    score->ks = kt_ks(work, n);
    score->w1 = kt_wasserstein(mixture, y, work, n) / mean;
    for (int q = 0; q < KT_QUANTILES; q++) {
        double observed = kt_sample_quantile(y, n, kt_quantile_level[q]);
        double predicted = kt_mixture_quantile(mixture, kt_quantile_level[q]);
        score->observed[q] = observed;
        score->predicted[q] = predicted;
        score->error[q] = predicted == observed ? 0 : fabs(predicted - observed) / observed;
    }
}

/* What is asked row by row, of n rows that share their features. y [n] ascending, work [n]. */
static void score_rows(kt_cell_score *score, const kt_model *model, const kt_mixture *mixture,
                       const double *y, double *work, size_t n)
{
    bool positive = kt_family_table[mixture->family].positive;
    kt_mixture_crps(work, mixture, y, n);
    for (size_t i = 0; i < n; i++) {
        double seen = positive && y[i] < model->floor ? model->floor : y[i];
        score->nll -= kt_mixture_log_pdf(mixture, seen);
        score->crps += work[i];
        int bin = (int)(kt_mixture_cdf(mixture, y[i]) * KT_PIT_BINS);
        score->pit[bin < 0 ? 0 : bin < KT_PIT_BINS ? bin : KT_PIT_BINS - 1]++;
    }
}

kt_status kt_metrics_cell(kt_cell_score *score, kt_predictor *predictor, const kt_model *model,
                          const kt_cell *cell, const double *x, const double *y, size_t n, uint64_t seed,
                          uint64_t subject, uint32_t index, kt_error *err)
{
    assert(n >= 1 && n <= UINT32_MAX);
    kt_status status = KT_OK;
    ranked *order = NULL;
    double *sorted = NULL, *work = NULL;
    points all = {x, model->net.inputs};
    size_t width = (size_t)all.d;
    memset(score, 0, sizeof *score);
    memcpy(score->label, cell->label, sizeof score->label);
    memcpy(score->mean, cell->mean, width * sizeof *score->mean);
    score->rows = n;
    score->interior = kt_model_inside(model, cell->mean);
    score->autocorrelation = kt_autocorrelation(y, n);
    KT_TRY(kt_alloc(&order, n, sizeof *order, err));
    KT_TRY(kt_alloc(&sorted, n, sizeof *sorted, err));
    KT_TRY(kt_alloc(&work, n, sizeof *work, err));

    bool one_point = true;
    for (size_t i = 0; i < n; i++) {
        order[i] = (ranked){y[i], (uint32_t)i};
        one_point = one_point && memcmp(x, x + width * i, width * sizeof *x) == 0;
    }
    qsort(order, n, sizeof *order, by_value);
    for (size_t i = 0; i < n; i++)
        sorted[i] = order[i].y;
    KT_TRY(floor_of(score, order, n, seed, subject, index, err));
    kt_mixture mixture = kt_predict_point(predictor, cell->mean);
    score_cell(score, &mixture, sorted, work, n);

    if (!one_point)
        qsort_r(order, n, sizeof *order, by_point, &all);
    for (size_t first = 0, end; first < n; first = end) {
        const double *point = x + width * order[first].row;
        for (end = first; end < n && memcmp(point, x + width * order[end].row, width * sizeof *x) == 0; end++)
            sorted[end] = order[end].y;
        mixture = kt_predict_point(predictor, point);
        score_rows(score, model, &mixture, sorted + first, work, end - first);
    }
    score->nll /= (double)n;
    score->crps /= (double)n;
out:
    free(order);
    free(sorted);
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
