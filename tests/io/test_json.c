/* JSON: what is read, what is refused and where, and the one way in which a value is written. */
#include "../scratch.h"
#include "kt/file.h"
#include "kt/json.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static kt_json *parsed(const char *text)
{
    kt_json *value = NULL;
    kt_error err = {0};
    if (kt_json_parse(&value, text, strlen(text), "test", &err) != KT_OK)
        fail_msg("%s", err.message);
    return value;
}

/* Takes the value. */
static void written(kt_json *value, int indent, const char *wanted)
{
    char *text = NULL;
    assert_int_equal(kt_json_text(&text, value, indent, NULL), KT_OK);
    assert_string_equal(text, wanted);
    free(text);
    kt_json_drop(value);
}

static void a_value_has_one_text(void **state)
{
    (void)state;
    written(parsed(" { \"b\" : [ 1 , 2.0 ] ,\n\"a\":null, \"B\":true,\"\":\"\\u00e9\\n\" } "), 0,
            "{\"\":\"\xC3\xA9\\n\",\"B\":true,\"a\":null,\"b\":[1,2.0]}");
    written(parsed("{\"b\":{\"d\":1,\"c\":2},\"a\":3}"), 0, "{\"a\":3,\"b\":{\"c\":2,\"d\":1}}");
    written(parsed("{\"b\":1,\"a\":[2]}"), 2, "{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}");
    written(parsed("17"), 0, "17"); /* a document may be any value */
    written(kt_json_array(), 0, "[]");
}

static void numbers_come_back_bit_for_bit(void **state)
{
    static const double values[] = {0.1,
                                    -0.0,
                                    1.0 / 3,
                                    DBL_MAX,
                                    DBL_MIN,
                                    DBL_TRUE_MIN,
                                    DBL_EPSILON,
                                    1e22,
                                    1e23,
                                    -2.5,
                                    0x1.fffffffffffffp-3};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char *text = NULL;
        kt_json *real = kt_json_real(values[i]);
        assert_int_equal(kt_json_text(&text, real, 0, NULL), KT_OK);
        kt_json *again = parsed(text);
        double value = kt_json_as_real(again, NAN);
        assert_int_equal(kt_json_kind_of(again), KT_JSON_REAL); /* 1e22 too, whose digits are whole */
        assert_memory_equal(&value, &values[i], sizeof value);
        free(text);
        kt_json_drop(real);
        kt_json_drop(again);
    }
    written(kt_json_int(INT64_MIN), 0, "-9223372036854775808");
    kt_json *most = parsed("9223372036854775807");
    assert_true(kt_json_as_int(most, 0) == INT64_MAX);
    kt_json_drop(most);
}

static void what_json_lacks_is_null(void **state)
{
    const double values[] = {1, NAN, INFINITY, -INFINITY, 0.5};
    (void)state;
    written(kt_json_reals(values, 5), 0, "[1.0,null,null,null,0.5]");
    written(kt_json_reals(NULL, 0), 0, "[]");
}

