#include "kt/archive.h"

#include "archive_private.h"
#include "kt/options.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const kt_h5_field look_fields[LOOK_FIELDS] = {
    {"step", KT_H5_U64, offsetof(kt_look, step), 0},
    {"train", KT_H5_F64, offsetof(kt_look, train), 0},
    {"validation", KT_H5_F64, offsetof(kt_look, validation), 0},
    {"rate", KT_H5_F64, offsetof(kt_look, rate), 0},
    {"low", KT_H5_F64, offsetof(kt_look, low), 0},
    {"high", KT_H5_F64, offsetof(kt_look, high), 0},
    {"flags", KT_H5_U32, offsetof(kt_look, flags), 0},
};

#define QUANTILE(name, field, q)                                                                             \
    {                                                                                                        \
        name, KT_H5_F64, offsetof(kt_cell_score, field) + (q) * sizeof(double), 0                            \
    }
const kt_h5_field cell_fields[CELL_FIELDS] = {
    {"label", KT_H5_U8, offsetof(kt_cell_score, label), KT_LABEL},
    {"rows", KT_H5_U64, offsetof(kt_cell_score, rows), 0},
    {"role", KT_H5_U32, offsetof(kt_cell_score, role), 0},
    {"interior", KT_H5_U8, offsetof(kt_cell_score, interior), 0},
    {"ks", KT_H5_F64, offsetof(kt_cell_score, ks), 0},
    {"ks_floor", KT_H5_F64, offsetof(kt_cell_score, ks_floor), 0},
    {"autocorrelation", KT_H5_F64, offsetof(kt_cell_score, autocorrelation), 0},
    {"w1", KT_H5_F64, offsetof(kt_cell_score, w1), 0},
    QUANTILE("observed_p50", observed, 0),
    QUANTILE("observed_p95", observed, 1),
    QUANTILE("observed_p99", observed, 2),
    QUANTILE("predicted_p50", predicted, 0),
    QUANTILE("predicted_p95", predicted, 1),
    QUANTILE("predicted_p99", predicted, 2),
    QUANTILE("error_p50", error, 0),
    QUANTILE("error_p95", error, 1),
    QUANTILE("error_p99", error, 2),
    {"nll", KT_H5_F64, offsetof(kt_cell_score, nll), 0},
    {"crps", KT_H5_F64, offsetof(kt_cell_score, crps), 0},
};
#undef QUANTILE
_Static_assert(sizeof(kt_role) == 4 && sizeof(bool) == 1, "what the fields role and interior are read into");

const kt_h5_field refused_fields[REFUSED_FIELDS] = {
    {"name", KT_H5_U8, offsetof(kt_archive_refused, name), sizeof(((kt_archive_refused *)0)->name)},
    {"status", KT_H5_I32, offsetof(kt_archive_refused, status), 0},
    {"reason", KT_H5_U8, offsetof(kt_archive_refused, reason), sizeof(((kt_archive_refused *)0)->reason)},
};

kt_status archive_choice(char **out, const char *choices, int index, kt_error *err)
{
    while (index-- > 0)
        choices = strchr(choices, '|') + 1;
    return kt_format(out, err, "%.*s", (int)strcspn(choices, "|"), choices);
}

int archive_choice_index(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (int i = 0;; i++) {
        size_t width = strcspn(choices, "|");
        if (width == n && memcmp(choices, text, n) == 0)
            return i;
        if (choices[width] == '\0')
            return -1;
        choices += width + 1;
    }
}

void kt_archive_entry_clear(kt_archive_entry *entry)
{
    free(entry->name);
    kt_fitted_clear(&entry->fitted);
    for (size_t m = 0; entry->more && m < entry->n_more; m++)
        kt_fitted_clear(&entry->more[m]);
    free(entry->more);
    free(entry->cells);
    *entry = (kt_archive_entry){0};
}

