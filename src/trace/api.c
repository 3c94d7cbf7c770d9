#include "api.h"

#include "kt/json.h"
#include "kt/when.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SAID = 200 }; /* bytes of a server's words in a message */

/* ---- what answers say ---- */

/* A limit above the server's own, which the next question does not repeat: Jaeger, VictoriaTraces. */
static bool is_too_deep(int status, const char *body)
{
    return (status == 500 && strstr(body, "search depth")) || (status == 400 && strcasestr(body, "limit"));
}

static bool is_page(const char *body)
{
    body += strspn(body, " \t\r\n");
    return *body == '<';
}

/* The server's words on one line: the message of an error document, else the body's beginning. */
static void said(char out[SAID], const char *body)
{
    static const char *const keys[] = {"\"message\":\"", "\"msg\":\""};
    const char *from = body + strspn(body, " \t\r\n"), *to;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *found = strstr(body, keys[i]);
        if (found)
            from = found + strlen(keys[i]);
    }
    to = from == body + strspn(body, " \t\r\n") ? from + strcspn(from, "\r\n") : from + strcspn(from, "\"");
    snprintf(out, SAID, "%.*s", (int)(to - from < SAID - 1 ? to - from : SAID - 1), from);
}

static kt_status refuse(const kt_api *api, const char *path, const kt_http_reply *reply, kt_error *err)
{
    char words[SAID];
    int length = (int)strcspn(path, "?");
    if (reply->location)
        return kt_fail(err, KT_INPUT,
                       "%s%.*s: %d, leads to %s: a login page? (--token-file, or another address)",
                       api->server, length, path, reply->status, reply->location);
    if (is_page(reply->body))
        return kt_fail(
            err, KT_INPUT,
            "%s%.*s: %d and a web page: is this the address of Jaeger's query service, with its base path?",
            api->server, length, path, reply->status);
    said(words, reply->body);
    if (reply->status == 404)
        return kt_fail(err, KT_INPUT,
                       "%s%.*s: 404 %s: is this the address of Jaeger's query service, with its base path?",
                       api->server, length, path, words + (strncmp(words, "404 ", 4) == 0 ? 4 : 0));
    if (reply->status == 401 || reply->status == 403)
        return kt_fail(err, KT_INPUT,
                       "%s%.*s: %d %s: a token (--token-file) or a tenant (--tenant) is wanted", api->server,
                       length, path, reply->status, words);
    return kt_fail(err, KT_INPUT, "%s%.*s: %d %s", api->server, length, path, reply->status,
                   *words ? words : "and an empty body");
}

static kt_status get(kt_http_reply *reply, kt_api *api, const char *path, kt_error *err)
{
    kt_http_reply_clear(reply);
    return kt_http_get(reply, api->http, path, err);
}

/* ---- probing ---- */

/* The list of services of one API; *names is NULL where the answer is none. */
static kt_status list_services(kt_json **names, kt_http_reply *reply, kt_api *api, int version, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *document = NULL;
    *names = NULL;
    KT_TRY(get(reply, api, version == 3 ? "/api/v3/services" : "/api/services", err));
    if (reply->status != 200 || kt_json_parse(&document, reply->body, reply->n, "services", NULL) != KT_OK)
        return KT_OK;
    if (kt_json_kind_of(document) == KT_JSON_OBJECT) {
        const kt_json *list = kt_json_get(document, version == 3 ? "services" : "data");
        bool empty = kt_json_kind_of(list) == KT_JSON_NULL;
        if (kt_json_kind_of(list) == KT_JSON_ARRAY)
            *names = kt_json_keep((kt_json *)list);
        else if (empty && (version == 3 ? kt_json_size(document) == 0 : kt_json_size(document) > 0))
            *names = kt_json_array();
    }
out:
    kt_json_drop(document);
    return status;
}

static kt_status probe(kt_api *api, int version, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *names = NULL;
    kt_http_reply reply = {0};
    static const int order[] = {3, 1};
    for (size_t i = 0; i < 2 && !api->version; i++) {
        if (version != 0 && version != order[i])
            continue;
        KT_TRY(list_services(&names, &reply, api, order[i], err));
        if (names)
            api->version = order[i];
        kt_json_drop(names);
        names = NULL;
        if (reply.status == 401 || reply.status == 403)
            break;
    }
    if (!api->version)
        status = refuse(api, version == 3 ? "/api/v3/services" : "/api/services", &reply, err);
out:
    kt_http_reply_clear(&reply);
    return status;
}

kt_status kt_api_open(kt_api *api, const kt_http_options *http, int version, int limit,
                      const kt_jaeger_options *jaeger, kt_error *err)
{
    kt_status status = KT_OK;
    kt_http_options options = *http;
    options.final = is_too_deep;
    *api = (kt_api){.limit = limit, .jaeger = jaeger};
    KT_TRY(kt_http_display(&api->server, http->url, err));
    KT_TRY(kt_http_create(&api->http, &options, err));
    KT_TRY(probe(api, version, err));
out:
    if (status != KT_OK)
        kt_api_close(api);
    return status;
}

