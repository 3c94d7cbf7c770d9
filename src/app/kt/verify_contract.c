#include "verify_contract.h"

#include "axes.h"
#include "export.h"
#include "kt/contract.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/keras.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const contract_wishes *wishes;
    kt_isa isa;
    kt_axis rps, rep; /* step 0: not given */
    kt_json *files;
    size_t broken;
} verification;

/* ---- wishes ---- */

static bool is_wanted(const verification *v, const char *service)
{
    for (size_t i = 0; i < v->wishes->services.n; i++)
        if (strcmp(v->wishes->services.text[i], service) == 0)
            return true;
    return v->wishes->services.n == 0;
}

/* Replicas of the simulated service for each real one. */
static kt_status workers_of(double *workers, const verification *v, const char *service, kt_error *err)
{
    *workers = 1;
    for (size_t i = 0; i < v->wishes->workers.n; i++) {
        const char *text = v->wishes->workers.text[i], *equals = strrchr(text, '=');
        double value;
        if (!equals || !command_number(&value, equals + 1) || value < 1 || value != floor(value))
            return kt_fail(err, KT_USAGE, "--workers %s: NAME=N with a whole N of at least 1 is wanted",
                           text);
        if (strlen(service) == (size_t)(equals - text) && strncmp(text, service, strlen(service)) == 0)
            *workers = value;
    }
    return KT_OK;
}

/* "auto": the branch that takes the family. */
static kt_branch branch_of(const verification *v, kt_branch said, kt_family family)
{
    if (v->wishes->branch > 0)
        return (kt_branch)(v->wishes->branch - 1);
    if (said != KT_BRANCHES)
        return said;
    return family == KT_GAMMA ? KT_BRANCH_MASTER : KT_BRANCH_APPLICATION;
}

/* ---- 2023-cnsm ---- */

/* What the rates that it asks with stand for. */
static void tell_rates(const kt_grid *grid, const double *load)
{
    double visits = isnan(grid->serving.visits) ? 1 : grid->serving.visits, told = NAN;
    for (size_t i = 0; i < grid->n; i++) {
        double rep = load[2 * i + 1];
        if (isnan(load[2 * i]) || (told >= rep))
            continue;
        told = rep;
        printf("%s: at rep %g branch 2023-cnsm asks with rps", grid->service, rep);
        for (size_t r = 0; r + 1 < KT_CNSM_RATES; r++) {
            const kt_cnsm_rate *rate = &kt_cnsm_rates[r];
            printf("%s %g for up to %.4g requests/s at the service (%.4g at the entry)", r > 0 ? "," : "",
                   rate->asked, rep * rate->up_to, rep * rate->up_to / visits);
        }
        printf(", %g above\n", kt_cnsm_rates[KT_CNSM_RATES - 1].asked);
    }
}

/* ---- one service ---- */

static kt_status report(verification *v, kt_json *file, const char *path, const kt_contract *contract,
                        kt_error *err)
{
    kt_json *list = kt_json_get(file, "broken");
    for (size_t i = 0; i < contract->n; i++) {
        const kt_broken *b = &contract->broken[i];
        if (!v->wishes->json)
            printf("%s: %s: %s: %s\n", path, b->service, b->check, b->text);
        kt_json *one = kt_json_put(kt_json_object(), "service", kt_json_string(b->service));
        kt_json_put(one, "check", kt_json_string(b->check));
        kt_json_append(list, kt_json_put(one, "text", kt_json_string(b->text)));
    }
    v->broken += contract->n;
    return list ? KT_OK : kt_fail(err, KT_MEMORY, "%s", path);
}

static kt_status hold(verification *v, kt_json *file, const char *path, const kt_grid *grid,
                      const double *load, kt_branch branch, double workers, kt_error *err)
{
    kt_contract contract = {0};
    kt_status status = kt_contract_hold(&contract, grid, load, branch, workers, err);
    if (status == KT_OK && branch == KT_BRANCH_CNSM && !v->wishes->json)
        tell_rates(grid, load);
    if (status == KT_OK)
        status = report(v, file, path, &contract, err);
    kt_contract_clear(&contract);
    return status;
}

/* is_hull_known: else nothing is said about where it was trained. */
static kt_status hold_model(verification *v, kt_json *file, const char *path, const kt_archive_entry *entry,
                            const kt_serving *serving, bool is_hull_known, kt_error *err)
{
    kt_status status = KT_OK;
    kt_grid grid = {0};
    double *wanted = NULL, *load = NULL, workers;
    size_t n = 0;
    kt_branch branch = branch_of(v, KT_BRANCHES, entry->fitted.model.net.family);
    KT_TRY(workers_of(&workers, v, entry->name, err));
    if (v->rps.step > 0 || v->rep.step > 0)
        KT_TRY(kt_grid_points(&wanted, &n, &entry->fitted.model.hull, &v->rps, &v->rep, err));
    KT_TRY(kt_contract_points(&grid, &load, entry, serving, branch, workers, wanted, n, v->isa, err));
    if (!is_hull_known)
        memset(grid.inside, 1, grid.n);
    KT_TRY(hold(v, file, path, &grid, load, branch, workers, err));
out:
    kt_grid_clear(&grid);
    free(wanted);
    free(load);
    return status;
}

