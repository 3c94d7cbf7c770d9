/* Times and lengths of time as people write them. Times are nanoseconds since 1970 (UTC). */
#ifndef KT_WHEN_H
#define KT_WHEN_H

#include "kt/error.h"
#include <stdint.h>

/* "30", "30s", "1.5h", "250ms", "2d", "1h30m": seconds, >= 0. `name` (an option) begins the message of
 * KT_USAGE. */
kt_status kt_when_length(double *seconds, const char *text, const char *name, kt_error *err);

/* "now"; a length: that long before `now`; RFC 3339 ("2026-08-20T12:00:00Z", "2026-08-20 12:00:00.5+02:00");
 * seconds since 1970 with or without a fraction (at least 9 digits: fewer are a length in seconds). */
kt_status kt_when_parse(int64_t *time, const char *text, int64_t now, const char *name, kt_error *err);

/* RFC 3339 with nine digits of a second: "2026-08-20T12:00:00.000000000Z". */
enum { KT_WHEN_TEXT = 40 };
void kt_when_text(char out[KT_WHEN_TEXT], int64_t time);

/* The system's clock. */
int64_t kt_when_now(void);

#endif
