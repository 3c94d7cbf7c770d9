/* Spaces and sweep files: what they draw, and what they refuse. */
#include "../memory.h"
#include "kt/sweep.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const kt_option table[] = {
    {"rate", 0, KT_OPTION_REAL, KT_CLASS_RESULT, 0, 0, 10, NULL, "1", "R", "", NULL},
    {"decay", 0, KT_OPTION_REAL, KT_CLASS_RESULT, 0, 0, 10, NULL, "1", "R", "", NULL},
    {"width", 0, KT_OPTION_INT, KT_CLASS_RESULT, 0, 1, 512, NULL, "1", "W", "", NULL},
    {"layers", 0, KT_OPTION_INTS, KT_CLASS_RESULT, 0, 1, 512, NULL, "16", "W", "", NULL},
    {"norm", 0, KT_OPTION_FLAG, KT_CLASS_RESULT, 0, 0, 0, NULL, "false", NULL, "", NULL},
    {"head", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, 0, 0, 0, "exp|softplus|square", "exp", "H", "", NULL},
    {.name = NULL}};

static kt_status create(kt_sweep *sweep, const char *text, kt_error *err)
{
    kt_json *json = NULL;
    *sweep = (kt_sweep){.json = NULL};
    *err = (kt_error){0};
    assert_int_equal(kt_json_parse(&json, text, strlen(text), "sweep.json", NULL), KT_OK);
    kt_status status = kt_sweep_create(sweep, json, table, "sweep.json", err);
    kt_json_drop(json);
    return status;
}

static kt_sweep sweep_of(const char *text)
{
    kt_sweep sweep;
    kt_error err;
    if (create(&sweep, text, &err) != KT_OK)
        fail_msg("%s: %s", text, err.message);
    return sweep;
}

static void draws(const kt_space *space, const double *u, const char *expected)
{
    char *text = NULL;
    kt_json *values = kt_space_values(space, u);
    assert_int_equal(kt_json_text(&text, values, 0, NULL), KT_OK);
    assert_string_equal(text, expected);
    free(text);
    kt_json_drop(values);
}

static void coordinates_become_values(void **state)
{
    (void)state;
    kt_sweep s = sweep_of(
        "{\"space\": {\"rate\": {\"uniform\": [1, 3]}, \"decay\": {\"log\": [0.25, 4]}, \"width\": {\"int\": "
        "[1, 4]}, \"layers\": {\"choice\": [[8], [16, 16]]}, \"norm\": true}}");
    /* decay, layers, rate, width */
    draws(s.space, (double[]){0.5, 0.2, 0.25, 0.0},
          "{\"decay\":1.0,\"layers\":[8],\"norm\":true,\"rate\":1.5,\"width\":1}");
    draws(s.space, (double[]){0.5, 0.5, 0.5, 0.24},
          "{\"decay\":1.0,\"layers\":[16,16],\"norm\":true,\"rate\":2.0,\"width\":1}");
    draws(s.space, (double[]){1, 1, 1, 1},
          "{\"decay\":4.0,\"layers\":[16,16],\"norm\":true,\"rate\":3.0,\"width\":4}");
    size_t times[5] = {0};
    for (int i = 0; i < 1000; i++) { /* whole numbers are even */
        kt_json *values = kt_space_values(s.space, (double[]){0, 0, 0, (i + 0.5) / 1000});
        times[kt_json_as_int(kt_json_get(values, "width"), 0)]++;
        kt_json_drop(values);
    }
    for (int w = 1; w <= 4; w++)
        assert_int_equal(times[w], 250);
    kt_sweep_clear(&s);
}

