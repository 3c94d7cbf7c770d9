/* kt import of models: .keras files to an archive. */
#include "import.h"
#include "kt/file.h"
#include "kt/h5.h"
#include "kt/hull.h"
#include "kt/keras.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVED_MODEL "saved_model.pb"

typedef enum { NO_MODEL, KERAS_FILE, SAVED_MODEL_FOLDER, OLD_HDF5 } model_kind;

static bool begins_as_zip(const char *path)
{
    char magic[4] = "";
    FILE *file = kt_path_kind_of(path) == KT_PATH_FILE ? fopen(path, "rb") : NULL;
    bool zip = file && fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "PK\3\4", 4) == 0;
    if (file)
        fclose(file);
    return zip;
}

static bool has_saved_model(const char *path)
{
    char *file = NULL;
    bool has = kt_path_kind_of(path) == KT_PATH_FOLDER &&
               kt_path_join(&file, path, SAVED_MODEL, NULL) == KT_OK && kt_path_kind_of(file) == KT_PATH_FILE;
    free(file);
    return has;
}

/* Keras' own HDF5 form, from before .keras: the weights in a group of the root. */
static bool is_old_hdf5(const char *path)
{
    kt_h5 *file = NULL;
    bool old = !kt_archive_claimed(path) && kt_path_kind_of(path) == KT_PATH_FILE &&
               kt_h5_open(&file, path, NULL) == KT_OK && kt_h5_has(file, "model_weights");
    kt_h5_close(file, NULL);
    return old;
}

static model_kind kind_of(const char *path)
{
    size_t n = strlen(path);
    if ((n > 6 && strcmp(path + n - 6, ".keras") == 0) || begins_as_zip(path))
        return KERAS_FILE;
    if (has_saved_model(path))
        return SAVED_MODEL_FOLDER;
    return is_old_hdf5(path) ? OLD_HDF5 : NO_MODEL;
}

bool import_is_model(const char *path)
{
    return kind_of(path) != NO_MODEL;
}

static kt_status check_kind(const char *path, kt_error *err)
{
    model_kind kind = kind_of(path);
    if (kind == KERAS_FILE)
        return KT_OK;
    if (kind == NO_MODEL)
        return kt_fail(err, KT_USAGE, "%s: is no model; import models and tables by themselves", path);
    return kt_fail(err, KT_UNSUPPORTED,
                   "%s: is %s, which only TensorFlow reads; in Python: from tensorflow import keras; "
                   "keras.models.load_model(\"%s\").save(\"model.keras\"), and import that",
                   path, kind == OLD_HDF5 ? "an HDF5 file of Keras" : "a SavedModel folder", path);
}

/* ---- names ---- */

/* The service of "<service>/model/model.keras", else the file's stem. */
static kt_status name_by_path(char **name, const char *path, kt_error *err)
{
    static const char tail[] = "/model/model.keras";
    size_t n = strlen(path), end = n >= sizeof tail ? n - (sizeof tail - 1) : 0;
    if (end == 0 || strcmp(path + end, tail) != 0)
        return kt_path_stem(name, path, err);
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return kt_format(name, err, "%.*s", (int)(end - start), path + start);
}

static kt_status set_name(kt_archive_entry *entry, const kt_keras_origin *origin, const import_options *o,
                          const char *path, kt_error *err)
{
    kt_status status = o->service        ? kt_strdup(&entry->name, o->service, err)
                       : origin->service ? kt_strdup(&entry->name, origin->service, err)
                                         : name_by_path(&entry->name, path, err);
    if (status == KT_OK && (!*entry->name || strlen(entry->name) >= KT_NAME))
        status = kt_fail(err, KT_USAGE, "%s: '%s' cannot be a service's name; give one with --service", path,
                         entry->name);
    return status;
}

static kt_status set_feature(kt_archive *archive, const char *name, kt_error *err)
{
    kt_status status = kt_strdup(&archive->feature[archive->d], name, err);
    archive->d += status == KT_OK;
    return status;
}

/* The features of the first model are those of all: as asked, as its file says, or the usual two. */
static kt_status set_features(kt_archive *archive, const kt_keras_origin *origin, const import_options *o,
                              int d, const char *path, kt_error *err)
{
    static const char *const usual[] = {"rps_eff", "rep"};
    kt_status status = KT_OK;
    bool asked = o->features.n > 0;
    int n = asked ? (int)o->features.n : origin->d > 0 ? origin->d : 2;
    if (archive->d == 0 && n != d)
        return kt_fail(err, KT_USAGE, "%s: has %d inputs, named are %d; name each with --features", path, d,
                       n);
    for (int f = 0; archive->d < n && f < n; f++)
        KT_TRY(set_feature(archive,
                           asked           ? o->features.text[f]
                           : origin->d > 0 ? origin->feature[f]
                                           : usual[f],
                           err));
    if (archive->d != d)
        return kt_fail(err, KT_INPUT, "%s: has %d inputs, the model before it %d", path, d, archive->d);
    for (int f = 0; !asked && f < origin->d; f++)
        if (strcmp(origin->feature[f], archive->feature[f]) != 0)
            return kt_fail(err, KT_INPUT, "%s: its input %d is %s, that of the model before it %s", path,
                           f + 1, origin->feature[f], archive->feature[f]);
out:
    return status;
}

