/* Parts of a run, for the tasks of a batch array: each trains some of the services in a folder of its own,
 * and kt merge makes one archive of theirs, equal to that of one run. RUN/parts.json says which part a folder
 * holds, and of all services the part that trains them and the digest of their rows: by that it is seen
 * whether parts belong together, and what is missing. */
#ifndef KT_PARTS_H
#define KT_PARTS_H

#include "kt/digest.h"
#include "kt/error.h"
#include "kt/lock.h"
#include <stddef.h>

#define KT_RUN_PARTS "parts.json"
enum { KT_PARTS_MOST = 100000 };

/* "2/3": *part 2 of *parts 3. KT_USAGE for anything else; 1 <= part <= parts <= KT_PARTS_MOST. */
kt_status kt_parts_parse(int *part, int *parts, const char *text, kt_error *err);

typedef struct {
    char *name;
    int part;                   /* from 1 */
    char digest[KT_DIGEST_HEX]; /* of its rows, as datasets have it */
} kt_parts_service;

typedef struct {
    int part, parts;
    size_t n;
    kt_parts_service *services; /* byte order of names */
} kt_parts;
void kt_parts_clear(kt_parts *parts); /* takes a zeroed one */

/* Were both made of the same services and rows, dealt out alike? KT_INPUT names what differs. */
kt_status kt_parts_compare(const kt_parts *a, const kt_parts *b, const char *folder_a, const char *folder_b,
                           kt_error *err);

/* RUN/parts.json. KT_INPUT: not such a file; KT_IO: none. */
kt_status kt_parts_write(const char *folder, const kt_parts *parts, const kt_lock *lock, kt_error *err);
kt_status kt_parts_read(kt_parts *parts, const char *folder, kt_error *err);

#endif
