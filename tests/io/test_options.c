/* Options: the same table behind a command line, a configuration, help and a struct. */
#include "kt/options.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    bool quiet, resume;
    int64_t components, seed;
    double rate, share;
    const char *out, *note;
    int family;
    kt_texts service;
    kt_ints hidden;
} settings;

#define AT(field) offsetof(settings, field)
static const kt_option table[] = {
    {.name = "components",
     .letter = 'k',
     .type = KT_OPTION_INT,
     .offset = AT(components),
     .min = 1,
     .max = 64,
     .preset = "8",
     .value = "N",
     .help = "components of each mixture",
     .group = "Model"},
    {.name = "family",
     .type = KT_OPTION_CHOICE,
     .offset = AT(family),
     .choices = "weibull|gamma|lognormal",
     .preset = "gamma",
     .value = "NAME",
     .help = "law of a component"},
    {.name = "hidden",
     .type = KT_OPTION_INTS,
     .offset = AT(hidden),
     .min = 1,
     .max = 1024,
     .preset = "16,16",
     .value = "N,...",
     .help = "units of the hidden layers, from the input to the output, one number for each layer of them"},
    {.name = "rate", .type = KT_OPTION_REAL, .offset = AT(rate), .min = 0, .max = INFINITY, .value = "R"},
    {.name = "share", .type = KT_OPTION_REAL, .offset = AT(share), .preset = "0.5", .value = "PART"},
    {.name = "seed", .type = KT_OPTION_INT, .offset = AT(seed), .value = "N", .help = "any number"},
    {.name = "quiet",
     .letter = 'q',
     .type = KT_OPTION_FLAG,
     .class = KT_CLASS_RUN,
     .offset = AT(quiet),
     .help = "say nothing",
     .group = "Run"},
    {.name = "resume",
     .letter = 'r',
     .type = KT_OPTION_FLAG,
     .class = KT_CLASS_RUN,
     .offset = AT(resume),
     .preset = "true",
     .help = "go on where a run of the same options was stopped"},
    {.name = "out",
     .letter = 'o',
     .type = KT_OPTION_TEXT,
     .class = KT_CLASS_RUN,
     .offset = AT(out),
     .preset = "run",
     .value = "FOLDER",
     .help = "where to write"},
    {.name = "service",
     .letter = 's',
     .type = KT_OPTION_TEXTS,
     .offset = AT(service),
     .value = "NAME",
     .help = "this service only; may be given again"},
    {.name = "a-note-for-nobody-but-oneself",
     .type = KT_OPTION_TEXT,
     .class = KT_CLASS_SECRET,
     .offset = AT(note),
     .value = "TEXT",
     .help = "kept nowhere"},
    {.name = NULL},
};

enum { MOST = 80 };
static const char *operand[MOST];
static size_t n_operands;

/* The words of a line, parted by single spaces, as a command line behind the program's name. */
static kt_status argv_of(kt_json **given, const char *line, kt_error *err)
{
    static char copy[2000], name[] = "program";
    char *argv[MOST] = {name}, *rest = copy;
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    while (*line && (argv[argc] = strsep(&rest, " ")))
        argc++;
    return kt_options_argv(given, operand, &n_operands, table, argc, argv, err);
}

/* Takes the value. */
static void is_text(kt_json *value, const char *wanted)
{
    char *text = NULL;
    assert_int_equal(kt_json_text(&text, value, 0, NULL), KT_OK);
    assert_string_equal(text, wanted);
    free(text);
    kt_json_drop(value);
}

static void gives(const char *line, const char *wanted)
{
    kt_json *given = NULL;
    kt_error err = {0};
    if (argv_of(&given, line, &err) != KT_OK)
        fail_msg("%s: %s", line, err.message);
    is_text(given, wanted);
}

static void refuses(const char *line, const char *message)
{
    kt_json *given = NULL;
    kt_error err = {0};
    assert_int_equal(argv_of(&given, line, &err), KT_USAGE);
    assert_null(given);
    assert_string_equal(err.message, message);
}

static kt_json *parsed(const char *text)
{
    kt_json *value = NULL;
    assert_int_equal(kt_json_parse(&value, text, strlen(text), "test", NULL), KT_OK);
    return value;
}

