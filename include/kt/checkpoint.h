/* What a run has to show so far: the folder RUN/checkpoint, which lets a run that was killed or stopped go on
 * with any number of ranks. One process writes it.
 *
 * `finished` holds records (kt/records.h) of the results that came in since the commit before, name and bytes
 * each; it is only ever appended to. `fits-N.part` holds how far each running fit had come at commit N; the
 * last two are there. Each of these begins with a record that names the run by a digest, and files of another
 * run are refused. A record that is torn or damaged is told, and what an earlier one says counts. `fold-K.h5`
 * are the rows of a sweep's folds. */
#ifndef KT_CHECKPOINT_H
#define KT_CHECKPOINT_H

#include "kt/digest.h"
#include "kt/error.h"
#include "kt/file.h"

#define KT_RUN_CHECKPOINT "checkpoint"

typedef struct kt_checkpoint kt_checkpoint;

/* Stored: append, never renumber. */
typedef enum { KT_KEPT_MODEL, KT_KEPT_REFUSAL, KT_KEPT_FIT, KT_KEPT_TRIAL } kt_kept;

typedef struct {
    /* Something that was kept, data borrowed: a finished service's entry (kt_archive_entry_pack) or refusal,
     * or the latest state of a fit (kt_fit_save) of a service that is not finished. Each service once. Of a
     * sweep the latest states of its trials' fits, each under a name of its own in place of the service's. */
    kt_status (*kept)(void *context, kt_kept kind, const char *service, const char *data, size_t n,
                      kt_error *err);
    void (*note)(void *context, const char *line); /* of damage */
    void *context;
} kt_checkpoint_calls;

/* Opens the checkpoint in a run's folder, making it if it is not there, and tells what it holds. run: digest
 * of all that the results depend on. guard: asked before each append and rename (borrowed; may be NULL).
 * KT_BUSY: made by a run with another digest. */
kt_status kt_checkpoint_open(kt_checkpoint **checkpoint, const char *folder,
                             const uint8_t run[KT_DIGEST_BYTES], const kt_file_guard *guard,
                             const kt_checkpoint_calls *calls, kt_error *err);
void kt_checkpoint_close(kt_checkpoint *checkpoint); /* takes NULL; what was not committed is lost */

/* Takes note of a result or a state (copied); it is written by the next commit. */
kt_status kt_checkpoint_add(kt_checkpoint *checkpoint, kt_kept kind, const char *service, const char *data,
                            size_t n, kt_error *err);

/* Writes what was added, synced. After a failure what the folder held before still counts, and the next
 * commit tries again with the results, and with the states that are added until then. */
kt_status kt_checkpoint_commit(kt_checkpoint *checkpoint, kt_error *err);

/* Where the rows of fold k of a sweep lie, a kt-dataset that whoever drives the sweep writes. Caller frees.
 */
kt_status kt_checkpoint_fold(char **path, const char *folder, int k, kt_error *err);

/* Removes the checkpoint from a run's folder; one that is not there is fine. */
kt_status kt_checkpoint_remove(const char *folder, kt_error *err);

#endif
