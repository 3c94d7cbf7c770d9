/* The rows that trials see: the training cells alone, divided once for each fold, as kt-datasets beside the
 * checkpoint. Test cells are not in them. */
#include "job.h"
#include "kt/comm.h"
#include "kt/pulse.h"
#include <stdlib.h>
#include <string.h>

static const double fifth = 0.2; /* of the cells, where no folds are asked for */

static void keep_row(kt_service *s, size_t to, size_t from, size_t d, uint32_t cell)
{
    memmove(s->x + to * d, s->x + from * d, d * sizeof *s->x);
    s->y[to] = s->y[from];
    s->cell[to] = cell;
}

/* Leaves the rows of cells that are not held out. */
static kt_status drop_test_cells(kt_service *s, const uint8_t *test, size_t d, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *renamed = NULL;
    size_t n = 0, rows = 0;
    KT_TRY(kt_alloc(&renamed, s->n_cells, sizeof *renamed, err));
    for (size_t c = 0; c < s->n_cells; c++) {
        if (test[c])
            continue;
        renamed[c] = (uint32_t)n;
        s->cells[n++] = s->cells[c];
    }
    for (size_t i = 0; i < s->n; i++) {
        if (!test[s->cell[i]])
            keep_row(s, rows++, i, d, renamed[s->cell[i]]);
    }
    s->n_cells = n;
    s->n = rows;
out:
    free(renamed);
    return status;
}

static kt_status training_cells(kt_samples *samples, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_store_read(samples, j->dataset, err));
    for (size_t i = 0; i < samples->n_services; i++) {
        const kt_store_service *s = kt_store_at(j->store, i);
        KT_TRY(drop_test_cells(&samples->services[i], s->cell_test, (size_t)samples->d, err));
    }
    KT_TRY(kt_samples_finish(samples, err));
out:
    return status;
}

static kt_status write_fold(const char *path, const kt_samples *samples, const sweep *s, const job *j, int k,
                            kt_error *err)
{
    kt_status status = KT_OK;
    kt_split *splits = NULL;
    kt_split_options how = settings_split(&j->set);
    how.test_cells = fifth;
    how.folds = (int)s->what.set.folds;
    how.fold = k;
    KT_TRY(kt_alloc(&splits, samples->n_services, sizeof *splits, err));
    KT_TRY(kt_split_make(splits, samples, &how, err));
    KT_TRY(kt_store_write(path, samples, splits, NULL, kt_lock_guard(j->lock), err));
out:
    for (size_t i = 0; splits && i < samples->n_services; i++)
        kt_split_clear(&splits[i]);
    free(splits);
    return status;
}

static bool is_there(const char *path)
{
    kt_store *store = NULL;
    bool there = kt_path_kind_of(path) == KT_PATH_FILE && kt_store_open(&store, path, NULL) == KT_OK;
    kt_store_close(store);
    return there;
}

/* Rank 0: those that are missing. */
static kt_status write_folds(char *const *path, const sweep *s, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples samples = {.d = 0};
    for (int k = 0; k < s->n_folds; k++) {
        if (is_there(path[k]))
            continue;
        if (samples.d == 0)
            KT_TRY(training_cells(&samples, j, err));
        KT_TRY(write_fold(path[k], &samples, s, j, k, err));
    }
out:
    kt_samples_clear(&samples);
    return status;
}

static kt_status open_fold(kt_store **store, const char *path, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t mark[KT_DIGEST_BYTES] = {0};
    if (j->rank == 0) {
        status = kt_store_open(store, path, err);
        if (status == KT_OK)
            status = acquire_mark(mark, *store, err);
    }
    KT_TRY(kt_comm_agree(j->comm, status, err));
    KT_TRY(acquire_open(store, path, j, mark, err));
out:
    return status;
}

kt_status sweep_folds(sweep *s, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    char **path = NULL;
    size_t n = (size_t)s->n_folds;
    status = kt_alloc(&path, n, sizeof *path, err);
    if (status == KT_OK)
        status = kt_alloc(&s->fold, n, sizeof(kt_store *), err);
    for (int k = 0; k < s->n_folds && status == KT_OK; k++)
        status = kt_checkpoint_fold(&path[k], j->folder, k, err);
    if (status == KT_OK && j->rank == 0) {
        kt_pulse_pause();
        status = write_folds(path, s, j, err);
    }
    KT_TRY(kt_comm_agree(j->comm, status, err));
    for (int k = 0; k < s->n_folds; k++)
        KT_TRY(open_fold(&s->fold[k], path[k], j, err));
out:
    kt_strings_free(path, path ? n : 0);
    return status;
}
