#include "kt/options.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    bool fresh, pretty;
    int64_t seed, steps;
    double rate, share, any;
    const char *out, *token;
    int family, recipe;
    kt_texts services, columns;
    kt_ints hidden, few;
} settings;

#define AT(member) offsetof(settings, member)

static const kt_option table[] = {
    {"fresh", 'f', KT_OPTION_FLAG, KT_CLASS_RUN, AT(fresh), .help = "start over", .group = "Run"},
    {"pretty", 'p', KT_OPTION_FLAG, KT_CLASS_RUN, AT(pretty), .preset = "true", .help = "for people"},
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), .value = "FOLDER", .help = "the run's folder"},
    {"token", 0, KT_OPTION_TEXT, KT_CLASS_SECRET, AT(token), .value = "TEXT", .preset = "none",
     .help = "what opens the door"},
    {"seed", 's', KT_OPTION_INT, KT_CLASS_RESULT, AT(seed), .min = 0, .max = 4294967295, .value = "N",
     .preset = "1", .help = "of all random numbers", .group = "Model"},
    {"steps", 0, KT_OPTION_INT, KT_CLASS_RESULT, AT(steps), .value = "N", .help = "of the optimiser"},
    {"rate", 'r', KT_OPTION_REAL, KT_CLASS_RESULT, AT(rate), .min = 1e-6, .max = INFINITY, .value = "1/S",
     .preset = "0.01",
     .help = "a learning rate whose help is long enough that it must be broken into two lines"},
    {"share", 0, KT_OPTION_REAL, KT_CLASS_RESULT, AT(share), .min = 0, .max = 1, .value = "SHARE",
     .help = "of rows"},
    {"any", 0, KT_OPTION_REAL, KT_CLASS_RESULT, AT(any), .value = "X", .help = "any number"},
    {"family", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(family), .choices = "weibull|gamma|normal",
     .preset = "gamma", .value = "NAME", .help = "of distributions"},
    {"recipe", 0, KT_OPTION_CHOICE, KT_CLASS_RESULT, AT(recipe), .choices = "default|fast", .value = "NAME"},
    {"service", 0, KT_OPTION_TEXTS, KT_CLASS_RESULT, AT(services), .value = "NAME", .help = "only this one"},
    {"columns", 0, KT_OPTION_TEXTS, KT_CLASS_RESULT, AT(columns), .preset = "rps", .value = "NAME"},
    {"hidden", 'k', KT_OPTION_INTS, KT_CLASS_RESULT, AT(hidden), .min = 1, .max = 4096, .preset = "16,16",
     .value = "N,N", .help = "widths"},
    {"few-but-with-a-name-that-is-long", 0, KT_OPTION_INTS, KT_CLASS_RESULT, AT(few), .value = "N,N",
     .help = "numbers"},
    {0},
};

enum { MOST = 32 };
typedef struct {
    kt_json *given;
    const char *operands[MOST];
    size_t n;
    kt_error err;
} line;

/* The arguments, split at blanks. */
static kt_status parse(line *l, const char *arguments)
{
    static char copy[2000], *argv[MOST + 1];
    int argc = 1;
    *l = (line){0};
    argv[0] = (char *)"kt-train";
    snprintf(copy, sizeof copy, "%s", arguments);
    for (char *rest = copy, *part; (part = strsep(&rest, " "));)
        if (*arguments)
            argv[argc++] = part;
    return kt_options_argv(&l->given, l->operands, &l->n, table, argc, argv, &l->err);
}

static void assert_given(const char *arguments, const char *wanted, size_t n_operands)
{
    line l;
    char *text;
    if (parse(&l, arguments) != KT_OK)
        fail_msg("%s: %s", arguments, l.err.message);
    assert_int_equal(kt_json_text(&text, l.given, 0, NULL), KT_OK);
    assert_string_equal(text, wanted);
    assert_int_equal(l.n, n_operands);
    free(text);
    kt_json_drop(l.given);
}

