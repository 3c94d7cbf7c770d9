/* Lines of a ledger and the events in them. */
#ifndef KT_SEARCH_LEDGER_LINE_H
#define KT_SEARCH_LEDGER_LINE_H

#include "kt/digest.h"
#include "kt/json.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { LEDGER_ID = 16, LEDGER_SAYS = 8 };

typedef struct {
    bool again;                /* it may be there any number of times */
    bool first;                /* what a ledger begins with */
    uint8_t id[LEDGER_ID];     /* digest of which event it is */
    uint8_t says[LEDGER_SAYS]; /* digest of what must not differ between two of the same id */
} ledger_mark;

/* The event as the ledger has it. KT_INPUT: of no known name, or a field is missing or of the wrong kind; the
 * message begins with `where`. */
kt_status ledger_mark_event(ledger_mark *mark, const kt_json *event, kt_digest *digest, const char *where,
                            kt_error *err);
void ledger_score_id(uint8_t id[LEDGER_ID], kt_digest *digest, const char *search, int64_t trial, int rung,
                     const char *service, int fold);

/* The event's line, with its newline; caller frees. */
kt_status ledger_line(char **line, const kt_json *event, kt_digest *digest, kt_error *err);

/* Reads whole lines one after the other. */
typedef struct {
    FILE *file;
    const char *path; /* borrowed */
    kt_digest *digest;
    char *line;
    size_t capacity;
    size_t number; /* of the line read last, from 1 */
    uint64_t end;  /* of what is whole, in bytes */
    size_t torn;   /* bytes behind it, once there is no line left */
} ledger_reader;

/* reader: zeroed but for its path. KT_IO where there is no such file. */
kt_status ledger_reader_open(ledger_reader *reader, kt_error *err);
void ledger_reader_close(ledger_reader *reader);

/* The next event, new reference; NULL at the end. KT_INPUT, path:line: a damaged line before others, or a
 * first one that a ledger does not begin with. */
kt_status ledger_reader_next(kt_json **event, ledger_mark *mark, ledger_reader *reader, kt_error *err);

#endif
