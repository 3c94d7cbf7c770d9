/* How the settings were found: the sweep's trials, the best of them, and which options had to do with it. */
#include "page.h"
#include "sweeps.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAR_KEY(kind) "<li><svg aria-hidden=true><rect class=" kind " width=28 height=16 /></svg>"
#define KEY(id)       "<li><svg aria-hidden=true><use href=#k-" id " /></svg>"
#define LINE_KEY(z)                                                                                          \
    "<li><svg class=p aria-hidden=true viewBox=\"0 0 112 64\"><path class=" z " d=\"M0 32h112\"/></svg>"

/* ---- the sweep as a whole ---- */

static void states(FILE *out, const kt_sweep_view *view)
{
    const char *between = ": ";
    for (int s = 0; s < KT_TRIAL_STATES; s++) {
        if (view->count[s] == 0)
            continue;
        fprintf(out, "%s%zu %s", between, view->count[s], kt_trial_state_text[s]);
        between = ", ";
    }
}

static void summary(FILE *out, const kt_sweep_view *view)
{
    fprintf(out, "<p>%zu trial%s of %zu planned", view->trials, view->trials == 1 ? "" : "s", view->planned);
    states(out, view);
    fputs(". Method ", out);
    put_escaped(out, view->method);
    fputs(", scheduler ", out);
    put_escaped(out, view->scheduler);
    fprintf(out,
            "; compared by %s, on training cells that the trials' fits had not seen; smaller is better. ",
            sweep_objective_text(view));
    fprintf(out, "Spent: %.2f whole trainings, %.1f s of ranks in %.1f s", view->spent, view->seconds,
            view->wall);
    if (isfinite(view->utilisation))
        fprintf(out, ", so that %.1f %% of the ranks' time was training", 100 * view->utilisation);
    fputs(view->ended ? ".</p>\n" : ". The sweep has not ended.</p>\n", out);
}

static void rungs_table(FILE *out, const kt_sweep_view *view)
{
    static const char *const names[] = {"rung",     "of the budget", "trials planned", "came there",
                                        "promoted", "stopped",       "failed"};
    table_begin(out, "Trials by rung", "Trials by rung: a failed one is counted where it failed");
    TABLE_HEAD(out, names);
    for (int r = 0; r < view->n_rungs; r++) {
        const kt_sweep_rung *rung = &view->rung[r];
        fprintf(out, "<tr><th scope=row>%d<td>%.3g %%<td>%zu<td>%zu<td>%zu<td>%zu<td>%zu\n", r + 1,
                100 * rung->share, rung->trials, rung->reached, rung->promoted, rung->stopped, rung->failed);
    }
    table_end(out);
}

static void rungs(FILE *out, const kt_sweep_view *view)
{
    fputs("<figure><h4>Trials at each rung</h4>\n", out);
    picture_sweep_rungs(out, view);
    fputs("<ul class=key>" BAR_KEY("b") "went on, or had all of its budget" BAR_KEY("r1") "stopped" BAR_KEY(
              "r2") "failed</ul>\n<details><summary>Table</summary>",
          out);
    rungs_table(out, view);
    fputs("</details></figure>\n", out);
}

static void searches_table(FILE *out, const kt_sweep_view *view)
{
    static const char *const names[] = {"service", "trials", "best trial", "at rung", "value"};
    table_begin(out, "Best trial of each service", "Each service has a search of its own");
    TABLE_HEAD(out, names);
    for (size_t k = 0; k < view->n_searches; k++) {
        const kt_sweep_search *s = &view->search[k];
        const kt_sweep_trial *best = kt_sweep_best(s);
        fputs("<tr><th scope=row class=name>", out);
        put_escaped(out, s->name ? s->name : "all");
        fprintf(out, "<td>%zu", s->n);
        cell_number(out, "%.0f", best ? (double)best->trial : NAN);
        cell_number(out, "%.0f", best ? (double)best->rung + 1 : NAN);
        cell_number(out, "%.6g", best ? best->value : NAN);
        fputc('\n', out);
    }
    table_end(out);
}

