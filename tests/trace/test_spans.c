#include "rows.h"

static void texts_are_kept_once(void **state)
{
    (void)state;
    kt_spans spans;
    char word[32];
    OK(kt_spans_init(&spans, &err));
    assert_string_equal(spans.text[0], "");
    assert_int_equal(text(&spans, ""), 0);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 1; i < 20000; i++) {
            snprintf(word, sizeof word, "text %u", i);
            assert_int_equal(text(&spans, word), i);
        }
    assert_int_equal(spans.n_texts, 20000);
    assert_string_equal(spans.text[12345], "text 12345");
    assert_int_equal(kt_spans_find_text(&spans, "text 19999"), 19999);
    assert_int_equal(kt_spans_find_text(&spans, "text 20000"), 0);
    uint32_t index;
    OK(kt_spans_text(&index, &spans, "text 7 and more", 6, &err)); /* its first bytes alone */
    assert_int_equal(index, 7);
    char *longest = malloc(300000);
    memset(longest, 'x', 300000);
    OK(kt_spans_text(&index, &spans, longest, 300000, &err));
    assert_int_equal(strlen(spans.text[index]), 300000);
    free(longest);
    kt_spans_clear(&spans);
    kt_spans_clear(&spans);
}

static void processes_are_kept_once(void **state)
{
    (void)state;
    kt_spans spans;
    OK(kt_spans_init(&spans, &err));
    uint32_t a = process(&spans, "a", "a-1"), b = process(&spans, "a", "a-2"),
             c = process(&spans, "c", "a-1");
    assert_true(a != b && b != c && a != c);
    assert_int_equal(process(&spans, "a", "a-2"), b);
    kt_span_tag other_order[] = {{text(&spans, "ip"), text(&spans, "10.0.0.1")},
                                 {text(&spans, "k8s.pod.name"), text(&spans, "a-1")}};
    uint32_t again;
    OK(kt_spans_process(&again, &spans, text(&spans, "c"), other_order, 2, &err));
    assert_int_equal(again, c);
    OK(kt_spans_process(&again, &spans, text(&spans, "c"), NULL, 0, &err));
    assert_int_equal(again, 3);
    assert_int_equal(spans.n_processes, 4);
    kt_spans_clear(&spans);
}

static void tags_of_spans_come_before_those_of_processes(void **state)
{
    (void)state;
    kt_spans spans;
    OK(kt_spans_init(&spans, &err));
    add(&spans, &(row){1, 1, 0, 5, 5, KT_SPAN_SERVER, "a", "a-1", "op", "ip", "10.9.9.9"});
    add(&spans, &(row){1, 2, 0, 6, 5, KT_SPAN_SERVER, "a", "a-1", "op", NULL, NULL});
    uint32_t ip = kt_spans_find_text(&spans, "ip"), pod = kt_spans_find_text(&spans, "k8s.pod.name");
    assert_string_equal(kt_span_tag_value(&spans, &spans.span[0], ip), "10.9.9.9");
    assert_string_equal(kt_span_tag_value(&spans, &spans.span[1], ip), "10.0.0.1");
    assert_string_equal(kt_span_tag_value(&spans, &spans.span[0], pod), "a-1");
    assert_string_equal(kt_process_tag_value(&spans, &spans.process[0], pod), "a-1");
    assert_null(kt_span_tag_value(&spans, &spans.span[0], kt_spans_find_text(&spans, "op")));
    assert_null(kt_span_tag_value(&spans, &spans.span[0], kt_spans_find_text(&spans, "no such text")));
    kt_spans_clear(&spans);
}

/* Canonical order, worked out by hand: trace, start, id, kind. */
static void finish_orders_spans(void **state)
{
    (void)state;
    static const row rows[] = {
        {2, 1, 0, 1000, 5, KT_SPAN_SERVER, "b", "b-1", "second trace", NULL, NULL},
        {1, 9, 7, 2300, 5, KT_SPAN_CLIENT, "a", "a-1", "later in its microsecond", "db.name", "x"},
        {1, 7, 0, 2000, 5, KT_SPAN_CLIENT, "a", "a-1", "shared id, client", NULL, NULL},
        {1, 7, 0, 2000, 5, KT_SPAN_SERVER, "b", "b-1", "shared id, server", NULL, NULL},
        {1, 8, 7, 2200, 5, KT_SPAN_CLIENT, "a", "a-2", "earlier in it", NULL, NULL},
        {1, 3, 0, -1, 5, KT_SPAN_SERVER, "a", "a-1", "before 1970", NULL, NULL},
    };
    static const int order[] = {5, 3, 2, 4, 1, 0};
    kt_spans spans;
    OK(kt_spans_init(&spans, &err));
    text(&spans, "a text of no span");
    for (size_t i = 0; i < 6; i++)
        add(&spans, &rows[i]);
    OK(kt_spans_finish(&spans, &err));
    assert_int_equal(spans.n, 6);
    assert_int_equal(spans.duplicates, 0);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(spans.text[spans.span[i].operation], rows[order[i]].operation);
    assert_int_equal(kt_spans_find_text(&spans, "a text of no span"), 0);
    /* first use: the process of the first span, then its operation */
    static const char *const texts[] = {"", "a", "ip", "10.0.0.1", "k8s.pod.name", "a-1", "before 1970"};
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(spans.text[i], texts[i]);
    const kt_span *tagged = &spans.span[4];
    assert_int_equal(tagged->n_tags, 2);
    assert_string_equal(spans.text[spans.tag[tagged->first_tag].key], "db.name"); /* by key */
    assert_string_equal(spans.text[spans.tag[tagged->first_tag + 1].key], "error");
    kt_spans_clear(&spans);
}

