/* The report as text: verdicts, and the cells of each service. */
#include "findings.h"
#include "kt/scores.h"
#include "sweeps.h"
#include "text.h"
#include <string.h>

static void number(FILE *out, const char *format, double value)
{
    fputs(" | ", out);
    put_number(out, format, value);
}

static void verdict_line(FILE *out, const found_service *s, bool against)
{
    char reason[512], flags[160];
    const kt_score *in = &s->interior;
    fputs("| ", out);
    put_markdown(out, s->entry->name);
    fprintf(out, " | %s", kt_verdict_text[s->verdict]);
    number(out, "%.3f", in->ks);
    number(out, "%.3f", in->ks_floor);
    number(out, "%.1f %%", 100 * in->error[1]);
    fprintf(out, " | %llu | ", (unsigned long long)in->cells);
    put_markdown(out, in->cells > 0 ? in->worst : "-");
    number(out, "%.3f", in->worst_ks);
    number(out, "%.3f", s->outside.ks);
    if (against) {
        number(out, "%.3f", s->comparison.own.ks);
        number(out, "%.3f", s->comparison.other.ks);
        number(out, "%+.3f", s->comparison.other.nll - s->comparison.own.nll);
    }
    kt_verdict_reason(reason, sizeof reason, in);
    kt_flags_text(flags, sizeof flags, s->entry->fitted.flags);
    fputs(" | ", out);
    put_markdown(out, reason);
    fputs(reason[0] && flags[0] ? "; " : "", out);
    fputs(flags, out);
    fputs(" |\n", out);
}

static void verdicts(FILE *out, const findings *f)
{
    bool against = f->report->against != NULL;
    fputs(
        "\n## Can I trust it?\n\nHeld-out cells inside the hull, service by service; medians over cells.\n\n"
        "| service | verdict | KS | floor | p95 off | cells | worst cell | KS there | outside: KS |",
        out);
    fputs(against ? " compared: KS | other KS | NLL less |" : "", out);
    fputs(" remarks |\n|---|---|--:|--:|--:|--:|---|--:|--:|", out);
    fputs(against ? "--:|--:|--:|" : "", out);
    fputs("---|\n", out);
    for (size_t i = 0; i < f->n; i++)
        verdict_line(out, &f->services[i], against);
    for (size_t i = 0; i < f->report->archive->n_refused; i++) {
        fputs(i == 0 ? "\nWithout a model:\n\n- " : "- ", out);
        put_markdown(out, f->report->archive->refused[i].reason);
        fputc('\n', out);
    }
}

static void cells(FILE *out, const found_service *s)
{
    fputs("\n## ", out);
    put_markdown(out, s->entry->name);
    if (s->entry->n_more > 0)
        fprintf(out, "\n\nAn ensemble of %zu members.", kt_archive_members(s->entry));
    fputs("\n\n| cell | kind | rows | KS | floor | p50, ms | model | p95, ms | model | p99, ms | model |\n"
          "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
          out);
    for (size_t i = 0; i < s->n_cells; i++) {
        const kt_cell_score *c = &s->cells[i].score;
        fputs("| ", out);
        put_markdown(out, c->label);
        fprintf(out, " | %s%s | %llu", kt_role_text[c->role],
                c->role == KT_ROLE_TRAINING ? ""
                : c->interior               ? ", interior"
                                            : ", extrapolation",
                (unsigned long long)c->rows);
        number(out, "%.3f", c->ks);
        number(out, "%.3f", c->ks_floor);
        for (int q = 0; q < KT_QUANTILES; q++) {
            number(out, "%.3f", 1e3 * c->observed[q]);
            number(out, "%.3f", 1e3 * c->predicted[q]);
        }
        fputs(" |\n", out);
    }
}

kt_status kt_report_markdown(char **out, size_t *n, const kt_report *report, kt_error *err)
{
    kt_status status = KT_OK;
    findings f = {.n = 0};
    text page = {.stream = NULL};
    KT_TRY(findings_make(&f, report, err));
    KT_TRY(text_open(&page, err));
    fputs("# ", page.stream);
    put_markdown(page.stream, report->title ? report->title : "Processing-time models");
    fprintf(page.stream, "\n\nArchive: SHA-256 `%s`, numerics %d.\n", report->digest,
            report->archive->numerics);
    verdicts(page.stream, &f);
    for (size_t i = 0; i < f.n; i++)
        cells(page.stream, &f.services[i]);
    if (report->sweep)
        KT_TRY(markdown_sweep(page.stream, report, err));
    KT_TRY(text_give(out, n, &page, err));
out:
    text_drop(&page);
    findings_clear(&f);
    return status;
}
