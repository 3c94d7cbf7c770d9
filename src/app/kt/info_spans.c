#include "info.h"

#include "kt/json.h"
#include "kt/manifest.h"
#include "kt/spans.h"
#include "kt/table.h"
#include "program.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KINDS = KT_SPAN_CONSUMER + 1, FEW = 20 /* windows or cells that are listed unasked */ };

typedef struct {
    uint32_t name; /* text */
    size_t spans, kind[KINDS], roots, failed, processes, pods;
} service;

typedef struct {
    kt_spans spans;
    kt_spans_papers papers;
    kt_manifest manifest;
    kt_json *certificate;
    size_t traces, n_services;
    int64_t start, end; /* ns */
    service *service;   /* byte order of names */
} contents;

/* ---- counting ---- */

static int by_name(const void *a, const void *b, void *context)
{
    const kt_spans *spans = context;
    return strcmp(spans->text[((const service *)a)->name], spans->text[((const service *)b)->name]);
}

typedef struct {
    uint32_t service, pod; /* texts */
} pod;

static int by_pod(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(pod));
}

/* Distinct pods of each service, by the first tag that names one. */
static kt_status count_pods(contents *c, const uint32_t *number, kt_error *err)
{
    static const char *const keys[] = {"k8s.pod.name", "service.instance.id", "host.name", "hostname", "ip",
                                       "node_id"};
    kt_status status = KT_OK;
    const kt_spans *spans = &c->spans;
    pod *pods = NULL;
    size_t n = 0;
    KT_TRY(kt_grow(&pods, spans->n_processes, sizeof *pods, err));
    for (size_t i = 0; i < spans->n_processes; i++) {
        const kt_span_process *process = &spans->process[i];
        const char *value = NULL;
        for (size_t k = 0; k < sizeof keys / sizeof *keys && !value; k++)
            value = kt_process_tag_value(spans, process, kt_spans_find_text(spans, keys[k]));
        if (value)
            pods[n++] = (pod){process->service, kt_spans_find_text(spans, value)};
        c->service[number[process->service] - 1].processes++;
    }
    qsort(pods, n, sizeof *pods, by_pod);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_pod(&pods[i - 1], &pods[i]) != 0)
            c->service[number[pods[i].service] - 1].pods++;
out:
    free(pods);
    return status;
}

static void count_span(contents *c, service *to, size_t i)
{
    const kt_span *s = &c->spans.span[i];
    c->traces += i == 0 || memcmp(s->trace, s[-1].trace, sizeof s->trace) != 0;
    c->start = i == 0 || s->start < c->start ? s->start : c->start;
    c->end = i == 0 || s->start + s->duration > c->end ? s->start + s->duration : c->end;
    to->spans++;
    to->kind[s->kind]++;
    to->roots += s->parent == 0;
    to->failed += (s->flags & KT_SPAN_FAILED) != 0;
}

static kt_status count(contents *c, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_spans *spans = &c->spans;
    uint32_t *number = NULL; /* of a service by its text, plus 1 */
    KT_TRY(kt_alloc(&number, spans->n_texts, sizeof *number, err));
    for (size_t i = 0; i < spans->n_processes; i++)
        if (number[spans->process[i].service] == 0)
            number[spans->process[i].service] = (uint32_t)++c->n_services;
    KT_TRY(kt_alloc(&c->service, c->n_services, sizeof *c->service, err));
    for (uint32_t i = 0; i < spans->n_texts; i++)
        if (number[i] > 0)
            c->service[number[i] - 1].name = i;
    for (size_t i = 0; i < spans->n; i++)
        count_span(c, &c->service[number[spans->process[spans->span[i].process].service] - 1], i);
    KT_TRY(count_pods(c, number, err));
    qsort_r(c->service, c->n_services, sizeof *c->service, by_name, (void *)spans);
out:
    free(number);
    return status;
}

/* ---- for machines ---- */

static kt_status put_paper(kt_json *json, const char *key, const char *text, const char *path, kt_error *err)
{
    kt_json *value = NULL;
    kt_status status = text ? kt_json_parse(&value, text, strlen(text), path, err) : KT_OK;
    if (value)
        kt_json_put(json, key, value);
    return status;
}

static kt_json *service_json(const contents *c, const service *s)
{
    kt_json *json = kt_json_object();
    kt_json_put(json, "service", kt_json_string(c->spans.text[s->name]));
    kt_json_put(json, "spans", kt_json_int((int64_t)s->spans));
    for (int kind = 0; kind < KINDS; kind++)
        kt_json_put(json, kt_span_kind_text[kind], kt_json_int((int64_t)s->kind[kind]));
    kt_json_put(json, "roots", kt_json_int((int64_t)s->roots));
    kt_json_put(json, "failed", kt_json_int((int64_t)s->failed));
    kt_json_put(json, "processes", kt_json_int((int64_t)s->processes));
    return kt_json_put(json, "pods", kt_json_int((int64_t)s->pods));
}

