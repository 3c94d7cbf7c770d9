/* kt evaluate: how good models are on any data. */
#include "command.h"
#include "kt/input.h"
#include "kt/rng.h"
#include "kt/scores.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    kt_texts services;
    int target, unit, rates;
    bool cells, json, quiet, help;
} evaluate_options;

#define AT(field) offsetof(evaluate_options, field)
static const kt_option options[] = {
    {"service", 's', KT_OPTION_TEXTS, KT_CLASS_RUN, AT(services), 0, 0, NULL, NULL, "NAME",
     "this service only; may be repeated", "Data"},
    {"target", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(target), 0, 0, KT_TARGET_CHOICES, "auto", "WHAT",
     "what the data's times are; auto: proc+delay where a delay column exists", NULL},
    {"time-unit", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(unit), 0, 0, KT_UNIT_CHOICES, "auto", "UNIT",
     "unit of the times; auto: by the form of the file", NULL},
    {"rps-eff", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(rates), 0, 0, KT_RATES_CHOICES, "column", "WHICH",
     "rate of a row: what its column says, or the mean of its cell", NULL},
    {"cells", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(cells), 0, 0, NULL, "false", NULL, "a line for every cell",
     "Output"},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "print one JSON document",
     NULL},
    {"quiet", 'q', KT_OPTION_FLAG, KT_CLASS_RUN, AT(quiet), 0, 0, NULL, "false", NULL, "results only", NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

typedef struct {
    const kt_archive *archive;
    const kt_archive_entry *entry;
    const kt_service *service;
    size_t d;
    uint64_t seed;
    kt_isa isa;
    double *x, *y; /* rows by cell, canonical order within */
    size_t *first; /* [n_cells + 1] */
    uint64_t *hashes;
} evaluation;

static void clear(evaluation *e)
{
    free(e->x);
    free(e->y);
    free(e->first);
    free(e->hashes);
}

static kt_status sort_rows(evaluation *e, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_service *s = e->service;
    size_t *next = NULL;
    KT_TRY(kt_alloc(&e->x, s->n * e->d, sizeof *e->x, err));
    KT_TRY(kt_alloc(&e->y, s->n, sizeof *e->y, err));
    KT_TRY(kt_alloc(&e->hashes, s->n, sizeof *e->hashes, err));
    KT_TRY(kt_alloc(&e->first, s->n_cells + 1, sizeof *e->first, err));
    KT_TRY(kt_alloc(&next, s->n_cells + 1, sizeof *next, err));
    for (size_t c = 0; c < s->n_cells; c++)
        next[c + 1] = e->first[c + 1] = e->first[c] + s->cells[c].rows;
    for (size_t i = 0; i < s->n; i++) {
        size_t to = next[s->cell[i]]++;
        memcpy(e->x + to * e->d, s->x + i * e->d, e->d * sizeof *e->x);
        e->y[to] = s->y[i];
        e->hashes[to] = kt_row_hash(s->x + i * e->d, (int)e->d, s->y[i]);
    }
out:
    free(next);
    return status;
}

static bool is_held_out(const kt_archive_entry *entry, const char *label)
{
    for (size_t i = 0; i < entry->n_cells; i++)
        if (strcmp(entry->cells[i].label, label) == 0)
            return true;
    return false;
}

/* Only the very data that a model was made from has held-out cells. In other data a row of the sketch betrays
 * a cell of training rows. A cell too small for the sketch to meet one of its rows in any case (14: with a
 * probability of 1 in a million it does not) is not trusted where other cells of the service were recognised.
 */
static void set_roles(kt_cell_score *scores, const evaluation *e)
{
    const kt_archive_entry *entry = e->entry;
    size_t known = entry->n_train + entry->n_validation, recognised = 0;
    double share = known > 0 ? (double)entry->n_sketch / (double)known : 0;
    bool own = memcmp(entry->data_digest, e->service->digest, sizeof entry->data_digest) == 0;
    for (size_t c = 0; c < e->service->n_cells; c++) {
        size_t n = e->first[c + 1] - e->first[c];
        scores[c].role = own ? KT_ROLE_TRAINING : KT_ROLE_NEW;
        if (own && is_held_out(entry, e->service->cells[c].label))
            scores[c].role = KT_ROLE_HELD_OUT;
        if (!own && kt_sketch_matches(entry->sketch, entry->n_sketch, e->hashes + e->first[c], n) > 0) {
            scores[c].role = KT_ROLE_TRAINING;
            recognised++;
        }
    }
    for (size_t c = 0; recognised > 0 && c < e->service->n_cells; c++)
        if (share * (double)(e->first[c + 1] - e->first[c]) < 14)
            scores[c].role = KT_ROLE_TRAINING;
}

static kt_status evaluate(kt_cell_score *scores, evaluation *e, kt_error *err)
{
    kt_status status = KT_OK;
    kt_predictor *predictor = NULL;
    KT_TRY(sort_rows(e, err));
    KT_TRY(kt_archive_predictor(&predictor, e->entry, e->isa, err));
    for (size_t c = 0; c < e->service->n_cells; c++) {
        size_t first = e->first[c], n = e->first[c + 1] - first;
        KT_TRY(kt_metrics_cell(&scores[c], predictor, &e->service->cells[c], e->x + first * e->d,
                               e->y + first, n, e->seed, kt_rng_subject(e->service->name), (uint32_t)c, err));
    }
    set_roles(scores, e);
out:
    kt_predictor_destroy(predictor);
    return status;
}

static kt_status check_features(const kt_archive *archive, const kt_samples *samples, kt_error *err)
{
    bool same = archive->d == samples->d;
    for (int f = 0; same && f < archive->d; f++)
        same = strcmp(archive->feature[f], samples->feature[f]) == 0;
    return same ? KT_OK : kt_fail(err, KT_INPUT, "the data have other features than the models");
}

static bool wanted(const evaluate_options *o, const kt_samples *samples, size_t service)
{
    for (size_t i = 0; i < o->services.n; i++) {
        size_t index;
        if (kt_samples_find(&index, samples, o->services.text[i], NULL) == KT_OK && index == service)
            return true;
    }
    return o->services.n == 0;
}

typedef struct {
    const evaluate_options *o;
    kt_archive archive;
    kt_samples samples;
    kt_scored *scored;
    size_t n;
    uint64_t seed;
    kt_isa isa;
} everything;

static kt_status evaluate_services(everything *all, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(&all->scored, all->samples.n_services, sizeof *all->scored, err));
    for (size_t i = 0; i < all->samples.n_services; i++) {
        const kt_service *s = &all->samples.services[i];
        evaluation e = {.archive = &all->archive,
                        .service = s,
                        .d = (size_t)all->samples.d,
                        .seed = all->seed,
                        .isa = all->isa};
        kt_cell_score *scores = NULL;
        if (!wanted(all->o, &all->samples, i))
            continue;
        if (kt_archive_find(&e.entry, &all->archive, s->name, NULL) != KT_OK) {
            fprintf(stderr, "%s: no model in the archive, left out\n", s->name);
            continue;
        }
        if (e.entry->target != s->target)
            fprintf(stderr, "%s: the model was trained on another target (%s)\n", s->name,
                    e.entry->target == KT_TARGET_PROC_DELAY ? "proc+delay" : "proc");
        KT_TRY(kt_alloc(&scores, s->n_cells, sizeof *scores, err));
        all->scored[all->n++] =
            (kt_scored){s->name, e.entry->n_train, e.entry->fitted.flags, scores, s->n_cells};
        status = evaluate(scores, &e, err);
        clear(&e);
        KT_TRY(status);
    }
    if (all->n == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "none of the %zu services of the data has a model in the archive",
                       all->samples.n_services));
