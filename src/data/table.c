#include "table.h"

#include "bins.h"
#include "kt/pause.h"
#include "kt/steps.h"
#include "number.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a service of the file goes to. */
typedef struct {
    size_t index; /* of the service in samples */
    size_t delay; /* the column that counts into its target, or KT_NO_COLUMN */
    uint64_t blank, negative;
} destination;

/* A text of up to 8 bytes, zero behind its end. */
typedef struct {
    uint64_t bytes;
    size_t n; /* KT_NO_TEXT: a longer one, or none */
} short_text;
#define KT_NO_TEXT SIZE_MAX

typedef struct {
    kt_reading *reading;
    kt_lexer *lexer;
    const kt_columns *columns;
    kt_table *table;
    kt_steps steps;
    destination *to;  /* [columns->n_services] */
    double *value;    /* [columns->n] the numbers of a row, NaN where blank */
    short_text *seen; /* [columns->n] the texts that they were read from */
    double *key;      /* [columns->n_keys] those that name its load step */
} rows;

static kt_status bad_cell(const rows *r, size_t column, const char *what, kt_error *err)
{
    char shown[KT_SHOWN];
    kt_cell_show(shown, &r->lexer->cell[column]);
    return kt_fail(err, KT_INPUT, "%s:%llu: column '%s': '%s' %s", r->lexer->path,
                   (unsigned long long)r->lexer->line, r->columns->name[column], shown, what);
}

static kt_status add_service(size_t *index, kt_reading *reading, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    kt_samples *samples = reading->samples;
    if (samples->n_services == reading->capacity) {
        reading->capacity = 2 * reading->capacity + 16;
        KT_TRY(kt_grow(&samples->services, reading->capacity, sizeof *samples->services, err));
        KT_TRY(kt_grow(&reading->growing, reading->capacity, sizeof *reading->growing, err));
    }
    *index = samples->n_services;
    samples->services[*index] = (kt_service){.rule = KT_CELLS_NOMINAL};
    reading->growing[*index] = (kt_growing){.capacity = 0};
    KT_TRY(kt_strdup(&samples->services[*index].name, name, err));
    reading->n_growing = ++samples->n_services;
out:
    return status;
}

/* guess: where it stands if files have their services in the same order, which spares a search. */
static kt_status find_service(size_t *index, kt_reading *reading, size_t guess, const char *name,
                              kt_error *err)
{
    const kt_samples *samples = reading->samples;
    *index = guess;
    if (guess < samples->n_services && strcmp(samples->services[guess].name, name) == 0)
        return KT_OK;
    for (*index = 0; *index < samples->n_services; ++*index)
        if (strcmp(samples->services[*index].name, name) == 0)
            return KT_OK;
    return add_service(index, reading, name, err);
}

static kt_status find_destinations(rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < r->columns->n_services; i++) {
        const kt_column_service *column = &r->columns->service[i];
        destination *to = &r->to[i];
        KT_TRY(find_service(&to->index, r->reading, i, column->name, err));
        kt_service *s = &r->reading->samples->services[to->index];
        to->delay = r->reading->target == KT_TARGET_ASK_PROC ? KT_NO_COLUMN : column->delay;
        kt_target target = to->delay == KT_NO_COLUMN ? KT_TARGET_PROC : KT_TARGET_PROC_DELAY;
        if (s->n > 0 && s->target != target)
            return kt_fail(
                err, KT_INPUT,
                "%s: the service '%s' %s a delay column, unlike in the files before: ask for the target proc",
                r->lexer->path, s->name, target == KT_TARGET_PROC ? "lacks" : "has");
        s->target = target;
        r->reading->growing[to->index].first = s->n;
    }
out:
    return status;
}

/* Room for the rows that the rest of the file will bring if it goes on like this. What is too much was never
 * touched and is given back at the end. */
