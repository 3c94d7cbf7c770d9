/* A pull: all traces of services in a span of time, from a running Jaeger, with proof that they are all.
 *
 * Replies say nothing of what they leave out: one with as many traces as were asked for may be short. So each
 * window of time is halved, both halves sharing the boundary, until replies are not full; traces are told
 * apart by id. The end is held back by a settle time; traces without a root are asked for again by id. Each
 * window's spans are appended to a file of checksummed records as they come; a pull that was killed goes on
 * where it was. */
#ifndef KT_PULL_H
#define KT_PULL_H

#include "kt/error.h"
#include "kt/file.h"
#include "kt/http.h"
#include "kt/jaeger.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    kt_http_options http;
    int64_t since, until; /* ns since 1970; a pull that goes on keeps those that it began with */
    const char *range; /* how the user said them ("1h..now"): the same words go on with a pull, whatever time
                          it has become; NULL: since and until do */
    double settle_s;   /* nothing younger than that is asked for: until is brought forward */
    size_t n_services; /* names, or unique short ones; 0: all that the server lists */
    const char *const *services;
    int api;   /* 0: probed; 1, 3 */
    int limit; /* traces of a reply, at least 1 */
    const char
        *backend; /* storage of the server where the user knows it; "cassandra" loses traces silently */
    kt_jaeger_options jaeger;
    double sampling;            /* share of requests that are traced; 0: as the spans' tags say */
    bool fresh;                 /* give up what an earlier pull left, replace what a finished one wrote */
    bool replace;               /* also without fresh: a finished file of another pull */
    const kt_file_guard *guard; /* asked before each record and before path gets its name; NULL: not */
    /* progress: seconds of the range done of all, traces and spans so far; NULL: not told */
    void (*progress)(void *context, double done_s, double all_s, uint64_t traces, uint64_t spans);
    void *context;
} kt_pull_options;
extern const kt_pull_options kt_pull_presets;

/* Verdict of the certificate. Stored as text. unknown: all windows were complete, but the server may not have
 * all. */
typedef enum { KT_PULL_COMPLETE, KT_PULL_INCOMPLETE, KT_PULL_UNKNOWN } kt_pull_verdict;
extern const char *const kt_pull_verdict_text[];

typedef struct {
    kt_pull_verdict verdict;
    char *certificate; /* JSON; caller frees */
    bool before;       /* path was there, the end of the same pull: the server was not asked */
} kt_pull_result;

/* Asks until all is there, then writes `path` (kt-spans) atomically and removes path.part. What was collected
 * stays in path.part on failure. A path.part of the same options is gone on with, a finished `path` of them
 * is left as it is; what another pull left is KT_BUSY with the difference. The options that count are those
 * that change the file's spans or its verdict: server, API, services, range, settle time, tags, sampling,
 * backend. A path that can never be written is told before the server is asked. KT_INPUT where a service is
 * not there (the nearest is named) or no trace is in the range; KT_STOPPED where http.stop said so.
 *
 * The certificate is in the file's papers: server, api, range, services; each window with its limit, how
 * many traces were returned, whether that was all, and how many halvings led to it; questions, halvings
 * and traces asked for again by id; windows asked for once more in halves and the traces that only these
 * brought; traces without one root, or without one of the services that were named; verdict and reason. Of
 * two pulls of the same traces it is the same, killed or not. result: zeroed. */
kt_status kt_pull_run(kt_pull_result *result, const char *path, const kt_pull_options *options,
                      kt_error *err);

#endif
