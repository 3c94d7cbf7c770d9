#include "kt/spans.h"

#include "kt/file.h"
#include "kt/h5.h"
#include "kt/pause.h"
#include "spans_columns.h"
#include "spans_private.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 }; /* spans written or read at a time */

size_t kt_spans_count_tags(const kt_spans *spans)
{
    size_t n = 0;
    for (size_t i = 0; i < spans->n; i++)
        n += spans->span[i].n_tags;
    return n;
}

void kt_spans_papers_clear(kt_spans_papers *papers)
{
    free(papers->certificate);
    free(papers->manifest);
    free(papers->provenance);
    *papers = (kt_spans_papers){.certificate = NULL};
}

/* ---- writing ---- */

struct kt_spans_writer {
    char *path, *temporary;
    kt_h5 *file, *spans, *tags;
    size_t n_spans, n_tags;           /* announced */
    size_t spans_done, tags_done;     /* in the file */
    kt_spans names;                   /* texts and processes of all sets */
    span_columns columns;             /* a piece */
    uint32_t *key, *value;            /* its tags */
    size_t n, n_piece_tags, capacity; /* spans and tags of the piece, room for tags */
};

static kt_status reserve_columns(kt_spans_writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    for (int c = 0; c < SPAN_COLUMNS; c++) {
        const span_column *column = &span_column_table[c];
        KT_TRY(kt_h5_reserve(w->spans, column->name, column->type, w->n_spans,
                             column->numbers > 1 ? column->numbers : 0, err));
    }
    KT_TRY(kt_h5_reserve(w->tags, "key", KT_H5_U32, w->n_tags, 0, err));
    KT_TRY(kt_h5_reserve(w->tags, "value", KT_H5_U32, w->n_tags, 0, err));
out:
    return status;
}

kt_status kt_spans_writer_open(kt_spans_writer **writer, const char *path, size_t n_spans, size_t n_tags,
                               kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans_writer *w = NULL;
    *writer = NULL;
    KT_TRY(kt_alloc(&w, 1, sizeof *w, err));
    w->n_spans = n_spans;
    w->n_tags = n_tags;
    KT_TRY(kt_strdup(&w->path, path, err));
    KT_TRY(kt_file_temporary(&w->temporary, path, err));
    KT_TRY(kt_spans_init(&w->names, err));
    KT_TRY(span_columns_create(&w->columns, n_spans < PIECE ? n_spans : PIECE, err));
    KT_TRY(kt_h5_create(&w->file, w->temporary, 0, err));
    KT_TRY(kt_h5_put_schema(w->file, KT_SPANS_SCHEMA, KT_SPANS_VERSION, err));
    KT_TRY(kt_h5_group_create(&w->spans, w->file, "spans", err));
    KT_TRY(kt_h5_group_create(&w->tags, w->file, "tags", err));
    KT_TRY(reserve_columns(w, err));
    *writer = w;
    w = NULL;
out:
    kt_spans_writer_discard(w);
    return status;
}

static kt_status flush(kt_spans_writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    for (int c = 0; c < SPAN_COLUMNS; c++)
        KT_TRY(kt_h5_put_rows(w->spans, span_column_table[c].name, span_column_table[c].type, w->spans_done,
                              w->n, w->columns.column[c], err));
    KT_TRY(kt_h5_put_rows(w->tags, "key", KT_H5_U32, w->tags_done, w->n_piece_tags, w->key, err));
    KT_TRY(kt_h5_put_rows(w->tags, "value", KT_H5_U32, w->tags_done, w->n_piece_tags, w->value, err));
    w->spans_done += w->n;
    w->tags_done += w->n_piece_tags;
    w->n = w->n_piece_tags = 0;
out:
    return status;
}

static kt_status add_tags(kt_spans_writer *w, const kt_span_tag *tags, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    if (n > w->capacity - w->n_piece_tags) {
        size_t wanted = 2 * w->capacity + n + PIECE;
        KT_TRY(kt_grow(&w->key, wanted, sizeof *w->key, err));
        KT_TRY(kt_grow(&w->value, wanted, sizeof *w->value, err));
        w->capacity = wanted;
    }
    for (size_t i = 0; i < n; i++, w->n_piece_tags++) {
        w->key[w->n_piece_tags] = tags[i].key;
        w->value[w->n_piece_tags] = tags[i].value;
    }
out:
    return status;
}

