#include "../scratch.h"
#include "check.h"
#include "kt/csv.h"
#include "kt/json.h"
#include "kt/rng.h"
#include <sys/stat.h>

static char notes[4000];

static void take_note(void *context, const char *line)
{
    (void)context;
    assert_null(strchr(line, '\n'));
    strcat(notes, line);
    strcat(notes, "\n");
}

static kt_csv_options plain(void)
{
    notes[0] = '\0';
    return (kt_csv_options){.note = take_note};
}

static kt_status read_with(kt_samples *samples, kt_csv_options options, const char *path, kt_error *err)
{
    *samples = (kt_samples){.d = 0};
    return kt_csv_read(samples, &path, 1, &options, err);
}

static kt_status read_text(kt_samples *samples, kt_csv_options options, const char *text, kt_error *err)
{
    write_text("t.csv", text);
    return read_with(samples, options, "t.csv", err);
}

/* A text that must be refused; everything is released whatever happens. */
static void refused(kt_csv_options options, const char *text, const char *part)
{
    kt_samples samples;
    FAILS(read_text(&samples, options, text, &err), KT_INPUT, part);
    kt_samples_clear(&samples);
}

static void readme_form(void **state)
{
    (void)state;
    kt_samples samples;
    OK(read_text(&samples, plain(),
                 "rps_eff,rep,proc_time_b,proc_time_a,cell\n"
                 "10.5,1,0.25, 0.5 ,c1\n"
                 "11.5,2,,0.125,c2\n"
                 "12.5,1,1e-3,,c1\n",
                 &err));
    assert_int_equal(samples.d, 2);
    assert_string_equal(samples.feature[0], "rps_eff");
    assert_int_equal(samples.n_services, 2);
    const kt_service *a = &samples.services[0], *b = &samples.services[1];
    assert_string_equal(a->name, "a");
    assert_int_equal(a->n, 2);
    assert_int_equal(a->target, KT_TARGET_PROC);
    assert_int_equal(a->rule, KT_CELLS_COLUMN);
    assert_int_equal(a->blank_targets, 1);
    static const double a_x[] = {10.5, 1, 11.5, 2}, a_y[] = {0.5, 0.125}, b_x[] = {10.5, 1, 12.5, 1},
                        b_y[] = {0.25, 1e-3};
    assert_memory_equal(a->x, a_x, sizeof a_x);
    assert_memory_equal(a->y, a_y, sizeof a_y);
    assert_int_equal(a->n_cells, 2);
    assert_string_equal(a->cells[0].label, "c1");
    assert_int_equal(a->cell[1], 1);
    assert_int_equal(b->n, 2);
    assert_memory_equal(b->x, b_x, sizeof b_x);
    assert_memory_equal(b->y, b_y, sizeof b_y);
    assert_int_equal(b->n_cells, 1);
    assert_int_equal(b->cells[0].rows, 2);
    assert_true(b->cells[0].mean[0] == 11.5);
    assert_non_null(strstr(notes, "2 blank times"));
    kt_samples_clear(&samples);
}

static const char cleaned[] =
    "rps_a,rps_eff_a,rep_a,proc_time_a,rps_b,rps_eff_b,rep_b,proc_time_b,delay_b\r\n"
    "5,5.5,1,8,5,5.25,2,16,4\r\n"
    "5,5.5,1,9,5,5.25,2,17,-3\r\n"
    "5,5.5,1,10,5,5.25,2,18,\r\n"
    "5,5.5,1,11,,,,,7\r\n";

