#include "kt/load.h"

#include "load_transfers.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

const char *const kt_load_error_text[KT_LOAD_ERRORS] = {
#define X(name, text) text,
    KT_LOAD_ERROR_LIST(X)
#undef X
};
const char *const kt_load_phase_text[] = {"measured", "warmup", "cooldown"};

typedef struct {
    const kt_load_options *o;
    kt_load_result *result;
    transfers *transfers;
    size_t sent, done;   /* requests [0, sent) were sent */
    size_t errors, lost; /* lost: in a row without any answer */
    int poll, timer;
    int64_t origin;      /* of the schedule, monotonic */
    int64_t to_unix;     /* monotonic to ns since 1970 */
    int64_t armed;       /* what the timer is set to */
    int64_t asked, told; /* when the caller was */
    int64_t answered;    /* when the server last answered anything, or the begin */
    kt_load_order order;
} engine;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * LOAD_SECOND + t.tv_nsec;
}

int64_t load_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* The difference of the clocks: of a few tries the one that was disturbed least. */
static int64_t monotonic_to_unix(void)
{
    int64_t best = INT64_MAX, difference = 0;
    for (int i = 0; i < 5; i++) {
        int64_t before = load_now(), unix_time = clock_ns(CLOCK_REALTIME), width = load_now() - before;
        if (width < best) {
            best = width;
            difference = unix_time - before - width / 2;
        }
    }
    return difference;
}

static bool wants_more(const engine *e)
{
    return e->sent < e->result->planned && e->order == KT_LOAD_GO;
}

static int64_t next_due(const engine *e)
{
    return e->origin + e->result->request[e->sent].due;
}

/* Sends what is due. Of those that cannot be sent for want of a slot the first is marked here, the others
 * when their turn comes: whoever stands behind one that waits has waited too. */
static kt_status send_due(engine *e, kt_error *err)
{
    kt_status status = KT_OK;
    bool behind = false;
    while (wants_more(e) && next_due(e) <= load_now()) {
        kt_load_request *r = &e->result->request[e->sent];
        r->waited = behind = r->waited || behind || !transfers_free(e->transfers);
        if (!transfers_free(e->transfers))
            break;
        KT_TRY(transfers_start(e->transfers, e->sent, err));
        r->sent = load_now();
        r->waited = r->waited && r->sent - next_due(e) > LOAD_MS;
        e->sent++;
    }
out:
    return status;
}

static void finish_ended(engine *e)
{
    transfer_end end;
    while (transfers_next(&end, e->transfers)) {
        kt_load_request *r = &e->result->request[end.number];
        r->done = load_now();
        r->status = end.status;
        r->error = (uint8_t)end.error;
        e->done++;
        e->errors += end.error != KT_LOAD_NONE;
        e->lost = end.status > 0 ? 0 : e->lost + 1;
        if (end.status > 0)
            e->answered = r->done;
        else
            snprintf(e->result->reason, sizeof e->result->reason, "%s", end.reason);
    }
}

/* Of no use any more: at least 10 requests in a row, and all for so long, had no answer. */
static bool is_gone(const engine *e, int64_t now)
{
    return e->lost >= 10 && (double)(now - e->answered) > e->o->give_up_s * LOAD_SECOND;
}

static void ask_and_tell(engine *e)
{
    int64_t now = load_now();
    if (e->o->stop && now - e->asked >= 20 * LOAD_MS) {
        kt_load_order order = e->o->stop(e->o->context);
        e->asked = now;
        if (order > e->order) {
            e->order = order;
            e->result->end = KT_LOAD_STOPPED;
        }
    }
    if (e->order == KT_LOAD_GO && is_gone(e, now)) {
        e->order = KT_LOAD_DROP;
        e->result->end = KT_LOAD_GONE;
    }
    if (e->o->progress && now - e->told >= 100 * LOAD_MS) {
        e->told = now;
        e->o->progress(e->o->context, e->sent, e->done, e->errors);
    }
}

/* Sleeps until something is due or a socket is ready. The timer takes absolute times and is exact to some
 * microseconds, which the timeouts of epoll are not. */
