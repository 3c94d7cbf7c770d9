/* How models are trained, as options that several programs have: their table, the recipes that preset them,
 * and what the library is told. */
#ifndef KT_APP_RECIPE_H
#define KT_APP_RECIPE_H

#include "kt/fit.h"
#include "kt/options.h"

typedef struct {
    /* model */
    int recipe, family, activation, head, start;
    int64_t components;
    kt_ints hidden;
    bool batch_norm, target_scale;
    double target_min, target_max;
    /* training */
    int64_t batch, steps, epochs, rate_steps, look_steps, patience;
    double rate, final_rate, decay, clip;
    int schedule, keep;
    bool partial_batches;
} recipe_wishes;

/* Options of a recipe_wishes; ends in a row without a name. */
extern const kt_option recipe_table[];

/* What a recipe presets besides the table (new reference). */
kt_status recipe_presets(kt_json **out, const char *name, kt_error *err);

kt_recipe recipe_make(const recipe_wishes *wishes, int inputs, uint64_t seed);

#endif
