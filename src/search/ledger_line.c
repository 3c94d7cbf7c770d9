#include "ledger_line.h"

#include "kt/ledger.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- events ---- */

enum {
    RUN,
    SEARCH,
    TRIAL,
    RUNG,
    SERVICE,
    FOLD,
    PLACE,
    FIRST,
    OPTIONS,
    VALUE,
    REASON,
    STEPS,
    SECONDS,
    TRIALS,
    FAILURES,
    RANKS,
    VERSION,
    TIME,
    FIELDS
};
#define BIT(field) (1u << (field))

static const struct {
    const char *key;
    kt_json_kind kind; /* whole numbers are from 0 on, a real may be whole */
} fields[FIELDS] = {
    [RUN] = {"run", KT_JSON_TEXT},           [SEARCH] = {"search", KT_JSON_TEXT},
    [TRIAL] = {"trial", KT_JSON_INT},        [RUNG] = {"rung", KT_JSON_INT},
    [SERVICE] = {"service", KT_JSON_TEXT},   [FOLD] = {"fold", KT_JSON_INT},
    [PLACE] = {"place", KT_JSON_INT},        [FIRST] = {"first", KT_JSON_INT},
    [OPTIONS] = {"options", KT_JSON_OBJECT}, [VALUE] = {"value", KT_JSON_REAL},
    [REASON] = {"reason", KT_JSON_TEXT},     [STEPS] = {"steps", KT_JSON_INT},
    [SECONDS] = {"seconds", KT_JSON_REAL},   [TRIALS] = {"trials", KT_JSON_INT},
    [FAILURES] = {"failures", KT_JSON_INT},  [RANKS] = {"ranks", KT_JSON_INT},
    [VERSION] = {"version", KT_JSON_INT},    [TIME] = {"time", KT_JSON_REAL},
};

typedef struct {
    const char *name;
    unsigned which;  /* fields that say which event it is */
    unsigned says;   /* and what it says: the same each time that it comes out */
    unsigned needs;  /* others that must be there */
    unsigned either; /* one of these must be there, and no more */
    bool again;      /* it happens any number of times */
} event_kind;

