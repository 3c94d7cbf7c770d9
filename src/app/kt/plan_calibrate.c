/* Costs from what this machine takes: fits of the job's own services, for a moment each. */
#include "command.h"
#include "kt/metrics.h"
#include "planning.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KINDS = 6,           /* batches that are measured */
    MOST_ROWS = 1 << 21, /* of a service: more would only take longer to read */
    ROUNDS = 5,
    JUDGED = 8, /* cells, in about so many seconds */
    NO_LOOK = 1 << 29
};
#define ROUND_SECONDS  0.03
#define JUDGED_SECONDS 0.2
#define WARM_SECONDS   0.5

/* Seconds of a core: what else the machine does now is not the fit's. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* y = a + b x through two points, neither below 0. */
static void line(double *a, double *b, double x0, double y0, double x1, double y1)
{
    *b = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
    *b = fmin(fmax(*b, 0), y1 / x1);
    *a = fmax(y1 - *b * x1, 0);
}

/* ---- one fit, of which some steps are made ---- */

typedef struct {
    kt_store *store;
    size_t service;
    kt_recipe recipe;
    kt_fit_data data;
    double *cell_mean;
    kt_isa isa;
} trial;

static kt_status read_rows(void *context, double *x, double *y, size_t first, size_t n, kt_error *err)
{
    trial *t = context;
    return kt_store_rows(x, y, NULL, t->store, t->service, first, n, err);
}

static kt_status prepare(trial *t, const plan_job *job, size_t service, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(job->store, service);
    size_t d = (size_t)kt_store_features(job->store), n = (size_t)job->fits[service].rows;
    size_t validation = s->n_validation > 0 ? s->n_validation : n / 8 < 65536 ? n / 8 : 65536;
    *t = (trial){.store = job->store, .service = service, .recipe = job->recipe};
    KT_TRY(command_isa(&t->isa, err));
    KT_TRY(kt_alloc(&t->cell_mean, (s->n_cells + 1) * d, sizeof *t->cell_mean, err));
    for (size_t c = 0; c < s->n_cells; c++)
        memcpy(t->cell_mean + c * d, s->cells[c].mean, d * sizeof *t->cell_mean);
    n = n < MOST_ROWS ? n : MOST_ROWS;
    validation = validation < n / 2 ? validation : n / 2;
    t->data = (kt_fit_data){.name = s->name,
                            .n_train = n - validation,
                            .n_validation = validation,
                            .d = (int)d,
                            .rows = read_rows,
                            .context = t,
                            .n_cells = s->n_cells,
                            .cell_mean = t->cell_mean};
out:
    return status;
}

/* A fit that has come to its end begins anew: past it there are no steps like those of a fit. */
static kt_status step_on(kt_fit **fit, kt_fit_progress *progress, const trial *t, const kt_recipe *recipe,
                         kt_error *err)
{
    kt_status status = KT_OK;
    const kt_team alone = {.size = 1};
    if (*progress != KT_FIT_DONE && *fit)
        return KT_OK;
    kt_fit_destroy(*fit);
    *fit = NULL;
    KT_TRY(kt_fit_create(fit, recipe, &t->data, &alone, t->isa, err));
    *progress = KT_FIT_STEPPED;
out:
    return status;
}

/* Median seconds of a step; looks, where there are any, are part of it. */
static kt_status time_steps(double *step, kt_fit **fit, const trial *t, const kt_recipe *recipe, bool looks,
                            kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit_progress progress = KT_FIT_STEPPED;
    double rounds[ROUNDS];
    for (int i = -1; i < ROUNDS; i++) { /* the first warms up */
        double took = 0, steps = 0;
        while (took < ROUND_SECONDS) {
            KT_TRY(step_on(fit, &progress, t, recipe, err));
            uint64_t first = kt_fit_step(*fit);
            double began = now();
            do
                KT_TRY(kt_fit_advance(&progress, *fit, 16, err));
            while (looks && progress == KT_FIT_STEPPED);
            took += now() - began;
            steps += (double)(kt_fit_step(*fit) - first);
        }
        if (i >= 0)
            rounds[i] = took / steps;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, ascending);
    *step = rounds[ROUNDS / 2];
out:
    return status;
}