static void bad_bytes_become_a_mark(void **state)
{
    (void)state;
    written(kt_json_string("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), 0,
            "\"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z\"");
    static const char *const bad[] = {"\x80", "\xC1", "\xF5"}; /* no character begins so */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        written(kt_json_string(bad[i]), 0, "\"\xEF\xBF\xBD\"");
    written(kt_json_string("\xC3(\xE2\x82"), 0, "\"\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\"");
    /* an overlong '/', a surrogate, and beyond U+10FFFF */
    static const char *const three[] = {"\xE0\x80\xAF", "\xED\xA0\x80"};
    for (size_t i = 0; i < 2; i++)
        written(kt_json_string(three[i]), 0, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    written(kt_json_string("\xF4\x90\x80\x80"), 0, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    written(kt_json_put(kt_json_object(), "k\xFF", kt_json_int(1)), 0, "{\"k\xEF\xBF\xBD\":1}");
}

static void errors_say_where(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } bad[] = {
        {"", "in:1:0: ", ""},
        {"{\"a\":1,\n \"b\":}", "in:2:6: ", "'}'"},
        {"{\"a\":1,\n\n\"b\":2,\n\"a\":3}", "in:4:3: ", "duplicate"},
        {"[1,2", "in:1:4: ", ""},
        {"[1] 2", "in:1:5: ", "end of file"},
        {"{a:1}", "in:1:2: ", ""},
        {"[01]", "in:1:2: ", ""},
        {"[nan]", "in:1:4: ", ""},
        {"\"\xFF\"", "in:1:1: ", "byte 0xff"},
        {"[1e999]", "in:1:6: ", "overflow"},
        {"[9223372036854775808]", "in:1:20: ", "too big"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kt_error err = {0};
        kt_json *value = (kt_json *)&err;
        assert_int_equal(kt_json_parse(&value, bad[i].text, strlen(bad[i].text), "in", &err), KT_INPUT);
        assert_null(value);
        if (strncmp(err.message, bad[i].where, strlen(bad[i].where)) != 0 ||
            !strstr(err.message, bad[i].what))
            fail_msg("%s: '%s' lacks '%s' or '%s'", bad[i].text, err.message, bad[i].where, bad[i].what);
    }
    kt_json *value;
    assert_int_equal(kt_json_parse(&value, "[1]]", 3, "in", NULL), KT_OK); /* n bytes and no more */
    kt_json_drop(value);
    assert_int_equal(kt_json_parse(&value, "{}\0{}", 5, "in", NULL), KT_INPUT);
}

/* A document may not end the program by its depth. */
static void deep_nesting_is_refused(void **state)
{
    enum { DEEP = 1000000 };
    kt_error err = {0};
    kt_json *value;
    char *text = malloc(DEEP);
    (void)state;
    memset(text, '[', DEEP);
    assert_int_equal(kt_json_parse(&value, text, DEEP, "in", &err), KT_INPUT);
    assert_non_null(strstr(err.message, "depth"));
    free(text);
}

static void files_are_read(void **state)
{
    kt_json *value = NULL;
    kt_error err = {0};
    (void)state;
    assert_int_equal(kt_file_write("good.json", "{\"a\":[1,true]}\n", 15, NULL), KT_OK);
    assert_int_equal(kt_json_read(&value, "good.json", NULL), KT_OK);
    written(value, 0, "{\"a\":[1,true]}");
    assert_int_equal(kt_file_write("bad.json", "{\n]", 3, NULL), KT_OK);
    assert_int_equal(kt_json_read(&value, "bad.json", &err), KT_INPUT);
    assert_null(value);
    assert_int_equal(strncmp(err.message, "bad.json:2:1: ", 14), 0);
    kt_error_clear(&err);
    assert_int_equal(kt_json_read(&value, "none.json", &err), KT_IO);
    assert_non_null(strstr(err.message, "none.json"));
}

static void kinds_and_fallbacks(void **state)
{
    kt_json *v = parsed("[null,true,7,0.5,\"t\",[],{}]");
    (void)state;
    for (size_t i = 0; i < kt_json_size(v); i++) {
        kt_json *value = kt_json_at(v, i);
        kt_json_kind kind = (kt_json_kind)i; /* the array has one of each, in order */
        assert_int_equal(kt_json_kind_of(value), kind);
        assert_int_equal(kt_json_as_bool(value, false), kind == KT_JSON_BOOL);
        assert_int_equal(kt_json_as_int(value, -1), kind == KT_JSON_INT ? 7 : -1);
        assert_true(kt_json_as_real(value, -1) == (kind == KT_JSON_INT    ? 7
                                                   : kind == KT_JSON_REAL ? 0.5
                                                                          : -1));
        assert_string_equal(kt_json_as_text(value, "no"), kind == KT_JSON_TEXT ? "t" : "no");
        assert_int_equal(kt_json_size(value), 0);
    }
    assert_null(kt_json_at(v, 7));
    assert_null(kt_json_get(v, "t"));
    assert_int_equal(kt_json_kind_of(NULL), KT_JSON_NULL);
    assert_null(kt_json_get(NULL, "a"));
    assert_null(kt_json_key(NULL, 0));
    kt_json_drop(v);
    kt_json_drop(NULL);
}

static void keys_in_byte_order(void **state)
{
    enum { N = 97 }; /* a prime: i * 35 mod 97 meets all */
    kt_json *object = kt_json_object();
    char key[N][8];
    (void)state;
    for (int i = 0; i < N; i++) {
        int k = i * 35 % N;
        snprintf(key[k], sizeof key[k], "k%02d", k);
        kt_json_put(object, key[k], kt_json_int(k));
        for (int j = 0; j <= i; j++) /* at each size */
            assert_true(j == 0 ||
                        strcmp(kt_json_key(object, (size_t)j - 1), kt_json_key(object, (size_t)j)) < 0);
    }
    for (int i = 0; i < N; i++)
        assert_string_equal(kt_json_key(object, (size_t)i), key[i]);
    assert_null(kt_json_key(object, N));
    kt_json_drop(object);
}

static void merge_lets_the_upper_win(void **state)
{
    kt_json *low = parsed("{\"a\":1,\"b\":{\"x\":1,\"y\":2}}"), *over = parsed("{\"b\":{\"x\":3},\"c\":4}");
    (void)state;
    assert_ptr_equal(kt_json_merge(low, over), low);
    written(over, 0, "{\"b\":{\"x\":3},\"c\":4}");
    written(low, 0, "{\"a\":1,\"b\":{\"x\":3},\"c\":4}"); /* values as a whole, not their parts */
}

static void references_are_counted(void **state)
{
    kt_json *shared = kt_json_string("s");
    kt_json *array =
        kt_json_append(kt_json_append(kt_json_array(), kt_json_keep(shared)), kt_json_bool(true));
    (void)state;
    assert_ptr_equal(kt_json_at(array, 0), shared);
    written(array, 0, "[\"s\",true]");
    written(shared, 0, "\"s\""); /* outlives the array */
    kt_json *object = kt_json_put(kt_json_object(), "a", kt_json_int(1));
    written(kt_json_put(object, "a", kt_json_int(2)), 0, "{\"a\":2}");
}

/* What was built from nothing, as after a failed allocation, is not written as if it were whole. */
static void a_lost_part_is_reported(void **state)
{
    char *text = (char *)&text;
    kt_error err = {0};
    (void)state;
    assert_int_equal(kt_json_text(&text, NULL, 0, &err), KT_MEMORY);
    assert_null(text);
    static kt_json *volatile inner; /* never freed (io/json.c): kept in sight of leak checkers */
    inner = kt_json_append(kt_json_append(kt_json_array(), kt_json_int(1)), NULL);
    kt_json *outer = kt_json_put(kt_json_object(), "list", inner);
    kt_error_clear(&err);
    assert_int_equal(kt_json_text(&text, outer, 0, &err), KT_MEMORY);
    assert_null(text);
    kt_json_drop(outer);
    assert_null(kt_json_append(NULL, kt_json_int(1)));
    assert_null(kt_json_put(NULL, "a", kt_json_int(1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_has_one_text),    cmocka_unit_test(numbers_come_back_bit_for_bit),
        cmocka_unit_test(what_json_lacks_is_null), cmocka_unit_test(bad_bytes_become_a_mark),
        cmocka_unit_test(errors_say_where),        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(files_are_read),          cmocka_unit_test(kinds_and_fallbacks),
        cmocka_unit_test(keys_in_byte_order),      cmocka_unit_test(merge_lets_the_upper_win),
        cmocka_unit_test(references_are_counted),  cmocka_unit_test(a_lost_part_is_reported),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
