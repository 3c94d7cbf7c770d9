#include "../scratch.h"
#include "check.h"
#include "kt/csv.h"
#include <math.h>
#include <stdlib.h>

static char notes[4000];

static void take_note(void *context, const char *line)
{
    (void)context;
    strcat(notes, line);
    strcat(notes, "\n");
}

static const kt_csv_options options = {.unit = KT_UNIT_S, .note = take_note};

static void read_paths(kt_samples *samples, const char *const *paths, size_t n)
{
    *samples = (kt_samples){.d = 0};
    notes[0] = '\0';
    OK(kt_csv_read(samples, paths, n, &options, &err));
}

static void read_text(kt_samples *samples, const char *text)
{
    static const char *const path[] = {"t.csv"};
    write_text("t.csv", text);
    read_paths(samples, path, 1);
}

/* The labels of a service's rows, one after the other. */
static void labels_are(const kt_service *s, const char *wanted)
{
    char got[4000] = "";
    for (size_t i = 0; i < s->n; i++) {
        assert_true(s->cell[i] < s->n_cells);
        strcat(got, i > 0 ? ";" : "");
        strcat(got, s->cells[s->cell[i]].label);
    }
    assert_string_equal(got, wanted);
}

/* 26 load steps, the same for all four services: what the README of the sample says of it. */
static void sample(void **state)
{
    (void)state;
    static const char *const path[] = {KT_TESTS "/fixtures/requests.csv"};
    static const char *const name[] = {"cart", "catalog", "entry", "payment"};
    kt_samples samples = {.d = 0};
    kt_csv_options automatic = {.unit = KT_UNIT_AUTO};
    OK(kt_csv_read(&samples, path, 1, &automatic, &err));
    assert_int_equal(samples.n_services, 4);
    for (size_t i = 0; i < 4; i++) {
        const kt_service *s = &samples.services[i];
        assert_string_equal(s->name, name[i]);
        assert_int_equal(s->n, 11102);
        assert_int_equal(s->n_cells, 26);
        assert_int_equal(s->rule, KT_CELLS_NOMINAL);
        assert_int_equal(s->target, i == 2 ? KT_TARGET_PROC : KT_TARGET_PROC_DELAY);
        assert_memory_equal(s->cell, samples.services[0].cell, s->n * sizeof *s->cell);
        double sum = 0;
        for (size_t c = 0; c < 26; c++) {
            assert_string_equal(s->cells[c].label, samples.services[0].cells[c].label);
            assert_true(s->cells[c].rows >= 197 && s->cells[c].rows <= 1196);
        }
        for (size_t r = 0; r < s->n; r++)
            sum += s->y[r];
        /* service times of the README and, but for entry, up to 3 ms of sleeping and of the network */
        static const double mean[] = {9.0, 14.9, 4.0, 20.0};
        double ms = 1e3 * sum / (double)s->n;
        if (ms < mean[i] - 0.2 || ms > mean[i] + 3)
            fail_msg("%s: a mean of %g ms", s->name, ms);
    }
    /* the first cell: 25 requests a second, one replica each, 249 rows at 26.0994 */
    const kt_cell *first = &samples.services[0].cells[0];
    assert_string_equal(first->label, "rps=25 rep=1");
    assert_int_equal(first->rows, 249);
    assert_true(fabs(first->mean[0] - 26.0994) < 1e-9);
    /* cart, catalog, entry, payment */
    assert_string_equal(samples.services[0].cells[1].label, "rps=60 rep=2,2,1,2");
    kt_samples_clear(&samples);
}

static void nominal_wins(void **state)
{
    (void)state;
    kt_samples samples;
    read_text(&samples, "cell,rps,rps_eff,rep,proc_time_a\n"
                        "1,10,9.5,1,1\n2,20,19,1,1\n3,10,10.5,1,1\n4,10,10,2,1\n");
    labels_are(&samples.services[0], "rps=10 rep=1;rps=20 rep=1;rps=10 rep=1;rps=10 rep=2");
    assert_int_equal(samples.services[0].rule, KT_CELLS_NOMINAL);
    assert_true(samples.services[0].cells[0].mean[0] ==
                10); /* repeats of a step are one cell, at its achieved rate */
    assert_int_equal(samples.services[0].cells[0].rows, 2);
    kt_samples_clear(&samples);
}

