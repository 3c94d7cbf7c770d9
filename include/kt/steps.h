/* Load steps of one file: which rows were measured at the same setting, by what the file itself says.
 *
 * KT_CELLS_NOMINAL: a step is one tuple of nominal rates and replicas of all services of the file, so that
 * every service of a row has the same step, and a step held out is held out for all of them. A value that is
 * blank (a service that the request did not visit) fits any, and the latest step that fits is taken.
 * KT_CELLS_COLUMN: one step for each text of the column "cell". */
#ifndef KT_STEPS_H
#define KT_STEPS_H

#include "kt/error.h"
#include "kt/samples.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    kt_cell_rule rule;
    size_t n_keys, n_rates;
    size_t n, capacity;
    uint64_t rows;   /* asked about so far */
    uint32_t latest; /* the last answer */
    double *key;     /* KT_CELLS_NOMINAL: [n, n_keys] rates, then replicas; NaN: not said yet */
    char **name;     /* KT_CELLS_COLUMN: [n] */
    uint32_t *order; /* KT_CELLS_COLUMN: [n] by name */
} kt_steps;

/* steps: zeroed but for rule, n_keys and n_rates. */
void kt_steps_clear(kt_steps *steps);

/* The step of a row, a new one where it fits none. value [n_keys], NaN where blank. */
kt_status kt_steps_of_values(uint32_t *step, kt_steps *steps, const double *value, kt_error *err);
/* name: n bytes. */
kt_status kt_steps_of_name(uint32_t *step, kt_steps *steps, const char *name, size_t n, kt_error *err);

/* Over 64 steps of fewer than 4 rows on average: these columns do not name load steps, but say something of
 * each row. */
bool kt_steps_unlikely(const kt_steps *steps);

/* "rps=40 rep=1,2,2" (one value where all are equal, - where none was said), or the column's text. */
kt_status kt_steps_label(char label[KT_LABEL], const kt_steps *steps, uint32_t step, kt_error *err);

/* Any text as a label: one that is too long is cut and ends with # and 8 hexadecimal digits of a hash of all
 * of it. */
void kt_label_write(char label[KT_LABEL], const char *text);

#endif
