/* kt plan: how long a fit phase takes with so many ranks, and what they would do. */
#include "command.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/table.h"
#include "planning.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t ranks;
    int parallel, recipe;
    const char *costs;
    double latency;
    bool calibrate, services, json, help;
} plan_options;

enum { FEW = 5 /* services at either end of a short schedule */ };
static const char *const recipes[] = {"default", "fast", "seed"};

#define AT(field) offsetof(plan_options, field)
static const kt_option options[] = {
    {"ranks", 'n', KT_OPTION_INT, KT_CLASS_RUN, AT(ranks), 1, 1 << 20, NULL, "1", "N", "ranks to plan for",
     "Plan"},
    {"parallel", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(parallel), 0, 0, KT_PLAN_CHOICES, "auto", "HOW",
     "as of kt-train", NULL},
    {"recipe", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(recipe), 0, 0, "default|fast|seed", "default", "NAME",
     "by which a DATASET would be trained; a RUN has its own options", NULL},
    {"calibrate", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(calibrate), 0, 0, NULL, "false", NULL,
     "measure costs on this machine, seconds at most, and write them to --costs (RUN/costs.json)", "Costs"},
    {"costs", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(costs), 0, 0, NULL, NULL, "FILE",
     "what was measured, here or on another machine", NULL},
    {"latency", 0, KT_OPTION_REAL, KT_CLASS_RUN, AT(latency), -1, 1e6, NULL, "-1", "MICROSECONDS",
     "of an exchange between two ranks that share a fit; -1: as in the costs, else 5", NULL},
    {"services", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(services), 0, 0, NULL, "false", NULL,
     "the schedule of every service", "Output"},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "print one JSON document",
     NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {.name = NULL}};

typedef struct {
    const plan_options *o;
    plan_job job;
    kt_plan_run *runs; /* [job.n] */
    kt_plan_summary sum;
    size_t *order; /* [job.n] by end */
} plan;

static int by_end(const void *a, const void *b, void *context)
{
    const kt_plan_run *runs = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (runs[i].end != runs[j].end)
        return runs[i].end < runs[j].end ? -1 : 1;
    return (i > j) - (i < j);
}

/* ---- printing ---- */

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 1;
}

static kt_json *service_json(const plan *p, size_t i)
{
    const kt_plan_run *run = &p->runs[i];
    kt_json *json =
        kt_json_put(kt_json_object(), "service", kt_json_string(kt_store_at(p->job.store, i)->name));
    kt_json_put(json, "begin_seconds", kt_json_real(run->begin));
    kt_json_put(json, "end_seconds", kt_json_real(run->end));
    kt_json_put(json, "first_ranks", kt_json_int(run->first));
    kt_json_put(json, "last_ranks", kt_json_int(run->last));
    return kt_json_put(json, "one_rank_seconds",
                       kt_json_real(kt_plan_seconds(&p->job.items[i], 1, p->job.costs.latency)));
}

static kt_status print_json(const plan *p, kt_error *err)
{
    const kt_plan_summary *s = &p->sum;
    double capacity = (double)p->o->ranks * s->makespan;
    kt_json *json = kt_json_object(), *services = kt_json_array();
    for (size_t i = 0; i < p->job.n && p->o->services; i++)
        kt_json_append(services, service_json(p, p->order[i]));
    kt_json_put(json, "ranks", kt_json_int(p->o->ranks));
    kt_json_put(json, "services", kt_json_int((int64_t)p->job.n));
    kt_json_put(json, "measured_services", kt_json_int((int64_t)p->job.measured));
    kt_json_put(json, "costs", kt_json_string(p->job.source));
    kt_json_put(json, "latency_seconds", kt_json_real(p->job.costs.latency));
    kt_json_put(json, "makespan_seconds", kt_json_real(s->makespan));
    kt_json_put(json, "one_rank_seconds", kt_json_real(s->alone));
    kt_json_put(json, "least_seconds", kt_json_real(s->bound));
    kt_json_put(json, "efficiency", kt_json_real(share(s->alone, capacity)));
    kt_json_put(json, "utilisation", kt_json_real(share(s->busy, capacity)));
    kt_json_put(json, "teams", kt_json_int((int64_t)s->teams));
    kt_json_put(json, "joined", kt_json_int((int64_t)s->grown));
    if (p->o->services)
        kt_json_put(json, "schedule", kt_json_keep(services));
    kt_json_drop(services);
    return program_print_json(json, err);
}

