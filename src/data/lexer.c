#include "lexer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUFFER = 1 << 18,         /* fits a second-level cache */
    SLACK = 8,                /* bytes behind the end that may be read, see kt_cell_text */
    LONGEST_RECORD = 1 << 28, /* a quote that is never closed must not swallow a large file */
};

/* Bytes at which a cell without quotes may end. */
static const bool stops[256] = {[','] = true, ['\n'] = true, ['\0'] = true};

typedef enum { SCAN_RECORD, SCAN_MORE, SCAN_END } scan_result;

kt_status kt_lexer_open(kt_lexer *lexer, const char *path, kt_error *err)
{
    *lexer = (kt_lexer){.path = path, .line = 1};
    lexer->file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (lexer->file < 0 || fstat(lexer->file, &info) != 0)
        return kt_fail_errno(err, KT_IO, "cannot open %s", path);
    lexer->size = S_ISREG(info.st_mode) ? (size_t)info.st_size : 0;
    return kt_grow(&lexer->buffer, (lexer->capacity = BUFFER) + SLACK, 1, err);
}

void kt_lexer_close(kt_lexer *lexer)
{
    if (lexer->path && lexer->file >= 0)
        close(lexer->file);
    free(lexer->buffer);
    free(lexer->cell);
    *lexer = (kt_lexer){.path = NULL};
}

