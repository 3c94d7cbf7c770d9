/* What the files of kt info share. */
#ifndef KT_INFO_H
#define KT_INFO_H

#include "kt/error.h"
#include "kt/samples.h"
#include <stdbool.h>

/* all: every held-out cell. */
kt_status info_archive(const char *path, bool json, bool all, kt_error *err);
/* all: every window of the certificate and every cell of the manifest, however many. */
kt_status info_spans(const char *path, bool json, bool all, kt_error *err);

/* ---- cmd_info.c ---- */

const char *info_target(kt_target target);

/* What rows of traces keep of a pull's certificate. cleaning: JSON of the file `path`, or NULL. */
void info_traces(const char *cleaning, const char *path);

#endif
