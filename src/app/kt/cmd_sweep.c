/* kt sweep: how a sweep stands, while it runs and afterwards. */
#include "command.h"
#include "kt/run_sweep.h"
#include "kt/when.h"
#include "sweep_print.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int64_t top;
    const char *service;
    double every;
    bool watch, json, csv, help;
} sweep_options;

#define AT(field) offsetof(sweep_options, field)
static const kt_option options[] = {
    {"top", 't', KT_OPTION_INT, KT_CLASS_RUN, AT(top), 0, 1 << 20, NULL, "10", "N",
     "how many of the best trials to list; of several searches the best of each is", "Sweep"},
    {"service", 's', KT_OPTION_TEXT, KT_CLASS_RUN, AT(service), 0, 0, NULL, NULL, "NAME",
     "list the trials of this service's search", NULL},
    {"watch", 'w', KT_OPTION_FLAG, KT_CLASS_RUN, AT(watch), 0, 0, NULL, "false", NULL,
     "show it anew until the sweep has ended: the whole on a terminal, else a line whenever something "
     "changed",
     NULL},
    {"every", 0, KT_OPTION_REAL, KT_CLASS_RUN, AT(every), 0.1, 86400, NULL, "2", "SECONDS",
     "how often --watch looks", NULL},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "print one JSON document",
     "Output"},
    {"csv", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(csv), 0, 0, NULL, "false", NULL,
     "print a line for each trial, with a column for each option that varies", NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {.name = NULL}};

static double now(void)
{
    return 1e-9 * (double)kt_when_now();
}

static void pause_for(double seconds)
{
    nanosleep(&(struct timespec){(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))}, NULL);
}

static kt_status print(const kt_sweep_view *view, bool at_work, const sweep_options *o, kt_error *err)
{
    if (o->json)
        return program_print_json(
            kt_json_put(kt_sweep_view_json(view), "at_work", kt_json_bool(at_work && !view->ended)), err);
    if (o->csv)
        return sweep_print_csv(view, err);
    return sweep_print_text(view, at_work, (size_t)o->top, o->service, err);
}

/* One look. last: the line that was shown before. */
static kt_status look(bool *ended, char last[200], const sweep_options *o, const char *folder, bool terminal,
                      kt_error *err)
{
    kt_status status = KT_OK;
    kt_sweep_view view = {.sweep = NULL};
    bool at_work = false;
    char line[200];
    KT_TRY(kt_run_sweep(&view, &at_work, folder, now(), err));
    *ended = view.ended;
    sweep_line(line, &view);
    if (terminal) {
        fputs("\033[H\033[J", stdout); /* to the top, and all below gone */
        KT_TRY(sweep_print_text(&view, at_work, (size_t)o->top, o->service, err));
    } else if (strcmp(line, last) != 0) {
        puts(line);
    }
    memcpy(last, line, sizeof line);
    fflush(stdout);
out:
    kt_sweep_view_clear(&view);
    return status;
}

static kt_status watch(const sweep_options *o, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    bool ended = false, terminal = isatty(STDOUT_FILENO) == 1;
    char last[200] = "";
    for (;;) {
        KT_TRY(look(&ended, last, o, folder, terminal, err));
        if (ended)
            break;
        pause_for(o->every);
    }
out:
    return status;
}

static kt_status run(void *given, const char *const *operands, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const sweep_options *o = given;
    kt_sweep_view view = {.sweep = NULL};
    bool at_work = false;
    (void)n;
    if (o->watch + o->json + o->csv > 1)
        return kt_fail(err, KT_USAGE, "--watch, --json and --csv: one of them");
    if (o->watch)
        return watch(o, operands[0], err);
    KT_TRY(kt_run_sweep(&view, &at_work, operands[0], now(), err));
    KT_TRY(print(&view, at_work, o, err));
out:
    kt_sweep_view_clear(&view);
    return status;
}

const kt_command command_sweep = {
    .name = "sweep",
    .summary = "Says how a sweep stands, while it runs and afterwards",
    .usage = "RUN",
    .about = "Reads RUN/sweep.jsonl, also while kt-train is writing it. A trial that came further\n"
             "is listed before one that came less far, then the smaller value before the larger.\n"
             "Budgets are in whole trainings of a trial. The time to go is what is left of them, at\n"
             "the pace so far, with the ranks that are there now; the winners are trained after it.\n",
    .options = options,
    .size = sizeof(sweep_options),
    .least = 1,
    .most = 1,
    .run = run,
};