/* Seconds of a step by that batch, and of what is not a step; fitted may be NULL. */
static kt_status measure(double *step, double *rest, kt_fitted *fitted, const trial *t, int batch, bool looks,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit *fit = NULL;
    kt_fit_progress progress = KT_FIT_DONE;
    kt_recipe recipe = t->recipe;
    recipe.batch = batch;
    recipe.patience = 0;
    if (!looks)
        recipe.look_steps = NO_LOOK;
    double began = now();
    KT_TRY(step_on(&fit, &progress, t, &recipe, err));
    *rest = now() - began;
    KT_TRY(time_steps(step, &fit, t, &recipe, looks, err));
    began = now();
    if (fitted)
        KT_TRY(kt_fit_finish(fitted, fit, err));
    *rest += now() - began;
out:
    kt_fit_destroy(fit);
    return status;
}

/* ---- a held-out cell ---- */

static kt_status judge(double *seconds, kt_predictor *predictor, const trial *t, size_t cell, size_t first,
                       size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_cell_score score;
    double *x = NULL, *y = NULL;
    KT_TRY(kt_alloc(&x, n * (size_t)t->data.d, sizeof *x, err));
    KT_TRY(kt_alloc(&y, n, sizeof *y, err));
    double began = now();
    KT_TRY(kt_store_rows(x, y, NULL, t->store, t->service, first, n, err));
    KT_TRY(kt_metrics_cell(&score, predictor, &kt_store_at(t->store, t->service)->cells[cell], x, y, n, 1, 1,
                           0, err));
    *seconds = now() - began;
out:
    free(x);
    free(y);
    return status;
}

/* From all rows of cells and from a quarter of them: a few cells, as one costs more than another. */
static kt_status measure_judging(kt_costs_batch *b, const trial *t, const kt_model *model, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_store_service *s = kt_store_at(t->store, t->service);
    kt_predictor *predictor = NULL;
    double whole = 0, quarter = 0, rows = 0, few_rows = 0, cells = 0, took;
    size_t first = s->n_test > 0 ? s->n_train + s->n_validation : 0;
    KT_TRY(kt_predictor_create(&predictor, model, t->isa, err));
    for (size_t c = 0; c < s->n_cells && cells < JUDGED && whole < JUDGED_SECONDS; c++) {
        size_t all = s->cells[c].rows, n = all < MOST_ROWS ? all : MOST_ROWS, few = (n + 3) / 4;
        if ((s->n_test > 0 && !s->cell_test[c]) || n == 0)
            continue;
        if (cells == 0)
            KT_TRY(judge(&took, predictor, t, c, first, few, err)); /* warms up */
        cells++;
        KT_TRY(judge(&took, predictor, t, c, first, n, err));
        whole += took;
        rows += (double)n;
        KT_TRY(judge(&took, predictor, t, c, first, few, err));
        quarter += took;
        few_rows += (double)few;
        first += all;
    }
    if (cells > 0)
        line(&b->judge_cell, &b->judge_row, few_rows / cells, quarter / cells, rows / cells, whole / cells);
out:
    kt_predictor_destroy(predictor);
    return status;
}

/* ---- all ---- */

static int by_rows(const void *a, const void *b, void *context)
{
    const kt_costs_fit *fits = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (fits[i].rows != fits[j].rows)
        return fits[i].rows < fits[j].rows ? -1 : 1;
    return (i > j) - (i < j);
}

