/* The .keras file as a whole: a zip of three members. The only file that sees zip.h. */
#include "keras_private.h"

#include "kt/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define METADATA "metadata.json"
#define CONFIG   "config.json"
#define WEIGHTS  "model.weights.h5"

/* The most that a member of any sensible file unpacks to. */
enum { TEXT_MOST = 16 << 20, WEIGHTS_MOST = 256 << 20 };

/* ---- writing ---- */

typedef struct {
    const char *name;
    const void *data;
    size_t n;
} member;

/* Stored, and nothing of when or where in it: the same members give the same bytes. */
static bool add(zip_t *zip, const member *m)
{
    zip_source_t *source = zip_source_buffer(zip, m->data, m->n, 0);
    zip_int64_t i = source ? zip_file_add(zip, m->name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (i < 0) {
        zip_source_free(source);
        return false;
    }
    enum { DATE = 0x21 /* 1980-01-01 */ };
    return zip_set_file_compression(zip, (zip_uint64_t)i, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)i, 0, DATE, 0) == 0 &&
           zip_file_set_external_attributes(zip, (zip_uint64_t)i, 0, ZIP_OPSYS_UNIX, 0) == 0;
}

static kt_status take(char **data, size_t *n, zip_source_t *source, kt_error *err)
{
    kt_status status = KT_OK;
    zip_stat_t info;
    char *bytes = NULL;
    bool open = zip_source_stat(source, &info) == 0 && zip_source_open(source) == 0;
    if (!open)
        return kt_fail(err, KT_MEMORY, "cannot take the bytes of a zip: %s",
                       zip_error_strerror(zip_source_error(source)));
    KT_TRY(kt_alloc(&bytes, info.size, 1, err));
    if (zip_source_read(source, bytes, info.size) != (zip_int64_t)info.size)
        KT_TRY(kt_fail(err, KT_MEMORY, "cannot take the bytes of a zip"));
    *data = bytes;
    *n = (size_t)info.size;
    bytes = NULL;
out:
    zip_source_close(source);
    free(bytes);
    return status;
}

static kt_status pack(char **data, size_t *n, const member *members, size_t n_members, kt_error *err)
{
    kt_status status = KT_OK;
    zip_error_t reason;
    zip_t *zip = NULL;
    zip_error_init(&reason);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &reason);
    if (source)
        zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &reason);
    if (!zip) {
        zip_source_free(source);
        return kt_fail(err, KT_MEMORY, "cannot make a zip in memory: %s", zip_error_strerror(&reason));
    }
    zip_source_keep(source);
    for (size_t i = 0; i < n_members; i++)
        if (!add(zip, &members[i]))
            KT_TRY(kt_fail(err, KT_MEMORY, "cannot add %s to a zip: %s", members[i].name, zip_strerror(zip)));
    if (zip_close(zip) != 0)
        KT_TRY(kt_fail(err, KT_MEMORY, "cannot make a zip in memory: %s", zip_strerror(zip)));
    zip = NULL;
    KT_TRY(take(data, n, source, err));
out:
    if (zip)
        zip_discard(zip);
    zip_source_free(source);
    return status;
}

kt_status kt_keras_write(char **data, size_t *n, const kt_archive_entry *entry, const kt_archive *archive,
                         kt_keras_flavour flavour, kt_error *err)
{
    kt_status status = KT_OK;
    keras_net net = {.d = 0};
    keras_file back = {.metadata = NULL};
    char *config = NULL, *metadata = NULL, *weights = NULL;
    size_t n_weights = 0;
    *data = NULL;
    *n = 0;
    KT_TRY(keras_from_model(&net, &entry->fitted.model, err));
    KT_TRY(keras_metadata(&metadata, entry, archive, flavour, err));
    KT_TRY(keras_config(&config, &net, entry->name, flavour, err));
    KT_TRY(keras_weights(&weights, &n_weights, &net, err));
    const member members[] = {{METADATA, metadata, strlen(metadata)},
                              {CONFIG, config, strlen(config)},
                              {WEIGHTS, weights, n_weights}};
    KT_TRY(pack(data, n, members, sizeof members / sizeof *members, err));
    KT_TRY(keras_file_read(&back, *data, *n, entry->name, err));
    KT_TRY(keras_check(&back.net, &entry->fitted.model, entry->name, err));
out:
    if (status != KT_OK) {
        free(*data);
        *data = NULL;
    }
    keras_file_clear(&back);
    keras_net_clear(&net);
    free(config);
    free(metadata);
    free(weights);
    return status;
}

