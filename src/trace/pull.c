#include "pull_private.h"

#include "kt/when.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOGETHER = 32, /* traces asked for by id */
    MOST_FULL = 20 /* windows that could not be halved any more */
};
#define FIRST_WIDTH INT64_C(10000000000) /* ns of the first window */

const kt_pull_options kt_pull_presets = {.settle_s = 30, .limit = 1000};

static bool is_stopped(const pull *p)
{
    return p->options->http.stop && p->options->http.stop(p->options->http.context);
}

static void tell(const pull *p)
{
    const kt_pull_options *o = p->options;
    double range = (double)(p->until - p->since) * 1e-9, done = range * (double)p->service;
    if (p->service < p->n_services)
        done += (double)(p->cursor - p->since) * 1e-9;
    if (o->progress)
        o->progress(o->context, done, range * (double)p->n_services, p->seen.n, p->spans);
}

/* ---- windows ---- */

/* Counts what a record holds, as it is asked for and as it is read again. */
static kt_status count(pull *p, kt_spans *spans, bool final, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_seen_take(&p->seen, spans, final, err));
    uint32_t param = kt_spans_find_text(spans, "sampler.param");
    for (size_t i = 0; param && i < spans->n; i++) {
        const char *share = kt_span_tag_value(spans, &spans->span[i], param);
        p->sampled_below_1 += share && atof(share) < 1;
    }
out:
    return status;
}

static void add_totals(pull *p, const kt_spans *spans)
{
    p->spans += spans->n;
    for (size_t i = 0; i < spans->n; i++)
        p->tags += spans->span[i].n_tags;
}

/* Traces of a set in canonical order whose first span starts in the window. */
static int64_t count_begun(const kt_spans *spans, const pull_window *w)
{
    int64_t n = 0;
    for (size_t i = 0; i < spans->n; i++)
        n += (i == 0 || memcmp(spans->span[i - 1].trace, spans->span[i].trace, 16) != 0) &&
             spans->span[i].start >= w->since;
    return n;
}

static kt_json *window_json(const pull *p, const pull_window *w, const kt_api_answer *answer, int64_t began)
{
    kt_json *json = kt_json_object();
    kt_json_put(json, "service", kt_json_string(p->services[p->service]));
    kt_json_put(json, "since", kt_json_int(w->since));
    kt_json_put(json, "until", kt_json_int(w->until));
    kt_json_put(json, "limit", kt_json_int(p->api.limit));
    kt_json_put(json, "returned", kt_json_int((int64_t)answer->traces));
    kt_json_put(json, "splits", kt_json_int((int64_t)p->splits));
    kt_json_put(json, "began", kt_json_int(began));
    kt_json_put(json, "bytes", kt_json_int((int64_t)answer->bytes));
    return kt_json_put(json, "full", kt_json_bool(answer->full));
}

/* The next window is to bring a quarter to three quarters of what a reply may hold, by count and by bytes. By
 * powers of two, so that a few bytes more or less make no other windows. Only traces that began in the window
 * count: those that last long come in every one, however narrow. */
static void learn(pull *p, const pull_window *w, const kt_json *record, bool full)
{
    double returned = (double)kt_json_as_int(kt_json_get(record, "returned"), 0);
    double began = (double)kt_json_as_int(kt_json_get(record, "began"), 0);
    double bytes = (double)kt_json_as_int(kt_json_get(record, "bytes"), 0) * began / fmax(returned, 1);
    double used = full ? 1 : fmax(began / p->api.limit, bytes / (double)p->options->http.most_bytes);
    double factor = used <= 0.125 ? 4 : used <= 0.25 ? 2 : used <= 0.75 ? 1 : 0.5;
    double width = fmin((double)(w->until - w->since) * factor, (double)(p->until - p->since));
    p->width = pull_floor_us((int64_t)fmax(width, PULL_LEAST));
}

/* Done: on to the next window. Or to be halved: the next one is its first half. Windows share their boundary,
 * since both ends of one count. */
static kt_status settle(pull *p, const pull_window *w, kt_json *record, kt_error *err)
{
    bool full = kt_json_as_bool(kt_json_get(record, "full"), false);
    p->asked++;
    if (full && w->until - w->since > PULL_LEAST) {
        int64_t half = pull_floor_us((w->until - w->since) / 2);
        p->width = half > PULL_LEAST ? half : PULL_LEAST;
        p->halved++;
        p->splits++;
        return KT_OK;
    }
    learn(p, w, record, full);
    p->full += full;
    p->splits = 0;
    p->cursor = w->until;
    kt_json_append(p->windows, kt_json_keep(record));
    if (p->full < MOST_FULL)
        return KT_OK;
    return kt_fail(
        err, KT_INPUT,
        "%s: replies of %d traces stay full however narrow the window: so many last long; start over with a "
        "larger --limit or --most-mb (--fresh)",
        p->server, p->api.limit);
}

