#include "pull_private.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHECKED = 2, /* windows that are asked for once more, in halves */
    WORTH = 20   /* traces that such a window has at least */
};

/* The window that returned most, of those that are left; it is taken from them. */
static const kt_json *take_fullest(bool *taken, const kt_json *windows)
{
    size_t best = SIZE_MAX;
    int64_t most = WORTH - 1;
    for (size_t i = 0; i < kt_json_size(windows); i++) {
        const kt_json *w = kt_json_at(windows, i);
        int64_t returned = kt_json_as_int(kt_json_get(w, "returned"), 0);
        if (!taken[i] && returned > most && !kt_json_as_bool(kt_json_get(w, "full"), false)) {
            best = i;
            most = returned;
        }
    }
    if (best == SIZE_MAX)
        return NULL;
    taken[best] = true;
    return kt_json_at(windows, best);
}

/* Asks for both halves of a window: whatever they bring besides was left out of its reply. */
static kt_status check(pull *p, const kt_json *window, kt_error *err)
{
    kt_status status = KT_OK;
    const char *service = kt_json_as_text(kt_json_get(window, "service"), "");
    int64_t since = kt_json_as_int(kt_json_get(window, "since"), 0);
    int64_t until = kt_json_as_int(kt_json_get(window, "until"), 0);
    int64_t middle = pull_floor_us(since + (until - since) / 2);
    const pull_window half[] = {{since, middle}, {middle, until}};
    size_t before = p->seen.n;
    for (p->service = 0; strcmp(p->services[p->service], service) != 0;)
        p->service++;
    for (int i = 0; i < 2 && until - since >= 2 * PULL_LEAST; i++) {
        kt_json *record;
        KT_TRY(pull_fetch(&record, p, &half[i], err));
        kt_json_drop(record);
    }
    p->checked++;
    p->left_out += p->seen.n - before;
out:
    p->service = p->n_services;
    return status;
}

kt_status pull_check(pull *p, kt_error *err)
{
    kt_status status = KT_OK;
    bool *taken = NULL;
    const kt_json *window;
    KT_TRY(kt_alloc(&taken, kt_json_size(p->windows), sizeof *taken, err));
    for (int i = 0; i < CHECKED && (window = take_fullest(taken, p->windows)); i++)
        KT_TRY(check(p, window, err));
out:
    free(taken);
    return status;
}
