#include "../scratch.h"
#include "kt/recorded.h"
#include "parse.h"
#include <sys/stat.h>
#include <zlib.h>

static char notes[4000];

static void take_note(void *context, const char *line)
{
    (void)context;
    strcat(notes, line);
    strcat(notes, "\n");
}

typedef struct {
    kt_spans spans;
    kt_spans_papers papers;
    kt_manifest manifest;
} result;

static kt_status read_paths(result *r, const char *const *paths, size_t n, const char *manifest,
                            kt_error *err)
{
    kt_recorded_options options = {.manifest = manifest, .note = take_note};
    notes[0] = '\0';
    *r = (result){.spans = {.n = 0}};
    return kt_recorded_read(&r->spans, &r->papers, &r->manifest, paths, n, &options, err);
}

static kt_status read_path(result *r, const char *path, kt_error *err)
{
    return read_paths(r, &path, 1, NULL, err);
}

static void clear(result *r)
{
    kt_spans_clear(&r->spans);
    kt_spans_papers_clear(&r->papers);
    kt_manifest_clear(&r->manifest);
}

static void write_gzip(const char *path, const char *text)
{
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

#define V1(id, start)                                                                                        \
    "{\"data\":[{\"traceID\":\"a\",\"spans\":[{\"spanID\":\"" id "\",\"startTime\":" start "}]}]}"
#define V3(id, start)                                                                                        \
    "{\"result\":{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"a\","       \
    "\"spanId\":\"" id "\",\"startTimeUnixNano\":\"" start "\",\"endTimeUnixNano\":\"" start "\"}]}]}]}}"
#define CSV      "trace_id,span_id,start_time,duration,client,server\na,c,9,1,w,w\n"
#define MANIFEST "{\"entry\":\"w\",\"cells\":[{\"start_us\":0,\"end_us\":100}]}"

static void write_spans(const char *path, const char *json, const char *certificate, const char *manifest)
{
    kt_spans spans;
    kt_jaeger_form form;
    size_t traces;
    kt_spans_papers papers = {.certificate = (char *)certificate, .manifest = (char *)manifest};
    OK(kt_spans_init(&spans, &err));
    OK(parse_bytes(&spans, &form, &traces, json, strlen(json), &err));
    OK(kt_spans_finish(&spans, &err));
    OK(kt_spans_write(path, &spans, &papers, &err));
    kt_spans_clear(&spans);
}

/* Every form, in folders; a span in two forms counts once, with its nanoseconds. */
static void folders_of_everything(void **state)
{
    (void)state;
    result r;
    assert_int_equal(mkdir("f", 0700), 0);
    assert_int_equal(mkdir("f/v3", 0700), 0);
    assert_int_equal(mkdir("f/.kept", 0700), 0);
    write_text("f/b.json", V1("1", "5") "\n" V1("2", "6"));
    write_gzip("f/c.json.gz", V1("3", "7"));
    write_gzip("f/v3/window", V3("1", "5123"));
    write_text("f/traces.csv", CSV);
    write_spans("f/spans.h5", V1("4", "8"), NULL, NULL);
    write_text("f/manifest.json", MANIFEST);
    write_text("f/requests.csv", "st,ttr,rid\n");
    write_text("f/summary.json", "{\"n\":1}");
    write_text("f/README.md", "# about\n");
    write_text("f/services.json", "{\"data\":[\"w\"]}");
    write_text("f/empty", "");
    write_text("f/.hidden", "x");
    write_text("f/.kept/x", "x");
    OK(read_path(&r, "f", &err));
    char *printed = print_spans(&r.spans);
    assert_string_equal(printed, "a 1 0 5123+0 internal 8 - -\n"
                                 "a 2 0 6000+0 internal 8 - -\n"
                                 "a 3 0 7000+0 internal 8 - -\n"
                                 "a 4 0 8000+0 internal 8 - -\n"
                                 "a c 0 9000+1000 server 0 w -\n");
    free(printed);
    assert_int_equal(r.spans.duplicates, 1);
    assert_int_equal(r.manifest.n, 1);
    assert_string_equal(r.manifest.entry, "w");
    assert_string_equal(r.papers.manifest, r.manifest.text);
    assert_null(r.papers.certificate);
    assert_string_equal(
        notes, "f/README.md: neither Jaeger's JSON, nor a trace CSV (trace_id,span_id,start_time,...), "
               "nor spans in HDF5: skipped\n"
               "f/empty: empty: skipped\n"
               "f/services.json:1: no trace: a list of other things: skipped\n");
    assert_string_equal(
        r.papers.provenance,
        "{\"duplicates\":1,\"files\":[{\"file\":\"b.json\",\"form\":\"jaeger v1\",\"spans\":2},"
        "{\"file\":\"c.json.gz\",\"form\":\"jaeger v1\",\"spans\":1},"
        "{\"file\":\"spans.h5\",\"form\":\"kt-spans\",\"spans\":1},"
        "{\"file\":\"traces.csv\",\"form\":\"trace CSV\",\"spans\":1},"
        "{\"file\":\"window\",\"form\":\"jaeger v3\",\"spans\":1}],"
        "\"skipped\":[\"README.md\",\"empty\",\"services.json\"]}");
    clear(&r);
}

static void manifests(void **state)
{
    (void)state;
    static const char *const paths[] = {"a.json", "f"}, *const with_own[] = {"a.json", "f/manifest.json"};
    result r;
    assert_int_equal(mkdir("f", 0700), 0);
    assert_int_equal(mkdir("f/g", 0700), 0);
    write_text("a.json", V1("1", "5"));
    write_text("f/b.json", V1("2", "5"));
    write_text("f/manifest.json", MANIFEST);
    write_text("f/g/manifest.json", " " MANIFEST "\n"); /* the same one, written otherwise */
    OK(read_paths(&r, paths, 2, NULL, &err));
    assert_int_equal(r.manifest.n, 1);
    clear(&r);
    OK(read_paths(&r, with_own, 2, NULL, &err)); /* named like a trace, known by its name */
    assert_int_equal(r.manifest.n, 1);
    clear(&r);
    write_text("other.json",
               "{\"cells\":[{\"start_us\":0,\"end_us\":100},{\"start_us\":100,\"end_us\":101}]}");
    OK(read_paths(&r, paths, 2, "other.json", &err));
    assert_int_equal(r.manifest.n, 2);
    clear(&r);
    assert_int_equal(rename("other.json", "f/g/manifest.json"), 0);
    FAILS(read_paths(&r, paths, 2, NULL, &err), KT_INPUT,
          "f/manifest.json: another manifest than f/g/manifest.json: name the one that counts");
    assert_null(r.spans.span);
    write_text("f/g/manifest.json", "{\"cells\":[{\"start_us\":0}]}");
    FAILS(read_paths(&r, paths, 2, NULL, &err), KT_INPUT, "f/g/manifest.json: cell 0: end_us is missing");
    write_text("f/g/manifest.json", "{\"windows\":[]}");
    OK(read_paths(&r, paths, 2, NULL, &err));
    assert_string_equal(notes, "f/g/manifest.json: a manifest without load cells (the key cells): skipped\n");
    clear(&r);
    write_spans("s.h5", V1("1", "5"), NULL, MANIFEST);
    OK(read_path(&r, "s.h5", &err));
    assert_int_equal(r.manifest.n, 1);
    clear(&r);
    FAILS(read_paths(&r, paths, 2, "none.json", &err), KT_IO, "none.json");
}

static void certificates(void **state)
{
    (void)state;
    static const char *const paths[] = {"a.h5", "b.h5", "c.json"};
    result r;
    write_spans("a.h5", V1("1", "5"), "{\"verdict\":\"complete\",\"reason\":\"all\"}", NULL);
    write_spans("b.h5", V1("2", "5"), "{\"verdict\":\"unknown\",\"reason\":\"ring\"}", NULL);
    write_text("c.json", V1("3", "5"));
    OK(read_paths(&r, paths, 1, NULL, &err));
    assert_string_equal(r.papers.certificate, "{\"reason\":\"all\",\"verdict\":\"complete\"}");
    clear(&r);
    OK(read_paths(&r, paths, 2, NULL, &err)); /* the weakest counts */
    assert_string_equal(r.papers.certificate,
                        "{\"parts\":[{\"reason\":\"all\",\"verdict\":\"complete\"},{\"reason\":\"ring\","
                        "\"verdict\":\"unknown\"}],\"reason\":\"ring\",\"verdict\":\"unknown\"}");
    assert_int_equal(r.spans.n, 2);
    clear(&r);
    OK(read_paths(&r, paths, 3, NULL, &err)); /* nobody speaks for the third */
    assert_null(r.papers.certificate);
    clear(&r);
}

static void what_is_named_must_be_readable(void **state)
{
    (void)state;
    result r;
    assert_int_equal(mkdir("f", 0700), 0);
    FAILS(read_path(&r, "none", &err), KT_IO, "none: no such file or folder");
    FAILS(read_path(&r, "f", &err), KT_INPUT, "f: no file in this folder");
    write_text("f/README.md", "# about\n");
    FAILS(read_path(&r, "f", &err), KT_INPUT,
          "f: no traces in 1 files; the first that was skipped: f/README.md: neither Jaeger's JSON");
    FAILS(read_path(&r, "f/README.md", &err), KT_INPUT, "f/README.md: neither Jaeger's JSON");
    write_text("requests.csv", "st,ttr,rid\n1,2,3\n");
    FAILS(read_path(&r, "requests.csv", &err), KT_INPUT, "requests.csv: neither");
    write_text("tempo.json", "{\"batches\":[]}");
    FAILS(read_path(&r, "tempo.json", &err), KT_INPUT,
          "tempo.json:1: it looks like a trace of Grafana Tempo");
    write_text("f/cut.json", "{\"data\":[{\"spans\":[");
    FAILS(read_path(&r, "f", &err), KT_INPUT, "f/cut.json:1:"); /* damaged, not foreign: nothing is lost */
    remove("f/cut.json");
    write_text("f/error.json", "{\"errors\":[{\"code\":500,\"msg\":\"no\"}]}");
    FAILS(read_path(&r, "f", &err), KT_INPUT, "f/error.json:1: the server answered with an error 500: no");
    remove("f/error.json");
    write_gzip("f/a.gz", V1("1", "5"));
    assert_int_equal(truncate("f/a.gz", 40), 0);
    FAILS(read_path(&r, "f", &err), KT_INPUT, "f/a.gz: its gzip data");
    remove("f/a.gz");
    write_text("f/a.h5", "\211HDF\r\n\032\n, and then nothing");
    FAILS(read_path(&r, "f", &err), KT_INPUT, "f/a.h5");
    assert_null(r.spans.span);
    assert_null(r.papers.provenance);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(folders_of_everything),
        IN_SCRATCH(manifests),
        IN_SCRATCH(certificates),
        IN_SCRATCH(what_is_named_must_be_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
