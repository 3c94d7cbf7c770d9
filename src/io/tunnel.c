#include "kt/tunnel.h"

#include "kt/when.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct kt_tunnel {
    pid_t ssh;  /* 0: has ended */
    int words;  /* a file in memory that takes what ssh says: a pipe could fill up and hold it */
    off_t told; /* of them, before it was ready: the login host's greeting */
    int port;
    char *destination; /* without the port */
    char *host_port;   /* of the login host, or NULL */
    char *listen;      /* what ssh is told to forward */
    char *address;     /* the proxy or route */
    bool forward;
};

enum { CLOSE_MS = 2000, LOOK_MS = 30, ENDS_MS = 300, WORDS = 700 };

/* ---- what the caller named ---- */

static bool is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= 5 && text[n] == '\0' && atoi(text) >= 1 && atoi(text) <= 65535;
}

/* [user@]host[:port]: an IPv6 address with a port stands in brackets. */
static kt_status split(kt_tunnel *t, const char *destination, kt_error *err)
{
    kt_status status = KT_OK;
    const char *host = strrchr(destination, '@') ? strrchr(destination, '@') + 1 : destination;
    const char *colon = strrchr(host, ':');
    bool brackets = host[0] == '[';
    if (destination[0] == '-' || host[0] == '-' || host[0] == '\0' || host[0] == ':')
        KT_TRY(kt_fail(err, KT_USAGE, "--ssh %s: [user@]host[:port] is wanted", destination));
    for (const char *c = destination; *c; c++)
        if (iscntrl((unsigned char)*c) || isspace((unsigned char)*c))
            KT_TRY(kt_fail(err, KT_USAGE, "--ssh %s: a host has no blanks", destination));
    if (colon && !brackets && memchr(host, ':', (size_t)(colon - host)))
        colon = NULL; /* a bare IPv6 address */
    if (colon && brackets && colon[-1] != ']')
        colon = NULL;
    if (colon && !is_port(colon + 1))
        KT_TRY(kt_fail(err, KT_USAGE, "--ssh %s: '%s' is no port", destination, colon + 1));
    size_t n = colon ? (size_t)(colon - destination) : strlen(destination);
    if (brackets && destination[n - 1] == ']')
        KT_TRY(kt_format(&t->destination, err, "%.*s%.*s", (int)(host - destination), destination,
                         (int)(destination + n - 1 - host - 1), host + 1));
    else
        KT_TRY(kt_format(&t->destination, err, "%.*s", (int)n, destination));
    if (colon)
        KT_TRY(kt_strdup(&t->host_port, colon + 1, err));
out:
    return status;
}

static kt_status check_forward(const char *forward, kt_error *err)
{
    const char *colon = strrchr(forward, ':');
    bool blank = false;
    for (const char *c = forward; *c; c++)
        blank |= iscntrl((unsigned char)*c) || isspace((unsigned char)*c);
    if (!blank && colon && colon != forward && is_port(colon + 1))
        return KT_OK;
    return kt_fail(err, KT_USAGE, "--ssh-forward %s: HOST:PORT is wanted", forward);
}

/* ---- the port ---- */

/* A free port, held until ssh listens: bound and not listening, it is nobody else's to be given, and ssh,
 * which reuses addresses as this does, may bind it too. */
static kt_status hold_port(int *held, int *port, kt_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int yes = 1;
    *held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*held < 0 || setsockopt(*held, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(*held, (struct sockaddr *)&address, length) != 0 ||
        getsockname(*held, (struct sockaddr *)&address, &length) != 0)
        return kt_fail_errno(err, KT_IO, "no free port on the loopback interface for a tunnel");
    *port = ntohs(address.sin_port);
    return KT_OK;
}

/* Does a process of this user listen there? Told from the kernel's table of sockets: no connection has to be
 * tried, and one of another user is not taken for ours. */
static bool listens(int port)
{
    enum { LISTEN = 0x0A, LINE = 256 };
    char line[LINE];
    bool found = false;
    FILE *table = fopen("/proc/net/tcp", "re");
    while (table && !found && fgets(line, sizeof line, table)) {
        unsigned address, local, state, user;
        found = sscanf(line, " %*u: %x:%x %*x:%*x %x %*x:%*x %*x:%*x %*x %u", &address, &local, &state,
                       &user) == 4 &&
                address == htonl(INADDR_LOOPBACK) && local == (unsigned)port && state == LISTEN &&
                user == geteuid();
    }
    if (table)
        fclose(table);
    return found;
}

/* ---- the child ---- */

/* Between fork and exec: only what is safe there. */
static void become_ssh(const kt_tunnel *t, pid_t parent, char *const *argv)
{
    sigset_t none;
    int nothing = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    setsid(); /* Ctrl-C at the terminal is for the parent to hear */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(t->words, STDERR_FILENO);
    execvp(argv[0], argv);
    static const char sorry[] = "the program ssh cannot be run: is OpenSSH's client installed?";
    if (write(STDERR_FILENO, sorry, sizeof sorry - 1) < 0)
        _exit(126);
    _exit(127);
}

