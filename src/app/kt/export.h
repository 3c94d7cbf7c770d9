/* What the formats of kt export share. A format is a row of the table in cmd_export.c and a file
 * export_<format>.c. */
#ifndef KT_EXPORT_H
#define KT_EXPORT_H

#include "command.h"

/* Names of what json, csv and kubetwin write. */
#define EXPORT_TABLE_CSV  "mixtures.csv"
#define EXPORT_TABLE_JSON "mixtures.json"
#define EXPORT_CONF       "microservice_types.conf"

typedef struct {
    const char *out; /* the folder; never NULL */
    int format, keras, branch;
    const char *rps; /* as given, or NULL */
    kt_texts services, rep, grids;
    bool data, force, quiet, help;
} export_options;

typedef struct {
    const export_options *options;
    const char *path; /* of the archive, for messages */
    const kt_archive *archive;
    size_t n;
    const kt_archive_entry **entries; /* [n] the services asked for, in byte order of names; n >= 1 */
    const char *dataset;              /* path of the run's dataset; NULL: there is none, or --no-data */
} export_job;

/* Each writes into options->out and says on standard output what it wrote, unless quiet. */
/* Says on standard error that .keras files have but the best member of an ensemble; unless quiet. */
void export_tell_best(const export_job *job);

kt_status export_keras(const export_job *job, kt_error *err);
kt_status export_kubetwin(const export_job *job, kt_error *err);
kt_status export_json(const export_job *job, kt_error *err);
kt_status export_csv(const export_job *job, kt_error *err);

#endif
