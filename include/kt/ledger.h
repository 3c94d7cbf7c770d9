/* RUN/sweep.jsonl: what a sweep has come to. One JSON object a line, only ever appended by one process. A
 * line is the object's canonical text (kt/json.h) with a last key put in: "sum", the first 16 hexadecimal
 * digits of the SHA-256 of that text.
 *
 *   "event"   other keys
 *   sweep     run, version                      first: run is the digest of all that results depend on
 *   proposed  trial, options, first             first: the rung it begins at
 *   started   trial, rung                       as often as it was
 *   scored    trial, rung, service, fold, and value or reason; steps, seconds    one fit came to the rung
 *   rung      trial, rung, value                all its fits did: their mean
 *   promoted, stopped   trial, rung             to go on from the rung, or not
 *   failed    trial, rung, reason
 *   preempted trial, rung                       a stop was asked for while it ran; it goes on later
 *   won       trial, place, value               at the end, from place 0
 *   ended     trials, failures
 *   resumed   ranks                             a job took the sweep up; the first one too
 * Trials are numbered from 0 in each search; where each service has its own, every event of a trial has
 * "search": the service. Each has "time", seconds since 1970. steps: of the fit's whole training so far;
 * seconds: that the ranks worked for the fit since its rung before, added up. Other keys may be there.
 *
 * The events but started, preempted and resumed are functions of the data, the options and the sweep (time,
 * seconds and the wording of reasons aside): each is written once, whatever happens. Decisions are made anew
 * from the scores on resuming, so that only scores must be read back; to write an event that is there is to
 * do nothing, and one that says something else of the same thing is refused. */
#ifndef KT_LEDGER_H
#define KT_LEDGER_H

#include "kt/error.h"
#include "kt/file.h"
#include "kt/json.h"
#include <stdbool.h>
#include <stddef.h>

#define KT_RUN_LEDGER    "sweep.jsonl"
#define KT_LEDGER_SCHEMA "kt-ledger"
enum { KT_LEDGER_VERSION = 1 };

typedef struct kt_ledger kt_ledger;

/* Opens a run's ledger for appending. Where there is none, an empty one, or one whose first line is torn, it
 * is begun: its first line is written and synced. run: hex digest of what results depend on. A last line that
 * is torn is cut off, see kt_ledger_cut. KT_INPUT, file:line: a damaged line before others, or one of no
 * known event; KT_UNSUPPORTED: of a newer version; KT_BUSY: the ledger of another sweep; then nothing is
 * written. guard: asked before each append (borrowed; may be NULL). */
kt_status kt_ledger_open(kt_ledger **ledger, const char *folder, const char *run, const kt_file_guard *guard,
                         kt_error *err);
void kt_ledger_close(kt_ledger *ledger); /* takes NULL; what was not synced is the system's to write */

size_t kt_ledger_events(const kt_ledger *ledger); /* lines that it holds: 1 where it was begun just now */
size_t kt_ledger_cut(const kt_ledger *ledger);    /* bytes of a torn last line that opening cut off */

/* Appends the event, which gets its time, unless it has one, and its sum, unless it is there already. Takes
 * event. KT_INPUT, file:line: the ledger says something else there. After KT_IO the ledger is as before. */
kt_status kt_ledger_write(kt_ledger *ledger, kt_json *event, kt_error *err);
kt_status kt_ledger_sync(kt_ledger *ledger, kt_error *err); /* what was written outlives the machine */

/* What was scored for a fit. search: NULL where there is one for all. value: NaN where there is a reason;
 * reason: NULL, or why it failed (borrowed until close). */
typedef struct {
    double value;
    const char *reason;
} kt_ledger_score;
bool kt_ledger_find(kt_ledger_score *score, const kt_ledger *ledger, const char *search, int64_t trial,
                    int rung, const char *service, int fold);

/* Events in the file's order, each an object, borrowed until the return of `each`; for who only reads, also
 * while it is being written: no digest is compared, a last line that is torn is passed over. KT_IO: there is
 * none; KT_INPUT as above. */
kt_status kt_ledger_read(const char *folder,
                         kt_status (*each)(void *context, const kt_json *event, kt_error *err), void *context,
                         kt_error *err);

#endif
