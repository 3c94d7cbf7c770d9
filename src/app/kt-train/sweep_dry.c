/* --dry-run: the trials of a sweep, and about how long they take, by what a step takes on this machine now.
 */
#include "job.h"
#include "kt/rng.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURED_ROWS = 20000 };
#define MEASURED_SECONDS 0.1

/* The trials that can be known: all of them, or the first batch of tpe. */
typedef struct {
    size_t n, all;
    bool *chosen;       /* [services] */
    const char *search; /* whose trials these are, NULL: of all services */
    double *u;
    kt_recipe *recipe; /* [n] */
    double *share;     /* [n] of the budget, that a trial gets on the average */
} known;

static void known_clear(known *k)
{
    free(k->chosen);
    free(k->u);
    free(k->recipe);
    free(k->share);
}

static kt_status know(known *k, const job *j, const kt_samples *samples, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_sweep *what = &j->sweep->what;
    size_t come[KT_RUNGS_MAX] = {0};
    KT_TRY(kt_alloc(&k->chosen, samples->n_services, sizeof *k->chosen, err));
    KT_TRY(acquire_choose(k->chosen, samples, &j->set.services, err));
    for (size_t i = samples->n_services; i-- > 0;) {
        if (k->chosen[i] && what->set.per == KT_SWEEP_SERVICE)
            k->search = samples->services[i].name;
    }
    const kt_proposer proposer = {.method = (kt_propose_method)what->set.method,
                                  .seed = (uint64_t)what->set.seed,
                                  .subject = k->search ? kt_rng_subject(k->search) : 0};
    k->all = (size_t)what->set.trials;
    k->n = kt_sweep_batch(what, 0);
    KT_TRY(kt_alloc(&k->u, k->n * kt_space_dims(what->space), sizeof *k->u, err));
    KT_TRY(kt_alloc(&k->recipe, k->n, sizeof *k->recipe, err));
    KT_TRY(kt_alloc(&k->share, k->n, sizeof *k->share, err));
    KT_TRY(kt_propose(k->u, what->space, &proposer, 0, k->n, NULL, 0, err));
    KT_TRY(kt_rungs_expect(k->share, come, &what->rung, k->n, err));
    for (size_t i = 0; i < k->n; i++) {
        kt_json *values = kt_space_values(what->space, k->u + i * kt_space_dims(what->space));
        status = settings_trial(&k->recipe[i], j->options, values, samples->d, err);
        kt_json_drop(values);
        KT_TRY(status);
    }
out:
    return status;
}

/* ---- what a step takes ---- */

typedef struct {
    const kt_service *service;
    size_t d;
} rows_of;

static kt_status read_rows(void *context, double *x, double *y, size_t first, size_t n, kt_error *err)
{
    const rows_of *of = context;
    (void)err;
    if (x)
        memcpy(x, of->service->x + first * of->d, n * of->d * sizeof *x);
    if (y)
        memcpy(y, of->service->y + first, n * sizeof *y);
    return KT_OK;
}

/* Seconds of a row of a step by a parameter, looks included: of the settings that are asked for, on the
 * largest service. */
static kt_status measure(double *unit, const job *j, const kt_samples *samples, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_service *s = &samples->services[0];
    kt_fit *fit = NULL;
    kt_fit_progress progress = KT_FIT_STEPPED;
    const kt_team alone = {.size = 1};
    for (size_t i = 1; i < samples->n_services; i++)
        s = samples->services[i].n > s->n ? &samples->services[i] : s;
    size_t n = s->n < MEASURED_ROWS ? s->n : MEASURED_ROWS;
    rows_of of = {s, (size_t)samples->d};
    const kt_fit_data data = {.name = s->name,
                              .n_train = n - n / 8,
                              .n_validation = n / 8,
                              .d = samples->d,
                              .rows = read_rows,
                              .context = &of,
                              .n_cells = 1,
                              .cell_mean = s->cells[0].mean};
    kt_recipe recipe = settings_recipe(&j->set, samples->d);
    recipe.steps = 1 << 30;
    recipe.patience = 0;
    KT_TRY(kt_fit_create(&fit, &recipe, &data, &alone, j->isa, err));
    double began = MPI_Wtime();
    do
        KT_TRY(kt_fit_advance(&progress, fit, 64, err));
    while (MPI_Wtime() - began < MEASURED_SECONDS || kt_fit_step(fit) < 64);
    *unit = (MPI_Wtime() - began) / (double)kt_fit_step(fit) / kt_batch_rows(recipe.batch, data.n_train) /
            (double)kt_net_params(&recipe.net);
out:
    kt_fit_destroy(fit);
    return status;
}

