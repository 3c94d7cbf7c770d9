#include "kt/options.h"
#include "kt/when.h"
#include "pull_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

static kt_status find_service(size_t *index, char *const *names, size_t n, const char *name,
                              const char *server, kt_error *err)
{
    size_t matches = 0, length = strlen(name);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            *index = i;
            return KT_OK;
        }
        if (strncmp(names[i], name, length) == 0 && names[i][length] == '.') {
            *index = i;
            matches++;
        }
    }
    if (matches == 1)
        return KT_OK;
    const char *nearest = kt_nearest(name, (const char *const *)names, n);
    return kt_fail(err, KT_INPUT, "%s: %s '%s' among the %zu that it knows%s%s%s", server,
                   matches > 1 ? "several services are called" : "no service", name, n,
                   nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static kt_status choose_services(pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_pull_options *o = p->options;
    char **all = NULL;
    size_t n = 0, index;
    KT_TRY(kt_api_services(&all, &n, &p->api, err));
    if (n == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: knows no service: nothing was traced yet", p->server));
    KT_TRY(kt_alloc(&p->services, o->n_services > 0 ? o->n_services : n, sizeof *p->services, err));
    for (size_t i = 0; i < (o->n_services > 0 ? o->n_services : n); i++) {
        index = i;
        if (o->n_services > 0)
            KT_TRY(find_service(&index, all, n, o->services[i], p->server, err));
        KT_TRY(kt_strdup(&p->services[p->n_services], all[index], err));
        p->n_services++;
    }
out:
    for (size_t i = 0; i < n; i++)
        free(all[i]);
    free(all);
    return status;
}

int64_t pull_floor_us(int64_t t)
{
    return t - ((t % 1000) + 1000) % 1000;
}

static kt_status choose_range(pull *p, kt_error *err)
{
    const kt_pull_options *o = p->options;
    int64_t latest = kt_when_now() - (int64_t)(o->settle_s * 1e9);
    char from[KT_WHEN_TEXT], to[KT_WHEN_TEXT];
    p->since = pull_floor_us(o->since);
    p->until = pull_floor_us((o->until < latest ? o->until : latest) + 999);
    if (p->since < p->until)
        return KT_OK;
    kt_when_text(from, p->since);
    kt_when_text(to, p->until);
    return kt_fail(err, KT_USAGE, "nothing lies between %s and %s, where traces have settled (--settle %g s)",
                   from, to, o->settle_s);
}

/* ---- what the pull is about ---- */

/* How much a reply may hold is not part of it: the traces are the same. */
kt_json *pull_describe(const pull *p)
{
    const kt_pull_options *o = p->options;
    kt_json *json = kt_json_object(), *services = kt_json_array(), *tags = kt_json_array();
    for (size_t i = 0; i < o->n_services; i++)
        kt_json_append(services, kt_json_string(o->services[i]));
    for (size_t i = 0; o->jaeger.tags && o->jaeger.tags[i]; i++)
        kt_json_append(tags, kt_json_string(o->jaeger.tags[i]));
    kt_json_put(json, "server", kt_json_string(p->server));
    kt_json_put(json, "services", services);
    kt_json_put(json, "tags", tags);
    kt_json_put(json, "api", kt_json_int(o->api));
    kt_json_put(json, "settle", kt_json_real(o->settle_s));
    kt_json_put(json, "sampling", kt_json_real(o->sampling));
    kt_json_put(json, "backend", kt_json_string(o->backend ? o->backend : ""));
    if (o->range)
        return kt_json_put(json, "range", kt_json_string(o->range));
    kt_json_put(json, "asked_since", kt_json_int(o->since));
    return kt_json_put(json, "asked_until", kt_json_int(o->until));
}

static kt_status compare(const pull *p, const kt_json *stored, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *now = pull_describe(p);
    const char *key;
    char *was = NULL, *is = NULL;
    KT_TRY(kt_json_difference(&key, &was, &is, stored, now, err));
    if (key)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: holds a pull with %s %s, not %s; name another --out, or start over with --fresh",
                       path, key, was, is));
out:
    kt_json_drop(now);
    free(was);
    free(is);
    return status;
}

