#include "job.h"

#include "kt/certify.h"
#include "kt/clean.h"
#include "kt/comm.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/http.h"
#include "kt/input.h"
#include "kt/parts.h"
#include "kt/pause.h"
#include "kt/plan.h"
#include "kt/pulse.h"
#include "kt/recorded.h"
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum { STORE_WAIT_S = 60, STORE_NAPS = 40, NAP_NS = 5000000 }; /* the wait where --stall names none */

static void note(void *context, const char *line)
{
    job *j = context;
    progress_note(&j->progress, "%s", line);
}

/* ---- what the user named ---- */

kt_status acquire_check(const kt_json *options, size_t n_operands, kt_error *err)
{
    bool files = n_operands > 0 || kt_json_size(kt_json_get(options, "traces")) > 0;
    bool jaeger = kt_json_get(options, "jaeger") != NULL;
    if (files && jaeger)
        return kt_fail(err, KT_USAGE, "--jaeger: takes no DATA and no --traces beside it");
    if (files || jaeger)
        return KT_OK;
    return kt_fail(
        err, KT_USAGE,
        "no data: name files or folders of CSV, a kt-dataset, --traces or --jaeger (kt-train --help)");
}

static void name_input(kt_json *inputs, const char *option, const char *value)
{
    if (!value)
        return;
    kt_json_append(inputs, kt_json_string(option));
    kt_json_append(inputs, kt_json_string(value));
}

kt_json *acquire_inputs(const job *j)
{
    kt_json *inputs = kt_json_array();
    char *server = NULL;
    if (j->set.jaeger.url && kt_http_display(&server, j->set.jaeger.url, NULL) == KT_OK) {
        name_input(inputs, "--jaeger", server);
        name_input(inputs, "--since", j->set.jaeger.since);
        name_input(inputs, "--until", j->set.jaeger.until);
    }
    free(server);
    for (size_t i = 0; i < j->set.traces.n; i++)
        name_input(inputs, "--traces", j->set.traces.text[i]);
    for (size_t i = 0; i < j->n_inputs; i++)
        kt_json_append(inputs, kt_json_string(j->inputs[i]));
    name_input(inputs, "--manifest", j->set.manifest);
    return inputs;
}

/* ---- rows of traces ---- */

static kt_status clean(kt_samples *samples, job *j, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans spans = {.n = 0};
    kt_spans_papers papers = {.certificate = NULL};
    kt_manifest manifest = {.n = 0};
    kt_json *report = NULL;
    kt_recorded_options recorded = {.manifest = j->set.manifest, .note = note, .context = j};
    kt_clean_settings how = settings_clean(&j->set);
    if (j->set.features.n > 0)
        KT_TRY(kt_fail(err, KT_USAGE, "--features: rows of traces have rps_eff and rep"));
    KT_TRY(kt_recorded_read(&spans, &papers, &manifest, paths, n, &recorded, err));
    KT_TRY(progress_phase(&j->progress, "clean", err));
    KT_TRY(kt_clean_run(samples, &report, &spans, &manifest, &how, note, j, err));
    KT_TRY(kt_samples_certify(samples, &papers, err));
out:
    kt_json_drop(report);
    kt_manifest_clear(&manifest);
    kt_spans_papers_clear(&papers);
    kt_spans_clear(&spans);
    return status;
}

static kt_status read_traces(kt_samples *samples, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    const char **paths = NULL;
    size_t n = 0;
    KT_TRY(kt_alloc(&paths, j->set.traces.n + j->n_inputs, sizeof *paths, err));
    for (size_t i = 0; i < j->set.traces.n; i++)
        paths[n++] = j->set.traces.text[i];
    for (size_t i = 0; i < j->n_inputs; i++)
        paths[n++] = j->inputs[i];
    KT_TRY(clean(samples, j, paths, n, err));
out:
    free(paths);
    return status;
}

/* ---- traces of a running Jaeger ---- */

static void show_pull(void *context, double done_s, double all_s, uint64_t traces, uint64_t spans)
{
    job *j = context;
    progress_live(&j->progress, "pull: %.0f %%, %llu traces, %llu spans",
                  all_s > 0 ? 100 * done_s / all_s : 100., (unsigned long long)traces,
                  (unsigned long long)spans);
}

static bool is_stopped(void *context)
{
    const job *j = context;
    kt_pause();
    return *kt_halt_flag(j->halt);
}

