/* One number of a cell, as cheap as it can be: sweeps ask for it thousands of times. */
#include "distance.h"
#include "kt/metrics.h"
#include "kt/pause.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    kt_predictor *predictor;
    const kt_cell *cell;
    const double *x, *y; /* [n, d], [n] */
    size_t n, d;
} rows;

static kt_status nll(double *value, const rows *r, kt_error *err)
{
    kt_mixture mixture;
    double sum = 0;
    double floor = kt_family_table[kt_predictor_family(r->predictor)].positive
                       ? kt_predictor_floor(r->predictor)
                       : -INFINITY;
    (void)err;
    for (size_t i = 0; i < r->n; i++) {
        const double *point = r->x + i * r->d;
        KT_PAUSE_OFTEN();
        if (i == 0 || memcmp(point, point - r->d, r->d * sizeof *point) != 0)
            mixture = kt_predict_point(r->predictor, point);
        sum -= kt_mixture_log_pdf(&mixture, r->y[i] < floor ? floor : r->y[i]);
    }
    *value = sum / (double)r->n;
    return KT_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    KT_PAUSE_OFTEN();
    return (x > y) - (x < y);
}

static kt_status sort(double **sorted, const rows *r, kt_error *err)
{
    kt_status status = kt_alloc(sorted, r->n, sizeof **sorted, err);
    if (status != KT_OK)
        return status;
    memcpy(*sorted, r->y, r->n * sizeof **sorted);
    qsort(*sorted, r->n, sizeof **sorted, ascending);
    return KT_OK;
}

static kt_status ks(double *value, const rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    double *f = NULL;
    KT_TRY(sort(&f, r, err));
    kt_mixture mixture = kt_predict_point(r->predictor, r->cell->mean);
    for (size_t i = 0; i < r->n; i++) {
        KT_PAUSE_OFTEN();
        f[i] = kt_mixture_cdf(&mixture, f[i]);
    }
    *value = kt_ks(f, r->n);
out:
    free(f);
    return status;
}

/* One walk over the distribution for all rows in a run that share their point. */
static kt_status crps(double *value, const rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    double *y = NULL, *out = NULL, sum = 0, mean = 0;
    KT_TRY(kt_alloc(&y, r->n, sizeof *y, err));
    KT_TRY(kt_alloc(&out, r->n, sizeof *out, err));
    memcpy(y, r->y, r->n * sizeof *y);
    for (size_t first = 0, end; first < r->n; first = end) {
        const double *point = r->x + first * r->d;
        for (end = first + 1; end < r->n && memcmp(point, r->x + end * r->d, r->d * sizeof *point) == 0;)
            end++;
        kt_pause();
        kt_mixture mixture = kt_predict_point(r->predictor, point);
        qsort(y + first, end - first, sizeof *y, ascending);
        kt_mixture_crps(out + first, &mixture, y + first, end - first);
    }
    for (size_t i = 0; i < r->n; i++) {
        sum += out[i];
        mean += y[i];
    }
    *value = sum / mean;
out:
    free(y);
    free(out);
    return status;
}

static kt_status p95(double *value, const rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    double *sorted = NULL;
    const double level = kt_quantile_level[1];
    KT_TRY(sort(&sorted, r, err));
    kt_mixture mixture = kt_predict_point(r->predictor, r->cell->mean);
    double observed = kt_sample_quantile(sorted, r->n, level);
    *value = fabs(kt_mixture_quantile(&mixture, level) - observed) / observed;
out:
    free(sorted);
    return status;
}

static const struct {
    const char *name;
    kt_status (*of)(double *value, const rows *r, kt_error *err);
} metrics[] = {
    [KT_METRIC_NLL] = {"NLL", nll},
    [KT_METRIC_KS] = {"KS", ks},
    [KT_METRIC_CRPS] = {"CRPS", crps},
    [KT_METRIC_P95] = {"error of p95", p95},
};

kt_status kt_metrics_value(double *value, kt_metric metric, kt_predictor *predictor, const kt_cell *cell,
                           const double *x, const double *y, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const rows r = {predictor, cell, x, y, n, (size_t)kt_predictor_inputs(predictor)};
    KT_TRY(metrics[metric].of(value, &r, err));
    if (!isfinite(*value))
        KT_TRY(kt_fail(err, KT_NUMERIC, "cell %s: its %s is %g", cell->label, metrics[metric].name, *value));
out:
    return status;
}
