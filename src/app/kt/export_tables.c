/* kt export --format json, csv, kubetwin: mixtures on a grid; for KubeTwin its configuration too. */
#include "axes.h"
#include "export.h"
#include "kt/contract.h"
#include "kt/file.h"
#include "kt/keras.h"
#include "kt/stage.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const export_job *job;
    kt_grid_form form;
    kt_isa isa;
    kt_grid *grids; /* [job->n] */
    kt_stage *stage;
} tables;

/* ---- mixtures ---- */

static kt_status check_finite(const kt_grid *grid, kt_error *err)
{
    size_t width = 3 * (size_t)grid->components;
    for (size_t i = 0; i < grid->n * width; i++)
        if (!isfinite(grid->mixture[i]))
            return kt_fail(err, KT_NUMERIC, "service %s at rps %g, rep %g: the mixture is not finite",
                           grid->service, grid->at[2 * (i / width)], grid->at[2 * (i / width) + 1]);
    return KT_OK;
}

static kt_status make_grids(tables *t, kt_error *err)
{
    kt_status status = KT_OK;
    const export_job *job = t->job;
    kt_axis rps, rep;
    double *at = NULL;
    KT_TRY(kt_grid_check(job->archive, err));
    KT_TRY(axes_read(&rps, &rep, &job->options->grids, err));
    KT_TRY(kt_alloc(&t->grids, job->n, sizeof *t->grids, err));
    for (size_t i = 0; i < job->n; i++) {
        const kt_archive_entry *entry = job->entries[i];
        kt_serving serving;
        size_t n = 0;
        free(at);
        at = NULL;
        KT_TRY(kt_serving_read(&serving, job->archive->cleaning, entry->name, err));
        KT_TRY(kt_grid_points(&at, &n, &entry->fitted.model.hull, &rps, &rep, err));
        KT_TRY(kt_grid_make(&t->grids[i], entry, &serving, at, n, t->form, t->isa, err));
        KT_TRY(check_finite(&t->grids[i], err));
    }
out:
    free(at);
    return status;
}

static kt_status begin(tables *t, const export_job *job, kt_grid_form form, kt_error *err)
{
    kt_status status = KT_OK;
    *t = (tables){.job = job, .form = form};
    KT_TRY(command_isa(&t->isa, err));
    KT_TRY(make_grids(t, err));
    KT_TRY(kt_stage_begin(&t->stage, job->options->out, err));
out:
    return status;
}

static void end(tables *t)
{
    for (size_t i = 0; t->grids && i < t->job->n; i++)
        kt_grid_clear(&t->grids[i]);
    free(t->grids);
    kt_stage_end(t->stage);
}

static kt_status write_csv(const tables *t, kt_error *err)
{
    char *path = NULL;
    kt_status status = kt_path_join(&path, kt_stage_path(t->stage), EXPORT_TABLE_CSV, err);
    if (status == KT_OK)
        status = kt_grid_write_csv(path, t->grids, t->job->n, t->form, err);
    free(path);
    return status;
}

static kt_status write_json(const tables *t, const char *branch, kt_error *err)
{
    char *path = NULL;
    kt_status status = kt_path_join(&path, kt_stage_path(t->stage), EXPORT_TABLE_JSON, err);
    if (status == KT_OK)
        status = kt_grid_write_json(path, t->grids, t->job->n, t->form, branch, err);
    free(path);
    return status;
}

static void tell(const tables *t, const char *files)
{
    size_t points = 0;
    if (t->job->options->quiet)
        return;
    for (size_t i = 0; i < t->job->n; i++)
        points += t->grids[i].n;
    printf("%s: %s; %zu services, %zu mixtures\n", t->job->options->out, files, t->job->n, points);
}

kt_status export_csv(const export_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    tables t;
    KT_TRY(begin(&t, job, KT_GRID_PLAIN, err));
    KT_TRY(write_csv(&t, err));
    KT_TRY(kt_stage_commit(t.stage, job->options->force, err));
    t.stage = NULL;
    tell(&t, EXPORT_TABLE_CSV);
out:
    end(&t);
    return status;
}

kt_status export_json(const export_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    tables t;
    KT_TRY(begin(&t, job, KT_GRID_PLAIN, err));
    KT_TRY(write_json(&t, NULL, err));
    KT_TRY(kt_stage_commit(t.stage, job->options->force, err));
    t.stage = NULL;
    tell(&t, EXPORT_TABLE_JSON);
out:
    end(&t);
    return status;
}

/* ---- KubeTwin ---- */

