#include "campaign_private.h"

#include "kt/digest.h"
#include "kt/http.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *uri, *method, *body, *ca_file, *entry, *by_hand;
    kt_texts header;
    int arrivals;
    int64_t seed, most, repeats, requests;
    double slowdown, timeout, give_up, warmup, cooldown, pause, hook_timeout, seconds;
    bool shuffle;
} settings;

/* Class: what a folder that is gone on with has to agree in is RESULT. */
#define AT(field) offsetof(settings, field)
#define TEXT(name, class, field, preset)                                                                     \
    {                                                                                                        \
        name, 0, KT_OPTION_TEXT, class, AT(field), 0, 0, NULL, preset, "TEXT", "", NULL                      \
    }
#define INT(name, class, field, min, max, preset)                                                            \
    {                                                                                                        \
        name, 0, KT_OPTION_INT, class, AT(field), min, max, NULL, preset, "N", "", NULL                      \
    }
#define SECONDS(name, class, field, min, max, preset)                                                        \
    {                                                                                                        \
        name, 0, KT_OPTION_REAL, class, AT(field), min, max, NULL, preset, "SECONDS", "", NULL               \
    }
static const kt_option table[] = {
    TEXT("uri", KT_CLASS_RESULT, uri, NULL),
    TEXT("method", KT_CLASS_RESULT, method, "POST"),
    TEXT("body", KT_CLASS_SECRET, body, NULL),
    {"header", 0, KT_OPTION_TEXTS, KT_CLASS_SECRET, AT(header), 0, 0, NULL, NULL, "LINE", "", NULL},
    TEXT("ca-file", KT_CLASS_RUN, ca_file, NULL),
    {"arrivals", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(arrivals), 0, 0, KT_ARRIVALS_CHOICES, "poisson",
     "HOW", "", NULL},
    INT("seed", KT_CLASS_RESULT, seed, 0, 9007199254740992.0, NULL),
    {"sd", 0, KT_OPTION_REAL, KT_CLASS_RESULT, AT(slowdown), 1e-6, 1e6, NULL, "1", "FACTOR", "", NULL},
    INT("max-thread", KT_CLASS_RESULT, most, 1, 65536, "1000"),
    SECONDS("timeout", KT_CLASS_RESULT, timeout, 0.001, 86400, "60"),
    SECONDS("give-up", KT_CLASS_RUN, give_up, 0.001, 86400, "60"),
    SECONDS("warmup", KT_CLASS_RESULT, warmup, 0, 1e6, "0"),
    SECONDS("cooldown", KT_CLASS_RESULT, cooldown, 0, 1e6, "0"),
    SECONDS("pause", KT_CLASS_RUN, pause, 0, 1e6, "0"),
    SECONDS("hook-timeout", KT_CLASS_RUN, hook_timeout, 0.001, 1e6, "300"),
    INT("repeats", KT_CLASS_RESULT, repeats, 1, 1000, "1"),
    {"shuffle", 0, KT_OPTION_FLAG, KT_CLASS_RESULT, AT(shuffle), 0, 0, NULL, "false", NULL, "", NULL},
    TEXT("entry", KT_CLASS_RUN, entry, NULL),
    INT("requests", KT_CLASS_RESULT, requests, 1, 1e8, NULL),
    SECONDS("seconds", KT_CLASS_RESULT, seconds, 0.001, 1e8, NULL),
    /* read by hand; here for their names */
    TEXT("cells", KT_CLASS_RUN, by_hand, NULL),
    TEXT("hook", KT_CLASS_RUN, by_hand, NULL),
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static bool is_by_hand(const char *key)
{
    return strcmp(key, "cells") == 0 || strcmp(key, "hook") == 0;
}

/* Presets under the plan's plain keys, checked (new reference). */
static kt_status read_settings(kt_json **merged, settings *s, const kt_json *plan, const char *where,
                               kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *plain = kt_json_object();
    *merged = NULL;
    if (kt_json_kind_of(plan) != KT_JSON_OBJECT)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: a plan is a JSON object", where));
    for (size_t i = 0; i < kt_json_size(plan); i++) {
        const char *key = kt_json_key(plan, i);
        if (!is_by_hand(key))
            kt_json_put(plain, key, kt_json_keep(kt_json_get(plan, key)));
    }
    KT_TRY(kt_options_check(table, plain, where, err));
    KT_TRY(kt_options_presets(merged, table, err));
    kt_json_merge(*merged, plain);
    KT_TRY(kt_options_fill(s, table, *merged, err));
out:
    kt_json_drop(plain);
    return status;
}

static bool has_body_by_default(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static kt_status check_method(const char *method, const char *where, kt_error *err)
{
    size_t n = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (n == 0 || method[n] != '\0' || strcmp(method, "CONNECT") == 0)
        return kt_fail(err, KT_USAGE, "%s: method '%s' (POST, GET, PUT ... are wanted)", where, method);
    return KT_OK;
}

static kt_status take_settings(kt_campaign *c, const settings *s, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    if (!s->uri)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: no uri", where));
    KT_TRY(check_method(s->method, where, err));
    c->headers = s->header;
    c->load = (kt_load_options){.url = s->uri,
                                .method = s->method,
                                .body = s->body                          ? s->body
                                        : has_body_by_default(s->method) ? "{}"
                                                                         : NULL,
                                .n_headers = s->header.n,
                                .headers = c->headers.text,
                                .ca_file = s->ca_file,
                                .arrivals = (kt_arrivals)s->arrivals,
                                .warmup_s = s->warmup,
                                .cooldown_s = s->cooldown,
                                .seed = (uint64_t)s->seed,
                                .most = (int)s->most,
                                .timeout_s = s->timeout,
                                .give_up_s = s->give_up};
    c->slowdown = s->slowdown;
    c->pause_s = s->pause;
    c->hook_timeout_s = s->hook_timeout;
    c->entry = s->entry;
out:
    return status;
}

/* Each cell as a load of its own: its URL, its number of requests. */
static kt_status check_cells(const kt_campaign *c, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < c->n; i++) {
        kt_error why = {0};
        kt_load_options load = c->load;
        load.rate = c->cell[i].rps / c->slowdown;
        load.requests = c->cell[i].requests;
        load.seconds = c->cell[i].seconds;
        status = kt_load_check(&load, &why);
        if (status != KT_OK)
            KT_TRY(kt_fail(err, status, "%s: %s", where, why.message));
    }
out:
    return status;
}

/* ---- what a folder keeps ---- */

static kt_json *names_of(const kt_texts *headers)
{
    kt_json *names = kt_json_array();
    for (size_t i = 0; i < headers->n; i++) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(headers->text[i], ":"), headers->text[i]);
        kt_json_append(names, kt_json_string(name));
    }
    return names;
}

