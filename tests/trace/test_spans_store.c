#include "../scratch.h"
#include "kt/h5.h"
#include "rows.h"

enum { MANY = 3000 };

/* Finished or not; the same for the same seed. */
static void make(kt_spans *spans, uint32_t seed, size_t n, bool finish)
{
    kt_rng rng;
    kt_rng_init(&rng, seed, 0, KT_RNG_SAMPLE, 0, 0);
    OK(kt_spans_init(spans, &err));
    for (size_t i = 0; i < n; i++) {
        row r = random_row(&rng);
        add(spans, &r);
        spans->span[i].flags = i % 7 == 0 ? KT_SPAN_FAILED : 0;
        spans->span[i].trace[0] = (uint8_t)(r.trace << 4);
    }
    if (finish)
        OK(kt_spans_finish(spans, &err));
}

static void read_back(kt_spans *spans, kt_spans_papers *papers, const char *path)
{
    *spans = (kt_spans){.n = 0};
    *papers = (kt_spans_papers){.manifest = NULL};
    OK(kt_spans_read(spans, papers, path, &err));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    kt_spans spans, back;
    kt_spans_papers papers = {.certificate = "{\"verdict\":\"complete\"}", .provenance = "{}"}, again;
    make(&spans, 1, MANY, true);
    OK(kt_spans_write("a.h5", &spans, &papers, &err));
    read_back(&back, &again, "a.h5");
    same_sets(&spans, &back);
    assert_string_equal(again.certificate, papers.certificate);
    assert_string_equal(again.provenance, papers.provenance);
    assert_null(again.manifest);
    kt_spans_papers_clear(&again);
    kt_spans_clear(&back);
    OK(kt_spans_write("b.h5", &spans, &papers, &err)); /* the same bytes each time */
    char *a, *b;
    size_t n, m;
    OK(kt_file_read(&a, &n, "a.h5", &err));
    OK(kt_file_read(&b, &m, "b.h5", &err));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    kt_spans_clear(&spans);

    make(&spans, 1, 0, true);
    OK(kt_spans_write("a.h5", &spans, NULL, &err));
    read_back(&back, &again, "a.h5");
    assert_int_equal(back.n, 0);
    assert_null(again.certificate);
    kt_spans_clear(&back);
    kt_spans_clear(&spans);
}

/* More than a piece of 65,536, so that borders of pieces and of parts lie apart. */
static void parts_make_the_whole(void **state)
{
    (void)state;
    enum { PARTS = 3, PART = 30000 };
    kt_spans part[PARTS], whole, back;
    kt_spans_papers papers = {.manifest = NULL};
    kt_spans_writer *writer;
    size_t n_tags = 0, n = 0;
    OK(kt_spans_init(&whole, &err));
    for (uint32_t i = 0; i < PARTS; i++) {
        make(&part[i], i + 1, PART, i == 1);
        OK(kt_spans_append(&whole, &part[i], &err));
        n_tags += kt_spans_count_tags(&part[i]);
        n += part[i].n;
    }
    assert_int_equal(kt_spans_count_tags(&whole), n_tags);
    OK(kt_spans_writer_open(&writer, "a.h5", n, n_tags, &err));
    assert_int_equal(kt_path_kind_of("a.h5"), KT_PATH_MISSING);
    for (int i = 0; i < PARTS; i++)
        OK(kt_spans_writer_add(writer, &part[i], &err));
    OK(kt_spans_writer_close(writer, NULL, NULL, &err));
    read_back(&back, &papers, "a.h5");
    whole.duplicates = 0;
    OK(kt_spans_finish(&whole, &err));
    assert_int_equal(back.duplicates, whole.duplicates);
    same_sets(&back, &whole);

    OK(kt_spans_writer_open(&writer, "b.h5", n - 1, n_tags, &err));
    OK(kt_spans_writer_add(writer, &part[0], &err));
    OK(kt_spans_writer_add(writer, &part[1], &err));
    FAILS(kt_spans_writer_add(writer, &part[2], &err), KT_INPUT, "b.h5: 8");
    FAILS(kt_spans_writer_close(writer, NULL, NULL, &err), KT_INPUT, "spans with");
    OK(kt_spans_writer_open(&writer, "b.h5", n, n_tags, &err));
    kt_spans_writer_discard(writer);
    kt_spans_writer_discard(NULL);
    char **names;
    OK(kt_folder_list(&names, &n, ".", &err));
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "a.h5");
    free(names[0]);
    free(names);
    for (int i = 0; i < PARTS; i++)
        kt_spans_clear(&part[i]);
    kt_spans_clear(&back);
    kt_spans_clear(&whole);
}

