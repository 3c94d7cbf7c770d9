/* The lock of a run's folder: who is refused, who takes over, who must not write any more. */
#include "../scratch.h"

#include "kt/file.h"
#include "kt/lock.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define OTHER_BOOT "00000000-1111-2222-3333-444444444444"
#define TOKEN_A    "00112233445566778899aabbccddeeff"
#define TOKEN_B    "ffeeddccbbaa99887766554433221100"

/* The lock's thread renews when the steady clock is 10 s on; it thinks so every 0.1 s. */
static bool hurry;
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = __real_clock_gettime(clock, time);
    if (hurry && clock == CLOCK_MONOTONIC) {
        time->tv_sec -= 10;
        time->tv_nsec += 100000000;
    }
    if (time->tv_nsec >= 1000000000) {
        time->tv_nsec -= 1000000000;
        time->tv_sec++;
    }
    return result;
}

/* ---- made-up holders ---- */

static const char *boot(void)
{
    static char id[64];
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    assert_non_null(file);
    assert_non_null(fgets(id, sizeof id, file));
    fclose(file);
    id[strcspn(id, "\n")] = '\0';
    return id;
}

static const char *space(void)
{
    static char name[64];
    ssize_t n = readlink("/proc/self/ns/pid", name, sizeof name - 1);
    assert_true(n > 0);
    name[n] = '\0';
    return name;
}

/* Field 22 of /proc/PID/stat: our processes have no ')' in their names. */
static long long started(pid_t pid)
{
    char path[64], line[1024];
    long long ticks = -1;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_int_equal(
        sscanf(strchr(line, ')') + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &ticks),
        1);
    return ticks;
}

static void forge(const char *path, const char *token, const char *its_boot, long long pid, long long start,
                  int age)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "{\"token\": \"%s\", \"host\": \"node7\", \"boot\": \"%s\", \"pid_namespace\": \"%s\", \"pid\": "
            "%lld, "
            "\"started\": %lld, \"job\": \"4711\", \"since\": \"2026-08-20T12:00:00.000000000Z\"}\n",
            token, its_boot, space(), pid, start);
    fclose(file);
    struct timespec times[2];
    __real_clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age;
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A process that sleeps until it is killed. */
static pid_t sleeper(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- what is asserted ---- */

static void assert_refused(const char *word)
{
    kt_lock *lock = NULL;
    kt_error err = {0};
    assert_int_equal(kt_lock_take(&lock, ".", NULL, &err), KT_BUSY);
    assert_null(lock);
    if (!strstr(err.message, word))
        fail_msg("'%s' lacks '%s'", err.message, word);
}

static void assert_files(size_t n)
{
    char **names;
    size_t there;
    assert_int_equal(kt_folder_list(&names, &there, ".", NULL), KT_OK);
    for (size_t i = 0; i < there; i++)
        free(names[i]);
    free(names);
    assert_int_equal(there, n);
}

/* Taken over at once, held, and gone afterwards with all that the take-over needed. */
static void assert_taken(void)
{
    kt_lock *lock = NULL;
    kt_error err = {0};
    if (kt_lock_take(&lock, ".", "12", &err) != KT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(kt_lock_check(lock, NULL), KT_OK);
    assert_files(1);
    assert_refused("job 12");
    kt_lock_release(lock);
    assert_files(0);
}

/* ---- tests ---- */

static void one_at_a_time(void **state)
{
    (void)state;
    char pid[32];
    snprintf(pid, sizeof pid, "process %d,", (int)getpid());
    kt_lock *lock = NULL;
    assert_int_equal(kt_lock_take(&lock, ".", NULL, NULL), KT_OK);
    assert_int_equal(kt_path_kind_of(KT_RUN_LOCK), KT_PATH_FILE);
    assert_refused(pid);
    kt_lock_release(lock);
    assert_taken();
    kt_lock_release(NULL);
}

static void here_the_process_tells(void **state)
{
    (void)state;
    pid_t pid = sleeper();
    long long start = started(pid);
    forge(KT_RUN_LOCK, TOKEN_A, boot(), pid, start, 3600); /* it runs, however old its lock */
    assert_refused("node7");
    assert_refused("job 4711, since 2026-08-20T12:00:00Z");
    assert_files(1);
    forge(KT_RUN_LOCK, TOKEN_A, boot(), pid, start - 1, 0); /* its number, given to another process */
    assert_taken();
    forge(KT_RUN_LOCK, TOKEN_A, boot(), pid, start, 0);
    kill(pid, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_taken(); /* dead, but its parent has not asked */
    end(pid);
    forge(KT_RUN_LOCK, TOKEN_A, boot(), pid, start, 0);
    assert_taken();
}

static void elsewhere_the_file_server_tells(void **state)
{
    (void)state;
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, getpid(), started(getpid()), 0);
    assert_refused("node7");
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, 1, 1, 50);
    assert_refused("node7");
    assert_files(1);
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, getpid(), started(getpid()), 70);
    assert_taken();
}

