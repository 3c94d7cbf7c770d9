#include "kt/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void columns_fit_their_cells(void **state)
{
    (void)state;
    kt_table *table = NULL;
    char *text = NULL;
    assert_int_equal(kt_table_create(&table, "name|rows>|KS>|worst", NULL), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "frontend"), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "%d", 1200), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "%.3f", 0.05), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "a"), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "db"), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "%d", 7), KT_OK);
    assert_int_equal(kt_table_text(&text, table, NULL), KT_OK);
    assert_string_equal(text, "name      rows     KS  worst\n"
                              "--------  ----  -----  -----\n"
                              "frontend  1200  0.050  a\n"
                              "db           7\n");
    free(text);
    kt_table_destroy(table);
}

static void blank_cells_leave_no_space_at_the_end(void **state)
{
    (void)state;
    kt_table *table = NULL;
    char *text = NULL;
    assert_int_equal(kt_table_create(&table, "a|b>|c", NULL), KT_OK);
    const char *cells[] = {"x", "", "", "", "2", "", "", "", "end"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        assert_int_equal(kt_table_cell(table, NULL, "%s", cells[i]), KT_OK);
    assert_int_equal(kt_table_text(&text, table, NULL), KT_OK);
    assert_string_equal(text, "a  b  c\n"
                              "-  -  ---\n"
                              "x\n"
                              "   2\n"
                              "      end\n");
    free(text);
    kt_table_destroy(table);
}

static void characters_count_not_bytes(void **state)
{
    (void)state;
    kt_table *table = NULL;
    char *text = NULL;
    assert_int_equal(kt_table_create(&table, "service|\xC2\xB5s>", NULL), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "caf\xC3\xA9-men\xC3\xBC"), KT_OK);
    assert_int_equal(kt_table_cell(table, NULL, "%d", 12), KT_OK);
    assert_int_equal(kt_table_text(&text, table, NULL), KT_OK);
    assert_string_equal(text, "service    \xC2\xB5s\n"
                              "---------  --\n"
                              "caf\xC3\xA9-men\xC3\xBC  12\n");
    free(text);
    kt_table_destroy(table);
}

static void many_rows_keep_their_order(void **state)
{
    (void)state;
    kt_table *table = NULL;
    char *text = NULL;
    assert_int_equal(kt_table_create(&table, "i>", NULL), KT_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(kt_table_cell(table, NULL, "%d", i), KT_OK);
    assert_int_equal(kt_table_text(&text, table, NULL), KT_OK);
    const char *line = text + 8; /* heading and rule */
    for (int i = 0; i < 1000; i++) {
        char *end = NULL;
        assert_int_equal(strtol(line, &end, 10), i);
        assert_int_equal(end - line, 3);
        line = end + 1;
    }
    assert_int_equal(*line, 0);
    free(text);
    kt_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_fit_their_cells),
        cmocka_unit_test(blank_cells_leave_no_space_at_the_end),
        cmocka_unit_test(characters_count_not_bytes),
        cmocka_unit_test(many_rows_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
