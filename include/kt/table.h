/* Text tables for terminals: columns sized to their cells, numbers right-aligned. */
#ifndef KT_TABLE_H
#define KT_TABLE_H

#include "kt/error.h"
#include <stddef.h>

typedef struct kt_table kt_table;

/* headings: "name|rows>|KS>": a column ending in > is right-aligned. */
kt_status kt_table_create(kt_table **table, const char *headings, kt_error *err);
void kt_table_destroy(kt_table *table);
kt_status kt_table_cell(kt_table *table, kt_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
kt_status kt_table_text(char **out, const kt_table *table, kt_error *err); /* caller frees */

#endif
