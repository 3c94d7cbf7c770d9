#include "../scratch.h"
#include "kt/file.h"
#include "kt/json.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(const kt_json *value, const char *wanted)
{
    char *text;
    assert_int_equal(kt_json_text(&text, value, 0, NULL), KT_OK);
    assert_string_equal(text, wanted);
    free(text);
}

static kt_json *parse(const char *text)
{
    kt_json *value;
    kt_error err = {0};
    if (kt_json_parse(&value, text, strlen(text), "text", &err) != KT_OK)
        fail_msg("%s", err.message);
    return value;
}

static void the_same_value_gives_the_same_bytes(void **state)
{
    (void)state;
    kt_json *one = kt_json_object(), *other = kt_json_object();
    kt_json_put(one, "b", kt_json_int(1));
    kt_json_put(one, "a", kt_json_reals((double[]){1, 0.1, -0.0, 1e300, 5e-324}, 5));
    kt_json_put(other, "a", kt_json_bool(true));
    kt_json_put(other, "a", kt_json_reals((double[]){1, 0.1, -0.0, 1e300, 5e-324}, 5));
    kt_json_put(other, "b", kt_json_int(1));
    const char *wanted =
        "{\"a\":[1.0,0.10000000000000001,-0.0,1.0000000000000001e300,4.9406564584124654e-324],\"b\":1}";
    assert_text(one, wanted);
    assert_text(other, wanted);
    kt_json_drop(one);
    kt_json_drop(other);
}

/* What is written and read again is the same value of the same kind, and the same bytes. */
static void values_survive_a_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1",
        "-9223372036854775808",
        "9223372036854775807",
        "1.0",
        "0.10000000000000001",
        "1e22",
        "\"\\u0001\\\"\\\\/μ\"",
        "[]",
        "{}",
        "[null,true,false,[1,[2]]]",
        "{\"\":{\"a\":\"b\"}}",
        "null",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        kt_json *value = parse(texts[i]);
        char *once, *twice;
        assert_int_equal(kt_json_text(&once, value, 0, NULL), KT_OK);
        kt_json *again = parse(once);
        assert_int_equal(kt_json_text(&twice, again, 0, NULL), KT_OK);
        assert_int_equal(kt_json_kind_of(value), kt_json_kind_of(again));
        assert_true(json_equal(value, again));
        assert_string_equal(once, twice);
        free(once);
        free(twice);
        kt_json_drop(value);
        kt_json_drop(again);
    }
}

static void reals_keep_every_bit(void **state)
{
    (void)state;
    uint64_t x = 1;
    for (int i = 0; i < 20000; i++) {
        double value, back;
        x = x * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &x, sizeof value);
        if (!isfinite(value))
            continue;
        kt_json *written = kt_json_real(value);
        char *text;
        assert_int_equal(kt_json_text(&text, written, 0, NULL), KT_OK);
        kt_json *read = parse(text);
        assert_int_equal(kt_json_kind_of(read), KT_JSON_REAL);
        back = kt_json_as_real(read, 0);
        assert_memory_equal(&value, &back, sizeof value);
        free(text);
        kt_json_drop(written);
        kt_json_drop(read);
    }
}

static void numbers_that_json_lacks_are_null(void **state)
{
    (void)state;
    kt_json *value = kt_json_reals((double[]){NAN, INFINITY, -INFINITY, 1}, 4);
    assert_text(value, "[null,null,null,1.0]");
    kt_json_drop(value);
    value = kt_json_reals(NULL, 0);
    assert_text(value, "[]");
    kt_json_drop(value);
}

static void indented_for_people(void **state)
{
    (void)state;
    kt_json *value = parse("{\"b\":[1,2],\"a\":{}}");
    char *text;
    assert_int_equal(kt_json_text(&text, value, 2, NULL), KT_OK);
    assert_string_equal(text, "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2\n  ]\n}");
    free(text);
    kt_json_drop(value);
}

