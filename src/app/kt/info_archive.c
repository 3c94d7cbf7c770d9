/* kt info for archives. */
#include "command.h"
#include "info.h"
#include "kt/scores.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON ---- */

static kt_json *member_json(const kt_fitted *fitted)
{
    const kt_net *net = &fitted->model.net;
    kt_json *json = kt_json_object(), *layers = kt_json_array();
    for (int l = 0; l < net->layers; l++)
        kt_json_append(layers, kt_json_int(net->width[l]));
    kt_json_put(json, "components", kt_json_int(net->components));
    kt_json_put(json, "layers", layers);
    kt_json_put(json, "activation", kt_json_string(kt_activation_name[net->activation]));
    kt_json_put(json, "batch_norm", kt_json_bool(net->batch_norm));
    kt_json_put(json, "steps", kt_json_int((int64_t)fitted->steps));
    kt_json_put(json, "batch", kt_json_int(fitted->batch));
    kt_json_put(json, "looks", kt_json_int((int64_t)fitted->n_looks));
    return kt_json_put(json, "best_look", kt_json_int((int64_t)fitted->best));
}

/* Adds to a service's scores how its model was made: of an ensemble, the best member. */
static kt_status describe_model(kt_json *json, const kt_archive *archive, const kt_archive_entry *e,
                                kt_error *err)
{
    kt_status status = KT_OK;
    char digest[KT_DIGEST_HEX];
    kt_json *members = kt_json_array(), *options = NULL;
    kt_digest_hex(digest, e->data_digest);
    kt_json_put(json, "family", kt_json_string(kt_family_table[e->fitted.model.net.family].name));
    kt_json_put(json, "components", kt_json_int(kt_archive_components(e)));
    kt_json_put(json, "target", kt_json_string(info_target(e->target)));
    kt_json_put(json, "cell_rule", kt_json_string(kt_cell_rule_text[e->rule]));
    kt_json_put(json, "data_sha256", kt_json_string(digest));
    kt_json_put(json, "validation_rows", kt_json_int((int64_t)e->n_validation));
    kt_json_put(json, "held_out_rows", kt_json_int((int64_t)e->n_test));
    kt_json_put(json, "steps", kt_json_int((int64_t)e->fitted.steps));
    kt_json_put(json, "batch", kt_json_int(e->fitted.batch));
    kt_json_put(json, "looks", kt_json_int((int64_t)e->fitted.n_looks));
    kt_json_put(json, "best_look", kt_json_int((int64_t)e->fitted.best));
    for (size_t m = 0; e->n_more > 0 && m < kt_archive_members(e); m++)
        kt_json_append(members, member_json(kt_archive_member(e, m)));
    if (e->n_more > 0)
        kt_json_put(json, "members", kt_json_keep(members));
    if (archive->sweep) {
        KT_TRY(kt_archive_options(&options, archive, e->name, err));
        kt_json_put(json, "options", options);
    }
out:
    kt_json_drop(members);
    return status;
}

static kt_status archive_json(kt_json **out, const kt_archive *archive, const char *digest,
                              const kt_scored *scored, bool cells, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = kt_json_object(), *config = NULL, *features = kt_json_array(), *refused = kt_json_array();
    kt_json *cleaning = NULL, *sweep = NULL;
    kt_json *services = kt_scores_json(scored, archive->n_entries, cells);
    for (size_t i = 0; status == KT_OK && i < archive->n_entries; i++)
        status = describe_model(kt_json_at(services, i), archive, &archive->entries[i], err);
    kt_json_parse(&config, archive->config, strlen(archive->config), "config", NULL);
    for (int f = 0; f < archive->d; f++)
        kt_json_append(features, kt_json_string(archive->feature[f]));
    for (size_t i = 0; i < archive->n_refused; i++) {
        kt_json *one = kt_json_put(kt_json_object(), "service", kt_json_string(archive->refused[i].name));
        kt_json_append(refused, kt_json_put(one, "reason", kt_json_string(archive->refused[i].reason)));
    }
    kt_json_put(json, "schema", kt_json_string(KT_ARCHIVE_SCHEMA));
    kt_json_put(json, "version", kt_json_int(archive->version));
    kt_json_put(json, "numerics", kt_json_int(archive->numerics));
    kt_json_put(json, "sha256", kt_json_string(digest));
    kt_json_put(json, "features", features);
    kt_json_put(json, "options", config);
    if (archive->sweep &&
        kt_json_parse(&sweep, archive->sweep, strlen(archive->sweep), "sweep", NULL) == KT_OK)
        kt_json_put(json, "sweep", sweep);
    if (archive->cleaning &&
        kt_json_parse(&cleaning, archive->cleaning, strlen(archive->cleaning), "cleaning", NULL) == KT_OK)
        kt_json_put(json, "cleaning", cleaning);
    kt_json_put(json, "services", services);
    *out = kt_json_put(json, "refused", refused);
    return status;
}

/* ---- text ---- */

/* Of an imported model nothing is known of how it was made. */
static bool is_trained(const kt_archive_entry *entry)
{
    return entry->n_train > 0;
}

