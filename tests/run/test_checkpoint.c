/* Checkpoints: what was kept is told again, whatever happened to the newest file. */
#include "../memory.h"
#include "../scratch.h"
#include "kt/checkpoint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8, HEAD = 40 + 48 /* bytes of a file's first record */ };

typedef struct {
    char service[MOST][16], data[MOST][32];
    kt_kept kind[MOST];
    int n, notes;
} heard;

static const uint8_t run[KT_DIGEST_BYTES] = {1, 2, 3}, other_run[KT_DIGEST_BYTES] = {1, 2, 4};

static kt_status kept(void *context, kt_kept kind, const char *service, const char *data, size_t n,
                      kt_error *err)
{
    heard *h = context;
    (void)err;
    assert_true(h->n < MOST && n < sizeof h->data[0]);
    snprintf(h->service[h->n], sizeof h->service[0], "%s", service);
    memcpy(h->data[h->n], data, n);
    h->data[h->n][n] = '\0';
    h->kind[h->n++] = kind;
    return KT_OK;
}

static void note(void *context, const char *line)
{
    heard *h = context;
    assert_non_null(strstr(line, "checkpoint/"));
    h->notes++;
}

static kt_status open_it(kt_checkpoint **c, heard *h, const kt_file_guard *guard, kt_error *err)
{
    const kt_checkpoint_calls calls = {kept, note, h};
    *h = (heard){.n = 0};
    return kt_checkpoint_open(c, ".", run, guard, &calls, err);
}

static void add(kt_checkpoint *c, kt_kept kind, const char *service, const char *data)
{
    assert_int_equal(kt_checkpoint_add(c, kind, service, data, strlen(data), NULL), KT_OK);
}

static const char *told(const heard *h, const char *service)
{
    const char *found = NULL;
    for (int i = 0; i < h->n; i++) {
        if (strcmp(h->service[i], service) == 0) {
            assert_null(found); /* once */
            found = h->data[i];
        }
    }
    return found;
}

/* a is finished at once, b in the third commit, c and d run on. */
static void fill(void)
{
    kt_checkpoint *c;
    heard h;
    assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
    assert_int_equal(h.n, 0);
    add(c, KT_KEPT_MODEL, "a", "model of a");
    add(c, KT_KEPT_FIT, "b", "b at 1");
    add(c, KT_KEPT_FIT, "c", "c at 1");
    assert_int_equal(kt_checkpoint_commit(c, NULL), KT_OK);
    add(c, KT_KEPT_FIT, "b", "b at 2");
    add(c, KT_KEPT_FIT, "c", "c at 2");
    assert_int_equal(kt_checkpoint_commit(c, NULL), KT_OK);
    add(c, KT_KEPT_REFUSAL, "b", "no hope");
    add(c, KT_KEPT_FIT, "c", "c at 3");
    add(c, KT_KEPT_FIT, "d", "d at 3");
    assert_int_equal(kt_checkpoint_commit(c, NULL), KT_OK);
    add(c, KT_KEPT_MODEL, "e", "never committed");
    kt_checkpoint_close(c);
}

static void the_newest_of_each_service_is_told_once(void **state)
{
    (void)state;
    kt_checkpoint *c;
    heard h;
    fill();
    assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
    assert_int_equal(h.n, 4);
    assert_int_equal(h.notes, 0);
    assert_string_equal(told(&h, "a"), "model of a");
    assert_string_equal(told(&h, "b"), "no hope");
    assert_string_equal(told(&h, "c"), "c at 3");
    assert_string_equal(told(&h, "d"), "d at 3");
    for (int i = 0; i < h.n; i++)
        assert_int_equal(h.kind[i], h.service[i][0] == 'a'   ? KT_KEPT_MODEL
                                    : h.service[i][0] == 'b' ? KT_KEPT_REFUSAL
                                                             : KT_KEPT_FIT);
    add(c, KT_KEPT_MODEL, "c", "model of c"); /* goes on after what is there */
    assert_int_equal(kt_checkpoint_commit(c, NULL), KT_OK);
    kt_checkpoint_close(c);
    assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
    assert_string_equal(told(&h, "a"), "model of a");
    assert_string_equal(told(&h, "c"), "model of c");
    kt_checkpoint_close(c);
}

