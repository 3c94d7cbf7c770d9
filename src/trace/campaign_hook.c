#include "campaign_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- in a plan ---- */

static const char *const fields[] = {"service", "rep", "rps", "cell"};
enum { SERVICE, REP, RPS, CELL, FIELDS };

/* The field that "{name}..." begins with, its length in *n; -1: none, and *n is 0 where no name stands there.
 */
static int field_at(const char *text, size_t *n)
{
    size_t name = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz");
    *n = 0;
    if (*text != '{' || name == 0 || text[1 + name] != '}')
        return -1;
    *n = name + 2;
    for (int f = 0; f < FIELDS; f++)
        if (strlen(fields[f]) == name && strncmp(fields[f], text + 1, name) == 0)
            return f;
    return -1;
}

/* Which fields are in an argument; one that is not known is refused. */
static kt_status find_fields(bool *has, const char *argument, const char *where, kt_error *err)
{
    char name[64];
    for (const char *at = strchr(argument, '{'); at; at = strchr(at + 1, '{')) {
        size_t n;
        int field = field_at(at, &n);
        if (field >= 0)
            has[field] = true;
        if (field >= 0 || n == 0) /* other braces are the command's own */
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n - 2, at + 1);
        const char *near = kt_nearest(name, fields, FIELDS);
        return kt_fail(err, KT_USAGE, "%s: '%s': no field {%s}%s%s%s", where, argument, name,
                       near ? "; did you mean {" : " ({service}, {rep}, {rps}, {cell})", near ? near : "",
                       near ? "}?" : "");
    }
    return KT_OK;
}

/* Without {service} a command is run once, and {rep} has to be one number; with it services have to have
 * names. */
static kt_status check_reps(const kt_campaign *c, const bool *has, const char *where, kt_error *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const kt_campaign_cell *cell = &c->cell[i];
        bool named = true, same = cell->n_reps > 0;
        for (size_t k = 0; k < cell->n_reps; k++) {
            named = named && strcmp(cell->rep[k].service, "*") != 0;
            same = same && cell->rep[k].rep == cell->rep[0].rep;
        }
        if (has[SERVICE] && !named)
            return kt_fail(err, KT_USAGE,
                           "%s: {service}: a cell has rep without names of services "
                           "(\"rep\": {\"cart\": 2} is wanted)",
                           where);
        if (has[REP] && !has[SERVICE] && !same)
            return kt_fail(err, KT_USAGE, "%s: {rep} without {service}: a cell has not one rep for all",
                           where);
    }
    return KT_OK;
}

static kt_status add_command(kt_campaign *c, const kt_json *list, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    const char **argument = NULL;
    bool has[FIELDS] = {false};
    size_t n = kt_json_size(list);
    if (kt_json_kind_of(list) != KT_JSON_ARRAY || n == 0)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: [\"program\", \"argument\", ...] is wanted", where));
    KT_TRY(kt_alloc(&argument, n + 1, sizeof *argument, err));
    KT_TRY(campaign_own(c, argument, err));
    for (size_t i = 0; i < n; i++) {
        argument[i] = kt_json_as_text(kt_json_at(list, i), NULL);
        if (!argument[i] || (i == 0 && *argument[i] == '\0'))
            KT_TRY(kt_fail(err, KT_USAGE, "%s: argument %zu is no text", where, i));
        KT_TRY(find_fields(has, argument[i], where, err));
    }
    KT_TRY(check_reps(c, has, where, err));
    KT_TRY(kt_grow(&c->command, c->n_commands + 1, sizeof *c->command, err));
    c->command[c->n_commands++] = (kt_campaign_command){n, argument, has[SERVICE]};
out:
    return status;
}

kt_status campaign_read_hook(kt_campaign *c, const kt_json *hook, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    char *place = NULL;
    bool many = kt_json_kind_of(kt_json_at(hook, 0)) == KT_JSON_ARRAY;
    size_t n = !hook ? 0 : many ? kt_json_size(hook) : 1;
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_format(&place, err, many ? "%s: hook[%zu]" : "%s: hook", where, i));
        KT_TRY(add_command(c, many ? kt_json_at(hook, i) : hook, place, err));
        free(place);
        place = NULL;
    }
out:
    free(place);
    return status;
}

/* ---- at work ---- */

enum { ROOM = 16384, LAST = 400, TICK_MS = 20, GRACE_S = 5 };

typedef struct {
    char text[ROOM + 1]; /* the last that was said */
    size_t n;
} saying;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What has come so far; of long ones the end is kept. */
static void listen_to(saying *s, int from)
{
    char more[4096];
    ssize_t got;
    while ((got = read(from, more, sizeof more)) > 0) {
        size_t n = (size_t)got, over = s->n + n > ROOM ? s->n + n - ROOM : 0;
        memmove(s->text, s->text + over, s->n - over);
        memcpy(s->text + s->n - over, more, n);
        s->n += n - over;
    }
    s->text[s->n] = '\0';
}

static void tell(const kt_campaign_options *o, const char *line)
{
    if (o->note)
        o->note(o->context, line);
}

/* Line by line; returns the last one that says anything. */
static const char *tell_all(saying *s, const kt_campaign_options *o)
{
    const char *last = "it said nothing";
    char *rest = s->text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        tell(o, line);
        last = line;
    }
    return last;
}

/* In a process group of its own, so that what it starts ends with it; nothing to read, its words to us. */
static kt_status start(pid_t *child, int *from, char **argument, kt_error *err)
{
    kt_status status = KT_OK;
    int ends[2] = {-1, -1};
    sigset_t none, usual;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    if (pipe2(ends, O_CLOEXEC) != 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "hook '%s'", argument[0]));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
    errno = posix_spawnp(child, argument[0], &files, &how, argument, environ);
    if (errno != 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "hook '%s' cannot be run", argument[0]));
    *from = ends[0];
    ends[0] = -1;
