/* Work is done once, however it is shared, interrupted and taken up again. An item here is a number of steps;
 * its state is how many are done, and in a team every step checks that all ranks are at the same one. */
#include "kt/comm.h"
#include "kt/halt.h"
#include "kt/pause.h"
#include "kt/work.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ITEMS = 24, STEP_NS = 30000, STATE_BYTES = 200000 };

static int rank, size;

typedef struct {
    int length[ITEMS], limit[ITEMS];
    double cost[ITEMS];
    size_t fails; /* item that fails, or ITEMS */
    /* of this rank */
    int steps[ITEMS], widest[ITEMS]; /* steps led; ranks of the largest team */
    volatile sig_atomic_t stop;
    int stop_at_step; /* of any item: this rank is asked to stop; 0: never */
    /* rank 0 */
    int results[ITEMS], heard, commits, states;
    int kept[ITEMS], committed[ITEMS]; /* steps by the last state */
    bool done[ITEMS];
    char text[STATE_BYTES];
} book;

static void pass_time(int ranks)
{
    const struct timespec nap = {0, STEP_NS / ranks};
    nanosleep(&nap, NULL);
}

static void same_step(int step, MPI_Comm team)
{
    int ends[2] = {step, -step};
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, ends, 2, MPI_INT, MPI_MAX, team, &request);
    kt_comm_wait(&request, MPI_STATUS_IGNORE);
    assert_true(ends[0] == step && ends[1] == -step);
}

/* Larger than what MPI sends before it is received. */
static char *padded(const char *text)
{
    char *bytes = calloc(STATE_BYTES, 1);
    assert_non_null(bytes);
    return strcpy(bytes, text);
}

static kt_status run(void *context, kt_work *work, kt_work_task *task, kt_error *err)
{
    book *b = context;
    int team = kt_comm_size(task->team), length = b->length[task->item];
    bool leads = kt_comm_rank(task->team) == 0;
    int step = task->state ? atoi(task->state) : 0;
    char text[32];
    b->widest[task->item] = team > b->widest[task->item] ? team : b->widest[task->item];
    while (step < length && !task->left) {
        if (team > 1)
            same_step(step, task->team);
        pass_time(team);
        step++;
        b->steps[task->item] += leads;
        if (b->stop_at_step > 0 && step >= b->stop_at_step)
            b->stop = 1;
        kt_work_order order = kt_work_turn(work, (uint64_t)step, (uint64_t)length);
        snprintf(text, sizeof text, "%d", step);
        if (order == KT_WORK_SAVE)
            kt_work_save(work, padded(text), STATE_BYTES);
        task->left = order == KT_WORK_LEAVE;
    }
    if (leads && !task->left)
        kt_work_tell(work, "end", 3);
    if (leads && task->item == b->fails)
        return kt_fail(err, KT_IO, "item %zu failed", task->item);
    snprintf(text, sizeof text, "%d", step);
    task->bytes = leads ? padded(text) : NULL;
    task->n = leads ? STATE_BYTES : 0;
    return KT_OK;
}

static void hear(void *context, const char *text, size_t n)
{
    book *b = context;
    assert_true(n == 3 && memcmp(text, "end", 3) == 0);
    b->heard++;
}

static const char *begun(void *context, size_t item, size_t *n)
{
    book *b = context;
    if (b->kept[item] == 0) {
        *n = 0;
        return NULL;
    }
    snprintf(b->text, sizeof b->text, "%d", b->kept[item]);
    *n = sizeof b->text;
    return b->text;
}

static kt_status result(void *context, size_t item, const char *bytes, size_t n, kt_error *err)
{
    book *b = context;
    (void)n, (void)err;
    assert_int_equal(atoi(bytes), b->length[item]);
    b->results[item]++;
    b->done[item] = true;
    return KT_OK;
}

static kt_status state(void *context, size_t item, const char *bytes, size_t n, kt_error *err)
{
    book *b = context;
    (void)n, (void)err;
    assert_false(b->done[item]);
    assert_true(atoi(bytes) > b->kept[item]);
    b->kept[item] = atoi(bytes);
    b->states++;
    return KT_OK;
}

static kt_status commit(void *context, kt_error *err)
{
    book *b = context;
    (void)err;
    b->commits++;
    memcpy(b->committed, b->kept, sizeof b->kept);
    return KT_OK;
}

static bool poll_halt(void *halt)
{
    kt_halt_poll(halt);
    return true; /* work that may be given up is another matter */
}

/* As a job does it; after: seconds until all are to stop, or 0. */
static kt_status work(bool *stopped, book *b, kt_work_options options, double after, kt_error *err)
{
    kt_halt *halt;
    kt_work_item items[ITEMS];
    const kt_work_calls calls = {run, hear, begun, result, state, commit, b};
    MPI_Bcast(b->done, (int)sizeof b->done, MPI_BYTE, 0, MPI_COMM_WORLD);
    for (int i = 0; i < ITEMS; i++)
        items[i] = (kt_work_item){.cost = b->cost[i], .limit = b->limit[i], .done = b->done[i]};
    b->stop = 0;
    assert_int_equal(kt_halt_begin(&halt, &b->stop, after, MPI_COMM_WORLD, NULL), KT_OK);
    options.stop = kt_halt_flag(halt);
    kt_pause_with((kt_pauser){poll_halt, halt});
    kt_status status = kt_work_run(stopped, items, ITEMS, &options, MPI_COMM_WORLD, &calls, err);
    assert_ptr_equal(kt_pause_with((kt_pauser){0}).context, halt);
    kt_halt_end(halt);
    return status;
}

