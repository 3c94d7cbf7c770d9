/* kt sample: draws from a model. */
#include "command.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *service;
    command_point point;
    int64_t n, seed;
    bool json, help;
} sample_options;

#define AT(field) offsetof(sample_options, field)
static const kt_option options[] = {
    {"service", 's', KT_OPTION_TEXT, KT_CLASS_RUN, AT(service), 0, 0, NULL, NULL, "NAME",
     "whose model is asked", "Point"},
    COMMAND_POINT_OPTIONS(sample_options, point),
    {"number", 'n', KT_OPTION_INT, KT_CLASS_RUN, AT(n), 0, 1e12, NULL, "1", "N", "how many times are drawn",
     "Draws"},
    {"seed", 0, KT_OPTION_INT, KT_CLASS_RUN, AT(seed), 0, 9e15, NULL, "1", "N", "names the draws", NULL},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "print one JSON document",
     "Output"},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static kt_status print(const sample_options *o, const kt_mixture *mixture, const char *service, bool inside,
                       kt_error *err)
{
    kt_rng rng;
    kt_rng_init(&rng, (uint64_t)o->seed, kt_rng_subject(service), KT_RNG_SAMPLE, 0, 0);
    if (!o->json) {
        for (int64_t i = 0; i < o->n; i++)
            printf("%.17g\n", kt_mixture_sample(mixture, &rng));
        return KT_OK;
    }
    kt_json *json = kt_json_object(), *draws = kt_json_array();
    for (int64_t i = 0; i < o->n; i++)
        kt_json_append(draws, kt_json_real(kt_mixture_sample(mixture, &rng)));
    kt_json_put(json, "service", kt_json_string(service));
    kt_json_put(json, "inside_hull", kt_json_bool(inside));
    return program_print_json(kt_json_put(json, "seconds", draws), err);
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const sample_options *o = given;
    kt_archive archive = {0};
    kt_predictor *predictor = NULL;
    const kt_archive_entry *entry;
    kt_isa isa;
    double x[KT_FEATURES_MAX];
    (void)n;
    KT_TRY(command_isa(&isa, err));
    KT_TRY(kt_archive_read(&archive, paths[0], err));
    KT_TRY(command_entry(&entry, &archive, o->service, err));
    KT_TRY(command_point_read(x, &archive, &o->point, err));
    KT_TRY(kt_archive_predictor(&predictor, entry, isa, err));
    kt_mixture mixture = kt_predict_point(predictor, x);
    bool inside = kt_predictor_inside(predictor, x);
    if (!inside)
        fprintf(stderr, "kt sample: the point lies outside the hull of the training cells\n");
    KT_TRY(print(o, &mixture, entry->name, inside, err));
out:
    kt_predictor_destroy(predictor);
    kt_archive_clear(&archive);
    return status;
}

const kt_command command_sample = {
    .name = "sample",
    .summary = "Draws processing times from a model, in seconds",
    .usage = "ARCHIVE --service S --rps R --rep N -n 1000",
    .about = "The same seed gives the same times.\n",
    .options = options,
    .size = sizeof(sample_options),
    .least = 1,
    .most = 1,
    .run = run,
};