void kt_archive_clear(kt_archive *archive)
{
    free(archive->config);
    free(archive->sweep);
    free(archive->cleaning);
    for (int i = 0; i < archive->d; i++)
        free(archive->feature[i]);
    for (size_t i = 0; i < archive->n_entries; i++)
        kt_archive_entry_clear(&archive->entries[i]);
    free(archive->entries);
    free(archive->refused);
    *archive = (kt_archive){0};
}

static int by_entry(const void *a, const void *b)
{
    return strcmp(((const kt_archive_entry *)a)->name, ((const kt_archive_entry *)b)->name);
}

static int by_refused(const void *a, const void *b)
{
    return strcmp(((const kt_archive_refused *)a)->name, ((const kt_archive_refused *)b)->name);
}

void kt_archive_sort(kt_archive *archive)
{
    if (archive->n_entries > 0)
        qsort(archive->entries, archive->n_entries, sizeof *archive->entries, by_entry);
    if (archive->n_refused > 0)
        qsort(archive->refused, archive->n_refused, sizeof *archive->refused, by_refused);
}

/* "frontend" is short for "frontend.istio-dt". */
static bool is_short_for(const char *text, const char *name)
{
    size_t n = strlen(text);
    return n > 0 && strncmp(text, name, n) == 0 && name[n] == '.';
}

/* The service whose full or short name is nearest, or NULL. */
static const char *nearest_service(const kt_archive *archive, const char *name)
{
    size_t n = archive->n_entries;
    char **shorts = NULL;
    const char **names = NULL, *found = NULL;
    bool good = kt_alloc(&names, 2 * n, sizeof *names, NULL) == KT_OK &&
                kt_alloc(&shorts, n, sizeof *shorts, NULL) == KT_OK;
    for (size_t i = 0; good && i < n; i++) {
        const char *full = archive->entries[i].name;
        good = kt_format(&shorts[i], NULL, "%.*s", (int)strcspn(full, "."), full) == KT_OK;
        names[i] = full;
        names[n + i] = shorts[i];
    }
    const char *nearest = good ? kt_nearest(name, names, 2 * n) : NULL;
    for (size_t i = 0; nearest && i < 2 * n; i++)
        if (names[i] == nearest)
            found = archive->entries[i % n].name;
    for (size_t i = 0; shorts && i < n; i++)
        free(shorts[i]);
    free(shorts);
    free(names);
    return found;
}

static kt_status fail_unknown(const kt_archive *archive, const char *name, kt_error *err)
{
    size_t n = archive->n_entries;
    for (size_t i = 0; i < archive->n_refused; i++) {
        const kt_archive_refused *refused = &archive->refused[i];
        if (strcmp(refused->name, name) == 0 || is_short_for(name, refused->name))
            return kt_fail(err, KT_USAGE, "service %s has no model: %s", refused->name, refused->reason);
    }
    const char *nearest = nearest_service(archive, name);
    if (nearest)
        return kt_fail(err, KT_USAGE, "no service %s in the archive; the nearest is %s", name, nearest);
    if (n == 0)
        return kt_fail(err, KT_USAGE, "no service %s in the archive, which holds no models", name);
    return kt_fail(err, KT_USAGE, "no service %s in the archive, which holds %zu, the first %s", name, n,
                   archive->entries[0].name);
}

kt_status kt_archive_find(const kt_archive_entry **entry, const kt_archive *archive, const char *name,
                          kt_error *err)
{
    const kt_archive_entry *found = NULL;
    *entry = NULL;
    for (size_t i = 0; i < archive->n_entries; i++)
        if (strcmp(archive->entries[i].name, name) == 0) {
            *entry = &archive->entries[i];
            return KT_OK;
        }
    for (size_t i = 0; i < archive->n_entries; i++) {
        if (!is_short_for(name, archive->entries[i].name))
            continue;
        if (found)
            return kt_fail(err, KT_USAGE, "service %s may be %s or %s: say which", name, found->name,
                           archive->entries[i].name);
        found = &archive->entries[i];
    }
    if (!found)
        return fail_unknown(archive, name, err);
    *entry = found;
    return KT_OK;
}