void kt_api_close(kt_api *api)
{
    kt_http_destroy(api->http);
    free(api->server);
    *api = (kt_api){0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

kt_status kt_api_services(char ***names, size_t *n, kt_api *api, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *list = NULL;
    kt_http_reply reply = {0};
    *names = NULL;
    *n = 0;
    KT_TRY(list_services(&list, &reply, api, api->version, err));
    if (!list)
        KT_TRY(refuse(api, "/api/services", &reply, err));
    KT_TRY(kt_alloc(names, kt_json_size(list) + 1, sizeof **names, err));
    for (size_t i = 0; i < kt_json_size(list); i++) {
        const char *name = kt_json_as_text(kt_json_at(list, i), "");
        if (*name)
            KT_TRY(kt_strdup(&(*names)[(*n)++], name, err));
    }
    qsort(*names, *n, sizeof **names, by_bytes);
out:
    kt_json_drop(list);
    kt_http_reply_clear(&reply);
    return status;
}

/* ---- traces ---- */

static kt_status window_path(char **path, const kt_api *api, const char *service, int64_t since,
                             int64_t until, kt_error *err)
{
    kt_status status = KT_OK;
    char *name = NULL, from[KT_WHEN_TEXT], to[KT_WHEN_TEXT];
    KT_TRY(kt_http_escape(&name, service, err));
    kt_when_text(from, since);
    kt_when_text(to, until);
    if (api->version == 3)
        status =
            kt_format(path, err,
                      "/api/v3/traces?query.service_name=%s&query.start_time_min=%s&query.start_time_max=%s&"
                      "query.num_traces=%d&query.raw_traces=true",
                      name, from, to, api->limit);
    else
        status =
            kt_format(path, err, "/api/traces?service=%s&start=%" PRId64 "&end=%" PRId64 "&limit=%d&raw=true",
                      name, since / 1000, until / 1000, api->limit);
out:
    free(name);
    return status;
}

/* v3 has no traces: 404 with these words, or an object without a result. */
static bool is_none(const kt_api *api, const kt_http_reply *reply)
{
    if (reply->status == 404)
        return strcasestr(reply->body, "no traces found") || strcasestr(reply->body, "trace not found") ||
               strcasestr(reply->body, "trace ID not found");
    return api->version == 3 && reply->status == 200 &&
           reply->body[strspn(reply->body, " \t\r\n{}")] == '\0' && strchr(reply->body, '{');
}

static kt_status parse(kt_spans *spans, size_t *traces, const kt_api *api, const char *path,
                       const kt_http_reply *reply, kt_error *err)
{
    kt_status status = KT_OK;
    kt_jaeger_form form, wanted = api->version == 3 ? KT_JAEGER_V3 : KT_JAEGER_V1;
    char *name = NULL;
    kt_error why = {0};
    if (reply->status != 200 || is_page(reply->body) || reply->n == 0)
        return refuse(api, path, reply, err);
    KT_TRY(kt_format(&name, err, "%s%.*s", api->server, (int)strcspn(path, "?"), path));
    status = kt_jaeger_parse(spans, &form, traces, reply->body, reply->n, name, api->jaeger, &why);
    if (status != KT_OK)
        kt_fail(err, status, "%s", why.message);
    else if (form != wanted)
        status =
            kt_fail(err, KT_INPUT, "%s: an answer of another form than the API v%d has", name, api->version);
out:
    free(name);
    return status;
}

kt_status kt_api_window(kt_spans *spans, kt_api_answer *answer, kt_api *api, const char *service,
                        int64_t since, int64_t until, kt_error *err)
{
    kt_status status = KT_OK;
    kt_http_reply reply = {0};
    char *path = NULL;
    *answer = (kt_api_answer){0};
    for (;;) {
        free(path);
        path = NULL;
        KT_TRY(window_path(&path, api, service, since, until, err));
        KT_TRY(get(&reply, api, path, err));
        if (!is_too_deep(reply.status, reply.cut ? "" : reply.body) || api->limit == 1)
            break;
        api->limit /= 2;
    }
    answer->bytes = reply.n;
    if (reply.cut)
        answer->full = true;
    else if (!is_none(api, &reply))
        KT_TRY(parse(spans, &answer->traces, api, path, &reply, err));
    answer->full = answer->full || answer->traces >= (size_t)api->limit;
out:
    free(path);
    kt_http_reply_clear(&reply);
    return status;
}

kt_status kt_api_trace(kt_spans *spans, kt_api *api, const uint8_t id[16], kt_error *err)
{
    kt_status status = KT_OK;
    kt_http_reply reply = {0};
    char hex[33], *path = NULL;
    size_t traces;
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    KT_TRY(kt_format(&path, err,
                     api->version == 3 ? "/api/v3/traces/%s?raw_traces=true" : "/api/traces/%s?raw=true",
                     hex));
    KT_TRY(get(&reply, api, path, err));
    if (reply.cut)
        KT_TRY(kt_fail(err, KT_INPUT, "%s/api/traces/%s: one trace of more bytes than --most-mb takes",
                       api->server, hex));
    if (!is_none(api, &reply))
        KT_TRY(parse(spans, &traces, api, path, &reply, err));
out:
    free(path);
    kt_http_reply_clear(&reply);
    return status;
}