static void duplicates_go(void **state)
{
    (void)state;
    static const row rows[] = {
        {1, 5, 0, 7000, 3000, KT_SPAN_SERVER, "a", "a-1", "coarse", "db.name", "x"},
        {1, 5, 0, 7123, 3456, KT_SPAN_SERVER, "a", "a-1", "fine", NULL, NULL},
        {1, 6, 5, 7100, 10, KT_SPAN_CLIENT, "a", "a-1", "between the two", NULL, NULL},
        {1, 5, 0, 8000, 3000, KT_SPAN_SERVER, "a", "a-1", "another start", NULL, NULL},
        {1, 5, 0, 7000, 3000, KT_SPAN_CLIENT, "a", "a-1", "another kind", NULL, NULL},
        {3, 5, 0, 7000, 3000, KT_SPAN_SERVER, "a", "a-1", "few tags", NULL, NULL},
        {3, 5, 0, 7000, 3000, KT_SPAN_SERVER, "a", "a-1", "many tags", "db.name", "x"},
        {4, 5, 0, 7000, 3000, KT_SPAN_SERVER, "a", "a-1", "same", NULL, NULL},
        {4, 5, 0, 7000, 3000, KT_SPAN_SERVER, "a", "a-1", "same", NULL, NULL},
    };
    static const char *const kept[] = {"another kind",  "between the two", "fine",
                                       "another start", "many tags",       "same"};
    for (size_t turn = 0; turn < 9; turn++) {
        kt_spans spans;
        OK(kt_spans_init(&spans, &err));
        for (size_t i = 0; i < 9; i++)
            add(&spans, &rows[(i + turn) % 9]);
        OK(kt_spans_finish(&spans, &err));
        assert_int_equal(spans.n, 6);
        assert_int_equal(spans.duplicates, 3);
        for (size_t i = 0; i < 6; i++)
            assert_string_equal(spans.text[spans.span[i].operation], kept[i]);
        kt_spans_clear(&spans);
    }
}

enum { MANY = 3000 };

/* The same spans in any order, in one set or several, some of them twice: one result. */
static void order_of_arrival_does_not_matter(void **state)
{
    (void)state;
    kt_rng rng;
    row *rows = malloc(MANY * sizeof *rows);
    uint32_t order[MANY];
    kt_spans sets[3], part;
    kt_rng_init(&rng, 1, 0, KT_RNG_SAMPLE, 0, 0);
    for (uint32_t i = 0; i < MANY; i++) {
        rows[i] = random_row(&rng);
        order[i] = i;
    }
    for (int s = 0; s < 3; s++) {
        OK(kt_spans_init(&sets[s], &err));
        OK(kt_spans_init(&part, &err));
        for (uint32_t i = 0; i < MANY; i++)
            add(s == 2 && i % 3 == 0 ? &part : &sets[s], &rows[order[i]]);
        OK(kt_spans_append(&sets[s], &part, &err));
        OK(kt_spans_finish(&sets[s], &err));
        kt_spans_clear(&part);
        kt_rng_shuffle(&rng, order, MANY);
    }
    assert_int_equal(sets[0].n + sets[0].duplicates, MANY);
    assert_true(sets[0].duplicates > 10);
    same_sets(&sets[0], &sets[1]);
    same_sets(&sets[0], &sets[2]);
    OK(kt_spans_append(&sets[1], &sets[2], &err)); /* all of it twice */
    OK(kt_spans_finish(&sets[1], &err));
    same_sets(&sets[0], &sets[1]);
    for (int s = 0; s < 3; s++)
        kt_spans_clear(&sets[s]);
    free(rows);
}

static void nothing_is_a_set(void **state)
{
    (void)state;
    kt_spans spans, other;
    OK(kt_spans_init(&spans, &err));
    OK(kt_spans_init(&other, &err));
    OK(kt_spans_append(&spans, &other, &err));
    OK(kt_spans_finish(&spans, &err));
    assert_int_equal(spans.n, 0);
    assert_int_equal(spans.n_texts, 1);
    kt_spans_clear(&spans);
    kt_spans_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_kept_once),
        cmocka_unit_test(processes_are_kept_once),
        cmocka_unit_test(tags_of_spans_come_before_those_of_processes),
        cmocka_unit_test(finish_orders_spans),
        cmocka_unit_test(duplicates_go),
        cmocka_unit_test(order_of_arrival_does_not_matter),
        cmocka_unit_test(nothing_is_a_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
