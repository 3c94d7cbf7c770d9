#include "kt/scores.h"

#include "kt/fit.h"
#include "kt/table.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROLES = 3 };
static const kt_role roles[ROLES] = {KT_ROLE_HELD_OUT, KT_ROLE_TRAINING, KT_ROLE_NEW};
static const char *const quantile_name[KT_QUANTILES] = {"p50", "p95", "p99"};

static const struct {
    uint32_t flag;
    const char *text;
} flag_texts[] = {
    {KT_FLAG_FEW_ROWS, "few rows"},
    {KT_FLAG_TIES, "ties"},
    {KT_FLAG_CONSTANT, "a feature never varied"},
    {KT_FLAG_OVER_BOUND, "shape over its bound"},
    {KT_FLAG_RETREATED, "retreated"},
    {KT_FLAG_FLOORED, "rows at the floor"},
    {KT_FLAG_NO_HELD_OUT, "nothing held out"},
};

void kt_flags_text(char *text, size_t size, uint32_t flags)
{
    text[0] = '\0';
    for (size_t i = 0; i < sizeof flag_texts / sizeof *flag_texts; i++) {
        size_t n = strlen(text);
        if (flags & flag_texts[i].flag)
            snprintf(text + n, size - n, "%s%s", n > 0 ? ", " : "", flag_texts[i].text);
    }
}

/* ---- tables ---- */

typedef struct {
    const char *format;
    double value;
} number;

static kt_status number_cells(kt_table *table, const number *numbers, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < n; i++) {
        char text[32] = "-";
        if (isfinite(numbers[i].value))
            snprintf(text, sizeof text, numbers[i].format, numbers[i].value);
        KT_TRY(kt_table_cell(table, err, "%s", text));
    }
out:
    return status;
}

static kt_status score_line(kt_table *table, const kt_scored *s, const char *role, const char *place,
                            const kt_score *score, kt_error *err)
{
    kt_status status = KT_OK;
    char flags[160];
    const number numbers[] = {
        {"%.3f", score->ks},
        {"%.3f", score->ks_floor},
        {"%.1f %%", 100 * score->error[0]},
        {"%.1f %%", 100 * score->error[1]},
        {"%.1f %%", 100 * score->error[2]},
        {"%.3f", score->nll},
        {"%.3f", 1e3 * score->crps},
    };
    kt_flags_text(flags, sizeof flags, s->flags);
    KT_TRY(kt_table_cell(table, err, "%s", s->name));
    KT_TRY(kt_table_cell(table, err, "%zu", s->rows));
    KT_TRY(kt_table_cell(table, err, "%s%s%s", role, place[0] ? ", " : "", place));
    KT_TRY(kt_table_cell(table, err, "%llu", (unsigned long long)score->cells));
    KT_TRY(number_cells(table, numbers, sizeof numbers / sizeof *numbers, err));
    KT_TRY(kt_table_cell(table, err, "%s", flags));
out:
    return status;
}

static kt_status service_lines(kt_table *table, const kt_scored *s, kt_error *err)
{
    kt_status status = KT_OK;
    kt_score score;
    for (int r = 0; r < ROLES; r++) {
        for (int interior = 1; interior >= 0; interior--) {
            kt_metrics_sum(&score, s->cells, s->n_cells, roles[r], interior);
            if (score.cells > 0)
                KT_TRY(score_line(table, s, kt_role_text[roles[r]], interior ? "interior" : "extrapolation",
                                  &score, err));
        }
    }
    if (s->n_cells == 0) {
        kt_metrics_sum(&score, NULL, 0, KT_ROLE_HELD_OUT, true);
        KT_TRY(score_line(table, s, "-", "", &score, err));
    }
out:
    return status;
}

kt_status kt_scores_table(char **out, const kt_scored *services, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(kt_table_create(
        &table, "service|trained on>|cells|n>|KS>|floor>|p50 off>|p95 off>|p99 off>|NLL>|CRPS ms>|remarks",
        err));
    for (size_t i = 0; i < n; i++)
        KT_TRY(service_lines(table, &services[i], err));
    KT_TRY(kt_table_text(out, table, err));
out:
    kt_table_destroy(table);
    return status;
}

static kt_status cell_line(kt_table *table, const char *service, const kt_cell_score *c, kt_error *err)
{
    kt_status status = KT_OK;
    const number numbers[] = {
        {"%.3f", c->ks},
        {"%.3f", c->ks_floor},
        {"%.3f", c->w1},
        {"%.3f", 1e3 * c->observed[0]},
        {"%.3f", 1e3 * c->predicted[0]},
        {"%.3f", 1e3 * c->observed[1]},
        {"%.3f", 1e3 * c->predicted[1]},
        {"%.3f", 1e3 * c->observed[2]},
        {"%.3f", 1e3 * c->predicted[2]},
        {"%.3f", c->nll},
        {"%.3f", 1e3 * c->crps},
    };
    KT_TRY(kt_table_cell(table, err, "%s", service));
    KT_TRY(kt_table_cell(table, err, "%s", c->label));
    KT_TRY(kt_table_cell(table, err, "%s, %s", kt_role_text[c->role],
                         c->interior ? "interior" : "extrapolation"));
    KT_TRY(kt_table_cell(table, err, "%llu", (unsigned long long)c->rows));
    KT_TRY(number_cells(table, numbers, sizeof numbers / sizeof *numbers, err));
out:
    return status;
}

