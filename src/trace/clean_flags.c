#include "clean_private.h"

#include <math.h>
#include <stdlib.h>

static const char *name_of(const kt_cleaned *c, uint32_t service)
{
    return c->names.name[service];
}

/* Visits of a request that two cells count over 10 % and 4 standard errors apart. */
static void check_visits(kt_cleaned *c, const kt_figures *f, uint32_t service)
{
    const kt_service_figures *s = &f->service[service];
    const kt_figure *low = NULL, *high = NULL;
    for (size_t i = 0; i < s->n_figures; i++) {
        const kt_figure *one = &f->figure[s->figure + i];
        if (isnan(one->by_request))
            continue;
        low = !low || one->by_request < low->by_request ? one : low;
        high = !high || one->by_request > high->by_request ? one : high;
    }
    if (!low || high->by_request <= 1.1 * low->by_request ||
        high->by_request - low->by_request <= 4 * hypot(high->by_request_se, low->by_request_se))
        return;
    kt_cleaned_say(c, "%s: visits per request differ between cells: %.3g in '%s', %.3g in '%s'",
                   name_of(c, service), low->by_request, c->label[low->cell], high->by_request,
                   c->label[high->cell]);
}

/* A queue in front of a service, outside of its spans, makes the delay grow with the load. */
static void check_delays(kt_cleaned *c, const kt_figures *f, uint32_t service)
{
    enum { LEAST = 20 };
    const kt_service_figures *s = &f->service[service];
    const kt_figure *low = NULL, *high = NULL;
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < s->n_figures; i++) {
        const kt_figure *one = &f->figure[s->figure + i];
        double rep = c->reps.rep[one->cell * c->names.n + service];
        double load = c->cells.cell[one->cell].rate / rep;
        if (one->delays < LEAST || isnan(load))
            continue;
        if (load < lowest) {
            lowest = load;
            low = one;
        }
        if (load > highest) {
            highest = load;
            high = one;
        }
    }
    if (!low || low == high || !(high->delay > 2 * fmax(low->delay, 0)))
        return;
    kt_cleaned_say(c,
                   "%s: the median delay is %.3g ms at %.3g requests per second and replica and %.3g ms at "
                   "%.3g: a queue outside of its spans would count twice, here and in KubeTwin",
                   name_of(c, service), low->delay * 1e-6, lowest, high->delay * 1e-6, highest);
}

static void check_reps(kt_cleaned *c, const kt_figures *f, uint32_t service)
{
    const kt_service_figures *s = &f->service[service];
    size_t unknown = 0;
    for (size_t i = s->figure; i < s->figure + s->n_figures; i++)
        unknown += isnan(c->reps.rep[f->figure[i].cell * c->names.n + service]) ? f->figure[i].visits : 0;
    if (c->reps.differ[service] > 0) {
        size_t cell = c->reps.first[service];
        kt_cleaned_say(
            c, "%s: the manifest and the pods seen differ in %zu cells, first in cell %zu: %u pods seen",
            name_of(c, service), c->reps.differ[service], cell, c->reps.seen[cell * c->names.n + service]);
    }
    if (unknown > 0 && c->service[service].rows == 0)
        kt_cleaned_say(c, "%s: left out, its replicas are not known: tell them with --rep %s=N",
                       name_of(c, service), name_of(c, service));
    else if (unknown > 0)
        kt_cleaned_say(
            c,
            "%s: %zu visits in cells where its replicas are not known give no rows: tell them with "
            "--rep %s=N",
            name_of(c, service), unknown, name_of(c, service));
}