static void command_lines_become_objects(void **state)
{
    (void)state;
    assert_given("", "{}", 0);
    assert_given("a.csv b.csv", "{}", 2);
    assert_given("--seed 7 --rate=0.5", "{\"rate\":0.5,\"seed\":7}", 0);
    assert_given("--rate 5", "{\"rate\":5.0}", 0);
    assert_given("--seed 7 --seed 8", "{\"seed\":8}", 0);
    assert_given("--fresh --no-pretty", "{\"fresh\":true,\"pretty\":false}", 0);
    assert_given("--fresh=false --pretty=true", "{\"fresh\":false,\"pretty\":true}", 0);
    assert_given("-s 4 -k4,5", "{\"hidden\":[4,5],\"seed\":4}", 0);
    assert_given("-fps4 -f", "{\"fresh\":true,\"pretty\":true,\"seed\":4}", 0);
    assert_given("-fs 4", "{\"fresh\":true,\"seed\":4}", 0);
    assert_given("--out --fresh", "{\"out\":\"--fresh\"}", 0); /* a value is a value */
    assert_given("-s4 --seed 5", "{\"seed\":5}", 0);           /* the last one counts */
    assert_given("--rate .25", "{\"rate\":0.25}", 0);
    assert_given("-fo out", "{\"fresh\":true,\"out\":\"out\"}", 0);
    assert_given("--out= --out=a=b", "{\"out\":\"a=b\"}", 0);
    assert_given("--out -", "{\"out\":\"-\"}", 0);
    assert_given("-", "{}", 1);
    assert_given("a --seed 1 b -- --fresh -f --", "{\"seed\":1}", 5);
    assert_given("--service a,b --service c --hidden 8", "{\"hidden\":[8],\"service\":[\"a,b\",\"c\"]}", 0);
    assert_given("--any -2.5e-3 --steps -9223372036854775808",
                 "{\"any\":-0.0025000000000000001,\"steps\":-9223372036854775808}", 0);
    assert_given("--family normal", "{\"family\":\"normal\"}", 0);
    assert_given("--seed 4294967295 --share 1 --rate 1e300",
                 "{\"rate\":1.0000000000000001e300,\"seed\":4294967295,\"share\":1.0}", 0);
}

static void operands_keep_their_order(void **state)
{
    (void)state;
    line l;
    assert_int_equal(parse(&l, "a --seed 1 b -- -c"), KT_OK);
    assert_string_equal(l.operands[0], "a");
    assert_string_equal(l.operands[1], "b");
    assert_string_equal(l.operands[2], "-c");
    kt_json_drop(l.given);
}

static void wrong_command_lines_are_explained(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--famly gamma", "unknown option --famly; did you mean --family?"},
        {"--famyli=gamma", "unknown option --famyli; did you mean --family?"},
        {"--no-out", "unknown option --no-out"},
        {"--no-hidden", "unknown option --no-hidden; did you mean --hidden?"},
        {"--familys=gamma", "unknown option --familys; did you mean --family?"},
        {"--fresh true --no-out", "unknown option --no-out"},
        {"--family gam", "--family: 'gam' is none of weibull|gamma|normal"},
        {"--family=", "--family: '' is none of weibull|gamma|normal"},
        {"--no-fresh=true", "unknown option --no-fresh"},
        {"--colour", "unknown option --colour"},
        {"--se 7", "unknown option --se"},
        {"-z", "unknown option -z"},
        {"-fz", "unknown option -z"},
        {"--seed", "--seed: a value is missing"},
        {"-f -s", "-s: a value is missing"},
        {"--seed=", "--seed: '' is not a whole number"},
        {"--seed 1.5", "--seed: '1.5' is not a whole number"},
        {"--seed 0x10", "--seed: '0x10' is not a whole number"},
        {"--seed 7k", "--seed: '7k' is not a whole number"},
        {"--steps 9223372036854775808", "--steps: '9223372036854775808' has more than 64 bits"},
        {"--seed -1", "--seed: -1 is not in the range 0 to 4294967295"},
        {"-s4294967296", "-s: 4294967296 is not in the range 0 to 4294967295"},
        {"--share 1.0000001", "--share: 1.0000001 is not in the range 0 to 1"},
        {"--rate 0", "--rate: 0 is less than 1e-06"},
        {"--rate nan", "--rate: 'nan' is not a finite number"},
        {"--any inf", "--any: 'inf' is not a finite number"},
        {"--any 1e999", "--any: '1e999' is not a finite number"},
        {"--any 1,5", "--any: '1,5' is not a finite number"},
        {"--hidden 16,,16", "--hidden: '' is not a whole number"},
        {"--hidden 16,0", "--hidden: 0 is not in the range 1 to 4096"},
        {"--few-but-with-a-name-that-is-long 2147483648",
         "--few-but-with-a-name-that-is-long: 2147483648 is not in the range -2147483648 to 2147483647"},
        {"--family weibul", "--family: 'weibul' is none of weibull|gamma|normal"},
        {"--family weibull|gamma", "--family: 'weibull|gamma' is none of weibull|gamma|normal"},
        {"--fresh=yes", "--fresh: 'yes' is neither true nor false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        line l;
        assert_int_equal(parse(&l, cases[i][0]), KT_USAGE);
        assert_string_equal(l.err.message, cases[i][1]);
        assert_null(l.given);
    }
}

