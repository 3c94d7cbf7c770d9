/* Files of checksummed records, for what has to outlive a kill: length (u64, little-endian), SHA-256, bytes.
 * One process appends. A record that is torn or damaged ends what can be read: what stands before it counts.
 */
#ifndef KT_RECORDS_H
#define KT_RECORDS_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kt_records kt_records;

/* Opens for reading from the start. KT_IO where there is no such file. */
kt_status kt_records_open(kt_records **records, const char *path, kt_error *err);
/* The next record; *data is borrowed until the next call, NULL at the end. *torn: the file has more bytes,
 * which are no whole record. */
kt_status kt_records_next(const char **data, size_t *n, bool *torn, kt_records *records, kt_error *err);
/* Where the last whole record ended, in bytes. */
uint64_t kt_records_end(const kt_records *records);
void kt_records_close(kt_records *records); /* takes NULL */

/* Appends one record of the n_parts' bytes, one after the other, after `end` bytes; what lies beyond is cut
 * off; *end moves on, and stays after a failure. sync: fsync too. The file is created where end is 0. */
typedef struct {
    const void *data;
    size_t n;
} kt_record_part;
kt_status kt_records_append(const char *path, uint64_t *end, const kt_record_part *parts, size_t n_parts,
                            bool sync, kt_error *err);

/* Makes the caller the file's one writer until unlock, or its process's end: KT_BUSY while another is. The
 * file is created if missing. Readers are not held up. */
kt_status kt_records_lock(int *lock, const char *path, kt_error *err);
void kt_records_unlock(int lock); /* takes -1 */

#endif