static kt_status ask(kt_json **record, pull *p, const pull_window *w, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans spans = {.n = 0};
    kt_api_answer answer;
    KT_TRY(kt_spans_init(&spans, err));
    KT_TRY(kt_api_window(&spans, &answer, &p->api, p->services[p->service], w->since, w->until, err));
    if (answer.full && w->until - w->since > PULL_LEAST)
        spans.n = 0; /* its halves bring them again */
    KT_TRY(kt_spans_finish(&spans, err));
    int64_t began = count_begun(&spans, w);
    KT_TRY(count(p, &spans, false, err));
    add_totals(p, &spans);
    *record = window_json(p, w, &answer, began);
    KT_TRY(kt_part_add(&p->part, kt_json_keep(*record), &spans, err));
out:
    kt_spans_clear(&spans);
    return status;
}

/* One record of an earlier process in place of a question; NULL: there is none. */
static kt_status replay(kt_json **record, pull *p, const pull_window *w, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans spans = {.n = 0};
    KT_TRY(kt_part_next(record, &spans, &p->part, err));
    if (!*record)
        goto out;
    const char *service = kt_json_as_text(kt_json_get(*record, "service"), "");
    if (strcmp(service, p->services[p->service]) != 0 ||
        kt_json_as_int(kt_json_get(*record, "since"), 0) != w->since ||
        kt_json_as_int(kt_json_get(*record, "until"), 0) != w->until)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: its records do not follow each other; --fresh gives them up",
                       p->part.path));
    int limit = (int)kt_json_as_int(kt_json_get(*record, "limit"), p->api.limit);
    if (limit < p->began_with_limit && limit < p->api.limit)
        p->api.limit = limit; /* more was too much for the server */
    add_totals(p, &spans);
    KT_TRY(count(p, &spans, false, err));
out:
    kt_spans_clear(&spans);
    return status;
}

kt_status pull_fetch(kt_json **record, pull *p, const pull_window *w, kt_error *err)
{
    kt_status status = KT_OK;
    *record = NULL;
    if (is_stopped(p))
        KT_TRY(kt_fail(err, KT_STOPPED, "stopped; the same command goes on with %s", p->part.path));
    KT_TRY(replay(record, p, w, err));
    if (!*record)
        KT_TRY(ask(record, p, w, err));
out:
    if (status != KT_OK) {
        kt_json_drop(*record);
        *record = NULL;
    }
    return status;
}

static kt_status ask_windows(pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    p->width = FIRST_WIDTH;
    for (p->service = 0; p->service < p->n_services; p->service++) {
        for (p->cursor = p->since; p->cursor < p->until;) {
            kt_json *record;
            pull_window w = {p->cursor, p->until};
            if (w.until - w.since > p->width)
                w.until = w.since + p->width;
            KT_TRY(pull_fetch(&record, p, &w, err));
            status = settle(p, &w, record, err);
            kt_json_drop(record);
            KT_TRY(status);
            tell(p);
        }
    }
out:
    return status;
}

/* ---- doubtful traces ---- */