/* Into RUN/spans.h5, which a run that goes on has already. */
static kt_status pull(job *j, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_pull_result result = {.certificate = NULL};
    jaeger_job wanted = {.wishes = &j->set.jaeger,
                         .path = path,
                         .n_services = j->set.clean.entry ? 1 : 0,
                         .services = &j->set.clean.entry,
                         .sampling = j->set.clean.sampling,
                         .guard = kt_lock_guard(j->lock),
                         .note = note,
                         .progress = show_pull,
                         .stop = is_stopped,
                         .context = j};
    if (kt_path_kind_of(path) == KT_PATH_FILE)
        return KT_OK;
    KT_TRY(jaeger_pull(&result, &wanted, err));
    progress_note(&j->progress, "pull: %s (kt info %s says more)", kt_pull_verdict_text[result.verdict],
                  path);
out:
    free(result.certificate);
    return status;
}

static kt_status read_jaeger(kt_samples *samples, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL;
    KT_TRY(kt_path_join(&path, j->folder, KT_RUN_SPANS, err));
    KT_TRY(pull(j, path, err));
    KT_TRY(clean(samples, j, (const char *const *)&path, 1, err));
out:
    free(path);
    return status;
}

/* ---- rows of tables ---- */

static kt_status read_tables(kt_samples *samples, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_csv_options csv;
    KT_TRY(settings_csv(&csv, &j->set, err));
    csv.note = note;
    csv.context = j;
    KT_TRY(kt_input_read(samples, j->inputs, j->n_inputs, &csv, err));
out:
    return status;
}

kt_status acquire_read(kt_samples *samples, job *j, kt_error *err)
{
    return j->set.jaeger.url     ? read_jaeger(samples, j, err)
           : j->set.traces.n > 0 ? read_traces(samples, j, err)
                                 : read_tables(samples, j, err);
}

/* ---- partition ---- */

kt_status acquire_choose(bool *chosen, const kt_samples *samples, const kt_texts *names, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < samples->n_services; i++)
        chosen[i] = names->n == 0;
    for (size_t i = 0; i < names->n; i++) {
        size_t index;
        KT_TRY(kt_samples_find(&index, samples, names->text[i], err));
        chosen[index] = true;
    }
out:
    return status;
}

/* What a service's fit costs; that of the whole run decides which part has it. */
static kt_status deal(int *part, const size_t *which, size_t n, const job *j, const kt_split *splits,
                      kt_error *err)
{
    kt_status status = KT_OK;
    double *cost = NULL;
    kt_recipe recipe = settings_recipe(&j->set, 1);
    KT_TRY(kt_alloc(&cost, n, sizeof *cost, err));
    for (size_t i = 0; i < n; i++) {
        const kt_split *s = &splits[which[i]];
        cost[i] =
            kt_plan_cost((double)kt_fit_budget(&recipe, s->n_train), kt_batch_rows(recipe.batch, s->n_train),
                         (double)(s->n_train + s->n_validation), (double)s->n_test);
    }
    KT_TRY(kt_plan_deal(part, cost, n, j->parts, err));
out:
    free(cost);
    return status;
}

/* Leaves of the chosen ones those of our part, and writes down which part has which. */
static kt_status take_part(bool *chosen, const job *j, const kt_samples *samples, const kt_split *splits,
                           kt_error *err)
{
    kt_status status = KT_OK;
    kt_parts parts = {.part = j->part, .parts = j->parts};
    size_t *which = NULL;
    int *part = NULL;
    KT_TRY(kt_alloc(&which, samples->n_services, sizeof *which, err));
    KT_TRY(kt_alloc(&part, samples->n_services, sizeof *part, err));
    KT_TRY(kt_alloc(&parts.services, samples->n_services, sizeof *parts.services, err));
    for (size_t i = 0; i < samples->n_services; i++) {
        if (!chosen[i])
            continue;
        kt_parts_service *s = &parts.services[parts.n];
        which[parts.n++] = i;
        KT_TRY(kt_strdup(&s->name, samples->services[i].name, err));
        kt_digest_hex(s->digest, samples->services[i].digest);
    }
    KT_TRY(deal(part, which, parts.n, j, splits, err));
    for (size_t i = 0; i < parts.n; i++) {
        parts.services[i].part = part[i] + 1;
        chosen[which[i]] = parts.services[i].part == j->part;
    }
    KT_TRY(kt_parts_write(j->folder, &parts, j->lock, err));
out:
    kt_parts_clear(&parts);
    free(which);
    free(part);
    return status;
}