static void every_way_to_write_an_option(void **state)
{
    (void)state;
    gives("", "{}");
    gives("--components 4", "{\"components\":4}");
    gives("--components=4", "{\"components\":4}");
    gives("-k 4", "{\"components\":4}");
    gives("-k4", "{\"components\":4}");
    gives("-k4 --components 5", "{\"components\":5}"); /* the last one counts */
    gives("--quiet", "{\"quiet\":true}");
    gives("--no-quiet", "{\"quiet\":false}");
    gives("--quiet=false", "{\"quiet\":false}");
    gives("-qr", "{\"quiet\":true,\"resume\":true}");
    gives("-qk4", "{\"components\":4,\"quiet\":true}");
    gives("-qk 4", "{\"components\":4,\"quiet\":true}");
    gives("--seed -9223372036854775808", "{\"seed\":-9223372036854775808}");
    gives("--rate 2", "{\"rate\":2.0}");
    gives("--rate 1e-3", "{\"rate\":0.001}");
    gives("--hidden 16", "{\"hidden\":[16]}");
    gives("--hidden 8,16,8", "{\"hidden\":[8,16,8]}");
    gives("-s a -sb --service=c,d", "{\"service\":[\"a\",\"b\",\"c,d\"]}");
    gives("--out=", "{\"out\":\"\"}");
    gives("--out=a=b", "{\"out\":\"a=b\"}");
    gives("--out --quiet", "{\"out\":\"--quiet\"}"); /* a value is a value */
}