static void values_of_a_word_with_blanks(void **state)
{
    (void)state;
    char *argv[] = {(char *)"kt", (char *)"--any", (char *)" 1", NULL};
    const char *operands[3];
    size_t n;
    kt_json *given;
    kt_error err = {0};
    assert_int_equal(kt_options_argv(&given, operands, &n, table, 3, argv, &err), KT_USAGE);
    assert_string_equal(err.message, "--any: ' 1' is not a finite number");
}

static kt_json *json(const char *text)
{
    kt_json *value;
    kt_error err = {0};
    if (kt_json_parse(&value, text, strlen(text), "text", &err) != KT_OK)
        fail_msg("%s", err.message);
    return value;
}

static void files_are_judged(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"famly\":\"gamma\"}", "a.json: unknown option famly; did you mean family?"},
        {"{\"Seeds\":4}", "a.json: unknown option Seeds"},
        {"{\"Family\":4}", "a.json: unknown option Family; did you mean family?"},
        {"{\"service\":[[\"a\"]]}", "a.json: service: takes a list of texts"},
        {"{\"hidden\":[16,\"8\"]}", "a.json: hidden: takes a list of whole numbers"},
        {"{\"zebra\":1}", "a.json: unknown option zebra"},
        {"{\"seed\":1.0}", "a.json: seed: takes a whole number"},
        {"{\"seed\":\"1\"}", "a.json: seed: takes a whole number"},
        {"{\"seed\":null}", "a.json: seed: takes a whole number"},
        {"{\"seed\":-1}", "a.json: seed: -1 is not in the range 0 to 4294967295"},
        {"{\"rate\":true}", "a.json: rate: takes a number"},
        {"{\"fresh\":1}", "a.json: fresh: takes true or false"},
        {"{\"out\":[\"a\"]}", "a.json: out: takes a text"},
        {"{\"family\":1}", "a.json: family: takes a text"},
        {"{\"family\":\"\"}", "a.json: family: '' is none of weibull|gamma|normal"},
        {"{\"service\":[1]}", "a.json: service: takes a list of texts"},
        {"{\"hidden\":\"16,16\"}", "a.json: hidden: takes a list of whole numbers"},
        {"{\"hidden\":[16,0]}", "a.json: hidden: 0 is not in the range 1 to 4096"},
        {"{\"hidden\":[[16]]}", "a.json: hidden: takes a list of whole numbers"},
        {"[1]", "a.json: options are a JSON object, {\"name\": value, ...}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_json *object = json(cases[i][0]);
        kt_error err = {0};
        assert_int_equal(kt_options_check(table, object, "a.json", &err), KT_USAGE);
        assert_string_equal(err.message, cases[i][1]);
        kt_json_drop(object);
    }
    kt_json *good =
        json("{\"fresh\":true,\"seed\":0,\"rate\":1,\"share\":0.5,\"out\":\"\",\"family\":\"weibull\","
             "\"service\":\"a\",\"columns\":[],\"hidden\":8}");
    assert_int_equal(kt_options_check(table, good, "a.json", NULL), KT_OK);
    kt_json_drop(good);
}

