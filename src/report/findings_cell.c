#include "findings.h"

#include "kt/glance.h"
#include <math.h>
#include <stdlib.h>

static void ask_model(found_cell *cell, const kt_mixture *mixture)
{
    for (int k = 0; k < CURVE; k++)
        cell->predicted[k] = kt_mixture_cdf(mixture, cell->time[k]);
}

/* Rows by rank, first and last among them, and closer to each other in the tails. */
static void draw_rows(found_cell *cell, const kt_glance *glance)
{
    static const double quarter = 1.5707963267948966; /* of a turn */
    for (int k = 0; k < CURVE; k++) {
        double root = sin(quarter * k / (CURVE - 1));
        size_t row = (size_t)(root * root * (double)(glance->n - 1) + 0.5);
        cell->time[k] = glance->sorted[row];
        cell->share[k] = ((double)row + 0.5) / (double)glance->n;
    }
}

/* Where KS is taken. f [n]: the model's cdf at the sorted rows. */
static void find_gap(found_cell *cell, const kt_glance *glance, const double *f)
{
    double largest = -1, n = (double)glance->n;
    for (size_t i = 0; i < glance->n; i++)
        for (size_t side = 0; side < 2; side++) {
            double share = (double)(i + side) / n;
            if (fabs(f[i] - share) <= largest)
                continue;
            largest = fabs(f[i] - share);
            cell->gap_at = glance->sorted[i];
            cell->gap_from = share;
            cell->gap_to = f[i];
        }
}

kt_status found_cell_rows(found_cell *cell, kt_predictor *predictor, const double *y, size_t n, uint64_t seed,
                          uint64_t subject, uint32_t index, kt_error *err)
{
    kt_status status = KT_OK;
    kt_glance glance = {.n = 0};
    kt_rng rng;
    double *f = NULL;
    kt_mixture mixture = kt_predict_point(predictor, cell->score.mean);
    KT_TRY(kt_alloc(&f, n, sizeof *f, err));
    KT_TRY(kt_glance_make(&glance, y, n, err));
    KT_TRY(kt_glance_score(&cell->score, f, &glance, &mixture, seed, subject, index, err));
    find_gap(cell, &glance, f);
    draw_rows(cell, &glance);
    ask_model(cell, &mixture);
    kt_rng_init(&rng, seed, subject, KT_RNG_BOOTSTRAP, 1, index);
    KT_TRY(kt_glance_intervals(cell->low, cell->high, &glance, &rng, err));
    cell->seen = true;
out:
    kt_glance_clear(&glance);
    free(f);
    return status;
}

void found_cell_card(found_cell *cell, kt_predictor *predictor)
{
    static const double tail = 0.005;
    kt_mixture mixture = kt_predict_point(predictor, cell->score.mean);
    double low = kt_mixture_quantile(&mixture, tail), high = kt_mixture_quantile(&mixture, 1 - tail);
    for (int k = 0; k < CURVE; k++) {
        double part = (double)k / (CURVE - 1);
        cell->time[k] = low > 0 ? low * pow(high / low, part) : low + part * (high - low);
        cell->share[k] = NAN;
    }
    for (int q = 0; q < KT_QUANTILES; q++)
        cell->low[q] = cell->high[q] = NAN;
    ask_model(cell, &mixture);
}