/* ---- one search ---- */

/* Of a region: no two of a page may have the same. */
static void label_of(char label[300], const found_search *f, const char *what)
{
    const char *name = f->search->name;
    snprintf(label, 300, "%s%s%.250s", what, name ? ", " : "", name ? name : "");
}

static kt_status best(FILE *out, const found_search *f, bool by_time, kt_error *err)
{
    kt_status status = KT_OK;
    fprintf(out, "<figure><h4>Best value by %s</h4>\n", by_time ? "time" : "trial");
    svg_begin(out, "n",
              by_time ? "Values at the last rung by time, and the best so far"
                      : "Values at the last rung by trial, and the best so far");
    KT_TRY(picture_sweep_best(out, f, by_time, err));
    svg_end(out);
    fputs("<ul class=key>" KEY("t") "a trial", out);
    if (f->view->n_rungs > 1)
        fprintf(out, " at rung %d", f->top + 1);
    fputs(KEY("l") "the best so far</ul></figure>\n", out);
out:
    return status;
}

static void importance_table(FILE *out, const found_search *f)
{
    static const char *const names[] = {"option", "divergence", "chance gives", "trials", "the best of them"};
    char label[300];
    label_of(label, f, "Importance of options");
    table_begin(out, label, "Importance of options, the largest first");
    TABLE_HEAD(out, names);
    for (size_t i = 0; i < f->view->n_varied; i++) {
        const kt_importance *one = &f->importance[f->by_importance[i]];
        fputs("<tr><th scope=row>", out);
        put_escaped(out, f->view->varied[f->by_importance[i]].name);
        cell_number(out, "%.3f", one->divergence);
        cell_number(out, "%.3f", one->chance);
        fprintf(out, "<td>%zu<td>%zu\n", one->trials, one->best);
    }
    table_end(out);
}

static void importance(FILE *out, const found_search *f)
{
    fputs("<figure><h4>Importance of options</h4>\n", out);
    picture_sweep_importance(out, f);
    fputs("<ul class=key>" BAR_KEY("b") "above chance" BAR_KEY("r1") "within it", out);
    fputs(KEY("k") "95 % of what chance gives</ul>\n", out);
    fputs(
        "<figcaption>PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023): how far an option's values among "
        "the "
        "best quarter of the trials diverge from those among all; 0: not at all, 3: entirely. It says what "
        "each "
        "option does by itself, in this space, on as many trials as the table says; an option that only some "
        "trials have is judged among these. Chance: the same of quarters drawn at random.</figcaption>\n",
        out);
    fputs("<details><summary>Table</summary>", out);
    importance_table(out, f);
    fputs("</details></figure>\n", out);
}

static void trial_row(FILE *out, const found_search *f, const kt_sweep_trial *t)
{
    char text[200];
    fprintf(out, "<tr data-t=%lld><th scope=row>%lld<td>%s%s", (long long)t->trial, (long long)t->trial,
            kt_trial_state_text[t->state], t->place >= 0 ? ", won" : "");
    cell_number(out, "%.0f", t->rung < 0 ? NAN : (double)t->rung + 1);
    cell_number(out, "%.6g", t->value);
    cell_number(out, "%.2f", t->seconds);
    for (size_t v = 0; v < f->view->n_varied; v++) {
        sweep_value_text(text, sizeof text, t, f->view->varied[v].name);
        cell_text(out, *text ? text : "-");
    }
    fputs("<td class=w>", out);
    put_escaped(out, t->reason ? t->reason : "");
    fputc('\n', out);
}