static kt_status make_room(const rows *r, kt_service *s, kt_growing *g, kt_error *err)
{
    kt_status status = KT_OK;
    enum { AT_LEAST = 1024 };
    double left = r->lexer->size > r->lexer->taken ? (double)(r->lexer->size - r->lexer->taken) : 0;
    double expected = (double)(s->n - g->first) * left / (double)r->lexer->taken;
    size_t capacity = s->n + s->n / 8 + AT_LEAST + (size_t)(expected * 1.02);
    if (s->n >= UINT32_MAX - 1)
        return kt_fail(err, KT_INPUT, "%s: the service '%s' has over %u rows", r->lexer->path, s->name,
                       UINT32_MAX - 1);
    KT_TRY(kt_grow(&s->x, capacity, (size_t)r->reading->samples->d * sizeof *s->x, err));
    KT_TRY(kt_grow(&s->y, capacity, sizeof *s->y, err));
    KT_TRY(kt_grow(&s->cell, capacity, sizeof *s->cell, err));
    g->capacity = capacity;
out:
    return status;
}

/* The row's target in the file's unit; NaN where it is blank. */
static kt_status row_target(double *target, const rows *r, const kt_column_service *column, destination *to,
                            kt_error *err)
{
    double proc = r->value[column->proc];
    *target = proc;
    if (proc < 0)
        return bad_cell(r, column->proc, "is a negative time", err);
    if (to->delay == KT_NO_COLUMN || isnan(proc))
        return KT_OK;
    double delay = r->value[to->delay];
    to->negative += delay < 0;
    *target = proc + (delay < 0 ? 0 : delay);
    return isinf(*target) ? bad_cell(r, to->delay, "makes a target that is not finite", err) : KT_OK;
}

static kt_status take_service(rows *r, size_t i, uint32_t step, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_column_service *column = &r->columns->service[i];
    destination *to = &r->to[i];
    double target;
    KT_TRY(row_target(&target, r, column, to, err));
    if (isnan(target)) {
        to->blank++;
        return KT_OK;
    }
    kt_service *s = &r->reading->samples->services[to->index];
    kt_growing *g = &r->reading->growing[to->index];
    if (s->n == g->capacity)
        KT_TRY(make_room(r, s, g, err));
    int d = r->reading->samples->d;
    double *x = s->x + s->n * (size_t)d;
    for (int f = 0; f < d; f++) {
        x[f] = r->value[column->feature[f]];
        if (isnan(x[f]))
            return bad_cell(r, column->feature[f], "is blank in a row that has a time", err);
    }
    s->y[s->n] = target / r->table->per_second;
    s->cell[s->n++] = step;
out:
    return status;
}

/* Rates and replicas stay the same over many rows: is this what the row before had? */
static inline bool is_seen(short_text *seen, const kt_cell_text *cell)
{
    size_t n = cell->n;
    uint64_t bytes = 0;
    if (n > sizeof bytes) {
        seen->n = KT_NO_TEXT;
        return false;
    }
    memcpy(&bytes, cell->text, sizeof bytes);
    bytes &= n > 0 ? UINT64_MAX >> 8 * (sizeof bytes - n) : 0;
    if (seen->n == n && seen->bytes == bytes)
        return true;
    *seen = (short_text){bytes, n};
    return false;
}

static kt_status read_numbers(rows *r, kt_error *err)
{
    const kt_columns *columns = r->columns;
    for (size_t i = 0; i < columns->n_wanted; i++) {
        size_t c = columns->wanted[i];
        const kt_cell_text *cell = &r->lexer->cell[c];
        if (is_seen(&r->seen[c], cell))
            continue;
        switch (kt_number_read(&r->value[c], cell->text, cell->n)) {
        case KT_NUMBER_GOOD:
            break;
        case KT_NUMBER_BLANK:
            r->value[c] = NAN;
            break;
        case KT_NUMBER_TEXT:
            return bad_cell(r, c, "is not a number", err);
        case KT_NUMBER_INFINITE:
            return bad_cell(r, c, "is not a finite number", err);
        }
    }
    return KT_OK;
}

