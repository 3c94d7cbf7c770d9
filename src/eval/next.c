#include "kt/next.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const kt_next_text[] = {
    [KT_NEXT_OUTSIDE] = "outside of what was measured",
    [KT_NEXT_FAR] = "far from what was measured",
    [KT_NEXT_ERROR] = "held-out cells near it are badly met",
    [KT_NEXT_ROWS] = "few rows for the spread of its times",
};

/* Two points are alike to exp(-1/2) where one of these differs by a factor of: the time that a queue of their
 * utilisation makes of a request's, 1 / (1 - utilisation); replicas; the rate. */
#define QUEUE    2.0
#define REPLICAS 2.0
#define RATE     8.0
enum { AXES = 3 };
static const double most_utilisation = 0.95; /* beyond it all is alike */

/* One service: its candidates, then its measured cells. */
typedef struct {
    size_t m, n;         /* n: both */
    double *u;           /* [n, AXES] */
    double *noise;       /* [n] */
    double *weight;      /* [m] */
    double *covariance;  /* [n, n] of what is not known yet */
    double *row;         /* [n] */
    double total;        /* weighted variance over the candidates before anything is chosen */
    const double *point; /* [m, 2] */
    const kt_next_service *service;
} process;

/* The relative spread of a quantile estimated from so many rows, as a variance. */
static double noise_of(const kt_mixture *mixture, double rows)
{
    const double of_quantile = 4, least = 1e-4; /* p95 of n rows has about twice the mean's standard error */
    double mean = kt_mixture_mean(mixture), spread = kt_mixture_variance(mixture) / (mean * mean);
    return of_quantile * (isfinite(spread) ? spread : 1) / fmax(rows, 1) + least;
}

static void place(process *p, size_t i, const double *x, double rows)
{
    kt_mixture mixture = kt_predict_point(p->service->predictor, x);
    double busy = fmax(0, fmin(most_utilisation, x[0] * p->service->busy / x[1])), *u = p->u + i * AXES;
    u[0] = -log(1 - busy) / log(QUEUE);
    u[1] = log(fmax(x[1], 1e-6)) / log(REPLICAS);
    u[2] = log(fmax(x[0], 1e-6)) / log(RATE);
    p->noise[i] = noise_of(&mixture, rows);
}

static double kernel(const process *p, size_t i, size_t j)
{
    double sum = 0;
    for (size_t k = 0; k < AXES; k++) {
        double d = p->u[i * AXES + k] - p->u[j * AXES + k];
        sum += d * d;
    }
    return exp(-sum / 2);
}

/* Badly met cells raise what is near them. */
static double weight_of(const process *p, size_t i)
{
    double most = 0;
    for (size_t k = 0; k < p->service->n; k++)
        most = fmax(most, kernel(p, i, p->m + k) * fmin(p->service->cell[k].excess, 1));
    return 1 + most;
}

/* What the process is once point i has been measured. */
static void measure(process *p, size_t i)
{
    size_t n = p->n;
    double scale = 1 / (p->covariance[i * n + i] + p->noise[i]);
    memcpy(p->row, p->covariance + i * n, n * sizeof *p->row);
    for (size_t a = 0; a < n; a++) {
        double part = scale * p->row[a];
        for (size_t b = 0; b < n; b++)
            p->covariance[a * n + b] -= part * p->row[b];
    }
}

static double gain_of(const process *p, size_t i)
{
    const double *row = p->covariance + i * p->n;
    double sum = 0;
    for (size_t k = 0; k < p->m; k++)
        sum += p->weight[k] * row[k] * row[k];
    return sum / (row[i] + p->noise[i]) / p->total;
}

static void destroy(process *p)
{
    free(p->u);
    free(p->noise);
    free(p->weight);
    free(p->covariance);
    free(p->row);
}

static void place_all(process *p, double rows)
{
    const kt_next_service *s = p->service;
    for (size_t i = 0; i < p->m; i++) {
        const double own[2] = {p->point[2 * i], s->fixed ? s->cell[0].rep : p->point[2 * i + 1]};
        place(p, i, own, rows);
    }
    for (size_t k = 0; k < s->n; k++) {
        const double at[2] = {s->cell[k].rps, s->cell[k].rep};
        place(p, p->m + k, at, s->cell[k].rows);
    }
}

