#include "kt/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line of whole UTF-8 characters, whatever went into it: messages end in logs and in JSON. */
static void tidy(char *message, size_t capacity)
{
    size_t n = strlen(message);
    if (n + 1 == capacity) { /* perhaps cut inside a character */
        size_t tail = 0;
        while (tail < 3 && tail < n && ((unsigned char)message[n - 1 - tail] & 0xC0) == 0x80)
            tail++;
        unsigned char head = tail < n ? (unsigned char)message[n - 1 - tail] : 0;
        size_t wanted = head >= 0xF0 ? 3 : head >= 0xE0 ? 2 : head >= 0xC0 ? 1 : 0;
        if (tail < wanted)
            message[n - 1 - tail] = '\0';
    }
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = ' ';
    for (n = strlen(message); n > 0 && message[n - 1] == ' '; n--)
        message[n - 1] = '\0';
}

static void fail(kt_error *err, kt_status status, const char *reason, const char *format, va_list arguments)
{
    if (!err || err->status != KT_OK)
        return;
    err->status = status;
    size_t capacity = sizeof err->message;
    if (reason) /* a long path may be cut, the reason may not */
        capacity -= strlen(reason) + 2;
    vsnprintf(err->message, capacity, format, arguments);
    tidy(err->message, capacity);
    if (reason) {
        strcat(err->message, ": ");
        strcat(err->message, reason);
    }
}

kt_status kt_fail(kt_error *err, kt_status status, const char *format, ...)
{
    assert(status != KT_OK);
    va_list arguments;
    va_start(arguments, format);
    fail(err, status, NULL, format, arguments);
    va_end(arguments);
    return status;
}

kt_status kt_fail_errno(kt_error *err, kt_status status, const char *format, ...)
{
    assert(status != KT_OK);
    char buffer[128];
    const char *reason = strerror_r(errno, buffer, sizeof buffer);
    va_list arguments;
    va_start(arguments, format);
    fail(err, status, reason, format, arguments);
    va_end(arguments);
    return status;
}

void kt_error_clear(kt_error *err)
{
    if (err) {
        err->status = KT_OK;
        err->message[0] = '\0';
    }
}

const char *kt_status_text(kt_status status)
{
    static const char *const text[] = {
#define X(name, meaning) [KT_##name] = meaning,
        KT_STATUS_LIST(X)
#undef X
    };
    assert((size_t)status < sizeof text / sizeof *text);
    return text[status];
}

/* `out` is the address of a pointer of any type: bytes are copied, because a void ** may not alias it. */
static kt_status give(void *out, void *memory, size_t n, size_t size, kt_error *err)
{
    if (!memory)
        return kt_fail(err, KT_MEMORY, "out of memory: %zu x %zu bytes wanted", n, size);
    memcpy(out, &memory, sizeof memory);
    return KT_OK;
}

kt_status kt_alloc(void *out, size_t n, size_t size, kt_error *err)
{
    enum { ALIGNMENT = 64 };
    void *memory = NULL;
    size_t bytes = 0;
    memcpy(out, &memory, sizeof memory);
    if (!__builtin_mul_overflow(n, size, &bytes) && bytes <= PTRDIFF_MAX - ALIGNMENT) {
        bytes = bytes > 0 ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
        memory = aligned_alloc(ALIGNMENT, bytes);
        if (memory)
            memset(memory, 0, bytes);
    }
    return give(out, memory, n, size, err);
}

kt_status kt_grow(void *out, size_t n, size_t size, kt_error *err)
{
    void *memory;
    memcpy(&memory, out, sizeof memory);
    size_t bytes = 0;
    bool fits = !__builtin_mul_overflow(n, size, &bytes) && bytes <= PTRDIFF_MAX;
    return give(out, fits ? realloc(memory, bytes > 0 ? bytes : 1) : NULL, n, size, err);
}

kt_status kt_strdup(char **out, const char *text, kt_error *err)
{
    *out = strdup(text);
    return *out ? KT_OK : kt_fail(err, KT_MEMORY, "out of memory: %zu bytes wanted", strlen(text) + 1);
}

void kt_strings_free(char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(strings[i]);
    free(strings);
}

kt_status kt_format(char **out, kt_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(out, format, arguments);
    va_end(arguments);
    if (n >= 0)
        return KT_OK;
    *out = NULL; /* undefined after a failure */
    return kt_fail(err, KT_MEMORY, "out of memory: a text could not be formatted");
}
