#include "sweeps.h"

#include <math.h>
#include <stdlib.h>

enum {
    HEIGHT = 1180,
    LEFT = 300,
    RIGHT = 250,
    GAP = 300,
    LEAST = 2400,
    TOP = 200,
    BOTTOM = 980,
    LANE = 1110, /* of what is not there */
    NAME_ROW = 62,
    TEXT = 17,
    CHOICES_MOST = 10
};

typedef struct {
    FILE *out;
    const found_search *f;
    int axes, gap, width; /* one axis for each option, the last of values */
} board;

static int x_of(const board *b, int axis)
{
    return LEFT + axis * b->gap;
}

static int y_of(double place) /* NaN: not there */
{
    return isnan(place) ? LANE : (int)lround(BOTTOM + place * (TOP - BOTTOM));
}

/* The best at the top. */
static double place_of_value(const found_search *f, double value)
{
    if (!(f->high > f->low))
        return isnan(value) ? NAN : 1;
    double place = (f->high - value) / (f->high - f->low);
    return place < 0 ? 0 : place;
}

static void number_label(const board *b, int axis, double place, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    svg_text(b->out, "", x_of(b, axis) + 14, y_of(place) + (place > 0.5 ? -10 : 48), text);
}

static void choice_labels(const board *b, int axis, const kt_sweep_varied *v)
{
    size_t n = kt_json_size(v->choices);
    for (size_t i = 0; i < n; i++) {
        char text[64];
        kt_json *one = kt_json_put(kt_json_object(), v->name, kt_json_keep(kt_json_at(v->choices, i)));
        sweep_value_text(text, sizeof text, &(kt_sweep_trial){.options = one}, v->name);
        if (n <= CHOICES_MOST || i == 0 || i == n - 1)
            svg_text(b->out, "", x_of(b, axis) + 14, y_of(((double)i + 0.5) / (double)n) + TEXT, text);
        kt_json_drop(one);
    }
}

static void axes(const board *b)
{
    fputs("<path class=\"g\" d=\"", b->out);
    for (int a = 0; a < b->axes; a++)
        fprintf(b->out, "M%d %dV%dm-14 %dh28", x_of(b, a), TOP, BOTTOM, LANE - BOTTOM);
    fputs("\"/>", b->out);
}

/* Above the lines, with a rim that keeps them apart. */
static void labels(const board *b)
{
    const kt_sweep_view *view = b->f->view;
    fputs("<g class=\"rim\">", b->out);
    for (int a = 0; a + 1 < b->axes; a++) {
        const kt_sweep_varied *v = &view->varied[a];
        svg_text(b->out, "s m", x_of(b, a), NAME_ROW + (a % 2) * NAME_ROW, v->name);
        if (v->kind == KT_DIM_CHOICE) {
            choice_labels(b, a, v);
        } else {
            number_label(b, a, 1, v->high);
            number_label(b, a, 0, v->low);
        }
    }
    svg_text(b->out, "s m", x_of(b, b->axes - 1), NAME_ROW + ((b->axes - 1) % 2) * NAME_ROW,
             sweep_objective_text(view));
    number_label(b, b->axes - 1, 1, b->f->low);
    number_label(b, b->axes - 1, 0, b->f->high);
    svg_text(b->out, "", x_of(b, b->axes - 1) + 30, LANE + TEXT, "failed");
    svg_text(b->out, "e", LEFT - 30, LANE + TEXT, "not there");
    fputs("</g>", b->out);
}

/* rank: of n that are drawn, the best 0. */
static void line(const board *b, const kt_sweep_trial *t, size_t rank, size_t n)
{
    static const double up_to[] = {0.1, 0.25, 0.5, 0.75};
    bool failed = t->state == KT_TRIAL_FAILED;
    int class = 0;
    while (class < 4 && (double)rank >= up_to[class] * (double)n)
        class ++;
    fprintf(b->out, "<path class=z%c data-t=%lld d=\"M", failed ? 'f' : '0' + class, (long long)t->trial);
    for (int a = 0; a < b->axes; a++) {
        double place = a + 1 < b->axes ? kt_sweep_place(&b->f->view->varied[a], t)
                       : failed        ? NAN
                                       : place_of_value(b->f, t->value);
        fprintf(b->out, "%s%d %d", a > 0 ? " " : "", x_of(b, a), y_of(place));
    }
    fputs("\"/>", b->out);
}

void picture_sweep_parallel(FILE *out, const found_search *f)
{
    board b = {.out = out, .f = f, .axes = (int)f->view->n_varied + 1};
    size_t n = 0;
    b.gap = b.axes > 1 ? (LEAST - LEFT - RIGHT) / (b.axes - 1) : 0;
    b.gap = b.gap < GAP ? GAP : b.gap;
    b.width = LEFT + RIGHT + b.gap * (b.axes - 1);
    for (size_t i = 0; i < f->shown; i++)
        n += f->search->trial[f->search->order[i]].rung >= 0;
    svg_sized_begin(out, "w", b.width, HEIGHT,
                    "A line for each trial through the values of its options; the table below has them");
    axes(&b);
    for (size_t i = f->shown; i-- > 0;) { /* the best on top */
        const kt_sweep_trial *t = &f->search->trial[f->search->order[i]];
        if (t->rung >= 0 || t->state == KT_TRIAL_FAILED)
            line(&b, t, i, n);
    }
    labels(&b);
    svg_end(out);
}
