/* kt next: which load cells to measure next. */
#include "axes.h"
#include "kt/file.h"
#include "kt/folder.h"
#include "kt/kubetwin.h"
#include "kt/next.h"
#include "kt/store.h"
#include "kt/table.h"
#include "points.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t budget, requests;
    const char *rps, *rep, *points, *out, *uri;
    double most;
    kt_texts services;
    bool json, help;
} next_options;

#define AT(field) offsetof(next_options, field)
static const kt_option options[] = {
    {"budget", 'n', KT_OPTION_INT, KT_CLASS_RUN, AT(budget), 1, 1000, NULL, "10", "CELLS",
     "how many cells can be measured", "Cells"},
    {"requests", 0, KT_OPTION_INT, KT_CLASS_RUN, AT(requests), 1, 1e8, NULL, "300", "N",
     "requests that each will have", NULL},
    {"rps", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(rps), 0, 0, NULL, NULL, "FROM:TO:STEP",
     "rates to choose from, in requests per second (what was measured, and half as much again)", NULL},
    {"rep", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(rep), 0, 0, NULL, NULL, "FROM:TO:STEP",
     "replicas to choose from (what was measured, and one more)", NULL},
    {"points", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(points), 0, 0, NULL, NULL, "FILE.csv",
     "cells to choose from: a table with the columns rps_eff and rep", NULL},
    {"most-utilisation", 0, KT_OPTION_REAL, KT_CLASS_RUN, AT(most), 0, 1e9, NULL, "0.95", "SHARE",
     "no cells above it, where a request takes what it took at the lowest load", NULL},
    {"service", 's', KT_OPTION_TEXTS, KT_CLASS_RUN, AT(services), 0, 0, NULL, NULL, "NAME",
     "for this service; may be repeated (all)", NULL},
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL, "PLAN.json",
     "write the cells as a plan for kt load --plan", "Output"},
    {"uri", 'u', KT_OPTION_TEXT, KT_CLASS_RUN, AT(uri), 0, 0, NULL, NULL, "URL",
     "where the plan's requests go (kt load -u)", NULL},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL,
     "print the plan as JSON instead of a table", NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

typedef struct {
    const next_options *o;
    kt_isa isa;
    kt_archive archive;
    size_t n;
    const kt_archive_entry **entries; /* [n] */
    kt_next_service *services;        /* [n] */
    points candidates;
} question;

/* ---- what was measured ---- */

static void put_cell(kt_next_cell *to, const kt_archive_entry *entry, const char *label, const double *mean,
                     double rows)
{
    *to = (kt_next_cell){mean[0], mean[1], rows, 0};
    for (size_t i = 0; label && i < entry->n_cells; i++) {
        const kt_cell_score *score = &entry->cells[i];
        if (score->role == KT_ROLE_HELD_OUT && strcmp(score->label, label) == 0 && score->ks_floor > 0)
            to->excess = fmax(0, score->ks / score->ks_floor - 1);
    }
}

/* Of the run's dataset: all its cells. Without one the archive knows the hull's corners and the held-out
 * cells. */
static kt_status measured(kt_next_service *s, const kt_archive_entry *entry, const kt_store *store,
                          kt_error *err)
{
    kt_status status = KT_OK;
    const kt_hull *hull = &entry->fitted.model.hull;
    const kt_store_service *rows = NULL;
    kt_next_cell *cell = NULL;
    for (size_t i = 0; store && i < kt_store_count(store); i++)
        if (strcmp(kt_store_at(store, i)->name, entry->name) == 0)
            rows = kt_store_at(store, i);
    s->n = rows ? rows->n_cells : hull->n + entry->n_cells;
    KT_TRY(kt_alloc(&cell, s->n, sizeof *cell, err));
    s->cell = cell;
    for (size_t i = 0; rows && i < s->n; i++)
        put_cell(&cell[i], entry, rows->cells[i].label, rows->cells[i].mean, (double)rows->cells[i].rows);
    for (size_t i = 0; !rows && i < hull->n; i++)
        put_cell(&cell[i], entry, NULL, hull->vertex + 2 * i, (double)entry->n_train / (double)(hull->n + 1));
    for (size_t i = 0; !rows && i < entry->n_cells; i++)
        put_cell(&cell[hull->n + i], entry, entry->cells[i].label, entry->cells[i].mean,
                 (double)entry->cells[i].rows);
    s->fixed = true;
    for (size_t i = 1; i < s->n; i++)
        s->fixed = s->fixed && cell[i].rep == cell[0].rep;
out:
    return status;
}

