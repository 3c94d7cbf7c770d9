/* What kt clean prints of a cleaning: services, cells, calls without spans, other roots, the account. */
#ifndef KT_CLEAN_VIEW_H
#define KT_CLEAN_VIEW_H

#include "kt/error.h"
#include "kt/json.h"

kt_status clean_view_print(const kt_json *report, kt_error *err); /* of kt_cleaned_report */

#endif
