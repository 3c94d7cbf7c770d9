#include "recipe.h"

#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(recipe_wishes, field)
#define RESULT    KT_CLASS_RESULT

enum { KEEP_BEST, KEEP_LAST };

/* Presets are the default recipe: a choice by measurement on data with known truth (tests/bench/quality). */
const kt_option recipe_table[] = {
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
    {.name = NULL}};

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

kt_status recipe_presets(kt_json **out, const char *name, kt_error *err)
{
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        if (strcmp(recipes[i].name, name) == 0)
            return kt_json_parse(out, recipes[i].presets, strlen(recipes[i].presets), name, err);
    }
    return kt_fail(err, KT_USAGE, "recipe %s: not known", name);
}

kt_recipe recipe_make(const recipe_wishes *w, int inputs, uint64_t seed)
{
    kt_recipe r = {
        .net = {.inputs = inputs,
                .layers = (int)w->hidden.n,
                .components = (int)w->components,
                .activation = (kt_activation)w->activation,
                .head = (kt_head)w->head,
                .family = (kt_family)w->family,
                .batch_norm = w->batch_norm},
        .start = (kt_start)w->start,
        .target_scale = w->target_scale,
        .clip_low = w->target_min,
        .clip_high = w->target_max,
        .batch = (int)w->batch,
        .steps = w->steps,
        .epochs = w->epochs,
        .partial_batches = w->partial_batches,
        .rate = w->rate,
        .rate_end = w->final_rate,
        .decay = w->decay,
        .clip = w->clip,
        .rate_steps = w->rate_steps,
        .schedule = (kt_schedule)w->schedule,
        .keep_last = w->keep == KEEP_LAST,
        .look_steps = w->look_steps,
        .patience = w->patience,
        .seed = seed,
    };
    for (size_t i = 0; i < w->hidden.n && i < KT_NET_MAX_LAYERS; i++)
        r.net.width[i] = w->hidden.value[i];
    return r;
}