static void a_torn_lock_counts_for_a_minute(void **state)
{
    (void)state;
    const char *texts[] = {"", "{\"token\": \"0011", "{\"token\": \"../../../etc/passwd\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct timespec old[2] = {{1000, 0}, {1000, 0}};
        assert_int_equal(kt_file_write(KT_RUN_LOCK, texts[i], strlen(texts[i]), NULL), KT_OK);
        assert_refused("just begun");
        assert_int_equal(utimensat(AT_FDCWD, KT_RUN_LOCK, old, 0), 0);
        assert_taken();
    }
}

static void a_take_over_cut_short_is_taken_over(void **state)
{
    (void)state;
    pid_t pid = sleeper();
    long long start = started(pid);
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, 1, 1, 70);
    forge(KT_RUN_LOCK "." TOKEN_A, TOKEN_B, boot(), pid, start, 0);
    assert_refused("node7"); /* its successor is at work */
    end(pid);
    assert_taken();
    forge(KT_RUN_LOCK "." TOKEN_A, TOKEN_B, OTHER_BOOT, 1, 1, 0); /* one that came too late */
    assert_taken();
}

static void who_lost_it_writes_nothing(void **state)
{
    (void)state;
    kt_lock *lock = NULL;
    kt_error err = {0};
    assert_int_equal(kt_lock_take(&lock, ".", NULL, NULL), KT_OK);
    assert_int_equal(kt_file_ask(kt_lock_guard(lock), NULL), KT_OK);
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, 33, 1, 0);
    assert_int_equal(kt_lock_check(lock, &err), KT_BUSY);
    assert_non_null(strstr(err.message, "taken over by kt-train on node7, process 33, job 4711"));
    assert_int_equal(kt_file_ask(kt_lock_guard(lock), NULL), KT_BUSY);
    kt_lock_release(lock);
    assert_files(1); /* the other's */
    assert_refused("node7");

    assert_int_equal(unlink(KT_RUN_LOCK), 0);
    assert_int_equal(kt_lock_take(&lock, ".", NULL, NULL), KT_OK);
    assert_int_equal(unlink(KT_RUN_LOCK), 0);
    kt_error_clear(&err);
    assert_int_equal(kt_lock_check(lock, &err), KT_BUSY);
    assert_non_null(strstr(err.message, "was removed"));
    kt_lock_release(lock);
    assert_files(0);
}

static void it_is_renewed_meanwhile(void **state)
{
    (void)state;
    const struct timespec old[2] = {{1000, 0}, {1000, 0}}, nap = {0, 10000000};
    struct stat info = {.st_mtim = {1000, 0}};
    kt_lock *lock = NULL;
    hurry = true;
    assert_int_equal(kt_lock_take(&lock, ".", NULL, NULL), KT_OK);
    assert_int_equal(utimensat(AT_FDCWD, KT_RUN_LOCK, old, 0), 0);
    for (int i = 0; i < 1000 && info.st_mtim.tv_sec == 1000; i++) {
        nanosleep(&nap, NULL);
        assert_int_equal(stat(KT_RUN_LOCK, &info), 0);
    }
    assert_true(info.st_mtim.tv_sec > 1000);
    kt_lock_release(lock);
    hurry = false;
}

static void a_folder_must_let_us(void **state)
{
    (void)state;
    kt_lock *lock = NULL;
    kt_error err = {0};
    assert_int_equal(kt_lock_take(&lock, "missing", NULL, &err), KT_IO);
    assert_non_null(strstr(err.message, "missing/run.lock"));
    assert_true(kt_lock_name("run.lock") && kt_lock_name("run.lock." TOKEN_A));
    assert_false(kt_lock_name("run.locks") || kt_lock_name("run") || kt_lock_name(".run.lock"));
}

/* ---- races ---- */

enum { RACERS = 3, RACES = 200 };

/* In a process of its own: waits for the signal, tries, says how it went, and holds what it took until all
 * have tried. */
static void race(int go, int told, int done)
{
    kt_lock *lock = NULL;
    char byte;
    if (read(go, &byte, 1) != 0) /* all wait for the end of the file, which comes to all at once */
        _exit(2);
    kt_status status = kt_lock_take(&lock, ".", NULL, NULL);
    byte = status == KT_OK ? 'w' : status == KT_BUSY ? 'b' : '?';
    if (write(told, &byte, 1) != 1 || read(done, &byte, 1) != 0)
        _exit(2);
    bool still = lock && kt_lock_check(lock, NULL) == KT_OK;
    kt_lock_release(lock);
    _exit(lock && !still);
}

