#include "kt/recorded.h"

#include "kt/file.h"
#include "kt/h5.h"
#include "kt/json.h"
#include "kt/original.h"
#include "kt/pause.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *path;
    bool named; /* by the caller; else a folder held it */
} source;

typedef struct {
    const kt_recorded_options *options;
    kt_spans *spans;
    kt_manifest *manifest;
    char *manifest_path; /* where the manifest came from */
    source *file;
    size_t n, capacity;
    size_t n_read, n_certificates; /* files with spans; of these, with a certificate */
    char *why;                     /* the first reason for skipping one, or NULL */
    kt_json *files, *skipped, *certificates;
} reader;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A file that is not for this reader: an error where the caller named it, else a note. */
static kt_status pass_over(reader *r, const source *file, const char *why, kt_error *err)
{
    kt_status status = KT_OK;
    char *line = NULL;
    if (file->named)
        return kt_fail(err, KT_INPUT, "%s", why);
    KT_TRY(kt_format(&line, err, "%s: skipped", why));
    if (r->options->note)
        r->options->note(r->options->context, line);
    kt_json_append(r->skipped, kt_json_string(base_name(file->path)));
    if (!r->why)
        KT_TRY(kt_strdup(&r->why, why, err));
out:
    free(line);
    return status;
}

/* ---- which files ---- */

static kt_status add_file(reader *r, const char *path, bool named, kt_error *err)
{
    kt_status status = KT_OK;
    if (r->n == r->capacity) {
        KT_TRY(kt_grow(&r->file, 2 * r->capacity + 16, sizeof *r->file, err));
        r->capacity = 2 * r->capacity + 16;
    }
    KT_TRY(kt_strdup(&r->file[r->n].path, path, err));
    r->file[r->n++].named = named;
out:
    return status;
}

/* All files in it and below, but for hidden ones, which programs keep for themselves. */
static kt_status add_folder(reader *r, const char *folder, int depth, kt_error *err)
{
    enum { DEEPEST = 32 }; /* a link may lead back up */
    kt_status status = KT_OK;
    char **names = NULL, *path = NULL;
    size_t n = 0;
    if (depth > DEEPEST)
        return kt_fail(err, KT_INPUT, "%s: folders lie more than %d deep", folder, DEEPEST);
    KT_TRY(kt_folder_list(&names, &n, folder, err));
    for (size_t i = 0; i < n; i++) {
        if (names[i][0] == '.')
            continue;
        free(path);
        KT_TRY(kt_path_join(&path, folder, names[i], err));
        kt_path_kind kind = kt_path_kind_of(path);
        if (kind == KT_PATH_FOLDER)
            KT_TRY(add_folder(r, path, depth + 1, err));
        else if (kind == KT_PATH_FILE)
            KT_TRY(add_file(r, path, false, err));
    }
out:
    kt_strings_free(names, n);
    free(path);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const source *)a)->path, ((const source *)b)->path);
}

static kt_status add_path(reader *r, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    size_t first = r->n;
    switch (kt_path_kind_of(path)) {
    case KT_PATH_MISSING:
        return kt_fail(err, KT_IO, "%s: no such file or folder", path);
    case KT_PATH_FOLDER:
        KT_TRY(add_folder(r, path, 0, err));
        if (r->n == first)
            return kt_fail(err, KT_INPUT, "%s: no file in this folder", path);
        qsort(r->file + first, r->n - first, sizeof *r->file, by_path);
        break;
    default:
        KT_TRY(add_file(r, path, true, err));
    }
out:
    return status;
}

/* ---- manifests ---- */

static kt_status take_manifest(reader *r, const char *text, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_manifest one = {.n = 0};
    KT_TRY(kt_manifest_parse(&one, text, strlen(text), path, err));
    if (r->manifest->n > 0 && strcmp(r->manifest->text, one.text) != 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: another manifest than %s: name the one that counts (--manifest)",
                       path, r->manifest_path));
    if (r->manifest->n == 0) {
        KT_TRY(kt_strdup(&r->manifest_path, path, err));
        *r->manifest = one;
        one = (kt_manifest){.n = 0};
    }
out:
    kt_manifest_clear(&one);
    return status;
}

/* A file of that name; one of another program's, without load cells, is passed over. */
static kt_status read_manifest(reader *r, const source *file, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *why = NULL;
    kt_json *json = NULL;
    size_t n;
    KT_TRY(kt_file_read_any(&text, &n, file->path, err));
    KT_TRY(kt_json_parse(&json, text, n, file->path, err));
    if (kt_json_get(json, "cells")) {
        status = take_manifest(r, text, file->path, err);
        goto out;
    }
    KT_TRY(kt_format(&why, err, "%s: a manifest without load cells (the key cells)", file->path));
    KT_TRY(pass_over(r, file, why, err));
out:
    kt_json_drop(json);
    free(text);
    free(why);
    return status;
}

