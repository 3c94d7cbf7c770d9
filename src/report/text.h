/* Text of pages and pictures: a stream in memory, and what comes from data made harmless in it. */
#ifndef KT_REPORT_TEXT_H
#define KT_REPORT_TEXT_H

#include "kt/error.h"
#include <stddef.h>
#include <stdio.h>

typedef struct {
    FILE *stream;
    char *data;
    size_t n;
} text;

kt_status text_open(text *t, kt_error *err); /* t: zeroed */
/* Gives the text away: *out has a NUL after its *n bytes; caller frees. */
kt_status text_give(char **out, size_t *n, text *t, kt_error *err);
void text_drop(text *t); /* takes a zeroed or given one */

/* For HTML and XML, in elements and quoted attributes: & < > " ' as references; what is no UTF-8, and
 * characters that XML does not know, as U+FFFD. */
void put_escaped(FILE *out, const char *words);

/* For a cell of a table in Markdown: as above, and | and line ends too. */
void put_markdown(FILE *out, const char *words);

/* printf of one number; "-" where it is none, three digits and a power of ten from 1e7 on. */
void put_number(FILE *out, const char *format, double value);

#endif
