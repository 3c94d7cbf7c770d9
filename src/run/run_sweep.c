#include "kt/run_sweep.h"

#include "kt/file.h"
#include "kt/folder.h"
#include "kt/ledger.h"
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

bool kt_run_has_sweep(const char *folder)
{
    char *path = NULL;
    bool has =
        kt_path_join(&path, folder, KT_RUN_LEDGER, NULL) == KT_OK && kt_path_kind_of(path) == KT_PATH_FILE;
    free(path);
    return has;
}

/* A holder renews its lock each 10 s; what was not renewed for a minute is left over (kt/lock.h). */
static bool is_renewed(const char *folder, double now)
{
    struct stat info;
    char *path = NULL;
    bool renewed = kt_path_join(&path, folder, KT_RUN_LOCK, NULL) == KT_OK && stat(path, &info) == 0 &&
                   fabs(now - (double)info.st_mtim.tv_sec) < 60;
    free(path);
    return renewed;
}

kt_status kt_run_sweep(kt_sweep_view *view, bool *at_work, const char *folder, double now, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *config = NULL;
    char *path = NULL;
    bool renewed = is_renewed(folder, now);
    *view = (kt_sweep_view){.sweep = NULL};
    if (!kt_run_has_sweep(folder))
        return kt_fail(err, KT_INPUT,
                       "%s: no " KT_RUN_LEDGER " in this folder: a run without --sweep, or one "
                       "that has not come to its trials",
                       folder);
    KT_TRY(kt_path_join(&path, folder, KT_RUN_CONFIG, err));
    KT_TRY(kt_json_read(&config, path, err));
    KT_TRY(kt_sweep_view_read(view, folder, kt_json_get(config, "sweep"), renewed ? now : NAN, err));
    if (at_work)
        *at_work = renewed;
out:
    kt_json_drop(config);
    free(path);
    return status;
}
