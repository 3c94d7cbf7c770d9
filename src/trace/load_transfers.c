#include "load_transfers.h"

#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MOST_REQUESTS 1e8

/* One request under way. Slots are made when they are needed first and used again. */
typedef struct slot {
    CURL *easy;
    struct curl_slist *headers; /* the first is the traceparent, written anew for each request */
    size_t number;
    bool no_socket; /* the system had none to give */
    char reason[CURL_ERROR_SIZE];
    struct slot *next; /* idle ones */
} slot;

struct transfers {
    const kt_load_options *o;
    CURLM *multi;
    int poll;
    slot **slots, *idle;
    size_t n_slots;
    int64_t due;
};

static kt_status check_header(const char *header, kt_error *err)
{
    size_t name = strcspn(header, ": \t\r\n");
    if (name == 0 || header[name] != ':' || strpbrk(header, "\r\n"))
        return kt_fail(err, KT_USAGE, "header '%.*s': 'Name: value' is wanted", (int)strcspn(header, ":\r\n"),
                       header); /* the value may be a secret */
    if (strncasecmp(header, "traceparent:", 12) == 0)
        return kt_fail(err, KT_USAGE, "header traceparent: every request is given one of its own");
    return KT_OK;
}

kt_status kt_load_check(const kt_load_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    char *scheme = NULL;
    CURLU *url = curl_url();
    if (!url)
        KT_TRY(kt_fail(err, KT_MEMORY, "out of memory"));
    CURLUcode code = curl_url_set(url, CURLUPART_URL, options->url, 0);
    if (code != CURLUE_OK) /* what is no URL is not shown either: it may hold a password */
        KT_TRY(kt_fail(err, KT_USAGE, "the URL is none (http://host:port/path is wanted): %s",
                       curl_url_strerror(code)));
    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        KT_TRY(kt_fail(err, KT_USAGE, "a URL with the scheme '%s': http or https is wanted",
                       scheme ? scheme : ""));
    if (options->ca_file && access(options->ca_file, R_OK) != 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "certificates of %s", options->ca_file));
    for (size_t i = 0; i < options->n_headers; i++)
        KT_TRY(check_header(options->headers[i], err));
    double longest = options->warmup_s + options->seconds + options->cooldown_s;
    if (longest * options->rate > MOST_REQUESTS || (double)options->requests > MOST_REQUESTS)
        KT_TRY(kt_fail(err, KT_USAGE, "a load of %g requests: at most %g are possible",
                       fmax((double)options->requests, longest * options->rate), MOST_REQUESTS));
out:
    curl_free(scheme);
    curl_url_cleanup(url);
    return status;
}

/* ---- what curl wants watched ---- */

static int watch_socket(CURL *easy, curl_socket_t s, int what, void *context, void *known)
{
    (void)easy;
    transfers *t = context;
    struct epoll_event event = {.data.fd = s};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(t->poll, EPOLL_CTL_DEL, s, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(t->poll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s, &event) != 0 && errno == EEXIST)
        epoll_ctl(t->poll, EPOLL_CTL_MOD, s, &event);
    curl_multi_assign(t->multi, s, t);
    return 0;
}

static int watch_time(CURLM *multi, long ms, void *context)
{
    (void)multi;
    ((transfers *)context)->due = ms < 0 ? LOAD_NEVER : load_now() + (int64_t)ms * LOAD_MS;
    return 0;
}

/* ---- slots ---- */

