/* Services and pods of a set of spans, by number in the order of first use. */
#ifndef KT_TRACE_NAMES_H
#define KT_TRACE_NAMES_H

#include "kt/error.h"
#include "kt/options.h"
#include "kt/spans.h"
#include "words.h"
#include <stddef.h>
#include <stdint.h>

#define KT_NONE UINT32_MAX

typedef struct {
    const kt_spans *spans; /* borrowed */
    size_t n;
    const char **name; /* [n] borrowed from the spans; "no-service-name" for an empty one */
    uint32_t *text;    /* [n] */
    uint32_t *number;  /* [spans->n_texts] the service of this name, or KT_NONE */
    uint32_t *service; /* [spans->n] of each span */
} kt_names;

/* service_from: NULL: the process's name; "tag:KEY": the tag of the span or its process, where it has one.
 * names: zeroed; clear it whatever came back. KT_USAGE for another service_from or a tag that no span has. */
kt_status kt_names_init(kt_names *names, const kt_spans *spans, const char *service_from, kt_error *err);
void kt_names_clear(kt_names *names);

uint32_t kt_names_put(kt_names *names, uint32_t text);           /* the service of this name, new or not */
uint32_t kt_names_find(const kt_names *names, const char *name); /* or KT_NONE */
/* Numbers of all services in byte order of names: order [n]. */
void kt_names_order(uint32_t *order, const kt_names *names);

/* The value of the span's tag, else of its process's, as a text; 0 where there is none or it is empty. */
uint32_t kt_tag_text(const kt_spans *spans, const kt_span *span, uint32_t key);

typedef struct {
    uint32_t service, text;
} kt_pod;

typedef struct {
    const kt_spans *spans; /* borrowed */
    size_t n, capacity, n_keys;
    kt_pod *pod;
    uint32_t key[KT_OPTION_LIST_MAX]; /* texts of tags, first wins */
    kt_slots slots;
} kt_pods;

/* from: tags in order; n = 0: k8s.pod.name, service.instance.id, host.name, hostname, ip, node_id. */
void kt_pods_init(kt_pods *pods, const kt_spans *spans, const kt_texts *from);
void kt_pods_clear(kt_pods *pods);
/* The pod of a service that sent the span; KT_NONE where no tag says. */
kt_status kt_pods_put(uint32_t *pod, kt_pods *pods, const kt_span *span, uint32_t service, kt_error *err);
/* For people: of Istio's node_id ("sidecar~IP~POD.NAMESPACE~...") the third part. *n: its length. */
const char *kt_pod_name(int *n, const kt_pods *pods, uint32_t pod);

#endif