static book new_book(void)
{
    book b = {.fails = ITEMS};
    for (int i = 0; i < ITEMS; i++) {
        b.length[i] = i == 7 ? 200 : 1 + i;
        b.limit[i] = i == 7 ? 3 : i % 5 == 0 ? 2 : 1;
        b.cost[i] = b.length[i];
    }
    return b;
}

/* Steps by all ranks, and the largest team of each item. */
static void sum_up(int *steps, int *widest, const book *b)
{
    MPI_Allreduce(b->steps, steps, ITEMS, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(b->widest, widest, ITEMS, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void every_item_is_done_once(void **unused)
{
    (void)unused;
    for (int mode = KT_PLAN_AUTO; mode <= KT_PLAN_DATA; mode++) {
        book b = new_book();
        int steps[ITEMS], widest[ITEMS];
        bool stopped = true;
        assert_int_equal(work(&stopped, &b, (kt_work_options){.parallel = (kt_plan_mode)mode}, 0, NULL),
                         KT_OK);
        assert_false(stopped);
        sum_up(steps, widest, &b);
        for (int i = 0; i < ITEMS; i++) {
            int most = least(b.limit[i], size);
            assert_int_equal(steps[i], b.length[i]);
            assert_true(widest[i] >= 1 && widest[i] <= most);
            if (mode != KT_PLAN_AUTO)
                assert_int_equal(widest[i], mode == KT_PLAN_DATA ? most : 1);
            assert_int_equal(b.results[i], rank == 0);
        }
        assert_int_equal(b.heard, rank == 0 ? ITEMS : 0);
        assert_int_equal(b.states + b.commits, 0);
    }
}

/* Two long items that look as cheap as the others, so that no team begins them. */
static void free_ranks_join_what_runs(void **unused)
{
    (void)unused;
    book b = new_book();
    int steps[ITEMS], widest[ITEMS];
    bool stopped;
    for (int i = 0; i < ITEMS; i++) {
        b.length[i] = i == 3 || i == 9 ? 4000 : 1;
        b.limit[i] = i == 3 ? 4 : i == 9 ? 2 : 1;
        b.cost[i] = 1;
    }
    /* an exchange that costs nothing: whether it pays must not hang on the machine's load */
    double latency = 1e-9;
    kt_work_options how = {.parallel = KT_PLAN_AUTO, .save_every = 0.02, .latency = &latency};
    assert_int_equal(work(&stopped, &b, how, 0, NULL), KT_OK);
    assert_false(stopped);
    sum_up(steps, widest, &b);
    if (rank == 0)
        print_message("%d ranks: teams of %d and %d; %d states in %d commits\n", size, widest[3], widest[9],
                      b.states, b.commits);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(steps[i], b.length[i]);
        assert_int_equal(b.results[i], rank == 0);
    }
    assert_true(widest[3] <= 4 && widest[9] <= 2);
    if (size >= 3)
        assert_true(widest[3] > 1 || widest[9] > 1);
    if (rank == 0)
        assert_true(b.states > 0 && b.commits > 0);
}

/* Stopped by each rank in turn, and by the clock, and taken up again from what was committed. */
static void stopped_work_goes_on(void **unused)
{
    (void)unused;
    for (int mode = KT_PLAN_AUTO; mode <= KT_PLAN_DATA; mode++) {
        book b = new_book();
        int steps[ITEMS], widest[ITEMS], starts = 0;
        bool stopped = true;
        while (stopped && starts < 1000) {
            bool by_clock = starts % (size + 1) == size;
            b.stop_at_step = !by_clock && starts % (size + 1) == rank ? 3 + starts / 4 : 0;
            kt_work_options how = {.parallel = (kt_plan_mode)mode};
            assert_int_equal(work(&stopped, &b, how, by_clock ? 0.003 : 0, NULL), KT_OK);
            assert_memory_equal(b.committed, b.kept, stopped ? sizeof b.kept : 0);
            starts++;
        }
        assert_false(stopped);
        assert_true(starts > 2);
        sum_up(steps, widest, &b);
        for (int i = 0; i < ITEMS; i++) {
            assert_int_equal(steps[i], b.length[i]); /* none lost, none done again */
            assert_int_equal(b.results[i], rank == 0);
        }
    }
}

static void a_failure_ends_the_work(void **unused)
{
    (void)unused;
    static const size_t failing[] = {7, 20, 0};
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        book b = new_book();
        kt_error err = {0};
        char expected[32];
        bool stopped;
        b.fails = failing[i];
        snprintf(expected, sizeof expected, "item %zu failed", failing[i]);
        assert_int_equal(work(&stopped, &b, (kt_work_options){.parallel = KT_PLAN_AUTO}, 0, &err), KT_IO);
        assert_string_equal(err.message, expected);
        assert_int_equal(b.commits, rank == 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once),
        cmocka_unit_test(free_ranks_join_what_runs),
        cmocka_unit_test(stopped_work_goes_on),
        cmocka_unit_test(a_failure_ends_the_work),
    };
    MPI_Init(&argc, &argv);
    rank = kt_comm_rank(MPI_COMM_WORLD);
    size = kt_comm_size(MPI_COMM_WORLD);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
