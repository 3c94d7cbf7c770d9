/* Fits against what is known: data drawn from a law whose entropy is in closed form, hopeless data, absurd
 * options. */
#include "kt/fit.h"
#include "kt/mixture.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    double *x, *y; /* [n, 2], [n] */
} table;

static const kt_team alone = {.size = 1};

static kt_status rows(void *context, double *x, double *y, size_t first, size_t n, kt_error *err)
{
    const table *t = context;
    (void)err;
    if (x)
        memcpy(x, t->x + 2 * first, 2 * n * sizeof *x);
    memcpy(y, t->y + first, n * sizeof *y);
    return KT_OK;
}

static const double corners[] = {5, 1, 50, 1, 5, 4, 50, 4};

static kt_fit_data data_of(table *t, size_t train, size_t validation)
{
    return (kt_fit_data){.name = "service",
                         .n_train = train,
                         .n_validation = validation,
                         .d = 2,
                         .rows = rows,
                         .context = t,
                         .n_cells = 4,
                         .cell_mean = corners};
}

static kt_recipe recipe_of(kt_family family)
{
    return (kt_recipe){
        .net = {.inputs = 2, .layers = 2, .components = 8, .width = {16, 16}, .family = family},
        .target_scale = true,
        .steps = 1500,
        .epochs = 3,
        .rate = 1e-2,
        .decay = 0.1,
        .clip = 1,
        .seed = 1};
}

static kt_recipe seed_recipe(void)
{
    return (kt_recipe){.net = {.inputs = 2,
                               .layers = 2,
                               .components = 4,
                               .width = {10, 10},
                               .activation = KT_LEAKY_RELU,
                               .head = KT_HEAD_SOFTPLUS,
                               .batch_norm = true},
                       .start = KT_START_KERAS,
                       .clip_low = 1e-8,
                       .clip_high = 100,
                       .batch = 64,
                       .epochs = 60,
                       .partial_batches = true,
                       .rate = 1e-2,
                       .rate_end = 1e-4,
                       .schedule = KT_RATE_POLYNOMIAL,
                       .rate_steps = 1900,
                       .keep_last = true,
                       .look_steps = -1,
                       .seed = 1};
}

/* Processing times 20 ms x (1 + rate / 50) / replicas, Weibull of shape 2. */
static double law_scale(const double *x)
{
    return 0.02 * (1 + x[0] / 50) / x[1];
}

static table draw(size_t n)
{
    table t = {calloc(2 * n, sizeof(double)), calloc(n, sizeof(double))};
    kt_rng rng;
    kt_rng_init(&rng, 11, 12, KT_RNG_SAMPLE, 0, 0);
    for (size_t i = 0; i < n; i++) {
        t.x[2 * i] = 5 + 45 * kt_rng_uniform(&rng);
        t.x[2 * i + 1] = 1 + kt_rng_below(&rng, 4);
        t.y[i] = kt_family_table[KT_WEIBULL].sample(&rng, 2, law_scale(t.x + 2 * i));
    }
    return t;
}

static void table_clear(table *t)
{
    free(t->x);
    free(t->y);
}

static void same_model(const kt_model *a, const kt_model *b)
{
    assert_memory_equal(a->params, b->params, kt_net_params(&a->net) * sizeof *a->params);
    if (b->state)
        assert_memory_equal(a->state, b->state, kt_net_state(&a->net) * sizeof *a->state);
    assert_true(a->scale == b->scale && a->floor == b->floor && a->hull.n == b->hull.n);
    assert_memory_equal(a->scaler.mean, b->scaler.mean, sizeof a->scaler.mean);
}

static kt_status run(kt_fitted *out, const kt_recipe *recipe, const kt_fit_data *data, kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit *fit = NULL;
    kt_isa isa;
    kt_fit_progress progress = KT_FIT_STEPPED;
    kt_model model = {0};
    *out = (kt_fitted){0};
    KT_TRY(kt_isa_resolve(&isa, KT_ISA_AUTO, err));
    KT_TRY(kt_fit_create(&fit, recipe, data, &alone, isa, err));
    while (progress != KT_FIT_DONE)
        KT_TRY(kt_fit_advance(&progress, fit, 7, err));
    KT_TRY(kt_fit_model(&model, fit, err)); /* what would be kept is what is */
    KT_TRY(kt_fit_finish(out, fit, err));
    same_model(&model, &out->model);
    kt_model_clear(&model);
out:
    kt_fit_destroy(fit);
    return status;
}

