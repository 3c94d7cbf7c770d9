#include "load_view.h"

#include "kt/table.h"
#include "program.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t count(const kt_json *object, const char *key)
{
    return kt_json_as_int(kt_json_get(object, key), 0);
}

static double number(const kt_json *object, const char *key)
{
    return kt_json_as_real(kt_json_get(object, key), NAN);
}

void load_view_init(load_view *view, const kt_campaign *campaign, const char *folder, bool quiet, bool json)
{
    *view = (load_view){.campaign = campaign,
                        .folder = folder,
                        .quiet = quiet,
                        .json = json,
                        .live = !quiet && isatty(STDERR_FILENO) == 1,
                        .cell = SIZE_MAX};
}

static void wipe(const load_view *view)
{
    if (view->live)
        fputs("\r\033[K", stderr);
}

void load_view_note(void *context, const char *line)
{
    wipe(context);
    fprintf(stderr, "%s\n", line);
}

void load_view_hook(void *context, size_t cell, const char *command)
{
    const load_view *view = context;
    if (!view->live)
        return;
    wipe(view);
    fprintf(stderr, "cell %zu of %zu: %.60s", cell, view->campaign->n, command);
    fflush(stderr);
}

void load_view_progress(void *context, size_t cell, size_t sent, size_t done, size_t errors)
{
    load_view *view = context;
    if (!view->live)
        return;
    if (view->cell != cell) {
        view->cell = cell;
        view->began = now();
    }
    double seconds = now() - view->began;
    wipe(view);
    if (view->stopping)
        fprintf(stderr, "stopping (once more: at once): waits for %zu replies; ", sent - done);
    fprintf(stderr, "cell %zu of %zu, %.0f s: %zu sent, %zu done, %zu errors, %.1f req/s", cell,
            view->campaign->n, seconds, sent, done, errors, seconds > 0.5 ? (double)sent / seconds : 0);
    fflush(stderr);
}

static void print_errors(FILE *to, const kt_json *from)
{
    const kt_json *kinds = kt_json_get(from, "errors_by_kind");
    fprintf(to, "%lld errors", (long long)count(from, "errors"));
    for (size_t i = 0; i < kt_json_size(kinds); i++) {
        const char *kind = kt_json_key(kinds, i);
        fprintf(to, "%s%s %lld%s", i == 0 ? " (" : ", ", kind, (long long)count(kinds, kind),
                i + 1 == kt_json_size(kinds) ? ")" : "");
    }
}

static void print_reps(const kt_json *reps)
{
    for (size_t i = 0; i < kt_json_size(reps); i++) {
        const char *service = kt_json_key(reps, i);
        bool all = strcmp(service, "*") == 0;
        printf("%s%s%s%lld", i == 0 ? ", rep " : " ", all ? "" : service, all ? "" : "=",
               (long long)count(reps, service));
    }
}

/* What makes a cell less than it should be, on stderr. */
static void warn(const load_view *view, const kt_json *cell)
{
    long long k = (long long)count(cell, "cell"), n = (long long)count(cell, "n");
    long long waited = (long long)count(cell, "waited"), late = (long long)count(cell, "late");
    if (waited > 0)
        fprintf(stderr,
                "cell %lld: %lld of %lld requests waited over 1 ms for a slot: %d at a time were under way "
                "(--max-thread)\n",
                k, waited, n, view->campaign->load.most);
    if (late - waited > n / 100 + 2)
        fprintf(stderr,
                "cell %lld: %lld of %lld requests were sent over 1 ms late, up to %.1f ms: this machine "
                "is too busy (chrt -r 1 kt load ... goes before others)\n",
                k, late - waited, n, number(cell, "max_late_ms"));
    if (number(cell, "rps_achieved") < 0.9 * number(cell, "rps_drawn"))
        fprintf(stderr, "cell %lld: %.4g of %.4g req/s were achieved: the cleaning leaves such a cell out\n",
                k, number(cell, "rps_achieved"), number(cell, "rps_drawn"));
}

