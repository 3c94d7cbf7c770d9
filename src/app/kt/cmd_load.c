/* kt load: requests at drawn times, one load or a campaign of them. */
#include "command.h"
#include "kt/campaign.h"
#include "kt/file.h"
#include "load_collect.h"
#include "load_plan.h"
#include "load_view.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct {
    load_wishes wishes;
    const char *out;
    jaeger_wishes jaeger;
    bool fresh, keep_going, dry_run, json, quiet, help;
} load_command;

#define WISH(field) offsetof(load_command, wishes.field)
#define AT(field)   offsetof(load_command, field)
#define RUN         KT_CLASS_RUN
static const kt_option own[] = {
    {"uri", 'u', KT_OPTION_TEXT, RUN, WISH(uri), 0, 0, NULL, NULL, "URL", "where requests go, http or https",
     "Load"},
    {"rps", 'r', KT_OPTION_REAL, RUN, WISH(rps), 1e-6, 1e6, NULL, NULL, "REQ/S",
     "requests per second; sent are rps / sd", NULL},
    {"nreq", 'n', KT_OPTION_INT, RUN, WISH(requests), 1, 1e8, NULL, NULL, "N", "number of requests", NULL},
    {"seconds", 0, KT_OPTION_REAL, RUN, WISH(seconds), 0.001, 1e8, NULL, NULL, "SECONDS",
     "how long requests are due, instead of --nreq", NULL},
    {"srep", 's', KT_OPTION_TEXTS, RUN, WISH(rep), 0, 0, NULL, NULL, "REP",
     "replicas that are running, a label: N for every service, or SERVICE=N, which may be repeated and goes "
     "before N (default 1). The manifest has it, and it counts in the cleaning, which names services of "
     "which it sees more or fewer pods",
     NULL},
    {"sd", 'd', KT_OPTION_REAL, RUN, WISH(slowdown), 1e-6, 1e6, NULL, NULL, "FACTOR",
     "slowdown: divides the rate (default 1)", NULL},
    {"max-thread", 'm', KT_OPTION_INT, RUN, WISH(most), 1, 65536, NULL, NULL, "N",
     "requests under way at a time; what is due while all are waits, and is counted (default 1000)", NULL},
    {"arrivals", 0, KT_OPTION_TEXT, RUN, WISH(arrivals), 0, 0, NULL, NULL, "HOW",
     "poisson or constant gaps (default poisson)", NULL},
    {"seed", 0, KT_OPTION_INT, RUN, WISH(seed), 0, 9007199254740992.0, NULL, NULL, "N",
     "of due times and trace ids; one that was used against the same Jaeger gives the same trace ids again "
     "(default: drawn, and kept in the folder)",
     NULL},
    {"warmup", 0, KT_OPTION_REAL, RUN, WISH(warmup), 0, 1e6, NULL, NULL, "SECONDS",
     "of the same load before each cell, not measured (default 0)", NULL},
    {"cooldown", 0, KT_OPTION_REAL, RUN, WISH(cooldown), 0, 1e6, NULL, NULL, "SECONDS", "the same after it",
     NULL},
    {"method", 0, KT_OPTION_TEXT, RUN, WISH(method), 0, 0, NULL, NULL, "NAME", "(default POST)", "Requests"},
    {"body", 0, KT_OPTION_TEXT, RUN, WISH(body), 0, 0, NULL, NULL, "TEXT",
     "of each request, or @FILE (default {} for POST, PUT and PATCH); sent as application/json unless a "
     "header says otherwise",
     NULL},
    {"header", 0, KT_OPTION_TEXTS, RUN, WISH(header), 0, 0, NULL, NULL, "LINE",
     "'Name: value', or @FILE with such lines, which keeps secrets out of the list of processes; may be "
     "repeated",
     NULL},
    {"ca-file", 0, KT_OPTION_TEXT, RUN, WISH(ca_file), 0, 0, NULL, NULL, "PEM",
     "certificates that the server's is checked with, instead of the system's", NULL},
    {"timeout", 0, KT_OPTION_REAL, RUN, WISH(timeout), 0.001, 86400, NULL, NULL, "SECONDS",
     "after which a request counts as failed (default 60)", NULL},
    {"give-up", 0, KT_OPTION_REAL, RUN, WISH(give_up), 0.001, 86400, NULL, NULL, "SECONDS",
     "ends a load that the server gave no answer for so long (default 60)", NULL},
    {"plan", 0, KT_OPTION_TEXT, RUN, WISH(plan), 0, 0, NULL, NULL, "PLAN.json",
     "a campaign: its cells instead of -r, -n, --seconds and -s; other options win over its keys",
     "Campaign"},
    {"repeats", 0, KT_OPTION_INT, RUN, WISH(repeats), 1, 1000, NULL, NULL, "N",
     "how often the list of cells is run (default 1)", NULL},
    {"shuffle", 0, KT_OPTION_FLAG, RUN, WISH(shuffle), 0, 0, NULL, "false", NULL,
     "draw the order of cells from the seed, within each repeat", NULL},
    {"pause", 0, KT_OPTION_REAL, RUN, WISH(pause), 0, 1e6, NULL, NULL, "SECONDS", "between cells (default 0)",
     NULL},
    {"hook-timeout", 0, KT_OPTION_REAL, RUN, WISH(hook_timeout), 0.001, 1e6, NULL, NULL, "SECONDS",
     "after which a hook has failed (default 300)", NULL},
    {"keep-going", 0, KT_OPTION_FLAG, RUN, AT(keep_going), 0, 0, NULL, "false", NULL,
     "pass over a cell whose hook or server fails", NULL},
    {"dry-run", 0, KT_OPTION_FLAG, RUN, AT(dry_run), 0, 0, NULL, "false", NULL,
     "check, print the cells and how long they take, send nothing", NULL},
    {"entry", 0, KT_OPTION_TEXT, RUN, WISH(entry), 0, 0, NULL, NULL, "SERVICE",
     "the service that the URL is answered by, for the manifest", "Output"},
    {"out", 'o', KT_OPTION_TEXT, RUN, AT(out), 0, 0, NULL, NULL, "FOLDER",
     "for requests.csv, summary.json, manifest.json (default results/load-RATE, results/PLAN)", NULL},
    {"fresh", 0, KT_OPTION_FLAG, RUN, AT(fresh), 0, 0, NULL, "false", NULL,
     "start over: removes what kt load wrote there", NULL},
    {"json", 0, KT_OPTION_FLAG, RUN, AT(json), 0, 0, NULL, "false", NULL, "print the summary as JSON", NULL},
    {"quiet", 'q', KT_OPTION_FLAG, RUN, AT(quiet), 0, 0, NULL, "false", NULL, "print nothing but errors",
     NULL},
    {"help", 'h', KT_OPTION_FLAG, RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit", NULL},
    {NULL, 0, KT_OPTION_FLAG, RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static const kt_option *options(void)
{
    enum { ROOM = 80 };
    static kt_option joined[ROOM];
    const kt_option_part parts[] = {{own, 0}, {jaeger_table, AT(jaeger)}};
    if (!joined[0].name)
        kt_options_join(joined, ROOM, parts, sizeof parts / sizeof *parts);
    return joined;
}

/* ---- signals: the first one finishes what is under way, the second one does not wait, the third one kills
 * ---- */

static volatile sig_atomic_t signals;

static void count(int number)
{
    if (++signals == 2)
        signal(number, SIG_DFL);
}

static kt_load_order asked(void *context)
{
    ((load_view *)context)->stopping = signals > 0;
    return signals == 0 ? KT_LOAD_GO : signals == 1 ? KT_LOAD_FINISH : KT_LOAD_DROP;
}

static bool is_stopped(void *context)
{
    (void)context;
    return signals > 0;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = count}; /* no SA_RESTART: waits end at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a connection that breaks is a request that failed */
}

/* ---- */

/* A connection is a descriptor: as many as the system lets us have. */
static void raise_descriptors(const kt_campaign *c)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)c->load.most + 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        fprintf(stderr,
                "at most %llu open files are allowed here: more than that many requests at a time will "
                "fail (ulimit -n)\n",
                (unsigned long long)limit.rlim_cur);
}

