#include "kt/options.h"

#include "options_private.h"
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const kt_option *kt_option_find(const kt_option *table, const char *name, size_t n)
{
    for (; table->name; table++)
        if (strncmp(table->name, name, n) == 0 && table->name[n] == '\0')
            return table;
    return NULL;
}

void kt_options_join(kt_option *to, size_t room, const kt_option_part *parts, size_t n)
{
    size_t at = 0;
    (void)room; /* where nothing is asserted */
    for (size_t i = 0; i < n; i++)
        for (const kt_option *row = parts[i].table; row->name; row++) {
            assert(at + 1 < room);
            to[at] = *row;
            to[at++].offset += parts[i].base;
        }
    to[at] = (kt_option){.name = NULL};
}

kt_status kt_option_unknown(const kt_option *table, kt_option_place at, kt_error *err)
{
    enum { MOST = 256 };
    const char *names[MOST];
    size_t n = 0;
    for (; table->name && n < MOST; table++)
        names[n++] = table->name;
    const char *near = kt_nearest(at.name, names, n);
    if (!near)
        return kt_fail(err, KT_USAGE, "%sunknown option %s%s", KT_SAY(at));
    return kt_fail(err, KT_USAGE, "%sunknown option %s%s; did you mean %s%s?", KT_SAY(at), at.dashes, near);
}

static bool is_list(const kt_option *option)
{
    return option->type == KT_OPTION_TEXTS || option->type == KT_OPTION_INTS;
}

kt_option_bounds kt_option_range(const kt_option *option)
{
    kt_option_bounds range = {-INFINITY, INFINITY};
    if (option->type == KT_OPTION_INTS)
        range = (kt_option_bounds){INT_MIN, INT_MAX};
    if (option->min != option->max)
        range = (kt_option_bounds){fmax(range.min, option->min), fmin(range.max, option->max)};
    return range;
}

static kt_status judge_range(const kt_option *option, double value, kt_option_place at, kt_error *err)
{
    kt_option_bounds range = kt_option_range(option);
    if (value >= range.min && value <= range.max)
        return KT_OK;
    if (!isfinite(range.max))
        return kt_fail(err, KT_USAGE, KT_PLACE ": %.15g is less than %.15g", KT_SAY(at), value, range.min);
    if (!isfinite(range.min))
        return kt_fail(err, KT_USAGE, KT_PLACE ": %.15g is more than %.15g", KT_SAY(at), value, range.max);
    return kt_fail(err, KT_USAGE, KT_PLACE ": %.15g is not in the range %.15g to %.15g", KT_SAY(at), value,
                   range.min, range.max);
}

/* The position of text in "weibull|gamma|...", or -1. */
static int choice_of(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (int i = 0;; i++) {
        size_t length = strcspn(choices, "|");
        if (length == n && memcmp(choices, text, n) == 0)
            return i;
        if (choices[length] == '\0')
            return -1;
        choices += length + 1;
    }
}

/* One value: for a list one of its elements. */
static kt_status judge_one(const kt_option *option, const kt_json *value, kt_option_place at, kt_error *err)
{
    static const struct {
        kt_json_kind kind;
        const char *wanted;
    } need[] = {
        [KT_OPTION_FLAG] = {KT_JSON_BOOL, "true or false"},
        [KT_OPTION_INT] = {KT_JSON_INT, "a whole number"},
        [KT_OPTION_REAL] = {KT_JSON_REAL, "a number"},
        [KT_OPTION_TEXT] = {KT_JSON_TEXT, "a text"},
        [KT_OPTION_CHOICE] = {KT_JSON_TEXT, "a text"},
        [KT_OPTION_TEXTS] = {KT_JSON_TEXT, "a list of texts"},
        [KT_OPTION_INTS] = {KT_JSON_INT, "a list of whole numbers"},
    };
    kt_json_kind kind = kt_json_kind_of(value), wanted = need[option->type].kind;
    if (kind != wanted && !(wanted == KT_JSON_REAL && kind == KT_JSON_INT))
        return kt_fail(err, KT_USAGE, KT_PLACE ": takes %s", KT_SAY(at), need[option->type].wanted);
    if (wanted == KT_JSON_INT || wanted == KT_JSON_REAL)
        return judge_range(option, kt_json_as_real(value, 0), at, err);
    const char *text = kt_json_as_text(value, "");
    if (option->type == KT_OPTION_CHOICE && choice_of(option->choices, text) < 0)
        return kt_fail(err, KT_USAGE, KT_PLACE ": '%s' is none of %s", KT_SAY(at), text, option->choices);
    return KT_OK;
}

