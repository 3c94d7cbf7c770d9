/* What the columns of one CSV file mean, from its header line. */
#ifndef KT_DATA_COLUMNS_H
#define KT_DATA_COLUMNS_H

#include "kt/csv.h"
#include "kt/error.h"
#include "kt/scaler.h"
#include "lexer.h"
#include <stdbool.h>
#include <stddef.h>

#define KT_NO_COLUMN ((size_t)-1)

typedef struct {
    const char *name;                /* borrowed from the column's name */
    size_t feature[KT_FEATURES_MAX]; /* columns */
    size_t proc, delay;              /* delay: KT_NO_COLUMN where there is none */
} kt_column_service;

typedef struct {
    size_t n;
    char **name; /* [n], without spaces around; an empty one is never found */
    size_t n_services;
    kt_column_service *service; /* byte order of names */
    bool cleaned;               /* the form: see kt/csv.h */
    size_t cell;                /* the column "cell" or KT_NO_COLUMN */
    /* Nominal rates (rps_<s>, else rps), then replicas (rep_<s>, else rep): columns in the order of services,
     * each once. Together they name the load step of a row. Without nominal rates both are empty. */
    size_t n_keys, n_rates;
    size_t *key; /* [n_keys] */
    size_t n_wanted;
    size_t *wanted; /* [n_wanted] columns that hold numbers, ascending */
} kt_columns;

/* From the lexer's record. features [n_features]; names: those of the features. columns: zeroed; the caller
 * clears it. n_services is 0, and nothing else set, where there is no proc_time_<service>. KT_INPUT for a
 * column that is there twice or a feature that is missing (the nearest name is told). */
kt_status kt_columns_find(kt_columns *columns, const kt_lexer *header, const char *const *features,
                          size_t n_features, kt_error *err);
void kt_columns_clear(kt_columns *columns);

/* Where there is no proc_time_<service>: the first column whose name is nearly that, borrowed, or NULL. */
const char *kt_columns_near_target(const kt_columns *columns);

#endif
