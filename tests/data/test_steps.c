#include "check.h"
#include "kt/rng.h"
#include "kt/steps.h"
#include <math.h>
#include <stdio.h>

static void label_is(const kt_steps *steps, uint32_t step, const char *wanted)
{
    char label[KT_LABEL];
    OK(kt_steps_label(label, steps, step, &err));
    assert_string_equal(label, wanted);
}

static uint32_t of(kt_steps *steps, const double *value)
{
    uint32_t step = UINT32_MAX;
    OK(kt_steps_of_values(&step, steps, value, &err));
    return step;
}

static void tuples(void **state)
{
    (void)state;
    kt_steps steps = {.rule = KT_CELLS_NOMINAL, .n_keys = 5, .n_rates = 2};
    static const double row[][5] = {
        {40, 40, 1, 2, 2}, {40, 40, 1, 3, 3}, {60, 60, 1, 2, 2}, {0.1, 0.1, 2, 2, 2}, {40, 20, 1, 2, 2}};
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(of(&steps, row[i]), i);
    for (uint32_t i = 5; i-- > 0;) /* repeats of a step are the step */
        assert_int_equal(of(&steps, row[i]), i);
    assert_int_equal(steps.n, 5);
    assert_int_equal(steps.rows, 10);
    label_is(&steps, 0, "rps=40 rep=1,2,2");
    label_is(&steps, 1, "rps=40 rep=1,3,3");
    label_is(&steps, 3, "rps=0.1 rep=2");
    label_is(&steps, 4, "rps=40,20 rep=1,2,2");
    kt_steps_clear(&steps);

    steps = (kt_steps){.rule = KT_CELLS_NOMINAL, .n_keys = 1, .n_rates = 1};
    of(&steps, (const double[]){1. / 3});
    of(&steps, (const double[]){0.3333333333333333});
    assert_int_equal(steps.n, 1);
    label_is(&steps, 0, "rps=0.33333333333333331"); /* 17 digits where 15 are not the value */
    kt_steps_clear(&steps);
}

/* A request that did not visit a service says nothing about it. */
static void blanks(void **state)
{
    (void)state;
    kt_steps steps = {.rule = KT_CELLS_NOMINAL, .n_keys = 3, .n_rates = 1};
    assert_int_equal(of(&steps, (const double[]){40, 1, NAN}), 0);
    label_is(&steps, 0, "rps=40 rep=1,-");
    assert_int_equal(of(&steps, (const double[]){40, 1, 2}), 0); /* now it is known */
    label_is(&steps, 0, "rps=40 rep=1,2");
    assert_int_equal(of(&steps, (const double[]){40, 1, NAN}), 0);
    assert_int_equal(of(&steps, (const double[]){40, 1, 3}), 1);
    assert_int_equal(of(&steps, (const double[]){40, NAN, NAN}), 1); /* the latest that fits */
    assert_int_equal(of(&steps, (const double[]){40, NAN, 2}), 0);
    assert_int_equal(of(&steps, (const double[]){40, NAN, NAN}), 0);
    assert_int_equal(of(&steps, (const double[]){60, NAN, NAN}), 2);
    kt_steps_clear(&steps);
}

static uint32_t named(kt_steps *steps, const char *name)
{
    uint32_t step = UINT32_MAX;
    OK(kt_steps_of_name(&step, steps, name, strlen(name), &err));
    return step;
}

static void names(void **state)
{
    (void)state;
    kt_steps steps = {.rule = KT_CELLS_COLUMN};
    static const char *const name[] = {"7", "70", "", "a", "7 ", "0"};
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(named(&steps, name[i]), i);
    for (uint32_t i = 6; i-- > 0;)
        assert_int_equal(named(&steps, name[i]), i);
    label_is(&steps, 1, "70");
    kt_steps_clear(&steps);

    /* thousands in no order: each has its number, whatever the order of asking */
    steps = (kt_steps){.rule = KT_CELLS_COLUMN};
    enum { N = 3000 };
    uint32_t first[N];
    char text[16];
    for (uint32_t i = 0; i < N; i++) {
        snprintf(text, sizeof text, "%u", (i * 1801) % N); /* 1801 is prime to 3000 */
        first[(i * 1801) % N] = named(&steps, text);
        assert_int_equal(first[(i * 1801) % N], i);
    }
    for (uint32_t i = 0; i < N; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(named(&steps, text), first[i]);
    }
    kt_steps_clear(&steps);
}

static void unlikely(void **state)
{
    (void)state;
    assert_false(kt_steps_unlikely(&(kt_steps){.n = 64, .rows = 64}));
    assert_true(kt_steps_unlikely(&(kt_steps){.n = 65, .rows = 259}));
    assert_false(kt_steps_unlikely(&(kt_steps){.n = 65, .rows = 260}));
}

static void long_labels(void **state)
{
    (void)state;
    char text[200], label[KT_LABEL], other[KT_LABEL], hash[16];
    memset(text, 'x', 63);
    text[63] = '\0';
    kt_label_write(label, text);
    assert_string_equal(label, text);
    strcpy(text + 63, "yz");
    kt_label_write(label, text);
    snprintf(hash, sizeof hash, "#%08x", (unsigned)(uint32_t)kt_rng_subject(text));
    assert_int_equal(strlen(label), 63);
    assert_string_equal(label + 54, hash);
    strcpy(text + 63, "yy"); /* what was cut still tells two apart */
    kt_label_write(other, text);
    assert_memory_equal(label, other, 54);
    assert_string_not_equal(label, other);
    for (size_t i = 0; i + 1 < 80; i += 2)
        memcpy(text + i, "\xC3\xA9", 3);
    memmove(text + 1, text, strlen(text) + 1);
    text[0] = 'x';
    kt_label_write(label, text); /* cut between characters: byte 54 is the second one of an e with accent */
    assert_int_equal(label[53], '#');
    assert_int_equal(strlen(label), 62);

    kt_steps steps = {.rule = KT_CELLS_NOMINAL, .n_keys = 61, .n_rates = 1};
    double value[61] = {25};
    for (int i = 1; i < 61; i++)
        value[i] = i % 3 + 1;
    of(&steps, value);
    OK(kt_steps_label(label, &steps, 0, &err));
    assert_memory_equal(label, "rps=25 rep=2,3,1,2,3,1,2,", 25);
    assert_int_equal(label[54], '#');
    kt_steps_clear(&steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuples),   cmocka_unit_test(blanks),      cmocka_unit_test(names),
        cmocka_unit_test(unlikely), cmocka_unit_test(long_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
