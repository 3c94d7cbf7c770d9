/* Spans: what tracing saw of every request, from whichever reader, and their store in HDF5.
 *
 * A set of spans owns its texts once each (kt_spans.text); spans, tags and processes name them by index. Text
 * 0 is the empty text. Times are nanoseconds since 1970 as integers (v1 JSON has whole microseconds: times
 * 1,000).
 *
 * Only tags that the cleaning reads are kept (kt_span_tags), and those that the user names: texts of their
 * values are few.
 *
 * Canonical order: by trace id, start, span id, kind. kt_spans_finish puts a set into it and drops spans that
 * are there twice: the same trace, id, kind and microsecond of start are one span. Of such the one with finer
 * times stays (v1 JSON cuts start and duration to whole microseconds, v3 does not), else the one with more
 * tags, else the first by content. A CLIENT and a SERVER span that share an id are two spans: a parent id
 * that both bear means the SERVER one, and the CLIENT one is the parent of its SERVER. */
#ifndef KT_SPANS_H
#define KT_SPANS_H

#include "kt/error.h"
#include "kt/file.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored: append, never renumber. INTERNAL too where the tracer names no kind. */
typedef enum {
    KT_SPAN_INTERNAL,
    KT_SPAN_SERVER,
    KT_SPAN_CLIENT,
    KT_SPAN_PRODUCER,
    KT_SPAN_CONSUMER
} kt_span_kind;
extern const char *const kt_span_kind_text[]; /* "internal", ... */

/* Stored: append, never renumber. */
typedef enum {
    KT_SPAN_FOLLOWS = 1, /* its parent is a FOLLOWS_FROM link: no call */
    KT_SPAN_FAILED =
        2, /* error tag, status ERROR, HTTP status 5xx, gRPC status of a failure, response flags of a proxy */
    KT_SPAN_WRAPPED = 4, /* its duration was negative (or wrapped): stored as 0 */
    KT_SPAN_NO_KIND = 8, /* the tracer named none */
} kt_span_flag;

typedef struct {
    uint8_t trace[16];       /* big-endian; 64-bit ids are padded with zeros on the left */
    uint64_t id, parent;     /* parent 0: none */
    int64_t start, duration; /* ns */
    uint32_t process;        /* index into processes */
    uint32_t operation;      /* text */
    uint32_t first_tag, n_tags;
    uint8_t kind, flags;
} kt_span;

typedef struct {
    uint32_t key, value; /* texts */
} kt_span_tag;

/* What sent spans: a service's instance, with the tags of the resource. */
typedef struct {
    uint32_t service; /* text */
    uint32_t first_tag, n_tags;
} kt_span_process;

typedef struct {
    size_t n, n_tags, n_processes, n_texts;
    kt_span *span;
    kt_span_tag *tag;
    kt_span_process *process;
    const char **text;   /* each ends in NUL */
    uint64_t duplicates; /* dropped by finish */
    struct kt_spans_tables *tables;
} kt_spans;

/* Tags that are kept: NULL-terminated. */
extern const char *const kt_span_tags[];

kt_status kt_spans_init(kt_spans *spans, kt_error *err);
void kt_spans_clear(kt_spans *spans);

/* For readers. text: n bytes without a NUL, copied once; the same index for the same bytes. */
kt_status kt_spans_text(uint32_t *index, kt_spans *spans, const char *text, size_t n, kt_error *err);
/* Adds a copy of the span with n tags, which are put in the order of the texts of key and value here, each
 * once; first_tag and n_tags of the copy are set. A negative duration, or one that ends beyond int64, becomes
 * 0 with KT_SPAN_WRAPPED: start + duration never overflows. */
kt_status kt_spans_add(kt_spans *spans, const kt_span *span, const kt_span_tag *tags, size_t n,
                       kt_error *err);
/* The process with this service and these tags (put in order here, each once), made when new. */
kt_status kt_spans_process(uint32_t *index, kt_spans *spans, uint32_t service, kt_span_tag *tags, size_t n,
                           kt_error *err);
/* Appends all of `from`, texts and processes translated. */
kt_status kt_spans_append(kt_spans *to, const kt_spans *from, kt_error *err);
/* Canonical order without duplicates; tags and processes in the order of their spans, texts in the order of
 * first use: the same spans give the same set, whatever the order in which they came. O(n log n). */
kt_status kt_spans_finish(kt_spans *spans, kt_error *err);

/* The value of a tag of the span, or of its process; NULL where there is none. Borrowed. */
const char *kt_span_tag_value(const kt_spans *spans, const kt_span *span, uint32_t key);
const char *kt_process_tag_value(const kt_spans *spans, const kt_span_process *process, uint32_t key);
/* The index of a text that is there, or 0. */
uint32_t kt_spans_find_text(const kt_spans *spans, const char *text);

/* ---- HDF5: schema kt-spans, by columns. Atomic.
 *
 *   /spans/trace [n, 2] u64 (high, low half), id, parent u64, start, duration i64 ns, process, operation u32,
 * n_tags u32 (of each span; tags lie one after the other), kind, flags u8
 *   /tags/key, value u32
 *   /processes/service, n_tags u32, tag_key, tag_value u32
 *   /text u8 (all texts one after the other), /text_end u64
 *   /certificate, /manifest, /provenance: JSON bytes where there are such ---- */
#define KT_SPANS_SCHEMA "kt-spans"
enum { KT_SPANS_VERSION = 1 };

typedef struct {
    char *certificate, *manifest, *provenance; /* JSON documents, or NULL */
} kt_spans_papers;
void kt_spans_papers_clear(kt_spans_papers *papers);

kt_status kt_spans_write(const char *path, const kt_spans *spans, const kt_spans_papers *papers,
                         kt_error *err);
kt_status kt_spans_read(kt_spans *spans, kt_spans_papers *papers, const char *path,
                        kt_error *err);                                                   /* both zeroed */
kt_status kt_spans_read_papers(kt_spans_papers *papers, const char *path, kt_error *err); /* zeroed */

/* The same file written in parts by one who cannot hold it all: room for n_spans and their n_tags (those of
 * processes not counted) is made first, close writes texts, processes and papers and puts the file in place.
 * KT_INPUT where other numbers were added than announced. No order and no duplicates are seen to:
 * kt_spans_read does. */
typedef struct kt_spans_writer kt_spans_writer;
kt_status kt_spans_writer_open(kt_spans_writer **writer, const char *path, size_t n_spans, size_t n_tags,
                               kt_error *err);
kt_status kt_spans_writer_add(kt_spans_writer *writer, const kt_spans *spans, kt_error *err);
kt_status kt_spans_writer_close(kt_spans_writer *writer, const kt_spans_papers *papers,
                                const kt_file_guard *guard, kt_error *err);
/* close and discard release the writer; discard takes NULL, and nothing of the file stays. */
void kt_spans_writer_discard(kt_spans_writer *writer);
size_t kt_spans_count_tags(const kt_spans *spans); /* of its spans */

/* A set as bytes and back, for records on disk. Caller frees; spans: zeroed. KT_INPUT where bytes make no
 * set. */
kt_status kt_spans_pack(char **data, size_t *n, const kt_spans *spans, kt_error *err);
kt_status kt_spans_unpack(kt_spans *spans, const char *data, size_t n, kt_error *err);

#endif
