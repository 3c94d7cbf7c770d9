#include "kt/contract.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const kt_grid *grid;
    const double *load; /* [grid->n, 2] */
    kt_branch branch;
    double workers;
} subject;

enum { TEXT = 512 };

static bool is_asked(const subject *s, size_t point)
{
    return !isnan(s->load[2 * point]);
}

/* Arrivals at one container a second; visits that are not known count as one. */
static double arrivals(const subject *s, size_t point)
{
    double visits = isnan(s->grid->serving.visits) ? 1 : s->grid->serving.visits;
    return s->load[2 * point] * visits / (s->load[2 * point + 1] * s->workers);
}

static void where(char text[64], const subject *s, size_t point)
{
    snprintf(text, 64, "rps %.6g, rep %.6g", s->grid->at[2 * point], s->grid->at[2 * point + 1]);
}

/* ---- checks of one point: false and what is wrong ---- */

static bool is_finite(char *why, const subject *s, size_t point)
{
    kt_mixture m = kt_grid_mixture(s->grid, point);
    bool shape = m.family == KT_WEIBULL || m.family == KT_GAMMA; /* mu may be below 0 */
    for (int j = 0; j < m.n; j++) {
        bool good = isfinite(m.weight[j]) && m.weight[j] >= 0 && isfinite(m.concentration[j]) &&
                    (m.concentration[j] > 0 || !shape) && isfinite(m.scale[j]) && m.scale[j] > 0;
        if (good)
            continue;
        snprintf(why, TEXT, "component %d has weight %g, concentration %g and scale %g", j + 1, m.weight[j],
                 m.concentration[j], m.scale[j]);
        return false;
    }
    double mean = kt_mixture_mean(&m);
    if (!(isfinite(mean) && mean > 0))
        snprintf(why, TEXT, "the mean time is %g s", mean);
    return isfinite(mean) && mean > 0;
}

static bool has_weight_one(char *why, const subject *s, size_t point)
{
    const double tolerance = 1e-6; /* of K float32 */
    kt_mixture m = kt_grid_mixture(s->grid, point);
    double sum = 0;
    for (int j = 0; j < m.n; j++)
        sum += m.weight[j];
    snprintf(why, TEXT, "the weights sum to %.9g", sum);
    return fabs(sum - 1) <= tolerance;
}

static bool is_long_enough(char *why, const subject *s, size_t point)
{
    const double most = 1e-3;
    kt_mixture m = kt_grid_mixture(s->grid, point);
    double share = kt_mixture_cdf(&m, KT_KUBETWIN_LEAST);
    snprintf(why, TEXT, "%.3g %% of the times are at most %g s (mean %.3g s) and are drawn again",
             100 * share, KT_KUBETWIN_LEAST, kt_mixture_mean(&m));
    return share <= most;
}

static bool is_inside(char *why, const subject *s, size_t point)
{
    double low, high;
    const kt_hull *hull = &s->grid->hull;
    const double *at = s->grid->at + 2 * point;
    if (!is_asked(s, point) || s->grid->inside[point])
        return true;
    if (hull->d != 2)
        snprintf(why, TEXT, "not trained there");
    else if (kt_hull_section(&low, &high, hull, 0, at))
        snprintf(why, TEXT, "not trained there: at rep %.6g only for rates of %.4g to %.4g", at[1], low,
                 high);
    else
        snprintf(why, TEXT, "not trained there, nor for any rate at that rep");
    return false;
}

static bool is_stable(char *why, const subject *s, size_t point)
{
    if (!is_asked(s, point))
        return true;
    kt_mixture m = kt_grid_mixture(s->grid, point);
    double mean = kt_mixture_mean(&m), busy = arrivals(s, point) * mean;
    snprintf(why, TEXT,
             "a container gets %.4g requests/s that take %.4g s each, utilisation %.3g: the queue "
             "grows without bound",
             arrivals(s, point), mean, busy);
    return busy < 1;
}

/* ---- checks of a service ---- */

static bool has_two(char *why, const subject *s)
{
    snprintf(why, TEXT, "%d component; ERV wants at least 2", s->grid->components);
    return s->grid->components >= 2;
}

