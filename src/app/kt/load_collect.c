#include "load_collect.h"

#include "kt/campaign.h"
#include "kt/file.h"
#include "kt/json.h"
#include "kt/spans.h"
#include "kt/when.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { NAP_NS = 100000000, MARGIN_NS = 1000000000 };
#define LINE_NS INT64_C(15000000000)

static bool live(const load_collect *what)
{
    return !what->quiet && isatty(STDERR_FILENO) == 1;
}

static void wipe(const load_collect *what)
{
    if (live(what))
        fputs("\r\033[K", stderr);
}

static void note(void *context, const char *line)
{
    wipe(context);
    fprintf(stderr, "%s\n", line);
}

static void show(void *context, double done_s, double all_s, uint64_t traces, uint64_t spans)
{
    wipe(context);
    if (live(context))
        fprintf(stderr, "pull: %.0f %%, %" PRIu64 " traces, %" PRIu64 " spans",
                all_s > 0 ? 100 * done_s / all_s : 100., traces, spans);
    fflush(stderr);
}

/* From when the first request was due to the last reply, warm-up and cool-down included, ns. */
static kt_status read_range(int64_t *first, int64_t *last, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *manifest = NULL;
    KT_TRY(kt_json_read(&manifest, path, err));
    const kt_json *cells = kt_json_get(manifest, "cells");
    *first = INT64_MAX;
    *last = 0;
    for (size_t i = 0; i < kt_json_size(cells); i++) {
        const kt_json *cell = kt_json_at(cells, i);
        int64_t start = kt_json_as_int(kt_json_get(cell, "start_us"), 0);
        int64_t end = kt_json_as_int(kt_json_get(cell, "end_us"), 0);
        start = kt_json_as_int(kt_json_get(cell, "first_us"), start);
        end = kt_json_as_int(kt_json_get(cell, "last_us"), end);
        *first = start * 1000 < *first ? start * 1000 : *first;
        *last = end * 1000 > *last ? end * 1000 : *last;
    }
    if (*last == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no cell was run, so that there is nothing to collect", path));
out:
    kt_json_drop(manifest);
    return status;
}

static kt_status wait_until(const load_collect *what, int64_t time, kt_error *err)
{
    const struct timespec nap = {0, NAP_NS};
    int64_t told = INT64_MAX; /* without a terminal: a line now and then */
    for (int64_t left; (left = time - kt_when_now()) > 0;) {
        if (what->stop && what->stop(NULL))
            return kt_fail(err, KT_STOPPED,
                           "stopped before the traces were collected; the same command collects them");
        if (live(what))
            fprintf(stderr, "\r\033[Kspans settle: %.0f s left", (double)left * 1e-9);
        else if (!what->quiet && told - left >= LINE_NS) {
            fprintf(stderr, "spans settle: %.0f s left\n", (double)left * 1e-9);
            told = left;
        }
        nanosleep(&nap, NULL);
    }
    wipe(what);
    return KT_OK;
}

static kt_json *to_json(const kt_load_found *found, kt_pull_verdict verdict)
{
    kt_json *traces = kt_json_object();
    kt_json_put(traces, "verdict", kt_json_string(kt_pull_verdict_text[verdict]));
    kt_json_put(traces, "requests", kt_json_int((int64_t)found->requests));
    kt_json_put(traces, "answered", kt_json_int((int64_t)found->answered));
    kt_json_put(traces, "found", kt_json_int((int64_t)found->found));
    kt_json_put(traces, "answered_missing", kt_json_int((int64_t)found->answered_missing));
    return kt_json_put(traces, "missing", kt_json_string(found->missing));
}

static kt_status report(const load_collect *what, const char *spans_path, const char *requests,
                        kt_pull_verdict verdict, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans spans = {.n = 0};
    kt_spans_papers papers = {.certificate = NULL};
    kt_load_found found;
    KT_TRY(kt_spans_read(&spans, &papers, spans_path, err));
    KT_TRY(kt_load_find(&found, requests, &spans, err));
    KT_TRY(kt_campaign_add(what->folder, "traces", to_json(&found, verdict), err));
    if (!what->quiet)
        fprintf(what->json ? stderr : stdout, /* stdout has the summary as one document */
                "%s: %zu spans, certificate %s; %" PRIu64 " of %" PRIu64
                " requests found by their trace id\n",
                spans_path, spans.n, kt_pull_verdict_text[verdict], found.found, found.requests);
    if (found.answered_missing > 0)
        fprintf(stderr, "%" PRIu64 " requests were answered but have no trace: %s\n", found.answered_missing,
                found.missing);
out:
    kt_spans_papers_clear(&papers);
    kt_spans_clear(&spans);
    return status;
}

kt_status load_collect_run(const load_collect *what, kt_error *err)
{
    kt_status status = KT_OK;
    char *manifest = NULL, *requests = NULL, *spans = NULL;
    char since[KT_WHEN_TEXT], until[KT_WHEN_TEXT];
    int64_t first, last;
    kt_pull_result result = {.certificate = NULL};
    jaeger_wishes wishes = *what->jaeger;
    KT_TRY(kt_path_join(&manifest, what->folder, KT_CAMPAIGN_MANIFEST, err));
    KT_TRY(kt_path_join(&requests, what->folder, KT_CAMPAIGN_REQUESTS, err));
    KT_TRY(kt_path_join(&spans, what->folder, "spans.h5", err));
    KT_TRY(read_range(&first, &last, manifest, err));
    KT_TRY(wait_until(what, last + MARGIN_NS + (int64_t)(wishes.settle * 1e9), err));
    kt_when_text(since, first - MARGIN_NS);
    kt_when_text(until, last + MARGIN_NS);
    wishes.since = since;
    wishes.until = until;
    jaeger_job job = {.wishes = &wishes,
                      .path = spans,
                      .n_services = what->entry ? 1 : 0,
                      .services = &what->entry,
                      .fresh = what->fresh,
                      .replace = true, /* the folder is this load's, which may have more cells by now */
                      .note = what->quiet ? NULL : note,
                      .progress = show,
                      .stop = what->stop,
                      .context = (void *)what};
    status = jaeger_pull(&result, &job, err);
    wipe(what);
    KT_TRY(status);
    KT_TRY(report(what, spans, requests, result.verdict, err));
out:
    free(manifest);
    free(requests);
    free(spans);
    free(result.certificate);
    return status;
}
