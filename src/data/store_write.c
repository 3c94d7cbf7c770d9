#include "store_private.h"

#include "kt/file.h"
#include "kt/json.h"
#include "kt/pause.h"
#include "kt/store.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16, SYNC_ROWS = 1 << 20 }; /* rows gathered at a time, and sent on to the disk */

typedef struct {
    kt_h5 *file;
    const char *path;
    const kt_samples *samples;
    const kt_split *splits;
    size_t *chosen, n_chosen; /* services to write, in order */
    size_t rows, cells;
} writer;

static kt_status choose(writer *w, const bool *services, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(&w->chosen, w->samples->n_services, sizeof *w->chosen, err));
    for (size_t i = 0; i < w->samples->n_services; i++) {
        if (services && !services[i])
            continue;
        w->chosen[w->n_chosen++] = i;
        w->rows += w->samples->services[i].n;
        w->cells += w->samples->services[i].n_cells;
    }
out:
    return status;
}

static kt_status write_services(writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    store_service_row *rows = NULL;
    uint64_t offset = 0, first_cell = 0;
    KT_TRY(kt_alloc(&rows, w->n_chosen, sizeof *rows, err));
    for (size_t i = 0; i < w->n_chosen; i++) {
        const kt_service *s = &w->samples->services[w->chosen[i]];
        store_service_row *row = &rows[i];
        memcpy(row->name, s->name, strlen(s->name)); /* shorter than KT_NAME: kt_samples_finish */
        row->offset = offset;
        row->rows = s->n;
        if (w->splits) {
            const kt_split *split = &w->splits[w->chosen[i]];
            row->n_train = split->n_train;
            row->n_validation = split->n_validation;
            row->n_test = split->n_test;
        }
        row->first_cell = first_cell;
        row->cells = s->n_cells;
        row->rule = (uint32_t)s->rule;
        row->target = (uint32_t)s->target;
        row->blank_targets = s->blank_targets;
        row->negative_delays = s->negative_delays;
        kt_digest_hex(row->digest, s->digest);
        offset += s->n;
        first_cell += s->n_cells;
    }
    KT_TRY(kt_h5_put_table(w->file, "services", store_service_fields, STORE_SERVICE_FIELDS, rows,
                           sizeof *rows, w->n_chosen, err));
out:
    free(rows);
    return status;
}

static kt_status write_cells(writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    size_t d = (size_t)w->samples->d, at = 0;
    store_cell_row *rows = NULL;
    double *means = NULL;
    KT_TRY(kt_alloc(&rows, w->cells, sizeof *rows, err));
    KT_TRY(kt_alloc(&means, w->cells * d, sizeof *means, err));
    for (size_t i = 0; i < w->n_chosen; i++) {
        const kt_service *s = &w->samples->services[w->chosen[i]];
        for (size_t c = 0; c < s->n_cells; c++, at++) {
            memcpy(rows[at].label, s->cells[c].label, KT_LABEL);
            rows[at].rows = s->cells[c].rows;
            rows[at].test = w->splits ? w->splits[w->chosen[i]].cell_test[c] : 0;
            memcpy(means + at * d, s->cells[c].mean, d * sizeof *means);
        }
    }
    KT_TRY(kt_h5_put_table(w->file, "cells", store_cell_fields, STORE_CELL_FIELDS, rows, sizeof *rows,
                           w->cells, err));
    KT_TRY(kt_h5_put(w->file, "cell_mean", KT_H5_F64, w->cells, d, means, err));
out:
    free(rows);
    free(means);
    return status;
}

typedef struct {
    double *x, *y;
    uint32_t *cell, *row;
} piece;

static void gather(piece *to, const kt_service *s, const kt_split *split, size_t d, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t row = split ? split->row[first + i] : first + i;
        to->y[i] = s->y[row];
        to->cell[i] = s->cell[row];
        to->row[i] = (uint32_t)row;
    }
    for (size_t f = 0; f < d; f++)
        for (size_t i = 0; i < n; i++)
            to->x[i * d + f] = s->x[to->row[i] * d + f];
}