static void records_are_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, MANY};
    for (size_t i = 0; i < 3; i++) {
        kt_spans spans, back = {.n = 0};
        char *data;
        size_t n;
        make(&spans, 1, sizes[i], i == 1);
        spans.duplicates = i;
        OK(kt_spans_pack(&data, &n, &spans, &err));
        OK(kt_spans_unpack(&back, data, n, &err));
        assert_int_equal(back.n, sizes[i]);
        assert_int_equal(back.duplicates, i);
        OK(kt_spans_finish(&spans, &err)); /* an unfinished set has its tags in other places */
        OK(kt_spans_finish(&back, &err));
        same_sets(&spans, &back);
        free(data);
        kt_spans_clear(&spans);
        kt_spans_clear(&back);
    }
}

/* In a copy of its own size, so that a read behind the end is seen. */
static void try_record(const char *data, size_t n, size_t flipped, int bit)
{
    kt_spans spans = {.n = 0};
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, data, n);
    if (flipped < n)
        copy[flipped] ^= (char)(1 << bit);
    kt_error err = {0};
    kt_status status = kt_spans_unpack(&spans, copy, n, &err);
    assert_true(status == KT_OK || status == KT_INPUT);
    if (status == KT_OK)
        OK(kt_spans_finish(&spans, &err));
    kt_spans_clear(&spans);
    free(copy);
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    kt_spans spans, back = {.n = 0};
    char *data;
    size_t n;
    make(&spans, 1, 20, true);
    OK(kt_spans_pack(&data, &n, &spans, &err));
    for (size_t cut = 0; cut < n; cut++) {
        try_record(data, cut, SIZE_MAX, 0);
        FAILS(kt_spans_unpack(&back, data, cut, &err), KT_INPUT, "spans");
    }
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++)
            try_record(data, n, at, bit);
    free(data);
    kt_spans_clear(&spans);
}

/* ---- a file made by hand: two spans of one process, three texts ---- */

typedef struct {
    const char *group, *name; /* group NULL: the file */
    kt_h5_type type;
    size_t rows, columns;
    const void *data;
} part;

static const uint64_t traces[] = {0, 1, 0, 1}, ids[] = {5, 6}, parents[] = {0, 5}, ends[] = {0, 1, 4};
static const int64_t starts[] = {1000, 2000}, durations[] = {9000, 0};
static const uint32_t processes[] = {0, 0}, operations[] = {1, 1}, n_tags[] = {0, 1}, key[] = {1},
                      value[] = {2}, service[] = {2}, one[] = {1};
static const uint8_t kinds[] = {1, 2}, flags[] = {0, 2};
static const part good[] = {
    {"spans", "trace", KT_H5_U64, 2, 2, traces},
    {"spans", "id", KT_H5_U64, 2, 0, ids},
    {"spans", "parent", KT_H5_U64, 2, 0, parents},
    {"spans", "start", KT_H5_I64, 2, 0, starts},
    {"spans", "duration", KT_H5_I64, 2, 0, durations},
    {"spans", "process", KT_H5_U32, 2, 0, processes},
    {"spans", "operation", KT_H5_U32, 2, 0, operations},
    {"spans", "n_tags", KT_H5_U32, 2, 0, n_tags},
    {"spans", "kind", KT_H5_U8, 2, 0, kinds},
    {"spans", "flags", KT_H5_U8, 2, 0, flags},
    {"tags", "key", KT_H5_U32, 1, 0, key},
    {"tags", "value", KT_H5_U32, 1, 0, value},
    {"processes", "service", KT_H5_U32, 1, 0, service},
    {"processes", "n_tags", KT_H5_U32, 1, 0, one},
    {"processes", "tag_key", KT_H5_U32, 1, 0, key},
    {"processes", "tag_value", KT_H5_U32, 1, 0, value},
    {NULL, "text", KT_H5_U8, 4, 0, "abbb"},
    {NULL, "text_end", KT_H5_U64, 3, 0, ends},
};

