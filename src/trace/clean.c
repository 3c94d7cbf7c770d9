#include "clean_private.h"

#include "kt/pause.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kt_cleaned_say(kt_cleaned *c, const char *format, ...)
{
    char line[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    kt_json_append(c->flags, kt_json_string(line));
    if (c->note)
        c->note(c->context, line);
}

/* ---- what the user says of services ---- */

kt_status kt_names_match(uint32_t *service, const kt_names *names, const char *name, const char *option,
                         kt_error *err)
{
    size_t matches = 0;
    *service = kt_names_find(names, name);
    if (*service != KT_NONE)
        return KT_OK;
    for (uint32_t s = 0; s < names->n; s++) {
        size_t n = strcspn(names->name[s], ".");
        if (strlen(name) == n && strncmp(name, names->name[s], n) == 0) {
            *service = s;
            matches++;
        }
    }
    if (matches == 1)
        return KT_OK;
    const char *nearest = kt_nearest(name, names->name, names->n);
    return kt_fail(err, KT_USAGE, "--%s: %s is called '%s'%s%s%s", option,
                   matches == 0 ? "no service" : "more than one service", name,
                   nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* "SERVICE=N"; without a service: *service is KT_NONE. */
static kt_status read_pair(uint32_t *service, double *value, const kt_names *names, const char *text,
                           const char *option, kt_error *err)
{
    kt_status status = KT_OK;
    char *name = NULL, *end;
    const char *equals = strrchr(text, '='), *number = equals ? equals + 1 : text;
    *service = KT_NONE;
    *value = strtod(number, &end);
    if (end == number || *end != '\0' || !(*value > 0 && *value <= 1e6))
        return kt_fail(err, KT_USAGE, "--%s %s: wanted is SERVICE=N with a number above 0", option, text);
    if (equals) {
        KT_TRY(kt_format(&name, err, "%.*s", (int)(equals - text), text));
        KT_TRY(kt_names_match(service, names, name, option, err));
    }
out:
    free(name);
    return status;
}

static kt_status read_workers(int *workers, const kt_names *names, const kt_texts *texts, kt_error *err)
{
    kt_status status = KT_OK;
    for (int named = 0; named < 2; named++) { /* those of a service win over those of all */
        for (size_t i = 0; i < texts->n; i++) {
            uint32_t service;
            double value;
            KT_TRY(read_pair(&service, &value, names, texts->text[i], "workers", err));
            if (value != floor(value))
                return kt_fail(err, KT_USAGE, "--workers %s: not a whole number", texts->text[i]);
            for (uint32_t s = 0; s < names->n; s++)
                if (service == s || (service == KT_NONE && !named))
                    workers[s] = (int)value;
        }
    }
out:
    return status;
}

static kt_status read_reps(double *rep, const kt_names *names, const kt_texts *texts, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t s = 0; s < names->n; s++)
        rep[s] = NAN;
    for (size_t i = 0; i < texts->n; i++) {
        uint32_t service;
        double value;
        KT_TRY(read_pair(&service, &value, names, texts->text[i], "rep", err));
        if (service == KT_NONE)
            return kt_fail(err, KT_USAGE, "--rep %s: wanted is SERVICE=N", texts->text[i]);
        rep[service] = value;
    }
out:
    return status;
}

/* ---- steps ---- */

static kt_status find_visits(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_clean_settings *s = c->settings;
    KT_TRY(kt_names_init(&c->names, c->spans, s->service_from, err));
    KT_TRY(kt_parents_find(&c->tree, c->spans, c->names.service, err));
    kt_pods_init(&c->pods, c->spans, &s->pod_from);
    KT_TRY(kt_visits_find(&c->visits, &c->names, &c->pods, c->spans, &c->tree,
                          &(kt_visits_options){.external = s->external, .keep_failed = s->errors != 0}, err));
    KT_TRY(kt_requests_find(&c->requests, &c->visits, &c->names,
                            &(kt_requests_options){.entry = s->entry ? s->entry : c->manifest->entry,
                                                   .operations = &s->operations,
                                                   .other_operations = &s->exclude_operations},
                            err));
out:
    return status;
}

/* Times without queue and calls. */
static kt_status find_times(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    int *workers = NULL;
    KT_TRY(kt_alloc(&workers, c->names.n, sizeof *workers, err));
    KT_TRY(kt_alloc(&c->queue, c->names.n, sizeof *c->queue, err));
    KT_TRY(read_workers(workers, &c->names, &c->settings->workers, err));
    kt_queue_options options = {.rule = c->settings->queue, .workers = workers};
    options.sampled = !(c->cells.sample == 1);
    KT_TRY(kt_queue_run(c->queue, &c->visits, c->names.n, &options, err));
    for (size_t i = 0; i < c->visits.n; i++) {
        kt_visit *v = &c->visits.visit[i];
        int64_t from = v->start > v->freed ? v->start : v->freed;
        v->proc = v->end - from - kt_calls_covered(c->visits.call + v->first_call, v->n_calls, from, v->end);
    }
out:
    free(workers);
    return status;
}

static kt_status find_load(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_clean_settings *s = c->settings;
    double *given = NULL;
    KT_TRY(kt_cells_find(&c->cells, &c->requests, &c->visits, c->pods.n,
                         &(kt_cells_options){.manifest = c->manifest, .sampling = s->sampling}, err));
    KT_TRY(kt_rate_parse(&c->rule, s->rps_eff ? s->rps_eff : "auto", c->cells.told, err));
    KT_TRY(kt_visits_rate(&c->visits, &c->requests, &c->cells, &c->rule, s->rps_of != 0, err));
    KT_TRY(kt_grow(&given, c->names.n, sizeof *given, err));
    KT_TRY(read_reps(given, &c->names, &s->rep, err));
    KT_TRY(kt_reps_find(&c->reps, &c->cells, &c->visits, &c->names, given, err));
    for (size_t i = 0; i < c->visits.n; i++) {
        kt_visit *v = &c->visits.visit[i];
        if (v->cell != KT_NONE)
            v->rep = c->reps.rep[v->cell * c->names.n + v->service];
    }
out:
    free(given);
    return status;
}

/* ---- fates ---- */

/* Does a request start in the warm-up or the cool-down of its run? */
static bool is_trimmed(const kt_cleaned *c, const kt_run *run, uint32_t request)
{
    const kt_load_cell *cell = &c->cells.cell[run->cell];
    int64_t first = cell->told ? cell->start : c->requests.request[run->first].start;
    int64_t last = cell->told ? cell->end : c->requests.request[run->next - 1].start;
    double since = 1e-9 * (double)(c->requests.request[request].start - first);
    double until = 1e-9 * (double)(last - c->requests.request[request].start);
    return since < c->settings->warmup_s || until < c->settings->cooldown_s;
}

static uint8_t fate_of(const kt_cleaned *c, const kt_visit *v, const uint8_t *trimmed)
{
    if (v->cell == KT_NONE)
        return KT_FATE_NO_CELL;
    if (c->cells.cell[v->cell].overloaded && !c->settings->keep_overload)
        return KT_FATE_OVERLOADED;
    if (trimmed[v->request])
        return KT_FATE_TRIMMED;
    if (v->bad_times)
        return KT_FATE_WRAPPED;
    if (v->proc <= 0)
        return KT_FATE_NO_TIME;
    if (!(v->rep > 0))
        return KT_FATE_NO_REP;
    if (!(v->rate > 0 && isfinite(v->rate)))
        return KT_FATE_NO_RATE;
    return KT_FATE_ROW;
}

int64_t kt_cleaned_delay(const kt_cleaned *c, const kt_visit *v)
{
    if (v->detached || (v->delay == KT_UNKNOWN && v->request != KT_NONE &&
                        c->requests.request[v->request].visit == (uint32_t)(v - c->visits.visit)))
        return 0;
    return v->delay == KT_UNKNOWN || v->delay > 0 ? v->delay : 0;
}

/* Rows that lack the delay that their service's target needs are none. */
static kt_status settle_targets(kt_cleaned *c, kt_error *err)
{
    bool any = false, wanted = c->settings->target != KT_TARGET_ASK_PROC;
    for (size_t i = 0; i < c->visits.n; i++) {
        const kt_visit *v = &c->visits.visit[i];
        if (v->fate == KT_FATE_ROW && !v->detached && v->delay != KT_UNKNOWN)
            any = c->service[v->service].has_delay = true;
    }
    if (c->settings->target == KT_TARGET_ASK_PROC_DELAY && !any)
        return kt_fail(err, KT_INPUT,
                       "no visit has a CLIENT span of its caller, so that proc+delay cannot be the target");
    for (size_t s = 0; s < c->names.n; s++)
        c->service[s].target = wanted && c->service[s].has_delay ? KT_TARGET_PROC_DELAY : KT_TARGET_PROC;
    for (size_t i = 0; i < c->visits.n; i++) {
        kt_visit *v = &c->visits.visit[i];
        kt_cleaned_service *s = &c->service[v->service];
        if (v->fate != KT_FATE_ROW)
            continue;
        if (s->target == KT_TARGET_PROC_DELAY && kt_cleaned_delay(c, v) == KT_UNKNOWN) {
            v->fate = KT_FATE_NO_DELAY;
            s->no_delay++;
            continue;
        }
        s->rows++;
        s->negative_delays +=
            s->target == KT_TARGET_PROC_DELAY && !v->detached && v->delay != KT_UNKNOWN && v->delay < 0;
    }
    return KT_OK;
}

static kt_status judge(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t *trimmed = NULL;
    KT_TRY(kt_alloc(&trimmed, c->requests.n, sizeof *trimmed, err));
    KT_TRY(kt_alloc(&c->service, c->names.n, sizeof *c->service, err));
    for (size_t i = 0; i < c->cells.n_runs; i++)
        for (size_t r = c->cells.run[i].first; r < c->cells.run[i].next; r++)
            trimmed[r] = is_trimmed(c, &c->cells.run[i], (uint32_t)r);
    for (size_t i = 0; i < c->visits.n; i++) {
        kt_visit *v = &c->visits.visit[i];
        if (v->fate == KT_FATE_ROW)
            v->fate = fate_of(c, v, trimmed);
    }
    KT_TRY(settle_targets(c, err));
out:
    free(trimmed);
    return status;
}

/* ---- rows ---- */

typedef struct {
    uint32_t request, visit;
    int64_t start;
} row_place;

static int by_request_and_start(const void *a, const void *b)
{
    const row_place *x = a, *y = b;
    if (x->request != y->request)
        return x->request < y->request ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->visit > y->visit) - (x->visit < y->visit);
}

static kt_status order_rows(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    row_place *place = NULL;
    KT_TRY(kt_grow(&place, c->visits.n, sizeof *place, err));
    for (size_t i = 0; i < c->visits.n; i++) {
        const kt_visit *v = &c->visits.visit[i];
        if (v->fate == KT_FATE_ROW)
            place[c->n_rows++] = (row_place){v->request, (uint32_t)i, v->start};
    }
    qsort(place, c->n_rows, sizeof *place, by_request_and_start);
    KT_TRY(kt_alloc(&c->row, c->n_rows, sizeof *c->row, err));
    for (size_t i = 0; i < c->n_rows; i++)
        c->row[i] = place[i].visit;
    KT_TRY(kt_alloc(&c->by_name, c->names.n, sizeof *c->by_name, err));
    kt_names_order(c->by_name, &c->names);
out:
    free(place);
    return status;
}

static kt_status check_rows(const kt_cleaned *c, const uint64_t *count, kt_error *err)
{
    int most = KT_FATE_OTHER_ROOT;
    if (c->n_rows > 0)
        return KT_OK;
    for (int f = KT_FATE_OTHER_ROOT; f < KT_FATE_NESTED; f++)
        most = count[f] > count[most] ? f : most;
    return kt_fail(err, KT_INPUT,
                   "no row is left of %zu spans and %zu requests at '%s'; most visits (%llu) are %s",
                   c->spans->n, c->requests.n, c->names.name[c->requests.entry],
                   (unsigned long long)count[most], kt_fate_text[most]);
}

kt_status kt_clean_make(kt_cleaned **cleaned, const kt_spans *spans, const kt_manifest *manifest,
                        const kt_clean_settings *settings, void (*note)(void *context, const char *line),
                        void *context, kt_error *err)
{
    kt_status status = KT_OK;
    kt_status (*const stages[])(kt_cleaned * c, kt_error * err) = {find_visits, find_load, find_times, judge,
                                                                   order_rows};
    kt_cleaned *c = NULL;
    uint64_t count[KT_FATES] = {0};
    *cleaned = NULL;
    KT_TRY(kt_alloc(&c, 1, sizeof *c, err));
    c->spans = spans;
    c->manifest = manifest;
    c->settings = settings;
    c->note = note;
    c->context = context;
    c->flags = kt_json_array();
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        KT_TRY(kt_go_on(err));
        KT_TRY(stages[i](c, err));
    }
    for (size_t i = 0; i < c->visits.n; i++)
        c->visits.line[c->visits.visit[i].span] = c->visits.visit[i].fate;
    for (size_t i = 0; i < spans->n; i++)
        count[c->visits.line[i]]++;
    count[KT_FATE_DUPLICATE] = spans->duplicates;
    KT_TRY(check_rows(c, count, err));
    KT_TRY(kt_cleaned_label(c, err));
    KT_TRY(kt_cleaned_describe(c, count, err));
    c->settings = NULL; /* the caller's */
    *cleaned = c;
    c = NULL;
out:
    kt_cleaned_destroy(c);
    return status;
}

void kt_cleaned_destroy(kt_cleaned *c)
{
    if (!c)
        return;
    kt_names_clear(&c->names);
    kt_pods_clear(&c->pods);
    kt_parents_clear(&c->tree);
    kt_visits_clear(&c->visits);
    kt_requests_clear(&c->requests);
    kt_cells_clear(&c->cells);
    kt_reps_clear(&c->reps);
    free(c->queue);
    free(c->service);
    free(c->by_name);
    free(c->row);
    free(c->label);
    kt_json_drop(c->flags);
    kt_json_drop(c->report);
    free(c);
}

const kt_json *kt_cleaned_report(const kt_cleaned *c)
{
    return c->report;
}

kt_status kt_clean_run(kt_samples *samples, kt_json **report, const kt_spans *spans,
                       const kt_manifest *manifest, const kt_clean_settings *settings,
                       void (*note)(void *context, const char *line), void *context, kt_error *err)
{
    kt_status status = KT_OK;
    kt_cleaned *c = NULL;
    KT_TRY(kt_clean_make(&c, spans, manifest, settings, note, context, err));
    KT_TRY(kt_cleaned_samples(samples, c, err));
    *report = kt_json_keep(c->report);
out:
    kt_cleaned_destroy(c);
    return status;
}
