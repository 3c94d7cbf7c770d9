/* Requests under way: what of the load is libcurl's, whose header is seen here alone. Sockets are watched by
 * the caller's epoll; times are of the monotonic clock, ns. */
#ifndef KT_LOAD_TRANSFERS_H
#define KT_LOAD_TRANSFERS_H

#include "kt/load.h"

enum { LOAD_MS = 1000000, LOAD_SECOND = 1000000000 };
#define LOAD_NEVER INT64_MAX
int64_t load_now(void);

typedef struct transfers transfers;

/* poll: an epoll descriptor; sockets are put into it with their number as data.fd. options: borrowed. */
kt_status transfers_open(transfers **out, int poll, const kt_load_options *options, kt_error *err);
void transfers_close(transfers *t); /* takes NULL; what is under way is cut off */

/* Fewer than options->most are under way. */
bool transfers_free(const transfers *t);
kt_status transfers_start(transfers *t, size_t number, kt_error *err);

/* A socket is ready, or the time has come that transfers_due tells (LOAD_NEVER: none). */
kt_status transfers_ready(transfers *t, int socket, uint32_t events, kt_error *err);
kt_status transfers_due_now(transfers *t, kt_error *err);
int64_t transfers_due(const transfers *t);

typedef struct {
    size_t number;
    int32_t status; /* of HTTP, or 0 */
    kt_load_error error;
    const char *reason; /* borrowed until the next start */
} transfer_end;
/* One that has ended and was not told yet; false: none. */
bool transfers_next(transfer_end *end, transfers *t);

#endif
