#include "kt/folder.h"
#include "kt/checkpoint.h"
#include "kt/file.h"
#include "kt/ledger.h"
#include "kt/parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All that kt-train writes into a run's folder; the configuration goes last, so that a removal cut short is
 * still known as a run. Not the lock: it is held meanwhile, and goes when it is released. */
static const char *const ours[] = {KT_RUN_ARCHIVE, KT_RUN_INFO,   KT_RUN_REPORT,        KT_RUN_JOURNAL,
                                   KT_RUN_DATASET, KT_RUN_SPANS,  KT_RUN_SPANS ".part", KT_RUN_PARTS,
                                   KT_RUN_COSTS,   KT_RUN_LEDGER, KT_RUN_INPUTS,        KT_RUN_CONFIG};

/* Removes a file, or a folder that is empty; one that is not there, or holds more, is fine. */
static kt_status remove_one(const char *path, kt_error *err)
{
    if (remove(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST)
        return KT_OK;
    return kt_fail_errno(err, KT_IO, "%s: cannot remove", path);
}

/* What --export writes for one service, and its folders if nothing else lies in them. */
static kt_status remove_model(const char *service, kt_error *err)
{
    static const char *const parts[] = {"/model/model.keras", "/model/service_train.csv",
                                        "/model/service_test.csv", "/model", ""};
    kt_status status = KT_OK;
    char *path = NULL;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        KT_TRY(kt_format(&path, err, "%s%s", service, parts[i]));
        KT_TRY(remove_one(path, err));
        free(path);
        path = NULL;
    }
out:
    free(path);
    return status;
}

static kt_status remove_models(const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    char *models = NULL, *service = NULL, **names = NULL;
    size_t n = 0;
    KT_TRY(kt_path_join(&models, folder, KT_RUN_MODELS, err));
    if (kt_path_kind_of(models) != KT_PATH_FOLDER)
        goto out;
    KT_TRY(kt_folder_list(&names, &n, models, err));
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_path_join(&service, models, names[i], err));
        if (kt_path_kind_of(service) == KT_PATH_FOLDER)
            KT_TRY(remove_model(service, err));
        free(service);
        service = NULL;
    }
    KT_TRY(remove_one(models, err));
out:
    kt_strings_free(names, n);
    free(service);
    free(models);
    return status;
}

static kt_status remove_ours(const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *file = NULL;
    KT_TRY(kt_checkpoint_remove(path, err));
    KT_TRY(remove_models(path, err));
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        KT_TRY(kt_path_join(&file, path, ours[i], err));
        if (unlink(file) != 0 && errno != ENOENT)
            KT_TRY(kt_fail_errno(err, KT_IO, "%s: cannot remove", file));
        free(file);
        file = NULL;
    }
out:
    free(file);
    return status;
}

/* what, is: "a run with --", " "; in front of the first key that differs, and behind it. */
static kt_status compare(const char *path, const char *what, const char *is, const kt_json *stored,
                         const kt_json *asked, kt_error *err)
{
    kt_status status = KT_OK;
    const char *key;
    char *was = NULL, *now = NULL;
    KT_TRY(kt_json_difference(&key, &was, &now, stored, asked, err));
    if (key)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: holds %s%s%s%s, now it is %s; name another --out, or start over with --fresh",
                       path, what, key, is, was, now));
out:
    free(was);
    free(now);
    return status;
}

static kt_status compare_sweeps(const char *path, const kt_json *stored, const kt_json *asked, kt_error *err)
{
    if (!stored != !asked)
        return kt_fail(err, KT_BUSY,
                       "%s: holds a run %s a sweep; name another --out, or start over with --fresh", path,
                       stored ? "with" : "without");
    return compare(path, "another sweep: its ", " is ", stored, asked, err);
}

static kt_status compare_inputs(const char *path, const char *file, const kt_json *inputs, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *stored = NULL;
    char *was = NULL, *is = NULL;
    KT_TRY(kt_json_read(&stored, file, err));
    KT_TRY(kt_json_text(&was, stored, 0, err));
    KT_TRY(kt_json_text(&is, inputs, 0, err));
    if (strcmp(was, is) != 0)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: holds a run on %s, not on %s; name another --out, or start over with --fresh",
                       path, was, is));
