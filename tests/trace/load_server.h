/* The server of load_server.c as a child of a test. */
#ifndef KT_TEST_LOAD_SERVER_H
#define KT_TEST_LOAD_SERVER_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    pid_t child;
    int keeps; /* its stdin: the server ends with the test */
    int port;
} load_server;

static inline load_server load_server_start(const char *log)
{
    load_server server = {.port = 0};
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0)
        abort();
    server.child = fork();
    if (server.child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[1]);
        execl(KT_LOAD_SERVER, KT_LOAD_SERVER, log, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    FILE *from = fdopen(out[0], "r");
    if (fscanf(from, "%d", &server.port) != 1)
        abort();
    fclose(from);
    server.keeps = in[1];
    return server;
}

/* Its log is complete afterwards. */
static inline void load_server_stop(load_server *server)
{
    kill(server->child, SIGTERM);
    waitpid(server->child, NULL, 0);
    close(server->keeps);
}

#endif
