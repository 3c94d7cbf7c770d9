/* kt verify: is a file whole? */
#include "command.h"
#include "kt/h5.h"
#include "kt/kubetwin.h"
#include "kt/store.h"
#include "verify_contract.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int contract;
    contract_wishes wishes;
    bool help;
} verify_options;

#define AT(field) offsetof(verify_options, field)
static const kt_option options[] = {
    {"contract", 0, KT_OPTION_CHOICE, KT_CLASS_RUN, AT(contract), 0, 0, "none|kubetwin", "none", "NAME",
     "instead: does it suit this simulator? An archive, a run, or what kt export wrote", "Contract"},
    {"branch", 'b', KT_OPTION_CHOICE, KT_CLASS_RUN, AT(wishes.branch), 0, 0, VERIFY_BRANCHES, "auto",
     "BRANCH", "of KubeTwin; auto: as exported, else the one that takes the family", NULL},
    {"rps", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(wishes.rps), 0, 0, NULL, NULL, "FROM:TO:STEP",
     "rates that will be simulated, in requests per second (corners of what was trained for)", NULL},
    {"rep", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(wishes.rep), 0, 0, NULL, NULL, "FROM:TO:STEP",
     "replicas that will be simulated", NULL},
    {"service", 's', KT_OPTION_TEXTS, KT_CLASS_RUN, AT(wishes.services), 0, 0, NULL, NULL, "NAME",
     "this service only; may be repeated", NULL},
    {"workers", 0, KT_OPTION_TEXTS, KT_CLASS_RUN, AT(wishes.workers), 0, 0, NULL, NULL, "NAME=N",
     "the replica set of this service is made N times as large, since its pods work on N requests at a time",
     NULL},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(wishes.json), 0, 0, NULL, "false", NULL,
     "print the result as JSON", "Output"},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
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
    if (o->contract > 0)
        return verify_contract(&o->wishes, paths, n, err);
    kt_json *all = kt_json_array();
    for (size_t i = 0; i < n; i++) {
        char digest[KT_DIGEST_HEX] = "";
        size_t services = 0;
        bool dataset = is_dataset(paths[i]);
        KT_TRY(dataset ? verify_dataset(&services, paths[i], err)
                       : verify_archive(digest, &services, paths[i], err));
        if (!o->wishes.json)
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
    if (o->wishes.json)
        KT_TRY(program_print_json(kt_json_keep(all), err));
out:
    kt_json_drop(all);
    return status;
}

const kt_command command_verify = {
    .name = "verify",
    .summary = "Checks that archives and datasets are whole",
    .usage = "FILE... | --contract kubetwin ARCHIVE|RUN|DIR|TABLE...",
    .about =
        "An archive carries the digest of its bytes, a dataset that of each service's rows. Exit code 1 "
        "where one\n"
        "does not fit.\n"
        "--contract kubetwin: a line for each check that does not hold, and exit code 1. KubeTwin needs two "
        "components\n"
        "at least, of the family that its branch takes; outputs that are finite and above 0, in the hull and "
        "at rates\n"
        "of 0 and 34; weights that sum to 1; times far above 1e-6 s; to be asked in the hull; services that "
        "serve one\n"
        "request at a time; and rate x visits x mean / replicas below 1, else its queues grow without "
        "bound.\n",
    .options = options,
    .size = sizeof(verify_options),
    .least = 1,
    .most = 1000000,
    .run = run,
};