/* Training rows that a fold leaves. */
static size_t rows_left(const kt_split *split, const sweep *s)
{
    double folds = s->what.set.folds > 0 ? (double)s->what.set.folds : 5;
    return (size_t)((double)split->n_train * (1 - 1 / folds));
}

/* Seconds of all trials on one rank, the unknown ones as the mean of the others. */
static kt_status predict(double *seconds, const known *k, const job *j, const kt_samples *samples,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_split *splits = NULL;
    kt_split_options how = settings_split(&j->set);
    double unit, work = 0;
    KT_TRY(measure(&unit, j, samples, err));
    KT_TRY(kt_alloc(&splits, samples->n_services, sizeof *splits, err));
    KT_TRY(kt_split_make(splits, samples, &how, err));
    for (size_t i = 0; i < k->n; i++) {
        const kt_recipe *recipe = &k->recipe[i];
        for (size_t s = 0; s < samples->n_services; s++) {
            if (!k->chosen[s])
                continue;
            size_t rows = rows_left(&splits[s], j->sweep);
            work += k->share[i] * (double)kt_fit_budget(recipe, rows) * kt_batch_rows(recipe->batch, rows) *
                    (double)kt_net_params(&recipe->net);
        }
    }
    *seconds = unit * work * j->sweep->n_folds * (double)k->all / (double)k->n;
out:
    for (size_t s = 0; splits && s < samples->n_services; s++)
        kt_split_clear(&splits[s]);
    free(splits);
    return status;
}

/* ---- printing ---- */

static kt_status print_json(const known *k, const job *j, double seconds, kt_error *err)
{
    const kt_sweep *what = &j->sweep->what;
    kt_json *json = kt_json_object(), *trials = kt_json_array();
    for (size_t i = 0; i < k->n; i++)
        kt_json_append(trials, kt_space_values(what->space, k->u + i * kt_space_dims(what->space)));
    kt_json_put(json, "sweep", kt_json_keep(what->json));
    kt_json_put(json, "trials", trials);
    kt_json_put(json, "ranks", kt_json_int(j->size));
    kt_json_put(json, "seconds", kt_json_real(seconds));
    return program_print_json(json, err);
}

static kt_status print_text(const known *k, const job *j, double seconds, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_sweep *what = &j->sweep->what;
    char *text = NULL;
    if (k->search)
        printf("of the search for %s; each service has one of its own\n", k->search);
    for (size_t i = 0; i < k->n; i++) {
        kt_json *values = kt_space_values(what->space, k->u + i * kt_space_dims(what->space));
        status = kt_json_text(&text, values, 0, err);
        kt_json_drop(values);
        KT_TRY(status);
        printf("trial %-4zu %s\n", i, text);
        free(text);
        text = NULL;
    }
    if (k->n < k->all)
        printf("and %zu more, which depend on what these are worth\n", k->all - k->n);
    printf("about %.3g s on %d rank%s, if nothing else runs there\n", seconds, j->size,
           j->size == 1 ? "" : "s");
out:
    return status;
}

kt_status sweep_dry(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples samples = {.d = 0};
    known k = {.n = 0};
    double seconds = 0;
    if (j->set.jaeger.url)
        KT_TRY(kt_fail(err, KT_USAGE, "--dry-run: pulls nothing; kt collect first, then --traces"));
    KT_TRY(acquire_read(&samples, j, err));
    KT_TRY(know(&k, j, &samples, err));
    KT_TRY(predict(&seconds, &k, j, &samples, err));
    seconds /= j->size;
    KT_TRY(j->set.json ? print_json(&k, j, seconds, err) : print_text(&k, j, seconds, err));
out:
    known_clear(&k);
    kt_samples_clear(&samples);
    return status;
}
