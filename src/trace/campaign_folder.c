#include "campaign_private.h"

#include "kt/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PARTS "cells"

/* All that kt load writes into its folder; the state goes last, so that a removal cut short is known as ours.
 */
static const char *const ours[] = {KT_CAMPAIGN_REQUESTS, KT_CAMPAIGN_SUMMARY,  "spans.h5",
                                   "spans.h5.part",      KT_CAMPAIGN_MANIFEST, KT_CAMPAIGN_STATE};

static kt_status remove_file(const char *folder, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    KT_TRY(kt_path_join(&path, folder, name, err));
    if (unlink(path) != 0 && errno != ENOENT)
        KT_TRY(kt_fail_errno(err, KT_IO, "%s: cannot remove", path));
out:
    free(path);
    return status;
}

static kt_status part_path(char **path, const char *folder, size_t cell, kt_error *err)
{
    return kt_format(path, err, "%s/" PARTS "/%06zu.csv", folder, cell);
}

/* NNNNNN.csv, or one that a killed process left under its temporary name (kt/file.h). */
static bool is_part(const char *name)
{
    bool temporary = *name == '.';
    const char *rest = name + temporary + 6;
    return strspn(name + temporary, "0123456789") == 6 && strncmp(rest, ".csv", 4) == 0 &&
           (temporary ? rest[4] == '.' : rest[4] == '\0');
}

/* The parts, by their names, and their folder; files of others there stay. */
static kt_status remove_parts(const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    char *parts = NULL, **names = NULL;
    size_t n = 0;
    KT_TRY(kt_path_join(&parts, folder, PARTS, err));
    if (kt_path_kind_of(parts) != KT_PATH_FOLDER)
        goto out;
    KT_TRY(kt_folder_list(&names, &n, parts, err));
    for (size_t i = 0; i < n; i++)
        if (is_part(names[i]))
            KT_TRY(remove_file(parts, names[i], err));
    if (rmdir(parts) != 0 && errno != ENOTEMPTY)
        KT_TRY(kt_fail_errno(err, KT_IO, "%s: cannot remove", parts));
out:
    kt_strings_free(names, n);
    free(parts);
    return status;
}

static kt_status write_json(const char *folder, const char *name, const kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL, *text = NULL;
    KT_TRY(kt_path_join(&path, folder, name, err));
    KT_TRY(kt_json_text(&text, value, 1, err));
    KT_TRY(kt_file_write(path, text, strlen(text), err));
out:
    free(path);
    free(text);
    return status;
}

/* NULL where there is no such file. */
static kt_status read_json(kt_json **value, const char *folder, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    *value = NULL;
    KT_TRY(kt_path_join(&path, folder, name, err));
    if (kt_path_kind_of(path) != KT_PATH_MISSING)
        KT_TRY(kt_json_read(value, path, err));
out:
    free(path);
    return status;
}

/* ---- opening ---- */

static kt_status refuse_foreign(const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL;
    size_t n = 0;
    KT_TRY(kt_folder_list(&names, &n, path, err));
    if (n > 0)
        KT_TRY(kt_fail(err, KT_BUSY, "%s: holds %s and no %s: not a folder of kt load; name another --out",
                       path, names[0], KT_CAMPAIGN_STATE));
out:
    kt_strings_free(names, n);
    return status;
}

static kt_status compare(const char *folder, const kt_json *stored, const kt_json *asked, kt_error *err)
{
    kt_status status = KT_OK;
    const char *key;
    char *was = NULL, *is = NULL;
    KT_TRY(kt_json_difference(&key, &was, &is, stored, asked, err));
    if (key)
        KT_TRY(
            kt_fail(err, KT_BUSY,
                    "%s: holds another load: %s was %.200s, now it is %.200s; name another --out, or start "
                    "over with --fresh",
                    folder, key, was, is));
out:
    free(was);
    free(is);
    return status;
}

static kt_status lock(campaign_folder *f, kt_error *err)
{
    f->lock = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0)
        return kt_fail_errno(err, KT_IO, "cannot open the folder %s", f->path);
    if (flock(f->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) /* some filesystems have no locks */
        return kt_fail(err, KT_BUSY, "%s: another kt load is at work there", f->path);
    return KT_OK;
}

/* Whole cells count as done; others will be replaced. */
static void take_cells(campaign_folder *f, const kt_campaign *c, const kt_json *manifest)
{
    const kt_json *cells = kt_json_get(manifest, "cells");
    for (size_t i = 0; i < kt_json_size(cells); i++) {
        kt_json *entry = kt_json_at(cells, i);
        int64_t cell = kt_json_as_int(kt_json_get(entry, "cell"), -1);
        if (cell < 0 || cell >= (int64_t)c->n)
            continue;
        f->done[cell] = !kt_json_get(entry, "incomplete");
        kt_json_append(f->cells, kt_json_keep(entry));
    }
}

