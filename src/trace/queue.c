#include "queue.h"

#include "kt/select.h"
#include <math.h>
#include <stdlib.h>

static const double most_overtaking = 0.01, least_busy_time = 0.8;

typedef struct {
    uint32_t service, pod, visit;
    int64_t start, end;
} stay;

static int by_pod_and_start(const void *a, const void *b)
{
    const stay *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->pod != y->pod)
        return x->pod < y->pod ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return (x->visit > y->visit) - (x->visit < y->visit);
}

/* ---- figures ---- */

/* How long a visit worked if it could begin at `freed`. */
static int64_t cleaned_time(const kt_visits *visits, const kt_visit *visit, int64_t freed)
{
    int64_t from = visit->start > freed ? visit->start : freed;
    return visit->end - from -
           kt_calls_covered(visits->call + visit->first_call, visit->n_calls, from, visit->end);
}

/* Of the stays [n] of one service. busy, idle [n]: room for times. */
static void measure(kt_queue *queue, const kt_visits *visits, const stay *s, size_t n, double *busy,
                    double *idle)
{
    double inside = 0, occupied = 0;
    size_t n_busy = 0, n_idle = 0;
    int64_t latest = KT_UNKNOWN; /* end of those of the pod so far */
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || s[i].pod != s[i - 1].pod)
            latest = KT_UNKNOWN;
        double time = (double)cleaned_time(visits, &visits->visit[s[i].visit], latest);
        if (latest > s[i].start)
            busy[n_busy++] = time;
        else
            idle[n_idle++] = time;
        queue->overtaking += s[i].end < latest;
        inside += (double)(s[i].end - s[i].start);
        int64_t from = s[i].start > latest ? s[i].start : latest;
        if (s[i].end > from) {
            occupied += (double)(s[i].end - from);
            latest = s[i].end;
        }
    }
    queue->busy = n_busy;
    queue->busy_time = n_busy > 0 ? kt_median(busy, n_busy) : NAN;
    queue->idle_time = n_idle > 0 ? kt_median(idle, n_idle) : NAN;
    queue->concurrency = occupied > 0 ? inside / occupied : 1;
}

/* ---- the choice ---- */

static void choose(kt_queue *queue, int workers, const kt_queue_options *options)
{
    size_t n = queue->visits - queue->no_pod;
    queue->fifo = false;
    queue->workers = workers > 0 ? workers : 1;
    if (options->rule == KT_QUEUE_NONE) {
        queue->why = "asked for";
    } else if (n == 0) {
        queue->why = "its pods are not known";
    } else if (options->rule == KT_QUEUE_FIFO || workers > 0) {
        queue->fifo = true;
        queue->why = "asked for";
    } else if (options->sampled) {
        queue->why = "not all requests are traced";
    } else if ((double)queue->overtaking >= most_overtaking * (double)n) {
        queue->why = "requests overtake";
    } else if (queue->busy_time < least_busy_time * queue->idle_time) {
        queue->why = "what found its pod busy would be too short";
    } else {
        queue->fifo = true;
        queue->why = queue->busy == 0 ? "no request found its pod busy" : "one at a time fits";
    }
}

/* ---- service ---- */

/* Times at which workers become free, the smallest on top. */
typedef struct {
    size_t n, workers;
    int64_t *free; /* [workers] */
} workers;

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

static void add(workers *w, int64_t time)
{
    size_t i = w->n++;
    w->free[i] = time;
    for (; i > 0 && w->free[(i - 1) / 2] > w->free[i]; i = (i - 1) / 2)
        swap(&w->free[i], &w->free[(i - 1) / 2]);
}

static void replace_first(workers *w, int64_t time)
{
    size_t i = 0;
    w->free[0] = time;
    for (;;) {
        size_t least = i, child = 2 * i + 1;
        for (size_t k = child; k < child + 2 && k < w->n; k++)
            least = w->free[k] < w->free[least] ? k : least;
        if (least == i)
            return;
        swap(&w->free[i], &w->free[least]);
        i = least;
    }
}

/* A worker that never worked is taken before one that did. */
static int64_t take(workers *w, int64_t end)
{
    if (w->n < w->workers) {
        add(w, end);
        return KT_UNKNOWN;
    }
    int64_t freed = w->free[0];
    replace_first(w, end > freed ? end : freed);
    return freed;
}

static kt_status serve(kt_visits *visits, const stay *s, size_t n, int n_workers, kt_error *err)
{
    kt_status status = KT_OK;
    workers w = {.workers = (size_t)n_workers < n ? (size_t)n_workers : n};
    KT_TRY(kt_alloc(&w.free, w.workers, sizeof *w.free, err));
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && s[i].pod != s[i - 1].pod)
            w.n = 0;
        visits->visit[s[i].visit].freed = take(&w, s[i].end);
    }
out:
    free(w.free);
    return status;
}

static kt_status collect(stay **stays, size_t *n, kt_queue *queue, const kt_visits *visits, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_grow(stays, visits->n, sizeof **stays, err));
    for (size_t i = 0; i < visits->n; i++) {
        const kt_visit *v = &visits->visit[i];
        queue[v->service].visits++;
        queue[v->service].no_pod += v->pod == KT_NONE;
        if (v->pod != KT_NONE)
            (*stays)[(*n)++] = (stay){v->service, v->pod, (uint32_t)i, v->start, v->end};
    }
    qsort(*stays, *n, sizeof **stays, by_pod_and_start);
out:
    return status;
}

kt_status kt_queue_run(kt_queue *queue, kt_visits *visits, size_t n_services, const kt_queue_options *options,
                       kt_error *err)
{
    kt_status status = KT_OK;
    stay *stays = NULL;
    double *busy = NULL, *idle = NULL;
    size_t n = 0;
    for (size_t s = 0; s < n_services; s++)
        queue[s] = (kt_queue){.busy_time = NAN, .idle_time = NAN, .concurrency = 1};
    KT_TRY(collect(&stays, &n, queue, visits, err));
    KT_TRY(kt_grow(&busy, n, sizeof *busy, err));
    KT_TRY(kt_grow(&idle, n, sizeof *idle, err));
    for (size_t first = 0, next; first < n; first = next) {
        uint32_t service = stays[first].service;
        for (next = first + 1; next < n && stays[next].service == service;)
            next++;
        measure(&queue[service], visits, stays + first, next - first, busy, idle);
    }
    for (size_t s = 0; s < n_services; s++)
        choose(&queue[s], options->workers[s], options);
    for (size_t first = 0, next; first < n; first = next) {
        const kt_queue *q = &queue[stays[first].service];
        for (next = first + 1; next < n && stays[next].service == stays[first].service;)
            next++;
        if (q->fifo)
            KT_TRY(serve(visits, stays + first, next - first, q->workers, err));
    }
out:
    free(stays);
    free(busy);
    free(idle);
    return status;
}
