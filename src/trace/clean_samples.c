#include "clean_private.h"

#include "kt/steps.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

/* Rates that were asked, then replicas, of the services that have rows, in byte order. */
static size_t key_of(double *key, const kt_cleaned *c, uint32_t cell)
{
    size_t n = 0;
    for (int part = 0; part < 2; part++) {
        for (size_t k = 0; k < c->names.n; k++) {
            uint32_t s = c->by_name[k];
            if (c->service[s].rows > 0)
                key[n++] = part == 0 ? c->cells.cell[cell].asked : c->reps.rep[cell * c->names.n + s];
        }
    }
    return n;
}

/* A cell that nobody named: its number, rate and replicas. */
static void label_found(char label[KT_LABEL], const kt_cleaned *c, uint32_t cell, const double *rep, size_t n)
{
    char text[1024];
    bool equal = true;
    size_t at = (size_t)snprintf(text, sizeof text, "cell=%u rps=%.3g", cell, c->cells.cell[cell].rate);
    for (size_t k = 1; k < n; k++)
        equal &= rep[k] == rep[0];
    for (size_t k = 0; k < (equal ? 1 : n) && at < sizeof text - 32; k++) {
        const char *mark = k == 0 ? " rep=" : ",";
        at += (size_t)(isnan(rep[k]) ? snprintf(text + at, sizeof text - at, "%s-", mark)
                                     : snprintf(text + at, sizeof text - at, "%s%.6g", mark, rep[k]));
    }
    kt_label_write(label, text);
}

kt_status kt_cleaned_label(kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    kt_steps steps = {.rule = KT_CELLS_NOMINAL};
    double *key = NULL;
    uint32_t *step = NULL;
    c->cell_rule = KT_CELLS_NOMINAL;
    KT_TRY(kt_alloc(&c->label, c->cells.n, sizeof *c->label, err));
    KT_TRY(kt_grow(&key, 2 * c->names.n, sizeof *key, err));
    KT_TRY(kt_alloc(&step, c->cells.n, sizeof *step, err));
    memset(step, 0xFF, c->cells.n * sizeof *step);
    for (size_t i = 0; i < c->n_rows; i++)
        if (!(c->cells.cell[c->visits.visit[c->row[i]].cell].asked > 0))
            c->cell_rule = KT_CELLS_COLUMN;
    for (size_t i = 0; i < c->n_rows; i++) { /* in the order in which a reader meets them */
        uint32_t cell = c->visits.visit[c->row[i]].cell;
        if (step[cell] != UINT32_MAX)
            continue;
        steps.n_keys = key_of(key, c, cell);
        steps.n_rates = steps.n_keys / 2;
        step[cell] = 0;
        if (c->cell_rule == KT_CELLS_NOMINAL)
            KT_TRY(kt_steps_of_values(&step[cell], &steps, key, err));
        else
            label_found(c->label[cell], c, cell, key + steps.n_rates, steps.n_rates);
    }
    for (uint32_t k = 0; k < c->cells.n; k++) {
        size_t n = key_of(key, c, k) / 2;
        if (step[k] == UINT32_MAX) /* without rows: for people */
            label_found(c->label[k], c, k, key + n, n);
        else if (c->cell_rule == KT_CELLS_NOMINAL)
            KT_TRY(kt_steps_label(c->label[k], &steps, step[k], err));
    }
out:
    kt_steps_clear(&steps);
    free(key);
    free(step);
    return status;
}

/* ---- samples ---- */

static kt_status add_service(kt_service *to, const kt_cleaned *c, uint32_t service, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_cleaned_service *s = &c->service[service];
    *to = (kt_service){.rule = c->cell_rule,
                       .target = s->target,
                       .blank_targets = s->no_delay,
                       .negative_delays = s->negative_delays};
    KT_TRY(kt_strdup(&to->name, c->names.name[service], err));
    KT_TRY(kt_alloc(&to->x, 2 * s->rows, sizeof *to->x, err));
    KT_TRY(kt_alloc(&to->y, s->rows, sizeof *to->y, err));
    KT_TRY(kt_alloc(&to->cell, s->rows, sizeof *to->cell, err));
out:
    return status;
}