static bool is_of_branch(char *why, const subject *s)
{
    if (s->branch == KT_BRANCHES || kt_branch_table[s->branch].family == s->grid->family)
        return true;
    snprintf(why, TEXT, "branch %s takes the outputs for %s, the model is %s: it would run and be wrong",
             kt_branch_table[s->branch].name, kt_family_table[kt_branch_table[s->branch].family].name,
             kt_family_table[s->grid->family].name);
    return false;
}

static bool is_one_at_a_time(char *why, const subject *s)
{
    const double most = 1.01; /* clocks of spans are not exact */
    double at_a_time = s->grid->serving.at_a_time;
    if (isnan(at_a_time) || at_a_time <= most * s->workers)
        return true;
    snprintf(why, TEXT,
             "a pod at work had %.3g requests in it, a container serves one: make its replica set "
             "as many times larger as a pod has workers, and say so with --workers",
             at_a_time);
    return false;
}

static const struct {
    const char *name;
    bool (*service)(char *why, const subject *s); /* one of the two */
    bool (*point)(char *why, const subject *s, size_t point);
} checks[] = {
    {"components", has_two, NULL},
    {"family", is_of_branch, NULL},
    {"finite", NULL, is_finite},
    {"weights", NULL, has_weight_one},
    {"times", NULL, is_long_enough},
    {"hull", NULL, is_inside},
    {"one at a time", is_one_at_a_time, NULL},
    {"utilisation", NULL, is_stable},
};
enum { CHECKS = sizeof checks / sizeof *checks };

/* ---- the list ---- */

static kt_status add(kt_contract *contract, const char *check, const char *service, const char *text,
                     kt_error *err)
{
    kt_status status = KT_OK;
    kt_broken one = {.check = check};
    KT_TRY(kt_grow(&contract->broken, contract->n + 1, sizeof *contract->broken, err));
    KT_TRY(kt_strdup(&one.service, service, err));
    KT_TRY(kt_strdup(&one.text, text, err));
    contract->broken[contract->n++] = one;
    return KT_OK;
out:
    free(one.service);
    return status;
}

/* One line for all points: the first, and how many more. */
static kt_status check_points(bool *bad, kt_contract *contract, const subject *s, size_t c, kt_error *err)
{
    char why[TEXT] = "", first[TEXT] = "", at[64], text[2 * TEXT];
    size_t n = 0, at_first = 0;
    for (size_t i = 0; i < s->grid->n; i++) {
        if (bad[i] || checks[c].point(why, s, i))
            continue;
        if (n++ == 0) {
            at_first = i;
            memcpy(first, why, sizeof first);
        }
        if (checks[c].point == is_finite) /* no distribution: nothing else can be said of it */
            bad[i] = true;
    }
    if (n == 0)
        return KT_OK;
    where(at, s, at_first);
    int used = snprintf(text, sizeof text, "at %s: %s", at, first);
    if (n > 1)
        snprintf(text + used, sizeof text - (size_t)used, "; so at %zu points in all", n);
    return add(contract, checks[c].name, s->grid->service, text, err);
}

kt_status kt_contract_hold(kt_contract *contract, const kt_grid *grid, const double *load, kt_branch branch,
                           double workers, kt_error *err)
{
    kt_status status = KT_OK;
    subject s = {grid, load, branch, workers};
    bool *bad = NULL;
    KT_TRY(kt_alloc(&bad, grid->n, sizeof *bad, err));
    for (size_t c = 0; c < CHECKS; c++) {
        char why[TEXT] = "";
        if (checks[c].point)
            KT_TRY(check_points(bad, contract, &s, c, err));
        else if (!checks[c].service(why, &s))
            KT_TRY(add(contract, checks[c].name, grid->service, why, err));
    }
out:
    free(bad);
    return status;
}

void kt_contract_clear(kt_contract *contract)
{
    for (size_t i = 0; i < contract->n; i++) {
        free(contract->broken[i].service);
        free(contract->broken[i].text);
    }
    free(contract->broken);
    *contract = (kt_contract){0};
}