static void write_bytes(const char *path, const char *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

/* Every truncation and every flipped byte of the newest states: those of the commit before count. */
static void damage_to_the_newest_states_costs_one_commit(void **state)
{
    (void)state;
    static const char newest[] = "checkpoint/fits-000000003.part";
    kt_checkpoint *c;
    heard h;
    char *data;
    size_t n;
    fill();
    assert_int_equal(kt_file_read(&data, &n, newest, NULL), KT_OK);
    for (size_t i = 0; i < 2 * n; i++) {
        bool flip = i >= n;
        if (flip)
            data[i - n] ^= 0x20;
        write_bytes(newest, data, flip ? n : i);
        if (flip)
            data[i - n] ^= 0x20;
        assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
        assert_string_equal(told(&h, "c"), "c at 2");
        assert_null(told(&h, "d"));
        assert_string_equal(told(&h, "b"), "no hope");
        assert_int_equal(h.notes, i != 0 && i != HEAD); /* cut between records it looks whole */
        kt_checkpoint_close(c);
    }
    free(data);
}

static void damage_to_results_costs_what_came_after(void **state)
{
    (void)state;
    static const char path[] = "checkpoint/finished";
    kt_checkpoint *c;
    heard h;
    char *data;
    size_t n;
    fill();
    assert_int_equal(kt_file_read(&data, &n, path, NULL), KT_OK);
    write_bytes(path, data, n - 1);
    assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
    assert_int_equal(h.notes, 1);
    assert_string_equal(told(&h, "a"), "model of a");
    assert_string_equal(told(&h, "b"), "b at 2"); /* of the older states */
    add(c, KT_KEPT_REFUSAL, "b", "no hope");
    assert_int_equal(kt_checkpoint_commit(c, NULL), KT_OK);
    kt_checkpoint_close(c);
    assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
    assert_int_equal(h.notes, 0);
    assert_string_equal(told(&h, "b"), "no hope");
    kt_checkpoint_close(c);
    free(data);
}

static kt_status refuse(void *context, kt_error *err)
{
    (void)context;
    return kt_fail(err, KT_BUSY, "another holds the folder");
}

static void nothing_is_written_where_another_may_write(void **state)
{
    (void)state;
    static const kt_file_guard guard = {refuse, NULL};
    kt_checkpoint *c;
    heard h;
    char **names;
    size_t n;
    assert_int_equal(open_it(&c, &h, &guard, NULL), KT_OK);
    add(c, KT_KEPT_MODEL, "a", "model");
    add(c, KT_KEPT_FIT, "b", "fit");
    assert_int_equal(kt_checkpoint_commit(c, NULL), KT_BUSY);
    assert_int_equal(kt_folder_list(&names, &n, "checkpoint", NULL), KT_OK);
    assert_int_equal(n, 0);
    free(names);
    kt_checkpoint_close(c);
}

static kt_status go_on(heard *h)
{
    kt_status status = KT_OK;
    kt_checkpoint *c = NULL;
    KT_TRY(open_it(&c, h, NULL, NULL));
    KT_TRY(kt_checkpoint_add(c, KT_KEPT_FIT, "c", "c at 4", 6, NULL));
    KT_TRY(kt_checkpoint_add(c, KT_KEPT_MODEL, "d", "model of d", 10, NULL));
    KT_TRY(kt_checkpoint_commit(c, NULL));
out:
    kt_checkpoint_close(c);
    return status;
}

/* After a failure of any allocation what was there counts still, and a next try succeeds. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    int failures = 0;
    for (int n = 0;; n++) {
        heard h;
        kt_checkpoint *c;
        fill();
        allocations = n;
        kt_status status = go_on(&h);
        allocations = -1;
        assert_true(status == KT_OK || status == KT_MEMORY);
        assert_int_equal(open_it(&c, &h, NULL, NULL), KT_OK);
        kt_checkpoint_close(c);
        assert_string_equal(told(&h, "a"), "model of a");
        const char *newest = told(&h, "c");
        assert_true(strcmp(newest, "c at 3") == 0 || strcmp(newest, "c at 4") == 0);
        assert_int_equal(go_on(&h), KT_OK);
        assert_int_equal(kt_checkpoint_remove(".", NULL), KT_OK);
        if (status == KT_OK)
            break;
        failures++;
    }
    assert_true(failures > 20);
}

static void another_runs_checkpoint_is_refused(void **state)
{
    (void)state;
    kt_checkpoint *c = NULL;
    heard h = {.n = 0};
    kt_error err = {0};
    const kt_checkpoint_calls calls = {kept, note, &h};
    fill();
    assert_int_equal(kt_checkpoint_open(&c, ".", other_run, NULL, &calls, &err), KT_BUSY);
    assert_null(c);
    assert_non_null(strstr(err.message, "--fresh"));
}

static void only_ours_is_removed(void **state)
{
    (void)state;
    fill();
    write_bytes("checkpoint/.fits-000000004.part.12.0.tmp", "x", 1);
    write_bytes("checkpoint/notes", "x", 1);
    assert_int_equal(kt_checkpoint_remove(".", NULL), KT_OK);
    char **names;
    size_t n;
    assert_int_equal(kt_folder_list(&names, &n, "checkpoint", NULL), KT_OK);
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "notes");
    free(names[0]);
    free(names);
    assert_int_equal(unlink("checkpoint/notes"), 0);
    assert_int_equal(kt_checkpoint_remove(".", NULL), KT_OK);
    assert_int_equal(kt_path_kind_of("checkpoint"), KT_PATH_MISSING);
    assert_int_equal(kt_checkpoint_remove(".", NULL), KT_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_of_each_service_is_told_once),
        TEST(damage_to_the_newest_states_costs_one_commit),
        TEST(damage_to_results_costs_what_came_after),
        TEST(nothing_is_written_where_another_may_write),
        TEST(memory_may_end_anywhere),
        TEST(another_runs_checkpoint_is_refused),
        TEST(only_ours_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