/* The number of replicas that --rep gives the entry; NaN: none. */
static kt_status rep_given(double *rep, const export_job *job, const kt_archive_entry *entry, kt_error *err)
{
    double all = NAN, own = NAN;
    for (size_t i = 0; i < job->options->rep.n; i++) {
        const char *text = job->options->rep.text[i], *equals = strrchr(text, '=');
        const kt_archive_entry *named = NULL;
        double value, *to = equals ? &own : &all;
        char name[KT_NAME];
        if (!command_number(&value, equals ? equals + 1 : text) || value < 1 || value != floor(value))
            return kt_fail(err, KT_USAGE, "--rep %s: N or NAME=N with a whole N of at least 1 is wanted",
                           text);
        if (equals) {
            snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
            kt_status status = kt_archive_find(&named, job->archive, name, err);
            if (status != KT_OK)
                return status;
            if (named != entry)
                continue;
        }
        if (!isnan(*to) && *to != value)
            return kt_fail(
                err, KT_USAGE,
                "--rep gives %s %g replicas and %g: KubeTwin keeps one mixture for a name and a rate, "
                "the second would silently get the first; give the service two names",
                equals ? entry->name : "all services", *to, value);
        *to = value;
    }
    *rep = isnan(own) ? all : own;
    return KT_OK;
}

/* The replicas of each service, at[2 i + 1]; where not given: the fewest that were trained for. */
static kt_status choose_replicas(double *at, const export_job *job, kt_error *err)
{
    for (size_t i = 0; i < job->n; i++) {
        const kt_hull *hull = &job->entries[i]->fitted.model.hull;
        double least = INFINITY;
        kt_status status = rep_given(&at[2 * i + 1], job, job->entries[i], err);
        if (status != KT_OK)
            return status;
        for (size_t k = 0; k < hull->n; k++)
            least = fmin(least, hull->vertex[2 * k + 1]);
        if (isnan(at[2 * i + 1]))
            at[2 * i + 1] = job->options->branch == KT_BRANCH_MASTER ? 1 : fmax(1, ceil(least));
    }
    return KT_OK;
}

/* The rate, at[2 i]: one for all services, as the requests at the entry are. Where not given: the middle of
 * the rates that all were trained for; where there are none, of each one's own. */
static kt_status choose_rates(double *at, const export_job *job, kt_error *err)
{
    double low, high, from = -INFINITY, to = INFINITY, given = 0;
    const char *text = job->options->rps;
    if (text && (!command_number(&given, text) || given < 0))
        return kt_fail(err, KT_USAGE, "--rps %s: a rate of at least 0 is wanted", text);
    for (size_t i = 0; i < job->n; i++) {
        const kt_hull *hull = &job->entries[i]->fitted.model.hull;
        if (!kt_hull_section(&low, &high, hull, 0, at + 2 * i))
            low = high = hull->vertex[0];
        at[2 * i] = text ? given : rint((low + high) / 2);
        from = fmax(from, low);
        to = fmin(to, high);
    }
    for (size_t i = 0; !text && from <= to && i < job->n; i++)
        at[2 * i] = rint((from + to) / 2);
    return KT_OK;
}

/* Refuses what KubeTwin would be silently wrong with; says the rest. */
static kt_status check_contract(const export_job *job, const kt_archive_entry *entry,
                                const kt_serving *serving, const double at[2], kt_isa isa, kt_error *err)
{
    kt_status status = KT_OK;
    kt_branch branch = (kt_branch)job->options->branch;
    kt_contract contract = {0};
    kt_grid grid = {0};
    double *load = NULL;
    KT_TRY(kt_contract_points(&grid, &load, entry, serving, branch, 1, at, 1, isa, err));
    KT_TRY(kt_contract_hold(&contract, &grid, load, branch, 1, err));
    for (size_t i = 0; i < contract.n; i++) {
        const kt_broken *b = &contract.broken[i];
        if (strcmp(b->check, "family") == 0 || strcmp(b->check, "finite") == 0)
            KT_TRY(kt_fail(err, KT_INPUT, "%s: service %s: %s", job->path, b->service, b->text));
        if (!job->options->quiet)
            fprintf(stderr, "kt export: %s: %s: %s\n", b->service, b->check, b->text);
    }
out:
    kt_contract_clear(&contract);
    kt_grid_clear(&grid);
    free(load);
    return status;
}

/* Whole: KubeTwin is started where it lies. */
static kt_status model_path(char **path, const char *out, const char *service, kt_error *err)
{
    kt_status status = KT_OK;
    char here[PATH_MAX] = "", *place = NULL;
    if (out[0] != '/' && !getcwd(here, sizeof here))
        KT_TRY(kt_fail_errno(err, KT_IO, "the present folder"));
    KT_TRY(kt_keras_place(&place, service, err));
    KT_TRY(kt_format(path, err, "%s%s%s/%s", here, *here ? "/" : "", out, place));
out:
    free(place);
    return status;
}

