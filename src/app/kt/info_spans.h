/* kt info for files of spans. */
#ifndef KT_INFO_SPANS_H
#define KT_INFO_SPANS_H

#include "kt/error.h"
#include <stdbool.h>

/* all: every window of the certificate and every cell of the manifest, however many. */
kt_status info_spans(const char *path, bool json, bool all, kt_error *err);

#endif
