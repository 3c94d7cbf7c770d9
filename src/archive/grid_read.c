#include "grid_private.h"

#include "kt/file.h"
#include "kt/json.h"
#include "kt/options.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    kt_grid **grids;
    size_t *n, room; /* room: points of the last grid */
} reader;

static int find_family(kt_grid_form form, const char *name)
{
    for (int f = 0; f < KT_FAMILIES; f++)
        if (grid_forms[form][f].name && strcmp(grid_forms[form][f].name, name) == 0)
            return f;
    return -1;
}

static kt_status new_grid(kt_grid **grid, reader *r, const char *service, int family, int components,
                          kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_grow(r->grids, *r->n + 1, sizeof **r->grids, err));
    *grid = &(*r->grids)[*r->n];
    **grid =
        (kt_grid){.family = (kt_family)family, .target = -1, .components = components, .serving = {NAN, NAN}};
    KT_TRY(kt_strdup(&(*grid)->service, service, err));
    ++*r->n;
    r->room = 0;
out:
    return status;
}

/* Room for one point more. */
static kt_status widen(kt_grid *grid, reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    if (grid->n < r->room)
        return KT_OK;
    size_t room = r->room ? 2 * r->room : 64;
    KT_TRY(kt_grow(&grid->at, 2 * room, sizeof *grid->at, err));
    KT_TRY(kt_grow(&grid->inside, room, sizeof *grid->inside, err));
    KT_TRY(kt_grow(&grid->mixture, room * 3 * (size_t)grid->components, sizeof *grid->mixture, err));
    r->room = room;
out:
    return status;
}

/* ---- JSON ---- */

static kt_status read_point(kt_grid *grid, reader *r, const kt_json *json, kt_grid_form form, kt_error *err)
{
    const grid_names *names = &grid_forms[form][grid->family];
    const kt_json *mixture = kt_json_get(json, "mixture");
    size_t K = (size_t)grid->components, i = grid->n;
    kt_status status = widen(grid, r, err);
    if (status != KT_OK)
        return status;
    grid->at[2 * i] = kt_json_as_real(kt_json_get(json, "rps"), NAN);
    grid->at[2 * i + 1] = kt_json_as_real(kt_json_get(json, "rep"), NAN);
    grid->inside[i] = kt_json_as_bool(kt_json_get(json, "inside"), false);
    if (kt_json_size(mixture) != K || isnan(grid->at[2 * i]) || isnan(grid->at[2 * i + 1]))
        return kt_fail(err, KT_INPUT, "%s: service %s, point %zu: rps, rep and a mixture of %zu are wanted",
                       r->path, grid->service, i + 1, K);
    for (size_t j = 0; j < K; j++) {
        const kt_json *one = kt_json_at(mixture, j);
        const kt_json *args = form == KT_GRID_ERV ? kt_json_get(one, "args") : one;
        double *to = grid->mixture + i * 3 * K + j;
        to[0] = kt_json_as_real(kt_json_get(one, "weight"), NAN);
        for (int p = 0; p < 2; p++)
            to[(size_t)(p + 1) * K] =
                kt_json_as_real(kt_json_get(args, grid_parameters[names->parameter[p]]), NAN);
    }
    grid->n++;
    return KT_OK;
}

/* Blank where there is none. */
static kt_status read_hull(kt_hull *hull, const kt_json *json, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    double *points = NULL;
    size_t n = kt_json_size(json);
    if (n == 0)
        return KT_OK;
    KT_TRY(kt_alloc(&points, 2 * n, sizeof *points, err));
    for (size_t i = 0; i < 2 * n; i++) {
        points[i] = kt_json_as_real(kt_json_at(kt_json_at(json, i / 2), i % 2), NAN);
        if (isnan(points[i]))
            KT_TRY(kt_fail(err, KT_INPUT, "%s: corner %zu of a hull is no pair of numbers", path, i / 2 + 1));
    }
    KT_TRY(kt_hull_create(hull, points, n, 2, err));
out:
    free(points);
    return status;
}

