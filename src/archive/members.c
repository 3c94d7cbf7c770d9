/* What the members of an entry are together, and the options that they were made with. */
#include "kt/archive.h"

#include <stdlib.h>
#include <string.h>

size_t kt_archive_members(const kt_archive_entry *entry)
{
    return 1 + entry->n_more;
}

const kt_fitted *kt_archive_member(const kt_archive_entry *entry, size_t m)
{
    return m == 0 ? &entry->fitted : &entry->more[m - 1];
}

int kt_archive_components(const kt_archive_entry *entry)
{
    int components = 0;
    for (size_t m = 0; m < kt_archive_members(entry); m++)
        components += kt_archive_member(entry, m)->model.net.components;
    return components;
}

kt_status kt_archive_predictor(kt_predictor **predictor, const kt_archive_entry *entry, kt_isa isa,
                               kt_error *err)
{
    kt_status status = KT_OK;
    const kt_model **models = NULL;
    size_t n = kt_archive_members(entry);
    *predictor = NULL;
    KT_TRY(kt_alloc(&models, n, sizeof *models, err));
    for (size_t m = 0; m < n; m++)
        models[m] = &kt_archive_member(entry, m)->model;
    KT_TRY(kt_predictor_create_ensemble(predictor, models, n, isa, err));
out:
    free(models);
    return status;
}

const kt_json *kt_archive_winner(const kt_json *sweep, const char *service)
{
    const kt_json *winners = kt_json_get(sweep, "winners");
    for (size_t i = 0; i < kt_json_size(winners); i++) {
        const kt_json *one = kt_json_at(winners, i);
        const char *search = kt_json_as_text(kt_json_get(one, "search"), NULL);
        if (kt_json_as_int(kt_json_get(one, "place"), 0) == 0 && (!search || strcmp(search, service) == 0))
            return one;
    }
    return NULL;
}

kt_status kt_archive_options(kt_json **options, const kt_archive *archive, const char *service, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *config = NULL, *sweep = NULL;
    *options = NULL;
    KT_TRY(kt_json_parse(&config, archive->config, strlen(archive->config), "/config", err));
    if (kt_json_kind_of(config) != KT_JSON_OBJECT)
        KT_TRY(kt_fail(err, KT_INPUT, "/config: is no object"));
    if (archive->sweep)
        KT_TRY(kt_json_parse(&sweep, archive->sweep, strlen(archive->sweep), "/sweep", err));
    const kt_json *found = kt_json_get(kt_archive_winner(sweep, service), "options");
    if (kt_json_kind_of(found) == KT_JSON_OBJECT)
        kt_json_merge(config, found);
    *options = config;
    config = NULL;
out:
    kt_json_drop(config);
    kt_json_drop(sweep);
    return status;
}
