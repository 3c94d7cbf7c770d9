/* The space of a sweep: which options its trials vary, and how. A trial is a point u [d] of the unit cube,
 * one coordinate for each dimension; this turns it into values of options.
 *
 *   "learning-rate": {"log": [1e-3, 3e-2]}          exp of an even draw between logs
 *   "weight-decay":  {"uniform": [0, 0.3], "grid": 4}   "grid": values of a grid, ends included
 *   "components":    {"int": [4, 16]}               whole numbers, ends included; "int_log" likewise
 *   "hidden":        {"choice": [[16, 16], [32, 32]]}
 *   "clip":          {"choice": [0, 1], "when": {"recipe": ["default", "fast"]}}
 *   "activation":    "tanh"                         one value for all trials
 *
 * A dimension with "when" is there only where each option that it names has one of the values listed (a value
 * alone stands for a list of one); those options are dimensions of kind choice, and may have conditions of
 * their own. */
#ifndef KT_SPACE_H
#define KT_SPACE_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/options.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KT_SPACE_MAX = 32 }; /* dimensions */

typedef enum { KT_DIM_CHOICE, KT_DIM_UNIFORM, KT_DIM_LOG, KT_DIM_INT, KT_DIM_INT_LOG } kt_dim_kind;

typedef struct {
    const char *name; /* of the option; borrowed from the space */
    kt_dim_kind kind;
    double low, high; /* of what is no choice */
    size_t n;         /* values: choices, whole numbers; 0: any real */
    size_t grid;      /* points of a grid, of a choice all; 0: it has none */
} kt_dim;

typedef struct kt_space kt_space;

/* json: the object as above, kept. table: the options that trials may vary; each value that can be drawn is
 * checked against it. `where` begins messages. KT_USAGE: an option that is not in the table (the nearest is
 * named), a range that is empty or of the wrong kind, a choice twice or none, a condition that can never
 * hold, one on what is no choice, conditions in a circle, no dimension at all. */
kt_status kt_space_create(kt_space **space, const kt_json *json, const kt_option *table, const char *where,
                          kt_error *err);
void kt_space_destroy(kt_space *space); /* takes NULL */

size_t kt_space_dims(const kt_space *space); /* d, in byte order of names */
const kt_dim *kt_space_at(const kt_space *space, size_t i);

kt_json *kt_space_json(const kt_space *space); /* as it was read (new reference) */

/* Which dimensions are there at u [d], each u in [0, 1]. active [d]. */
void kt_space_active(bool *active, const kt_space *space, const double *u);

/* The options of the trial at u: of the dimensions that are there, and the fixed ones (new reference). */
kt_json *kt_space_values(const kt_space *space, const double *u);

/* The coordinate of a dimension's choice, or of a point of its grid: what kt_space_values turns into it.
 * value < kt_dim.grid. */
double kt_space_coordinate(const kt_space *space, size_t i, size_t value);

/* Points of the whole grid: combinations that differ in a dimension that is not there count once. KT_USAGE
 * names `where` and the dimension that has no grid; UINT64_MAX: too many to count. */
kt_status kt_space_grid_size(uint64_t *n, const kt_space *space, const char *where, kt_error *err);

/* One of them, by its number: u [d]. Dimensions run in byte order of names, those that decide about others
 * before these; the last one runs fastest. */
void kt_space_grid_point(double *u, const kt_space *space, uint64_t point);

#endif
