/* Service by service: quantiles by rate, distributions, PIT, losses, and the tables behind them. */
#include "kt/scores.h"
#include "page.h"
#include "pictures.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

#define KEY(id) "<li><svg aria-hidden=true><use href=#k-" id " /></svg>"

/* What the keys of all pictures show, drawn once. */
static void key_symbols(FILE *out)
{
    fputs("<svg width=0 height=0 aria-hidden=true style=\"position:absolute\"><defs>"
          "<path id=k-h class=kh d=\"M14 1v14M14 3l5 5-5 5-5-5z\"/><path id=k-t class=kt d=\"M14 1v14M10 "
          "4h8v8h-8z\"/>"
          "<path id=k-l class=kl d=\"M0 8h28\"/><path id=k-o class=ko d=\"M0 8h28\"/>"
          "<path id=k-x class=kx d=\"M0 8h28\"/><path id=k-k class=kk d=\"M0 8h28\"/><rect id=k-u class=u "
          "width=28 height=16 />"
          "</defs></svg>\n",
          out);
}

static void key(FILE *out, const found_service *f)
{
    fputs("<ul class=key>" KEY("h") "held-out cell", out);
    if (f->n_cells > 0 && f->cells[0].seen)
        fputs(", with the 95 % interval of its quantiles" KEY("t") "cell trained on", out);
    fputs(KEY("l") "the model", out);
    fputs(f->other ? KEY("x") "p95 of the other model" : "", out);
    fputs(KEY("u") "inside the hull</ul>\n", out);
}

static void quantiles(FILE *out, const found_service *f, const char *x_name)
{
    fprintf(out, "<h4>Quantiles by ");
    put_escaped(out, x_name);
    fputs("</h4>\n", out);
    key(out, f);
    fputs("<div class=\"pictures\">\n", out);
    for (size_t p = 0; p < f->n_panels; p++) {
        char name[600];
        snprintf(name, sizeof name, "p50, p95 and p99 by %s%s%s, measured and predicted", x_name,
                 f->panels[p].label[0] ? ", " : "", f->panels[p].label);
        svg_begin(out, "q", name);
        picture_quantiles(out, f, p, x_name);
        svg_end(out);
    }
    fputs("</div>\n", out);
    if (f->combinations > f->n_panels)
        fprintf(
            out,
            "<p class=\"note\">%zu more combinations of the other features have no picture; their cells are "
            "in the table.</p>\n",
            f->combinations - f->n_panels);
}

static void distributions(FILE *out, const found_service *f, size_t i)
{
    fprintf(
        out,
        "<figure><h4>Distribution in a cell</h4>\n<div class=\"tools\"><div><label for=\"c%zu\">Cell</label>"
        "<select id=\"c%zu\"></select></div><button type=\"button\" class=\"before\" aria-label=\"cell "
        "before\">\xE2\x97\x80</button><button type=\"button\" class=\"after\" aria-label=\"next cell\">"
        "\xE2\x96\xB6</button></div>\n",
        i, i);
    char name[200];
    bool rows = f->cells[f->worst].seen;
    snprintf(name, sizeof name, "Distribution of times in a cell, measured and predicted, at first %s",
             f->cells[f->worst].score.label);
    svg_begin(out, picture_cdf_kind(f), name);
    picture_cdf(out, f, 0, f->n_cells - 1);
    svg_end(out);
    fputs(rows ? "<ul class=key>" KEY("o") "measured" KEY("l") "the model" KEY("k") "KS, the largest gap"
               : "<ul class=key>" KEY("h") "measured p50, p95, p99" KEY("l") "the model",
          out);
    fputs(f->other ? KEY("x") "the other model, in held-out cells</ul>\n" : "</ul>\n", out);
    fputs("<p class=\"said soft\" role=\"status\">", out);
    put_escaped(out, f->cells[f->worst].score.label);
    fputs("</p></figure>\n", out);
}

static void pit(FILE *out, const found_service *f)
{
    const kt_score *score = picture_pit_score(f);
    if (!score)
        return;
    fputs("<figure><h4>PIT of held-out cells</h4>\n", out);
    svg_begin(out, "i", "Histogram of the place of each row in the predicted distribution; flat is right");
    picture_pit(out, score);
    svg_end(out);
    fprintf(out,
            "<figcaption>%s cells. Flat is right; a hump means predicted spreads are too wide, a trough too "
            "narrow, a "
            "slope a shift. Shaded: what chance alone would do in 95 %% of bins.</figcaption>\n"
            "<details><summary>Table</summary>",
            score == &f->interior ? "Interior" : "Extrapolation");
    table_pit(out, score);
    fputs("</details></figure>\n", out);
}

static void losses(FILE *out, const found_service *f)
{
    const kt_fitted *fit = &f->entry->fitted;
    if (fit->n_looks == 0)
        return;
    fprintf(out, "<figure><h4>Losses%s</h4>\n", f->entry->n_more > 0 ? " of the best member" : "");
    svg_begin(out, "n", "Training and validation loss by step, with the look that was kept");
    picture_loss(out, f->entry);
    svg_end(out);
    fprintf(out,
            "<ul class=key>" KEY("o") "training" KEY("l") "validation" KEY(
                "k") "kept: look %zu of %zu</ul>\n"
                     "<details><summary>Table</summary>",
            fit->best + 1, fit->n_looks);
    table_losses(out, fit);
    fputs("</details></figure>\n", out);
}

