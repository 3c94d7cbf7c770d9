/* A kt-dataset's rows in canonical order, as they were before they were split. */
#include "kt/store.h"

#include "kt/pause.h"
#include "store_private.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 }; /* rows read at a time */

typedef struct {
    double *x, *y;
    uint32_t *cell, *row;
    bool *seen; /* [rows of the service] */
} stored;

/* most: rows of the largest service that will be read. */
static kt_status stored_init(stored *p, size_t most, size_t d, kt_error *err)
{
    kt_status status = KT_OK;
    size_t piece = most < PIECE ? most : PIECE;
    *p = (stored){.x = NULL};
    KT_TRY(kt_alloc(&p->x, piece * d, sizeof *p->x, err));
    KT_TRY(kt_alloc(&p->y, piece, sizeof *p->y, err));
    KT_TRY(kt_alloc(&p->cell, piece, sizeof *p->cell, err));
    KT_TRY(kt_alloc(&p->row, piece, sizeof *p->row, err));
    KT_TRY(kt_alloc(&p->seen, most, sizeof *p->seen, err));
out:
    return status;
}

static void stored_clear(stored *p)
{
    free(p->x);
    free(p->y);
    free(p->cell);
    free(p->row);
    free(p->seen);
}

/* Stored rows [at, at + n) of the file belong to rows that nobody had before; *in_order: to `first` and on.
 */
static kt_status take_places(bool *in_order, stored *from, const kt_store *store, size_t n_rows, size_t first,
                             size_t at, size_t n, kt_error *err)
{
    *in_order = true;
    for (size_t i = 0; i < n; i++) {
        size_t row = from->row[i];
        if (row >= n_rows || from->seen[row])
            return kt_fail(err, KT_INPUT, "%s:/row: row %zu holds %zu", store->path, at + i, row);
        from->seen[row] = true;
        *in_order = *in_order && row == first + i;
    }
    return KT_OK;
}

/* n rows to their places. */
static void restore(kt_service *to, const stored *from, size_t d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to->y[from->row[i]] = from->y[i];
        to->cell[from->row[i]] = from->cell[i];
    }
    for (size_t f = 0; f < d; f++)
        for (size_t i = 0; i < n; i++)
            to->x[from->row[i] * d + f] = from->x[i * d + f];
}

/* Rows that were not split lie in order: they need no way round. */
static kt_status restore_piece(kt_service *to, stored *piece, kt_store *store, size_t i, size_t first,
                               size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    size_t d = (size_t)store->d, at = store->services[i].offset + first;
    bool in_order;
    KT_TRY(kt_go_on(err));
    KT_TRY(kt_h5_get_rows(piece->row, store->file, "row", KT_H5_U32, at, n, err));
    KT_TRY(take_places(&in_order, piece, store, to->n, first, at, n, err));
    if (in_order) {
        KT_TRY(kt_store_rows(to->x + first * d, to->y + first, to->cell + first, store, i, first, n, err));
    } else {
        KT_TRY(kt_store_rows(piece->x, piece->y, piece->cell, store, i, first, n, err));
        restore(to, piece, d, n);
    }
out:
    return status;
}

static kt_status restore_service(kt_service *to, stored *piece, kt_store *store, size_t i, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = &store->services[i];
    size_t d = (size_t)store->d;
    *to = (kt_service){.n = s->n,
                       .n_cells = s->n_cells,
                       .rule = s->rule,
                       .target = s->target,
                       .blank_targets = s->blank_targets,
                       .negative_delays = s->negative_delays};
    memcpy(to->digest, s->digest, sizeof to->digest);
    KT_TRY(kt_strdup(&to->name, s->name, err));
    KT_TRY(kt_alloc(&to->x, s->n * d, sizeof *to->x, err));
    KT_TRY(kt_alloc(&to->y, s->n, sizeof *to->y, err));
    KT_TRY(kt_alloc(&to->cell, s->n, sizeof *to->cell, err));
    KT_TRY(kt_alloc(&to->cells, s->n_cells, sizeof *to->cells, err));
    memcpy(to->cells, s->cells, s->n_cells * sizeof *to->cells);
    memset(piece->seen, 0, s->n * sizeof *piece->seen);
    for (size_t first = 0; first < s->n; first += PIECE)
        KT_TRY(restore_piece(to, piece, store, i, first, s->n - first < PIECE ? s->n - first : PIECE, err));
out:
    return status;
}

kt_status kt_store_service_rows(kt_service *to, kt_store *store, size_t i, kt_error *err)
{
    stored piece;
    *to = (kt_service){.n = 0};
    kt_status status = stored_init(&piece, store->services[i].n, (size_t)store->d, err);
    if (status == KT_OK)
        status = restore_service(to, &piece, store, i, err);
    stored_clear(&piece);
    return status;
}

static kt_status compare_digests(const kt_samples *samples, const kt_store *store, kt_error *err)
{
    for (size_t i = 0; i < samples->n_services; i++)
        if (memcmp(samples->services[i].digest, store->services[i].digest, KT_DIGEST_BYTES) != 0)
            return kt_fail(err, KT_INPUT, "%s: the rows of '%s' are not those that were written (digest)",
                           store->path, samples->services[i].name);
    return KT_OK;
}

kt_status kt_store_read(kt_samples *samples, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_store *store = NULL;
    stored piece = {.x = NULL};
    size_t most = 0;
    KT_TRY(kt_store_open(&store, path, err));
    for (int f = 0; f < store->d; f++) {
        KT_TRY(kt_strdup(&samples->feature[f], kt_store_feature(store, f), err));
        samples->d++;
    }
    KT_TRY(kt_strdup(&samples->provenance, store->provenance, err));
    if (store->cleaning)
        KT_TRY(kt_strdup(&samples->cleaning, store->cleaning, err));
    KT_TRY(kt_alloc(&samples->services, store->n, sizeof *samples->services, err));
    for (size_t i = 0; i < store->n; i++)
        most = store->services[i].n > most ? store->services[i].n : most;
    KT_TRY(stored_init(&piece, most, (size_t)store->d, err));
    for (size_t i = 0; i < store->n; i++) {
        samples->n_services++;
        KT_TRY(restore_service(&samples->services[i], &piece, store, i, err));
    }
    KT_TRY(kt_samples_finish(samples, err));
    KT_TRY(compare_digests(samples, store, err));
out:
    stored_clear(&piece);
    kt_store_close(store);
    return status;
}