/* ---- files of spans ---- */

static void describe(reader *r, const source *file, const char *form, size_t spans, const char *provenance)
{
    kt_json *about = kt_json_object(), *own = NULL;
    kt_json_put(about, "file", kt_json_string(base_name(file->path)));
    kt_json_put(about, "form", kt_json_string(form));
    kt_json_put(about, "spans", kt_json_int((int64_t)spans));
    if (provenance && kt_json_parse(&own, provenance, strlen(provenance), file->path, NULL) == KT_OK)
        kt_json_put(about, "provenance", own);
    kt_json_append(r->files, about);
    r->n_read++;
}

static kt_status take_papers(reader *r, const kt_spans_papers *papers, const source *file, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *certificate = NULL;
    if (papers->certificate) {
        KT_TRY(
            kt_json_parse(&certificate, papers->certificate, strlen(papers->certificate), file->path, err));
        kt_json_append(r->certificates, certificate);
        r->n_certificates++;
    }
    if (papers->manifest && !r->options->manifest)
        KT_TRY(take_manifest(r, papers->manifest, file->path, err));
out:
    return status;
}

static kt_status read_hdf5(reader *r, const source *file, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans one = {.n = 0};
    kt_spans_papers papers = {.certificate = NULL};
    kt_h5 *h5 = NULL;
    char *schema = NULL, *why = NULL;
    KT_TRY(kt_h5_open(&h5, file->path, err));
    bool ours = kt_h5_get_text(&schema, h5, "schema", NULL) == KT_OK && strcmp(schema, KT_SPANS_SCHEMA) == 0;
    kt_h5_close(h5, NULL);
    if (!ours) {
        KT_TRY(kt_format(&why, err, "%s: HDF5 of schema '%s', not %s", file->path, schema ? schema : "",
                         KT_SPANS_SCHEMA));
        status = pass_over(r, file, why, err);
        goto out;
    }
    KT_TRY(kt_spans_read(&one, &papers, file->path, err));
    KT_TRY(take_papers(r, &papers, file, err));
    describe(r, file, KT_SPANS_SCHEMA, one.n, papers.provenance);
    if (r->spans->n == 0) { /* the usual one file is not copied */
        kt_spans empty = *r->spans;
        *r->spans = one;
        one = empty;
    } else
        KT_TRY(kt_spans_append(r->spans, &one, err));
out:
    kt_spans_papers_clear(&papers);
    kt_spans_clear(&one);
    free(schema);
    free(why);
    return status;
}

static kt_status read_jaeger(reader *r, const source *file, const char *text, size_t n, kt_error *err)
{
    static const char *const forms[] = {[KT_JAEGER_V1] = "jaeger v1", [KT_JAEGER_V3] = "jaeger v3"};
    kt_error why = {0};
    kt_jaeger_form form;
    size_t traces, before = r->spans->n;
    kt_status status =
        kt_jaeger_parse(r->spans, &form, &traces, text, n, file->path, &r->options->jaeger, &why);
    if (status == KT_INPUT && form == KT_JAEGER_OTHER)
        return pass_over(r, file, why.message, err);
    if (status != KT_OK)
        return kt_fail(err, status, "%s", why.message);
    if (form == KT_JAEGER_NONE) {
        kt_fail(&why, KT_INPUT, "%s: empty", file->path);
        return pass_over(r, file, why.message, err);
    }
    describe(r, file, forms[form], r->spans->n - before, NULL);
    return KT_OK;
}

static kt_status read_text(reader *r, const source *file, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *why = NULL;
    size_t n, before = r->spans->n;
    KT_TRY(kt_file_read_any(&text, &n, file->path, err));
    size_t start = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    start += strspn(text + start, " \t\r\n");
    if (start == n || strchr("{[<", text[start])) {
        status = read_jaeger(r, file, text, n, err);
    } else if (kt_original_is(text, n)) {
        KT_TRY(kt_original_parse(r->spans, text, n, file->path, err));
        describe(r, file, "trace CSV", r->spans->n - before, NULL);
    } else {
        KT_TRY(kt_format(&why, err,
                         "%s: neither Jaeger's JSON, nor a trace CSV (trace_id,span_id,start_time,...), nor "
                         "spans in HDF5",
                         file->path));
        status = pass_over(r, file, why, err);
    }
out:
    free(text);
    free(why);
    return status;
}

/* HDF5 by its signature, at the start or behind a user block. */
static bool is_hdf5(const char *path)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    char block[512 + sizeof signature] = {0};
    FILE *file = kt_path_kind_of(path) == KT_PATH_FILE ? fopen(path, "rb") : NULL;
    size_t n = file ? fread(block, 1, sizeof block, file) : 0;
    if (file)
        fclose(file);
    return (n >= 8 && memcmp(block, signature, 8) == 0) ||
           (n == sizeof block && memcmp(block + 512, signature, 8) == 0);
}

