/* kt merge: parts of a run to one archive. */
#include "command.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/parts.h"
#include "kt/when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *out;
    bool partial, fresh, json, help;
} merge_options;

#define AT(field) offsetof(merge_options, field)
static const kt_option options[] = {{"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL,
                                     "RUN", "the folder of the whole run, which gets models.h5", "Merge"},
                                    {"partial", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(partial), 0, 0, NULL,
                                     "false", NULL,
                                     "merge although services are missing, and name them; exit code 3", NULL},
                                    {"fresh", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(fresh), 0, 0, NULL, "false",
                                     NULL, "start over: remove what is in RUN", NULL},
                                    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false",
                                     NULL, "print one JSON document", NULL},
                                    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false",
                                     NULL, "print this and exit", NULL},
                                    {.name = NULL}};

typedef struct {
    const merge_options *o;
    const char *const *folders;
    size_t n;         /* parts that were given */
    char **paths;     /* [n] of their archives */
    kt_parts *parts;  /* [n] */
    kt_archive *read; /* [n] */
    kt_archive whole;
    kt_json *missing; /* names */
    char digest[KT_DIGEST_HEX];
} merge;

/* ---- the parts ---- */

/* What the archive holds are the services of its part, of the rows that the part is about. */
static kt_status check_services(const kt_archive *archive, const kt_parts *parts, const char *path,
                                kt_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < archive->n_entries; i++) {
        const kt_archive_entry *e = &archive->entries[i];
        char digest[KT_DIGEST_HEX];
        kt_digest_hex(digest, e->data_digest);
        while (at < parts->n && strcmp(parts->services[at].name, e->name) < 0)
            at++;
        const kt_parts_service *s = at < parts->n ? &parts->services[at] : NULL;
        if (!s || strcmp(s->name, e->name) != 0 || s->part != parts->part || strcmp(s->digest, digest) != 0)
            return kt_fail(err, KT_INPUT, "%s: its service %s is not what %s beside it says", path, e->name,
                           KT_RUN_PARTS);
    }
    return KT_OK;
}

static kt_status read_part(merge *m, size_t i, kt_error *err)
{
    kt_status status = KT_OK;
    char *listed = NULL;
    const char *folder = m->folders[i];
    KT_TRY(kt_path_join(&listed, folder, KT_RUN_PARTS, err));
    if (kt_path_kind_of(listed) != KT_PATH_FILE)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: holds no part of a run (kt-train --part K/N)", folder));
    KT_TRY(kt_parts_read(&m->parts[i], folder, err));
    KT_TRY(kt_parts_compare(&m->parts[0], &m->parts[i], m->folders[0], folder, err));
    KT_TRY(kt_path_join(&m->paths[i], folder, KT_RUN_ARCHIVE, err));
    if (kt_path_kind_of(m->paths[i]) != KT_PATH_FILE)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: part %d of %d is not finished", folder, m->parts[i].part,
                       m->parts[i].parts));
    KT_TRY(kt_archive_read(&m->read[i], m->paths[i], err));
    KT_TRY(check_services(&m->read[i], &m->parts[i], m->paths[i], err));
out:
    free(listed);
    return status;
}

static bool is_merged(const kt_archive *whole, const char *name)
{
    for (size_t i = 0; i < whole->n_refused; i++)
        if (strcmp(whole->refused[i].name, name) == 0)
            return true;
    size_t low = 0, high = whole->n_entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(whole->entries[middle].name, name);
        if (order == 0)
            return true;
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return false;
}

/* Which services no part brought; an error unless that is wished. */
static kt_status find_missing(merge *m, kt_error *err)
{
    char names[400] = "";
    size_t used = 0, listed = 0, n = 0;
    const kt_parts *all = &m->parts[0];
    for (size_t i = 0; i < all->n; i++) {
        const kt_parts_service *s = &all->services[i];
        if (is_merged(&m->whole, s->name))
            continue;
        n++;
        kt_json_append(m->missing, kt_json_string(s->name));
        if (used + strlen(s->name) + 32 > sizeof names)
            continue;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s (part %d)", listed++ ? ", " : "",
                                 s->name, s->part);
    }
    if (n == 0 || m->o->partial)
        return KT_OK;
    return kt_fail(err, KT_INPUT, "%zu of %zu services are missing: %s%s; --partial merges without them", n,
                   all->n, names, listed < n ? ", ..." : "");
}

/* ---- the run that they make ---- */

static kt_status open_run(kt_lock **lock, kt_run_state *state, const merge *m, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *config = NULL, *inputs = NULL;
    char *path = NULL;
    KT_TRY(kt_path_join(&path, m->folders[0], KT_RUN_INPUTS, err));
    KT_TRY(kt_json_read(&inputs, path, err));
    KT_TRY(kt_json_parse(&config, m->whole.config, strlen(m->whole.config), m->paths[0], err));
    kt_run_request run = {.path = m->o->out,
                          .options = config,
                          .inputs = inputs,
                          .numerics = KT_NUMERICS,
                          .fresh = m->o->fresh,
                          .job = getenv("SLURM_JOB_ID")};
    KT_TRY(kt_run_open(state, lock, &run, err));
out:
    kt_json_drop(config);
    kt_json_drop(inputs);
    free(path);
    return status;
}

