#include "../scratch.h"
#include "kt/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The linker sends the library's calls here: they fail, or do a part, where a test asks for it. */
static bool memory_is_short;
static int fsync_errno;
static int writes_to_interrupt; /* of so many writes each first fails with EINTR, then one byte is taken */
void *__real_realloc(void *memory, size_t n);
int __real_fsync(int file);
ssize_t __real_write(int file, const void *data, size_t n);
void *__wrap_realloc(void *memory, size_t n);
int __wrap_fsync(int file);
ssize_t __wrap_write(int file, const void *data, size_t n);

void *__wrap_realloc(void *memory, size_t n)
{
    return memory_is_short ? NULL : __real_realloc(memory, n);
}

int __wrap_fsync(int file)
{
    if (fsync_errno == 0)
        return __real_fsync(file);
    errno = fsync_errno;
    return -1;
}

ssize_t __wrap_write(int file, const void *data, size_t n)
{
    if (writes_to_interrupt <= 0)
        return __real_write(file, data, n);
    if (writes_to_interrupt-- % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return __real_write(file, data, n > 0 ? 1 : 0);
}

/* The call fails with KT_IO, and its message has both parts. */
#define FAILS(call, part, other)                                                                             \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        assert_int_equal((call), KT_IO);                                                                     \
        if (!strstr(err.message, part) || !strstr(err.message, other))                                       \
            fail_msg("'%s' lacks '%s' or '%s'", err.message, part, other);                                   \
    } while (0)

static void assert_content(const char *path, const char *wanted)
{
    char *data;
    size_t n;
    assert_int_equal(kt_file_read(&data, &n, path, NULL), KT_OK);
    assert_int_equal(n, strlen(wanted));
    assert_string_equal(data, wanted);
    free(data);
}

static void assert_names(const char *folder, size_t n_wanted, const char *const *wanted)
{
    char **names;
    size_t n;
    assert_int_equal(kt_folder_list(&names, &n, folder, NULL), KT_OK);
    assert_int_equal(n, n_wanted);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(names[i], wanted[i]);
        free(names[i]);
    }
    free(names);
}
#define NAMES(folder, ...)                                                                                   \
    assert_names(folder, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                             \
                 (const char *[]){__VA_ARGS__})

static void what_is_written_is_read(void **state)
{
    (void)state;
    char *data, bytes[100000];
    size_t n;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31);
    assert_int_equal(kt_file_write("a", bytes, sizeof bytes, NULL), KT_OK);
    assert_int_equal(kt_file_read(&data, &n, "a", NULL), KT_OK);
    assert_int_equal(n, sizeof bytes);
    assert_memory_equal(data, bytes, n);
    assert_int_equal(data[n], '\0');
    free(data);
    assert_int_equal(kt_file_write("a", NULL, 0, NULL), KT_OK);
    assert_content("a", "");
    NAMES(".", "a");
}

static void sizes_around_the_reader_s_steps(void **state)
{
    (void)state;
    static char text[20000];
    for (size_t n = 4090; n < 4100; n++) {
        memset(text, 'x', n);
        text[n] = '\0';
        assert_int_equal(kt_file_write("a", text, n, NULL), KT_OK);
        assert_content("a", text);
    }
}

static void pipes_are_read_to_their_end(void **state)
{
    (void)state;
    enum { N = 300000 };
    char *data;
    size_t n;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        static char bytes[N];
        memset(bytes, 'p', N);
        int file = open("pipe", O_WRONLY);
        for (size_t done = 0; done < N;)
            done += (size_t)write(file, bytes + done, N - done > 7001 ? 7001 : N - done);
        _exit(0);
    }
    assert_int_equal(kt_file_read(&data, &n, "pipe", NULL), KT_OK);
    assert_int_equal(n, N);
    assert_true(data[0] == 'p' && data[N - 1] == 'p');
    free(data);
    waitpid(child, NULL, 0);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    char *data = (char *)&data;
    size_t n = 1;
    FAILS(kt_file_read(&data, &n, "none", &err), "none", "No such file or directory");
    assert_null(data);
    assert_int_equal(n, 0);
    assert_int_equal(mkdir("folder", 0755), 0);
    FAILS(kt_file_read(&data, &n, "folder", &err), "folder", "Is a directory");
    assert_int_equal(kt_file_write("a", "a", 1, NULL), KT_OK);
    memory_is_short = true;
    kt_status status = kt_file_read(&data, &n, "a", NULL);
    memory_is_short = false;
    assert_int_equal(status, KT_MEMORY);
    assert_null(data);
}

