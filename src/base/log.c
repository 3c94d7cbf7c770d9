#include "kt/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static struct {
    kt_log_sink sink;
    void *context;
    kt_log_level most;
} log_state;

void kt_log_set(kt_log_sink sink, void *context, kt_log_level most)
{
    log_state.sink = sink;
    log_state.context = context;
    log_state.most = most;
}

void kt_log(kt_log_level level, const char *format, ...)
{
    if (!log_state.sink || level > log_state.most)
        return;
    int saved = errno; /* a line about an error must not change what the error is */
    char line[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_state.sink(log_state.context, level, line);
    errno = saved;
}
