/* The ledger of a sweep: whole lines outlive everything, a torn last one is dropped, any other damage is
 * found. */
#include "../memory.h"
#include "../scratch.h"
#include "kt/digest.h"
#include "kt/file.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sample_ledger.h"

#define RUN       "0123abcd"
#define OTHER_RUN "0123abce"

static kt_ledger *open_it(void)
{
    kt_ledger *l;
    kt_error err = {0};
    if (kt_ledger_open(&l, ".", RUN, NULL, &err) != KT_OK)
        fail_msg("%s", err.message);
    return l;
}

static void write_it(kt_ledger *l, kt_json *event)
{
    kt_error err = {0};
    assert_non_null(event);
    if (kt_ledger_write(l, event, &err) != KT_OK)
        fail_msg("%s", err.message);
}

static bool may_repeat(const kt_json *event)
{
    const char *name = kt_json_as_text(kt_json_get(event, "event"), "");
    return strcmp(name, "started") == 0 || strcmp(name, "preempted") == 0 || strcmp(name, "resumed") == 0;
}

/* All events from `first` on. repeat: those too that happen any number of times. */
static void write_sample(kt_ledger *l, size_t first, bool repeat)
{
    kt_json *event;
    for (size_t i = first; (event = sample_event(i)); i++) {
        if (may_repeat(event) && !repeat)
            kt_json_drop(event);
        else
            write_it(l, kt_json_put(event, "time", kt_json_real(1e9 + (double)i)));
    }
}

static char *read_file(size_t *n)
{
    char *data;
    assert_int_equal(kt_file_read(&data, n, KT_RUN_LEDGER, NULL), KT_OK);
    return data;
}

static void replace_file(const char *data, size_t n)
{
    remove(KT_RUN_LEDGER);
    assert_int_equal(kt_file_append(KT_RUN_LEDGER, data, n, false, NULL), KT_OK);
}

/* The sample's ledger; caller frees. */
static char *whole_file(size_t *n)
{
    remove(KT_RUN_LEDGER);
    kt_ledger *l = open_it();
    assert_int_equal(kt_ledger_events(l), 1);
    write_sample(l, 0, true);
    assert_int_equal(kt_ledger_sync(l, NULL), KT_OK);
    kt_ledger_close(l);
    return read_file(n);
}

static size_t count_lines(const char *data, size_t n)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += data[i] == '\n';
    return lines;
}

/* sum: SHA-256 of the canonical text, here by the digest alone; canonical: keys in order, no spaces. */
static void a_line_is_as_stated(void **state)
{
    (void)state;
    static const char body[] =
        "{\"event\":\"scored\",\"fold\":2,\"rung\":0,\"seconds\":0.5,\"service\":\"cart\","
        "\"steps\":100,\"time\":1764039600.25,\"trial\":7,\"value\":-1.25}";
    uint8_t digest[KT_DIGEST_BYTES];
    char hex[KT_DIGEST_HEX], line[400];
    size_t n;
    kt_ledger *l = open_it();
    kt_json *event;
    assert_int_equal(kt_json_parse(&event, body, strlen(body), "body", NULL), KT_OK);
    write_it(l, event);
    kt_ledger_close(l);
    assert_int_equal(kt_digest_of(digest, body, strlen(body), NULL), KT_OK);
    kt_digest_hex(hex, digest);
    snprintf(line, sizeof line, "%.*s,\"sum\":\"%.16s\"}\n", (int)strlen(body) - 1, body, hex);
    char *data = read_file(&n);
    const char *second = memchr(data, '\n', n);
    assert_non_null(second);
    assert_string_equal(second + 1, line);
    assert_memory_equal(data, "{\"event\":\"sweep\",\"run\":\"" RUN "\",\"time\":1", 42);
    assert_non_null(strstr(data, ",\"version\":1,\"sum\":\""));
    free(data);
}