/* ---- points ---- */

enum { ALONG = 16 }; /* rates between the hull's lowest and highest at each number of replicas */

/* Rates of 0, 34 and over the hull, for its whole numbers of replicas and for its corners' own. */
static kt_status probes(double **at, size_t *n, const kt_hull *hull, kt_error *err)
{
    double low = INFINITY, high = -INFINITY, from, to;
    for (size_t i = 0; i < hull->n; i++) {
        low = fmin(low, hull->vertex[2 * i + 1]);
        high = fmax(high, hull->vertex[2 * i + 1]);
    }
    double reps = fmin(floor(high) - ceil(low) + 1, 1000);
    kt_status status = kt_alloc(at, 2 * ((size_t)fmax(reps, 0) * (ALONG + 3) + hull->n), sizeof **at, err);
    *n = 0;
    for (double rep = ceil(low); status == KT_OK && rep < ceil(low) + reps; rep++) {
        double *p = *at + 2 * *n;
        bool some = kt_hull_section(&from, &to, hull, 0, (const double[]){0, rep});
        for (int i = -2; i <= (some ? ALONG : -1); i++, p += 2, ++*n) {
            p[0] = i == -2 ? 0 : i == -1 ? 34 : from + (to - from) * i / ALONG;
            p[1] = rep;
        }
    }
    for (size_t i = 0; status == KT_OK && i < hull->n; i++, ++*n)
        memcpy(*at + 2 * *n, hull->vertex + 2 * i, 2 * sizeof **at);
    return status;
}

/* Where nobody says what will be asked: what was trained for. master knows one replica alone. */
static kt_status usual(double **at, size_t *n, const kt_hull *hull, kt_branch branch, kt_error *err)
{
    const kt_axis all = {.step = 0}, one = {1, 1, 1};
    size_t points = 0;
    kt_status status = kt_grid_points(at, &points, hull, &all, branch == KT_BRANCH_MASTER ? &one : &all, err);
    *n = 0;
    for (size_t i = 0; status == KT_OK && i < points; i++)
        if (kt_hull_inside(hull, *at + 2 * i))
            memmove(*at + 2 * (*n)++, *at + 2 * i, 2 * sizeof **at);
    if (status == KT_OK && *n == 0)
        *n = points; /* no round number is inside: all are, and are not */
    return status;
}

kt_status kt_contract_points(kt_grid *grid, double **load, const kt_archive_entry *entry,
                             const kt_serving *serving, kt_branch branch, double workers,
                             const double *wanted, size_t n, kt_isa isa, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_hull *hull = &entry->fitted.model.hull;
    double *probe = NULL, *at = NULL, *own = NULL, visits = isnan(serving->visits) ? 1 : serving->visits;
    size_t n_probes = 0;
    *load = NULL;
    if (n == 0) {
        KT_TRY(usual(&own, &n, hull, branch, err));
        wanted = own;
    }
    KT_TRY(probes(&probe, &n_probes, hull, err));
    KT_TRY(kt_alloc(&at, 2 * (n + n_probes), sizeof *at, err));
    KT_TRY(kt_alloc(load, 2 * (n + n_probes), sizeof **load, err));
    for (size_t i = 0; i < n; i++) {
        double rps = wanted[2 * i], rep = wanted[2 * i + 1];
        memcpy(*load + 2 * i, wanted + 2 * i, 2 * sizeof **load);
        at[2 * i] = rps;
        at[2 * i + 1] = rep;
        if (branch != KT_BRANCHES)
            kt_branch_table[branch].ask(at + 2 * i, rps, rps * visits / workers, rep);
    }
    for (size_t i = 0; i < n_probes; i++) {
        memcpy(at + 2 * (n + i), probe + 2 * i, 2 * sizeof *at);
        (*load)[2 * (n + i)] = NAN;
    }
    KT_TRY(kt_grid_make(grid, entry, serving, at, n + n_probes, KT_GRID_PLAIN, isa, err));
out:
    if (status != KT_OK) {
        free(*load);
        *load = NULL;
    }
    free(probe);
    free(own);
    free(at);
    return status;
}