/* entry has one replica in all steps; a step is held out for all services, so it keeps theirs apart. */
static void steps_of_all_services(void **state)
{
    (void)state;
    kt_samples samples;
    read_text(&samples, "rps_e,rps_eff_e,rep_e,proc_time_e,rps_c,rps_eff_c,rep_c,proc_time_c\n"
                        "40,39,1,1,40,39,2,1\n"
                        "40,41,1,1,40,41,3,1\n"
                        "40,41,1,1,,,,\n"
                        "40,39,1,1,40,39,2,1\n");
    labels_are(&samples.services[1], "rps=40 rep=2,1;rps=40 rep=3,1;rps=40 rep=3,1;rps=40 rep=2,1");
    labels_are(&samples.services[0], "rps=40 rep=2,1;rps=40 rep=3,1;rps=40 rep=2,1");
    kt_samples_clear(&samples);
}

static void cells_of_files(void **state)
{
    (void)state;
    static const char *const two[] = {"a/one.csv", "b/one.csv"};
    kt_samples samples;
    OK(kt_folder_create("a", &err));
    OK(kt_folder_create("b", &err));
    write_text("a/one.csv", "rps_eff,rep,proc_time_a,cell\n1,1,1,0\n2,1,1, 1 \n");
    write_text("b/one.csv", "rps_eff,rep,proc_time_a,cell\n3,1,1,1\n");
    read_paths(&samples, two, 1);
    labels_are(&samples.services[0], "0;1"); /* one file: nothing to tell apart */
    kt_samples_clear(&samples);
    read_paths(&samples, two, 2);
    labels_are(&samples.services[0], "one:0;one:1;one#2:1");
    kt_samples_clear(&samples);

    /* nominal steps are what they are in every file; and the least sure rule is the service's */
    write_text("b/one.csv", "rps,rps_eff,rep,proc_time_a\n5,3,1,1\n6,3,1,1\n");
    write_text("a/one.csv", "rps,rps_eff,rep,proc_time_a\n6,3.5,1,1\n7,3,1,1\n");
    read_paths(&samples, two, 2);
    labels_are(&samples.services[0], "rps=6 rep=1;rps=7 rep=1;rps=5 rep=1;rps=6 rep=1");
    assert_int_equal(samples.services[0].n_cells, 3);
    assert_true(samples.services[0].cells[0].mean[0] == 3.25);
    kt_samples_clear(&samples);
    write_text("b/one.csv", "rps_eff,rep,proc_time_a\n3,1,1\n");
    read_paths(&samples, two, 2);
    labels_are(&samples.services[0], "rps=6 rep=1;rps=7 rep=1;one#2:rep=1 bin=1/1");
    assert_int_equal(samples.services[0].rule, KT_CELLS_BINS);
    kt_samples_clear(&samples);

    /* a table that is no data does not count as a file */
    write_text("a/other.csv", "x,y\n1,2\n");
    write_text("a/one.csv", "rps_eff,rep,proc_time_a,cell\n1,1,1,0\n");
    read_paths(&samples, (const char *const[]){"a"}, 1);
    labels_are(&samples.services[0], "0");
    kt_samples_clear(&samples);
}

/* 2,000 rows of 2 services, of which b was not visited in every third: bins by its own rows. */
static void bins(void **state)
{
    (void)state;
    enum { ROWS = 2000 };
    FILE *out = fopen("t.csv", "w");
    assert_non_null(out);
    fputs("rps_eff,rep,proc_time_a,proc_time_b\n", out);
    for (int i = 0; i < ROWS; i++)
        fprintf(out, i % 3 ? "%d,%d,1,2\n" : "%d,%d,1,\n", (i * 7) % 1000, i % 2 + 1);
    assert_int_equal(fclose(out), 0);
    kt_samples samples;
    read_paths(&samples, (const char *const[]){"t.csv"}, 1);
    const kt_service *a = &samples.services[0], *b = &samples.services[1];
    assert_int_equal(a->rule, KT_CELLS_BINS);
    assert_int_equal(a->n_cells, 20); /* 1,000 rows of each rep */
    assert_int_equal(b->n_cells, 12); /* 666 and 667 */
    for (size_t c = 0; c < a->n_cells; c++)
        assert_int_equal(a->cells[c].rows, 100);
    for (size_t i = 0; i < a->n; i++) {
        char label[KT_LABEL];
        snprintf(label, sizeof label, "rep=%g bin=%d/10", a->x[2 * i + 1], (int)a->x[2 * i] / 100 + 1);
        assert_string_equal(a->cells[a->cell[i]].label, label);
    }
    kt_samples_clear(&samples);
}

