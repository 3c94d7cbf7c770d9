#include "points.h"

#include "kt/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_POINTS 1e9

void points_clear(points *p)
{
    free(p->x);
    *p = (points){0};
}

/* ---- grids ---- */

typedef struct {
    double from, step;
    size_t n; /* 0: not given */
} axis;

static kt_status read_axis(axis *axes, const kt_archive *archive, const char *text, kt_error *err)
{
    char name[KT_LABEL];
    double to, step = 1;
    int used = 0;
    axis a = {0};
    const char *equals = strchr(text, '=');
    if (!equals || (size_t)(equals - text) >= sizeof name)
        return kt_fail(err, KT_USAGE, "--grid %s: NAME=FROM:TO:STEP is wanted", text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    int f = command_feature(archive, name);
    if (f < 0)
        return kt_fail(err, KT_USAGE, "--grid %s: the models are not asked with '%s'", text, name);
    int fields = sscanf(equals + 1, "%lf:%lf%n:%lf%n", &a.from, &to, &used, &step, &used);
    if (fields < 2 || equals[1 + used] != '\0' || !(step > 0) || !(to >= a.from) ||
        (to - a.from) / step > MOST_POINTS)
        return kt_fail(err, KT_USAGE, "--grid %s: FROM:TO:STEP with FROM <= TO and STEP > 0 is wanted", text);
    if (axes[f].n > 0)
        return kt_fail(err, KT_USAGE, "--grid %s: '%s' is given twice", text, name);
    a.step = step;
    a.n = (size_t)floor((to - a.from) / step * (1 + 1e-12) + 1e-9) + 1;
    axes[f] = a;
    return KT_OK;
}

kt_status points_from_grids(points *p, const kt_archive *archive, const kt_texts *grids, kt_error *err)
{
    kt_status status = KT_OK;
    axis axes[KT_FEATURES_MAX] = {{0}};
    size_t d = (size_t)archive->d;
    double total = 1;
    for (size_t i = 0; i < grids->n; i++)
        KT_TRY(read_axis(axes, archive, grids->text[i], err));
    for (size_t f = 0; f < d; f++) {
        if (axes[f].n == 0)
            KT_TRY(kt_fail(err, KT_USAGE, "no --grid for '%s'", archive->feature[f]));
        total *= (double)axes[f].n;
    }
    if (total > MOST_POINTS)
        KT_TRY(
            kt_fail(err, KT_USAGE, "the grids make %g points, at most %g are possible", total, MOST_POINTS));
    p->n = (size_t)total;
    KT_TRY(kt_alloc(&p->x, p->n * d, sizeof *p->x, err));
    for (size_t i = 0; i < p->n; i++) {
        for (size_t f = d, rest = i; f-- > 0; rest /= axes[f].n)
            p->x[i * d + f] = axes[f].from + axes[f].step * (double)(rest % axes[f].n);
    }
out:
    return status;
}

/* ---- files ---- */

typedef struct {
    const kt_archive *archive;
    const char *path;
    size_t line, columns;
    int feature[KT_FEATURES_MAX]; /* of each column */
} reader;

static kt_status read_header(reader *r, char *line, kt_error *err)
{
    char *rest = line;
    uint32_t seen = 0;
    for (char *name; (name = strsep(&rest, ",")) != NULL; r->columns++) {
        int f = command_feature(r->archive, name);
        if (f < 0 || seen >> f & 1)
            return kt_fail(err, KT_INPUT, "%s:1: column '%s' is %s", r->path, name,
                           f < 0 ? "not what the models are asked with" : "there twice");
        seen |= 1u << f;
        r->feature[r->columns] = f;
    }
    if (r->columns != (size_t)r->archive->d)
        return kt_fail(err, KT_INPUT, "%s:1: %zu columns, the models are asked with %d", r->path, r->columns,
                       r->archive->d);
    return KT_OK;
}

static kt_status read_line(double *x, const reader *r, char *line, kt_error *err)
{
    char *rest = line, *cell;
    size_t c = 0;
    for (; (cell = strsep(&rest, ",")) != NULL; c++) {
        if (c >= r->columns || !command_number(&x[r->feature[c]], cell))
            return kt_fail(err, KT_INPUT, "%s:%zu: '%s' in column %zu of %zu", r->path, r->line, cell, c + 1,
                           r->columns);
    }
    if (c != r->columns)
        return kt_fail(err, KT_INPUT, "%s:%zu: %zu cells, the header has %zu", r->path, r->line, c,
                       r->columns);
    return KT_OK;
}

kt_status points_from_file(points *p, const kt_archive *archive, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t bytes, lines = 0, d = (size_t)archive->d;
    reader r = {.archive = archive, .path = path};
    KT_TRY(kt_file_read(&text, &bytes, path, err));
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    KT_TRY(kt_alloc(&p->x, (lines + 1) * d, sizeof *p->x, err));
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        r.line++;
        line[strcspn(line, "\r")] = '\0';
        if (r.line == 1)
            KT_TRY(read_header(&r, line, err));
        else if (*line != '\0')
            KT_TRY(read_line(p->x + p->n++ * d, &r, line, err));
    }
    if (p->n == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no points", path));
out:
    free(text);
    return status;
}
