#include "../data/check.h"
#include "kt/manifest.h"
#include <math.h>
#include <stdlib.h>

static kt_status parse(kt_manifest *manifest, const char *text, kt_error *err)
{
    *manifest = (kt_manifest){.n = 0};
    return kt_manifest_parse(manifest, text, strlen(text), "m.json", err);
}

static void cells_are_read_by_start(void **state)
{
    (void)state;
    kt_manifest m;
    OK(parse(&m,
             "{\"note\": \"x\", \"entry\": \"web\", \"config\": {\"entry\": \"other\"}, \"cells\": ["
             "{\"start_us\": 1795470330134264, \"end_us\": 1795470340134264},"
             "{\"cell\": 0, \"start_us\": 1795470320505578, \"end_us\": 1795470330134264, \"rps_asked\": 25, "
             "\"rps_drawn\": 27,"
             " \"rps_achieved\": 26.5, \"n\": 251, \"errors\": 2, \"rep\": {\"web\": 1, \"cart\": 2},"
             " \"more\": null}]}",
             &err));
    assert_string_equal(m.entry, "web");
    assert_int_equal(m.n, 2);
    const kt_manifest_cell *a = &m.cell[0], *b = &m.cell[1];
    assert_true(a->start == 1795470320505578000 && a->end == 1795470330134264000);
    assert_true(a->asked == 25 && a->drawn == 27 && a->achieved == 26.5);
    assert_int_equal(a->requests, 251);
    assert_int_equal(a->errors, 2);
    assert_int_equal(a->n_reps, 2);
    assert_string_equal(a->rep[0].service, "cart");
    assert_true(a->rep[0].rep == 2);
    assert_string_equal(a->rep[1].service, "web");
    assert_true(b->start == 1795470330134264000);
    assert_true(isnan(b->asked) && isnan(b->drawn) && isnan(b->achieved));
    assert_int_equal(b->requests, -1);
    assert_int_equal(b->errors, -1);
    assert_int_equal(b->n_reps, 0);
    assert_int_equal(strncmp(m.text, "{\"cells\":[{\"end_us\":1795470340134264,", 37), 0);
    assert_non_null(strstr(m.text, "\"more\":null"));
    kt_manifest_clear(&m);
    assert_null(m.entry);

    OK(parse(&m, "{\"config\": {\"entry\": \"e\"}, \"cells\": [{\"start_us\": 0, \"end_us\": 1e3}]}", &err));
    assert_string_equal(m.entry, "e");
    assert_true(m.cell[0].end == 1000000);
    kt_manifest_clear(&m);
    OK(parse(&m, "{\"cells\": [{\"start_us\": 0, \"end_us\": 1, \"rep\": null, \"n\": null}]}", &err));
    assert_null(m.entry);
    kt_manifest_clear(&m);
}

static void a_star_is_every_service_without_a_name(void **state)
{
    (void)state;
    kt_manifest m;
    OK(parse(&m,
             "{\"cells\": [{\"start_us\": 0, \"end_us\": 1, \"rep\": {\"*\": 3, \"#db\": 1, \"web\": 2}},"
             "{\"start_us\": 1, \"end_us\": 2, \"rep\": {\"web\": 4}}]}",
             &err));
    assert_true(kt_manifest_rep_of(&m.cell[0], "web") == 2 && kt_manifest_rep_of(&m.cell[0], "#db") == 1);
    assert_true(kt_manifest_rep_of(&m.cell[0], "cart") == 3);
    assert_true(kt_manifest_rep_of(&m.cell[1], "web") == 4 && isnan(kt_manifest_rep_of(&m.cell[1], "cart")));
    kt_manifest_clear(&m);
}

#define CELL(more) "{\"cells\": [{\"start_us\": 10, \"end_us\": 20" more "}]}"

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"cells\": ", "m.json:1:"},
        {"[]", "m.json: no load cells"},
        {"{}", "m.json: no load cells"},
        {"{\"cells\": []}", "m.json: no load cells"},
        {"{\"cells\": {\"a\": 1}}", "m.json: no load cells"},
        {"{\"cells\": [3]}", "m.json: cell 0 is not an object"},
        {"{\"cells\": [{\"start_us\": 1}]}", "m.json: cell 0: end_us is missing"},
        {"{\"cells\": [{\"start_us\": \"1\", \"end_us\": 2}]}", "cell 0: start_us is not a time"},
        {"{\"cells\": [{\"start_us\": -1, \"end_us\": 2}]}", "cell 0: start_us is not a time"},
        {"{\"cells\": [{\"start_us\": 0, \"end_us\": 9223372036854775807}]}", "cell 0: end_us is not a time"},
        {"{\"cells\": [{\"start_us\": 2, \"end_us\": 2}]}", "cell 0 ends at 2 us, which is not after"},
        {"{\"cells\": [{\"start_us\": 10, \"end_us\": 20}, {\"start_us\": 1, \"end_us\": 11}]}",
         "one starts at 10 us, another one lasts from 1 to 11 us"},
        {CELL(", \"rps_asked\": \"5\""), "cell 0: rps_asked is not a number of requests"},
        {CELL(", \"rps_achieved\": -5"), "cell 0: rps_achieved is not"},
        {CELL(", \"n\": 1.5"), "cell 0: n is not a count"},
        {CELL(", \"errors\": -1"), "cell 0: errors is not a count"},
        {CELL(", \"rep\": 3"), "cell 0: rep is not an object"},
        {CELL(", \"rep\": {\"a\": 0}"), "cell 0: rep of 'a' is not a number above 0"},
        {CELL(", \"rep\": {\"a\": 1, \"b\": \"2\"}"), "cell 0: rep of 'b'"},
        {"{\"entry\": 3, \"cells\": [{\"start_us\": 10, \"end_us\": 20}]}", "entry is not the name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_manifest m;
        FAILS(parse(&m, cases[i].text, &err), KT_INPUT, cases[i].part);
        kt_manifest_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_by_start),
        cmocka_unit_test(a_star_is_every_service_without_a_name),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