static void lists_have_a_most(void **state)
{
    (void)state;
    for (int n = KT_OPTION_LIST_MAX; n <= KT_OPTION_LIST_MAX + 1; n++) {
        kt_json *list = kt_json_array();
        for (int i = 0; i < n; i++)
            kt_json_append(list, kt_json_string("a"));
        kt_json *object = kt_json_put(kt_json_object(), "service", list);
        settings s;
        kt_error err = {0};
        kt_status wanted = n > KT_OPTION_LIST_MAX ? KT_USAGE : KT_OK;
        assert_int_equal(kt_options_check(table, object, "a", &err), wanted);
        assert_int_equal(kt_options_fill(&s, table, object, NULL), wanted);
        if (wanted != KT_OK)
            assert_string_equal(err.message, "a: service: 65 values, at most 64 are taken");
        kt_json_drop(object);
    }
}

static void typed_lists_have_a_most(void **state)
{
    (void)state;
    char arguments[4 * (KT_OPTION_LIST_MAX + 1) + 10] = "--hidden ";
    line l;
    for (int i = 0; i < KT_OPTION_LIST_MAX; i++)
        strcat(arguments, i == 0 ? "9" : ",9");
    assert_int_equal(parse(&l, arguments), KT_OK);
    assert_int_equal(kt_json_size(kt_json_get(l.given, "hidden")), KT_OPTION_LIST_MAX);
    kt_json_drop(l.given);
    strcat(arguments, ",9");
    assert_int_equal(parse(&l, arguments), KT_USAGE);
    assert_string_equal(l.err.message, "--hidden: 65 values, at most 64 are taken");
}

/* Presets, then a configuration, then the command line. */
static void layers_lie_over_each_other(void **state)
{
    (void)state;
    line l;
    settings s;
    kt_json *all, *config = json("{\"seed\":3,\"hidden\":[4],\"out\":\"c\"}");
    assert_int_equal(parse(&l, "--out d --steps 9007199254740993"), KT_OK);
    assert_int_equal(kt_options_presets(&all, table, NULL), KT_OK);
    kt_json_merge(kt_json_merge(all, config), l.given);
    assert_int_equal(kt_options_fill(&s, table, all, NULL), KT_OK);
    assert_true(s.seed == 3 && s.hidden.n == 1 && s.hidden.value[0] == 4 && s.rate == 0.01);
    assert_true(s.steps == 9007199254740993); /* 2^53 + 1: not by way of a double */
    assert_string_equal(s.out, "d");
    kt_json_drop(all);
    kt_json_drop(config);
    kt_json_drop(l.given);
}

static void structs_are_filled(void **state)
{
    (void)state;
    settings s;
    memset(&s, 0xEE, sizeof s);
    kt_json *object = json("{\"fresh\":true,\"seed\":7,\"rate\":1,\"out\":\"x\",\"family\":\"normal\","
                           "\"service\":[\"a\",\"b\"],\"columns\":\"rep\",\"hidden\":8}");
    assert_int_equal(kt_options_fill(&s, table, object, NULL), KT_OK);
    assert_true(s.fresh && s.pretty && s.seed == 7 && s.rate == 1 && s.family == 2);
    assert_string_equal(s.out, "x");
    assert_true(s.services.n == 2 && s.columns.n == 1 && s.hidden.n == 1 && s.hidden.value[0] == 8);
    assert_string_equal(s.services.text[1], "b");
    assert_string_equal(s.columns.text[0], "rep");
    kt_json_drop(object);
    object = json("{\"seed\":1.5}");
    kt_error err = {0};
    assert_int_equal(kt_options_fill(&s, table, object, &err), KT_USAGE);
    assert_string_equal(err.message, "--seed: takes a whole number");
    kt_json_drop(object);
}