/* One service of the configuration, with the mixture that it holds. */
typedef struct {
    char *model;
    kt_grid grid;
    kt_mixture mixture;
} conf_part;

static kt_status make_part(kt_kubetwin_entry *e, conf_part *part, const tables *t, size_t i, const double *at,
                           kt_error *err)
{
    kt_status status = KT_OK;
    const export_job *job = t->job;
    const kt_archive_entry *entry = job->entries[i];
    const kt_serving *serving = &t->grids[i].serving;
    double asked[2];
    KT_TRY(check_contract(job, entry, serving, at, t->isa, err));
    kt_branch_table[job->options->branch].ask(asked, at[0],
                                              at[0] * (isnan(serving->visits) ? 1 : serving->visits), at[1]);
    KT_TRY(kt_grid_make(&part->grid, entry, serving, asked, 1, KT_GRID_ERV, t->isa, err));
    KT_TRY(model_path(&part->model, job->options->out, entry->name, err));
    part->mixture = kt_grid_mixture(&part->grid, 0);
    *e = (kt_kubetwin_entry){
        entry->name, part->model, at[0], at[1], entry->target, kt_archive_members(entry), &part->mixture};
out:
    return status;
}

static kt_status write_conf(const tables *t, kt_error *err)
{
    kt_status status = KT_OK;
    kt_kubetwin_entry *entries = NULL;
    conf_part *parts = NULL;
    double *at = NULL;
    char *text = NULL, *path = NULL;
    size_t n = t->job->n;
    KT_TRY(kt_alloc(&entries, n, sizeof *entries, err));
    KT_TRY(kt_alloc(&parts, n, sizeof *parts, err));
    KT_TRY(kt_alloc(&at, 2 * n, sizeof *at, err));
    KT_TRY(choose_replicas(at, t->job, err));
    KT_TRY(choose_rates(at, t->job, err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(make_part(&entries[i], &parts[i], t, i, at + 2 * i, err));
    KT_TRY(kt_kubetwin_conf(&text, (kt_branch)t->job->options->branch, entries, n, err));
    KT_TRY(kt_path_join(&path, kt_stage_path(t->stage), EXPORT_CONF, err));
    KT_TRY(kt_stage_write(path, text, strlen(text), err));
out:
    for (size_t i = 0; parts && i < n; i++) {
        free(parts[i].model);
        kt_grid_clear(&parts[i].grid);
    }
    free(entries);
    free(parts);
    free(at);
    free(text);
    free(path);
    return status;
}

/* Before ERV's names are asked for: not every family has one. */
static kt_status check_families(const export_job *job, kt_error *err)
{
    const kt_branch_rules *branch = &kt_branch_table[job->options->branch];
    for (size_t i = 0; i < job->n; i++) {
        kt_family family = job->entries[i]->fitted.model.net.family;
        if (family != branch->family)
            return kt_fail(
                err, KT_INPUT,
                "%s: service %s is %s, branch %s takes a model's outputs for %s: it would run and be "
                "wrong; train with --family %s%s",
                job->path, job->entries[i]->name, kt_family_table[family].name, branch->name,
                kt_family_table[branch->family].name, kt_family_table[branch->family].name,
                family == KT_GAMMA     ? ", or say --branch master"
                : family == KT_WEIBULL ? ", or say --branch mdn_application_2024"
                                       : "");
    }
    return KT_OK;
}

kt_status export_kubetwin(const export_job *job, kt_error *err)
{
    kt_status status = KT_OK;
    tables t = {.job = job};
    const kt_keras_options models = {.flavour = KT_KERAS_2};
    KT_TRY(check_families(job, err));
    KT_TRY(begin(&t, job, KT_GRID_ERV, err));
    KT_TRY(write_csv(&t, err));
    KT_TRY(write_json(&t, kt_branch_table[job->options->branch].name, err));
    KT_TRY(write_conf(&t, err));
    KT_TRY(kt_keras_export(kt_stage_path(t.stage), job->archive, job->entries, job->n, &models, err));
    KT_TRY(kt_stage_commit(t.stage, job->options->force, err));
    t.stage = NULL;
    tell(&t, "saved_models, " EXPORT_CONF ", " EXPORT_TABLE_CSV ", " EXPORT_TABLE_JSON);
    export_tell_best(job);
out:
    end(&t);
    return status;
}
