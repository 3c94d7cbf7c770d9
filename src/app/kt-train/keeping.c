/* What rank 0 keeps of the fits as they come in, for the archive and for whoever goes on with the run: the
 * checkpoint. */
#include "job.h"
#include "kt/comm.h"
#include "kt/journal.h"
#include "kt/pack.h"
#include "kt/pulse.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a service's result, as its team sends it ---- */

kt_status keeping_model(char **bytes, size_t *n, const kt_archive_entry *entry, kt_error *err)
{
    kt_status status = KT_OK;
    char *entry_bytes = NULL;
    size_t n_entry;
    kt_pack p = {.what = "a result", .err = err};
    KT_TRY(kt_archive_entry_pack(&entry_bytes, &n_entry, entry, err));
    kt_pack_whole(&p, KT_KEPT_MODEL, 0, KT_KEPT_MODEL);
    kt_pack_bytes(&p, entry_bytes, n_entry);
    KT_TRY(kt_pack_take(bytes, n, &p));
out:
    free(entry_bytes);
    return status;
}

static void refusal_fields(kt_pack *p, int *status, char **reason)
{
    *status = kt_pack_whole(p, *status, KT_NUMERIC, KT_REFUSED);
    kt_pack_text(p, reason);
}

kt_status keeping_refusal(char **bytes, size_t *n, const kt_error *why, kt_error *err)
{
    int status = (int)why->status;
    char *reason = (char *)(uintptr_t)why->message;
    kt_pack p = {.what = "a result", .err = err};
    kt_pack_whole(&p, KT_KEPT_REFUSAL, 0, KT_KEPT_REFUSAL);
    refusal_fields(&p, &status, &reason);
    return kt_pack_take(bytes, n, &p);
}

/* ---- into the archive ---- */

static kt_status take_refusal(kt_archive *archive, const char *service, const char *data, size_t n,
                              kt_error *err)
{
    kt_status status = KT_OK;
    int why = 0;
    char *reason = NULL;
    kt_pack p = kt_pack_open("a refusal", data, n, err);
    refusal_fields(&p, &why, &reason);
    KT_TRY(kt_pack_close(&p));
    KT_TRY(kt_grow(&archive->refused, archive->n_refused + 1, sizeof *archive->refused, err));
    kt_archive_refused *refused = &archive->refused[archive->n_refused++];
    *refused = (kt_archive_refused){.status = why};
    snprintf(refused->name, sizeof refused->name, "%s", service);
    snprintf(refused->reason, sizeof refused->reason, "%s", reason);
out:
    free(reason);
    return status;
}

static kt_status take_model(kt_archive *archive, const char *data, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_grow(&archive->entries, archive->n_entries + 1, sizeof *archive->entries, err));
    KT_TRY(kt_archive_entry_unpack(&archive->entries[archive->n_entries], data, n, err));
    archive->n_entries++;
out:
    return status;
}

static kt_status take_result(job *j, size_t item, kt_kept kind, const char *data, size_t n, kt_error *err)
{
    job_kept *kept = &j->kept[item];
    kept->done = true;
    free(kept->state);
    kept->state = NULL;
    kept->n = 0;
    return kind == KT_KEPT_MODEL ? take_model(&j->archive, data, n, err)
                                 : take_refusal(&j->archive, kt_store_at(j->store, item)->name, data, n, err);
}

/* ---- what an earlier start of the run kept ---- */

static kt_status kept(void *context, kt_kept kind, const char *service, const char *data, size_t n,
                      kt_error *err)
{
    kt_status status = KT_OK;
    job *j = context;
    size_t item;
    if (kind == KT_KEPT_TRIAL)
        return j->sweep ? sweep_states_put(&j->sweep->states, service, data, n, err) : KT_OK;
    if (!kt_store_find(&item, j->store, service))
        return kt_fail(err, KT_INPUT, "%s: the checkpoint has a service %s, the dataset has not", j->folder,
                       service);
    if (kind != KT_KEPT_FIT)
        return take_result(j, item, kind, data, n, err);
    KT_TRY(kt_alloc(&j->kept[item].state, n, 1, err));
    memcpy(j->kept[item].state, data, n);
    j->kept[item].n = n;
out:
    return status;
}

static void note(void *context, const char *line)
{
    job *j = context;
    progress_note(&j->progress, "%s", line);
}