static kt_status find_step(uint32_t *step, rows *r, kt_error *err)
{
    const kt_columns *columns = r->columns;
    kt_cell_text name;
    *step = 0;
    switch (r->table->rule) {
    case KT_CELLS_NOMINAL:
        for (size_t k = 0; k < columns->n_keys; k++)
            r->key[k] = r->value[columns->key[k]];
        return kt_steps_of_values(step, &r->steps, r->key, err);
    case KT_CELLS_COLUMN:
        name = kt_cell_trim(r->lexer->cell[columns->cell]);
        if (name.n == 0)
            return bad_cell(r, columns->cell, "is blank: every row needs its cell", err);
        return kt_steps_of_name(step, &r->steps, name.text, name.n, err);
    case KT_CELLS_BINS:
        break;
    }
    return KT_OK;
}

static kt_status take_row(rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    if (r->lexer->n_cells != r->columns->n)
        return kt_fail(err, KT_INPUT, "%s:%llu: %zu cells in this row, %zu in the header", r->lexer->path,
                       (unsigned long long)r->lexer->line, r->lexer->n_cells, r->columns->n);
    uint32_t step;
    KT_TRY(read_numbers(r, err));
    KT_TRY(find_step(&step, r, err));
    for (size_t i = 0; i < r->columns->n_services; i++)
        KT_TRY(take_service(r, i, step, err));
    r->table->rows++;
out:
    return status;
}

/* Follows the next rule. The cell column needs another reading, which a pipe does not allow; bins need none.
 */
static void change_rule(rows *r)
{
    bool column =
        r->table->rule == KT_CELLS_NOMINAL && r->columns->cell != KT_NO_COLUMN && r->lexer->size > 0;
    r->table->rule = column ? KT_CELLS_COLUMN : KT_CELLS_BINS;
    r->table->again = column;
}

static kt_status take_rows(rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    enum {
        SOON = 1024, /* steps after which a search that is going nowhere ends */
        PIECE = 4096
    };
    size_t taken = 0;
    bool more;
    for (;;) {
        KT_TRY(kt_lexer_next(&more, r->lexer, err));
        if (!more)
            break;
        KT_TRY(take_row(r, err));
        if (++taken % PIECE == 0)
            KT_TRY(kt_go_on(err));
        if (r->steps.n > SOON && r->table->rule != KT_CELLS_BINS && kt_steps_unlikely(&r->steps))
            change_rule(r);
        if (r->table->again)
            break;
    }
    if (r->table->rule != KT_CELLS_BINS && !r->table->again && kt_steps_unlikely(&r->steps))
        change_rule(r);
out:
    return status;
}

/* A cell of the service by its label. Those of nominal rates may be there from a file before: [0, known). */
static kt_status find_cell(uint32_t *cell, kt_service *s, kt_growing *g, size_t known, const char *label,
                           uint32_t file, kt_error *err)
{
    kt_status status = KT_OK;
    size_t found = file == KT_ANY_FILE ? 0 : known;
    while (found < known && (g->cell_file[found] != file || strcmp(s->cells[found].label, label) != 0))
        found++;
    *cell = (uint32_t)found;
    if (found < known)
        return KT_OK;
    if (s->n_cells == g->cells_capacity) {
        g->cells_capacity = 2 * g->cells_capacity + 16;
        KT_TRY(kt_grow(&s->cells, g->cells_capacity, sizeof *s->cells, err));
        KT_TRY(kt_grow(&g->cell_file, g->cells_capacity, sizeof *g->cell_file, err));
    }
    *cell = (uint32_t)s->n_cells++;
    s->cells[*cell] = (kt_cell){.rows = 0};
    memcpy(s->cells[*cell].label, label, KT_LABEL);
    g->cell_file[*cell] = file;
out:
    return status;
}

/* From steps or bins of the file to cells of the service, in the order in which its rows meet them. */
static kt_status name_cells(kt_service *s, kt_growing *g, const char (*label)[KT_LABEL], size_t n,
                            uint32_t file, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t *cell_of = NULL;
    size_t known = s->n_cells;
    KT_TRY(kt_alloc(&cell_of, n, sizeof *cell_of, err));
    memset(cell_of, 0xFF, n * sizeof *cell_of);
    for (size_t row = g->first; row < s->n; row++) {
        uint32_t *cell = &cell_of[s->cell[row]];
        KT_PAUSE_OFTEN();
        if (*cell == UINT32_MAX)
            KT_TRY(find_cell(cell, s, g, known, label[s->cell[row]], file, err));
        s->cell[row] = *cell;
    }
out:
    free(cell_of);
    return status;
}

