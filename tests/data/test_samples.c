#include "check.h"
#include "kt/samples.h"
#include <stdlib.h>

enum { ROWS = 3 };

static void add_service(kt_samples *samples, const char *name)
{
    static const double x[ROWS * 2] = {10, 1, 20, 1, 13, 1}, y[ROWS] = {0.5, 0, 0.25};
    static const uint32_t cell[ROWS] = {1, 0, 1};
    OK(kt_grow(&samples->services, samples->n_services + 1, sizeof *samples->services, &err));
    kt_service *s = &samples->services[samples->n_services++];
    *s = (kt_service){.n = ROWS, .n_cells = 2, .target = KT_TARGET_PROC};
    OK(kt_strdup(&s->name, name, &err));
    OK(kt_alloc(&s->x, ROWS * 2, sizeof *s->x, &err));
    OK(kt_alloc(&s->y, ROWS, sizeof *s->y, &err));
    OK(kt_alloc(&s->cell, ROWS, sizeof *s->cell, &err));
    OK(kt_alloc(&s->cells, 2, sizeof *s->cells, &err));
    memcpy(s->x, x, sizeof x);
    memcpy(s->y, y, sizeof y);
    memcpy(s->cell, cell, sizeof cell);
    strcpy(s->cells[0].label, "low");
    strcpy(s->cells[1].label, "high");
}

static void add_features(kt_samples *samples)
{
    OK(kt_strdup(&samples->feature[0], "rps_eff", &err));
    OK(kt_strdup(&samples->feature[1], "rep", &err));
    samples->d = 2;
}

static void finish(void **state)
{
    (void)state;
    kt_samples samples = {.d = 0};
    add_features(&samples);
    add_service(&samples, "b");
    add_service(&samples, "a");
    OK(kt_samples_finish(&samples, &err));
    assert_string_equal(samples.services[0].name, "a");
    for (int i = 0; i < 2; i++) {
        const kt_cell *cells = samples.services[i].cells;
        assert_int_equal(cells[0].rows, 1);
        assert_int_equal(cells[1].rows, 2);
        assert_true(cells[0].mean[0] == 20 && cells[1].mean[0] == 11.5 && cells[1].mean[1] == 1);
    }
    assert_int_equal(kt_samples_feature(&samples, "rep"), 1);
    assert_int_equal(kt_samples_feature(&samples, "re"), -1);
    kt_samples_clear(&samples);
    assert_int_equal(samples.n_services, 0);
    kt_samples_clear(&samples); /* and once more */
}

/* Rates of cells take the place of rows' own, once; cells that are bins of these rates stay. */
static void rates_of_cells(void **state)
{
    (void)state;
    kt_samples samples = {.d = 0};
    uint8_t before[KT_DIGEST_BYTES], after[KT_DIGEST_BYTES];
    add_features(&samples);
    add_service(&samples, "a");
    add_service(&samples, "b");
    samples.services[1].rule = KT_CELLS_BINS;
    OK(kt_samples_finish(&samples, &err));
    memcpy(before, samples.services[0].digest, sizeof before);
    OK(kt_samples_cell_rates(&samples, &err));
    const double wanted[2][ROWS] = {{11.5, 20, 11.5}, {10, 20, 13}};
    for (int i = 0; i < 2; i++)
        for (int r = 0; r < ROWS; r++)
            assert_true(samples.services[i].x[2 * r] == wanted[i][r] && samples.services[i].x[2 * r + 1] == 1);
    memcpy(after, samples.services[0].digest, sizeof after);
    assert_memory_not_equal(before, after, sizeof before);
    OK(kt_samples_cell_rates(&samples, &err));
    assert_memory_equal(samples.services[0].digest, after, sizeof after);
    strcpy(samples.feature[0], "cpu");
    assert_int_equal(kt_samples_cell_rates(&samples, NULL), KT_USAGE);
    kt_samples_clear(&samples);
}

static void put64(uint8_t **p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        *(*p)++ = (uint8_t)(value >> 8 * i);
}

static void put_text(uint8_t **p, const char *text)
{
    put64(p, strlen(text));
    memcpy(*p, text, strlen(text));
    *p += strlen(text);
}