/* Of all that the run's results depend on. */
static kt_status run_digest(uint8_t digest[KT_DIGEST_BYTES], const job *j,
                            const uint8_t mark[KT_DIGEST_BYTES], kt_error *err)
{
    kt_status status = KT_OK;
    kt_digest *d = NULL;
    char *config = NULL, *sweep = NULL;
    kt_json *results = kt_options_of_class(settings_table(), j->options, KT_CLASS_RESULT);
    KT_TRY(kt_json_text(&config, results, 0, err));
    KT_TRY(kt_digest_create(&d, err));
    kt_digest_u64(d, KT_NUMERICS);
    kt_digest_text(d, config);
    if (j->sweep) {
        KT_TRY(kt_json_text(&sweep, j->sweep->what.json, 0, err));
        kt_digest_text(d, sweep);
    }
    kt_digest_add(d, mark, KT_DIGEST_BYTES);
    kt_digest_end(d, digest);
out:
    kt_digest_destroy(d);
    kt_json_drop(results);
    free(config);
    free(sweep);
    return status;
}

static kt_status tell_resumed(job *j, kt_error *err)
{
    size_t n = kt_store_count(j->store), done = 0, begun = 0;
    for (size_t i = 0; i < n; i++) {
        done += j->kept[i].done;
        begun += j->kept[i].state != NULL;
    }
    if (done + begun == 0)
        return KT_OK;
    j->progress.fitted = j->archive.n_entries;
    j->progress.refused = j->archive.n_refused;
    progress_note(&j->progress, "going on: %zu of %zu services are finished, %zu begun", done, n, begun);
    kt_json *event = kt_json_object();
    kt_json_put(event, "event", kt_json_string("resumed"));
    kt_json_put(event, "finished", kt_json_int((int64_t)done));
    kt_json_put(event, "begun", kt_json_int((int64_t)begun));
    return kt_journal_write(j->progress.journal, event, err);
}

kt_status keeping_open(job *j, const uint8_t mark[KT_DIGEST_BYTES], kt_error *err)
{
    kt_status status = KT_OK;
    const kt_checkpoint_calls calls = {kept, note, j};
    KT_TRY(kt_alloc(&j->kept, kt_store_count(j->store), sizeof *j->kept, err));
    KT_TRY(run_digest(j->run, j, mark, err));
    KT_TRY(kt_checkpoint_open(&j->checkpoint, j->folder, j->run, kt_lock_guard(j->lock), &calls, err));
    KT_TRY(tell_resumed(j, err));
out:
    return status;
}

kt_status keeping_share(job *j, kt_work_item *items, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = kt_store_count(j->store);
    uint8_t *done = NULL;
    status = kt_alloc(&done, n, 1, err);
    KT_TRY(kt_comm_agree(j->comm, status, err));
    for (size_t i = 0; j->kept && i < n; i++)
        done[i] = j->kept[i].done;
    kt_comm_bcast(done, n, 0, j->comm);
    for (size_t i = 0; i < n; i++)
        items[i].done = done[i] != 0;
out:
    free(done);
    return status;
}

/* ---- while fits run ---- */

const char *keeping_begun(void *context, size_t item, size_t *n)
{
    const job *j = context;
    *n = j->kept[item].n;
    return j->kept[item].state;
}

kt_status keeping_result(void *context, size_t item, const char *bytes, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    job *j = context;
    kt_pack p = kt_pack_open("a result", bytes, n, err);
    kt_kept kind = (kt_kept)kt_pack_whole(&p, 0, KT_KEPT_MODEL, KT_KEPT_REFUSAL);
    KT_TRY(p.status);
    KT_TRY(kt_checkpoint_add(j->checkpoint, kind, kt_store_at(j->store, item)->name, bytes + p.at, n - p.at,
                             err));
    KT_TRY(take_result(j, item, kind, bytes + p.at, n - p.at, err));
out:
    return status;
}

kt_status keeping_state(void *context, size_t item, const char *bytes, size_t n, kt_error *err)
{
    job *j = context;
    return kt_checkpoint_add(j->checkpoint, KT_KEPT_FIT, kt_store_at(j->store, item)->name, bytes, n, err);
}

/* A full disk costs an interval, not the job; one who lost the folder must not go on. */
kt_status keeping_commit(void *context, kt_error *err)
{
    job *j = context;
    kt_error why = {0};
    double began = MPI_Wtime();
    kt_pulse_pause(); /* a disk may take its time */
    kt_status status = kt_checkpoint_commit(j->checkpoint, &why);
    j->commit_seconds += MPI_Wtime() - began;
    j->commits++;
    if (status == KT_OK)
        return KT_OK;
    if (status == KT_BUSY)
        return kt_fail(err, status, "%s", why.message);
    progress_note(&j->progress, "the checkpoint was not written, the one before it counts: %s", why.message);
    return KT_OK;
}
