#include "original_rows.h"

#include <stdlib.h>
#include <string.h>

void original_rows_init(original_rows *rows, const char *text, size_t n, const char *name)
{
    *rows = (original_rows){.text = text, .name = name, .n = n};
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark */
        rows->at = 3;
}

void original_rows_clear(original_rows *rows)
{
    free(rows->cell);
    free(rows->buffer);
}

/* Where the row ends: at a line end outside of quotes. */
static size_t row_end(const original_rows *rows)
{
    bool quoted = false;
    size_t i = rows->at;
    for (; i < rows->n && (quoted || rows->text[i] != '\n'); i++)
        quoted ^= rows->text[i] == '"';
    return i;
}

static kt_status make_room(original_rows *rows, size_t bytes, kt_error *err)
{
    kt_status status = KT_OK;
    if (bytes > rows->capacity) { /* every cell is shorter than its text and comma */
        KT_TRY(kt_grow(&rows->buffer, 2 * bytes, 1, err));
        rows->capacity = 2 * bytes;
    }
out:
    return status;
}

static kt_status add_cell(original_rows *rows, char *start, char *end, kt_error *err)
{
    kt_status status = KT_OK;
    if (memchr(start, '\0', (size_t)(end - start)))
        return kt_fail(err, KT_INPUT, "%s:%zu: column %zu: a NUL byte", rows->name, rows->line,
                       rows->n_cells + 1);
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && strchr(" \t\r", end[-1]))
        end--;
    *end = '\0';
    if (rows->n_cells == rows->cells_capacity) {
        KT_TRY(kt_grow(&rows->cell, 2 * rows->cells_capacity + 16, sizeof *rows->cell, err));
        rows->cells_capacity = 2 * rows->cells_capacity + 16;
    }
    rows->cell[rows->n_cells++] = start;
out:
    return status;
}

/* Cells of text [at, end): quotes are taken off, doubled ones are one. */
static kt_status split(original_rows *rows, size_t end, kt_error *err)
{
    kt_status status = KT_OK;
    bool quoted = false;
    KT_TRY(make_room(rows, end - rows->at + 2, err));
    char *to = rows->buffer, *start = to;
    for (size_t i = rows->at; i < end; i++) {
        char c = rows->text[i];
        if (c == '"' && quoted && i + 1 < end && rows->text[i + 1] == '"')
            *to++ = rows->text[i++];
        else if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted) {
            KT_TRY(add_cell(rows, start, to, err));
            start = ++to;
        } else
            *to++ = c;
        rows->lines += c == '\n';
    }
    if (quoted)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:%zu: a quote that is not closed", rows->name, rows->line));
    KT_TRY(add_cell(rows, start, to, err));
out:
    return status;
}

kt_status original_rows_next(bool *more, original_rows *rows, kt_error *err)
{
    kt_status status = KT_OK;
    rows->n_cells = 0;
    *more = false;
    while (rows->at < rows->n && !*more) {
        size_t end = row_end(rows);
        rows->line = rows->lines + 1;
        rows->n_cells = 0;
        KT_TRY(split(rows, end, err));
        *more = rows->n_cells > 1 || *rows->cell[0] != '\0';
        rows->at = end + 1;
        rows->lines++;
    }
out:
    return status;
}
