#include "jaeger.h"

#include "kt/file.h"
#include "kt/tunnel.h"
#include "kt/when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TUNNEL_WAIT_S = 30 };

#define AT(field) offsetof(jaeger_wishes, field)
#define RUN       KT_CLASS_RUN

const kt_option jaeger_range_table[] = {
    {"since", 0, KT_OPTION_TEXT, RUN, AT(since), 0, 0, NULL, NULL, "WHEN",
     "the first moment: a length before now (1h, 90m, 2d), RFC 3339, or seconds since 1970", NULL},
    {"until", 0, KT_OPTION_TEXT, RUN, AT(until), 0, 0, NULL, "now", "WHEN", "the last one", NULL},
    {.name = NULL}};

const kt_option jaeger_table[] = {
    /* not stored: it may hold a password */
    {"jaeger", 0, KT_OPTION_TEXT, KT_CLASS_SECRET, AT(url), 0, 0, NULL, NULL, "URL",
     "the address of Jaeger's query service, with its base path", "Jaeger"},
    {"settle", 0, KT_OPTION_REAL, RUN, AT(settle), 0, 86400, NULL, "30", "SECONDS",
     "nothing younger is asked for: spans arrive late", NULL},
    {"api", 0, KT_OPTION_CHOICE, RUN, AT(api), 0, 0, "auto|v1|v3", "auto", "NAME",
     "of the server; auto: v3 where it answers, else v1", NULL},
    {"limit", 0, KT_OPTION_INT, RUN, AT(limit), 1, 1e6, NULL, "1000", "TRACES",
     "of one reply; a reply with so many is asked for again in halves", NULL},
    {"most-mb", 0, KT_OPTION_INT, RUN, AT(most_mb), 1, 1e5, NULL, "24", "MB",
     "of one reply; a larger one is asked for in halves too; reading one takes up to 11 times its size",
     NULL},
    {"retries", 0, KT_OPTION_INT, RUN, AT(retries), 0, 100, NULL, "6", "N",
     "tries after the first one, with growing pauses", NULL},
    {"backend", 0, KT_OPTION_TEXT, RUN, AT(backend), 0, 0, NULL, NULL, "NAME",
     "the server's storage, where it is known: with cassandra no pull can be proved complete", NULL},
    {"token-file", 0, KT_OPTION_TEXT, RUN, AT(token_file), 0, 0, NULL, NULL, "FILE",
     "holds the bearer token (else the environment variable KT_JAEGER_TOKEN)", NULL},
    {"tenant", 0, KT_OPTION_TEXT, RUN, AT(tenant), 0, 0, NULL, NULL, "NAME", "sent with each request", NULL},
    {"tenant-header", 0, KT_OPTION_TEXT, RUN, AT(tenant_header), 0, 0, NULL, "x-tenant", "NAME",
     "the header that says it", NULL},
    {"jaeger-ca-file", 0, KT_OPTION_TEXT, RUN, AT(ca_file), 0, 0, NULL, NULL, "PEM",
     "certificates that the server's is checked with, instead of the system's", NULL},
    {"proxy", 0, KT_OPTION_TEXT, KT_CLASS_SECRET, AT(proxy), 0, 0, NULL, NULL, "URL",
     "http, https or socks5h proxy (what the environment says)", NULL},
    {"ssh", 0, KT_OPTION_TEXT, RUN, AT(ssh), 0, 0, NULL, NULL, "[USER@]HOST[:PORT]",
     "reach the server through this host, by OpenSSH and its configuration", NULL},
    {"ssh-forward", 0, KT_OPTION_TEXT, RUN, AT(ssh_forward), 0, 0, NULL, NULL, "HOST:PORT",
     "forward this one port, as the login host sees it, rather than open a SOCKS proxy", NULL},
    {.name = NULL}};

