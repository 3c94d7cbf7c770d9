#include "figures.h"

#include "kt/select.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t service, cell, request, visit;
    int64_t start;
} place;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->request != y->request)
        return x->request < y->request ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->visit > y->visit) - (x->visit < y->visit);
}

static double median_or_nan(double *value, size_t n)
{
    return n > 0 ? kt_median(value, n) : NAN;
}

/* Half the distance of the order statistics sqrt(n) / 2 to both sides of the median: one standard error. */
static double median_error(double *value, size_t n)
{
    double reach = sqrt((double)n) / 2;
    size_t low = (size_t)fmax(0, floor((double)n / 2 - reach)), high = (size_t)((double)n / 2 + reach);
    double upper = kt_select(value, n, high < n ? high : n - 1);
    return (upper - kt_select(value, n, low)) / 2;
}

bool kt_halves_differ(double *value, size_t n)
{
    enum { LEAST = 32 };
    if (n < LEAST)
        return false;
    size_t half = n / 2;
    double apart = kt_median(value, half) - kt_median(value + half, n - half);
    double error = hypot(median_error(value, half), median_error(value + half, n - half));
    return fabs(apart) > 3 * error;
}

typedef struct {
    const kt_visits *visits;
    const kt_requests *requests;
    size_t *good; /* [cells] requests that did not fail */
    double *proc, *delay;
} measuring;

static bool is_good(const measuring *m, uint32_t request)
{
    uint8_t fate = m->visits->visit[m->requests->request[request].visit].fate;
    return fate != KT_FATE_FAILED && fate != KT_FATE_ABOVE_FAILED;
}

/* Visits of each request of the cell; those of requests without one are 0. */
static void count_visits(kt_figure *figure, const measuring *m, const place *p, size_t n)
{
    double sum = 0, squares = 0, requests = (double)m->good[figure->cell];
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && p[next].request == p[first].request;)
            next++;
        double visits = is_good(m, p[first].request) ? (double)(next - first) : 0;
        sum += visits;
        squares += visits * visits;
    }
    figure->by_request = requests > 0 ? sum / requests : NAN;
    double spread = squares / requests - figure->by_request * figure->by_request;
    figure->by_request_se = requests > 0 ? sqrt(fmax(0, spread) / requests) : NAN;
}

/* Adds the times of rows to m->proc and m->delay. */
static void collect_times(size_t *rows, size_t *delays, const measuring *m, const place *p, size_t n)
{
    *rows = *delays = 0;
    for (size_t i = 0; i < n; i++) {
        const kt_visit *v = &m->visits->visit[p[i].visit];
        if (v->fate != KT_FATE_ROW)
            continue;
        m->proc[(*rows)++] = (double)v->proc;
        if (!v->detached && v->delay != KT_UNKNOWN)
            m->delay[(*delays)++] = (double)v->delay;
    }
}

static kt_figure measure_cell(const measuring *m, const place *p, size_t n)
{
    kt_figure figure = {.service = p->service, .cell = p->cell, .visits = n};
    count_visits(&figure, m, p, n);
    collect_times(&figure.rows, &figure.delays, m, p, n);
    figure.drift = kt_halves_differ(m->proc, figure.rows);
    figure.proc = median_or_nan(m->proc, figure.rows);
    figure.delay = median_or_nan(m->delay, figure.delays);
    return figure;
}

static void measure_service(kt_service_figures *s, const measuring *m, const place *p, size_t n)
{
    size_t rows;
    collect_times(&rows, &s->delays, m, p, n);
    for (size_t i = 0; i < s->delays; i++)
        s->negative_delays += m->delay[i] < 0;
    s->proc = median_or_nan(m->proc, rows);
    s->delay = median_or_nan(m->delay, s->delays);
    for (size_t i = 0; i < n; i++) {
        const kt_visit *v = &m->visits->visit[p[i].visit];
        if (v->broker != KT_UNKNOWN)
            m->delay[s->brokered++] = (double)v->broker;
    }
    s->broker = median_or_nan(m->delay, s->brokered);
}

static kt_status measure_all(kt_figures *figures, const measuring *m, const place *p, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    size_t cells = 0;
    for (size_t i = 0; i < n; i++)
        cells += i == 0 || p[i].service != p[i - 1].service || p[i].cell != p[i - 1].cell;
    KT_TRY(kt_alloc(&figures->figure, cells, sizeof *figures->figure, err));
    for (size_t first = 0, next; first < n; first = next) {
        kt_service_figures *s = &figures->service[p[first].service];
        s->figure = figures->n;
        for (next = first; next < n && p[next].service == p[first].service;) {
            size_t from = next;
            while (next < n && p[next].service == p[from].service && p[next].cell == p[from].cell)
                next++;
            figures->figure[figures->n++] = measure_cell(m, p + from, next - from);
        }
        s->n_figures = figures->n - s->figure;
        measure_service(s, m, p + first, next - first);
    }
out:
    return status;
}

kt_status kt_figures_find(kt_figures *figures, const kt_visits *visits, const kt_requests *requests,
                          const kt_cells *cells, size_t n_services, kt_error *err)
{
    kt_status status = KT_OK;
    measuring m = {.visits = visits, .requests = requests};
    place *p = NULL;
    size_t n = 0;
    KT_TRY(kt_grow(&p, visits->n, sizeof *p, err));
    for (size_t i = 0; i < visits->n; i++) {
        const kt_visit *v = &visits->visit[i];
        if (v->cell != KT_NONE)
            p[n++] = (place){v->service, v->cell, v->request, (uint32_t)i, v->start};
    }
    qsort(p, n, sizeof *p, by_place);
    KT_TRY(kt_grow(&m.proc, n, sizeof *m.proc, err));
    KT_TRY(kt_grow(&m.delay, n, sizeof *m.delay, err));
    KT_TRY(kt_alloc(&m.good, cells->n, sizeof *m.good, err));
    for (uint32_t r = 0; r < requests->n; r++)
        if (requests->request[r].cell != KT_NONE)
            m.good[requests->request[r].cell] += is_good(&m, r);
    KT_TRY(kt_alloc(&figures->service, n_services, sizeof *figures->service, err));
    for (size_t s = 0; s < n_services; s++)
        figures->service[s].proc = figures->service[s].delay = figures->service[s].broker = NAN;
    KT_TRY(measure_all(figures, &m, p, n, err));
out:
    free(p);
    free(m.proc);
    free(m.delay);
    free(m.good);
    return status;
}

void kt_figures_clear(kt_figures *figures)
{
    free(figures->figure);
    free(figures->service);
    *figures = (kt_figures){.n = 0};
}