static bool is_on(const kt_axis *axis, double value)
{
    return axis->step == 0 || (value >= axis->from && value <= axis->to);
}

/* A table is asked where it has points: in the ranges that are given, else inside the hull. */
static kt_status hold_table(verification *v, kt_json *file, const char *path, const kt_grid *grid,
                            kt_branch said, kt_error *err)
{
    kt_status status = KT_OK;
    double *load = NULL, workers;
    bool ranges = v->rps.step > 0 || v->rep.step > 0, some = false;
    KT_TRY(workers_of(&workers, v, grid->service, err));
    KT_TRY(kt_alloc(&load, 2 * grid->n, sizeof *load, err));
    for (size_t i = 0; i < grid->n; i++) {
        const double *at = grid->at + 2 * i;
        bool asked = ranges ? is_on(&v->rps, at[0]) && is_on(&v->rep, at[1]) : grid->inside[i];
        load[2 * i] = asked ? at[0] : NAN;
        load[2 * i + 1] = at[1];
        some = some || asked;
    }
    if (ranges && !some)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: service %s has no point in --rps, --rep", path, grid->service));
    KT_TRY(hold(v, file, path, grid, load, branch_of(v, said, grid->family), workers, err));
out:
    free(load);
    return status;
}

/* ---- one file ---- */

static kt_status hold_archive(verification *v, kt_json *file, const char *path, size_t *services,
                              kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive archive = {0};
    kt_serving serving;
    KT_TRY(kt_archive_read(&archive, path, err));
    KT_TRY(kt_grid_check(&archive, err));
    for (size_t i = 0; i < archive.n_entries; i++) {
        if (!is_wanted(v, archive.entries[i].name))
            continue;
        KT_TRY(kt_serving_read(&serving, archive.cleaning, archive.entries[i].name, err));
        KT_TRY(hold_model(v, file, path, &archive.entries[i], &serving, true, err));
        ++*services;
    }
out:
    kt_archive_clear(&archive);
    return status;
}

/* A .keras file tells nothing of how its service was served. */
static kt_status hold_keras(verification *v, kt_json *file, const char *path, size_t *services, kt_error *err)
{
    kt_status status = KT_OK;
    kt_archive_entry entry = {0};
    kt_keras_origin origin = {0};
    const kt_serving unknown = {NAN, NAN};
    KT_TRY(kt_keras_read(&entry, &origin, path, -1, err));
    if (entry.fitted.model.net.inputs != 2)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: takes %d inputs, KubeTwin gives rps_eff and rep", path,
                       entry.fitted.model.net.inputs));
    if (!entry.name)
        KT_TRY(kt_strdup(&entry.name, origin.service ? origin.service : "model", err));
    if (is_wanted(v, entry.name)) {
        KT_TRY(hold_model(v, file, path, &entry, &unknown, origin.hull, err));
        ++*services;
    }
out:
    kt_archive_entry_clear(&entry);
    kt_keras_origin_clear(&origin);
    return status;
}

typedef struct {
    kt_grid *grids;
    size_t n;
    kt_branch branch;
} table;

static void clear_table(table *t)
{
    for (size_t i = 0; i < t->n; i++)
        kt_grid_clear(&t->grids[i]);
    free(t->grids);
}

static kt_status hold_tables(verification *v, kt_json *file, const char *path, size_t *services,
                             kt_error *err)
{
    kt_status status = KT_OK;
    table t = {0};
    KT_TRY(kt_grid_read(&t.grids, &t.n, &t.branch, path, err));
    for (size_t i = 0; i < t.n; i++) {
        if (!is_wanted(v, t.grids[i].service))
            continue;
        KT_TRY(hold_table(v, file, path, &t.grids[i], t.branch, err));
        ++*services;
    }
out:
    clear_table(&t);
    return status;
}

typedef kt_status (*reader)(verification *v, kt_json *file, const char *path, size_t *services,
                            kt_error *err);

static reader reader_of(const char *path)
{
    return kt_path_ends(path, ".keras")                                ? hold_keras
           : kt_path_ends(path, ".json") || kt_path_ends(path, ".csv") ? hold_tables
                                                                       : hold_archive;
}

static kt_status hold_file(verification *v, reader read, const char *path, kt_error *err)
{
    size_t services = 0, before = v->broken;
    kt_json *file = kt_json_put(kt_json_object(), "file", kt_json_string(path));
    kt_json_put(file, "contract", kt_json_string("kubetwin"));
    kt_json_put(file, "broken", kt_json_array());
    kt_status status = read(v, file, path, &services, err);
    if (status == KT_OK && services == 0)
        status = kt_fail(err, KT_USAGE, "%s: no service of that name", path);
    if (status == KT_OK && !v->wishes->json && v->broken == before)
        printf("%s: KubeTwin can use it, %zu services\n", path, services);
    kt_json_append(v->files, kt_json_put(file, "services", kt_json_int((int64_t)services)));
    return status;
}