static kt_status print_json(const contents *c, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = kt_json_object(), *services = kt_json_array();
    for (size_t i = 0; i < c->n_services; i++)
        kt_json_append(services, service_json(c, &c->service[i]));
    kt_json_put(json, "schema", kt_json_string(KT_SPANS_SCHEMA));
    kt_json_put(json, "spans", kt_json_int((int64_t)c->spans.n));
    kt_json_put(json, "duplicates", kt_json_int((int64_t)c->spans.duplicates));
    kt_json_put(json, "traces", kt_json_int((int64_t)c->traces));
    kt_json_put(json, "start_ns", kt_json_int(c->start));
    kt_json_put(json, "end_ns", kt_json_int(c->end));
    kt_json_put(json, "services", services);
    KT_TRY(put_paper(json, "certificate", c->papers.certificate, path, err));
    KT_TRY(put_paper(json, "manifest", c->papers.manifest, path, err));
    KT_TRY(put_paper(json, "provenance", c->papers.provenance, path, err));
    status = program_print_json(kt_json_keep(json), err);
out:
    kt_json_drop(json);
    return status;
}

/* ---- for people ---- */

/* UTC, to the millisecond. */
static const char *time_text(char out[64], int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000 - (ns % 1000000000 < 0));
    struct tm utc;
    char date[32] = "?";
    if (gmtime_r(&seconds, &utc))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);
    snprintf(out, 64, "%s.%03d", date, (int)((ns - (int64_t)seconds * 1000000000) / 1000000));
    return out;
}

static kt_status print_table(const kt_table *table, kt_error *err)
{
    char *text = NULL;
    kt_status status = kt_table_text(&text, table, err);
    if (status == KT_OK)
        fputs(text, stdout);
    free(text);
    return status;
}

static kt_status print_services(const contents *c, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(kt_table_create(
        &table, "service|spans>|internal>|server>|client>|producer>|consumer>|roots>|failed>|pods>", err));
    for (size_t i = 0; i < c->n_services; i++) {
        const service *s = &c->service[i];
        const char *name = c->spans.text[s->name];
        KT_TRY(kt_table_cell(table, err, "%s", *name ? name : "(none)"));
        KT_TRY(kt_table_cell(table, err, "%zu", s->spans));
        for (int kind = 0; kind < KINDS; kind++)
            KT_TRY(kt_table_cell(table, err, "%zu", s->kind[kind]));
        KT_TRY(kt_table_cell(table, err, "%zu", s->roots));
        KT_TRY(kt_table_cell(table, err, "%zu", s->failed));
        if (s->pods > 0)
            KT_TRY(kt_table_cell(table, err, "%zu", s->pods));
        else
            KT_TRY(kt_table_cell(table, err, "unknown"));
    }
    KT_TRY(print_table(table, err));
out:
    kt_table_destroy(table);
    return status;
}

static kt_status scalar_cell(kt_table *table, const kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    if (kt_json_kind_of(value) == KT_JSON_TEXT)
        return kt_table_cell(table, err, "%s", kt_json_as_text(value, ""));
    if (kt_json_kind_of(value) == KT_JSON_NULL)
        return kt_table_cell(table, err, "-");
    KT_TRY(kt_json_text(&text, value, 0, err));
    KT_TRY(kt_table_cell(table, err, "%s", text));
out:
    free(text);
    return status;
}

/* A list of objects as a table, whose columns are the keys of the first one. */
static kt_status print_objects(const kt_json *list, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    const kt_json *first = kt_json_at(list, 0);
    char headings[1000] = "";
    size_t columns = kt_json_size(first), used = 0;
    for (size_t k = 0; k < columns; k++) {
        const char *key = kt_json_key(first, k);
        bool number = kt_json_kind_of(kt_json_get(first, key)) != KT_JSON_TEXT;
        int added = snprintf(headings + used, sizeof headings - used, "%s%s%s", k > 0 ? "|" : "", key,
                             number ? ">" : "");
        if (added < 0 || (size_t)added >= sizeof headings - used) /* more than any screen shows */
            return KT_OK;
        used += (size_t)added;
    }
    KT_TRY(kt_table_create(&table, headings, err));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < columns; k++)
            KT_TRY(scalar_cell(table, kt_json_get(kt_json_at(list, i), kt_json_key(first, k)), err));
    KT_TRY(print_table(table, err));
out:
    kt_table_destroy(table);
    return status;
}

/* What is not known here by name is printed as it stands: a line for a value, a table for a list of objects.
 */
