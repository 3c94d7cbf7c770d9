#include "job.h"
#include "kt/comm.h"
#include "kt/rng.h"
#include "team_cells.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536 };

typedef struct {
    uint64_t hashes[KT_SKETCH];
    size_t n;
} sketch_sink;

/* ---- held-out cells ---- */

typedef struct {
    uint64_t seed, subject;
} scoring;

static kt_status score(void *context, void *result, kt_predictor *predictor, const kt_cell *cell,
                       uint32_t index, const double *x, const double *y, kt_error *err)
{
    const scoring *s = context;
    kt_cell_score *cell_score = result;
    kt_status status =
        kt_metrics_cell(cell_score, predictor, cell, x, y, cell->rows, s->seed, s->subject, index, err);
    cell_score->role = KT_ROLE_HELD_OUT;
    return status;
}

static kt_status judge_cells(kt_archive_entry *entry, const job *j, size_t item, MPI_Comm team, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(j->store, item);
    scoring how = {(uint64_t)j->set.seed, kt_rng_subject(s->name)};
    team_cells cells = {.team = team,
                        .store = j->store,
                        .service = item,
                        .size = sizeof *entry->cells,
                        .judge = score,
                        .context = &how};
    entry->n_cells = team_cells_count(s);
    status = kt_alloc(&entry->cells, entry->n_cells, sizeof *entry->cells, err);
    if (status == KT_OK)
        status = kt_archive_predictor(&cells.predictor, entry, j->isa, err);
    KT_TRY(kt_comm_agree(team, status, err));
    KT_TRY(team_cells_judge(entry->cells, &cells, err));
out:
    kt_predictor_destroy(cells.predictor);
    return status;
}

/* ---- the sketch of the rows that were trained on ---- */

static kt_status sketch_own(uint64_t *sketch, size_t *n_sketch, const job *j, size_t item, int rank, int size,
                            kt_error *err)
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
        KT_TRY(kt_store_rows(x, y, NULL, j->store, item, at, n, err));
        memcpy(hashes, sketch, kept * sizeof *hashes);
        for (size_t i = 0; i < n; i++)
            hashes[kept + i] = kt_row_hash(x + i * (size_t)d, d, y[i]);
        kept = kt_sketch_make(sketch, hashes, kept + n);
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

static kt_status sketch_rows(kt_archive_entry *entry, const job *j, size_t item, MPI_Comm team, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t own[KT_SKETCH];
    sketch_sink sink = {.n = 0};
    size_t n = 0;
    status = sketch_own(own, &n, j, item, kt_comm_rank(team), kt_comm_size(team), err);
    KT_TRY(kt_comm_agree(team, status, err));
    KT_TRY(kt_comm_gather((const char *)own, n * sizeof *own, 0, team, take_sketch, &sink, err));
    entry->n_sketch = sink.n;
    memcpy(entry->sketch, sink.hashes, sink.n * sizeof *own);
out:
    return status;
}

kt_status judging_run(kt_archive_entry *entry, const job *j, size_t item, MPI_Comm team, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(judge_cells(entry, j, item, team, err));
    KT_TRY(sketch_rows(entry, j, item, team, err));
out:
    return status;
}
