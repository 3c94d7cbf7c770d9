/* The end of a run, on rank 0: the archive, then run.json, by which it is finished. */
#include "job.h"
#include <sys/utsname.h>
#include <time.h>

static kt_status archive_head(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *results = kt_options_of_class(settings_table(), j->options, KT_CLASS_RESULT);
    KT_TRY(kt_json_text(&j->archive.config, results, 0, err));
    if (j->sweep)
        KT_TRY(kt_json_text(&j->archive.sweep, j->sweep->outcome, 0, err));
    if (kt_store_cleaning(j->store))
        KT_TRY(kt_strdup(&j->archive.cleaning, kt_store_cleaning(j->store), err));
    j->archive.d = kt_store_features(j->store);
    for (int i = 0; i < j->archive.d; i++)
        KT_TRY(kt_strdup(&j->archive.feature[i], kt_store_feature(j->store, i), err));
out:
    kt_json_drop(results);
    return status;
}

static kt_status write_info(job *j, kt_error *err)
{
    char started[32];
    struct utsname host;
    time_t now = time(NULL);
    kt_json *info = kt_json_object();
    uname(&host);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    kt_json_put(info, "kt_train", kt_json_string(KT_VERSION));
    kt_json_put(info, "finished", kt_json_string(started));
    kt_json_put(info, "host", kt_json_string(host.nodename));
    kt_json_put(info, "ranks", kt_json_int(j->size));
    kt_json_put(info, "isa", kt_json_string(kt_isa_name(j->isa)));
    kt_json_put(info, "options", kt_options_of_class(settings_table(), j->options, KT_CLASS_RUN));
    kt_json_put(info, "phase_seconds", kt_json_keep(j->progress.phases));
    kt_json_put(info, "checkpoints", kt_json_int(j->commits));
    kt_json_put(info, "checkpoint_seconds", kt_json_real(j->commit_seconds));
    kt_json_put(info, "archive_sha256", kt_json_string(j->digest));
    kt_status status = kt_run_write(j->folder, KT_RUN_INFO, info, j->lock, err);
    kt_json_drop(info);
    return status;
}

kt_status finishing_run(job *j, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(progress_phase(&j->progress, "archive", err));
    KT_TRY(archive_head(j, err));
    kt_archive_sort(&j->archive);
    KT_TRY(kt_archive_write(j->archive_path, &j->archive, j->digest, kt_lock_guard(j->lock), err));
    KT_TRY(progress_phase(&j->progress, "done", err));
    KT_TRY(progress_phase(&j->progress, NULL, err));
    KT_TRY(write_info(j, err)); /* now it is finished */
    KT_TRY(kt_checkpoint_remove(j->folder, err));
    KT_TRY(results_print(j, err));
    reporting_run(j);
out:
    return status;
}
