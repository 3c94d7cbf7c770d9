/* journal.jsonl: one event a line, for machines. Appended by one process. */
#ifndef KT_JOURNAL_H
#define KT_JOURNAL_H

#include "kt/error.h"
#include "kt/json.h"

/* Appends the object as one line and drops it. */
kt_status kt_journal_write(const char *path, kt_json *event, kt_error *err);

/* Appends lines that are JSON already, each ending in a newline. */
kt_status kt_journal_append(const char *path, const char *lines, size_t n, kt_error *err);

#endif
