/* Ranks at work: sums with the bits of one rank, agreement and gathering. */
#include "kt/comm.h"
#include "kt/reduce.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 64, MOST_BLOCKS = 70 };

static int rank, size;

static void add(void *a, const void *b, void *context)
{
    float *to = a;
    const float *from = b;
    (void)context;
    for (int i = 0; i < WIDTH; i++)
        to[i] += from[i];
}

/* Numbers whose sum depends on the order of additions. */
static void block(float *out, int b)
{
    uint32_t x = 2463534242u + 7919u * (uint32_t)b;
    for (int i = 0; i < WIDTH; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        out[i] = (float)x / 3e5f * (x & 1 ? 1e4f : -1.f);
    }
}

static void fill(kt_tree *tree, int first, int last)
{
    kt_tree_restart(tree);
    for (int b = first; b < last; b++) {
        block(kt_tree_next(tree), b);
        kt_tree_push(tree, (kt_tree_node){0, b});
    }
}

static void sums_have_the_bits_of_one_rank(void **state)
{
    (void)state;
    kt_tree alone = {0}, shared = {0};
    kt_reducer *reducer = NULL;
    assert_int_equal(kt_tree_init(&alone, WIDTH * sizeof(float), add, NULL, NULL), KT_OK);
    assert_int_equal(kt_tree_init(&shared, WIDTH * sizeof(float), add, NULL, NULL), KT_OK);
    assert_int_equal(kt_reducer_create(&reducer, MPI_COMM_WORLD, NULL), KT_OK);
    const kt_team *team = kt_reducer_team(reducer);
    assert_int_equal(team->size, size);
    for (int blocks = 1; blocks <= MOST_BLOCKS; blocks++) { /* fewer than ranks, too */
        int first, last;
        fill(&alone, 0, blocks);
        kt_team_run(&first, &last, blocks, rank, size);
        fill(&shared, first, last);
        if (team->complete)
            assert_int_equal(team->complete(team->context, &shared, blocks, NULL), KT_OK);
        assert_memory_equal(kt_tree_root(&alone), kt_tree_root(&shared), WIDTH * sizeof(float));
    }
    double values[2] = {rank, -rank};
    if (team->largest)
        assert_int_equal(team->largest(team->context, values, 2, NULL), KT_OK);
    assert_true(values[0] == size - 1 && values[1] == 0);
    kt_reducer_destroy(reducer);
    kt_tree_clear(&alone);
    kt_tree_clear(&shared);
}

static void the_lowest_failing_rank_is_heard(void **state)
{
    (void)state;
    kt_error err = {0};
    assert_int_equal(kt_comm_agree(MPI_COMM_WORLD, KT_OK, &err), KT_OK);
    kt_status local = KT_OK;
    if (rank >= size / 2)
        local = kt_fail(&err, KT_INPUT, "rank %d says no", rank);
    char expected[64];
    snprintf(expected, sizeof expected, "rank %d says no", size / 2);
    assert_int_equal(kt_comm_agree(MPI_COMM_WORLD, local, &err), KT_INPUT);
    assert_string_equal(err.message, expected);
}

static void bytes_are_shared(void **state)
{
    (void)state;
    char text[] = "the same bytes for all", *data = rank == size - 1 ? text : NULL;
    size_t n = rank == size - 1 ? sizeof text : 0;
    assert_int_equal(kt_comm_share(&data, &n, size - 1, MPI_COMM_WORLD, NULL), KT_OK);
    assert_int_equal(n, sizeof text);
    assert_string_equal(data, text);
    if (data != text)
        free(data);
}

static kt_status take(void *context, const char *data, size_t n, int from, kt_error *err)
{
    int *next = context;
    if (from != *next || n != (size_t)from * 1000)
        return kt_fail(err, KT_INPUT, "rank %d: %zu bytes", from, n);
    for (size_t i = 0; i < n; i++) {
        if (data[i] != (char)from)
            return kt_fail(err, KT_INPUT, "rank %d: byte %zu", from, i);
    }
    ++*next;
    return KT_OK;
}

static kt_status refuse(void *context, const char *data, size_t n, int from, kt_error *err)
{
    (void)context, (void)data, (void)n;
    return kt_fail(err, KT_IO, "no room for rank %d", from);
}

static void bytes_are_gathered_in_rank_order(void **state)
{
    (void)state;
    int next = 0;
    kt_error err = {0};
    char *mine = malloc((size_t)rank * 1000 + 1);
    memset(mine, rank, (size_t)rank * 1000);
    assert_int_equal(kt_comm_gather(mine, (size_t)rank * 1000, 0, MPI_COMM_WORLD, take, &next, &err), KT_OK);
    assert_int_equal(next, rank == 0 ? size : 0);
    assert_int_equal(kt_comm_gather(mine, (size_t)rank * 1000, 0, MPI_COMM_WORLD, refuse, NULL, &err), KT_IO);
    assert_string_equal(err.message, "no room for rank 0");
    free(mine);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_have_the_bits_of_one_rank),
        cmocka_unit_test(the_lowest_failing_rank_is_heard),
        cmocka_unit_test(bytes_are_shared),
        cmocka_unit_test(bytes_are_gathered_in_rank_order),
    };
    MPI_Init(&argc, &argv);
    rank = kt_comm_rank(MPI_COMM_WORLD);
    size = kt_comm_size(MPI_COMM_WORLD);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