/* Even between log(low - 0.5) and log(high + 0.5). */
static void whole_numbers_by_their_logarithm(void **state)
{
    (void)state;
    kt_sweep s = sweep_of("{\"space\": {\"width\": {\"int_log\": [1, 100]}}}");
    size_t ones = 0, upper = 0;
    for (int i = 0; i < 10000; i++) {
        kt_json *values = kt_space_values(s.space, (double[]){(i + 0.5) / 10000});
        int64_t width = kt_json_as_int(kt_json_get(values, "width"), 0);
        assert_in_range(width, 1, 100);
        ones += width == 1;
        upper += width > 10;
        kt_json_drop(values);
    }
    double span = log(100.5) - log(0.5);
    assert_true(fabs((double)ones / 10000 - (log(1.5) - log(0.5)) / span) < 2e-4);
    assert_true(fabs((double)upper / 10000 - (log(100.5) - log(10.5)) / span) < 2e-4);
    kt_sweep_clear(&s);
}

static void conditions_decide_what_is_there(void **state)
{
    (void)state;
    /* in byte order: decay, head, norm, rate; decay hangs on norm, which hangs on head */
    kt_sweep s = sweep_of(
        "{\"space\": {\"decay\": {\"uniform\": [0, 1], \"when\": {\"norm\": false}}, \"head\": {\"choice\": "
        "[\"exp\", \"softplus\"]}, \"norm\": {\"choice\": [true, false], \"when\": {\"head\": [\"exp\"]}}, "
        "\"rate\": {\"uniform\": [0, 1]}}}");
    draws(s.space, (double[]){0.5, 0.1, 0.1, 0.5}, "{\"head\":\"exp\",\"norm\":true,\"rate\":0.5}");
    draws(s.space, (double[]){0.5, 0.1, 0.9, 0.5},
          "{\"decay\":0.5,\"head\":\"exp\",\"norm\":false,\"rate\":0.5}");
    draws(s.space, (double[]){0.5, 0.9, 0.9, 0.5}, "{\"head\":\"softplus\",\"rate\":0.5}");
    kt_sweep_clear(&s);
}

static void a_grid_has_each_combination_once(void **state)
{
    (void)state;
    /* exp: norm true, or false with 3 decays: 4; softplus: 1; each with 2 rates: 10 */
    kt_sweep s = sweep_of(
        "{\"method\": \"grid\", \"scheduler\": \"none\", \"space\": {\"decay\": {\"uniform\": [0, 1], "
        "\"grid\": 3, \"when\": {\"norm\": false}}, \"head\": {\"choice\": [\"exp\", \"softplus\"]}, "
        "\"norm\": "
        "{\"choice\": [true, false], \"when\": {\"head\": \"exp\"}}, \"rate\": {\"log\": [1, 4], \"grid\": "
        "2}}}");
    char *seen[16] = {NULL};
    assert_int_equal(s.set.trials, 10);
    for (size_t i = 0; i < 10; i++) {
        double u[4];
        kt_space_grid_point(u, s.space, i);
        kt_json *values = kt_space_values(s.space, u);
        assert_int_equal(kt_json_text(&seen[i], values, 0, NULL), KT_OK);
        kt_json_drop(values);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
    }
    assert_string_equal(seen[0], "{\"head\":\"exp\",\"norm\":true,\"rate\":1.0}");
    assert_string_equal(seen[9], "{\"head\":\"softplus\",\"rate\":4.0}");
    for (size_t i = 0; i < 10; i++)
        free(seen[i]);
    kt_sweep_clear(&s);
}

static void grids_hit_their_ends(void **state)
{
    (void)state;
    kt_sweep s = sweep_of(
        "{\"method\": \"grid\", \"space\": {\"decay\": {\"log\": [0.001, 10], \"grid\": 5}, \"width\": "
        "{\"int\": [3, 9], \"grid\": 3}}}");
    const double decay[] = {0.001, 0.01, 0.1, 1, 10};
    const int64_t width[] = {3, 6, 9};
    assert_int_equal(s.set.trials, 15);
    for (size_t i = 0; i < 15; i++) {
        double u[2];
        kt_space_grid_point(u, s.space, i);
        kt_json *values = kt_space_values(s.space, u);
        double d = kt_json_as_real(kt_json_get(values, "decay"), 0);
        assert_true(fabs(d / decay[i / 3] - 1) < 1e-12);
        assert_int_equal(kt_json_as_int(kt_json_get(values, "width"), 0), width[i % 3]);
        kt_json_drop(values);
    }
    kt_sweep_clear(&s);
}