/* What kt load writes beside spans. */
static bool lies_beside(const source *file)
{
    static const char *const known[] = {"requests.csv", "summary.json", "campaign.json"};
    for (size_t i = 0; i < sizeof known / sizeof *known && !file->named; i++)
        if (strcmp(base_name(file->path), known[i]) == 0)
            return true;
    return false;
}

static kt_status read_file(reader *r, const source *file, kt_error *err)
{
    kt_status status = kt_go_on(err);
    if (status != KT_OK)
        return status;
    if (lies_beside(file))
        return KT_OK;
    if (strcmp(base_name(file->path), "manifest.json") == 0)
        return r->options->manifest ? KT_OK : read_manifest(r, file, err);
    return is_hdf5(file->path) ? read_hdf5(r, file, err) : read_text(r, file, err);
}

/* ---- papers ---- */

/* Of several certificates the weakest verdict counts. */
static kt_json *join_certificates(const kt_json *all)
{
    static const char *const verdicts[] = {"complete", "unknown", "incomplete"}; /* ever weaker */
    enum { UNKNOWN = 1 };
    size_t worst = 0;
    const char *reason = "";
    for (size_t i = 0; i < kt_json_size(all); i++) {
        const kt_json *one = kt_json_at(all, i);
        const char *verdict = kt_json_as_text(kt_json_get(one, "verdict"), "unknown");
        size_t rank = UNKNOWN;
        for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++)
            rank = strcmp(verdict, verdicts[k]) == 0 ? k : rank;
        if (i == 0 || rank > worst)
            reason = kt_json_as_text(kt_json_get(one, "reason"), "");
        worst = rank > worst ? rank : worst;
    }
    kt_json *joined = kt_json_object();
    kt_json_put(joined, "verdict", kt_json_string(verdicts[worst]));
    kt_json_put(joined, "reason", kt_json_string(reason));
    return kt_json_put(joined, "parts", kt_json_keep((kt_json *)all));
}

/* A certificate speaks for all that was read, or there is none. */
static kt_status write_papers(kt_spans_papers *papers, const reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *about = kt_json_object(), *joined = NULL;
    kt_json_put(about, "files", kt_json_keep(r->files));
    kt_json_put(about, "skipped", kt_json_keep(r->skipped));
    kt_json_put(about, "duplicates", kt_json_int((int64_t)r->spans->duplicates));
    KT_TRY(kt_json_text(&papers->provenance, about, 0, err));
    if (r->manifest->n > 0)
        KT_TRY(kt_strdup(&papers->manifest, r->manifest->text, err));
    if (r->n_certificates == 0 || r->n_certificates < r->n_read)
        goto out;
    joined = r->n_certificates > 1 ? join_certificates(r->certificates)
                                   : kt_json_keep(kt_json_at(r->certificates, 0));
    KT_TRY(kt_json_text(&papers->certificate, joined, 0, err));
out:
    kt_json_drop(joined);
    kt_json_drop(about);
    return status;
}

static void clear_reader(reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->file[i].path);
    free(r->file);
    free(r->manifest_path);
    free(r->why);
    kt_json_drop(r->files);
    kt_json_drop(r->skipped);
    kt_json_drop(r->certificates);
}

kt_status kt_recorded_read(kt_spans *spans, kt_spans_papers *papers, kt_manifest *manifest,
                           const char *const *paths, size_t n, const kt_recorded_options *options,
                           kt_error *err)
{
    kt_status status = KT_OK;
    reader r = {.options = options,
                .spans = spans,
                .manifest = manifest,
                .files = kt_json_array(),
                .skipped = kt_json_array(),
                .certificates = kt_json_array()};
    char *text = NULL;
    size_t size;
    assert(n > 0);
    KT_TRY(kt_spans_init(spans, err));
    if (options->manifest) {
        KT_TRY(kt_file_read_any(&text, &size, options->manifest, err));
        KT_TRY(take_manifest(&r, text, options->manifest, err));
    }
    for (size_t i = 0; i < n; i++)
        KT_TRY(add_path(&r, paths[i], err));
    for (size_t i = 0; i < r.n; i++)
        KT_TRY(read_file(&r, &r.file[i], err));
    if (r.n_read == 0)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: no traces in %zu files%s%s", paths[0], r.n,
                       r.why ? "; the first that was skipped: " : "", r.why ? r.why : ""));
    KT_TRY(kt_spans_finish(spans, err));
    KT_TRY(write_papers(papers, &r, err));
out:
    if (status != KT_OK) {
        kt_spans_clear(spans);
        kt_spans_papers_clear(papers);
        kt_manifest_clear(manifest);
    }
    clear_reader(&r);
    free(text);
    return status;
}