/* A list may stand as a single value. */
static size_t count(const kt_json *value)
{
    return kt_json_kind_of(value) == KT_JSON_ARRAY ? kt_json_size(value) : 1;
}

static const kt_json *element(const kt_json *value, size_t i)
{
    return kt_json_kind_of(value) == KT_JSON_ARRAY ? kt_json_at(value, i) : value;
}

kt_status kt_option_judge(const kt_option *option, const kt_json *value, kt_option_place at, kt_error *err)
{
    if (!is_list(option))
        return judge_one(option, value, at, err);
    size_t n = count(value);
    if (n > KT_OPTION_LIST_MAX)
        return kt_fail(err, KT_USAGE, KT_PLACE ": %zu values, at most %d are taken", KT_SAY(at), n,
                       KT_OPTION_LIST_MAX);
    kt_status status = KT_OK;
    for (size_t i = 0; i < n; i++)
        KT_TRY(judge_one(option, element(value, i), at, err));
out:
    return status;
}

static kt_status int_of(kt_json **out, const char *text, kt_option_place at, kt_error *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || isspace((unsigned char)*text))
        return kt_fail(err, KT_USAGE, KT_PLACE ": '%s' is not a whole number", KT_SAY(at), text);
    if (errno == ERANGE)
        return kt_fail(err, KT_USAGE, KT_PLACE ": '%s' has more than 64 bits", KT_SAY(at), text);
    *out = kt_json_int(value);
    return KT_OK;
}

static kt_status real_of(kt_json **out, const char *text, kt_option_place at, kt_error *err)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)*text) || !isfinite(value))
        return kt_fail(err, KT_USAGE, KT_PLACE ": '%s' is not a finite number", KT_SAY(at), text);
    *out = kt_json_real(value);
    return KT_OK;
}

static kt_status ints_of(kt_json **out, const char *text, kt_option_place at, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *array = kt_json_array(), *one = NULL;
    char *copy = NULL, *rest;
    KT_TRY(kt_strdup(&copy, text, err));
    rest = copy;
    for (char *part; (part = strsep(&rest, ","));) {
        KT_TRY(int_of(&one, part, at, err));
        array = kt_json_append(array, one);
    }
    *out = array;
    array = NULL;
out:
    kt_json_drop(array);
    free(copy);
    return status;
}

kt_status kt_option_typed(kt_json **out, const kt_option *option, const char *text, kt_option_place at,
                          kt_error *err)
{
    kt_status status = KT_OK;
    *out = NULL;
    switch (option->type) {
    case KT_OPTION_FLAG:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return kt_fail(err, KT_USAGE, KT_PLACE ": '%s' is neither true nor false", KT_SAY(at), text);
        *out = kt_json_bool(text[0] == 't');
        break;
    case KT_OPTION_INT:
        status = int_of(out, text, at, err);
        break;
    case KT_OPTION_REAL:
        status = real_of(out, text, at, err);
        break;
    case KT_OPTION_INTS:
        status = ints_of(out, text, at, err);
        break;
    case KT_OPTION_TEXTS:
        *out = kt_json_append(kt_json_array(), kt_json_string(text));
        break;
    case KT_OPTION_TEXT:
    case KT_OPTION_CHOICE:
        *out = kt_json_string(text);
    }
    if (status == KT_OK && kt_json_kind_of(*out) == KT_JSON_NULL)
        return kt_fail(err, KT_MEMORY, KT_PLACE ": out of memory", KT_SAY(at));
    return status;
}

/* One way to write each value (new reference): a real is a real though its digits are whole, a list an array.
 */
static kt_json *normal(const kt_option *option, const kt_json *value)
{
    if (option->type == KT_OPTION_REAL)
        return kt_json_real(kt_json_as_real(value, NAN));
    if (is_list(option) && kt_json_kind_of(value) != KT_JSON_ARRAY)
        return kt_json_append(kt_json_array(), kt_json_keep((kt_json *)value));
    return kt_json_keep((kt_json *)value);
}

/* An object that memory was short for is no object any more. */
kt_status kt_option_hand_out(kt_json **out, kt_json *object, kt_error *err)
{
    if (kt_json_kind_of(object) != KT_JSON_OBJECT) {
        kt_json_drop(object);
        return kt_fail(err, KT_MEMORY, "out of memory: options cannot be kept");
    }
    *out = object;
    return KT_OK;
}