static kt_status read_service(reader *r, const kt_json *json, kt_grid_form form, kt_error *err)
{
    kt_status status = KT_OK;
    kt_grid *grid = NULL;
    const kt_json *points = kt_json_get(json, "points");
    const char *service = kt_json_as_text(kt_json_get(json, "service"), NULL);
    const char *name = kt_json_as_text(kt_json_get(json, "distribution"), "");
    int family = find_family(form, name);
    size_t K = kt_json_size(kt_json_get(kt_json_at(points, 0), "mixture"));
    if (!service || family < 0 || K < 1 || K > KT_MIXTURE_MAX)
        return kt_fail(err, KT_INPUT, "%s: service %s, distribution \"%s\", mixtures of %zu: not one of ours",
                       r->path, service ? service : "without a name", name, K);
    KT_TRY(new_grid(&grid, r, service, family, (int)K, err));
    grid->target = strcmp(kt_json_as_text(kt_json_get(json, "target"), ""), "proc+delay") == 0
                       ? KT_TARGET_PROC_DELAY
                       : KT_TARGET_PROC;
    grid->serving.visits = kt_json_as_real(kt_json_get(json, "visits"), NAN);
    grid->serving.at_a_time = kt_json_as_real(kt_json_get(json, "at_a_time"), NAN);
    KT_TRY(read_hull(&grid->hull, kt_json_get(json, "hull"), r->path, err));
    for (size_t i = 0; i < kt_json_size(points); i++)
        KT_TRY(read_point(grid, r, kt_json_at(points, i), form, err));
out:
    return status;
}

static int index_of(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static kt_status read_json(reader *r, kt_branch *branch, const char *text, size_t bytes, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    KT_TRY(kt_json_parse(&json, text, bytes, r->path, err));
    const kt_json *services = kt_json_get(json, "services");
    const char *schema = kt_json_as_text(kt_json_get(json, "schema"), "");
    const char *name = kt_json_as_text(kt_json_get(json, "branch"), "");
    int64_t version = kt_json_as_int(kt_json_get(json, "version"), 0);
    int form = index_of(grid_form_names, 2, kt_json_as_text(kt_json_get(json, "form"), ""));
    if (strcmp(schema, KT_GRID_SCHEMA) != 0 || form < 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no table of mixtures (schema \"%s\", not %s)", r->path, schema,
                       KT_GRID_SCHEMA));
    if (version < 1 || version > KT_GRID_VERSION)
        KT_TRY(kt_fail(err, KT_UNSUPPORTED, "%s: version %lld of %s, this program reads up to %d", r->path,
                       (long long)version, KT_GRID_SCHEMA, KT_GRID_VERSION));
    for (int b = 0; b < KT_BRANCHES; b++)
        if (strcmp(kt_branch_table[b].name, name) == 0)
            *branch = (kt_branch)b;
    for (size_t i = 0; i < kt_json_size(services); i++)
        KT_TRY(read_service(r, kt_json_at(services, i), (kt_grid_form)form, err));
out:
    kt_json_drop(json);
    return status;
}

/* ---- CSV ---- */

enum { FIXED = 7, COLUMNS = FIXED + GRID_PARAMETERS };

typedef struct {
    size_t n, line;
    kt_grid_form form;      /* plain where a column has a name that ERV does not use */
    int parameter[COLUMNS]; /* of columns from FIXED on */
    char *cell[COLUMNS];
} csv;

/* Cuts the line in place, RFC 4180; returns the number of cells, COLUMNS + 1 for more. */
static size_t cut(char *cell[COLUMNS], char *line)
{
    size_t n = 0;
    for (char *from = line, *to; from; n++) {
        if (n == COLUMNS)
            return COLUMNS + 1;
        cell[n] = to = from;
        bool quoted = *from == '"';
        for (from += quoted; *from && (quoted || *from != ','); from++) {
            if (quoted && from[0] == '"' && from[1] != '"')
                quoted = false;
            else
                *to++ = *from, from += quoted && from[0] == '"';
        }
        from = *from ? from + 1 : NULL;
        *to = '\0';
    }
    return n;
}

static kt_status read_header(csv *c, reader *r, char *line, kt_error *err)
{
    size_t fixed = strlen(GRID_COLUMNS);
    if (strncmp(line, GRID_COLUMNS ",", fixed + 1) != 0)
        return kt_fail(err, KT_INPUT, "%s:1: no table of mixtures (%s,... is wanted)", r->path, GRID_COLUMNS);
    c->n = cut(c->cell, line);
    c->form = KT_GRID_ERV;
    for (size_t i = FIXED; i < c->n && i < COLUMNS; i++) {
        c->parameter[i] = index_of(grid_parameters, GRID_PARAMETERS, c->cell[i]);
        if (c->parameter[i] < 0)
            return kt_fail(err, KT_INPUT, "%s:1: column '%s' is no parameter", r->path, c->cell[i]);
        if (c->parameter[i] > 1)
            c->form = KT_GRID_PLAIN;
    }
    return KT_OK;
}

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    return end == text || *end != '\0' ? NAN : value;
}

/* What a line says; parameters by grid_parameters. */
typedef struct {
    double rps, rep, component, weight, parameter[GRID_PARAMETERS];
    bool inside;
} component_line;

