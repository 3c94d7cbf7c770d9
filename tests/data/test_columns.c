#include "../scratch.h"
#include "check.h"
#include "columns.h"

static const char *const usual[] = {"rps_eff", "rep"};

static kt_status find(kt_columns *columns, const char *header, const char *const *features, size_t n,
                      kt_error *err)
{
    kt_lexer lexer = {.path = NULL};
    bool more;
    write_text("h.csv", header);
    kt_status status = kt_lexer_open(&lexer, "h.csv", err);
    if (status == KT_OK)
        status = kt_lexer_next(&more, &lexer, err);
    if (status == KT_OK)
        status = kt_columns_find(columns, &lexer, features, n, err);
    kt_lexer_close(&lexer);
    return status;
}

static void readme_form(void **state)
{
    (void)state;
    kt_columns c = {.n = 0};
    OK(find(&c, " rep ,proc_time_b,rps_eff,proc_time_a,\"cell\",,note,\n", usual, 2, &err));
    assert_int_equal(c.n, 8);
    assert_int_equal(c.n_services, 2);
    assert_false(c.cleaned);
    assert_string_equal(c.service[0].name, "a"); /* byte order, not that of columns */
    assert_int_equal(c.service[0].proc, 3);
    assert_int_equal(c.service[1].proc, 1);
    for (int s = 0; s < 2; s++) {
        assert_int_equal(c.service[s].feature[0], 2);
        assert_int_equal(c.service[s].feature[1], 0);
        assert_int_equal(c.service[s].delay, KT_NO_COLUMN);
    }
    assert_int_equal(c.cell, 4);
    assert_int_equal(c.n_rates, 0);
    assert_int_equal(c.n_keys, 0); /* replicas alone name no step */
    assert_int_equal(c.n_wanted, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(c.wanted[i], i);
    kt_columns_clear(&c);
}

static void cleaned_form(void **state)
{
    (void)state;
    kt_columns c = {.n = 0};
    OK(find(&c, "rps_z,rps_eff_z,rep_z,proc_time_z,rps_a,rps_eff_a,rep_a,proc_time_a,delay_a,unused\n", usual,
            2, &err));
    assert_true(c.cleaned);
    assert_int_equal(c.cell, KT_NO_COLUMN);
    assert_int_equal(c.service[0].delay, 8);
    assert_int_equal(c.service[1].delay, KT_NO_COLUMN);
    assert_int_equal(c.service[0].feature[0], 5);
    assert_int_equal(c.service[1].feature[1], 2);
    static const size_t key[] = {4, 0, 6, 2}; /* rates, then replicas, by service */
    assert_int_equal(c.n_rates, 2);
    assert_int_equal(c.n_keys, 4);
    assert_memory_equal(c.key, key, sizeof key);
    assert_int_equal(c.n_wanted, 9);
    kt_columns_clear(&c);
}

static void forms(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool cleaned;
        size_t n_keys;
    } cases[] = {
        {"rps_eff,rep,proc_time_a\n", false, 0},
        {"rps,rps_eff,rep,proc_time_a\n", false, 2}, /* one nominal rate for all */
        {"rps_eff,rep,proc_time_eff\n", false, 0},   /* rps_eff is not the nominal rate of "eff" */
        {"rps_eff_a,rep,proc_time_a\n", true, 0},
        {"rps_a,rps_eff,rep,proc_time_a\n", true, 2},
        {"rps_eff,rep,proc_time_a,delay_a\n", true, 0},
        {"rps_eff,rep,proc_time_a,delay\n", false, 0},
        {"rps,rps_eff,rep,proc_time_a,proc_time_b\n", false, 2}, /* each column once */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_columns c = {.n = 0};
        OK(find(&c, cases[i].header, usual, 2, &err));
        if (c.cleaned != cases[i].cleaned || c.n_keys != cases[i].n_keys)
            fail_msg("%s: cleaned %d, %zu keys", cases[i].header, c.cleaned, c.n_keys);
        kt_columns_clear(&c);
    }
}

static void features(void **state)
{
    (void)state;
    static const char *const names[] = {"cpu"};
    kt_columns c = {.n = 0};
    OK(find(&c, "cpu,cpu_b,proc_time_a,proc_time_b\n", names, 1, &err));
    assert_int_equal(c.service[0].feature[0], 0); /* the shared one */
    assert_int_equal(c.service[1].feature[0], 1); /* its own */
    kt_columns_clear(&c);
}

static void errors(void **state)
{
    (void)state;
    kt_columns c = {.n = 0};
    FAILS(find(&c, "rps_eff,rep,rep,proc_time_a\n", usual, 2, &err), KT_INPUT,
          "h.csv:1: the column 'rep' is there twice");
    kt_columns_clear(&c);
    FAILS(find(&c, "rps_ef,rep,proc_time_a\n", usual, 2, &err), KT_INPUT,
          "'rps_eff' for the service 'a': is it 'rps_ef'?");
    kt_columns_clear(&c);
    FAILS(find(&c, "rps_eff,replica_count,proc_time_a\n", usual, 2, &err), KT_INPUT,
          "no column 'rep_a' or 'rep' for the service 'a'");
    kt_columns_clear(&c);
    static const char *const none[] = {"st,ttr,rid\n", "x,x\n", "proc_time_\n", "time_a\n"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) { /* other tables are no error here */
        OK(find(&c, none[i], usual, 2, &err));
        assert_int_equal(c.n_services, 0);
        kt_columns_clear(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readme_form), cmocka_unit_test(cleaned_form), cmocka_unit_test(forms),
        cmocka_unit_test(features),    cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
