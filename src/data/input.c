#include "kt/input.h"

#include "kt/file.h"
#include "kt/h5.h"
#include "kt/json.h"
#include "kt/store.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    const kt_csv_options *options;
    char **datasets, **tables; /* paths, owned */
    size_t n_datasets, n_tables;
    size_t n_read;                /* sources in samples so far */
    kt_json *sources, *cleanings; /* their provenances, and what traces say of theirs */
} inputs;

static void note(const inputs *in, const char *what, const char *path)
{
    char line[512];
    if (!in->options->note)
        return;
    snprintf(line, sizeof line, "%s: %s", path, what);
    in->options->note(in->options->context, line);
}

static bool is_hdf5(const char *path)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    char block[512 + sizeof signature] = {0};
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(block, 1, sizeof block, file) : 0;
    if (file)
        fclose(file);
    /* behind a user block too: an archive is to be refused as one, not read as a table */
    return (n >= 8 && memcmp(block, signature, 8) == 0) ||
           (n == sizeof block && memcmp(block + 512, signature, 8) == 0);
}

static kt_status add(char ***list, size_t *n, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_grow(list, *n + 1, sizeof **list, err));
    KT_TRY(kt_strdup(&(*list)[*n], path, err));
    ++*n;
out:
    return status;
}

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

/* Datasets of a folder are taken one by one; its tables are left to kt_csv_read, which knows what to skip. */
static kt_status sort_folder(inputs *in, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL, *path = NULL;
    size_t n = 0, tables = 0, datasets = 0;
    KT_TRY(kt_folder_list(&names, &n, folder, err));
    for (size_t i = 0; i < n; i++) {
        tables += ends_in(names[i], ".csv");
        if (!ends_in(names[i], ".h5"))
            continue;
        kt_h5 *file = NULL;
        int version;
        KT_TRY(kt_path_join(&path, folder, names[i], err));
        bool ours = kt_h5_open(&file, path, NULL) == KT_OK &&
                    kt_h5_check_schema(&version, file, KT_DATASET_SCHEMA, KT_DATASET_VERSION, NULL) == KT_OK;
        kt_h5_close(file, NULL);
        if (ours)
            KT_TRY(add(&in->datasets, &in->n_datasets, path, err));
        else
            note(in, "not a dataset, skipped", path);
        datasets += ours;
        free(path);
        path = NULL;
    }
    if (tables > 0 || datasets == 0) /* nothing at all: the reader of tables says so */
        KT_TRY(add(&in->tables, &in->n_tables, folder, err));
out:
    kt_strings_free(names, n);
    free(path);
    return status;
}

static kt_status sort_paths(inputs *in, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < n; i++) {
        kt_path_kind kind = kt_path_kind_of(paths[i]);
        if (kind == KT_PATH_FOLDER)
            KT_TRY(sort_folder(in, paths[i], err));
        else if (kind == KT_PATH_FILE && is_hdf5(paths[i]))
            KT_TRY(add(&in->datasets, &in->n_datasets, paths[i], err));
        else
            KT_TRY(add(&in->tables, &in->n_tables, paths[i], err));
    }
out:
    return status;
}

static kt_status same_features(const kt_samples *samples, size_t n, const char *const *names,
                               const char *path, kt_error *err)
{
    bool same = (size_t)samples->d == n;
    for (size_t f = 0; same && f < n; f++)
        same = strcmp(samples->feature[f], names[f]) == 0;
    if (same)
        return KT_OK;
    return kt_fail(err, KT_INPUT,
                   "%s: its features are %s,... (%d), asked for or read before are %s,... (%zu)", path,
                   samples->feature[0], samples->d, names[0], n);
}

static kt_status same_services(const kt_samples *to, const kt_samples *from, const char *path, kt_error *err)
{
    for (size_t i = 0, k = 0; i < from->n_services && k < to->n_services;) { /* both in byte order */
        int order = strcmp(from->services[i].name, to->services[k].name);
        if (order == 0)
            return kt_fail(err, KT_INPUT, "%s: the service '%s' stands in another input too", path,
                           from->services[i].name);
        i += order < 0;
        k += order > 0;
    }
    return KT_OK;
}

/* Moves the services of `from` to `to`, which is one source more. */
static kt_status append(kt_samples *to, kt_samples *from, inputs *in, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *source = NULL;
    if (in->n_datasets + (in->n_tables > 0) > 1) {
        KT_TRY(kt_json_parse(&source, from->provenance, strlen(from->provenance), path, err));
        kt_json_append(in->sources, source);
        source = NULL;
        if (from->cleaning)
            KT_TRY(kt_json_parse(&source, from->cleaning, strlen(from->cleaning), path, err));
        if (source)
            kt_json_append(in->cleanings, source);
    }
    if (in->n_read++ == 0) {
        *to = *from;
        *from = (kt_samples){.d = 0};
        goto out;
    }
    KT_TRY(same_features(from, (size_t)to->d, (const char *const *)to->feature, path, err));
    KT_TRY(same_services(to, from, path, err));
    KT_TRY(kt_grow(&to->services, to->n_services + from->n_services, sizeof *to->services, err));
    memcpy(to->services + to->n_services, from->services, from->n_services * sizeof *to->services);
    to->n_services += from->n_services;
    from->n_services = 0;
    kt_samples_sort(to);
out:
    return status;
}

static kt_status read_dataset(kt_samples *samples, inputs *in, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples one = {.d = 0};
    KT_TRY(kt_store_read(&one, path, err));
    if (in->options->n_features > 0)
        KT_TRY(same_features(&one, in->options->n_features, in->options->features, path, err));
    KT_TRY(append(samples, &one, in, path, err));
out:
    kt_samples_clear(&one);
    return status;
}

static kt_status join(char **document, kt_json *sources, kt_error *err)
{
    char *text = NULL;
    kt_json *all = kt_json_put(kt_json_object(), "sources", kt_json_keep(sources));
    kt_status status = kt_json_text(&text, all, 0, err);
    if (status == KT_OK) {
        free(*document);
        *document = text;
    }
    kt_json_drop(all);
    return status;
}

kt_status kt_input_read(kt_samples *samples, const char *const *paths, size_t n,
                        const kt_csv_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    inputs in = {.options = options, .sources = kt_json_array(), .cleanings = kt_json_array()};
    kt_samples tables = {.d = 0};
    assert(n > 0 && samples->n_services == 0);
    KT_TRY(sort_paths(&in, paths, n, err));
    for (size_t i = 0; i < in.n_datasets; i++)
        KT_TRY(read_dataset(samples, &in, in.datasets[i], err));
    if (in.n_tables > 0) {
        KT_TRY(kt_csv_read(&tables, (const char *const *)in.tables, in.n_tables, options, err));
        KT_TRY(append(samples, &tables, &in, in.tables[0], err));
    }
    if (in.n_read > 1)
        KT_TRY(join(&samples->provenance, in.sources, err));
    if (in.n_read > 1 && kt_json_size(in.cleanings) > 0)
        KT_TRY(join(&samples->cleaning, in.cleanings, err));
    if (samples->n_services == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no service with rows", paths[0]));
    if (options->rates == KT_RATES_CELL)
        KT_TRY(kt_samples_cell_rates(samples, err));
out:
    for (size_t i = 0; i < in.n_datasets; i++)
        free(in.datasets[i]);
    for (size_t i = 0; i < in.n_tables; i++)
        free(in.tables[i]);
    free(in.datasets);
    free(in.tables);
    kt_json_drop(in.sources);
    kt_json_drop(in.cleanings);
    kt_samples_clear(&tables);
    return status;
}