static void presets_fill_what_is_absent(void **state)
{
    (void)state;
    settings s;
    memset(&s, 0xEE, sizeof s);
    kt_json *object = kt_json_object(), *presets;
    assert_int_equal(kt_options_fill(&s, table, object, NULL), KT_OK);
    kt_json_drop(object); /* what comes from the table stays */
    assert_true(!s.fresh && s.pretty && s.seed == 1 && s.steps == 0 && s.rate == 0.01 && s.share == 0);
    assert_true(s.family == 1 && s.recipe == 0 && !s.out);
    assert_string_equal(s.token, "none");
    assert_true(s.services.n == 0 && s.columns.n == 1);
    assert_string_equal(s.columns.text[0], "rps");
    assert_true(s.hidden.n == 2 && s.hidden.value[1] == 16 && s.few.n == 0);
    assert_int_equal(kt_options_presets(&presets, table, NULL), KT_OK);
    char *text;
    assert_int_equal(kt_json_text(&text, presets, 0, NULL), KT_OK);
    assert_string_equal(text,
                        "{\"columns\":[\"rps\"],\"family\":\"gamma\",\"hidden\":[16,16],\"pretty\":true,"
                        "\"rate\":0.01,\"seed\":1,\"token\":\"none\"}");
    free(text);
    kt_json_drop(presets);
    const kt_option bad[] = {{"a", 0, KT_OPTION_INT, KT_CLASS_RUN, 0, .min = 1, .max = 2, .preset = "3"},
                             {0}};
    kt_error err = {0};
    assert_int_equal(kt_options_presets(&presets, bad, &err), KT_USAGE);
    assert_string_equal(err.message, "preset of --a: 3 is not in the range 1 to 2");
    assert_null(presets);
}

static void assert_class(const char *options, kt_option_class class, const char *wanted)
{
    kt_json *object = json(options), *part = kt_options_of_class(table, object, class);
    char *text;
    assert_int_equal(kt_json_text(&text, part, 0, NULL), KT_OK);
    assert_string_equal(text, wanted);
    free(text);
    kt_json_drop(part);
    kt_json_drop(object);
}

/* A value that can be written in two ways has one form, or equal options would have different digests. */
static void classes_are_parted_in_normal_form(void **state)
{
    (void)state;
    const char *options = "{\"elsewhere\":1,\"token\":\"t\",\"out\":\"x\",\"rate\":1,\"service\":\"a\","
                          "\"hidden\":8,\"seed\":1}";
    assert_class(options, KT_CLASS_RESULT, "{\"hidden\":[8],\"rate\":1.0,\"seed\":1,\"service\":[\"a\"]}");
    assert_class(options, KT_CLASS_RUN, "{\"out\":\"x\"}");
    assert_class(options, KT_CLASS_SECRET, "{\"token\":\"t\"}");
    assert_class("{}", KT_CLASS_RESULT, "{}");
}

static void tables_are_joined(void **state)
{
    (void)state;
    typedef struct {
        int64_t a, b;
    } part;
    typedef struct {
        part first, second;
    } whole;
    static const kt_option rows[2][3] = {
        {{.name = "one", .type = KT_OPTION_INT, .offset = offsetof(part, a)},
         {.name = "two", .type = KT_OPTION_INT, .offset = offsetof(part, b)}},
        {{.name = "three", .type = KT_OPTION_INT, .offset = offsetof(part, b)}},
    };
    const kt_option_part parts[] = {{rows[0], offsetof(whole, first)}, {rows[1], offsetof(whole, second)}};
    kt_option joined[4];
    whole w = {.first.a = 0};
    kt_json *object = json("{\"one\":1,\"two\":2,\"three\":3}");
    kt_options_join(joined, 4, parts, 2);
    assert_int_equal(kt_options_fill(&w, joined, object, NULL), KT_OK);
    assert_true(w.first.a == 1 && w.first.b == 2 && w.second.a == 0 && w.second.b == 3);
    kt_json_drop(object);
}

