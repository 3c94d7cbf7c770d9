#include "kt/kubetwin.h"

#include "kt/json.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- branches ---- */

static void ask_application(double asked[2], double rps, double arrivals, double rep)
{
    (void)arrivals;
    asked[0] = rps;
    asked[1] = trunc(rep);
}

/* Gaps of a container's last arrivals, rounded up to whole requests per second, times ten, at most 34. */
static void ask_cnsm(double asked[2], double rps, double arrivals, double rep)
{
    (void)rps;
    asked[0] = fmin(34, 10 * fmax(1, ceil(arrivals / rep)));
    asked[1] = rep;
}

static void ask_master(double asked[2], double rps, double arrivals, double rep)
{
    (void)arrivals;
    (void)rep;
    asked[0] = trunc(rps);
    asked[1] = 1;
}

const kt_branch_rules kt_branch_table[KT_BRANCHES] = {
    [KT_BRANCH_APPLICATION] = {"mdn_application_2024", KT_WEIBULL, ask_application},
    [KT_BRANCH_CNSM] = {"2023-cnsm", KT_WEIBULL, ask_cnsm},
    [KT_BRANCH_MASTER] = {"master", KT_GAMMA, ask_master},
};

const kt_cnsm_rate kt_cnsm_rates[KT_CNSM_RATES] = {{10, 0, 1}, {20, 1, 2}, {30, 2, 3}, {34, 3, INFINITY}};

/* ---- serving ---- */

/* Mean over cells, by rows, of what may be null in some. */
static double visits_of(const kt_json *service)
{
    const kt_json *cells = kt_json_get(service, "cells");
    double sum = 0, rows = 0;
    for (size_t i = 0; i < kt_json_size(cells); i++) {
        const kt_json *cell = kt_json_at(cells, i);
        double visits = kt_json_as_real(kt_json_get(cell, "visits_per_request"), NAN);
        double n = kt_json_as_real(kt_json_get(cell, "rows"), 0);
        sum += isnan(visits) ? 0 : n * visits;
        rows += isnan(visits) ? 0 : n;
    }
    return sum / rows;
}

static double at_a_time_of(const kt_json *queue)
{
    const char *rule = kt_json_as_text(kt_json_get(queue, "rule"), "");
    if (strcmp(rule, "fifo") == 0)
        return kt_json_as_real(kt_json_get(queue, "workers"), NAN);
    return kt_json_as_real(kt_json_get(queue, "concurrency"), NAN);
}

kt_status kt_serving_read(kt_serving *serving, const char *cleaning, const char *service, kt_error *err)
{
    kt_json *report = NULL;
    *serving = (kt_serving){NAN, NAN};
    if (!cleaning)
        return KT_OK;
    kt_status status = kt_json_parse(&report, cleaning, strlen(cleaning), "/cleaning", err);
    const kt_json *services = kt_json_get(report, "services");
    bool own_rate = strcmp(kt_json_as_text(kt_json_get(report, "rps_of"), ""), "service") == 0;
    for (size_t i = 0; i < kt_json_size(services); i++) {
        const kt_json *one = kt_json_at(services, i);
        if (strcmp(kt_json_as_text(kt_json_get(one, "service"), ""), service) != 0)
            continue;
        serving->visits = own_rate ? 1 : visits_of(one);
        serving->at_a_time = at_a_time_of(kt_json_get(one, "queue"));
    }
    kt_json_drop(report);
    return status;
}

/* ---- ERV ---- */

const kt_erv_family kt_erv_families[KT_FAMILIES] = {
    [KT_WEIBULL] = {"weibull", {"shape", "scale"}},
    [KT_GAMMA] = {"gamma", {"shape", "scale"}},
};

/* Largest remainders: every weight is within one unit of what it was. */
static void round_weights(double *weight, int n)
{
    const double unit = 0x1p-30;
    double rest[KT_MIXTURE_MAX], sum = 0;
    for (int j = 0; j < n; j++) {
        double units = weight[j] / unit;
        rest[j] = units - floor(units);
        weight[j] = floor(units) * unit;
        sum += weight[j];
    }
    for (double missing = nearbyint((1 - sum) / unit); missing > 0; missing--) {
        int most = 0;
        for (int j = 1; j < n; j++)
            most = rest[j] > rest[most] ? j : most;
        rest[most] = -1;
        weight[most] += unit;
    }
}

int kt_erv_mixture(double *weight, double *concentration, double *scale, const kt_mixture *mixture)
{
    int n = mixture->n;
    assert(n >= 1 && n <= KT_MIXTURE_MAX);
    for (int j = 0; j < n; j++) {
        weight[j] = mixture->weight[j];
        concentration[j] = mixture->concentration[j];
        scale[j] = mixture->scale[j];
    }
    round_weights(weight, n);
    if (n == 1) {
        weight[1] = 0;
        concentration[1] = concentration[0];
        scale[1] = scale[0];
        n = 2;
    }
    return n;
}