/* As run, but every few steps the fit is saved, destroyed and created anew from the saved bytes. */
static kt_status run_in_pieces(kt_fitted *out, const kt_recipe *recipe, const kt_fit_data *data, int steps,
                               kt_error *err)
{
    kt_status status = KT_OK;
    kt_fit *fit = NULL;
    kt_isa isa;
    kt_fit_progress progress = KT_FIT_STEPPED;
    char *saved = NULL;
    size_t n = 0;
    KT_TRY(kt_isa_resolve(&isa, KT_ISA_AUTO, err));
    while (progress != KT_FIT_DONE) {
        KT_TRY(kt_fit_create(&fit, recipe, data, &alone, isa, err));
        if (saved)
            KT_TRY(kt_fit_load(fit, saved, n, err));
        KT_TRY(kt_fit_advance(&progress, fit, steps, err));
        free(saved);
        saved = NULL;
        KT_TRY(kt_fit_save(&saved, &n, fit, err));
        kt_fit_destroy(fit);
        fit = NULL;
    }
    KT_TRY(kt_fit_create(&fit, recipe, data, &alone, isa, err)); /* even where it was at its end */
    KT_TRY(kt_fit_load(fit, saved, n, err));
    KT_TRY(kt_fit_advance(&progress, fit, steps, err));
    assert_int_equal(progress, KT_FIT_DONE);
    KT_TRY(kt_fit_finish(out, fit, err));
out:
    free(saved);
    kt_fit_destroy(fit);
    return status;
}

/* Mean log-likelihood gap to the law itself on rows that were not trained on. */
static double gap(const kt_fitted *fitted, const table *t, size_t first, size_t n)
{
    kt_predictor *predictor;
    double sum = 0;
    assert_int_equal(kt_predictor_create(&predictor, &fitted->model, KT_ISA_GENERIC, NULL), KT_OK);
    for (size_t i = first; i < first + n; i++) {
        kt_mixture m = kt_predict_point(predictor, t->x + 2 * i);
        sum += kt_family_table[KT_WEIBULL].log_pdf(t->y[i], 2, law_scale(t->x + 2 * i)) -
               kt_mixture_log_pdf(&m, t->y[i]);
    }
    kt_predictor_destroy(predictor);
    return sum / (double)n;
}

static void every_family_learns_the_law(void **state)
{
    (void)state;
    /* normal lives on all of y, with mass below 0: its gap to a Weibull law is larger by nature */
    static const double most[KT_FAMILIES] = {0.02, 0.02, 0.02, 0.06};
    table t = draw(12000);
    kt_fit_data data = data_of(&t, 8000, 1000);
    for (int family = 0; family < KT_FAMILIES; family++) {
        kt_recipe recipe = recipe_of((kt_family)family);
        kt_fitted fitted;
        kt_error err = {0};
        assert_int_equal(run(&fitted, &recipe, &data, &err), KT_OK);
        double g = gap(&fitted, &t, 9000, 3000);
        print_message("%s: %.4f nats above the law\n", kt_family_table[family].name, g);
        assert_true(g < most[family]);
        assert_int_equal(fitted.steps, 1500);
        assert_int_equal(fitted.batch, 128);
        assert_true(fitted.looks[fitted.best].flags & KT_LOOK_BEST);
        for (size_t i = 0; i < fitted.n_looks; i++)
            assert_true(fitted.looks[fitted.best].validation <= fitted.looks[i].validation);
        assert_int_equal(fitted.flags, 0);
        kt_fitted_clear(&fitted);
    }
    table_clear(&t);
}

/* The loss of a look is what the model says of the validation rows, in seconds. */
static void looks_report_the_kept_models_loss(void **state)
{
    (void)state;
    table t = draw(2000);
    kt_fit_data data = data_of(&t, 1500, 500);
    kt_recipe recipe = recipe_of(KT_GAMMA);
    kt_fitted fitted;
    kt_predictor *predictor;
    double sum = 0;
    recipe.steps = 300;
    assert_int_equal(run(&fitted, &recipe, &data, NULL), KT_OK);
    assert_int_equal(kt_predictor_create(&predictor, &fitted.model, KT_ISA_GENERIC, NULL), KT_OK);
    for (size_t i = 1500; i < 2000; i++) {
        kt_mixture m = kt_predict_point(predictor, t.x + 2 * i);
        sum -= kt_mixture_log_pdf(&m, t.y[i]);
    }
    assert_true(fabs(sum / 500 - fitted.looks[fitted.best].validation) < 1e-5);
    kt_predictor_destroy(predictor);
    kt_fitted_clear(&fitted);
    table_clear(&t);
}

static void seed_recipe_with_batch_norm_learns(void **state)
{
    (void)state;
    table t = draw(3000);
    kt_fit_data data = data_of(&t, 2000, 500);
    kt_recipe recipe = seed_recipe();
    kt_fitted fitted;
    assert_int_equal(run(&fitted, &recipe, &data, NULL), KT_OK);
    assert_int_equal(fitted.n_looks, 60);
    assert_int_equal(fitted.steps, 60 * 32); /* 2,000 rows: 31 batches and one of 16 rows */
    assert_true(gap(&fitted, &t, 2500, 500) < 0.15);
    kt_fitted_clear(&fitted);
    table_clear(&t);
}

