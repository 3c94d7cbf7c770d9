/* The pulse: who beats is not lost, who says that it pauses is not, who is silent is, and all are told. */
#include "kt/comm.h"
#include "kt/pulse.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define LIMIT 1.0 /* s */
enum { MOST_RANKS = 16 };

static int rank, size;

typedef struct {
    int calls, rank, spoke;
    double seconds;
    char host[MPI_MAX_PROCESSOR_NAME];
} losses;

static void note(void *context, int lost, const char *host, double seconds, bool speak)
{
    losses *noted = context;
    noted->calls++;
    noted->rank = lost;
    noted->spoke = speak;
    noted->seconds = seconds;
    snprintf(noted->host, sizeof noted->host, "%s", host);
}

static void begin(losses *noted, double limit)
{
    *noted = (losses){.rank = -1};
    kt_pulse_options options = {limit, note, noted};
    assert_int_equal(kt_pulse_begin(&options, MPI_COMM_WORLD, NULL), KT_OK);
}

static void work(double seconds) /* without a beat */
{
    struct timespec length = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&length, NULL);
}

static void beat(double seconds, const losses *until)
{
    double end = MPI_Wtime() + seconds;
    while (MPI_Wtime() < end && !(until && until->calls > 0)) {
        kt_pulse_beat();
        work(1e-3);
    }
}

/* Waits beat by themselves. */
static void meet(void)
{
    int all[MOST_RANKS];
    assert_true(size <= MOST_RANKS);
    for (int r = 0; r < size; r++)
        all[r] = r;
    kt_comm_meet(all, size, 7, MPI_COMM_WORLD);
}

static void who_beats_is_not_lost(void **state)
{
    (void)state;
    losses noted;
    begin(&noted, LIMIT);
    if (rank == size - 1)
        beat(2 * LIMIT, NULL);
    meet(); /* the others wait as long */
    kt_pulse_end();
    assert_int_equal(noted.calls, 0);
}

static void who_pauses_is_not_lost(void **state)
{
    (void)state;
    losses noted;
    begin(&noted, LIMIT);
    for (int who = 0; who < size; who += size - 1) {
        if (rank == who) {
            kt_pulse_pause();
            work(2 * LIMIT);
        }
        meet();
    }
    kt_pulse_pause(); /* into the end */
    kt_pulse_end();
    assert_int_equal(noted.calls, 0);
}

static void a_job_that_stood_still_goes_on(void **state)
{
    (void)state;
    losses noted;
    begin(&noted, LIMIT);
    beat(0.1 * LIMIT, NULL);
    work(2 * LIMIT);
    beat(0.3 * LIMIT, NULL);
    kt_pulse_end();
    assert_int_equal(noted.calls, 0);
}

static void expect_loss(const losses *noted, int lost, bool spoke)
{
    char host[MPI_MAX_PROCESSOR_NAME];
    int n;
    MPI_Get_processor_name(host, &n);
    assert_int_equal(noted->calls, 1);
    assert_int_equal(noted->rank, lost);
    assert_string_equal(noted->host, host);
    assert_true(noted->seconds >= LIMIT);
    assert_int_equal(noted->spoke, spoke);
}

static void who_is_silent_is_lost_and_all_are_told(void **state)
{
    (void)state;
    losses noted;
    begin(&noted, LIMIT);
    if (rank == size - 1)
        work(2 * LIMIT);
    beat(60, &noted);
    expect_loss(&noted, size - 1, rank == 0);
    kt_pulse_beat(); /* nothing is left to do */
    kt_pulse_end();
    meet();
}

static void the_first_rank_is_lost(void **state)
{
    (void)state;
    losses noted;
    begin(&noted, LIMIT);
    if (rank != 0) {
        beat(60, &noted);
        expect_loss(&noted, 0, rank == 1);
    }
    MPI_Barrier(MPI_COMM_WORLD); /* rank 0 waits here, without a beat */
    if (rank == 0) {
        kt_pulse_end(); /* nobody else comes to it */
        assert_int_equal(noted.calls, 1);
    }
}

static void without_a_limit_nobody_is_lost(void **state)
{
    (void)state;
    losses noted;
    begin(&noted, 0);
    kt_pulse_beat();
    kt_pulse_pause();
    kt_pulse_end();
    assert_int_equal(noted.calls, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_beats_is_not_lost),
        cmocka_unit_test(who_pauses_is_not_lost),
        cmocka_unit_test(a_job_that_stood_still_goes_on),
        cmocka_unit_test(who_is_silent_is_lost_and_all_are_told),
        cmocka_unit_test(without_a_limit_nobody_is_lost),
        cmocka_unit_test(the_first_rank_is_lost), /* the last: messages are left over */
    };
    MPI_Init(&argc, &argv);
    rank = kt_comm_rank(MPI_COMM_WORLD);
    size = kt_comm_size(MPI_COMM_WORLD);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