static const event_kind kinds[] = {
    {"sweep", 0, BIT(RUN), BIT(VERSION), 0, false},
    {"proposed", BIT(TRIAL), BIT(OPTIONS) | BIT(FIRST), 0, 0, false},
    {"started", BIT(TRIAL) | BIT(RUNG), 0, 0, 0, true},
    {"scored", BIT(TRIAL) | BIT(RUNG) | BIT(SERVICE) | BIT(FOLD), 0, 0, BIT(VALUE) | BIT(REASON), false},
    {"rung", BIT(TRIAL) | BIT(RUNG), BIT(VALUE), 0, 0, false},
    {"promoted", BIT(TRIAL) | BIT(RUNG), 0, 0, 0, false},
    {"stopped", BIT(TRIAL) | BIT(RUNG), 0, 0, 0, false},
    {"failed", BIT(TRIAL) | BIT(RUNG), 0, BIT(REASON), 0, false},
    {"preempted", BIT(TRIAL) | BIT(RUNG), 0, 0, 0, true},
    {"won", BIT(PLACE), BIT(TRIAL) | BIT(VALUE), 0, 0, false},
    {"ended", 0, BIT(TRIALS) | BIT(FAILURES), 0, 0, false},
    {"resumed", 0, 0, 0, 0, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const event_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static bool suits(const kt_json *value, kt_json_kind wanted)
{
    kt_json_kind kind = kt_json_kind_of(value);
    if (wanted == KT_JSON_INT)
        return kind == KT_JSON_INT && kt_json_as_int(value, -1) >= 0;
    return kind == wanted || (wanted == KT_JSON_REAL && kind == KT_JSON_INT);
}

static kt_status check_fields(const event_kind *kind, const kt_json *event, const char *where, kt_error *err)
{
    unsigned there = 0, needed = kind->which | kind->says | kind->needs;
    for (int f = 0; f < FIELDS; f++) {
        const kt_json *value = kt_json_get(event, fields[f].key);
        if (value && !suits(value, fields[f].kind))
            return kt_fail(err, KT_INPUT, "%s: \"%s\" of the event \"%s\" is wrong", where, fields[f].key,
                           kind->name);
        there |= value ? BIT(f) : 0;
        if (needed & ~there & BIT(f))
            return kt_fail(err, KT_INPUT, "%s: the event \"%s\" has no \"%s\"", where, kind->name,
                           fields[f].key);
    }
    if (kind->either && __builtin_popcount(there & kind->either) != 1)
        return kt_fail(err, KT_INPUT, "%s: the event \"%s\" has both a value and a reason, or neither", where,
                       kind->name);
    return KT_OK;
}

/* Absent and present values never look alike, nor do values of two kinds. */
static kt_status add_value(kt_digest *digest, const kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    KT_TRY(value ? kt_json_text(&text, value, 0, err) : kt_strdup(&text, "", err));
    kt_digest_text(digest, text);
out:
    free(text);
    return status;
}

static void add_text(kt_digest *digest, const char *text)
{
    kt_digest_u64(digest, text != NULL);
    if (text)
        kt_digest_text(digest, text);
}

/* -1: without the number */
typedef struct {
    const char *event, *search, *service;
    int64_t trial, rung, fold, place;
} identity;

static void identify(uint8_t id[LEDGER_ID], kt_digest *digest, const identity *of)
{
    uint8_t all[KT_DIGEST_BYTES];
    const int64_t numbers[] = {of->trial, of->rung, of->fold, of->place};
    add_text(digest, of->event);
    add_text(digest, of->search);
    add_text(digest, of->service);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        kt_digest_u64(digest, (uint64_t)numbers[i]);
    kt_digest_end(digest, all);
    memcpy(id, all, LEDGER_ID);
}

static int64_t number(const event_kind *kind, const kt_json *event, int field)
{
    return kind->which & BIT(field) ? kt_json_as_int(kt_json_get(event, fields[field].key), -1) : -1;
}

static const char *text(unsigned which, const kt_json *event, int field)
{
    return which & BIT(field) ? kt_json_as_text(kt_json_get(event, fields[field].key), NULL) : NULL;
}

void ledger_score_id(uint8_t id[LEDGER_ID], kt_digest *digest, const char *search, int64_t trial, int rung,
                     const char *service, int fold)
{
    identify(id, digest, &(identity){"scored", search, service, trial, rung, fold, -1});
}

kt_status ledger_mark_event(ledger_mark *mark, const kt_json *event, kt_digest *digest, const char *where,
                            kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t all[KT_DIGEST_BYTES];
    const char *name = kt_json_as_text(kt_json_get(event, "event"), "");
    const event_kind *kind = kind_of(name);
    if (!kind)
        return kt_fail(err, KT_INPUT, "%s: no event \"%.40s\" is known", where, name);
    KT_TRY(check_fields(kind, event, where, err));
    mark->again = kind->again;
    mark->first = kind == kinds;
    identify(mark->id, digest,
             &(identity){kind->name, text(BIT(SEARCH), event, SEARCH), text(kind->which, event, SERVICE),
                         number(kind, event, TRIAL), number(kind, event, RUNG), number(kind, event, FOLD),
                         number(kind, event, PLACE)});
    for (int f = 0; f < FIELDS && status == KT_OK; f++)
        if ((kind->says | (kind->either & BIT(VALUE))) & BIT(f))
            status = add_value(digest, kt_json_get(event, fields[f].key), err);
    kt_digest_end(digest, all);
    memcpy(mark->says, all, LEDGER_SAYS);
out:
    return status;
}

/* ---- lines ---- */

enum { SUM = 16 };
static const char before_sum[] = ",\"sum\":\"", after_sum[] = "\"}", beginning[] = "{\"event\":\"";
enum { BEFORE = sizeof before_sum - 1, AFTER = sizeof after_sum - 1, TAIL = BEFORE + SUM + AFTER };

/* Of the n bytes and a closing brace. */
static void sum_of(char sum[KT_DIGEST_HEX], kt_digest *digest, const char *body, size_t n)
{
    uint8_t all[KT_DIGEST_BYTES];
    kt_digest_add(digest, body, n);
    kt_digest_add(digest, "}", 1);
    kt_digest_end(digest, all);
    kt_digest_hex(sum, all);
    sum[SUM] = '\0';
}

kt_status ledger_line(char **line, const kt_json *event, kt_digest *digest, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, sum[KT_DIGEST_HEX];
    *line = NULL;
    KT_TRY(kt_json_text(&text, event, 0, err));
    size_t body = strlen(text) - 1;
    sum_of(sum, digest, text, body);
    KT_TRY(kt_format(line, err, "%.*s%s%s%s\n", (int)body, text, before_sum, sum, after_sum));
out:
    free(text);
    return status;
}

/* n: without its newline. */
static bool is_whole(const char *line, size_t n, kt_digest *digest)
{
    char sum[KT_DIGEST_HEX];
    if (n < TAIL || memcmp(line, beginning, sizeof beginning - 1) != 0)
        return false;
    const char *tail = line + n - TAIL;
    sum_of(sum, digest, line, n - TAIL);
    return memcmp(tail, before_sum, BEFORE) == 0 && memcmp(tail + BEFORE, sum, SUM) == 0 &&
           memcmp(tail + BEFORE + SUM, after_sum, AFTER) == 0;
}

/* A line whose newline was lost has swallowed the one behind it. Within a text quotes are escaped. */
static bool holds_whole_line(const char *line, size_t n, kt_digest *digest)
{
    const char *at = line, *end = line + n;
    while (at < end && (at = memmem(at + 1, (size_t)(end - at - 1), beginning, sizeof beginning - 1)))
        if (is_whole(at, (size_t)(end - at), digest))
            return true;
    return false;
}

/* ---- reading ---- */

kt_status ledger_reader_open(ledger_reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_digest_create(&r->digest, err));
    r->file = fopen(r->path, "rbe");
    if (!r->file)
        KT_TRY(kt_fail_errno(err, KT_IO, "cannot open %s", r->path));
out:
    return status;
}

void ledger_reader_close(ledger_reader *r)
{
    if (r->file)
        fclose(r->file);
    free(r->line);
    kt_digest_destroy(r->digest);
}

/* The n bytes of the line read last are none. A writer that was killed leaves a last line that is cut, one
 * whose machine fell over may leave any bytes in its place. */
static kt_status pass_over(ledger_reader *r, size_t n, kt_error *err)
{
    bool ended = r->line[n - 1] == '\n';
    size_t text = n - ended;
    size_t known = text < sizeof beginning - 1 ? text : sizeof beginning - 1;
    if (r->number == 1 && memcmp(r->line, beginning, known) != 0)
        return kt_fail(err, KT_INPUT, "%s:1: is not the ledger of a sweep", r->path);
    if (ended && (getc(r->file) != EOF || holds_whole_line(r->line, text, r->digest)))
        return kt_fail(
            err, KT_INPUT,
            "%s:%zu: is damaged: its sum is not that of its text; restore the file from a copy, or "
            "start over with --fresh",
            r->path, r->number);
    r->torn = n;
    return KT_OK;
}

/* Of what a first line says; others say nothing. */
static kt_status check_version(const kt_json *event, const char *where, kt_error *err)
{
    int64_t version = kt_json_as_int(kt_json_get(event, fields[VERSION].key), 0);
    if (version <= KT_LEDGER_VERSION)
        return KT_OK;
    return kt_fail(err, KT_UNSUPPORTED, "%s: %s version %lld is newer than this program's %d", where,
                   KT_LEDGER_SCHEMA, (long long)version, KT_LEDGER_VERSION);
}

kt_status ledger_reader_next(kt_json **event, ledger_mark *mark, ledger_reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *made = NULL;
    char where[600];
    *event = NULL;
    errno = 0;
    ssize_t got = getline(&r->line, &r->capacity, r->file);
    if (got < 0)
        return feof(r->file) && !ferror(r->file) ? KT_OK
                                                 : kt_fail_errno(err, KT_IO, "cannot read %s", r->path);
    size_t n = (size_t)got;
    r->number++;
    snprintf(where, sizeof where, "%.500s:%zu", r->path, r->number);
    if (r->line[n - 1] != '\n' || !is_whole(r->line, n - 1, r->digest))
        return pass_over(r, n, err);
    KT_TRY(kt_json_parse(&made, r->line, n - 1, where, err));
    KT_TRY(ledger_mark_event(mark, made, r->digest, where, err));
    if (mark->first != (r->number == 1))
        KT_TRY(kt_fail(err, KT_INPUT, "%s: a ledger begins with the event \"%s\", and has it once", where,
                       kinds[0].name));
    KT_TRY(check_version(made, where, err));
    r->end += n;
    *event = made;
    made = NULL;
out:
    kt_json_drop(made);
    return status;
}
