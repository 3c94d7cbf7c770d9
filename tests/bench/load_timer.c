/* kt-bench-timer RATE SECONDS: wakes up at Poisson times as a load generator does, and sends nothing. Prints
 * how late each wake-up was, in ms: what this machine allows at this moment. */
#include "kt/load.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000 };

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

int main(int argc, char **argv)
{
    kt_load_options options = {.seed = 1};
    kt_load_request *requests = NULL;
    size_t n;
    if (argc != 3 || (options.rate = atof(argv[1])) <= 0 || (options.seconds = atof(argv[2])) <= 0)
        return 2;
    if (kt_load_schedule(&requests, &n, &options, NULL) != KT_OK)
        return 1;
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    int64_t begin = now() + 1000000;
    for (size_t i = 0; i < n; i++) {
        int64_t due = begin + requests[i].due;
        struct itimerspec when = {.it_value = {due / SECOND, due % SECOND}};
        uint64_t times;
        if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) != 0 ||
            read(timer, &times, sizeof times) < 0)
            return 1;
        requests[i].done = now() - due;
    }
    for (size_t i = 0; i < n; i++)
        printf("%.6f\n", (double)requests[i].done * 1e-6);
    free(requests);
    return 0;
}
