#include "pictures.h"

#include <math.h>

enum { RIGHT = 56, PIECE = 64 };

typedef struct {
    const kt_look *look;
    size_t n;
    bool training;
} losses;

static double loss_of(const losses *l, size_t i)
{
    return l->training ? l->look[i].train : l->look[i].validation;
}

static void curve(const picture *p, const losses *l, const char *kind)
{
    fprintf(p->out, "<path class=\"%s\" d=\"", kind);
    for (size_t first = 0; first < l->n; first += PIECE - 1) {
        double x[PIECE], y[PIECE];
        size_t n = 0;
        for (; n < PIECE && first + n < l->n; n++) {
            x[n] = (double)l->look[first + n].step;
            y[n] = loss_of(l, first + n);
        }
        svg_curve(p, x, y, n);
    }
    fputs("\"/>", p->out);
}

void picture_loss(FILE *out, const kt_archive_entry *entry)
{
    const kt_fitted *fit = &entry->fitted;
    double low = INFINITY, high = -INFINITY;
    for (int training = 0; training < 2; training++) {
        const losses l = {fit->looks, fit->n_looks, training};
        for (size_t i = 0; i < l.n; i++) {
            if (!isfinite(loss_of(&l, i)))
                continue;
            low = fmin(low, loss_of(&l, i));
            high = fmax(high, loss_of(&l, i));
        }
    }
    if (!(low <= high))
        low = 0, high = 1;
    const kt_look *kept = &fit->looks[fit->best < fit->n_looks ? fit->best : fit->n_looks - 1];
    picture p = svg_picture(out, axis_fitting(0, (double)fit->looks[fit->n_looks - 1].step, 6),
                            axis_linear(low, high, 7), RIGHT);
    svg_axes(&p, "", "step", "NLL, nats");
    curve(&p, &(losses){fit->looks, fit->n_looks, true}, "o");
    curve(&p, &(losses){fit->looks, fit->n_looks, false}, "l q0");
    fputs("<path class=\"k\" d=\"", out);
    svg_bar(&p, (double)kept->step, p.y.low, p.y.high);
    fputs("\"/>", out);
    if (isfinite(kept->validation)) {
        fputs("<path class=\"h\" d=\"", out);
        svg_diamond(&p, (double)kept->step, kept->validation);
        fputs("\"/>", out);
    }
}
