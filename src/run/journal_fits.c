#include "kt/file.h"
#include "kt/journal.h"
#include <stdlib.h>
#include <string.h>

/* Later ones of a service come after earlier ones. */
static int by_service(const void *a, const void *b)
{
    const kt_journal_fit *x = a, *y = b;
    int order = strcmp(x->service, y->service);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* *taken false: the line tells of no fit's end. */
static kt_status take(bool *taken, kt_journal_fit *fit, const char *line, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *event = NULL;
    *taken = false;
    if (!memmem(line, n, "\"fitted\"", 8) || kt_json_parse(&event, line, n, "journal", NULL) != KT_OK)
        return KT_OK;
    const char *service = kt_json_as_text(kt_json_get(event, "service"), "");
    *fit = (kt_journal_fit){.ranks = (int)kt_json_as_int(kt_json_get(event, "group"), 0),
                            .batch = (int)kt_json_as_int(kt_json_get(event, "batch"), 0),
                            .from_step = kt_json_as_real(kt_json_get(event, "from_step"), 0),
                            .steps = kt_json_as_real(kt_json_get(event, "steps"), 0),
                            .fit_seconds = kt_json_as_real(kt_json_get(event, "fit_seconds"), -1),
                            .judge_seconds = kt_json_as_real(kt_json_get(event, "judge_seconds"), -1)};
    if (strcmp(kt_json_as_text(kt_json_get(event, "event"), ""), "fitted") == 0 && *service &&
        fit->ranks >= 1 && fit->batch >= 1 && fit->from_step >= 0 && fit->steps > fit->from_step &&
        fit->fit_seconds >= 0 && fit->judge_seconds >= 0) {
        KT_TRY(kt_strdup(&fit->service, service, err));
        *taken = true;
    }
out:
    kt_json_drop(event);
    return status;
}

static size_t keep_last(kt_journal_fit *fits, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && strcmp(fits[i].service, fits[i + 1].service) == 0)
            free(fits[i].service);
        else
            fits[kept++] = fits[i];
    }
    return kept;
}

kt_status kt_journal_fits(kt_journal_fit **out, size_t *n_out, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    size_t size, n = 0, capacity = 0;
    kt_journal_fit *fits = NULL;
    *out = NULL;
    *n_out = 0;
    KT_TRY(kt_file_read(&text, &size, path, err));
    for (char *at = text, *newline; (newline = memchr(at, '\n', size - (size_t)(at - text)));
         at = newline + 1) {
        bool taken;
        if (n == capacity)
            KT_TRY(kt_grow(&fits, capacity = 2 * capacity + 64, sizeof *fits, err));
        KT_TRY(take(&taken, &fits[n], at, (size_t)(newline - at), err));
        fits[n].line = n;
        n += taken;
    }
    if (n > 0)
        qsort(fits, n, sizeof *fits, by_service);
    *n_out = keep_last(fits, n);
    *out = fits;
    fits = NULL;
    n = 0;
out:
    free(text);
    kt_journal_fits_clear(fits, n);
    return status;
}

void kt_journal_fits_clear(kt_journal_fit *fits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(fits[i].service);
    free(fits);
}
