#include "holder.h"

#include "kt/file.h"
#include "kt/json.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { STALE_S = 60, MOST = 4096 /* bytes of a lock */ };
enum { THREADS = 20, STARTED = 22 }; /* fields of /proc/PID/stat */

/* ---- who we are ---- */

static void first_line(char *out, size_t size, const char *path)
{
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (!file)
        return;
    if (!fgets(out, (int)size, file))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* The fields of /proc/PID/stat after the name, which may hold anything; NULL: none to be seen. */
static const char *stat_fields(char *line, size_t size, int64_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    first_line(line, size, path);
    const char *end = strrchr(line, ')');
    return end && end[1] == ' ' ? end + 2 : NULL;
}

/* By its number in proc(5). */
static int64_t stat_field(const char *fields, int number)
{
    enum { FIRST = 3 };
    for (int field = FIRST; field < number && fields; field++) {
        fields = strchr(fields, ' ');
        fields += fields != NULL;
    }
    return fields ? strtoll(fields, NULL, 10) : -1;
}

/* One that only waits for its parent to hear of its end runs no more, once its threads are gone as well. Of
 * other users' processes /proc may show nothing. */
static bool is_running(int64_t pid, int64_t started)
{
    char line[1024];
    const char *fields = stat_fields(line, sizeof line, pid);
    if (fields)
        return stat_field(fields, STARTED) == started &&
               (!strchr("ZX", *fields) || stat_field(fields, THREADS) > 1);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

kt_status holder_self(holder *self, const char *job, kt_error *err)
{
    uint8_t random[HOLDER_TOKEN_BYTES];
    struct utsname host;
    char line[1024];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return kt_fail_errno(err, KT_IO, "no random numbers for a lock");
    *self = (holder){.there = true, .pid = getpid()};
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(self->token + 2 * i, 3, "%02x", random[i]);
    uname(&host);
    snprintf(self->host, sizeof self->host, "%.63s", host.nodename);
    snprintf(self->job, sizeof self->job, "%.63s", job ? job : "");
    first_line(self->boot, sizeof self->boot, "/proc/sys/kernel/random/boot_id");
    ssize_t n = readlink("/proc/self/ns/pid", self->ns, sizeof self->ns - 1);
    self->ns[n > 0 ? n : 0] = '\0';
    self->started = stat_field(stat_fields(line, sizeof line, self->pid), STARTED);
    kt_when_text(self->since, kt_when_now());
    return KT_OK;
}

/* ---- a lock as a file ---- */

static kt_status text_of(char **text, const holder *self, kt_error *err)
{
    kt_json *json = kt_json_object();
    kt_json_put(json, "token", kt_json_string(self->token));
    kt_json_put(json, "host", kt_json_string(self->host));
    kt_json_put(json, "boot", kt_json_string(self->boot));
    kt_json_put(json, "pid_namespace", kt_json_string(self->ns));
    kt_json_put(json, "pid", kt_json_int(self->pid));
    kt_json_put(json, "started", kt_json_int(self->started));
    kt_json_put(json, "job", kt_json_string(self->job));
    kt_json_put(json, "since", kt_json_string(self->since));
    kt_status status = kt_json_text(text, json, 2, err);
    kt_json_drop(json);
    return status;
}

static void take_text(char *out, size_t size, const kt_json *json, const char *key)
{
    snprintf(out, size, "%s", kt_json_as_text(kt_json_get(json, key), ""));
}

/* What is not whole says nothing. */
static void parse(holder *h, const char *text, size_t n)
{
    kt_json *json = NULL;
    if (kt_json_parse(&json, text, n, "lock", NULL) != KT_OK)
        return;
    take_text(h->token, sizeof h->token, json, "token");
    if (strspn(h->token, "0123456789abcdef") != HOLDER_TOKEN - 1)
        h->token[0] = '\0';
    take_text(h->host, sizeof h->host, json, "host");
    take_text(h->boot, sizeof h->boot, json, "boot");
    take_text(h->ns, sizeof h->ns, json, "pid_namespace");
    take_text(h->job, sizeof h->job, json, "job");
    take_text(h->since, sizeof h->since, json, "since");
    h->pid = kt_json_as_int(kt_json_get(json, "pid"), 0);
    h->started = kt_json_as_int(kt_json_get(json, "started"), 0);
    kt_json_drop(json);
}

static int64_t modified(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

kt_status holder_read(holder *h, const char *path, kt_error *err)
{
    char text[MOST];
    struct stat info;
    *h = (holder){.there = false};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT)
        return KT_OK;
    ssize_t n = file < 0 || fstat(file, &info) != 0 ? -1 : read(file, text, sizeof text);
    if (n < 0)
        kt_fail_errno(err, KT_IO, "cannot read %s", path);
    if (file >= 0)
        close(file);
    if (n < 0)
        return KT_IO;
    h->there = true;
    h->renewed = modified(&info);
    parse(h, text, (size_t)n);
    return KT_OK;
}

kt_status holder_create(int *file, const char *path, const holder *self, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    KT_TRY(text_of(&text, self, err));
    *file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*file < 0 && errno != EEXIST)
        KT_TRY(kt_fail_errno(err, KT_IO, "cannot create %s", path));
    if (*file >= 0 && write(*file, text, strlen(text)) != (ssize_t)strlen(text)) {
        status = kt_fail_errno(err, KT_IO, "cannot write %s", path);
        unlink(path);
        close(*file);
        *file = -1;
    }
out:
    free(text);
    return status;
}

/* ---- is the holder gone? ---- */

/* The file server's clock: the time that it gives a new file. */
static kt_status server_now(int64_t *now, const char *beside, kt_error *err)
{
    kt_status status = KT_OK;
    char *temporary = NULL;
    struct stat info;
    KT_TRY(kt_file_temporary(&temporary, beside, err));
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 || futimens(file, NULL) != 0 || fstat(file, &info) != 0)
        status = kt_fail_errno(err, KT_IO, "cannot create %s", temporary);
    if (file >= 0) {
        close(file);
        unlink(temporary);
    }
    *now = status == KT_OK ? modified(&info) : 0;
out:
    free(temporary);
    return status;
}

/* On this running kernel its process tells. */
static bool is_near(const holder *h, const holder *self)
{
    return h->token[0] && h->boot[0] && strcmp(h->boot, self->boot) == 0 && strcmp(h->ns, self->ns) == 0;
}

bool holder_seems_gone(const holder *h, const holder *self, int64_t now)
{
    return is_near(h, self) ? !is_running(h->pid, h->started)
                            : now - h->renewed > (int64_t)STALE_S * 1000000000;
}

kt_status holder_is_gone(bool *gone, const holder *h, const holder *self, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    int64_t now = 0;
    if (!is_near(h, self))
        KT_TRY(server_now(&now, path, err));
    *gone = holder_seems_gone(h, self, now);
out:
    return status;
}

void holder_describe(char who[HOLDER_WHO], const holder *h)
{
    if (!h->token[0])
        snprintf(who, HOLDER_WHO, "a kt-train that has just begun");
    else
        snprintf(who, HOLDER_WHO, "kt-train on %s, process %lld%s%s, since %.19sZ", h->host,
                 (long long)h->pid, h->job[0] ? ", job " : "", h->job, h->since);
}
