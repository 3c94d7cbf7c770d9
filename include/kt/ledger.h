/* RUN/sweep.jsonl: what a sweep has come to. One JSON object a line, only ever appended by one process; "sum"
 * is the first 16 hexadecimal digits of the SHA-256 of the line's canonical text without it.
 *
 *   {"event":"sweep","run":HEX}                 first: the digest of all that results depend on
 *   proposed  trial, options, first             first: the rung it begins at
 *   started   trial, rung                       as often as it was
 *   scored    trial, rung, service, fold, and value or reason; steps, seconds    one fit came to the rung
 *   rung      trial, rung, value                all its fits did: their mean
 *   promoted, stopped   trial, rung             to go on from the rung, or not
 *   failed    trial, rung, reason
 *   preempted trial, rung                       a stop was asked for while it ran; it goes on later
 *   won       trial, place, value               at the end, from place 0
 *   ended     trials, failures
 *   resumed
 * Trials are numbered from 0 in each search; where each service has its own, every event of a trial has
 * "search": the service. Each has "time", seconds since 1970.
 *
 * The events but started, preempted and resumed are functions of the data, the options and the sweep: each is
 * written once, whatever happens. Decisions are made anew from the scores on resuming, so that only scores
 * must be read back; to write an event that is there is to do nothing. */
#ifndef KT_LEDGER_H
#define KT_LEDGER_H

#include "kt/error.h"
#include "kt/file.h"
#include "kt/json.h"
#include <stdbool.h>
#include <stddef.h>

#define KT_RUN_LEDGER "sweep.jsonl"

typedef struct kt_ledger kt_ledger;

/* Opens a run's ledger for appending, or begins it. run: hex digest of what results depend on. A last line
 * that is torn is cut off. KT_INPUT, file:line: a damaged line before others, or one of no known event;
 * KT_BUSY: the ledger of another sweep. guard: asked before each append (borrowed; may be NULL). */
kt_status kt_ledger_open(kt_ledger **ledger, const char *folder, const char *run, const kt_file_guard *guard,
                         kt_error *err);
void kt_ledger_close(kt_ledger *ledger); /* takes NULL */

/* Appends the event, which gets its time and its sum, unless it is there already. Takes event. */
kt_status kt_ledger_write(kt_ledger *ledger, kt_json *event, kt_error *err);
kt_status kt_ledger_sync(kt_ledger *ledger, kt_error *err);

/* What was scored for a fit. search: NULL where there is one for all. reason: NULL, or why it failed
 * (borrowed). */
typedef struct {
    double value;
    const char *reason;
} kt_ledger_score;
bool kt_ledger_find(kt_ledger_score *score, const kt_ledger *ledger, const char *search, int64_t trial,
                    int rung, const char *service, int fold);

/* Events in the file's order, each an object, borrowed until the return of `each`; for who only reads: no
 * digest is compared, a last line that is torn is passed over. KT_IO: there is none. */
kt_status kt_ledger_read(const char *folder,
                         kt_status (*each)(void *context, const kt_json *event, kt_error *err), void *context,
                         kt_error *err);

#endif
