#include "names.h"

#include <stdlib.h>
#include <string.h>

static const char tag_prefix[] = "tag:";

uint32_t kt_tag_text(const kt_spans *spans, const kt_span *span, uint32_t key)
{
    const kt_span_process *process = &spans->process[span->process];
    const kt_span_tag *tag = spans->tag + span->first_tag;
    if (key == 0)
        return 0;
    for (uint32_t i = 0; i < span->n_tags; i++)
        if (tag[i].key == key)
            return tag[i].value;
    tag = spans->tag + process->first_tag;
    for (uint32_t i = 0; i < process->n_tags; i++)
        if (tag[i].key == key)
            return tag[i].value;
    return 0;
}

/* ---- services ---- */

uint32_t kt_names_put(kt_names *names, uint32_t text)
{
    uint32_t *number = &names->number[text];
    if (*number == KT_NONE) {
        *number = (uint32_t)names->n;
        names->text[names->n] = text;
        names->name[names->n++] = text == 0 ? "no-service-name" : names->spans->text[text];
    }
    return *number;
}

uint32_t kt_names_find(const kt_names *names, const char *name)
{
    uint32_t text = kt_spans_find_text(names->spans, name);
    return text == 0 && *name ? KT_NONE : names->number[text];
}

kt_status kt_names_init(kt_names *names, const kt_spans *spans, const char *service_from, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t key = 0;
    if (service_from) {
        if (strncmp(service_from, tag_prefix, sizeof tag_prefix - 1) != 0)
            return kt_fail(err, KT_USAGE, "--service-from %s: wanted is tag:KEY", service_from);
        key = kt_spans_find_text(spans, service_from + sizeof tag_prefix - 1);
        if (key == 0)
            return kt_fail(err, KT_USAGE, "--service-from %s: no span has this tag", service_from);
    }
    *names = (kt_names){.spans = spans};
    KT_TRY(kt_alloc(&names->name, spans->n_texts, sizeof *names->name, err));
    KT_TRY(kt_alloc(&names->text, spans->n_texts, sizeof *names->text, err));
    KT_TRY(kt_alloc(&names->number, spans->n_texts, sizeof *names->number, err));
    KT_TRY(kt_alloc(&names->service, spans->n, sizeof *names->service, err));
    memset(names->number, 0xFF, spans->n_texts * sizeof *names->number);
    for (size_t i = 0; i < spans->n; i++) {
        uint32_t text = kt_tag_text(spans, &spans->span[i], key);
        if (text == 0)
            text = spans->process[spans->span[i].process].service;
        names->service[i] = kt_names_put(names, text);
    }
out:
    return status;
}

void kt_names_clear(kt_names *names)
{
    free(names->name);
    free(names->text);
    free(names->number);
    free(names->service);
    *names = (kt_names){.n = 0};
}

static int by_name(const void *a, const void *b, void *context)
{
    const kt_names *names = context;
    return strcmp(names->name[*(const uint32_t *)a], names->name[*(const uint32_t *)b]);
}

void kt_names_order(uint32_t *order, const kt_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, names->n, sizeof *order, by_name, (void *)names);
}

/* ---- pods ---- */

void kt_pods_init(kt_pods *pods, const kt_spans *spans, const kt_texts *from)
{
    static const kt_texts usual = {
        6, {"k8s.pod.name", "service.instance.id", "host.name", "hostname", "ip", "node_id"}};
    if (from->n == 0)
        from = &usual;
    *pods = (kt_pods){.spans = spans};
    for (size_t i = 0; i < from->n; i++) {
        uint32_t key = kt_spans_find_text(spans, from->text[i]);
        if (key != 0)
            pods->key[pods->n_keys++] = key;
    }
}

void kt_pods_clear(kt_pods *pods)
{
    free(pods->pod);
    kt_slots_clear(&pods->slots);
    *pods = (kt_pods){.n = 0};
}

typedef struct {
    const kt_pods *pods;
    kt_pod pod;
} wanted_pod;

static bool is_wanted(const void *context, uint32_t item)
{
    const wanted_pod *w = context;
    return w->pods->pod[item].service == w->pod.service && w->pods->pod[item].text == w->pod.text;
}

kt_status kt_pods_put(uint32_t *pod, kt_pods *pods, const kt_span *span, uint32_t service, kt_error *err)
{
    kt_status status = KT_OK;
    wanted_pod w = {.pods = pods, .pod = {.service = service}};
    *pod = KT_NONE;
    for (size_t k = 0; k < pods->n_keys && w.pod.text == 0; k++)
        w.pod.text = kt_tag_text(pods->spans, span, pods->key[k]);
    if (w.pod.text == 0)
        return KT_OK;
    uint32_t hash = kt_hash_bytes(&w.pod, sizeof w.pod);
    KT_TRY(kt_slots_reserve(&pods->slots, err));
    kt_slot *slot = kt_slots_seek(&pods->slots, hash, is_wanted, &w);
    if (slot->item != 0) {
        *pod = slot->item - 1;
        return KT_OK;
    }
    if (pods->n == pods->capacity) {
        size_t capacity = 2 * pods->capacity + 16;
        KT_TRY(kt_grow(&pods->pod, capacity, sizeof *pods->pod, err));
        pods->capacity = capacity;
    }
    *pod = (uint32_t)pods->n++;
    pods->pod[*pod] = w.pod;
    kt_slots_take(&pods->slots, slot, hash, *pod);
out:
    return status;
}

const char *kt_pod_name(int *n, const kt_pods *pods, uint32_t pod)
{
    const char *name = pods->spans->text[pods->pod[pod].text];
    const char *ip = strncmp(name, "sidecar~", 8) == 0 ? strchr(name, '~') : NULL;
    const char *third = ip ? strchr(ip + 1, '~') : NULL;
    if (third && third[1] != '\0' && third[1] != '~')
        name = third + 1;
    *n = (int)strcspn(name, third ? "~" : "");
    return name;
}
