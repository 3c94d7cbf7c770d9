#include "pictures.h"

#include <math.h>

enum { RIGHT = 56 };

/* Beyond these a few rows would decide what is seen of all others. */
static void ends(double *low, double *high, const found_cell *cell)
{
    *low = fmin(*low, cell->time[cell->seen ? 1 : 0]);
    *high = fmax(*high, cell->seen ? cell->score.observed[2] : cell->time[CURVE - 1]);
}

static axis times_of(const found_service *f, size_t first, size_t last)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = first; i <= last; i++)
        ends(&low, &high, &f->cells[i]);
    if (!(low <= high) || !isfinite(low) || !isfinite(high))
        low = 0, high = 1;
    return axis_times(low, high, 7);
}

static void curve(const picture *p, const char *kind, const found_cell *cell, const double *share)
{
    double time[CURVE];
    for (int k = 0; k < CURVE; k++) /* what leaves the picture is not drawn along its edge */
        time[k] = cell->time[k] >= p->x.low && cell->time[k] <= p->x.high ? cell->time[k] : NAN;
    fprintf(p->out, "<path%s d=\"", kind);
    svg_curve(p, time, share, CURVE);
    fputs("\"/>", p->out);
}

/* Mostly without classes: which path is what their order says (picture.css). */
static void distribution(const picture *p, const found_service *f, size_t i)
{
    const found_cell *cell = &f->cells[i];
    fprintf(p->out, "<g data-c=\"%zu\"%s>", i, i == f->worst ? " class=\"on\"" : "");
    curve(p, "", cell, cell->predicted);
    if (cell->seen)
        curve(p, "", cell, cell->share);
    fputs("<path d=\"", p->out);
    if (cell->seen)
        svg_bar(p, cell->gap_at, cell->gap_from, cell->gap_to);
    for (int q = 0; q < KT_QUANTILES && !cell->seen; q++)
        svg_diamond(p, cell->score.observed[q], kt_quantile_level[q]);
    fputs("\"/>", p->out);
    if (f->other && cell->score.role == KT_ROLE_HELD_OUT)
        curve(p, " class=\"x\"", cell, cell->other);
    fputs("</g>", p->out);
}

const char *picture_cdf_kind(const found_service *f)
{
    return f->n_cells > 0 && f->cells[0].seen ? "c" : "c d";
}

void picture_cdf(FILE *out, const found_service *f, size_t first, size_t last)
{
    picture p = svg_picture(out, times_of(f, first, last), axis_linear(0, 1, 6), RIGHT);
    char title[32];
    snprintf(title, sizeof title, "time, %s", p.x.unit_name);
    svg_axes(&p, "", title, "share of requests");
    for (size_t i = first; i <= last; i++)
        distribution(&p, f, i);
}
