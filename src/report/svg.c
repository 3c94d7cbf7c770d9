#include "svg.h"

#include "assets.h"
#include "text.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEFT = 192,
    TOP = 132,
    BOTTOM = 176,
    TICK = 16,
    LABEL_GAP = 32,
    X_LABEL = 68,
    X_TITLE = 144,
    HALF_LINE = 17, /* of text, so that it stands in the middle of its place */
    POINT = 18      /* half a mark's size */
};

picture svg_picture(FILE *out, axis x, axis y, int right)
{
    picture p = {out, x, y};
    p.x.from = LEFT;
    p.x.to = SVG_WIDTH - right;
    p.y.from = SVG_HEIGHT - BOTTOM;
    p.y.to = TOP;
    return p;
}

void svg_sized_begin(FILE *out, const char *kind, int width, int height, const char *name)
{
    fprintf(out, "<svg class=\"p %s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", kind, width, height);
    put_escaped(out, name);
    fputs("\">", out);
}

void svg_begin(FILE *out, const char *kind, const char *name)
{
    svg_sized_begin(out, kind, SVG_WIDTH, SVG_HEIGHT, name);
}

void svg_file_begin(FILE *out, const char *kind, int width, int height, const char *name)
{
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"p "
            "%s\" "
            "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
            kind, width / 4, height / 4, width, height);
    put_escaped(out, name);
    fputs("</title>\n<style>", out);
    fwrite(picture_css, 1, picture_css_size, out);
    fputs("</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n", out);
}

void svg_part_begin(FILE *out, int x, int y)
{
    fprintf(out, "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">", x, y, SVG_WIDTH,
            SVG_HEIGHT, SVG_WIDTH, SVG_HEIGHT);
}

void svg_end(FILE *out)
{
    fputs("</svg>\n", out);
}

void svg_text(FILE *out, const char *kind, int x, int y, const char *words)
{
    fputs("<text", out);
    if (*kind)
        fprintf(out, " class=\"%s\"", kind);
    fprintf(out, " x=\"%d\" y=\"%d\">", x, y);
    put_escaped(out, words);
    fputs("</text>", out);
}

static void grid(const picture *p)
{
    fputs("<path class=\"g\" d=\"", p->out);
    for (int i = 0; i < p->y.n; i++)
        fprintf(p->out, "M%d %dH%d", p->x.from, axis_at(&p->y, p->y.tick[i]), p->x.to);
    for (int i = 0; i < p->x.n; i++)
        fprintf(p->out, "M%d %dv%d", axis_at(&p->x, p->x.tick[i]), p->y.from, TICK);
    fputs("\"/>", p->out);
}

void svg_axes(const picture *p, const char *title, const char *x_title, const char *y_title)
{
    char label[32];
    grid(p);
    fputs("<g class=\"e\">", p->out);
    for (int i = 0; i < p->y.n; i++) {
        axis_label(label, &p->y, p->y.tick[i]);
        svg_text(p->out, "", p->x.from - LABEL_GAP, axis_at(&p->y, p->y.tick[i]) + HALF_LINE, label);
    }
    fputs("</g><g class=\"m\">", p->out);
    for (int i = 0; i < p->x.n; i++) {
        axis_label(label, &p->x, p->x.tick[i]);
        svg_text(p->out, "", axis_at(&p->x, p->x.tick[i]), p->y.from + X_LABEL, label);
    }
    svg_text(p->out, "", (p->x.from + p->x.to) / 2, p->y.from + X_TITLE, x_title);
    fputs("</g>", p->out);
    svg_text(p->out, "", 0, TOP - 72, y_title);
    if (*title)
        svg_text(p->out, "s m", (p->x.from + p->x.to) / 2, TOP - 72, title);
}

void svg_box(const picture *p, const char *kind, double x0, double y0, double x1, double y1)
{
    int left = axis_at(&p->x, x0), right = axis_at(&p->x, x1), top = axis_at(&p->y, y1);
    fprintf(p->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", kind, left, top,
            right - left, axis_at(&p->y, y0) - top);
}

void svg_move(const picture *p, double x, double y)
{
    fprintf(p->out, "M%d %d", axis_at(&p->x, x), axis_at(&p->y, y));
}

typedef struct {
    int x, y;
} point;

/* Do all points between the ends lie within half a unit, a pixel's eighth, of the line between them? */
static bool straight(const point *p, size_t n)
{
    double dx = p[n - 1].x - p[0].x, dy = p[n - 1].y - p[0].y, length = hypot(dx, dy);
    for (size_t i = 1; i + 1 < n; i++)
        if (fabs(dx * (p[i].y - p[0].y) - dy * (p[i].x - p[0].x)) > (0.5 + 1e-9) * length)
            return false;
    return true;
}

/* One piece without gaps; points on the straight line between others are left out. */
static void polyline(FILE *out, const point *p, size_t n)
{
    fprintf(out, "M%d %d", p[0].x, p[0].y);
    for (size_t at = 0, next; at + 1 < n; at = next) {
        next = at + 1;
        while (next + 1 < n && straight(p + at, next + 2 - at))
            next++;
        int dx = p[next].x - p[at].x, dy = p[next].y - p[at].y;
        if (dx == 0 || dy == 0)
            fprintf(out, "%c%d", dx == 0 ? 'v' : 'h', dx == 0 ? dy : dx);
        else
            fprintf(out, dy < 0 ? "l%d%d" : "l%d %d", dx, dy);
    }
}

void svg_curve(const picture *p, const double *x, const double *y, size_t n)
{
    point piece[SVG_CURVE];
    size_t held = 0;
    assert(n <= SVG_CURVE);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(x[i]) && isfinite(y[i]))
            piece[held++] = (point){axis_at(&p->x, x[i]), axis_at(&p->y, y[i])};
        if (held > 0 && (i + 1 == n || !isfinite(x[i]) || !isfinite(y[i]))) {
            polyline(p->out, piece, held);
            held = 0;
        }
    }
}

void svg_bar(const picture *p, double x, double low, double high)
{
    fprintf(p->out, "M%d %dV%d", axis_at(&p->x, x), axis_at(&p->y, low), axis_at(&p->y, high));
}

void svg_diamond(const picture *p, double x, double y)
{
    enum { P = POINT };
    fprintf(p->out, "M%d %dl%d %d%d %d%d%dz", axis_at(&p->x, x), axis_at(&p->y, y) - P, P, P, -P, P, -P, -P);
}

void svg_square(const picture *p, double x, double y)
{
    enum { SIDE = 3 * POINT / 2 };
    fprintf(p->out, "M%d %dh%dv%dh%dz", axis_at(&p->x, x) - SIDE / 2, axis_at(&p->y, y) - SIDE / 2, SIDE,
            SIDE, -SIDE);
}
