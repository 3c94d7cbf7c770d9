/* What the sources of a pull share: pull_begin.c says what is asked for, pull.c asks, pull_check.c asks
 * again, certificate.c tells. */
#ifndef KT_TRACE_PULL_PRIVATE_H
#define KT_TRACE_PULL_PRIVATE_H

#include "api.h"
#include "kt/json.h"
#include "kt/pull.h"
#include "part.h"
#include "seen.h"

enum { PULL_LEAST = 1000 /* ns of a window: bounds of the v1 API are whole microseconds */ };

typedef struct {
    int64_t since, until;
} pull_window;

typedef struct {
    const kt_pull_options *options;
    char *server; /* for people */
    kt_api api;
    kt_part part;
    char **services; /* whole names */
    size_t n_services;
    int64_t since, until;
    int began_with_limit; /* of the process that began the pull */
    size_t service;       /* being asked for */
    int64_t cursor;       /* up to there its traces have come */
    int64_t width;        /* ns of the next window */
    uint64_t splits;      /* windows from the cursor on that were full */
    kt_seen seen;
    kt_json *windows; /* of the certificate */
    uint64_t asked, halved, reread, spans, tags, sampled_below_1;
    uint64_t checked;  /* windows that were asked for again in halves */
    uint64_t left_out; /* traces that only the halves brought */
    size_t full;       /* windows that could not be halved any more */
} pull;

/* What `path` holds where it is the end of this very pull, else nothing; KT_BUSY where it is anything else
 * that is not to be replaced. part: its path.part; where that is there, a pull goes on, whatever `path` is.
 */
kt_status pull_find_finished(kt_pull_result *result, const pull *p, const char *path, const char *part,
                             kt_error *err);

/* Services and range: what the options say, or what a pull that goes on began with. Opens the API, after all
 * that can be refused without it. */
kt_status pull_begin(pull *p, kt_error *err);

/* What a window of the service brought, now or before. *record: new reference, NULL on failure. */
kt_status pull_fetch(kt_json **record, pull *p, const pull_window *window, kt_error *err);

/* Does the server leave traces out of replies that are not full? Asks for the fullest windows once more, in
 * halves: whatever these bring besides was left out. */
kt_status pull_check(pull *p, kt_error *err);

/* The options that the file depends on. New reference. */
kt_json *pull_describe(const pull *p);

/* Whole microseconds: a start between two of them is found by neither. */
int64_t pull_floor_us(int64_t time);

/* The certificate as JSON (new reference), and its verdict. lacking: traces without one of the named
 * services. */
kt_json *pull_certificate(kt_pull_verdict *verdict, const pull *p, uint64_t lacking, uint64_t rootless);

#endif