/* The services of a batch with least, median and most rows. */
static kt_status typical(size_t which[3], const plan_job *job, int batch, kt_error *err)
{
    kt_status status = KT_OK;
    size_t *of_batch = NULL, n = 0;
    KT_TRY(kt_alloc(&of_batch, job->n, sizeof *of_batch, err));
    for (size_t i = 0; i < job->n; i++)
        if (job->fits[i].batch == batch)
            of_batch[n++] = i;
    qsort_r(of_batch, n, sizeof *of_batch, by_rows, job->fits);
    which[0] = of_batch[0];
    which[1] = of_batch[n / 2];
    which[2] = of_batch[n - 1];
out:
    free(of_batch);
    return status;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* At most KINDS of the batches that there are, the smallest and the largest among them. */
static kt_status choose(int kinds[KINDS], size_t *n_kinds, const plan_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    int *all = NULL;
    size_t n = 0;
    KT_TRY(kt_alloc(&all, job->n, sizeof *all, err));
    for (size_t i = 0; i < job->n; i++)
        all[i] = job->fits[i].batch;
    qsort(all, job->n, sizeof *all, by_number);
    for (size_t i = 0; i < job->n; i++)
        if (n == 0 || all[n - 1] != all[i])
            all[n++] = all[i];
    *n_kinds = n < KINDS ? n : KINDS;
    for (size_t k = 0; k < *n_kinds; k++)
        kinds[k] = all[n <= KINDS ? k : k * (n - 1) / (KINDS - 1)];
out:
    free(all);
    return status;
}

/* About half, as batches may be. */
static int half_of(int batch)
{
    return batch <= KT_BLOCK ? (batch + 1) / 2 : batch / KT_BLOCK / 2 * KT_BLOCK;
}

/* What no team shortens of a step is what one without rows would take. */
static kt_status measure_steps(kt_costs_batch *b, const trial *t, kt_error *err)
{
    kt_status status = KT_OK;
    double whole, half, rest;
    KT_TRY(measure(&b->step, &rest, NULL, t, b->batch, true, err));
    KT_TRY(measure(&whole, &rest, NULL, t, b->batch, false, err));
    KT_TRY(measure(&half, &rest, NULL, t, half_of(b->batch), false, err));
    line(&b->fixed, &rest, half_of(b->batch), half, b->batch, whole);
    b->fixed = fmin(b->fixed, b->step);
out:
    return status;
}

/* A core that idled comes to its speed within some tenths of a second. Who is refused here is refused again.
 */
static void warm_up(const trial *t, int batch)
{
    kt_status status = KT_OK;
    double began = now(), step, rest;
    while (status == KT_OK && now() - began < WARM_SECONDS)
        status = measure(&step, &rest, NULL, t, batch, true, NULL);
}

/* Steps by a service of median size, what is not a step by the smallest and the largest. */
static kt_status measure_kind(plan_job *job, int batch, kt_error *err)
{
    kt_status status = KT_OK;
    size_t which[3];
    trial trials[3] = {{.store = NULL}};
    kt_fitted fitted[2] = {{.steps = 0}};
    kt_costs_batch b = {.batch = batch};
    double step, rest[2], rows[2];
    KT_TRY(typical(which, job, batch, err));
    for (int i = 0; i < 3; i++)
        KT_TRY(prepare(&trials[i], job, which[i], err));
    if (job->costs.n == 0)
        warm_up(&trials[1], batch);
    KT_TRY(measure_steps(&b, &trials[1], err));
    for (int end = 0; end < 2; end++) {
        const trial *t = &trials[2 * end];
        rows[end] = (double)(t->data.n_train + t->data.n_validation);
        KT_TRY(measure(&step, &rest[end], &fitted[end], t, batch, true, err));
    }
    line(&b.start, &b.row, rows[0], rest[0], rows[1], rest[1]);
    KT_TRY(measure_judging(&b, &trials[2], &fitted[1].model, err));
    kt_costs_add(&job->costs, b);
out:
    for (int i = 0; i < 2; i++)
        kt_fitted_clear(&fitted[i]);
    for (int i = 0; i < 3; i++)
        free(trials[i].cell_mean);
    return status;
}

kt_status plan_calibrate(plan_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    int kinds[KINDS];
    size_t n = 0;
    if (job->n == 0)
        return KT_OK;
    KT_TRY(choose(kinds, &n, job, err));
    job->costs = (kt_costs){.latency = PLAN_LATENCY};
    for (size_t k = 0; k < n; k++) {
        kt_error why = {0};
        status = measure_kind(job, kinds[k], &why);
        if (status == KT_REFUSED || status == KT_NUMERIC) /* nor would kt-train fit it */
            status = KT_OK;
        KT_TRY(status == KT_OK ? KT_OK : kt_fail(err, status, "%s", why.message));
    }
out:
    return status;
}