static void write_varied(const char *path, const char *header, const char *row, int rows)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(header, out);
    for (int i = 0; i < rows; i++)
        fprintf(out, row, i, i % 10);
    assert_int_equal(fclose(out), 0);
}

/* Rates or cells that differ from row to row name no load steps, be it seen at the end or on the way. */
static void columns_that_name_no_steps(void **state)
{
    (void)state;
    static const char *const path[] = {"t.csv"};
    static const int rows[] = {200, 5000};
    for (size_t i = 0; i < 2; i++) {
        kt_samples samples;
        const kt_service *s;
        write_varied("t.csv", "rps,cell,rps_eff,rep,proc_time_a\n", "0.%d,c%d,5,1,1\n", rows[i]);
        read_paths(&samples, path, 1);
        s = &samples.services[0];
        assert_int_equal(s->rule, KT_CELLS_COLUMN);
        assert_int_equal(s->n, rows[i]); /* read again, taken once */
        assert_int_equal(s->n_cells, 10);
        assert_string_equal(s->cells[9].label, "c9");
        assert_non_null(strstr(notes, "t.csv: its nominal rates do not name load steps"));
        kt_samples_clear(&samples);

        write_varied("t.csv", "rps,rps_eff,rep,proc_time_a\n", "0.%d,5,1,%d\n", rows[i]);
        read_paths(&samples, path, 1);
        s = &samples.services[0];
        assert_int_equal(s->rule, KT_CELLS_BINS);
        assert_int_equal(s->n, rows[i]);
        assert_string_equal(s->cells[0].label, rows[i] == 200 ? "rep=1 bin=1/2" : "rep=1 bin=1/10");
        kt_samples_clear(&samples);

        write_varied("t.csv", "cell,rps_eff,rep,proc_time_a\n", "id%d,5,1,%d\n", rows[i]);
        read_paths(&samples, path, 1);
        assert_int_equal(samples.services[0].rule, KT_CELLS_BINS);
        assert_int_equal(samples.services[0].n, rows[i]);
        assert_non_null(strstr(notes, "t.csv: its cells do not name load steps"));
        kt_samples_clear(&samples);
    }
    kt_samples samples; /* few are believed: 64 repeats of one row */
    write_varied("t.csv", "cell,rps_eff,rep,proc_time_a\n", "id%d,5,1,%d\n", 64);
    read_paths(&samples, path, 1);
    assert_int_equal(samples.services[0].n_cells, 64);
    kt_samples_clear(&samples);
}

/* The order of columns and line ends are no part of the data. */
static void same_digest(void **state)
{
    (void)state;
    static const char *const text[] = {
        "rps_a,rps_eff_a,rep_a,proc_time_a,rps_b,rps_eff_b,rep_b,proc_time_b\n1,1.5,1,2,1,1.25,2,3\n4,4,1,2,"
        "4,4,3,1\n",
        "proc_time_b,rps_b,rep_a,rps_eff_b,x,rep_b,rps_a,rps_eff_a,proc_time_a\r\n3,1.0,1,1.25,?,2,1,15e-1,"
        "\"2\"\r\n"
        "1,4,1,4,?,3,4,4,2",
    };
    kt_samples samples[2];
    for (size_t i = 0; i < 2; i++)
        read_text(&samples[i], text[i]);
    for (size_t s = 0; s < 2; s++)
        assert_memory_equal(samples[0].services[s].digest, samples[1].services[s].digest, KT_DIGEST_BYTES);
    for (size_t i = 0; i < 2; i++)
        kt_samples_clear(&samples[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample),
        cmocka_unit_test(nominal_wins),
        cmocka_unit_test(steps_of_all_services),
        cmocka_unit_test(cells_of_files),
        cmocka_unit_test(bins),
        cmocka_unit_test(columns_that_name_no_steps),
        cmocka_unit_test(same_digest),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
