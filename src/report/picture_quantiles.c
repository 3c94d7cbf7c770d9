#include "pictures.h"

#include <math.h>
#include <stdlib.h>

enum { RIGHT = 168, LABEL_STEP = 52, HALF_LINE = 17 };

static void widen(double *low, double *high, double value)
{
    if (!isfinite(value))
        return;
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

/* What lies outside the hull may be anything: only what was measured, and the model inside, make the axis. */
axis picture_quantile_times(const found_service *f)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < f->n_cells; i++)
        for (int q = 0; q < KT_QUANTILES; q++) {
            const found_cell *cell = &f->cells[i];
            widen(&low, &high, cell->score.observed[q]);
            if (cell->score.interior)
                widen(&low, &high, cell->score.predicted[q]);
            if (cell->seen) {
                widen(&low, &high, cell->low[q]);
                widen(&low, &high, cell->high[q]);
            }
        }
    if (!(low <= high))
        low = 0, high = 1;
    return axis_times(low, high, 7);
}

/* Labels at the right ends of the lines, moved apart where they would touch. */
static void name_lines(const picture *p, const found_panel *panel)
{
    static const char *const name[KT_QUANTILES] = {"p50", "p95", "p99"};
    static const char *const kind[KT_QUANTILES] = {"q0", "q1", "q2"};
    int above = p->y.from + LABEL_STEP;
    for (int q = 0; q < KT_QUANTILES; q++) {
        double end = panel->line[q][GRID - 1];
        int at = isfinite(end) ? axis_at(&p->y, end) : above - LABEL_STEP;
        at = at > above - LABEL_STEP ? above - LABEL_STEP : at;
        svg_text(p->out, kind[q], p->x.to + 24, at + HALF_LINE, name[q]);
        above = at;
    }
}

/* What leaves the picture is not drawn along its edge. */
static void line(const picture *p, const char *kind, const found_panel *panel, const double *value)
{
    double x[GRID], y[GRID];
    for (int k = 0; k < GRID; k++) {
        x[k] = found_grid(panel, k);
        y[k] = value[k] >= p->y.low && value[k] <= p->y.high ? value[k] : NAN;
    }
    fprintf(p->out, "<path class=\"%s\" d=\"", kind);
    svg_curve(p, x, y, GRID);
    fputs("\"/>", p->out);
}

static void lines(const picture *p, const found_service *f, const found_panel *panel)
{
    static const char *const kind[KT_QUANTILES] = {"l q0", "l q1", "l q2"};
    if (f->other)
        line(p, "x", panel, panel->other);
    for (int q = 0; q < KT_QUANTILES; q++)
        line(p, kind[q], panel, panel->line[q]);
}

static void points(const picture *p, const found_service *f, size_t i)
{
    const found_cell *cell = &f->cells[i];
    bool held_out = cell->score.role == KT_ROLE_HELD_OUT;
    double x = cell->score.mean[f->x];
    fprintf(p->out, "<path class=\"%s\" data-c=\"%zu\" d=\"", held_out ? "h" : "t", i);
    for (int q = 0; q < KT_QUANTILES; q++) {
        if (cell->seen)
            svg_bar(p, x, cell->low[q], cell->high[q]);
        (held_out ? svg_diamond : svg_square)(p, x, cell->score.observed[q]);
    }
    fputs("\"/>", p->out);
}

void picture_quantiles(FILE *out, const found_service *f, size_t index, const char *x_name)
{
    const found_panel *panel = &f->panels[index];
    double low = panel->x_low >= 0 && panel->x_low < 0.5 * panel->x_high ? 0 : panel->x_low;
    axis x = axis_fitting(low, panel->x_high, 7);
    picture p = svg_picture(out, x, picture_quantile_times(f), RIGHT);
    char title[32];
    snprintf(title, sizeof title, "time, %s", p.y.unit_name);
    if (panel->in_hull)
        svg_box(&p, "u", panel->low, p.y.low, panel->high, p.y.high);
    svg_axes(&p, panel->label, x_name, title);
    lines(&p, f, panel);
    name_lines(&p, panel);
    for (int held_out = 0; held_out < 2; held_out++) /* those on top */
        for (size_t i = 0; i < f->n_cells; i++)
            if (f->cells[i].panel == index && (f->cells[i].score.role == KT_ROLE_HELD_OUT) == held_out)
                points(&p, f, i);
}