static kt_pull_verdict verdict_of(const kt_json *certificate)
{
    const char *text = kt_json_as_text(kt_json_get(certificate, "verdict"), "");
    kt_pull_verdict verdict = KT_PULL_COMPLETE;
    while (verdict < KT_PULL_UNKNOWN && strcmp(kt_pull_verdict_text[verdict], text) != 0)
        verdict++;
    return verdict;
}

kt_status pull_find_finished(kt_pull_result *result, const pull *p, const char *path, const char *part,
                             kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans_papers papers = {.certificate = NULL};
    kt_json *certificate = NULL;
    kt_path_kind kind = kt_path_kind_of(path);
    if (kind == KT_PATH_MISSING)
        return KT_OK;
    if (kind != KT_PATH_FILE || kt_spans_read_papers(&papers, path, NULL) != KT_OK)
        KT_TRY(kt_fail(err, KT_BUSY, "%s: is there already and holds no spans; name another --out", path));
    if (p->options->fresh || kt_path_kind_of(part) == KT_PATH_FILE)
        goto out;
    if (!papers.certificate)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: holds spans that were not pulled; name another --out, or replace it with --fresh",
                       path));
    KT_TRY(kt_json_parse(&certificate, papers.certificate, strlen(papers.certificate), path, err));
    status = compare(p, kt_json_get(certificate, "options"), path, p->options->replace ? NULL : err);
    if (status == KT_OK) {
        *result = (kt_pull_result){verdict_of(certificate), papers.certificate, true};
        papers.certificate = NULL;
    }
    if (status == KT_BUSY && p->options->replace)
        status = KT_OK;
out:
    kt_json_drop(certificate);
    kt_spans_papers_clear(&papers);
    return status;
}

/* ---- the first record ---- */

static kt_status open_api(pull *p, kt_error *err)
{
    const kt_pull_options *o = p->options;
    return kt_api_open(&p->api, &o->http, o->api, o->limit, &o->jaeger, err);
}

/* Services and range of a pull that goes on are those that it began with. */
static kt_status take_header(pull *p, const kt_json *stored, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *names = kt_json_get(stored, "names");
    KT_TRY(compare(p, kt_json_get(stored, "options"), p->part.path, err));
    KT_TRY(open_api(p, err));
    p->since = kt_json_as_int(kt_json_get(stored, "since"), 0);
    p->until = kt_json_as_int(kt_json_get(stored, "until"), 0);
    p->began_with_limit = (int)kt_json_as_int(kt_json_get(stored, "limit"), p->options->limit);
    if (p->api.version != kt_json_as_int(kt_json_get(stored, "api"), 0))
        KT_TRY(kt_fail(err, KT_BUSY, "%s: was begun by another API of the server; --fresh gives it up",
                       p->part.path));
    KT_TRY(kt_alloc(&p->services, kt_json_size(names), sizeof *p->services, err));
    for (size_t i = 0; i < kt_json_size(names); i++) {
        KT_TRY(kt_strdup(&p->services[i], kt_json_as_text(kt_json_at(names, i), ""), err));
        p->n_services++;
    }
    if (p->n_services == 0 || p->since >= p->until)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: its first record is not that of a pull", p->part.path));
out:
    return status;
}

kt_status pull_begin(pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *header = NULL, *names = NULL;
    kt_spans none = {.n = 0};
    KT_TRY(kt_part_next(&header, &none, &p->part, err));
    if (header) {
        KT_TRY(take_header(p, header, err));
        goto out;
    }
    KT_TRY(choose_range(p, err));
    KT_TRY(open_api(p, err));
    KT_TRY(choose_services(p, err));
    names = kt_json_array();
    for (size_t i = 0; i < p->n_services; i++)
        kt_json_append(names, kt_json_string(p->services[i]));
    header = kt_json_object();
    kt_json_put(header, "options", pull_describe(p));
    kt_json_put(header, "names", names);
    kt_json_put(header, "since", kt_json_int(p->since));
    kt_json_put(header, "until", kt_json_int(p->until));
    kt_json_put(header, "api", kt_json_int(p->api.version));
    kt_json_put(header, "limit", kt_json_int(p->options->limit));
    KT_TRY(kt_part_add(&p->part, kt_json_keep(header), NULL, err));
out:
    kt_json_drop(header);
    kt_spans_clear(&none);
    return status;
}
