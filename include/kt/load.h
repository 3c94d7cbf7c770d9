/* Open-loop load: requests sent at times drawn beforehand, whatever became of those before.
 *
 * Due times are a Poisson process (or constant gaps) from a seed, on the monotonic clock; latency counts from
 * the due time. libcurl's multi interface, connections reused, at most `most` at a time: what waits longer
 * than 1 ms for a slot is late. Each request carries a W3C traceparent whose trace id follows from the seed
 * and its number. */
#ifndef KT_LOAD_H
#define KT_LOAD_H

#include "kt/error.h"
#include "kt/options.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { KT_ARRIVALS_POISSON, KT_ARRIVALS_CONSTANT } kt_arrivals;
#define KT_ARRIVALS_CHOICES "poisson|constant"

typedef struct {
    const char *url, *method, *body; /* body NULL: none */
    size_t n_headers;
    const char *const *headers; /* "Name: value" */
    const char *ca_file;
    double rate;      /* requests per second */
    int64_t requests; /* or 0 */
    double seconds;   /* or 0 */
    double timeout_s; /* of a request, from when it was sent */
    int most;         /* at a time */
    kt_arrivals arrivals;
    uint64_t seed, stream; /* stream: the cell's number */
    /* Asked at least each 50 ms: true ends the load, what is under way is waited for. NULL: never. */
    bool (*stop)(void *context);
    void (*progress)(void *context, int64_t sent, int64_t done, int64_t errors);
    void *context;
} kt_load_options;

/* What became of a request. */
typedef struct {
    int64_t due, sent, done; /* ns since 1970 */
    int status;              /* HTTP, or 0 */
    int error;               /* index into kt_load_error_text; 0: none */
    uint8_t trace[16];
} kt_load_request;
extern const char *const kt_load_error_text[]; /* "", "http 5xx", "time-out", "refused", ... */

/* Caller frees *requests: in order of due times; those not sent (stopped before) are left out. */
kt_status kt_load_run(kt_load_request **requests, size_t *n, const kt_load_options *options, kt_error *err);

/* Due times of n requests from `start` on, ns. */
void kt_load_schedule(int64_t *due, size_t n, int64_t start, const kt_load_options *options);

#endif
