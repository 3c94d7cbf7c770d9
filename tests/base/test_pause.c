#include "kt/pause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* The clock that the pauses see. */
static int64_t clock_ns;
int __wrap_clock_gettime(clockid_t id, struct timespec *time);
int __wrap_clock_gettime(clockid_t id, struct timespec *time)
{
    (void)id;
    *time = (struct timespec){clock_ns / 1000000000, clock_ns % 1000000000};
    return 0;
}

typedef struct {
    int calls, stops_at; /* at which call it wants all given up; 0: never */
    bool within;         /* pauses within a pause */
} caller;

static bool call(void *context)
{
    caller *c = context;
    c->calls++;
    if (c->within) {
        clock_ns += 1000000000;
        kt_pause();
    }
    return c->stops_at > 0 && c->calls >= c->stops_at;
}

static void pass(double ms)
{
    clock_ns += (int64_t)(ms * 1e6);
    kt_pause();
}

static void calls_are_a_millisecond_apart(void **state)
{
    (void)state;
    caller c = {.calls = 0}, inner = {.calls = 0};
    kt_pause(); /* there is none */
    pass(5);
    kt_pauser before = kt_pause_with((kt_pauser){call, &c});
    assert_null(before.call);
    kt_pause();
    assert_int_equal(c.calls, 1);
    for (int i = 0; i < 100; i++)
        pass(0.0099);
    assert_int_equal(c.calls, 1);
    for (int i = 0; i < 100; i++)
        pass(0.01);
    assert_int_equal(c.calls, 2);
    before = kt_pause_with((kt_pauser){call, &inner});
    assert_ptr_equal(before.context, &c);
    pass(2);
    kt_pause_with(before);
    pass(2);
    assert_int_equal(inner.calls, 1);
    assert_int_equal(c.calls, 3);
    kt_pause_with((kt_pauser){0});
    pass(2);
    assert_int_equal(c.calls, 3);
}

static void a_pause_has_none_within(void **state)
{
    (void)state;
    caller c = {.within = true};
    kt_pause_with((kt_pauser){call, &c});
    pass(2);
    pass(2);
    assert_int_equal(c.calls, 2);
    kt_pause_with((kt_pauser){0});
}

static void innermost_loops_pause_seldom(void **state)
{
    (void)state;
    caller c = {.calls = 0};
    kt_pause_with((kt_pauser){call, &c});
    for (int i = 0; i < 3 * 4096; i++) {
        clock_ns += 2000000;
        KT_PAUSE_OFTEN();
    }
    assert_int_equal(c.calls, 3);
    kt_pause_with((kt_pauser){0});
}

static void work_is_given_up_when_asked(void **state)
{
    (void)state;
    caller c = {.stops_at = 2};
    kt_error err = {0};
    assert_int_equal(kt_go_on(&err), KT_OK);
    kt_pause_with((kt_pauser){call, &c});
    clock_ns += 2000000;
    assert_int_equal(kt_go_on(&err), KT_OK);
    assert_int_equal(kt_go_on(&err), KT_OK);
    pass(2); /* learns of it */
    assert_int_equal(c.calls, 2);
    assert_int_equal(kt_go_on(&err), KT_STOPPED);
    assert_string_equal(err.message, "stopped on request");
    kt_pause_with((kt_pauser){0});
    assert_int_equal(kt_go_on(NULL), KT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_a_millisecond_apart),
        cmocka_unit_test(a_pause_has_none_within),
        cmocka_unit_test(innermost_loops_pause_seldom),
        cmocka_unit_test(work_is_given_up_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