static kt_status go_on(campaign_folder *f, const kt_campaign *c, const kt_json *state, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *manifest = NULL;
    const kt_json *tries = kt_json_get(state, "tries");
    KT_TRY(compare(f->path, kt_json_get(state, "plan"), c->config, err));
    KT_TRY(read_json(&manifest, f->path, KT_CAMPAIGN_MANIFEST, err));
    take_cells(f, c, manifest);
    for (size_t i = 0; i < c->n; i++)
        f->tries[i] = (uint32_t)kt_json_as_int(kt_json_at(tries, i), 0);
    f->finished = kt_json_as_bool(kt_json_get(state, "finished"), false);
out:
    kt_json_drop(manifest);
    return status;
}

static kt_status write_state(const campaign_folder *f, const kt_campaign *c, kt_error *err)
{
    kt_json *state = kt_json_object(), *tries = kt_json_array();
    for (size_t i = 0; i < c->n; i++)
        kt_json_append(tries, kt_json_int(f->tries[i]));
    kt_json_put(state, "kt_load", kt_json_string(KT_VERSION));
    kt_json_put(state, "plan", kt_json_keep(c->config));
    kt_json_put(state, "tries", tries);
    kt_json_put(state, "finished", kt_json_bool(f->finished));
    kt_status status = write_json(f->path, KT_CAMPAIGN_STATE, state, err);
    kt_json_drop(state);
    return status;
}

static kt_status start_over(const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(remove_parts(folder, err));
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        KT_TRY(remove_file(folder, ours[i], err));
out:
    return status;
}

kt_status campaign_folder_open(campaign_folder *f, const kt_campaign *c, const kt_campaign_options *options,
                               kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *state = NULL;
    char *parts = NULL;
    *f = (campaign_folder){.path = options->folder, .lock = -1, .cells = kt_json_array()};
    KT_TRY(kt_alloc(&f->tries, c->n, sizeof *f->tries, err));
    KT_TRY(kt_alloc(&f->done, c->n, sizeof *f->done, err));
    KT_TRY(kt_folder_create(f->path, err));
    KT_TRY(lock(f, err));
    KT_TRY(read_json(&state, f->path, KT_CAMPAIGN_STATE, err));
    if (state && options->fresh) {
        KT_TRY(start_over(f->path, err));
        kt_json_drop(state);
        state = NULL;
    }
    if (state)
        KT_TRY(go_on(f, c, state, err));
    else
        KT_TRY(refuse_foreign(f->path, err));
    if (f->finished) {
        KT_TRY(remove_parts(f->path, err)); /* a kill may have come between */
        goto out;
    }
    KT_TRY(kt_path_join(&parts, f->path, PARTS, err));
    KT_TRY(write_state(f, c, err));
    KT_TRY(kt_folder_create(parts, err));
out:
    free(parts);
    kt_json_drop(state);
    return status;
}

void campaign_folder_close(campaign_folder *f)
{
    if (f->lock >= 0)
        close(f->lock);
    free(f->tries);
    free(f->done);
    kt_json_drop(f->cells);
}

int64_t kt_campaign_seed(const char *folder)
{
    kt_json *state = NULL;
    read_json(&state, folder, KT_CAMPAIGN_STATE, NULL);
    int64_t seed = kt_json_as_int(kt_json_get(kt_json_get(state, "plan"), "seed"), -1);
    kt_json_drop(state);
    return seed;
}

/* ---- cells ---- */

kt_status campaign_folder_begin(campaign_folder *f, const kt_campaign *c, size_t cell, kt_error *err)
{
    f->tries[cell]++;
    return write_state(f, c, err);
}

static int64_t start_of(const kt_json *entry)
{
    return kt_json_as_int(kt_json_get(entry, "start_us"), 0);
}

/* The entry among the others by its start, in place of an earlier one of the same cell. Takes the entry. */
static void insert(campaign_folder *f, size_t cell, kt_json *entry)
{
    kt_json *list = kt_json_array();
    for (size_t i = 0; i < kt_json_size(f->cells); i++) {
        kt_json *other = kt_json_at(f->cells, i);
        if (kt_json_as_int(kt_json_get(other, "cell"), -1) == (int64_t)cell)
            continue;
        if (entry && start_of(other) > start_of(entry)) {
            kt_json_append(list, entry);
            entry = NULL;
        }
        kt_json_append(list, kt_json_keep(other));
    }
    if (entry)
        kt_json_append(list, entry);
    kt_json_drop(f->cells);
    f->cells = list;
}

