#include "fit_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ROWS = 32, FEW_ROWS = 300, PIECE = 65536, BOX_CORNER_BITS = 8 };
#define TIES 0.05

typedef struct { /* the sample: the first stored rows */
    size_t n;
    double *x, *y;  /* [n, d], [n] */
    double *sorted; /* y ascending */
} sample;

static void sample_clear(sample *s)
{
    free(s->x);
    free(s->y);
    free(s->sorted);
}

static double clipped(const kt_recipe *recipe, double y)
{
    if (recipe->clip_high <= recipe->clip_low)
        return y;
    return fmin(fmax(y, recipe->clip_low), recipe->clip_high);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    KT_PAUSE_OFTEN();
    return (x > y) - (x < y);
}

static kt_status sample_read(sample *s, const kt_recipe *recipe, const kt_fit_data *data, kt_error *err)
{
    kt_status status = KT_OK;
    s->n = data->n_train < KT_FIT_SAMPLE ? data->n_train : KT_FIT_SAMPLE;
    KT_TRY(kt_alloc(&s->x, s->n * (size_t)data->d, sizeof *s->x, err));
    KT_TRY(kt_alloc(&s->y, s->n, sizeof *s->y, err));
    KT_TRY(kt_alloc(&s->sorted, s->n, sizeof *s->sorted, err));
    KT_TRY(data->rows(data->context, s->x, s->y, 0, s->n, err));
    for (size_t i = 0; i < s->n; i++)
        s->sorted[i] = s->y[i] = clipped(recipe, s->y[i]);
    qsort(s->sorted, s->n, sizeof *s->sorted, ascending);
out:
    return status;
}

static bool many_ties(const sample *s)
{
    size_t tied = 0;
    for (size_t i = 0; i < s->n; i++)
        tied +=
            (i > 0 && s->sorted[i] == s->sorted[i - 1]) || (i + 1 < s->n && s->sorted[i] == s->sorted[i + 1]);
    return (double)tied > TIES * (double)s->n;
}

static double target_scale(const sample *s)
{
    double median = 0.5 * (s->sorted[(s->n - 1) / 2] + s->sorted[s->n / 2]);
    for (size_t i = 0; i < s->n && median <= 0; i++)
        median = s->sorted[i];
    return median > 0 ? median : 1;
}

/* Calls use() for the stored rows [first, last), in pieces; x is read where with_x is set. */
static kt_status each_piece(const kt_fit_data *data, bool with_x, size_t first, size_t last,
                            void (*use)(void *context, const double *x, const double *y, size_t n),
                            void *context, kt_error *err)
{
    kt_status status = KT_OK;
    double *x = NULL, *y = NULL;
    size_t most = last - first < PIECE ? last - first : PIECE;
    KT_TRY(kt_alloc(&x, most * (size_t)data->d, sizeof *x, err));
    KT_TRY(kt_alloc(&y, most, sizeof *y, err));
    for (size_t at = first; at < last; at += PIECE) {
        size_t n = last - at < PIECE ? last - at : PIECE;
        KT_TRY(data->rows(data->context, with_x ? x : NULL, y, at, n, err));
        use(context, x, y, n);
    }
out:
    free(x);
    free(y);
    return status;
}

typedef struct {
    const kt_recipe *recipe;
    double smallest, largest; /* positive y; infinity and 0 where there is none */
} y_range;

static void extend(void *context, const double *x, const double *y, size_t n)
{
    y_range *range = context;
    (void)x;
    for (size_t i = 0; i < n; i++) {
        double v = clipped(range->recipe, y[i]);
        range->smallest = v > 0 ? fmin(range->smallest, v) : range->smallest;
        range->largest = fmax(range->largest, v);
    }
}

typedef struct {
    const kt_recipe *recipe;
    const kt_model *model;
    size_t record;
    float *to;
    uint64_t floored;
} converter;

