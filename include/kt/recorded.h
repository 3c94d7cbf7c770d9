/* Recorded traces: files and folders to spans. Forms are told by content: Jaeger's JSON (kt/jaeger.h), any of
 * it gzipped, HDF5 of schema kt-spans, and the original scripts' trace CSV (kt/original.h). Of a folder all
 * such files in it and in folders below are taken, in byte order of paths, hidden ones excepted;
 * manifest.json, requests.csv and summary.json are known by name: the manifest says what load was offered,
 * the others are no traces. Other files of a folder are named (note) and skipped; damaged replies and files
 * that were named by the caller are errors. Spans that two files share count once. */
#ifndef KT_RECORDED_H
#define KT_RECORDED_H

#include "kt/error.h"
#include "kt/jaeger.h"
#include "kt/manifest.h"
#include "kt/spans.h"
#include <stddef.h>

typedef struct {
    const char *manifest; /* a path; NULL: what folders or spans files hold */
    kt_jaeger_options jaeger;
    /* what was skipped, one line each; NULL: not told */
    void (*note)(void *context, const char *line);
    void *context;
} kt_recorded_options;

/* All of it, finished (kt_spans_finish). manifest->n is 0 where none was found; two different ones are
 * KT_INPUT. papers: the manifest, provenance (files, forms, counts), and the certificate where all spans come
 * from files that have one; of several the weakest verdict counts. spans, papers, manifest: zeroed, and empty
 * again after an error. */
kt_status kt_recorded_read(kt_spans *spans, kt_spans_papers *papers, kt_manifest *manifest,
                           const char *const *paths, size_t n, const kt_recorded_options *options,
                           kt_error *err);

#endif
