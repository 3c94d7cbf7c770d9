/* An HTTP server whose every answer is known: load_server [LOG]. One thread, epoll, fast enough to measure a
 * load generator with. Prints its port on stdout and serves until it is killed or its stdin ends.
 *
 *   /ok            200 at once           /sleep/MS   200 after MS, others are served meanwhile
 *   /queue/MS      200; one request after the other, each takes MS
 *   /stall/N/MS    200; the N-th request stops the whole server for MS
 *   /status/CODE   that code             /close      200, then the connection is closed
 *   /reset         a reset               /cut        the answer breaks off
 *   /hang          no answer ever
 *
 * LOG gets a line for each request, when the server ends: arrival (ns since 1970), method, path, length of
 * the body, traceparent, authorization, connection's number, arrival by the monotonic clock. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 65536, MOST = 4096, MS = 1000000 };

typedef struct {
    int number;
    size_t used;
    int64_t answer_at; /* 0: nothing to answer */
    char data[ROOM];
} connection;

static connection *connections[MOST]; /* by descriptor */
static int waiting, opened;
static size_t requests;
static int64_t queue_free;
static char *log_text;
static size_t log_bytes;
static FILE *log_to;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static void end(int s, bool reset)
{
    struct linger hard = {1, 0};
    if (reset)
        setsockopt(s, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    waiting -= connections[s]->answer_at != 0;
    free(connections[s]);
    connections[s] = NULL;
    close(s);
}

static void answer(int s, int code, const char *more)
{
    char text[256];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 2\r\n%s\r\nok", code, more);
    if (write(s, text, (size_t)n) != n)
        end(s, false);
}

static void header(char *to, size_t room, const char *request, const char *name)
{
    const char *at = strcasestr(request, name);
    *to = '\0';
    if (at)
        snprintf(to, room, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
}

static void note(const char *request, const char *method, const char *path, long body, int number)
{
    char trace[80], login[80];
    if (!log_to)
        return;
    header(trace, sizeof trace, request, "\r\ntraceparent: ");
    header(login, sizeof login, request, "\r\nauthorization: ");
    fprintf(log_to, "%lld,%s,%s,%ld,%s,%s,%d,%lld\n", (long long)clock_ns(CLOCK_REALTIME), method, path, body,
            trace, login, number, (long long)now());
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * MS};
    nanosleep(&t, NULL);
}

static void later(int s, int64_t when)
{
    connections[s]->answer_at = when;
    waiting++;
}

static void serve(int s, const char *path)
{
    long a = 0, b = 0;
    requests++;
    if (sscanf(path, "/sleep/%ld", &a) == 1) {
        later(s, now() + a * MS);
    } else if (sscanf(path, "/queue/%ld", &a) == 1) {
        queue_free = (queue_free > now() ? queue_free : now()) + a * MS;
        later(s, queue_free);
    } else if (sscanf(path, "/stall/%ld/%ld", &a, &b) == 2) {
        if (requests == (size_t)a)
            pause_ms(b);
        answer(s, 200, "");
    } else if (sscanf(path, "/status/%ld", &a) == 1) {
        answer(s, (int)a, "");
    } else if (strcmp(path, "/close") == 0) {
        answer(s, 200, "Connection: close\r\n");
        if (connections[s])
            end(s, false);
    } else if (strcmp(path, "/reset") == 0) {
        end(s, true);
    } else if (strcmp(path, "/cut") == 0) {
        static const char text[] = "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nok";
        if (write(s, text, sizeof text - 1) > 0)
            end(s, false);
    } else if (strcmp(path, "/hang") != 0) {
        answer(s, 200, "");
    }
}

/* Every whole request of what has come. */
static void read_requests(int s)
{
    connection *c = connections[s];
    while (connections[s] && c->answer_at == 0) {
        char method[16], path[256], length[32];
        c->data[c->used] = '\0';
        char *body = strstr(c->data, "\r\n\r\n");
        if (!body || sscanf(c->data, "%15s %255s", method, path) != 2)
            return;
        body[2] = '\0';
        header(length, sizeof length, c->data, "\r\ncontent-length: ");
        size_t whole = (size_t)(body - c->data) + 4 + (size_t)atol(length);
        if (whole > c->used) {
            body[2] = '\r';
            return;
        }
        note(c->data, method, path, atol(length), c->number);
        memmove(c->data, c->data + whole, c->used - whole);
        c->used -= whole;
        serve(s, path);
    }
}

static void readable(int s)
{
    connection *c = connections[s];
    ssize_t got = read(s, c->data + c->used, ROOM - 1 - c->used);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        end(s, false);
        return;
    }
    c->used += got > 0 ? (size_t)got : 0;
    read_requests(s);
}

static void take(int poll, int listener)
{
    int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), on = 1;
    if (s < 0 || s >= MOST)
        abort();
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[s] = calloc(1, sizeof(connection));
    connections[s]->number = opened++;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = s};
    epoll_ctl(poll, EPOLL_CTL_ADD, s, &event);
}

static void answer_those_due(void)
{
    for (int s = 0; s < MOST; s++)
        if (connections[s] && connections[s]->answer_at != 0 && connections[s]->answer_at <= now()) {
            connections[s]->answer_at = 0;
            waiting--;
            answer(s, 200, "");
            if (connections[s])
                read_requests(s);
        }
}

static int listen_anywhere(void)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    if (s < 0 || bind(s, (struct sockaddr *)&at, n) != 0 || listen(s, 4096) != 0 ||
        getsockname(s, (struct sockaddr *)&at, &n) != 0)
        exit(1);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return s;
}

static void write_log(const char *path)
{
    if (!log_to)
        return;
    fclose(log_to);
    FILE *file = fopen(path, "w");
    fwrite(log_text, 1, log_bytes, file);
    fclose(file);
    free(log_text);
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1)
        log_to = open_memstream(&log_text, &log_bytes);
    int listener = listen_anywhere(), poll = epoll_create1(EPOLL_CLOEXEC), signals = open_signals();
    int watched[] = {listener, signals, STDIN_FILENO};
    for (size_t i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = watched[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, watched[i], &event); /* a stdin that is a file cannot end */
    }
    for (bool serving = true; serving;) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, waiting > 0 ? 1 : -1);
        for (int i = 0; i < n; i++) {
            int s = events[i].data.fd;
            if (s == listener)
                take(poll, listener);
            else if (s == signals || s == STDIN_FILENO)
                serving = false;
            else if (connections[s])
                readable(s);
        }
        if (waiting > 0)
            answer_those_due();
    }
    write_log(argc > 1 ? argv[1] : "");
    return 0;
}
