/* What http.c needs of url.c. */
#ifndef KT_IO_HTTP_PRIVATE_H
#define KT_IO_HTTP_PRIVATE_H

#include "kt/http.h"

/* KT_USAGE unless it is http or https with a host and without a query. */
kt_status kt_http_check_url(const char *url, kt_error *err);

/* Its length without '/' at the end. */
size_t kt_http_trimmed(const char *url);

#endif