static void scores_are_found_again(void **state)
{
    (void)state;
    size_t n;
    free(whole_file(&n));
    kt_ledger_score score;
    kt_ledger *l = open_it();
    write_it(l, kt_json_put(kt_json_put(sample_event(5), "search", kt_json_string("cart")), "value",
                            kt_json_real(7)));
    assert_true(kt_ledger_find(&score, l, NULL, 0, 1, "cart", 0));
    assert_true(score.value == -1.3999999999999999 && !score.reason);
    assert_true(kt_ledger_find(&score, l, "cart", 0, 0, "cart", 0));
    assert_true(score.value == 7);
    assert_true(kt_ledger_find(&score, l, NULL, 1, 0, "cart", 0));
    assert_true(isnan(score.value));
    assert_string_equal(score.reason, "the loss of step 7 is no number: {\"event\":\"x");
    assert_false(kt_ledger_find(&score, l, NULL, 2, 0, "cart", 0));
    assert_false(kt_ledger_find(&score, l, NULL, 0, 2, "cart", 0));
    assert_false(kt_ledger_find(&score, l, NULL, 0, 0, "cart", 1));
    assert_false(kt_ledger_find(&score, l, NULL, 0, 0, "card", 0));
    assert_false(kt_ledger_find(&score, l, "card", 0, 0, "cart", 0));
    kt_ledger_close(l);
}

static void what_is_there_is_not_written_again(void **state)
{
    (void)state;
    size_t n, m;
    char *once = whole_file(&n);
    kt_ledger *l = open_it();
    assert_int_equal(kt_ledger_events(l), count_lines(once, n));
    assert_int_equal(kt_ledger_cut(l), 0);
    write_sample(l, 0, false);
    write_it(l, kt_json_put(sample_event(5), "seconds", kt_json_real(99))); /* by another machine */
    kt_ledger_close(l);
    char *twice = read_file(&m);
    assert_int_equal(n, m);
    assert_memory_equal(once, twice, n);
    free(once);
    free(twice);
}

static void what_says_something_else_is_refused(void **state)
{
    (void)state;
    size_t n, m;
    char *before = whole_file(&n);
    kt_error err = {0};
    kt_ledger *l = open_it();
    assert_int_equal(kt_ledger_write(l, kt_json_put(sample_event(5), "value", kt_json_real(-1.5)), &err),
                     KT_INPUT);
    assert_non_null(strstr(err.message, "./sweep.jsonl:7: says something else"));
    assert_int_equal(kt_ledger_write(l, kt_json_put(sample_event(1), "first", kt_json_int(1)), NULL),
                     KT_INPUT);
    kt_ledger_close(l);
    char *after = read_file(&m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
}

static void events_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *event, *message;
    } wrong[] = {
        {"{\"event\":\"begun\"}", "no event \"begun\" is known"},
        {"{\"event\":7}", "no event \"\" is known"},
        {"{\"event\":\"started\",\"rung\":0}", "the event \"started\" has no \"trial\""},
        {"{\"event\":\"started\",\"trial\":-1,\"rung\":0}", "\"trial\" of the event \"started\" is wrong"},
        {"{\"event\":\"rung\",\"trial\":0,\"rung\":0,\"value\":null}", "\"value\" of the event \"rung\""},
        {"{\"event\":\"scored\",\"trial\":0,\"rung\":0,\"service\":\"a\",\"fold\":0}", "or neither"},
        {"{\"event\":\"scored\",\"trial\":0,\"rung\":0,\"service\":\"a\",\"fold\":0,\"value\":1,"
         "\"reason\":\"\"}",
         "both a value and a reason"},
    };
    size_t n;
    kt_ledger *l = open_it();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kt_error err = {0};
        kt_json *event;
        assert_int_equal(kt_json_parse(&event, wrong[i].event, strlen(wrong[i].event), "event", NULL), KT_OK);
        assert_int_equal(kt_ledger_write(l, event, &err), KT_INPUT);
        if (!strstr(err.message, wrong[i].message))
            fail_msg("%s", err.message);
    }
    assert_int_equal(kt_ledger_write(l, NULL, NULL), KT_MEMORY);
    kt_ledger_close(l);
    char *data = read_file(&n);
    assert_int_equal(count_lines(data, n), 1);
    free(data);
}

/* Cut at every byte, and gone on with: the same lines, and those that happen any number of times once more.
 */
