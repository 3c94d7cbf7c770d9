#include "clean_view.h"

#include "kt/table.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *text(const kt_json *json, const char *key)
{
    return kt_json_as_text(kt_json_get(json, key), "");
}

static double real(const kt_json *json, const char *key)
{
    return kt_json_as_real(kt_json_get(json, key), NAN);
}

static long long integer(const kt_json *json, const char *key)
{
    return (long long)kt_json_as_int(kt_json_get(json, key), 0);
}

/* A cell with a number, blank where there is none. */
static kt_status put_real(kt_table *table, const char *format, double value, kt_error *err)
{
    char cell[64] = "";
    if (!isnan(value))
        snprintf(cell, sizeof cell, format, value);
    return kt_table_cell(table, err, "%s", cell);
}

static kt_status print_table(const char *title, const kt_table *table, kt_error *err)
{
    char *lines = NULL;
    kt_status status = kt_table_text(&lines, table, err);
    if (status == KT_OK)
        printf("\n%s\n%s", title, lines);
    free(lines);
    return status;
}

/* ---- services ---- */

static kt_status put_queue(kt_table *table, const kt_json *queue, kt_error *err)
{
    bool fifo = text(queue, "rule")[0] == 'f';
    kt_status status = fifo && integer(queue, "workers") > 1
                           ? kt_table_cell(table, err, "fifo, %lld", integer(queue, "workers"))
                           : kt_table_cell(table, err, "%s", text(queue, "rule"));
    if (status == KT_OK)
        status = put_real(table, "%.2f %%", 100 * real(queue, "overtaking"), err);
    if (status == KT_OK)
        status = put_real(table, "%.2f", real(queue, "busy_over_idle"), err);
    return status;
}

/* The smallest and the largest value of a key over a service's cells. */
static kt_status put_range(kt_table *table, const kt_json *cells, const char *key, kt_error *err)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < kt_json_size(cells); i++) {
        double value = real(kt_json_at(cells, i), key);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (low > high)
        return kt_table_cell(table, err, "?");
    return low == high ? kt_table_cell(table, err, "%.4g", low)
                       : kt_table_cell(table, err, "%.4g-%.4g", low, high);
}

static kt_status print_services(const kt_json *services, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(kt_table_create(&table,
                           "service|rows>|rep>|visits/request>|queue|overtaking>|busy/idle>|in a pod>|"
                           "time, ms>|delay, ms>|target",
                           err));
    for (size_t i = 0; i < kt_json_size(services); i++) {
        const kt_json *s = kt_json_at(services, i), *queue = kt_json_get(s, "queue");
        KT_TRY(kt_table_cell(table, err, "%s", text(s, "service")));
        KT_TRY(kt_table_cell(table, err, "%lld", integer(s, "rows")));
        KT_TRY(put_range(table, kt_json_get(s, "cells"), "rep", err));
        KT_TRY(put_range(table, kt_json_get(s, "cells"), "visits_per_request", err));
        KT_TRY(put_queue(table, queue, err));
        KT_TRY(put_real(table, "%.2f", real(queue, "concurrency"), err));
        KT_TRY(put_real(table, "%.3f", 1e3 * real(s, "proc_median_s"), err));
        KT_TRY(put_real(table, "%.3f", 1e3 * real(kt_json_get(s, "delay"), "median_s"), err));
        KT_TRY(kt_table_cell(table, err, "%s", text(s, "target")));
    }
    KT_TRY(print_table(
        "Services: medians; queue: as if each pod had one worker, how many overtake, and the "
        "time of\nwhat found its pod busy over the others'; in a pod: requests while there are any",
        table, err));
out:
    kt_table_destroy(table);
    return status;
}

/* ---- cells ---- */

static kt_status print_cells(const kt_json *cells, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(kt_table_create(&table, "cell>|load step|asked>|achieved>|seconds>|requests>|rows>|", err));
    for (size_t i = 0; i < kt_json_size(cells); i++) {
        const kt_json *c = kt_json_at(cells, i);
        KT_TRY(kt_table_cell(table, err, "%lld", integer(c, "cell")));
        KT_TRY(kt_table_cell(table, err, "%s", text(c, "label")));
        KT_TRY(put_real(table, "%.4g", real(c, "rps_asked"), err));
        KT_TRY(put_real(table, "%.4g", real(c, "rps"), err));
        KT_TRY(put_real(table, "%.1f", real(c, "end_s") - real(c, "start_s"), err));
        KT_TRY(kt_table_cell(table, err, "%lld", integer(c, "requests")));
        KT_TRY(kt_table_cell(table, err, "%lld", integer(c, "rows")));
        KT_TRY(kt_table_cell(table, err, "%s",
                             kt_json_as_bool(kt_json_get(c, "overloaded"), false) ? "overloaded" : ""));
    }
    KT_TRY(print_table("Cells, in requests per second", table, err));
out:
    kt_table_destroy(table);
    return status;
}