kt_status kt_scores_cells(char **out, const kt_scored *services, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(kt_table_create(
        &table,
        "service|cell|kind|rows>|KS>|floor>|W1>|p50 ms>|model>|p95 ms>|model>|p99 ms>|model>|NLL>|"
        "CRPS ms>",
        err));
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < services[i].n_cells; c++)
            KT_TRY(cell_line(table, services[i].name, &services[i].cells[c], err));
    KT_TRY(kt_table_text(out, table, err));
out:
    kt_table_destroy(table);
    return status;
}

/* ---- JSON ---- */

static kt_json *score_json(const kt_score *score, kt_role role, bool interior)
{
    kt_json *json = kt_json_object(), *error = kt_json_object();
    kt_json_put(json, "role", kt_json_string(kt_role_text[role]));
    kt_json_put(json, "interior", kt_json_bool(interior));
    kt_json_put(json, "cells", kt_json_int((int64_t)score->cells));
    kt_json_put(json, "rows", kt_json_int((int64_t)score->rows));
    kt_json_put(json, "ks", kt_json_real(score->ks));
    kt_json_put(json, "ks_floor", kt_json_real(score->ks_floor));
    kt_json_put(json, "w1", kt_json_real(score->w1));
    for (int q = 0; q < KT_QUANTILES; q++)
        kt_json_put(error, quantile_name[q], kt_json_real(score->error[q]));
    kt_json_put(json, "relative_error", error);
    kt_json_put(json, "nll", kt_json_real(score->nll));
    kt_json_put(json, "crps", kt_json_real(score->crps));
    kt_json_put(json, "worst_cell", kt_json_string(score->worst));
    return kt_json_put(json, "worst_ks", kt_json_real(score->worst_ks));
}

static kt_json *cell_json(const kt_cell_score *c)
{
    kt_json *json = kt_json_object(), *observed = kt_json_object(), *predicted = kt_json_object();
    for (int q = 0; q < KT_QUANTILES; q++) {
        kt_json_put(observed, quantile_name[q], kt_json_real(c->observed[q]));
        kt_json_put(predicted, quantile_name[q], kt_json_real(c->predicted[q]));
    }
    kt_json_put(json, "cell", kt_json_string(c->label));
    kt_json_put(json, "role", kt_json_string(kt_role_text[c->role]));
    kt_json_put(json, "interior", kt_json_bool(c->interior));
    kt_json_put(json, "rows", kt_json_int((int64_t)c->rows));
    kt_json_put(json, "ks", kt_json_real(c->ks));
    kt_json_put(json, "ks_floor", kt_json_real(c->ks_floor));
    kt_json_put(json, "autocorrelation", kt_json_real(c->autocorrelation));
    kt_json_put(json, "w1", kt_json_real(c->w1));
    kt_json_put(json, "observed", observed);
    kt_json_put(json, "predicted", predicted);
    kt_json_put(json, "nll", kt_json_real(c->nll));
    return kt_json_put(json, "crps", kt_json_real(c->crps));
}

kt_json *kt_scores_json(const kt_scored *services, size_t n, bool with_cells)
{
    kt_json *all = kt_json_array();
    for (size_t i = 0; i < n; i++) {
        const kt_scored *s = &services[i];
        kt_json *one = kt_json_object(), *scores = kt_json_array(), *cells = kt_json_array();
        char flags[160];
        kt_flags_text(flags, sizeof flags, s->flags);
        kt_json_put(one, "service", kt_json_string(s->name));
        kt_json_put(one, "training_rows", kt_json_int((int64_t)s->rows));
        kt_json_put(one, "remarks", kt_json_string(flags));
        for (int r = 0; r < ROLES; r++) {
            for (int interior = 1; interior >= 0; interior--) {
                kt_score score;
                kt_metrics_sum(&score, s->cells, s->n_cells, roles[r], interior);
                if (score.cells > 0)
                    kt_json_append(scores, score_json(&score, roles[r], interior));
            }
        }
        for (size_t c = 0; with_cells && c < s->n_cells; c++)
            kt_json_append(cells, cell_json(&s->cells[c]));
        kt_json_put(one, "scores", scores);
        kt_json_put(one, "cells", cells);
        kt_json_append(all, one);
    }
    return all;
}
