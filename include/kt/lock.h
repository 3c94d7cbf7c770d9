/* One writer of a run's folder at a time, on any host. RUN/run.lock names the holder: host, boot, process and
 * when it started, batch job, and a random token. It is created exclusively, which NFS does too, and its
 * modification time is renewed each 10 s by a thread of the lock's own, whatever its owner does meanwhile.
 *
 * A holder on this running kernel is judged by its process. One elsewhere is gone when its lock was not
 * renewed for 60 s, by the file server's clock: that of a file which is created beside it. A lock whose
 * holder is gone is taken over. Its successor is the one process that could create run.lock.TOKEN, named
 * after the token that it found, and still finds that token in run.lock; it renames its own file over the
 * lock. Hence of several that try one succeeds, and at no moment is there no lock.
 *
 * A holder that was taken for gone, a suspended one for instance, must not go on writing: it asks
 * kt_lock_check before each rename or append. */
#ifndef KT_LOCK_H
#define KT_LOCK_H

#include "kt/error.h"
#include "kt/file.h"
#include <stdbool.h>

#define KT_RUN_LOCK "run.lock"

typedef struct kt_lock kt_lock;

/* Takes the folder's lock; job: of the batch system, for people, or NULL. KT_BUSY names the holder. Caller
 * releases. */
kt_status kt_lock_take(kt_lock **lock, const char *folder, const char *job, kt_error *err);

/* Is it still ours? KT_BUSY names who has it now. Any thread may ask. */
kt_status kt_lock_check(const kt_lock *lock, kt_error *err);

/* The same question for writers that take a guard; borrowed until release. */
const kt_file_guard *kt_lock_guard(const kt_lock *lock);

/* Removes the lock if it is still ours. Takes NULL. */
void kt_lock_release(kt_lock *lock);

/* Does somebody work in the folder, as far as who only reads can tell? now: s since 1970, by which a holder
 * on another kernel is judged. */
bool kt_lock_is_held(const char *folder, double now);

/* Is it the name of a lock, or of one that is being taken over? */
bool kt_lock_name(const char *name);

#endif
