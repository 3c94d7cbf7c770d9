#include "findings.h"

#include "kt/json.h"
#include "kt/rng.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The seed of the archive names the draws of all bootstraps, so that floors are those of its cards. */
static uint64_t seed_of(const kt_archive *archive)
{
    kt_json *config = NULL;
    kt_json_parse(&config, archive->config, strlen(archive->config), "config", NULL);
    uint64_t seed = (uint64_t)kt_json_as_int(kt_json_get(config, "seed"), 1);
    kt_json_drop(config);
    return seed;
}

static int feature_x(const kt_archive *archive)
{
    for (int i = 0; i < archive->d; i++)
        if (strcmp(archive->feature[i], "rps_eff") == 0)
            return i;
    return 0;
}

static const kt_archive_entry *entry_named(const kt_archive *archive, const char *name)
{
    for (size_t i = 0; archive && i < archive->n_entries; i++)
        if (strcmp(archive->entries[i].name, name) == 0)
            return &archive->entries[i];
    return NULL;
}

/* ---- rows ---- */

static kt_status open_rows(kt_samples *one, const kt_report *report, const kt_archive_entry *entry,
                           kt_error *err)
{
    kt_status status = KT_OK;
    size_t i = 0, n = report->store ? kt_store_count(report->store) : 0;
    while (i < n && strcmp(kt_store_at(report->store, i)->name, entry->name) != 0)
        i++;
    if (i == n)
        return report->store ? kt_fail(err, KT_INPUT, "the dataset has no rows of '%s'", entry->name) : KT_OK;
    if (memcmp(kt_store_at(report->store, i)->digest, entry->data_digest, KT_DIGEST_BYTES) != 0)
        return kt_fail(err, KT_INPUT, "the dataset holds other rows of '%s' than its model was made from",
                       entry->name);
    if (kt_store_at(report->store, i)->n > ROWS_MOST)
        return KT_OK;
    KT_TRY(kt_alloc(&one->services, 1, sizeof *one->services, err));
    one->n_services = 1;
    KT_TRY(kt_store_service_rows(&one->services[0], report->store, i, err));
out:
    return status;
}

/* Times of all cells, cell by cell, in canonical order: first [n_cells + 1]. */
static kt_status group_rows(double **y, size_t **first, const kt_service *s, kt_error *err)
{
    kt_status status = KT_OK;
    size_t *next = NULL;
    KT_TRY(kt_alloc(y, s->n, sizeof **y, err));
    KT_TRY(kt_alloc(first, s->n_cells + 1, sizeof **first, err));
    KT_TRY(kt_alloc(&next, s->n_cells + 1, sizeof *next, err));
    for (size_t i = 0; i < s->n; i++)
        (*first)[s->cell[i] + 1]++;
    for (size_t c = 0; c < s->n_cells; c++)
        next[c + 1] = (*first)[c + 1] += (*first)[c];
    for (size_t i = 0; i < s->n; i++)
        (*y)[next[s->cell[i]]++] = s->y[i];
out:
    free(next);
    return status;
}

static kt_status cells_of_rows(found_service *f, const kt_service *s, size_t d, kt_predictor *predictor,
                               uint64_t seed, kt_error *err)
{
    kt_status status = KT_OK;
    double *y = NULL;
    size_t *first = NULL;
    KT_TRY(group_rows(&y, &first, s, err));
    KT_TRY(kt_alloc(&f->cells, s->n_cells, sizeof *f->cells, err));
    for (size_t c = 0; c < s->n_cells; c++) {
        size_t n = first[c + 1] - first[c], card = 0;
        found_cell *cell = &f->cells[f->n_cells];
        if (n == 0)
            continue;
        cell->score =
            (kt_cell_score){.rows = n, .role = KT_ROLE_TRAINING, .w1 = NAN, .nll = NAN, .crps = NAN};
        memcpy(cell->score.label, s->cells[c].label, sizeof cell->score.label);
        memcpy(cell->score.mean, s->cells[c].mean, d * sizeof *cell->score.mean);
        cell->score.interior = kt_predictor_inside(predictor, s->cells[c].mean);
        KT_TRY(found_cell_rows(cell, predictor, y + first[c], n, seed, kt_rng_subject(s->name), (uint32_t)c,
                               err));
        while (card < f->entry->n_cells && strcmp(f->entry->cells[card].label, s->cells[c].label) != 0)
            card++;
        if (card < f->entry->n_cells)
            cell->score = f->entry->cells[card];
        f->n_cells++;
    }
out:
    free(y);
    free(first);
    return status;
}

