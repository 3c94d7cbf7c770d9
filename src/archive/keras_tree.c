/* The original's tree: saved_models/<service>/model/ with the model and the rows it was made from and judged
 * on. */
#include "keras_private.h"

#include "kt/digits.h"
#include "kt/file.h"
#include "kt/pause.h"
#include "kt/stage.h"
#include "kt/store.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOT  "saved_models"
#define MODEL "model.keras"

enum { PIECE = 1 << 14 }; /* rows written at a time */

static const char *const tables[] = {"service_train.csv", "service_test.csv"};
enum { TABLES = sizeof tables / sizeof *tables };

typedef struct {
    const kt_archive *archive;
    const kt_keras_options *options;
    const char *folder; /* what is written into */
    kt_store *store;    /* NULL: no rows */
    double *x, *y;      /* [PIECE, d], [PIECE] */
    uint32_t *cell;
    char *text;
    size_t room;
} tree;

/* ---- rows ---- */

/* A CSV field, in quotes where it needs them. room: 2 bytes for each and 2 more. */
static char *put_field(char *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")])
        return stpcpy(out, text);
    *out++ = '"';
    for (; *text; text++) {
        if (*text == '"')
            *out++ = '"';
        *out++ = *text;
    }
    *out++ = '"';
    return out;
}

static char *put_header(char *out, const tree *t, const char *service)
{
    char name[KT_NAME + sizeof "proc_time_"];
    for (int f = 0; f < t->archive->d; f++) {
        out = put_field(out, t->archive->feature[f]);
        *out++ = ',';
    }
    stpcpy(stpcpy(name, "proc_time_"), service);
    out = put_field(out, name);
    return stpcpy(out, ",cell\n");
}

static char *put_rows(char *out, const tree *t, const kt_store_service *s, size_t n)
{
    size_t d = (size_t)t->archive->d;
    for (size_t i = 0; i < n; i++) {
        for (size_t f = 0; f < d; f++) {
            out = kt_digits_double(out, t->x[i * d + f]);
            *out++ = ',';
        }
        out = kt_digits_double(out, t->y[i]);
        *out++ = ',';
        out = put_field(out, s->cells[t->cell[i]].label);
        *out++ = '\n';
    }
    return out;
}

static kt_status make_room(tree *t, kt_error *err)
{
    kt_status status = KT_OK;
    size_t d = (size_t)t->archive->d;
    t->room = PIECE * ((d + 1) * (KT_DIGITS + 1) + 2 * KT_LABEL + 4) + d * 2 * KT_NAME + 2 * KT_NAME + 64;
    for (int f = 0; f < t->archive->d; f++)
        t->room += 2 * strlen(t->archive->feature[f]);
    KT_TRY(kt_alloc(&t->x, PIECE * d, sizeof *t->x, err));
    KT_TRY(kt_alloc(&t->y, PIECE, sizeof *t->y, err));
    KT_TRY(kt_alloc(&t->cell, PIECE, sizeof *t->cell, err));
    KT_TRY(kt_alloc(&t->text, t->room, 1, err));
out:
    return status;
}

/* Stored rows [first, last) of service i. */
static kt_status write_table(tree *t, const char *path, size_t i, size_t first, size_t last, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(t->store, i);
    char *end = put_header(t->text, t, s->name);
    KT_TRY(kt_stage_write(path, t->text, (size_t)(end - t->text), err));
    for (size_t at = first; at < last; at += PIECE) {
        size_t n = last - at < PIECE ? last - at : PIECE;
        KT_TRY(kt_store_rows(t->x, t->y, t->cell, t->store, i, at, n, err));
        end = put_rows(t->text, t, s, n);
        KT_TRY(kt_file_append(path, t->text, (size_t)(end - t->text), false, err));
    }
out:
    return status;
}

