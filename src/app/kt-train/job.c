#include "job.h"
#include "kt/comm.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/parts.h"
#include "kt/pause.h"
#include "kt/pulse.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- 1. configure: rank 0 reads the command line, all parse the same bytes ---- */

/* KT_ISA counts where the command line is silent: that of each rank, for hosts may differ. */
static kt_status take_environment(kt_json *options, const char *isa, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *environment = kt_json_object();
    if (isa && strcmp(kt_json_as_text(kt_json_get(options, "isa"), ""), "auto") == 0) {
        kt_json_put(environment, "isa", kt_json_string(isa));
        KT_TRY(kt_options_check(settings_table(), environment, "KT_ISA", err));
        kt_json_merge(options, environment);
    }
out:
    kt_json_drop(environment);
    return status;
}

static kt_status pack_configuration(char **text, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *all = kt_json_object(), *inputs = kt_json_array();
    for (size_t i = 0; i < j->n_inputs; i++)
        kt_json_append(inputs, kt_json_string(j->inputs[i]));
    kt_json_put(all, "options", kt_json_keep(j->options));
    if (j->sweep)
        kt_json_put(all, "sweep", kt_json_keep(j->sweep->what.json));
    kt_json_put(all, "inputs", inputs);
    KT_TRY(kt_json_text(text, all, 0, err));
out:
    kt_json_drop(all);
    return status;
}

static kt_status read_sweep(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    const char *path = kt_json_as_text(kt_json_get(j->options, "sweep"), NULL);
    if (!path && kt_json_as_bool(kt_json_get(j->options, "dry-run"), false))
        return kt_fail(err, KT_USAGE, "--dry-run: there is no --sweep whose trials it would print");
    if (path && kt_json_as_text(kt_json_get(j->options, "part"), NULL))
        return kt_fail(err, KT_USAGE, "--part: a sweep trains all services in one run");
    if (!path)
        return KT_OK;
    KT_TRY(kt_json_read(&json, path, err));
    KT_TRY(sweep_create(&j->sweep, json, path, err));
out:
    kt_json_drop(json);
    return status;
}

static kt_status read_command_line(char **text, int argc, char **argv, kt_error *err)
{
    kt_status status = KT_OK;
    job j = {0};
    j.inputs = calloc((size_t)argc + 1, sizeof *j.inputs);
    if (!j.inputs)
        KT_TRY(kt_fail(err, KT_MEMORY, "out of memory"));
    KT_TRY(settings_read(&j.options, j.inputs, &j.n_inputs, argc, argv, err));
    KT_TRY(acquire_check(j.options, j.n_inputs, err));
    KT_TRY(read_sweep(&j, err));
    KT_TRY(pack_configuration(text, &j, err));
out:
    free(j.inputs);
    kt_json_drop(j.options);
    sweep_destroy(j.sweep);
    return status;
}

static kt_status folder_of(char **folder, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    char *stem = NULL;
    if (j->set.out)
        return kt_strdup(folder, j->set.out, err);
    KT_TRY(kt_path_stem(&stem,
                        j->set.jaeger.url     ? "jaeger"
                        : j->set.traces.n > 0 ? j->set.traces.text[0]
                                              : j->inputs[0],
                        err));
    KT_TRY(j->parts > 0 ? kt_format(folder, err, "results/%s-part-%d-of-%d", stem, j->part, j->parts)
                        : kt_format(folder, err, "results/%s", stem));
out:
    free(stem);
    return status;
}