static void operands_in_order(void **state)
{
    static const char *const wanted[] = {"a.csv", "-", "b", "--quiet", "--"};
    (void)state;
    gives("a.csv -q - -k 2 b -- --quiet --", "{\"components\":2,\"quiet\":true}");
    assert_int_equal(n_operands, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(operand[i], wanted[i]);
}

static void command_lines_that_are_refused(void **state)
{
    (void)state;
    refuses("--componets 4", "unknown option --componets; did you mean --components?");
    refuses("--fmaily=gamma", "unknown option --fmaily; did you mean --family?");
    refuses("--zebra", "unknown option --zebra");
    refuses("--component=4", "unknown option --component; did you mean --components?"); /* no prefixes */
    refuses("--no-components", "unknown option --no-components; did you mean --components?");
    refuses("-x", "unknown option -x");
    refuses("-qx", "unknown option -x");
    refuses("--components", "--components: a value is missing");
    refuses("-q -k", "-k: a value is missing");
    refuses("--components 0", "--components: 0 is not in the range 1 to 64");
    refuses("-k 65", "-k: 65 is not in the range 1 to 64");
    refuses("-k four", "-k: 'four' is not a whole number");
    refuses("-k 4.0", "-k: '4.0' is not a whole number");
    refuses("-k 0x10", "-k: '0x10' is not a whole number");
    refuses("--components=", "--components: '' is not a whole number");
    refuses("--seed 9223372036854775808", "--seed: '9223372036854775808' has more than 64 bits");
    refuses("--rate -1", "--rate: -1 is less than 0");
    refuses("--rate nan", "--rate: 'nan' is not a finite number");
    refuses("--rate inf", "--rate: 'inf' is not a finite number");
    refuses("--rate 1e999", "--rate: '1e999' is not a finite number");
    refuses("--rate 1s", "--rate: '1s' is not a finite number");
    refuses("--family normal", "--family: 'normal' is none of weibull|gamma|lognormal");
    refuses("--family gam", "--family: 'gam' is none of weibull|gamma|lognormal");
    refuses("--family=", "--family: '' is none of weibull|gamma|lognormal");
    refuses("--hidden 16,,8", "--hidden: '' is not a whole number");
    refuses("--hidden 16,0", "--hidden: 0 is not in the range 1 to 1024");
    refuses("--quiet=yes", "--quiet: 'yes' is neither true nor false");
    refuses("--quiet true --no-out", "unknown option --no-out");
}

static void lists_end(void **state)
{
    char line[4 * (KT_OPTION_LIST_MAX + 1) + 10] = "--hidden ";
    kt_json *given = NULL;
    (void)state;
    for (int i = 0; i < KT_OPTION_LIST_MAX; i++)
        strcat(line, i == 0 ? "9" : ",9");
    assert_int_equal(argv_of(&given, line, NULL), KT_OK);
    assert_int_equal(kt_json_size(kt_json_get(given, "hidden")), KT_OPTION_LIST_MAX);
    kt_json_drop(given);
    strcat(line, ",9");
    refuses(line, "--hidden: 65 values, at most 64 are taken");
}

static void a_configuration_is_judged(void **state)
{
    static const struct {
        const char *json, *message; /* NULL: good */
    } cases[] = {
        {"{}", NULL},
        {"{\"components\":4,\"rate\":2,\"family\":\"weibull\",\"quiet\":true,\"hidden\":[16,8],"
         "\"service\":[\"a\"],\"out\":\"x\"}",
         NULL},
        {"{\"hidden\":16,\"service\":\"a\"}", NULL}, /* one value is a list of one */
        {"{\"hidden\":[],\"service\":[]}", NULL},
        {"[]", "run.json: options are a JSON object, {\"name\": value, ...}"},
        {"{\"Components\":4}", "run.json: unknown option Components; did you mean components?"},
        {"{\"zebra\":4}", "run.json: unknown option zebra"},
        {"{\"components\":\"4\"}", "run.json: components: takes a whole number"},
        {"{\"components\":4.0}", "run.json: components: takes a whole number"},
        {"{\"components\":65}", "run.json: components: 65 is not in the range 1 to 64"},
        {"{\"components\":null}", "run.json: components: takes a whole number"},
        {"{\"rate\":true}", "run.json: rate: takes a number"},
        {"{\"quiet\":1}", "run.json: quiet: takes true or false"},
        {"{\"out\":7}", "run.json: out: takes a text"},
        {"{\"family\":\"normal\"}", "run.json: family: 'normal' is none of weibull|gamma|lognormal"},
        {"{\"hidden\":[16,\"8\"]}", "run.json: hidden: takes a list of whole numbers"},
        {"{\"hidden\":[16,0]}", "run.json: hidden: 0 is not in the range 1 to 1024"},
        {"{\"service\":[1]}", "run.json: service: takes a list of texts"},
        {"{\"service\":[[\"a\"]]}", "run.json: service: takes a list of texts"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_error err = {0};
        kt_json *object = parsed(cases[i].json);
        kt_status wanted = cases[i].message ? KT_USAGE : KT_OK;
        assert_int_equal(kt_options_check(table, object, "run.json", &err), wanted);
        assert_string_equal(err.message, cases[i].message ? cases[i].message : "");
        kt_json_drop(object);
    }
}

static void presets_are_what_would_be_typed(void **state)
{
    kt_json *presets = NULL;
    kt_error err = {0};
    static const kt_option bad[] = {{.name = "n", .type = KT_OPTION_INT, .min = 1, .max = 2, .preset = "3"},
                                    {.name = NULL}};
    (void)state;
    assert_int_equal(kt_options_presets(&presets, table, NULL), KT_OK);
    is_text(presets,
            "{\"components\":8,\"family\":\"gamma\",\"hidden\":[16,16],\"out\":\"run\",\"resume\":true,"
            "\"share\":0.5}");
    assert_int_equal(kt_options_presets(&presets, bad, &err), KT_USAGE);
    assert_null(presets);
    assert_string_equal(err.message, "preset of --n: 3 is not in the range 1 to 2");
}

static void a_struct_is_filled(void **state)
{
    settings s;
    kt_json *nothing = kt_json_object();
    (void)state;
    memset(&s, 0xA5, sizeof s);
    assert_int_equal(kt_options_fill(&s, table, nothing, NULL), KT_OK);
    kt_json_drop(nothing); /* presets are borrowed from the table */
    assert_true(!s.quiet && s.resume && s.components == 8 && s.seed == 0 && s.rate == 0 && s.share == 0.5);
    assert_string_equal(s.out, "run");
    assert_null(s.note);
    assert_int_equal(s.family, 1);
    assert_int_equal(s.service.n, 0);
    assert_true(s.hidden.n == 2 && s.hidden.value[0] == 16 && s.hidden.value[1] == 16);

    kt_json *given = NULL;
    assert_int_equal(argv_of(&given,
                             "-q --no-resume -k4 --seed 9007199254740993 --rate .25 --family lognormal "
                             "-sa -sb --hidden 3,2,1 -oX",
                             NULL),
                     KT_OK);
    assert_int_equal(kt_options_fill(&s, table, given, NULL), KT_OK);
    assert_true(s.quiet && !s.resume && s.components == 4 && s.rate == 0.25);
    assert_true(s.seed == 9007199254740993); /* 2^53 + 1: not by way of a double */
    assert_int_equal(s.family, 2);
    assert_string_equal(s.out, "X");
    assert_int_equal(s.service.n, 2);
    assert_string_equal(s.service.text[1], "b");
    assert_true(s.hidden.n == 3 && s.hidden.value[0] == 3 && s.hidden.value[2] == 1);
    kt_json_drop(given);

    kt_json *wrong = parsed("{\"components\":0}");
    kt_error err = {0};
    assert_int_equal(kt_options_fill(&s, table, wrong, &err), KT_USAGE);
    assert_string_equal(err.message, "--components: 0 is not in the range 1 to 64");
    kt_json_drop(wrong);
}

/* Layers: presets, then a configuration, then the command line. */
static void layers_lie_over_each_other(void **state)
{
    kt_json *all = NULL, *config = parsed("{\"components\":3,\"hidden\":[4],\"out\":\"c\"}"), *given = NULL;
    settings s;
    (void)state;
    assert_int_equal(kt_options_presets(&all, table, NULL), KT_OK);
    assert_int_equal(argv_of(&given, "--out d", NULL), KT_OK);
    kt_json_merge(kt_json_merge(all, config), given);
    assert_int_equal(kt_options_fill(&s, table, all, NULL), KT_OK);
    assert_true(s.components == 3 && s.hidden.n == 1 && s.hidden.value[0] == 4 && s.share == 0.5);
    assert_string_equal(s.out, "d");
    kt_json_drop(all);
    kt_json_drop(config);
    kt_json_drop(given);
}

/* Classes part an object, and write each value in one way whatever it was given as. */
static void classes_part_the_object(void **state)
{
    kt_json *object = parsed("{\"rate\":2,\"hidden\":16,\"service\":\"a\",\"out\":\"x\",\"quiet\":true,"
                             "\"a-note-for-nobody-but-oneself\":\"s\",\"elsewhere\":1}");
    (void)state;
    is_text(kt_options_of_class(table, object, KT_CLASS_RESULT),
            "{\"hidden\":[16],\"rate\":2.0,\"service\":[\"a\"]}");
    is_text(kt_options_of_class(table, object, KT_CLASS_RUN), "{\"out\":\"x\",\"quiet\":true}");
    is_text(kt_options_of_class(table, object, KT_CLASS_SECRET), "{\"a-note-for-nobody-but-oneself\":\"s\"}");
    kt_json_drop(object);
}

static void help_fits_a_terminal(void **state)
{
    char *help = NULL;
    (void)state;
    assert_int_equal(kt_options_help(&help, table, NULL), KT_OK);
    assert_int_equal(strncmp(help, "Model:\n  -k, --components N  ", 28), 0);
    static const char *const parts[] = {
        "\n\nRun:\n  -q, --quiet ",
        "  -r, --[no-]resume ", /* on from the start: only its end can be said */
        "components of each mixture (1 to 64; default 8)\n",
        "law of a component (weibull|gamma|lognormal; default\n",
        " (at least 0)\n",
        " any number\n",                                  /* no bounds, no preset: nothing is added */
        "\n      --a-note-for-nobody-but-oneself TEXT\n", /* too wide for its column: a line of its own */
        "for each layer",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(help, parts[i]))
            fail_msg("no '%s' in\n%s", parts[i], help);
    size_t longest = 0;
    for (const char *line = help; *line; line += strcspn(line, "\n") + 1) {
        size_t n = strcspn(line, "\n");
        longest = n > longest ? n : longest;
        assert_true(n == 0 || line[n - 1] != ' ');
        assert_int_equal(line[n], '\n');
    }
    assert_in_range(longest, 60, 79); /* wrapped, and not too early */
    assert_null(strstr(help, "(null)"));
    free(help);
}

static void the_nearest_name(void **state)
{
    static const char *const names[] = {"epochs", "family", "seed", "steps", "test-cells"};
    static const struct {
        const char *typed, *wanted;
    } cases[] = {
        {"epoch", "epochs"}, {"fmaily", "family"},        {"famliy", "family"}, {"sede", "seed"},
        {"stepss", "steps"}, {"testcell", "test-cells"},  {"zebra", NULL},      {"", NULL},
        {"se", NULL},        {"family-of-the-law", NULL}, {"seed", "seed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = kt_nearest(cases[i].typed, names, 5);
        assert_true((near == NULL) == (cases[i].wanted == NULL));
        if (near)
            assert_string_equal(near, cases[i].wanted);
    }
    char endless[1000]; /* too long to compare, which must do no harm */
    memset(endless, 'e', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(kt_nearest(endless, names, 5));
    assert_null(kt_nearest("seed", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_write_an_option),
        cmocka_unit_test(operands_in_order),
        cmocka_unit_test(command_lines_that_are_refused),
        cmocka_unit_test(lists_end),
        cmocka_unit_test(a_configuration_is_judged),
        cmocka_unit_test(presets_are_what_would_be_typed),
        cmocka_unit_test(a_struct_is_filled),
        cmocka_unit_test(layers_lie_over_each_other),
        cmocka_unit_test(classes_part_the_object),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