static kt_status write_tables(tree *t, const char *folder, const kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    size_t i = 0, n = kt_store_count(t->store);
    while (i < n && strcmp(kt_store_at(t->store, i)->name, entry->name) != 0)
        i++;
    const kt_store_service *s = i < n ? kt_store_at(t->store, i) : NULL;
    if (!s || memcmp(s->digest, entry->data_digest, sizeof s->digest) != 0)
        return kt_fail(err, KT_INPUT,
                       "%s: does not hold the rows that the model of %s was made from; leave them out with "
                       "--no-data",
                       t->options->dataset, entry->name);
    const size_t known = s->n_train + s->n_validation, bound[] = {0, known, known + s->n_test};
    for (int k = 0; k < TABLES; k++) {
        KT_TRY(kt_path_join(&path, folder, tables[k], err));
        KT_TRY(write_table(t, path, i, bound[k], bound[k + 1], err));
        free(path);
        path = NULL;
    }
out:
    free(path);
    return status;
}

/* ---- services ---- */

/* "saved_models/<service>/model", the service's name as a folder can have it. */
static kt_status place_of(char **path, const char *folder, const char *service, kt_error *err)
{
    char *name = NULL;
    kt_status status = kt_h5_link_name(&name, service, err);
    if (status == KT_OK && strlen(name) > NAME_MAX)
        status = kt_fail(err, KT_INPUT, "service %s: a folder's name may have %d bytes, this needs %zu",
                         service, NAME_MAX, strlen(name));
    if (status == KT_OK)
        status = kt_format(path, err, "%s/" ROOT "/%s/model", folder, name);
    free(name);
    return status;
}

kt_status kt_keras_place(char **path, const char *service, kt_error *err)
{
    char *name = NULL;
    kt_status status = kt_h5_link_name(&name, service, err);
    if (status == KT_OK)
        status = kt_format(path, err, ROOT "/%s/model/" MODEL, name);
    free(name);
    return status;
}

static kt_status write_service(tree *t, const kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    char *folder = NULL, *path = NULL, *data = NULL;
    size_t n = 0;
    KT_TRY(place_of(&folder, t->folder, entry->name, err));
    KT_TRY(kt_folder_create(folder, err));
    KT_TRY(kt_keras_write(&data, &n, entry, t->archive, t->options->flavour, err));
    KT_TRY(kt_path_join(&path, folder, MODEL, err));
    KT_TRY(kt_stage_write(path, data, n, err));
    if (t->store)
        KT_TRY(write_tables(t, folder, entry, err));
out:
    free(folder);
    free(path);
    free(data);
    return status;
}

/* Rows of an earlier model beside a new one would be taken for its own. */
static kt_status remove_tables(const char *folder, const char *service, kt_error *err)
{
    kt_status status = KT_OK;
    char *place = NULL, *path = NULL;
    KT_TRY(place_of(&place, folder, service, err));
    for (int k = 0; k < TABLES; k++) {
        KT_TRY(kt_path_join(&path, place, tables[k], err));
        if (unlink(path) != 0 && errno != ENOENT)
            KT_TRY(kt_fail_errno(err, KT_IO, "cannot remove %s, the rows of an earlier model", path));
        free(path);
        path = NULL;
    }
out:
    free(place);
    free(path);
    return status;
}

kt_status kt_keras_export(const char *folder, const kt_archive *archive,
                          const kt_archive_entry *const *entries, size_t n, const kt_keras_options *options,
                          kt_error *err)
{
    kt_status status = KT_OK;
    kt_stage *stage = NULL;
    tree t = {.archive = archive, .options = options};
    if (options->dataset) {
        KT_TRY(kt_store_open(&t.store, options->dataset, err));
        if (kt_store_features(t.store) != archive->d)
            KT_TRY(kt_fail(err, KT_INPUT, "%s: has %d features, the models have %d", options->dataset,
                           kt_store_features(t.store), archive->d));
        KT_TRY(make_room(&t, err));
    }
    KT_TRY(kt_stage_begin(&stage, folder, err));
    t.folder = kt_stage_path(stage);
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_go_on(err));
        KT_TRY(write_service(&t, entries[i], err));
    }
    KT_TRY(kt_file_ask(options->guard, err));
    for (size_t i = 0; i < n && options->replace && !t.store; i++)
        KT_TRY(remove_tables(folder, entries[i]->name, err));
    KT_TRY(kt_stage_commit(stage, options->replace, err));
    stage = NULL;
out:
    kt_stage_end(stage);
    kt_store_close(t.store);
    free(t.x);
    free(t.y);
    free(t.cell);
    free(t.text);
    return status;
}
