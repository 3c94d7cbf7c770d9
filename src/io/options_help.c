#include "options_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 79, LEFT_MOST = 32, GAP = 2 };

/* "  -k, --components N"; returns its length, and writes it where out is not NULL. */
static int usage(char *out, size_t capacity, const kt_option *option)
{
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    bool flag = option->type == KT_OPTION_FLAG;
    bool on = flag && option->preset && strcmp(option->preset, "true") == 0; /* what can be said is its end */
    return snprintf(out, capacity, "  %s--%s%s%s%s", option->letter ? letter : "    ", on ? "[no-]" : "",
                    option->name, option->value ? " " : "", option->value ? option->value : "");
}

static const char *say_range(char *out, size_t capacity, const kt_option *option)
{
    kt_option_bounds range = kt_option_range(option);
    bool numbers =
        option->type == KT_OPTION_INT || option->type == KT_OPTION_REAL || option->type == KT_OPTION_INTS;
    if (!numbers || option->min == option->max)
        return NULL;
    if (!isfinite(range.max))
        snprintf(out, capacity, "at least %.15g", range.min);
    else if (!isfinite(range.min))
        snprintf(out, capacity, "at most %.15g", range.max);
    else
        snprintf(out, capacity, "%.15g to %.15g", range.min, range.max);
    return out;
}

/* The help, the values that are possible and the default, as one text. Caller frees. */
static kt_status describe(char **out, const kt_option *option, kt_error *err)
{
    char buffer[80];
    const char *range = option->choices ? option->choices : say_range(buffer, sizeof buffer, option);
    const char *preset = option->type == KT_OPTION_FLAG ? NULL : option->preset;
    const char *help = option->help ? option->help : "";
    if (!range && !preset)
        return kt_strdup(out, help, err);
    return kt_format(out, err, "%s (%s%s%s%s)", help, range ? range : "", range && preset ? "; " : "",
                     preset ? "default " : "", preset ? preset : "");
}

/* Words from column `at`, wrapped to [left, WIDTH). */
static void wrap(FILE *to, const char *text, int at, int left)
{
    bool first = true;
    for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
        int n = (int)strcspn(text, " \n");
        if (first) {
            fprintf(to, "%*s", left - at, "");
            at = left;
        } else if (at + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", left, "");
            at = left;
        } else {
            fputc(' ', to);
            at++;
        }
        fwrite(text, 1, (size_t)n, to);
        at += n;
        text += n;
        first = false;
    }
    fputc('\n', to);
}

static kt_status write_row(FILE *to, const kt_option *option, int left, kt_error *err)
{
    char head[128], *text = NULL;
    kt_status status = describe(&text, option, err);
    if (status != KT_OK)
        return status;
    int n = usage(head, sizeof head, option);
    fputs(head, to);
    if (n + GAP > left) {
        fputc('\n', to);
        n = 0;
    }
    wrap(to, text, n, left);
    free(text);
    return KT_OK;
}

kt_status kt_options_help(char **out, const kt_option *table, kt_error *err)
{
    kt_status status = KT_OK;
    size_t size = 0;
    int left = 0;
    *out = NULL;
    for (const kt_option *option = table; option->name; option++) {
        int n = usage(NULL, 0, option) + GAP;
        if (n > left && n <= LEFT_MOST)
            left = n;
    }
    FILE *to = open_memstream(out, &size);
    if (!to)
        return kt_fail_errno(err, KT_MEMORY, "the help cannot be written");
    for (const kt_option *option = table; option->name && status == KT_OK; option++) {
        if (option->group || option == table)
            fprintf(to, "%s%s:\n", option == table ? "" : "\n", option->group ? option->group : "Options");
        status = write_row(to, option, left, err);
    }
    bool whole = !ferror(to);
    if ((fclose(to) != 0 || !whole) && status == KT_OK)
        status = kt_fail(err, KT_MEMORY, "out of memory: the help cannot be written");
    if (status != KT_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}
