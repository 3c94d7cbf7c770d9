/* The tree's promise is bits: every way to share out the blocks gives the same root as the definition, which
 * is written here as a recursion over the whole range. */
#include "kt/rng.h"
#include "kt/tree.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 16, MAX_BLOCKS = 70 };

static void add_floats(void *a, const void *b, void *context)
{
    float *to = a;
    const float *from = b;
    for (int i = 0; i < *(const int *)context; i++)
        to[i] += from[i];
}

static void add_doubles(void *a, const void *b, void *context)
{
    double *to = a;
    const double *from = b;
    for (int i = 0; i < *(const int *)context; i++)
        to[i] += from[i];
}

/* Values of many magnitudes: any other order of additions shows in the bits. */
static float block_value(int block, int i)
{
    kt_rng rng;
    kt_rng_init(&rng, 7, 1, KT_RNG_SAMPLE, (uint32_t)block, (uint32_t)i);
    double u = kt_rng_uniform(&rng);
    return (float)((kt_rng_uniform(&rng) - 0.5) * (u < 0.3 ? 1e6 : u < 0.6 ? 1 : 1e-5));
}

static void push_block(kt_tree *tree, int block)
{
    float *v = kt_tree_next(tree);
    for (int i = 0; i < WIDTH; i++)
        v[i] = block_value(block, i);
    kt_tree_push(tree, (kt_tree_node){0, block});
}

/* node(l, i) by its definition */
static void define(float *out, int level, int index, int blocks)
{
    if (level == 0) {
        for (int i = 0; i < WIDTH; i++)
            out[i] = block_value(index, i);
        return;
    }
    define(out, level - 1, 2 * index, blocks);
    if (((2 * index + 1) << (level - 1)) < blocks) {
        float right[WIDTH];
        define(right, level - 1, 2 * index + 1, blocks);
        for (int i = 0; i < WIDTH; i++)
            out[i] += right[i];
    }
}

static void one_rank_gives_the_definition(void **state)
{
    (void)state;
    int width = WIDTH;
    kt_tree tree;
    assert_int_equal(kt_tree_init(&tree, sizeof(float) * WIDTH, add_floats, &width, NULL), KT_OK);
    for (int blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
        float expected[WIDTH];
        int level = 0;
        while (1 << level < blocks)
            level++;
        define(expected, level, 0, blocks);
        kt_tree_restart(&tree);
        for (int b = 0; b < blocks; b++)
            push_block(&tree, b);
        assert_memory_equal(kt_tree_root(&tree), expected, sizeof expected);
        assert_memory_equal(kt_tree_root(&tree), expected,
                            sizeof expected); /* asking again changes nothing */
    }
    kt_tree_clear(&tree);
}

/* The blocks are cut at `cuts`; each part is summed on its own, and its nodes travel. */
static void check_split(const int *cuts, int parts, const float *expected)
{
    int width = WIDTH;
    kt_tree rank, all;
    assert_int_equal(kt_tree_init(&rank, sizeof(float) * WIDTH, add_floats, &width, NULL), KT_OK);
    assert_int_equal(kt_tree_init(&all, sizeof(float) * WIDTH, add_floats, &width, NULL), KT_OK);
    for (int p = 0; p < parts; p++) {
        kt_tree_node cover[KT_TREE_NODES];
        kt_tree_restart(&rank);
        for (int b = cuts[p]; b < cuts[p + 1]; b++)
            push_block(&rank, b);
        assert_int_equal(kt_tree_cover(cover, cuts[p], cuts[p + 1]), rank.n);
        assert_memory_equal(cover, rank.node, sizeof *cover * (size_t)rank.n);
        for (int i = 0; i < rank.n; i++) {
            memcpy(kt_tree_next(&all), rank.slot + (size_t)i * rank.width, rank.width);
            kt_tree_push(&all, cover[i]);
        }
    }
    assert_memory_equal(kt_tree_root(&all), expected, sizeof(float) * WIDTH);
    kt_tree_clear(&rank);
    kt_tree_clear(&all);
}

static void any_split_gives_the_same_bits(void **state)
{
    (void)state;
    kt_rng rng;
    kt_rng_init(&rng, 1, 2, KT_RNG_SAMPLE, 0, 0);
    for (int blocks = 1; blocks <= MAX_BLOCKS; blocks += blocks < 20 ? 1 : 7) {
        float expected[WIDTH];
        int level = 0;
        while (1 << level < blocks)
            level++;
        define(expected, level, 0, blocks);
        for (int cut = 0; cut <= blocks; cut++) /* every split in two, empty parts too */
            check_split((int[]){0, cut, blocks}, 2, expected);
        for (int trial = 0; trial < 20; trial++) {
            int cuts[9] = {0}, parts = 8;
            for (int p = 1; p <= parts; p++)
                cuts[p] = p == parts ? blocks
                                     : cuts[p - 1] +
                                           (int)kt_rng_below(&rng, (uint32_t)(blocks - cuts[p - 1]) / 2 + 1);
            check_split(cuts, parts, expected);
        }
    }
}