static void help_is_a_table(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(kt_options_help(&text, table, NULL), KT_OK);
    assert_string_equal(text,
                        "Run:\n"
                        "  -f, --fresh         start over\n"
                        "  -p, --[no-]pretty   for people\n"
                        "  -o, --out FOLDER    the run's folder\n"
                        "      --token TEXT    what opens the door (default none)\n"
                        "\n"
                        "Model:\n"
                        "  -s, --seed N        of all random numbers (0 to 4294967295; default 1)\n"
                        "      --steps N       of the optimiser\n"
                        "  -r, --rate 1/S      a learning rate whose help is long enough that it must be\n"
                        "                      broken into two lines (at least 1e-06; default 0.01)\n"
                        "      --share SHARE   of rows (0 to 1)\n"
                        "      --any X         any number\n"
                        "      --family NAME   of distributions (weibull|gamma|normal; default gamma)\n"
                        "      --recipe NAME   (default|fast)\n"
                        "      --service NAME  only this one\n"
                        "      --columns NAME  (default rps)\n"
                        "  -k, --hidden N,N    widths (1 to 4096; default 16,16)\n"
                        "      --few-but-with-a-name-that-is-long N,N\n"
                        "                      numbers\n");
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n");
        assert_true(n <= 79 && (n == 0 || at[n - 1] != ' '));
        at += n + (at[n] == '\n');
    }
    free(text);
}

static void near_names_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"family", "families", "seed", "service", "out", "k", "test-cells"};
    static const struct {
        const char *typed, *wanted;
    } cases[] = {
        {"family", "family"},
        {"famly", "family"},
        {"fmaily", "family"},
        {"familly", "family"},
        {"sede", "seed"},
        {"servcies", "service"},
        {"oot", "out"},
        {"ou", NULL},
        {"x", NULL},
        {"", NULL},
        {"zebra", NULL},
        {"k", "k"},
        {"seedling", NULL},
        {"test-cell", "test-cells"},
        {"testcell", "test-cells"},
        {"familie", "families"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = kt_nearest(cases[i].typed, names, sizeof names / sizeof *names);
        if (!cases[i].wanted)
            assert_null(found);
        else
            assert_string_equal(found ? found : "nothing", cases[i].wanted);
    }
    char longer[1000]; /* too long to compare, which must do no harm */
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_null(kt_nearest(longer, names, 6));
    assert_null(kt_nearest("a", NULL, 0));
}

static int pieces_left;

static void *limited_malloc(size_t n)
{
    return pieces_left-- > 0 ? malloc(n) : NULL;
}

/* Wherever jansson's memory ends, the answer is the whole one or KT_MEMORY. */
static void short_memory_is_told_as_that(void **state)
{
    (void)state;
    json_malloc_t old_malloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_malloc, &old_free);
    kt_status status = KT_MEMORY;
    int failures = 0;
    for (int pieces = 0; status != KT_OK; pieces++, failures++) {
        line l;
        kt_json *presets = NULL;
        pieces_left = pieces;
        json_set_alloc_funcs(limited_malloc, free);
        status = parse(&l, "--hidden 1,2,3 --service a --service b --seed 7 --rate 1 --family gamma");
        if (status == KT_OK)
            status = kt_options_presets(&presets, table, NULL);
        json_set_alloc_funcs(old_malloc, old_free);
        assert_true(status == KT_OK || status == KT_MEMORY);
        kt_json_drop(presets);
        kt_json_drop(l.given);
    }
    assert_true(failures > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_become_objects),
        cmocka_unit_test(operands_keep_their_order),
        cmocka_unit_test(wrong_command_lines_are_explained),
        cmocka_unit_test(values_of_a_word_with_blanks),
        cmocka_unit_test(files_are_judged),
        cmocka_unit_test(lists_have_a_most),
        cmocka_unit_test(typed_lists_have_a_most),
        cmocka_unit_test(layers_lie_over_each_other),
        cmocka_unit_test(structs_are_filled),
        cmocka_unit_test(presets_fill_what_is_absent),
        cmocka_unit_test(classes_are_parted_in_normal_form),
        cmocka_unit_test(tables_are_joined),
        cmocka_unit_test(help_is_a_table),
        cmocka_unit_test(near_names_are_found),
        cmocka_unit_test(short_memory_is_told_as_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
