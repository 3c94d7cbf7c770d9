/* What the files of this room share: the layout of an archive, the block at its start, the check of an entry.
 */
#ifndef KT_ARCHIVE_PRIVATE_H
#define KT_ARCHIVE_PRIVATE_H

#include "kt/archive.h"
#include "kt/h5.h"

/* ---- archive.c: the layout ---- */

/* The first fields of the tables are those of the structs; a cell's means and PIT are datasets of their own.
 */
enum { LOOK_FIELDS = 7, CELL_FIELDS = 19, REFUSED_FIELDS = 3 };
extern const kt_h5_field look_fields[LOOK_FIELDS], cell_fields[CELL_FIELDS], refused_fields[REFUSED_FIELDS];

/* Texts of enums whose tables are not elsewhere, "a|b|c" in their order. */
#define ARCHIVE_TARGETS "proc|proc+delay"
#define ARCHIVE_RULES   "nominal|column|bins"

/* One of the choices, as a new string. */
kt_status archive_choice(char **out, const char *choices, int index, kt_error *err);
/* -1: none of them. */
int archive_choice_index(const char *choices, const char *text);

/* ---- block.c: the 512 bytes before the HDF5 data ---- */
enum { ARCHIVE_BLOCK = 512 };

/* Writes the block of a file whose rest is there, and gives the whole file's digest. */
kt_status archive_seal(char digest[KT_DIGEST_HEX], const char *path, int version, kt_error *err);

/* KT_INPUT where the block or what follows it is not as written; KT_UNSUPPORTED for a newer version. */
kt_status archive_unseal(char digest[KT_DIGEST_HEX], const char *path, kt_error *err);

/* ---- check.c ---- */

/* Is what came from outside a model that can be used? `where` begins the message: an object, or a packed
 * entry. The vectors have the lengths that net, hull and the counts say. */
kt_status archive_check_net(const kt_net *net, const char *where, kt_error *err);
/* One member: net, vectors, looks. */
kt_status archive_check_fitted(const kt_fitted *fitted, const char *where, kt_error *err);
/* What a service has but once; its best member has been checked. */
kt_status archive_check_entry(const kt_archive_entry *entry, const char *where, kt_error *err);
/* Can members, each of which has been checked, answer together? */
kt_status archive_check_members(const kt_archive_entry *entry, const char *where, kt_error *err);

#endif
