/* An OpenSSH tunnel to a server behind a login host: a child process `ssh` without a shell, which ends with
 * its owner on every way out, also when that is killed. Host keys are checked, nothing is asked (BatchMode),
 * the user's ssh configuration holds. */
#ifndef KT_TUNNEL_H
#define KT_TUNNEL_H

#include "kt/error.h"
#include <stdbool.h>

typedef struct kt_tunnel kt_tunnel;

/* destination: [user@]host[:port], or a name of ssh's configuration; one that begins with '-' is refused.
 * Without forward ("host:port" as the login host sees it) a SOCKS proxy is opened on a free port of the
 * loopback interface; with it that one port. Waits until it takes connections, at most wait_s seconds; stop
 * is asked meanwhile (NULL: never). KT_IO with what ssh itself said. */
kt_status kt_tunnel_open(kt_tunnel **tunnel, const char *destination, const char *forward, double wait_s,
                         bool (*stop)(void *context), void *context, kt_error *err);
void kt_tunnel_close(kt_tunnel *tunnel); /* takes NULL */

/* "socks5h://127.0.0.1:PORT", or NULL with forward; borrowed. */
const char *kt_tunnel_proxy(const kt_tunnel *tunnel);
/* "127.0.0.1:PORT" with forward, else NULL; borrowed. */
const char *kt_tunnel_route(const kt_tunnel *tunnel);

/* Adds to a message what ssh has said since it was ready, and that it has ended where it has. tunnel: may be
 * NULL. */
void kt_tunnel_explain(kt_error *err, kt_tunnel *tunnel);

#endif
