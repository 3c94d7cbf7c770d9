#include "status.h"

#include <string.h>
#include <strings.h>

static void set_kind(kt_span *span, const char *value)
{
    for (int kind = KT_SPAN_INTERNAL; kind <= KT_SPAN_CONSUMER; kind++)
        if (strcasecmp(value, kt_span_kind_text[kind]) == 0) {
            span->kind = (uint8_t)kind;
            span->flags &= (uint8_t)~KT_SPAN_NO_KIND;
        }
}

static void set_failed(kt_span *span, bool failed)
{
    if (failed)
        span->flags |= KT_SPAN_FAILED;
}

/* "error" is true, or says which error it was. */
static void see_error(kt_span *span, const char *value)
{
    set_failed(span, *value != '\0' && strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0);
}

static void see_otel(kt_span *span, const char *value)
{
    set_failed(span, strcasecmp(value, "ERROR") == 0);
}

static void see_http(kt_span *span, const char *value)
{
    set_failed(span, value[0] == '5' && strlen(value) == 3);
}

/* Codes by which OpenTelemetry's conventions call a server's span an error; the others answer the caller, as
 * HTTP's 4xx do. Names as they are written, and as languages write them. */
static void see_grpc(kt_span *span, const char *value)
{
    static const char *const failures[] = {"2",
                                           "UNKNOWN",
                                           "4",
                                           "DEADLINE_EXCEEDED",
                                           "12",
                                           "UNIMPLEMENTED",
                                           "13",
                                           "INTERNAL",
                                           "14",
                                           "UNAVAILABLE",
                                           "15",
                                           "DATA_LOSS",
                                           "DeadlineExceeded",
                                           "DataLoss"};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        set_failed(span, strcasecmp(value, failures[i]) == 0);
}

/* Envoy's: "-" for none. */
static void see_flags(kt_span *span, const char *value)
{
    set_failed(span, *value != '\0' && strcmp(value, "-") != 0);
}

const status_meaning status_meanings[STATUS_MEANINGS] = {
    {"span.kind", set_kind},
    {"error", see_error},
    {"otel.status_code", see_otel},
    {"status.code", see_otel},
    {"http.status_code", see_http},
    {"http.response.status_code", see_http},
    {"rpc.grpc.status_code", see_grpc},
    {"grpc.status_code", see_grpc},
    {"grpc.status", see_grpc},
    {"response_flags", see_flags},
};

void status_see(kt_span *span, const char *key, const char *value)
{
    for (size_t i = 0; i < STATUS_MEANINGS; i++)
        if (strcmp(status_meanings[i].key, key) == 0)
            status_meanings[i].see(span, value);
}
