#include "kt/pause.h"
#include <stdint.h>
#include <time.h>

enum { EVERY_NS = 1000000 };

static kt_pauser own;
static bool pausing, gives_up;
static int64_t due; /* ns of the monotonic clock */

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

kt_pauser kt_pause_with(kt_pauser pauser)
{
    kt_pauser before = own;
    own = pauser;
    gives_up = false;
    return before;
}

void kt_pause(void)
{
    if (!own.call || pausing || now() < due)
        return;
    pausing = true;
    gives_up = own.call(own.context);
    pausing = false;
    due = now() + EVERY_NS;
}

kt_status kt_go_on(kt_error *err)
{
    kt_pause();
    return gives_up ? kt_fail(err, KT_STOPPED, "stopped on request") : KT_OK;
}