static kt_status create(process *p, const kt_next_service *service, const double *candidates, size_t m,
                        double rows, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = m + service->n;
    *p = (process){.m = m, .n = n, .point = candidates, .service = service};
    KT_TRY(kt_alloc(&p->u, n * AXES, sizeof *p->u, err));
    KT_TRY(kt_alloc(&p->noise, n, sizeof *p->noise, err));
    KT_TRY(kt_alloc(&p->weight, m, sizeof *p->weight, err));
    KT_TRY(kt_alloc(&p->row, n, sizeof *p->row, err));
    KT_TRY(kt_alloc(&p->covariance, n * n, sizeof *p->covariance, err));
    place_all(p, rows);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            p->covariance[i * n + j] = kernel(p, i, j);
    for (size_t i = 0; i < m; i++)
        p->weight[i] = weight_of(p, i);
    for (size_t k = m; k < n; k++)
        measure(p, k);
    for (size_t i = 0; i < m; i++)
        p->total += p->weight[i] * p->covariance[i * n + i];
    p->total = fmax(p->total, 1e-12);
out:
    return status;
}

static kt_next_reason reason_of(const process *p, size_t i)
{
    const kt_next_service *s = p->service;
    const double x[2] = {p->point[2 * i], s->fixed ? s->cell[0].rep : p->point[2 * i + 1]};
    double nearest = 0;
    for (size_t k = p->m; k < p->n; k++)
        nearest = fmax(nearest, kernel(p, i, k));
    if (!kt_predictor_inside(s->predictor, x))
        return KT_NEXT_OUTSIDE;
    if (p->weight[i] > 1.5)
        return KT_NEXT_ERROR;
    return nearest < exp(-0.5) ? KT_NEXT_FAR : KT_NEXT_ROWS;
}

/* The best of those that are not taken. */
static kt_next_choice best_of(const process *p, size_t n_services, size_t m, const bool *taken)
{
    kt_next_choice best = {m, 0, -1, KT_NEXT_ROWS};
    for (size_t i = 0; i < m; i++) {
        double sum = 0, most = -1;
        size_t service = 0;
        for (size_t s = 0; !taken[i] && s < n_services; s++) {
            double gain = gain_of(&p[s], i);
            sum += gain;
            if (gain > most) {
                most = gain;
                service = s;
            }
        }
        if (!taken[i] && sum > best.gain)
            best = (kt_next_choice){i, service, sum, KT_NEXT_ROWS};
    }
    return best;
}

kt_status kt_next_choose(kt_next_choice *chosen, size_t *n, size_t budget, const kt_next_service *services,
                         size_t n_services, const double *candidates, size_t m, double rows, kt_error *err)
{
    kt_status status = KT_OK;
    process *p = NULL;
    bool *taken = NULL;
    *n = 0;
    if (m > KT_NEXT_MOST)
        return kt_fail(err, KT_USAGE, "%zu cells to choose from, at most %d are possible", m, KT_NEXT_MOST);
    KT_TRY(kt_alloc(&p, n_services, sizeof *p, err));
    KT_TRY(kt_alloc(&taken, m, sizeof *taken, err));
    for (size_t s = 0; s < n_services; s++)
        KT_TRY(create(&p[s], &services[s], candidates, m, rows, err));
    for (; *n < budget && *n < m; ++*n) {
        kt_next_choice best = best_of(p, n_services, m, taken);
        best.gain /= (double)n_services;
        best.reason = reason_of(&p[best.service], best.candidate);
        taken[best.candidate] = true;
        for (size_t s = 0; s < n_services; s++)
            measure(&p[s], best.candidate);
        chosen[*n] = best;
    }
out:
    for (size_t s = 0; p && s < n_services; s++)
        destroy(&p[s]);
    free(p);
    free(taken);
    return status;
}
