#include "kt/clean.h"

#include <stddef.h>

#define AT(field) offsetof(kt_clean_settings, field)
#define RESULT    KT_CLASS_RESULT

const kt_option kt_clean_table[] = {
    {"entry", 0, KT_OPTION_TEXT, RESULT, AT(entry), 0, 0, NULL, NULL, "NAME",
     "the service where requests arrive (that of the manifest, else of most traces)", "Cleaning"},
    {"operation", 0, KT_OPTION_TEXTS, RESULT, AT(operations), 0, 0, NULL, NULL, "NAME",
     "requests are those with this operation at the entry; may be repeated", NULL},
    {"exclude-operation", 0, KT_OPTION_TEXTS, RESULT, AT(exclude_operations), 0, 0, NULL, NULL, "NAME",
     "and those with this one are none; may be repeated", NULL},
    {"service-from", 0, KT_OPTION_TEXT, RESULT, AT(service_from), 0, 0, NULL, NULL, "tag:KEY",
     "a span's service is what this tag says, as in tag:istio.canonical_service", NULL},
    {"pod-from", 0, KT_OPTION_TEXTS, RESULT, AT(pod_from), 0, 0, NULL, NULL, "KEY",
     "the tag that tells pods apart; may be repeated, the first that a span has counts (k8s.pod.name, "
     "service.instance.id, host.name, hostname, ip, node_id)",
     NULL},
    {"external", 0, KT_OPTION_CHOICE, RESULT, AT(external), 0, 0, KT_EXTERNAL_CHOICES, "keep", "WHAT",
     "a call without a span of who was called is its caller's time (keep), nobody's (drop), or a service's",
     NULL},
    {"errors", 0, KT_OPTION_CHOICE, RESULT, AT(errors), 0, 0, KT_ERRORS_CHOICES, "drop", "WHAT",
     "spans that failed and those above them give no rows (drop), or rows as others (keep)", NULL},
    {"queue", 0, KT_OPTION_CHOICE, RESULT, AT(queue), 0, 0, KT_QUEUE_CHOICES, "auto", "RULE",
     "how waiting for a worker of the pod is taken out: first come first served, not at all, or as the data "
     "look",
     NULL},
    {"workers", 0, KT_OPTION_TEXTS, RESULT, AT(workers), 0, 0, NULL, NULL, "[NAME=]N",
     "requests that a pod of this service (of all) works on at a time; may be repeated", NULL},
    {"rps-eff", 0, KT_OPTION_TEXT, RESULT, AT(rps_eff), 0, 0, NULL, "auto", "RULE",
     "the rate of a row: cell, rows:N, window:SECONDS, or group8 as the original scripts; auto: cell with a "
     "manifest, else rows:32",
     NULL},
    {"rps-of", 0, KT_OPTION_CHOICE, RESULT, AT(rps_of), 0, 0, KT_RPS_OF_CHOICES, "entry", "WHAT",
     "the rate is that of requests at the entry, or of arrivals at the row's own service", NULL},
    {"sampling", 0, KT_OPTION_REAL, RESULT, AT(sampling), 0, 1, NULL, "0", "SHARE",
     "share of requests that are traced; 0: as tags and the manifest tell", NULL},
    {"rep", 0, KT_OPTION_TEXTS, RESULT, AT(rep), 0, 0, NULL, NULL, "NAME=N",
     "replicas of a service, whatever the manifest and its pods say; may be repeated", NULL},
    {"warmup", 0, KT_OPTION_REAL, RESULT, AT(warmup_s), 0, 1e9, NULL, "0", "SECONDS",
     "requests of a cell's first seconds give no rows", NULL},
    {"cooldown", 0, KT_OPTION_REAL, RESULT, AT(cooldown_s), 0, 1e9, NULL, "0", "SECONDS",
     "nor those of its last", NULL},
    {"keep-overload", 0, KT_OPTION_FLAG, RESULT, AT(keep_overload), 0, 0, NULL, "false", NULL,
     "keep cells that achieved less than 0.9 of the rate that was asked", NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};