/* ---- reading ---- */

void keras_file_clear(keras_file *file)
{
    keras_net_clear(&file->net);
    kt_json_drop(file->metadata);
    file->metadata = NULL;
}

/* A member's content with a NUL behind it; *data stays NULL where there is none of that name. */
static kt_status unpack(char **data, size_t *n, zip_t *zip, const char *name, size_t most, const char *where,
                        kt_error *err)
{
    kt_status status = KT_OK;
    zip_stat_t info;
    zip_file_t *file = NULL;
    char *bytes = NULL;
    *data = NULL;
    *n = 0;
    if (zip_stat(zip, name, 0, &info) != 0)
        return KT_OK;
    if (!(info.valid & ZIP_STAT_SIZE) || info.size > most)
        return kt_fail(err, KT_INPUT, "%s:%s: unpacks to %llu bytes, the most is %zu", where, name,
                       (unsigned long long)info.size, most);
    KT_TRY(kt_alloc(&bytes, info.size + 1, 1, err));
    file = zip_fopen(zip, name, 0);
    /* One byte more than it is said to have: its checksum is compared at its end. */
    zip_int64_t got = file ? zip_fread(file, bytes, info.size + 1) : -1;
    if (got == (zip_int64_t)info.size)
        got += zip_fread(file, bytes + info.size, 1);
    if (got != (zip_int64_t)info.size)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:%s: cannot be unpacked: %s", where, name,
                       got > (zip_int64_t)info.size ? "it is longer than it is said to be"
                       : file                       ? zip_file_strerror(file)
                                                    : zip_strerror(zip)));
    bytes[info.size] = '\0';
    *data = bytes;
    *n = (size_t)info.size;
    bytes = NULL;
out:
    if (file)
        zip_fclose(file);
    free(bytes);
    return status;
}

static kt_status wanted(const char *data, const char *name, const char *where, kt_error *err)
{
    return data ? KT_OK : kt_fail(err, KT_INPUT, "%s: is no .keras file: no %s in it", where, name);
}

static kt_status parse(kt_json **out, const char *text, size_t n, const char *where, const char *name,
                       kt_error *err)
{
    char *path = NULL;
    kt_status status = kt_format(&path, err, "%s:%s", where, name);
    if (status == KT_OK)
        status = kt_json_parse(out, text, n, path, err);
    free(path);
    return status;
}

static kt_status read_members(keras_file *file, zip_t *zip, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    char *config = NULL, *metadata = NULL, *weights = NULL, *path = NULL;
    size_t n_config = 0, n_metadata = 0, n_weights = 0;
    kt_json *json = NULL;
    kt_h5 *h5 = NULL;
    KT_TRY(unpack(&metadata, &n_metadata, zip, METADATA, TEXT_MOST, where, err));
    KT_TRY(unpack(&config, &n_config, zip, CONFIG, TEXT_MOST, where, err));
    KT_TRY(unpack(&weights, &n_weights, zip, WEIGHTS, WEIGHTS_MOST, where, err));
    KT_TRY(wanted(config, CONFIG, where, err));
    KT_TRY(wanted(weights, WEIGHTS, where, err));
    KT_TRY(parse(&json, config, n_config, where, CONFIG, err));
    if (metadata)
        KT_TRY(parse(&file->metadata, metadata, n_metadata, where, METADATA, err));
    KT_TRY(kt_format(&path, err, "%s:%s", where, WEIGHTS));
    KT_TRY(kt_h5_open_memory(&h5, weights, n_weights, path, err));
    KT_TRY(keras_graph(&file->net, json, h5, where, err));
out:
    kt_h5_close(h5, NULL);
    kt_json_drop(json);
    free(config);
    free(metadata);
    free(weights);
    free(path);
    return status;
}

