#include "../scratch.h"
#include "check.h"
#include "kt/csv.h"
#include "kt/h5.h"
#include "kt/pause.h"
#include "kt/rng.h"
#include "kt/store.h"
#include "store_private.h"
#include <math.h>
#include <stdbool.h>

static const kt_split_options usual = {
    .seed = 1, .test_cells = 0.2, .validation = 0.16, .most_validation = 65536};

static void read_sample(kt_samples *samples)
{
    static const char *const path[] = {KT_TESTS "/fixtures/requests.csv"};
    kt_csv_options options = {.unit = KT_UNIT_AUTO};
    *samples = (kt_samples){.d = 0};
    OK(kt_csv_read(samples, path, 1, &options, &err));
}

static void same_service(const kt_service *a, const kt_service *b, size_t d)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->x, b->x, a->n * d * sizeof *a->x);
    assert_memory_equal(a->y, b->y, a->n * sizeof *a->y);
    assert_memory_equal(a->cell, b->cell, a->n * sizeof *a->cell);
    assert_int_equal(a->n_cells, b->n_cells);
    for (size_t c = 0; c < a->n_cells; c++) {
        assert_string_equal(a->cells[c].label, b->cells[c].label);
        assert_int_equal(a->cells[c].rows, b->cells[c].rows);
        assert_memory_equal(a->cells[c].mean, b->cells[c].mean, d * sizeof(double));
    }
    assert_int_equal(a->rule, b->rule);
    assert_int_equal(a->target, b->target);
    assert_int_equal(a->blank_targets, b->blank_targets);
    assert_int_equal(a->negative_delays, b->negative_delays);
    assert_memory_equal(a->digest, b->digest, KT_DIGEST_BYTES);
}

static void same_samples(const kt_samples *a, const kt_samples *b)
{
    assert_int_equal(a->d, b->d);
    for (int f = 0; f < a->d; f++)
        assert_string_equal(a->feature[f], b->feature[f]);
    assert_string_equal(a->provenance, b->provenance);
    assert_true((a->cleaning == NULL) == (b->cleaning == NULL));
    if (a->cleaning)
        assert_string_equal(a->cleaning, b->cleaning);
    assert_int_equal(a->n_services, b->n_services);
    for (size_t i = 0; i < a->n_services; i++)
        same_service(&a->services[i], &b->services[i], (size_t)a->d);
}

static void read_back(const char *path, const kt_samples *wanted)
{
    kt_samples got = {.d = 0};
    OK(kt_store_read(&got, path, &err));
    same_samples(&got, wanted);
    kt_samples_clear(&got);
}

static void whole_samples(void **state)
{
    (void)state;
    kt_samples samples;
    kt_store *store = NULL;
    read_sample(&samples);
    samples.services[1].blank_targets = 5;
    samples.services[2].negative_delays = 7;
    OK(kt_store_write("whole.h5", &samples, NULL, NULL, NULL, &err));
    read_back("whole.h5", &samples);
    OK(kt_store_open(&store, "whole.h5", &err));
    assert_int_equal(kt_store_count(store), 4);
    assert_int_equal(kt_store_features(store), 2);
    assert_string_equal(kt_store_feature(store, 1), "rep");
    assert_string_equal(kt_store_provenance(store), samples.provenance);
    for (size_t i = 0, offset = 0; i < 4; i++) {
        const kt_store_service *s = kt_store_at(store, i);
        assert_string_equal(s->name, samples.services[i].name);
        assert_int_equal(s->offset, offset);
        assert_int_equal(s->n_train + s->n_validation + s->n_test, 0); /* no split */
        assert_memory_equal(s->digest, samples.services[i].digest, KT_DIGEST_BYTES);
        offset += s->n;
    }
    kt_store_close(store);

    kt_store_close(NULL);
    char *first = NULL, *second = NULL; /* the same data, the same bytes; an old file is replaced */
    size_t n_first, n_second;
    write_text("again.h5", "something else");
    OK(kt_store_write("again.h5", &samples, NULL, NULL, NULL, &err));
    OK(kt_file_read(&first, &n_first, "whole.h5", &err));
    OK(kt_file_read(&second, &n_second, "again.h5", &err));
    assert_int_equal(n_first, n_second);
    assert_memory_equal(first, second, n_first);
    free(first);
    free(second);
    kt_samples_clear(&samples);
}

