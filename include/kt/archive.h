/* The archive models.h5: schema kt-archive. One process writes it in one pass, in byte order of names, and
 * the bytes depend on the data, the result options and KT_NUMERICS alone. The file begins with a user block
 * of 512 bytes: the line "kt-archive VERSION SHA256\n", zeros after it, where the digest is that of all bytes
 * after the block; it is checked before HDF5 opens the file, so that a changed byte at any offset is found.
 *
 *   /                       attributes schema, version, numerics
 *   /config, /features      bytes: canonical JSON of the result options; JSON list of names
 *   /sweep                  bytes, where options were searched for: JSON, see kt_archive_options
 *   /cleaning               bytes, where rows come from traces: kt_samples.cleaning
 *   /models/<link name>     attribute name: the service
 *   /models/<link name>/0   attributes, datasets and tables of kt_archive_entry
 *   /models/<link name>/1   and so on, of an ensemble: its other members, as kt_fitted
 *   /refused                table of services without a model: name, status, reason
 *
 * Version 2 has /sweep and further members; an archive without them is written as version 1. */
#ifndef KT_ARCHIVE_H
#define KT_ARCHIVE_H

#include "kt/file.h"
#include "kt/fit.h"
#include "kt/json.h"
#include "kt/metrics.h"
#include "kt/model.h"
#include "kt/samples.h"

#define KT_ARCHIVE_SCHEMA "kt-archive"
enum {
    KT_ARCHIVE_VERSION = 2,
    KT_NUMERICS = 4 /* raised whenever a change alters bits of results */
};

/* A service's model. An ensemble has several members, the best first, all of one family: a sweep keeps the
 * best trials of its winner's family. Its scores and what kt_archive_predictor answers are those of all of
 * them together; what can hold but one network (a .keras file) has the best. */
typedef struct {
    char *name;
    kt_fitted fitted; /* model, looks, flags: of the best member */
    size_t n_more;
    kt_fitted *more; /* [n_more] the others, made from the same rows */
    kt_target target;
    kt_cell_rule rule;
    size_t n_train, n_validation, n_test;
    uint8_t data_digest[KT_DIGEST_BYTES];
    size_t n_cells;
    kt_cell_score *cells; /* held-out cells, in the order of the data */
    size_t n_sketch;
    uint64_t sketch[KT_SKETCH];
} kt_archive_entry;

typedef struct {
    char name[256];
    char reason[1000];
    int32_t status; /* KT_REFUSED or KT_NUMERIC */
} kt_archive_refused;

typedef struct {
    char *config;   /* canonical JSON of the result options */
    char *sweep;    /* JSON, or NULL: what the options of models were searched for with */
    char *cleaning; /* JSON, or NULL (kt/samples.h) */
    int d;
    char *feature[KT_FEATURES_MAX];
    size_t n_entries;
    kt_archive_entry *entries; /* byte order of names */
    size_t n_refused;
    kt_archive_refused *refused;
    int numerics, version; /* set on reading */
} kt_archive;

void kt_archive_entry_clear(kt_archive_entry *entry);
void kt_archive_clear(kt_archive *archive); /* takes a zeroed one */
void kt_archive_sort(kt_archive *archive);  /* entries and refused, by byte order of names */

/* Atomic. digest: of the whole file, as sha256sum prints it (may be NULL). guard: kt/file.h. */
kt_status kt_archive_write(const char *path, const kt_archive *archive, char digest[KT_DIGEST_HEX],
                           const kt_file_guard *guard, kt_error *err);

/* Checks the digest first. KT_INPUT: damaged (where it can be said: the offset of what is wrong), another
 * schema. */
kt_status kt_archive_read(kt_archive *archive, const char *path, kt_error *err);
kt_status kt_archive_verify(const char *path, char digest[KT_DIGEST_HEX], kt_error *err);

/* Does the file begin as archives do? Nothing else is looked at. Such a file is verified before HDF5 opens
 * it: HDF5 takes damage worse than our digest does. */
bool kt_archive_claimed(const char *path);

/* Puts the archives of n >= 1 parts of a run, as they were read, together to that of the whole run: moves
 * their services into `whole` (zeroed). names: of their files. KT_INPUT names what differs where they are no
 * parts of one run (options, sweep, features, cleaning, numerics) and a service that two of them have; then
 * they stay as they are. Which services are missing is not known here. */
kt_status kt_archive_merge(kt_archive *whole, kt_archive *parts, const char *const *names, size_t n,
                           kt_error *err);

/* Members of the entry's model, at least 1; the m-th of them, the best first. */
size_t kt_archive_members(const kt_archive_entry *entry);
const kt_fitted *kt_archive_member(const kt_archive_entry *entry, size_t m);
int kt_archive_components(const kt_archive_entry *entry); /* of all members together */

/* What the entry's model answers, of all its members together (kt/model.h). The entry is borrowed. */
kt_status kt_archive_predictor(kt_predictor **predictor, const kt_archive_entry *entry, kt_isa isa,
                               kt_error *err);

/* What a sweep says of the service's best member, {"trial", "value", "options": {...}, ...}, or NULL;
 * borrowed. sweep: kt_archive.sweep as JSON, or NULL. Of it {"winners": [...]} is read, where the best has
 * place 0, and "search" is the service where each had a search of its own. */
const kt_json *kt_archive_winner(const kt_json *sweep, const char *service);

/* The result options that a service's model was made with: those of /config, and over them those of the
 * winner. A recipe among these stands for all that it presets. Caller drops. KT_INPUT: no JSON. */
kt_status kt_archive_options(kt_json **options, const kt_archive *archive, const char *service,
                             kt_error *err);

/* By exact or unique short name; KT_USAGE naming the nearest. Borrowed. */
kt_status kt_archive_find(const kt_archive_entry **entry, const kt_archive *archive, const char *name,
                          kt_error *err);

/* One entry as bytes, for sending between ranks and for checkpoints; caller frees *data. */
kt_status kt_archive_entry_pack(char **data, size_t *n, const kt_archive_entry *entry, kt_error *err);
kt_status kt_archive_entry_unpack(kt_archive_entry *entry, const char *data, size_t n, kt_error *err);

#endif
