/* Records of a CSV file, one after the other (RFC 4180). Cells are separated by commas, records end with LF
 * or CRLF; a cell in quotes may hold commas, line ends and doubled quotes; a byte order mark and empty lines
 * are passed over; the last record needs no line end. A NUL byte is an error: the file is no text. */
#ifndef KT_DATA_LEXER_H
#define KT_DATA_LEXER_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char
        *text; /* valid until the next record; not terminated, but 8 bytes may be read from any of it */
    size_t n;
    bool quoted;
} kt_cell_text;

typedef struct {
    const char *path; /* borrowed */
    int file;
    bool last;    /* the file's end is in the buffer */
    size_t size;  /* bytes of the file; 0: not known (a pipe) */
    size_t taken; /* bytes of it that the records so far make up */
    char *buffer; /* [capacity]; buffer[end] is a NUL */
    size_t capacity, start, end;
    uint64_t line;      /* where the record begins, counted from 1 */
    uint64_t lines;     /* line ends inside of it and behind it */
    kt_cell_text *cell; /* [n_cells] the record */
    size_t n_cells, cells_capacity;
} kt_lexer;

/* lexer: zeroed; close it whatever open returned. KT_IO where the path cannot be read. */
kt_status kt_lexer_open(kt_lexer *lexer, const char *path, kt_error *err);
void kt_lexer_close(kt_lexer *lexer);

/* The next record; *more is false at the end of the file. KT_INPUT with path:line. */
kt_status kt_lexer_next(bool *more, kt_lexer *lexer, kt_error *err);

/* The cell without spaces and tabs around its text. */
kt_cell_text kt_cell_trim(kt_cell_text cell);

/* A cell's text for a message: cut, and what cannot be printed as \xNN. */
enum { KT_SHOWN = 64 };
void kt_cell_show(char out[KT_SHOWN], const kt_cell_text *cell);

#endif
