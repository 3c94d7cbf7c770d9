#include "roots.h"

#include "tracestate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const kt_span *span_of(const kt_names *names, const kt_visit *visit)
{
    return &names->spans->span[visit->span];
}

static bool same_trace(const kt_names *names, const kt_visit *a, const kt_visit *b)
{
    return memcmp(span_of(names, a)->trace, span_of(names, b)->trace, sizeof span_of(names, a)->trace) == 0;
}

/* Visits that have spans of their own stand first, trace by trace. The end of the trace that begins at
 * `first`. */
static size_t trace_end(const kt_visits *visits, const kt_names *names, size_t first)
{
    size_t next = first + 1;
    while (next < visits->n && !visits->visit[next].peer &&
           same_trace(names, &visits->visit[first], &visits->visit[next]))
        next++;
    return next;
}

/* ---- the entry ---- */

/* The service where most traces begin, the first in byte order where several have as many. */
static kt_status guess_entry(uint32_t *entry, const kt_visits *visits, const kt_names *names, kt_error *err)
{
    kt_status status = KT_OK;
    size_t *traces = NULL;
    *entry = KT_NONE;
    KT_TRY(kt_alloc(&traces, names->n, sizeof *traces, err));
    for (size_t i = 0; i < visits->n && !visits->visit[i].peer; i = trace_end(visits, names, i))
        traces[visits->visit[visits->visit[i].top].service]++;
    for (uint32_t s = 0; s < names->n; s++) {
        if (traces[s] == 0)
            continue;
        if (*entry == KT_NONE || traces[s] > traces[*entry] ||
            (traces[s] == traces[*entry] && strcmp(names->name[s], names->name[*entry]) < 0))
            *entry = s;
    }
    if (*entry == KT_NONE)
        status =
            kt_fail(err, KT_INPUT, "%zu spans, none of them of kind SERVER or CONSUMER: there are no rows",
                    names->spans->n);
out:
    free(traces);
    return status;
}

static kt_status find_entry(uint32_t *entry, const kt_visits *visits, const kt_names *names, const char *name,
                            kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(guess_entry(entry, visits, names, err));
    if (!name)
        return KT_OK;
    uint32_t guessed = *entry;
    *entry = kt_names_find(names, name);
    if (*entry != KT_NONE)
        return KT_OK;
    const char *nearest = kt_nearest(name, names->name, names->n);
    return kt_fail(err, KT_USAGE, "the entry '%s' sends no spans; %s '%s'", name,
                   nearest ? "did you mean" : "most traces begin at",
                   nearest ? nearest : names->name[guessed]);
out:
    return status;
}

/* ---- operations ---- */

static bool has(const kt_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->n; i++)
        if (strcmp(texts->text[i], text) == 0)
            return true;
    return false;
}

static const char *operation_of(const kt_names *names, const kt_visit *visit)
{
    return names->spans->text[span_of(names, visit)->operation];
}

static bool is_wanted(const kt_requests_options *o, const char *operation)
{
    return (o->operations->n == 0 || has(o->operations, operation)) && !has(o->other_operations, operation);
}

/* An operation that no tree at the entry begins with is a slip of the pen. */
static kt_status check_operations(const kt_requests *requests, const kt_visits *visits, const kt_names *names,
                                  const kt_texts *texts, const char *option, kt_error *err)
{
    enum { MOST = 256 };
    const char *seen[MOST];
    for (size_t k = 0; k < texts->n; k++) {
        size_t n = 0;
        bool found = false;
        for (size_t i = 0; i < visits->n && !found; i++) {
            const kt_visit *v = &visits->visit[i];
            if (v->top != i || v->service != requests->entry)
                continue;
            const char *operation = operation_of(names, v);
            found = strcmp(operation, texts->text[k]) == 0;
            if (n < MOST && (n == 0 || strcmp(seen[n - 1], operation) != 0))
                seen[n++] = operation;
        }
        const char *nearest = found ? NULL : kt_nearest(texts->text[k], seen, n);
        if (!found)
            return kt_fail(err, KT_USAGE, "%s %s: no request at '%s' is called so%s%s%s", option,
                           texts->text[k], names->name[requests->entry], nearest ? "; did you mean '" : "",
                           nearest ? nearest : "", nearest ? "'?" : "");
    }
    return KT_OK;
}

