/* What the files of kt_space share. */
#ifndef KT_SEARCH_SPACE_PRIVATE_H
#define KT_SEARCH_SPACE_PRIVATE_H

#include "kt/space.h"

/* How an option is drawn. */
typedef struct {
    const char *name;
    kt_option_type type; /* of the options that it suits; a choice suits any */
    bool logarithmic;
} space_kind;
enum { SPACE_KINDS = KT_DIM_INT_LOG + 1 };
extern const space_kind space_kinds[SPACE_KINDS]; /* by kt_dim_kind */

enum { SPACE_CHOICES = 64 }; /* of a dimension: as many as bits of a set */

typedef struct {
    size_t of;        /* the dimension that decides */
    uint64_t allowed; /* set of its choices */
} space_condition;

typedef struct {
    kt_dim dim;
    kt_json *choices; /* array of values in their normal form; owned */
    size_t n_when;
    space_condition when[KT_SPACE_MAX];
    bool decides; /* another dimension's condition asks for it */
    size_t group; /* conditions tie dimensions together: the first of those with this one */
} space_dim;

struct kt_space {
    kt_json *json; /* as it was read; names are borrowed from it */
    kt_json *fixed;
    size_t n;
    space_dim dim[KT_SPACE_MAX];
    size_t order[KT_SPACE_MAX]; /* each after those that decide about it */
};

/* Which choice a coordinate stands for. */
size_t space_choice(const space_dim *dim, double u);

/* Where in [0, 1] a value lies between the ends of a range, on its kind's scale; outside of it beyond the
 * ends. */
double space_coordinate(kt_dim_kind kind, double low, double high, double value);

/* The coordinate in whose place all of those stand that come to the same whole number; of a real u itself. */
double space_middle(const space_dim *dim, double u);

/* Is dimension i there, given the choices of the dimensions that decide about it, which have to be there too?
 */
bool space_is_there(const kt_space *space, size_t i, const bool *there, const size_t *choice);

#endif