static int winners(int round)
{
    int go[2], told[2], done[2], won = 0;
    char results[RACERS];
    assert_int_equal(pipe(go) | pipe(told) | pipe(done), 0);
    for (int i = 0; i < RACERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
            continue;
        close(go[1]);
        close(done[1]);
        race(go[0], told[1], done[0]);
    }
    close(go[1]);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(read(told[0], &results[i], 1), 1);
    close(done[1]);
    for (int i = 0; i < RACERS; i++) {
        int code;
        assert_true(wait(&code) > 0);
        if (code != 0)
            fail_msg("round %d: a racer ended with status %d", round, code);
        assert_true(results[i] == 'w' || results[i] == 'b');
        won += results[i] == 'w';
    }
    close(go[0]);
    close(told[0]);
    close(told[1]);
    close(done[0]);
    return won;
}

static void of_several_one_wins(void **state)
{
    (void)state;
    for (int round = 0; round < RACES; round++) {
        if (round % 4 != 0) /* else nobody has it */
            forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, 1, 1, 70);
        if (round % 4 == 2) /* and a take-over was cut short */
            forge(KT_RUN_LOCK "." TOKEN_A, TOKEN_B, OTHER_BOOT, 1, 1, 70);
        int won = winners(round);
        if (won != 1)
            fail_msg("round %d: %d winners", round, won);
        assert_files(0);
    }
}

/* One attempt in a process of its own, which half the time is killed with the lock. What holds it excludes
 * the others from a file that the kernel guards too. Ends with 0, or killed, where it had the lock, with 1
 * where it was refused.
 */
static void attempt(int number)
{
    kt_lock *lock = NULL;
    kt_status status = kt_lock_take(&lock, ".", NULL, NULL);
    if (status != KT_OK)
        _exit(status == KT_BUSY ? 1 : 2);
    int inside = open("../inside", O_RDWR | O_CREAT, 0666);
    if (inside < 0 || flock(inside, LOCK_EX | LOCK_NB) != 0)
        _exit(3);
    if (kt_lock_check(lock, NULL) != KT_OK)
        _exit(4);
    if (number % 2 == 0)
        raise(SIGKILL);
    close(inside);
    kt_lock_release(lock);
    _exit(0);
}

static void never_two_at_once(void **state)
{
    (void)state;
    enum { ATTEMPTS = 600 };
    int had = 0;
    assert_int_equal(kt_folder_create("run", NULL), KT_OK);
    assert_int_equal(chdir("run"), 0);
    for (int begun = 0, ended = 0; ended < ATTEMPTS; ended++) {
        int code;
        for (; begun < ATTEMPTS && begun - ended < RACERS; begun++)
            if (fork() == 0)
                attempt(begun);
        assert_true(wait(&code) > 0);
        bool killed = WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL;
        if (!killed && (!WIFEXITED(code) || WEXITSTATUS(code) > 1))
            fail_msg("attempt %d ended with status %d", ended, code);
        had += killed || WEXITSTATUS(code) == 0;
    }
    assert_true(had >= ATTEMPTS / 20); /* it was tried in earnest */
    assert_taken();
    assert_int_equal(chdir(".."), 0);
}

static double now(void)
{
    struct timespec t;
    __real_clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec;
}

static void who_only_reads_is_told(void **state)
{
    (void)state;
    kt_lock *lock;
    assert_false(kt_lock_is_held(".", now()));
    assert_false(kt_lock_is_held("nowhere", now()));
    assert_int_equal(kt_lock_take(&lock, ".", NULL, NULL), KT_OK);
    assert_true(kt_lock_is_held(".", now()));
    kt_lock_release(lock);
    assert_false(kt_lock_is_held(".", now()));
    pid_t other = sleeper();
    forge(KT_RUN_LOCK, TOKEN_A, boot(), other, started(other), 500); /* its process tells, not its age */
    assert_true(kt_lock_is_held(".", now()));
    end(other);
    forge(KT_RUN_LOCK, TOKEN_A, boot(), other, 1, 0);
    assert_false(kt_lock_is_held(".", now()));
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, 1, 1, 50);
    assert_true(kt_lock_is_held(".", now()));
    forge(KT_RUN_LOCK, TOKEN_A, OTHER_BOOT, 1, 1, 70);
    assert_false(kt_lock_is_held(".", now()));
    assert_files(1); /* nothing was written to find out */
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(one_at_a_time),
        IN_FOLDER(here_the_process_tells),
        IN_FOLDER(elsewhere_the_file_server_tells),
        IN_FOLDER(a_torn_lock_counts_for_a_minute),
        IN_FOLDER(a_take_over_cut_short_is_taken_over),
        IN_FOLDER(who_lost_it_writes_nothing),
        IN_FOLDER(it_is_renewed_meanwhile),
        IN_FOLDER(a_folder_must_let_us),
        IN_FOLDER(who_only_reads_is_told),
        IN_FOLDER(of_several_one_wins),
        IN_FOLDER(never_two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
