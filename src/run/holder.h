/* What a lock file says of its holder, and whether that is gone. */
#ifndef KT_RUN_HOLDER_H
#define KT_RUN_HOLDER_H

#include "kt/error.h"
#include "kt/when.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOLDER_TOKEN_BYTES = 16, HOLDER_TOKEN = 2 * HOLDER_TOKEN_BYTES + 1, HOLDER_WHO = 256 };

typedef struct {
    bool there;
    char token[HOLDER_TOKEN]; /* "": not whole; it is being written, or its writer died meanwhile */
    char boot[64], ns[64];    /* the running kernel and its process numbers; "" where they are not known */
    char host[64], job[64], since[KT_WHEN_TEXT];
    int64_t pid, started; /* clock ticks after the boot */
    int64_t renewed;      /* ns, the file server's clock */
} holder;

/* This process, with a new token. */
kt_status holder_self(holder *self, const char *job, kt_error *err);

/* Writes it to a file that was not there, left open for its renewals. KT_OK with *file -1: one is there. */
kt_status holder_create(int *file, const char *path, const holder *self, kt_error *err);

/* Asks the file server, whatever is cached. KT_OK with there false where no such file is. */
kt_status holder_read(holder *h, const char *path, kt_error *err);

/* Without asking the file server: now is its time, or nearly, in ns. */
bool holder_seems_gone(const holder *h, const holder *self, int64_t now);

/* path: of its lock, beside which the file server's clock is read. */
kt_status holder_is_gone(bool *gone, const holder *h, const holder *self, const char *path, kt_error *err);

/* "kt-train on node7, process 4711, job 55, since 2026-08-20T12:00:00Z" */
void holder_describe(char who[HOLDER_WHO], const holder *h);

#endif
