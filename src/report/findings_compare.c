#include "findings.h"

#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

kt_status found_rows(double **x, double **y, const kt_service *service, size_t d, size_t cell, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = 0, room = service->cells[cell].rows;
    *x = *y = NULL;
    KT_TRY(kt_alloc(x, room * d, sizeof **x, err));
    KT_TRY(kt_alloc(y, room, sizeof **y, err));
    for (size_t i = 0; i < service->n && n < room; i++) {
        if (service->cell[i] != cell)
            continue;
        memcpy(*x + n * d, service->x + i * d, d * sizeof **x);
        (*y)[n++] = service->y[i];
    }
out:
    return status;
}

static const kt_cell_score *on_card(const kt_archive_entry *entry, const char *label)
{
    for (size_t i = 0; i < entry->n_cells; i++)
        if (strcmp(entry->cells[i].label, label) == 0)
            return &entry->cells[i];
    return NULL;
}

static size_t cell_of(const kt_service *service, const char *label)
{
    size_t c = 0;
    while (c < service->n_cells && strcmp(service->cells[c].label, label) != 0)
        c++;
    return c;
}

typedef struct {
    const kt_service *service;
    kt_predictor *predictor; /* of the other model */
    size_t d;
    uint64_t seed;
} other_side;

/* One held-out cell by its rows. *trained: the other model was trained on it. */
static kt_status score_rows(kt_cell_score *score, bool *trained, const found_service *f, const other_side *o,
                            size_t cell, kt_error *err)
{
    kt_status status = KT_OK;
    double *x = NULL, *y = NULL;
    uint64_t *hash = NULL;
    const kt_cell *c = &o->service->cells[cell];
    KT_TRY(found_rows(&x, &y, o->service, o->d, cell, err));
    KT_TRY(kt_alloc(&hash, c->rows, sizeof *hash, err));
    for (size_t i = 0; i < c->rows; i++)
        hash[i] = kt_row_hash(x + i * o->d, (int)o->d, y[i]);
    *trained = kt_sketch_matches(f->other->sketch, f->other->n_sketch, hash, c->rows) > 0;
    if (!*trained)
        KT_TRY(kt_metrics_cell(score, o->predictor, c, x, y, c->rows, o->seed, kt_rng_subject(f->entry->name),
                               (uint32_t)cell, err));
out:
    free(x);
    free(y);
    free(hash);
    return status;
}

/* A cell that the model itself held out, as the other sees it; *there: it can be compared. */
static kt_status other_score(kt_cell_score *score, bool *there, found_service *f, const other_side *o,
                             const kt_cell_score *own, kt_error *err)
{
    kt_status status = KT_OK;
    bool same_data = memcmp(f->entry->data_digest, f->other->data_digest, KT_DIGEST_BYTES) == 0;
    const kt_cell_score *known = same_data ? on_card(f->other, own->label) : NULL;
    bool trained = same_data && !known;
    size_t cell = o->service ? cell_of(o->service, own->label) : 0;
    *there = known != NULL;
    if (known) {
        *score = *known;
    } else if (!trained && o->service && cell < o->service->n_cells) {
        KT_TRY(score_rows(score, &trained, f, o, cell, err));
        *there = !trained;
        f->comparison.unknown_rows |= *there && f->other->n_sketch == 0;
    }
    f->comparison.trained_on += trained;
out:
    return status;
}

/* What the other model says, for pictures. */
static void ask_other(found_service *f, kt_predictor *predictor)
{
    for (size_t i = 0; i < f->n_cells; i++) {
        kt_mixture mixture = kt_predict_point(predictor, f->cells[i].score.mean);
        for (int k = 0; k < CURVE && f->cells[i].score.role == KT_ROLE_HELD_OUT; k++)
            f->cells[i].other[k] = kt_mixture_cdf(&mixture, f->cells[i].time[k]);
    }
    for (size_t p = 0; p < f->n_panels; p++)
        for (int k = 0; k < GRID; k++) {
            double point[KT_FEATURES_MAX];
            memcpy(point, f->panels[p].point, sizeof point);
            point[f->x] = found_grid(&f->panels[p], k);
            kt_mixture mixture = kt_predict_point(predictor, point);
            f->panels[p].other[k] = kt_mixture_quantile(&mixture, kt_quantile_level[1]);
        }
}

kt_status found_compare(found_service *f, const kt_service *service, size_t d, uint64_t seed, kt_isa isa,
                        kt_error *err)
{
    kt_status status = KT_OK;
    kt_cell_score *own = NULL, *other = NULL;
    other_side o = {.service = service, .d = d, .seed = seed};
    size_t n = 0;
    KT_TRY(kt_alloc(&own, f->entry->n_cells, sizeof *own, err));
    KT_TRY(kt_alloc(&other, f->entry->n_cells, sizeof *other, err));
    KT_TRY(kt_archive_predictor(&o.predictor, f->other, isa, err));
    ask_other(f, o.predictor);
    f->comparison.other_target = f->entry->target != f->other->target;
    for (size_t c = 0; c < f->entry->n_cells; c++) {
        const kt_cell_score *score = &f->entry->cells[c];
        bool there = false;
        if (score->role != KT_ROLE_HELD_OUT || !score->interior)
            continue;
        KT_TRY(other_score(&other[n], &there, f, &o, score, err));
        if (!there)
            continue;
        own[n] = *score;
        other[n].role = KT_ROLE_HELD_OUT;
        other[n++].interior = true; /* the same cells on both sides */
    }
    kt_metrics_sum(&f->comparison.own, own, n, KT_ROLE_HELD_OUT, true);
    kt_metrics_sum(&f->comparison.other, other, n, KT_ROLE_HELD_OUT, true);
out:
    kt_predictor_destroy(o.predictor);
    free(own);
    free(other);
    return status;
}