static kt_status add_row(kt_table *table, const plan *p, size_t i, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_plan_run *run = &p->runs[i];
    KT_TRY(kt_table_cell(table, err, "%s", kt_store_at(p->job.store, i)->name));
    KT_TRY(kt_table_cell(table, err, "%.3f", run->begin));
    KT_TRY(kt_table_cell(table, err, "%.3f", run->end));
    KT_TRY(run->first == run->last ? kt_table_cell(table, err, "%d", run->first)
                                   : kt_table_cell(table, err, "%d to %d", run->first, run->last));
    KT_TRY(kt_table_cell(table, err, "%.3f", kt_plan_seconds(&p->job.items[i], 1, p->job.costs.latency)));
out:
    return status;
}

static kt_status print_services(const plan *p, const char *title, size_t first, size_t last, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    char *text = NULL;
    KT_TRY(kt_table_create(&table, "service|begins s>|ends s>|ranks>|by one rank s>", err));
    for (size_t i = first; i < last; i++)
        KT_TRY(add_row(table, p, p->order[i], err));
    KT_TRY(kt_table_text(&text, table, err));
    printf("\n%s\n%s", title, text);
out:
    kt_table_destroy(table);
    free(text);
    return status;
}

static kt_status print_text(const plan *p, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_plan_summary *s = &p->sum;
    double capacity = (double)p->o->ranks * s->makespan;
    size_t n = p->job.n;
    printf("%zu services on %lld ranks\n", n, (long long)p->o->ranks);
    printf("costs:       %s (%zu services by their own times)\n", p->job.source, p->job.measured);
    printf("makespan:    %.3f s; no schedule takes less than %.3f s; one rank takes %.3f s\n", s->makespan,
           s->bound, s->alone);
    printf("efficiency:  %.1f %%; ranks are busy for %.1f %% of it\n", 100 * share(s->alone, capacity),
           100 * share(s->busy, capacity));
    printf("shared fits: %zu begin with a team, ranks join %zu\n", s->teams, s->grown);
    if (p->o->services || n <= 2 * FEW) {
        KT_TRY(print_services(p, "In the order of their ends:", 0, n, err));
    } else {
        KT_TRY(print_services(p, "The first to end:", 0, FEW, err));
        KT_TRY(print_services(p, "The last to end (--services lists all):", n - FEW, n, err));
    }
out:
    return status;
}

/* ---- the command ---- */

static kt_status calibrate(plan *p, kt_error *err)
{
    kt_status status = KT_OK;
    char *own = NULL;
    KT_TRY(plan_calibrate(&p->job, err));
    if (p->o->latency >= 0)
        p->job.costs.latency = 1e-6 * p->o->latency;
    if (!p->o->costs && p->job.folder)
        KT_TRY(kt_path_join(&own, p->job.folder, KT_RUN_COSTS, err));
    if (p->job.costs.n > 0 && (own || p->o->costs))
        KT_TRY(kt_costs_write(own ? own : p->o->costs, &p->job.costs, err));
out:
    free(own);
    return status;
}

static kt_status run(void *given, const char *const *operands, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    plan p = {.o = given};
    (void)n;
    KT_TRY(plan_open(&p.job, operands[0], recipes[p.o->recipe], err));
    if (p.job.swept)
        fprintf(
            stderr,
            "kt plan: %s has a sweep: planned are fits with its options as they were given, not its trials\n",
            operands[0]);
    if (p.o->calibrate)
        KT_TRY(calibrate(&p, err));
    KT_TRY(plan_costs(&p.job, p.o->costs, p.o->calibrate, 1e-6 * p.o->latency, err));
    KT_TRY(kt_alloc(&p.runs, p.job.n, sizeof *p.runs, err));
    KT_TRY(kt_alloc(&p.order, p.job.n, sizeof *p.order, err));
    KT_TRY(kt_plan_schedule(p.runs, &p.sum, p.job.items, p.job.n, (int)p.o->ranks,
                            (kt_plan_mode)p.o->parallel, p.job.costs.latency, err));
    for (size_t i = 0; i < p.job.n; i++)
        p.order[i] = i;
    qsort_r(p.order, p.job.n, sizeof *p.order, by_end, p.runs);
    KT_TRY(p.o->json ? print_json(&p, err) : print_text(&p, err));
out:
    free(p.runs);
    free(p.order);
    plan_clear(&p.job);
    return status;
}

const kt_command command_plan = {
    .name = "plan",
    .summary = "Says how long fitting takes with any number of ranks",
    .usage = "RUN|DATASET --ranks N",
    .about = "Plays through what kt-train's ranks do in the phase fit, by measured costs: those in a RUN's "
             "journal or "
             "costs.json,\n"
             "of --costs FILE, or of this machine (--calibrate). Starting the ranks, reading and splitting "
             "the data and "
             "writing\n"
             "the archive are not in it. Efficiency: one rank's seconds over ranks times makespan.\n",
    .options = options,
    .size = sizeof(plan_options),
    .least = 1,
    .most = 1,
    .run = run,
};
