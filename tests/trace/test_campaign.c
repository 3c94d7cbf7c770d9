#include "../scratch.h"
#include "campaign_json.h"
#include "kt/file.h"
#include "kt/manifest.h"
#include "load_server.h"

static load_server server;

typedef struct {
    size_t cells, stop_after; /* stop: once so many cells are done */
    size_t sent;              /* of the cell at work */
    size_t stop_sent;         /* stop once so many are sent in cell stop_after */
    char notes[2000];
} watcher;

static kt_load_order order(void *context)
{
    const watcher *w = context;
    return w->cells >= w->stop_after && w->sent >= w->stop_sent ? KT_LOAD_FINISH : KT_LOAD_GO;
}

static void see_progress(void *context, size_t cell, size_t sent, size_t done, size_t errors)
{
    (void)cell, (void)done, (void)errors;
    ((watcher *)context)->sent = sent;
}

static void see_cell(void *context, const kt_json *cell)
{
    watcher *w = context;
    w->cells += kt_json_get(cell, "incomplete") == NULL;
    w->sent = 0;
}

static void see_note(void *context, const char *line)
{
    watcher *w = context;
    snprintf(w->notes + strlen(w->notes), sizeof w->notes - strlen(w->notes), "%s\n", line);
}

/* Plan text: its uri is at the server. *summary may be NULL. */
static kt_status run(watcher *w, kt_json **summary, const char *more, kt_campaign_options o, kt_error *err)
{
    kt_campaign c = {.n = 0};
    kt_json *plan = json(more), *all = NULL;
    char url[60];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", server.port);
    if (!kt_json_get(plan, "uri"))
        kt_json_put(plan, "uri", kt_json_string(url));
    kt_json_put(plan, "seed", kt_json_int(5));
    if (kt_campaign_parse(&c, plan, "plan.json", err) != KT_OK)
        fail_msg("%s", err->message);
    o.stop = order;
    o.progress = see_progress;
    o.cell_done = see_cell;
    o.note = see_note;
    o.context = w;
    kt_status status = kt_campaign_run(&all, &c, &o, err);
    if (summary)
        *summary = all;
    else
        kt_json_drop(all);
    kt_campaign_clear(&c);
    kt_json_drop(plan);
    return status;
}

static const watcher calm = {.stop_after = SIZE_MAX};

static kt_manifest manifest_of(const char *path)
{
    kt_manifest manifest = {.n = 0};
    kt_error err = {0};
    char *text = NULL;
    size_t n;
    if (kt_file_read(&text, &n, path, &err) != KT_OK ||
        kt_manifest_parse(&manifest, text, n, path, &err) != KT_OK)
        fail_msg("%s", err.message);
    free(text);
    return manifest;
}

/* Lines of requests.csv by cell, and that no trace id is there twice. */
static void count_requests(size_t *of_cell, size_t cells, const char *path)
{
    static char trace[2000][33];
    char line[300];
    size_t n = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, KT_LOAD_CSV_HEADER);
    memset(of_cell, 0, cells * sizeof *of_cell);
    for (; fgets(line, sizeof line, file); n++) {
        unsigned cell;
        assert_int_equal(sscanf(line, "%*[^,],%*[^,],%*u,%*d,,%32[0-9a-f],%*[^,],%u,", trace[n], &cell), 2);
        assert_true(cell < cells);
        of_cell[cell]++;
        for (size_t k = 0; k < n; k++)
            assert_string_not_equal(trace[k], trace[n]);
    }
    fclose(file);
}

