#include "kt/lock.h"

#include "holder.h"
#include "kt/log.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RENEW_S = 10,
    TRIES = 1000, /* a filesystem that contradicts itself must not hold us for ever */
    DEPTH = 8     /* of take-overs that were cut short one after the other */
};

struct kt_lock {
    char *path;
    int file; /* renewed through this: never somebody else's that has the name now */
    holder self;
    kt_file_guard guard;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool threaded, done;
};

bool kt_lock_name(const char *name)
{
    size_t n = strlen(KT_RUN_LOCK);
    return strncmp(name, KT_RUN_LOCK, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

/* ---- taking ---- */

static kt_status refuse(const holder *h, const char *path, kt_error *err)
{
    char who[HOLDER_WHO];
    holder_describe(who, h);
    return kt_fail(err, KT_BUSY,
                   "%s: is held by %s; it is free when that ends, or 60 s after its host is gone", path, who);
}

static kt_status take(int *file, const char *path, const holder *self, int depth, kt_error *err);

/* Makes our claim the lock, if that is still as it was found. */
static kt_status replace(bool *done, const char *path, const char *claim, const holder *found,
                         const holder *self, kt_error *err)
{
    kt_status status = KT_OK;
    holder now;
    bool gone = false;
    KT_TRY(holder_read(&now, path, err));
    *done = false;
    if (now.there && strcmp(now.token, found->token) == 0)
        KT_TRY(holder_is_gone(&gone, &now, self, path, err));
    if (!gone)
        return KT_OK;
    if (rename(claim, path) != 0 && errno != ENOENT)
        KT_TRY(kt_fail_errno(err, KT_IO, "cannot take over %s", path));
    KT_TRY(holder_read(&now, path, err)); /* NFS may say that a rename failed which it did */
    *done = strcmp(now.token, self->token) == 0;
out:
    return status;
}

static kt_status succeed(int *file, const char *path, const holder *found, const holder *self, int depth,
                         kt_error *err)
{
    kt_status status = KT_OK;
    char *claim = NULL;
    bool done = false;
    KT_TRY(kt_format(&claim, err, "%s.%s", path, found->token[0] ? found->token : "torn"));
    KT_TRY(take(file, claim, self, depth + 1, err));
    status = replace(&done, path, claim, found, self, err);
    if (!done) {
        close(*file);
        *file = -1;
        unlink(claim);
    }
out:
    free(claim);
    return status;
}

static kt_status take(int *file, const char *path, const holder *self, int depth, kt_error *err)
{
    kt_status status = KT_OK;
    holder found;
    bool gone;
    *file = -1;
    for (int i = 0; i < TRIES && depth < DEPTH; i++) {
        KT_TRY(holder_create(file, path, self, err));
        if (*file >= 0)
            return KT_OK;
        KT_TRY(holder_read(&found, path, err));
        if (!found.there)
            continue;
        KT_TRY(holder_is_gone(&gone, &found, self, path, err));
        if (!gone)
            return refuse(&found, path, err);
        KT_TRY(succeed(file, path, &found, self, depth, err));
        if (*file >= 0)
            return KT_OK;
    }
    status = kt_fail(err, KT_BUSY, "%s: cannot be taken; remove it if no kt-train works there", path);
out:
    return status;
}

/* What take-overs that were cut short left behind: whoever still wants it must begin again. */
static void sweep(const char *folder)
{
    char **names = NULL, *path = NULL;
    size_t n = 0;
    if (kt_folder_list(&names, &n, folder, NULL) != KT_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        if (kt_lock_name(names[i]) && strcmp(names[i], KT_RUN_LOCK) != 0 &&
            kt_path_join(&path, folder, names[i], NULL) == KT_OK)
            unlink(path);
        free(path);
        path = NULL;
    }
    kt_strings_free(names, n);
}

/* ---- the thread that renews ---- */

static void *renew(void *context)
{
    kt_lock *lock = context;
    struct timespec when;
    pthread_mutex_lock(&lock->mutex);
    while (!lock->done) {
        clock_gettime(CLOCK_MONOTONIC, &when);
        when.tv_sec += RENEW_S;
        if (pthread_cond_timedwait(&lock->wake, &lock->mutex, &when) == ETIMEDOUT)
            futimens(lock->file, NULL);
    }
    pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

/* Signals are for the program's own threads. */
static kt_status start_thread(kt_lock *lock, kt_error *err)
{
    sigset_t all, before;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_cond_init(&lock->wake, &clock);
    pthread_condattr_destroy(&clock);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&lock->thread, NULL, renew, lock);
    lock->threaded = errno == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return lock->threaded ? KT_OK : kt_fail_errno(err, KT_IO, "%s: cannot start its thread", lock->path);
}

static void stop_thread(kt_lock *lock)
{
    if (!lock->threaded)
        return;
    pthread_mutex_lock(&lock->mutex);
    lock->done = true;
    pthread_cond_signal(&lock->wake);
    pthread_mutex_unlock(&lock->mutex);
    pthread_join(lock->thread, NULL);
    pthread_cond_destroy(&lock->wake);
    pthread_mutex_destroy(&lock->mutex);
}

/* ---- for others ---- */

static kt_status ask(void *context, kt_error *err)
{
    return kt_lock_check(context, err);
}

kt_status kt_lock_take(kt_lock **lock, const char *folder, const char *job, kt_error *err)
{
    kt_status status = KT_OK;
    kt_lock *l = NULL;
    *lock = NULL;
    KT_TRY(kt_alloc(&l, 1, sizeof *l, err));
    l->file = -1;
    l->guard = (kt_file_guard){ask, l};
    KT_TRY(kt_path_join(&l->path, folder, KT_RUN_LOCK, err));
    KT_TRY(holder_self(&l->self, job, err));
    KT_TRY(take(&l->file, l->path, &l->self, 0, err));
    sweep(folder);
    KT_TRY(start_thread(l, err));
    *lock = l;
    l = NULL;
out:
    kt_lock_release(l);
    return status;
}

kt_status kt_lock_check(const kt_lock *lock, kt_error *err)
{
    holder now;
    char who[HOLDER_WHO];
    kt_status status = holder_read(&now, lock->path, err);
    if (status != KT_OK || strcmp(now.token, lock->self.token) == 0)
        return status;
    if (!now.there)
        return kt_fail(err, KT_BUSY, "%s: was removed; this kt-train writes nothing more there", lock->path);
    holder_describe(who, &now);
    return kt_fail(err, KT_BUSY, "%s: was taken over by %s; this one writes nothing more there", lock->path,
                   who);
}

bool kt_lock_is_held(const char *folder, double now)
{
    holder found, self;
    char *path = NULL;
    bool held = kt_path_join(&path, folder, KT_RUN_LOCK, NULL) == KT_OK &&
                holder_read(&found, path, NULL) == KT_OK && found.there &&
                holder_self(&self, NULL, NULL) == KT_OK &&
                !holder_seems_gone(&found, &self, (int64_t)(1e9 * now));
    free(path);
    return held;
}

const kt_file_guard *kt_lock_guard(const kt_lock *lock)
{
    return &lock->guard;
}

void kt_lock_release(kt_lock *lock)
{
    if (!lock)
        return;
    stop_thread(lock);
    if (lock->file >= 0) {
        if (kt_lock_check(lock, NULL) == KT_OK)
            unlink(lock->path);
        close(lock->file);
    }
    free(lock->path);
    free(lock);
}
