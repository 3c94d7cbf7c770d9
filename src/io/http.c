#include "kt/http.h"

#include "http_private.h"
#include "kt/when.h"
#include <assert.h>
#include <curl/curl.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WISH_MS = 10 }; /* how often the caller is asked whether to go on */

struct kt_http {
    kt_http_options options; /* its texts are the copies below */
    char *url, *shown, *proxy, *shown_proxy, *ca_file;
    CURL *curl;
    CURLM *multi; /* has the connections */
    struct curl_slist *headers, *connect_to;
    char reason[CURL_ERROR_SIZE];
    kt_http_reply *reply; /* of the request under way */
    size_t capacity;      /* of its body */
    bool short_of_memory, stopped;
    bool answered;   /* the server is there */
    uint64_t random; /* state of the jitter */
};

const kt_http_options kt_http_presets = {.connect_s = 10,
                                         .idle_s = 60,
                                         .most_bytes = (size_t)1 << 30,
                                         .retries = 6,
                                         .wait_s = 0.5,
                                         .longest_s = 60};

/* ---- a handle ---- */

static size_t take(char *data, size_t size, size_t n, void *context)
{
    kt_http *http = context;
    kt_http_reply *reply = http->reply;
    n *= size;
    if (n > http->options.most_bytes - reply->n) {
        reply->cut = true;
        return 0; /* ends the transfer */
    }
    if (reply->n + n >= http->capacity) {
        size_t wanted = reply->n + n + reply->n / 2 + 4096;
        if (kt_grow(&reply->body, wanted, 1, NULL) != KT_OK) {
            http->short_of_memory = true;
            return 0;
        }
        http->capacity = wanted;
    }
    memcpy(reply->body + reply->n, data, n);
    reply->n += n;
    reply->body[reply->n] = '\0';
    return n;
}

static bool stop_asked(kt_http *http)
{
    if (!http->stopped && http->options.stop)
        http->stopped = http->options.stop(http->options.context);
    return http->stopped;
}

static int progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent)
{
    (void)total, (void)now, (void)up, (void)sent;
    return stop_asked(context); /* not 0 ends the transfer */
}

/* A line break would begin a header of its own. */
static kt_status add_header(kt_http *http, const char *line, kt_error *err)
{
    for (const char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return kt_fail(err, KT_USAGE, "a header or token holds the control character 0x%02X",
                           (unsigned)(unsigned char)*c);
    const char *colon = strchr(line, ':');
    if (!colon || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
        return kt_fail(err, KT_USAGE, "a header is no 'Name: value'");
    struct curl_slist *longer = curl_slist_append(http->headers, line);
    if (!longer)
        return kt_fail(err, KT_MEMORY, "out of memory for a request");
    http->headers = longer;
    return KT_OK;
}

static kt_status add_headers(kt_http *http, const kt_http_options *o, kt_error *err)
{
    kt_status status = KT_OK;
    char *line = NULL;
    if (o->bearer) {
        KT_TRY(kt_format(&line, err, "Authorization: Bearer %s", o->bearer));
        KT_TRY(add_header(http, line, err));
    }
    for (size_t i = 0; i < o->n_headers; i++)
        KT_TRY(add_header(http, o->headers[i], err));
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
out:
    free(line);
    return status;
}

/* Where connections go. A proxy that was asked for holds for every host, whatever NO_PROXY says. */
static kt_status set_route(kt_http *http, const kt_http_options *o, kt_error *err)
{
    kt_status status = KT_OK;
    char *route = NULL;
    if (o->proxy) {
        KT_TRY(kt_strdup(&http->proxy, o->proxy, err));
        KT_TRY(kt_http_display(&http->shown_proxy, o->proxy, err));
        curl_easy_setopt(http->curl, CURLOPT_PROXY, http->proxy);
        curl_easy_setopt(http->curl, CURLOPT_NOPROXY, "");
    }
    if (o->connect_to) {
        KT_TRY(kt_format(&route, err, "::%s", o->connect_to));
        http->connect_to = curl_slist_append(NULL, route);
        if (!http->connect_to)
            KT_TRY(kt_fail(err, KT_MEMORY, "out of memory for a request"));
        curl_easy_setopt(http->curl, CURLOPT_CONNECT_TO, http->connect_to);
        curl_easy_setopt(http->curl, CURLOPT_PROXY, "");
    }
    if (o->ca_file) {
        KT_TRY(kt_strdup(&http->ca_file, o->ca_file, err));
        if (access(o->ca_file, R_OK) != 0)
            KT_TRY(kt_fail_errno(err, KT_IO, "cannot read the certificates of %s", o->ca_file));
        curl_easy_setopt(http->curl, CURLOPT_CAINFO, http->ca_file);
    }
out:
    free(route);
    return status;
}

static void set_rest(kt_http *http, const kt_http_options *o)
{
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "kt-train/" KT_VERSION);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, lround(o->connect_s * 1e3));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, lround(ceil(o->idle_s)));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
}