void load_view_cell(void *context, const kt_json *cell)
{
    load_view *view = context;
    view->cells++;
    if (view->quiet)
        return;
    wipe(view);
    if (!view->json) {
        printf("cell %lld: %.4g req/s asked, %.4g achieved%s", (long long)count(cell, "cell"),
               number(cell, "rps_asked"), number(cell, "rps_achieved"),
               kt_json_get(cell, "incomplete") ? ", incomplete" : "");
        print_reps(kt_json_get(cell, "rep"));
        printf(": %lld requests, ", (long long)count(cell, "n"));
        print_errors(stdout, cell);
        if (isfinite(number(cell, "reply_p50_ms")))
            printf("; replies p50 %.4g ms, p95 %.4g, p99 %.4g", number(cell, "reply_p50_ms"),
                   number(cell, "reply_p95_ms"), number(cell, "reply_p99_ms"));
        putchar('\n');
        fflush(stdout);
    }
    warn(view, cell);
}

void load_view_end(load_view *view, const kt_json *summary, kt_status status)
{
    wipe(view);
    if (view->json && summary)
        program_print_json(kt_json_keep((kt_json *)summary), NULL);
    if (view->quiet || view->json || !summary)
        return;
    if (status == KT_OK && view->cells == 0) {
        printf("%s: finished before, nothing was sent (--fresh starts over)\n", view->folder);
        return;
    }
    printf("%s: %lld of %lld cells, %lld requests, ", view->folder, (long long)count(summary, "cells_done"),
           (long long)count(summary, "cells_planned"), (long long)count(summary, "n"));
    print_errors(stdout, summary);
    puts("; in " KT_CAMPAIGN_REQUESTS ", " KT_CAMPAIGN_MANIFEST ", " KT_CAMPAIGN_SUMMARY);
}

/* ---- a plan ---- */

static kt_json *plan_json(const kt_campaign *c)
{
    kt_json *json = kt_json_object(), *cells = kt_json_array();
    for (size_t i = 0; i < c->n; i++) {
        kt_json *cell = kt_json_object(), *reps = kt_json_object();
        for (size_t k = 0; k < c->cell[i].n_reps; k++)
            kt_json_put(reps, c->cell[i].rep[k].service, kt_json_int(c->cell[i].rep[k].rep));
        kt_json_put(cell, "cell", kt_json_int((int64_t)i));
        kt_json_put(cell, "rps_asked", kt_json_real(c->cell[i].rps / c->slowdown));
        kt_json_put(cell, "rep", reps);
        if (c->cell[i].requests > 0)
            kt_json_put(cell, "requests", kt_json_int(c->cell[i].requests));
        else
            kt_json_put(cell, "seconds", kt_json_real(c->cell[i].seconds));
        kt_json_append(cells, cell);
    }
    kt_json_put(json, "config", kt_json_keep(c->config));
    kt_json_put(json, "cells", cells);
    return kt_json_put(json, "total_seconds", kt_json_real(kt_campaign_seconds(c)));
}

static kt_status add_row(kt_table *table, const kt_campaign *c, size_t i, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_campaign_cell *cell = &c->cell[i];
    char reps[256] = "";
    for (size_t k = 0; k < cell->n_reps; k++) {
        bool all = strcmp(cell->rep[k].service, "*") == 0;
        snprintf(reps + strlen(reps), sizeof reps - strlen(reps), "%s%s%s%lld", k > 0 ? " " : "",
                 all ? "" : cell->rep[k].service, all ? "" : "=", (long long)cell->rep[k].rep);
    }
    KT_TRY(kt_table_cell(table, err, "%zu", i));
    KT_TRY(kt_table_cell(table, err, "%.6g", cell->rps / c->slowdown));
    KT_TRY(kt_table_cell(table, err, cell->requests > 0 ? "%.0f requests" : "%.6g s",
                         cell->requests > 0 ? (double)cell->requests : cell->seconds));
    KT_TRY(kt_table_cell(table, err, "%s", reps));
out:
    return status;
}

kt_status load_view_plan(const kt_campaign *campaign, bool json, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    char *text = NULL;
    if (json)
        return program_print_json(plan_json(campaign), err);
    KT_TRY(kt_table_create(&table, "cell>|req/s>|load>|rep", err));
    for (size_t i = 0; i < campaign->n; i++)
        KT_TRY(add_row(table, campaign, i, err));
    KT_TRY(kt_table_text(&text, table, err));
    fputs(text, stdout);
    printf("%zu cells, about %.0f s%s\n", campaign->n, kt_campaign_seconds(campaign),
           campaign->n_commands > 0 ? " and the time of the hooks" : "");
out:
    kt_table_destroy(table);
    free(text);
    return status;
}
