/* HTTP requests over libcurl, whose header only io/http.c (and trace/load.c, which has a loop of its own)
 * sees.
 *
 * Redirects are not followed: a login page must not pass for an answer. TLS is checked. Replies are asked for
 * compressed and held whole in memory, up to a number of bytes. Passwords and tokens are sent, never printed:
 * messages name the URL without its user part and query values of no use to people are kept short. */
#ifndef KT_HTTP_H
#define KT_HTTP_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char
        *url; /* "http://host:port/base/path"; what requests begin with; a user part is sent as basic auth */
    const char *bearer;  /* token of the Authorization header, or NULL */
    const char *ca_file; /* PEM; NULL: the system's */
    const char *proxy;   /* as curl takes it ("socks5h://127.0.0.1:1080"); NULL: what the environment says */
    size_t n_headers;
    const char *const *headers; /* "Name: value" */
    double connect_s, idle_s;   /* seconds until connected; without a byte until given up */
    size_t most_bytes;          /* of a reply, unpacked */
    int retries;                /* after the first try */
    double wait_s,
        longest_s; /* pause before the second try, doubled each time with jitter, and its largest value */
    /* A retry that will be made, and why; NULL: not told. */
    void (*note)(void *context, const char *line);
    /* Asked between tries and while waiting: true ends the request with KT_STOPPED; NULL: never. */
    bool (*stop)(void *context);
    void *context;
} kt_http_options;
extern const kt_http_options kt_http_presets;

typedef struct kt_http kt_http; /* connections to one server; one request at a time */

typedef struct {
    int status; /* HTTP status */
    char *body; /* n bytes and a NUL */
    size_t n;
    bool cut;          /* the reply was over most_bytes: body holds nothing of use */
    int retries;       /* tries before this one */
    uint64_t received; /* bytes over the network */
} kt_http_reply;

/* options are copied. */
kt_status kt_http_create(kt_http **http, const kt_http_options *options, kt_error *err);
void kt_http_destroy(kt_http *http);

/* GET url + path. Tries again on 408, 429 (Retry-After is kept to, up to longest_s), 500, 502, 503, 504, on
 * connections that were refused or broke and bodies that ended early. KT_OK for any status that a server gave
 * in the end, KT_IO with the URL where none came (host, TLS and proxy named). reply: zeroed or cleared; the
 * caller clears it. */
kt_status kt_http_get(kt_http_reply *reply, kt_http *http, const char *path, kt_error *err);
void kt_http_reply_clear(kt_http_reply *reply);

/* text as a value in a query, percent-encoded. Caller frees. */
kt_status kt_http_escape(char **out, const char *text, kt_error *err);

/* url without its user part, for people. Caller frees. */
kt_status kt_http_display(char **out, const char *url, kt_error *err);

#endif