static void convert(void *context, const double *x, const double *y, size_t n)
{
    converter *c = context;
    int d = c->model->net.inputs;
    for (size_t i = 0; i < n; i++, c->to += c->record) {
        double v = clipped(c->recipe, y[i]);
        kt_scaler_apply(c->to, &c->model->scaler, x + i * (size_t)d, d);
        c->to[d] = kt_model_target(c->model, v);
        c->floored += v < c->model->floor;
    }
}

/* Distinct inputs of the sample, by hashing: data of whole cells has few. points: [n, record], returns their
 * number. */
static kt_status distinct(float *points, size_t *n_points, const kt_model *model, size_t record,
                          const sample *s, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *table = NULL; /* 1 + index of a point; 0: free */
    size_t slots = 1, n = 0;
    int d = model->net.inputs;
    while (slots < 2 * s->n)
        slots *= 2;
    KT_TRY(kt_alloc(&table, slots, sizeof *table, err));
    for (size_t i = 0; i < s->n; i++) {
        float *point = points + n * record;
        uint64_t hash = 0;
        KT_PAUSE_OFTEN();
        memset(point, 0, record * sizeof *point);
        kt_scaler_apply(point, &model->scaler, s->x + i * (size_t)d, d);
        for (int c = 0; c < d; c++) {
            uint32_t bits;
            memcpy(&bits, point + c, sizeof bits);
            hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
            hash ^= hash >> 29;
        }
        size_t slot = hash & (slots - 1);
        while (table[slot] &&
               memcmp(points + (table[slot] - 1) * record, point, (size_t)d * sizeof *point) != 0)
            slot = (slot + 1) & (slots - 1);
        if (!table[slot])
            table[slot] = (uint32_t)++n;
    }
    *n_points = n;
out:
    free(table);
    return status;
}

static size_t hull_corners(const kt_hull *hull)
{
    return hull->d == 2 ? hull->n : (size_t)1 << (hull->d < BOX_CORNER_BITS ? hull->d : BOX_CORNER_BITS);
}

static void hull_corner(double *point, const kt_hull *hull, size_t i)
{
    for (int c = 0; c < hull->d; c++) {
        size_t row = hull->d == 2 ? i : (i >> (c % BOX_CORNER_BITS)) & 1;
        point[c] = hull->vertex[row * (size_t)hull->d + (size_t)c];
    }
}

static kt_status points_make(kt_rows *rows, const kt_model *model, const sample *s, kt_error *err)
{
    kt_status status = KT_OK;
    size_t corners = hull_corners(&model->hull);
    KT_TRY(kt_alloc(&rows->points, (s->n + corners + 1) * rows->record, sizeof *rows->points, err));
    KT_TRY(distinct(rows->points, &rows->n_points, model, rows->record, s, err));
    for (size_t i = 0; i < corners; i++) {
        double corner[KT_FEATURES_MAX];
        float *point = rows->points + rows->n_points++ * rows->record;
        memset(point, 0, rows->record * sizeof *point);
        hull_corner(corner, &model->hull, i);
        kt_scaler_apply(point, &model->scaler, corner, model->net.inputs);
    }
    KT_TRY(kt_alloc(&rows->targets, s->n, sizeof *rows->targets, err));
    rows->n_targets = s->n;
    for (size_t i = 0; i < s->n; i++) {
        KT_PAUSE_OFTEN();
        rows->targets[i] = kt_model_target(model, s->sorted[i]); /* who sorts them again does so soon */
    }
out:
    return status;
}

/* What the model needs from the data before it starts; the range of y is over all training rows of the team.
 */
static kt_status model_scales(kt_model *model, const kt_recipe *recipe, const kt_fit_data *data,
                              const sample *s, const y_range *range, kt_error *err)
{
    kt_scaler_fit(&model->scaler, s->x, s->n, data->d);
    model->scale = recipe->target_scale ? target_scale(s) : 1;
    model->floor = kt_family_table[model->net.family].positive ? 0.5 * range->smallest : 0;
    if (recipe->clip_high > recipe->clip_low)
        model->floor = fmax(model->floor, recipe->clip_low);
    return kt_hull_create(&model->hull, data->cell_mean, data->n_cells, data->d, err);
}

