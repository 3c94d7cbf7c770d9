#include "visits.h"

#include <stdlib.h>
#include <string.h>

/* What is known of each span [spans->n]: spans, or KT_NONE. Links that "follow from" are not climbed but for
 * `above`. */
typedef struct {
    kt_visits *visits;
    kt_names *names;
    kt_pods *pods;
    const kt_spans *spans;
    const kt_parents *tree;
    const kt_visits_options *options;
    uint32_t *anchor;      /* it or its nearest ancestor that is not INTERNAL */
    uint32_t *home;        /* the visit's span that a child of it works for */
    uint32_t *above;       /* the visit's span at or above it */
    uint32_t *outermost;   /* CLIENT: the outermost one of a chain of such */
    uint32_t *number;      /* of a visit's span: the visit */
    uint32_t *root;        /* of its tree */
    uint8_t *below_failed; /* a span below it failed */
    int64_t *answered;     /* outermost CLIENT: sum of the durations of visits that answer it */
    uint32_t *answers;     /* and their number */
} finder;

static uint32_t up(const finder *f, uint32_t i)
{
    return f->spans->span[i].flags & KT_SPAN_FOLLOWS ? KT_NONE : f->tree->parent[i];
}

/* The nearest ancestor that is not INTERNAL. */
static uint32_t near(const finder *f, uint32_t i)
{
    uint32_t parent = up(f, i);
    return parent == KT_NONE ? KT_NONE : f->anchor[parent];
}

static bool is_kind(const finder *f, uint32_t i, uint8_t kind)
{
    return i != KT_NONE && f->spans->span[i].kind == kind;
}

static uint32_t place_serving(const finder *f, uint32_t i, uint32_t ancestor)
{
    bool nested = ancestor != KT_NONE && kt_span_serves(&f->spans->span[ancestor]) &&
                  f->names->service[ancestor] == f->names->service[i];
    return nested ? f->home[ancestor] : i;
}

static uint32_t place_internal(const finder *f, uint32_t i)
{
    uint32_t parent = up(f, i);
    uint32_t home = parent == KT_NONE ? KT_NONE : f->home[parent];
    return home != KT_NONE && f->names->service[home] == f->names->service[i] ? home : KT_NONE;
}

/* Parents first. */
static void climb(finder *f)
{
    for (size_t k = 0; k < f->tree->n; k++) {
        uint32_t i = f->tree->order[k], parent = f->tree->parent[i], ancestor = near(f, i);
        f->root[i] = parent == KT_NONE ? i : f->root[parent];
        f->above[i] = parent == KT_NONE ? KT_NONE : f->above[parent];
        f->anchor[i] = i;
        f->home[i] = KT_NONE;
        switch (f->spans->span[i].kind) {
        case KT_SPAN_SERVER:
        case KT_SPAN_CONSUMER:
            f->home[i] = f->above[i] = place_serving(f, i, ancestor);
            break;
        case KT_SPAN_CLIENT:
            f->outermost[i] = is_kind(f, ancestor, KT_SPAN_CLIENT) ? f->outermost[ancestor] : i;
            break;
        case KT_SPAN_INTERNAL:
            f->anchor[i] = ancestor;
            f->home[i] = place_internal(f, i);
            break;
        default:
            break;
        }
    }
    for (size_t k = f->tree->n; k-- > 0;) {
        uint32_t i = f->tree->order[k], parent = up(f, i);
        bool bad = f->below_failed[i] || f->spans->span[i].flags & KT_SPAN_FAILED;
        if (bad && parent != KT_NONE)
            f->below_failed[parent] = 1;
    }
}

/* ---- visits ---- */

static uint8_t first_fate(const finder *f, uint32_t i)
{
    if (f->options->keep_failed)
        return KT_FATE_ROW;
    if (f->spans->span[i].flags & KT_SPAN_FAILED)
        return KT_FATE_FAILED;
    return f->below_failed[i] ? KT_FATE_ABOVE_FAILED : KT_FATE_ROW;
}

