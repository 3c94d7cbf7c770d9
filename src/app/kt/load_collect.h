/* After a load: its traces, from the Jaeger that they went to. */
#ifndef KT_APP_LOAD_COLLECT_H
#define KT_APP_LOAD_COLLECT_H

#include "jaeger.h"
#include <stdbool.h>

typedef struct {
    const jaeger_wishes *jaeger;
    const char *folder; /* of the load: manifest.json and requests.csv are there, spans.h5 is written */
    const char *entry;  /* the service to ask for, or NULL: all */
    bool fresh, quiet, json;
    bool (*stop)(void *context);
} load_collect;

/* Waits until the load's last spans have settled, pulls, and prints how many requests were found by trace id.
 */
kt_status load_collect_run(const load_collect *what, kt_error *err);

#endif
