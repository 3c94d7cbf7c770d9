#include "kt/checkpoint.h"

#include "kt/pack.h"
#include "kt/records.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[8] = "kt-ckpt", what[] = "a checkpoint";
#define FINISHED "finished"
#define FITS     "fits-"
#define PART     ".part"
#define FOLD     "fold-"
#define DATASET  ".h5"
enum { VERSION = 1, FITS_KEPT = 2 };

struct kt_checkpoint {
    char *folder, *finished;
    uint8_t run[KT_DIGEST_BYTES];
    const kt_file_guard *guard;
    kt_pack results, states;  /* added since the last commit, one after the other */
    uint64_t end;             /* of what counts in the finished file */
    unsigned long long round; /* of the last fits file */
    char **seen;              /* services told while opening, sorted */
    size_t n_seen;
};

/* ---- one service's line of a record ---- */

typedef struct {
    kt_kept kind;
    char *service, *data;
    size_t n;
} line;

static void line_fields(kt_pack *p, line *l)
{
    l->kind = (kt_kept)kt_pack_whole(p, (int)l->kind, KT_KEPT_MODEL, KT_KEPT_TRIAL);
    kt_pack_text(p, &l->service);
    kt_pack_size(p, &l->n);
    kt_pack_vector(p, &l->data, l->n, 1, 1);
    kt_pack_bytes(p, l->data, p->status == KT_OK ? l->n : 0);
}

static void head_fields(kt_pack *p, uint8_t run[KT_DIGEST_BYTES])
{
    char mark[sizeof magic];
    memcpy(mark, magic, sizeof mark);
    kt_pack_bytes(p, mark, sizeof mark);
    if (p->status == KT_OK && memcmp(mark, magic, sizeof mark) != 0)
        p->status = kt_fail(p->err, KT_INPUT, "%s does not begin as one", what);
    kt_pack_whole(p, VERSION, VERSION, VERSION);
    kt_pack_bytes(p, run, KT_DIGEST_BYTES);
}

/* ---- reading ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_seen(const kt_checkpoint *c, const char *key)
{
    return c->n_seen > 0 && bsearch(&key, c->seen, c->n_seen, sizeof *c->seen, by_text) != NULL;
}

/* Services and trials do not share names. */
static kt_status key_of(char **key, const line *l, kt_error *err)
{
    return kt_format(key, err, "%c%s", l->kind == KT_KEPT_TRIAL ? 't' : 's', l->service);
}

static kt_status tell_lines(kt_checkpoint *c, const char *data, size_t n, const kt_checkpoint_calls *calls,
                            kt_error *err)
{
    kt_status status = KT_OK;
    kt_pack p = kt_pack_open(what, data, n, err);
    line l = {.service = NULL};
    char *key = NULL;
    size_t before = c->n_seen;
    while (p.at < p.n) {
        line_fields(&p, &l);
        KT_TRY(p.status);
        KT_TRY(key_of(&key, &l, err));
        if (!is_seen(c, key)) {
            KT_TRY(calls->kept(calls->context, l.kind, l.service, l.data, l.n, err));
            if ((before & (before - 1)) == 0) /* full at 0, 1, 2, 4, ... */
                KT_TRY(kt_grow(&c->seen, before ? 2 * before : 1, sizeof *c->seen, err));
            c->seen[before++] = key;
            key = NULL;
        }
        free(key);
        key = NULL;
        free(l.service);
        free(l.data);
        l = (line){.service = NULL};
    }
out:
    c->n_seen = before;
    if (before > 1)
        qsort(c->seen, before, sizeof *c->seen, by_text);
    free(key);
    free(l.service);
    free(l.data);
    return status;
}

static kt_status check_head(const kt_checkpoint *c, const char *path, const char *data, size_t n,
                            kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t run[KT_DIGEST_BYTES];
    kt_pack p = kt_pack_open(what, data, n, err);
    head_fields(&p, run);
    KT_TRY(kt_pack_close(&p));
    if (memcmp(run, c->run, sizeof run) != 0)
        KT_TRY(kt_fail(err, KT_BUSY, "%s: belongs to a run on other data; start over with --fresh", path));
out:
    return status;
}

