/* make_spans FILE REPLY [CERTIFICATE [MANIFEST]]: a file of spans from a recorded reply, with these documents
 * as its papers. */
#include "kt/file.h"
#include "kt/jaeger.h"
#include "kt/spans.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    kt_status status = KT_OK;
    kt_error err = {0};
    kt_spans spans = {.n = 0};
    kt_spans_papers papers = {.certificate = NULL};
    kt_jaeger_form form;
    char *text = NULL;
    size_t n, traces;
    if (argc < 3)
        return 2;
    KT_TRY(kt_spans_init(&spans, &err));
    KT_TRY(kt_file_read_any(&text, &n, argv[2], &err));
    KT_TRY(kt_jaeger_parse(&spans, &form, &traces, text, n, argv[2], NULL, &err));
    KT_TRY(kt_spans_finish(&spans, &err));
    if (argc > 3)
        KT_TRY(kt_file_read(&papers.certificate, &n, argv[3], &err));
    if (argc > 4)
        KT_TRY(kt_file_read(&papers.manifest, &n, argv[4], &err));
    KT_TRY(kt_spans_write(argv[1], &spans, &papers, &err));
out:
    if (status != KT_OK)
        fprintf(stderr, "%s\n", err.message);
    kt_spans_papers_clear(&papers);
    kt_spans_clear(&spans);
    free(text);
    return status == KT_OK ? 0 : 1;
}
