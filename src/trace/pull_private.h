/* What the sources of a pull share: pull_begin.c says what is asked for, pull.c asks, certificate.c tells. */
#ifndef KT_TRACE_PULL_PRIVATE_H
#define KT_TRACE_PULL_PRIVATE_H

#include "api.h"
#include "kt/json.h"
#include "kt/pull.h"
#include "part.h"
#include "seen.h"

typedef struct {
    size_t service; /* index */
    int64_t since, until;
} pull_window;

typedef struct {
    const kt_pull_options *options;
    kt_api api;
    kt_part part;
    char **services; /* whole names */
    size_t n_services;
    int64_t since, until;
    pull_window *stack; /* still to be asked, the next one last */
    size_t n_stack, capacity;
    kt_seen seen;
    kt_json *windows; /* of the certificate */
    uint64_t asked, halved, reread, spans, tags, sampled_below_1;
    size_t full; /* windows that could not be halved any more */
} pull;

/* Services and range: what the options say, or what a pull that goes on began with. */
kt_status pull_begin(pull *p, kt_error *err);

/* Whole microseconds: a start between two of them is found by neither. */
int64_t pull_floor_us(int64_t time);

/* The certificate as JSON (new reference), and its verdict. lacking: traces without one of the named
 * services. */
kt_json *pull_certificate(kt_pull_verdict *verdict, const pull *p, uint64_t lacking, uint64_t rootless);

#endif