/* By logarithms 1, 1.4, 1.9, 2.7, ...: whole numbers that would be there twice make way. */
static void whole_points_of_a_grid_differ(void **state)
{
    (void)state;
    kt_sweep s =
        sweep_of("{\"method\": \"grid\", \"space\": {\"width\": {\"int_log\": [1, 20], \"grid\": 10}}}");
    const int64_t width[] = {1, 2, 3, 4, 5, 6, 7, 10, 14, 20};
    for (size_t i = 0; i < 10; i++) {
        double u;
        kt_space_grid_point(&u, s.space, i);
        kt_json *values = kt_space_values(s.space, &u);
        assert_int_equal(kt_json_as_int(kt_json_get(values, "width"), 0), width[i]);
        kt_json_drop(values);
    }
    kt_sweep_clear(&s);
    s = sweep_of("{\"method\": \"grid\", \"space\": {\"width\": {\"int_log\": [5, 9], \"grid\": 5}}}");
    for (size_t i = 0; i < 5; i++) {
        double u;
        kt_space_grid_point(&u, s.space, i);
        kt_json *values = kt_space_values(s.space, &u);
        assert_int_equal(kt_json_as_int(kt_json_get(values, "width"), 0), 5 + i);
        kt_json_drop(values);
    }
    kt_sweep_clear(&s);
}

/* Thirty options that hang together in pairs: 3^15 points, of which any is found at once. */
static void a_huge_grid_is_not_gone_through(void **state)
{
    (void)state;
    kt_option options[31] = {{.name = NULL}};
    char names[30][4];
    kt_json *json = kt_json_object();
    kt_space *space = NULL;
    uint64_t n = 0;
    double u[30];
    for (int i = 0; i < 30; i++) {
        options[i] = table[4]; /* a flag */
        snprintf(names[i], sizeof names[i], "%c%d", i < 15 ? 'a' : 'b', i % 15 + 10);
        options[i].name = names[i];
        kt_json *choices =
            kt_json_append(kt_json_append(kt_json_array(), kt_json_bool(true)), kt_json_bool(false));
        kt_json *dim = kt_json_put(kt_json_object(), "choice", choices);
        if (i >= 15) /* b10 is there where a10 is true */
            kt_json_put(dim, "when", kt_json_put(kt_json_object(), names[i - 15], kt_json_bool(true)));
        kt_json_put(json, names[i], dim);
    }
    assert_int_equal(kt_space_create(&space, json, options, "space", NULL), KT_OK);
    assert_int_equal(kt_space_grid_size(&n, space, "space", NULL), KT_OK);
    assert_int_equal(n, 14348907);
    kt_space_grid_point(u, space, n - 1); /* the last choice of each that is there */
    kt_json *values = kt_space_values(space, u);
    assert_int_equal(kt_json_size(values), 15);
    assert_false(kt_json_as_bool(kt_json_get(values, "a10"), true));
    kt_json_drop(values);
    kt_space_grid_point(u, space, 1); /* all true but the last of those that hang on another */
    values = kt_space_values(space, u);
    assert_int_equal(kt_json_size(values), 30);
    assert_true(kt_json_as_bool(kt_json_get(values, "b23"), false));
    assert_false(kt_json_as_bool(kt_json_get(values, "b24"), true));
    kt_json_drop(values);
    kt_space_destroy(space);
    kt_json_drop(json);
}

