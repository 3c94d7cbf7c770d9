#include "text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(void (*put)(FILE *, const char *), const char *words, const char *wanted)
{
    text t = {.stream = NULL};
    char *out = NULL;
    size_t n = 0;
    assert_int_equal(text_open(&t, NULL), KT_OK);
    put(t.stream, words);
    assert_int_equal(text_give(&out, &n, &t, NULL), KT_OK);
    assert_string_equal(out, wanted);
    assert_int_equal(n, strlen(wanted));
    free(out);
    text_drop(&t);
}

static void names_are_harmless(void **state)
{
    (void)state;
    expect(put_escaped, "cart", "cart");
    expect(put_escaped, "</script><img src=x onerror='alert(1)'>&\"",
           "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;&quot;");
    expect(put_escaped, "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9B\x92",
           "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9B\x92");
}

/* XML 1.0, section 2.2: no control characters, no U+FFFE, no U+FFFF; and only UTF-8. */
static void what_xml_does_not_know(void **state)
{
    (void)state;
    expect(put_escaped,
           "a\x01"
           "b\x1B[31m",
           "a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD[31m");
    expect(put_escaped, "\xFF\xC3", "\xEF\xBF\xBD\xEF\xBF\xBD");
    expect(put_escaped, "\xC0\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD"); /* '<' in too many bytes */
    expect(put_escaped, "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    expect(put_escaped, "\xEF\xBF\xBE\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    expect(put_escaped, "tab\tstays", "tab\tstays");
}

static void cells_of_markdown(void **state)
{
    (void)state;
    expect(put_markdown, "a|b\n*c*", "a&#124;b&#10;&#42;c&#42;");
    expect(put_markdown, "[x](y) <z>", "&#91;x&#93;(y) &lt;z&gt;");
}

static void put_not_a_number(FILE *out, const char *format)
{
    put_number(out, format, NAN);
    put_number(out, format, -INFINITY);
    put_number(out, format, 1.25);
    put_number(out, format, -1.2345e31); /* a table must not become as wide as this */
}

static void numbers(void **state)
{
    (void)state;
    expect(put_not_a_number, "%.1f %%", "--1.2 %-1.23e+31");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_harmless),
        cmocka_unit_test(what_xml_does_not_know),
        cmocka_unit_test(cells_of_markdown),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
