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

/* Options of the cleaning, a part for kt_options_join: offsets in kt_clean_settings; all are of class RESULT.
 * `target` is not among them: programs have it. */
extern const kt_option kt_clean_table[];

/* The rows of a set of spans, request by request. */
typedef struct kt_cleaned kt_cleaned;

/* spans: finished; borrowed, as is the manifest, until destroy. manifest: n = 0 where there is none. note:
 * choices and warnings, one line each; NULL: not told. KT_USAGE for settings that name what is not there,
 * KT_INPUT where no row is left. */
kt_status kt_clean_make(kt_cleaned **cleaned, const kt_spans *spans, const kt_manifest *manifest,
                        const kt_clean_settings *settings, void (*note)(void *context, const char *line),
                        void *context, kt_error *err);
void kt_cleaned_destroy(kt_cleaned *cleaned); /* takes NULL */

/* JSON, borrowed: the account (its lines sum to `spans`), and by service and cell what was found and chose:
 * queue rule and its figures, pods, replicas, visits, delays, drops, flags. Times in seconds, those of cells
 * since the first request. */
const kt_json *kt_cleaned_report(const kt_cleaned *cleaned);

/* Features rps_eff, rep; y = processing time, and delay where that is part of the target; rows in the order
 * of requests. The report is their `cleaning`. samples: zeroed; the caller clears it. */
kt_status kt_cleaned_samples(kt_samples *samples, const kt_cleaned *cleaned, kt_error *err);

/* The cleaned form of the original scripts (kt/csv.h): atomic; further visits of a request as further lines
 * with the other services' cells blank. kt_csv_read, asked for the same target, makes samples of the same
 * digests of it. */
kt_status kt_cleaned_csv(const char *path, const kt_cleaned *cleaned, kt_error *err);

/* Every visit of a request as a line of CSV, rows or not: trace_id, span_id, service, pod, cell (its label),
 * start (us since 1970), wait, proc_time, delay (seconds; blank: not known), self_time (as Jaeger's page
 * shows it), rps_eff, rep, fate. Atomic. */
kt_status kt_cleaned_visits(const char *path, const kt_cleaned *cleaned, kt_error *err);

/* All of it: make, samples, and *report (new reference). */
kt_status kt_clean_run(kt_samples *samples, kt_json **report, const kt_spans *spans,
                       const kt_manifest *manifest, const kt_clean_settings *settings,
                       void (*note)(void *context, const char *line), void *context, kt_error *err);

#endif