static void the_normal_form_reads_as_itself(void **state)
{
    (void)state;
    char *first = NULL, *again = NULL;
    kt_sweep s = sweep_of("{\"eta\": 2, \"space\": {\"rate\": {\"uniform\": [1, 3]}}}"), same;
    kt_error err;
    assert_int_equal(kt_json_text(&first, s.json, 0, NULL), KT_OK);
    assert_non_null(strstr(first, "\"trials\":64"));
    assert_int_equal(create(&same, first, &err), KT_OK);
    assert_int_equal(kt_json_text(&again, same.json, 0, NULL), KT_OK);
    assert_string_equal(first, again);
    assert_int_equal(kt_sweep_batch(&s, 0), 16);
    assert_int_equal(kt_sweep_batch(&s, 60), 4);
    free(first);
    free(again);
    kt_sweep_clear(&s);
    kt_sweep_clear(&same);
}

#define SPACE(text) "{\"space\": {" text "}}"
#define RATE        "\"space\": {\"rate\": {\"uniform\": [0, 1]}}"

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[]", "a sweep is an object"},
        {"{}", "there is no space"},
        {"{\"space\": {}}", "no option is varied"},
        {SPACE("\"norm\": true"), "no option is varied"},
        {SPACE("\"rat\": {\"uniform\": [0, 1]}"), "rat: not an option that trials can vary: is it rate?"},
        {SPACE("\"rate\": {\"uniform\": [1, 1]}"), "rate: uniform from 1 to 1: is empty"},
        {SPACE("\"rate\": {\"log\": [0, 1]}"), "rate: log from 0: has to begin above 0"},
        {SPACE("\"rate\": {\"uniform\": [1, 11]}"), "rate"},
        {SPACE("\"rate\": {\"uniform\": [1]}"), "a list of two numbers"},
        {SPACE("\"rate\": {\"int\": [1, 2]}"), "takes no int, but uniform, log or choice"},
        {SPACE("\"head\": {\"uniform\": [1, 2]}"), "takes no uniform, but choice"},
        {SPACE("\"width\": {\"int\": [1.5, 2]}"), "width"},
        {SPACE("\"head\": {\"choice\": []}"), "one value or more"},
        {SPACE("\"head\": {\"choice\": [\"exp\", \"exp\"]}"), "twice"},
        {SPACE("\"head\": {\"choice\": [\"expp\"]}"), "exp"},
        {SPACE("\"rate\": {\"uniform\": [0, 1], \"log\": [1, 2]}"), "drawn in two ways"},
        {SPACE("\"rate\": {\"unform\": [0, 1]}"), "unform"},
        {SPACE("\"rate\": {\"grid\": 3}"), "neither choice"},
        {SPACE("\"rate\": {\"uniform\": [0, 1], \"when\": {\"head\": \"exp\"}}"),
         "head is not varied by choice"},
        {SPACE("\"rate\": {\"uniform\": [0, 1], \"when\": {\"decay\": 1}}, \"decay\": {\"uniform\": [0, 1]}"),
         "decay is not varied by choice"},
        {SPACE("\"rate\": {\"uniform\": [0, 1], \"when\": {\"head\": \"square\"}}, \"head\": {\"choice\": "
               "[\"exp\"]}"),
         "can never hold"},
        {SPACE(
             "\"rate\": {\"uniform\": [0, 1], \"when\": {\"norm\": true, \"head\": \"softplus\"}}, \"norm\": "
             "{\"choice\": [true, false], \"when\": {\"head\": \"exp\"}}, \"head\": {\"choice\": [\"exp\", "
             "\"softplus\"]}"),
         "rate: when: can never hold: no value of head suits all conditions"},
        {SPACE("\"head\": {\"choice\": [\"exp\"], \"when\": {\"norm\": true}}, \"norm\": {\"choice\": "
               "[true], \"when\": "
               "{\"head\": \"exp\"}}"),
         "circle"},
        {"{\"methd\": \"tpe\", " RATE "}", "method"},
        {"{\"method\": \"tpa\", " RATE "}", "tpe"},
        {"{\"method\": \"grid\", " RATE "}", "rate: a grid needs its number of points"},
        {"{\"method\": \"grid\", \"max_trials\": 3, \"space\": {\"width\": {\"int\": [1, 9], \"grid\": 4}}}",
         "the grid has 4 points, max_trials is 3"},
        {"{\"method\": \"grid\", \"trials\": 5, \"space\": {\"width\": {\"int\": [1, 9], \"grid\": 4}}}",
         "trials 5: the grid has 4 points"},
        {"{\"trials\": 20000, " RATE "}", "trials 20000: max_trials is 10000"},
        {"{\"trials\": 4, \"keep\": 5, " RATE "}", "keep 5 of 4 trials"},
        {"{\"folds\": 1, " RATE "}", "folds 1"},
        {"{\"eta\": 1, " RATE "}", "eta 1"},
        {"{\"batch\": 0, " RATE "}", "batch"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_sweep sweep;
        kt_error err;
        assert_int_equal(create(&sweep, cases[i][0], &err), KT_USAGE);
        if (!strstr(err.message, cases[i][1]) || strncmp(err.message, "sweep.json", 10) != 0)
            fail_msg("%s: %s", cases[i][0], err.message);
        assert_null(sweep.space);
    }
}

