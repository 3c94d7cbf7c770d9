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
        KT_TRY(kt_fail(err, KT_INPUT, "%s: knows no service: nothing was traced yet", p->api.server));
    KT_TRY(kt_alloc(&p->services, o->n_services > 0 ? o->n_services : n, sizeof *p->services, err));
    for (size_t i = 0; i < (o->n_services > 0 ? o->n_services : n); i++) {
        index = i;
        if (o->n_services > 0)
            KT_TRY(find_service(&index, all, n, o->services[i], p->api.server, err));
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

/* ---- the first record: what the pull is about ---- */

static kt_json *describe(const pull *p)
{
    const kt_pull_options *o = p->options;
    kt_json *json = kt_json_object(), *services = kt_json_array();
    for (size_t i = 0; i < o->n_services; i++)
        kt_json_append(services, kt_json_string(o->services[i]));
    kt_json_put(json, "server", kt_json_string(p->api.server));
    kt_json_put(json, "services", services);
    if (o->range)
        return kt_json_put(json, "range", kt_json_string(o->range));
    kt_json_put(json, "asked_since", kt_json_int(o->since));
    return kt_json_put(json, "asked_until", kt_json_int(o->until));
}

static kt_status compare(const pull *p, const kt_json *stored, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *now = describe(p);
    const char *key;
    char *was = NULL, *is = NULL;
    KT_TRY(kt_json_difference(&key, &was, &is, stored, now, err));
    if (key)
        KT_TRY(kt_fail(err, KT_BUSY, "%s: holds a pull with %s %s, not %s; --fresh gives it up", p->part.path,
                       key, was, is));
out:
    kt_json_drop(now);
    free(was);
    free(is);
    return status;
}

/* Services and range of a pull that goes on are those that it began with. */
static kt_status take_header(pull *p, const kt_json *stored, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *names = kt_json_get(stored, "names");
    KT_TRY(compare(p, kt_json_get(stored, "asked"), err));
    p->since = kt_json_as_int(kt_json_get(stored, "since"), 0);
    p->until = kt_json_as_int(kt_json_get(stored, "until"), 0);
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
    KT_TRY(choose_services(p, err));
    names = kt_json_array();
    for (size_t i = 0; i < p->n_services; i++)
        kt_json_append(names, kt_json_string(p->services[i]));
    header = kt_json_object();
    kt_json_put(header, "asked", describe(p));
    kt_json_put(header, "names", names);
    kt_json_put(header, "since", kt_json_int(p->since));
    kt_json_put(header, "until", kt_json_int(p->until));
    kt_json_put(header, "api", kt_json_int(p->api.version));
    KT_TRY(kt_part_add(&p->part, kt_json_keep(header), NULL, err));
out:
    kt_json_drop(header);
    kt_spans_clear(&none);
    return status;
}
