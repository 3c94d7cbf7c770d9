#include "kt/json.h"

#include "kt/file.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An object or array that lost a part for want of memory is marked by a type that is no JSON kind. It takes
 * and gives nothing more, breaks what it is put into, and jansson refuses to print it: a shortened document
 * cannot get out. Turning the mark twice gives the type again. */
static bool is_broken(const kt_json *value)
{
    return value && (int)value->type < 0;
}

static void turn_mark(kt_json *value)
{
    value->type = (json_type)(-1 - (int)value->type);
}

static kt_json *broken(kt_json *value)
{
    if (json_is_object(value) || json_is_array(value))
        turn_mark(value);
    return value;
}

size_t kt_json_character(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t n = c[0] < 0x80 ? 1 : c[0] < 0xC2 ? 0 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : c[0] < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((c[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xED && c[1] > 0x9F;
    bool beyond = c[0] == 0xF4 && c[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

/* A copy in which every byte that is not UTF-8 has become U+FFFD; the same text for a text that is. */
static char *repaired(const char *text)
{
    char *copy = malloc(3 * strlen(text) + 1), *to = copy;
    if (!copy)
        return NULL;
    while (*text) {
        size_t n = kt_json_character(text);
        memcpy(to, n > 0 ? text : "\xEF\xBF\xBD", n > 0 ? n : 3);
        to += n > 0 ? n : 3;
        text += n > 0 ? n : 1;
    }
    *to = '\0';
    return copy;
}

kt_status kt_json_parse(kt_json **out, const char *text, size_t n, const char *name, kt_error *err)
{
    json_error_t error;
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (*out)
        return KT_OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return kt_fail(err, KT_MEMORY, "%s: out of memory", name);
    return kt_fail(err, KT_INPUT, "%s:%d:%d: %s", name, error.line, error.column, error.text);
}

kt_status kt_json_read(kt_json **out, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t n;
    *out = NULL;
    KT_TRY(kt_file_read(&text, &n, path, err));
    KT_TRY(kt_json_parse(out, text, n, path, err));
out:
    free(text);
    return status;
}

kt_json *kt_json_keep(kt_json *value)
{
    return json_incref(value);
}

void kt_json_drop(kt_json *value)
{
    if (is_broken(value) && value->refcount == 1) /* to be freed as what it was */
        turn_mark(value);
    json_decref(value);
}

kt_status kt_json_text(char **out, const kt_json *value, int indent, kt_error *err)
{
    size_t style = indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
    *out =
        value ? json_dumps(value, style | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) : NULL;
    return *out ? KT_OK
                : kt_fail(err, KT_MEMORY, "out of memory: a JSON value could not be built or written");
}

kt_json *kt_json_object(void)
{
    return json_object();
}

kt_json *kt_json_array(void)
{
    return json_array();
}

kt_json *kt_json_null(void)
{
    return json_null();
}

kt_json *kt_json_bool(bool value)
{
    return json_boolean(value);
}

kt_json *kt_json_int(int64_t value)
{
    return json_integer(value);
}

kt_json *kt_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

kt_json *kt_json_string(const char *value)
{
    char *text = repaired(value);
    json_t *made = text ? json_string_nocheck(text) : NULL;
    free(text);
    return made;
}

kt_json *kt_json_reals(const double *values, size_t n)
{
    kt_json *array = kt_json_array();
    for (size_t i = 0; i < n; i++)
        kt_json_append(array, kt_json_real(values[i]));
    return array;
}

kt_json *kt_json_put(kt_json *object, const char *key, kt_json *value)
{
    assert(!object || json_is_object(object) || is_broken(object));
    char *text = repaired(key);
    bool done = false;
    if (text && !is_broken(value))
        done = json_object_set_new_nocheck(object, text, value) == 0; /* takes the value in any case */
    else
        kt_json_drop(value);
    free(text);
    return done ? object : broken(object);
}

kt_json *kt_json_append(kt_json *array, kt_json *value)
{
    assert(!array || json_is_array(array) || is_broken(array));
    bool done = false;
    if (!is_broken(value))
        done = json_array_append_new(array, value) == 0;
    else
        kt_json_drop(value);
    return done ? array : broken(array);
}

kt_json *kt_json_merge(kt_json *object, const kt_json *over)
{
    return json_object_update(object, (kt_json *)over) == 0 ? object : broken(object);
}

kt_json_kind kt_json_kind_of(const kt_json *value)
{
    if (!value)
        return KT_JSON_NULL;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return KT_JSON_OBJECT;
    case JSON_ARRAY:
        return KT_JSON_ARRAY;
    case JSON_STRING:
        return KT_JSON_TEXT;
    case JSON_INTEGER:
        return KT_JSON_INT;
    case JSON_REAL:
        return KT_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return KT_JSON_BOOL;
    default:
        return KT_JSON_NULL;
    }
}

size_t kt_json_size(const kt_json *value)
{
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

kt_json *kt_json_get(const kt_json *object, const char *key)
{
    return json_object_get(object, key);
}

kt_json *kt_json_at(const kt_json *array, size_t i)
{
    return json_array_get(array, i);
}

/* Selection without memory: bounds close in on the key, the pivot being the middle one of those left in the
 * object's order, which halves them where the keys were put in order. */
const char *kt_json_key(const kt_json *object, size_t i)
{
    const char *low = NULL, *high = NULL, *key; /* the key lies between, both ends excluded */
    json_t *value, *all = (json_t *)object;
    size_t left = json_object_size(object), before = 0; /* keys between the bounds, and up to `low` */
    if (i >= left)
        return NULL;
    for (;;) {
        const char *pivot = NULL;
        size_t seen = 0, less = 0;
        json_object_foreach(all, key, value)
        {
            bool inside = (!low || strcmp(key, low) > 0) && (!high || strcmp(key, high) < 0);
            if (inside && seen++ == left / 2)
                pivot = key;
        }
        json_object_foreach(all, key, value) less += strcmp(key, pivot) < 0;
        if (less == i)
            return pivot;
        if (less < i) {
            left -= less - before + 1;
            before = less + 1;
            low = pivot;
        } else {
            left = less - before;
            high = pivot;
        }
    }
}

bool kt_json_equal(const kt_json *a, const kt_json *b)
{
    return json_equal(a, b);
}

static kt_status text_of(char **text, const kt_json *value, kt_error *err)
{
    return value ? kt_json_text(text, value, 0, err) : kt_strdup(text, "nothing", err);
}

kt_status kt_json_difference(const char **key, char **in_a, char **in_b, const kt_json *a, const kt_json *b,
                             kt_error *err)
{
    kt_status status = KT_OK;
    size_t n_a = kt_json_size(a), n = n_a + kt_json_size(b);
    *key = NULL;
    *in_a = *in_b = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *name = i < n_a ? kt_json_key(a, i) : kt_json_key(b, i - n_a);
        const kt_json *left = kt_json_get(a, name), *right = kt_json_get(b, name);
        if (kt_json_equal(left, right))
            continue;
        KT_TRY(text_of(in_a, left, err));
        KT_TRY(text_of(in_b, right, err));
        *key = name;
        break;
    }
out:
    if (status != KT_OK) {
        free(*in_a);
        *in_a = NULL;
    }
    return status;
}

bool kt_json_as_bool(const kt_json *value, bool fallback)
{
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

int64_t kt_json_as_int(const kt_json *value, int64_t fallback)
{
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

double kt_json_as_real(const kt_json *value, double fallback)
{
    return json_is_number(value) ? json_number_value(value) : fallback;
}

const char *kt_json_as_text(const kt_json *value, const char *fallback)
{
    return json_is_string(value) ? json_string_value(value) : fallback;
}

const char *kt_json_library(void)
{
    return jansson_version_str();
}
