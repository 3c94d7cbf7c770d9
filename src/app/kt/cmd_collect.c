/* kt collect: all traces of a range of time from a running Jaeger, with a certificate. */
#include "command.h"
#include "jaeger.h"
#include "kt/json.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *out;
    kt_texts services, tags;
    double sampling;
    bool fresh, json, quiet, help;
    jaeger_wishes jaeger;
} collect_options;

#define AT(field) offsetof(collect_options, field)
#define RUN       KT_CLASS_RUN
static const kt_option own[] = {
    {"out", 'o', KT_OPTION_TEXT, RUN, AT(out), 0, 0, NULL, NULL, "FILE.h5", "the spans file to write",
     "Collect"},
    {"service", 0, KT_OPTION_TEXTS, RUN, AT(services), 0, 0, NULL, NULL, "NAME",
     "ask for traces with this service, by its name or a unique short one; may be repeated (all services). "
     "Traces come "
     "whole: the service where requests arrive is enough",
     NULL},
    {"tag", 0, KT_OPTION_TEXTS, RUN, AT(tags), 0, 0, NULL, NULL, "KEY",
     "keep this tag of spans, besides those that the cleaning reads; may be repeated", NULL},
    {"sampling", 0, KT_OPTION_REAL, RUN, AT(sampling), 0, 1, NULL, "0", "SHARE",
     "share of requests that are traced, where it is known", NULL},
    {"fresh", 0, KT_OPTION_FLAG, RUN, AT(fresh), 0, 0, NULL, "false", NULL,
     "start over: give up what an earlier pull left in FILE.h5.part, replace FILE.h5", NULL},
    {"json", 0, KT_OPTION_FLAG, RUN, AT(json), 0, 0, NULL, "false", NULL, "print the certificate as JSON",
     NULL},
    {"quiet", 'q', KT_OPTION_FLAG, RUN, AT(quiet), 0, 0, NULL, "false", NULL, "no progress", NULL},
    {"help", 'h', KT_OPTION_FLAG, RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit", NULL},
    {.name = NULL}};

static const kt_option *options(void)
{
    enum { ROOM = 64 };
    static kt_option joined[ROOM];
    const kt_option_part parts[] = {{own, 0}, {jaeger_table, AT(jaeger)}, {jaeger_range_table, AT(jaeger)}};
    if (!joined[0].name)
        kt_options_join(joined, ROOM, parts, sizeof parts / sizeof *parts);
    return joined;
}

/* ---- on the way ---- */

static volatile sig_atomic_t
    stopped; /* the first signal ends the pull after a request, the second one kills */

static void on_signal(int number)
{
    stopped = 1;
    signal(number, SIG_DFL);
}

static bool is_stopped(void *context)
{
    (void)context;
    return stopped != 0;
}

static void note(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", line);
}

static void show(void *context, double done_s, double all_s, uint64_t traces, uint64_t spans)
{
    (void)context;
    fprintf(stderr, "\r\033[K%.0f %%: %llu traces, %llu spans", all_s > 0 ? 100 * done_s / all_s : 100.,
            (unsigned long long)traces, (unsigned long long)spans);
    fflush(stderr);
}

/* ---- at the end ---- */

static void print_text(const kt_json *certificate, const char *path)
{
    printf("%s: %lld traces, %lld spans of %s\ncertificate: %s: %s\n", path,
           (long long)kt_json_as_int(kt_json_get(certificate, "traces"), 0),
           (long long)kt_json_as_int(kt_json_get(certificate, "spans"), 0),
           kt_json_as_text(kt_json_get(certificate, "server"), ""),
           kt_json_as_text(kt_json_get(certificate, "verdict"), ""),
           kt_json_as_text(kt_json_get(certificate, "reason"), ""));
    printf("from %s to %s; %lld questions, %lld halvings, %lld traces asked for again\n",
           kt_json_as_text(kt_json_get(certificate, "since"), ""),
           kt_json_as_text(kt_json_get(certificate, "until"), ""),
           (long long)kt_json_as_int(kt_json_get(certificate, "asked"), 0),
           (long long)kt_json_as_int(kt_json_get(certificate, "halved"), 0),
           (long long)kt_json_as_int(kt_json_get(certificate, "reread"), 0));
}

static kt_status report(const collect_options *o, const kt_pull_result *result, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *certificate = NULL;
    const char *text = result->certificate;
    KT_TRY(kt_json_parse(&certificate, text, strlen(text), "certificate", err));
    if (result->before)
        fprintf(stderr, "%s: finished already, nothing was asked; --fresh starts over\n", o->out);
    if (o->json)
        KT_TRY(program_print_json(kt_json_keep(certificate), err));
    else
        print_text(certificate, o->out);
out:
    kt_json_drop(certificate);
    return status;
}

static kt_status run(void *given, const char *const *operands, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    collect_options *o = given;
    const char *tags[KT_OPTION_LIST_MAX + 1] = {NULL};
    kt_pull_result result = {.certificate = NULL};
    (void)operands, (void)n;
    if (!o->jaeger.url || !o->out)
        KT_TRY(kt_fail(err, KT_USAGE, "%s is missing", o->out ? "--jaeger URL" : "--out FILE.h5"));
    memcpy(tags, o->tags.text, o->tags.n * sizeof *tags);
    bool live = !o->quiet && isatty(STDERR_FILENO);
    jaeger_job job = {.wishes = &o->jaeger,
                      .path = o->out,
                      .n_services = o->services.n,
                      .services = o->services.text,
                      .tags = tags,
                      .sampling = o->sampling,
                      .fresh = o->fresh,
                      .note = o->quiet ? NULL : note,
                      .progress = live ? show : NULL,
                      .stop = is_stopped};
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    status = jaeger_pull(&result, &job, err);
    if (live)
        fputs("\r\033[K", stderr);
    KT_TRY(status);
    KT_TRY(report(o, &result, err));
    if (result.verdict == KT_PULL_INCOMPLETE)
        status = kt_fail(err, KT_INCOMPLETE, "%s is incomplete: see its certificate (kt info)", o->out);
out:
    free(result.certificate);
    return status;
}

const kt_command command_collect = {
    .name = "collect",
    .summary = "Pulls all traces of a range of time from a Jaeger, with a certificate",
    .usage = "--jaeger URL --since WHEN [--until WHEN] [--service NAME]... --out SPANS.h5",
    .about = "Windows of time are halved until no reply is full, traces without their root are asked for "
             "again, and\n"
             "the certificate in the file says whether that is all there was; if not, the exit code is 3. "
             "Killed or\n"
             "stopped (75), the same command goes on where it was; of a finished pull it says so and asks "
             "nothing.\n",
    .table = options,
    .size = sizeof(collect_options),
    .least = 0,
    .most = 0,
    .run = run,
};