/* curl does not tell why it has no socket. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    int s = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (s < 0 && errno != EAFNOSUPPORT)
        ((slot *)context)->no_socket = true;
    return s < 0 ? CURL_SOCKET_BAD : s;
}

static size_t swallow(char *data, size_t size, size_t n, void *context)
{
    (void)data, (void)context;
    return size * n;
}

static const char traceparent[] = "traceparent: 00-00000000000000000000000000000000-0000000000000000-01";

static kt_status make_headers(slot *s, const kt_load_options *o, kt_error *err)
{
    static const char *const own[] = {traceparent, "Expect:"}; /* Expect: nothing waits for a 100 */
    bool typed = o->body == NULL;
    for (size_t i = 0; i < 2 + o->n_headers; i++) {
        const char *line = i < 2 ? own[i] : o->headers[i - 2];
        struct curl_slist *longer = curl_slist_append(s->headers, line);
        if (!longer)
            return kt_fail(err, KT_MEMORY, "out of memory");
        s->headers = longer;
        typed = typed || strncasecmp(line, "content-type:", 13) == 0;
    }
    if (!typed && !curl_slist_append(s->headers, "Content-Type: application/json"))
        return kt_fail(err, KT_MEMORY, "out of memory");
    return KT_OK;
}

static kt_status set_options(slot *s, const kt_load_options *o, kt_error *err)
{
    CURL *c = s->easy;
    CURLcode code = CURLE_OK;
    long timeout = (long)ceil(o->timeout_s * 1000);
#define SET(option, value) code = code == CURLE_OK ? curl_easy_setopt(c, option, value) : code
    SET(CURLOPT_URL, o->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PRIVATE, s);
    SET(CURLOPT_ERRORBUFFER, s->reason);
    SET(CURLOPT_WRITEFUNCTION, swallow);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, s);
    SET(CURLOPT_TIMEOUT_MS, timeout);
    SET(CURLOPT_CONNECTTIMEOUT_MS, timeout);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, -1L); /* one look-up for the whole load */
    SET(CURLOPT_USERAGENT, "kt-load/" KT_VERSION);
    if (o->ca_file)
        SET(CURLOPT_CAINFO, o->ca_file);
    if (o->ca_file || curl_version_info(CURLVERSION_NOW)->cainfo)
        SET(CURLOPT_CAPATH,
            NULL); /* curl keeps certificates of a file, those of a folder it reads again and again */
    if (o->body)
        SET(CURLOPT_POSTFIELDS, o->body);
    else if (strcmp(o->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    SET(CURLOPT_CUSTOMREQUEST, o->method);
    SET(CURLOPT_HTTPHEADER, s->headers);
#undef SET
    if (code == CURLE_OK)
        return KT_OK;
    return kt_fail(err, code == CURLE_OUT_OF_MEMORY ? KT_MEMORY : KT_USAGE, "the load: %s",
                   curl_easy_strerror(code));
}

static kt_status make_slot(transfers *t, kt_error *err)
{
    kt_status status = KT_OK;
    slot *s = NULL;
    KT_TRY(kt_alloc(&s, 1, sizeof *s, err));
    t->slots[t->n_slots++] = s;
    s->easy = curl_easy_init();
    if (!s->easy)
        KT_TRY(kt_fail(err, KT_MEMORY, "out of memory"));
    KT_TRY(make_headers(s, t->o, err));
    KT_TRY(set_options(s, t->o, err));
    s->next = t->idle;
    t->idle = s;
out:
    return status;
}

static void write_hex(char *to, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
}

static kt_status call_curl(transfers *t, curl_socket_t socket, int events, kt_error *err)
{
    int running;
    CURLMcode code = curl_multi_socket_action(t->multi, socket, events, &running);
    return code == CURLM_OK ? KT_OK : kt_fail(err, KT_IO, "the load: %s", curl_multi_strerror(code));
}

kt_status transfers_start(transfers *t, size_t number, kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t trace[16], span[8];
    if (!t->idle)
        KT_TRY(make_slot(t, err));
    slot *s = t->idle;
    char *ids = s->headers->data + sizeof "traceparent: 00-" - 1;
    kt_load_ids(trace, span, t->o, number);
    write_hex(ids, trace, sizeof trace);
    write_hex(ids + 2 * sizeof trace + 1, span, sizeof span);
    t->idle = s->next;
    s->number = number;
    s->no_socket = false;
    *s->reason = '\0';
    CURLMcode code = curl_multi_add_handle(t->multi, s->easy);
    if (code != CURLM_OK)
        KT_TRY(kt_fail(err, KT_IO, "the load: %s", curl_multi_strerror(code)));
    KT_TRY(transfers_due_now(t, err));
out:
    return status;
}

static kt_load_error error_of(const slot *s, CURLcode code, int32_t http)
{
    static const struct {
        CURLcode code;
        kt_load_error error;
    } table[] = {
        {CURLE_COULDNT_RESOLVE_HOST, KT_LOAD_HOST},
        {CURLE_OPERATION_TIMEDOUT, KT_LOAD_TIMEOUT},
        {CURLE_COULDNT_CONNECT, KT_LOAD_UNREACHABLE},
        {CURLE_SSL_CONNECT_ERROR, KT_LOAD_TLS},
        {CURLE_PEER_FAILED_VERIFICATION, KT_LOAD_TLS},
        {CURLE_SSL_CACERT_BADFILE, KT_LOAD_TLS},
        {CURLE_GOT_NOTHING, KT_LOAD_BROKEN},
        {CURLE_RECV_ERROR, KT_LOAD_BROKEN},
        {CURLE_SEND_ERROR, KT_LOAD_BROKEN},
        {CURLE_PARTIAL_FILE, KT_LOAD_BROKEN},
    };
    if (code == CURLE_OK)
        return http >= 500   ? KT_LOAD_HTTP_5XX
               : http >= 400 ? KT_LOAD_HTTP_4XX
               : http >= 300 ? KT_LOAD_HTTP_3XX
                             : KT_LOAD_NONE;
    long reason = 0;
    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &reason);
    if (code == CURLE_COULDNT_CONNECT && reason == ECONNREFUSED)
        return KT_LOAD_REFUSED;
    if (code == CURLE_COULDNT_CONNECT && (s->no_socket || reason == EADDRNOTAVAIL))
        return KT_LOAD_LOCAL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].error;
    return KT_LOAD_OTHER;
}

