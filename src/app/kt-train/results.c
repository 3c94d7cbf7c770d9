#include "job.h"
#include "kt/folder.h"
#include "kt/keras.h"
#include "kt/run_sweep.h"
#include "kt/scores.h"
#include "sweep_print.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BEST_TRIALS = 5 }; /* that are shown at the end */

/* ---- printing ---- */

static kt_status print_json(const job *j, const kt_scored *scored, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = kt_json_object(), *refused = kt_json_array(), *sweep = NULL;
    for (size_t i = 0; i < j->archive.n_refused; i++) {
        kt_json *one = kt_json_object();
        kt_json_put(one, "service", kt_json_string(j->archive.refused[i].name));
        kt_json_append(refused, kt_json_put(one, "reason", kt_json_string(j->archive.refused[i].reason)));
    }
    kt_json_put(json, "services", kt_scores_json(scored, j->archive.n_entries, true));
    kt_json_put(json, "refused", refused);
    if (j->archive.sweep) {
        KT_TRY(kt_json_parse(&sweep, j->archive.sweep, strlen(j->archive.sweep), "/sweep", err));
        kt_json_put(json, "sweep", sweep);
    }
    kt_json_put(json, "archive", kt_json_string(j->archive_path));
    kt_json_put(json, "sha256", kt_json_string(j->digest));
    return program_print_json(json, err);
out:
    kt_json_drop(json);
    return status;
}

static kt_status print_sweep(const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_sweep_view view = {.sweep = NULL};
    KT_TRY(kt_run_sweep(&view, NULL, j->folder, (double)time(NULL), err));
    KT_TRY(sweep_print_text(&view, false, BEST_TRIALS, NULL, err));
    putchar('\n');
out:
    kt_sweep_view_clear(&view);
    return status;
}

static kt_status print_table(const job *j, const kt_scored *scored, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    if (j->sweep)
        KT_TRY(print_sweep(j, err));
    KT_TRY(kt_scores_table(&text, scored, j->archive.n_entries, err));
    fputs(text, stdout);
    for (size_t i = 0; i < j->archive.n_refused; i++)
        printf("without a model: %s\n", j->archive.refused[i].reason);
    printf("archive: %s\nsha256:  %s\n", j->archive_path, j->digest);
out:
    free(text);
    return status;
}

kt_status results_print(const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_scored *scored = NULL;
    KT_TRY(kt_alloc(&scored, j->archive.n_entries, sizeof *scored, err));
    for (size_t i = 0; i < j->archive.n_entries; i++) {
        const kt_archive_entry *e = &j->archive.entries[i];
        scored[i] = (kt_scored){e->name, e->n_train, e->fitted.flags, e->cells, e->n_cells};
    }
    status = j->set.json ? print_json(j, scored, err) : print_table(j, scored, err);
out:
    free(scored);
    return status;
}

kt_status results_again(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_archive_verify(j->archive_path, j->digest, err));
    KT_TRY(kt_archive_read(&j->archive, j->archive_path, err));
    if (j->set.json)
        KT_TRY(results_print(j, err));
    else
        printf("%s: finished already; --fresh trains again\n", j->archive_path);
out:
    return status;
}

kt_status results_export(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_archive *archive = &j->archive;
    const kt_archive_entry **entries = NULL;
    const kt_keras_options options = {
        .dataset = j->dataset, .replace = true, .guard = j->lock ? kt_lock_guard(j->lock) : NULL};
    if (j->set.export == 0 || archive->n_entries == 0)
        return KT_OK;
    KT_TRY(kt_alloc(&entries, archive->n_entries, sizeof *entries, err));
    for (size_t i = 0; i < archive->n_entries; i++)
        entries[i] = &archive->entries[i];
    KT_TRY(kt_keras_export(j->folder, archive, entries, archive->n_entries, &options, err));
    for (size_t i = 0; !j->set.quiet && i < archive->n_entries; i++)
        if (entries[i]->n_more > 0)
            fprintf(stderr, "keras: %s: its .keras file has the best of %zu members\n", entries[i]->name,
                    kt_archive_members(entries[i]));
    if (!j->set.json)
        printf("keras:   %s/" KT_RUN_MODELS "\n", j->folder);
out:
    free(entries);
    return status;
}