static kt_status cells_of_card(found_service *f, kt_predictor *predictor, kt_error *err)
{
    kt_status status = kt_alloc(&f->cells, f->entry->n_cells, sizeof *f->cells, err);
    for (size_t c = 0; c < f->entry->n_cells && status == KT_OK; c++) {
        f->cells[c].score = f->entry->cells[c];
        found_cell_card(&f->cells[c], predictor);
        f->n_cells++;
    }
    return status;
}

/* ---- panels ---- */

typedef struct {
    int x, d;
} columns;

/* Means of the other features, as far as a label tells them apart. */
static double rounded(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.3g", value);
    return strtod(text, NULL);
}

static int by_place(const void *a, const void *b, void *context)
{
    const kt_cell_score *p = &((const found_cell *)a)->score, *q = &((const found_cell *)b)->score;
    const columns *c = context;
    for (int i = 0; i < c->d; i++) {
        double u = rounded(p->mean[i]), v = rounded(q->mean[i]);
        if (i != c->x && u != v)
            return u < v ? -1 : 1;
    }
    if (p->mean[c->x] != q->mean[c->x])
        return p->mean[c->x] < q->mean[c->x] ? -1 : 1;
    return strcmp(p->label, q->label);
}

static bool same_panel(const kt_cell_score *p, const kt_cell_score *q, const columns *c)
{
    for (int i = 0; i < c->d; i++)
        if (i != c->x && rounded(p->mean[i]) != rounded(q->mean[i]))
            return false;
    return true;
}

static void begin_panel(found_panel *panel, const kt_archive *archive, const kt_cell_score *cell,
                        const columns *c)
{
    panel->label[0] = '\0';
    for (int i = 0; i < c->d; i++) {
        size_t n = strlen(panel->label);
        panel->point[i] = rounded(cell->mean[i]);
        if (i != c->x)
            snprintf(panel->label + n, sizeof panel->label - n, "%s%s %.3g", n > 0 ? ", " : "",
                     archive->feature[i], cell->mean[i]);
    }
}

/* From its first cell to its last, or as far as the hull goes, and a tenth more: what comes next is asked
 * for too. */
static void set_range(found_panel *panel, const found_service *f, size_t index)
{
    bool any = panel->in_hull;
    panel->x_low = panel->low;
    panel->x_high = panel->high;
    for (size_t i = 0; i < f->n_cells; i++) {
        double x = f->cells[i].score.mean[f->x];
        if (f->cells[i].panel != index)
            continue;
        panel->x_low = any ? fmin(panel->x_low, x) : x;
        panel->x_high = any ? fmax(panel->x_high, x) : x;
        any = true;
    }
    double range = panel->x_high - panel->x_low;
    panel->x_high += 0.1 * (range > 0 ? range : fabs(panel->x_high));
}

static void ask_panel(found_panel *panel, const found_service *f, kt_predictor *predictor)
{
    for (int k = 0; k < GRID; k++) {
        double point[KT_FEATURES_MAX];
        memcpy(point, panel->point, sizeof point);
        point[f->x] = found_grid(panel, k);
        kt_mixture mixture = kt_predict_point(predictor, point);
        for (int q = 0; q < KT_QUANTILES; q++)
            panel->line[q][k] = kt_mixture_quantile(&mixture, kt_quantile_level[q]);
    }
}

double found_grid(const found_panel *panel, int k)
{
    return panel->x_low + (panel->x_high - panel->x_low) * k / (GRID - 1);
}

static void make_panels(found_service *f, const kt_archive *archive, kt_predictor *predictor)
{
    columns c = {f->x, archive->d};
    qsort_r(f->cells, f->n_cells, sizeof *f->cells, by_place, &c);
    for (size_t i = 0; i < f->n_cells; i++) {
        if (i == 0 || !same_panel(&f->cells[i].score, &f->cells[i - 1].score, &c))
            if (f->combinations++ < PANELS_MAX)
                begin_panel(&f->panels[f->n_panels++], archive, &f->cells[i].score, &c);
        f->cells[i].panel = f->combinations <= PANELS_MAX ? f->combinations - 1 : NO_PANEL;
    }
    for (size_t p = 0; p < f->n_panels; p++) {
        found_panel *panel = &f->panels[p];
        panel->in_hull =
            kt_hull_section(&panel->low, &panel->high, &f->entry->fitted.model.hull, f->x, panel->point);
        set_range(panel, f, p);
        ask_panel(panel, f, predictor);
    }
}