kt_status keras_file_read(keras_file *file, const char *data, size_t n, const char *where, kt_error *err)
{
    zip_error_t reason;
    zip_t *zip = NULL;
    *file = (keras_file){.metadata = NULL};
    zip_error_init(&reason);
    zip_source_t *source = zip_source_buffer_create(data, n, 0, &reason);
    if (source)
        zip = zip_open_from_source(source, ZIP_RDONLY, &reason);
    if (!zip) {
        kt_fail(err, KT_INPUT, "%s: is no .keras file, or a damaged one: %s", where,
                zip_error_strerror(&reason));
        zip_source_free(source);
        zip_error_fini(&reason);
        return KT_INPUT;
    }
    kt_status status = read_members(file, zip, where, err);
    zip_discard(zip);
    if (status != KT_OK)
        keras_file_clear(file);
    return status;
}

/* ---- a file to an entry ---- */

void kt_keras_origin_clear(kt_keras_origin *origin)
{
    free(origin->service);
    for (int i = 0; i < origin->d; i++)
        free(origin->feature[i]);
    *origin = (kt_keras_origin){.d = 0};
}

/* What kt-train wrote into metadata.json, where it did. */
static kt_status read_own(kt_archive_entry *entry, kt_keras_origin *origin, const kt_json *own, int d,
                          kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *features = kt_json_get(own, "features"), *hull = kt_json_get(own, "hull");
    const char *service = kt_json_as_text(kt_json_get(own, "service"), NULL);
    double points[64 * KT_FEATURES_MAX];
    size_t n = kt_json_size(hull), width = (size_t)d;
    if (service && *service && strlen(service) < KT_NAME)
        KT_TRY(kt_strdup(&origin->service, service, err));
    for (int i = 0; kt_json_size(features) == width && i < d; i++) {
        KT_TRY(kt_strdup(&origin->feature[i], kt_json_as_text(kt_json_at(features, (size_t)i), "?"), err));
        origin->d = i + 1;
    }
    bool good = n > 0 && n <= sizeof points / sizeof *points && n % width == 0;
    for (size_t i = 0; good && i < n; i++) {
        points[i] = kt_json_as_real(kt_json_at(hull, i), NAN);
        good = isfinite(points[i]);
    }
    if (good) {
        KT_TRY(kt_hull_create(&entry->fitted.model.hull, points, n / width, d, err));
        origin->hull = true;
    }
    double floor = kt_json_as_real(kt_json_get(own, "floor"), -1);
    if (isfinite(floor) && floor >= 0)
        entry->fitted.model.floor = floor;
out:
    return status;
}

static kt_status family_of(kt_family *family, int asked, const kt_json *own, const char *where, kt_error *err)
{
    const char *name = kt_json_as_text(kt_json_get(own, "family"), kt_family_table[KT_WEIBULL].name);
    *family = (kt_family)asked;
    if (asked >= 0)
        return KT_OK;
    for (int f = 0; f < KT_FAMILIES; f++)
        if (strcmp(kt_family_table[f].name, name) == 0) {
            *family = (kt_family)f;
            return KT_OK;
        }
    return kt_fail(err, KT_INPUT, "%s:%s: family '%s' is none of %s", where, METADATA, name,
                   KT_FAMILY_CHOICES);
}

kt_status kt_keras_read(kt_archive_entry *entry, kt_keras_origin *origin, const char *path, int family,
                        kt_error *err)
{
    kt_status status = KT_OK;
    keras_file file = {.metadata = NULL};
    kt_model *model = &entry->fitted.model;
    char *data = NULL;
    size_t n = 0;
    kt_family chosen;
    *origin = (kt_keras_origin){.d = 0};
    KT_TRY(kt_file_read(&data, &n, path, err));
    KT_TRY(keras_file_read(&file, data, n, path, err));
    const kt_json *own = kt_json_get(file.metadata, "kt_train");
    KT_TRY(family_of(&chosen, family, own, path, err));
    KT_TRY(keras_to_model(model, &origin->floor_shift, &file.net, chosen, path, err));
    KT_TRY(read_own(entry, origin, own, file.net.d, err));
    if (!origin->hull)
        KT_TRY(kt_hull_create(&model->hull, model->scaler.mean, 1, file.net.d, err));
    entry->fitted.batch = 1;
    entry->fitted.flags = KT_FLAG_NO_HELD_OUT;
out:
    if (status != KT_OK) {
        kt_archive_entry_clear(entry);
        kt_keras_origin_clear(origin);
    }
    keras_file_clear(&file);
    free(data);
    return status;
}

const char *kt_keras_library(void)
{
    return zip_libzip_version();
}