static void a_campaign_ends_with_one_manifest(void **state)
{
    (void)state;
    watcher w = calm;
    kt_error err = {0};
    kt_json *summary = NULL;
    const char *plan =
        "{'entry': 'front', 'requests': 30, 'sd': 2, 'cells': [{'rps': [400, 800], 'rep': {'cart': 2}},"
        "{'rps': 600}]}";
    kt_campaign_options o = {.folder = "whole"};
    if (run(&w, &summary, plan, o, &err) != KT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(w.cells, 3);
    assert_int_equal(kt_json_as_int(kt_json_get(summary, "n"), 0), 90);
    assert_int_equal(kt_json_as_int(kt_json_get(summary, "cells_done"), 0), 3);
    kt_json_drop(summary);
    kt_manifest m = manifest_of("whole/manifest.json");
    assert_string_equal(m.entry, "front");
    assert_int_equal(m.n, 3);
    static const double asked[] = {200, 400, 300};
    for (size_t i = 0; i < 3; i++) {
        assert_true(m.cell[i].asked == asked[i]);
        assert_true(m.cell[i].achieved > 0.3 * asked[i] && m.cell[i].achieved < 3 * asked[i]);
        assert_int_equal(m.cell[i].requests, 30);
        assert_int_equal(m.cell[i].errors, 0);
        assert_int_equal(m.cell[i].n_reps, i < 2);
    }
    assert_string_equal(m.cell[0].rep[0].service, "cart");
    kt_manifest_clear(&m);
    size_t of_cell[3];
    count_requests(of_cell, 3, "whole/requests.csv");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(of_cell[i], 30);
    assert_int_equal(kt_path_kind_of("whole/cells"), KT_PATH_MISSING);
    /* Once more: nothing is sent. Another plan: refused, with what differs; --fresh: from the beginning. */
    w = calm;
    assert_int_equal(run(&w, NULL, plan, o, &err), KT_OK);
    assert_int_equal(w.cells, 0);
    const char *other = "{'requests': 31, 'cells': [{'rps': 600}]}";
    assert_int_equal(run(&w, NULL, other, o, &err), KT_BUSY);
    assert_non_null(strstr(err.message, "cells"));
    o.fresh = true;
    kt_error_clear(&err);
    assert_int_equal(run(&w, NULL, other, o, &err), KT_OK);
    count_requests(of_cell, 3, "whole/requests.csv");
    assert_int_equal(of_cell[0], 31);
}

static void a_stopped_campaign_goes_on(void **state)
{
    (void)state;
    const char *plan = "{'requests': 40, 'cells': [{'rps': [200, 201, 202]}]}";
    watcher w = {.stop_after = 1, .stop_sent = 5};
    kt_error err = {0};
    kt_campaign_options o = {.folder = "stopped"};
    assert_int_equal(run(&w, NULL, plan, o, &err), KT_STOPPED);
    assert_int_equal(w.cells, 1);
    kt_manifest m =
        manifest_of("stopped/manifest.json"); /* the cell that was stopped is there with what it has */
    assert_int_equal(m.n, 2);
    assert_int_equal(m.cell[0].requests, 40);
    assert_true(m.cell[1].requests >= 5 && m.cell[1].requests < 40);
    kt_manifest_clear(&m);
    size_t of_cell[3];
    count_requests(of_cell, 3, "stopped/requests.csv");
    assert_true(of_cell[0] == 40 && of_cell[1] >= 5 && of_cell[1] < 40 && of_cell[2] == 0);
    char *before = NULL, *after = NULL;
    size_t bytes;
    assert_int_equal(kt_file_read(&before, &bytes, "stopped/requests.csv", NULL), KT_OK);
    w = calm;
    kt_error_clear(&err);
    assert_int_equal(run(&w, NULL, plan, o, &err), KT_OK);
    assert_int_equal(w.cells, 2);
    m = manifest_of("stopped/manifest.json");
    assert_int_equal(m.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(m.cell[i].requests, 40);
    kt_manifest_clear(&m);
    count_requests(of_cell, 3, "stopped/requests.csv");
    assert_true(of_cell[0] == 40 && of_cell[1] == 40 && of_cell[2] == 40);
    /* Cell 1 was begun twice: its second run has other trace ids, or two requests would be one trace. */
    assert_int_equal(kt_file_read(&after, &bytes, "stopped/requests.csv", NULL), KT_OK);
    for (char *line = strstr(before, ",1,measured\n"); line; line = strstr(line + 1, ",1,measured\n")) {
        char id[33] = "";
        const char *start = line;
        for (int commas = 0; commas < 2; start--)
            commas += start[-1] == ',';
        assert_int_equal(sscanf(start + 1, "%32[0-9a-f],", id), 1);
        assert_int_equal(strlen(id), 32);
        assert_null(strstr(after, id));
    }
    free(before);
    free(after);
}

static char *text_of(const char *path)
{
    char *text = NULL;
    size_t n;
    assert_int_equal(kt_file_read(&text, &n, path, NULL), KT_OK);
    return text;
}

static void hooks_run_for_what_changes(void **state)
{
    (void)state;
    /* A script of the test's own; the campaign gives no shell. */
    FILE *file = fopen("hook.sh", "w");
    fputs("#!/bin/sh\necho \"$@\" >>hooks.log\n", file);
    fclose(file);
    assert_int_equal(system("chmod +x hook.sh"), 0);
    watcher w = calm;
    kt_error err = {0};
    kt_campaign_options o = {.folder = "hooks"};
    const char *plan =
        "{'requests': 2, 'hook': [['./hook.sh', 'scale', '{service};id', '--replicas={rep}'], ['./hook.sh', "
        "'cell {cell}', '{rps}', '$(id) {.x}']], 'sd': 2,"
        "'cells': [{'rps': [400, 500], 'rep': {'a': 1, 'b': 2}}, {'rps': 400, 'rep': {'a': 3, 'b': 2}}]}";
    if (run(&w, NULL, plan, o, &err) != KT_OK)
        fail_msg("%s", err.message);
    char *text = text_of("hooks.log");
    assert_string_equal(text, "scale a;id --replicas=1\nscale b;id --replicas=2\ncell 0 200 $(id) {.x}\n"
                              "cell 1 250 $(id) {.x}\n"
                              "scale a;id --replicas=3\ncell 2 200 $(id) {.x}\n");
    free(text);
}

static void a_hook_that_fails_is_shown(void **state)
{
    (void)state;
    /* valgrind spawns by a plain fork, which cannot tell its parent that there is no such program */
    const char *missing = getenv("KT_VALGRIND") ? "'./no-such-program' ended with code"
                                                : "'./no-such-program' cannot be run: No such file";
    const struct {
        const char *hook, *message, *note;
    } cases[] = {
        {"['/bin/sh', '-c', 'echo first; echo no such deployment >&2; exit 3']",
         "ended with code 3: no such deployment", "first\n"},
        {"['/bin/sh', '-c', 'echo waiting; sleep 60 & sleep 60']", "took over 0.3 s: waiting", "waiting\n"},
        {"['/bin/sh', '-c', 'kill -9 $$']", "by signal 9: it said nothing", ""},
        {"['./no-such-program']", missing, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        watcher w = calm;
        kt_error err = {0};
        char plan[400], folder[20];
        snprintf(plan, sizeof plan,
                 "{'requests': 2, 'hook-timeout': 0.3, 'cells': [{'rps': 500}], 'hook': %s}", cases[i].hook);
        snprintf(folder, sizeof folder, "failing%zu", i);
        assert_int_equal(run(&w, NULL, plan, (kt_campaign_options){.folder = folder}, &err), KT_IO);
        if (!strstr(err.message, cases[i].message))
            fail_msg("no '%s' in: %s", cases[i].message, err.message);
        assert_non_null(strstr(w.notes, cases[i].note));
        assert_int_equal(w.cells, 0);
    }
}

static void a_failure_can_be_passed_over(void **state)
{
    (void)state;
    watcher w = calm;
    kt_error err = {0};
    kt_campaign_options o = {.folder = "passed", .keep_going = true};
    const char *plan =
        "{'requests': 5, 'hook': ['/usr/bin/test', '{cell}', '-ne', '1', '-o', '-e', 'mended'],"
        "'cells': [{'rps': [500, 501, 502]}]}";
    assert_int_equal(run(&w, NULL, plan, o, &err), KT_IO);
    assert_non_null(strstr(err.message, "1 of 3 cells failed"));
    assert_int_equal(w.cells, 2);
    fclose(fopen("mended", "w"));
    w = calm;
    kt_error_clear(&err);
    assert_int_equal(run(&w, NULL, plan, o, &err), KT_OK);
    assert_int_equal(w.cells, 1);
    kt_manifest m = manifest_of("passed/manifest.json"); /* by start: 0, 2, 1 */
    assert_int_equal(m.n, 3);
    assert_true(m.cell[0].asked == 500 && m.cell[1].asked == 502 && m.cell[2].asked == 501);
    kt_manifest_clear(&m);
}

static void a_server_that_is_gone_fails_its_cell(void **state)
{
    (void)state;
    watcher w = calm;
    kt_error err = {0};
    const char *plan =
        "{'uri': 'http://127.0.0.1:1/', 'requests': 1000, 'give-up': 0.2, 'cells': [{'rps': 100}]}";
    assert_int_equal(run(&w, NULL, plan, (kt_campaign_options){.folder = "gone"}, &err), KT_IO);
    assert_non_null(strstr(err.message, "no answer within 0.2 s"));
    kt_json *summary = NULL;
    assert_int_equal(kt_json_read(&summary, "gone/summary.json", NULL), KT_OK);
    assert_int_equal(kt_json_as_int(kt_json_get(summary, "cells_done"), -1), 0);
    assert_true(kt_json_as_int(kt_json_get(kt_json_get(summary, "errors_by_kind"), "refused"), 0) >= 10);
    kt_json_drop(summary);
}

static void folders_of_others_are_left_alone(void **state)
{
    (void)state;
    watcher w = calm;
    kt_error err = {0};
    const char *plan = "{'requests': 2, 'cells': [{'rps': 500}]}";
    assert_int_equal(kt_folder_create("theirs", NULL), KT_OK);
    assert_int_equal(kt_file_write("theirs/notes.txt", "mine", 4, NULL), KT_OK);
    for (int fresh = 0; fresh < 2; fresh++) {
        kt_error_clear(&err);
        assert_int_equal(run(&w, NULL, plan, (kt_campaign_options){.folder = "theirs", .fresh = fresh}, &err),
                         KT_BUSY);
        assert_non_null(strstr(err.message, "notes.txt"));
    }
    char *text = text_of("theirs/notes.txt");
    assert_string_equal(text, "mine");
    free(text);
}

static void secrets_are_not_kept(void **state)
{
    (void)state;
    watcher w = calm;
    kt_error err = {0};
    char plan[400];
    snprintf(
        plan, sizeof plan,
        "{'uri': 'http://me:pa55@127.0.0.1:%d/ok?key=t0ken', 'header': ['X-Key: s3cret'], 'body': 'b0dy',"
        "'requests': 2, 'cells': [{'rps': 500}]}",
        server.port);
    if (run(&w, NULL, plan, (kt_campaign_options){.folder = "secrets"}, &err) != KT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(system("! grep -rE 'pa55|t0ken|s3cret|b0dy' secrets"), 0);
    assert_int_equal(system("grep -rq X-Key secrets"), 0);
    kt_error_clear(&err);
    char *query = strstr(plan, "t0ken");
    query[0] = 'u'; /* another query is another load, though it is not told */
    assert_int_equal(run(&w, NULL, plan, (kt_campaign_options){.folder = "secrets"}, &err), KT_BUSY);
    assert_null(strstr(err.message, "0ken"));
}

static int start(void **state)
{
    if (scratch_enter(state) != 0)
        return -1;
    server = load_server_start(NULL);
    return 0;
}

static int end(void **state)
{
    load_server_stop(&server);
    return scratch_leave(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_campaign_ends_with_one_manifest),
        cmocka_unit_test(a_stopped_campaign_goes_on),
        cmocka_unit_test(hooks_run_for_what_changes),
        cmocka_unit_test(a_hook_that_fails_is_shown),
        cmocka_unit_test(a_failure_can_be_passed_over),
        cmocka_unit_test(a_server_that_is_gone_fails_its_cell),
        cmocka_unit_test(folders_of_others_are_left_alone),
        cmocka_unit_test(secrets_are_not_kept),
    };
    return cmocka_run_group_tests(tests, start, end);
}