/* The file with one dataset in place of its own; rows SIZE_MAX: without it. */
static void make_file(const char *path, const part *other)
{
    static const char *const groups[] = {"spans", "tags", "processes"};
    kt_h5 *file, *group[3];
    unlink(path);
    OK(kt_h5_create(&file, path, 0, &err));
    OK(kt_h5_put_schema(file, KT_SPANS_SCHEMA, KT_SPANS_VERSION, &err));
    for (int g = 0; g < 3; g++)
        OK(kt_h5_group_create(&group[g], file, groups[g], &err));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const part *p = &good[i];
        kt_h5 *at = file;
        for (int g = 0; g < 3; g++)
            at = p->group && strcmp(p->group, groups[g]) == 0 ? group[g] : at;
        if (other && strcmp(p->name, other->name) == 0 && (p->group == NULL) == (other->group == NULL) &&
            (!p->group || strcmp(p->group, other->group) == 0))
            p = other;
        if (p->rows != SIZE_MAX)
            OK(kt_h5_put(at, p->name, p->type, p->rows, p->columns, p->data, &err));
    }
    for (int g = 0; g < 3; g++)
        OK(kt_h5_close(group[g], &err));
    OK(kt_h5_close(file, &err));
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const uint32_t beyond[] = {0, 3}, three[] = {3}, two[] = {2};
    static const uint64_t back[] = {0, 3, 1}, far[] = {0, 1, 5}, near[] = {0, 1, 3}, first[] = {1, 2, 4};
    static const int64_t negative[] = {1, -1};
    static const uint8_t kind_5[] = {1, 5};
    static const struct {
        part other;
        const char *message;
    } cases[] = {
        {{"spans", "process", KT_H5_U32, 2, 0, beyond}, "a.h5: span 1 is none"},
        {{"spans", "operation", KT_H5_U32, 2, 0, beyond}, "a.h5: span 1 is none"},
        {{"spans", "n_tags", KT_H5_U32, 2, 0, beyond}, "a.h5:/tags: there are 1, spans up to 2 want 3"},
        {{"spans", "kind", KT_H5_U8, 2, 0, kind_5}, "a.h5: span 1 is none"},
        {{"spans", "duration", KT_H5_I64, 2, 0, negative}, "a.h5: span 1 is none"},
        {{"spans", "parent", KT_H5_U64, 1, 0, parents}, "a.h5:/spans/parent: its shape"},
        {{"spans", "trace", KT_H5_U64, 4, 0, traces}, "a.h5:/spans/trace: its shape"},
        {{"spans", "start", KT_H5_I64, SIZE_MAX, 0, NULL}, "start"},
        {{"tags", "key", KT_H5_U32, 1, 0, three}, "a.h5: tag 0 is none"},
        {{"tags", "value", KT_H5_U32, 0, 0, value}, "value"},
        {{"processes", "service", KT_H5_U32, 1, 0, three}, "a.h5: process 0 is none"},
        {{"processes", "service", KT_H5_U32, 2, 0, operations}, "n_tags"},
        {{"processes", "n_tags", KT_H5_U32, 1, 0, two}, "a.h5: process 0 is none"},
        {{"processes", "tag_key", KT_H5_U32, 1, 0, three}, "a.h5: tag of processes 0 is none"},
        {{NULL, "text", KT_H5_U8, 4, 0, "a\0bb"}, "a.h5: text 2 is none"},
        {{NULL, "text_end", KT_H5_U64, 3, 0, back}, "a.h5: text 2 is none"},
        {{NULL, "text_end", KT_H5_U64, 3, 0, far}, "a.h5: text 2 is none"},
        {{NULL, "text_end", KT_H5_U64, 3, 0, near}, "a.h5: text 3 is none"},
        {{NULL, "text_end", KT_H5_U64, 3, 0, first}, "a.h5: text 0 is none"},
        {{NULL, "text_end", KT_H5_U64, 0, 0, ends}, "a.h5: text 0 is none"},
    };
    kt_spans spans = {.n = 0};
    kt_spans_papers papers = {.manifest = NULL};
    make_file("a.h5", NULL);
    OK(kt_spans_read(&spans, &papers, "a.h5", &err));
    assert_int_equal(spans.n, 2);
    assert_int_equal(spans.span[0].trace[15], 1);
    assert_true(spans.span[1].parent == 5 && spans.span[1].flags == KT_SPAN_FAILED);
    assert_string_equal(spans.text[spans.span[1].operation], "a");
    assert_string_equal(kt_span_tag_value(&spans, &spans.span[1], kt_spans_find_text(&spans, "a")), "bbb");
    kt_spans_clear(&spans);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_file("a.h5", &cases[i].other);
        FAILS(kt_spans_read(&spans, &papers, "a.h5", &err), KT_INPUT, cases[i].message);
        assert_null(spans.span);
    }
}

static void other_files_are_refused(void **state)
{
    (void)state;
    kt_spans spans = {.n = 0};
    kt_spans_papers papers = {.manifest = NULL};
    kt_h5 *file;
    FAILS(kt_spans_read(&spans, &papers, "none.h5", &err), KT_IO, "none.h5");
    write_text("a.h5", "no HDF5");
    FAILS(kt_spans_read(&spans, &papers, "a.h5", &err), KT_INPUT, "a.h5");
    OK(kt_h5_create(&file, "c.h5", 0, &err));
    OK(kt_h5_put_schema(file, "kt-dataset", 1, &err));
    OK(kt_h5_close(file, &err));
    FAILS(kt_spans_read(&spans, &papers, "c.h5", &err), KT_INPUT, "kt-dataset");
    OK(kt_h5_create(&file, "d.h5", 0, &err));
    OK(kt_h5_put_schema(file, KT_SPANS_SCHEMA, KT_SPANS_VERSION + 1, &err));
    OK(kt_h5_close(file, &err));
    FAILS(kt_spans_read(&spans, &papers, "d.h5", &err), KT_UNSUPPORTED, "d.h5");
    make(&spans, 1, 5, true);
    FAILS(kt_spans_write("none/a.h5", &spans, NULL, &err), KT_IO, "none/");
    kt_spans_clear(&spans);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(what_is_written_is_read),     IN_SCRATCH(parts_make_the_whole),
        cmocka_unit_test(records_are_read_back), cmocka_unit_test(damaged_records_are_refused),
        IN_SCRATCH(damaged_files_are_refused),   IN_SCRATCH(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
