/* A sweep in the report's other formats. */
#include "sweeps.h"
#include "text.h"
#include <math.h>

enum { TOP = 10 };

static void number(FILE *out, const char *format, double value)
{
    fputs(" | ", out);
    put_number(out, format, value);
}

static void words(FILE *out, const char *text)
{
    fputs(" | ", out);
    put_markdown(out, *text ? text : "-");
}

static void trials(FILE *out, const found_search *f)
{
    fputs("\n| trial | state | rung | value | seconds |", out);
    for (size_t v = 0; v < f->view->n_varied; v++) {
        fputc(' ', out);
        put_markdown(out, f->view->varied[v].name);
        fputs(" |", out);
    }
    fputs("\n|--:|---|--:|--:|--:|", out);
    for (size_t v = 0; v < f->view->n_varied; v++)
        fputs("--:|", out);
    fputc('\n', out);
    for (size_t i = 0; i < f->search->n && i < TOP; i++) {
        const kt_sweep_trial *t = &f->search->trial[f->search->order[i]];
        char text[200];
        fprintf(out, "| %lld | %s%s", (long long)t->trial, kt_trial_state_text[t->state],
                t->place >= 0 ? ", won" : "");
        number(out, "%.0f", t->rung < 0 ? NAN : (double)t->rung + 1);
        number(out, "%.6g", t->value);
        number(out, "%.2f", t->seconds);
        for (size_t v = 0; v < f->view->n_varied; v++) {
            sweep_value_text(text, sizeof text, t, f->view->varied[v].name);
            words(out, text);
        }
        fputs(" |\n", out);
    }
}

static void importance(FILE *out, const found_search *f)
{
    fputs("\nImportance by PED-ANOVA: divergence of the best quarter from all, and what chance stays below "
          "in 95 "
          "%.\n\n| option | divergence | chance | trials |\n|---|--:|--:|--:|\n",
          out);
    for (size_t i = 0; i < f->view->n_varied; i++) {
        const kt_importance *one = &f->importance[f->by_importance[i]];
        fputs("| ", out);
        put_markdown(out, f->view->varied[f->by_importance[i]].name);
        number(out, "%.3f", one->divergence);
        number(out, "%.3f", one->chance);
        fprintf(out, " | %zu |\n", one->trials);
    }
}

kt_status markdown_sweep(FILE *out, const kt_report *report, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_sweep_view *view = report->sweep;
    found_search f;
    fprintf(out, "\n## How the settings were found\n\n%zu of %zu trials; method ", view->trials,
            view->planned);
    put_markdown(out, view->method);
    fputs(", scheduler ", out);
    put_markdown(out, view->scheduler);
    fprintf(out,
            ", by %s.\n\n| rung | of the budget | came there | promoted | stopped | failed |\n"
            "|--:|--:|--:|--:|--:|--:|\n",
            sweep_objective_text(view));
    for (int r = 0; r < view->n_rungs; r++)
        fprintf(out, "| %d | %.3g %% | %zu | %zu | %zu | %zu |\n", r + 1, 100 * view->rung[r].share,
                view->rung[r].reached, view->rung[r].promoted, view->rung[r].stopped, view->rung[r].failed);
    for (size_t k = 0; k < view->n_searches; k++) {
        if (!found_search_shows(report, &view->search[k]))
            continue;
        KT_TRY(found_search_make(&f, view, &view->search[k], err));
        if (view->search[k].name) {
            fputs("\n### ", out);
            put_markdown(out, view->search[k].name);
            fputc('\n', out);
        }
        trials(out, &f);
        if (view->n_varied > 0)
            importance(out, &f);
    }
out:
    return status;
}

static kt_json *importance_json(const found_search *f)
{
    kt_json *list = kt_json_array();
    for (size_t i = 0; i < f->view->n_varied; i++) {
        const kt_importance *one = &f->importance[f->by_importance[i]];
        kt_json *json = kt_json_put(kt_json_object(), "option",
                                    kt_json_string(f->view->varied[f->by_importance[i]].name));
        kt_json_put(json, "divergence", kt_json_real(one->divergence));
        kt_json_put(json, "chance", kt_json_real(one->chance));
        kt_json_put(json, "trials", kt_json_int((int64_t)one->trials));
        kt_json_append(list, kt_json_put(json, "best", kt_json_int((int64_t)one->best)));
    }
    return list;
}

kt_status sweep_report_json(kt_json **out, const kt_sweep_view *view, kt_error *err)
{
    kt_status status = KT_OK;
    found_search f;
    kt_json *json = kt_sweep_view_json(view);
    *out = NULL;
    for (size_t k = 0; k < view->n_searches; k++) {
        KT_TRY(found_search_make(&f, view, &view->search[k], err));
        kt_json_put(kt_json_at(kt_json_get(json, "searches"), k), "importance", importance_json(&f));
    }
    *out = json;
    json = NULL;
out:
    kt_json_drop(json);
    return status;
}
