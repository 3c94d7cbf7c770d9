/* What writing and reading tables of mixtures share: their names. */
#ifndef KT_GRID_PRIVATE_H
#define KT_GRID_PRIVATE_H

#include "kt/grid.h"
#include <stdio.h>

#define GRID_COLUMNS "service,rps,rep,inside,component,distribution,weight"
enum { GRID_PARAMETERS = 5 };
extern const char *const grid_parameters[GRID_PARAMETERS];

typedef struct {
    const char *name;
    int parameter[2]; /* of grid_parameters: concentration, scale */
} grid_names;
extern const grid_names grid_forms[2][KT_FAMILIES]; /* by form; name NULL: not in that form */
extern const char *const grid_form_names[2];

#endif
