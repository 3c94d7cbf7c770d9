#include "kt/ledger.h"

#include "kt/when.h"
#include "ledger_line.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    uint8_t id[LEDGER_ID], says[LEDGER_SAYS];
    size_t line;
    double value;
    char *reason;
} entry;

struct kt_ledger {
    char *path;
    int file;
    const kt_file_guard *guard;
    kt_digest *digest;
    uint64_t end; /* of whole lines, in bytes */
    size_t lines, cut;
    bool dirty;     /* a failed write may have left something behind `end` */
    entry *entries; /* of events that are there once */
    size_t n, capacity;
    uint32_t *slots; /* [n_slots], a power of two: 1 + index of an entry, 0: free */
    size_t n_slots;
};

/* ---- the index ---- */

/* The slot of the event, or the free one where it belongs. */
static size_t slot_of(const kt_ledger *l, const uint8_t id[LEDGER_ID])
{
    uint64_t key;
    memcpy(&key, id, sizeof key);
    size_t at = (size_t)key & (l->n_slots - 1);
    while (l->slots[at] && memcmp(l->entries[l->slots[at] - 1].id, id, LEDGER_ID) != 0)
        at = (at + 1) & (l->n_slots - 1);
    return at;
}

static const entry *entry_of(const kt_ledger *l, const uint8_t id[LEDGER_ID])
{
    uint32_t found = l->n > 0 ? l->slots[slot_of(l, id)] : 0;
    return found ? &l->entries[found - 1] : NULL;
}

/* Makes room for one more entry; at most half of the slots are taken. */
static kt_status make_room(kt_ledger *l, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *old = l->slots;
    if (l->n == l->capacity) {
        KT_TRY(kt_grow(&l->entries, 2 * l->capacity + 64, sizeof *l->entries, err));
        l->capacity = 2 * l->capacity + 64;
    }
    if (2 * (l->n + 1) <= l->n_slots)
        return KT_OK;
    uint32_t *slots;
    size_t n_slots = l->n_slots ? 2 * l->n_slots : 128;
    KT_TRY(kt_alloc(&slots, n_slots, sizeof *slots, err));
    l->slots = slots;
    l->n_slots = n_slots;
    for (size_t i = 0; i < l->n; i++)
        l->slots[slot_of(l, l->entries[i].id)] = (uint32_t)(i + 1);
    free(old);
out:
    return status;
}

/* After make_room. Takes reason. */
static void add_entry(kt_ledger *l, const ledger_mark *mark, double value, char *reason)
{
    entry *e = &l->entries[l->n];
    *e = (entry){.line = l->lines, .value = value, .reason = reason};
    memcpy(e->id, mark->id, sizeof e->id);
    memcpy(e->says, mark->says, sizeof e->says);
    l->slots[slot_of(l, mark->id)] = (uint32_t)++l->n;
}

static kt_status reason_of(char **reason, const kt_json *event, kt_error *err)
{
    const char *text = kt_json_as_text(kt_json_get(event, "reason"), NULL);
    *reason = NULL;
    return text ? kt_strdup(reason, text, err) : KT_OK;
}

/* *there: the event is known, and says the same. */
static kt_status look_up(bool *there, const kt_ledger *l, const ledger_mark *mark, const char *name,
                         kt_error *err)
{
    const entry *e = mark->again ? NULL : entry_of(l, mark->id);
    *there = e != NULL;
    if (e && memcmp(e->says, mark->says, sizeof e->says) != 0)
        return kt_fail(err, KT_INPUT,
                       "%s:%zu: says something else than what comes out now for the same event \"%s\"",
                       l->path, e->line, name);
    return KT_OK;
}

bool kt_ledger_find(kt_ledger_score *score, const kt_ledger *l, const char *search, int64_t trial, int rung,
                    const char *service, int fold)
{
    uint8_t id[LEDGER_ID];
    ledger_score_id(id, l->digest, search, trial, rung, service, fold);
    const entry *e = entry_of(l, id);
    if (e)
        *score = (kt_ledger_score){e->value, e->reason};
    return e != NULL;
}