static kt_status read_owned(kt_rows *rows, const kt_model *model, const kt_recipe *recipe,
                            const kt_fit_data *data, const kt_blocks *blocks, const kt_team *team,
                            kt_error *err)
{
    kt_status status = KT_OK;
    size_t first = kt_blocks_strip(blocks, blocks->first), last = kt_blocks_strip(blocks, blocks->last);
    int val_blocks = (int)((data->n_validation + KT_BLOCK - 1) / KT_BLOCK);
    converter c = {.recipe = recipe, .model = model, .record = rows->record};

    rows->n = last - first;
    KT_TRY(kt_alloc(&rows->train, (rows->n + 1) * rows->record, sizeof *rows->train, err));
    c.to = rows->train;
    KT_TRY(each_piece(data, true, first, last, convert, &c, err));
    rows->floored = c.floored;

    kt_team_run(&rows->val_first, &rows->val_last, val_blocks, team->rank, team->size);
    first = (size_t)rows->val_first * KT_BLOCK;
    last = (size_t)rows->val_last * KT_BLOCK;
    last = last < data->n_validation ? last : data->n_validation;
    rows->n_val = last > first ? last - first : 0;
    KT_TRY(kt_alloc(&rows->validation, (rows->n_val + 1) * rows->record, sizeof *rows->validation, err));
    c.to = rows->validation;
    if (rows->n_val > 0)
        KT_TRY(each_piece(data, true, data->n_train + first, data->n_train + last, convert, &c, err));
out:
    return status;
}

/* Every rank goes on or none does: a rank that failed to read tells the others in the one exchange there is.
 */
static kt_status agree_range(y_range *range, const kt_team *team, kt_status local, kt_error *err)
{
    double values[3] = {-range->smallest, range->largest, (double)local};
    if (team->largest) {
        kt_status status = team->largest(team->context, values, 3, err);
        if (status != KT_OK)
            return status;
    }
    range->smallest = -values[0];
    range->largest = values[1];
    if (values[2] == 0)
        return KT_OK;
    return kt_fail(err, (kt_status)values[2], "another rank of the group failed to read its rows");
}

kt_status kt_rows_init(kt_rows *rows, kt_model *model, const kt_recipe *recipe, const kt_fit_data *data,
                       const kt_blocks *blocks, const kt_team *team, kt_error *err)
{
    kt_status status = KT_OK;
    sample s = {0};
    y_range range = {.recipe = recipe, .smallest = INFINITY};
    size_t all = data->n_train + data->n_validation;

    if (all < LEAST_ROWS)
        return kt_fail(err, KT_REFUSED, "%s: %zu rows to train on, at least %d are needed", data->name, all,
                       LEAST_ROWS);
    status = each_piece(data, false, kt_blocks_strip(blocks, blocks->first),
                        kt_blocks_strip(blocks, blocks->last), extend, &range, err);
    KT_TRY(agree_range(&range, team, status, err));
    if (range.largest <= 0)
        KT_TRY(kt_fail(err, KT_REFUSED, "%s: all processing times are zero", data->name));

    KT_TRY(sample_read(&s, recipe, data, err));
    kt_pause();
    KT_TRY(model_scales(model, recipe, data, &s, &range, err));
    rows->record = kt_kernel_record(data->d);
    KT_TRY(points_make(rows, model, &s, err));
    KT_TRY(read_owned(rows, model, recipe, data, blocks, team, err));
    rows->flags = (data->n_train < FEW_ROWS ? KT_FLAG_FEW_ROWS : 0u) | (many_ties(&s) ? KT_FLAG_TIES : 0u) |
                  (model->scaler.frozen ? KT_FLAG_CONSTANT : 0u);
out:
    sample_clear(&s);
    return status;
}

void kt_rows_clear(kt_rows *rows)
{
    free(rows->train);
    free(rows->validation);
    free(rows->points);
    free(rows->targets);
    *rows = (kt_rows){0};
}
