#include "../scratch.h"
#include "check.h"
#include "kt/h5.h"
#include "kt/input.h"
#include "kt/store.h"

#define HEAD "rps_eff,rep,proc_time_"
static const char *const size_only[] = {"size"};
static char notes[2000];

static void take_note(void *context, const char *line)
{
    (void)context;
    strcat(notes, line);
    strcat(notes, "\n");
}

static const kt_csv_options usual = {.unit = KT_UNIT_AUTO, .note = take_note};

static void csv_to_dataset(const char *path, const char *text, const kt_csv_options *options)
{
    static const char *const csv[] = {"made.csv"};
    kt_samples samples = {.d = 0};
    write_text("made.csv", text);
    OK(kt_csv_read(&samples, csv, 1, options, &err));
    OK(kt_store_write(path, &samples, NULL, NULL, NULL, &err));
    kt_samples_clear(&samples);
}

static kt_status read_two(kt_samples *samples, const char *first, const char *second,
                          const kt_csv_options *options, kt_error *err)
{
    const char *const paths[] = {first, second};
    *samples = (kt_samples){.d = 0};
    notes[0] = '\0';
    return kt_input_read(samples, paths, second ? 2 : 1, options, err);
}

static void names_are(const kt_samples *samples, const char *wanted)
{
    char got[200] = "";
    for (size_t i = 0; i < samples->n_services; i++) {
        strcat(got, i > 0 ? " " : "");
        strcat(got, samples->services[i].name);
    }
    assert_string_equal(got, wanted);
}

static int enter(void **state)
{
    if (scratch_enter(state) != 0)
        return -1;
    csv_to_dataset("b.h5", HEAD "b\n1,1,0.5\n2,1,0.25\n", &usual);
    csv_to_dataset("dc.h5", HEAD "d,proc_time_c\n1,1,0.5,0.125\n", &usual);
    write_text("ae.csv", HEAD "e,proc_time_a\n1,1,0.5,0.25\n");
    return 0;
}

/* A dataset is the data that it was made from. */
static void dataset_is_its_source(void **state)
{
    (void)state;
    kt_samples csv, dataset;
    static const char *const sample = KT_TESTS "/fixtures/requests.csv";
    OK(read_two(&csv, sample, NULL, &usual, &err));
    OK(kt_store_write("sample.h5", &csv, NULL, NULL, NULL, &err));
    OK(read_two(&dataset, "sample.h5", NULL, &usual, &err));
    assert_int_equal(dataset.n_services, 4);
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(dataset.services[i].digest, csv.services[i].digest, KT_DIGEST_BYTES);
    assert_string_equal(dataset.provenance, csv.provenance);
    kt_samples_clear(&csv);
    kt_samples_clear(&dataset);
}

static void several_sources(void **state)
{
    (void)state;
    kt_samples samples, alone;
    const char *const paths[] = {"dc.h5", "ae.csv", "b.h5"};
    samples = (kt_samples){.d = 0};
    OK(kt_input_read(&samples, paths, 3, &usual, &err));
    names_are(&samples, "a b c d e");
    assert_string_equal(samples.provenance + strlen(samples.provenance) - 3, "}]}");
    assert_int_equal(strncmp(samples.provenance, "{\"sources\":[{", 13), 0);
    OK(read_two(&alone, "b.h5", NULL, &usual, &err));
    assert_memory_equal(samples.services[1].digest, alone.services[0].digest, KT_DIGEST_BYTES);
    assert_memory_equal(samples.services[1].y, alone.services[0].y, 2 * sizeof(double));
    kt_samples_clear(&alone);
    kt_samples_clear(&samples);
}

/* Content decides, not the name. */
static void by_content(void **state)
{
    (void)state;
    kt_samples samples;
    char *bytes = NULL;
    size_t n;
    OK(kt_file_read(&bytes, &n, "b.h5", &err));
    write_bytes("dataset.csv", bytes, n);
    free(bytes);
    write_text("table.h5", HEAD "t\n1,1,0.5\n");
    OK(read_two(&samples, "dataset.csv", "table.h5", &usual, &err));
    names_are(&samples, "b t");
    kt_samples_clear(&samples);

    kt_h5 *file = NULL; /* an archive keeps 512 bytes in front */
    OK(kt_h5_create(&file, "models.h5", 512, &err));
    OK(kt_h5_put_schema(file, "kt-archive", 1, &err));
    OK(kt_h5_close(file, &err));
    FAILS(read_two(&samples, "models.h5", NULL, &usual, &err), KT_INPUT, "kt-archive");
    kt_samples_clear(&samples);
}

static void folders(void **state)
{
    (void)state;
    kt_samples samples;
    char *bytes = NULL;
    size_t n;
    kt_h5 *file = NULL;
    OK(kt_folder_create("f", &err));
    FAILS(read_two(&samples, "f", NULL, &usual, &err), KT_INPUT, "f: no data in this folder");
    kt_samples_clear(&samples);
    OK(kt_file_read(&bytes, &n, "b.h5", &err));
    write_bytes("f/b.h5", bytes, n);
    free(bytes);
    OK(kt_h5_create(&file, "f/models.h5", 512, &err));
    OK(kt_h5_put_schema(file, "kt-archive", 1, &err));
    OK(kt_h5_close(file, &err));
    OK(read_two(&samples, "f", NULL, &usual, &err));
    names_are(&samples, "b");
    assert_string_equal(notes, "f/models.h5: not a dataset, skipped\n");
    kt_samples_clear(&samples);
    write_text("f/A.CSV", HEAD "a\n1,1,0.5\n");
    OK(read_two(&samples, "f", "dc.h5", &usual, &err));
    names_are(&samples, "a b c d");
    kt_samples_clear(&samples);
}

static void collisions(void **state)
{
    (void)state;
    kt_samples samples;
    const kt_csv_options asked = {.n_features = 1, .features = size_only};
    FAILS(read_two(&samples, "b.h5", "b.h5", &usual, &err), KT_INPUT,
          "b.h5: the service 'b' stands in another input too");
    kt_samples_clear(&samples);
    write_text("b.csv", HEAD "b\n1,1,0.5\n");
    FAILS(read_two(&samples, "b.csv", "b.h5", &usual, &err), KT_INPUT,
          "b.csv: the service 'b' stands in another input");
    kt_samples_clear(&samples);
    csv_to_dataset("size.h5", "size,proc_time_s\n3,0.5\n", &asked);
    FAILS(read_two(&samples, "b.h5", "size.h5", &usual, &err), KT_INPUT, "size.h5: its features are");
    kt_samples_clear(&samples);
    FAILS(read_two(&samples, "b.h5", NULL, &asked, &err), KT_INPUT, "b.h5: its features are");
    kt_samples_clear(&samples);
    OK(read_two(&samples, "size.h5", NULL, &asked, &err));
    kt_samples_clear(&samples);
    FAILS(read_two(&samples, "b.h5", "none.h5", &usual, &err), KT_IO, "none.h5: no such file or folder");
    kt_samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dataset_is_its_source),
        cmocka_unit_test(several_sources),
        cmocka_unit_test(by_content),
        cmocka_unit_test(folders),
        cmocka_unit_test(collisions),
    };
    return cmocka_run_group_tests(tests, enter, scratch_leave);
}