/* Rows lie as the split says, piece by piece and as a whole; read whole they are canonical again. */
static void split_rows(void **state)
{
    (void)state;
    kt_samples samples;
    kt_split splits[4] = {{0}};
    kt_store *store = NULL;
    read_sample(&samples);
    OK(kt_split_make(splits, &samples, &usual, &err));
    OK(kt_store_write("split.h5", &samples, splits, NULL, NULL, &err));
    read_back("split.h5", &samples);
    OK(kt_store_open(&store, "split.h5", &err));
    for (size_t i = 0; i < 4; i++) {
        const kt_store_service *s = kt_store_at(store, i);
        const kt_service *from = &samples.services[i];
        assert_int_equal(s->n_train, splits[i].n_train);
        assert_int_equal(s->n_validation, splits[i].n_validation);
        assert_int_equal(s->n_test, splits[i].n_test);
        assert_memory_equal(s->cell_test, splits[i].cell_test, s->n_cells);
        static double x[11102 * 2], y[11102];
        static uint32_t cell[11102];
        static const size_t cut[] = {0, 1, 700, 11101, 11102};
        for (size_t c = 1; c < sizeof cut / sizeof *cut; c++) {
            size_t first = cut[c - 1], n = cut[c] - first;
            OK(kt_store_rows(x + 2 * first, c % 2 ? y + first : NULL, cell + first, store, i, first, n,
                             &err));
            if (c % 2 == 0)
                OK(kt_store_rows(NULL, y + first, NULL, store, i, first, n, &err));
        }
        for (size_t r = 0; r < s->n; r++) {
            uint32_t row = splits[i].row[r];
            assert_memory_equal(x + 2 * r, from->x + 2 * row, 2 * sizeof *x);
            assert_true(y[r] == from->y[row]);
            assert_int_equal(cell[r], from->cell[row]);
            assert_int_equal(s->cell_test[cell[r]], r >= s->n_train + s->n_validation);
        }
    }
    kt_store_close(store);

    static const bool some[4] = {false, true, false, true};
    kt_samples got = {.d = 0};
    OK(kt_store_write("some.h5", &samples, splits, some, NULL, &err));
    OK(kt_store_read(&got, "some.h5", &err));
    assert_int_equal(got.n_services, 2);
    same_service(&got.services[0], &samples.services[1], 2);
    same_service(&got.services[1], &samples.services[3], 2);
    kt_samples_clear(&got);
    for (int i = 0; i < 4; i++)
        kt_split_clear(&splits[i]);
    kt_samples_clear(&samples);
}

/* One service of a file with a split is what it was before. */
static void one_service(void **state)
{
    (void)state;
    kt_samples samples, one = {.d = 0};
    kt_split splits[4] = {{.n_train = 0}};
    kt_store *store = NULL;
    read_sample(&samples);
    OK(kt_split_make(splits, &samples, &usual, &err));
    OK(kt_store_write("one.h5", &samples, splits, NULL, NULL, &err));
    OK(kt_store_open(&store, "one.h5", &err));
    OK(kt_alloc(&one.services, 1, sizeof *one.services, &err));
    one.n_services = 1;
    OK(kt_store_service_rows(&one.services[0], store, 2, &err));
    same_service(&one.services[0], &samples.services[2], (size_t)samples.d);
    kt_store_close(store);
    kt_samples_clear(&one);
    for (size_t i = 0; i < samples.n_services; i++)
        kt_split_clear(&splits[i]);
    kt_samples_clear(&samples);
}

static void set_text(char **to, const char *text)
{
    OK(kt_strdup(to, text, &err));
}

/* A service of n rows in `cells` cells, with `d` features. */
static void make_samples(kt_samples *samples, int d, size_t n, size_t cells)
{
    kt_rng rng;
    kt_rng_init(&rng, n, (uint64_t)d, KT_RNG_SAMPLE, 0, 0);
    *samples = (kt_samples){.n_services = 1};
    for (; samples->d < d; samples->d++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", samples->d);
        set_text(&samples->feature[samples->d], name);
    }
    OK(kt_alloc(&samples->services, 1, sizeof *samples->services, &err));
    kt_service *s = samples->services;
    s->n = n;
    s->n_cells = cells;
    set_text(&s->name, "service/with odd.name");
    set_text(&samples->provenance, "{}");
    set_text(&samples->cleaning, "{\"queue\":\"none\"}");
    OK(kt_alloc(&s->x, n * (size_t)d, sizeof *s->x, &err));
    OK(kt_alloc(&s->y, n, sizeof *s->y, &err));
    OK(kt_alloc(&s->cell, n, sizeof *s->cell, &err));
    OK(kt_alloc(&s->cells, cells, sizeof *s->cells, &err));
    for (size_t i = 0; i < n * (size_t)d; i++)
        s->x[i] = kt_rng_normal(&rng);
    for (size_t i = 0; i < n; i++) {
        s->y[i] = kt_rng_gamma(&rng, 0.7);
        s->cell[i] = i < cells ? (uint32_t)i : kt_rng_below(&rng, (uint32_t)cells);
    }
    for (size_t c = 0; c < cells; c++)
        snprintf(s->cells[c].label, KT_LABEL, "cell %zu", c);
    OK(kt_samples_finish(samples, &err));
}

