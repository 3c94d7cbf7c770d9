/* Requests: the visits at the tops of trees that begin at the entry, and what belongs to them. */
#ifndef KT_TRACE_ROOTS_H
#define KT_TRACE_ROOTS_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/options.h"
#include "visits.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t start; /* ns */
    uint32_t visit;
    uint32_t cell; /* KT_NONE: in none */
} kt_request;

typedef struct {
    uint32_t entry; /* service */
    size_t n;
    kt_request *request; /* by start */
    double sampled; /* share of requests that are traced as tags say; 1: all, NAN: fewer, unknown how many */
} kt_requests;

typedef struct {
    const char *entry;                             /* NULL: the service of most roots */
    const kt_texts *operations, *other_operations; /* n = 0: all, none */
} kt_requests_options;

/* Sets request of visits, and the fates OTHER_ROOT and OTHER_OPERATION of those that have none. What has lost
 * its root in a trace belongs to the first request of it. requests: zeroed. KT_USAGE for an entry or an
 * operation that is not there (the nearest is named); KT_INPUT where no trace begins anywhere. */
kt_status kt_requests_find(kt_requests *requests, kt_visits *visits, const kt_names *names,
                           const kt_requests_options *options, kt_error *err);
void kt_requests_clear(kt_requests *requests);

/* Where trees begin: [{"service", "operation", "roots", "requests": bool}...], most first, the many with few
 * as one (new reference; NULL where memory is short). */
kt_json *kt_roots_json(const kt_visits *visits, const kt_names *names);

#endif