static kt_status default_folder(char **folder, const load_command *o, kt_error *err)
{
    kt_status status = KT_OK;
    char *stem = NULL;
    if (o->out)
        return kt_strdup(folder, o->out, err);
    if (!o->wishes.plan)
        return kt_format(folder, err, "results/load-%.6g",
                         o->wishes.rps / (o->wishes.slowdown > 0 ? o->wishes.slowdown : 1));
    KT_TRY(kt_path_stem(&stem, o->wishes.plan, err));
    KT_TRY(kt_format(folder, err, "results/%s", stem));
out:
    free(stem);
    return status;
}

static kt_status run_campaign(const kt_campaign *c, const load_command *o, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *summary = NULL;
    load_view view;
    load_view_init(&view, c, folder, o->quiet, o->json);
    kt_campaign_options how = {.folder = folder,
                               .fresh = o->fresh,
                               .keep_going = o->keep_going,
                               .stop = asked,
                               .progress = load_view_progress,
                               .cell_done = load_view_cell,
                               .doing = load_view_hook,
                               .note = load_view_note,
                               .context = &view};
    raise_descriptors(c);
    catch_signals();
    status = kt_campaign_run(&summary, c, &how, err);
    load_view_end(&view, summary, status);
    kt_json_drop(summary);
    return status;
}