/* More rows than one piece, and any number of features. */
static void sizes(void **state)
{
    (void)state;
    static const struct {
        int d;
        size_t n, cells;
    } cases[] = {{1, 1, 1}, {1, 65536, 5}, {3, 65537, 7}, {15, 1000, 900}, {2, 200001, 40}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_samples samples;
        kt_split split = {0};
        make_samples(&samples, cases[i].d, cases[i].n, cases[i].cells);
        OK(kt_split_make(&split, &samples, &usual, &err));
        OK(kt_store_write("size.h5", &samples, &split, NULL, NULL, &err));
        read_back("size.h5", &samples);
        kt_split_clear(&split);
        kt_samples_clear(&samples);
    }
}

static kt_status forbid(void *context, kt_error *err)
{
    (void)context;
    return kt_fail(err, KT_BUSY, "no");
}

static bool give_up(void *unused)
{
    (void)unused;
    return true;
}

static void cannot_write(void **state)
{
    (void)state;
    kt_samples samples;
    char **names = NULL;
    size_t n;
    make_samples(&samples, 2, 10, 2);
    FAILS(kt_store_write("missing/x.h5", &samples, NULL, NULL, NULL, &err), KT_IO, "missing");
    OK(kt_folder_create("folder/x.h5", &err)); /* a folder stands where the file should go */
    FAILS(kt_store_write("folder/x.h5", &samples, NULL, NULL, NULL, &err), KT_IO, "folder/x.h5");
    FAILS(kt_store_write("folder/y.h5", &samples, NULL, NULL, &(kt_file_guard){forbid, NULL}, &err), KT_BUSY,
          "no");
    kt_pause_with((kt_pauser){give_up, NULL});
    FAILS(kt_store_write("folder/z.h5", &samples, NULL, NULL, NULL, &err), KT_STOPPED, "stopped");
    kt_pause_with((kt_pauser){0});
    OK(kt_folder_list(&names, &n, "folder", &err));
    assert_int_equal(n, 1); /* nothing temporary is left */
    free(names[0]);
    free(names);
    kt_samples_clear(&samples);
}

/* ---- files that are wrong ---- */

enum { SERVICES = 2, CELLS = 3, ROWS = 5 };

/* A dataset by hand: two services with (1, 2) cells and (2, 3) rows, which a case then spoils. */
typedef struct {
    const char *schema, *features, *without; /* without: a dataset that is not written */
    int version;
    store_service_row service[SERVICES];
    store_cell_row cell[CELLS];
    size_t n_services, n_y, d;
    double x[ROWS][2], y[ROWS];
    uint32_t cell_of[ROWS], row[ROWS];
} by_hand;

static const char no_digest[KT_DIGEST_HEX] =
    "0000000000000000000000000000000000000000000000000000000000000000";

static by_hand good_file(void)
{
    by_hand h = {.schema = KT_DATASET_SCHEMA,
                 .features = "[\"rps_eff\",\"rep\"]",
                 .version = KT_DATASET_VERSION,
                 .service = {{.name = "a", .rows = 2, .cells = 1},
                             {.name = "b",
                              .offset = 2,
                              .rows = 3,
                              .n_train = 1,
                              .n_validation = 1,
                              .n_test = 1,
                              .first_cell = 1,
                              .cells = 2,
                              .rule = KT_CELLS_BINS,
                              .target = KT_TARGET_PROC_DELAY}},
                 .cell = {{"one", 2, 0}, {"two", 2, 0}, {"three", 1, 1}},
                 .n_services = SERVICES,
                 .n_y = ROWS,
                 .d = 2,
                 .y = {1, 2, 3, 4, 5},
                 .cell_of = {0, 0, 0, 0, 1},
                 .row = {0, 1, 2, 1, 0}};
    for (int i = 0; i < SERVICES; i++)
        memcpy(h.service[i].digest, no_digest, sizeof no_digest);
    for (int i = 0; i < ROWS; i++)
        h.x[i][0] = i;
    return h;
}