static kt_visit new_visit(const finder *f, uint32_t i)
{
    const kt_span *span = &f->spans->span[i];
    return (kt_visit){
        .span = i,
        .service = f->names->service[i],
        .pod = KT_NONE,
        .top = f->number[i],
        .request = KT_NONE,
        .cell = KT_NONE,
        .start = span->start,
        .end = span->start + span->duration,
        .freed = KT_UNKNOWN,
        .delay = KT_UNKNOWN,
        .broker = KT_UNKNOWN,
        .fate = first_fate(f, i),
        .detached = span->kind == KT_SPAN_CONSUMER || span->flags & KT_SPAN_FOLLOWS,
        .bad_times = (span->flags & KT_SPAN_WRAPPED) != 0,
    };
}

static kt_status number_visits(finder *f, size_t room_for_peers, kt_error *err)
{
    kt_status status = KT_OK;
    kt_visits *v = f->visits;
    size_t n = 0;
    for (uint32_t i = 0; i < f->spans->n; i++)
        n += f->home[i] == i;
    KT_TRY(kt_alloc(&v->visit, n + room_for_peers, sizeof *v->visit, err));
    for (uint32_t i = 0; i < f->spans->n; i++) {
        if (f->home[i] != i)
            continue;
        f->number[i] = (uint32_t)v->n;
        kt_visit *visit = &v->visit[v->n++];
        *visit = new_visit(f, i);
        visit->orphan = f->spans->span[f->root[i]].parent != 0;
        KT_TRY(kt_pods_put(&visit->pod, f->pods, &f->spans->span[i], visit->service, err));
    }
    for (size_t k = 0; k < f->tree->n; k++) { /* parents first: their tops are known */
        uint32_t i = f->tree->order[k], parent = f->tree->parent[i];
        uint32_t above = parent == KT_NONE ? KT_NONE : f->above[parent];
        if (f->home[i] == i && above != KT_NONE)
            v->visit[f->number[i]].top = v->visit[f->number[above]].top;
    }
out:
    return status;
}

/* The outermost CLIENT span of the call that a visit answers, or KT_NONE. */
static uint32_t caller_of(const finder *f, uint32_t i)
{
    uint32_t ancestor = near(f, i);
    return is_kind(f, ancestor, KT_SPAN_CLIENT) ? f->outermost[ancestor] : KT_NONE;
}

static void measure_answers(finder *f)
{
    for (size_t k = 0; k < f->visits->n; k++) {
        uint32_t i = f->visits->visit[k].span, caller = caller_of(f, i);
        if (caller == KT_NONE)
            continue;
        const kt_span *span = &f->spans->span[i], *client = &f->spans->span[caller];
        f->answers[caller]++;
        f->answered[caller] += span->duration;
        f->visits->callee_outside +=
            span->start < client->start || span->start + span->duration > client->start + client->duration;
    }
}

/* What the network took of a call is shared by those who answered it (retries of a proxy). */
static void find_delays(finder *f)
{
    for (size_t k = 0; k < f->visits->n; k++) {
        kt_visit *visit = &f->visits->visit[k];
        const kt_span *span = &f->spans->span[visit->span];
        uint32_t parent = f->tree->parent[visit->span], caller = caller_of(f, visit->span);
        if (visit->detached) {
            if (is_kind(f, parent, KT_SPAN_PRODUCER))
                visit->broker = span->start - f->spans->span[parent].start - f->spans->span[parent].duration;
        } else if (caller != KT_NONE) {
            const kt_span *client = &f->spans->span[caller];
            if (!((span->flags | client->flags) & KT_SPAN_WRAPPED))
                visit->delay = (client->duration - f->answered[caller]) / (int64_t)f->answers[caller];
        }
    }
}

/* ---- calls ---- */