/* Cells of equal labels are one, numbered as the service's rows meet them. */
static kt_status cell_of(uint32_t *number, kt_service *s, uint32_t *of_cell, const kt_cleaned *c,
                         uint32_t cell, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t k = of_cell[cell];
    if (k == KT_NONE) {
        k = c->cell_rule == KT_CELLS_COLUMN ? (uint32_t)s->n_cells : 0; /* numbered: no two are equal */
        while (k < s->n_cells && strcmp(s->cells[k].label, c->label[cell]) != 0)
            k++;
        if (k == s->n_cells) {
            KT_TRY(kt_grow(&s->cells, s->n_cells + 1, sizeof *s->cells, err));
            s->cells[s->n_cells] = (kt_cell){.rows = 0};
            memcpy(s->cells[s->n_cells++].label, c->label[cell], KT_LABEL);
        }
        of_cell[cell] = k;
    }
    *number = k;
out:
    return status;
}

/* Milliseconds first, as the cleaned form of tables has them: a reader of it makes the same bits. */
static double target_of(const kt_cleaned *c, const kt_visit *v)
{
    double ms = (double)v->proc / 1e6;
    if (c->service[v->service].target == KT_TARGET_PROC_DELAY)
        ms += (double)kt_cleaned_delay(c, v) / 1e6;
    return ms / 1e3;
}

static kt_status add_rows(kt_samples *samples, const kt_cleaned *c, const uint32_t *place, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *of_cell = NULL;
    KT_TRY(kt_grow(&of_cell, samples->n_services * c->cells.n, sizeof *of_cell, err));
    memset(of_cell, 0xFF, samples->n_services * c->cells.n * sizeof *of_cell);
    for (size_t i = 0; i < c->n_rows; i++) {
        const kt_visit *v = &c->visits.visit[c->row[i]];
        kt_service *s = &samples->services[place[v->service]];
        s->x[2 * s->n] = v->rate;
        s->x[2 * s->n + 1] = v->rep;
        s->y[s->n] = target_of(c, v);
        KT_TRY(cell_of(&s->cell[s->n], s, of_cell + place[v->service] * c->cells.n, c, v->cell, err));
        s->n++;
    }
out:
    free(of_cell);
    return status;
}

static kt_status write_papers(kt_samples *samples, const kt_cleaned *c, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *about = kt_json_object();
    kt_json_put(about, "format", kt_json_string("traces"));
    kt_json_put(about, "entry", kt_json_string(c->names.name[c->requests.entry]));
    kt_json_put(about, "spans", kt_json_int((int64_t)(c->spans->n + c->spans->duplicates)));
    kt_json_put(about, "begins_us", kt_json_int(c->requests.request[0].start / 1000));
    kt_json_put(about, "ends_us", kt_json_int(c->requests.request[c->requests.n - 1].start / 1000));
    KT_TRY(kt_json_text(&samples->provenance, about, 0, err));
    KT_TRY(kt_json_text(&samples->cleaning, c->report, 0, err));
out:
    kt_json_drop(about);
    return status;
}

kt_status kt_cleaned_samples(kt_samples *samples, const kt_cleaned *c, kt_error *err)
{
    static const char *const features[] = {"rps_eff", "rep"};
    kt_status status = KT_OK;
    uint32_t *place = NULL;
    KT_TRY(kt_alloc(&place, c->names.n, sizeof *place, err));
    for (int f = 0; f < 2; f++) {
        KT_TRY(kt_strdup(&samples->feature[f], features[f], err));
        samples->d++;
    }
    KT_TRY(kt_alloc(&samples->services, c->names.n, sizeof *samples->services, err));
    for (size_t k = 0; k < c->names.n; k++) {
        uint32_t s = c->by_name[k];
        if (c->service[s].rows == 0)
            continue;
        place[s] = (uint32_t)samples->n_services++;
        KT_TRY(add_service(&samples->services[place[s]], c, s, err));
    }
    KT_TRY(add_rows(samples, c, place, err));
    KT_TRY(write_papers(samples, c, err));
    KT_TRY(kt_samples_finish(samples, err));
out:
    free(place);
    return status;
}