static kt_status ask_again(pull *p, const uint32_t *trace, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans spans = {.n = 0};
    KT_TRY(kt_spans_init(&spans, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(kt_api_trace(&spans, &p->api, p->seen.trace[trace[i]].id, err));
    KT_TRY(kt_spans_finish(&spans, err));
    KT_TRY(count(p, &spans, true, err));
    add_totals(p, &spans);
    KT_TRY(
        kt_part_add(&p->part, kt_json_put(kt_json_object(), "reread", kt_json_int((int64_t)n)), &spans, err));
out:
    kt_spans_clear(&spans);
    return status;
}

static kt_status ask_doubtful(uint64_t *rootless, pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *trace = NULL;
    size_t n = 0;
    KT_TRY(kt_seen_doubtful(&trace, &n, &p->seen, err));
    for (size_t at = 0; at < n; at += TOGETHER) {
        kt_json *record = NULL;
        kt_spans spans = {.n = 0};
        size_t some = n - at < TOGETHER ? n - at : TOGETHER;
        if (is_stopped(p))
            KT_TRY(kt_fail(err, KT_STOPPED, "stopped; the same command goes on with %s", p->part.path));
        status = kt_part_next(&record, &spans, &p->part, err);
        add_totals(p, &spans);
        if (status == KT_OK)
            status = record ? count(p, &spans, true, err) : ask_again(p, trace + at, some, err);
        kt_json_drop(record);
        kt_spans_clear(&spans);
        KT_TRY(status);
        p->reread += some;
        tell(p);
    }
    *rootless = 0;
    for (size_t i = 0; i < p->seen.n; i++)
        *rootless += p->seen.trace[i].doubtful;
out:
    free(trace);
    return status;
}

/* ---- the end ---- */

/* Notes for each trace which of the named services it has. */
static void note_services(uint64_t *has, const pull *p, const kt_spans *spans)
{
    for (size_t i = 0; i < spans->n; i++) {
        const char *service = spans->text[spans->process[spans->span[i].process].service];
        for (size_t s = 0; s < p->options->n_services && s < 64; s++)
            if (strcmp(service, p->services[s]) == 0)
                has[kt_seen_place(&p->seen, spans->span[i].trace)] |= UINT64_C(1) << s;
    }
}

/* writer NULL: only the services are noted. */
static kt_status each_record(kt_spans_writer *writer, uint64_t *has, pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    bool more = true;
    KT_TRY(kt_part_rewind(&p->part, err));
    while (more) {
        kt_json *record = NULL;
        kt_spans spans = {.n = 0};
        status = kt_part_next(&record, &spans, &p->part, err);
        more = record != NULL;
        if (status == KT_OK && spans.n > 0 && has)
            note_services(has, p, &spans);
        if (status == KT_OK && spans.n > 0 && writer)
            status = kt_spans_writer_add(writer, &spans, err);
        kt_json_drop(record);
        kt_spans_clear(&spans);
        KT_TRY(status);
    }
out:
    return status;
}

static kt_status count_lacking(uint64_t *lacking, pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t *has = NULL;
    size_t n = p->options->n_services < 64 ? p->options->n_services : 64;
    uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    *lacking = 0;
    if (n < 2)
        return KT_OK;
    KT_TRY(kt_alloc(&has, p->seen.n, sizeof *has, err));
    KT_TRY(each_record(NULL, has, p, err));
    for (size_t i = 0; i < p->seen.n; i++)
        *lacking += has[i] != all;
out:
    free(has);
    return status;
}

static kt_status write_spans(kt_pull_result *result, const char *path, pull *p, uint64_t rootless,
                             kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans_writer *writer = NULL;
    kt_json *certificate = NULL;
    uint64_t lacking;
    KT_TRY(count_lacking(&lacking, p, err));
    certificate = pull_certificate(&result->verdict, p, lacking, rootless);
    KT_TRY(kt_json_text(&result->certificate, certificate, 0, err));
    KT_TRY(kt_spans_writer_open(&writer, path, (size_t)p->spans, (size_t)p->tags, err));
    KT_TRY(each_record(writer, NULL, p, err));
    kt_spans_papers papers = {.certificate = result->certificate};
    status = kt_spans_writer_close(writer, &papers, p->options->guard, err);
    writer = NULL;
out:
    kt_spans_writer_discard(writer);
    kt_json_drop(certificate);
    return status;
}

static kt_status no_traces(const pull *p, kt_error *err)
{
    char from[KT_WHEN_TEXT], to[KT_WHEN_TEXT];
    kt_when_text(from, p->since);
    kt_when_text(to, p->until);
    return kt_fail(
        err, KT_INPUT,
        "%s: no trace of %s%s between %s and %s (servers that keep traces in memory hide all that are older "
        "than one span without a trace id)",
        p->server, p->services[0], p->n_services > 1 ? " and the other services" : "", from, to);
}

static void clear(pull *p, bool keep)
{
    if (p->part.path)
        kt_part_close(&p->part, keep);
    for (size_t i = 0; i < p->n_services; i++)
        free(p->services[i]);
    free(p->services);
    free(p->server);
    kt_seen_clear(&p->seen);
    kt_json_drop(p->windows);
    kt_api_close(&p->api);
}

kt_status kt_pull_run(kt_pull_result *result, const char *path, const kt_pull_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    pull p = {.options = options, .windows = kt_json_array()};
    char *part = NULL;
    bool keep = true;
    uint64_t rootless;
    assert(options->limit >= 1);
    KT_TRY(kt_format(&part, err, "%s.part", path));
    KT_TRY(kt_http_display(&p.server, options->http.url, err));
    KT_TRY(pull_find_finished(result, &p, path, part, err));
    if (result->before)
        goto out;
    KT_TRY(kt_part_open(&p.part, part, options->fresh, options->guard, err));
    KT_TRY(pull_begin(&p, err));
    KT_TRY(ask_windows(&p, err));
    KT_TRY(pull_check(&p, err));
    KT_TRY(ask_doubtful(&rootless, &p, err));
    if (p.spans == 0) {
        keep = false;
        KT_TRY(no_traces(&p, err));
    }
    KT_TRY(write_spans(result, path, &p, rootless, err));
    keep = false;
out:
    if (status != KT_OK) {
        free(result->certificate);
        *result = (kt_pull_result){.certificate = NULL};
    }
    clear(&p, keep);
    free(part);
    return status;
}
