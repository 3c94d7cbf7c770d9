/* The parts of the page, in the order in which it shows them. Each writes to the stream; a lack of memory
 * shows when that is closed. */
#ifndef KT_REPORT_PAGE_H
#define KT_REPORT_PAGE_H

#include "findings.h"
#include "kt/json.h"
#include <stdio.h>

void page_trust(FILE *out, const findings *f);
void page_services(FILE *out, const findings *f);
void page_data(FILE *out, const findings *f, const kt_json *cleaning, const kt_json *provenance);
void page_again(FILE *out, const findings *f, const char *config, const char *sweep);

/* ---- page_tables.c: what stands behind the pictures ---- */
void table_cells(FILE *out, const found_service *f);
void table_pit(FILE *out, const kt_score *score);
void table_losses(FILE *out, const kt_fitted *fit);

/* A region that scrolls, reachable by keyboard, with a table and its caption in it. */
void table_begin(FILE *out, const char *label, const char *caption);
void table_end(FILE *out);

/* Its head, of columns with these names, and the beginning of its body; or the columns alone. */
void table_head(FILE *out, const char *const *names, size_t n);
void table_columns(FILE *out, const char *const *names, size_t n);
#define TABLE_HEAD(out, names) table_head(out, names, sizeof(names) / sizeof *(names))

/* What holds everywhere: milliseconds with three decimals, as kt evaluate prints them. */
void cell_number(FILE *out, const char *format, double value); /* <td> */
void cell_text(FILE *out, const char *words);

const char *kind_text(const kt_cell_score *score); /* "held out, interior" */

#endif