static void every_prefix_is_gone_on_with(void **state)
{
    (void)state;
    size_t n, m;
    char *whole = whole_file(&n);
    const char *first_end = memchr(whole, '\n', n);
    assert_non_null(first_end);
    size_t first = (size_t)(first_end - whole) + 1;
    for (size_t length = 0; length <= n; length++) {
        size_t lines = count_lines(whole, length), start = 0;
        for (size_t i = 0; i < length; i++)
            start = whole[i] == '\n' ? i + 1 : start;
        replace_file(whole, length);
        kt_ledger *l = open_it();
        assert_int_equal(kt_ledger_cut(l), length - start);
        assert_int_equal(kt_ledger_events(l), lines > 0 ? lines : 1);
        write_sample(l, lines > 0 ? lines - 1 : 0, true);
        kt_ledger_close(l);
        char *data = read_file(&m);
        assert_int_equal(count_lines(data, m), count_lines(whole, n));
        assert_memory_equal(data + m - (n - first), whole + first,
                            n - first); /* the first has its own time */
        free(data);
    }
    free(whole);
}

/* How many events a reader sees. */
static kt_status count_event(void *context, const kt_json *event, kt_error *err)
{
    (void)err;
    assert_int_equal(kt_json_kind_of(event), KT_JSON_OBJECT);
    ++*(size_t *)context;
    return KT_OK;
}

/* A byte of any line but the last flipped, in each of its bits: refused with its number, nothing is written.
 */
static void damage_before_other_lines_is_refused(void **state)
{
    (void)state;
    size_t n, m, line = 1, last = 0, seen;
    char *whole = whole_file(&n), wanted[64];
    for (size_t i = 0; i + 1 < n; i++)
        last = whole[i] == '\n' ? i + 1 : last;
    for (size_t at = 0; at < last; line += whole[at] == '\n', at++)
        for (int bit = 0; bit < 8; bit++) {
            kt_error err = {0}, read = {0};
            kt_ledger *l;
            whole[at] = (char)(whole[at] ^ (1 << bit));
            replace_file(whole, n);
            assert_int_equal(kt_ledger_open(&l, ".", RUN, NULL, &err), KT_INPUT);
            assert_null(l);
            seen = 0;
            assert_int_equal(kt_ledger_read(".", count_event, &seen, &read), KT_INPUT);
            assert_int_equal(seen, line - 1);
            snprintf(wanted, sizeof wanted, "./sweep.jsonl:%zu: is ", line);
            if (strncmp(err.message, wanted, strlen(wanted)) != 0)
                fail_msg("%s, not %s", err.message, wanted);
            assert_string_equal(err.message, read.message);
            char *data = read_file(&m);
            assert_int_equal(m, n);
            assert_memory_equal(data, whole, n);
            free(data);
            whole[at] = (char)(whole[at] ^ (1 << bit));
        }
    free(whole);
}

/* The last line, flipped anywhere: dropped like one that is cut. */
static void a_damaged_last_line_is_torn(void **state)
{
    (void)state;
    size_t n, m, last = 0, seen;
    char *whole = whole_file(&n);
    for (size_t i = 0; i + 1 < n; i++)
        last = whole[i] == '\n' ? i + 1 : last;
    for (size_t at = last; at < n; at++) {
        whole[at] ^= 0x04;
        replace_file(whole, n);
        seen = 0;
        assert_int_equal(kt_ledger_read(".", count_event, &seen, NULL), KT_OK);
        assert_int_equal(seen, count_lines(whole, last));
        kt_ledger *l = open_it();
        assert_int_equal(kt_ledger_cut(l), n - last);
        kt_ledger_close(l);
        free(read_file(&m));
        assert_int_equal(m, last);
        whole[at] ^= 0x04;
    }
    free(whole);
}

/* A first line with another version, and the sum that goes with it. */
static void begin_with_version(int version)
{
    char body[200], hex[KT_DIGEST_HEX], line[300];
    uint8_t digest[KT_DIGEST_BYTES];
    snprintf(body, sizeof body, "{\"event\":\"sweep\",\"run\":\"" RUN "\",\"time\":1,\"version\":%d}",
             version);
    assert_int_equal(kt_digest_of(digest, body, strlen(body), NULL), KT_OK);
    kt_digest_hex(hex, digest);
    snprintf(line, sizeof line, "%.*s,\"sum\":\"%.16s\"}\n", (int)strlen(body) - 1, body, hex);
    replace_file(line, strlen(line));
}