static kt_status add_span(kt_spans_writer *w, spans_translation *t, const kt_span *span, kt_error *err)
{
    kt_status status = KT_OK;
    kt_span copy = *span;
    KT_TRY(spans_translate_process(&copy.process, t, span->process, err));
    KT_TRY(spans_translate_text(&copy.operation, t, span->operation, err));
    KT_TRY(spans_translate_tags(t, span->first_tag, span->n_tags, err));
    KT_TRY(add_tags(w, t->tags, span->n_tags, err));
    span_columns_put(&w->columns, w->n++, &copy);
    if (w->n == PIECE)
        KT_TRY(flush(w, err));
out:
    return status;
}

static kt_status check_counts(const kt_spans_writer *w, size_t n_spans, size_t n_tags, kt_error *err)
{
    if (n_spans == w->n_spans && n_tags == w->n_tags)
        return KT_OK;
    return kt_fail(err, KT_INPUT, "%s: %zu spans with %zu tags were announced, %zu with %zu came", w->path,
                   w->n_spans, w->n_tags, n_spans, n_tags);
}

kt_status kt_spans_writer_add(kt_spans_writer *w, const kt_spans *spans, kt_error *err)
{
    kt_status status = KT_OK;
    spans_translation t = {.to = NULL};
    size_t n_spans = w->spans_done + w->n + spans->n,
           n_tags = w->tags_done + w->n_piece_tags + kt_spans_count_tags(spans);
    if (n_spans > w->n_spans || n_tags > w->n_tags)
        return check_counts(w, n_spans, n_tags, err);
    KT_TRY(spans_translation_init(&t, &w->names, spans, err));
    for (size_t i = 0; i < spans->n; i++)
        KT_TRY(add_span(w, &t, &spans->span[i], err));
out:
    spans_translation_clear(&t);
    return status;
}

static kt_status put_names(kt_spans_writer *w, kt_error *err)
{
    kt_status status = KT_OK;
    span_names names = {.n_texts = 0};
    kt_h5 *group = NULL;
    KT_TRY(span_names_of(&names, &w->names, err));
    KT_TRY(kt_h5_group_create(&group, w->file, "processes", err));
    KT_TRY(kt_h5_put(group, "service", KT_H5_U32, names.n_processes, 0, names.service, err));
    KT_TRY(kt_h5_put(group, "n_tags", KT_H5_U32, names.n_processes, 0, names.n_tags, err));
    KT_TRY(kt_h5_put(group, "tag_key", KT_H5_U32, names.n_process_tags, 0, names.tag_key, err));
    KT_TRY(kt_h5_put(group, "tag_value", KT_H5_U32, names.n_process_tags, 0, names.tag_value, err));
    KT_TRY(kt_h5_put_bytes(w->file, "text", names.bytes, names.n_bytes, err));
    KT_TRY(kt_h5_put(w->file, "text_end", KT_H5_U64, names.n_texts, 0, names.text_end, err));
out:
    kt_h5_close(group, NULL);
    span_names_clear(&names);
    return status;
}

static const struct {
    const char *name;
    size_t offset;
} papers_table[] = {{"certificate", offsetof(kt_spans_papers, certificate)},
                    {"manifest", offsetof(kt_spans_papers, manifest)},
                    {"provenance", offsetof(kt_spans_papers, provenance)}};
enum { PAPERS = sizeof papers_table / sizeof *papers_table };

static kt_status put_papers(kt_h5 *file, const kt_spans_papers *papers, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; papers && i < PAPERS; i++) {
        const char *text = *(char *const *)((const char *)papers + papers_table[i].offset);
        if (text)
            KT_TRY(kt_h5_put_bytes(file, papers_table[i].name, text, strlen(text), err));
    }
out:
    return status;
}

kt_status kt_spans_writer_close(kt_spans_writer *w, const kt_spans_papers *papers, const kt_file_guard *guard,
                                kt_error *err)
{
    kt_status status = KT_OK;
    KT_TRY(flush(w, err));
    KT_TRY(check_counts(w, w->spans_done, w->tags_done, err));
    KT_TRY(put_names(w, err));
    KT_TRY(put_papers(w->file, papers, err));
    kt_h5_close(w->spans, NULL);
    kt_h5_close(w->tags, NULL);
    w->spans = w->tags = NULL;
    status = kt_h5_close(w->file, err);
    w->file = NULL;
    KT_TRY(status);
    KT_TRY(kt_file_commit(w->temporary, w->path, guard, err));
    free(w->temporary); /* it is in place */
    w->temporary = NULL;
out:
    kt_spans_writer_discard(w);
    return status;
}