out:
    kt_json_drop(stored);
    free(was);
    free(is);
    return status;
}

static kt_status compare_part(const kt_run_request *run, const char *stored, kt_error *err)
{
    const char *was = stored ? stored : "all", *is = run->part ? run->part : "all";
    if (strcmp(was, is) == 0)
        return KT_OK;
    return kt_fail(err, KT_BUSY,
                   "%s: holds part %s of the services, not %s; name another --out, or start over with "
                   "--fresh",
                   run->path, was, is);
}

static bool is_there(const char *folder, const char *name)
{
    char *path = NULL;
    bool there = kt_path_join(&path, folder, name, NULL) != KT_OK || kt_path_kind_of(path) != KT_PATH_MISSING;
    free(path);
    return there;
}

/* Has the run come to anything? One that ended over its input has not: what it was asked binds nobody. */
static bool holds_work(const char *folder)
{
    static const char *const work[] = {KT_RUN_ARCHIVE, KT_RUN_DATASET,    KT_RUN_SPANS, KT_RUN_SPANS ".part",
                                       KT_RUN_PARTS,   KT_RUN_CHECKPOINT, KT_RUN_COSTS};
    bool found = false;
    for (size_t i = 0; i < sizeof work / sizeof *work && !found; i++)
        found = is_there(folder, work[i]);
    return found;
}

static kt_status judge_existing(kt_run_state *state, const kt_run_request *run, const char *config,
                                kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *stored = NULL;
    char *archive = NULL, *info = NULL, *inputs = NULL;
    KT_TRY(kt_json_read(&stored, config, err));
    int64_t theirs = kt_json_as_int(kt_json_get(stored, "numerics"), -1);
    if (theirs != run->numerics)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: made with numerics %lld, this program has %d; start over with --fresh", run->path,
                       (long long)theirs, run->numerics));
    KT_TRY(compare(run->path, "a run with --", " ", kt_json_get(stored, "options"), run->options, err));
    KT_TRY(compare_sweeps(run->path, kt_json_get(stored, "sweep"), run->sweep, err));
    KT_TRY(compare_part(run, kt_json_as_text(kt_json_get(stored, "part"), NULL), err));
    KT_TRY(kt_path_join(&inputs, run->path, KT_RUN_INPUTS, err));
    KT_TRY(compare_inputs(run->path, inputs, run->inputs, err));
    KT_TRY(kt_path_join(&archive, run->path, KT_RUN_ARCHIVE, err));
    KT_TRY(kt_path_join(&info, run->path, KT_RUN_INFO, err)); /* what is written last */
    *state = kt_path_kind_of(archive) == KT_PATH_FILE && kt_path_kind_of(info) == KT_PATH_FILE
                 ? KT_RUN_FINISHED
                 : KT_RUN_UNFINISHED;
out:
    kt_json_drop(stored);
    free(archive);
    free(info);
    free(inputs);
    return status;
}

kt_status kt_run_write(const char *folder, const char *name, const kt_json *value, const kt_lock *lock,
                       kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL, *text = NULL;
    KT_TRY(kt_path_join(&path, folder, name, err));
    KT_TRY(kt_json_text(&text, value, 2, err));
    KT_TRY(kt_lock_check(lock, err));
    KT_TRY(kt_file_write(path, text, strlen(text), err));
out:
    free(path);
    free(text);
    return status;
}

static kt_status begin(const kt_run_request *run, const kt_lock *lock, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *config = kt_json_object();
    kt_json_put(config, "kt_train", kt_json_string(KT_VERSION));
    kt_json_put(config, "numerics", kt_json_int(run->numerics));
    kt_json_put(config, "options", kt_json_keep((kt_json *)run->options));
    if (run->sweep)
        kt_json_put(config, "sweep", kt_json_keep((kt_json *)(uintptr_t)run->sweep));
    if (run->part)
        kt_json_put(config, "part", kt_json_string(run->part));
    KT_TRY(kt_run_write(run->path, KT_RUN_INPUTS, run->inputs, lock, err));
    KT_TRY(kt_run_write(run->path, KT_RUN_CONFIG, config, lock, err));
out:
    kt_json_drop(config);
    return status;
}

