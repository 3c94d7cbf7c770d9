/* Spans to rows: one row for each visit of a request to a service, with its processing time, delay, load and
 * cell.
 *
 * Words (see README): a row is a SERVER or CONSUMER span of a service, the outer one where two of the same
 * service nest. A call is an outermost CLIENT span below it, reached through INTERNAL spans of the same
 * service. Processing time = length of [max(start, freed), end] minus the union of the row's calls clipped to
 * that interval; freed = when its worker became free. Every span read is in exactly one line of the account.
 * O(n log n) in spans. */
#ifndef KT_CLEAN_H
#define KT_CLEAN_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/manifest.h"
#include "kt/options.h"
#include "kt/samples.h"
#include "kt/spans.h"
#include <stddef.h>

typedef struct {
    const char *entry;                       /* service; NULL: that of most roots */
    const char *service_from;                /* NULL: the process's; "tag:KEY" */
    kt_texts pod_from;                       /* tag keys in order; n = 0: the usual ones */
    kt_texts operations, exclude_operations; /* of the entry's roots */
    int external, errors;                    /* indices into the choices below */
    double warmup_s, cooldown_s;             /* cut from each cell's ends */
    int queue;                               /* index into KT_QUEUE_CHOICES */
    kt_texts workers;                        /* "C" or "SERVICE=C" */
    int rps_of;
    const char *rps_eff; /* "auto", "cell", "rows:N", "window:SECONDS", "group8" */
    bool keep_overload;
    kt_texts rep;    /* "SERVICE=N" */
    double sampling; /* share of requests that are traced; 0: as tags and the manifest tell */
    int target;      /* kt_target_choice */
} kt_clean_settings;
#define KT_EXTERNAL_CHOICES "keep|drop|service"
#define KT_ERRORS_CHOICES   "drop|keep"
#define KT_QUEUE_CHOICES    "auto|fifo|none"
#define KT_RPS_OF_CHOICES   "entry|service"

/* Options of the cleaning as a table of rows for kt_options, to be put into a program's own: fields lie at
 * `base` in its struct. Caller frees. */
kt_status kt_clean_options(kt_option **rows, size_t *n, size_t base, kt_error *err);

/* spans: finished. manifest: n = 0 where there is none. samples: zeroed; the caller clears it. report: JSON
 * (new reference): the account, and by service its queue rule and figures, pods, replicas, visits, delays,
 * flags; it is also the samples' provenance. note: choices and warnings, one line each. */
kt_status kt_clean_run(kt_samples *samples, kt_json **report, const kt_spans *spans,
                       const kt_manifest *manifest, const kt_clean_settings *settings,
                       void (*note)(void *context, const char *line), void *context, kt_error *err);

/* The cleaned form of the original scripts (kt/csv.h): atomic; further visits of a trace as further lines
 * with the other services' cells blank; kt_csv_read gives the same rows of each service. */
kt_status kt_clean_csv(const char *path, const kt_samples *samples, kt_error *err);

#endif
