#include "sweep_print.h"

#include "kt/csv.h"
#include "kt/table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

/* "1 h 5 min", "2 min 3 s", "4.5 s" */
static void duration(char text[40], double seconds)
{
    long long whole = llround(seconds);
    if (!isfinite(seconds))
        snprintf(text, 40, "-");
    else if (whole >= 3600)
        snprintf(text, 40, "%lld h %lld min", whole / 3600, whole % 3600 / 60);
    else if (whole >= 60)
        snprintf(text, 40, "%lld min %lld s", whole / 60, whole % 60);
    else
        snprintf(text, 40, "%.1f s", seconds);
}

static void best_words(char text[120], const kt_sweep_view *view, const kt_sweep_search *s)
{
    const kt_sweep_trial *best = kt_sweep_best(s);
    if (!best)
        snprintf(text, 120, "none yet");
    else if (view->n_rungs > 1)
        snprintf(text, 120, "trial %lld: %.6g at rung %d of %d", (long long)best->trial, best->value,
                 best->rung + 1, view->n_rungs);
    else
        snprintf(text, 120, "trial %lld: %.6g", (long long)best->trial, best->value);
}

void sweep_line(char line[200], const kt_sweep_view *view)
{
    char best[120], to_go[40];
    size_t over = view->count[KT_TRIAL_DONE] + view->count[KT_TRIAL_STOPPED] + view->count[KT_TRIAL_FAILED];
    duration(to_go, view->to_go);
    if (view->n_searches == 1)
        best_words(best, view, &view->search[0]);
    else
        snprintf(best, sizeof best, "%zu searches", view->n_searches);
    snprintf(line, 200, "%zu of %zu trials over, %zu failed; best %.90s; %s to go", over, view->planned,
             view->count[KT_TRIAL_FAILED], best, to_go);
}

/* ---- text ---- */

static void print_counts(const kt_sweep_view *view)
{
    const char *between = ": ";
    printf("trials: %zu of %zu proposed", view->trials, view->planned);
    for (int s = 0; s < KT_TRIAL_STATES; s++) {
        if (view->count[s] == 0 || s == KT_TRIAL_PROPOSED)
            continue;
        printf("%s%zu %s", between, view->count[s], kt_trial_state_text[s]);
        between = ", ";
    }
    putchar('\n');
}

static void print_times(const kt_sweep_view *view, bool at_work)
{
    char so_far[40], to_go[40];
    duration(so_far, view->wall);
    duration(to_go, view->to_go);
    printf("budget: %.2f trials' worth spent, %.2f left\n", view->spent, view->left);
    printf("time:   %s", so_far);
    if (view->ranks > 0)
        printf(" on %lld rank%s", (long long)view->ranks, view->ranks == 1 ? "" : "s");
    if (isfinite(view->utilisation))
        printf(", %.1f %% of it training", 100 * view->utilisation);
    if (view->ended)
        puts("; ended");
    else if (isfinite(view->to_go))
        printf("; about %s to go%s\n", to_go, at_work ? "" : " once kt-train goes on (none works there now)");
    else
        puts(at_work ? "" : "; no kt-train works there now");
}

/* The first column says which row: its place, or the search. */
static kt_status add_row(kt_table *table, const kt_sweep_view *view, const kt_sweep_trial *t, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL;
    KT_TRY(kt_table_cell(table, err, "%lld", (long long)t->trial));
    KT_TRY(kt_table_cell(table, err, "%s%s", kt_trial_state_text[t->state], t->place >= 0 ? ", won" : ""));
    KT_TRY(kt_table_cell(table, err, t->rung < 0 ? "-" : "%d", t->rung + 1));
    KT_TRY(kt_table_cell(table, err, isnan(t->value) ? "-" : "%.6g", t->value));
    KT_TRY(kt_table_cell(table, err, "%.2f", t->seconds));
    for (size_t v = 0; v < view->n_varied; v++) {
        KT_TRY(kt_sweep_value_text(&text, t, view->varied[v].name, "%.4g", err));
        KT_TRY(kt_table_cell(table, err, "%s", *text ? text : "-"));
        free(text);
        text = NULL;
    }
out:
    free(text);
    return status;
}

static kt_status begin_table(kt_table **table, const kt_sweep_view *view, const char *first, kt_error *err)
{
    kt_status status = KT_OK;
    char *headings = NULL, *longer = NULL;
    KT_TRY(kt_format(&headings, err, "%s|trial>|state|rung>|value>|seconds>", first));
    for (size_t v = 0; v < view->n_varied; v++) {
        bool number = view->varied[v].kind != KT_DIM_CHOICE;
        KT_TRY(kt_format(&longer, err, "%s|%s%s", headings, view->varied[v].name, number ? ">" : ""));
        free(headings);
        headings = longer;
        longer = NULL;
    }
    KT_TRY(kt_table_create(table, headings, err));
out:
    free(headings);
    return status;
}

