#include "settings.h"
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(settings, field)
#define RESULT    KT_CLASS_RESULT
#define RUN       KT_CLASS_RUN

enum { KEEP_BEST, KEEP_LAST };

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

/* Presets are the default recipe: a choice by measurement on data with known truth (tests/bench/quality). */
static const kt_option own_rows[] = {
    {"recipe", 0, KT_OPTION_CHOICE, RESULT, AT(recipe), 0, 0, "default|fast|seed", "default", "NAME",
     "presets for all below; fast: a third of the steps; seed: the original's scripts", "Model"},
    {"family", 0, KT_OPTION_CHOICE, RESULT, AT(family), 0, 0, KT_FAMILY_CHOICES, "weibull", "NAME",
     "distribution of the mixture's components", NULL},
    {"components", 'k', KT_OPTION_INT, RESULT, AT(components), 1, KT_NET_MAX_COMPONENTS, NULL, "8", "K",
     "components of the mixture", NULL},
    {"hidden", 0, KT_OPTION_INTS, RESULT, AT(hidden), 1, KT_NET_MAX_WIDTH, NULL, "16,16", "W,...",
     "widths of the hidden layers", NULL},
    {"activation", 0, KT_OPTION_CHOICE, RESULT, AT(activation), 0, 0, KT_ACTIVATION_CHOICES, "tanh", "NAME",
     "activation of the hidden layers", NULL},
    {"batch-norm", 0, KT_OPTION_FLAG, RESULT, AT(batch_norm), 0, 0, NULL, "false", NULL,
     "batch normalization in the hidden layers", NULL},
    {"head", 0, KT_OPTION_CHOICE, RESULT, AT(head), 0, 0, KT_HEAD_CHOICES, "exp", "NAME",
     "how the heads become positive", NULL},
    {"start", 0, KT_OPTION_CHOICE, RESULT, AT(start), 0, 0, KT_START_CHOICES, "quantile", "NAME",
     "start values of the parameters", NULL},
    {"target-scale", 0, KT_OPTION_FLAG, RESULT, AT(target_scale), 0, 0, NULL, "true", NULL,
     "divide times by their median for the training", NULL},
    {"target-min", 0, KT_OPTION_REAL, RESULT, AT(target_min), 0, 1e9, NULL, "0", "SECONDS",
     "times are clipped to --target-min .. --target-max where the latter is larger", NULL},
    {"target-max", 0, KT_OPTION_REAL, RESULT, AT(target_max), 0, 1e9, NULL, "0", "SECONDS",
     "see --target-min", NULL},

    {"batch", 0, KT_OPTION_INT, RESULT, AT(batch), 0, 1 << 20, NULL, "0", "ROWS",
     "rows of a step: up to 64, or a multiple of 64; 0: by the number of rows", "Training"},
    {"steps", 0, KT_OPTION_INT, RESULT, AT(steps), 0, 1e9, NULL, "2250", "N",
     "budget in steps; the larger of --steps and --epochs counts", NULL},
    {"epochs", 0, KT_OPTION_INT, RESULT, AT(epochs), 0, 1e6, NULL, "3", "N", "budget in passes over the rows",
     NULL},
    {"learning-rate", 0, KT_OPTION_REAL, RESULT, AT(rate), 0, 10, NULL, "0.01", "RATE",
     "of AdamW, at the start", NULL},
    {"final-rate", 0, KT_OPTION_REAL, RESULT, AT(final_rate), 0, 10, NULL, "0", "RATE", "at the end", NULL},
    {"schedule", 0, KT_OPTION_CHOICE, RESULT, AT(schedule), 0, 0, KT_SCHEDULE_CHOICES, "cosine", "NAME",
     "how the rate falls: over the budget (cosine) or over --rate-steps (polynomial)", NULL},
    {"rate-steps", 0, KT_OPTION_INT, RESULT, AT(rate_steps), 0, 1e12, NULL, "0", "N", "see --schedule", NULL},
    {"weight-decay", 0, KT_OPTION_REAL, RESULT, AT(decay), 0, 10, NULL, "0.1", "SHARE",
     "of AdamW, times the rate, kernels only", NULL},
    {"clip", 0, KT_OPTION_REAL, RESULT, AT(clip), 0, 1e9, NULL, "1", "NORM",
     "the gradient's norm is clipped to it; 0: not", NULL},
    {"partial-batches", 0, KT_OPTION_FLAG, RESULT, AT(partial_batches), 0, 0, NULL, "false", NULL,
     "train the incomplete last batch of an epoch too", NULL},
    {"keep", 0, KT_OPTION_CHOICE, RESULT, AT(keep), 0, 0, "best|last", "best", "WHICH",
     "parameters that are kept: the best look's by validation loss, or the last", NULL},
    {"look-steps", 0, KT_OPTION_INT, RESULT, AT(look_steps), -1, 1e9, NULL, "0", "N",
     "steps between looks at the validation rows; 0: by their number; -1: each epoch", NULL},
    {"patience", 0, KT_OPTION_INT, RESULT, AT(patience), 0, 1e9, NULL, "0", "LOOKS",
     "end after so many looks without a better one; 0: never", NULL},

    {"out", 'o', KT_OPTION_TEXT, RUN, AT(out), 0, 0, NULL, NULL, "FOLDER",
     "the run's folder (results/<name of the first input>)", "Run"},
    {"part", 0, KT_OPTION_TEXT, RUN, AT(part), 0, 0, NULL, NULL, "K/N",
     "train part K of N of the services, dealt out so that parts cost about the same; kt merge makes one run "
     "of "
     "them",
     NULL},
    {"config", 0, KT_OPTION_TEXT, RUN, AT(config), 0, 0, NULL, NULL, "FILE",
     "options as a JSON object; the command line wins", NULL},
    {"fresh", 0, KT_OPTION_FLAG, RUN, AT(fresh), 0, 0, NULL, "false", NULL,
     "start over: remove what an earlier run wrote to the folder", NULL},
    {"parallel", 0, KT_OPTION_CHOICE, RUN, AT(parallel), 0, 0, KT_PARALLEL_CHOICES, "auto", "HOW",
     "service: a rank a service; data: ranks share each service; never changes results", NULL},
    {"isa", 0, KT_OPTION_CHOICE, RUN, AT(isa), 0, 0, KT_ISA_CHOICES, "auto", "NAME",
     "instruction set of the kernel, also by KT_ISA; never changes results", NULL},
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
                                    {own_rows, 0}};
    if (!joined[0].name)
        kt_options_join(joined, ROOM, parts, sizeof parts / sizeof *parts);
    return joined;
}