/* ---- calls without spans, other roots ---- */

static kt_status print_externals(const kt_json *externals, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    if (kt_json_size(externals) == 0)
        return KT_OK;
    KT_TRY(kt_table_create(&table, "service|calls|calls>|median, ms>", err));
    for (size_t i = 0; i < kt_json_size(externals); i++) {
        const kt_json *e = kt_json_at(externals, i);
        KT_TRY(kt_table_cell(table, err, "%s", text(e, "service")));
        KT_TRY(kt_table_cell(table, err, "%s", text(e, "peer")));
        KT_TRY(kt_table_cell(table, err, "%lld", integer(e, "calls")));
        KT_TRY(put_real(table, "%.3f", 1e3 * real(e, "median_s"), err));
    }
    KT_TRY(print_table("Calls without a span of who was called", table, err));
out:
    kt_table_destroy(table);
    return status;
}

static kt_status print_roots(const kt_json *roots, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(kt_table_create(&table, "service|operation|traces>|", err));
    for (size_t i = 0; i < kt_json_size(roots); i++) {
        const kt_json *r = kt_json_at(roots, i);
        KT_TRY(kt_table_cell(table, err, "%s", text(r, "service")));
        KT_TRY(integer(r, "kinds") > 0 ? kt_table_cell(table, err, "%lld others", integer(r, "kinds"))
                                       : kt_table_cell(table, err, "%s", text(r, "operation")));
        KT_TRY(kt_table_cell(table, err, "%lld", integer(r, "roots")));
        KT_TRY(kt_table_cell(table, err, "%s",
                             kt_json_as_bool(kt_json_get(r, "requests"), false) ? "requests" : "no rows"));
    }
    KT_TRY(print_table("Where traces begin", table, err));
out:
    kt_table_destroy(table);
    return status;
}

/* ---- the account ---- */

static kt_status print_account(const kt_json *report, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    const kt_json *account = kt_json_get(report, "account"), *odd = kt_json_get(report, "oddities");
    KT_TRY(kt_table_create(&table, "spans>|what became of them", err));
    for (size_t i = 0; i < kt_json_size(account); i++) {
        KT_TRY(kt_table_cell(table, err, "%lld", integer(kt_json_at(account, i), "spans")));
        KT_TRY(kt_table_cell(table, err, "%s", text(kt_json_at(account, i), "text")));
    }
    KT_TRY(kt_table_cell(table, err, "%lld", integer(report, "spans")));
    KT_TRY(kt_table_cell(table, err, "read"));
    KT_TRY(print_table("Account", table, err));
    for (size_t i = 0, n = 0; i < kt_json_size(odd); i++) {
        long long count = integer(odd, kt_json_key(odd, i));
        if (count > 0)
            printf("%s%s: %lld", n++ == 0 ? "Among them: " : ", ", kt_json_key(odd, i), count);
        if (i + 1 == kt_json_size(odd) && n > 0)
            putchar('\n');
    }
out:
    kt_table_destroy(table);
    return status;
}

kt_status clean_view_print(const kt_json *report, kt_error *err)
{
    kt_status status = KT_OK;
    printf("%lld rows of %lld requests at %s; rps_eff by %s\n", integer(report, "rows"),
           integer(report, "requests"), text(report, "entry"), text(report, "rps_eff"));
    KT_TRY(print_services(kt_json_get(report, "services"), err));
    KT_TRY(print_cells(kt_json_get(report, "cells"), err));
    KT_TRY(print_externals(kt_json_get(report, "external"), err));
    if (kt_json_size(kt_json_get(report, "roots")) > 1)
        KT_TRY(print_roots(kt_json_get(report, "roots"), err));
    KT_TRY(print_account(report, err));
out:
    return status;
}