/* The rule of kt/samples.h, byte by byte. */
static void digest_of_canonical_bytes(void **state)
{
    (void)state;
    kt_samples samples = {.d = 0};
    add_features(&samples);
    add_service(&samples, "auth");
    OK(kt_samples_finish(&samples, &err));
    const kt_service *s = &samples.services[0];
    uint8_t bytes[512], *p = bytes, wanted[KT_DIGEST_BYTES];
    put_text(&p, "auth");
    put64(&p, 2);
    put_text(&p, "rps_eff");
    put_text(&p, "rep");
    put64(&p, KT_TARGET_PROC);
    put64(&p, ROWS);
    memcpy(p, s->x, ROWS * 2 * 8);
    p += ROWS * 2 * 8;
    memcpy(p, s->y, ROWS * 8);
    p += ROWS * 8;
    put64(&p, 2);
    put_text(&p, "low");
    put_text(&p, "high");
    memcpy(p, s->cell, ROWS * 4);
    p += ROWS * 4;
    OK(kt_digest_of(wanted, bytes, (size_t)(p - bytes), &err));
    assert_memory_equal(s->digest, wanted, sizeof wanted);
    kt_samples_clear(&samples);
}

/* What trains differently has another digest; what is only told to people has not. */
static void digest_tells_apart(void **state)
{
    (void)state;
    uint8_t first[KT_DIGEST_BYTES];
    for (int change = 0; change < 10; change++) {
        kt_samples samples = {.d = 0};
        add_features(&samples);
        add_service(&samples, change == 1 ? "c" : "a");
        kt_service *s = &samples.services[0];
        if (change == 2)
            samples.feature[1][0] = 'p';
        if (change == 3)
            s->target = KT_TARGET_PROC_DELAY;
        if (change == 4)
            s->x[5] = 2;
        if (change == 5)
            s->y[1] = 5e-324;
        if (change == 6)
            s->cells[0].label[0] = 'L';
        if (change == 7)
            s->cell[0] = 0;
        if (change == 8)
            s->rule = KT_CELLS_BINS;
        if (change == 9)
            s->blank_targets = 9;
        OK(kt_samples_finish(&samples, &err));
        if (change == 0)
            memcpy(first, samples.services[0].digest, sizeof first);
        bool same = memcmp(first, samples.services[0].digest, sizeof first) == 0;
        assert_int_equal(same, change == 0 || change >= 8);
        kt_samples_clear(&samples);
    }
}

static void finish_refuses(void **state)
{
    (void)state;
    kt_samples samples = {.d = 0};
    add_features(&samples);
    add_service(&samples, "a");
    add_service(&samples, "a");
    FAILS(kt_samples_finish(&samples, &err), KT_INPUT, "'a' is there twice");
    kt_samples_clear(&samples);
    char name[KT_NAME + 1];
    memset(name, 'n', KT_NAME);
    name[KT_NAME] = '\0';
    add_features(&samples);
    add_service(&samples, name);
    FAILS(kt_samples_finish(&samples, &err), KT_INPUT, "has 256 bytes");
    samples.services[0].name[KT_NAME - 1] = '\0';
    OK(kt_samples_finish(&samples, &err));
    kt_samples_clear(&samples);
}

static void find(void **state)
{
    (void)state;
    static const char *const name[] = {"cart.shop", "cart.test", "frontend.istio-dt",
                                       "ship",      "ship.eu",   "pay.a.b"};
    kt_samples samples = {.d = 0};
    size_t i = 99;
    add_features(&samples);
    for (size_t k = 0; k < sizeof name / sizeof *name; k++)
        add_service(&samples, name[k]);
    OK(kt_samples_finish(&samples, &err));
    OK(kt_samples_find(&i, &samples, "cart.test", &err));
    assert_string_equal(samples.services[i].name, "cart.test");
    OK(kt_samples_find(&i, &samples, "frontend", &err));
    assert_string_equal(samples.services[i].name, "frontend.istio-dt");
    OK(kt_samples_find(&i, &samples, "pay", &err));
    assert_string_equal(samples.services[i].name, "pay.a.b");
    OK(kt_samples_find(&i, &samples, "ship",
                       &err)); /* the whole name, though it is short for another one too */
    assert_string_equal(samples.services[i].name, "ship");
    FAILS(kt_samples_find(&i, &samples, "cart", &err), KT_USAGE, "as in 'cart.shop' or 'cart.test'");
    FAILS(kt_samples_find(&i, &samples, "frontent", &err), KT_USAGE, "is it 'frontend'?");
    FAILS(kt_samples_find(&i, &samples, "cart.tesd", &err), KT_USAGE, "is it 'cart.test'?");
    FAILS(kt_samples_find(&i, &samples, "zzzzzzzz", &err), KT_USAGE,
          "no service 'zzzzzzzz' among the 6 of the data");
    kt_samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finish),
        cmocka_unit_test(rates_of_cells),
        cmocka_unit_test(digest_of_canonical_bytes),
        cmocka_unit_test(digest_tells_apart),
        cmocka_unit_test(finish_refuses),
        cmocka_unit_test(find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
