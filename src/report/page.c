#include "page.h"

#include "assets.h"
#include "kt/digest.h"
#include "sweeps.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* Base 64 (RFC 4648, section 4) of a digest. */
static void base64(char out[48], const uint8_t digest[KT_DIGEST_BYTES])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    for (size_t i = 0; i < KT_DIGEST_BYTES; i += 3) {
        uint32_t three = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8;
        bool whole = i + 2 < KT_DIGEST_BYTES;
        three |= whole ? digest[i + 2] : 0u;
        for (int k = 0; k < 4; k++)
            out[n++] = k == 3 && !whole ? '=' : letters[three >> (18 - 6 * k) & 63];
    }
    out[n] = '\0';
}

/* The page may fetch nothing, and run no script but its own. */
static kt_status head(FILE *out, const char *title, kt_error *err)
{
    uint8_t digest[KT_DIGEST_BYTES];
    char hash[48];
    kt_status status = kt_digest_of(digest, report_js, report_js_size, err);
    if (status != KT_OK)
        return status;
    base64(hash, digest);
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
            "'unsafe-inline'; "
            "script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n<title>",
            hash);
    put_escaped(out, title);
    fputs("</title>\n<style>\n", out);
    fwrite(picture_css, 1, picture_css_size, out);
    fwrite(report_css, 1, report_css_size, out);
    fputs("</style>\n<script>", out);
    fwrite(report_js, 1, report_js_size, out);
    fputs("</script>\n</head>\n", out);
    return KT_OK;
}

static void banner(FILE *out, const findings *f, const char *title)
{
    const kt_report *r = f->report;
    fputs("<body>\n<a class=\"skip\" href=\"#trust\">To the content</a>\n<header>\n<h1>", out);
    put_escaped(out, title);
    fprintf(out, "</h1>\n<p>Models of processing time given the load: p(time | ");
    for (int i = 0; i < r->archive->d; i++) {
        fputs(i > 0 ? ", " : "", out);
        put_escaped(out, r->archive->feature[i]);
    }
    fprintf(out, ") for %zu service%s. ", f->n, f->n == 1 ? "" : "s");
    fputs(
        r->store
            ? "Pictures show all measured cells.</p>\n"
            : "The rows were not at hand: pictures show what the archive keeps of its held-out cells.</p>\n",
        out);
    fputs("<nav aria-label=\"Parts of the page\"><ul><li><a href=\"#trust\">Can I trust it?</a><li><a "
          "href=\"#each\">"
          "Service by service</a>",
          out);
    fputs(r->sweep ? "<li><a href=\"#sweep\">How the settings were found</a>" : "", out);
    fputs("<li><a href=\"#data\">Where the data came from</a><li><a "
          "href=\"#again\">How to do "
          "it again</a></ul></nav>\n</header>\n<main>\n",
          out);
}

static kt_status parse(kt_json **json, const char *text, const char *name, kt_error *err)
{
    *json = NULL;
    return text ? kt_json_parse(json, text, strlen(text), name, err) : KT_OK;
}

static kt_status parts(FILE *out, const findings *f, kt_error *err)
{
    kt_status status = KT_OK;
    const kt_report *r = f->report;
    kt_json *cleaning = NULL, *provenance = NULL, *options = NULL;
    char *config = NULL, *searched = NULL;
    const char *title = r->title ? r->title : "Processing-time models";
    KT_TRY(parse(&cleaning, r->archive->cleaning, "cleaning", err));
    KT_TRY(parse(&provenance, r->store ? kt_store_provenance(r->store) : NULL, "provenance", err));
    KT_TRY(parse(&options, r->archive->config, "config", err));
    KT_TRY(kt_json_text(&config, options, 2, err));
    if (kt_json_get(f->sweep, "sweep"))
        KT_TRY(kt_json_text(&searched, kt_json_get(f->sweep, "sweep"), 2, err));
    KT_TRY(head(out, title, err));
    banner(out, f, title);
    page_trust(out, f);
    page_services(out, f);
    if (r->sweep)
        KT_TRY(page_sweep(out, r, err));
    page_data(out, f, cleaning, provenance);
    page_again(out, f, config, searched);
    fputs("</main>\n<footer><p>Made by kt-train " KT_VERSION ".</p></footer>\n</body>\n</html>\n", out);
out:
    kt_json_drop(cleaning);
    kt_json_drop(provenance);
    kt_json_drop(options);
    free(config);
    free(searched);
    return status;
}

kt_status kt_report_html(char **out, size_t *n, const kt_report *report, kt_error *err)
{
    kt_status status = KT_OK;
    findings f = {.n = 0};
    text page = {.stream = NULL};
    KT_TRY(findings_make(&f, report, err));
    KT_TRY(text_open(&page, err));
    KT_TRY(parts(page.stream, &f, err));
    KT_TRY(text_give(out, n, &page, err));
out:
    text_drop(&page);
    findings_clear(&f);
    return status;
}
