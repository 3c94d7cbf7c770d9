/* Horizontal bars: what became of trials at rungs, and the importance of options. */
#include "sweeps.h"

#include <math.h>

enum {
    LEFT = 520,
    RIGHT = 60,
    TOP = 40,
    ROW = 84,
    BAR = 52,
    TEXT = 17,
    TICK = 16,
    X_LABEL = 68,
    X_TITLE = 138
};

static axis bars_axis(double high)
{
    axis a = axis_linear(0, high > 0 ? high : 1, 6);
    a.from = LEFT;
    a.to = SVG_WIDTH - RIGHT;
    return a;
}

static void begin(FILE *out, const axis *x, int rows, const char *title, const char *name)
{
    int bottom = TOP + rows * ROW;
    char label[32];
    svg_sized_begin(out, "", SVG_WIDTH, bottom + X_TITLE + 30, name);
    fputs("<path class=\"g\" d=\"", out);
    for (int i = 0; i < x->n; i++)
        fprintf(out, "M%d %dV%d", axis_at(x, x->tick[i]), TOP, bottom + TICK);
    fputs("\"/><g class=\"m\">", out);
    for (int i = 0; i < x->n; i++) {
        axis_label(label, x, x->tick[i]);
        svg_text(out, "", axis_at(x, x->tick[i]), bottom + X_LABEL, label);
    }
    svg_text(out, "", (x->from + x->to) / 2, bottom + X_TITLE, title);
    fputs("</g>", out);
}

static void row_name(FILE *out, int row, const char *name)
{
    svg_text(out, "e", LEFT - 28, TOP + row * ROW + ROW / 2 + TEXT, name);
}

static void bar(FILE *out, const axis *x, int row, const char *kind, double from, double to)
{
    int left = axis_at(x, from), right = axis_at(x, to);
    if (right > left)
        fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", kind, left,
                TOP + row * ROW + (ROW - BAR) / 2, right - left, BAR);
}

void picture_sweep_rungs(FILE *out, const kt_sweep_view *view)
{
    double most = 0;
    for (int r = 0; r < view->n_rungs; r++)
        most = fmax(most, (double)view->rung[r].trials);
    axis x = bars_axis(most);
    begin(out, &x, view->n_rungs, "trials", "What became of the trials at each rung");
    for (int r = 0; r < view->n_rungs; r++) {
        const kt_sweep_rung *rung = &view->rung[r];
        size_t on = r == view->n_rungs - 1 ? rung->reached : rung->promoted;
        const double part[] = {(double)on, (double)rung->stopped, (double)rung->failed};
        static const char *const kind[] = {"b", "r1", "r2"};
        double at = 0;
        char name[60];
        snprintf(name, sizeof name, "rung %d, %.3g %%", r + 1, 100 * rung->share);
        row_name(out, r, name);
        bar(out, &x, r, "u", 0, (double)rung->trials);
        for (int k = 0; k < 3; k++) {
            bar(out, &x, r, kind[k], at, at + part[k]);
            at += part[k];
        }
    }
    svg_end(out);
}

void picture_sweep_importance(FILE *out, const found_search *f)
{
    int n = (int)f->view->n_varied;
    double most = 0;
    for (int i = 0; i < n; i++)
        most =
            fmax(most, fmax(f->importance[i].divergence, f->importance[i].chance)); /* fmax passes NaN by */
    axis x = bars_axis(most);
    begin(out, &x, n, "divergence of the best quarter from all",
          "Importance of each option, and what chance gives");
    for (int i = 0; i < n; i++) {
        const kt_importance *one = &f->importance[f->by_importance[i]];
        row_name(out, i, f->view->varied[f->by_importance[i]].name);
        if (isnan(one->divergence))
            continue;
        bar(out, &x, i, one->divergence > one->chance ? "b" : "r1", 0, one->divergence);
        fprintf(out, "<path class=\"k\" d=\"M%d %dv%d\"/>", axis_at(&x, one->chance), TOP + i * ROW + 6,
                ROW - 12);
    }
    svg_end(out);
}
