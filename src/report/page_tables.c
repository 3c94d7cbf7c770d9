#include "page.h"

#include "text.h"
#include <math.h>

void table_begin(FILE *out, const char *label, const char *caption)
{
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
    put_escaped(out, label);
    fputs("\"><table><caption><span>", out);
    put_escaped(out, caption);
    fputs("</span></caption>", out);
}

void table_columns(FILE *out, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "<th scope=col>%s", names[i]);
}

void table_head(FILE *out, const char *const *names, size_t n)
{
    fputs("<thead><tr>", out);
    table_columns(out, names, n);
    fputs("<tbody>\n", out);
}

void table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

void cell_number(FILE *out, const char *format, double value)
{
    fputs("<td>", out);
    put_number(out, format, value);
}

void cell_text(FILE *out, const char *words)
{
    fputs("<td>", out);
    put_escaped(out, words);
}

const char *kind_text(const kt_cell_score *score)
{
    static const char *const text[][2] = {
        [KT_ROLE_NEW] = {"new, extrapolation", "new, interior"},
        [KT_ROLE_TRAINING] = {"trained on", "trained on"},
        [KT_ROLE_HELD_OUT] = {"held out, extrapolation", "held out, interior"}};
    return text[score->role][score->interior];
}

static void begin_row(FILE *out, size_t cell, const char *label)
{
    fprintf(out, "<tr data-c=%zu><th scope=row>", cell);
    put_escaped(out, label);
}

static void interval(FILE *out, const found_cell *c, int q)
{
    fputs("<td>", out);
    if (c->seen)
        fprintf(out, "%.3f\xE2\x80\x93%.3f", 1e3 * c->low[q], 1e3 * c->high[q]);
    else
        fputs("-", out);
}

void table_cells(FILE *out, const found_service *f)
{
    static const char *const names[] = {
        "cell",    "kind",       "rows",      "KS",      "floor",      "p50, ms",   "95 % of it", "model p50",
        "p95, ms", "95 % of it", "model p95", "p99, ms", "95 % of it", "model p99", "NLL",        "CRPS, ms"};
    table_begin(
        out, "Cells, measured and predicted",
        "Cells: KS and its sampling floor, quantiles as measured with 95 % intervals, and as the model "
        "says");
    TABLE_HEAD(out, names);
    for (size_t i = 0; i < f->n_cells; i++) {
        const kt_cell_score *s = &f->cells[i].score;
        begin_row(out, i, s->label);
        cell_text(out, kind_text(s));
        fprintf(out, "<td>%llu", (unsigned long long)s->rows);
        cell_number(out, "%.3f", s->ks);
        cell_number(out, "%.3f", s->ks_floor);
        for (int q = 0; q < KT_QUANTILES; q++) {
            cell_number(out, "%.3f", 1e3 * s->observed[q]);
            interval(out, &f->cells[i], q);
            cell_number(out, "%.3f", 1e3 * s->predicted[q]);
        }
        cell_number(out, "%.3f", s->nll);
        cell_number(out, "%.3f", 1e3 * s->crps);
        fputc('\n', out);
    }
    table_end(out);
}

void table_pit(FILE *out, const kt_score *score)
{
    static const char *const names[] = {"from", "to", "rows", "density"};
    table_begin(out, "Counts of PIT", "Rows by their place in the predicted distribution");
    TABLE_HEAD(out, names);
    for (int b = 0; b < KT_PIT_BINS; b++)
        fprintf(out, "<tr><th scope=row>%.2f<td>%.2f<td>%llu<td>%.3f", (double)b / KT_PIT_BINS,
                (b + 1.0) / KT_PIT_BINS, (unsigned long long)score->pit[b],
                (double)score->pit[b] * KT_PIT_BINS / (double)score->rows);
    table_end(out);
}

void table_losses(FILE *out, const kt_fitted *fit)
{
    enum { MOST = 200 }; /* lines: of longer fits every so many looks */
    static const char *const names[] = {"step", "training", "validation", "learning rate", "remark"};
    size_t stride = (fit->n_looks + MOST - 1) / MOST;
    table_begin(out, "Losses", "Mean NLL in nats, at each look at the validation rows");
    TABLE_HEAD(out, names);
    for (size_t i = 0; i < fit->n_looks; i++) {
        const kt_look *look = &fit->looks[i];
        if (i % stride != 0 && i != fit->best)
            continue;
        fprintf(out, "<tr><th scope=row>%llu", (unsigned long long)look->step);
        cell_number(out, "%.4f", look->train);
        cell_number(out, "%.4f", look->validation);
        cell_number(out, "%.2g", look->rate);
        fputs("<td>", out);
        if (i == fit->best)
            fputs("kept", out);
        if (look->flags & KT_LOOK_RETREAT)
            fputs(i == fit->best ? ", went back" : "went back", out);
        fputc('\n', out);
    }
    table_end(out);
}