kt_status kt_http_create(kt_http **http, const kt_http_options *o, kt_error *err)
{
    kt_status status = KT_OK;
    kt_http *made = NULL;
    *http = NULL;
    KT_TRY(kt_http_check_url(o->url, err));
    KT_TRY(kt_alloc(&made, 1, sizeof *made, err));
    made->options = *o;
    made->random = (uint64_t)kt_when_now() ^ ((uint64_t)getpid() << 40);
    KT_TRY(kt_strdup(&made->url, o->url, err));
    made->url[kt_http_trimmed(o->url)] = '\0';
    KT_TRY(kt_http_display(&made->shown, o->url, err));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(made->curl = curl_easy_init()) ||
        !(made->multi = curl_multi_init()))
        KT_TRY(kt_fail(err, KT_MEMORY, "libcurl cannot be set up"));
    set_rest(made, o);
    KT_TRY(add_headers(made, o, err));
    KT_TRY(set_route(made, o, err));
    *http = made;
    made = NULL;
out:
    kt_http_destroy(made);
    return status;
}

void kt_http_destroy(kt_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->headers);
    curl_slist_free_all(http->connect_to);
    free(http->url);
    free(http->shown);
    free(http->proxy);
    free(http->shown_proxy);
    free(http->ca_file);
    free(http);
}

/* ---- what a try came to ---- */

typedef enum { NEVER, LATER, ONCE_ANSWERED } again;

static const struct {
    CURLcode code;
    again again;
    const char *words;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ONCE_ANSWERED, "no such host"},
    {CURLE_COULDNT_RESOLVE_PROXY, ONCE_ANSWERED, "no such proxy host"},
    {CURLE_COULDNT_CONNECT, ONCE_ANSWERED, "no connection"},
    {CURLE_PROXY, ONCE_ANSWERED, "the proxy makes no connection"},
    {CURLE_OPERATION_TIMEDOUT, LATER, "no answer in time"},
    {CURLE_PEER_FAILED_VERIFICATION, NEVER,
     "the server's certificate is not trusted (a CA file names further authorities)"},
    {CURLE_SSL_CONNECT_ERROR, NEVER, "no TLS (is it http:// there?)"},
    {CURLE_SSL_CACERT_BADFILE, NEVER, "the CA file is of no use"},
    {CURLE_GOT_NOTHING, LATER, "the connection was closed without an answer"},
    {CURLE_PARTIAL_FILE, LATER, "the answer ended early"},
    {CURLE_SEND_ERROR, LATER, "the connection broke"},
    {CURLE_RECV_ERROR, LATER, "the connection broke"},
    {CURLE_HTTP2, LATER, "the connection broke"},
    {CURLE_HTTP2_STREAM, LATER, "the connection broke"},
    {CURLE_BAD_CONTENT_ENCODING, LATER, "the answer cannot be unpacked"},
    {CURLE_UNSUPPORTED_PROTOCOL, NEVER, "no HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, NEVER, "no HTTP"},
};
enum { FAILURES = sizeof failures / sizeof *failures };

static bool again_for_status(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

/* What stands for the try in messages, and whether another one could end better. */
static bool judge(char *why, size_t n, const kt_http *http, CURLcode code)
{
    const kt_http_reply *reply = http->reply;
    if (code == CURLE_OK || reply->cut) {
        bool empty = reply->status == 200 && reply->n == 0 && !reply->cut;
        snprintf(why, n, empty ? "HTTP status %d and an empty body" : "HTTP status %d", reply->status);
        bool final =
            http->options.final && http->options.final(reply->status, reply->body ? reply->body : "");
        return empty || (!reply->cut && !final && again_for_status(reply->status));
    }
    size_t i = 0;
    while (i < FAILURES && failures[i].code != code)
        i++;
    const char *detail = http->reason[0] ? http->reason : curl_easy_strerror(code);
    const char *words = i < FAILURES ? failures[i].words : "the request failed";
    if (code == CURLE_PEER_FAILED_VERIFICATION && strstr(detail, "host name"))
        words = "the server's certificate is one of another host";
    snprintf(why, n, "%s: %s", words, detail);
    return i < FAILURES &&
           (failures[i].again == LATER || (failures[i].again == ONCE_ANSWERED && http->answered));
}

static kt_status redirect(kt_http *http, kt_error *err)
{
    char *url = NULL;
    if (curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &url) != CURLE_OK || !url)
        return KT_OK;
    return kt_http_display(&http->reply->location, url, err);
}