static bool has(const by_hand *h, const char *name)
{
    return !h->without || strcmp(h->without, name) != 0;
}

static void write_by_hand(const by_hand *h)
{
    static const double mean[CELLS][2] = {{0}};
    kt_h5 *file = NULL;
    remove("hand.h5");
    OK(kt_h5_create(&file, "hand.h5", 0, &err));
    OK(kt_h5_put_schema(file, h->schema, h->version, &err));
    if (has(h, "features"))
        OK(kt_h5_put_bytes(file, "features", h->features, strlen(h->features), &err));
    if (has(h, "provenance"))
        OK(kt_h5_put_bytes(file, "provenance", "{}", 2, &err));
    if (has(h, "services"))
        OK(kt_h5_put_table(file, "services", store_service_fields, STORE_SERVICE_FIELDS, h->service,
                           sizeof *h->service, h->n_services, &err));
    if (has(h, "cells"))
        OK(kt_h5_put_table(file, "cells", store_cell_fields, STORE_CELL_FIELDS, h->cell, sizeof *h->cell,
                           CELLS, &err));
    if (has(h, "cell_mean"))
        OK(kt_h5_put(file, "cell_mean", KT_H5_F64, CELLS, 2, mean, &err));
    if (has(h, "x"))
        OK(kt_h5_put(file, "x", KT_H5_F64, ROWS, h->d, h->x, &err));
    if (has(h, "y"))
        OK(kt_h5_put(file, "y", KT_H5_F64, h->n_y, 0, h->y, &err));
    if (has(h, "cell"))
        OK(kt_h5_put(file, "cell", KT_H5_U32, ROWS, 0, h->cell_of, &err));
    if (has(h, "row"))
        OK(kt_h5_put(file, "row", KT_H5_U32, ROWS, 0, h->row, &err));
    OK(kt_h5_close(file, &err));
}

static void refused(const by_hand *h, kt_status wanted, const char *part)
{
    kt_samples samples = {.d = 0};
    write_by_hand(h);
    FAILS(kt_store_read(&samples, "hand.h5", &err), wanted, part);
    kt_samples_clear(&samples);
}

#define SPOILED(part, ...)                                                                                   \
    do {                                                                                                     \
        by_hand h = good_file();                                                                             \
        __VA_ARGS__;                                                                                         \
        refused(&h, KT_INPUT, part);                                                                         \
    } while (0)

static void good_by_hand(void **state)
{
    (void)state;
    by_hand h = good_file();
    kt_store *store = NULL;
    double x[3][2], y[3];
    uint32_t cell[3];
    write_by_hand(&h);
    OK(kt_store_open(&store, "hand.h5", &err));
    const kt_store_service *b = kt_store_at(store, 1);
    assert_string_equal(b->name, "b");
    assert_int_equal(b->rule, KT_CELLS_BINS);
    assert_int_equal(b->target, KT_TARGET_PROC_DELAY);
    assert_string_equal(b->cells[1].label, "three");
    assert_int_equal(b->cell_test[1], 1);
    OK(kt_store_rows(x[0], y, cell, store, 1, 0, 3, &err));
    assert_true(x[0][0] == 2 && y[2] == 5 && cell[2] == 1);
    kt_store_close(store);
    refused(&h, KT_INPUT, "hand.h5: the rows of 'a' are not those that were written (digest)");
}