static void what_cannot_be_written_is_named(void **state)
{
    (void)state;
    FAILS(kt_file_write("none/a", "x", 1, &err), "none/a", "No such file or directory");
    assert_int_equal(mkdir("folder", 0755), 0);
    FAILS(kt_file_write("folder", "x", 1, &err), "folder", "Is a directory");
    FAILS(kt_file_write("folder/", "x", 1, &err), "folder/", "folder");
    FAILS(kt_file_append("folder", "x", 1, false, &err), "folder", "Is a directory");
    assert_int_equal(kt_file_write("file", "x", 1, NULL), KT_OK);
    FAILS(kt_file_write("file/a", "x", 1, &err), "file/a", "Not a directory");
    NAMES(".", "file", "folder");
}

/* Root may write everywhere, so the test stands down from it in a child. */
static void folders_without_permission_refuse(void **state)
{
    (void)state;
    assert_int_equal(mkdir("closed", 0555), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        kt_error err = {0};
        if (geteuid() == 0 && (chmod(".", 0755) != 0 || setuid(65534) != 0))
            _exit(1);
        kt_status status = kt_file_write("closed/a", "x", 1, &err);
        bool told =
            status == KT_IO && strstr(err.message, "closed/a") && strstr(err.message, "Permission denied");
        _exit(told ? 0 : 2);
    }
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
}

/* After a failure the old file is there, and nothing else. */
static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    assert_int_equal(kt_file_write("a", "old", 3, NULL), KT_OK);
    fsync_errno = EIO;
    FAILS(kt_file_write("a", "new", 3, &err), "sync", "Input/output error");
    fsync_errno = 0;
    assert_content("a", "old");
    NAMES(".", "a");
    fsync_errno = EINVAL; /* a filesystem that has no fsync */
    assert_int_equal(kt_file_write("a", "new", 3, NULL), KT_OK);
    fsync_errno = 0;
    assert_content("a", "new");
}

static void interrupted_writes_go_on(void **state)
{
    (void)state;
    writes_to_interrupt = 9;
    assert_int_equal(kt_file_write("a", "a text", 6, NULL), KT_OK);
    writes_to_interrupt = 0;
    assert_content("a", "a text");
}

/* In a child with a limit on the size of files, which stands in for a disk that fills up. */
static void a_full_disk_takes_nothing_half(void **state)
{
    (void)state;
    assert_int_equal(kt_file_append("a", "line 1\n", 7, true, NULL), KT_OK);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        kt_error first = {0}, second = {0};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){10, 10});
        kt_status append = kt_file_append("a", "line 2\n", 7, false, &first);
        kt_status whole = kt_file_write("b", "0123456789abc", 13, &second);
        bool told = append == KT_IO && strstr(first.message, "a: File too large") && whole == KT_IO &&
                    strstr(second.message, "b: File too large");
        _exit(told ? 0 : 1);
    }
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    assert_content("a", "line 1\n");
    NAMES(".", "a");
}

/* A device is written to: it is neither replaced nor given a neighbour. */
static void devices_are_not_replaced(void **state)
{
    (void)state;
    if (kt_path_kind_of("/dev/full") != KT_PATH_OTHER || kt_path_kind_of("/dev/null") != KT_PATH_OTHER)
        skip();
    FAILS(kt_file_write("/dev/full", "x", 1, &err), "/dev/full", "No space left on device");
    FAILS(kt_file_append("/dev/full", "x", 1, false, &err), "/dev/full", "No space left on device");
    assert_int_equal(kt_file_write("/dev/null", "x", 1, NULL), KT_OK);
    assert_int_equal(kt_path_kind_of("/dev/null"), KT_PATH_OTHER);
}