/* end: of what can be read, 0 where the file is missing or its head is damaged. */
static kt_status read_file(kt_checkpoint *c, uint64_t *end, const char *path,
                           const kt_checkpoint_calls *calls, kt_error *err)
{
    kt_status status = KT_OK;
    kt_records *records = NULL;
    const char *data;
    size_t n, count = 0;
    bool torn = false;
    *end = 0;
    if (kt_path_kind_of(path) == KT_PATH_MISSING)
        return KT_OK;
    KT_TRY(kt_records_open(&records, path, err));
    for (;; count++) {
        KT_TRY(kt_records_next(&data, &n, &torn, records, err));
        if (!data)
            break;
        KT_TRY(count == 0 ? check_head(c, path, data, n, err) : tell_lines(c, data, n, calls, err));
    }
    *end = kt_records_end(records);
    if (torn && calls->note) {
        char text[512];
        snprintf(text, sizeof text, "%.400s: damaged after byte %llu; what was kept before it counts", path,
                 (unsigned long long)*end);
        calls->note(calls->context, text);
    }
out:
    kt_records_close(records);
    return status;
}

/* The number of a fits file, 0 where it is none. */
static unsigned long long round_of(const char *name)
{
    unsigned long long round = 0;
    int length = 0;
    if (sscanf(name, FITS "%9llu" PART "%n", &round, &length) == 1 && name[length] == '\0')
        return round;
    return 0;
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* ".fits-000000007.part.4711.0.tmp": what a killed run left. */
static bool is_half_written(const char *name)
{
    return (begins(name, "." FITS) || begins(name, "." FOLD)) && kt_path_ends(name, ".tmp");
}

static bool is_ours(const char *name)
{
    return strcmp(name, FINISHED) == 0 || round_of(name) > 0 ||
           (begins(name, FOLD) && kt_path_ends(name, DATASET)) || is_half_written(name);
}

static kt_status remove_files(const char *folder, bool (*which)(const char *name), kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL, *file = NULL;
    size_t n = 0;
    KT_TRY(kt_folder_list(&names, &n, folder, err));
    for (size_t i = 0; i < n; i++) {
        if (!which(names[i]))
            continue;
        KT_TRY(kt_path_join(&file, folder, names[i], err));
        if (unlink(file) != 0 && errno != ENOENT)
            KT_TRY(kt_fail_errno(err, KT_IO, "%s: cannot remove", file));
        free(file);
        file = NULL;
    }
out:
    kt_strings_free(names, n);
    free(file);
    return status;
}

static kt_status fits_path(char **path, const kt_checkpoint *c, unsigned long long round, kt_error *err)
{
    return kt_format(path, err, "%s/" FITS "%09llu" PART, c->folder, round);
}

/* The newest first: what it says of a service counts. */
static kt_status read_fits(kt_checkpoint *c, const kt_checkpoint_calls *calls, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL, *path = NULL;
    size_t n = 0;
    KT_TRY(kt_folder_list(&names, &n, c->folder, err));
    for (size_t i = n; i-- > 0;) { /* in byte order, which is that of the rounds */
        uint64_t end;
        unsigned long long round = round_of(names[i]);
        if (round == 0)
            continue;
        c->round = round > c->round ? round : c->round;
        KT_TRY(kt_path_join(&path, c->folder, names[i], err));
        KT_TRY(read_file(c, &end, path, calls, err));
        free(path);
        path = NULL;
    }
out:
    free(path);
    kt_strings_free(names, n);
    return status;
}

kt_status kt_checkpoint_open(kt_checkpoint **out, const char *folder, const uint8_t run[KT_DIGEST_BYTES],
                             const kt_file_guard *guard, const kt_checkpoint_calls *calls, kt_error *err)
{
    kt_status status = KT_OK;
    kt_checkpoint *c = NULL;
    *out = NULL;
    KT_TRY(kt_alloc(&c, 1, sizeof *c, err));
    memcpy(c->run, run, sizeof c->run);
    c->guard = guard;
    KT_TRY(kt_path_join(&c->folder, folder, KT_RUN_CHECKPOINT, err));
    KT_TRY(kt_path_join(&c->finished, c->folder, FINISHED, err));
    KT_TRY(kt_folder_create(c->folder, err));
    KT_TRY(remove_files(c->folder, is_half_written, err));
    KT_TRY(read_file(c, &c->end, c->finished, calls, err));
    KT_TRY(read_fits(c, calls, err));
    *out = c;
    c = NULL;
out:
    kt_checkpoint_close(c);
    return status;
}

void kt_checkpoint_close(kt_checkpoint *c)
{
    if (!c)
        return;
    kt_strings_free(c->seen, c->n_seen);
    free(c->results.data);
    free(c->states.data);
    free(c->folder);
    free(c->finished);
    free(c);
}

/* ---- writing ---- */

kt_status kt_checkpoint_add(kt_checkpoint *c, kt_kept kind, const char *service, const char *data, size_t n,
                            kt_error *err)
{
    kt_pack *p = kind >= KT_KEPT_FIT ? &c->states : &c->results;
    size_t before = p->at;
    line l = {kind, (char *)(uintptr_t)service, (char *)(uintptr_t)data, n};
    p->status = KT_OK;
    p->err = err;
    line_fields(p, &l);
    p->err = NULL;
    if (p->status != KT_OK)
        p->at = before;
    return p->status;
}

static kt_status append_head(const char *path, uint64_t *end, const kt_checkpoint *c, kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t run[KT_DIGEST_BYTES];
    kt_pack p = {.what = what, .err = err};
    memcpy(run, c->run, sizeof run);
    head_fields(&p, run);
    KT_TRY(p.status);
    KT_TRY(kt_records_append(path, end, &(kt_record_part){p.data, p.at}, 1, false, err));
out:
    free(p.data);
    return status;
}

static kt_status append_results(kt_checkpoint *c, kt_error *err)
{
    kt_status status = KT_OK;
    if (c->results.at == 0)
        return KT_OK;
    KT_TRY(kt_file_ask(c->guard, err));
    if (c->end == 0)
        KT_TRY(append_head(c->finished, &c->end, c, err));
    KT_TRY(kt_records_append(c->finished, &c->end, &(kt_record_part){c->results.data, c->results.at}, 1, true,
                             err));
    c->results.at = 0;
out:
    return status;
}

static kt_status write_fits(kt_checkpoint *c, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL, *temporary = NULL, *old = NULL;
    uint64_t end = 0;
    if (c->states.at == 0)
        return KT_OK;
    KT_TRY(fits_path(&path, c, c->round + 1, err));
    KT_TRY(kt_file_temporary(&temporary, path, err));
    KT_TRY(append_head(temporary, &end, c, err));
    KT_TRY(
        kt_records_append(temporary, &end, &(kt_record_part){c->states.data, c->states.at}, 1, false, err));
    KT_TRY(kt_file_commit(temporary, path, c->guard, err));
    c->round++;
    if (c->round > FITS_KEPT) {
        KT_TRY(fits_path(&old, c, c->round - FITS_KEPT, err));
        unlink(old);
    }
out:
    if (status != KT_OK)
        kt_file_discard(temporary);
    c->states.at = 0;
    free(temporary);
    free(path);
    free(old);
    return status;
}

kt_status kt_checkpoint_commit(kt_checkpoint *c, kt_error *err)
{
    kt_status status = append_results(c, err), written = write_fits(c, status == KT_OK ? err : NULL);
    return status == KT_OK ? written : status;
}

kt_status kt_checkpoint_fold(char **path, const char *folder, int k, kt_error *err)
{
    return kt_format(path, err, "%s/" KT_RUN_CHECKPOINT "/" FOLD "%d" DATASET, folder, k);
}

kt_status kt_checkpoint_remove(const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    KT_TRY(kt_path_join(&path, folder, KT_RUN_CHECKPOINT, err));
    if (kt_path_kind_of(path) == KT_PATH_MISSING)
        goto out;
    KT_TRY(remove_files(path, is_ours, err));
    if (rmdir(path) != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
        KT_TRY(kt_fail_errno(err, KT_IO, "%s: cannot remove", path));
out:
    free(path);
    return status;
}