static kt_status partition(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples samples = {0};
    kt_split *splits = NULL;
    bool *chosen = NULL;
    kt_split_options how = settings_split(&j->set);
    KT_TRY(progress_phase(&j->progress, "acquire", err));
    KT_TRY(acquire_read(&samples, j, err));
    KT_TRY(progress_phase(&j->progress, "partition", err));
    KT_TRY(kt_alloc(&splits, samples.n_services, sizeof *splits, err));
    KT_TRY(kt_alloc(&chosen, samples.n_services, sizeof *chosen, err));
    KT_TRY(acquire_choose(chosen, &samples, &j->set.services, err));
    KT_TRY(kt_split_make(splits, &samples, &how,
                         err)); /* of all services: a chosen one gets what it has among all */
    if (j->parts > 0)
        KT_TRY(take_part(chosen, j, &samples, splits, err));
    KT_TRY(kt_store_write(j->dataset, &samples, splits, chosen, kt_lock_guard(j->lock), err));
out:
    for (size_t i = 0; splits && i < samples.n_services; i++)
        kt_split_clear(&splits[i]);
    free(splits);
    free(chosen);
    kt_samples_clear(&samples);
    return status;
}

/* ---- all ranks open the dataset ---- */

/* What two ranks compare to know that they see the same file. */
kt_status acquire_mark(uint8_t mark[KT_DIGEST_BYTES], const kt_store *store, kt_error *err)
{
    kt_digest *digest = NULL;
    kt_status status = kt_digest_create(&digest, err);
    if (status != KT_OK)
        return status;
    for (size_t i = 0; i < kt_store_count(store); i++) {
        const kt_store_service *s = kt_store_at(store, i);
        kt_digest_text(digest, s->name);
        kt_digest_u64(digest, s->offset);
        kt_digest_u64(digest, s->n_train);
        kt_digest_add(digest, s->digest, sizeof s->digest);
    }
    kt_digest_end(digest, mark);
    kt_digest_destroy(digest);
    return KT_OK;
}

/* Until it is worth another look. */
static kt_status wait_for_store(kt_error *err)
{
    const struct timespec nap = {0, NAP_NS};
    kt_status status = KT_OK;
    for (int i = 0; i < STORE_NAPS && status == KT_OK; i++) {
        kt_pulse_beat();
        nanosleep(&nap, NULL);
        status = kt_go_on(err);
    }
    return status;
}

/* A shared filesystem may show another host's new file late. */
static kt_status open_store_as(kt_store **store, const char *path, const job *j,
                               const uint8_t expected[KT_DIGEST_BYTES], kt_error *err)
{
    const double began = MPI_Wtime(), wait = j->stall > 0 ? j->stall : STORE_WAIT_S;
    struct utsname host;
    uname(&host);
    for (;;) {
        kt_error why = {0};
        uint8_t mark[KT_DIGEST_BYTES];
        kt_status status = kt_store_open(store, path, &why);
        if (status == KT_OK)
            status = acquire_mark(mark, *store, &why);
        if (status == KT_OK && memcmp(mark, expected, sizeof mark) == 0)
            return KT_OK;
        kt_store_close(*store);
        *store = NULL;
        if (MPI_Wtime() - began > wait)
            return kt_fail(err, KT_IO, "%s: rank %d on %s %s: %s", path, j->rank, host.nodename,
                           status == KT_OK ? "sees another file than rank 0" : "cannot read it",
                           status == KT_OK ? "is the folder shared by all hosts?" : why.message);
        status = wait_for_store(err);
        if (status != KT_OK)
            return status;
    }
}

kt_status acquire_open(kt_store **store, const char *path, const job *j, const uint8_t mark[KT_DIGEST_BYTES],
                       kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t expected[KT_DIGEST_BYTES];
    memcpy(expected, mark, sizeof expected);
    kt_comm_bcast(expected, sizeof expected, 0, j->comm);
    if (j->rank != 0)
        status = open_store_as(store, path, j, expected, err);
    return kt_comm_agree(j->comm, status, err);
}

/* An unfinished run has its dataset, if it came that far. */
static kt_status acquire_first(job *j, uint8_t mark[KT_DIGEST_BYTES], kt_error *err)
{
    kt_status status = KT_OK;
    bool there = j->before == KT_RUN_UNFINISHED && kt_path_kind_of(j->dataset) == KT_PATH_FILE;
    if (there && kt_store_open(&j->store, j->dataset, NULL) == KT_OK)
        progress_note(&j->progress, "%s is there: the data are not read again (--fresh starts over)",
                      j->dataset);
    if (!j->store) {
        KT_TRY(partition(j, err));
        KT_TRY(kt_store_open(&j->store, j->dataset, err));
    }
    KT_TRY(acquire_mark(mark, j->store, err));
    KT_TRY(keeping_open(j, mark, err));
out:
    return status;
}

kt_status acquire_run(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    uint8_t mark[KT_DIGEST_BYTES] = {0};
    if (j->rank == 0) {
        kt_pulse_pause(); /* the others wait, however long it takes */
        status = acquire_first(j, mark, err);
    }
    KT_TRY(kt_comm_agree(j->comm, status, err));
    KT_TRY(acquire_open(&j->store, j->dataset, j, mark, err));
out:
    return status;
}
