/* Tables of requests: CSV files and folders of them, to samples.
 *
 * Two forms, told apart by their headers (RFC 4180; CRLF, BOM, quotes and blank cells are read):
 *   README form    rps_eff, rep, proc_time_<s>..., cell if there; seconds
 *   cleaned form   [cell,] rps_<s>, rps_eff_<s>, rep_<s>, proc_time_<s>, delay_<s> for each service s;
 * milliseconds A feature f of service s is column f_<s> if there, else f. Files of a folder are read in byte
 * order of names; those without a proc_time column are named and skipped; rows of one service append, cells
 * are per file. Errors are KT_INPUT with file:line and the value. */
#ifndef KT_CSV_H
#define KT_CSV_H

#include "kt/error.h"
#include "kt/samples.h"
#include <stddef.h>

typedef enum { KT_UNIT_AUTO, KT_UNIT_S, KT_UNIT_MS, KT_UNIT_US } kt_time_unit;
#define KT_UNIT_CHOICES "auto|s|ms|us"

typedef enum { KT_TARGET_AUTO, KT_TARGET_ASK_PROC, KT_TARGET_ASK_PROC_DELAY } kt_target_choice;
#define KT_TARGET_CHOICES "auto|proc|proc+delay"

typedef struct {
    kt_time_unit
        unit; /* auto: by form; a median outside 10 us..100 s, or medians of files over 1e4 apart, stops */
    kt_target_choice target; /* auto: proc + delay where a delay column exists */
    size_t n_features;       /* 0: rps_eff, rep */
    const char *const *features;
    void (*note)(void *context,
                 const char *line); /* what was skipped or assumed, one line each; NULL: not told */
    void *context;
} kt_csv_options;

/* paths: files or folders, in the order given. samples: zeroed; the caller clears it. */
kt_status kt_csv_read(kt_samples *samples, const char *const *paths, size_t n, const kt_csv_options *options,
                      kt_error *err);

#endif