/* What becomes of a span that is no visit. */
static uint8_t line_of(const finder *f, uint32_t i)
{
    uint32_t parent = up(f, i), home = parent == KT_NONE ? KT_NONE : f->home[parent];
    switch (f->spans->span[i].kind) {
    case KT_SPAN_CLIENT:
        if (f->spans->span[i].flags & KT_SPAN_FOLLOWS)
            return KT_FATE_FOLLOWS;
        if (home == KT_NONE)
            return is_kind(f, near(f, i), KT_SPAN_CLIENT) ? KT_FATE_INNER_CALL : KT_FATE_STRAY;
        if (f->answers[i] > 0 || f->options->external == KT_EXTERNAL_SERVICE)
            return KT_FATE_CALL;
        return f->options->external == KT_EXTERNAL_DROP ? KT_FATE_EXTERNAL_DROPPED : KT_FATE_EXTERNAL_KEPT;
    case KT_SPAN_PRODUCER:
        return KT_FATE_PRODUCER;
    case KT_SPAN_INTERNAL:
        return f->home[i] == KT_NONE ? KT_FATE_STRAY : KT_FATE_INTERNAL;
    default:
        return KT_FATE_NESTED;
    }
}

/* The first that the span has. */
static const char *const peer_keys[] = {
    "peer.service",  "db.system.name",        "db.system", "messaging.system", "server.address",
    "net.peer.name", "upstream_cluster.name", "http.host", "upstream_cluster", "rpc.service"};
enum { PEER_KEYS = sizeof peer_keys / sizeof *peer_keys };

/* A CLIENT span of a service of its own (the driver of a database) names the peer by it. */
static uint32_t peer_of(const finder *f, const uint32_t *key, uint32_t i, uint32_t service)
{
    if (f->names->service[i] != service)
        return f->names->text[f->names->service[i]];
    for (size_t k = 0; k < PEER_KEYS; k++) {
        uint32_t text = kt_tag_text(f->spans, &f->spans->span[i], key[k]);
        if (text != 0)
            return text;
    }
    return f->spans->span[i].operation;
}

/* A call that nobody answered, of the visit `home`. */
static void note_external(finder *f, const uint32_t *key, const uint8_t *serves, uint32_t i, uint32_t home)
{
    kt_visits *v = f->visits;
    uint32_t service = v->visit[home].service;
    kt_external *e = &v->external[v->n_externals++];
    *e = (kt_external){.span = i, .visit = home, .peer = peer_of(f, key, i, service)};
    uint32_t known = f->names->number[e->peer];
    e->traced = known != KT_NONE && serves[known];
    if (f->options->external != KT_EXTERNAL_SERVICE || e->traced)
        return;
    kt_visit *peer = &v->visit[v->n];
    f->number[i] = (uint32_t)v->n++;
    *peer = new_visit(f, i);
    peer->service = kt_names_put(f->names, e->peer);
    peer->top = v->visit[home].top;
    peer->peer = true;
}

/* Lines of all spans; the visit that each call belongs to goes to number[], KT_NONE for others. Returns how
 * many calls count. */
static kt_status sort_calls(size_t *n_calls, finder *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_visits *v = f->visits;
    uint32_t key[PEER_KEYS];
    uint8_t *serves = NULL;
    KT_TRY(kt_alloc(&serves, f->spans->n_texts, sizeof *serves, err));
    for (size_t k = 0; k < v->n; k++)
        serves[v->visit[k].service] = 1;
    for (size_t k = 0; k < PEER_KEYS; k++)
        key[k] = kt_spans_find_text(f->spans, peer_keys[k]);
    *n_calls = 0;
    for (uint32_t i = 0; i < f->spans->n; i++) {
        if (f->home[i] == i)
            continue;
        v->line[i] = line_of(f, i);
        bool external = v->line[i] == KT_FATE_EXTERNAL_KEPT || v->line[i] == KT_FATE_EXTERNAL_DROPPED ||
                        (v->line[i] == KT_FATE_CALL && f->answers[i] == 0);
        if (v->line[i] != KT_FATE_CALL && !external)
            continue;
        uint32_t home = f->number[f->home[up(f, i)]];
        if (external)
            note_external(f, key, serves, i, home);
        if (v->line[i] == KT_FATE_EXTERNAL_KEPT)
            continue;
        v->visit[home].n_calls++;
        ++*n_calls;
    }
out:
    free(serves);
    return status;
}

