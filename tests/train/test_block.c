/* Strips and batches: each row of a strip once an epoch, whoever owns it; the batch by row count. */
#include "fit_private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static kt_recipe recipe_of(int batch, bool partial)
{
    return (kt_recipe){.batch = batch, .partial_batches = partial, .steps = 1, .seed = 3};
}

static void batch_rule_follows_row_count(void **state)
{
    (void)state;
    static const struct {
        int asked;
        size_t rows;
        int batch;
    } cases[] = {{0, 40, 16},        {0, 100, 25},       {0, 255, 63},      {0, 256, 64},
                 {0, 511, 64},       {0, 512, 128},      {0, 99999, 128},   {0, 100000, 1024},
                 {0, 2999999, 1024}, {0, 3000000, 4096}, {512, 10000, 512}, {512, 400, 64},
                 {64, 64, 64},       {64, 63, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(kt_batch_rows(cases[i].asked, cases[i].rows), cases[i].batch);
    assert_int_equal(kt_batch_strips(16), 1);
    assert_int_equal(kt_batch_strips(64), 1);
    assert_int_equal(kt_batch_strips(512), 8);
}

static void runs_cover_all_blocks(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 20; blocks++) {
        for (int size = 1; size < 9; size++) {
            int at = 0, first, last;
            for (int r = 0; r < size; r++) {
                kt_team_run(&first, &last, blocks, r, size);
                assert_int_equal(first, at);
                assert_true(last >= first);
                at = last;
            }
            assert_int_equal(at, blocks);
        }
    }
}

/* Counts how often each stored row is used in one epoch, by all ranks of a team. */
static void count_epoch(int *used, size_t n, int batch, bool partial, int size, uint64_t epoch,
                        uint64_t *steps)
{
    kt_recipe recipe = recipe_of(batch, partial);
    memset(used, 0, n * sizeof *used);
    for (int r = 0; r < size; r++) {
        kt_team team = {.rank = r, .size = size};
        kt_blocks blocks;
        assert_int_equal(kt_blocks_init(&blocks, &recipe, n, 7, &team, NULL), KT_OK);
        *steps = blocks.epoch_steps;
        size_t base = kt_blocks_strip(&blocks, blocks.first);
        for (uint64_t i = 0; i < blocks.epoch_steps; i++) {
            uint64_t step = epoch * blocks.epoch_steps + i;
            kt_blocks_seek(&blocks, step);
            for (int p = blocks.first; p < blocks.last; p++) {
                int rows;
                const uint32_t *index = kt_blocks_rows(&rows, &blocks, p, step);
                for (int k = 0; k < rows; k++) {
                    size_t row = base + index[k];
                    assert_in_range(row, kt_blocks_strip(&blocks, p), kt_blocks_strip(&blocks, p + 1) - 1);
                    used[row]++;
                }
            }
        }
        kt_blocks_clear(&blocks);
    }
}

static void an_epoch_uses_rows_once(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        int batch;
    } cases[] = {{1000, 128}, {1003, 128}, {777, 64}, {40, 16}, {5000, 512}, {4999, 320}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].n;
        int *used = calloc(n, sizeof *used), *again = calloc(n, sizeof *again);
        uint64_t steps;
        for (int partial = 0; partial < 2; partial++) {
            size_t total = 0;
            count_epoch(used, n, cases[i].batch, partial, 1, 2, &steps);
            count_epoch(again, n, cases[i].batch, partial, 3, 2, &steps);
            assert_memory_equal(used, again, n * sizeof *used); /* teams see the same rows */
            for (size_t k = 0; k < n; k++) {
                assert_in_range(used[k], partial ? 1 : 0, 1);
                total += (size_t)used[k];
            }
            if (!partial)
                assert_int_equal(total, steps * (uint64_t)cases[i].batch);
        }
        free(used);
        free(again);
    }
}

static void epochs_differ_in_order(void **state)
{
    (void)state;
    kt_recipe recipe = recipe_of(64, false);
    kt_team team = {.size = 1};
    kt_blocks blocks;
    uint32_t first[64];
    int rows;
    assert_int_equal(kt_blocks_init(&blocks, &recipe, 640, 7, &team, NULL), KT_OK);
    kt_blocks_seek(&blocks, 0);
    memcpy(first, kt_blocks_rows(&rows, &blocks, 0, 0), sizeof first);
    kt_blocks_seek(&blocks, 10);
    assert_memory_not_equal(first, kt_blocks_rows(&rows, &blocks, 0, 10), sizeof first);
    kt_blocks_seek(&blocks, 3);
    assert_memory_equal(first, kt_blocks_rows(&rows, &blocks, 0, 0),
                        sizeof first); /* and can be drawn again */
    kt_blocks_clear(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_rule_follows_row_count),
        cmocka_unit_test(runs_cover_all_blocks),
        cmocka_unit_test(an_epoch_uses_rows_once),
        cmocka_unit_test(epochs_differ_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
