/* Tables of requests: CSV files and folders of them, to samples.
 *
 * Text is read as RFC 4180 says, with LF or CRLF; a byte order mark, empty lines and spaces around numbers
 * are passed over. Two forms are told apart by their headers, s being any service:
 * - README form: rps_eff, rep, proc_time_<s>, cell if there; seconds
 * - cleaned form, as soon as there is a delay_<s>, rps_<s> or rps_eff_<s>: [cell,] rps_<s>, rps_eff_<s>,
 *   rep_<s>, proc_time_<s>, delay_<s>; milliseconds
 * Other columns are passed over. A feature f of service s is column f_<s> if there, else f; so are the
 * nominal rate (rps) and the replicas (rep).
 *
 * Rows: one request each. A blank time (for proc+delay: one of the two) leaves the row out for that service,
 * a negative delay counts as 0; both are counted. A blank feature beside a time is an error.
 *
 * Cells, by the first that a file has:
 * - nominal rates: a cell is one tuple of nominal rates and replicas of all services of the file, labelled
 *   "rps=40 rep=1,2,2" (services in byte order, one value where all are equal). So services that share rows
 *   share load steps, and one that always has one replica keeps the steps of the others apart. Equal tuples,
 *   in several files or under several texts of a column cell, are repeats of one step.
 * - a column cell: one cell for each of its texts
 * - neither: replicas by quantile bins of rps_eff, "rep=2 bin=3/10"
 * Where over 64 steps have fewer than 4 rows on average these columns name no load steps and the next rule
 * holds. Cells of the last two rules are their file's: of several files they are called "<stem>:<label>".
 *
 * Files of a folder (*.csv, none of folders inside) are read in byte order of names; those without a column
 * proc_time_<s> or without rows are named and skipped. Rows of one service append. Errors are KT_INPUT with
 * file:line, the column and the value. */
#ifndef KT_CSV_H
#define KT_CSV_H

#include "kt/error.h"
#include "kt/samples.h"
#include <stddef.h>
#include <stdio.h>

typedef enum { KT_UNIT_AUTO, KT_UNIT_S, KT_UNIT_MS, KT_UNIT_US } kt_time_unit;
#define KT_UNIT_CHOICES "auto|s|ms|us"

typedef enum { KT_TARGET_AUTO, KT_TARGET_ASK_PROC, KT_TARGET_ASK_PROC_DELAY } kt_target_choice;
#define KT_TARGET_CHOICES "auto|proc|proc+delay"

typedef enum { KT_RATES_COLUMN, KT_RATES_CELL } kt_rates;
#define KT_RATES_CHOICES "column|cell"

typedef struct {
    /* auto: by form; a median outside 10 us..100 s, or medians of files over 1e4 apart, stops */
    kt_time_unit unit;
    /* auto: proc + delay where a delay column exists; proc+delay where no service has one is an error */
    kt_target_choice target;
    /* cell: rps_eff of a row is its cell's mean (kt_samples_cell_rates), not what its column says; of
     * datasets too */
    kt_rates rates;
    size_t n_features; /* 0: rps_eff, rep */
    const char *const *features;
    /* what was skipped or assumed, one line each; NULL: not told */
    void (*note)(void *context, const char *line);
    void *context;
} kt_csv_options;

/* paths: files or folders, in the order given. samples: zeroed; the caller clears it. */
kt_status kt_csv_read(kt_samples *samples, const char *const *paths, size_t n, const kt_csv_options *options,
                      kt_error *err);

/* A cell of a table, prefix and text, in quotes where it has to be (RFC 4180). For who writes tables. */
void kt_csv_put(FILE *to, const char *prefix, const char *text);

#endif