static kt_status start(kt_tunnel *t, kt_error *err)
{
    char *argv[32];
    int n = 0;
    static const char *const options[] = {"ssh",
                                          "-N",
                                          "-T",
                                          "-o",
                                          "BatchMode=yes",
                                          "-o",
                                          "ExitOnForwardFailure=yes",
                                          "-o",
                                          "ServerAliveInterval=15",
                                          "-o",
                                          "ForkAfterAuthentication=no",
                                          "-o",
                                          "ControlMaster=no"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        argv[n++] = (char *)options[i];
    if (t->host_port) {
        argv[n++] = "-p";
        argv[n++] = t->host_port;
    }
    argv[n++] = t->forward ? "-L" : "-D";
    argv[n++] = t->listen;
    argv[n++] = "--";
    argv[n++] = t->destination;
    argv[n] = NULL;
    pid_t parent = getpid();
    t->ssh = fork();
    if (t->ssh == 0)
        become_ssh(t, parent, argv);
    if (t->ssh > 0)
        return KT_OK;
    t->ssh = 0;
    return kt_fail_errno(err, KT_IO, "no process for ssh");
}

static bool has_ended(kt_tunnel *t)
{
    if (t->ssh > 0 && waitpid(t->ssh, NULL, WNOHANG) != 0)
        t->ssh = 0;
    return t->ssh == 0;
}

/* The end of what ssh said, one line: its reason stands there. */
static void last_words(char out[WORDS], const kt_tunnel *t)
{
    off_t size = lseek(t->words, 0, SEEK_END),
          from = size - t->told > WORDS - 1 ? size - (WORDS - 1) : t->told;
    ssize_t n = size > from ? pread(t->words, out, (size_t)(size - from), from) : 0;
    out[n > 0 ? n : 0] = '\0';
    size_t used = 0;
    for (const char *c = out; *c; c++) {
        bool blank = isspace((unsigned char)*c);
        if (!blank || (used > 0 && out[used - 1] != ' '))
            out[used++] = blank ? ' ' : *c;
    }
    out[used] = '\0';
    while (used > 0 && out[used - 1] == ' ')
        out[--used] = '\0';
}

static kt_status failed(const kt_tunnel *t, const char *what, kt_error *err)
{
    char words[WORDS];
    last_words(words, t);
    return kt_fail(err, KT_IO, "ssh %s%s%s: %s%s%s", t->destination, t->host_port ? " -p " : "",
                   t->host_port ? t->host_port : "", what, words[0] ? ": " : "", words);
}

static kt_status wait_until_ready(kt_tunnel *t, double wait_s, bool (*stop)(void *), void *context,
                                  kt_error *err)
{
    int64_t end = kt_when_now() + (int64_t)(wait_s * 1e9);
    while (!listens(t->port)) {
        char what[80];
        snprintf(what, sizeof what, "no tunnel after %.0f s", wait_s);
        if (has_ended(t))
            return failed(t, "no tunnel", err);
        if (stop && stop(context))
            return kt_fail(err, KT_STOPPED, "stopped while ssh was connecting to %s", t->destination);
        if (kt_when_now() > end)
            return failed(t, what, err);
        poll(NULL, 0, LOOK_MS);
    }
    return KT_OK;
}

kt_status kt_tunnel_open(kt_tunnel **tunnel, const char *destination, const char *forward, double wait_s,
                         bool (*stop)(void *context), void *context, kt_error *err)
{
    kt_status status = KT_OK;
    kt_tunnel *t = NULL;
    int held = -1;
    *tunnel = NULL;
    KT_TRY(kt_alloc(&t, 1, sizeof *t, err));
    t->words = -1;
    t->forward = forward != NULL;
    KT_TRY(split(t, destination, err));
    if (forward)
        KT_TRY(check_forward(forward, err));
    t->words = memfd_create("ssh", MFD_CLOEXEC);
    if (t->words < 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "no file for what ssh says"));
    KT_TRY(hold_port(&held, &t->port, err));
    KT_TRY(
        kt_format(&t->listen, err, "127.0.0.1:%d%s%s", t->port, forward ? ":" : "", forward ? forward : ""));
    KT_TRY(kt_format(&t->address, err, "%s127.0.0.1:%d", forward ? "" : "socks5h://", t->port));
    KT_TRY(start(t, err));
    KT_TRY(wait_until_ready(t, wait_s, stop, context, err));
    t->told = lseek(t->words, 0, SEEK_END);
    *tunnel = t;
    t = NULL;
out:
    if (held >= 0)
        close(held);
    kt_tunnel_close(t);
    return status;
}

void kt_tunnel_close(kt_tunnel *t)
{
    if (!t)
        return;
    if (!has_ended(t)) {
        kill(t->ssh, SIGTERM);
        for (int waited = 0; !has_ended(t) && waited < CLOSE_MS; waited += LOOK_MS)
            poll(NULL, 0, LOOK_MS);
    }
    if (t->ssh > 0) {
        kill(t->ssh, SIGKILL);
        waitpid(t->ssh, NULL, 0);
    }
    if (t->words >= 0)
        close(t->words);
    free(t->destination);
    free(t->host_port);
    free(t->listen);
    free(t->address);
    free(t);
}

const char *kt_tunnel_proxy(const kt_tunnel *tunnel)
{
    return tunnel->forward ? NULL : tunnel->address;
}

const char *kt_tunnel_route(const kt_tunnel *tunnel)
{
    return tunnel->forward ? tunnel->address : NULL;
}

void kt_tunnel_explain(kt_error *err, kt_tunnel *tunnel)
{
    char words[WORDS];
    if (!tunnel || !err || err->status == KT_OK)
        return;
    bool ended = has_ended(tunnel);
    for (int waited = 0; !ended && waited < ENDS_MS; waited += LOOK_MS) { /* its connections close first */
        poll(NULL, 0, LOOK_MS);
        ended = has_ended(tunnel);
    }
    last_words(words, tunnel);
    if (!ended && !words[0])
        return;
    size_t n = strlen(err->message);
    snprintf(err->message + n, sizeof err->message - n, "; the tunnel's ssh %s%s%s",
             ended ? "has ended" : "says", words[0] ? ": " : "", words);
}