/* What a recipe presets besides the table. */
static const struct {
    const char *name, *presets;
} recipes[] = {
    {"default", "{}"},
    {"fast", "{\"steps\": 750}"},
    {"seed",
     "{\"hidden\": [10, 10], \"components\": 4, \"activation\": \"leaky_relu\", \"batch-norm\": true, "
     "\"head\": \"softplus\", \"start\": \"keras\", \"target-scale\": false, \"target-min\": 1e-8, "
     "\"target-max\": 100, \"learning-rate\": 3e-5, \"final-rate\": 3e-7, \"rate-steps\": 3000000, "
     "\"schedule\": \"polynomial\", \"weight-decay\": 0, \"clip\": 0, \"batch\": 64, \"steps\": 0, "
     "\"epochs\": 1000, \"partial-batches\": true, \"keep\": \"last\", \"look-steps\": -1, "
     "\"validation\": 0.22}"},
};

static kt_status recipe_presets(kt_json **out, const char *name, kt_error *err)
{
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        if (strcmp(recipes[i].name, name) == 0)
            return kt_json_parse(out, recipes[i].presets, strlen(recipes[i].presets), name, err);
    }
    return kt_fail(err, KT_USAGE, "recipe %s: not known", name);
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

kt_recipe settings_recipe(const settings *s, int inputs)
{
    kt_recipe r = {
        .net = {.inputs = inputs,
                .layers = (int)s->hidden.n,
                .components = (int)s->components,
                .activation = (kt_activation)s->activation,
                .head = (kt_head)s->head,
                .family = (kt_family)s->family,
                .batch_norm = s->batch_norm},
        .start = (kt_start)s->start,
        .target_scale = s->target_scale,
        .clip_low = s->target_min,
        .clip_high = s->target_max,
        .batch = (int)s->batch,
        .steps = s->steps,
        .epochs = s->epochs,
        .partial_batches = s->partial_batches,
        .rate = s->rate,
        .rate_end = s->final_rate,
        .decay = s->decay,
        .clip = s->clip,
        .rate_steps = s->rate_steps,
        .schedule = (kt_schedule)s->schedule,
        .keep_last = s->keep == KEEP_LAST,
        .look_steps = s->look_steps,
        .patience = s->patience,
        .seed = (uint64_t)s->seed,
    };
    for (size_t i = 0; i < s->hidden.n && i < KT_NET_MAX_LAYERS; i++)
        r.net.width[i] = s->hidden.value[i];
    return r;
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
