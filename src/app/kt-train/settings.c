#include "settings.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(settings, field)
#define RESULT    KT_CLASS_RESULT
#define RUN       KT_CLASS_RUN

static const kt_option data_rows[] = {
    {"traces", 0, KT_OPTION_TEXTS, RUN, AT(traces), 0, 0, NULL, NULL, "PATH",
     "recorded traces instead of DATA, which are then more of them; may be repeated", "Data"},
    {"service", 0, KT_OPTION_TEXTS, RESULT, AT(services), 0, 0, NULL, NULL, "NAME",
     "train this service only, by its name or a unique short one; may be repeated", NULL},
    {"features", 0, KT_OPTION_TEXTS, RESULT, AT(features), 0, 0, NULL, NULL, "NAME",
     "a column that the model is asked with (rps_eff and rep); may be repeated", NULL},
    {"target", 0, KT_OPTION_CHOICE, RESULT, AT(target), 0, 0, KT_TARGET_CHOICES, "auto", "WHAT",
     "what is learned; auto: proc+delay where a delay column exists", NULL},
    {"time-unit", 0, KT_OPTION_CHOICE, RESULT, AT(time_unit), 0, 0, KT_UNIT_CHOICES, "auto", "UNIT",
     "unit of the times in CSV files; auto: by the form of the file", NULL},
    {"test-cells", 0, KT_OPTION_REAL, RESULT, AT(test_cells), 0, 0.9, NULL, "0.2", "SHARE",
     "share of the load cells that are held out and judged at the end", NULL},
    {"validation", 0, KT_OPTION_REAL, RESULT, AT(validation), 0, 0.9, NULL, "0.16", "SHARE",
     "share of the training cells' rows that choose the best look", NULL},
    {"most-validation", 0, KT_OPTION_INT, RESULT, AT(most_validation), 0, 1e12, NULL, "65536", "ROWS",
     "at most so many validation rows", NULL},
    {"seed", 0, KT_OPTION_INT, RESULT, AT(seed), 0, 9.0e15, NULL, "1", "N",
     "names all random draws: splits, start values, orders", NULL},
    {.name = NULL}};

static const kt_option traces_rows[] = {
    {"manifest", 0, KT_OPTION_TEXT, RUN, AT(manifest), 0, 0, NULL, NULL, "FILE",
     "what load was offered when (manifest.json among the traces)", "Traces"},
    {.name = NULL}};

static const kt_option sweep_rows[] = {
    {"sweep", 0, KT_OPTION_TEXT, RUN, AT(sweep), 0, 0, NULL, NULL, "FILE",
     "try many settings of Model and Training first, as this JSON file says; the best train the models",
     "Sweep"},
    {"dry-run", 0, KT_OPTION_FLAG, RUN, AT(dry_run), 0, 0, NULL, "false", NULL,
     "print the sweep's trials and about how long they will take, and exit", NULL},
    {.name = NULL}};

