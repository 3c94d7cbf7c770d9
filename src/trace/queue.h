/* Occupation of workers: when the worker of a visit became free for it.
 *
 * Every visit with a pod occupies one of the pod's C workers, taken in order of start, whatever becomes of it
 * later; freed = the smallest of the C times at which workers became free. A service that serves several
 * requests at a time without a limit has no such queue. */
#ifndef KT_TRACE_QUEUE_H
#define KT_TRACE_QUEUE_H

#include "kt/error.h"
#include "visits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KT_QUEUE_AUTO, KT_QUEUE_FIFO, KT_QUEUE_NONE }; /* of KT_QUEUE_CHOICES */

/* Of one service. Figures are taken as if each pod had one worker. */
typedef struct {
    bool fifo;
    int workers;     /* of a pod, where fifo */
    const char *why; /* a clause for people */
    size_t visits, no_pod;
    size_t overtaking; /* visits that end before one of their pod that started earlier */
    size_t busy;       /* visits that found their pod busy */
    double busy_time,
        idle_time;      /* ns: median cleaned time of those, and of the others; NAN: there are none */
    double concurrency; /* mean number of visits in a pod while there is any */
} kt_queue;

typedef struct {
    int rule;
    const int *workers; /* [n_services] as the user says, 0: nothing said */
    bool sampled;       /* not all requests are traced: auto gives none */
} kt_queue_options;

/* auto: fifo with one worker where under 1 % of visits overtake and those that found the pod busy take at
 * least 0.8 x as long as the others; else none. Workers that the user gives are fifo. queue [n_services];
 * sets freed of visits. O(n log n). */
kt_status kt_queue_run(kt_queue *queue, kt_visits *visits, size_t n_services, const kt_queue_options *options,
                       kt_error *err);

#endif
