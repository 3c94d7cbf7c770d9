/* Where the data came from, what the cleaning decided, and how to do it again. */
#include "page.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *word(const kt_json *json, const char *key)
{
    return kt_json_as_text(kt_json_get(json, key), "");
}

static long long integer(const kt_json *json, const char *key)
{
    return (long long)kt_json_as_int(kt_json_get(json, key), 0);
}

static double real(const kt_json *json, const char *key)
{
    return kt_json_as_real(kt_json_get(json, key), NAN);
}

static void term(FILE *out, const char *name)
{
    fprintf(out, "<dt>%s<dd>", name);
}

/* ---- where from ---- */

static void utc(FILE *out, int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm parts;
    char text[40];
    if (gmtime_r(&seconds, &parts) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) > 0)
        fputs(text, out);
}

/* Names of files, not where they lay. */
static void files(FILE *out, const kt_json *list)
{
    enum { MOST = 20 };
    size_t n = kt_json_size(list);
    for (size_t i = 0; i < n && i < MOST; i++) {
        const kt_json *one = kt_json_at(list, i);
        const char *path = kt_json_kind_of(one) == KT_JSON_TEXT ? kt_json_as_text(one, "")
                           : *word(one, "path")                 ? word(one, "path")
                                                                : word(one, "file");
        const char *slash = strrchr(path, '/');
        fputs(i > 0 ? ", " : "", out);
        put_escaped(out, slash ? slash + 1 : path);
    }
    if (n > MOST)
        fprintf(out, " and %zu more", n - MOST);
}

static void source(FILE *out, const kt_json *provenance)
{
    term(out, "read from");
    put_escaped(out, *word(provenance, "format") ? word(provenance, "format") : "several sources");
    const kt_json *list = kt_json_get(provenance, "files");
    if (kt_json_size(list) > 0) {
        fputs(": ", out);
        files(out, list);
    }
    if (kt_json_get(provenance, "begins_us")) {
        term(out, "measured");
        utc(out, integer(provenance, "begins_us"));
        fputs(" to ", out);
        utc(out, integer(provenance, "ends_us"));
    }
}

static void certificate(FILE *out, const kt_json *cleaning)
{
    const kt_json *c = kt_json_get(cleaning, "certificate");
    term(out, "certificate");
    if (!c) {
        fputs("none: the rows do not come from traces", out);
        return;
    }
    bool none = strcmp(word(c, "verdict"), "none") == 0;
    put_escaped(out,
                none ? "none: recorded traces, nobody can say whether some are missing" : word(c, "verdict"));
    if (*word(c, "reason")) {
        fputs(": ", out);
        put_escaped(out, word(c, "reason"));
    }
    if (*word(c, "since")) {
        fputs("; ", out);
        put_escaped(out, word(c, "since"));
        fputs(" to ", out);
        put_escaped(out, word(c, "until"));
    }
}

/* ---- what the cleaning decided ---- */

static void decisions(FILE *out, const kt_json *cleaning)
{
    term(out, "requests");
    fprintf(out, "%lld at ", integer(cleaning, "requests"));
    put_escaped(out, word(cleaning, "entry"));
    fprintf(out, ", %lld rows of %lld spans", integer(cleaning, "rows"), integer(cleaning, "spans"));
    term(out, "rate of a row");
    put_escaped(out, word(cleaning, "rps_eff"));
    fputs(", arrivals at the ", out);
    put_escaped(out, word(cleaning, "rps_of"));
    term(out, "load cells");
    fputs(strcmp(word(cleaning, "cells_from"), "manifest") == 0
              ? "as the manifest of the load has them"
              : "cut where pods come or go and where the rate changes",
          out);
    fprintf(out, " (%zu)", kt_json_size(kt_json_get(cleaning, "cells")));
}

static void flags(FILE *out, const kt_json *cleaning)
{
    const kt_json *list = kt_json_get(cleaning, "flags");
    if (kt_json_size(list) == 0)
        return;
    fputs("<h3>What the cleaning found odd</h3>\n<ul class=\"flags\">", out);
    for (size_t i = 0; i < kt_json_size(list); i++) {
        fputs("<li>", out);
        put_escaped(out, kt_json_as_text(kt_json_at(list, i), ""));
    }
    fputs("</ul>\n", out);
}

static void account(FILE *out, const kt_json *cleaning)
{
    const kt_json *list = kt_json_get(cleaning, "account");
    if (kt_json_size(list) == 0)
        return;
    fputs("<h3>What became of every span</h3>\n", out);
    table_begin(out, "Account of spans", "Each span read stands in one line");
    fputs("<thead><tr><th scope=\"col\">what<th scope=\"col\">spans<tbody>\n", out);
    for (size_t i = 0; i < kt_json_size(list); i++) {
        const kt_json *one = kt_json_at(list, i);
        fputs("<tr><th scope=\"row\">", out);
        put_escaped(out, word(one, "text"));
        fprintf(out, "<td>%lld\n", integer(one, "spans"));
    }
    table_end(out);
}

