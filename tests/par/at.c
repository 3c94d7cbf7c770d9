/* For LD_PRELOAD: at a chosen call on a chosen file the process is killed, or the call fails. KT_AT holds
 * "CALL PATTERN COUNT ACTION": the COUNT-th call of pwrite, write, fsync, rename or unlink on a path that
 * contains PATTERN (an appended text, for write) does ACTION: "kill", or the number of an error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char call[16], pattern[128], action[16];
static int count;

__attribute__((constructor)) static void read_order(void)
{
    const char *order = getenv("KT_AT");
    if (!order || sscanf(order, "%15s %127s %d %15s", call, pattern, &count, action) != 4)
        count = 0;
}

/* false: the call is to fail with errno set. */
static bool passes(const char *name, const char *path, const void *text, size_t n)
{
    if (count == 0 || strcmp(name, call) != 0)
        return true;
    if (!strstr(path, pattern) && !(text && memmem(text, n, pattern, strlen(pattern))))
        return true;
    if (--count > 0)
        return true;
    if (strcmp(action, "kill") == 0)
        kill(getpid(), SIGKILL);
    errno = atoi(action);
    return false;
}

static const char *path_of(int file)
{
    static char path[4096];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return path;
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

ssize_t write(int file, const void *data, size_t n)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        *(void **)&real = next("write");
    return count == 0 || passes("write", path_of(file), data, n) ? real(file, data, n) : -1;
}

ssize_t pwrite(int file, const void *data, size_t n, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real)
        *(void **)&real = next("pwrite");
    return count == 0 || passes("pwrite", path_of(file), NULL, 0) ? real(file, data, n, at) : -1;
}

ssize_t pwrite64(int file, const void *data, size_t n, off64_t at)
{
    return pwrite(file, data, n, at);
}

int fsync(int file)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = next("fsync");
    return count == 0 || passes("fsync", path_of(file), NULL, 0) ? real(file) : -1;
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (!real)
        *(void **)&real = next("rename");
    return passes("rename", to, NULL, 0) ? real(from, to) : -1;
}

int unlink(const char *path)
{
    static int (*real)(const char *);
    if (!real)
        *(void **)&real = next("unlink");
    return passes("unlink", path, NULL, 0) ? real(path) : -1;
}
