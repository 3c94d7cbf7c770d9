/* Pictures: SVG in units of a quarter of a pixel, whole numbers only. Colours and fonts are those of
 * picture.css, by the classes: g grid   u what is shaded   l line   o observed line   k mark   b bar   q0 q1
 * q2 of p50, p95, p99 h t held-out and training cells    e m text that ends, is centred at its place    s
 * strong text */
#ifndef KT_REPORT_SVG_H
#define KT_REPORT_SVG_H

#include "axis.h"
#include <stddef.h>
#include <stdio.h>

enum { SVG_WIDTH = 1440, SVG_HEIGHT = 1000 };

typedef struct {
    FILE *out;
    axis x, y;
} picture;

/* Where the axes lie in a picture of SVG_WIDTH by SVG_HEIGHT; right: room beside them, for labels. */
picture svg_picture(FILE *out, axis x, axis y, int right);

/* The element, inside a page; name: what a screen reader says of it. */
void svg_begin(FILE *out, const char *kind, const char *name);
void svg_sized_begin(FILE *out, const char *kind, int width, int height, const char *name);
/* A file of its own, or a part at a place of one. */
void svg_file_begin(FILE *out, const char *kind, int width, int height, const char *name);
void svg_part_begin(FILE *out, int x, int y);
void svg_end(FILE *out);

/* Grid, labels and titles; the y axis' title stands above it, title: beside that. */
void svg_axes(const picture *p, const char *title, const char *x_title, const char *y_title);

void svg_text(FILE *out, const char *kind, int x, int y, const char *words);
void svg_box(const picture *p, const char *kind, double x0, double y0, double x1, double y1);

/* Data of a path: M and relative lines through at most SVG_CURVE points, those that are no numbers left out;
 * and closed shapes around a point. */
enum { SVG_CURVE = 64 };
void svg_curve(const picture *p, const double *x, const double *y, size_t n);
void svg_move(const picture *p, double x, double y);
void svg_bar(const picture *p, double x, double low, double high); /* from (x, low) up to high */
void svg_diamond(const picture *p, double x, double y);
void svg_square(const picture *p, double x, double y);

#endif
