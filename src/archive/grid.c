#include "kt/grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

kt_status kt_grid_check(const kt_archive *archive, kt_error *err)
{
    if (archive->d == 2 && strcmp(archive->feature[0], "rps_eff") == 0 &&
        strcmp(archive->feature[1], "rep") == 0)
        return KT_OK;
    return kt_fail(
        err, KT_USAGE,
        "the archive's models are asked with %d columns, the first %s; simulators ask with rps_eff "
        "and rep (kt predict --grid makes tables of others)",
        archive->d, archive->feature[0]);
}

/* ---- points ---- */

/* Steps of 1, 2 or 5 times a power of ten. */
static double round_step(double range)
{
    enum { STEPS = 60 };
    static const double nice[] = {1, 2, 5};
    double power = pow(10, floor(log10(range / STEPS)));
    for (size_t i = 0; i < sizeof nice / sizeof *nice; i++)
        if (range / (nice[i] * power) <= STEPS)
            return nice[i] * power;
    return 10 * power;
}

/* The axis, or what the hull has of column c. */
static kt_axis axis_of(const kt_axis *given, const kt_hull *hull, size_t c)
{
    double low = INFINITY, high = -INFINITY;
    if (given->step > 0)
        return *given;
    for (size_t i = 0; i < hull->n; i++) {
        low = fmin(low, hull->vertex[2 * i + c]);
        high = fmax(high, hull->vertex[2 * i + c]);
    }
    if (!(high > low))
        return (kt_axis){low, low, 1};
    if (c == 1)
        return (kt_axis){ceil(low), fmax(ceil(low), floor(high)), 1};
    double step = round_step(high - low), first = ceil(low / step) * step;
    return (kt_axis){first, fmax(first, floor(high / step) * step), step};
}

static double count(const kt_axis *axis)
{
    return floor((axis->to - axis->from) / axis->step * (1 + 1e-12) + 1e-9) + 1;
}

kt_status kt_grid_points(double **at, size_t *n, const kt_hull *hull, const kt_axis *rps, const kt_axis *rep,
                         kt_error *err)
{
    kt_axis x = axis_of(rps, hull, 0), y = axis_of(rep, hull, 1);
    double total = count(&x) * count(&y);
    *at = NULL;
    if (!(total <= KT_GRID_POINTS_MAX))
        return kt_fail(err, KT_USAGE, "the grid has %g points, at most %d are possible", total,
                       KT_GRID_POINTS_MAX);
    size_t ny = (size_t)count(&y);
    *n = (size_t)total;
    kt_status status = kt_alloc(at, 2 * *n, sizeof **at, err);
    for (size_t i = 0; status == KT_OK && i < *n; i++) {
        (*at)[2 * i] = x.from + x.step * (double)(i / ny);
        (*at)[2 * i + 1] = y.from + y.step * (double)(i % ny);
    }
    return status;
}

/* ---- mixtures ---- */

static void put_point(kt_grid *grid, size_t i, const kt_mixture *mixture)
{
    size_t K = (size_t)grid->components;
    double *to = grid->mixture + i * 3 * K;
    memcpy(to, mixture->weight, K * sizeof *to);
    memcpy(to + K, mixture->concentration, K * sizeof *to);
    memcpy(to + 2 * K, mixture->scale, K * sizeof *to);
}

static void fill(kt_grid *grid, kt_predictor *predictor, kt_grid_form form)
{
    for (size_t i = 0; i < grid->n; i++) {
        double part[3][KT_MIXTURE_MAX];
        const double *x = grid->at + 2 * i;
        kt_mixture mixture = kt_predict_point(predictor, x);
        if (form == KT_GRID_ERV)
            mixture = (kt_mixture){mixture.family, kt_erv_mixture(part[0], part[1], part[2], &mixture),
                                   part[0], part[1], part[2]};
        put_point(grid, i, &mixture);
        grid->inside[i] = kt_predictor_inside(predictor, x);
    }
}

kt_status kt_grid_make(kt_grid *grid, const kt_archive_entry *entry, const kt_serving *serving,
                       const double *at, size_t n, kt_grid_form form, kt_isa isa, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_hull *hull = &entry->fitted.model.hull;
    kt_predictor *predictor = NULL;
    *grid = (kt_grid){.target = (int)entry->target, .serving = *serving};
    KT_TRY(kt_archive_predictor(&predictor, entry, isa, err));
    int K = kt_predictor_components(predictor);
    grid->family = kt_predictor_family(predictor);
    grid->components = form == KT_GRID_ERV && K == 1 ? 2 : K;
    KT_TRY(kt_strdup(&grid->service, entry->name, err));
    KT_TRY(kt_hull_create(&grid->hull, hull->vertex, hull->n, hull->d, err));
    KT_TRY(kt_alloc(&grid->at, 2 * n, sizeof *grid->at, err));
    KT_TRY(kt_alloc(&grid->inside, n, sizeof *grid->inside, err));
    KT_TRY(kt_alloc(&grid->mixture, n * 3 * (size_t)grid->components, sizeof *grid->mixture, err));
    memcpy(grid->at, at, 2 * n * sizeof *at);
    grid->n = n;
    fill(grid, predictor, form);
out:
    kt_predictor_destroy(predictor);
    if (status != KT_OK)
        kt_grid_clear(grid);
    return status;
}

void kt_grid_clear(kt_grid *grid)
{
    free(grid->service);
    kt_hull_clear(&grid->hull);
    free(grid->at);
    free(grid->inside);
    free(grid->mixture);
    *grid = (kt_grid){0};
}

kt_mixture kt_grid_mixture(const kt_grid *grid, size_t point)
{
    size_t K = (size_t)grid->components;
    const double *from = grid->mixture + point * 3 * K;
    return (kt_mixture){grid->family, grid->components, from, from + K, from + 2 * K};
}