static void links_are_followed(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(mkdir("there", 0755), 0);
    assert_int_equal(kt_file_write("there/file", "old", 3, NULL), KT_OK);
    assert_int_equal(symlink("there/file", "link"), 0);
    assert_int_equal(kt_file_write("link", "new", 3, NULL), KT_OK);
    assert_content("there/file", "new");
    assert_int_equal(lstat("link", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    NAMES(".", "link", "there");
    NAMES("there", "file");
}

static void temporary_names_are_free(void **state)
{
    (void)state;
    char *one, *other, *kept, name[256];
    assert_int_equal(mkdir("folder", 0755), 0);
    assert_int_equal(kt_file_temporary(&one, "folder/a.h5", NULL), KT_OK);
    assert_int_equal(strncmp(one, "folder/.a.h5.", 13), 0);
    assert_int_equal(kt_path_kind_of(one), KT_PATH_MISSING);
    assert_int_equal(kt_file_append(one, "left", 4, false, NULL), KT_OK); /* by one that was killed */
    assert_int_equal(kt_file_temporary(&other, "folder/a.h5", NULL), KT_OK);
    assert_string_not_equal(one, other);
    assert_int_equal(kt_file_append(other, "new", 3, false, NULL), KT_OK);
    assert_int_equal(kt_file_commit(other, "folder/a.h5", NULL, NULL), KT_OK);
    assert_content("folder/a.h5", "new");
    kt_file_discard(one);
    kt_file_discard(one);
    kt_file_discard(NULL);
    NAMES("folder", "a.h5");
    FAILS(kt_file_commit(one, "folder/b", NULL, &err), "No such file", "");
    memset(name, 'n', 255); /* the longest name of Linux's filesystems */
    name[255] = '\0';
    assert_int_equal(kt_file_write(name, "x", 1, NULL), KT_OK);
    assert_content(name, "x");
    assert_int_equal(kt_file_temporary(&kept, "a", NULL), KT_OK);
    assert_int_equal(strncmp(kept, "./.a.", 5), 0);
    free(one);
    free(other);
    free(kept);
}

static kt_status answer(void *context, kt_error *err)
{
    const bool *may = context;
    return *may ? KT_OK : kt_fail(err, KT_BUSY, "not yours any more");
}

static void who_may_not_write_changes_nothing(void **state)
{
    (void)state;
    bool may = false;
    const kt_file_guard guard = {answer, &may};
    char *temporary;
    assert_int_equal(kt_file_write("a", "old", 3, NULL), KT_OK);
    assert_int_equal(kt_file_temporary(&temporary, "a", NULL), KT_OK);
    assert_int_equal(kt_file_append(temporary, "new", 3, false, NULL), KT_OK);
    assert_int_equal(kt_file_commit(temporary, "a", &guard, NULL), KT_BUSY);
    assert_content("a", "old");
    assert_content(temporary, "new"); /* the caller's to discard, as after any failure */
    may = true;
    assert_int_equal(kt_file_commit(temporary, "a", &guard, NULL), KT_OK);
    assert_content("a", "new");
    NAMES(".", "a");
    free(temporary);
}

static void appending_adds(void **state)
{
    (void)state;
    assert_int_equal(kt_file_append("a", "one\n", 4, false, NULL), KT_OK);
    assert_int_equal(kt_file_append("a", "two\n", 4, true, NULL), KT_OK);
    assert_content("a", "one\ntwo\n");
    fsync_errno = EIO;
    FAILS(kt_file_append("a", "three\n", 6, true, &err), "a", "Input/output error");
    fsync_errno = 0;
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    static const char *const paths[] = {"x/y/z", "x/y/z/", "x//y", ".", "..", "x/y/w", "/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(kt_folder_create(paths[i], NULL), KT_OK);
        assert_int_equal(kt_path_kind_of(paths[i]), KT_PATH_FOLDER);
    }
    NAMES("x/y", "w", "z");
    assert_int_equal(kt_file_write("x/file", "", 0, NULL), KT_OK);
    FAILS(kt_folder_create("x/file", &err), "x/file", "File exists");
    FAILS(kt_folder_create("x/file/a/b", &err), "x/file", "File exists");
    FAILS(kt_folder_create("", &err), "", "No such file");
}

static void folders_are_listed_in_byte_order(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "B", "10", "9", "a.b", "μ", "a b", ".hidden", "a"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(kt_file_write(names[i], "", 0, NULL), KT_OK);
    NAMES(".", ".hidden", "10", "9", "B", "a", "a b", "a.b", "b", "μ");
    char **list = (char **)&list;
    size_t n = 1;
    FAILS(kt_folder_list(&list, &n, "none", &err), "none", "No such file");
    assert_null(list);
    FAILS(kt_folder_list(&list, &n, "a", &err), "a", "Not a directory");
    assert_int_equal(mkdir("empty", 0755), 0);
    assert_int_equal(kt_folder_list(&list, &n, "empty", NULL), KT_OK);
    assert_non_null(list);
    assert_int_equal(n, 0);
    free(list);
}

static void paths_have_kinds(void **state)
{
    (void)state;
    assert_int_equal(kt_file_write("a", "", 0, NULL), KT_OK);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(symlink("none", "broken"), 0);
    assert_int_equal(kt_path_kind_of("a"), KT_PATH_FILE);
    assert_int_equal(kt_path_kind_of("."), KT_PATH_FOLDER);
    assert_int_equal(kt_path_kind_of("pipe"), KT_PATH_OTHER);
    assert_int_equal(kt_path_kind_of("broken"), KT_PATH_MISSING);
    assert_int_equal(kt_path_kind_of("a/b"), KT_PATH_MISSING);
}

static void paths_are_joined_and_cut(void **state)
{
    (void)state;
    static const char *const joins[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    static const char *const stems[][2] = {
        {"a/b.csv", "b"},
        {"a/b/", "b"},
        {"b", "b"},
        {"a.d/b", "b"},
        {"b.tar.gz", "b.tar"},
        {".hidden", ".hidden"},
        {"a/.hidden.h5", ".hidden"},
        {"..", ".."},
        {"b.csv//", "b"},
        {"/", ""},
        {"", ""},
    };
    char *out;
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        assert_int_equal(kt_path_join(&out, joins[i][0], joins[i][1], NULL), KT_OK);
        assert_string_equal(out, joins[i][2]);
        free(out);
    }
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
        assert_int_equal(kt_path_stem(&out, stems[i][0], NULL), KT_OK);
        assert_string_equal(out, stems[i][1]);
        free(out);
    }
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(what_is_written_is_read),
        IN_SCRATCH(sizes_around_the_reader_s_steps),
        IN_SCRATCH(pipes_are_read_to_their_end),
        IN_SCRATCH(what_cannot_be_read_is_named),
        IN_SCRATCH(what_cannot_be_written_is_named),
        IN_SCRATCH(folders_without_permission_refuse),
        IN_SCRATCH(a_failed_write_leaves_the_old_file),
        IN_SCRATCH(interrupted_writes_go_on),
        IN_SCRATCH(a_full_disk_takes_nothing_half),
        IN_SCRATCH(devices_are_not_replaced),
        IN_SCRATCH(links_are_followed),
        IN_SCRATCH(temporary_names_are_free),
        IN_SCRATCH(who_may_not_write_changes_nothing),
        IN_SCRATCH(appending_adds),
        IN_SCRATCH(folders_are_made_with_their_parents),
        IN_SCRATCH(folders_are_listed_in_byte_order),
        IN_SCRATCH(paths_have_kinds),
        IN_SCRATCH(paths_are_joined_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
