#include "rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

kt_status kt_rate_parse(kt_rate_rule *rule, const char *text, bool cells_are_told, kt_error *err)
{
    static const char rows[] = "rows:", window[] = "window:";
    char *end;
    *rule = (kt_rate_rule){.kind = KT_RATE_CELL};
    if (strcmp(text, "auto") == 0)
        text = cells_are_told ? "cell" : "rows:32";
    if (strcmp(text, "cell") == 0)
        return KT_OK;
    if (strcmp(text, "group8") == 0) {
        *rule = (kt_rate_rule){.kind = KT_RATE_GROUP, .rows = 8};
        return KT_OK;
    }
    if (strncmp(text, rows, sizeof rows - 1) == 0) {
        long n = strtol(text + sizeof rows - 1, &end, 10);
        *rule = (kt_rate_rule){.kind = KT_RATE_ROWS, .rows = (size_t)n};
        if (*end == '\0' && n >= 3 && n <= 1000000)
            return KT_OK;
        return kt_fail(err, KT_USAGE, "--rps-eff %s: wanted is rows:N with N from 3 to 1000000", text);
    }
    if (strncmp(text, window, sizeof window - 1) == 0) {
        rule->kind = KT_RATE_WINDOW;
        rule->seconds = strtod(text + sizeof window - 1, &end);
        if (*end == '\0' && rule->seconds >= 1e-3 && rule->seconds <= 1e6)
            return KT_OK;
        return kt_fail(err, KT_USAGE, "--rps-eff %s: wanted is window:SECONDS from 0.001 to 1000000", text);
    }
    return kt_fail(err, KT_USAGE, "--rps-eff %s: none of auto, cell, rows:N, window:SECONDS, group8", text);
}

static double seconds(int64_t ns)
{
    return 1e-9 * (double)ns;
}

/* Gaps [low, high), of which gap i ends with arrival i. */
static double rate_of_gaps(const kt_rate_rule *rule, const int64_t *at, size_t low, size_t high)
{
    double time = low < high ? seconds(at[high - 1] - at[low - 1]) : 0;
    double counted = (double)(high - low) - (rule->kind == KT_RATE_ROWS ? 1 : 0);
    return time > 0 && counted > 0 ? counted / time : NAN;
}

static void rate_groups(double *rate, const kt_rate_rule *rule, const int64_t *at, size_t n)
{
    size_t rows = rule->rows;
    for (size_t first = 0; first < n; first += rows) {
        size_t next = first + rows < n ? first + rows : n, low = first > 0 ? first : 1, high = next;
        if (rule->kind == KT_RATE_ROWS) {
            high = low + rows < n ? low + rows : n;
            low = high > rows ? high - rows : 1;
        }
        double value = rate_of_gaps(rule, at, low, high > low ? high : low);
        for (size_t i = first; i < next; i++)
            rate[i] = value;
    }
}

/* Windows from the first arrival on. The last one ends with the last arrival, which is then no part of it;
 * what would be less than half a window belongs to the one before. */
static void rate_windows(double *rate, const kt_rate_rule *rule, const int64_t *at, size_t n)
{
    for (size_t first = 0, next; first < n; first = next) {
        double from = floor(seconds(at[first] - at[0]) / rule->seconds) * rule->seconds;
        double to = from + rule->seconds, end = seconds(at[n - 1] - at[0]);
        bool last = end < to + rule->seconds / 2;
        for (next = first + 1; next < n && (last || seconds(at[next] - at[0]) < to);)
            next++;
        double time = last ? end - from : rule->seconds;
        double counted = (double)(next - first) - (last ? 1 : 0);
        for (size_t i = first; i < next; i++)
            rate[i] = time > 0 && counted > 0 ? counted / time : NAN;
    }
}

void kt_rate_of(double *rate, const kt_rate_rule *rule, const int64_t *at, size_t n, double cell_rate)
{
    for (size_t i = 0; i < n; i++)
        rate[i] = NAN;
    if (rule->kind == KT_RATE_ROWS || rule->kind == KT_RATE_GROUP)
        rate_groups(rate, rule, at, n);
    else if (rule->kind == KT_RATE_WINDOW)
        rate_windows(rate, rule, at, n);
    for (size_t i = 0; i < n; i++)
        rate[i] = isnan(rate[i]) ? cell_rate : rate[i];
}
