#include "clean_private.h"

#include "figures.h"
#include "kt/select.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static kt_json *integer(size_t value)
{
    return kt_json_int((int64_t)value);
}

static kt_json *ns(double value)
{
    return kt_json_real(value * 1e-9);
}

static const char *name_of(const kt_cleaned *c, uint32_t service)
{
    return c->names.name[service];
}

/* ---- services ---- */

static kt_json *queue_json(const kt_queue *q)
{
    kt_json *json = kt_json_object();
    size_t n = q->visits - q->no_pod;
    kt_json_put(json, "rule", kt_json_string(q->fifo ? "fifo" : "none"));
    kt_json_put(json, "workers", kt_json_int(q->workers));
    kt_json_put(json, "why", kt_json_string(q->why));
    kt_json_put(json, "overtaking", kt_json_real(n > 0 ? (double)q->overtaking / (double)n : NAN));
    kt_json_put(json, "busy", kt_json_real(n > 0 ? (double)q->busy / (double)n : NAN));
    kt_json_put(json, "busy_over_idle", kt_json_real(q->busy_time / q->idle_time));
    kt_json_put(json, "concurrency", kt_json_real(q->concurrency));
    kt_json_put(json, "no_pod", integer(q->no_pod));
    return json;
}

static kt_json *pods_json(const kt_cleaned *c, uint32_t service)
{
    enum { MOST = 100 };
    kt_json *list = kt_json_array();
    for (uint32_t p = 0; p < c->pods.n && kt_json_size(list) < MOST; p++) {
        char name[KT_NAME];
        int n;
        if (c->pods.pod[p].service != service)
            continue;
        const char *text = kt_pod_name(&n, &c->pods, p);
        snprintf(name, sizeof name, "%.*s", n, text);
        kt_json_append(list, kt_json_string(name));
    }
    return list;
}

static kt_json *figures_json(const kt_cleaned *c, const kt_figures *f, uint32_t service)
{
    const kt_service_figures *s = &f->service[service];
    kt_json *list = kt_json_array();
    for (size_t i = s->figure; i < s->figure + s->n_figures; i++) {
        const kt_figure *one = &f->figure[i];
        kt_json *json = kt_json_object();
        kt_json_put(json, "cell", kt_json_int(one->cell));
        kt_json_put(json, "rows", integer(one->rows));
        kt_json_put(json, "rep", kt_json_real(c->reps.rep[one->cell * c->names.n + service]));
        kt_json_put(json, "pods_seen", kt_json_int(c->reps.seen[one->cell * c->names.n + service]));
        kt_json_put(json, "visits_per_request", kt_json_real(one->by_request));
        kt_json_put(json, "proc_median_s", ns(one->proc));
        kt_json_put(json, "delay_median_s", ns(one->delay));
        kt_json_put(json, "drift", kt_json_bool(one->drift));
        kt_json_append(list, json);
    }
    return list;
}

static kt_json *service_json(const kt_cleaned *c, const kt_figures *f, uint32_t service,
                             const uint64_t *fates)
{
    const kt_service_figures *figures = &f->service[service];
    kt_json *json = kt_json_object(), *delay = kt_json_object(), *drops = kt_json_object();
    kt_json_put(json, "service", kt_json_string(name_of(c, service)));
    kt_json_put(json, "visits", integer(c->queue[service].visits));
    kt_json_put(json, "rows", integer(c->service[service].rows));
    kt_json_put(json, "target",
                kt_json_string(c->service[service].target == KT_TARGET_PROC ? "proc" : "proc+delay"));
    kt_json_put(json, "proc_median_s", ns(figures->proc));
    kt_json_put(json, "queue", queue_json(&c->queue[service]));
    kt_json_put(json, "pods", pods_json(c, service));
    kt_json_put(json, "rep_differs_in_cells", integer(c->reps.differ[service]));
    kt_json_put(delay, "known", integer(figures->delays));
    kt_json_put(delay, "median_s", ns(figures->delay));
    kt_json_put(delay, "negative", integer(figures->negative_delays));
    kt_json_put(json, "delay", delay);
    if (figures->brokered > 0) {
        kt_json *broker = kt_json_put(kt_json_object(), "visits", integer(figures->brokered));
        kt_json_put(json, "broker", kt_json_put(broker, "median_s", ns(figures->broker)));
    }
    for (int k = KT_FATE_ROW + 1; k < KT_FATE_NESTED; k++)
        if (fates[k] > 0)
            kt_json_put(drops, kt_fate_key[k], kt_json_int((int64_t)fates[k]));
    kt_json_put(json, "drops", drops);
    kt_json_put(json, "cells", figures_json(c, f, service));
    return json;
}