static void summary(FILE *out, const found_service *f)
{
    const kt_archive_entry *e = f->entry;
    char members[80] = "", reason[512], flags[160];
    kt_verdict_reason(reason, sizeof reason, &f->interior);
    kt_flags_text(flags, sizeof flags, e->fitted.flags);
    if (e->n_more > 0)
        snprintf(members, sizeof members, "an ensemble of %zu members, ", kt_archive_members(e));
    fprintf(out, "<p><span class=\"v v%d\">%s</span>", (int)f->verdict, kt_verdict_text[f->verdict]);
    fputs(reason[0] ? ": " : "", out);
    put_escaped(out, reason);
    fprintf(out,
            ".</p>\n<p class=\"soft\">%s%d %s components; %s; %zu rows trained on, %zu for validation, %zu "
            "held out; "
            "%s%llu steps of %d rows%s%s. Cells: %s.</p>\n",
            members, kt_archive_components(e), kt_family_table[e->fitted.model.net.family].name,
            e->target == KT_TARGET_PROC ? "processing time" : "processing time and delay", e->n_train,
            e->n_validation, e->n_test, e->n_more > 0 ? "the best member: " : "",
            (unsigned long long)e->fitted.steps, e->fitted.batch, flags[0] ? "; " : "", flags,
            kt_cell_rule_text[e->rule]);
}

/* What a sweep found for it: of an ensemble, for the best member. */
static void found_options(FILE *out, const kt_json *winner)
{
    const kt_json *options = kt_json_get(winner, "options");
    if (kt_json_size(options) == 0)
        return;
    fprintf(out, "<p class=\"soft\">Found by a sweep, in trial %lld:",
            (long long)kt_json_as_int(kt_json_get(winner, "trial"), -1));
    for (size_t i = 0; i < kt_json_size(options); i++) {
        const char *name = kt_json_key(options, i);
        const kt_json *value = kt_json_get(options, name);
        char *text = NULL;
        if (kt_json_text(&text, value, 0, NULL) == KT_OK) {
            fputs(i > 0 ? ", " : " ", out);
            put_escaped(out, name);
            fputc(' ', out);
            put_escaped(out, kt_json_as_text(value, text));
        }
        free(text);
    }
    fputs(".</p>\n", out);
}

static void service(FILE *out, const findings *all, size_t i)
{
    const found_service *f = &all->services[i];
    const char *x_name = all->report->archive->feature[f->x];
    fprintf(out, "<article id=\"s%zu\" aria-labelledby=\"h%zu\">\n<h3 id=\"h%zu\" tabindex=-1>", i, i, i);
    put_escaped(out, f->entry->name);
    fputs("</h3>\n", out);
    summary(out, f);
    found_options(out, kt_archive_winner(all->sweep, f->entry->name));
    if (all->report->store && f->entry->n_train + f->entry->n_validation + f->entry->n_test > ROWS_MOST)
        fprintf(
            out,
            "<p class=\"note\">More than %d rows: shown is what the archive keeps of held-out cells.</p>\n",
            ROWS_MOST);
    if (f->n_cells > 0) {
        quantiles(out, f, x_name);
        fputs("<div class=\"pictures\">\n", out);
        distributions(out, f, i);
    } else {
        fputs(
            "<p class=\"note\">No cell was held out, and the rows are not there: nothing to show beside the "
            "model.</p>\n<div class=\"pictures\">\n",
            out);
    }
    pit(out, f);
    losses(out, f);
    fputs("</div>\n", out);
    if (f->n_cells > 0) {
        fputs("<details><summary>Table of cells: quantiles and distributions</summary>", out);
        table_cells(out, f);
        fputs("</details>\n", out);
    }
    fputs("</article>\n", out);
}

static void pictured_note(FILE *out, const findings *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->services[i].pictured;
    if (n < f->n)
        fprintf(out,
                "<p class=\"note\">Shown are the %zu services with the weakest scores; <code>kt report RUN "
                "--service "
                "NAME --out FILE</code> shows any other.</p>\n",
                n);
}

void page_services(FILE *out, const findings *f)
{
    fputs("<section id=\"each\" aria-labelledby=\"h-each\">\n<h2 id=\"h-each\">Service by service</h2>\n"
          "<div class=\"tools\"><div><label for=\"service\">Service</label><select "
          "id=\"service\"></select></div>"
          "<button type=\"button\" id=\"earlier\" aria-label=\"service before\">\xE2\x97\x80</button>"
          "<button type=\"button\" id=\"later\" aria-label=\"next service\">\xE2\x96\xB6</button></div>\n",
          out);
    key_symbols(out);
    pictured_note(out, f);
    for (size_t i = 0; i < f->n; i++)
        if (f->services[i].pictured)
            service(out, f, i);
    fputs("</section>\n", out);
}
