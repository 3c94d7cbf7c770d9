#include "kt/run_sweep.h"

#include "kt/file.h"
#include "kt/folder.h"
#include "kt/ledger.h"
#include <math.h>
#include <stdlib.h>

bool kt_run_has_sweep(const char *folder)
{
    char *path = NULL;
    bool has =
        kt_path_join(&path, folder, KT_RUN_LEDGER, NULL) == KT_OK && kt_path_kind_of(path) == KT_PATH_FILE;
    free(path);
    return has;
}

kt_status kt_run_sweep(kt_sweep_view *view, bool *at_work, const char *folder, double now, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *config = NULL;
    char *path = NULL;
    bool held = isfinite(now) && kt_lock_is_held(folder, now);
    *view = (kt_sweep_view){.sweep = NULL};
    if (!kt_run_has_sweep(folder))
        return kt_fail(err, KT_INPUT,
                       "%s: no " KT_RUN_LEDGER " in this folder: a run without --sweep, or one "
                       "that has not come to its trials",
                       folder);
    KT_TRY(kt_path_join(&path, folder, KT_RUN_CONFIG, err));
    KT_TRY(kt_json_read(&config, path, err));
    KT_TRY(kt_sweep_view_read(view, folder, kt_json_get(config, "sweep"), held ? now : NAN, err));
    if (at_work)
        *at_work = held;
out:
    kt_json_drop(config);
    free(path);
    return status;
}