static void services_without_hope_are_refused(void **state)
{
    (void)state;
    table t = draw(400);
    kt_recipe recipe = recipe_of(KT_WEIBULL);
    kt_fitted fitted;
    kt_error err = {0};
    kt_fit_data few = data_of(&t, 20, 11), zero = data_of(&t, 300, 100);
    assert_int_equal(run(&fitted, &recipe, &few, &err), KT_REFUSED);
    assert_non_null(strstr(err.message, "31 rows"));
    memset(t.y, 0, 400 * sizeof *t.y);
    kt_error_clear(&err);
    assert_int_equal(run(&fitted, &recipe, &zero, &err), KT_REFUSED);
    assert_non_null(strstr(err.message, "zero"));
    table_clear(&t);
}

static void odd_data_is_flagged(void **state)
{
    (void)state;
    table t = draw(400);
    kt_recipe recipe = recipe_of(KT_WEIBULL);
    kt_fit_data data = data_of(&t, 250, 50);
    kt_fitted fitted;
    recipe.steps = 150;
    for (size_t i = 0; i < 400; i++) {
        t.x[2 * i + 1] = 2;
        t.y[i] = i % 10 == 0 ? 0 : round(t.y[i] * 1e3) * 1e-3;
    }
    assert_int_equal(run(&fitted, &recipe, &data, NULL), KT_OK);
    assert_int_equal(fitted.flags & ~(uint32_t)KT_FLAG_OVER_BOUND,
                     KT_FLAG_FEW_ROWS | KT_FLAG_TIES | KT_FLAG_CONSTANT | KT_FLAG_FLOORED);
    assert_true(fitted.floored >= 25);
    assert_true(fabs(fitted.model.floor - 0.0005) < 1e-9); /* half of the smallest positive time, 1 ms */
    for (int j = 0; j < 16; j++)
        assert_true(fitted.model.params[16 + j] == 0); /* kernel row of the column that never varied */
    kt_fitted_clear(&fitted);
    table_clear(&t);
}

/* A constant time pulls k to infinity: the bound holds it, in the exported parameters too. */
static void shape_stays_inside_its_bound(void **state)
{
    (void)state;
    table t = draw(3000);
    kt_fit_data data = data_of(&t, 2500, 500);
    static const double most[] = {1000, 1e6};
    for (size_t i = 0; i < 3000; i++)
        t.y[i] = 0.005;
    for (int family = KT_WEIBULL; family <= KT_GAMMA; family++) {
        kt_recipe recipe = recipe_of((kt_family)family);
        kt_fitted fitted;
        kt_predictor *predictor;
        assert_int_equal(run(&fitted, &recipe, &data, NULL), KT_OK);
        assert_int_equal(kt_predictor_create(&predictor, &fitted.model, KT_ISA_GENERIC, NULL), KT_OK);
        for (size_t i = 0; i < 2500; i++) {
            kt_mixture m = kt_predict_point(predictor, t.x + 2 * i);
            for (int k = 0; k < m.n; k++)
                assert_true(m.concentration[k] <= 1.001 * most[family]);
        }
        assert_false(fitted.flags & KT_FLAG_OVER_BOUND);
        kt_predictor_destroy(predictor);
        kt_fitted_clear(&fitted);
    }
    table_clear(&t);
}

static void infinite_rates_end_in_an_error(void **state)
{
    (void)state;
    table t = draw(1000);
    kt_fit_data data = data_of(&t, 800, 200);
    kt_recipe recipe = recipe_of(KT_WEIBULL);
    kt_fitted fitted;
    kt_error err = {0};
    recipe.rate = 3e38;
    recipe.decay = 0;
    assert_int_equal(run(&fitted, &recipe, &data, &err), KT_NUMERIC);
    assert_non_null(strstr(err.message, "step"));
    table_clear(&t);
}

static void bad_recipes_are_refused(void **state)
{
    (void)state;
    table t = draw(400);
    kt_fit_data data = data_of(&t, 300, 100);
    kt_recipe odd_batch = recipe_of(KT_WEIBULL), no_budget = odd_batch;
    kt_fitted fitted;
    odd_batch.batch = 100;
    no_budget.steps = no_budget.epochs = 0;
    assert_int_equal(run(&fitted, &odd_batch, &data, NULL), KT_USAGE);
    assert_int_equal(run(&fitted, &no_budget, &data, NULL), KT_USAGE);
    table_clear(&t);
}