static kt_status read_some(size_t *got, kt_lexer *lexer, kt_error *err)
{
    ssize_t n;
    do
        n = read(lexer->file, lexer->buffer + lexer->end, lexer->capacity - 1 - lexer->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return kt_fail_errno(err, KT_IO, "cannot read %s", lexer->path);
    *got = (size_t)n;
    return KT_OK;
}

/* Moves the unfinished record to the front and reads until the buffer is full or the file ends. */
static kt_status refill(kt_lexer *lexer, kt_error *err)
{
    kt_status status = KT_OK;
    bool first = lexer->taken == 0 && lexer->end == 0;
    memmove(lexer->buffer, lexer->buffer + lexer->start, lexer->end - lexer->start);
    lexer->end -= lexer->start;
    lexer->start = 0;
    if (lexer->end + 1 == lexer->capacity) {
        if (lexer->capacity >= LONGEST_RECORD)
            return kt_fail(err, KT_INPUT, "%s:%llu: a record of over %d bytes: is a quote never closed?",
                           lexer->path, (unsigned long long)lexer->line, LONGEST_RECORD);
        KT_TRY(kt_grow(&lexer->buffer, (lexer->capacity *= 2) + SLACK, 1, err));
    }
    size_t got = 1;
    while (got > 0 && lexer->end + 1 < lexer->capacity) {
        KT_TRY(read_some(&got, lexer, err));
        lexer->end += got;
    }
    lexer->last = got == 0;
    lexer->buffer[lexer->end] = '\0';
    if (first && strncmp(lexer->buffer, "\xEF\xBB\xBF", 3) == 0)
        lexer->start = lexer->taken = 3;
out:
    return status;
}

static kt_status add_cell(kt_lexer *lexer, const char *text, const char *end, bool quoted, kt_error *err)
{
    kt_status status = KT_OK;
    if (lexer->n_cells == lexer->cells_capacity) {
        lexer->cells_capacity = 2 * lexer->cells_capacity + 16;
        KT_TRY(kt_grow(&lexer->cell, lexer->cells_capacity, sizeof *lexer->cell, err));
    }
    lexer->cell[lexer->n_cells++] = (kt_cell_text){.text = text, .n = (size_t)(end - text), .quoted = quoted};
out:
    return status;
}

/* p: behind the opening quote. The closing one, or NULL where it is not in the buffer. (One that is the
 * buffer's last byte may be half of a doubled one: the record does not end there, so that it is scanned
 * anew.) */
static char *closing_quote(const kt_lexer *lexer, char *p)
{
    char *end = lexer->buffer + lexer->end;
    for (;;) {
        char *quote = memchr(p, '"', (size_t)(end - p));
        if (!quote || quote[1] != '"')
            return quote;
        p = quote + 2;
    }
}

/* Behind a closing quote: passes over spaces to the comma or line end. */
static char *behind_quote(char *p)
{
    while (*p == ' ' || *p == '\t' || (*p == '\r' && (p[1] == '\n' || p[1] == '\0')))
        p++;
    return p;
}

/* Cuts the record at lexer->start into cells. SCAN_MORE: it does not end in the buffer; nothing was changed,
 * and the scan begins anew after a refill. */
static kt_status scan(scan_result *result, char **next, kt_lexer *lexer, kt_error *err)
{
    kt_status status = KT_OK;
    char *p = lexer->buffer + lexer->start, *end = lexer->buffer + lexer->end;
    lexer->n_cells = 0;
    *result = lexer->last ? SCAN_END : SCAN_MORE;
    if (p == end)
        return KT_OK;
    for (;; p++) {
        char *text = p;
        bool quoted = *p == '"';
        if (quoted) {
            char *quote = closing_quote(lexer, ++text);
            if (!quote && lexer->last)
                return kt_fail(err, KT_INPUT, "%s:%llu: a quote is opened and never closed", lexer->path,
                               (unsigned long long)lexer->line);
            if (!quote)
                return KT_OK;
            KT_TRY(add_cell(lexer, text, quote, true, err));
            p = behind_quote(quote + 1);
        } else {
            while (!stops[(unsigned char)*p])
                p++;
            const char *stop = p > text && p[-1] == '\r' && *p != ',' ? p - 1 : p;
            KT_TRY(add_cell(lexer, text, stop, false, err));
        }
        if (p == end && !lexer->last)
            return KT_OK;
        if (p == end || *p == '\n')
            break;
        if (*p != ',')
            return kt_fail(err, KT_INPUT, "%s:%llu: column %zu: %s", lexer->path,
                           (unsigned long long)lexer->line, lexer->n_cells,
                           *p ? "text behind a closing quote" : "a NUL byte: the file is binary, not text");
    }
    *next = p == end ? p : p + 1;
    *result = SCAN_RECORD;
out:
    return status;
}

/* Doubled quotes become one; counts the line ends inside. */
static kt_status finish_quoted(kt_lexer *lexer, kt_cell_text *cell, kt_error *err)
{
    char *text = lexer->buffer + (cell->text - lexer->buffer);
    size_t n = 0;
    for (size_t i = 0; i < cell->n; i++) {
        if (text[i] == '\0')
            return kt_fail(err, KT_INPUT, "%s:%llu: column %zu: a NUL byte: the file is binary, not text",
                           lexer->path, (unsigned long long)lexer->line, (size_t)(cell - lexer->cell) + 1);
        lexer->lines += text[i] == '\n';
        text[n++] = text[i];
        i += text[i] == '"';
    }
    cell->n = n;
    return KT_OK;
}

kt_status kt_lexer_next(bool *more, kt_lexer *lexer, kt_error *err)
{
    kt_status status = KT_OK;
    scan_result result;
    do {
        char *next = NULL;
        lexer->line += lexer->lines;
        lexer->lines = 0;
        KT_TRY(scan(&result, &next, lexer, err));
        if (result == SCAN_MORE)
            KT_TRY(refill(lexer, err));
        if (result != SCAN_RECORD)
            continue;
        lexer->lines = 1;
        for (size_t i = 0; i < lexer->n_cells; i++)
            if (lexer->cell[i].quoted)
                KT_TRY(finish_quoted(lexer, &lexer->cell[i], err));
        size_t end = (size_t)(next - lexer->buffer);
        lexer->taken += end - lexer->start;
        lexer->start = end;
        if (lexer->n_cells == 1 && lexer->cell[0].n == 0 && !lexer->cell[0].quoted)
            result = SCAN_MORE; /* an empty line */
    } while (result == SCAN_MORE);
    *more = result == SCAN_RECORD;
out:
    return status;
}

kt_cell_text kt_cell_trim(kt_cell_text cell)
{
    while (cell.n > 0 && (cell.text[0] == ' ' || cell.text[0] == '\t'))
        cell.text++, cell.n--;
    while (cell.n > 0 && (cell.text[cell.n - 1] == ' ' || cell.text[cell.n - 1] == '\t'))
        cell.n--;
    return cell;
}

void kt_cell_show(char out[KT_SHOWN], const kt_cell_text *cell)
{
    enum { WIDEST = 4, DOTS = 3 };
    size_t used = 0;
    for (size_t i = 0; i < cell->n; i++) {
        if (used + WIDEST + DOTS + 1 > KT_SHOWN) {
            strcpy(out + used, "...");
            return;
        }
        unsigned char c = (unsigned char)cell->text[i];
        if (c >= ' ' && c != 0x7F)
            out[used++] = (char)c;
        else
            used += (size_t)sprintf(out + used, "\\x%02x", c);
    }
    out[used] = '\0';
}
