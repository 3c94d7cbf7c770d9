#include "kt/steps.h"

#include "kt/rng.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kt_steps_clear(kt_steps *steps)
{
    for (size_t i = 0; steps->name && i < steps->n; i++)
        free(steps->name[i]);
    free(steps->name);
    free(steps->order);
    free(steps->key);
    *steps = (kt_steps){.n = 0};
}

/* Room for one step more. */
static kt_status make_room(kt_steps *steps, kt_error *err)
{
    kt_status status = KT_OK;
    if (steps->n < steps->capacity)
        return KT_OK;
    steps->capacity = 2 * steps->capacity + 16;
    if (steps->rule == KT_CELLS_NOMINAL) {
        KT_TRY(kt_grow(&steps->key, steps->capacity, steps->n_keys * sizeof *steps->key, err));
    } else {
        KT_TRY(kt_grow(&steps->name, steps->capacity, sizeof *steps->name, err));
        KT_TRY(kt_grow(&steps->order, steps->capacity, sizeof *steps->order, err));
    }
out:
    return status;
}

static bool fits(const double *step, const double *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (step[i] != value[i] && !isnan(step[i]) && !isnan(value[i]))
            return false;
    return true;
}

kt_status kt_steps_of_values(uint32_t *step, kt_steps *steps, const double *value, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = steps->n_keys, found = steps->latest;
    assert(steps->rule == KT_CELLS_NOMINAL && n > 0);
    steps->rows++;
    if (steps->n == 0 || !fits(steps->key + found * n, value, n))
        for (found = steps->n; found-- > 0;)
            if (fits(steps->key + found * n, value, n))
                break;
    if (found >= steps->n) {
        KT_TRY(make_room(steps, err));
        found = steps->n++;
        memcpy(steps->key + found * n, value, n * sizeof *value);
    }
    double *key = steps->key + found * n;
    for (size_t i = 0; i < n; i++)
        if (isnan(key[i]))
            key[i] = value[i];
    *step = steps->latest = (uint32_t)found;
out:
    return status;
}

static int compare(const char *name, const char *text, size_t n)
{
    int order = strncmp(name, text, n);
    return order != 0 ? order : name[n] != '\0';
}

/* The place of a text in the order of names: the first that is not before it. */
static size_t place_of(const kt_steps *steps, const char *text, size_t n)
{
    size_t low = 0, high = steps->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(steps->name[steps->order[middle]], text, n) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

kt_status kt_steps_of_name(uint32_t *step, kt_steps *steps, const char *name, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    assert(steps->rule == KT_CELLS_COLUMN);
    steps->rows++;
    *step = steps->latest;
    if (steps->n > 0 && compare(steps->name[*step], name, n) == 0)
        return KT_OK;
    size_t place = place_of(steps, name, n);
    if (place == steps->n || compare(steps->name[steps->order[place]], name, n) != 0) {
        KT_TRY(make_room(steps, err));
        KT_TRY(kt_format(&steps->name[steps->n], err, "%.*s", (int)n, name));
        memmove(steps->order + place + 1, steps->order + place, (steps->n - place) * sizeof *steps->order);
        steps->order[place] = (uint32_t)steps->n++;
    }
    *step = steps->latest = steps->order[place];
out:
    return status;
}

bool kt_steps_unlikely(const kt_steps *steps)
{
    return steps->n > 64 && steps->rows < 4 * (uint64_t)steps->n;
}

/* The shortest of 15 and 17 digits that reads back as the value. */
static void print_value(FILE *out, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    fputs(isnan(value) ? "-" : text, out);
}

static void print_values(FILE *out, const char *name, const double *value, size_t n)
{
    bool equal = true;
    for (size_t i = 1; i < n; i++)
        equal &= value[i] == value[0];
    for (size_t i = 0; i < (equal && n > 0 ? 1 : n); i++) {
        fputs(i == 0 ? name : ",", out);
        print_value(out, value[i]);
    }
}

kt_status kt_steps_label(char label[KT_LABEL], const kt_steps *steps, uint32_t step, kt_error *err)
{
    if (steps->rule == KT_CELLS_COLUMN) {
        kt_label_write(label, steps->name[step]);
        return KT_OK;
    }
    const double *key = steps->key + step * steps->n_keys;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        print_values(out, "rps=", key, steps->n_rates);
        print_values(out, " rep=", key + steps->n_rates, steps->n_keys - steps->n_rates);
    }
    bool good = out && fclose(out) == 0;
    if (good)
        kt_label_write(label, text);
    free(text);
    return good ? KT_OK : kt_fail(err, KT_MEMORY, "out of memory: a cell could not be named");
}

void kt_label_write(char label[KT_LABEL], const char *text)
{
    enum { HASH = 9 };
    size_t n = strlen(text);
    memset(label, 0, KT_LABEL);
    if (n < KT_LABEL) {
        memcpy(label, text, n);
        return;
    }
    n = KT_LABEL - 1 - HASH;
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) /* whole UTF-8 characters */
        n--;
    memcpy(label, text, n);
    snprintf(label + n, HASH + 1, "#%08" PRIx32, (uint32_t)kt_rng_subject(text));
}
