/* Whatever a person names as data, to samples: CSV files, folders of them, datasets in HDF5. */
#ifndef KT_INPUT_H
#define KT_INPUT_H

#include "kt/csv.h"
#include "kt/error.h"
#include "kt/samples.h"
#include <stddef.h>

/* paths: files and folders. A file that is HDF5 by its first bytes is read as a dataset, any other as CSV; of
 * a folder the files *.csv and *.h5 are taken, an HDF5 file of another schema is named (options->note) and
 * skipped. All CSV together are one reading (kt/csv.h: rows of one service append); a service of one dataset
 * may not stand in another one or in the CSV, and features must be equal: KT_INPUT. Features asked in the
 * options must be those of a dataset as well. Provenance of several sources: {"sources": [...]}. samples:
 * zeroed; the caller clears it. */
kt_status kt_input_read(kt_samples *samples, const char *const *paths, size_t n,
                        const kt_csv_options *options, kt_error *err);

#endif
