/* kt verify: is a file whole? */
#include "command.h"
#include "kt/h5.h"
#include "kt/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json, help;
} verify_options;

static const kt_option options[] = {
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, offsetof(verify_options, json), 0, 0, NULL, "false", NULL,
     "print the result as JSON", "Output"},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, offsetof(verify_options, help), 0, 0, NULL, "false", NULL,
     "print this and exit", NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

static kt_status verify_archive(char digest[KT_DIGEST_HEX], size_t *services, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive archive = {0};
    KT_TRY(kt_archive_verify(path, digest, err));
    KT_TRY(kt_archive_read(&archive, path, err));
    *services = archive.n_entries;
out:
    kt_archive_clear(&archive);
    return status;
}

static kt_status verify_dataset(size_t *services, const char *path, kt_error *err)
{
    kt_samples samples = {.d = 0};
    kt_status status = kt_store_read(&samples, path, err);
    *services = samples.n_services;
    kt_samples_clear(&samples);
    return status;
}

/* What does not begin as an archive may say that it is a dataset; whatever else there is must prove to be an
 * archive. */
static bool is_dataset(const char *path)
{
    kt_h5 *file = NULL;
    char *schema = NULL;
    bool dataset = !kt_archive_claimed(path) && kt_h5_open(&file, path, NULL) == KT_OK &&
                   kt_h5_get_text(&schema, file, "schema", NULL) == KT_OK &&
                   strcmp(schema, KT_DATASET_SCHEMA) == 0;
    free(schema);
    kt_h5_close(file, NULL);
    return dataset;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const verify_options *o = given;
    kt_json *all = kt_json_array();
    for (size_t i = 0; i < n; i++) {
        char digest[KT_DIGEST_HEX] = "";
        size_t services = 0;
        bool dataset = is_dataset(paths[i]);
        KT_TRY(dataset ? verify_dataset(&services, paths[i], err)
                       : verify_archive(digest, &services, paths[i], err));
        if (!o->json)
            printf("%s: whole, %s, %zu services%s%s\n", paths[i],
                   dataset ? KT_DATASET_SCHEMA : KT_ARCHIVE_SCHEMA, services, digest[0] ? ", sha256 " : "",
                   digest);
        kt_json *one = kt_json_put(kt_json_object(), "file", kt_json_string(paths[i]));
        kt_json_put(one, "schema", kt_json_string(dataset ? KT_DATASET_SCHEMA : KT_ARCHIVE_SCHEMA));
        kt_json_put(one, "services", kt_json_int((int64_t)services));
        if (digest[0])
            kt_json_put(one, "sha256", kt_json_string(digest));
        kt_json_append(all, one);
    }
    if (o->json)
        KT_TRY(program_print_json(kt_json_keep(all), err));
out:
    kt_json_drop(all);
    return status;
}

const kt_command command_verify = {
    .name = "verify",
    .summary = "Checks that archives and datasets are whole",
    .usage = "FILE...",
    .about = "An archive carries the digest of its bytes, a dataset that of each service's rows. Exit code 1 "
             "where one\n"
             "does not fit.\n",
    .options = options,
    .size = sizeof(verify_options),
    .least = 1,
    .most = 1000000,
    .run = run,
};