/* ---- requests ---- */

static int by_start(const void *a, const void *b)
{
    const kt_request *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->visit > y->visit) - (x->visit < y->visit);
}

static kt_status collect(kt_requests *requests, kt_visits *visits, const kt_names *names,
                         const kt_requests_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = 0;
    for (size_t i = 0; i < visits->n; i++)
        n += visits->visit[i].top == i && visits->visit[i].service == requests->entry;
    KT_TRY(kt_alloc(&requests->request, n, sizeof *requests->request, err));
    for (size_t i = 0; i < visits->n; i++) {
        const kt_visit *v = &visits->visit[i];
        if (v->top == i && v->service == requests->entry && is_wanted(options, operation_of(names, v)))
            requests->request[requests->n++] = (kt_request){v->start, (uint32_t)i, KT_NONE};
    }
    qsort(requests->request, requests->n, sizeof *requests->request, by_start);
    for (size_t r = 0; r < requests->n; r++)
        visits->visit[requests->request[r].visit].request = (uint32_t)r;
    if (requests->n == 0)
        status = kt_fail(err, KT_USAGE, "no trace begins at the entry '%s'", names->name[requests->entry]);
out:
    return status;
}

/* The first request of visits [first, next) of one trace. */
static uint32_t first_request(const kt_visits *visits, size_t first, size_t next)
{
    uint32_t request = KT_NONE;
    for (size_t i = first; i < next; i++)
        if (visits->visit[i].request < request) /* KT_NONE is the largest */
            request = visits->visit[i].request;
    return request;
}

static void hand_down(kt_visits *visits, kt_visit *v, uint32_t of_trace, uint32_t entry)
{
    const kt_visit *top = &visits->visit[v->top];
    v->request = top->request;
    if (v->request == KT_NONE && top->orphan && top->service != entry)
        v->request = of_trace;
    if (v->request == KT_NONE)
        v->fate = top->service == entry ? KT_FATE_OTHER_OPERATION : KT_FATE_OTHER_ROOT;
}

static void distribute(const kt_requests *requests, kt_visits *visits, const kt_names *names)
{
    size_t first = 0;
    for (size_t next; first < visits->n && !visits->visit[first].peer; first = next) {
        next = trace_end(visits, names, first);
        uint32_t of_trace = first_request(visits, first, next);
        for (size_t i = first; i < next; i++)
            if (visits->visit[i].top != i)
                hand_down(visits, &visits->visit[i], of_trace, requests->entry);
        for (size_t i = first; i < next; i++)
            if (visits->visit[i].top == i)
                hand_down(visits, &visits->visit[i], of_trace, requests->entry);
    }
    for (size_t i = first; i < visits->n; i++) {
        const kt_visit *top = &visits->visit[visits->visit[i].top];
        visits->visit[i].request = top->request;
        if (top->request == KT_NONE)
            visits->visit[i].fate = top->fate;
    }
}

/* The share of traces that a tracer kept, as its sampler's tags or the tracestate say; NAN: not all, unknown
 * how many. */
static double share_of(const kt_spans *spans, const kt_span *span, uint32_t type_key, uint32_t value_key,
                       uint32_t state_key)
{
    const char *type = spans->text[kt_tag_text(spans, span, type_key)];
    if (strcmp(type, "ratelimiting") == 0 || strcmp(type, "lowerbound") == 0)
        return NAN;
    if (strcmp(type, "probabilistic") != 0)
        return kt_tracestate_share(spans->text[kt_tag_text(spans, span, state_key)]);
    double value = strtod(spans->text[kt_tag_text(spans, span, value_key)], NULL);
    return value > 0 ? fmin(value, 1) : NAN;
}

