#include "text.h"

#include "kt/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

kt_status text_open(text *t, kt_error *err)
{
    t->stream = open_memstream(&t->data, &t->n);
    return t->stream ? KT_OK : kt_fail_errno(err, KT_MEMORY, "cannot lay out a report");
}

kt_status text_give(char **out, size_t *n, text *t, kt_error *err)
{
    int failed = ferror(t->stream);
    failed = fclose(t->stream) != 0 || failed; /* where open_memstream reports a lack of memory */
    t->stream = NULL;
    if (failed)
        return kt_fail(err, KT_MEMORY, "out of memory for a report");
    *out = t->data;
    *n = t->n;
    *t = (text){0};
    return KT_OK;
}

void text_drop(text *t)
{
    if (t->stream)
        fclose(t->stream);
    free(t->data);
    *t = (text){0};
}

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Not in XML 1.0 (section 2.2): control characters, U+FFFE and U+FFFF. */
static size_t known(const char *c)
{
    size_t n = kt_json_character(c);
    unsigned char first = (unsigned char)*c;
    if (n == 1 && (first == 0x7F || (first < 0x20 && first != '\t' && first != '\n')))
        return 0;
    if (n == 3 && memcmp(c, "\xEF\xBF\xBE", 2) == 0 && (unsigned char)c[2] >= 0xBE)
        return 0;
    return n;
}

static void put(FILE *out, const char *words, const char *also)
{
    while (*words) {
        size_t n = known(words);
        const char *instead = reference(*words);
        if (n == 0)
            fputs("\xEF\xBF\xBD", out);
        else if (instead)
            fputs(instead, out);
        else if (n == 1 && strchr(also, *words))
            fprintf(out, "&#%d;", *words);
        else
            fwrite(words, 1, n, out);
        words += n > 0 ? n : 1;
    }
}

void put_escaped(FILE *out, const char *words)
{
    put(out, words, "");
}

void put_markdown(FILE *out, const char *words)
{
    put(out, words, "|\n\t\\`*_[]#");
}

void put_number(FILE *out, const char *format, double value)
{
    char number[64];
    snprintf(number, sizeof number, fabs(value) < 1e7 ? format : "%.2e", value);
    fputs(isfinite(value) ? number : "-", out);
}
