/* HTTP requests over libcurl, whose header only io/http.c (and trace/load.c, which has a loop of its own)
 * sees.
 *
 * Redirects are not followed: a login page must not pass for an answer. TLS is checked. Replies are asked for
 * compressed and held whole in memory, up to a number of bytes. Passwords and tokens are sent, never printed:
 * messages name the URL without its user part and without its query. */
#ifndef KT_HTTP_H
#define KT_HTTP_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    /* "http://host:port/base/path": what requests begin with; a user part is sent as basic authentication */
    const char *url;
    const char *bearer;  /* token of the Authorization header, or NULL */
    const char *ca_file; /* PEM; NULL: the system's */
    const char *proxy;   /* as curl takes it ("socks5h://127.0.0.1:1080"); NULL: what the environment says */
    const char
        *connect_to; /* "host:port" that is connected to in place of the URL's, whose name stays; or NULL */
    size_t n_headers;
    const char *const *headers; /* "Name: value" */
    double connect_s, idle_s;   /* seconds until connected; without a byte until given up */
    size_t most_bytes;          /* of a reply, unpacked */
    int retries;                /* after the first try */
    double wait_s, longest_s; /* pause before the second try, doubled for each further one, and its largest */
    /* Asked of a reply whose status calls for another try: true, it is an answer all the same. NULL: none is.
     */
    bool (*final)(int status, const char *body);
    /* A retry that will be made, and why; NULL: not told. */
    void (*note)(void *context, const char *line);
    /* Asked at least once a second while waiting: true ends the request with KT_STOPPED; NULL: never. */
    bool (*stop)(void *context);
    void *context;
} kt_http_options;
extern const kt_http_options kt_http_presets;

typedef struct kt_http kt_http; /* connections to one server; one request at a time */

typedef struct {
    int status;        /* HTTP status */
    char *body;        /* n bytes and a NUL */
    size_t n;          /* bytes, unpacked */
    bool cut;          /* the reply was over most_bytes: body holds nothing of use */
    char *location;    /* where a redirect leads, without a user part; or NULL */
    int retries;       /* tries before this one */
    uint64_t received; /* bytes over the network */
} kt_http_reply;

/* options are copied. KT_USAGE for a URL or a header that is none. */
kt_status kt_http_create(kt_http **http, const kt_http_options *options, kt_error *err);
void kt_http_destroy(kt_http *http); /* takes NULL */

/* GET url + path. Tries again on 408, 429 and 5xx other than 501 and 505 (Retry-After is kept to, up to
 * longest_s), on connections that broke, on bodies that ended early or are empty (of status 200); a host that
 * is not found or refuses is tried again once it has answered before: a wrong address is told at once. Pauses
 * have jitter: half of their length is random. KT_OK for any status that a server gave in the end, KT_IO with
 * the URL where none came (host, proxy and TLS named). reply: zeroed or cleared; the caller clears it. */
kt_status kt_http_get(kt_http_reply *reply, kt_http *http, const char *path, kt_error *err);
void kt_http_reply_clear(kt_http_reply *reply);

/* text as a value in a query, percent-encoded (RFC 3986). Caller frees. */
kt_status kt_http_escape(char **out, const char *text, kt_error *err);

/* url without its user part and without a '/' at its end, for people. Caller frees. */
kt_status kt_http_display(char **out, const char *url, kt_error *err);

const char *kt_http_library(void); /* "7.88.1": libcurl's version */

#endif
