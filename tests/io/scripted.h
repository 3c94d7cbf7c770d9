/* A server that gives scripted answers, for tests: a child process on a free port of the loopback interface.
 * Each connection brings one request, gets the next answer, bytes as they stand, and is closed. */
#ifndef KT_TEST_SCRIPTED_H
#define KT_TEST_SCRIPTED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    pid_t child;
    int port;
    char url[64];
    FILE *requests; /* what was asked, one after the other */
} scripted;

typedef struct {
    const char *bytes;
    size_t n;    /* 0: strlen */
    int sleep_s; /* before it */
} scripted_answer;

static inline int scripted_socket(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return listener;
}

static inline void scripted_serve(int listener, int log, const scripted_answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        static char request[65536];
        size_t used = 0;
        int connection = accept(listener, NULL, NULL);
        while (used + 1 < sizeof request && !strstr(request, "\r\n\r\n")) {
            ssize_t got = read(connection, request + used, sizeof request - 1 - used);
            if (got <= 0)
                break;
            used += (size_t)got;
            request[used] = '\0';
        }
        if (write(log, request, used) < 0)
            _exit(1);
        memset(request, 0, used);
        sleep((unsigned)answers[i].sleep_s);
        size_t left = answers[i].n ? answers[i].n : strlen(answers[i].bytes);
        for (const char *at = answers[i].bytes; left > 0;) {
            ssize_t done = send(connection, at, left, MSG_NOSIGNAL);
            if (done <= 0)
                break;
            at += done;
            left -= (size_t)done;
        }
        shutdown(connection, SHUT_WR);
        while (read(connection, request, sizeof request) > 0) /* no reset before all was read */
            ;
        memset(request, 0, sizeof request);
        close(connection);
    }
}

static inline void scripted_open(scripted *server, const scripted_answer *answers, size_t n)
{
    int listener = scripted_socket(&server->port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", server->port);
    server->requests = tmpfile();
    fflush(NULL);
    server->child = fork();
    if (server->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        scripted_serve(listener, fileno(server->requests), answers, n);
        _exit(0);
    }
    close(listener);
}

/* Ends the server; the requests that it got, which the caller frees. */
static inline char *scripted_close(scripted *server)
{
    kill(server->child, SIGKILL);
    waitpid(server->child, NULL, 0);
    long n = lseek(fileno(server->requests), 0, SEEK_END);
    char *text = calloc((size_t)n + 1, 1);
    if (!text || pread(fileno(server->requests), text, (size_t)n, 0) != n)
        abort();
    fclose(server->requests);
    return text;
}

#endif
