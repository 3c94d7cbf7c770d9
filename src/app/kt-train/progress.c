#include "progress.h"
#include "kt/journal.h"
#include <mpi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINAL_EVERY 0.1 /* seconds between two live lines, on a terminal and elsewhere */
#define LOG_EVERY      10.0

void progress_init(progress *p, bool quiet)
{
    *p = (progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1, .began = MPI_Wtime()};
    p->shown = p->began;
    p->phases = kt_json_object();
}

void progress_clear(progress *p)
{
    free(p->journal);
    kt_json_drop(p->phases);
    *p = (progress){0};
}

static void wipe(const progress *p)
{
    if (p->terminal)
        fputs("\r\033[K", stderr);
}

void progress_note(progress *p, const char *format, ...)
{
    va_list arguments;
    if (p->quiet)
        return;
    wipe(p);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Is it time for another live line? */
static bool is_due(progress *p, bool now)
{
    double time = MPI_Wtime();
    if (p->quiet || (!now && time - p->shown < (p->terminal ? TERMINAL_EVERY : LOG_EVERY)))
        return false;
    p->shown = time;
    return true;
}

void progress_live(progress *p, const char *format, ...)
{
    va_list arguments;
    if (!is_due(p, false))
        return;
    wipe(p);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (!p->terminal)
        fputc('\n', stderr);
    fflush(stderr);
}

static void show(progress *p, bool now)
{
    if (p->services == 0 || !is_due(p, now))
        return;
    wipe(p);
    fprintf(stderr, "fit: %zu of %zu services, %.0f s%s%s", p->fitted + p->refused, p->services,
            p->shown - p->began, p->last[0] ? "; " : "", p->last);
    if (!p->terminal)
        fputc('\n', stderr);
    fflush(stderr);
}

kt_status progress_phase(progress *p, const char *name, kt_error *err)
{
    double time = MPI_Wtime();
    if (p->phase) {
        kt_json_put(p->phases, p->phase, kt_json_real(time - p->phase_began));
        if (!p->quiet)
            wipe(p);
    }
    p->phase = name;
    p->phase_began = time;
    if (!name || !p->journal)
        return KT_OK;
    kt_status status = kt_lock_check(p->lock, err);
    if (status != KT_OK)
        return status;
    kt_json *event = kt_json_object();
    kt_json_put(event, "event", kt_json_string("phase"));
    kt_json_put(event, "phase", kt_json_string(name));
    kt_json_put(event, "seconds", kt_json_real(time - p->began));
    return kt_journal_write(p->journal, event, err);
}

static void digest_line(progress *p, const char *line, size_t n)
{
    kt_json *event = NULL;
    if (kt_json_parse(&event, line, n, "journal", NULL) != KT_OK)
        return;
    const char *kind = kt_json_as_text(kt_json_get(event, "event"), "");
    const char *service = kt_json_as_text(kt_json_get(event, "service"), "");
    if (strcmp(kind, "fitted") == 0)
        p->fitted++;
    else if (strcmp(kind, "refused") == 0)
        p->refused++;
    else if (strcmp(kind, "look") == 0)
        snprintf(p->last, sizeof p->last, "%.60s at step %lld, validation %.4f", service,
                 (long long)kt_json_as_int(kt_json_get(event, "step"), 0),
                 kt_json_as_real(kt_json_get(event, "validation"), 0));
    kt_json_drop(event);
}

void progress_hear(progress *p, const char *lines, size_t n)
{
    if (p->journal && kt_lock_check(p->lock, NULL) == KT_OK)
        kt_journal_append(p->journal, lines, n, NULL); /* a full disk shows at the archive */
    for (const char *at = lines, *end = lines + n; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);
        digest_line(p, at, length);
        at += length + 1;
    }
    show(p, false);
}

static kt_status line_of(char **line, kt_json *event, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    KT_TRY(kt_json_text(&text, event, 0, err));
    KT_TRY(kt_format(line, err, "%s\n", text));
out:
    free(text);
    kt_json_drop(event);
    return status;
}

kt_status progress_look(char **line, const char *service, int team, const kt_look *look, double seconds,
                        kt_error *err)
{
    kt_json *event = kt_json_object();
    kt_json_put(event, "event", kt_json_string("look"));
    kt_json_put(event, "service", kt_json_string(service));
    kt_json_put(event, "group", kt_json_int(team));
    kt_json_put(event, "step", kt_json_int((int64_t)look->step));
    kt_json_put(event, "train", kt_json_real(look->train));
    kt_json_put(event, "validation", kt_json_real(look->validation));
    kt_json_put(event, "rate", kt_json_real(look->rate));
    kt_json_put(event, "best", kt_json_bool(look->flags & KT_LOOK_BEST));
    kt_json_put(event, "retreat", kt_json_bool(look->flags & KT_LOOK_RETREAT));
    kt_json_put(event, "over_bound", kt_json_bool(look->flags & KT_LOOK_OVER_BOUND));
    kt_json_put(event, "seconds", kt_json_real(seconds));
    return line_of(line, event, err);
}

kt_status progress_fitted(char **line, const char *service, int team, int rank, uint64_t from_step,
                          uint64_t steps, int batch, const char *refused, double fit_seconds,
                          double judge_seconds, kt_error *err)
{
    kt_json *event = kt_json_object();
    kt_json_put(event, "event", kt_json_string(refused ? "refused" : "fitted"));
    kt_json_put(event, "service", kt_json_string(service));
    kt_json_put(event, "group", kt_json_int(team));
    kt_json_put(event, "rank", kt_json_int(rank));
    if (refused)
        kt_json_put(event, "reason", kt_json_string(refused));
    kt_json_put(event, "from_step", kt_json_int((int64_t)from_step));
    kt_json_put(event, "steps", kt_json_int((int64_t)steps));
    kt_json_put(event, "batch", kt_json_int(batch));
    kt_json_put(event, "fit_seconds", kt_json_real(fit_seconds));
    kt_json_put(event, "judge_seconds", kt_json_real(judge_seconds));
    return line_of(line, event, err);
}
