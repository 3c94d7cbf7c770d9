/* A reply may be large, and a tree of all of it several times as large: so the outer brackets are walked
 * here, and jansson parses one trace or resource after the other. */
#include "jaeger_private.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char jaeger_peek(jaeger *j)
{
    while (j->at < j->n && memchr(" \t\r\n", j->text[j->at], 4))
        j->at++;
    return j->at < j->n ? j->text[j->at] : '\0';
}

/* Line of a byte, and its column, both from 1. */
static int line_of(int *column, const jaeger *j, size_t at)
{
    int line = 1;
    const char *start = j->text, *end = j->text + at, *next;
    for (; start < end && (next = memchr(start, '\n', (size_t)(end - start))); start = next + 1)
        line++;
    *column = end - start < INT_MAX ? (int)(end - start) + 1 : INT_MAX;
    return line;
}

static kt_status fail_here(const jaeger *j, const char *what, kt_error *err)
{
    int column, line = line_of(&column, j, j->at);
    return kt_fail(err, KT_INPUT, "%s:%d:%d: %s", j->name, line, column, what);
}

kt_status jaeger_expect(jaeger *j, char byte, kt_error *err)
{
    char what[64];
    char found = jaeger_peek(j);
    if (found == byte && j->at < j->n) {
        j->at++;
        return KT_OK;
    }
    snprintf(what, sizeof what, "'%c' expected%s", byte, j->at == j->n ? ": the text ends here" : "");
    return fail_here(j, what, err);
}

kt_status jaeger_more(bool *more, jaeger *j, char closing, kt_error *err)
{
    *more = jaeger_peek(j) == ',';
    return jaeger_expect(j, *more ? ',' : closing, err);
}

kt_status jaeger_value(json_t **value, jaeger *j, kt_error *err)
{
    const size_t flags = JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
    json_error_t error;
    size_t left = j->n - j->at < INT_MAX ? j->n - j->at : INT_MAX; /* jansson counts bytes in an int */
    jaeger_peek(j);
    j->piece = j->at;
    *value = json_loadb(j->text + j->at, left, flags, &error);
    /* A negative duration wrapped into 64 bits, which jansson's integers cannot hold. */
    if (!*value && json_error_code(&error) == json_error_numeric_overflow)
        *value = json_loadb(j->text + j->at, left, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (*value) {
        j->at += (size_t)error.position;
        return KT_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory)
        return kt_fail(err, KT_MEMORY, "%s: out of memory", j->name);
    int column, line = line_of(&column, j, j->at);
    return kt_fail(err, KT_INPUT, "%s:%d:%d: %s", j->name, line + error.line - 1,
                   error.column + (error.line == 1 ? column - 1 : 0), error.text);
}

kt_status jaeger_refuse(const jaeger *j, kt_error *err, const char *format, ...)
{
    char what[500];
    int column, line = line_of(&column, j, j->piece);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return kt_fail(err, KT_INPUT, "%s:%d: %s", j->name, line, what);
}
