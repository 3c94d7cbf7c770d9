#include "job.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include "kt/rng.h"
#include "team_fit.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536 };

typedef struct {
    kt_archive_entry *entry;
    int size; /* ranks of the team: rank r judges cells r, r + size, ... */
} score_sink;

typedef struct {
    uint64_t hashes[KT_SKETCH];
    size_t n;
} sketch_sink;

/* ---- held-out cells ---- */

static kt_status judge_cell(kt_cell_score *score, const job *j, size_t item, kt_predictor *predictor,
                            size_t cell, size_t first, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(j->store, item);
    const kt_cell *c = &s->cells[cell];
    double *x = NULL, *y = NULL;
    KT_TRY(kt_alloc(&x, c->rows * (size_t)kt_store_features(j->store), sizeof *x, err));
    KT_TRY(kt_alloc(&y, c->rows, sizeof *y, err));
    KT_TRY(kt_store_rows(x, y, NULL, j->store, item, first, c->rows, err));
    KT_TRY(kt_metrics_cell(score, predictor, c, x, y, c->rows, (uint64_t)j->set.seed, kt_rng_subject(s->name),
                           (uint32_t)cell, err));
    score->role = KT_ROLE_HELD_OUT;
out:
    free(x);
    free(y);
    return status;
}

static size_t held_out(const kt_store_service *s)
{
    size_t n = 0;
    for (size_t c = 0; c < s->n_cells; c++)
        n += s->cell_test[c];
    return n;
}

/* This rank's cells; a held-out cell's rows follow those of the held-out cells before it. */
static kt_status judge_own(kt_cell_score *scores, size_t *n_scores, const job *j, kt_work *work, size_t item,
                           const kt_archive_entry *entry, int rank, int size, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(j->store, item);
    kt_predictor *predictor = NULL;
    size_t first = s->n_train + s->n_validation, at = 0, n = 0;
    KT_TRY(kt_archive_predictor(&predictor, entry, j->isa, err));
    kt_predictor_on_pause(predictor, team_fit_pause, work);
    for (size_t c = 0; c < s->n_cells; c++) {
        if (!s->cell_test[c])
            continue;
        kt_pulse_beat();
        if (at++ % (size_t)size == (size_t)rank)
            KT_TRY(judge_cell(&scores[n++], j, item, predictor, c, first, err));
        first += s->cells[c].rows;
        kt_work_poll(work);
    }
    *n_scores = n;
out:
    kt_predictor_destroy(predictor);
    return status;
}

static kt_status take_scores(void *context, const char *data, size_t n, int rank, kt_error *err)
{
    score_sink *sink = context;
    (void)err;
    for (size_t i = 0; i < n / sizeof(kt_cell_score); i++)
        memcpy(&sink->entry->cells[(size_t)rank + i * (size_t)sink->size], data + i * sizeof(kt_cell_score),
               sizeof(kt_cell_score));
    return KT_OK;
}

static kt_status judge_cells(kt_archive_entry *entry, const job *j, kt_work *work, size_t item, MPI_Comm team,
                             kt_error *err)
{
    kt_status status = KT_OK;
    kt_cell_score *scores = NULL;
    score_sink sink = {entry, kt_comm_size(team)};
    size_t n = 0;
    entry->n_cells = held_out(kt_store_at(j->store, item));
    KT_TRY(kt_alloc(&entry->cells, entry->n_cells, sizeof *entry->cells, err));
    KT_TRY(kt_alloc(&scores, entry->n_cells, sizeof *scores, err));
    status = judge_own(scores, &n, j, work, item, entry, kt_comm_rank(team), sink.size, err);
    KT_TRY(kt_comm_agree(team, status, err));
    KT_TRY(kt_comm_gather((const char *)scores, n * sizeof *scores, 0, team, take_scores, &sink, err));
out:
    free(scores);
    return status;
}

/* ---- the sketch of the rows that were trained on ---- */

static kt_status sketch_own(uint64_t *sketch, size_t *n_sketch, const job *j, kt_work *work, size_t item,
                            int rank, int size, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(j->store, item);
    int d = kt_store_features(j->store);
    size_t all = s->n_train + s->n_validation;
    size_t from = all * (size_t)rank / (size_t)size, to = all * ((size_t)rank + 1) / (size_t)size;
    double *x = NULL, *y = NULL;
    uint64_t *hashes = NULL;
    size_t kept = 0;
    KT_TRY(kt_alloc(&x, (size_t)PIECE * (size_t)d, sizeof *x, err));
    KT_TRY(kt_alloc(&y, PIECE, sizeof *y, err));
    KT_TRY(kt_alloc(&hashes, PIECE + KT_SKETCH, sizeof *hashes, err));
    for (size_t at = from; at < to; at += PIECE) {
        size_t n = to - at < PIECE ? to - at : PIECE;
        kt_pulse_beat();
        KT_TRY(kt_store_rows(x, y, NULL, j->store, item, at, n, err));
        memcpy(hashes, sketch, kept * sizeof *hashes);
        for (size_t i = 0; i < n; i++)
            hashes[kept + i] = kt_row_hash(x + i * (size_t)d, d, y[i]);
        kept = kt_sketch_make(sketch, hashes, kept + n);
        kt_work_poll(work);
    }
    *n_sketch = kept;
out:
    free(x);
    free(y);
    free(hashes);
    return status;
}

static kt_status take_sketch(void *context, const char *data, size_t n, int rank, kt_error *err)
{
    sketch_sink *sink = context;
    uint64_t both[2 * KT_SKETCH];
    (void)rank, (void)err;
    memcpy(both, sink->hashes, sink->n * sizeof *both);
    memcpy(both + sink->n, data, n);
    sink->n = kt_sketch_make(sink->hashes, both, sink->n + n / sizeof *both);
    return KT_OK;
}

static kt_status sketch_rows(kt_archive_entry *entry, const job *j, kt_work *work, size_t item, MPI_Comm team,
                             kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t own[KT_SKETCH];
    sketch_sink sink = {.n = 0};
    size_t n = 0;
    status = sketch_own(own, &n, j, work, item, kt_comm_rank(team), kt_comm_size(team), err);
    KT_TRY(kt_comm_agree(team, status, err));
    KT_TRY(kt_comm_gather((const char *)own, n * sizeof *own, 0, team, take_sketch, &sink, err));
    entry->n_sketch = sink.n;
    memcpy(entry->sketch, sink.hashes, sink.n * sizeof *own);
out:
    return status;
}

kt_status judging_run(kt_archive_entry *entry, const job *j, kt_work *work, size_t item, MPI_Comm team,
                      kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(judge_cells(entry, j, work, item, team, err));
    KT_TRY(sketch_rows(entry, j, work, item, team, err));
out:
    return status;
}
