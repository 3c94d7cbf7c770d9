#include "kt/report.h"

#include "pictures.h"
#include "text.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static kt_status cell_index(size_t *index, const found_service *f, const char *label, kt_error *err)
{
    *index = f->worst;
    if (!label && f->n_cells > 0)
        return KT_OK;
    for (size_t i = 0; i < f->n_cells; i++)
        if (strcmp(f->cells[i].score.label, label ? label : "") == 0) {
            *index = i;
            return KT_OK;
        }
    if (f->n_cells == 0)
        return kt_fail(err, KT_USAGE, "%s: no cell is known; the dataset has them", f->entry->name);
    return kt_fail(err, KT_USAGE, "%s: no cell '%s', but for example '%s'", f->entry->name, label,
                   f->cells[f->worst].score.label);
}

static kt_status all_panels(FILE *out, const found_service *f, const char *x_name, kt_error *err)
{
    enum { ACROSS = 3 };
    char name[400];
    if (f->n_panels == 0)
        return kt_fail(err, KT_USAGE, "%s: no cell is known; the dataset has them", f->entry->name);
    int n = (int)f->n_panels, across = n < ACROSS ? n : ACROSS, down = (n + ACROSS - 1) / ACROSS;
    snprintf(name, sizeof name, "%s: p50, p95 and p99 by %s", f->entry->name, x_name);
    svg_file_begin(out, "q", across * SVG_WIDTH, down * SVG_HEIGHT, name);
    for (int p = 0; p < n; p++) {
        svg_part_begin(out, p % ACROSS * SVG_WIDTH, p / ACROSS * SVG_HEIGHT);
        picture_quantiles(out, f, (size_t)p, x_name);
        svg_end(out);
    }
    svg_end(out);
    return KT_OK;
}

static kt_status one_cell(FILE *out, found_service *f, const char *cell, kt_error *err)
{
    char name[400];
    size_t i = 0;
    kt_status status = cell_index(&i, f, cell, err);
    if (status != KT_OK)
        return status;
    f->worst = i; /* the one that shows */
    snprintf(name, sizeof name, "%s, %s: measured and predicted distribution", f->entry->name,
             f->cells[i].score.label);
    svg_file_begin(out, picture_cdf_kind(f), SVG_WIDTH, SVG_HEIGHT, name);
    picture_cdf(out, f, i, i);
    svg_end(out);
    return KT_OK;
}

static kt_status draw(FILE *out, found_service *f, kt_picture picture, const char *cell, const char *x_name,
                      kt_error *err)
{
    char name[400];
    const kt_score *score = picture_pit_score(f);
    if (picture == KT_PICTURE_QUANTILES)
        return all_panels(out, f, x_name, err);
    if (picture == KT_PICTURE_CDF)
        return one_cell(out, f, cell, err);
    if (picture == KT_PICTURE_PIT ? !score : f->entry->fitted.n_looks == 0)
        return kt_fail(err, KT_USAGE, "%s: %s", f->entry->name,
                       picture == KT_PICTURE_PIT ? "no cell was held out" : "no losses are known");
    snprintf(name, sizeof name, "%s: %s", f->entry->name,
             picture == KT_PICTURE_PIT ? "PIT of held-out cells" : "losses by step");
    svg_file_begin(out, picture == KT_PICTURE_PIT ? "i" : "n", SVG_WIDTH, SVG_HEIGHT, name);
    if (picture == KT_PICTURE_PIT)
        picture_pit(out, score);
    else
        picture_loss(out, f->entry);
    svg_end(out);
    return KT_OK;
}

kt_status kt_report_svg(char **out, size_t *n, const kt_report *report, kt_picture picture, const char *cell,
                        kt_error *err)
{
    assert(report->n_services == 1);
    kt_status status = KT_OK;
    findings f = {.n = 0};
    text file = {.stream = NULL};
    KT_TRY(findings_make(&f, report, err));
    KT_TRY(text_open(&file, err));
    KT_TRY(draw(file.stream, &f.services[0], picture, cell, report->archive->feature[f.services[0].x], err));
    KT_TRY(text_give(out, n, &file, err));
out:
    text_drop(&file);
    findings_clear(&f);
    return status;
}