static void newer_versions_are_refused(void **state)
{
    (void)state;
    kt_ledger *l;
    kt_error err = {0};
    begin_with_version(KT_LEDGER_VERSION + 1);
    assert_int_equal(kt_ledger_open(&l, ".", RUN, NULL, &err), KT_UNSUPPORTED);
    assert_string_equal(err.message, "./sweep.jsonl:1: kt-ledger version 2 is newer than this program's 1");
    begin_with_version(KT_LEDGER_VERSION);
    kt_ledger_close(open_it());
}

/* One that an earlier program wrote, of each version: tests/fixtures/README.md. */
static void older_versions_are_read(void **state)
{
    (void)state;
    char path[300], *data;
    for (int version = 1; version <= KT_LEDGER_VERSION; version++) {
        size_t n, events = 0;
        kt_ledger_score score;
        snprintf(path, sizeof path, KT_TESTS "/fixtures/ledger-%d.jsonl", version);
        assert_int_equal(kt_file_read(&data, &n, path, NULL), KT_OK);
        replace_file(data, n);
        assert_int_equal(kt_ledger_read(".", count_event, &events, NULL), KT_OK);
        assert_int_equal(events, 17);
        kt_ledger *l = open_it();
        assert_int_equal(kt_ledger_events(l), 17);
        assert_true(kt_ledger_find(&score, l, NULL, 0, 1, "cart", 0) && score.value == -1.3999999999999999);
        write_sample(l, 0, false); /* all is there */
        assert_int_equal(kt_ledger_events(l), 17);
        kt_ledger_close(l);
        free(data);
    }
}

static void ledgers_of_others_are_refused(void **state)
{
    (void)state;
    static const char text[] = "a file of mine", lines[] = "two\nlines\n";
    size_t n;
    char *data = whole_file(&n);
    kt_ledger *l;
    kt_error other = {0}, none = {0}, late = {0};
    assert_int_equal(kt_ledger_open(&l, ".", OTHER_RUN, NULL, &other), KT_BUSY);
    assert_non_null(strstr(other.message, "./sweep.jsonl: belongs to a sweep of other data or options"));
    replace_file(text, strlen(text));
    assert_int_equal(kt_ledger_open(&l, ".", RUN, NULL, &none), KT_INPUT);
    assert_non_null(strstr(none.message, "./sweep.jsonl:1: is not the ledger of a sweep"));
    replace_file(lines, strlen(lines));
    assert_int_equal(kt_ledger_open(&l, ".", RUN, NULL, NULL), KT_INPUT);
    const char *second = memchr(data, '\n', n);
    assert_non_null(second);
    replace_file(second + 1, n - (size_t)(second + 1 - data));
    assert_int_equal(kt_ledger_open(&l, ".", RUN, NULL, &late), KT_INPUT);
    assert_non_null(strstr(late.message, "./sweep.jsonl:1: a ledger begins with the event \"sweep\""));
    free(data);
    assert_int_equal(kt_ledger_read("nowhere", count_event, NULL, NULL), KT_IO);
    assert_int_equal(kt_ledger_open(&l, "nowhere", RUN, NULL, NULL), KT_IO);
}

static kt_status answer(void *context, kt_error *err)
{
    return *(const bool *)context ? KT_OK : kt_fail(err, KT_BUSY, "not ours any more");
}

static void the_guard_is_asked_before_each_change(void **state)
{
    (void)state;
    size_t n, m;
    bool may = false;
    const kt_file_guard guard = {answer, &may};
    kt_ledger *l;
    assert_int_equal(kt_ledger_open(&l, ".", RUN, &guard, NULL), KT_BUSY);
    assert_int_equal(kt_path_kind_of(KT_RUN_LEDGER), KT_PATH_MISSING);
    char *whole = whole_file(&n);
    replace_file(whole, n - 1);
    assert_int_equal(kt_ledger_open(&l, ".", RUN, &guard, NULL), KT_BUSY);
    free(read_file(&m));
    assert_int_equal(m, n - 1);
    replace_file(whole, n);
    assert_int_equal(kt_ledger_open(&l, ".", RUN, &guard, NULL), KT_OK);
    assert_int_equal(kt_ledger_write(l, sample_event(0), NULL), KT_BUSY);
    assert_int_equal(kt_ledger_write(l, sample_event(1), NULL), KT_OK); /* is there */
    free(read_file(&m));
    assert_int_equal(m, n);
    may = true;
    assert_int_equal(kt_ledger_write(l, sample_event(0), NULL), KT_OK);
    kt_ledger_close(l);
    free(read_file(&m));
    assert_true(m > n);
    free(whole);
}