/* As curl_easy_perform does it, which asks only once a second for the caller's wish where nothing comes. */
static CURLcode transfer(kt_http *http)
{
    int running = 1, left;
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    CURLMcode state = curl_multi_add_handle(http->multi, http->curl);
    while (state == CURLM_OK && running && !stop_asked(http)) {
        state = curl_multi_perform(http->multi, &running);
        if (state == CURLM_OK && running)
            state = curl_multi_poll(http->multi, NULL, 0, WISH_MS, NULL);
    }
    for (CURLMsg *end; (end = curl_multi_info_read(http->multi, &left));)
        code = end->data.result;
    curl_multi_remove_handle(http->multi, http->curl);
    return state == CURLM_OK ? code : CURLE_FAILED_INIT;
}

static kt_status try_once(CURLcode *code, kt_http *http, const char *url, kt_error *err)
{
    kt_status status = KT_OK;
    kt_http_reply *reply = http->reply;
    long answer = 0;
    curl_off_t received = 0;
    int tries = reply->retries;
    kt_http_reply_clear(reply);
    reply->retries = tries;
    http->capacity = 1;
    KT_TRY(kt_alloc(&reply->body, 1, 1, err));
    http->reason[0] = '\0';
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    *code = transfer(http);
    if (http->short_of_memory)
        KT_TRY(kt_fail(err, KT_MEMORY, "%s: out of memory after %zu bytes of the answer", http->shown,
                       reply->n));
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_getinfo(http->curl, CURLINFO_SIZE_DOWNLOAD_T, &received);
    reply->status = (int)answer;
    reply->received = received > 0 ? (uint64_t)received : 0;
    KT_TRY(redirect(http, err));
out:
    return status;
}

/* ---- pauses ---- */

/* xorshift64* (Marsaglia 2003; Vigna 2016), [0, 1): clients that were turned away together come back apart.
 */
static double jitter(kt_http *http)
{
    uint64_t x = http->random | 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    http->random = x;
    return (double)((x * UINT64_C(0x2545F4914F6CDD1D)) >> 11) * 0x1p-53;
}

static double pause_before(kt_http *http, int retry)
{
    const kt_http_options *o = &http->options;
    curl_off_t asked = 0;
    double pause = fmin(ldexp(o->wait_s, retry < 30 ? retry : 30), o->longest_s) * (1 - jitter(http) / 2);
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &asked);
    return fmin(fmax(pause, (double)asked), o->longest_s);
}

/* false: the caller wants to stop. */
static bool wait_for(kt_http *http, double seconds)
{
    int64_t end = kt_when_now() + (int64_t)(seconds * 1e9);
    for (int64_t left; (left = end - kt_when_now()) > 0;) {
        if (stop_asked(http))
            return false;
        poll(NULL, 0, left > WISH_MS * 1000000 ? WISH_MS : (int)(left / 1000000 + 1));
    }
    return !stop_asked(http);
}

static void note(const kt_http *http, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(const kt_http *http, const char *format, ...)
{
    char line[600];
    va_list arguments;
    if (!http->options.note)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    http->options.note(http->options.context, line);
}

/* ---- a request ---- */

static kt_status stopped(const kt_http *http, kt_error *err)
{
    return kt_fail(err, KT_STOPPED, "stopped while %s was asked", http->shown);
}

kt_status kt_http_get(kt_http_reply *reply, kt_http *http, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *url = NULL, why[CURL_ERROR_SIZE + 100];
    int shown = (int)strcspn(path, "?");
    bool proxied = http->shown_proxy && *http->shown_proxy;
    CURLcode code;
    KT_TRY(kt_format(&url, err, "%s%s", http->url, path));
    http->reply = reply;
    http->stopped = http->short_of_memory = false;
    for (reply->retries = 0;; reply->retries++) {
        KT_TRY(try_once(&code, http, url, err));
        if (http->stopped)
            KT_TRY(stopped(http, err));
        bool better_later = judge(why, sizeof why, http, code);
        if (code == CURLE_OK || reply->cut)
            http->answered = true;
        if (!better_later || reply->retries >= http->options.retries)
            break;
        double pause = pause_before(http, reply->retries);
        note(http, "%s%.*s: %s; trying again in %.1f s", http->shown, shown, path, why, pause);
        if (!wait_for(http, pause))
            KT_TRY(stopped(http, err));
    }
    if (code != CURLE_OK && !reply->cut)
        status = kt_fail(err, KT_IO, "%s%.*s%s%s: %s%s", http->shown, shown, path,
                         proxied ? " through the proxy " : "", proxied ? http->shown_proxy : "", why,
                         reply->retries > 0 ? " (tried again to no avail)" : "");
out:
    free(url);
    if (status != KT_OK)
        kt_http_reply_clear(reply);
    return status;
}

void kt_http_reply_clear(kt_http_reply *reply)
{
    free(reply->body);
    free(reply->location);
    *reply = (kt_http_reply){.status = 0};
}

const char *kt_http_library(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}