static void spoiled_index(void **state)
{
    (void)state;
    static const char *const dataset[] = {"features", "provenance", "services", "cells", "cell_mean",
                                          "x",        "y",          "cell",     "row"};
    for (size_t i = 0; i < sizeof dataset / sizeof *dataset; i++)
        SPOILED(dataset[i], h.without = dataset[i]);
    SPOILED("/services", h.service[1].offset = 1);
    SPOILED("/services", h.service[1].rows = 4);
    SPOILED("/services", h.service[1].rows = UINT64_MAX);
    SPOILED("/services", h.service[0].rows = 1);
    SPOILED("/services", h.service[1].first_cell = 0);
    SPOILED("/services", h.service[1].cells = 9);
    SPOILED("/services", h.service[1].cells = UINT64_MAX);
    SPOILED("/services", h.service[1].n_train = 2);
    SPOILED("/services", h.service[1].n_train = UINT64_MAX; h.service[1].n_validation = 3);
    SPOILED("/services", h.service[1].n_validation = 0; h.service[1].n_test = 2);
    SPOILED("/services", h.service[0].n_train = UINT64_C(1) << 63; /* sums to 0, as if there were no split */
            h.service[0].n_validation = UINT64_C(1) << 63);
    SPOILED("/services: row 0: no name", h.service[0].name[0] = '\0');
    SPOILED("/services: row 0: its name", memset(h.service[0].name, 'n', KT_NAME));
    SPOILED("/services: row 1: names are not in order", strcpy(h.service[1].name, "a"));
    SPOILED("/services", h.service[0].rule = 3);
    SPOILED("/services", h.service[0].target = 2);
    SPOILED("/services", h.service[0].digest[5] = 'G');
    SPOILED("/services", h.service[0].digest[63] = '\0');
    SPOILED("/services", h.n_services = 1);
    SPOILED("/cells: row 1", memset(h.cell[1].label, 'l', KT_LABEL));
    SPOILED("/cells: row 2", h.cell[2].test = 2);
    SPOILED("/cells: row 0", h.cell[0].rows = 6);
    SPOILED("/services", h.cell[0].rows = 1);
    SPOILED("/y", h.n_y = 4);
    SPOILED("/x", h.d = 1);
    SPOILED("features", h.features = "[]");
    SPOILED("features", h.features = "[1,2]");
    SPOILED("hand.h5", h.features = "[\"rps_eff\"");
    by_hand h = good_file();
    h.schema = "kt-archive";
    refused(&h, KT_INPUT, "kt-archive");
    h = good_file();
    h.version = KT_DATASET_VERSION + 1;
    refused(&h, KT_UNSUPPORTED, "2");
}

static void spoiled_rows(void **state)
{
    (void)state;
    SPOILED("/x: row 3 holds inf", h.x[3][1] = INFINITY);
    SPOILED("/y: row 1 holds nan", h.y[1] = fabs(NAN));
    SPOILED("/y: row 4 holds -1", h.y[4] = -1);
    SPOILED("/cell: row 1 holds 1", h.cell_of[1] = 1);
    SPOILED("/cell: row 4 holds 4294967295", h.cell_of[4] = UINT32_MAX);
    SPOILED("/row: row 4 holds 3", h.row[4] = 3);
    SPOILED("/row: row 4 holds 1", h.row[4] = 1);
}

static void no_dataset(void **state)
{
    (void)state;
    kt_samples samples = {.d = 0};
    kt_store *store = NULL;
    write_text("text.h5", "rps_eff,rep\n");
    FAILS(kt_store_read(&samples, "text.h5", &err), KT_INPUT, "text.h5");
    assert_int_equal(kt_store_open(&store, "none.h5", NULL), KT_IO);
    assert_null(store);
}

/* A byte of the columns that changes is found by its digest; a file that is cut is found by HDF5. */
static void changed_bytes(void **state)
{
    (void)state;
    kt_samples samples;
    char *bytes = NULL;
    size_t n, found = 0;
    make_samples(&samples, 2, 300, 4);
    OK(kt_store_write("flip.h5", &samples, NULL, NULL, NULL, &err));
    OK(kt_file_read(&bytes, &n, "flip.h5", &err));
    const char *x = memmem(bytes, n, samples.services[0].x, 300 * 16),
               *y = memmem(bytes, n, samples.services[0].y, 300 * 8);
    assert_non_null(x);
    assert_non_null(y);
    for (size_t i = 0; i < 300; i++) {
        kt_samples got = {.d = 0};
        size_t at = i % 2 ? (size_t)(x - bytes) + i * 15 : (size_t)(y - bytes) + i * 7;
        bytes[at] = (char)(bytes[at] ^ (1 << i % 8));
        write_bytes("flip.h5", bytes, n);
        found += kt_store_read(&got, "flip.h5", NULL) == KT_INPUT;
        kt_samples_clear(&got);
        bytes[at] = (char)(bytes[at] ^ (1 << i % 8));
    }
    assert_int_equal(found, 300);
    for (size_t kept = 0; kept < n; kept += n / 50) {
        kt_samples got = {.d = 0};
        write_bytes("flip.h5", bytes, kept);
        assert_int_not_equal(kt_store_read(&got, "flip.h5", NULL), KT_OK);
        kt_samples_clear(&got);
    }
    free(bytes);
    kt_samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_samples), cmocka_unit_test(split_rows),   cmocka_unit_test(one_service),
        cmocka_unit_test(sizes),         cmocka_unit_test(cannot_write), cmocka_unit_test(good_by_hand),
        cmocka_unit_test(spoiled_index), cmocka_unit_test(spoiled_rows), cmocka_unit_test(no_dataset),
        cmocka_unit_test(changed_bytes),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
