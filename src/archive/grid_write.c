#include "grid_private.h"

#include "kt/csv.h"
#include "kt/digits.h"
#include "kt/json.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const grid_parameters[GRID_PARAMETERS] = {"shape", "scale", "rate", "mu", "sigma"};

const grid_names grid_forms[2][KT_FAMILIES] = {
    [KT_GRID_PLAIN] = {[KT_WEIBULL] = {"weibull", {0, 1}},
                       [KT_GAMMA] = {"gamma", {0, 2}},
                       [KT_LOGNORMAL] = {"lognormal", {3, 4}},
                       [KT_NORMAL] = {"normal", {3, 4}}},
    [KT_GRID_ERV] = {[KT_WEIBULL] = {"weibull", {0, 1}}, [KT_GAMMA] = {"gamma", {0, 1}}},
};
const char *const grid_form_names[2] = {"plain", "erv"};

/* ---- files ---- */

static kt_status open_output(FILE **to, const char *path, kt_error *err)
{
    *to = fopen(path, "wxe");
    return *to ? KT_OK : kt_fail_errno(err, KT_IO, "%s: cannot write", path);
}

static kt_status close_output(FILE *to, const char *path, kt_status status, kt_error *err)
{
    bool written = !to || !ferror(to);
    if (to && fclose(to) != 0)
        written = false;
    return status == KT_OK && !written ? kt_fail_errno(err, KT_IO, "%s: cannot write", path) : status;
}

/* ---- numbers and texts ---- */

/* What reads back as the value. */
static void put_real(FILE *to, double value)
{
    char text[KT_DIGITS], *end = kt_digits_double(text, value);
    fwrite(text, 1, (size_t)(end - text), to);
}

/* A parameter: networks have float32. */
static void put_parameter(FILE *to, double value)
{
    char text[KT_DIGITS], *end = kt_digits_float(text, (float)value);
    fwrite(text, 1, (size_t)(end - text), to);
}

static void put_known(FILE *to, double value)
{
    if (isnan(value))
        fputs("null", to);
    else
        put_real(to, value);
}

static kt_status put_text(FILE *to, const char *text, kt_error *err)
{
    char *json = NULL;
    kt_json *value = kt_json_string(text);
    kt_status status = kt_json_text(&json, value, 0, err);
    if (status == KT_OK)
        fputs(json, to);
    free(json);
    kt_json_drop(value);
    return status;
}

/* ---- CSV ---- */

/* Parameters of the families that are there: bits of grid_parameters. */
static unsigned parameters_of(const kt_grid *grids, size_t n, kt_grid_form form)
{
    unsigned used = 0;
    for (size_t i = 0; i < n; i++)
        for (int p = 0; p < 2; p++)
            used |= 1u << grid_forms[form][grids[i].family].parameter[p];
    return used;
}

static void put_lines(FILE *to, const kt_grid *grid, size_t point, kt_grid_form form, unsigned used)
{
    kt_mixture m = kt_grid_mixture(grid, point);
    const grid_names *names = &grid_forms[form][grid->family];
    for (int j = 0; j < m.n; j++) {
        kt_csv_put(to, "", grid->service);
        fputc(',', to);
        put_real(to, grid->at[2 * point]);
        fputc(',', to);
        put_real(to, grid->at[2 * point + 1]);
        fprintf(to, ",%d,%d,%s,", grid->inside[point], j + 1, names->name);
        put_real(to, m.weight[j]);
        for (int p = 0; p < GRID_PARAMETERS; p++) {
            if (!(used >> p & 1))
                continue;
            fputc(',', to);
            if (names->parameter[0] == p)
                put_parameter(to, m.concentration[j]);
            else if (names->parameter[1] == p)
                put_parameter(to, m.scale[j]);
        }
        fputc('\n', to);
    }
}

