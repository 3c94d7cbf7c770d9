#include "jaeger_private.h"

#include "ids.h"
#include "status.h"
#include "tracestate.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

const char *jaeger_text(size_t *n, const json_t *value)
{
    const char *text = json_string_value(value);
    *n = text ? strlen(text) : 0;
    return text ? text : "";
}

uint64_t jaeger_span_id(const json_t *value)
{
    size_t n;
    const char *text = jaeger_text(&n, value);
    return kt_id_of_span(text, n);
}

static bool number_of_text(uint64_t *magnitude, bool *negative, const char *text)
{
    char *end;
    *negative = *text == '-';
    text += *negative;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *magnitude = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

bool jaeger_number(uint64_t *magnitude, bool *negative, const json_t *value)
{
    *magnitude = 0;
    *negative = false;
    if (json_is_string(value))
        return number_of_text(magnitude, negative, json_string_value(value));
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);
        *negative = number < 0;
        *magnitude = *negative ? -(uint64_t)number : (uint64_t)number;
        return true;
    }
    double real = json_real_value(value), size = fabs(real);
    if (!json_is_real(value) || size != floor(size) || size > 0x1p64)
        return false;
    *negative = real < 0;
    *magnitude = size < 0x1p64 ? (uint64_t)size : UINT64_MAX; /* wrapped -1 as a double */
    return true;
}

/* A scalar as text: its own, "true", "200", "0.5". NULL for arrays and objects. */
static const char *scalar(size_t *n, char buffer[32], const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return jaeger_text(n, value);
    case JSON_TRUE:
    case JSON_FALSE:
        strcpy(buffer, json_is_true(value) ? "true" : "false");
        break;
    case JSON_INTEGER:
        snprintf(buffer, 32, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(buffer, 32, "%.15g", json_real_value(value));
        break;
    default:
        return NULL;
    }
    *n = strlen(buffer);
    return buffer;
}

/* ---- tags ---- */

static kt_status keep_keys(jaeger *j, const char *const *keys, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t index;
    for (; keys && *keys; keys++)
        KT_TRY(kt_words_put(&index, &j->kept, *keys, strlen(*keys), err));
out:
    return status;
}

kt_status jaeger_tags_init(jaeger *j, const kt_jaeger_options *options, kt_error *err)
{
    kt_status status = KT_OK;
    uint32_t index;
    for (size_t i = 0; i < STATUS_MEANINGS; i++) /* the first ones, so that an index says the meaning */
        KT_TRY(kt_words_put(&index, &j->kept, status_meanings[i].key, strlen(status_meanings[i].key), err));
    KT_TRY(keep_keys(j, kt_span_tags, err));
    KT_TRY(keep_keys(j, options ? options->tags : NULL, err));
    KT_TRY(kt_alloc(&j->key_text, j->kept.n, sizeof *j->key_text, err));
out:
    return status;
}

static kt_status keep_tag(jaeger *j, uint32_t kept, const char *value, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span_tag tag;
    if (j->n_tags == j->tags_capacity) {
        KT_TRY(kt_grow(&j->tags, 2 * j->tags_capacity + 16, sizeof *j->tags, err));
        j->tags_capacity = 2 * j->tags_capacity + 16;
    }
    if (j->key_text[kept] == 0) {
        const char *key = j->kept.text[kept];
        KT_TRY(kt_spans_text(&j->key_text[kept], j->spans, key, strlen(key), err));
        j->key_text[kept]++;
    }
    tag.key = j->key_text[kept] - 1;
    KT_TRY(kt_spans_text(&tag.value, j->spans, value, n, err));
    j->tags[j->n_tags++] = tag;
out:
    return status;
}

kt_status jaeger_tag(jaeger *j, kt_span *span, const char *key, size_t n, const json_t *value, kt_error *err)
{
    char buffer[32];
    uint32_t kept = kt_words_find(&j->kept, key, n);
    size_t length;
    if (kept == UINT32_MAX)
        return KT_OK;
    const char *text = scalar(&length, buffer, value);
    if (!text)
        return KT_OK;
    if (strcmp(j->kept.text[kept], KT_TRACESTATE_TAG) == 0) { /* the rest of it differs from trace to trace */
        text = kt_tracestate_sampling(&length, text, length);
        if (length == 0)
            return KT_OK;
    }
    if (span && kept < STATUS_MEANINGS)
        status_meanings[kept].see(span, text);
    return kept == STATUS_KIND ? KT_OK : keep_tag(j, kept, text, length, err);
}
