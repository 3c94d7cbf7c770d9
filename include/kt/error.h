/* Errors: a status for the program, a message for the person.
 *
 * Functions that can fail return a kt_status and take a caller-owned kt_error as their last argument (NULL:
 * the message is not wanted). The first error wins: a kt_error that holds a message keeps it. Bad input is
 * returned as an error, bugs are asserted. */
#ifndef KT_ERROR_H
#define KT_ERROR_H

#include <stddef.h>

/* name, what it means */
#define KT_STATUS_LIST(X)                                                                                    \
    X(OK, "done")                                                                                            \
    X(USAGE, "an option, argument or configuration is wrong")                                                \
    X(INPUT, "data that was read is wrong")                                                                  \
    X(IO, "the operating system or a file refused")                                                          \
    X(MEMORY, "out of memory")                                                                               \
    X(NUMERIC, "a computation left the range of numbers")                                                    \
    X(REFUSED, "the data of one service cannot be fitted")                                                   \
    X(BUSY, "the folder belongs to another run")                                                             \
    X(UNSUPPORTED, "this machine, library or version cannot do it")                                          \
    X(STOPPED, "stopped on request")                                                                         \
    X(INCOMPLETE, "done, but not all of it is there")

typedef enum {
#define X(name, text) KT_##name,
    KT_STATUS_LIST(X)
#undef X
} kt_status;

typedef struct {
    kt_status status;   /* KT_OK: empty */
    char message[1000]; /* what, which value, where; one line, no newline at its end */
} kt_error;

/* Writes the message unless err already holds one; returns status. */
kt_status kt_fail(kt_error *err, kt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As kt_fail, and appends ": " and the text of errno. */
kt_status kt_fail_errno(kt_error *err, kt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void kt_error_clear(kt_error *err);

/* The enumerator's meaning, as in the table above. */
const char *kt_status_text(kt_status status);

/* Needs a local `kt_status status = KT_OK;` and a label `out:` where everything is released. */
#define KT_TRY(call)                                                                                         \
    do {                                                                                                     \
        if ((status = (call)) != KT_OK)                                                                      \
            goto out;                                                                                        \
    } while (0)

/* Memory for n elements with overflow check; release with free(). n = 0 gives a valid pointer. `out` is the
 * address of a pointer of any type. kt_alloc: zeroed, aligned to 64 bytes; *out is NULL after a failure.
 * kt_grow: contents kept, new part undefined, not aligned; *out stays as it was after a failure. */
kt_status kt_alloc(void *out, size_t n, size_t size, kt_error *err);
kt_status kt_grow(void *out, size_t n, size_t size, kt_error *err);
kt_status kt_strdup(char **out, const char *text, kt_error *err);
void kt_strings_free(char **strings, size_t n); /* each, and the array; takes NULL, 0 */
kt_status kt_format(char **out, kt_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
