#include "columns.h"

#include "kt/options.h"
#include <stdlib.h>
#include <string.h>

static const char proc_prefix[] = "proc_time_";

/* Names in byte order with their columns: a file of 1,000 services has 5,000 columns, each asked for several
 * times. */
typedef struct {
    const char *name;
    size_t column;
} entry;

typedef struct {
    size_t n;
    entry *at;
} name_index;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int by_service(const void *a, const void *b)
{
    return strcmp(((const kt_column_service *)a)->name, ((const kt_column_service *)b)->name);
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static size_t find(const name_index *index, const char *name)
{
    entry wanted = {.name = name};
    const entry *found = bsearch(&wanted, index->at, index->n, sizeof *index->at, by_name);
    return found ? found->column : KT_NO_COLUMN;
}

/* Column <prefix>_<service>, or KT_NO_COLUMN. rps_eff is everyone's rate, also beside a service of the name
 * "eff". */
static kt_status find_own(size_t *column, const name_index *index, const char *prefix, const char *service,
                          kt_error *err)
{
    kt_status status = KT_OK;
    char *name = NULL;
    KT_TRY(kt_format(&name, err, "%s_%s", prefix, service));
    *column = strcmp(name, "rps_eff") == 0 ? KT_NO_COLUMN : find(index, name);
out:
    free(name);
    return status;
}

/* Column <prefix>_<service>, else <prefix>, else KT_NO_COLUMN. */
static kt_status find_for(size_t *column, const name_index *index, const char *prefix, const char *service,
                          kt_error *err)
{
    kt_status status = find_own(column, index, prefix, service, err);
    if (status == KT_OK && *column == KT_NO_COLUMN)
        *column = find(index, prefix);
    return status;
}

static kt_status read_names(kt_columns *columns, const kt_lexer *header, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(&columns->name, header->n_cells, sizeof *columns->name, err));
    for (size_t i = 0; i < header->n_cells; i++) {
        kt_cell_text cell = kt_cell_trim(header->cell[i]);
        columns->n = i + 1;
        KT_TRY(kt_format(&columns->name[i], err, "%.*s", (int)cell.n, cell.text));
    }
out:
    return status;
}

static kt_status make_index(name_index *index, const kt_columns *columns, const kt_lexer *header,
                            kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(&index->at, columns->n, sizeof *index->at, err));
    for (size_t i = 0; i < columns->n; i++)
        if (columns->name[i][0] != '\0')
            index->at[index->n++] = (entry){columns->name[i], i};
    qsort(index->at, index->n, sizeof *index->at, by_name);
    for (size_t i = 1; i < index->n; i++)
        if (by_name(&index->at[i - 1], &index->at[i]) == 0)
            return kt_fail(err, KT_INPUT, "%s:%llu: the column '%s' is there twice", header->path,
                           (unsigned long long)header->line, index->at[i].name);
out:
    return status;
}

static kt_status no_feature(const kt_columns *columns, const char *feature, const char *service,
                            const char *path, kt_error *err)
{
    const char *nearest = kt_nearest(feature, (const char *const *)columns->name, columns->n);
    char *own = NULL;
    if (!nearest && kt_format(&own, NULL, "%s_%s", feature, service) == KT_OK)
        nearest = kt_nearest(own, (const char *const *)columns->name, columns->n);
    free(own);
    return kt_fail(err, KT_INPUT, "%s: no column '%s_%s' or '%s' for the service '%s'%s%s%s", path, feature,
                   service, feature, service, nearest ? ": is it '" : "", nearest ? nearest : "",
                   nearest ? "'?" : "");
}

const char *kt_columns_near_target(const kt_columns *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        const char *name = columns->name[i];
        size_t length = strlen(name);
        char prefix[2 * sizeof proc_prefix] = "";
        for (size_t n = 1; n <= length && n < sizeof prefix; n++) {
            if (name[n - 1] != '_' && n < length)
                continue;
            memcpy(prefix, name, n);
            if (kt_nearest(proc_prefix, (const char *const[]){prefix}, 1))
                return name;
        }
    }
    return NULL;
}