static kt_status put_services(kt_cleaned *c, const kt_figures *f, kt_error *err)
{
    kt_status status = KT_OK;
    uint64_t(*fates)[KT_FATES] = NULL;
    kt_json *list = kt_json_array();
    KT_TRY(kt_alloc(&fates, c->names.n, sizeof *fates, err));
    for (size_t i = 0; i < c->visits.n; i++)
        fates[c->visits.visit[i].service][c->visits.visit[i].fate]++;
    for (size_t k = 0; k < c->names.n; k++) {
        uint32_t s = c->by_name[k];
        if (c->queue[s].visits > 0)
            kt_json_append(list, service_json(c, f, s, fates[s]));
    }
    kt_json_put(c->report, "services", list);
    list = NULL;
out:
    kt_json_drop(list);
    free(fates);
    return status;
}

/* ---- calls of whom no spans are there ---- */

typedef struct {
    uint32_t service, peer;
    bool traced;
    double duration;
} external;

static int by_peer(const void *a, const void *b)
{
    const external *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    return (x->peer > y->peer) - (x->peer < y->peer);
}

static kt_status put_externals(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = c->visits.n_externals;
    external *e = NULL;
    double *time = NULL;
    kt_json *list = kt_json_array();
    KT_TRY(kt_alloc(&e, n, sizeof *e, err));
    KT_TRY(kt_alloc(&time, n, sizeof *time, err));
    for (size_t i = 0; i < n; i++) {
        const kt_external *from = &c->visits.external[i];
        e[i] = (external){c->visits.visit[from->visit].service, from->peer, from->traced,
                          (double)c->spans->span[from->span].duration};
    }
    qsort(e, n, sizeof *e, by_peer);
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first; next < n && by_peer(&e[first], &e[next]) == 0; next++)
            time[next - first] = e[next].duration;
        kt_json *json =
            kt_json_put(kt_json_object(), "service", kt_json_string(name_of(c, e[first].service)));
        kt_json_put(json, "peer", kt_json_string(c->spans->text[e[first].peer]));
        kt_json_put(json, "calls", integer(next - first));
        kt_json_put(json, "median_s", ns(kt_median(time, next - first)));
        kt_json_put(json, "sends_spans_elsewhere", kt_json_bool(e[first].traced));
        kt_json_append(list, json);
    }
    kt_json_put(c->report, "external", list);
    list = NULL;
out:
    kt_json_drop(list);
    free(e);
    free(time);
    return status;
}

/* ---- cells ---- */

static kt_json *cells_json(const kt_cleaned *c, const size_t *rows)
{
    kt_json *list = kt_json_array();
    int64_t zero = c->requests.request[0].start;
    for (size_t k = 0; k < c->cells.n; k++) {
        const kt_load_cell *cell = &c->cells.cell[k];
        kt_json *json = kt_json_object();
        kt_json_put(json, "cell", integer(k));
        kt_json_put(json, "label", kt_json_string(c->label[k]));
        kt_json_put(json, "start_s", ns((double)(cell->start - zero)));
        kt_json_put(json, "end_s", ns((double)(cell->end - zero)));
        kt_json_put(json, "rps_asked", kt_json_real(cell->asked));
        kt_json_put(json, "rps", kt_json_real(cell->rate));
        kt_json_put(json, "requests", integer(cell->requests));
        if (cell->told && cell->told->requests >= 0)
            kt_json_put(json, "requests_sent", kt_json_int(cell->told->requests));
        kt_json_put(json, "rows", integer(rows[k]));
        kt_json_put(json, "overloaded", kt_json_bool(cell->overloaded));
        kt_json_append(list, json);
    }
    return list;
}