static kt_status choose_services(question *q, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_texts *names = &q->o->services;
    q->n = names->n > 0 ? names->n : q->archive.n_entries;
    if (q->n == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "the archive holds no models"));
    KT_TRY(kt_alloc(&q->entries, q->n, sizeof *q->entries, err));
    KT_TRY(kt_alloc(&q->services, q->n, sizeof *q->services, err));
    for (size_t i = 0; i < q->n; i++) {
        q->entries[i] = &q->archive.entries[i];
        if (names->n > 0)
            KT_TRY(kt_archive_find(&q->entries[i], &q->archive, names->text[i], err));
    }
out:
    return status;
}

/* ---- cells to choose from ---- */

/* What was measured of one column, and `more` at its upper end. */
static kt_axis around(const question *q, int column, double more)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < q->n; i++)
        for (size_t k = 0; k < q->services[i].n; k++) {
            const kt_next_cell *cell = &q->services[i].cell[k];
            low = fmin(low, column ? cell->rep : cell->rps);
            high = fmax(high, column ? cell->rep : cell->rps);
        }
    return (kt_axis){low, column ? high + more : high * more, 1};
}

static kt_status grid(question *q, kt_error *err)
{
    kt_status status = KT_OK;
    enum { RATES = 24 };
    kt_axis rps = around(q, 0, 1.5), rep = around(q, 1, 1);
    bool fixed = true;
    for (size_t i = 0; i < q->n; i++)
        fixed = fixed && q->services[i].fixed;
    if (fixed)
        rep.to = rep.from;
    rps.step = fmax(1, ceil((rps.to - rps.from) / RATES));
    rps.from = ceil(rps.from);
    if (q->o->rps)
        KT_TRY(axis_read(&rps, "--rps", q->o->rps, err));
    if (q->o->rep)
        KT_TRY(axis_read(&rep, "--rep", q->o->rep, err));
    KT_TRY(kt_grid_points(&q->candidates.x, &q->candidates.n, &q->entries[0]->fitted.model.hull, &rps, &rep,
                          err));
out:
    return status;
}

/* The mean time where the load is lowest, of the visits that a request makes, by so many workers. */
static kt_status busy(double *seconds, const question *q, size_t i, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_next_service *s = &q->services[i];
    kt_serving serving;
    *seconds = INFINITY;
    KT_TRY(kt_serving_read(&serving, q->archive.cleaning, q->entries[i]->name, err));
    for (size_t k = 0; k < s->n; k++) {
        const double at[2] = {s->cell[k].rps, s->cell[k].rep};
        kt_mixture mixture = kt_predict_point(s->predictor, at);
        *seconds = fmin(*seconds, fmax(0, kt_mixture_mean(&mixture)));
    }
    *seconds *= isnan(serving.visits) ? 1 : serving.visits;
    *seconds /= isnan(serving.at_a_time) ? 1 : fmax(1, ceil(serving.at_a_time));
out:
    return status;
}

static kt_status leave_out_overload(question *q, kt_error *err)
{
    points *p = &q->candidates;
    for (size_t i = 0; i < q->n; i++) {
        const kt_next_service *s = &q->services[i];
        size_t kept = 0;
        for (size_t k = 0; k < p->n; k++) {
            const double *at = p->x + 2 * k;
            if (at[0] * s->busy / (s->fixed ? s->cell[0].rep : at[1]) <= q->o->most)
                memmove(p->x + 2 * kept++, at, 2 * sizeof *at);
        }
        p->n = kept;
    }
    return p->n > 0
               ? KT_OK
               : kt_fail(err, KT_INPUT, "no cell to choose from is below --most-utilisation %g", q->o->most);
}

/* ---- output ---- */

static kt_json *plan_of(const question *q, const kt_next_choice *chosen, size_t n)
{
    kt_json *plan = kt_json_object(), *cells = kt_json_array();
    for (size_t c = 0; c < n; c++) {
        const double *at = q->candidates.x + 2 * chosen[c].candidate;
        kt_json *reps = kt_json_object();
        for (size_t i = 0; i < q->n; i++) {
            double rep = q->services[i].fixed ? q->services[i].cell[0].rep : at[1];
            kt_json_put(reps, q->entries[i]->name, kt_json_int((int64_t)rint(rep)));
        }
        kt_json *cell = kt_json_put(kt_json_object(), "rps", kt_json_real(at[0]));
        kt_json_append(cells, kt_json_put(cell, "rep", reps));
    }
    if (q->o->uri)
        kt_json_put(plan, "uri", kt_json_string(q->o->uri));
    kt_json_put(plan, "requests", kt_json_int(q->o->requests));
    return kt_json_put(plan, "cells", cells);
}