/* ---- the hull: NAME=FROM:TO for each feature ---- */

static kt_status read_range(double range[2], int *feature, const kt_archive *archive, const char *text,
                            kt_error *err)
{
    char name[KT_LABEL], from[64];
    const char *equals = strchr(text, '='), *colon = equals ? strchr(equals, ':') : NULL;
    if (!colon || (size_t)(equals - text) >= sizeof name || (size_t)(colon - equals) >= sizeof from)
        return kt_fail(err, KT_USAGE, "--hull %s: NAME=FROM:TO is wanted", text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    snprintf(from, sizeof from, "%.*s", (int)(colon - equals - 1), equals + 1);
    if (!command_number(&range[0], from) || !command_number(&range[1], colon + 1) || range[0] > range[1])
        return kt_fail(err, KT_USAGE, "--hull %s: NAME=FROM:TO is wanted", text);
    *feature = command_feature(archive, name);
    return *feature >= 0
               ? KT_OK
               : kt_fail(err, KT_USAGE, "--hull %s: the models are not asked with '%s'", text, name);
}

/* Their box: two corners, of which two columns make four. */
static kt_status set_hull(kt_archive_entry *entry, const kt_archive *archive, const kt_texts *ranges,
                          kt_error *err)
{
    kt_status status = KT_OK;
    const int d = archive->d;
    double box[2 * KT_FEATURES_MAX], range[2] = {0, 0};
    int feature = 0;
    for (int f = 0; f < d; f++)
        box[f] = NAN;
    for (size_t i = 0; i < ranges->n; i++) {
        KT_TRY(read_range(range, &feature, archive, ranges->text[i], err));
        box[feature] = range[0];
        box[d + feature] = range[1];
    }
    for (int f = 0; f < d; f++)
        if (isnan(box[f]))
            return kt_fail(err, KT_USAGE, "--hull: no range for '%s'", archive->feature[f]);
    double points[8] = {0};
    for (int c = 0; d == 2 && c < 4; c++) {
        points[2 * c] = box[c % 2 * 2];
        points[2 * c + 1] = box[c / 2 * 2 + 1];
    }
    kt_hull_clear(&entry->fitted.model.hull);
    KT_TRY(kt_hull_create(&entry->fitted.model.hull, d == 2 ? points : box, d == 2 ? 4 : 2, d, err));
out:
    return status;
}

/* ---- models ---- */

static void tell(const kt_archive_entry *entry, const kt_keras_origin *origin, bool hull, const char *path)
{
    const kt_net *net = &entry->fitted.model.net;
    printf("%s: %s of %d, %d hidden layers%s, from %s\n", entry->name, kt_family_table[net->family].name,
           net->components, net->layers, net->batch_norm ? " with BatchNormalization" : "", path);
    if (origin->floor_shift > 0)
        fprintf(stderr,
                "%s: its outputs differ by up to %.2g from the file's: softplus + 1e-8 is the form here\n",
                path, origin->floor_shift);
    if (!hull)
        fprintf(
            stderr,
            "%s: does not say where it was trained; every point counts as outside, until you say it: --hull "
            "rps=FROM:TO --hull rep=FROM:TO\n",
            path);
}

static kt_status import_model(kt_archive *archive, const import_options *o, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive_entry *entry = &archive->entries[archive->n_entries];
    kt_keras_origin origin = {.d = 0};
    KT_TRY(check_kind(path, err));
    KT_TRY(kt_keras_read(entry, &origin, path, o->family - 1, err));
    archive->n_entries++; /* from here on the archive clears it */
    KT_TRY(set_features(archive, &origin, o, entry->fitted.model.net.inputs, path, err));
    KT_TRY(set_name(entry, &origin, o, path, err));
    if (o->hull.n > 0)
        KT_TRY(set_hull(entry, archive, &o->hull, err));
    entry->target = o->target == 2 ? KT_TARGET_PROC_DELAY : KT_TARGET_PROC;
    for (size_t i = 0; i + 1 < archive->n_entries; i++)
        if (strcmp(archive->entries[i].name, entry->name) == 0)
            KT_TRY(kt_fail(err, KT_USAGE, "%s: a model of service %s is there already", path, entry->name));
    if (!o->quiet)
        tell(entry, &origin, origin.hull || o->hull.n > 0, path);
out:
    kt_keras_origin_clear(&origin);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const kt_archive_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

kt_status import_models(const import_options *options, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive archive = {0};
    if (options->service && n > 1)
        return kt_fail(err, KT_USAGE, "--service names one model, given are %zu", n);
    KT_TRY(kt_strdup(&archive.config, "{\"imported\":\"keras\"}", err));
    KT_TRY(kt_alloc(&archive.entries, n, sizeof *archive.entries, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(import_model(&archive, options, paths[i], err));
    qsort(archive.entries, n, sizeof *archive.entries, by_name);
    KT_TRY(kt_archive_write(options->out, &archive, NULL, NULL, err));
out:
    kt_archive_clear(&archive);
    return status;
}