/* Memory that ends at each of the allocations: said, and nothing leaks. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    static const char text[] =
        "{\"space\": {\"layers\": {\"choice\": [[8], [16, 16]]}, \"decay\": {\"uniform\": [0, 1], "
        "\"when\": {\"layers\": [8]}}}}";
    kt_json *json = NULL;
    kt_status status = KT_MEMORY;
    int count = 0;
    assert_int_equal(kt_json_parse(&json, text, strlen(text), "sweep.json", NULL), KT_OK);
    for (; status != KT_OK; count++) {
        kt_sweep sweep = {.json = NULL};
        allocations = count;
        status = kt_sweep_create(&sweep, json, table, "sweep.json", NULL);
        allocations = -1;
        assert_true(status == KT_OK || status == KT_MEMORY);
        assert_true((sweep.space != NULL) == (status == KT_OK));
        kt_sweep_clear(&sweep);
    }
    assert_true(count > 1); /* at least one was refused */
    kt_json_drop(json);
}

/* Any bytes of a sweep's file changed: taken or refused, and nothing leaks or crashes. */
static void changed_files_are_taken_or_refused(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"method\": \"grid\", \"trials\": 2, \"space\": {\"decay\": {\"uniform\": [0, 1], \"grid\": 3, "
        "\"when\": {\"norm\": false}}, \"norm\": {\"choice\": [true, false]}}}";
    static const char with[] = "\"{}[],:0519e.-tfn x";
    size_t taken = 0;
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        for (size_t k = 0; k < sizeof with - 1; k++) {
            char text[sizeof whole];
            kt_json *json = NULL;
            kt_sweep sweep = {.json = NULL};
            memcpy(text, whole, sizeof whole);
            text[i] = with[k];
            if (kt_json_parse(&json, text, strlen(text), "sweep.json", NULL) == KT_OK)
                taken += kt_sweep_create(&sweep, json, table, "sweep.json", NULL) == KT_OK;
            kt_sweep_clear(&sweep);
            kt_json_drop(json);
        }
    }
    assert_true(taken > sizeof whole / 10); /* among them the unchanged file */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coordinates_become_values),
        cmocka_unit_test(whole_numbers_by_their_logarithm),
        cmocka_unit_test(conditions_decide_what_is_there),
        cmocka_unit_test(a_grid_has_each_combination_once),
        cmocka_unit_test(grids_hit_their_ends),
        cmocka_unit_test(whole_points_of_a_grid_differ),
        cmocka_unit_test(a_huge_grid_is_not_gone_through),
        cmocka_unit_test(the_normal_form_reads_as_itself),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(changed_files_are_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