static kt_status unpack_configuration(job *j, const char *text, size_t n, const char *isa, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *all = NULL;
    KT_TRY(kt_json_parse(&all, text, n, "configuration", err));
    j->options = kt_json_keep(kt_json_get(all, "options"));
    if (kt_json_get(all, "sweep"))
        KT_TRY(sweep_create(&j->sweep, kt_json_get(all, "sweep"), "the sweep", err));
    KT_TRY(take_environment(j->options, isa, err));
    KT_TRY(kt_options_fill(&j->set, settings_table(), j->options, err));
    const kt_json *inputs = kt_json_get(all, "inputs");
    KT_TRY(kt_alloc(&j->inputs, kt_json_size(inputs), sizeof *j->inputs, err));
    for (j->n_inputs = 0; j->n_inputs < kt_json_size(inputs); j->n_inputs++)
        KT_TRY(kt_strdup((char **)&j->inputs[j->n_inputs],
                         kt_json_as_text(kt_json_at(inputs, j->n_inputs), ""), err));
    if (j->set.part)
        KT_TRY(kt_parts_parse(&j->part, &j->parts, j->set.part, err));
    KT_TRY(folder_of(&j->folder, j, err));
    KT_TRY(kt_path_join(&j->dataset, j->folder, KT_RUN_DATASET, err));
    KT_TRY(kt_path_join(&j->archive_path, j->folder, KT_RUN_ARCHIVE, err));
    kt_recipe recipe = settings_recipe(&j->set, 1);
    KT_TRY(kt_recipe_check(&recipe, err));
    KT_TRY(hosts_kernel(j, err));
out:
    kt_json_drop(all);
    return status;
}

