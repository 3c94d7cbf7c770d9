/* What the commands of kt share. A command is a row of the table in main.c and a file with its options, help
 * and body. */
#ifndef KT_COMMAND_H
#define KT_COMMAND_H

#include "kt/archive.h"
#include "kt/csv.h"
#include "kt/options.h"
#include "program.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *name, *summary;
    const char *usage, *about;       /* lines of its help before the options */
    const kt_option *options;        /* or NULL: */
    const kt_option *(*table)(void); /* those of several parts of the library, joined */
    size_t size;                     /* of the struct that the options fill */
    size_t least, most;              /* operands */
    kt_status (*run)(void *options, const char *const *operands, size_t n, kt_error *err);
} kt_command;

extern const kt_command command_info, command_predict, command_sample, command_evaluate, command_verify,
    command_import, command_merge, command_plan, command_export, command_clean, command_load, command_collect,
    command_next, command_report, command_sweep;

/* The instruction set that KT_ISA names, or the best. */
kt_status command_isa(kt_isa *isa, kt_error *err);

/* ---- points: where a model is asked ---- */

typedef struct {
    double rps, rep;
    kt_texts at;
} command_point;

/* Options --rps, --rep, --at name=value of a struct that holds a command_point at `field`. */
#define COMMAND_POINT_OPTIONS(type, field)                                                                   \
    {"rps", 0,    KT_OPTION_REAL, KT_CLASS_RUN, offsetof(type, field.rps),           -1e12,                  \
     1e12,  NULL, "-1e12",        "REQ/S",      "the request rate, feature rps_eff", NULL},                  \
        {"rep", 0,    KT_OPTION_REAL, KT_CLASS_RUN, offsetof(type, field.rep),   -1e12,                      \
         1e12,  NULL, "-1e12",        "N",          "the replicas, feature rep", NULL},                      \
    {                                                                                                        \
        "at", 0, KT_OPTION_TEXTS, KT_CLASS_RUN, offsetof(type, field.at), 0, 0, NULL, NULL, "NAME=VALUE",    \
            "another feature", NULL                                                                          \
    }

/* x [d]; KT_USAGE where a feature is missing, given twice or not the archive's. */
kt_status command_point_read(double *x, const kt_archive *archive, const command_point *point, kt_error *err);

/* Index of a feature by its name or, for rps_eff, "rps"; -1: none. */
int command_feature(const kt_archive *archive, const char *name);

/* A number that is the whole text. */
bool command_number(double *value, const char *text);

/* The entry that --service names; without it, the only one. */
kt_status command_entry(const kt_archive_entry **entry, const kt_archive *archive, const char *service,
                        kt_error *err);

#endif
