/* path.part: what a pull has asked and got, as checksummed records. A record is a JSON document and a packed
 * set of spans. */
#ifndef KT_TRACE_PART_H
#define KT_TRACE_PART_H

#include "kt/file.h"
#include "kt/json.h"
#include "kt/records.h"
#include "kt/spans.h"

typedef struct {
    char *path;
    int lock;
    uint64_t end;
    kt_records *replay; /* NULL: all records that were there have been read */
    const kt_file_guard *guard;
} kt_part;

/* Makes the caller the file's one writer. fresh: what is there is given up. guard: asked before each record
 * (kt/file.h). */
kt_status kt_part_open(kt_part *part, const char *path, bool fresh, const kt_file_guard *guard,
                       kt_error *err);
/* keep: the file stays, for a pull that goes on, unless it is empty. */
void kt_part_close(kt_part *part, bool keep);

/* The next record that was there, or *document NULL after the last. spans: zeroed, filled where the record
 * has some. */
kt_status kt_part_next(kt_json **document, kt_spans *spans, kt_part *part, kt_error *err);
/* Reads the file once more from its start. */
kt_status kt_part_rewind(kt_part *part, kt_error *err);

/* Appends a record, synced. Takes document. spans may be NULL. */
kt_status kt_part_add(kt_part *part, kt_json *document, const kt_spans *spans, kt_error *err);

#endif