void kt_spans_writer_discard(kt_spans_writer *w)
{
    if (!w)
        return;
    kt_h5_close(w->spans, NULL);
    kt_h5_close(w->tags, NULL);
    kt_h5_close(w->file, NULL);
    kt_file_discard(w->temporary);
    kt_spans_clear(&w->names);
    span_columns_clear(&w->columns);
    free(w->key);
    free(w->value);
    free(w->temporary);
    free(w->path);
    free(w);
}

kt_status kt_spans_write(const char *path, const kt_spans *spans, const kt_spans_papers *papers,
                         kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans_writer *writer = NULL;
    KT_TRY(kt_spans_writer_open(&writer, path, spans->n, kt_spans_count_tags(spans), err));
    KT_TRY(kt_spans_writer_add(writer, spans, err));
    status = kt_spans_writer_close(writer, papers, NULL, err);
    writer = NULL;
out:
    kt_spans_writer_discard(writer);
    return status;
}

/* ---- reading ---- */

typedef struct {
    const char *path;
    kt_h5 *file, *spans, *tags, *processes;
    size_t n_spans, n_tags;
    span_names names;
    span_columns columns;
    uint32_t *key, *value;
} reader;

static kt_status rows_of(size_t *rows, kt_h5 *group, const char *name, kt_error *err)
{
    size_t columns;
    return kt_h5_shape(rows, &columns, group, name, err);
}

static kt_status read_names(reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    span_names *names = &r->names;
    KT_TRY(rows_of(&names->n_bytes, r->file, "text", err));
    KT_TRY(rows_of(&names->n_texts, r->file, "text_end", err));
    KT_TRY(rows_of(&names->n_processes, r->processes, "service", err));
    KT_TRY(rows_of(&names->n_process_tags, r->processes, "tag_key", err));
    KT_TRY(span_names_create(names, err));
    KT_TRY(kt_h5_get(names->bytes, r->file, "text", KT_H5_U8, names->n_bytes, 0, err));
    KT_TRY(kt_h5_get(names->text_end, r->file, "text_end", KT_H5_U64, names->n_texts, 0, err));
    KT_TRY(kt_h5_get(names->service, r->processes, "service", KT_H5_U32, names->n_processes, 0, err));
    KT_TRY(kt_h5_get(names->n_tags, r->processes, "n_tags", KT_H5_U32, names->n_processes, 0, err));
    KT_TRY(kt_h5_get(names->tag_key, r->processes, "tag_key", KT_H5_U32, names->n_process_tags, 0, err));
    KT_TRY(kt_h5_get(names->tag_value, r->processes, "tag_value", KT_H5_U32, names->n_process_tags, 0, err));
out:
    return status;
}

static kt_status check_shapes(const reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    for (int c = 0; c < SPAN_COLUMNS; c++) {
        const span_column *column = &span_column_table[c];
        size_t rows, numbers;
        KT_TRY(kt_h5_shape(&rows, &numbers, r->spans, column->name, err));
        if (rows != r->n_spans || numbers != (column->numbers > 1 ? column->numbers : 0))
            KT_TRY(kt_fail(err, KT_INPUT, "%s:/spans/%s: its shape is not that of %zu spans", r->path,
                           column->name, r->n_spans));
    }
out:
    return status;
}

static kt_status open_reader(reader *r, kt_error *err)
{
    kt_status status = KT_OK;
    int version;
    KT_TRY(kt_h5_open(&r->file, r->path, err));
    KT_TRY(kt_h5_check_schema(&version, r->file, KT_SPANS_SCHEMA, KT_SPANS_VERSION, err));
    KT_TRY(kt_h5_group_open(&r->spans, r->file, "spans", err));
    KT_TRY(kt_h5_group_open(&r->tags, r->file, "tags", err));
    KT_TRY(kt_h5_group_open(&r->processes, r->file, "processes", err));
    KT_TRY(rows_of(&r->n_spans, r->spans, "id", err));
    KT_TRY(rows_of(&r->n_tags, r->tags, "key", err));
    KT_TRY(check_shapes(r, err));
    KT_TRY(read_names(r, err));
    KT_TRY(span_columns_create(&r->columns, r->n_spans < PIECE ? r->n_spans : PIECE, err));
out:
    return status;
}