static void patience_ends_a_fit(void **state)
{
    (void)state;
    table t = draw(600);
    kt_fit_data data = data_of(&t, 400, 200);
    kt_recipe recipe = recipe_of(KT_WEIBULL);
    kt_fitted fitted;
    recipe.steps = 20000;
    recipe.patience = 3;
    assert_int_equal(run(&fitted, &recipe, &data, NULL), KT_OK);
    assert_true(fitted.steps < 20000);
    assert_int_equal(fitted.n_looks - 1 - fitted.best, 3);
    kt_fitted_clear(&fitted);
    table_clear(&t);
}

enum { LOOK_BYTES = offsetof(kt_look, flags) + sizeof(uint32_t) }; /* nobody sets what pads the struct */

/* Without an interruption and with many: the same parameters and the same curve, bit for bit. */
static void a_saved_fit_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    table t = draw(1500), constant = draw(1500);
    kt_fit_data data = data_of(&t, 1200, 300), hopeless = data_of(&constant, 1200, 300);
    for (size_t i = 0; i < 1500; i++)
        constant.y[i] = 0.005; /* goes back now and then, penalised */
    kt_recipe patient = recipe_of(KT_GAMMA), bounded = recipe_of(KT_WEIBULL),
              retreating = recipe_of(KT_WEIBULL);
    patient.patience = 2;
    retreating.rate = 30; /* NaN on the way */
    retreating.steps = 400;
    retreating.clip = 0;
    const struct {
        kt_recipe recipe;
        const kt_fit_data *data;
        int steps;
    } cases[] = {
        {patient, &data, 37}, {seed_recipe(), &data, 111}, {bounded, &hopeless, 50}, {retreating, &data, 13}};
    uint32_t seen = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_fitted whole, pieces;
        kt_error err = {0};
        const kt_recipe *r = &cases[i].recipe;
        assert_int_equal(run(&whole, r, cases[i].data, &err), KT_OK);
        assert_int_equal(run_in_pieces(&pieces, r, cases[i].data, cases[i].steps, &err), KT_OK);
        assert_int_equal(whole.steps, pieces.steps);
        assert_int_equal(whole.flags, pieces.flags);
        assert_int_equal(whole.best, pieces.best);
        assert_int_equal(whole.n_looks, pieces.n_looks);
        for (size_t k = 0; k < whole.n_looks; k++)
            assert_memory_equal(&whole.looks[k], &pieces.looks[k], LOOK_BYTES);
        assert_memory_equal(whole.model.params, pieces.model.params,
                            kt_net_params(&r->net) * sizeof *whole.model.params);
        for (size_t k = 0; k < whole.n_looks; k++)
            seen |= whole.looks[k].flags;
        kt_fitted_clear(&whole);
        kt_fitted_clear(&pieces);
    }
    assert_int_equal(seen, KT_LOOK_BEST | KT_LOOK_RETREAT | KT_LOOK_OVER_BOUND);
    table_clear(&t);
    table_clear(&constant);
}

static void damaged_or_foreign_states_are_refused(void **state)
{
    (void)state;
    table t = draw(600);
    kt_fit_data data = data_of(&t, 400, 200);
    kt_recipe recipe = recipe_of(KT_WEIBULL), other = recipe;
    kt_fit *fit = NULL, *wider = NULL;
    kt_fit_progress progress;
    kt_error err = {0};
    char *saved;
    size_t n;
    other.net.components = 4;
    assert_int_equal(kt_fit_create(&fit, &recipe, &data, &alone, KT_ISA_GENERIC, NULL), KT_OK);
    assert_int_equal(kt_fit_create(&wider, &other, &data, &alone, KT_ISA_GENERIC, NULL), KT_OK);
    assert_int_equal(kt_fit_advance(&progress, fit, 200, NULL), KT_OK);
    assert_int_equal(kt_fit_save(&saved, &n, fit, NULL), KT_OK);
    assert_int_equal(kt_fit_load(wider, saved, n, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "parameters"));
    for (size_t less = 0; less < n; less += less < 64 ? 1 : 61) {
        char *copy = malloc(less + 1); /* of exactly that size, for the sanitizers */
        memcpy(copy, saved, less);
        assert_int_equal(kt_fit_load(fit, copy, less, NULL), KT_INPUT);
        free(copy);
    }
    assert_int_equal(kt_fit_load(fit, saved, n, NULL), KT_OK);
    free(saved);
    kt_fit_destroy(fit);
    kt_fit_destroy(wider);
    table_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_learns_the_law),
        cmocka_unit_test(looks_report_the_kept_models_loss),
        cmocka_unit_test(seed_recipe_with_batch_norm_learns),
        cmocka_unit_test(services_without_hope_are_refused),
        cmocka_unit_test(odd_data_is_flagged),
        cmocka_unit_test(shape_stays_inside_its_bound),
        cmocka_unit_test(infinite_rates_end_in_an_error),
        cmocka_unit_test(bad_recipes_are_refused),
        cmocka_unit_test(patience_ends_a_fit),
        cmocka_unit_test(a_saved_fit_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(damaged_or_foreign_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
