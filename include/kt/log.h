/* The log: lines for people. The sink is the program's only global; the library itself never prints. */
#ifndef KT_LOG_H
#define KT_LOG_H

typedef enum { KT_LOG_ERROR, KT_LOG_WARN, KT_LOG_INFO, KT_LOG_DEBUG } kt_log_level;

typedef void (*kt_log_sink)(void *context, kt_log_level level, const char *line);

/* Lines above `most` are dropped; sink NULL (the start value) drops all. */
void kt_log_set(kt_log_sink sink, void *context, kt_log_level most);

void kt_log(kt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