size_t kt_ledger_events(const kt_ledger *l)
{
    return l->lines;
}

size_t kt_ledger_cut(const kt_ledger *l)
{
    return l->cut;
}

/* ---- opening ---- */

static const char *name_of(const kt_json *event)
{
    return kt_json_as_text(kt_json_get(event, "event"), "");
}

static kt_status take(kt_ledger *l, const kt_json *event, const ledger_mark *mark, const char *run,
                      kt_error *err)
{
    kt_status status = KT_OK;
    char *reason = NULL;
    bool there;
    if (mark->first && strcmp(kt_json_as_text(kt_json_get(event, "run"), ""), run) != 0)
        return kt_fail(err, KT_BUSY,
                       "%s: belongs to a sweep of other data or options; start over with --fresh", l->path);
    l->lines++;
    KT_TRY(look_up(&there, l, mark, name_of(event), err));
    if (there || mark->again)
        return KT_OK;
    KT_TRY(make_room(l, err));
    KT_TRY(reason_of(&reason, event, err));
    add_entry(l, mark, kt_json_as_real(kt_json_get(event, "value"), NAN), reason);
out:
    return status;
}

static kt_status read_all(kt_ledger *l, const char *run, kt_error *err)
{
    kt_status status = KT_OK;
    ledger_reader reader = {.path = l->path};
    ledger_mark mark;
    kt_json *event = NULL;
    if (kt_path_kind_of(l->path) == KT_PATH_MISSING)
        return KT_OK;
    KT_TRY(ledger_reader_open(&reader, err));
    for (;;) {
        KT_TRY(ledger_reader_next(&event, &mark, &reader, err));
        if (!event)
            break;
        KT_TRY(take(l, event, &mark, run, err));
        kt_json_drop(event);
        event = NULL;
    }
    l->end = reader.end;
    l->cut = reader.torn;
out:
    kt_json_drop(event);
    ledger_reader_close(&reader);
    return status;
}

/* To the millisecond. */
static double now(void)
{
    return round((double)kt_when_now() * 1e-6) * 1e-3;
}

/* The first line gets its name whole and synced, in place of nothing or of a part of it. */
static kt_status begin(kt_ledger *l, const char *run, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *event = kt_json_object();
    char *temporary = NULL, *line = NULL;
    ledger_mark mark;
    kt_json_put(event, "event", kt_json_string("sweep"));
    kt_json_put(event, "run", kt_json_string(run));
    kt_json_put(event, "version", kt_json_int(KT_LEDGER_VERSION));
    kt_json_put(event, "time", kt_json_real(now()));
    KT_TRY(ledger_line(&line, event, l->digest, err));
    KT_TRY(ledger_mark_event(&mark, event, l->digest, l->path, err));
    KT_TRY(kt_file_temporary(&temporary, l->path, err));
    KT_TRY(kt_file_append(temporary, line, strlen(line), false, err));
    KT_TRY(kt_file_commit(temporary, l->path, l->guard, err));
    l->end = strlen(line);
    KT_TRY(take(l, event, &mark, run, err));
out:
    if (status != KT_OK)
        kt_file_discard(temporary);
    free(temporary);
    free(line);
    kt_json_drop(event);
    return status;
}

/* Cuts off what lies behind the whole lines. */
static kt_status cut(kt_ledger *l, kt_error *err)
{
    if (ftruncate(l->file, (off_t)l->end) != 0)
        return kt_fail_errno(err, KT_IO, "cannot cut %s after %llu bytes", l->path,
                             (unsigned long long)l->end);
    l->dirty = false;
    return KT_OK;
}