static kt_status print_table(const kt_table *table, kt_error *err)
{
    char *text = NULL;
    kt_status status = kt_table_text(&text, table, err);
    if (status == KT_OK)
        printf("\n%s", text);
    free(text);
    return status;
}

static kt_status print_trials(const kt_sweep_view *view, const kt_sweep_search *s, size_t top, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(begin_table(&table, view, "place>", err));
    for (size_t i = 0; i < s->n && i < top; i++) {
        KT_TRY(kt_table_cell(table, err, "%zu", i + 1));
        KT_TRY(add_row(table, view, &s->trial[s->order[i]], err));
    }
    KT_TRY(print_table(table, err));
out:
    kt_table_destroy(table);
    return status;
}

static kt_status print_searches(const kt_sweep_view *view, kt_error *err)
{
    kt_status status = KT_OK;
    kt_table *table = NULL;
    KT_TRY(begin_table(&table, view, "service", err));
    for (size_t k = 0; k < view->n_searches; k++) {
        const kt_sweep_search *s = &view->search[k];
        KT_TRY(kt_table_cell(table, err, "%s", s->name ? s->name : "all"));
        KT_TRY(add_row(table, view, &s->trial[s->order[0]], err)); /* a search begins with a trial */
    }
    KT_TRY(print_table(table, err));
out:
    kt_table_destroy(table);
    return status;
}

static kt_status find_search(const kt_sweep_search **search, const kt_sweep_view *view, const char *service,
                             kt_error *err)
{
    *search = view->n_searches == 1 ? &view->search[0] : NULL;
    if (!service)
        return KT_OK;
    for (size_t k = 0; k < view->n_searches; k++)
        if (view->search[k].name && strcmp(view->search[k].name, service) == 0) {
            *search = &view->search[k];
            return KT_OK;
        }
    return kt_fail(err, KT_USAGE,
                   view->n_searches > 0 && view->search[0].name ? "no search of the service '%s'"
                                                                : "'%s': one search is for all services",
                   service);
}

kt_status sweep_print_text(const kt_sweep_view *view, bool at_work, size_t top, const char *service,
                           kt_error *err)
{
    kt_status status = KT_OK;
    const kt_sweep_search *search;
    char best[120];
    KT_TRY(find_search(&search, view, service, err));
    printf("sweep:  %s, scheduler %s, objective %s", view->method, view->scheduler, view->objective);
    if (view->n_searches > 1)
        printf("; %zu searches", view->n_searches);
    putchar('\n');
    print_counts(view);
    if (search) {
        best_words(best, view, search);
        printf("best:   %s%s%s\n", search->name ? search->name : "", search->name ? ": " : "", best);
    }
    print_times(view, at_work);
    if (top > 0 && view->n_searches > 0)
        KT_TRY(search ? print_trials(view, search, top, err) : print_searches(view, err));
out:
    return status;
}

/* ---- CSV ---- */

static void put_field(const char *text)
{
    putchar(',');
    kt_csv_put(stdout, "", text);
}

static void put_real(double value)
{
    putchar(',');
    if (isfinite(value))
        printf("%.17g", value);
}

static kt_status print_trial(const kt_sweep_view *view, const kt_sweep_search *s, const kt_sweep_trial *t,
                             kt_error *err)
{
    kt_status status = KT_OK;
    printf("%lld", (long long)t->trial);
    put_field(s->name ? s->name : "");
    put_field(kt_trial_state_text[t->state]);
    putchar(',');
    if (t->rung >= 0)
        printf("%d", t->rung);
    put_real(t->value);
    put_real(t->seconds);
    for (size_t v = 0; v < view->n_varied; v++) {
        char *text = NULL;
        KT_TRY(kt_sweep_value_text(&text, t, view->varied[v].name, "%.17g", err));
        put_field(text);
        free(text);
    }
    put_field(t->reason ? t->reason : "");
    putchar('\n');
out:
    return status;
}

kt_status sweep_print_csv(const kt_sweep_view *view, kt_error *err)
{
    kt_status status = KT_OK;
    printf("trial,search,state,rung,value,seconds");
    for (size_t v = 0; v < view->n_varied; v++)
        put_field(view->varied[v].name);
    puts(",reason");
    for (size_t k = 0; k < view->n_searches; k++)
        for (size_t i = 0; i < view->search[k].n; i++)
            KT_TRY(print_trial(view, &view->search[k], &view->search[k].trial[i], err));
out:
    return status;
}
