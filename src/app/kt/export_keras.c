/* kt export --format keras: a folder of .keras files. */
#include "export.h"

kt_status export_keras(const export_job *job, kt_error *err)
{
    return kt_fail(err, KT_UNSUPPORTED, "%s: this build cannot write .keras files", job->path);
}