kt_status kt_grid_write_csv(const char *path, const kt_grid *grids, size_t n, kt_grid_form form,
                            kt_error *err)
{
    kt_status status = KT_OK;
    FILE *to = NULL;
    unsigned used = parameters_of(grids, n, form);
    KT_TRY(open_output(&to, path, err));
    fputs(GRID_COLUMNS, to);
    for (int p = 0; p < GRID_PARAMETERS; p++)
        if (used >> p & 1)
            fprintf(to, ",%s", grid_parameters[p]);
    fputc('\n', to);
    for (size_t i = 0; i < n; i++)
        for (size_t point = 0; point < grids[i].n; point++)
            put_lines(to, &grids[i], point, form, used);
out:
    return close_output(to, path, status, err);
}

/* ---- JSON ---- */

static void put_component(FILE *to, const kt_mixture *m, int j, kt_grid_form form)
{
    const grid_names *names = &grid_forms[form][m->family];
    const char *first = grid_parameters[names->parameter[0]], *second = grid_parameters[names->parameter[1]];
    if (form == KT_GRID_ERV)
        fprintf(to, "{\"distribution\":\"%s\",\"weight\":", names->name);
    else
        fputs("{\"weight\":", to);
    put_real(to, m->weight[j]);
    fprintf(to, form == KT_GRID_ERV ? ",\"args\":{\"%s\":" : ",\"%s\":", first);
    put_parameter(to, m->concentration[j]);
    fprintf(to, ",\"%s\":", second);
    put_parameter(to, m->scale[j]);
    fputs(form == KT_GRID_ERV ? "}}" : "}", to);
}

static void put_json_point(FILE *to, const kt_grid *grid, size_t point, kt_grid_form form)
{
    kt_mixture m = kt_grid_mixture(grid, point);
    fputs("   {\"rps\":", to);
    put_real(to, grid->at[2 * point]);
    fputs(",\"rep\":", to);
    put_real(to, grid->at[2 * point + 1]);
    fprintf(to, ",\"inside\":%s,\"mean\":", grid->inside[point] ? "true" : "false");
    put_parameter(to, kt_mixture_mean(&m));
    fputs(",\"mixture\":[", to);
    for (int j = 0; j < m.n; j++) {
        if (j > 0)
            fputc(',', to);
        put_component(to, &m, j, form);
    }
    fputs("]}", to);
}

static kt_status put_service(FILE *to, const kt_grid *grid, kt_grid_form form, kt_error *err)
{
    kt_status status = KT_OK;
    fputs("  {\"service\":", to);
    KT_TRY(put_text(to, grid->service, err));
    fprintf(to, ",\"distribution\":\"%s\",\"target\":\"%s\",\"visits\":", grid_forms[form][grid->family].name,
            grid->target == KT_TARGET_PROC_DELAY ? "proc+delay" : "proc");
    put_known(to, grid->serving.visits);
    fputs(",\"at_a_time\":", to);
    put_known(to, grid->serving.at_a_time);
    fputs(",\"hull\":[", to);
    for (size_t i = 0; i < grid->hull.n; i++) {
        fputs(i > 0 ? ",[" : "[", to);
        put_real(to, grid->hull.vertex[2 * i]);
        fputc(',', to);
        put_real(to, grid->hull.vertex[2 * i + 1]);
        fputc(']', to);
    }
    fputs("],\"points\":[\n", to);
    for (size_t point = 0; point < grid->n; point++) {
        put_json_point(to, grid, point, form);
        fputs(point + 1 < grid->n ? ",\n" : "]}", to);
    }
out:
    return status;
}

kt_status kt_grid_write_json(const char *path, const kt_grid *grids, size_t n, kt_grid_form form,
                             const char *branch, kt_error *err)
{
    kt_status status = KT_OK;
    FILE *to = NULL;
    assert((branch != NULL) == (form == KT_GRID_ERV));
    KT_TRY(open_output(&to, path, err));
    fprintf(to, "{\"schema\":\"%s\",\"version\":%d,\"form\":\"%s\",", KT_GRID_SCHEMA, KT_GRID_VERSION,
            grid_form_names[form]);
    if (branch)
        fprintf(to, "\"branch\":\"%s\",", branch);
    fputs("\"services\":[\n", to);
    for (size_t i = 0; i < n; i++) {
        KT_TRY(put_service(to, &grids[i], form, err));
        fputs(i + 1 < n ? ",\n" : "\n", to);
    }
    fputs("]}\n", to);
out:
    return close_output(to, path, status, err);
}