/* The first line of the file, or what the environment says. */
static kt_status read_token(char **token, const jaeger_wishes *w, kt_error *err)
{
    kt_status status = KT_OK;
    const char *environment = getenv("KT_JAEGER_TOKEN");
    size_t n;
    *token = NULL;
    if (!w->token_file)
        return environment && *environment ? kt_strdup(token, environment, err) : KT_OK;
    KT_TRY(kt_file_read(token, &n, w->token_file, err));
    (*token)[strcspn(*token, "\r\n")] = '\0';
    if (**token == '\0')
        KT_TRY(kt_fail(err, KT_INPUT, "%s: its first line is empty, wanted is a token", w->token_file));
out:
    return status;
}

static kt_status read_range(kt_pull_options *o, char **range, const jaeger_wishes *w, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t now = kt_when_now();
    if (!w->since)
        KT_TRY(kt_fail(err, KT_USAGE, "--since is missing: from when on? (--since 1h)"));
    KT_TRY(kt_when_parse(&o->since, w->since, now, "--since", err));
    KT_TRY(kt_when_parse(&o->until, w->until, now, "--until", err));
    if (o->since > now)
        KT_TRY(kt_fail(err, KT_USAGE, "--since %s lies in the future", w->since));
    if (o->since >= o->until)
        KT_TRY(kt_fail(err, KT_USAGE, "--since %s is not before --until %s", w->since, w->until));
    KT_TRY(kt_format(range, err, "%s..%s", w->since, w->until));
    o->range = *range;
out:
    return status;
}

static kt_status open_tunnel(kt_tunnel **tunnel, kt_http_options *http, const jaeger_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    const jaeger_wishes *w = job->wishes;
    if (w->ssh_forward && !w->ssh)
        return kt_fail(err, KT_USAGE, "--ssh-forward %s: --ssh says through which host", w->ssh_forward);
    if (!w->ssh)
        return KT_OK;
    if (w->proxy)
        return kt_fail(err, KT_USAGE, "--proxy and --ssh: one way to the server");
    KT_TRY(kt_tunnel_open(tunnel, w->ssh, w->ssh_forward, TUNNEL_WAIT_S, job->stop, job->context, err));
    http->proxy = w->ssh_forward ? "" : kt_tunnel_proxy(*tunnel);
    http->connect_to = kt_tunnel_route(*tunnel);
out:
    return status;
}

kt_status jaeger_pull(kt_pull_result *result, const jaeger_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    const jaeger_wishes *w = job->wishes;
    kt_tunnel *tunnel = NULL;
    char *token = NULL, *range = NULL, *header = NULL;
    const char *headers[1];
    kt_pull_options o = kt_pull_presets;
    static const int api[] = {0, 1, 3};
    o.http = kt_http_presets;
    o.http.url = w->url;
    o.http.ca_file = w->ca_file;
    o.http.proxy = w->proxy;
    o.http.most_bytes = (size_t)w->most_mb << 20;
    o.http.retries = (int)w->retries;
    o.http.note = job->note;
    o.http.stop = job->stop;
    o.http.context = job->context;
    KT_TRY(read_range(&o, &range, w, err));
    KT_TRY(read_token(&token, w, err));
    o.http.bearer = token;
    if (w->tenant) {
        KT_TRY(kt_format(&header, err, "%s: %s", w->tenant_header, w->tenant));
        headers[0] = header;
        o.http.headers = headers;
        o.http.n_headers = 1;
    }
    o.settle_s = w->settle;
    o.n_services = job->n_services;
    o.services = job->services;
    o.api = api[w->api];
    o.limit = (int)w->limit;
    o.backend = w->backend;
    o.jaeger.tags = job->tags;
    o.sampling = job->sampling;
    o.fresh = job->fresh;
    o.replace = job->replace;
    o.guard = job->guard;
    o.progress = job->progress;
    o.context = job->context;
    KT_TRY(open_tunnel(&tunnel, &o.http, job, err));
    KT_TRY(kt_pull_run(result, job->path, &o, err));
out:
    kt_tunnel_explain(err, tunnel);
    kt_tunnel_close(tunnel);
    free(token);
    free(range);
    free(header);
    return status;
}
