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
#include "kt/http.h"
#include "kt/jaeger.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    kt_http_options http;
    int64_t since, until; /* ns since 1970 */
    double settle_s;      /* nothing younger than that is asked for */
    size_t n_services;    /* 0: all that the server lists */
    const char *const *services;
    int api;           /* 0: probed; 1, 3 */
    int limit;         /* traces of a reply, 1..1500 */
    size_t most_bytes; /* of a reply; one over it is halved */
    double window_s;   /* the first windows' length; 0: all at once */
    kt_jaeger_options jaeger;
    double sampling; /* share of requests that are traced, or 0: as the spans' tags say */
    /* progress: seconds of the range done, traces and spans so far; NULL: not told */
    void (*progress)(void *context, double done_s, double all_s, uint64_t traces, uint64_t spans);
    void *context;
} kt_pull_options;
extern const kt_pull_options kt_pull_presets;

/* Verdict of the certificate. Stored as text. */
typedef enum { KT_PULL_COMPLETE, KT_PULL_INCOMPLETE, KT_PULL_UNKNOWN } kt_pull_verdict;

/* Asks until all is there, then writes `path` (kt-spans) atomically and removes path.part. A path.part of the
 * same server, services and range is gone on with, another one's is KT_BUSY with the difference. What was
 * collected stays in path.part on failure. The certificate is in the file's papers: for each window asked,
 * returned, limit, splits, re-reads; what was without root; whether the backend may lose traces silently;
 * verdict and reason. */
kt_status kt_pull_run(kt_pull_verdict *verdict, const char *path, const kt_pull_options *options,
                      kt_error *err);

#endif