static kt_status write_info(const merge *m, const kt_lock *lock, kt_error *err)
{
    char now[KT_WHEN_TEXT];
    kt_json *info = kt_json_object(), *parts = kt_json_array();
    for (size_t i = 0; i < m->n; i++)
        kt_json_append(parts, kt_json_string(m->folders[i]));
    kt_when_text(now, kt_when_now());
    kt_json_put(info, "kt_train", kt_json_string(KT_VERSION));
    kt_json_put(info, "finished", kt_json_string(now));
    kt_json_put(info, "merged", parts);
    kt_json_put(info, "missing", kt_json_keep(m->missing));
    kt_json_put(info, "archive_sha256", kt_json_string(m->digest));
    kt_status status = kt_run_write(m->o->out, KT_RUN_INFO, info, lock, err);
    kt_json_drop(info);
    return status;
}

static kt_status print(const merge *m, const char *path, kt_error *err)
{
    if (m->o->json) {
        kt_json *json = kt_json_object(), *refused = kt_json_array();
        for (size_t i = 0; i < m->whole.n_refused; i++)
            kt_json_append(refused, kt_json_string(m->whole.refused[i].name));
        kt_json_put(json, "archive", kt_json_string(path));
        kt_json_put(json, "sha256", kt_json_string(m->digest));
        kt_json_put(json, "services", kt_json_int((int64_t)m->whole.n_entries));
        kt_json_put(json, "refused", refused);
        return program_print_json(kt_json_put(json, "missing", kt_json_keep(m->missing)), err);
    }
    for (size_t i = 0; i < m->whole.n_refused; i++)
        printf("without a model: %s\n", m->whole.refused[i].reason);
    for (size_t i = 0; i < kt_json_size(m->missing); i++)
        printf("missing: %s\n", kt_json_as_text(kt_json_at(m->missing, i), ""));
    printf("%zu services of %zu parts\narchive: %s\nsha256:  %s\n", m->whole.n_entries, m->n, path,
           m->digest);
    return KT_OK;
}

static kt_status write_run(merge *m, kt_error *err)
{
    kt_status status = KT_OK;
    kt_lock *lock = NULL;
    kt_run_state state;
    char *path = NULL;
    KT_TRY(open_run(&lock, &state, m, err));
    KT_TRY(kt_path_join(&path, m->o->out, KT_RUN_ARCHIVE, err));
    if (state == KT_RUN_FINISHED)
        KT_TRY(kt_fail(err, KT_BUSY, "%s: is there already; --fresh writes it again", path));
    KT_TRY(kt_archive_write(path, &m->whole, m->digest, kt_lock_guard(lock), err));
    KT_TRY(write_info(m, lock, err));
    KT_TRY(print(m, path, err));
    size_t without = m->whole.n_refused + kt_json_size(m->missing);
    if (without > 0)
        KT_TRY(kt_fail(err, KT_INCOMPLETE, "%zu services have no model", without));
out:
    kt_lock_release(lock);
    free(path);
    return status;
}

static kt_status run(void *given, const char *const *folders, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    merge m = {.o = given, .folders = folders, .n = n, .missing = kt_json_array()};
    if (!m.o->out)
        KT_TRY(kt_fail(err, KT_USAGE, "--out RUN is missing"));
    KT_TRY(kt_alloc(&m.paths, n, sizeof *m.paths, err));
    KT_TRY(kt_alloc(&m.parts, n, sizeof *m.parts, err));
    KT_TRY(kt_alloc(&m.read, n, sizeof *m.read, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(read_part(&m, i, err));
    KT_TRY(kt_archive_merge(&m.whole, m.read, (const char *const *)m.paths, n, err));
    KT_TRY(find_missing(&m, err));
    KT_TRY(write_run(&m, err));
out:
    for (size_t i = 0; i < n && m.read; i++) {
        free(m.paths[i]);
        kt_parts_clear(&m.parts[i]);
        kt_archive_clear(&m.read[i]);
    }
    free(m.paths);
    free(m.parts);
    free(m.read);
    kt_archive_clear(&m.whole);
    kt_json_drop(m.missing);
    return status;
}

const kt_command command_merge = {
    .name = "merge",
    .summary = "Makes one archive of the parts of a run",
    .usage = "RUN... --out RUN",
    .about =
        "The parts are those of kt-train --part 1/N to N/N on the same data with the same options, each in "
        "a folder of\n"
        "its own: the tasks of a batch array. The archive is the same, byte for byte, as that of one run "
        "over all services.\n"
        "What differs is named and refused, as is a service that two of them have. Exit code 3 where "
        "services have no model.\n",
    .options = options,
    .size = sizeof(merge_options),
    .least = 1,
    .most = 1000000,
    .run = run,
};