out:
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return status;
}

static bool stopped(const kt_campaign_options *o)
{
    return o->stop && o->stop(o->context) != KT_LOAD_GO;
}

/* Waits until the child has ended, at most seconds, listening. */
static bool wait_for(int *how, saying *s, pid_t child, int from, double seconds, const kt_campaign_options *o)
{
    double until = now() + seconds;
    struct pollfd pipe = {.fd = from, .events = POLLIN};
    for (;;) {
        bool ended = waitpid(child, how, WNOHANG) == child;
        listen_to(s, from);
        if (ended)
            return true;
        if (now() > until || (o && stopped(o)))
            return false;
        if (poll(&pipe, 1, TICK_MS) > 0 && pipe.revents & POLLHUP) /* closed, not ended yet */
            poll(NULL, 0, TICK_MS);
    }
}

static void end(int *how, saying *s, pid_t child, int from)
{
    kill(-child, SIGTERM);
    if (wait_for(how, s, child, from, GRACE_S, NULL))
        return;
    kill(-child, SIGKILL);
    waitpid(child, how, 0);
}

static kt_status run_command(char **argument, size_t cell, const kt_campaign *c, const kt_campaign_options *o,
                             kt_error *err)
{
    kt_status status = KT_OK;
    saying *s = NULL;
    pid_t child = -1;
    int from = -1, how = 0;
    char shown[LAST] = "";
    for (size_t i = 0; argument[i]; i++)
        snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%s%s", i > 0 ? " " : "", argument[i]);
    KT_TRY(kt_alloc(&s, 1, sizeof *s, err));
    if (o->doing)
        o->doing(o->context, cell, shown);
    KT_TRY(start(&child, &from, argument, err));
    bool ended = wait_for(&how, s, child, from, c->hook_timeout_s, o);
    if (!ended)
        end(&how, s, child, from);
    if (!ended && stopped(o))
        KT_TRY(kt_fail(err, KT_STOPPED, "stopped in hook '%s'", shown));
    if (ended && WIFEXITED(how) && WEXITSTATUS(how) == 0)
        goto out;
    const char *last = tell_all(s, o);
    if (!ended)
        KT_TRY(kt_fail(err, KT_IO, "hook '%s' took over %g s: %.*s", shown, c->hook_timeout_s, LAST, last));
    KT_TRY(kt_fail(err, KT_IO, "hook '%s' ended %s %d: %.*s", shown,
                   WIFSIGNALED(how) ? "by signal" : "with code",
                   WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how), LAST, last));
out:
    if (from >= 0)
        close(from);
    free(s);
    return status;
}

static kt_status fill(char **out, const char *argument, const char *const *values, kt_error *err)
{
    size_t bytes;
    FILE *to = open_memstream(out, &bytes);
    if (!to)
        return kt_fail(err, KT_MEMORY, "out of memory");
    for (const char *at = argument; *at;) {
        size_t n;
        int field = field_at(at, &n);
        if (field >= 0)
            fputs(values[field], to);
        else
            fputc(*at, to);
        at += field >= 0 ? n : 1;
    }
    return fclose(to) == 0 ? KT_OK : kt_fail(err, KT_MEMORY, "out of memory");
}

static kt_status run_filled(const kt_campaign *c, const kt_campaign_command *command, size_t cell,
                            const kt_campaign_rep *rep, const kt_campaign_options *o, kt_error *err)
{
    kt_status status = KT_OK;
    char **argument = NULL, rps[40], number[24], reps[24] = "";
    snprintf(rps, sizeof rps, "%.15g", c->cell[cell].rps / c->slowdown);
    snprintf(number, sizeof number, "%zu", cell);
    if (rep)
        snprintf(reps, sizeof reps, "%" PRId64, rep->rep);
    const char *values[FIELDS] = {
        [SERVICE] = rep ? rep->service : "", [REP] = reps, [RPS] = rps, [CELL] = number};
    KT_TRY(kt_alloc(&argument, command->n + 1, sizeof *argument, err));
    for (size_t i = 0; i < command->n; i++)
        KT_TRY(fill(&argument[i], command->argument[i], values, err));
    KT_TRY(run_command(argument, cell, c, o, err));
out:
    for (size_t i = 0; argument && i < command->n; i++)
        free(argument[i]);
    free(argument);
    return status;
}

static bool has_rep(const kt_campaign_cell *cell, const kt_campaign_rep *rep)
{
    for (size_t i = 0; cell && i < cell->n_reps; i++)
        if (strcmp(cell->rep[i].service, rep->service) == 0)
            return cell->rep[i].rep == rep->rep;
    return false;
}

kt_status campaign_run_hooks(const kt_campaign *c, size_t cell, const kt_campaign_cell *before,
                             const kt_campaign_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_campaign_cell *now_due = &c->cell[cell];
    for (size_t i = 0; i < c->n_commands; i++) {
        const kt_campaign_command *command = &c->command[i];
        if (!command->by_service)
            KT_TRY(run_filled(c, command, cell, now_due->n_reps > 0 ? now_due->rep : NULL, options, err));
        for (size_t k = 0; command->by_service && k < now_due->n_reps; k++)
            if (!has_rep(before, &now_due->rep[k]))
                KT_TRY(run_filled(c, command, cell, &now_due->rep[k], options, err));
    }
out:
    return status;
}