static kt_status write_service_rows(writer *w, piece *p, size_t service, size_t offset, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_service *s = &w->samples->services[service];
    const kt_split *split = w->splits ? &w->splits[service] : NULL;
    for (size_t first = 0; first < s->n; first += PIECE) {
        size_t n = s->n - first < PIECE ? s->n - first : PIECE, at = offset + first;
        KT_TRY(kt_go_on(err));
        gather(p, s, split, (size_t)w->samples->d, first, n);
        KT_TRY(kt_h5_put_rows(w->file, "x", KT_H5_F64, at, n, p->x, err));
        KT_TRY(kt_h5_put_rows(w->file, "y", KT_H5_F64, at, n, p->y, err));
        KT_TRY(kt_h5_put_rows(w->file, "cell", KT_H5_U32, at, n, p->cell, err));
        KT_TRY(kt_h5_put_rows(w->file, "row", KT_H5_U32, at, n, p->row, err));
    }
out:
    return status;
}

static kt_status write_rows(writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    size_t d = (size_t)w->samples->d, offset = 0, sent = 0;
    piece p = {NULL, NULL, NULL, NULL};
    KT_TRY(kt_h5_reserve(w->file, "x", KT_H5_F64, w->rows, d, err));
    KT_TRY(kt_h5_reserve(w->file, "y", KT_H5_F64, w->rows, 0, err));
    KT_TRY(kt_h5_reserve(w->file, "cell", KT_H5_U32, w->rows, 0, err));
    KT_TRY(kt_h5_reserve(w->file, "row", KT_H5_U32, w->rows, 0, err));
    KT_TRY(kt_alloc(&p.x, PIECE * d, sizeof *p.x, err));
    KT_TRY(kt_alloc(&p.y, PIECE, sizeof *p.y, err));
    KT_TRY(kt_alloc(&p.cell, PIECE, sizeof *p.cell, err));
    KT_TRY(kt_alloc(&p.row, PIECE, sizeof *p.row, err));
    for (size_t i = 0; i < w->n_chosen; i++) {
        KT_TRY(write_service_rows(w, &p, w->chosen[i], offset, err));
        offset += w->samples->services[w->chosen[i]].n;
        if (offset - sent >= SYNC_ROWS) {
            kt_file_start_sync(w->path);
            sent = offset;
        }
    }
out:
    free(p.x);
    free(p.y);
    free(p.cell);
    free(p.row);
    return status;
}

static kt_status write_head(writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    char *features = NULL;
    const char *provenance = w->samples->provenance ? w->samples->provenance : "{}";
    kt_json *names = kt_json_array();
    for (int f = 0; f < w->samples->d; f++)
        kt_json_append(names, kt_json_string(w->samples->feature[f]));
    KT_TRY(kt_json_text(&features, names, 0, err));
    KT_TRY(kt_h5_put_schema(w->file, KT_DATASET_SCHEMA, KT_DATASET_VERSION, err));
    KT_TRY(kt_h5_put_bytes(w->file, "features", features, strlen(features), err));
    KT_TRY(kt_h5_put_bytes(w->file, "provenance", provenance, strlen(provenance), err));
    if (w->samples->cleaning)
        KT_TRY(kt_h5_put_bytes(w->file, "cleaning", w->samples->cleaning, strlen(w->samples->cleaning), err));
out:
    kt_json_drop(names);
    free(features);
    return status;
}

kt_status kt_store_write(const char *path, const kt_samples *samples, const kt_split *splits,
                         const bool *services, const kt_file_guard *guard, kt_error *err)
{
    kt_status status = KT_OK;
    char *temporary = NULL;
    writer w = {.samples = samples, .splits = splits};
    KT_TRY(choose(&w, services, err));
    KT_TRY(kt_file_temporary(&temporary, path, err));
    w.path = temporary;
    KT_TRY(kt_h5_create(&w.file, temporary, 0, err));
    KT_TRY(write_head(&w, err));
    KT_TRY(write_services(&w, err));
    KT_TRY(write_cells(&w, err));
    KT_TRY(write_rows(&w, err));
    status = kt_h5_close(w.file, err);
    w.file = NULL;
    KT_TRY(status);
    KT_TRY(kt_file_commit(temporary, path, guard, err));
out:
    kt_h5_close(w.file, NULL);
    if (status != KT_OK && temporary)
        kt_file_discard(temporary);
    free(temporary);
    free(w.chosen);
    return status;
}