static void check_queue(kt_cleaned *c, uint32_t service)
{
    const kt_queue *q = &c->queue[service];
    if (q->no_pod > 0 && c->settings->queue != KT_QUEUE_NONE)
        kt_cleaned_say(c, "%s: the pod of %zu of %zu visits is not known: waiting stays in their times",
                       name_of(c, service), q->no_pod, q->visits);
    if (q->fifo && q->workers > 1)
        kt_cleaned_say(c, "%s: a pod works on %d requests at a time; KubeTwin serves one in a container",
                       name_of(c, service), q->workers);
    else if (!q->fifo && q->concurrency > 1.01)
        kt_cleaned_say(c,
                       "%s: a pod that works has %.3g requests in it on average, and no queue was taken out; "
                       "KubeTwin serves one at a time in a container",
                       name_of(c, service), q->concurrency);
    if (c->service[service].no_delay > 0)
        kt_cleaned_say(c,
                       "%s: %llu visits without a CLIENT span of their caller give no rows (--target proc "
                       "needs none)",
                       name_of(c, service), (unsigned long long)c->service[service].no_delay);
}

/* So few requests in a time can come of a Poisson process of the rate that was asked: within 3 standard
 * errors. Where the manifest tells the rate that was drawn, nothing is left to chance. */
static bool is_chance(const kt_load_cell *cell)
{
    return !(cell->told->drawn > 0) &&
           (cell->asked - cell->rate) * sqrt((double)cell->requests) < 3 * cell->asked;
}

static void check_cells(kt_cleaned *c, const kt_figures *f)
{
    for (size_t k = 0; k < c->cells.n; k++) {
        const kt_load_cell *cell = &c->cells.cell[k];
        if (cell->overloaded)
            kt_cleaned_say(c, "cell %zu: overloaded, %.4g of %.4g requests per second were achieved%s: %s", k,
                           cell->rate, cell->due, is_chance(cell) ? " (which may be chance)" : "",
                           c->settings->keep_overload ? "kept" : "left out, --keep-overload keeps it");
    }
    for (size_t i = 0; i < f->n; i++)
        if (f->figure[i].drift)
            kt_cleaned_say(c, "%s: its times drift in cell %u, '%s'", name_of(c, f->figure[i].service),
                           f->figure[i].cell, c->label[f->figure[i].cell]);
    if (!(c->cells.sample == 1))
        kt_cleaned_say(c, "not all requests are traced: %s",
                       isnan(c->cells.sample) ? "how many is not known" : "rates are corrected for that");
}

/* A service that hardly gives rows because something fails below it. */
static kt_status check_failures(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    size_t *failed = NULL;
    KT_TRY(kt_alloc(&failed, c->names.n, sizeof *failed, err));
    for (size_t i = 0; i < c->visits.n; i++) {
        const kt_visit *v = &c->visits.visit[i];
        failed[v->service] += v->fate == KT_FATE_FAILED || v->fate == KT_FATE_ABOVE_FAILED;
    }
    for (size_t k = 0; k < c->names.n; k++) {
        uint32_t s = c->by_name[k];
        if (2 * failed[s] > c->queue[s].visits)
            kt_cleaned_say(c,
                           "%s: %zu of %zu visits failed or have a failed span below them and give no rows "
                           "(--errors keep)",
                           name_of(c, s), failed[s], c->queue[s].visits);
    }
out:
    free(failed);
    return status;
}

static void check_externals(kt_cleaned *c)
{
    size_t lost = 0;
    for (size_t i = 0; i < c->visits.n_externals; i++)
        lost += c->visits.external[i].traced;
    if (lost > 0)
        kt_cleaned_say(c,
                       "%zu calls of services that send spans elsewhere have none of who was called: spans "
                       "may be lost",
                       lost);
}

kt_status kt_cleaned_flag(kt_cleaned *c, const kt_figures *f, kt_error *err)
{
    for (size_t k = 0; k < c->names.n; k++) {
        uint32_t s = c->by_name[k];
        if (c->queue[s].visits == 0)
            continue;
        check_queue(c, s);
        check_reps(c, f, s);
        check_visits(c, f, s);
        check_delays(c, f, s);
    }
    check_externals(c);
    check_cells(c, f);
    return check_failures(c, err);
}