static kt_status run(void *given, const char *const *operands, size_t n, kt_error *err)
{
    (void)operands, (void)n;
    kt_status status = KT_OK;
    const load_command *o = given;
    kt_json *plan = NULL;
    char *folder = NULL;
    kt_campaign campaign = {.n = 0};
    KT_TRY(load_plan_check(&o->wishes, err));
    KT_TRY(default_folder(&folder, o, err));
    KT_TRY(load_plan_make(&plan, &o->wishes, o->fresh ? NULL : folder, err));
    KT_TRY(kt_campaign_parse(&campaign, plan, o->wishes.plan ? o->wishes.plan : "the load", err));
    if (o->dry_run)
        KT_TRY(load_view_plan(&campaign, o->json, err));
    else
        KT_TRY(run_campaign(&campaign, o, folder, err));
    const load_collect collect = {.jaeger = &o->jaeger,
                                  .folder = folder,
                                  .entry = o->wishes.entry,
                                  .fresh = o->fresh,
                                  .quiet = o->quiet,
                                  .json = o->json,
                                  .stop = is_stopped};
    if (o->jaeger.url && !o->dry_run)
        KT_TRY(load_collect_run(&collect, err));
out:
    kt_campaign_clear(&campaign);
    kt_json_drop(plan);
    free(folder);
    return status;
}

const kt_command command_load = {
    .name = "load",
    .summary = "Sends requests at drawn times, whatever becomes of them",
    .usage = "-u URL -r RPS -n N [-s REP] [-d SLOWDOWN] [-m MAX] | --plan PLAN.json",
    .about = "Open loop: the times at which requests are due are drawn beforehand, and the time to a reply "
             "counts\n"
             "from when the request was due. Each request has a trace id of its own. requests.csv has a line "
             "for each:\n"
             "st (Unix seconds, when it was sent), ttr (seconds from when it was due to its reply), rid (its "
             "number),\n"
             "status, error, trace_id, due, cell, phase. manifest.json says which load was offered when.\n"
             "A plan's form is in README.md. The same command goes on with a campaign that was ended. A "
             "signal ends a\n"
             "load when the replies under way are there, a second one at once; what was done is written in "
             "any case\n"
             "(exit code 75), and the same command runs that cell again. So it does after a load that nobody "
             "answered\n"
             "(exit code 1).\n",
    .table = options,
    .size = sizeof(load_command),
    .least = 0,
    .most = 0,
    .run = run,
};
