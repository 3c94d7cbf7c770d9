#include "kt/pulse.h"
#include "kt/comm.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of the limit: how often a rank beats, and how often it looks for what came. */
enum { BEATS = 12, LOOKS = 240, TAG_PULSE = 1, NAP_NS = 1000000 };
#define FAREWELL 0.5 /* s until a rank leaves that has told the others to */

enum { BEAT, PAUSE, LOST, END };
typedef struct {
    int32_t kind, rank; /* rank, seconds: of LOST */
    double seconds;
} message;

typedef struct {
    MPI_Request sending;
    message out;        /* what is being sent */
    double heard;       /* by our clock */
    bool paused, ended; /* nothing is to be expected */
} peer;

typedef struct pulse {
    struct pulse *former;
    kt_pulse_options options;
    MPI_Comm comm;
    int rank, size;
    int first, last; /* peers: rank 0 has all others, these have rank 0 */
    peer *peers;     /* [size] */
    char (*hosts)[MPI_MAX_PROCESSOR_NAME];
    double clock; /* seconds of listening */
    double seen;  /* monotonic time to which the clock goes */
    double look;  /* monotonic time of the next look */
    double beat;  /* monotonic time of the next beat */
} pulse;

static pulse *own, *former; /* former: those that ended with a loss */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void nap(void)
{
    const struct timespec length = {0, NAP_NS};
    nanosleep(&length, NULL);
}

/* ---- sending ---- */

static bool is_sent(peer *to)
{
    int done;
    MPI_Test(&to->sending, &done, MPI_STATUS_IGNORE);
    return done;
}

static void send_to(pulse *p, int r, message m)
{
    peer *to = &p->peers[r];
    to->out = m;
    MPI_Isend(&to->out, sizeof to->out, MPI_BYTE, r, TAG_PULSE, p->comm, &to->sending);
}

static void beat(pulse *p)
{
    for (int r = p->first; r < p->last; r++) {
        peer *to = &p->peers[r];
        if (!to->paused && !to->ended && is_sent(to))
            send_to(p, r, (message){.kind = BEAT});
    }
}

/* To all that take it before `until`, after whatever is under way to them. */
static void send_all(pulse *p, message m, double until)
{
    bool again = true;
    for (int r = p->first; r < p->last; r++) {
        while (!is_sent(&p->peers[r]) && now() < until)
            nap();
        if (is_sent(&p->peers[r]))
            send_to(p, r, m);
    }
    while (again && now() < until) {
        again = false;
        for (int r = p->first; r < p->last; r++)
            again |= !is_sent(&p->peers[r]);
        if (again)
            nap();
    }
}

/* ---- hearing and judging ---- */

static void discard(pulse *p)
{
    free(p->peers);
    free(p->hosts);
    free(p);
    own = NULL;
}

/* Is no lower rank on this rank's host, besides rank 0? */
static bool is_first_of_host(const pulse *p)
{
    for (int r = 1; r < p->rank; r++)
        if (strcmp(p->hosts[r], p->hosts[p->rank]) == 0)
            return false;
    return true;
}

static void report(pulse *p, int rank, double seconds, bool speak)
{
    if (p->rank == 0)
        send_all(p, (message){LOST, rank, seconds}, now() + FAREWELL);
    p->options.lost(p->options.context, rank, p->hosts[rank], seconds, speak);
    MPI_Comm_free(&p->comm);
    p->former = former; /* requests may be under way: their memory is left to them */
    former = p;
    own = NULL;
}

static void hear(pulse *p)
{
    for (;;) {
        int there;
        message m;
        MPI_Status from;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_PULSE, p->comm, &there, &from);
        if (!there)
            return;
        MPI_Recv(&m, sizeof m, MPI_BYTE, from.MPI_SOURCE, TAG_PULSE, p->comm, MPI_STATUS_IGNORE);
        if (m.kind == LOST) {
            report(p, m.rank, m.seconds, false);
            return;
        }
        peer *who = &p->peers[from.MPI_SOURCE];
        who->heard = p->clock;
        who->paused = m.kind == PAUSE;
        who->ended = m.kind == END;
    }
}

static void judge(pulse *p)
{
    for (int r = p->first; r < p->last; r++) {
        const peer *who = &p->peers[r];
        double silent = p->clock - who->heard;
        if (!who->paused && !who->ended && silent >= p->options.limit) {
            report(p, r, silent, p->rank == 0 || is_first_of_host(p));
            return;
        }
    }
}

/* One look. Between two of them little is added to the clock, however long it was: who did not listen cannot
 * have heard. */
static void listen(pulse *p, double time)
{
    p->clock += fmin(time - p->seen, p->options.limit / BEATS);
    p->seen = time;
    p->look = time + p->options.limit / LOOKS;
    hear(p);
    if (own)
        judge(p);
}

void kt_pulse_beat(void)
{
    pulse *p = own;
    double time;
    if (!p || (time = now()) < p->look)
        return;
    listen(p, time);
    if (!own || time < p->beat)
        return;
    p->beat = time + p->options.limit / BEATS;
    beat(p);
}

void kt_pulse_pause(void)
{
    pulse *p = own;
    if (!p)
        return;
    send_all(p, (message){.kind = PAUSE}, now() + p->options.limit / BEATS);
    p->look = p->beat = 0; /* what comes next beats at once */
}

/* ---- begin and end ---- */

kt_status kt_pulse_begin(const kt_pulse_options *options, MPI_Comm comm, kt_error *err)
{
    kt_status status = KT_OK;
    pulse *p = NULL;
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int size = kt_comm_size(comm), length;
    if (options->limit <= 0 || size == 1)
        return KT_OK;
    status = kt_alloc(&p, 1, sizeof *p, err);
    if (status == KT_OK)
        status = kt_alloc(&p->peers, (size_t)size, sizeof *p->peers, err);
    if (status == KT_OK)
        status = kt_alloc(&p->hosts, (size_t)size, sizeof *p->hosts, err);
    KT_TRY(kt_comm_agree(comm, status, err));
    p->options = *options;
    p->size = size;
    p->rank = kt_comm_rank(comm);
    p->first = p->rank == 0 ? 1 : 0;
    p->last = p->rank == 0 ? size : 1;
    for (int r = 0; r < size; r++)
        p->peers[r].sending = MPI_REQUEST_NULL;
    MPI_Comm_dup(comm, &p->comm);
    MPI_Get_processor_name(host, &length);
    MPI_Allgather(host, sizeof host, MPI_CHAR, p->hosts, sizeof host, MPI_CHAR, comm);
    p->seen = now();
    own = p;
    return KT_OK;
out:
    if (p)
        discard(p);
    return status;
}

void kt_pulse_end(void)
{
    pulse *p = own;
    bool waits = true;
    if (!p)
        return;
    send_all(p, (message){.kind = END}, now() + p->options.limit);
    while (own && waits) {
        listen(p, now());
        waits = false;
        for (int r = p->first; own && r < p->last; r++)
            waits |= !p->peers[r].ended || !is_sent(&p->peers[r]);
        if (own && waits)
            nap();
    }
    if (!own)
        return;
    MPI_Comm_free(&p->comm);
    discard(p);
}