static void bad_texts_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *reason;
    } cases[] = {
        {"", "in:1:0: ", "expected"},
        {"{\"a\":1,\n \"b\":}", "in:2:6: ", "'}'"},
        {"{\"a\":1,}", "in:1:8: ", "expected"},
        {"{\"a\":1,\n\n\"b\":2,\n\"a\":3}", "in:4:3: ", "duplicate"},
        {"[1,2", "in:1:4: ", "end of file"},
        {"[1] 2", "in:1:5: ", "end of file"},
        {"{} {}", "in:1:4: ", "end of file"},
        {"{a:1}", "in:1:2: ", "expected"},
        {"[01]", "in:1:2: ", "invalid token"},
        {"[nan]", "in:1:4: ", "invalid token"},
        {"[\n\n  nul]", "in:3:5: ", "invalid token"},
        {"\"\xFF\"", "in:1:1: ", "byte 0xff"},
        {"[1e999]", "in:1:6: ", "overflow"},
        {"[9223372036854775808]", "in:1:20: ", "too big"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_error err = {0};
        kt_json *value = (kt_json *)&err;
        assert_int_equal(kt_json_parse(&value, cases[i].text, strlen(cases[i].text), "in", &err), KT_INPUT);
        assert_null(value);
        if (strncmp(err.message, cases[i].place, strlen(cases[i].place)) != 0 ||
            !strstr(err.message, cases[i].reason))
            fail_msg("'%s' is not '%s' and '%s'", err.message, cases[i].place, cases[i].reason);
    }
    kt_json *value;
    assert_int_equal(kt_json_parse(&value, "[1]]", 3, "in", NULL), KT_OK); /* n bytes and no more */
    kt_json_drop(value);
    assert_int_equal(kt_json_parse(&value, "{}\0{}", 5, "in", NULL), KT_INPUT);
}

static void depth_has_an_end(void **state)
{
    (void)state;
    enum { DEEP = 1000000 };
    char *text = malloc(DEEP);
    kt_json *value;
    kt_error err = {0};
    memset(text, '[', DEEP);
    assert_int_equal(kt_json_parse(&value, text, DEEP, "deep", &err), KT_INPUT);
    assert_non_null(strstr(err.message, "depth"));
    free(text);
}

static void files_are_read(void **state)
{
    (void)state;
    kt_json *value;
    kt_error err = {0};
    assert_int_equal(kt_file_write("a.json", "{\"a\":[1]}\n", 10, NULL), KT_OK);
    assert_int_equal(kt_json_read(&value, "a.json", NULL), KT_OK);
    assert_text(value, "{\"a\":[1]}");
    kt_json_drop(value);
    assert_int_equal(kt_json_read(&value, "none.json", &err), KT_IO);
    assert_non_null(strstr(err.message, "none.json: No such file"));
    kt_error_clear(&err);
    assert_int_equal(kt_file_write("a.json", "{", 1, NULL), KT_OK);
    assert_int_equal(kt_json_read(&value, "a.json", &err), KT_INPUT);
    assert_int_equal(strncmp(err.message, "a.json:1:1: ", 12), 0);
}

