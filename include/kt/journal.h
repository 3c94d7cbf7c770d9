/* journal.jsonl: one event a line, for machines. Appended by one process. */
#ifndef KT_JOURNAL_H
#define KT_JOURNAL_H

#include "kt/error.h"
#include "kt/json.h"

/* Appends the object as one line and drops it. */
kt_status kt_journal_write(const char *path, kt_json *event, kt_error *err);

/* Appends lines that are JSON already, each ending in a newline. */
kt_status kt_journal_append(const char *path, const char *lines, size_t n, kt_error *err);

/* What the journal says of fits that ended with a model; of a service that has several, the last one. */
typedef struct {
    char *service;
    size_t line; /* in the journal, from 0, of such events */
    int ranks;   /* of the group that ended it */
    int batch;
    double from_step, steps; /* fit_seconds are about the steps from from_step on: that group's */
    double fit_seconds, judge_seconds;
} kt_journal_fit;

/* fits [n], byte order of services; caller clears. A line that is cut short or none of ours is passed over.
 */
kt_status kt_journal_fits(kt_journal_fit **fits, size_t *n, const char *path, kt_error *err);
void kt_journal_fits_clear(kt_journal_fit *fits, size_t n); /* takes NULL, 0 */

#endif