static kt_status put_digest(kt_json *config, const char *key, const char *text, kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t digest[KT_DIGEST_BYTES];
    char hex[KT_DIGEST_HEX];
    KT_TRY(kt_digest_of(digest, text, strlen(text), err));
    kt_digest_hex(hex, digest);
    kt_json_put(config, key, kt_json_string(hex));
out:
    return status;
}

/* Of what may hold secrets (the URL's user part and query, headers, the body) only what tells loads apart. */
static kt_status make_config(kt_campaign *c, kt_error *err)
{
    kt_status status = KT_OK;
    char *url = NULL;
    const char *query = strchr(c->load.url, '?');
    c->config = kt_options_of_class(table, c->plan, KT_CLASS_RESULT);
    KT_TRY(kt_http_display(&url, c->load.url, err));
    kt_json_put(c->config, "uri", kt_json_string(url));
    KT_TRY(put_digest(c->config, "query_sha256", query ? query : "", err));
    KT_TRY(put_digest(c->config, "body_sha256", c->load.body ? c->load.body : "", err));
    kt_json_put(c->config, "header_names", names_of(&c->headers));
    kt_json_put(c->config, "cells", kt_json_keep(kt_json_get(c->plan, "cells")));
out:
    free(url);
    return status;
}

/* Cells and hook join the settings in c->plan, from which everything is borrowed. */
static void keep_by_hand(kt_campaign *c, const kt_json *plan)
{
    for (size_t i = 0; i < kt_json_size(plan); i++) {
        const char *key = kt_json_key(plan, i);
        if (is_by_hand(key))
            kt_json_put(c->plan, key, kt_json_keep(kt_json_get(plan, key)));
    }
}

kt_status kt_campaign_parse(kt_campaign *campaign, const kt_json *plan, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    settings s = {.uri = NULL};
    kt_campaign *c = campaign;
    KT_TRY(read_settings(&c->plan, &s, plan, where, err));
    assert(kt_json_get(plan, "seed"));
    keep_by_hand(c, plan);
    KT_TRY(take_settings(c, &s, where, err));
    KT_TRY(campaign_read_cells(c, kt_json_get(c->plan, "cells"), s.requests, s.seconds, s.repeats, s.shuffle,
                               where, err));
    KT_TRY(campaign_read_hook(c, kt_json_get(c->plan, "hook"), where, err));
    KT_TRY(check_cells(c, where, err));
    KT_TRY(make_config(c, err));
out:
    return status;
}

kt_status campaign_own(kt_campaign *c, void *memory, kt_error *err)
{
    kt_status status = kt_grow(&c->owned, c->n_owned + 1, sizeof *c->owned, err);
    if (status == KT_OK)
        c->owned[c->n_owned++] = memory;
    else
        free(memory);
    return status;
}

void kt_campaign_clear(kt_campaign *campaign)
{
    free(campaign->cell);
    free(campaign->command);
    for (size_t i = 0; i < campaign->n_owned; i++)
        free(campaign->owned[i]);
    free(campaign->owned);
    kt_json_drop(campaign->config);
    kt_json_drop(campaign->plan);
    *campaign = (kt_campaign){.n = 0};
}

double kt_campaign_seconds(const kt_campaign *campaign)
{
    const kt_campaign *c = campaign;
    double all = c->n > 1 ? (double)(c->n - 1) * c->pause_s : 0;
    for (size_t i = 0; i < c->n; i++) {
        const kt_campaign_cell *cell = &c->cell[i];
        double measured =
            cell->requests > 0 ? (double)cell->requests * c->slowdown / cell->rps : cell->seconds;
        all += c->load.warmup_s + measured + c->load.cooldown_s;
    }
    return all;
}