static void values_are_asked_for(void **state)
{
    (void)state;
    kt_json *object = parse("{\"n\":null,\"b\":true,\"i\":-3,\"r\":2.5,\"t\":\"x\",\"a\":[1,2],\"o\":{}}");
    static const struct {
        const char *key;
        kt_json_kind kind;
    } kinds[] = {{"n", KT_JSON_NULL}, {"b", KT_JSON_BOOL},  {"i", KT_JSON_INT},    {"r", KT_JSON_REAL},
                 {"t", KT_JSON_TEXT}, {"a", KT_JSON_ARRAY}, {"o", KT_JSON_OBJECT}, {"none", KT_JSON_NULL}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const kt_json *value = kt_json_get(object, kinds[i].key);
        kt_json_kind kind = kinds[i].kind;
        assert_int_equal(kt_json_kind_of(value), kind);
        assert_int_equal(kt_json_as_bool(value, false), kind == KT_JSON_BOOL);
        assert_int_equal(kt_json_as_int(value, 7), kind == KT_JSON_INT ? -3 : 7);
        assert_true(kt_json_as_real(value, 7) == (kind == KT_JSON_INT ? -3 : kind == KT_JSON_REAL ? 2.5 : 7));
        assert_string_equal(kt_json_as_text(value, "no"), kind == KT_JSON_TEXT ? "x" : "no");
        assert_int_equal(kt_json_size(value), kind == KT_JSON_ARRAY ? 2 : 0);
    }
    assert_int_equal(kt_json_size(object), 7);
    assert_int_equal(kt_json_as_int(kt_json_at(kt_json_get(object, "a"), 1), 0), 2);
    assert_null(kt_json_at(kt_json_get(object, "a"), 2));
    assert_null(kt_json_at(object, 0));
    assert_null(kt_json_get(kt_json_get(object, "a"), "b"));
    assert_null(kt_json_get(NULL, "b"));
    assert_int_equal(kt_json_size(NULL), 0);
    kt_json_drop(object);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keys come in byte order whatever the order they were put in. */
static void keys_are_numbered_in_byte_order(void **state)
{
    (void)state;
    enum { N = 97 };
    char names[N][8], *sorted[N];
    for (int order = 0; order < 3; order++) {
        kt_json *object = kt_json_object();
        for (int i = 0; i < N; i++) {
            int number = order == 0 ? i : order == 1 ? N - 1 - i : i * 35 % N;
            snprintf(names[i], sizeof names[i], "%s%03d", number % 3 ? "k" : "\xC3\xBC", number);
            sorted[i] = names[i];
            kt_json_put(object, names[i], kt_json_int(i));
            for (size_t k = 1; k <= (size_t)i; k++) /* at each size */
                assert_true(strcmp(kt_json_key(object, k - 1), kt_json_key(object, k)) < 0);
        }
        qsort(sorted, N, sizeof *sorted, by_bytes);
        for (size_t i = 0; i < N; i++)
            assert_string_equal(kt_json_key(object, i), sorted[i]);
        assert_null(kt_json_key(object, N));
        kt_json_drop(object);
    }
    assert_null(kt_json_key(NULL, 0));
    kt_json *single = parse("{\"\":1}"), *list = parse("[1]");
    assert_string_equal(kt_json_key(single, 0), "");
    assert_null(kt_json_key(list, 0));
    kt_json_drop(single);
    kt_json_drop(list);
}

static void objects_lie_over_each_other(void **state)
{
    (void)state;
    kt_json *object = parse("{\"a\":1,\"b\":{\"x\":1}}"), *over = parse("{\"b\":{\"y\":2},\"c\":3}");
    assert_ptr_equal(kt_json_merge(object, over), object);
    assert_text(object, "{\"a\":1,\"b\":{\"y\":2},\"c\":3}");
    kt_json_drop(over);
    assert_text(object, "{\"a\":1,\"b\":{\"y\":2},\"c\":3}");
    kt_json_drop(object);
}

static void the_first_difference_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *key, *in_a, *in_b;
    } cases[] = {
        {"{}", "{}", NULL, NULL, NULL},
        {"{\"a\":[1,{\"x\":2.5}],\"b\":null}", "{\"b\":null,\"a\":[1,{\"x\":2.5}]}", NULL, NULL, NULL},
        {"{\"c\":1,\"b\":2}", "{\"c\":3,\"b\":4}", "b", "2", "4"},
        {"{\"a\":1,\"b\":[1, 2]}", "{\"a\":1,\"b\":[2, 1]}", "b", "[1,2]", "[2,1]"},
        {"{\"a\":1}", "{\"a\":1.0}", "a", "1", "1.0"},
        {"{\"a\":1,\"b\":null}", "{\"a\":1}", "b", "null", "nothing"},
        {"{\"b\":1}", "{\"a\":\"x\",\"b\":1}", "a", "nothing", "\"x\""},
        {"{\"b\":1}", "{\"a\":1}", "b", "1", "nothing"}, /* those of the first come first */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_json *a = parse(cases[i].a), *b = parse(cases[i].b);
        const char *key;
        char *in_a, *in_b;
        assert_int_equal(kt_json_difference(&key, &in_a, &in_b, a, b, NULL), KT_OK);
        assert_int_equal(!key, !cases[i].key);
        if (key) {
            assert_string_equal(key, cases[i].key);
            assert_string_equal(in_a, cases[i].in_a);
            assert_string_equal(in_b, cases[i].in_b);
        }
        free(in_a);
        free(in_b);
        kt_json_drop(a);
        kt_json_drop(b);
    }
}

static void values_are_counted(void **state)
{
    (void)state;
    kt_json *object = kt_json_object(), *value = kt_json_string("kept");
    kt_json_put(object, "a", kt_json_keep(value));
    kt_json_put(object, "b", kt_json_append(kt_json_array(), kt_json_keep(value)));
    kt_json_drop(object);
    assert_string_equal(kt_json_as_text(value, ""), "kept");
    kt_json_drop(value);
    kt_json_drop(NULL);
    assert_null(kt_json_keep(NULL));
}

