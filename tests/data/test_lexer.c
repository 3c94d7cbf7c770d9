#include "../scratch.h"
#include "check.h"
#include "lexer.h"
#include <sys/stat.h>
#include <sys/wait.h>

/* All records as text: cells in [], records ended by the line of their beginning and a semicolon. */
static void read_all(char *out, size_t capacity, const char *path)
{
    kt_lexer lexer = {.path = NULL};
    size_t used = 0;
    bool more = true;
    out[0] = '\0';
    OK(kt_lexer_open(&lexer, path, &err));
    for (;;) {
        OK(kt_lexer_next(&more, &lexer, &err));
        if (!more)
            break;
        for (size_t i = 0; i < lexer.n_cells; i++)
            used += (size_t)snprintf(out + used, capacity - used, "[%.*s]", (int)lexer.cell[i].n,
                                     lexer.cell[i].text);
        used += (size_t)snprintf(out + used, capacity - used, "%llu;", (unsigned long long)lexer.line);
        assert_true(used < capacity);
    }
    OK(kt_lexer_next(&more, &lexer, &err)); /* the end stays the end */
    assert_false(more);
    kt_lexer_close(&lexer);
}

static void records(void **state)
{
    (void)state;
    static const struct {
        const char *file, *read;
    } cases[] = {
        {"", ""},
        {"\n\n", ""},
        {"a,b\n1,2\n", "[a][b]1;[1][2]2;"},
        {"a,b\n1,2", "[a][b]1;[1][2]2;"},
        {"a,b\r\n1,2\r\n", "[a][b]1;[1][2]2;"},
        {"a,b\r\n1,2\r", "[a][b]1;[1][2]2;"},
        {"\xEF\xBB\xBF"
         "a,b\n1,2\n",
         "[a][b]1;[1][2]2;"},
        {"\xEF\xBB\xBF\"a\",b\n", "[a][b]1;"},
        {"a\n\n\r\n1\n", "[a]1;[1]4;"},
        {",\n,,\n", "[][]1;[][][]2;"},
        {"a,\n", "[a][]1;"},
        {"a,", "[a][]1;"},
        {"\"\"\n", "[]1;"},
        {"\"a,b\",\"c\"\"d\",\"\"\"\"\n", "[a,b][c\"d][\"]1;"},
        {"\"a\nb\",c\n2,3\n", "[a\nb][c]1;[2][3]3;"},
        {"\"a\r\n\r\nb\"\r\n2\r\n", "[a\r\n\r\nb]1;[2]4;"},
        {"\"a\" ,b\n", "[a][b]1;"},
        {"\"a\"", "[a]1;"},
        {" \"a\",b\n", "[ \"a\"][b]1;"}, /* a space before it: the quote is text */
        {"5\",b\n", "[5\"][b]1;"},
        {" a , b \n", "[ a ][ b ]1;"},
        {"a\rb,c\n", "[a\rb][c]1;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[200];
        write_text("t.csv", cases[i].file);
        read_all(out, sizeof out, "t.csv");
        assert_string_equal(out, cases[i].read);
    }
}

static void broken(const void *data, size_t n, const char *part)
{
    kt_lexer lexer = {.path = NULL};
    kt_error err = {0};
    kt_status status = KT_OK;
    bool more = true;
    write_bytes("broken.csv", data, n);
    OK(kt_lexer_open(&lexer, "broken.csv", &err));
    while (more && status == KT_OK)
        status = kt_lexer_next(&more, &lexer, &err);
    kt_lexer_close(&lexer);
    assert_int_equal(status, KT_INPUT);
    if (!strstr(err.message, part))
        fail_msg("'%s' lacks '%s'", err.message, part);
}

static void errors(void **state)
{
    (void)state;
    broken("a,b\n1,\"2\n3,4\n", 13, "broken.csv:2: a quote is opened and never closed");
    broken("a,b\n1,\"2\"3\n", 11, "broken.csv:2: column 2: text behind a closing quote");
    broken("a,b\n1,2\n3\0,4\n", 13, "broken.csv:3: column 1: a NUL byte");
    broken("a\n\"b\0c\"\n", 8, "broken.csv:2: column 1: a NUL byte");
    broken("a\n\"b\"\0\n", 7, "broken.csv:2: column 1: a NUL byte");
    broken("\xFF\xFE"
           "a\0,\0b\0",
           8, "broken.csv:1: column 1: a NUL byte"); /* UTF-16 */
    kt_lexer lexer = {.path = NULL};
    FAILS(kt_lexer_open(&lexer, "missing.csv", &err), KT_IO, "missing.csv");
    kt_lexer_close(&lexer);
    bool more;
    OK(kt_lexer_open(&lexer, ".", &err));
    FAILS(kt_lexer_next(&more, &lexer, &err), KT_IO, "cannot read .");
    kt_lexer_close(&lexer);
}

/* Every sequence that means something, cut by the end of the buffer at each of its bytes. */
static void cut_by_the_buffer(void **state)
{
    (void)state;
    enum { BUFFER = 1 << 18, SPAN = 24 };
    static const char tail[] = ",\"x\"\"y\n,z\" ,w\r\n\"q\"\r\n";
    char *file = test_malloc(BUFFER + SPAN + sizeof tail);
    for (size_t before = BUFFER - SPAN - 2; before <= BUFFER + 2; before++) {
        memset(file, 'p', before);
        memcpy(file + before, tail, sizeof tail - 1);
        write_bytes("cut.csv", file, before + sizeof tail - 1);
        kt_lexer lexer = {.path = NULL};
        bool more;
        OK(kt_lexer_open(&lexer, "cut.csv", &err));
        OK(kt_lexer_next(&more, &lexer, &err));
        assert_true(more);
        assert_int_equal(lexer.n_cells, 3);
        assert_int_equal(lexer.cell[0].n, before);
        assert_int_equal(lexer.cell[1].n, 6);
        assert_memory_equal(lexer.cell[1].text, "x\"y\n,z", 6);
        OK(kt_lexer_next(&more, &lexer, &err));
        assert_int_equal(lexer.line, 3);
        assert_int_equal(lexer.n_cells, 1);
        assert_memory_equal(lexer.cell[0].text, "q", 1);
        assert_int_equal(lexer.taken, before + sizeof tail - 1);
        OK(kt_lexer_next(&more, &lexer, &err));
        assert_false(more);
        kt_lexer_close(&lexer);
    }
    test_free(file);
}

/* A file of many buffers through a pipe, whose size is not known and whose reads are short. */
static void through_a_pipe(void **state)
{
    (void)state;
    enum { RECORDS = 100000 };
    assert_int_equal(mkfifo("fifo", 0600), 0);
    pid_t writer = fork();
    if (writer == 0) {
        FILE *out = fopen("fifo", "w");
        for (int i = 0; i < RECORDS && out; i++)
            fputs("abc,\"d\"\"e\",12.5\n", out);
        _exit(out && fclose(out) == 0 ? 0 : 1);
    }
    kt_lexer lexer = {.path = NULL};
    bool more = true;
    size_t n = 0;
    OK(kt_lexer_open(&lexer, "fifo", &err));
    assert_int_equal(lexer.size, 0);
    for (;; n++) {
        OK(kt_lexer_next(&more, &lexer, &err));
        if (!more)
            break;
        assert_int_equal(lexer.n_cells, 3);
        assert_int_equal(lexer.cell[1].n, 3);
        assert_memory_equal(lexer.cell[1].text, "d\"e", 3);
    }
    assert_int_equal(n, RECORDS);
    kt_lexer_close(&lexer);
    int code;
    assert_int_equal(waitpid(writer, &code, 0), writer);
    assert_int_equal(code, 0);
}

static void shown(void **state)
{
    (void)state;
    char out[KT_SHOWN], text[200];
    kt_cell_show(out, &(kt_cell_text){.text = "a\n\x7F\xC3\xA9", .n = 5});
    assert_string_equal(out, "a\\x0a\\x7f\xC3\xA9");
    memset(text, 'x', sizeof text);
    kt_cell_show(out, &(kt_cell_text){.text = text, .n = sizeof text});
    assert_true(strlen(out) < KT_SHOWN);
    assert_string_equal(out + strlen(out) - 3, "...");
    kt_cell_text trimmed = kt_cell_trim((kt_cell_text){.text = " \ta b\t ", .n = 7});
    assert_int_equal(trimmed.n, 3);
    assert_memory_equal(trimmed.text, "a b", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),        cmocka_unit_test(errors), cmocka_unit_test(cut_by_the_buffer),
        cmocka_unit_test(through_a_pipe), cmocka_unit_test(shown),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