/* The held-out cell inside the hull that is worst, else the worst of all. */
static size_t worst_cell(const found_service *f)
{
    size_t worst = 0;
    double most = -INFINITY;
    for (size_t i = 0; i < f->n_cells; i++) {
        const kt_cell_score *s = &f->cells[i].score;
        double excess = isnan(s->ks) ? 1 : s->ks - s->ks_floor;
        excess += (s->role == KT_ROLE_HELD_OUT ? 4 : 0) + (s->interior ? 2 : 0);
        if (excess > most) {
            most = excess;
            worst = i;
        }
    }
    return worst;
}

/* ---- one service ---- */

static kt_status make_service(found_service *f, const kt_report *report, uint64_t seed, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_archive *archive = report->archive;
    kt_samples one = {.d = 0};
    kt_predictor *predictor = NULL;
    f->x = feature_x(archive);
    if (!f->pictured)
        return f->other ? found_compare(f, NULL, (size_t)archive->d, seed, report->isa, err) : KT_OK;
    KT_TRY(open_rows(&one, report, f->entry, err));
    KT_TRY(kt_archive_predictor(&predictor, f->entry, report->isa, err));
    KT_TRY(one.services ? cells_of_rows(f, one.services, (size_t)archive->d, predictor, seed, err)
                        : cells_of_card(f, predictor, err));
    make_panels(f, archive, predictor);
    f->worst = worst_cell(f);
    if (f->other)
        KT_TRY(found_compare(f, one.services, (size_t)archive->d, seed, report->isa, err));
out:
    kt_predictor_destroy(predictor);
    kt_samples_clear(&one);
    return status;
}

/* What its card says. */
static void judge_service(found_service *f, const kt_report *report, const kt_archive_entry *entry)
{
    f->entry = entry;
    f->other = entry_named(report->against, entry->name);
    kt_metrics_sum(&f->interior, entry->cells, entry->n_cells, KT_ROLE_HELD_OUT, true);
    kt_metrics_sum(&f->outside, entry->cells, entry->n_cells, KT_ROLE_HELD_OUT, false);
    f->verdict = kt_verdict_of(&f->interior);
    kt_metrics_sum(&f->comparison.own, NULL, 0, KT_ROLE_HELD_OUT, true);
    f->comparison.other = f->comparison.own;
}

/* Weakest first: by verdict, then by KS over its floor, then in the order of the archive. */
static int by_weakness(const void *a, const void *b)
{
    const found_service *p = *(found_service *const *)a, *q = *(found_service *const *)b;
    double u = p->interior.ks - p->interior.ks_floor, v = q->interior.ks - q->interior.ks_floor;
    if (p->verdict != q->verdict)
        return p->verdict > q->verdict ? -1 : 1;
    if (u != v && !isnan(u) && !isnan(v))
        return u > v ? -1 : 1;
    return (p > q) - (p < q);
}

static kt_status choose_pictured(findings *f, size_t most, kt_error *err)
{
    kt_status status = KT_OK;
    found_service **order = NULL;
    KT_TRY(kt_alloc(&order, f->n, sizeof(found_service *), err));
    for (size_t i = 0; i < f->n; i++)
        order[i] = &f->services[i];
    if (most > 0 && most < f->n)
        qsort(order, f->n, sizeof(found_service *), by_weakness);
    for (size_t i = 0; i < f->n && (most == 0 || i < most); i++)
        order[i]->pictured = true;
out:
    free(order);
    return status;
}

static kt_status check_features(const kt_report *report, kt_error *err)
{
    const kt_archive *a = report->archive, *b = report->against;
    bool same = !b || a->d == b->d;
    for (int i = 0; b && same && i < a->d; i++)
        same = strcmp(a->feature[i], b->feature[i]) == 0;
    if (!same)
        return kt_fail(err, KT_INPUT, "the models to compare with are asked with other features");
    return KT_OK;
}

kt_status findings_make(findings *f, const kt_report *report, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = report->services ? report->n_services : report->archive->n_entries;
    uint64_t seed = seed_of(report->archive);
    f->report = report;
    if (report->archive->sweep)
        KT_TRY(
            kt_json_parse(&f->sweep, report->archive->sweep, strlen(report->archive->sweep), "sweep", err));
    KT_TRY(check_features(report, err));
    KT_TRY(kt_alloc(&f->services, n, sizeof *f->services, err));
    for (; f->n < n; f->n++)
        judge_service(&f->services[f->n], report,
                      &report->archive->entries[report->services ? report->services[f->n] : f->n]);
    KT_TRY(choose_pictured(f, report->pictured, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(make_service(&f->services[i], report, seed, err));
out:
    return status;
}

void findings_clear(findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->services[i].cells);
    free(f->services);
    kt_json_drop(f->sweep);
    *f = (findings){0};
}
