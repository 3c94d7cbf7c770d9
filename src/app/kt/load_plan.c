#include "load_plan.h"

#include "kt/campaign.h"
#include "kt/file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

kt_status load_plan_check(const load_wishes *wishes, kt_error *err)
{
    const load_wishes *w = wishes;
    bool one = w->rps > 0 || w->requests > 0 || w->seconds > 0 || w->rep.n > 0;
    if (w->plan && one)
        return kt_fail(err, KT_USAGE, "--plan has the cells: not together with -r, -n, --seconds or -s");
    if (w->plan)
        return KT_OK;
    if (!w->uri || !(w->rps > 0))
        return kt_fail(err, KT_USAGE, "-%c is missing (kt load -u URL -r RPS -n N, or --plan PLAN.json)",
                       w->uri ? 'r' : 'u');
    if ((w->requests > 0) == (w->seconds > 0))
        return kt_fail(err, KT_USAGE, "%s: one of -n and --seconds is wanted",
                       w->seconds > 0 ? "both -n and --seconds are given"
                                      : "neither -n nor --seconds is given");
    return KT_OK;
}

/* "3" or "cart=3". */
static kt_status put_rep(kt_json *reps, const char *text, kt_error *err)
{
    kt_status status = KT_OK;
    char *service = NULL, *end;
    const char *equals = strrchr(text, '=');
    long rep = strtol(equals ? equals + 1 : text, &end, 10);
    KT_TRY(kt_format(&service, err, "%.*s", equals ? (int)(equals - text) : 1, equals ? text : "*"));
    if (*end != '\0' || rep < 1 || rep > 1000000 || *service == '\0')
        KT_TRY(kt_fail(err, KT_USAGE, "-s %s: N or SERVICE=N with a whole number from 1 on is wanted", text));
    if (kt_json_get(reps, service))
        KT_TRY(kt_fail(err, KT_USAGE, "-s %s: '%s' is given twice", text, service));
    kt_json_put(reps, service, kt_json_int(rep));
out:
    free(service);
    return status;
}

static kt_status put_cell(kt_json *plan, const load_wishes *w, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *cell = kt_json_object(), *reps = kt_json_object();
    for (size_t i = 0; i < w->rep.n; i++)
        KT_TRY(put_rep(reps, w->rep.text[i], err));
    if (!kt_json_get(reps, "*"))
        KT_TRY(put_rep(reps, "1", err));
    kt_json_put(cell, "rps", kt_json_real(w->rps));
    if (w->requests > 0)
        kt_json_put(cell, "requests", kt_json_int(w->requests));
    else
        kt_json_put(cell, "seconds", kt_json_real(w->seconds));
    kt_json_put(cell, "rep", kt_json_keep(reps));
    kt_json_put(plan, "cells", kt_json_append(kt_json_array(), kt_json_keep(cell)));
out:
    kt_json_drop(cell);
    kt_json_drop(reps);
    return status;
}

static void put_given(kt_json *plan, const load_wishes *w)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"uri", w->uri},   {"arrivals", w->arrivals}, {"method", w->method},
                 {"body", w->body}, {"ca-file", w->ca_file},   {"entry", w->entry}};
    const struct {
        const char *key;
        double value;
    } reals[] = {{"sd", w->slowdown},    {"warmup", w->warmup},   {"cooldown", w->cooldown},
                 {"pause", w->pause},    {"timeout", w->timeout}, {"hook-timeout", w->hook_timeout},
                 {"give-up", w->give_up}};
    const struct {
        const char *key;
        int64_t value;
    } ints[] = {{"max-thread", w->most}, {"seed", w->seed}, {"repeats", w->repeats}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value)
            kt_json_put(plan, texts[i].key, kt_json_string(texts[i].value));
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (reals[i].value > 0)
            kt_json_put(plan, reals[i].key, kt_json_real(reals[i].value));
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        if (ints[i].value > 0)
            kt_json_put(plan, ints[i].key, kt_json_int(ints[i].value));
    if (w->shuffle)
        kt_json_put(plan, "shuffle", kt_json_bool(true));
    if (w->header.n > 0) {
        kt_json *lines = kt_json_array();
        for (size_t i = 0; i < w->header.n; i++)
            kt_json_append(lines, kt_json_string(w->header.text[i]));
        kt_json_put(plan, "header", lines);
    }
}

/* ---- @FILE ---- */

static kt_status read_body(kt_json *plan, kt_error *err)
{
    kt_status status = KT_OK;
    const char *body = kt_json_as_text(kt_json_get(plan, "body"), "");
    char *text = NULL;
    size_t n;
    if (*body != '@')
        return KT_OK;
    KT_TRY(kt_file_read(&text, &n, body + 1, err));
    if (strlen(text) != n)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: a body of text is wanted, byte %zu is 0", body + 1, strlen(text)));
    kt_json_put(plan, "body", kt_json_string(text));
out:
    free(text);
    return status;
}

static kt_status add_lines(kt_json *lines, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *rest;
    size_t n;
    KT_TRY(kt_file_read(&text, &n, path, err));
    rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\r")] = '\0';
        if (*line != '\0')
            kt_json_append(lines, kt_json_string(line));
    }
out:
    free(text);
    return status;
}

static kt_status read_headers(kt_json *plan, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_json *given = kt_json_get(plan, "header");
    kt_json *lines = NULL;
    if (kt_json_kind_of(given) != KT_JSON_ARRAY)
        return KT_OK;
    lines = kt_json_array();
    for (size_t i = 0; i < kt_json_size(given); i++) {
        const char *line = kt_json_as_text(kt_json_at(given, i), "");
        if (*line == '@')
            KT_TRY(add_lines(lines, line + 1, err));
        else
            kt_json_append(lines, kt_json_keep(kt_json_at(given, i)));
    }
    kt_json_put(plan, "header", kt_json_keep(lines));
out:
    kt_json_drop(lines);
    return status;
}

/* ---- */

/* 48 bits: a program that reads them as a double keeps them. */
static kt_status put_seed(kt_json *plan, const char *folder, kt_error *err)
{
    uint64_t drawn = 0;
    int64_t seed = folder ? kt_campaign_seed(folder) : -1;
    if (kt_json_get(plan, "seed"))
        return KT_OK;
    if (getrandom(&drawn, 6, 0) != 6)
        return kt_fail_errno(err, KT_IO, "cannot draw a seed");
    kt_json_put(plan, "seed", kt_json_int(seed >= 0 ? seed : (int64_t)drawn));
    return KT_OK;
}

kt_status load_plan_make(kt_json **plan, const load_wishes *wishes, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *made = NULL;
    *plan = NULL;
    if (wishes->plan)
        KT_TRY(kt_json_read(&made, wishes->plan, err));
    else
        made = kt_json_object();
    if (kt_json_kind_of(made) != KT_JSON_OBJECT)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: a plan is a JSON object", wishes->plan));
    if (!wishes->plan)
        KT_TRY(put_cell(made, wishes, err));
    put_given(made, wishes);
    KT_TRY(read_body(made, err));
    KT_TRY(read_headers(made, err));
    KT_TRY(put_seed(made, folder, err));
    *plan = made;
    made = NULL;
out:
    kt_json_drop(made);
    return status;
}
