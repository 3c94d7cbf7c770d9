/* Questions to a Jaeger, by its v1 or v3 API, and what its answers mean. What a server says in words is part
 * of messages. */
#ifndef KT_TRACE_API_H
#define KT_TRACE_API_H

#include "kt/http.h"
#include "kt/jaeger.h"
#include "kt/spans.h"

typedef struct {
    kt_http *http;
    char *server; /* for messages */
    int version;  /* 1 or 3 */
    int limit;    /* traces of an answer; halved where the server calls it too large */
    const kt_jaeger_options *jaeger;
} kt_api;

/* version 0: v3 where /api/v3/services answers, else v1. KT_INPUT where neither does, with what was seen.
 * jaeger: borrowed. */
kt_status kt_api_open(kt_api *api, const kt_http_options *http, int version, int limit,
                      const kt_jaeger_options *jaeger, kt_error *err);
void kt_api_close(kt_api *api);

/* Names in byte order; caller frees each and the array. */
kt_status kt_api_services(char ***names, size_t *n, kt_api *api, kt_error *err);

typedef struct {
    size_t traces; /* in the answer */
    size_t bytes;  /* of it, where it was not cut */
    bool full;     /* there may be more: as many traces as were asked for, or too many bytes to be taken */
} kt_api_answer;

/* The whole traces with a span of `service` that starts in [since, until] (ns; the v1 API has whole us).
 * spans: initialised. */
kt_status kt_api_window(kt_spans *spans, kt_api_answer *answer, kt_api *api, const char *service,
                        int64_t since, int64_t until, kt_error *err);

/* One trace by its id; no spans where the server has none. */
kt_status kt_api_trace(kt_spans *spans, kt_api *api, const uint8_t id[16], kt_error *err);

#endif