kt_status kt_ledger_open(kt_ledger **ledger, const char *folder, const char *run, const kt_file_guard *guard,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_ledger *l = NULL;
    *ledger = NULL;
    KT_TRY(kt_alloc(&l, 1, sizeof *l, err));
    l->file = -1;
    l->guard = guard;
    KT_TRY(kt_path_join(&l->path, folder, KT_RUN_LEDGER, err));
    KT_TRY(kt_digest_create(&l->digest, err));
    KT_TRY(read_all(l, run, err));
    bool begun = l->lines > 0;
    if (!begun)
        KT_TRY(begin(l, run, err));
    l->file = open(l->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (l->file < 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "cannot append to %s", l->path));
    if (begun && l->cut > 0) {
        KT_TRY(kt_file_ask(l->guard, err));
        KT_TRY(cut(l, err));
    }
    *ledger = l;
    l = NULL;
out:
    kt_ledger_close(l);
    return status;
}

void kt_ledger_close(kt_ledger *l)
{
    if (!l)
        return;
    if (l->file >= 0)
        close(l->file);
    for (size_t i = 0; i < l->n; i++)
        free(l->entries[i].reason);
    free(l->entries);
    free(l->slots);
    free(l->path);
    kt_digest_destroy(l->digest);
    free(l);
}

/* ---- appending ---- */

static kt_status append(kt_ledger *l, const char *line, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = strlen(line);
    KT_TRY(kt_file_ask(l->guard, err));
    if (l->dirty)
        KT_TRY(cut(l, err));
    if (!kt_file_put(l->file, line, n)) {
        status = kt_fail_errno(err, KT_IO, "cannot append %zu bytes to %s", n, l->path);
        l->dirty = true;
        cut(l, NULL);
        goto out;
    }
    l->end += n;
    l->lines++;
out:
    return status;
}

kt_status kt_ledger_write(kt_ledger *l, kt_json *event, kt_error *err)
{
    kt_status status = KT_OK;
    char *line = NULL, *reason = NULL;
    ledger_mark mark;
    bool there;
    if (!kt_json_get(event, "time"))
        kt_json_put(event, "time", kt_json_real(now()));
    KT_TRY(ledger_line(&line, event, l->digest, err)); /* first: it finds what memory failed to build */
    KT_TRY(ledger_mark_event(&mark, event, l->digest, l->path, err));
    assert(!mark.first);
    KT_TRY(look_up(&there, l, &mark, name_of(event), err));
    if (there)
        goto out;
    if (!mark.again) {
        KT_TRY(make_room(l, err));
        KT_TRY(reason_of(&reason, event, err));
    }
    KT_TRY(append(l, line, err));
    if (!mark.again) {
        add_entry(l, &mark, kt_json_as_real(kt_json_get(event, "value"), NAN), reason);
        reason = NULL;
    }
out:
    free(line);
    free(reason);
    kt_json_drop(event);
    return status;
}

kt_status kt_ledger_sync(kt_ledger *l, kt_error *err)
{
    /* EINVAL: a filesystem that cannot sync */
    if (fsync(l->file) != 0 && errno != EINVAL)
        return kt_fail_errno(err, KT_IO, "cannot sync %s", l->path);
    return KT_OK;
}

/* ---- for who only reads ---- */

kt_status kt_ledger_read(const char *folder,
                         kt_status (*each)(void *context, const kt_json *event, kt_error *err), void *context,
                         kt_error *err)
{
    kt_status status = KT_OK;
    ledger_reader reader = {.number = 0};
    char *path = NULL;
    kt_json *event = NULL;
    ledger_mark mark;
    KT_TRY(kt_path_join(&path, folder, KT_RUN_LEDGER, err));
    reader.path = path;
    KT_TRY(ledger_reader_open(&reader, err));
    for (;;) {
        KT_TRY(ledger_reader_next(&event, &mark, &reader, err));
        if (!event)
            break;
        KT_TRY(each(context, event, err));
        kt_json_drop(event);
        event = NULL;
    }
out:
    kt_json_drop(event);
    ledger_reader_close(&reader);
    free(path);
    return status;
}