static kt_status put_cells(kt_cleaned *c, kt_error *err)
{
    size_t *rows = NULL;
    kt_status status = kt_alloc(&rows, c->cells.n, sizeof *rows, err);
    for (size_t i = 0; i < c->n_rows && status == KT_OK; i++)
        rows[c->visits.visit[c->row[i]].cell]++;
    if (status == KT_OK)
        kt_json_put(c->report, "cells", cells_json(c, rows));
    free(rows);
    return status;
}

/* ---- all of it ---- */

/* What was found wrong besides; a span may stand in several of these, and in one line of the account. */
static kt_json *oddities_json(const kt_cleaned *c)
{
    uint64_t wrapped = 0, zero = 0, no_kind = 0;
    for (size_t i = 0; i < c->spans->n; i++) {
        const kt_span *span = &c->spans->span[i];
        wrapped += (span->flags & KT_SPAN_WRAPPED) != 0;
        zero += span->duration == 0 && !(span->flags & KT_SPAN_WRAPPED);
        no_kind += (span->flags & KT_SPAN_NO_KIND) != 0;
    }
    const struct {
        const char *name;
        uint64_t n;
    } odd[] = {{"negative_durations", wrapped},
               {"zero_durations", zero},
               {"without_kind", no_kind},
               {"missing_parents", c->tree.missing},
               {"own_parents", c->tree.own},
               {"cycles", c->tree.cycles},
               {"shared_ids", c->tree.shared},
               {"outside_of_their_call", c->visits.callee_outside},
               {"calls_outside_of_their_caller", c->visits.call_outside},
               {"duplicates", c->spans->duplicates}};
    kt_json *json = kt_json_object();
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++)
        kt_json_put(json, odd[k].name, kt_json_int((int64_t)odd[k].n));
    return json;
}

static const char *rule_text(const kt_rate_rule *rule, char *text, size_t n)
{
    switch (rule->kind) {
    case KT_RATE_ROWS:
        snprintf(text, n, "rows:%zu", rule->rows);
        break;
    case KT_RATE_WINDOW:
        snprintf(text, n, "window:%.15g", rule->seconds);
        break;
    default:
        snprintf(text, n, "%s", rule->kind == KT_RATE_CELL ? "cell" : "group8");
    }
    return text;
}

kt_status kt_cleaned_describe(kt_cleaned *c, const uint64_t *count, kt_error *err)
{
    kt_status status = KT_OK;
    kt_figures f = {.n = 0};
    char rule[64], *text = NULL;
    KT_TRY(kt_figures_find(&f, &c->visits, &c->requests, &c->cells, c->names.n, err));
    KT_TRY(kt_cleaned_flag(c, &f, err));
    c->report = kt_json_object();
    kt_json_put(c->report, "entry", kt_json_string(name_of(c, c->requests.entry)));
    kt_json_put(c->report, "spans", integer(c->spans->n + c->spans->duplicates));
    kt_json_put(c->report, "requests", integer(c->requests.n));
    kt_json_put(c->report, "rows", integer(c->n_rows));
    kt_json_put(c->report, "cells_from", kt_json_string(c->cells.told ? "manifest" : "changes"));
    kt_json_put(c->report, "rps_eff", kt_json_string(rule_text(&c->rule, rule, sizeof rule)));
    kt_json_put(c->report, "rps_of", kt_json_string(c->settings->rps_of ? "service" : "entry"));
    kt_json_put(c->report, "traced_share", kt_json_real(c->cells.sample));
    kt_json_put(c->report, "account", kt_account_json(count));
    kt_json_put(c->report, "oddities", oddities_json(c));
    kt_json_put(c->report, "roots", kt_roots_json(&c->visits, &c->names));
    KT_TRY(put_services(c, &f, err));
    KT_TRY(put_externals(c, err));
    KT_TRY(put_cells(c, err));
    kt_json_put(c->report, "flags", kt_json_keep(c->flags));
    KT_TRY(kt_json_text(&text, c->report, 0, err)); /* is it whole? */
out:
    free(text);
    kt_figures_clear(&f);
    return status;
}