/* What the requests' roots say; NAN also where they do not say the same. */
static double sampled_share(const kt_requests *requests, const kt_visits *visits, const kt_names *names)
{
    const kt_spans *spans = names->spans;
    uint32_t type_key = kt_spans_find_text(spans, "sampler.type");
    uint32_t value_key = kt_spans_find_text(spans, "sampler.param");
    uint32_t state_key = kt_spans_find_text(spans, KT_TRACESTATE_TAG);
    double share = 1;
    for (size_t r = 0; r < requests->n && (type_key | state_key) != 0; r++) {
        const kt_span *span = span_of(names, &visits->visit[requests->request[r].visit]);
        double one = share_of(spans, span, type_key, value_key, state_key);
        if (isnan(one) || (one < 1 && share < 1 && one != share))
            return NAN;
        share = one < 1 ? one : share;
    }
    return share;
}

kt_status kt_requests_find(kt_requests *requests, kt_visits *visits, const kt_names *names,
                           const kt_requests_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(find_entry(&requests->entry, visits, names, options->entry, err));
    KT_TRY(check_operations(requests, visits, names, options->operations, "--operation", err));
    KT_TRY(check_operations(requests, visits, names, options->other_operations, "--exclude-operation", err));
    KT_TRY(collect(requests, visits, names, options, err));
    distribute(requests, visits, names);
    requests->sampled = sampled_share(requests, visits, names);
out:
    return status;
}

void kt_requests_clear(kt_requests *requests)
{
    free(requests->request);
    *requests = (kt_requests){.n = 0};
}

/* ---- where trees begin ---- */

typedef struct {
    uint32_t service, operation;
    bool requests;
    size_t n;
} root;

static int by_place(const void *a, const void *b)
{
    const root *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->operation != y->operation)
        return x->operation < y->operation ? -1 : 1;
    return x->requests - y->requests;
}

static int by_number(const void *a, const void *b)
{
    const root *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return by_place(a, b);
}

static size_t count_roots(root *roots, const kt_visits *visits, const kt_names *names)
{
    size_t n = 0, kinds = 0;
    for (size_t i = 0; i < visits->n; i++)
        if (visits->visit[i].top == i)
            roots[n++] = (root){visits->visit[i].service, span_of(names, &visits->visit[i])->operation,
                                visits->visit[i].request != KT_NONE, 1};
    qsort(roots, n, sizeof *roots, by_place);
    for (size_t i = 0; i < n; i++) {
        if (kinds > 0 && by_place(&roots[kinds - 1], &roots[i]) == 0)
            roots[kinds - 1].n++;
        else
            roots[kinds++] = roots[i];
    }
    qsort(roots, kinds, sizeof *roots, by_number);
    return kinds;
}

kt_json *kt_roots_json(const kt_visits *visits, const kt_names *names)
{
    enum { MOST = 20 };
    root *roots = NULL;
    if (kt_grow(&roots, visits->n, sizeof *roots, NULL) != KT_OK)
        return NULL;
    size_t n = count_roots(roots, visits, names), rest = 0;
    kt_json *list = kt_json_array();
    for (size_t i = 0; i < n; i++) {
        if (i >= MOST) {
            rest += roots[i].n;
            continue;
        }
        kt_json *one = kt_json_object();
        kt_json_put(one, "service", kt_json_string(names->name[roots[i].service]));
        kt_json_put(one, "operation", kt_json_string(names->spans->text[roots[i].operation]));
        kt_json_put(one, "roots", kt_json_int((int64_t)roots[i].n));
        kt_json_put(one, "requests", kt_json_bool(roots[i].requests));
        kt_json_append(list, one);
    }
    if (rest > 0) {
        kt_json *one = kt_json_put(kt_json_object(), "roots", kt_json_int((int64_t)rest));
        kt_json_append(list, kt_json_put(one, "kinds", kt_json_int((int64_t)(n - MOST))));
    }
    free(roots);
    return list;
}