/* The feature that bins are cut from: rps_eff, else the first that is not rep; -1 where there is none. */
static int rate_feature(const kt_samples *samples)
{
    int rate = kt_samples_feature(samples, "rps_eff");
    for (int f = 0; f < samples->d && rate < 0; f++)
        if (strcmp(samples->feature[f], "rep") != 0)
            rate = f;
    return rate;
}

static kt_status bin_service(rows *r, kt_service *s, kt_growing *g, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_samples *samples = r->reading->samples;
    char(*label)[KT_LABEL] = NULL;
    size_t n = 0;
    KT_TRY(kt_bins_make(s->cell + g->first, &label, &n, s->x + g->first * (size_t)samples->d, s->n - g->first,
                        samples->d, rate_feature(samples), kt_samples_feature(samples, "rep"), err));
    KT_TRY(name_cells(s, g, (const char(*)[KT_LABEL])label, n, r->reading->n_files, err));
out:
    free(label);
    return status;
}

static kt_status find_cells(rows *r, kt_error *err)
{
    kt_status status = KT_OK;
    char(*label)[KT_LABEL] = NULL;
    bool bins = r->table->rule == KT_CELLS_BINS;
    uint32_t file = r->table->rule == KT_CELLS_NOMINAL ? KT_ANY_FILE : r->reading->n_files;
    KT_TRY(kt_alloc(&label, bins ? 0 : r->steps.n, sizeof *label, err));
    for (size_t i = 0; i < r->steps.n && !bins; i++)
        KT_TRY(kt_steps_label(label[i], &r->steps, (uint32_t)i, err));
    for (size_t i = 0; i < r->columns->n_services; i++) {
        kt_service *s = &r->reading->samples->services[r->to[i].index];
        kt_growing *g = &r->reading->growing[r->to[i].index];
        if (s->n == g->first)
            continue;
        if (r->table->rule > s->rule)
            s->rule = r->table->rule;
        if (bins)
            KT_TRY(bin_service(r, s, g, err));
        else
            KT_TRY(name_cells(s, g, (const char(*)[KT_LABEL])label, r->steps.n, file, err));
    }
out:
    free(label);
    return status;
}

/* Counts are kept apart until the file is done, as a reading that is begun again must not count twice. */
static void settle(rows *r)
{
    for (size_t i = 0; i < r->columns->n_services; i++) {
        const destination *to = &r->to[i];
        kt_service *s = &r->reading->samples->services[to->index];
        if (r->table->again) {
            s->n = r->reading->growing[to->index].first;
            continue;
        }
        s->blank_targets += to->blank;
        s->negative_delays += to->negative;
        r->table->blank_targets += to->blank;
        r->table->negative_delays += to->negative;
    }
}

kt_status kt_table_read(kt_table *table, kt_reading *reading, kt_lexer *lexer, const kt_columns *columns,
                        kt_error *err)
{
    kt_status status = KT_OK;
    rows r = {.reading = reading, .lexer = lexer, .columns = columns, .table = table};
    r.steps = (kt_steps){.rule = table->rule, .n_keys = columns->n_keys, .n_rates = columns->n_rates};
    table->again = false;
    table->rows = table->blank_targets = table->negative_delays = 0;
    KT_TRY(kt_alloc(&r.to, columns->n_services, sizeof *r.to, err));
    KT_TRY(kt_alloc(&r.value, columns->n, sizeof *r.value, err));
    KT_TRY(kt_alloc(&r.seen, columns->n, sizeof *r.seen, err));
    for (size_t i = 0; i < columns->n; i++)
        r.seen[i].n = KT_NO_TEXT;
    KT_TRY(kt_alloc(&r.key, columns->n_keys, sizeof *r.key, err));
    KT_TRY(find_destinations(&r, err));
    KT_TRY(take_rows(&r, err));
    settle(&r);
    if (!table->again)
        KT_TRY(find_cells(&r, err));
out:
    kt_steps_clear(&r.steps);
    free(r.to);
    free(r.value);
    free(r.seen);
    free(r.key);
    return status;
}