/* How cells were told apart: mostly one rule for all services. */
static void print_rules(const kt_archive *archive)
{
    for (int rule = KT_CELLS_NOMINAL; rule <= KT_CELLS_BINS; rule++) {
        size_t services = 0;
        for (size_t i = 0; i < archive->n_entries; i++)
            services += is_trained(&archive->entries[i]) && archive->entries[i].rule == (kt_cell_rule)rule;
        if (services > 0)
            printf("\ncells    %s (%zu services)", kt_cell_rule_text[rule], services);
    }
}

/* What a sweep found for a service's best member. */
static kt_status print_winner(const kt_json *winner, const char *before, kt_error *err)
{
    char *options = NULL;
    if (!winner)
        return KT_OK;
    kt_status status = kt_json_text(&options, kt_json_get(winner, "options"), 0, err);
    if (status == KT_OK)
        printf("%strial %lld, value %.6g: %s", before,
               (long long)kt_json_as_int(kt_json_get(winner, "trial"), -1),
               kt_json_as_real(kt_json_get(winner, "value"), NAN), options);
    free(options);
    return status;
}

/* How options were searched for; where that was done once for all services, what was found. */
static kt_status print_sweep(const kt_json *sweep, const kt_archive *archive, kt_error *err)
{
    static const char *const words[] = {"method", "scheduler", "objective"};
    const kt_json *asked = kt_json_get(sweep, "sweep");
    const bool own = strcmp(kt_json_as_text(kt_json_get(asked, "per"), ""), "service") == 0;
    printf("\nsweep    %lld trials", (long long)kt_json_as_int(kt_json_get(sweep, "trials"), 0));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (kt_json_get(asked, words[i]))
            printf(", %s %s", words[i], kt_json_as_text(kt_json_get(asked, words[i]), "?"));
    if (own || archive->n_entries == 0) {
        fputs(own ? ", each service by itself" : "", stdout);
        return KT_OK;
    }
    return print_winner(kt_archive_winner(sweep, archive->entries[0].name), "\nbest     ", err);
}

static kt_status print_model(const kt_archive_entry *e, const kt_json *sweep, kt_error *err)
{
    const kt_fitted *best = &e->fitted;
    const kt_json *winner = kt_archive_winner(sweep, e->name);
    printf("\n%s: %s of %d, ", e->name, kt_family_table[best->model.net.family].name,
           kt_archive_components(e));
    if (e->n_more > 0)
        printf("an ensemble of %zu, ", kt_archive_members(e));
    printf("%s; ", info_target(e->target));
    if (is_trained(e))
        printf("%zu rows trained, %zu validated, %zu held out; %s%llu steps of %d rows, look %zu of %zu kept",
               e->n_train, e->n_validation, e->n_test, e->n_more > 0 ? "the best member: " : "",
               (unsigned long long)best->steps, best->batch, best->best + 1, best->n_looks);
    else
        printf("imported");
    return kt_json_get(winner, "search") ? print_winner(winner, "\n  ", err) : KT_OK;
}

static kt_status archive_text(const kt_archive *archive, const char *digest, const kt_scored *scored,
                              bool cells, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    kt_json *sweep = NULL;
    if (archive->sweep)
        KT_TRY(kt_json_parse(&sweep, archive->sweep, strlen(archive->sweep), "/sweep", err));
    printf("%s version %d, numerics %d\nsha256   %s\noptions  %s\nfeatures", KT_ARCHIVE_SCHEMA,
           archive->version, archive->numerics, digest, archive->config);
    for (int f = 0; f < archive->d; f++)
        printf(" %s", archive->feature[f]);
    print_rules(archive);
    if (sweep)
        KT_TRY(print_sweep(sweep, archive, err));
    putchar('\n');
    info_traces(archive->cleaning, "cleaning");
    for (size_t i = 0; i < archive->n_entries; i++)
        KT_TRY(print_model(&archive->entries[i], sweep, err));
    puts("\n");
    KT_TRY(kt_scores_table(&text, scored, archive->n_entries, err));
    fputs(text, stdout);
    if (cells) {
        free(text);
        text = NULL;
        KT_TRY(kt_scores_cells(&text, scored, archive->n_entries, err));
        printf("\n%s", text);
    }
    for (size_t i = 0; i < archive->n_refused; i++)
        printf("without a model: %s\n", archive->refused[i].reason);
out:
    kt_json_drop(sweep);
    free(text);
    return status;
}

kt_status info_archive(const char *path, bool json, bool all, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive archive = {0};
    kt_scored *scored = NULL;
    kt_json *document = NULL;
    char digest[KT_DIGEST_HEX];
    KT_TRY(kt_archive_verify(path, digest, err));
    KT_TRY(kt_archive_read(&archive, path, err));
    KT_TRY(kt_alloc(&scored, archive.n_entries, sizeof *scored, err));
    for (size_t i = 0; i < archive.n_entries; i++) {
        const kt_archive_entry *e = &archive.entries[i];
        scored[i] = (kt_scored){e->name, e->n_train, e->fitted.flags, e->cells, e->n_cells};
    }
    if (json) {
        KT_TRY(archive_json(&document, &archive, digest, scored, all, err));
        KT_TRY(program_print_json(kt_json_keep(document), err));
    } else {
        KT_TRY(archive_text(&archive, digest, scored, all, err));
    }
out:
    kt_json_drop(document);
    free(scored);
    kt_archive_clear(&archive);
    return status;
}