kt_status kt_options_check(const kt_option *table, const kt_json *object, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    char *before = NULL;
    if (kt_json_kind_of(object) != KT_JSON_OBJECT)
        return kt_fail(err, KT_USAGE, "%s: options are a JSON object, {\"name\": value, ...}", where);
    KT_TRY(kt_format(&before, err, "%s: ", where));
    for (size_t i = 0; i < kt_json_size(object); i++) {
        const char *name = kt_json_key(object, i);
        const kt_option *option = kt_option_find(table, name, strlen(name));
        kt_option_place at = {before, "", name};
        KT_TRY(option ? kt_option_judge(option, kt_json_get(object, name), at, err)
                      : kt_option_unknown(table, at, err));
    }
out:
    free(before);
    return status;
}

static kt_status preset_of(kt_json **out, const kt_option *option, kt_error *err)
{
    kt_status status = KT_OK;
    kt_option_place at = {"preset of ", "--", option->name};
    KT_TRY(kt_option_typed(out, option, option->preset, at, err));
    KT_TRY(kt_option_judge(option, *out, at, err));
out:
    if (status != KT_OK) {
        kt_json_drop(*out);
        *out = NULL;
    }
    return status;
}

kt_status kt_options_presets(kt_json **out, const kt_option *table, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *object = kt_json_object(), *value;
    *out = NULL;
    for (; table->name; table++) {
        if (!table->preset)
            continue;
        KT_TRY(preset_of(&value, table, err));
        kt_json_put(object, table->name, value);
    }
    status = kt_option_hand_out(out, object, err);
    object = NULL;
out:
    kt_json_drop(object);
    return status;
}

/* Into the member of the struct. Texts are borrowed from the value. */
static void store(void *member, const kt_option *option, const kt_json *value)
{
    switch (option->type) {
    case KT_OPTION_FLAG:
        *(bool *)member = kt_json_as_bool(value, false);
        break;
    case KT_OPTION_INT:
        *(int64_t *)member = kt_json_as_int(value, 0);
        break;
    case KT_OPTION_REAL:
        *(double *)member = kt_json_as_real(value, 0);
        break;
    case KT_OPTION_TEXT:
        *(const char **)member = kt_json_as_text(value, NULL);
        break;
    case KT_OPTION_CHOICE:
        *(int *)member = value ? choice_of(option->choices, kt_json_as_text(value, "")) : 0;
        break;
    case KT_OPTION_TEXTS: {
        kt_texts *texts = member;
        texts->n = value ? count(value) : 0;
        for (size_t i = 0; i < texts->n; i++)
            texts->text[i] = kt_json_as_text(element(value, i), NULL);
        break;
    }
    case KT_OPTION_INTS: {
        kt_ints *ints = member;
        ints->n = value ? count(value) : 0;
        for (size_t i = 0; i < ints->n; i++)
            ints->value[i] = (int)kt_json_as_int(element(value, i), 0);
    }
    }
}

static kt_status fill_one(void *member, const kt_option *option, const kt_json *value, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *preset = NULL;
    if (value) {
        KT_TRY(kt_option_judge(option, value, (kt_option_place){"", "--", option->name}, err));
    } else if (option->preset) {
        KT_TRY(preset_of(&preset, option, err));
        value = preset;
    }
    store(member, option, value);
    if (preset && option->type == KT_OPTION_TEXT) /* the table outlives the JSON value */
        *(const char **)member = option->preset;
    else if (preset && option->type == KT_OPTION_TEXTS)
        ((kt_texts *)member)->text[0] = option->preset;
out:
    kt_json_drop(preset);
    return status;
}

kt_status kt_options_fill(void *target, const kt_option *table, const kt_json *object, kt_error *err)
{
    kt_status status = KT_OK;
    for (; table->name; table++)
        KT_TRY(fill_one((char *)target + table->offset, table, kt_json_get(object, table->name), err));
out:
    return status;
}

kt_json *kt_options_of_class(const kt_option *table, const kt_json *object, kt_option_class class)
{
    kt_json *part = kt_json_object();
    for (; table->name; table++) {
        const kt_json *value = kt_json_get(object, table->name);
        if (value && table->class == class)
            kt_json_put(part, table->name, normal(table, value));
    }
    return part;
}