bool transfers_next(transfer_end *end, transfers *t)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(t->multi, &left))) {
        slot *s = NULL;
        long http = 0;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &http);
        *end = (transfer_end){s->number, (int32_t)http, error_of(s, code, (int32_t)http),
                              *s->reason ? s->reason : curl_easy_strerror(code)};
        curl_multi_remove_handle(t->multi, s->easy);
        s->next = t->idle;
        t->idle = s;
        return true;
    }
    return false;
}

bool transfers_free(const transfers *t)
{
    return t->idle || t->n_slots < (size_t)t->o->most;
}

int64_t transfers_due(const transfers *t)
{
    return t->due;
}

kt_status transfers_ready(transfers *t, int socket, uint32_t events, kt_error *err)
{
    int mask = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) | (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    return call_curl(t, socket, mask, err);
}

kt_status transfers_due_now(transfers *t, kt_error *err)
{
    t->due = LOAD_NEVER; /* curl tells anew when it wants to be called again */
    return call_curl(t, CURL_SOCKET_TIMEOUT, 0, err);
}

kt_status transfers_open(transfers **out, int poll, const kt_load_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    transfers *t = NULL;
    KT_TRY(kt_alloc(&t, 1, sizeof *t, err));
    t->o = options;
    t->poll = poll;
    t->due = LOAD_NEVER;
    bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    t->multi = ready ? curl_multi_init() : NULL;
    if (!t->multi)
        KT_TRY(kt_fail(err, KT_MEMORY, "out of memory"));
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, watch_time);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)options->most);
    KT_TRY(kt_alloc(&t->slots, (size_t)options->most, sizeof(slot *), err));
    KT_TRY(make_slot(t, err)); /* the others when they are needed; this one shows what cannot be */
    *out = t;
    t = NULL;
out:
    transfers_close(t);
    return status;
}

void transfers_close(transfers *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i]->easy) {
            curl_multi_remove_handle(t->multi, t->slots[i]->easy);
            curl_easy_cleanup(t->slots[i]->easy);
        }
        curl_slist_free_all(t->slots[i]->headers);
        free(t->slots[i]);
    }
    free(t->slots);
    curl_multi_cleanup(t->multi);
    curl_global_cleanup();
    free(t);
}