static bool is_equal(const kt_grid *a, const kt_grid *b)
{
    size_t width = 3 * (size_t)a->components;
    return strcmp(a->service, b->service) == 0 && a->family == b->family && a->components == b->components &&
           a->n == b->n && memcmp(a->at, b->at, 2 * a->n * sizeof *a->at) == 0 &&
           memcmp(a->inside, b->inside, a->n) == 0 &&
           memcmp(a->mixture, b->mixture, a->n * width * sizeof *a->mixture) == 0;
}

/* The tables of one export say the same. */
static kt_status compare(verification *v, const char *json, const char *csv, kt_error *err)
{
    kt_status status = KT_OK;
    table a = {0}, b = {0};
    size_t i = 0;
    KT_TRY(kt_grid_read(&a.grids, &a.n, &a.branch, json, err));
    KT_TRY(kt_grid_read(&b.grids, &b.n, &b.branch, csv, err));
    while (i < a.n && i < b.n && is_equal(&a.grids[i], &b.grids[i]))
        i++;
    if (i < a.n || i < b.n) {
        const char *service = i < a.n ? a.grids[i].service : b.grids[i].service;
        kt_broken broken = {"tables", (char *)service, "not the same as in the JSON beside it"};
        kt_contract contract = {1, &broken};
        KT_TRY(report(v, kt_json_at(v->files, kt_json_size(v->files) - 1), csv, &contract, err));
    }
out:
    clear_table(&a);
    clear_table(&b);
    return status;
}

/* What a folder may hold, each if it is there; CSV and JSON are the same table twice. */
static const struct {
    const char *name;
    reader read;
} parts[] = {
    {KT_RUN_ARCHIVE, hold_archive}, {EXPORT_TABLE_JSON, hold_tables}, {EXPORT_TABLE_CSV, hold_tables}};
enum { PARTS = sizeof parts / sizeof *parts, JSON = 1, CSV = 2 };

/* Every model of the original's tree. */
static kt_status hold_tree(verification *v, const char *folder, bool *some, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL, *tree = NULL, *path = NULL;
    size_t n = 0;
    KT_TRY(kt_path_join(&tree, folder, "saved_models", err));
    if (kt_path_kind_of(tree) == KT_PATH_FOLDER)
        KT_TRY(kt_folder_list(&names, &n, tree, err));
    for (size_t i = 0; i < n; i++) {
        free(path);
        path = NULL;
        KT_TRY(kt_format(&path, err, "%s/%s/model/model.keras", tree, names[i]));
        if (kt_path_kind_of(path) != KT_PATH_FILE || !is_wanted(v, names[i]))
            continue;
        *some = true;
        KT_TRY(hold_file(v, hold_keras, path, err));
    }
out:
    kt_strings_free(names, n);
    free(tree);
    free(path);
    return status;
}

static kt_status hold_folder(verification *v, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    char *path[PARTS] = {NULL};
    bool there[PARTS] = {false}, some = false;
    for (size_t i = 0; i < PARTS; i++) {
        KT_TRY(kt_path_join(&path[i], folder, parts[i].name, err));
        there[i] = kt_path_kind_of(path[i]) == KT_PATH_FILE;
        some = some || there[i];
        if (there[i] && !(i == CSV && there[JSON]))
            KT_TRY(hold_file(v, parts[i].read, path[i], err));
    }
    if (there[JSON] && there[CSV])
        KT_TRY(compare(v, path[JSON], path[CSV], err));
    KT_TRY(hold_tree(v, folder, &some, err));
    if (!some)
        status =
            kt_fail(err, KT_INPUT, "%s: holds neither %s nor what kt export writes", folder, KT_RUN_ARCHIVE);
out:
    for (size_t i = 0; i < PARTS; i++)
        free(path[i]);
    return status;
}

kt_status verify_contract(const contract_wishes *wishes, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    verification v = {.wishes = wishes, .files = kt_json_array()};
    KT_TRY(command_isa(&v.isa, err));
    if (wishes->rps)
        KT_TRY(axis_read(&v.rps, "--rps", wishes->rps, err));
    if (wishes->rep)
        KT_TRY(axis_read(&v.rep, "--rep", wishes->rep, err));
    if (v.rep.step > 0 && v.rep.from < 1)
        KT_TRY(kt_fail(err, KT_USAGE, "--rep %s: at least 1 replica is wanted", wishes->rep));
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_path_kind_of(paths[i]) == KT_PATH_FOLDER
                   ? hold_folder(&v, paths[i], err)
                   : hold_file(&v, reader_of(paths[i]), paths[i], err));
    }
    if (wishes->json)
        KT_TRY(program_print_json(kt_json_keep(v.files), err));
    if (v.broken > 0)
        status = kt_fail(err, KT_INPUT, "%zu of the contract's checks do not hold", v.broken);
out:
    kt_json_drop(v.files);
    return status;
}
