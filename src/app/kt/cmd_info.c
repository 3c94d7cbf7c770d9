/* kt info: what a file holds. */
#include "command.h"
#include "info.h"
#include "kt/h5.h"
#include "kt/spans.h"
#include "kt/store.h"
#include "kt/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json, cells, help;
} info_options;

#define AT(field) offsetof(info_options, field)
static const kt_option options[] = {
    {"cells", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(cells), 0, 0, NULL, "false", NULL,
     "every held-out cell of an archive, every cell of a dataset, every window and load cell of spans",
     "Output"},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "print one JSON document",
     NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

const char *info_target(kt_target target)
{
    return target == KT_TARGET_PROC_DELAY ? "proc+delay" : "proc";
}

void info_traces(const char *cleaning, const char *path)
{
    kt_json *json = NULL;
    if (!cleaning || kt_json_parse(&json, cleaning, strlen(cleaning), path, NULL) != KT_OK)
        return;
    const kt_json *certificate = kt_json_get(json, "certificate");
    const char *verdict = kt_json_as_text(kt_json_get(certificate, "verdict"), "none");
    printf("traces   certificate: %s", verdict);
    if (kt_json_get(certificate, "since"))
        printf(", %s to %s", kt_json_as_text(kt_json_get(certificate, "since"), "?"),
               kt_json_as_text(kt_json_get(certificate, "until"), "?"));
    putchar('\n');
    kt_json_drop(json);
}

/* ---- datasets ---- */

static kt_json *service_json(const kt_store *store, const kt_store_service *s, bool cells)
{
    char digest[KT_DIGEST_HEX];
    kt_json *json = kt_json_object(), *list = kt_json_array();
    kt_digest_hex(digest, s->digest);
    kt_json_put(json, "service", kt_json_string(s->name));
    kt_json_put(json, "rows", kt_json_int((int64_t)s->n));
    kt_json_put(json, "training", kt_json_int((int64_t)s->n_train));
    kt_json_put(json, "validation", kt_json_int((int64_t)s->n_validation));
    kt_json_put(json, "held_out", kt_json_int((int64_t)s->n_test));
    kt_json_put(json, "target", kt_json_string(info_target(s->target)));
    kt_json_put(json, "cell_rule", kt_json_string(kt_cell_rule_text[s->rule]));
    kt_json_put(json, "blank_targets", kt_json_int((int64_t)s->blank_targets));
    kt_json_put(json, "negative_delays", kt_json_int((int64_t)s->negative_delays));
    kt_json_put(json, "sha256", kt_json_string(digest));
    for (size_t c = 0; cells && c < s->n_cells; c++) {
        kt_json *one = kt_json_put(kt_json_object(), "cell", kt_json_string(s->cells[c].label));
        kt_json_put(one, "rows", kt_json_int((int64_t)s->cells[c].rows));
        kt_json_put(one, "held_out", kt_json_bool(s->cell_test[c]));
        kt_json_append(list, kt_json_put(one, "mean",
                                         kt_json_reals(s->cells[c].mean, (size_t)kt_store_features(store))));
    }
    return kt_json_put(json, "cells", cells ? list : (kt_json_drop(list), kt_json_int((int64_t)s->n_cells)));
}

static kt_status dataset_table(kt_store *store, bool cells, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    char *text = NULL;
    KT_TRY(kt_table_create(&table,
                           cells ? "service|cell|rows>|held out"
                                 : "service|rows>|training>|validation>|held out>|cells>|target",
                           err));
    for (size_t i = 0; i < kt_store_count(store); i++) {
        const kt_store_service *s = kt_store_at(store, i);
        for (size_t c = 0; cells && c < s->n_cells; c++) {
            KT_TRY(kt_table_cell(table, err, "%s", s->name));
            KT_TRY(kt_table_cell(table, err, "%s", s->cells[c].label));
            KT_TRY(kt_table_cell(table, err, "%llu", (unsigned long long)s->cells[c].rows));
            KT_TRY(kt_table_cell(table, err, "%s", s->cell_test[c] ? "yes" : "no"));
        }
        if (cells)
            continue;
        KT_TRY(kt_table_cell(table, err, "%s", s->name));
        const size_t counts[] = {s->n, s->n_train, s->n_validation, s->n_test, s->n_cells};
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
            KT_TRY(kt_table_cell(table, err, "%zu", counts[k]));
        KT_TRY(kt_table_cell(table, err, "%s", info_target(s->target)));
    }
    KT_TRY(kt_table_text(&text, table, err));
    fputs(text, stdout);
    if (kt_store_count(store) > 0)
        printf("cells: %s\n", kt_cell_rule_text[kt_store_at(store, 0)->rule]);
out:
    kt_table_destroy(table);
    free(text);
    return status;
}

static kt_status info_dataset(const info_options *o, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_store *store = NULL;
    KT_TRY(kt_store_open(&store, path, err));
    if (!o->json) {
        KT_TRY(dataset_table(store, o->cells, err));
        info_traces(kt_store_cleaning(store), path);
        goto out;
    }
    kt_json *json = kt_json_object(), *services = kt_json_array(), *features = kt_json_array(),
            *provenance = NULL, *cleaning = NULL;
    for (int f = 0; f < kt_store_features(store); f++)
        kt_json_append(features, kt_json_string(kt_store_feature(store, f)));
    for (size_t i = 0; i < kt_store_count(store); i++)
        kt_json_append(services, service_json(store, kt_store_at(store, i), o->cells));
    kt_json_parse(&provenance, kt_store_provenance(store), strlen(kt_store_provenance(store)), "provenance",
                  NULL);
    kt_json_put(json, "schema", kt_json_string(KT_DATASET_SCHEMA));
    kt_json_put(json, "features", features);
    kt_json_put(json, "provenance", provenance);
    if (kt_store_cleaning(store) &&
        kt_json_parse(&cleaning, kt_store_cleaning(store), strlen(kt_store_cleaning(store)), "cleaning",
                      NULL) == KT_OK)
        kt_json_put(json, "cleaning", cleaning);
    KT_TRY(program_print_json(kt_json_put(json, "services", services), err));
out:
    kt_store_close(store);
    return status;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const info_options *o = given;
    kt_h5 *file = NULL;
    char *schema = NULL;
    (void)n;
    if (kt_archive_claimed(paths[0]))
        return info_archive(paths[0], o->json, o->cells, err);
    KT_TRY(kt_h5_open(&file, paths[0], err));
    KT_TRY(kt_h5_get_text(&schema, file, "schema", err));
    kt_h5_close(file, NULL);
    file = NULL;
    if (strcmp(schema, KT_DATASET_SCHEMA) == 0)
        KT_TRY(info_dataset(given, paths[0], err));
    else if (strcmp(schema, KT_SPANS_SCHEMA) == 0)
        KT_TRY(info_spans(paths[0], o->json, o->cells, err));
    else
        KT_TRY(info_archive(paths[0], o->json, o->cells, err)); /* says what it is where it is no archive */
out:
    kt_h5_close(file, NULL);
    free(schema);
    return status;
}

const kt_command command_info = {
    .name = "info",
    .summary = "Says what an archive, a dataset or a file of spans holds",
    .usage = "FILE",
    .about = "",
    .options = options,
    .size = sizeof(info_options),
    .least = 1,
    .most = 1,
    .run = run,
};
