/* Can I trust it? A line for each service. */
#include "kt/scores.h"
#include "page.h"
#include "text.h"
#include <math.h>
#include <string.h>

static void counts(FILE *out, const findings *f)
{
    static const char *const what[KT_VERDICTS] = {"good", "fair", "poor", "without a verdict"};
    size_t n[KT_VERDICTS] = {0};
    for (size_t i = 0; i < f->n; i++)
        n[f->services[i].verdict]++;
    fputs("<ul class=\"counts\">", out);
    for (int v = 0; v < KT_VERDICTS; v++)
        if (n[v] > 0)
            fprintf(out, "<li><span class=\"v v%d\">%zu %s</span>", v, n[v], what[v]);
    if (f->report->archive->n_refused > 0)
        fprintf(out, "<li>%zu without a model", f->report->archive->n_refused);
    fputs("</ul>\n", out);
}

/* In how many services this model's mean NLL is lower, higher, or nearly the other's. */
static void summary_of_comparison(FILE *out, const findings *f)
{
    static const double nearly = 0.005; /* nats a row */
    size_t better = 0, worse = 0, compared = 0;
    for (size_t i = 0; i < f->n; i++) {
        const found_comparison *c = &f->services[i].comparison;
        double less = c->other.nll - c->own.nll;
        compared += c->own.cells > 0;
        better += c->own.cells > 0 && less > nearly;
        worse += c->own.cells > 0 && less < -nearly;
    }
    fprintf(out,
            "<p>Beside the other archive, on cells that neither was trained on: better in %zu of %zu "
            "services, worse in "
            "%zu, about the same in %zu (mean NLL, %g nats a row).</p>\n",
            better, compared, worse, compared - better - worse, nearly);
}

