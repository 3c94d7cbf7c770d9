/* A request to stop reaches rank 0 from any rank, from several, and from the clock; and none is left over. */
#include "kt/comm.h"
#include "kt/halt.h"
#include "kt/pause.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static int rank, size;

static bool poll_it(void *halt)
{
    kt_halt_poll(halt);
    return false;
}

static void nap(void)
{
    const struct timespec length = {0, 200000};
    nanosleep(&length, NULL);
}

/* Rank 0 works until it knows; the others wait for it and poll while they do, by the pauses of that wait. */
static void rank_0_hears(volatile sig_atomic_t *asked, double after, bool asks)
{
    kt_halt *halt;
    int known = 0;
    *asked = 0;
    assert_int_equal(kt_halt_begin(&halt, asked, after, MPI_COMM_WORLD, NULL), KT_OK);
    const bool *flag = kt_halt_flag(halt);
    assert_false(*flag);
    assert_true(kt_halt_poll(halt) < 0 || after > 0);
    kt_comm_agree(MPI_COMM_WORLD, KT_OK, NULL);
    kt_pause_with((kt_pauser){poll_it, halt});
    *asked = asks;
    while (rank == 0 && kt_halt_poll(halt) < 0)
        nap();
    known = *flag;
    kt_comm_bcast(&known, sizeof known, 0, MPI_COMM_WORLD);
    assert_true(known);
    if (rank == 0)
        assert_true(kt_halt_poll(halt) >= 0);
    kt_pause_with((kt_pauser){0});
    kt_halt_end(halt);
}

static void from_any_rank(void **state)
{
    (void)state;
    volatile sig_atomic_t asked;
    for (int from = 0; from < size; from++)
        rank_0_hears(&asked, 0, rank == from);
}

static void from_all(void **state)
{
    (void)state;
    volatile sig_atomic_t asked;
    for (int i = 0; i < 20; i++)
        rank_0_hears(&asked, 0, true);
}

static void from_the_clock(void **state)
{
    (void)state;
    volatile sig_atomic_t asked;
    rank_0_hears(&asked, 1e-3, false);
}

/* Asked when rank 0 listens no more: the message must not be left in the library. */
static void too_late(void **state)
{
    (void)state;
    volatile sig_atomic_t asked = 0;
    kt_halt *halt;
    assert_int_equal(kt_halt_begin(&halt, &asked, 0, MPI_COMM_WORLD, NULL), KT_OK);
    asked = rank != 0;
    if (rank != 0)
        assert_true(kt_halt_poll(halt) >= 0);
    kt_halt_end(halt);
    kt_halt_end(NULL);
    assert_int_equal(kt_comm_agree(MPI_COMM_WORLD, KT_OK, NULL), KT_OK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_any_rank),
        cmocka_unit_test(from_all),
        cmocka_unit_test(from_the_clock),
        cmocka_unit_test(too_late),
    };
    MPI_Init(&argc, &argv);
    rank = kt_comm_rank(MPI_COMM_WORLD);
    size = kt_comm_size(MPI_COMM_WORLD);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