static kt_status write_manifest(const campaign_folder *f, const kt_campaign *c, kt_error *err)
{
    kt_json *manifest = kt_json_object();
    kt_json_put(manifest, "note",
                kt_json_string("times are Unix microseconds; one cell is one load step with fixed replicas"));
    kt_json_put(manifest, "config", kt_json_keep(c->config));
    if (c->entry)
        kt_json_put(manifest, "entry", kt_json_string(c->entry));
    kt_json_put(manifest, "cells", kt_json_keep(f->cells));
    kt_status status = write_json(f->path, KT_CAMPAIGN_MANIFEST, manifest, err);
    kt_json_drop(manifest);
    return status;
}

kt_status campaign_folder_put(campaign_folder *f, const kt_campaign *c, size_t cell,
                              const kt_load_result *result, kt_json *entry, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    bool whole = entry && !kt_json_get(entry, "incomplete");
    insert(f, cell, entry);
    KT_TRY(part_path(&path, f->path, cell, err));
    KT_TRY(kt_load_write(path, result, (uint32_t)cell, err));
    KT_TRY(write_manifest(f, c, err));
    f->done[cell] = whole;
out:
    free(path);
    return status;
}

/* ---- the end ---- */

/* The parts of all cells of the manifest, one after the other. */
static kt_status write_requests(const campaign_folder *f, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL, **parts = NULL;
    size_t n = kt_json_size(f->cells);
    KT_TRY(kt_path_join(&path, f->path, KT_CAMPAIGN_REQUESTS, err));
    KT_TRY(kt_alloc(&parts, n, sizeof *parts, err));
    for (size_t i = 0; i < n; i++) {
        int64_t cell = kt_json_as_int(kt_json_get(kt_json_at(f->cells, i), "cell"), 0);
        KT_TRY(part_path(&parts[i], f->path, (size_t)cell, err));
    }
    KT_TRY(kt_load_join(path, (const char *const *)parts, n, err));
out:
    for (size_t i = 0; parts && i < n; i++)
        free(parts[i]);
    free(parts);
    free(path);
    return status;
}

/* Sums over cells; the errors by kind too. */
static void put_sums(kt_json *summary, const kt_json *cells)
{
    static const char *const sums[] = {"n", "errors", "late", "waited"};
    kt_json *kinds = kt_json_object();
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++) {
        int64_t sum = 0;
        for (size_t i = 0; i < kt_json_size(cells); i++)
            sum += kt_json_as_int(kt_json_get(kt_json_at(cells, i), sums[k]), 0);
        kt_json_put(summary, sums[k], kt_json_int(sum));
    }
    for (int k = 1; k < KT_LOAD_ERRORS; k++) {
        int64_t sum = 0;
        for (size_t i = 0; i < kt_json_size(cells); i++)
            sum += kt_json_as_int(
                kt_json_get(kt_json_get(kt_json_at(cells, i), "errors_by_kind"), kt_load_error_text[k]), 0);
        if (sum > 0)
            kt_json_put(kinds, kt_load_error_text[k], kt_json_int(sum));
    }
    kt_json_put(summary, "errors_by_kind", kinds);
}

kt_status campaign_folder_finish(kt_json **summary, campaign_folder *f, const kt_campaign *c, kt_error *err)
{
    kt_status status = KT_OK;
    size_t done = 0;
    if (f->finished)
        return read_json(summary, f->path, KT_CAMPAIGN_SUMMARY, err);
    for (size_t i = 0; i < c->n; i++)
        done += f->done[i];
    kt_json *all = kt_json_object();
    put_sums(all, f->cells);
    if (c->n == 1 && kt_json_size(f->cells) == 1)
        kt_json_merge(all, kt_json_at(f->cells, 0));
    kt_json_put(all, "config", kt_json_keep(c->config));
    kt_json_put(all, "cells", kt_json_keep(f->cells));
    kt_json_put(all, "cells_done", kt_json_int((int64_t)done));
    kt_json_put(all, "cells_planned", kt_json_int((int64_t)c->n));
    KT_TRY(write_requests(f, err));
    KT_TRY(write_json(f->path, KT_CAMPAIGN_SUMMARY, all, err));
    *summary = kt_json_keep(all);
    if (done == c->n) {
        f->finished = true;
        KT_TRY(write_state(f, c, err));
        KT_TRY(remove_parts(f->path, err));
    }
out:
    kt_json_drop(all);
    return status;
}

kt_status kt_campaign_add(const char *folder, const char *key, kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *summary = NULL;
    KT_TRY(read_json(&summary, folder, KT_CAMPAIGN_SUMMARY, err));
    kt_json_put(summary, key, kt_json_keep(value));
    KT_TRY(write_json(folder, KT_CAMPAIGN_SUMMARY, summary, err));
out:
    kt_json_drop(summary);
    kt_json_drop(value);
    return status;
}