static void heading(FILE *out, bool against)
{
    static const char *const names[] = {"service",        "verdict",    "KS",       "floor",       "p95 off",
                                        "cells",          "worst cell", "KS there", "outside: KS", "p95 off",
                                        "rows trained on"};
    static const char *const more[] = {"compared: KS", "other KS", "p95 off", "other p95 off", "NLL less"};
    fputs("<thead><tr>", out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fprintf(out, i == 1 ? "<th scope=\"col\" class=l>%s" : "<th scope=\"col\">%s", names[i]);
    for (size_t i = 0; against && i < sizeof more / sizeof *more; i++)
        fprintf(out, "<th scope=\"col\">%s", more[i]);
    fputs("<th scope=\"col\" class=\"w\">remarks<tbody>\n", out);
}

static void percent(FILE *out, double share)
{
    cell_number(out, "%.1f %%", 100 * share);
}

static void compared(FILE *out, const found_comparison *c)
{
    cell_number(out, "%.3f", c->own.ks);
    cell_number(out, "%.3f", c->other.ks);
    percent(out, c->own.error[1]);
    percent(out, c->other.error[1]);
    cell_number(out, "%+.3f", c->other.nll - c->own.nll);
}

static void remark(FILE *out, size_t *n, const char *words)
{
    if (!*words)
        return;
    fputs((*n)++ > 0 ? "; " : "", out);
    put_escaped(out, words);
}

static void remarks(FILE *out, const found_service *s)
{
    char reason[512], flags[160];
    size_t n = 0;
    kt_verdict_reason(reason, sizeof reason, &s->interior);
    kt_flags_text(flags, sizeof flags, s->entry->fitted.flags);
    fputs("<td class=\"w\">", out);
    remark(out, &n, reason);
    remark(out, &n, flags);
    if (s->comparison.trained_on > 0)
        remark(out, &n, "some cells not compared: the other model was trained on them");
    if (s->comparison.other_target)
        remark(out, &n, "the other model was trained on another target");
    if (s->comparison.unknown_rows)
        remark(out, &n, "what the other model was trained on is not known");
}

static void line(FILE *out, const found_service *s, size_t i, bool against)
{
    const kt_score *in = &s->interior, *outside = &s->outside;
    fprintf(out,
            s->pictured ? "<tr data-s=\"s%zu\"><th scope=\"row\" class=\"name\"><a href=\"#s%zu\">"
                        : "<tr><th scope=\"row\" class=\"name\">",
            i, i);
    put_escaped(out, s->entry->name);
    fputs(s->pictured ? "</a>" : "", out);
    fprintf(out, "<td class=l data-v=\"%d\"><span class=\"v v%d\">%s</span>", (int)s->verdict,
            (int)s->verdict, kt_verdict_text[s->verdict]);
    cell_number(out, "%.3f", in->ks);
    cell_number(out, "%.3f", in->ks_floor);
    percent(out, in->error[1]);
    fprintf(out, "<td>%llu", (unsigned long long)in->cells);
    cell_text(out, in->cells > 0 ? in->worst : "-");
    cell_number(out, "%.3f", in->worst_ks);
    cell_number(out, "%.3f", outside->ks);
    percent(out, outside->error[1]);
    fprintf(out, "<td>%zu", s->entry->n_train);
    if (against)
        compared(out, &s->comparison);
    remarks(out, s);
    fputc('\n', out);
}

static void refused(FILE *out, const kt_archive *archive)
{
    if (archive->n_refused == 0)
        return;
    fputs("<h3>Without a model</h3>\n<ul class=\"flags\">", out);
    for (size_t i = 0; i < archive->n_refused; i++) {
        const kt_archive_refused *one = &archive->refused[i];
        fputs("<li>", out);
        if (!strstr(one->reason, one->name)) {
            put_escaped(out, one->name);
            fputs(": ", out);
        }
        put_escaped(out, one->reason);
    }
    fputs("</ul>\n", out);
}

static void explanation(FILE *out, bool against)
{
    fputs("<details><summary>What the columns say</summary>\n"
          "<p>Whole load cells were kept out of the training. Those inside the hull of the trained cells "
          "stand for "
          "what the models are for; those outside say how little may be expected there. KS is the largest "
          "distance "
          "between the measured distribution of a cell and the predicted one; the floor is what KS would be "
          "if the "
          "rows came from the model itself, so many are there. p95 off is how far the predicted 95th "
          "percentile "
          "lies from the measured one. Figures are medians over cells; the worst cell is that with the "
          "largest KS "
          "above its floor.</p>\n"
          "<p><b>good</b>: KS at most 1.5 floors or 0.05, p95 at most 10 % off, no cell with KS above 0.2. "
          "<b>fair</b>: at most 3 floors or 0.10, 25 %, 0.4. <b>poor</b>: anything else.</p>\n",
          out);
    if (against)
        fputs("<p>Compared are held-out cells inside the hull that neither model was trained on. NLL less: "
              "how many "
              "nats a row the mean negative log-likelihood of this model is below the other's; above 0 this "
              "one is "
              "better.</p>\n",
              out);
    fputs("</details>\n", out);
}

void page_trust(FILE *out, const findings *f)
{
    bool against = f->report->against != NULL;
    fputs("<section id=\"trust\" aria-labelledby=\"h-trust\">\n<h2 id=\"h-trust\">Can I trust it?</h2>\n",
          out);
    counts(out, f);
    if (against)
        summary_of_comparison(out, f);
    explanation(out, against);
    fputs(
        "<div class=\"tools\"><div><label for=\"search\">Search</label><input id=\"search\" type=\"search\" "
        "autocomplete=\"off\"></div><p id=\"found\" class=\"soft\" role=\"status\"></p></div>\n"
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Services\"><table id=\"services\">"
        "<caption><span>Held-out cells inside the hull, service by service; KS and p95 are medians over "
        "cells</span></caption>",
        out);
    heading(out, against);
    for (size_t i = 0; i < f->n; i++)
        line(out, &f->services[i], i, against);
    table_end(out);
    refused(out, f->report->archive);
    fputs("</section>\n", out);
}
