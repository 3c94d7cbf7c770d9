#include "kt/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 64, GAP = 2 };

struct kt_table {
    size_t columns, n, room; /* cells held and allocated; the first `columns` are the headings */
    bool right[COLUMNS_MAX];
    size_t width[COLUMNS_MAX];
    char **cell;
};

/* Columns on a terminal: bytes of UTF-8 that begin a character. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

/* Takes the text. */
static kt_status append(kt_table *table, char *text, kt_error *err)
{
    kt_status status = KT_OK;
    if (table->n == table->room) {
        size_t room = table->room ? 2 * table->room : 64;
        KT_TRY(kt_grow(&table->cell, room, sizeof *table->cell, err));
        table->room = room;
    }
    size_t column = table->n % table->columns, width = text_width(text);
    if (width > table->width[column])
        table->width[column] = width;
    table->cell[table->n++] = text;
    text = NULL;
out:
    free(text);
    return status;
}

static kt_status append_heading(kt_table *table, size_t column, const char *heading, size_t n, kt_error *err)
{
    table->right[column] = n > 0 && heading[n - 1] == '>';
    char *text = NULL;
    kt_status status = kt_format(&text, err, "%.*s", (int)n - table->right[column], heading);
    return status == KT_OK ? append(table, text, err) : status;
}

kt_status kt_table_create(kt_table **out, const char *headings, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    *out = NULL;
    KT_TRY(kt_alloc(&table, 1, sizeof *table, err));
    table->columns = 1;
    for (const char *c = headings; *c; c++)
        table->columns += *c == '|';
    assert(table->columns <= COLUMNS_MAX);
    const char *heading = headings;
    for (size_t i = 0; i < table->columns; i++) {
        size_t n = strcspn(heading, "|");
        KT_TRY(append_heading(table, i, heading, n, err));
        heading += n + 1;
    }
    *out = table;
    table = NULL;
out:
    kt_table_destroy(table);
    return status;
}

void kt_table_destroy(kt_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->n; i++)
        free(table->cell[i]);
    free(table->cell);
    free(table);
}

kt_status kt_table_cell(kt_table *table, kt_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0)
        return kt_fail(err, KT_MEMORY, "out of memory for a cell of a table");
    return append(table, text, err);
}

static void put_spaces(FILE *stream, size_t n)
{
    while (n-- > 0)
        fputc(' ', stream);
}

/* One line without spaces at its end; cells beyond the last are blank. */
static void put_line(FILE *stream, const kt_table *table, size_t first)
{
    size_t owed = 0; /* spaces before the next text */
    for (size_t i = 0; i < table->columns && first + i < table->n; i++) {
        const char *text = table->cell[first + i];
        size_t pad = table->width[i] - text_width(text);
        owed += table->right[i] ? pad : 0;
        if (*text) {
            put_spaces(stream, owed);
            fputs(text, stream);
            owed = 0;
        }
        owed += GAP + (table->right[i] ? 0 : pad);
    }
    fputc('\n', stream);
}

static void put_rule(FILE *stream, const kt_table *table)
{
    for (size_t i = 0; i < table->columns; i++) {
        put_spaces(stream, i ? GAP : 0);
        for (size_t j = 0; j < table->width[i]; j++)
            fputc('-', stream);
    }
    fputc('\n', stream);
}

kt_status kt_table_text(char **out, const kt_table *table, kt_error *err)
{
    char *text = NULL;
    size_t n = 0;
    *out = NULL;
    FILE *stream = open_memstream(&text, &n);
    if (!stream)
        return kt_fail_errno(err, KT_MEMORY, "cannot lay out a table");
    for (size_t first = 0; first < table->n; first += table->columns) {
        put_line(stream, table, first);
        if (first == 0)
            put_rule(stream, table);
    }
    if (fclose(stream) != 0) { /* where open_memstream reports a lack of memory */
        free(text);
        return kt_fail_errno(err, KT_MEMORY, "cannot lay out a table");
    }
    *out = text;
    return KT_OK;
}
