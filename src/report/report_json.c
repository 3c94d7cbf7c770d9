/* The report for machines: what kt evaluate's JSON says of each cell, intervals, curves and verdicts. */
#include "findings.h"
#include "kt/json.h"
#include "kt/scores.h"
#include "sweeps.h"
#include <stdlib.h>
#include <string.h>

static kt_json *score_json(const kt_score *s)
{
    kt_json *json = kt_json_put(kt_json_object(), "cells", kt_json_int((int64_t)s->cells));
    kt_json_put(json, "ks", kt_json_real(s->ks));
    kt_json_put(json, "ks_floor", kt_json_real(s->ks_floor));
    kt_json_put(json, "relative_error_p95", kt_json_real(s->error[1]));
    kt_json_put(json, "nll", kt_json_real(s->nll));
    return kt_json_put(json, "crps", kt_json_real(s->crps));
}

static kt_json *model_lines(const found_service *f)
{
    kt_json *list = kt_json_array();
    double x[GRID];
    for (size_t p = 0; p < f->n_panels; p++) {
        const found_panel *panel = &f->panels[p];
        for (int k = 0; k < GRID; k++)
            x[k] = found_grid(panel, k);
        kt_json *json = kt_json_put(kt_json_object(), "where", kt_json_string(panel->label));
        kt_json_put(json, "x", kt_json_reals(x, GRID));
        kt_json_put(json, "p50", kt_json_reals(panel->line[0], GRID));
        kt_json_put(json, "p95", kt_json_reals(panel->line[1], GRID));
        kt_json_put(json, "p99", kt_json_reals(panel->line[2], GRID));
        if (panel->in_hull)
            kt_json_put(json, "hull", kt_json_reals((const double[]){panel->low, panel->high}, 2));
        kt_json_append(list, json);
    }
    return list;
}

/* Adds to a cell, as kt_scores_json has it, what its rows say besides. */
static void add_rows(kt_json *json, const found_cell *cell)
{
    if (!cell->seen)
        return;
    kt_json_put(json, "observed_low", kt_json_reals(cell->low, KT_QUANTILES));
    kt_json_put(json, "observed_high", kt_json_reals(cell->high, KT_QUANTILES));
    kt_json *curve = kt_json_put(kt_json_object(), "seconds", kt_json_reals(cell->time, CURVE));
    kt_json_put(curve, "measured", kt_json_reals(cell->share, CURVE));
    kt_json_put(json, "distribution", kt_json_put(curve, "predicted", kt_json_reals(cell->predicted, CURVE)));
}

static kt_status service_json(kt_json **out, const found_service *f, kt_error *err)
{
    kt_status status = KT_OK;
    kt_cell_score *scores = NULL;
    char reason[512];
    *out = NULL;
    KT_TRY(kt_alloc(&scores, f->n_cells, sizeof *scores, err));
    for (size_t c = 0; c < f->n_cells; c++)
        scores[c] = f->cells[c].score;
    const kt_scored scored = {f->entry->name, f->entry->n_train, f->entry->fitted.flags, scores, f->n_cells};
    kt_json *list = kt_scores_json(&scored, 1, true), *json = kt_json_keep(kt_json_at(list, 0));
    kt_json_drop(list);
    for (size_t c = 0; c < f->n_cells; c++)
        add_rows(kt_json_at(kt_json_get(json, "cells"), c), &f->cells[c]);
    kt_verdict_reason(reason, sizeof reason, &f->interior);
    if (f->entry->n_more > 0)
        kt_json_put(json, "members", kt_json_int((int64_t)kt_archive_members(f->entry)));
    kt_json_put(json, "verdict", kt_json_string(kt_verdict_text[f->verdict]));
    kt_json_put(json, "reason", kt_json_string(reason));
    kt_json_put(json, "model", model_lines(f));
    if (f->other) {
        kt_json *compared = kt_json_put(kt_json_object(), "own", score_json(&f->comparison.own));
        kt_json_put(compared, "trained_on", kt_json_int((int64_t)f->comparison.trained_on));
        kt_json_put(compared, "unknown_rows", kt_json_bool(f->comparison.unknown_rows));
        kt_json_put(json, "compared", kt_json_put(compared, "other", score_json(&f->comparison.other)));
    }
    *out = json;
out:
    free(scores);
    return status;
}

kt_status kt_report_json(char **out, size_t *n, const kt_report *report, kt_error *err)
{
    kt_status status = KT_OK;
    findings f = {.n = 0};
    kt_json *json = kt_json_object(), *services = kt_json_array(), *options = NULL, *one = NULL;
    KT_TRY(findings_make(&f, report, err));
    for (size_t i = 0; i < f.n; i++) {
        KT_TRY(service_json(&one, &f.services[i], err));
        kt_json_append(services, one);
    }
    KT_TRY(kt_json_parse(&options, report->archive->config, strlen(report->archive->config), "config", err));
    kt_json_put(json, "options", options);
    options = NULL;
    if (f.sweep)
        kt_json_put(json, "sweep", kt_json_keep(f.sweep));
    if (report->sweep) {
        KT_TRY(sweep_report_json(&one, report->sweep, err));
        kt_json_put(json, "sweep_run", one);
    }
    kt_json_put(json, "archive_sha256", kt_json_string(report->digest));
    kt_json_put(json, "numerics", kt_json_int(report->archive->numerics));
    kt_json_put(json, "services", kt_json_keep(services));
    KT_TRY(kt_json_text(out, json, 2, err));
    *n = strlen(*out);
out:
    kt_json_drop(json);
    kt_json_drop(services);
    kt_json_drop(options);
    findings_clear(&f);
    return status;
}