/* Spans [first, first + n) and their tags, which begin at *first_tag. */
static kt_status read_piece(kt_spans *spans, reader *r, size_t first, size_t n, size_t *first_tag,
                            kt_error *err)
{
    kt_status status = KT_OK;
    size_t n_tags = 0;
    for (int c = 0; c < SPAN_COLUMNS; c++)
        KT_TRY(kt_h5_get_rows(r->columns.column[c], r->spans, span_column_table[c].name,
                              span_column_table[c].type, first, n, err));
    for (size_t i = 0; i < n; i++)
        n_tags += ((const uint32_t *)r->columns.column[SPAN_N_TAGS])[i];
    if (n_tags > r->n_tags - *first_tag)
        KT_TRY(kt_fail(err, KT_INPUT, "%s:/tags: there are %zu, spans up to %zu want %zu", r->path, r->n_tags,
                       first + n, *first_tag + n_tags));
    KT_TRY(kt_go_on(err));
    KT_TRY(kt_grow(&r->key, n_tags, sizeof *r->key, err));
    KT_TRY(kt_grow(&r->value, n_tags, sizeof *r->value, err));
    KT_TRY(kt_h5_get_rows(r->key, r->tags, "key", KT_H5_U32, *first_tag, n_tags, err));
    KT_TRY(kt_h5_get_rows(r->value, r->tags, "value", KT_H5_U32, *first_tag, n_tags, err));
    *first_tag += n_tags;
    KT_TRY(span_columns_spans(spans, &r->columns, n, r->key, r->value, n_tags, r->names.n_processes, r->path,
                              err));
out:
    return status;
}

static kt_status read_papers(kt_spans_papers *papers, kt_h5 *file, kt_error *err)
{
    kt_status status = KT_OK;
    for (size_t i = 0; i < PAPERS; i++) {
        char **text = (char **)((char *)papers + papers_table[i].offset);
        size_t n;
        if (kt_h5_has(file, papers_table[i].name))
            KT_TRY(kt_h5_get_bytes(text, &n, file, papers_table[i].name, err));
    }
out:
    return status;
}

static void close_reader(reader *r)
{
    kt_h5_close(r->spans, NULL);
    kt_h5_close(r->tags, NULL);
    kt_h5_close(r->processes, NULL);
    kt_h5_close(r->file, NULL);
    span_names_clear(&r->names);
    span_columns_clear(&r->columns);
    free(r->key);
    free(r->value);
}

kt_status kt_spans_read(kt_spans *spans, kt_spans_papers *papers, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    reader r = {.path = path};
    size_t first_tag = 0;
    KT_TRY(open_reader(&r, err));
    KT_TRY(kt_spans_init(spans, err));
    KT_TRY(span_columns_texts(spans, &r.names, path, err));
    KT_TRY(spans_reserve(spans, r.n_spans, r.n_tags + r.names.n_process_tags, err));
    for (size_t first = 0; first < r.n_spans; first += PIECE) {
        size_t n = r.n_spans - first < PIECE ? r.n_spans - first : PIECE;
        KT_TRY(read_piece(spans, &r, first, n, &first_tag, err));
    }
    KT_TRY(span_columns_processes(spans, &r.names, path, err));
    KT_TRY(read_papers(papers, r.file, err));
    KT_TRY(kt_spans_finish(spans, err));
out:
    if (status != KT_OK) {
        kt_spans_clear(spans);
        kt_spans_papers_clear(papers);
    }
    close_reader(&r);
    return status;
}

kt_status kt_spans_read_papers(kt_spans_papers *papers, const char *path, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *file = NULL;
    int version;
    KT_TRY(kt_h5_open(&file, path, err));
    KT_TRY(kt_h5_check_schema(&version, file, KT_SPANS_SCHEMA, KT_SPANS_VERSION, err));
    KT_TRY(read_papers(papers, file, err));
out:
    if (status != KT_OK)
        kt_spans_papers_clear(papers);
    kt_h5_close(file, NULL);
    return status;
}