static void cleaned_service(FILE *out, const kt_json *s)
{
    const kt_json *queue = kt_json_get(s, "queue");
    bool fifo = strcmp(word(queue, "rule"), "fifo") == 0;
    fputs("<tr><th scope=\"row\" class=\"name\">", out);
    put_escaped(out, word(s, "service"));
    fprintf(out, "<td>%lld<td>%lld", integer(s, "visits"), integer(s, "rows"));
    if (fifo)
        fprintf(out, "<td>taken out, %lld worker%s", integer(queue, "workers"),
                integer(queue, "workers") == 1 ? "" : "s");
    else
        fputs("<td>left in", out);
    cell_number(out, "%.2f %%", 100 * real(queue, "overtaking"));
    cell_number(out, "%.2f", real(queue, "busy_over_idle"));
    cell_number(out, "%.2f", real(queue, "concurrency"));
    cell_number(out, "%.3f", 1e3 * real(s, "proc_median_s"));
    cell_number(out, "%.3f", 1e3 * real(kt_json_get(s, "delay"), "median_s"));
    cell_text(out, word(s, "target"));
    fputc('\n', out);
}

static void cleaned_services(FILE *out, const kt_json *cleaning)
{
    static const char *const names[] = {"service",   "visits",   "rows",     "queue",     "overtaking",
                                        "busy/idle", "in a pod", "time, ms", "delay, ms", "target"};
    const kt_json *list = kt_json_get(cleaning, "services");
    if (kt_json_size(list) == 0)
        return;
    fputs("<h3>What the cleaning decided for each service</h3>\n", out);
    table_begin(
        out, "Decisions of the cleaning",
        "Queue: waits for a worker, taken out or not; overtaking: visits that end before an earlier one "
        "of their pod; busy/idle: time of what found its pod busy over the others'; in a pod: requests "
        "while there are any; medians of time and delay");
    fputs("<thead><tr>", out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fprintf(out, "<th scope=\"col\">%s", names[i]);
    fputs("<tbody>\n", out);
    for (size_t i = 0; i < kt_json_size(list); i++)
        cleaned_service(out, kt_json_at(list, i));
    table_end(out);
}

void page_data(FILE *out, const findings *f, const kt_json *cleaning, const kt_json *provenance)
{
    size_t rows = 0;
    fputs("<section id=\"data\" aria-labelledby=\"h-data\">\n<h2 id=\"h-data\">Where the data came "
          "from</h2>\n<dl>",
          out);
    for (size_t i = 0; i < f->n; i++)
        rows +=
            f->services[i].entry->n_train + f->services[i].entry->n_validation + f->services[i].entry->n_test;
    term(out, "rows");
    fprintf(out, "%zu of %zu services", rows, f->n);
    if (provenance)
        source(out, provenance);
    certificate(out, cleaning);
    if (cleaning && kt_json_get(cleaning, "rows"))
        decisions(out, cleaning);
    fputs("</dl>\n", out);
    if (cleaning) {
        flags(out, cleaning);
        cleaned_services(out, cleaning);
        account(out, cleaning);
    }
    fputs("</section>\n", out);
}

/* ---- how to do it again ---- */

static void digests(FILE *out, const findings *f)
{
    fputs("<details><summary>Digests of the rows, by service</summary>", out);
    table_begin(out, "Digests of the rows", "SHA-256 of each service's rows in their canonical form");
    fputs("<thead><tr><th scope=\"col\">service<th scope=\"col\">SHA-256<tbody>\n", out);
    for (size_t i = 0; i < f->n; i++) {
        char digest[KT_DIGEST_HEX];
        kt_digest_hex(digest, f->services[i].entry->data_digest);
        fputs("<tr><th scope=\"row\" class=\"name\">", out);
        put_escaped(out, f->services[i].entry->name);
        fprintf(out, "<td><code>%s</code>\n", digest);
    }
    table_end(out);
    fputs("</details>\n", out);
}

void page_again(FILE *out, const findings *f, const char *config, const char *sweep)
{
    const kt_archive *a = f->report->archive;
    fputs("<section id=\"again\" aria-labelledby=\"h-again\">\n<h2 id=\"h-again\">How to do it again</h2>\n"
          "<p>The archive is a function of the rows, these options and the number of the numerics; ranks, "
          "hosts and "
          "the way the work was shared do not change a byte of it. With the options in "
          "<code>options.json</code>",
          out);
    fprintf(out,
            "%s:</p>\n<pre>kt-train %sDATA --config options.json --out RUN\nsha256sum "
            "RUN/models.h5</pre>\n<dl>",
            sweep ? " and the sweep in <code>sweep.json</code>" : "", sweep ? "--sweep sweep.json " : "");
    term(out, "SHA-256 of the archive");
    fprintf(out, "<code>%s</code>", f->report->digest);
    term(out, "numerics");
    fprintf(out, "%d, %s version %d", a->numerics, KT_ARCHIVE_SCHEMA, a->version);
    fputs("</dl>\n<details><summary>options.json</summary><pre>", out);
    put_escaped(out, config);
    fputs("</pre></details>\n", out);
    if (sweep) {
        fputs("<details><summary>sweep.json</summary><pre>", out);
        put_escaped(out, sweep);
        fputs("</pre></details>\n", out);
    }
    digests(out, f);
    fputs("</section>\n", out);
}