static void cleaned_form(void **state)
{
    (void)state;
    kt_samples samples;
    OK(read_text(&samples, plain(), cleaned, &err));
    const kt_service *a = &samples.services[0], *b = &samples.services[1];
    static const double a_y[] = {8 / 1e3, 9 / 1e3, 10 / 1e3, 11 / 1e3}, b_y[] = {20 / 1e3, 17 / 1e3};
    assert_int_equal(a->n, 4);
    assert_int_equal(a->target, KT_TARGET_PROC);
    assert_memory_equal(a->y, a_y, sizeof a_y);
    assert_int_equal(b->n, 2); /* no delay: no target; neither time: no visit */
    assert_int_equal(b->target, KT_TARGET_PROC_DELAY);
    assert_memory_equal(b->y, b_y, sizeof b_y);
    assert_int_equal(b->negative_delays, 1);
    assert_int_equal(b->blank_targets, 2);
    assert_true(b->x[0] == 5.25 && b->x[1] == 2 && a->x[0] == 5.5);
    assert_string_equal(a->cells[0].label, "rps=5 rep=1,2");
    assert_int_equal(a->n_cells, 1);
    assert_non_null(strstr(notes, "1 negative delays count as 0"));

    kt_json *about = NULL;
    OK(kt_json_parse(&about, samples.provenance, strlen(samples.provenance), "provenance", &err));
    const kt_json *file = kt_json_at(kt_json_get(about, "files"), 0);
    assert_string_equal(kt_json_as_text(kt_json_get(file, "file"), ""), "t.csv");
    assert_string_equal(kt_json_as_text(kt_json_get(file, "form"), ""), "cleaned");
    assert_string_equal(kt_json_as_text(kt_json_get(file, "unit"), ""), "ms");
    assert_string_equal(kt_json_as_text(kt_json_get(file, "cells"), ""), "nominal");
    assert_int_equal(kt_json_as_int(kt_json_get(file, "rows"), 0), 4);
    assert_int_equal(kt_json_as_int(kt_json_get(about, "blank_targets"), 0), 2);
    assert_int_equal(kt_json_as_int(kt_json_get(about, "negative_delays"), 0), 1);
    kt_json_drop(about);
    kt_samples_clear(&samples);
}

static void targets(void **state)
{
    (void)state;
    kt_samples samples;
    kt_csv_options options = plain();
    options.target = KT_TARGET_ASK_PROC;
    OK(read_text(&samples, options, cleaned, &err));
    const kt_service *b = &samples.services[1];
    static const double y[] = {16 / 1e3, 17 / 1e3, 18 / 1e3};
    assert_int_equal(b->target, KT_TARGET_PROC);
    assert_int_equal(b->n, 3);
    assert_memory_equal(b->y, y, sizeof y);
    assert_int_equal(b->negative_delays, 0);
    kt_samples_clear(&samples);
    options.target = KT_TARGET_ASK_PROC_DELAY;
    OK(read_text(&samples, options, cleaned, &err));
    assert_int_equal(samples.services[0].target, KT_TARGET_PROC); /* it is called by nobody */
    assert_int_equal(samples.services[1].target, KT_TARGET_PROC_DELAY);
    kt_samples_clear(&samples);
    refused(options, "rps_eff,rep,proc_time_a\n1,1,0.5\n", "no column delay_<service>");
}

static void features(void **state)
{
    (void)state;
    static const char *const names[] = {"rep", "size", "rps_eff"};
    kt_samples samples;
    kt_csv_options options = plain();
    options.features = names;
    options.n_features = 3;
    OK(read_text(&samples, options, "size_a,rps_eff,size,rep,proc_time_a,proc_time_b\n7,1.5,8,2,0.5,0.25\n",
                 &err));
    static const double a[] = {2, 7, 1.5}, b[] = {2, 8, 1.5};
    assert_int_equal(samples.d, 3);
    assert_memory_equal(samples.services[0].x, a, sizeof a);
    assert_memory_equal(samples.services[1].x, b, sizeof b);
    kt_samples_clear(&samples);
    options.n_features = 1; /* rep alone */
    OK(read_text(&samples, options, "rep,proc_time_a\n1,0.5\n2,0.5\n1,0.25\n", &err));
    assert_int_equal(samples.services[0].n_cells, 2);
    assert_string_equal(samples.services[0].cells[1].label, "rep=2 bin=1/1");
    kt_samples_clear(&samples);

    static const char *const twice[] = {"rep", "rep"};
    options.features = twice;
    options.n_features = 2;
    FAILS(read_text(&samples, options, "rep,proc_time_a\n1,1\n", &err), KT_USAGE, "'rep' is asked for twice");
    kt_samples_clear(&samples);
    options.n_features = 16;
    FAILS(read_with(&samples, options, "t.csv", &err), KT_USAGE, "16 features: at most 15");
    kt_samples_clear(&samples);
}

