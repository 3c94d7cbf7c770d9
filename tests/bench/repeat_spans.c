/* repeat_spans SPANS SHIFT_US OUT.h5 TRACES...: the spans of recorded traces again and again, each time with
 * ids of their own and SHIFT_US later, until there are SPANS of them, as a spans file. Prints how often they
 * stand there. */
#include "kt/recorded.h"
#include <stdio.h>
#include <stdlib.h>

static kt_status repeat(kt_spans *spans, const kt_spans *once, size_t times, int64_t shift, kt_error *err)
{
    kt_status status = KT_OK;
    kt_spans moved = *once; /* shares its arrays, which are changed */
    for (size_t k = 0; k < times; k++) {
        KT_TRY(kt_spans_append(spans, &moved, err));
        for (size_t i = 0; i < moved.n; i++) {
            moved.span[i].start += shift;
            moved.span[i].trace[0] = (uint8_t)((k + 1) >> 8);
            moved.span[i].trace[1] = (uint8_t)(k + 1);
        }
    }
    KT_TRY(kt_spans_finish(spans, err));
out:
    return status;
}

int main(int argc, char **argv)
{
    kt_error err = {0};
    kt_status status = KT_OK;
    kt_spans once = {.n = 0}, spans = {.n = 0};
    kt_spans_papers papers = {.certificate = NULL};
    kt_manifest manifest = {.n = 0};
    kt_recorded_options options = {.manifest = NULL};
    if (argc < 5) {
        fprintf(stderr, "usage: repeat_spans SPANS SHIFT_US OUT.h5 TRACES...\n");
        return 2;
    }
    KT_TRY(kt_recorded_read(&once, &papers, &manifest, (const char *const *)argv + 4, (size_t)argc - 4,
                            &options, &err));
    size_t wanted = strtoul(argv[1], NULL, 10), times = (wanted + once.n - 1) / once.n;
    KT_TRY(kt_spans_init(&spans, &err));
    KT_TRY(repeat(&spans, &once, times, strtoll(argv[2], NULL, 10) * 1000, &err));
    KT_TRY(kt_spans_write(argv[3], &spans, &(kt_spans_papers){.certificate = NULL}, &err));
    printf("%zu %zu\n", times, spans.n);
out:
    if (status != KT_OK)
        fprintf(stderr, "%s\n", err.message);
    kt_spans_clear(&once);
    kt_spans_clear(&spans);
    kt_spans_papers_clear(&papers);
    kt_manifest_clear(&manifest);
    return status == KT_OK ? 0 : 1;
}
