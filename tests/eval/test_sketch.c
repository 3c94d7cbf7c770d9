#include "kt/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 5000 };

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Row i of a made data set: rates repeat, times do not. */
static uint64_t row(int i)
{
    double x[2] = {5.0 * (1 + i % 7), 1 + i % 3};
    return kt_row_hash(x, 2, 1e-3 * (1 + i) / 7.0);
}

static void hashes_tell_rows_apart(void **state)
{
    (void)state;
    static uint64_t hash[ROWS];
    double x[3] = {1, 2, 0}, swapped[2] = {2, 1};
    assert_int_equal(kt_row_hash(x, 2, 3), kt_row_hash(x, 2, 3));
    assert_true(kt_row_hash(x, 2, 3) != kt_row_hash(swapped, 2, 3));
    assert_true(kt_row_hash(x, 2, 0) != kt_row_hash(x, 3, 0));
    double zero[1] = {0.0}, negative[1] = {-0.0};
    assert_int_equal(kt_row_hash(zero, 1, 1), kt_row_hash(negative, 1, 1));
    int ones[64] = {0};
    for (int i = 0; i < ROWS; i++) {
        hash[i] = row(i);
        for (int b = 0; b < 64; b++)
            ones[b] += (int)(hash[i] >> b & 1);
    }
    for (int b = 0; b < 64; b++) /* each bit a fair coin: 5000 tosses, sd 35 */
        assert_in_range(ones[b], ROWS / 2 - 5 * 36, ROWS / 2 + 5 * 36);
    qsort(hash, ROWS, sizeof *hash, ascending);
    for (int i = 1; i < ROWS; i++)
        assert_true(hash[i] != hash[i - 1]);
}

static void sketch_holds_the_smallest(void **state)
{
    (void)state;
    static uint64_t hash[2 * ROWS], sketch[KT_SKETCH];
    for (int i = 0; i < 2 * ROWS; i++) /* each row twice, in two orders */
        hash[i] = row(i < ROWS ? i : 2 * ROWS - 1 - i);
    assert_int_equal(kt_sketch_make(sketch, hash, 2 * ROWS), KT_SKETCH);
    qsort(hash, 2 * ROWS, sizeof *hash, ascending);
    for (int i = 0; i < KT_SKETCH; i++)
        assert_int_equal(sketch[i], hash[2 * i]);
    assert_int_equal(kt_sketch_make(sketch, hash, 0), 0);
    assert_int_equal(kt_sketch_make(sketch, hash, 10), 5);
}

static void matches_are_exact_below_the_largest(void **state)
{
    (void)state;
    static uint64_t hash[ROWS], sketch[KT_SKETCH];
    for (int i = 0; i < ROWS; i++)
        hash[i] = row(i);
    size_t size = kt_sketch_make(sketch, hash, ROWS);
    assert_int_equal(kt_sketch_matches(sketch, size, hash, ROWS), KT_SKETCH);
    for (int i = 0; i < ROWS; i++)
        hash[i] = row(ROWS + i);
    assert_int_equal(kt_sketch_matches(sketch, size, hash, ROWS), 0);
    for (int i = 0; i < ROWS; i++) /* half of them known: about half of the sketch, exactly those */
        hash[i] = row(ROWS / 2 + i);
    size_t known = 0;
    for (int i = 0; i < ROWS / 2; i++)
        known += hash[i] <= sketch[size - 1];
    assert_int_equal(kt_sketch_matches(sketch, size, hash, ROWS), known);
    assert_in_range(known, KT_SKETCH / 2 - 48, KT_SKETCH / 2 + 48);
    assert_int_equal(kt_sketch_matches(sketch, 0, hash, ROWS), 0);
}

/* A small set of rows is held whole: then membership is known for each. */
static void few_rows_are_known_exactly(void **state)
{
    (void)state;
    uint64_t hash[40], sketch[KT_SKETCH];
    for (int i = 0; i < 40; i++)
        hash[i] = row(i);
    size_t size = kt_sketch_make(sketch, hash, 40);
    assert_int_equal(size, 40);
    for (int i = 0; i < 80; i++) {
        uint64_t one = row(i);
        assert_int_equal(kt_sketch_matches(sketch, size, &one, 1), i < 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_tell_rows_apart),
        cmocka_unit_test(sketch_holds_the_smallest),
        cmocka_unit_test(matches_are_exact_below_the_largest),
        cmocka_unit_test(few_rows_are_known_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