static void trials_table(FILE *out, const found_search *f)
{
    static const char *const names[] = {"trial", "state", "rung", "value", "seconds"};
    char label[300];
    label_of(label, f, "Trials");
    table_begin(out, label, "Trials, the best first: those that came further, then those of smaller value");
    fputs("<thead><tr>", out);
    table_columns(out, names, sizeof names / sizeof *names);
    for (size_t v = 0; v < f->view->n_varied; v++) {
        fputs("<th scope=col>", out);
        put_escaped(out, f->view->varied[v].name);
    }
    fputs("<th scope=col class=w>reason<tbody>\n", out);
    for (size_t i = 0; i < f->shown; i++)
        trial_row(out, f, &f->search->trial[f->search->order[i]]);
    table_end(out);
}

static void parallel(FILE *out, const found_search *f, size_t k)
{
    char label[300];
    fprintf(
        out,
        "<figure class=wide><h4>Options and values</h4>\n<div class=\"tools\"><div><label for=\"t%zu\">Trial"
        "</label><select id=\"t%zu\"></select></div><button type=\"button\" class=\"before\" aria-label=\""
        "trial before\">\xE2\x97\x80</button><button type=\"button\" class=\"after\" aria-label=\"next "
        "trial\">\xE2\x96\xB6</button></div>\n<p class=\"said soft\" role=\"status\"></p>\n"
        "<div class=scroll role=region tabindex=0 aria-label=\"",
        k, k);
    label_of(label, f, "Parallel coordinates");
    put_escaped(out, label);
    fputs("\">", out);
    picture_sweep_parallel(out, f);
    fputs("</div><ul class=key>", out);
    fputs(LINE_KEY("z0") "the best tenth" LINE_KEY("z1") "to a quarter" LINE_KEY("z2") "to a half", out);
    fputs(LINE_KEY("z3") "to three quarters" LINE_KEY("z4") "the rest" LINE_KEY("zf") "failed</ul>\n", out);
    fputs(
        "<figcaption>A line for each trial, by the place of its value among all; the last axis has its value "
        "at the last rung that it reached, the best at the top.</figcaption>\n",
        out);
    fputs("<details><summary>Table of trials</summary>", out);
    trials_table(out, f);
    if (f->shown < f->search->n)
        fprintf(out,
                "<p class=note>The best %zu of %zu trials; <code>kt sweep RUN --csv</code> has all.</p>\n",
                f->shown, f->search->n);
    fputs("</details></figure>\n", out);
}

static kt_status search(FILE *out, const kt_sweep_view *view, size_t k, kt_error *err)
{
    kt_status status = KT_OK;
    found_search f;
    KT_TRY(found_search_make(&f, view, &view->search[k], err));
    fputs("<div class=\"sweep\">\n", out);
    fputs("<h3>", out);
    put_escaped(out, view->search[k].name ? view->search[k].name : "All services together");
    fputs("</h3>\n", out);
    fputs("<div class=\"pictures\">\n", out);
    KT_TRY(best(out, &f, false, err));
    KT_TRY(best(out, &f, true, err));
    if (view->n_varied > 0)
        importance(out, &f);
    if (view->n_searches == 1)
        rungs(out, view);
    fputs("</div>\n", out);
    parallel(out, &f, k);
    fputs("</div>\n", out);
out:
    return status;
}

kt_status page_sweep(FILE *out, const kt_report *report, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_sweep_view *view = report->sweep;
    size_t asked = 0;
    fputs("<section id=\"sweep\" aria-labelledby=\"h-sweep\">\n<h2 id=\"h-sweep\">How the settings were "
          "found</h2>\n",
          out);
    summary(out, view);
    if (view->n_searches > 1) {
        fputs("<h3>All searches</h3>\n", out);
        rungs(out, view);
        searches_table(out, view);
    }
    for (size_t k = 0; k < view->n_searches; k++)
        if (found_search_shows(report, &view->search[k]) && asked++ < SEARCHES_MOST)
            KT_TRY(search(out, view, k, err));
    if (asked > SEARCHES_MOST)
        fprintf(out,
                "<p class=note>Shown are the trials of the first %d of %zu services; <code>kt report RUN "
                "--service "
                "NAME --out FILE</code> shows any other.</p>\n",
                SEARCHES_MOST, asked);
    fputs("</section>\n", out);
out:
    return status;
}