#define HEAD "rps_eff,rep,proc_time_a\n"

static void wrong_cells(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {HEAD "1,1,0.5\n1,1,fast\n", "t.csv:3: column 'proc_time_a': 'fast' is not a number"},
        {HEAD "1,\"x\ny\",0.5\n", "t.csv:2: column 'rep': 'x\\x0ay' is not a number"},
        {HEAD "\n1,1,NaN\n", "t.csv:3: column 'proc_time_a': 'NaN' is not a finite number"},
        {HEAD "inf,1,0.5\n", "t.csv:2: column 'rps_eff': 'inf' is not a finite number"},
        {HEAD "1,1,-0.5\n", "t.csv:2: column 'proc_time_a': '-0.5' is a negative time"},
        {HEAD "1,1\n", "t.csv:2: 2 cells in this row, 3 in the header"},
        {HEAD "1,1,1,1\n", "t.csv:2: 4 cells in this row, 3 in the header"},
        {HEAD "1,,0.5\n", "t.csv:2: column 'rep': '' is blank in a row that has a time"},
        {HEAD "1;1;0.5\n", "1 cells in this row"},
        {HEAD "1,1,\x01\x02\n", "column 'proc_time_a': '\\x01\\x02' is not a number"},
        {"rps_eff,rep,cell,proc_time_a\n1,1, ,0.5\n", "t.csv:2: column 'cell': ' ' is blank"},
        {"rps_eff,rep,proc_time_a,delay_a\n1,1,1e308,1e308\n", "column 'delay_a': '1e308' makes a target"},
        {"rps_eff,rep,rep,proc_time_a\n", "the column 'rep' is there twice"},
        {"rps_ef,rep,proc_time_a\n1,1,1\n", "is it 'rps_ef'?"},
        {"a,b\n1,2\n", "t.csv: no column proc_time_<service> in its first line"},
        {"rps_eff,rep,prc_time_a\n1,1,1\n", "in its first line: is it 'prc_time_a'?"},
        {"rps_eff,rep,proc_time\n1,1,1\n", "is it 'proc_time'?"},
        {"rps_eff,rep,x,proctime_a_b\n1,1,1,1\n", "is it 'proctime_a_b'?"},
        {HEAD, "t.csv: a header and no rows"},
        {"rps_eff,rep,proc_time_a", "t.csv: a header and no rows"},
        {"", "t.csv: empty"},
        {"\n\r\n\n", "t.csv: empty"},
        {HEAD "1,1,\n2,1,\n", "no row of the data has a time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(plain(), cases[i].text, cases[i].part);
    kt_samples samples;
    write_bytes("t.csv", HEAD "1,1,0.5\n1,\0,3\n", sizeof HEAD + 14);
    FAILS(read_with(&samples, plain(), "t.csv", &err), KT_INPUT, "t.csv:3: column 2: a NUL byte");
    kt_samples_clear(&samples);
    FAILS(read_with(&samples, plain(), "none.csv", &err), KT_IO, "none.csv: no such file or folder");
    kt_samples_clear(&samples);
}

/* A service whose rows are all blank is named and left out, the others stay. */
static void blank_service(void **state)
{
    (void)state;
    kt_samples samples;
    OK(read_text(&samples, plain(), "rps_eff,rep,proc_time_a,proc_time_b\n1,1,,0.5\n", &err));
    assert_int_equal(samples.n_services, 1);
    assert_string_equal(samples.services[0].name, "b");
    assert_non_null(strstr(notes, "the service 'a' has no row with a time: left out"));
    kt_samples_clear(&samples);
}

static double first_time(kt_time_unit unit, const char *text)
{
    kt_samples samples;
    kt_csv_options options = plain();
    options.unit = unit;
    OK(read_text(&samples, options, text, &err));
    double y = samples.services[0].y[0];
    kt_samples_clear(&samples);
    return y;
}

static void units(void **state)
{
    (void)state;
    assert_true(first_time(KT_UNIT_AUTO, HEAD "1,1,25\n") == 25);
    assert_true(first_time(KT_UNIT_MS, HEAD "1,1,25\n") == 25 / 1e3);
    assert_true(first_time(KT_UNIT_US, HEAD "1,1,25\n") == 25 / 1e6);
    assert_true(first_time(KT_UNIT_AUTO, "rps_a,rps_eff,rep,proc_time_a\n1,1,1,25\n") == 25 / 1e3);
    assert_true(first_time(KT_UNIT_S, "rps_a,rps_eff,rep,proc_time_a\n1,1,1,25\n") == 25);

    /* milliseconds or microseconds taken for seconds, seconds for milliseconds */
    refused(plain(), HEAD "1,1,250\n1,1,0.5\n1,1,251\n",
            "t.csv: the median time of 'a' would be 250 s if its values were "
            "seconds: give the unit with --time-unit");
    refused(plain(), "rps_a,rps_eff,rep,proc_time_a\n1,1,1,0.009\n",
            "9e-06 s if its values were milliseconds");
    assert_true(first_time(KT_UNIT_S, HEAD "1,1,250\n") == 250); /* who says it is believed */
    assert_true(first_time(KT_UNIT_AUTO, HEAD "1,1,100\n") == 100);
    assert_true(first_time(KT_UNIT_AUTO, HEAD "1,1,1e-5\n") == 1e-5);
    assert_true(first_time(KT_UNIT_AUTO, HEAD "1,1,0\n1,1,0\n1,1,0.5\n") ==
                0); /* zeros say nothing about units */
}

static void units_of_files(void **state)
{
    (void)state;
    static const char *const paths[] = {"slow.csv", "fast.csv"};
    kt_samples samples = {.d = 0};
    kt_csv_options options = plain();
    write_text("slow.csv", HEAD "1,1,50\n");
    write_text("fast.csv", HEAD "1,1,0.004\n");
    FAILS(
        kt_csv_read(&samples, paths, 2, &options, &err), KT_INPUT,
        "the median time of 'a' in slow is 50 s and that of 'a' in fast.csv 0.004 s, over 10000 times apart");
    kt_samples_clear(&samples);
    options.unit = KT_UNIT_S;
    OK(kt_csv_read(&samples, paths, 2, &options, &err));
    assert_int_equal(samples.services[0].n, 2);
    kt_samples_clear(&samples);
    options.unit = KT_UNIT_AUTO; /* a factor of 10,000 between services of one file is theirs */
    OK(read_text(&samples, options, "rps_eff,rep,proc_time_a,proc_time_b\n1,1,50,0.0004\n", &err));
    kt_samples_clear(&samples);
}

static void folders(void **state)
{
    (void)state;
    kt_samples samples;
    assert_int_equal(mkdir("f", 0700), 0);
    FAILS(read_with(&samples, plain(), "f", &err), KT_INPUT, "f: no data in this folder");
    kt_samples_clear(&samples);
    write_text("f/z.csv", HEAD "1,1,0.5\n");
    write_text("f/a.csv", "rep,rps_eff,proc_time_b,proc_time_a\n2,3,0.25,0.125\n");
    write_text("f/cells.csv", "service,cell\nx,1\n");
    write_text("f/none.csv", "");
    write_text("f/begun.csv", HEAD);
    write_text("f/README.md", "# about\n");
    assert_int_equal(mkdir("f/sub.d", 0700), 0);
    OK(read_with(&samples, plain(), "f", &err));
    assert_int_equal(samples.n_services, 2);
    const kt_service *a = &samples.services[0];
    static const double x[] = {3, 2, 1, 1}, y[] = {0.125, 0.5}; /* a.csv first */
    assert_int_equal(a->n, 2);
    assert_memory_equal(a->x, x, sizeof x);
    assert_memory_equal(a->y, y, sizeof y);
    assert_non_null(strstr(notes, "f/cells.csv: no column proc_time_<service> in its first line: skipped\n"));
    assert_non_null(strstr(notes, "f/none.csv: empty: skipped\n"));
    assert_non_null(strstr(notes, "f/begun.csv: a header and no rows: skipped\n"));
    assert_null(strstr(notes, "README"));
    assert_non_null(strstr(samples.provenance, "\"skipped\":[\"begun.csv\",\"cells.csv\",\"none.csv\"]"));
    assert_null(strstr(samples.provenance, "f/"));
    kt_samples_clear(&samples);

    write_text("f/bad.csv", HEAD "1,1,x\n");
    FAILS(read_with(&samples, plain(), "f", &err), KT_INPUT, "f/bad.csv:2: column 'proc_time_a': 'x'");
    kt_samples_clear(&samples);
    write_text("f/bad.csv", "rps_eff,rep,proc_time_a,delay_a\n1,1,500,1\n");
    FAILS(read_with(&samples, plain(), "f", &err), KT_INPUT,
          "the service 'a' has a delay column, unlike in the files before");
    kt_samples_clear(&samples);
}

/* Many rows of several services, blanks among them, over the growth of columns: each value is what its row
 * says. */
static void many_rows(void **state)
{
    (void)state;
    enum { ROWS = 40000 };
    FILE *out = fopen("many.csv", "w");
    assert_non_null(out);
    fputs("proc_time_a,rps_eff,rep,proc_time_b\n", out);
    for (int i = 0; i < ROWS; i++)
        if (i % 3 == 0)
            fprintf(out, "%d,%d.5,%d,\n", i % 90 + 1, i, i % 4);
        else
            fprintf(out, "0.%06d,%d.5,%d,1e-%d\n", i, i, i % 4, i % 3);
    assert_int_equal(fclose(out), 0);
    kt_samples samples;
    OK(read_with(&samples, plain(), "many.csv", &err));
    const kt_service *a = &samples.services[0], *b = &samples.services[1];
    assert_int_equal(a->n, ROWS);
    assert_int_equal(b->n, ROWS - (ROWS + 2) / 3);
    for (size_t i = 0, k = 0; i < ROWS; i++) {
        assert_true(a->x[2 * i] == (double)i + 0.5 && a->x[2 * i + 1] == (double)(i % 4));
        assert_true(a->y[i] == (i % 3 == 0 ? (double)(i % 90 + 1) : (double)i / 1e6));
        if (i % 3 != 0) {
            assert_true(b->x[2 * k] == (double)i + 0.5);
            assert_true(b->y[k++] == (i % 3 == 1 ? 0.1 : 0.01));
        }
    }
    kt_samples_clear(&samples);
}

/* Whatever bytes come: a table or a message, and nothing lost or overrun (as the sanitizers see it). */
static void changed_bytes(void **state)
{
    (void)state;
    static const char table[] =
        "\xEF\xBB\xBF"
        "cell,rps,rps_eff,rep,proc_time_a,delay_a,proc_time_\"b\"\r\n"
        "1,10,9.5,1,0.25,0.5e-3,1\r\n\"2\n\",20,19,2,1.5,-1,\r\n\"3\"\"\",20,19,2,,1,2.0\n";
    static const char special[] = "\",\r\n\0 -+.e19a_\xEF";
    kt_rng rng;
    kt_rng_init(&rng, 11, 0, KT_RNG_SAMPLE, 0, 0);
    size_t good = 0, bad = 0;
    for (int round = 0; round < 1000; round++) {
        char text[sizeof table];
        memcpy(text, table, sizeof table);
        size_t n = sizeof table - 1 - (round % 4 == 0 ? kt_rng_below(&rng, sizeof table - 1) : 0);
        for (uint32_t change = kt_rng_below(&rng, 3); change > 0 && n > 0; change--)
            text[kt_rng_below(&rng, (uint32_t)n)] = special[kt_rng_below(&rng, sizeof special - 1)];
        kt_samples samples;
        kt_error err = {0};
        write_bytes("changed.csv", text, n);
        kt_status status = read_with(&samples, plain(), "changed.csv", &err);
        good += status == KT_OK;
        bad += status == KT_INPUT && strstr(err.message, "changed.csv") != NULL;
        if (status != KT_OK && status != KT_INPUT)
            fail_msg("%s", err.message);
        kt_samples_clear(&samples);
    }
    assert_true(good > 200 && bad > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readme_form), cmocka_unit_test(cleaned_form),   cmocka_unit_test(targets),
        cmocka_unit_test(features),    cmocka_unit_test(wrong_cells),    cmocka_unit_test(blank_service),
        cmocka_unit_test(units),       cmocka_unit_test(units_of_files), cmocka_unit_test(folders),
        cmocka_unit_test(many_rows),   cmocka_unit_test(changed_bytes),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
