#include "kt/when.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BILLION = 1000000000, EPOCH_DIGITS = 9 };
static const double longest = 9e9; /* s: 285 years, as far as the nanoseconds go */

static const struct {
    const char *name;
    double seconds;
} units[] = {{"ms", 1e-3}, {"us", 1e-6}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
enum { UNITS = sizeof units / sizeof *units };

/* One number of a length and its unit, which only a number that stands alone may lack. */
static const char *length_part(double *seconds, const char *text, bool first)
{
    char *end;
    if (!isdigit((unsigned char)*text) && *text != '.')
        return NULL;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value))
        return NULL;
    for (size_t i = 0; i < UNITS; i++) {
        size_t n = strlen(units[i].name);
        if (strncmp(end, units[i].name, n) == 0 && !isalpha((unsigned char)end[n])) {
            *seconds += value * units[i].seconds;
            return end + n;
        }
    }
    *seconds += value;
    return first && *end == '\0' ? end : NULL;
}

static bool length_of(double *seconds, const char *text)
{
    *seconds = 0;
    if (*text == '\0' || strpbrk(text, "xXpPeE"))
        return false;
    for (const char *part = text; text && *text;)
        text = length_part(seconds, text, text == part);
    return text && *seconds <= longest;
}

kt_status kt_when_length(double *seconds, const char *text, const char *name, kt_error *err)
{
    return length_of(seconds, text)
               ? KT_OK
               : kt_fail(err, KT_USAGE, "%s %s: a length of time is wanted, like 30s, 5m, 1h30m, 2d", name,
                         text);
}

/* Digits after a point to nanoseconds; what lies beyond nine is cut off. */
static const char *fraction(int64_t *ns, const char *text)
{
    *ns = 0;
    int digits = 0;
    for (; isdigit((unsigned char)*text); text++)
        if (digits < 9) {
            *ns = 10 * *ns + (*text - '0');
            digits++;
        }
    for (; digits > 0 && digits < 9; digits++)
        *ns *= 10;
    return text;
}

static bool epoch(int64_t *time, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int64_t ns = 0;
    if (digits < EPOCH_DIGITS || digits > 10)
        return false;
    if (text[digits] == '.')
        text = fraction(&ns, text + digits + 1) - digits;
    if (text[digits] != '\0')
        return false;
    *time = ns;
    return true;
}

/* "Z", "+02:00" or nothing else. Seconds to subtract. */
static bool zone(int64_t *seconds, const char *text)
{
    int hours, minutes, n = 0;
    *seconds = 0;
    if ((*text == 'Z' || *text == 'z') && text[1] == '\0')
        return true;
    if ((*text != '+' && *text != '-') || !isdigit((unsigned char)text[1]) ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || n != 5 || text[6] != '\0' || hours > 23 ||
        minutes > 59)
        return false;
    *seconds = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
    return true;
}

static bool calendar(int64_t *time, const char *text)
{
    static const char form[] = "0000-00-00T00:00:00";
    struct tm parts = {.tm_isdst = 0};
    int64_t ns = 0, shift;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0'   ? !isdigit((unsigned char)text[i])
            : form[i] == 'T' ? !strchr("Tt ", text[i]) || text[i] == '\0'
                             : text[i] != form[i])
            return false;
    sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
           &parts.tm_min, &parts.tm_sec);
    struct tm asked = parts;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    const char *rest = text + sizeof form - 1;
    if (*rest == '.' && isdigit((unsigned char)rest[1]))
        rest = fraction(&ns, rest + 1);
    if (!zone(&shift, rest) || asked.tm_year < 1970 || asked.tm_year > 2200)
        return false;
    time_t seconds = timegm(&parts);
    /* timegm carries over what no calendar has, like February 30 */
    if (parts.tm_mon + 1 != asked.tm_mon || parts.tm_mday != asked.tm_mday ||
        parts.tm_hour != asked.tm_hour || parts.tm_min != asked.tm_min)
        return false;
    *time = ((int64_t)seconds - shift) * BILLION + ns;
    return true;
}

kt_status kt_when_parse(int64_t *time, const char *text, int64_t now, const char *name, kt_error *err)
{
    double seconds;
    *time = now;
    if (strcmp(text, "now") == 0 || calendar(time, text))
        return KT_OK;
    if (epoch(time, text)) {
        *time += (int64_t)strtoll(text, NULL, 10) * BILLION;
        return KT_OK;
    }
    if (length_of(&seconds, text) && seconds * 1e9 <= (double)now) {
        *time = now - (int64_t)llround(seconds * 1e9);
        return KT_OK;
    }
    return kt_fail(err, KT_USAGE,
                   "%s %s: a time is wanted: a length before now (1h, 30m), RFC 3339 (2026-08-20T12:00:00Z), "
                   "seconds since 1970, or now",
                   name, text);
}

void kt_when_text(char out[KT_WHEN_TEXT], int64_t time)
{
    time_t seconds = (time_t)(time / BILLION - (time % BILLION < 0));
    struct tm parts;
    char day[24];
    if (!gmtime_r(&seconds, &parts) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        day[0] = '\0';
    snprintf(out, KT_WHEN_TEXT, "%s.%09dZ", day, (int)(time - (int64_t)seconds * BILLION));
}

int64_t kt_when_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * BILLION + now.tv_nsec;
}
