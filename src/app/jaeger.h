/* How a user names a Jaeger and what is wanted of it: options that several programs have, and the pull that
 * they ask for. */
#ifndef KT_APP_JAEGER_H
#define KT_APP_JAEGER_H

#include "kt/options.h"
#include "kt/pull.h"

typedef struct {
    const char *url, *since, *until, *token_file, *tenant, *tenant_header, *ca_file, *proxy, *ssh,
        *ssh_forward, *backend;
    int api;
    int64_t limit, most_mb, retries;
    double settle;
} jaeger_wishes;

/* Options of a jaeger_wishes: the server, and the range of time; each ends in a row without a name. */
extern const kt_option jaeger_table[], jaeger_range_table[];

typedef struct {
    const jaeger_wishes *wishes;
    const char *path; /* the spans file to write */
    size_t n_services;
    const char *const *services;
    const char *const *tags;    /* NULL-terminated: kept besides the usual ones; NULL: none */
    double sampling;            /* 0: as the spans' tags say */
    bool fresh, replace;        /* as in kt/pull.h */
    const kt_file_guard *guard; /* kt/pull.h */
    void (*note)(void *context, const char *line); /* retries; NULL: not told */
    void (*progress)(void *context, double done_s, double all_s, uint64_t traces, uint64_t spans);
    bool (*stop)(void *context);
    void *context;
} jaeger_job;

/* Opens a tunnel where one is wished, pulls, closes it. The token comes from its file or from
 * KT_JAEGER_TOKEN. */
kt_status jaeger_pull(kt_pull_result *result, const jaeger_job *job, kt_error *err); /* result: zeroed */

#endif
