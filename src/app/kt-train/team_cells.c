#include "team_cells.h"
#include "kt/comm.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *results;
    size_t size, ranks;
} sink;

size_t team_cells_count(const kt_store_service *service)
{
    size_t n = 0;
    for (size_t c = 0; c < service->n_cells; c++)
        n += service->cell_test[c];
    return n;
}

static kt_status judge_one(void *result, const team_cells *t, size_t c, size_t first, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_cell *cell = &kt_store_at(t->store, t->service)->cells[c];
    double *x = NULL, *y = NULL;
    KT_TRY(kt_alloc(&x, cell->rows * (size_t)kt_store_features(t->store), sizeof *x, err));
    KT_TRY(kt_alloc(&y, cell->rows, sizeof *y, err));
    KT_TRY(kt_store_rows(x, y, NULL, t->store, t->service, first, cell->rows, err));
    KT_TRY(t->judge(t->context, result, t->predictor, cell, (uint32_t)c, x, y, err));
out:
    free(x);
    free(y);
    return status;
}

/* This rank's, one after the other in own; a held-out cell's rows follow those of the held-out cells before
 * it. */
static kt_status judge_own(char *own, size_t *n_own, const team_cells *t, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(t->store, t->service);
    size_t first = s->n_train + s->n_validation, at = 0, n = 0;
    size_t rank = (size_t)kt_comm_rank(t->team), ranks = (size_t)kt_comm_size(t->team);
    for (size_t c = 0; c < s->n_cells; c++) {
        if (!s->cell_test[c])
            continue;
        if (at++ % ranks == rank)
            KT_TRY(judge_one(own + n++ * t->size, t, c, first, err));
        first += s->cells[c].rows;
    }
    *n_own = n;
out:
    return status;
}

static kt_status take(void *context, const char *data, size_t n, int rank, kt_error *err)
{
    const sink *to = context;
    (void)err;
    for (size_t i = 0; i < n / to->size; i++)
        memcpy(to->results + ((size_t)rank + i * to->ranks) * to->size, data + i * to->size, to->size);
    return KT_OK;
}

kt_status team_cells_judge(void *results, const team_cells *t, kt_error *err)
{
    kt_status status = KT_OK;
    char *own = NULL;
    size_t n = 0;
    sink to = {results, t->size, (size_t)kt_comm_size(t->team)};
    status = kt_alloc(&own, team_cells_count(kt_store_at(t->store, t->service)), t->size, err);
    if (status == KT_OK)
        status = judge_own(own, &n, t, err);
    KT_TRY(kt_comm_agree(t->team, status, err));
    KT_TRY(kt_comm_gather(own, n * t->size, 0, t->team, take, &to, err));
out:
    free(own);
    return status;
}
