#include "job.h"

#include "kt/certify.h"
#include "kt/clean.h"
#include "kt/input.h"
#include "kt/recorded.h"
#include <stdlib.h>
#include <string.h>

static void note(void *context, const char *line)
{
    progress_note(context, "%s", line);
}

/* ---- what the user named ---- */

kt_status acquire_check(const kt_json *options, size_t n_operands, kt_error *err)
{
    if (n_operands > 0 || kt_json_size(kt_json_get(options, "traces")) > 0)
        return KT_OK;
    return kt_fail(err, KT_USAGE,
                   "no data: name files or folders of CSV, a kt-dataset, or --traces (kt-train --help)");
}

kt_json *acquire_inputs(const job *j)
{
    kt_json *inputs = kt_json_array();
    for (size_t i = 0; i < j->set.traces.n; i++) {
        kt_json_append(inputs, kt_json_string("--traces"));
        kt_json_append(inputs, kt_json_string(j->set.traces.text[i]));
    }
    for (size_t i = 0; i < j->n_inputs; i++)
        kt_json_append(inputs, kt_json_string(j->inputs[i]));
    if (j->set.manifest) {
        kt_json_append(inputs, kt_json_string("--manifest"));
        kt_json_append(inputs, kt_json_string(j->set.manifest));
    }
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
    kt_recorded_options recorded = {.manifest = j->set.manifest, .note = note, .context = &j->progress};
    kt_clean_settings how = settings_clean(&j->set);
    if (j->set.features.n > 0)
        KT_TRY(kt_fail(err, KT_USAGE, "--features: rows of traces have rps_eff and rep"));
    KT_TRY(kt_recorded_read(&spans, &papers, &manifest, paths, n, &recorded, err));
    KT_TRY(progress_phase(&j->progress, "clean", err));
    KT_TRY(kt_clean_run(samples, &report, &spans, &manifest, &how, note, &j->progress, err));
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

/* ---- rows of tables ---- */

static kt_status read_tables(kt_samples *samples, job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_csv_options csv;
    KT_TRY(settings_csv(&csv, &j->set, err));
    csv.note = note;
    csv.context = &j->progress;
    KT_TRY(kt_input_read(samples, j->inputs, j->n_inputs, &csv, err));
out:
    return status;
}

/* ---- partition ---- */

static kt_status choose(bool *chosen, const kt_samples *samples, const kt_texts *names, kt_error *err)
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

kt_status acquire_partition(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples samples = {0};
    kt_split *splits = NULL;
    bool *chosen = NULL;
    kt_split_options how = settings_split(&j->set);
    KT_TRY(progress_phase(&j->progress, "acquire", err));
    KT_TRY(j->set.traces.n > 0 ? read_traces(&samples, j, err) : read_tables(&samples, j, err));
    KT_TRY(progress_phase(&j->progress, "partition", err));
    KT_TRY(kt_alloc(&splits, samples.n_services, sizeof *splits, err));
    KT_TRY(kt_alloc(&chosen, samples.n_services, sizeof *chosen, err));
    KT_TRY(choose(chosen, &samples, &j->set.services, err));
    KT_TRY(kt_split_make(splits, &samples, &how,
                         err)); /* of all services: a chosen one gets what it has among all */
    KT_TRY(kt_store_write(j->dataset, &samples, splits, chosen, err));
out:
    for (size_t i = 0; splits && i < samples.n_services; i++)
        kt_split_clear(&splits[i]);
    free(splits);
    free(chosen);
    kt_samples_clear(&samples);
    return status;
}