static kt_status print_table(const question *q, const kt_next_choice *chosen, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    char *text = NULL;
    KT_TRY(kt_table_create(&table, ">|rps>|rep>|takes away>|most for|because it is", err));
    for (size_t c = 0; c < n; c++) {
        const double *at = q->candidates.x + 2 * chosen[c].candidate;
        KT_TRY(kt_table_cell(table, err, "%zu", c + 1));
        KT_TRY(kt_table_cell(table, err, "%.4g", at[0]));
        KT_TRY(kt_table_cell(table, err, "%g", at[1]));
        KT_TRY(kt_table_cell(table, err, "%.1f %%", 100 * chosen[c].gain));
        KT_TRY(kt_table_cell(table, err, "%s", q->entries[chosen[c].service]->name));
        KT_TRY(kt_table_cell(table, err, "%s", kt_next_text[chosen[c].reason]));
    }
    KT_TRY(kt_table_text(&text, table, err));
    fputs(text, stdout);
out:
    free(text);
    kt_table_destroy(table);
    return status;
}

static kt_status write_plan(const question *q, kt_json *plan, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *line = NULL;
    KT_TRY(kt_json_text(&text, plan, 2, err));
    KT_TRY(kt_format(&line, err, "%s\n", text));
    KT_TRY(kt_file_write(q->o->out, line, strlen(line), err));
out:
    free(text);
    free(line);
    return status;
}

static kt_status answer(const question *q, kt_error *err)
{
    kt_status status = KT_OK;
    kt_next_choice *chosen = NULL;
    kt_json *plan = NULL;
    size_t n = 0;
    KT_TRY(kt_alloc(&chosen, (size_t)q->o->budget, sizeof *chosen, err));
    KT_TRY(kt_next_choose(chosen, &n, (size_t)q->o->budget, q->services, q->n, q->candidates.x,
                          q->candidates.n, (double)q->o->requests, err));
    plan = plan_of(q, chosen, n);
    if (q->o->out)
        KT_TRY(write_plan(q, plan, err));
    KT_TRY(q->o->json ? program_print_json(kt_json_keep(plan), err) : print_table(q, chosen, n, err));
out:
    kt_json_drop(plan);
    free(chosen);
    return status;
}

static kt_status read_run(char **archive, kt_store **store, const char *given, kt_error *err)
{
    kt_status status = KT_OK;
    char *dataset = NULL;
    if (kt_path_kind_of(given) != KT_PATH_FOLDER)
        return kt_strdup(archive, given, err);
    KT_TRY(kt_path_join(archive, given, KT_RUN_ARCHIVE, err));
    KT_TRY(kt_path_join(&dataset, given, KT_RUN_DATASET, err));
    if (kt_path_kind_of(dataset) == KT_PATH_FILE)
        KT_TRY(kt_store_open(store, dataset, err));
out:
    free(dataset);
    return status;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    question q = {.o = given};
    kt_store *store = NULL;
    char *path = NULL;
    (void)n;
    if (q.o->points && (q.o->rps || q.o->rep))
        KT_TRY(kt_fail(err, KT_USAGE, "--points has the cells: not together with --rps or --rep"));
    KT_TRY(command_isa(&q.isa, err));
    KT_TRY(read_run(&path, &store, paths[0], err));
    KT_TRY(kt_archive_read(&q.archive, path, err));
    KT_TRY(kt_grid_check(&q.archive, err));
    KT_TRY(choose_services(&q, err));
    for (size_t i = 0; i < q.n; i++)
        KT_TRY(kt_archive_predictor(&q.services[i].predictor, q.entries[i], q.isa, err));
    for (size_t i = 0; i < q.n; i++)
        KT_TRY(measured(&q.services[i], q.entries[i], store, err));
    for (size_t i = 0; i < q.n; i++)
        KT_TRY(busy(&q.services[i].busy, &q, i, err));
    KT_TRY(q.o->points ? points_from_file(&q.candidates, &q.archive, q.o->points, err) : grid(&q, err));
    KT_TRY(leave_out_overload(&q, err));
    KT_TRY(answer(&q, err));
out:
    for (size_t i = 0; q.services && i < q.n; i++) {
        kt_predictor_destroy(q.services[i].predictor);
        free((void *)q.services[i].cell);
    }
    free(q.services);
    free(q.entries);
    points_clear(&q.candidates);
    kt_archive_clear(&q.archive);
    kt_store_close(store);
    free(path);
    return status;
}

const kt_command command_next = {
    .name = "next",
    .summary = "Says which load cells to measure next",
    .usage = "RUN|ARCHIVE --budget 10 [--out PLAN.json]",
    .about =
        "Cells far from what was measured, at the edge of it and beyond, with few rows for the spread of "
        "their "
        "times, and\n"
        "near held-out cells that are badly met, in the order in which they should be run. Without the run's "
        "dataset only\n"
        "the hull's corners and the held-out cells are known as measured.\n",
    .options = options,
    .size = sizeof(next_options),
    .least = 1,
    .most = 1,
    .run = run,
};
