#include "archive_private.h"
#include "kt/json.h"

#include <stdlib.h>
#include <string.h>

/* Where one of the parts has a service, with a model or refused. */
typedef struct {
    const char *name;
    size_t part;
} place;

static int by_name(const void *a, const void *b)
{
    const place *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->part > y->part) - (x->part < y->part);
}

/* ---- do they belong together? ---- */

/* Two JSON objects of two parts; `what` and a key name the first difference. */
static kt_status compare(const char *a, const char *b, const char *name_a, const char *name_b,
                         const char *what, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *left = NULL, *right = NULL;
    const char *key;
    char *in_a = NULL, *in_b = NULL;
    KT_TRY(kt_json_parse(&left, a ? a : "{}", a ? strlen(a) : 2, name_a, err));
    KT_TRY(kt_json_parse(&right, b ? b : "{}", b ? strlen(b) : 2, name_b, err));
    KT_TRY(kt_json_difference(&key, &in_a, &in_b, left, right, err));
    if (key)
        KT_TRY(kt_fail(err, KT_INPUT, "%s has %s%s %.200s, %s has %.200s: no parts of one run", name_a, what,
                       key, in_a, name_b, in_b));
out:
    kt_json_drop(left);
    kt_json_drop(right);
    free(in_a);
    free(in_b);
    return status;
}

static kt_status compare_features(const kt_archive *a, const kt_archive *b, const char *name_a,
                                  const char *name_b, kt_error *err)
{
    for (int f = 0; f < a->d || f < b->d; f++)
        if (f >= a->d || f >= b->d || strcmp(a->feature[f], b->feature[f]) != 0)
            return kt_fail(err, KT_INPUT, "%s has feature %d %s, %s has %s: no parts of one run", name_a,
                           f + 1, f < a->d ? a->feature[f] : "nothing", name_b,
                           f < b->d ? b->feature[f] : "nothing");
    return KT_OK;
}

static kt_status check_together(const kt_archive *parts, const char *const *names, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].numerics != KT_NUMERICS)
            KT_TRY(kt_fail(err, KT_INPUT, "%s: made with numerics %d, this program has %d", names[i],
                           parts[i].numerics, KT_NUMERICS));
        KT_TRY(compare(parts[0].config, parts[i].config, names[0], names[i], "--", err));
        KT_TRY(compare(parts[0].sweep, parts[i].sweep, names[0], names[i], "sweep: ", err));
        KT_TRY(compare_features(&parts[0], &parts[i], names[0], names[i], err));
        KT_TRY(compare(parts[0].cleaning, parts[i].cleaning, names[0], names[i], "cleaning: ", err));
    }
out:
    return status;
}

static kt_status refuse_twice(const kt_archive *parts, const char *const *names, size_t n, size_t total,
                              kt_error *err)
{
    kt_status status = KT_OK;
    place *places = NULL;
    size_t at = 0;
    KT_TRY(kt_alloc(&places, total, sizeof *places, err));
    for (size_t i = 0; i < n; i++) {
        for (size_t e = 0; e < parts[i].n_entries; e++)
            places[at++] = (place){parts[i].entries[e].name, i};
        for (size_t r = 0; r < parts[i].n_refused; r++)
            places[at++] = (place){parts[i].refused[r].name, i};
    }
    if (total > 0)
        qsort(places, total, sizeof *places, by_name);
    for (size_t i = 1; i < total; i++)
        if (strcmp(places[i - 1].name, places[i].name) == 0)
            KT_TRY(kt_fail(err, KT_INPUT, "service %s is in %s and in %s", places[i].name,
                           names[places[i - 1].part], names[places[i].part]));
out:
    free(places);
    return status;
}

/* ---- together ---- */

static kt_status copy_head(kt_archive *whole, const kt_archive *part, kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(kt_strdup(&whole->config, part->config, err));
    if (part->sweep)
        KT_TRY(kt_strdup(&whole->sweep, part->sweep, err));
    if (part->cleaning)
        KT_TRY(kt_strdup(&whole->cleaning, part->cleaning, err));
    for (; whole->d < part->d; whole->d++)
        KT_TRY(kt_strdup(&whole->feature[whole->d], part->feature[whole->d], err));
out:
    return status;
}

static void move_services(kt_archive *whole, kt_archive *part)
{
    if (part->n_entries > 0)
        memcpy(whole->entries + whole->n_entries, part->entries, part->n_entries * sizeof *part->entries);
    if (part->n_refused > 0)
        memcpy(whole->refused + whole->n_refused, part->refused, part->n_refused * sizeof *part->refused);
    whole->n_entries += part->n_entries;
    whole->n_refused += part->n_refused;
    part->n_entries = part->n_refused = 0;
}

kt_status kt_archive_merge(kt_archive *whole, kt_archive *parts, const char *const *names, size_t n,
                           kt_error *err)
{
    kt_status status = KT_OK;
    size_t entries = 0, refused = 0;
    for (size_t i = 0; i < n; i++) {
        entries += parts[i].n_entries;
        refused += parts[i].n_refused;
    }
    KT_TRY(check_together(parts, names, n, err));
    KT_TRY(refuse_twice(parts, names, n, entries + refused, err));
    KT_TRY(copy_head(whole, &parts[0], err));
    KT_TRY(kt_alloc(&whole->entries, entries, sizeof *whole->entries, err));
    KT_TRY(kt_alloc(&whole->refused, refused, sizeof *whole->refused, err));
    for (size_t i = 0; i < n; i++)
        move_services(whole, &parts[i]);
    kt_archive_sort(whole);
out:
    return status;
}