static const kt_option own_rows[] = {
    {"out", 'o', KT_OPTION_TEXT, RUN, AT(out), 0, 0, NULL, NULL, "FOLDER",
     "the run's folder (results/<name of the first input>)", "Run"},
    {"part", 0, KT_OPTION_TEXT, RUN, AT(part), 0, 0, NULL, NULL, "K/N",
     "train part K of N of the services, parts that cost about the same; kt merge makes one run of them",
     NULL},
    {"config", 0, KT_OPTION_TEXT, RUN, AT(config), 0, 0, NULL, NULL, "FILE",
     "options as a JSON object; the command line wins", NULL},
    {"fresh", 0, KT_OPTION_FLAG, RUN, AT(fresh), 0, 0, NULL, "false", NULL,
     "start over: remove what an earlier run wrote to the folder", NULL},
    {"checkpoint-every", 0, KT_OPTION_REAL, RUN, AT(checkpoint_every), 0, 1e9, NULL, "60", "SECONDS",
     "keep how far the fits are, for going on after a kill; 0: only when stopped", NULL},
    {"stop-after", 0, KT_OPTION_REAL, RUN, AT(stop_after), 0, 1e9, NULL, "0", "SECONDS",
     "stop then, resumable, with exit code 75, as on SIGUSR1; 0: never", NULL},
    {"parallel", 0, KT_OPTION_CHOICE, RUN, AT(parallel), 0, 0, KT_PLAN_CHOICES, "auto", "HOW",
     "service: a rank a service; data: ranks share each service; never changes results", NULL},
    {"isa", 0, KT_OPTION_CHOICE, RUN, AT(isa), 0, 0, KT_ISA_CHOICES, "auto", "NAME",
     "instruction set of the kernel, also by KT_ISA; never changes results", NULL},
    {"stall", 0, KT_OPTION_TEXT, RUN, AT(stall), 0, 0, NULL, "60s", "TIME",
     "end the job, resumable, when a rank or its host is not heard of for so long; 0: never", NULL},
    {"export", 0, KT_OPTION_CHOICE, RUN, AT(export), 0, 0, "none|keras", "none", "FORMAT",
     "keras: also write RUN/saved_models, as kt export does", NULL},
    {"report", 0, KT_OPTION_FLAG, RUN, AT(report), 0, 0, NULL, "true", NULL,
     "write report.html into the run's folder at the end", NULL},
    {"json", 0, KT_OPTION_FLAG, RUN, AT(json), 0, 0, NULL, "false", NULL,
     "print the results as one JSON document", NULL},
    {"quiet", 'q', KT_OPTION_FLAG, RUN, AT(quiet), 0, 0, NULL, "false", NULL, "no progress", NULL},
    {"help", 'h', KT_OPTION_FLAG, RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit", NULL},
    {"version", 0, KT_OPTION_FLAG, RUN, AT(version), 0, 0, NULL, "false", NULL,
     "print the version and exit (with --json: of libraries and schemas too)", NULL},
    {.name = NULL}};

const kt_option *settings_table(void)
{
    enum { ROOM = 128 };
    static kt_option joined[ROOM];
    const kt_option_part parts[] = {{data_rows, 0},
                                    {traces_rows, 0},
                                    {kt_clean_table, offsetof(settings, clean)},
                                    {jaeger_table, offsetof(settings, jaeger)},
                                    {jaeger_range_table, offsetof(settings, jaeger)},
                                    {recipe_table, offsetof(settings, recipe)},
                                    {sweep_rows, 0},
                                    {own_rows, 0}};
    if (!joined[0].name)
        kt_options_join(joined, ROOM, parts, sizeof parts / sizeof *parts);
    return joined;
}

kt_status settings_read(kt_json **merged, const char **operands, size_t *n_operands, int argc, char **argv,
                        kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *given = NULL, *file = NULL, *recipe = NULL;

    KT_TRY(kt_options_presets(merged, settings_table(), err));
    KT_TRY(kt_options_argv(&given, operands, n_operands, settings_table(), argc, argv, err));
    const char *config = kt_json_as_text(kt_json_get(given, "config"), NULL);
    if (config) {
        KT_TRY(kt_json_read(&file, config, err));
        KT_TRY(kt_options_check(settings_table(), file, config, err));
        kt_json_merge(file, given);
    }
    const kt_json *asked = file ? file : given;
    KT_TRY(recipe_presets(&recipe, kt_json_as_text(kt_json_get(asked, "recipe"), "default"), err));
    kt_json_merge(*merged, recipe);
    kt_json_merge(*merged, asked);
    KT_TRY(kt_options_check(settings_table(), *merged, "options", err));
out:
    kt_json_drop(given);
    kt_json_drop(file);
    kt_json_drop(recipe);
    return status;
}

/* ---- trials ---- */

typedef struct {
    recipe_wishes recipe;
    int64_t seed;
} trial_settings;

const kt_option *settings_trial_table(void)
{
    enum { ROOM = 64 };
    static kt_option joined[ROOM];
    static const kt_option seed[] = {{"seed", 0, KT_OPTION_INT, RESULT, offsetof(trial_settings, seed), 0,
                                      9.0e15, NULL, "1", "N", "names the fit's draws: start values, orders",
                                      NULL},
                                     {.name = NULL}};
    const kt_option_part parts[] = {{recipe_table, offsetof(trial_settings, recipe)}, {seed, 0}};
    if (!joined[0].name)
        kt_options_join(joined, ROOM, parts, sizeof parts / sizeof *parts);
    return joined;
}

/* All of a recipe's presets, in their normal form. */
static kt_status presets_of(kt_json **out, const char *recipe, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *all = NULL, *presets = NULL;
    KT_TRY(kt_options_presets(&all, settings_trial_table(), err));
    KT_TRY(recipe_presets(&presets, recipe, err));
    kt_json_merge(all, presets);
    *out = kt_options_of_class(settings_trial_table(), all, RESULT);
out:
    kt_json_drop(all);
    kt_json_drop(presets);
    return status;
}

/* Puts into `over` what the options say beyond the presets of their own recipe. */
static kt_status put_changed(kt_json *over, const kt_json *options, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *presets = NULL, *mine = kt_options_of_class(settings_trial_table(), options, RESULT);
    char *was = NULL, *is = NULL;
    KT_TRY(presets_of(&presets, kt_json_as_text(kt_json_get(options, "recipe"), "default"), err));
    for (size_t i = 0; i < kt_json_size(mine); i++) {
        const char *key = kt_json_key(mine, i);
        KT_TRY(kt_json_text(&was, kt_json_get(presets, key), 0, err));
        KT_TRY(kt_json_text(&is, kt_json_get(mine, key), 0, err));
        if (strcmp(was, is) != 0)
            kt_json_put(over, key, kt_json_keep(kt_json_get(mine, key)));
        free(was);
        free(is);
        was = is = NULL;
    }
out:
    kt_json_drop(presets);
    kt_json_drop(mine);
    free(was);
    free(is);
    return status;
}

kt_status settings_trial(kt_recipe *recipe, const kt_json *options, const kt_json *values, int inputs,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *merged = NULL;
    trial_settings set = {.seed = 1};
    const char *base = kt_json_as_text(kt_json_get(options, "recipe"), "default");
    KT_TRY(presets_of(&merged, kt_json_as_text(kt_json_get(values, "recipe"), base), err));
    KT_TRY(put_changed(merged, options, err));
    kt_json_merge(merged, values);
    KT_TRY(kt_options_fill(&set, settings_trial_table(), merged, err));
    *recipe = recipe_make(&set.recipe, inputs, (uint64_t)set.seed);
out:
    kt_json_drop(merged);
    return status;
}

kt_recipe settings_recipe(const settings *s, int inputs)
{
    return recipe_make(&s->recipe, inputs, (uint64_t)s->seed);
}

kt_split_options settings_split(const settings *s)
{
    return (kt_split_options){.seed = (uint64_t)s->seed,
                              .test_cells = s->test_cells,
                              .validation = s->validation,
                              .most_validation = (uint64_t)s->most_validation};
}

kt_status settings_csv(kt_csv_options *csv, const settings *s, kt_error *err)
{
    const char *rates = s->clean.rps_eff;
    *csv = (kt_csv_options){.unit = (kt_time_unit)s->time_unit,
                            .target = (kt_target_choice)s->target,
                            .rates = strcmp(rates, "cell") == 0 ? KT_RATES_CELL : KT_RATES_COLUMN,
                            .n_features = s->features.n,
                            .features = s->features.text};
    if (csv->rates == KT_RATES_CELL || strcmp(rates, "column") == 0 || strcmp(rates, "auto") == 0)
        return KT_OK;
    return kt_fail(err, KT_USAGE, "--rps-eff %s: tables do not tell when requests came; column or cell",
                   rates);
}

kt_clean_settings settings_clean(const settings *s)
{
    kt_clean_settings clean = s->clean;
    clean.target = s->target;
    return clean;
}
