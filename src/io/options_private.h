/* What the files on options share. */
#ifndef KT_OPTIONS_PRIVATE_H
#define KT_OPTIONS_PRIVATE_H

#include "kt/options.h"

/* What a message is about, said as its parts one after the other: "", "--", "family" on a command line,
 * "run.json: ", "", "family" in a file. */
typedef struct {
    const char *where, *dashes, *name;
} kt_option_place;

#define KT_PLACE   "%s%s%s"
#define KT_SAY(at) (at).where, (at).dashes, (at).name

/* The row of that name, which has n bytes, or NULL. */
const kt_option *kt_option_find(const kt_option *table, const char *name, size_t n);

/* KT_USAGE for a name that is not in the table; a near one is told. */
kt_status kt_option_unknown(const kt_option *table, kt_option_place at, kt_error *err);

/* A typed value as JSON in normal form (new reference): what a command line or a preset says. */
kt_status kt_option_typed(kt_json **out, const kt_option *option, const char *text, kt_option_place at,
                          kt_error *err);

/* KT_USAGE for a value of the wrong kind, out of range or not among the choices. */
kt_status kt_option_judge(const kt_option *option, const kt_json *value, kt_option_place at, kt_error *err);

/* Takes an object that was built; KT_MEMORY where memory was short for a part of it. */
kt_status kt_option_hand_out(kt_json **out, kt_json *object, kt_error *err);

typedef struct {
    double min, max;
} kt_option_bounds;

/* The values that a number option takes; infinite where there is no bound. */
kt_option_bounds kt_option_range(const kt_option *option);

#endif