static bool counts(const finder *f, uint32_t i)
{
    return f->home[i] != i &&
           (f->visits->line[i] == KT_FATE_CALL || f->visits->line[i] == KT_FATE_EXTERNAL_DROPPED);
}

static kt_status collect_calls(finder *f, size_t n_calls, kt_error *err)
{
    kt_status status = KT_OK;
    kt_visits *v = f->visits;
    KT_TRY(kt_alloc(&v->call, n_calls, sizeof *v->call, err));
    for (size_t k = 0; k < v->n; k++) {
        v->visit[k].first_call = v->n_calls;
        v->n_calls += v->visit[k].n_calls;
        v->visit[k].n_calls = 0;
    }
    for (uint32_t i = 0; i < f->spans->n; i++) { /* within a trace they come in the order of start */
        if (!counts(f, i))
            continue;
        const kt_span *span = &f->spans->span[i];
        kt_visit *visit = &v->visit[f->number[f->home[up(f, i)]]];
        kt_call *call = &v->call[visit->first_call + visit->n_calls++];
        *call = (kt_call){span->start, span->start + span->duration};
        v->call_outside += call->start < visit->start || call->end > visit->end;
        visit->bad_times |= (span->flags & KT_SPAN_WRAPPED) != 0;
    }
out:
    return status;
}

int64_t kt_calls_covered(const kt_call *call, size_t n, int64_t from, int64_t to)
{
    int64_t covered = 0;
    for (size_t k = 0; k < n && from < to; k++) {
        int64_t start = call[k].start > from ? call[k].start : from;
        int64_t end = call[k].end < to ? call[k].end : to;
        if (end <= start)
            continue;
        covered += end - start;
        from = end;
    }
    return covered;
}

/* ---- all of it ---- */

static kt_status make_room(finder *f, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = f->spans->n;
    uint32_t **each[] = {&f->anchor, &f->home, &f->above, &f->outermost, &f->number, &f->root, &f->answers};
    for (size_t k = 0; k < sizeof each / sizeof *each; k++)
        KT_TRY(kt_alloc(each[k], n, sizeof **each[k], err));
    KT_TRY(kt_alloc(&f->below_failed, n, sizeof *f->below_failed, err));
    KT_TRY(kt_alloc(&f->answered, n, sizeof *f->answered, err));
    KT_TRY(kt_alloc(&f->visits->line, n, sizeof *f->visits->line, err));
out:
    return status;
}

static void release(finder *f)
{
    free(f->anchor);
    free(f->home);
    free(f->above);
    free(f->outermost);
    free(f->number);
    free(f->root);
    free(f->answers);
    free(f->below_failed);
    free(f->answered);
}

kt_status kt_visits_find(kt_visits *visits, kt_names *names, kt_pods *pods, const kt_spans *spans,
                         const kt_parents *tree, const kt_visits_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    finder f = {
        .visits = visits, .names = names, .pods = pods, .spans = spans, .tree = tree, .options = options};
    size_t clients = 0, n_calls;
    KT_TRY(make_room(&f, err));
    for (size_t i = 0; i < spans->n; i++)
        clients += spans->span[i].kind == KT_SPAN_CLIENT;
    climb(&f);
    KT_TRY(number_visits(&f, options->external == KT_EXTERNAL_SERVICE ? clients : 0, err));
    KT_TRY(kt_alloc(&visits->external, clients, sizeof *visits->external, err));
    measure_answers(&f);
    find_delays(&f);
    KT_TRY(sort_calls(&n_calls, &f, err));
    KT_TRY(collect_calls(&f, n_calls, err));
out:
    release(&f);
    return status;
}

void kt_visits_clear(kt_visits *visits)
{
    free(visits->visit);
    free(visits->call);
    free(visits->external);
    free(visits->line);
    *visits = (kt_visits){.n = 0};
}
