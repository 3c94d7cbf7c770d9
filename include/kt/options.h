/* Options: one table feeds argv, the JSON configuration, help, defaults and the classes of results.
 *
 * Everything meets as a JSON object { "option-name": value }: kt_options_argv makes one from a command line,
 * --config gives another, presets a third; kt_json_merge lays them over each other; kt_options_check judges
 * the result and kt_options_fill turns it into a C struct. Lists are JSON arrays. */
#ifndef KT_OPTIONS_H
#define KT_OPTIONS_H

#include "kt/error.h"
#include "kt/json.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    KT_OPTION_FLAG,   /* bool; --name, --no-name */
    KT_OPTION_INT,    /* int64_t in [min, max] */
    KT_OPTION_REAL,   /* double in [min, max] */
    KT_OPTION_TEXT,   /* const char *, borrowed from the JSON object; NULL without default */
    KT_OPTION_CHOICE, /* int: index into choices, "weibull|gamma|..." */
    KT_OPTION_TEXTS,  /* kt_texts; given more than once on a command line */
    KT_OPTION_INTS,   /* kt_ints; --name 16,16 */
} kt_option_type;

/* Result options decide what an archive holds; run options may differ when a run is resumed; secret ones are
 * stored nowhere. */
typedef enum { KT_CLASS_RESULT, KT_CLASS_RUN, KT_CLASS_SECRET } kt_option_class;

enum { KT_OPTION_LIST_MAX = 64 };
typedef struct {
    size_t n;
    const char *text[KT_OPTION_LIST_MAX]; /* borrowed */
} kt_texts;
typedef struct {
    size_t n;
    int value[KT_OPTION_LIST_MAX];
} kt_ints;

typedef struct {
    const char *name; /* long name; NULL ends the table */
    char letter;      /* short name or 0 */
    kt_option_type type;
    kt_option_class class;
    size_t offset;   /* into the struct that kt_options_fill fills */
    double min, max; /* equal: no bounds; infinite: none on that side */
    const char *choices;
    const char *preset; /* default, as it would be typed; NULL: none (0, false, NULL, empty) */
    const char *value;  /* name of the value in help, with its unit: "SECONDS"; NULL for flags */
    const char *help;   /* one or two lines; the default is appended */
    const char *group;  /* heading in help; NULL: that of the row before */
} kt_option;

/* Tables one after the other in `to`, which has room for `room` rows, the offsets of each moved by its base:
 * for programs whose options are those of several parts of the library. */
typedef struct {
    const kt_option *table;
    size_t base; /* where the struct of the table's offsets lies in the program's */
} kt_option_part;
void kt_options_join(kt_option *to, size_t room, const kt_option_part *parts, size_t n);

/* The command line to an object of what was given, and operands in order (borrowed from argv; room for argc).
 * argv[0] is the program's name. "--" ends options; --name=value and --name value; letters -k 4, -k4, and
 * flags together: -qv. KT_USAGE for an unknown option (the nearest is named), a missing or impossible value,
 * a value out of range. */
kt_status kt_options_argv(kt_json **given, const char **operands, size_t *n_operands, const kt_option *table,
                          int argc, char **argv, kt_error *err);

/* Every key and value of the object against the table; `where` (a path) begins the message. Keys "operands"
 * and "config" are not special. */
kt_status kt_options_check(const kt_option *table, const kt_json *object, const char *where, kt_error *err);

/* The presets of the table as an object (new reference). */
kt_status kt_options_presets(kt_json **out, const kt_option *table, kt_error *err);

/* Into the struct at `target`. Strings are borrowed from the object, which must outlive it. */
kt_status kt_options_fill(void *target, const kt_option *table, const kt_json *object, kt_error *err);

/* The part of an object whose options are of one class (new reference), each value in its one normal form: a
 * real with a point, a list as an array. */
kt_json *kt_options_of_class(const kt_option *table, const kt_json *object, kt_option_class class);

/* Help for the table, wrapped at 79 columns, by groups. Caller frees. */
kt_status kt_options_help(char **out, const kt_option *table, kt_error *err);

/* The name nearest to a misspelled one by edit distance, or NULL when none is near (over a third of its
 * length). names: n strings. */
const char *kt_nearest(const char *name, const char *const *names, size_t n);

#endif
