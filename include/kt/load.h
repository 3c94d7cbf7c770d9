/* Open-loop load: requests sent at times drawn beforehand, whatever became of those before.
 *
 * Due times are a Poisson process (or constant gaps) from a seed, kept to by the monotonic clock; latency
 * counts from the due time, so that a server that stalls is seen by every request that it kept waiting.
 * HTTP/1.1 over libcurl's multi interface in the calling thread, connections reused, at most `most` requests
 * at a time: one that is due while all are taken waits for a slot, and is marked. Each request carries a W3C
 * traceparent whose ids follow from the seed, the cell and its number. No proxy is used and no redirect
 * followed: both would be measured. The caller ignores SIGPIPE. */
#ifndef KT_LOAD_H
#define KT_LOAD_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/spans.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { KT_ARRIVALS_POISSON, KT_ARRIVALS_CONSTANT } kt_arrivals;
#define KT_ARRIVALS_CHOICES "poisson|constant"

typedef enum { KT_LOAD_GO, KT_LOAD_FINISH, KT_LOAD_DROP } kt_load_order;

typedef struct {
    const char *url, *method; /* http or https; a user part is sent as basic auth */
    const char *body;         /* NULL: none */
    size_t n_headers;
    const char *const *headers; /* "Name: value" */
    const char *ca_file;        /* PEM; NULL: the system's */

    kt_arrivals arrivals;
    double rate;                 /* requests per second */
    int64_t requests;            /* measured ones, or 0 */
    double seconds;              /* measured ones are due within, or 0 */
    double warmup_s, cooldown_s; /* further load before and after, not measured */
    uint64_t seed;
    uint32_t cell, attempt; /* ids differ by both, due times by the cell alone */

    int most;         /* requests at a time */
    double timeout_s; /* of a request, from when it was sent */
    double give_up_s; /* the load ends when the server answered none of them for so long */

    /* Asked at least each 50 ms: KT_LOAD_FINISH sends no more and waits for what is under way, KT_LOAD_DROP
     * does not wait. NULL: never. */
    kt_load_order (*stop)(void *context);
    /* Told ten times a second; NULL: not told. */
    void (*progress)(void *context, size_t sent, size_t done, size_t errors);
    void *context;
} kt_load_options;

/* What may go wrong with a request: name in files, what it means */
#define KT_LOAD_ERROR_LIST(X)                                                                                \
    X(NONE, "")                                                                                              \
    X(HTTP_3XX, "http-3xx") /* a redirect, which is not followed */                                          \
    X(HTTP_4XX, "http-4xx")                                                                                  \
    X(HTTP_5XX, "http-5xx")                                                                                  \
    X(HOST, "host-unknown")                                                                                  \
    X(REFUSED, "refused")                                                                                    \
    X(UNREACHABLE, "unreachable")                                                                            \
    X(TLS, "tls")                                                                                            \
    X(TIMEOUT, "timeout")                                                                                    \
    X(BROKEN, "broken")   /* the connection ended before the answer did */                                   \
    X(LOCAL, "local")     /* this machine has no descriptors or ports left */                                \
    X(DROPPED, "dropped") /* under way when the load was ended */                                            \
    X(OTHER, "other")

typedef enum {
#define X(name, text) KT_LOAD_##name,
    KT_LOAD_ERROR_LIST(X)
#undef X
        KT_LOAD_ERRORS
} kt_load_error;
extern const char *const kt_load_error_text[KT_LOAD_ERRORS];

typedef enum { KT_LOAD_MEASURED, KT_LOAD_WARMUP, KT_LOAD_COOLDOWN } kt_load_phase;
extern const char *const kt_load_phase_text[];

/* A request and what became of it. sent is noted once it is with its connection: never too early. */
typedef struct {
    int64_t due, sent, done; /* ns since 1970; of a schedule: due from its begin, the others 0 */
    int32_t status;          /* of HTTP, or 0 */
    uint8_t error, phase;
    bool waited; /* over 1 ms after it was due, because no slot was free */
    uint8_t trace[16];
} kt_load_request;

/* How a load ended: all was sent, stopped by order, the server was gone, or all was sent and none of it had
 * an answer. */
typedef enum { KT_LOAD_ALL, KT_LOAD_STOPPED, KT_LOAD_GONE, KT_LOAD_UNANSWERED } kt_load_end;

typedef struct {
    kt_load_request *request; /* [n] by due time; those that were not sent are left out */
    size_t n, planned;
    kt_load_end end;
    char reason[256]; /* KT_LOAD_GONE, KT_LOAD_UNANSWERED: what the last failure was */
} kt_load_result;

/* KT_USAGE for a URL that is none, a scheme other than http and https, a header that is no line. */
kt_status kt_load_check(const kt_load_options *options, kt_error *err);

/* result: zeroed; the caller clears it. Errors are those of this machine (memory, descriptors): what servers
 * do is in the requests. */
kt_status kt_load_run(kt_load_result *result, const kt_load_options *options, kt_error *err);
void kt_load_result_clear(kt_load_result *result);

/* The requests with their due times from the begin, phases and trace ids. With a number of requests and no
 * warm-up the first is due at once; otherwise the first gap is drawn like all others. Caller frees. */
kt_status kt_load_schedule(kt_load_request **requests, size_t *n, const kt_load_options *options,
                           kt_error *err);

/* The ids of request `number` (from 0). Neither is ever zero. */
void kt_load_ids(uint8_t trace[16], uint8_t span[8], const kt_load_options *options, size_t number);

/* ---- what is written about a load ---- */

/* st,ttr,rid as the original's log: when it was sent (Unix seconds), seconds from when it was due to its
 * reply, its number from 1; then status, error, trace_id, due (Unix seconds), cell, phase. */
#define KT_LOAD_CSV_HEADER "st,ttr,rid,status,error,trace_id,due,cell,phase\n"
kt_status kt_load_write(const char *path, const kt_load_result *result, uint32_t cell, kt_error *err);
/* The requests of n such files as one. Both are atomic. */
kt_status kt_load_join(const char *path, const char *const *parts, size_t n, kt_error *err);

/* Figures of the measured requests, as a cell of a manifest (kt/manifest.h) has them: start_us (the first was
 * due) and end_us (the last reply; with a cool-down: its begin), first_us and last_us the same with warm-up
 * and cool-down; n; rps_achieved = those after the first by the time from when the first was due to when the
 * last was sent (rps_drawn: to when it was due, which differs by chance from what was asked for); errors and
 * errors_by_kind; late (sent over 1 ms after due) and max_late_ms; waited; reply_*_ms of those without error.
 * New reference. */
kt_json *kt_load_figures(const kt_load_result *result);

/* Which requests of a requests.csv have a trace among spans (finished: kt/spans.h). One that was not answered
 * may have reached no server; it counts only where it was found. */
typedef struct {
    uint64_t requests, answered, found, answered_missing;
    char
        missing[200]; /* the first of those that were answered and not found: "cell 0: 3 17; cell 1: 5 ..." */
} kt_load_found;
kt_status kt_load_find(kt_load_found *found, const char *path, const kt_spans *spans, kt_error *err);

#endif
