/* kt-bench-parse FILE...: recorded replies of Jaeger, plain or gzipped, to spans on one core, beside jansson
 * alone on the same bytes (json_loadb of the whole, and its release). Then what becomes of the spans: put in
 * order, written and read. Medians of rounds. */
#include "kt/file.h"
#include "kt/jaeger.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { ROUNDS = 5 };

typedef struct {
    char *text;
    size_t n;
} document;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds)
{
    qsort(seconds, ROUNDS, sizeof *seconds, ascending);
    return seconds[ROUNDS / 2];
}

static double jansson_alone(const document *files, int n)
{
    double start = now();
    for (int i = 0; i < n; i++) {
        json_error_t error;
        json_t *value = json_loadb(files[i].text, files[i].n, JSON_DISABLE_EOF_CHECK, &error);
        if (!value)
            fprintf(stderr, "jansson: line %d: %s\n", error.line, error.text);
        json_decref(value);
    }
    return now() - start;
}

static kt_status parse(double *seconds, kt_spans *spans, const document *files, int n, char *const *names,
                       kt_error *err)
{
    kt_status status = KT_OK;
    double start = now();
    KT_TRY(kt_spans_init(spans, err));
    for (int i = 0; i < n; i++) {
        kt_jaeger_form form;
        size_t traces;
        KT_TRY(kt_jaeger_parse(spans, &form, &traces, files[i].text, files[i].n, names[i], NULL, err));
    }
    *seconds = now() - start;
out:
    return status;
}

/* The rest of a span's way, once. */
static kt_status follow(kt_spans *spans, kt_error *err)
{
    static const char path[] = "kt-bench-parse.h5";
    kt_status status = KT_OK;
    kt_spans back = {.n = 0};
    kt_spans_papers papers = {.manifest = NULL};
    double start = now(), finish, write, read;
    size_t n = spans->n;
    KT_TRY(kt_spans_finish(spans, err));
    finish = now() - start;
    start = now();
    KT_TRY(kt_spans_write(path, spans, NULL, err));
    write = now() - start;
    start = now();
    KT_TRY(kt_spans_read(&back, &papers, path, err));
    read = now() - start;
    printf("finish %.3f s for %zu spans, write %.3f s, read %.3f s for %zu\n", finish, n, write, read,
           back.n);
out:
    remove(path);
    kt_spans_clear(&back);
    return status;
}

static kt_status measure(document *files, int n, char *const *names, kt_error *err)
{
    kt_status status = KT_OK;
    double alone[ROUNDS], whole[ROUNDS], bytes = 0;
    kt_spans spans = {.n = 0};
    for (int i = 0; i < n; i++) {
        KT_TRY(kt_file_read_any(&files[i].text, &files[i].n, names[i], err));
        bytes += (double)files[i].n;
    }
    for (int round = 0; round < ROUNDS; round++) {
        kt_spans_clear(&spans);
        alone[round] = jansson_alone(files, n);
        KT_TRY(parse(&whole[round], &spans, files, n, names, err));
    }
    double a = median(alone), w = median(whole);
    printf("%.1f MB, %zu spans, %.0f bytes a span\n", bytes / 1e6, spans.n, bytes / (double)spans.n);
    printf("jansson alone %.1f MB/s, to spans %.1f MB/s, ratio %.2f\n", bytes / a / 1e6, bytes / w / 1e6,
           a / w);
    KT_TRY(follow(&spans, err));
out:
    kt_spans_clear(&spans);
    return status;
}

int main(int argc, char **argv)
{
    kt_error err = {0};
    document *files = calloc((size_t)argc, sizeof *files);
    if (argc < 2 || !files) {
        fprintf(stderr, "usage: kt-bench-parse FILE...\n");
        return 2;
    }
    kt_status status = measure(files, argc - 1, argv + 1, &err);
    if (status != KT_OK)
        fprintf(stderr, "%s\n", err.message);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("peak memory %.0f MB\n", (double)use.ru_maxrss / 1e3);
    for (int i = 0; i < argc - 1; i++)
        free(files[i].text);
    free(files);
    return status == KT_OK ? 0 : 1;
}
