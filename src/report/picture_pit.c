#include "pictures.h"

#include <math.h>

enum { RIGHT = 56 };

const kt_score *picture_pit_score(const found_service *f)
{
    return f->interior.cells > 0 ? &f->interior : f->outside.cells > 0 ? &f->outside : NULL;
}

void picture_pit(FILE *out, const kt_score *score)
{
    double n = (double)score->rows, most = 1.2;
    /* 95 % of a bin's counts, were rows drawn from the model independently */
    double chance = 1.96 * sqrt((1 - 1.0 / KT_PIT_BINS) * KT_PIT_BINS / n);
    for (int b = 0; b < KT_PIT_BINS; b++)
        most = fmax(most, (double)score->pit[b] * KT_PIT_BINS / n);
    picture p = svg_picture(out, axis_linear(0, 1, 6), axis_linear(0, fmax(most, 1 + chance), 7), RIGHT);
    svg_axes(&p, "", "place in the predicted distribution", "density");
    svg_box(&p, "u", 0, fmax(1 - chance, 0), 1, 1 + chance);
    for (int b = 0; b < KT_PIT_BINS; b++)
        svg_box(&p, "b", (b + 0.1) / KT_PIT_BINS, 0, (b + 0.9) / KT_PIT_BINS,
                (double)score->pit[b] * KT_PIT_BINS / n);
    fputs("<path class=\"k\" d=\"", out);
    svg_curve(&p, (const double[]){0, 1}, (const double[]){1, 1}, 2);
    fputs("\"/>", out);
}