/* Names come from files of any origin; what is not UTF-8 must not lose a document. */
static void foreign_bytes_are_replaced(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"caf\xE9", "caf\uFFFD"},
        {"\x80", "\uFFFD"},
        {"\xC1", "\uFFFD"},
        {"\xF5", "\uFFFD"},
        {"\xC3", "\uFFFD"},
        {"\xC3(\xE2\x82", "\uFFFD(\uFFFD\uFFFD"},
        {"\xC0\xAF", "\uFFFD\uFFFD"},                     /* overlong */
        {"\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},           /* overlong */
        {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},           /* surrogate */
        {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"}, /* beyond U+10FFFF */
        {"\xF0\x9F\x98\x80\xE2\x82\xAC\xC2\xA2z", "\xF0\x9F\x98\x80\xE2\x82\xAC\xC2\xA2z"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        kt_json *value = kt_json_string(pairs[i][0]);
        assert_string_equal(kt_json_as_text(value, ""), pairs[i][1]);
        kt_json *object = kt_json_put(kt_json_object(), pairs[i][0], value);
        assert_string_equal(kt_json_key(object, 0), pairs[i][1]);
        char *text;
        assert_int_equal(kt_json_text(&text, object, 0, NULL), KT_OK);
        kt_json_drop(parse(text));
        free(text);
        kt_json_drop(object);
    }
}

/* jansson's memory, which ends after so many pieces. */
static int pieces_left;

static void *limited_malloc(size_t n)
{
    return pieces_left-- > 0 ? malloc(n) : NULL;
}

/* Built by a caller that looks at nothing but the text. */
static kt_status build(char **text, kt_error *err)
{
    kt_json *object = kt_json_object(), *list = kt_json_array();
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        kt_json_put(object, key, kt_json_int(i));
        kt_json_append(list, kt_json_put(kt_json_object(), "x", kt_json_string("y")));
    }
    kt_json_put(object, "list", list);
    kt_json *over = kt_json_put(kt_json_object(), "k3", kt_json_real(1.5));
    kt_json_merge(object, over);
    kt_json_drop(over);
    kt_status status = kt_json_text(text, object, 0, err);
    kt_json_drop(object);
    return status;
}

/* Whenever memory ends, the whole text comes out or none. */
static void short_memory_shortens_nothing(void **state)
{
    (void)state;
    char *whole, *text;
    int failures = 0;
    assert_int_equal(build(&whole, NULL), KT_OK);
    json_malloc_t old_malloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_malloc, &old_free);
    for (int pieces = 0;; pieces++, failures++) {
        kt_error err = {0};
        pieces_left = pieces;
        json_set_alloc_funcs(limited_malloc, free);
        kt_status status = build(&text, &err);
        json_set_alloc_funcs(old_malloc, old_free);
        if (status == KT_OK)
            break;
        assert_int_equal(status, KT_MEMORY);
        assert_non_null(strstr(err.message, "out of memory"));
        assert_null(text);
    }
    assert_string_equal(text, whole);
    assert_true(failures > 100);
    free(text);
    free(whole);
}

static void nothing_passes_through(void **state)
{
    (void)state;
    char *text;
    kt_json *object = kt_json_object();
    assert_null(kt_json_put(NULL, "a", kt_json_int(1)));
    assert_null(kt_json_append(NULL, kt_json_int(1)));
    assert_null(kt_json_merge(NULL, object));
    kt_json_put(object, "a", NULL);
    assert_int_equal(kt_json_text(&text, object, 0, NULL), KT_MEMORY);
    kt_json_drop(object);
    kt_json *list = kt_json_append(kt_json_append(kt_json_array(), kt_json_int(1)), NULL);
    object = kt_json_put(kt_json_object(), "list", list);
    object = kt_json_put(kt_json_object(), "inner", object);
    assert_int_equal(kt_json_text(&text, object, 0, NULL), KT_MEMORY);
    kt_json_drop(object);
    assert_int_equal(kt_json_text(&text, NULL, 0, NULL), KT_MEMORY);
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_value_gives_the_same_bytes),
        cmocka_unit_test(values_survive_a_round_trip),
        cmocka_unit_test(reals_keep_every_bit),
        cmocka_unit_test(numbers_that_json_lacks_are_null),
        cmocka_unit_test(indented_for_people),
        cmocka_unit_test(bad_texts_are_named_with_their_place),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test_setup_teardown(files_are_read, scratch_enter, scratch_leave),
        cmocka_unit_test(values_are_asked_for),
        cmocka_unit_test(keys_are_numbered_in_byte_order),
        cmocka_unit_test(objects_lie_over_each_other),
        cmocka_unit_test(the_first_difference_is_named),
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(foreign_bytes_are_replaced),
        cmocka_unit_test(short_memory_shortens_nothing),
        cmocka_unit_test(nothing_passes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