static void doubles_of_another_width(void **state)
{
    (void)state;
    enum { N = 40, BLOCKS = 23 };
    int width = N;
    kt_tree one, parts;
    assert_int_equal(kt_tree_init(&one, sizeof(double) * N, add_doubles, &width, NULL), KT_OK);
    assert_int_equal(kt_tree_init(&parts, sizeof(double) * N, add_doubles, &width, NULL), KT_OK);
    for (int b = 0; b < BLOCKS; b++) {
        double *v = kt_tree_next(&one);
        for (int i = 0; i < N; i++)
            v[i] = 1.0 / (1 + b * N + i);
        kt_tree_push(&one, (kt_tree_node){0, b});
    }
    static const int cuts[] = {0, 7, 8, 21, BLOCKS};
    kt_tree part;
    assert_int_equal(kt_tree_init(&part, sizeof(double) * N, add_doubles, &width, NULL), KT_OK);
    for (int p = 0; p < 4; p++) {
        kt_tree_restart(&part);
        for (int b = cuts[p]; b < cuts[p + 1]; b++) {
            double *v = kt_tree_next(&part);
            for (int i = 0; i < N; i++)
                v[i] = 1.0 / (1 + b * N + i);
            kt_tree_push(&part, (kt_tree_node){0, b});
        }
        for (int i = 0; i < part.n; i++) {
            memcpy(kt_tree_next(&parts), part.slot + (size_t)i * part.width, part.width);
            kt_tree_push(&parts, part.node[i]);
        }
    }
    assert_memory_equal(kt_tree_root(&one), kt_tree_root(&parts), sizeof(double) * N);
    kt_tree_clear(&part);
    kt_tree_clear(&one);
    kt_tree_clear(&parts);
}

/* Covers of far and long ranges: ascending, without gap or overlap, aligned, and no two of them siblings. */
static void covers_tile_their_range(void **state)
{
    (void)state;
    kt_rng rng;
    kt_rng_init(&rng, 3, 2, KT_RNG_SAMPLE, 0, 0);
    for (int trial = 0; trial < 20000; trial++) {
        int a = (int)(kt_rng_u32(&rng) >> (1 + kt_rng_below(&rng, 31)));
        int b = (int)(kt_rng_u32(&rng) >> (1 + kt_rng_below(&rng, 31)));
        int first = a < b ? a : b, last = a < b ? b : a;
        kt_tree_node node[KT_TREE_NODES];
        int n = kt_tree_cover(node, first, last);
        int64_t at = first;
        assert_true(n < KT_TREE_NODES);
        for (int i = 0; i < n; i++) {
            assert_true((int64_t)node[i].index << node[i].level == at);
            at += INT64_C(1) << node[i].level;
            if (i > 0)
                assert_false(node[i].level == node[i - 1].level && node[i].index % 2 == 1);
        }
        assert_true(at == last);
    }
    kt_tree_node widest[KT_TREE_NODES];
    assert_true(kt_tree_cover(widest, 1, INT32_MAX) < KT_TREE_NODES);
    assert_int_equal(kt_tree_cover(widest, 5, 5), 0);
}

/* Under AddressSanitizer too an allocation that cannot be met is to return NULL, as malloc does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void slots_are_aligned_and_memory_is_asked_for(void **state)
{
    (void)state;
    int width = WIDTH;
    kt_tree tree;
    assert_int_equal(kt_tree_init(&tree, 64, add_floats, &width, NULL), KT_OK);
    for (int b = 0; b < 5; b++) {
        assert_int_equal((uintptr_t)kt_tree_next(&tree) % 64, 0);
        push_block(&tree, 2 * b);
    }
    kt_tree_clear(&tree);
    kt_tree_clear(&tree); /* takes a cleared one */

    kt_error err = {0};
    assert_int_equal(kt_tree_init(&tree, (SIZE_MAX >> 6) - 63, add_floats, &width, &err), KT_MEMORY);
    assert_non_null(strstr(err.message, "out of memory"));
    kt_tree_clear(&tree);
    assert_int_equal(kt_tree_init(&tree, SIZE_MAX - 63, add_floats, &width, NULL), KT_MEMORY);
    kt_tree_clear(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_gives_the_definition),
        cmocka_unit_test(any_split_gives_the_same_bits),
        cmocka_unit_test(doubles_of_another_width),
        cmocka_unit_test(covers_tile_their_range),
        cmocka_unit_test(slots_are_aligned_and_memory_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