static kt_status configure(job *j, int argc, char **argv, const char *isa, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t n = 0;
    KT_TRY(hosts_agree(j->comm, err));
    if (j->rank == 0)
        status = read_command_line(&text, argc, argv, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    n = text ? strlen(text) : 0;
    KT_TRY(kt_comm_share(&text, &n, 0, j->comm, err));
    status = unpack_configuration(j, text, n, isa, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    KT_TRY(hosts_watch(j, err));
out:
    free(text);
    return status;
}

static kt_status open_folder(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    char part[32];
    snprintf(part, sizeof part, "%d/%d", j->part, j->parts);
    kt_json *inputs = acquire_inputs(j),
            *results = kt_options_of_class(settings_table(), j->options, KT_CLASS_RESULT);
    kt_run_request run = {.path = j->folder,
                          .options = results,
                          .inputs = inputs,
                          .sweep = j->sweep ? j->sweep->what.json : NULL,
                          .numerics = KT_NUMERICS,
                          .part = j->parts > 0 ? part : NULL,
                          .fresh = j->set.fresh,
                          .job = getenv("SLURM_JOB_ID")};
    KT_TRY(kt_run_open(&j->before, &j->lock, &run, err));
    j->progress.lock = j->lock;
    KT_TRY(kt_path_join(&j->progress.journal, j->folder, KT_RUN_JOURNAL, err));
out:
    kt_json_drop(inputs);
    kt_json_drop(results);
    return status;
}

/* ---- 4, 5, 6. plan, fit, judge ---- */

static void hear(void *context, const char *text, size_t n)
{
    job *j = context;
    progress_hear(&j->progress, text, n);
}

/* As it was asked for; a sweep plans anew. */
static kt_status plan_services(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = kt_store_count(j->store);
    KT_TRY(kt_alloc(&j->plan, n, sizeof *j->plan, err));
    for (size_t i = 0; i < n; i++) {
        j->plan[i].members = 1;
        j->plan[i].recipe[0] = settings_recipe(&j->set, kt_store_features(j->store));
    }
out:
    return kt_comm_agree(j->comm, status, err);
}

/* A team fits a service's members one after the other: as large as each of them allows. */
static void plan_items(kt_work_item *items, const job *j)
{
    for (size_t i = 0; i < kt_store_count(j->store); i++) {
        const job_plan *plan = &j->plan[i];
        const kt_store_service *s = kt_store_at(j->store, i);
        size_t rows = s->n_train;
        double read = (double)(s->n_train + s->n_validation);
        items[i] = (kt_work_item){.cost = kt_plan_cost(0, 0, 0, (double)s->n_test), .limit = INT_MAX};
        for (int m = 0; m < plan->members; m++) {
            const kt_recipe *recipe = &plan->recipe[m];
            int batch = kt_batch_rows(recipe->batch, rows);
            int limit = recipe->net.batch_norm ? 1 : kt_batch_strips(batch);
            items[i].cost += kt_plan_cost((double)kt_fit_budget(recipe, rows), batch, read, 0);
            items[i].limit = limit < items[i].limit ? limit : items[i].limit;
        }
    }
}

/* stopped: on request; what was kept is in the checkpoint. */
static kt_status fit_all(bool *stopped, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = kt_store_count(j->store);
    kt_work_item *items = NULL;
    const kt_work_calls calls = {.run = fitting_run,
                                 .hear = hear,
                                 .begun = keeping_begun,
                                 .result = keeping_result,
                                 .state = keeping_state,
                                 .commit = keeping_commit,
                                 .context = j};
    const kt_work_options how = {.parallel = (kt_plan_mode)j->set.parallel,
                                 .save_every = j->set.checkpoint_every,
                                 .stop = kt_halt_flag(j->halt)};

    status = kt_alloc(&items, n, sizeof *items, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    plan_items(items, j);
    KT_TRY(keeping_share(j, items, err));
    j->progress.services = n;
    if (j->rank == 0)
        status = progress_phase(&j->progress, "fit", err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    KT_TRY(kt_work_run(stopped, items, n, &how, j->comm, &calls, err));
out:
    free(items);
    return status;
}

/* ---- the order of it ---- */

static void job_clear(job *j)
{
    for (size_t i = 0; i < j->n_inputs; i++)
        free((char *)j->inputs[i]);
    free(j->inputs);
    free(j->folder);
    free(j->dataset);
    free(j->archive_path);
    kt_checkpoint_close(j->checkpoint);
    for (size_t i = 0; j->kept && i < kt_store_count(j->store); i++)
        free(j->kept[i].state);
    free(j->kept);
    kt_store_close(j->store);
    kt_archive_clear(&j->archive);
    kt_json_drop(j->options);
    free(j->plan);
    sweep_destroy(j->sweep);
    progress_clear(&j->progress);
    kt_lock_release(j->lock);
}

/* What rank 0 does by itself, while the others wait, however long it takes. */
static kt_status alone(job *j, kt_status (*work)(job *j, kt_error *err), kt_error *err)
{
    kt_status status = KT_OK;
    if (j->rank == 0) {
        kt_pulse_pause();
        status = work(j, err);
    }
    return kt_comm_agree(j->comm, status, err);
}

static kt_status begin(job *j, kt_error *err)
{
    kt_status status = alone(j, open_folder, err);
    int before = (int)j->before;
    kt_comm_bcast(&before, sizeof before, 0, j->comm);
    j->before = (kt_run_state)before;
    return status;
}

static kt_status train(bool *stopped, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(acquire_run(j, err));
    KT_TRY(plan_services(j, err));
    if (j->sweep)
        KT_TRY(sweep_run(stopped, j, err));
    if (!*stopped)
        KT_TRY(fit_all(stopped, j, err));
    if (*stopped) {
        progress_note(&j->progress, "stopped; the same command line goes on");
        goto out;
    }
    KT_TRY(alone(j, finishing_run, err));
out:
    return status;
}

/* The others need not hear of a stop before rank 0 has work for them again. What ends within a moment is not
 * given up. Does not beat: nothing is expected of a rank that works alone. */
static bool see_to(void *context)
{
    const double moment = 0.5; /* s */
    job *j = context;
    return kt_halt_poll(j->halt) > moment;
}

kt_status job_run(int *code, int argc, char **argv, const char *isa, const volatile sig_atomic_t *stop,
                  MPI_Comm comm, kt_error *err)
{
    kt_status status = KT_OK;
    job j = {.comm = comm, .rank = kt_comm_rank(comm), .size = kt_comm_size(comm)};
    bool stopped = false;
    *code = EXIT_DONE;
    KT_TRY(configure(&j, argc, argv, isa, err));
    progress_init(&j.progress, j.set.quiet || j.rank != 0);
    KT_TRY(kt_halt_begin(&j.halt, stop, j.set.stop_after, comm, err));
    kt_pause_with((kt_pauser){see_to, &j});
    if (j.set.dry_run) {
        KT_TRY(alone(&j, sweep_dry, err));
        goto out;
    }
    KT_TRY(begin(&j, err));
    if (j.before == KT_RUN_FINISHED)
        KT_TRY(alone(&j, results_again, err));
    else
        KT_TRY(train(&stopped, &j, err));
    if (!stopped)
        KT_TRY(alone(&j, results_export, err));
    int refused = j.archive.n_refused > 0;
    kt_comm_bcast(&refused, sizeof refused, 0, comm);
    *code = stopped ? EXIT_STOPPED : refused ? EXIT_SOME_REFUSED : EXIT_DONE;
out:
    kt_pause_with((kt_pauser){0});
    kt_halt_end(j.halt);
    kt_pulse_end();
    job_clear(&j);
    return status;
}