static kt_status find_services(kt_columns *columns, const name_index *index, const char *path,
                               const char *const *features, size_t n_features, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(&columns->service, columns->n, sizeof *columns->service, err));
    for (size_t i = 0; i < columns->n; i++) {
        const char *name = columns->name[i];
        if (strncmp(name, proc_prefix, sizeof proc_prefix - 1) != 0 || name[sizeof proc_prefix - 1] == '\0')
            continue;
        kt_column_service *s = &columns->service[columns->n_services++];
        *s = (kt_column_service){.name = name + sizeof proc_prefix - 1, .proc = i};
        KT_TRY(find_own(&s->delay, index, "delay", s->name, err));
        for (size_t f = 0; f < n_features; f++) {
            KT_TRY(find_for(&s->feature[f], index, features[f], s->name, err));
            if (s->feature[f] == KT_NO_COLUMN)
                return no_feature(columns, features[f], s->name, path, err);
        }
    }
    qsort(columns->service, columns->n_services, sizeof *columns->service, by_service);
out:
    return status;
}

/* The cleaned form has columns that the README form lacks: a delay, or rates by service. */
static kt_status find_form(kt_columns *columns, const name_index *index, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < columns->n; i++)
        columns->cleaned |= strncmp(columns->name[i], "delay_", 6) == 0;
    for (size_t s = 0; s < columns->n_services && !columns->cleaned; s++) {
        static const char *const prefix[] = {"rps", "rps_eff"};
        for (size_t p = 0; p < 2; p++) {
            size_t column;
            KT_TRY(find_own(&column, index, prefix[p], columns->service[s].name, err));
            columns->cleaned |= column != KT_NO_COLUMN;
        }
    }
out:
    return status;
}

static void add_key(kt_columns *columns, size_t column)
{
    for (size_t i = 0; i < columns->n_keys; i++)
        if (columns->key[i] == column)
            return;
    columns->key[columns->n_keys++] = column;
}

static kt_status find_keys(kt_columns *columns, const name_index *index, kt_error *err)
{
    kt_status status = KT_OK;
    static const char *const prefix[] = {"rps", "rep"};
    KT_TRY(kt_alloc(&columns->key, 2 * columns->n_services, sizeof *columns->key, err));
    for (size_t p = 0; p < 2; p++) {
        for (size_t s = 0; s < columns->n_services; s++) {
            size_t column;
            KT_TRY(find_for(&column, index, prefix[p], columns->service[s].name, err));
            if (column != KT_NO_COLUMN)
                add_key(columns, column);
        }
        if (p == 0)
            columns->n_rates = columns->n_keys;
        if (columns->n_rates == 0)
            break;
    }
out:
    return status;
}

static kt_status find_wanted(kt_columns *columns, size_t n_features, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = 0, *wanted = NULL;
    size_t most = columns->n_services * (n_features + 2) + columns->n_keys;
    KT_TRY(kt_alloc(&wanted, most, sizeof *wanted, err));
    for (size_t s = 0; s < columns->n_services; s++) {
        const kt_column_service *service = &columns->service[s];
        for (size_t f = 0; f < n_features; f++)
            wanted[n++] = service->feature[f];
        wanted[n++] = service->proc;
        if (service->delay != KT_NO_COLUMN)
            wanted[n++] = service->delay;
    }
    for (size_t k = 0; k < columns->n_keys; k++)
        wanted[n++] = columns->key[k];
    qsort(wanted, n, sizeof *wanted, by_number);
    columns->wanted = wanted;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || wanted[i] != wanted[columns->n_wanted - 1])
            wanted[columns->n_wanted++] = wanted[i];
out:
    return status;
}

kt_status kt_columns_find(kt_columns *columns, const kt_lexer *header, const char *const *features,
                          size_t n_features, kt_error *err)
{
    kt_status status = KT_OK;
    name_index index = {.n = 0};
    KT_TRY(read_names(columns, header, err));
    bool any = false;
    for (size_t i = 0; i < columns->n; i++)
        any |= strncmp(columns->name[i], proc_prefix, sizeof proc_prefix - 1) == 0;
    if (!any) /* another kind of table: its header may be anything */
        goto out;
    KT_TRY(make_index(&index, columns, header, err));
    KT_TRY(find_services(columns, &index, header->path, features, n_features, err));
    KT_TRY(find_form(columns, &index, err));
    columns->cell = find(&index, "cell");
    KT_TRY(find_keys(columns, &index, err));
    KT_TRY(find_wanted(columns, n_features, err));
out:
    free(index.at);
    return status;
}

void kt_columns_clear(kt_columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        free(columns->name[i]);
    free(columns->name);
    free(columns->service);
    free(columns->key);
    free(columns->wanted);
    *columns = (kt_columns){.n = 0};
}