static kt_status print_certificate(const contents *c, bool all, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *certificate = c->certificate;
    char *text = NULL;
    printf("\ncertificate: %s%s%s\n",
           kt_json_as_text(kt_json_get(certificate, "verdict"), "without a verdict"),
           kt_json_get(certificate, "reason") ? ": " : "",
           kt_json_as_text(kt_json_get(certificate, "reason"), ""));
    for (size_t i = 0; i < kt_json_size(certificate); i++) {
        const char *key = kt_json_key(certificate, i);
        const kt_json *value = kt_json_get(certificate, key);
        size_t n = kt_json_size(value), shown = all || n <= FEW ? n : FEW;
        bool table = kt_json_kind_of(value) == KT_JSON_ARRAY &&
                     kt_json_kind_of(kt_json_at(value, 0)) == KT_JSON_OBJECT;
        if (strcmp(key, "verdict") == 0 || strcmp(key, "reason") == 0)
            continue;
        free(text);
        text = NULL;
        if (!table) {
            KT_TRY(kt_json_text(&text, value, 0, err));
            printf("  %s: %s\n", key, kt_json_as_text(value, text));
            continue;
        }
        printf("  %s: %zu\n", key, n);
        KT_TRY(print_objects(value, shown, err));
        if (shown < n)
            printf("  ... and %zu more (--cells)\n", n - shown);
    }
out:
    free(text);
    return status;
}

static kt_status rate_cell(kt_table *table, double rate, kt_error *err)
{
    return isnan(rate) ? kt_table_cell(table, err, "-") : kt_table_cell(table, err, "%.2f", rate);
}

static kt_status print_cell(kt_table *table, const kt_manifest_cell *cell, size_t i, kt_error *err)
{
    kt_status status = KT_OK;
    char time[64], reps[200] = "";
    size_t used = 0;
    for (size_t k = 0; k < cell->n_reps && used < sizeof reps; k++)
        used += (size_t)snprintf(reps + used, sizeof reps - used, "%s%s=%g", k > 0 ? " " : "",
                                 cell->rep[k].service, cell->rep[k].rep);
    KT_TRY(kt_table_cell(table, err, "%zu", i));
    KT_TRY(kt_table_cell(table, err, "%s", time_text(time, cell->start)));
    KT_TRY(kt_table_cell(table, err, "%.1f", (double)(cell->end - cell->start) / 1e9));
    KT_TRY(rate_cell(table, cell->asked, err));
    KT_TRY(rate_cell(table, cell->achieved, err));
    const int64_t counts[] = {cell->requests, cell->errors};
    for (int k = 0; k < 2; k++)
        if (counts[k] < 0)
            KT_TRY(kt_table_cell(table, err, "-"));
        else
            KT_TRY(kt_table_cell(table, err, "%lld", (long long)counts[k]));
    KT_TRY(kt_table_cell(table, err, "%s", *reps ? reps : "-"));
out:
    return status;
}

static kt_status print_manifest(const kt_manifest *m, bool all, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    size_t shown = all || m->n <= FEW ? m->n : FEW;
    printf("\nmanifest: %zu load cells%s%s\n", m->n, m->entry ? ", entry " : "", m->entry ? m->entry : "");
    KT_TRY(kt_table_create(&table, "cell>|start (UTC)|s>|req/s asked>|achieved>|requests>|errors>|replicas",
                           err));
    for (size_t i = 0; i < shown; i++)
        KT_TRY(print_cell(table, &m->cell[i], i, err));
    KT_TRY(print_table(table, err));
    if (shown < m->n)
        printf("... and %zu more (--cells)\n", m->n - shown);
out:
    kt_table_destroy(table);
    return status;
}

static kt_status print_text(const contents *c, bool all, kt_error *err)
{
    kt_status status = KT_OK;
    char start[64], end[64];
    printf("%s: %zu spans in %zu traces\n", KT_SPANS_SCHEMA, c->spans.n, c->traces);
    if (c->spans.n > 0)
        printf("from %s to %s UTC, %.1f s\n", time_text(start, c->start), time_text(end, c->end),
               ((double)c->end - (double)c->start) / 1e9);
    if (c->spans.duplicates > 0)
        printf("%llu more are duplicates\n", (unsigned long long)c->spans.duplicates);
    puts("");
    KT_TRY(print_services(c, err));
    if (c->certificate)
        KT_TRY(print_certificate(c, all, err));
    else
        puts("\ncertificate: none: nobody says whether these are all spans");
    if (c->manifest.n > 0)
        KT_TRY(print_manifest(&c->manifest, all, err));
out:
    return status;
}

kt_status info_spans(const char *path, bool json, bool all, kt_error *err)
{
    kt_status status = KT_OK;
    contents c = {.traces = 0};
    KT_TRY(kt_spans_read(&c.spans, &c.papers, path, err));
    KT_TRY(count(&c, err));
    if (c.papers.certificate)
        KT_TRY(kt_json_parse(&c.certificate, c.papers.certificate, strlen(c.papers.certificate), path, err));
    if (c.papers.manifest)
        KT_TRY(kt_manifest_parse(&c.manifest, c.papers.manifest, strlen(c.papers.manifest), path, err));
    KT_TRY(json ? print_json(&c, path, err) : print_text(&c, all, err));
out:
    kt_json_drop(c.certificate);
    kt_manifest_clear(&c.manifest);
    kt_spans_papers_clear(&c.papers);
    kt_spans_clear(&c.spans);
    free(c.service);
    return status;
}
