/* The options of kt-train: their table, the recipes that preset them, and what the library is told. */
#ifndef KT_TRAIN_SETTINGS_H
#define KT_TRAIN_SETTINGS_H

#include "jaeger.h"
#include "kt/clean.h"
#include "kt/csv.h"
#include "kt/fit.h"
#include "kt/options.h"
#include "kt/split.h"
#include "kt/work.h"
#include "recipe.h"

typedef struct {
    /* data */
    kt_texts services, features, traces;
    int target, time_unit;
    const char *manifest;
    kt_clean_settings clean;
    jaeger_wishes jaeger;
    /* split */
    double test_cells, validation;
    int64_t most_validation, seed;
    recipe_wishes recipe;
    /* the run */
    const char *out, *config, *stall;
    int parallel, isa, export;
    const char *part;
    bool fresh, report, quiet, json, help, version;
    double checkpoint_every, stop_after;
    const char *sweep;
    bool dry_run;
} settings;

/* All options; ends in a row without a name. */
const kt_option *settings_table(void);

/* Command line over configuration file over recipe over defaults: the merged object (new reference; what rank
 * 0 sends to everybody) and the operands. */
kt_status settings_read(kt_json **merged, const char **operands, size_t *n_operands, int argc, char **argv,
                        kt_error *err);

/* ---- what a sweep varies: options of models and their training, and the seed of a fit's draws ---- */

const kt_option *settings_trial_table(void);

/* The recipe of a trial: its values over what the merged options say beyond the presets of their own recipe,
 * over the presets of the trial's. */
kt_status settings_trial(kt_recipe *recipe, const kt_json *options, const kt_json *values, int inputs,
                         kt_error *err);

kt_recipe settings_recipe(const settings *s, int inputs);
kt_split_options settings_split(const settings *s);
kt_status settings_csv(kt_csv_options *csv, const settings *s, kt_error *err);
kt_clean_settings settings_clean(const settings *s);

#endif
