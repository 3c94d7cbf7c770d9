#include "kt/when.h"
#include "pull_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What an all-in-one server keeps in memory unless told otherwise: at exactly so many older ones are gone. */
enum { MEMORY_RING = 100000 };

const char *const kt_pull_verdict_text[] = {
    [KT_PULL_COMPLETE] = "complete",
    [KT_PULL_INCOMPLETE] = "incomplete",
    [KT_PULL_UNKNOWN] = "unknown",
};

enum { REASON = 300 };

/* Why the server may not have all that was sent to it; empty: nothing speaks for it. */
static void may_lose(char reason[REASON], const pull *p)
{
    *reason = '\0';
    if (p->options->backend && strcasecmp(p->options->backend, "cassandra") == 0)
        snprintf(reason, REASON, "Cassandra leaves traces out of replies that are not full");
    else if (p->seen.n == MEMORY_RING)
        snprintf(reason, REASON, "%d traces are what a server keeps in memory: older ones may have gone",
                 MEMORY_RING);
    else if (p->options->sampling > 0 && p->options->sampling < 1)
        snprintf(reason, REASON, "a share of %g of the requests is traced", p->options->sampling);
    else if (p->sampled_below_1 > 0)
        snprintf(reason, REASON, "%llu spans say that not all requests are traced (sampler.param below 1)",
                 (unsigned long long)p->sampled_below_1);
}

static kt_pull_verdict judge(char reason[REASON], const pull *p, uint64_t lacking, uint64_t rootless)
{
    if (p->full > 0) {
        snprintf(reason, REASON, "%zu windows of a microsecond hold more traces than a reply", p->full);
        return KT_PULL_INCOMPLETE;
    }
    if (rootless > 0) {
        snprintf(reason, REASON, "%llu traces have no root, or more than one, also when asked for again",
                 (unsigned long long)rootless);
        return KT_PULL_INCOMPLETE;
    }
    if (p->left_out > 0) {
        snprintf(
            reason, REASON,
            "replies that were not full left %llu traces out of the %llu windows that were asked for again "
            "in halves: the server loses traces silently (Cassandra does)",
            (unsigned long long)p->left_out, (unsigned long long)p->checked);
        return KT_PULL_INCOMPLETE;
    }
    may_lose(reason, p);
    if (*reason)
        return KT_PULL_UNKNOWN;
    snprintf(reason, REASON, "no reply was full, and every trace has its root%s",
             lacking > 0 ? " (some lack a service that was named)" : "");
    return KT_PULL_COMPLETE;
}

static kt_json *time_text(int64_t time)
{
    char text[KT_WHEN_TEXT];
    kt_when_text(text, time);
    return kt_json_string(text);
}

kt_json *pull_certificate(kt_pull_verdict *verdict, const pull *p, uint64_t lacking, uint64_t rootless)
{
    char reason[REASON];
    kt_json *json = kt_json_object(), *services = kt_json_array();
    *verdict = judge(reason, p, lacking, rootless);
    for (size_t i = 0; i < p->n_services; i++)
        kt_json_append(services, kt_json_string(p->services[i]));
    kt_json_put(json, "verdict", kt_json_string(kt_pull_verdict_text[*verdict]));
    kt_json_put(json, "reason", kt_json_string(reason));
    kt_json_put(json, "options", pull_describe(p));
    kt_json_put(json, "server", kt_json_string(p->server));
    kt_json_put(json, "api", kt_json_string(p->api.version == 3 ? "v3" : "v1"));
    kt_json_put(json, "since", time_text(p->since));
    kt_json_put(json, "until", time_text(p->until));
    kt_json_put(json, "settle_s", kt_json_real(p->options->settle_s));
    if (p->options->backend)
        kt_json_put(json, "backend", kt_json_string(p->options->backend));
    kt_json_put(json, "services", services);
    kt_json_put(json, "asked", kt_json_int((int64_t)p->asked));
    kt_json_put(json, "halved", kt_json_int((int64_t)p->halved));
    kt_json_put(json, "checked", kt_json_int((int64_t)p->checked));
    kt_json_put(json, "left_out", kt_json_int((int64_t)p->left_out));
    kt_json_put(json, "reread", kt_json_int((int64_t)p->reread));
    kt_json_put(json, "traces", kt_json_int((int64_t)p->seen.n));
    kt_json_put(json, "spans", kt_json_int((int64_t)p->spans));
    kt_json_put(json, "without_root", kt_json_int((int64_t)rootless));
    kt_json_put(json, "without_named_service", kt_json_int((int64_t)lacking));
    return kt_json_put(json, "windows", kt_json_keep(p->windows));
}
