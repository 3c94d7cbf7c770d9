#include "job.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/report.h"
#include "kt/run_sweep.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* From the archive as it was written, so that kt report gives the same bytes. */
static kt_status write_report(const char *path, const job *j, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive archive = {0};
    kt_sweep_view sweep = {.sweep = NULL};
    char *text = NULL;
    size_t n = 0;
    kt_report report = {.archive = &archive,
                        .digest = j->digest,
                        .store = j->store,
                        .pictured = KT_REPORT_PICTURED,
                        .isa = j->isa};
    KT_TRY(kt_archive_read(&archive, j->archive_path, err));
    if (kt_run_has_sweep(j->folder)) {
        KT_TRY(kt_run_sweep(&sweep, NULL, j->folder, NAN, err));
        report.sweep = &sweep;
    }
    KT_TRY(kt_report_html(&text, &n, &report, err));
    KT_TRY(kt_lock_check(j->lock, err));
    KT_TRY(kt_file_write(path, text, n, err));
out:
    free(text);
    kt_sweep_view_clear(&sweep);
    kt_archive_clear(&archive);
    return status;
}

void reporting_run(const job *j)
{
    kt_error err = {0};
    char *path = NULL;
    if (!j->set.report)
        return;
    if (kt_path_join(&path, j->folder, KT_RUN_REPORT, &err) == KT_OK &&
        write_report(path, j, &err) == KT_OK && !j->set.json)
        printf("report:  %s\n", path);
    if (err.status != KT_OK)
        fprintf(stderr, "kt-train: the models are written, their report is not: %s\n", err.message);
    free(path);
}
