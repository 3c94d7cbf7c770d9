#include "kt/folder.h"
#include "kt/file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All that kt-train writes into a run's folder; the configuration goes last, so that a removal cut short is
 * still known as a run. */
static const char *const ours[] = {KT_RUN_ARCHIVE, KT_RUN_INFO,          KT_RUN_JOURNAL, KT_RUN_DATASET,
                                   KT_RUN_SPANS,   KT_RUN_SPANS ".part", KT_RUN_INPUTS,  KT_RUN_CONFIG};

static kt_status remove_ours(const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *file = NULL;
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

static kt_status compare(const char *path, const kt_json *stored, const kt_json *asked, kt_error *err)
{
    kt_status status = KT_OK;
    const char *key;
    char *was = NULL, *is = NULL;
    KT_TRY(kt_json_difference(&key, &was, &is, stored, asked, err));
    if (key)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: holds a run with --%s %s, now it is %s; name another --out, or start over with "
                       "--fresh",
                       path, key, was, is));
out:
    free(was);
    free(is);
    return status;
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

static kt_status judge_existing(kt_run_state *state, const char *path, const char *config,
                                const kt_json *options, const kt_json *inputs, int numerics, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *stored = NULL;
    char *archive = NULL, *inputs_path = NULL;
    KT_TRY(kt_json_read(&stored, config, err));
    int64_t theirs = kt_json_as_int(kt_json_get(stored, "numerics"), -1);
    if (theirs != numerics)
        KT_TRY(kt_fail(err, KT_BUSY,
                       "%s: made with numerics %lld, this program has %d; start over with --fresh", path,
                       (long long)theirs, numerics));
    KT_TRY(compare(path, kt_json_get(stored, "options"), options, err));
    KT_TRY(kt_path_join(&inputs_path, path, KT_RUN_INPUTS, err));
    KT_TRY(compare_inputs(path, inputs_path, inputs, err));
    KT_TRY(kt_path_join(&archive, path, KT_RUN_ARCHIVE, err));
    *state = kt_path_kind_of(archive) == KT_PATH_FILE ? KT_RUN_FINISHED : KT_RUN_UNFINISHED;
out:
    kt_json_drop(stored);
    free(archive);
    free(inputs_path);
    return status;
}

static kt_status write_json(const char *folder, const char *name, const kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    char *path = NULL, *text = NULL;
    KT_TRY(kt_path_join(&path, folder, name, err));
    KT_TRY(kt_json_text(&text, value, 2, err));
    KT_TRY(kt_file_write(path, text, strlen(text), err));
out:
    free(path);
    free(text);
    return status;
}

static kt_status begin(const char *path, const kt_json *options, const kt_json *inputs, int numerics,
                       kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *config = kt_json_object();
    kt_json_put(config, "kt_train", kt_json_string(KT_VERSION));
    kt_json_put(config, "numerics", kt_json_int(numerics));
    kt_json_put(config, "options", kt_json_keep((kt_json *)options));
    KT_TRY(write_json(path, KT_RUN_INPUTS, inputs, err));
    KT_TRY(write_json(path, KT_RUN_CONFIG, config, err));
out:
    kt_json_drop(config);
    return status;
}

/* A folder with files, but no run: perhaps somebody's data. */
static kt_status refuse_foreign(const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL;
    size_t n = 0;
    KT_TRY(kt_folder_list(&names, &n, path, err));
    bool only_inputs = n == 1 && strcmp(names[0], KT_RUN_INPUTS) == 0; /* a start cut short */
    if (n > 0 && !only_inputs)
        KT_TRY(kt_fail(err, KT_BUSY, "%s: holds %s and no %s: not a run of kt-train; name another --out",
                       path, names[0], KT_RUN_CONFIG));
out:
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return status;
}

kt_status kt_run_open(kt_run_state *state, const char *path, const kt_json *options, const kt_json *inputs,
                      int numerics, bool fresh, kt_error *err)
{
    kt_status status = KT_OK;
    char *config = NULL;
    *state = KT_RUN_NEW;
    KT_TRY(kt_folder_create(path, err));
    KT_TRY(kt_path_join(&config, path, KT_RUN_CONFIG, err));
    bool there = kt_path_kind_of(config) == KT_PATH_FILE;
    if (there && !fresh) {
        KT_TRY(judge_existing(state, path, config, options, inputs, numerics, err));
        goto out;
    }
    if (there)
        KT_TRY(remove_ours(path, err));
    else
        KT_TRY(refuse_foreign(path, err));
    KT_TRY(begin(path, options, inputs, numerics, err));
out:
    free(config);
    return status;
}