/* In a child with a limit on the size of files, which stands in for a disk that fills up: at every size. */
static int fill_disk(size_t limit)
{
    pid_t child = fork();
    if (child == 0) {
        kt_error err = {0};
        kt_ledger *l = NULL;
        kt_json *event;
        kt_status status;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
        status = kt_ledger_open(&l, ".", RUN, NULL, &err);
        for (size_t i = 0; status == KT_OK && (event = sample_event(i)); i++)
            status = kt_ledger_write(l, kt_json_put(event, "time", kt_json_int(1)), &err);
        _exit(status == KT_IO && strstr(err.message, "sweep.jsonl: File too large") ? 0 : 1);
    }
    int result = 1;
    waitpid(child, &result, 0);
    return result;
}

static void a_full_disk_leaves_whole_lines(void **state)
{
    (void)state;
    size_t n;
    free(whole_file(&n));
    for (size_t limit = 100; limit < 1000; limit += 7) {
        remove(KT_RUN_LEDGER);
        assert_int_equal(fill_disk(limit), 0);
        kt_ledger *l = open_it();
        assert_int_equal(kt_ledger_cut(l), 0);
        size_t events = kt_ledger_events(l);
        write_sample(l, events - 1, true);
        kt_ledger_close(l);
        char *data = read_file(&n);
        assert_int_equal(count_lines(data, n), 17);
        free(data);
    }
}

/* Memory that ends at each of the allocations: nothing leaks, nothing is half known. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    size_t n;
    kt_status status = KT_MEMORY;
    free(whole_file(&n));
    for (int count = 0; status == KT_MEMORY; count++) {
        kt_ledger *l = NULL;
        kt_json *event = kt_json_put(sample_event(6), "trial", kt_json_int(count + 10));
        kt_ledger_score score;
        allocations = count;
        status = kt_ledger_open(&l, ".", RUN, NULL, NULL);
        if (status == KT_OK)
            status = kt_ledger_write(l, event, NULL);
        else
            kt_json_drop(event);
        allocations = -1;
        assert_true(status == KT_OK || status == KT_MEMORY);
        if (l)
            assert_int_equal(kt_ledger_find(&score, l, NULL, count + 10, 0, "cart", 0), status == KT_OK);
        kt_ledger_close(l);
    }
}

static void many_events_are_told_apart(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    kt_ledger *l = open_it();
    kt_ledger_score score;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < MANY; i++) {
            kt_json *event = kt_json_put(sample_event(5), "trial", kt_json_int(i / 5));
            write_it(l, kt_json_put(kt_json_put(event, "fold", kt_json_int(i % 5)), "value", kt_json_int(i)));
        }
        kt_ledger_close(l);
        l = open_it();
        assert_int_equal(kt_ledger_events(l), MANY + 1);
    }
    for (int i = 0; i < MANY; i++) {
        assert_true(kt_ledger_find(&score, l, NULL, i / 5, 0, "cart", i % 5));
        assert_true(score.value == i);
    }
    kt_ledger_close(l);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_line_is_as_stated),
        IN_SCRATCH(scores_are_found_again),
        IN_SCRATCH(what_is_there_is_not_written_again),
        IN_SCRATCH(what_says_something_else_is_refused),
        IN_SCRATCH(events_are_checked),
        IN_SCRATCH(every_prefix_is_gone_on_with),
        IN_SCRATCH(damage_before_other_lines_is_refused),
        IN_SCRATCH(a_damaged_last_line_is_torn),
        IN_SCRATCH(newer_versions_are_refused),
        IN_SCRATCH(older_versions_are_read),
        IN_SCRATCH(ledgers_of_others_are_refused),
        IN_SCRATCH(the_guard_is_asked_before_each_change),
        IN_SCRATCH(a_full_disk_leaves_whole_lines),
        IN_SCRATCH(memory_may_end_anywhere),
        IN_SCRATCH(many_events_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