out:
    return status;
}

static kt_status print(const everything *all, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    if (all->o->json) {
        kt_json *json = kt_json_put(kt_json_object(), "services", kt_scores_json(all->scored, all->n, true));
        return program_print_json(json, err);
    }
    KT_TRY(all->o->cells ? kt_scores_cells(&text, all->scored, all->n, err)
                         : kt_scores_table(&text, all->scored, all->n, err));
    fputs(text, stdout);
out:
    free(text);
    return status;
}

static void note(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* The seed of the archive names the bootstrap, so that its own data get its own scores. */
static uint64_t seed_of(const kt_archive *archive)
{
    kt_json *config = NULL;
    kt_json_parse(&config, archive->config, strlen(archive->config), "config", NULL);
    uint64_t seed = (uint64_t)kt_json_as_int(kt_json_get(config, "seed"), 1);
    kt_json_drop(config);
    return seed;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    everything all = {.o = given};
    KT_TRY(command_isa(&all.isa, err));
    KT_TRY(kt_archive_read(&all.archive, paths[0], err));
    kt_csv_options csv = {.unit = (kt_time_unit)all.o->unit,
                          .target = (kt_target_choice)all.o->target,
                          .rates = (kt_rates)all.o->rates,
                          .n_features = (size_t)all.archive.d,
                          .features = (const char *const *)all.archive.feature,
                          .note = all.o->quiet ? NULL : note};
    all.seed = seed_of(&all.archive);
    KT_TRY(kt_input_read(&all.samples, paths + 1, n - 1, &csv, err));
    KT_TRY(check_features(&all.archive, &all.samples, err));
    for (size_t i = 0; i < all.o->services.n; i++) {
        size_t index;
        KT_TRY(kt_samples_find(&index, &all.samples, all.o->services.text[i], err));
    }
    KT_TRY(evaluate_services(&all, err));
    KT_TRY(print(&all, err));
out:
    for (size_t i = 0; i < all.n; i++)
        free((kt_cell_score *)all.scored[i].cells);
    free(all.scored);
    kt_samples_clear(&all.samples);
    kt_archive_clear(&all.archive);
    return status;
}

const kt_command command_evaluate = {
    .name = "evaluate",
    .summary = "Scores models on any data, cell by cell",
    .usage = "ARCHIVE DATA...",
    .about =
        "Rows that a model was trained on are recognised and named as training rows, never as held out.\n",
    .options = options,
    .size = sizeof(evaluate_options),
    .least = 2,
    .most = 1000000,
    .run = run,
};