static kt_status read_line(component_line *l, const csv *c, const reader *r, kt_error *err)
{
    *l = (component_line){number(c->cell[1]), number(c->cell[2]),        number(c->cell[4]),
                          number(c->cell[6]), {NAN, NAN, NAN, NAN, NAN}, number(c->cell[3]) != 0};
    for (size_t i = FIXED; i < c->n; i++)
        l->parameter[c->parameter[i]] = number(c->cell[i]);
    if (isnan(l->rps) || isnan(l->rep) || !(l->component >= 1 && l->component <= KT_MIXTURE_MAX))
        return kt_fail(err, KT_INPUT, "%s:%zu: rps '%s', rep '%s', component '%s': numbers are wanted",
                       r->path, c->line, c->cell[1], c->cell[2], c->cell[4]);
    return KT_OK;
}

/* Components of the first point from this line on, so that the grid's width is known: lines until the
 * component's number is 1 again. */
static int width_of(const char *rest)
{
    int n = 1;
    for (; rest && *rest; n++) {
        char copy[1024], *cell[COLUMNS];
        snprintf(copy, sizeof copy, "%.*s", (int)strcspn(rest, "\r\n"), rest);
        size_t cells = cut(cell, copy);
        if (cells < FIXED || number(cell[4]) != n + 1)
            return n;
        rest = strchr(rest, '\n');
        rest = rest ? rest + 1 : NULL;
    }
    return n;
}

static kt_status take_line(reader *r, const csv *c, const char *rest, kt_error *err)
{
    kt_status status = KT_OK;
    component_line l;
    kt_grid *grid = *r->n > 0 ? &(*r->grids)[*r->n - 1] : NULL;
    KT_TRY(read_line(&l, c, r, err));
    int family = find_family(c->form, c->cell[5]), j = (int)l.component - 1;
    if (family < 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:%zu: distribution '%s' is none of ours", r->path, c->line,
                       c->cell[5]));
    if (!grid || strcmp(grid->service, c->cell[0]) != 0)
        KT_TRY(new_grid(&grid, r, c->cell[0], family, width_of(rest), err));
    if (j >= grid->components || (int)grid->family != family || (j > 0 && grid->n == 0))
        KT_TRY(kt_fail(err, KT_INPUT, "%s:%zu: component %d of %s: the first point has %d of %s", r->path,
                       c->line, j + 1, c->cell[5], grid->components, kt_family_table[grid->family].name));
    if (j == 0) {
        KT_TRY(widen(grid, r, err));
        grid->at[2 * grid->n] = l.rps;
        grid->at[2 * grid->n + 1] = l.rep;
        grid->inside[grid->n++] = l.inside;
        for (int k = 0; k < 3 * grid->components; k++)
            grid->mixture[(grid->n - 1) * 3 * (size_t)grid->components + (size_t)k] = NAN;
    }
    size_t K = (size_t)grid->components;
    double *to = grid->mixture + (grid->n - 1) * 3 * K + (size_t)j;
    const grid_names *names = &grid_forms[c->form][family];
    to[0] = l.weight;
    to[K] = l.parameter[names->parameter[0]];
    to[2 * K] = l.parameter[names->parameter[1]];
out:
    return status;
}

static kt_status read_csv(reader *r, char *text, kt_error *err)
{
    kt_status status = KT_OK;
    csv c = {.line = 0};
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        c.line++;
        line[strcspn(line, "\r")] = '\0';
        if (c.line == 1) {
            KT_TRY(read_header(&c, r, line, err));
            continue;
        }
        if (*line == '\0')
            continue;
        if (cut(c.cell, line) != c.n)
            KT_TRY(kt_fail(err, KT_INPUT, "%s:%zu: not the %zu cells of the header", r->path, c.line, c.n));
        KT_TRY(take_line(r, &c, rest, err));
    }
out:
    return status;
}

kt_status kt_grid_read(kt_grid **grids, size_t *n, kt_branch *branch, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t bytes = 0;
    reader r = {path, grids, n, 0};
    *grids = NULL;
    *n = 0;
    *branch = KT_BRANCHES;
    KT_TRY(kt_file_read(&text, &bytes, path, err));
    KT_TRY(text[strspn(text, " \t\r\n")] == '{' ? read_json(&r, branch, text, bytes, err)
                                                : read_csv(&r, text, err));
    if (*n == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no service", path));
out:
    if (status != KT_OK) {
        for (size_t i = 0; i < *n; i++)
            kt_grid_clear(&(*grids)[i]);
        free(*grids);
        *grids = NULL;
        *n = 0;
    }
    free(text);
    return status;
}