/* ".models.h5.4711.0.tmp": see kt_file_temporary. */
static bool is_our_temporary(const char *name)
{
    const char *end = strrchr(name, '.');
    if (name[0] != '.' || strcmp(end, ".tmp") != 0)
        return false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        size_t n = strlen(ours[i]);
        if (strncmp(name + 1, ours[i], n) == 0 && name[1 + n] == '.')
            return true;
    }
    return kt_lock_name(name + 1);
}

/* Calls back for each name in the folder. */
static kt_status each_name(const char *path,
                           kt_status (*each)(const char *path, const char *name, kt_error *err),
                           kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL;
    size_t n = 0;
    KT_TRY(kt_folder_list(&names, &n, path, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(each(path, names[i], err));
out:
    kt_strings_free(names, n);
    return status;
}

/* A folder with files, but no run: perhaps somebody's data. A start cut short is none. */
static kt_status refuse_foreign(const char *path, const char *name, kt_error *err)
{
    if (strcmp(name, KT_RUN_INPUTS) == 0 || kt_lock_name(name) || is_our_temporary(name))
        return KT_OK;
    return kt_fail(err, KT_BUSY, "%s: holds %s and no %s: not a run of kt-train; name another --out", path,
                   name, KT_RUN_CONFIG);
}

/* What killed writers left; there is no other writer, since we hold the lock. */
static kt_status remove_temporary(const char *path, const char *name, kt_error *err)
{
    char *file = NULL;
    kt_status status = is_our_temporary(name) ? kt_path_join(&file, path, name, err) : KT_OK;
    kt_file_discard(file);
    free(file);
    return status;
}

/* With the lock held: what is there may have changed since it was looked at. */
static kt_status open_locked(kt_run_state *state, const kt_run_request *run, const char *config,
                             const kt_lock *lock, kt_error *err)
{
    kt_status status = KT_OK;
    bool there = kt_path_kind_of(config) == KT_PATH_FILE;
    KT_TRY(each_name(run->path, remove_temporary, err));
    if (there && !run->fresh && holds_work(run->path))
        return judge_existing(state, run, config, err);
    if (there)
        KT_TRY(remove_ours(run->path, err));
    KT_TRY(begin(run, lock, err));
out:
    return status;
}

/* What a run left that was killed between its end and its process's. One that still works there sees to it
 * itself; a folder that cannot be written to stays as it is. */
static void tidy_up(const char *folder)
{
    kt_lock *lock = NULL;
    if (!is_there(folder, KT_RUN_LOCK) && !is_there(folder, KT_RUN_CHECKPOINT))
        return;
    if (kt_lock_take(&lock, folder, NULL, NULL) == KT_OK) {
        each_name(folder, remove_temporary, NULL);
        kt_checkpoint_remove(folder, NULL);
    }
    kt_lock_release(lock);
}

kt_status kt_run_open(kt_run_state *state, kt_lock **lock, const kt_run_request *run, kt_error *err)
{
    kt_status status = KT_OK;
    char *config = NULL;
    *state = KT_RUN_NEW;
    *lock = NULL;
    KT_TRY(kt_folder_create(run->path, err));
    KT_TRY(kt_path_join(&config, run->path, KT_RUN_CONFIG, err));
    if (kt_path_kind_of(config) != KT_PATH_FILE)
        KT_TRY(each_name(run->path, refuse_foreign, err));
    else if (!run->fresh && holds_work(run->path))
        KT_TRY(judge_existing(state, run, config, err));
    if (*state == KT_RUN_FINISHED) {
        tidy_up(run->path);
        goto out;
    }
    KT_TRY(kt_lock_take(lock, run->path, run->job, err));
    KT_TRY(open_locked(state, run, config, *lock, err));
out:
    if (status != KT_OK || *state == KT_RUN_FINISHED) {
        kt_lock_release(*lock);
        *lock = NULL;
    }
    free(config);
    return status;
}
