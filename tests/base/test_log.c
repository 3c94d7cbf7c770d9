#include "kt/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    int n;
    kt_log_level level;
    char line[4000];
} record;

static void keep(void *context, kt_log_level level, const char *line)
{
    record *r = context;
    r->n++;
    r->level = level;
    snprintf(r->line, sizeof r->line, "%s", line);
    errno = EIO;
}

static void lines_reach_the_sink(void **state)
{
    (void)state;
    record r = {0};
    kt_log_set(keep, &r, KT_LOG_INFO);
    kt_log(KT_LOG_WARN, "service %s: %d rows", "frontend", 7);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.level, KT_LOG_WARN);
    assert_string_equal(r.line, "service frontend: 7 rows");
    kt_log(KT_LOG_INFO, "%s", "100%");
    assert_int_equal(r.n, 2);
    assert_string_equal(r.line, "100%");
    kt_log(KT_LOG_DEBUG, "too much");
    assert_int_equal(r.n, 2);
    kt_log_set(NULL, NULL, KT_LOG_DEBUG);
    kt_log(KT_LOG_ERROR, "nobody hears it");
    assert_int_equal(r.n, 2);
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    record r = {0};
    kt_log_set(keep, &r, KT_LOG_INFO);
    kt_log(KT_LOG_INFO, "%3000d", 1);
    assert_in_range(strlen(r.line), 1000, 2999);
    kt_log_set(NULL, NULL, KT_LOG_ERROR);
}

static void errno_survives(void **state)
{
    (void)state;
    record r = {0};
    kt_log_set(keep, &r, KT_LOG_INFO);
    errno = ENOENT;
    kt_log(KT_LOG_INFO, "line");
    assert_int_equal(errno, ENOENT);
    kt_log_set(NULL, NULL, KT_LOG_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_reach_the_sink),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(errno_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
