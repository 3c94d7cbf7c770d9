/* What the two halves of kt import share: tables to a dataset (cmd_import.c), models to an archive
 * (import_models.c). */
#ifndef KT_IMPORT_H
#define KT_IMPORT_H

#include "command.h"

typedef struct {
    const char *out; /* never NULL */
    int target, unit, rates;
    kt_texts features;
    const char *service;
    int family; /* index into IMPORT_FAMILIES */
    kt_texts hull;
    bool quiet, help;
} import_options;

#define IMPORT_FAMILIES "auto|" KT_FAMILY_CHOICES

/* Is it a model rather than a table: a .keras file, or what Keras saves in other forms? */
bool import_is_model(const char *path);

/* Models to an archive. */
kt_status import_models(const import_options *options, const char *const *paths, size_t n, kt_error *err);

#endif
