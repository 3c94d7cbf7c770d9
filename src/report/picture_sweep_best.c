#include "sweeps.h"

#include <math.h>
#include <stdlib.h>

enum { RIGHT = 40 };

typedef struct {
    double x, value;
} point;

static int by_x(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->value > q->value) - (p->value < q->value);
}

/* Those that have a value at the rung that counts; *n may be 0. */
static kt_status find_points(point **points, size_t *n, const found_search *f, bool by_time, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(points, f->search->n, sizeof **points, err));
    *n = 0;
    for (size_t i = 0; i < f->search->n; i++) {
        const kt_sweep_trial *t = &f->search->trial[i];
        double x = by_time ? t->after : (double)t->trial;
        if (f->top >= 0 && isfinite(t->at[f->top]) && isfinite(x))
            (*points)[(*n)++] = (point){x, t->at[f->top]};
    }
    if (*n > 0)
        qsort(*points, *n, sizeof **points, by_x);
out:
    return status;
}

static axis time_axis(double seconds)
{
    double unit = seconds > 2 * 3600 ? 3600 : seconds > 120 ? 60 : 1;
    axis a = axis_fitting(0, seconds / unit, 7);
    for (int i = 0; i < a.n; i++)
        a.tick[i] *= unit;
    a.low *= unit;
    a.high *= unit;
    a.unit = unit;
    a.unit_name = unit > 60 ? "h" : unit > 1 ? "min" : "s";
    return a;
}

static void best_so_far(const picture *p, const point *points, size_t n)
{
    double best = INFINITY;
    fputs("<path class=\"l q0\" d=\"", p->out);
    for (size_t i = 0; i < n; i++) {
        if (!(points[i].value < best))
            continue;
        if (isfinite(best))
            fprintf(p->out, "H%dV%d", axis_at(&p->x, points[i].x), axis_at(&p->y, points[i].value));
        else
            svg_move(p, points[i].x, points[i].value);
        best = points[i].value;
    }
    fprintf(p->out, "H%d\"/>", p->x.to);
}

kt_status picture_sweep_best(FILE *out, const found_search *f, bool by_time, kt_error *err)
{
    kt_status status = KT_OK;
    point *points = NULL;
    size_t n = 0;
    KT_TRY(find_points(&points, &n, f, by_time, err));
    double most = n > 0 ? points[n - 1].x : 1, last = by_time ? f->view->wall : most;
    picture p = svg_picture(out, by_time ? time_axis(fmax(most, last)) : axis_fitting(0, fmax(most, 1), 7),
                            axis_linear(f->low, f->high, 7), RIGHT);
    char title[40];
    snprintf(title, sizeof title, "time that jobs worked, %s", p.x.unit_name);
    svg_axes(&p, "", by_time ? title : "trial", sweep_objective_text(f->view));
    fputs("<path class=\"t\" d=\"", out);
    for (size_t i = 0; i < n; i++)
        svg_square(&p, points[i].x, points[i].value);
    fputs("\"/>", out);
    if (n > 0)
        best_so_far(&p, points, n);
out:
    free(points);
    return status;
}