static kt_status sleep_until_due(int *n, struct epoll_event *events, int most, engine *e, kt_error *err)
{
    int64_t due = load_now() + 50 * LOAD_MS;
    if (transfers_due(e->transfers) < due)
        due = transfers_due(e->transfers);
    if (wants_more(e) && transfers_free(e->transfers) && next_due(e) < due)
        due = next_due(e);
    if (due != e->armed) {
        struct itimerspec when = {.it_value = {due / LOAD_SECOND, due % LOAD_SECOND}};
        if (timerfd_settime(e->timer, TFD_TIMER_ABSTIME, &when, NULL) != 0)
            return kt_fail_errno(err, KT_IO, "the load: cannot set a timer");
        e->armed = due;
    }
    *n = epoll_wait(e->poll, events, most, -1);
    if (*n < 0 && errno != EINTR)
        return kt_fail_errno(err, KT_IO, "the load: cannot wait");
    if (*n < 0) { /* a signal: whoever caught it wants to be asked */
        *n = 0;
        e->asked = 0;
    }
    return KT_OK;
}

static kt_status handle(engine *e, const struct epoll_event *event, kt_error *err)
{
    if (event->data.fd != e->timer)
        return transfers_ready(e->transfers, event->data.fd, event->events, err);
    e->armed = 0; /* set anew before the next sleep, which clears it too */
    return KT_OK;
}

static kt_status work(engine *e, kt_error *err)
{
    kt_status status = KT_OK;
    struct epoll_event events[64];
    while (e->order != KT_LOAD_DROP && (wants_more(e) || e->done < e->sent)) {
        int n;
        KT_TRY(send_due(e, err));
        KT_TRY(sleep_until_due(&n, events, 64, e, err));
        for (int i = 0; i < n; i++) { /* what falls due goes first */
            KT_TRY(send_due(e, err));
            KT_TRY(handle(e, &events[i], err));
            finish_ended(e);
        }
        if (transfers_due(e->transfers) <= load_now())
            KT_TRY(transfers_due_now(e->transfers, err));
        finish_ended(e); /* also those that ended where they began: refused ones */
        ask_and_tell(e);
    }
out:
    return status;
}

static kt_status open_engine(engine *e, kt_error *err)
{
    kt_status status = KT_OK;
    e->poll = epoll_create1(EPOLL_CLOEXEC);
    e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = e->timer};
    if (e->poll < 0 || e->timer < 0 || epoll_ctl(e->poll, EPOLL_CTL_ADD, e->timer, &event) != 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "the load: cannot make a timer"));
    KT_TRY(transfers_open(&e->transfers, e->poll, e->o, err));
out:
    return status;
}

static void close_engine(engine *e)
{
    transfers_close(e->transfers);
    if (e->poll >= 0)
        close(e->poll);
    if (e->timer >= 0)
        close(e->timer);
}

/* Times of the monotonic clock become those of 1970; what was under way is said to be dropped. */
static void settle(engine *e)
{
    int64_t now = load_now();
    bool answered = e->sent == 0;
    e->result->n = e->sent;
    for (size_t i = 0; i < e->sent; i++) {
        kt_load_request *r = &e->result->request[i];
        answered = answered || r->status > 0;
        if (r->done == 0) {
            r->done = now;
            r->error = KT_LOAD_DROPPED;
        }
        r->due += e->origin + e->to_unix;
        r->sent += e->to_unix;
        r->done += e->to_unix;
    }
    if (e->result->end == KT_LOAD_ALL && !answered)
        e->result->end = KT_LOAD_UNANSWERED;
}

kt_status kt_load_run(kt_load_result *result, const kt_load_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    engine e = {.o = options, .result = result, .poll = -1, .timer = -1};
    assert(options->rate > 0 && options->most > 0 && (options->requests > 0 || options->seconds > 0));
    KT_TRY(open_engine(&e, err));
    KT_TRY(kt_load_schedule(&result->request, &result->planned, options, err));
    e.to_unix = monotonic_to_unix();
    e.origin = e.answered = load_now() + LOAD_MS;
    KT_TRY(work(&e, err));
    settle(&e);
out:
    close_engine(&e);
    return status;
}

void kt_load_result_clear(kt_load_result *result)
{
    free(result->request);
    *result = (kt_load_result){.n = 0};
}
