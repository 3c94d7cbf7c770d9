/* A folder of its own for a test, as the current one while it runs, removed afterwards. */
#ifndef KT_TEST_SCRATCH_H
#define KT_TEST_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch_name[] = "scratch-XXXXXX";

static inline int scratch_remove(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int scratch_enter(void **state)
{
    (void)state;
    snprintf(scratch_name, sizeof scratch_name, "scratch-XXXXXX");
    return mkdtemp(scratch_name) ? chdir(scratch_name) : -1;
}

static inline int scratch_leave(void **state)
{
    (void)state;
    if (chdir("..") != 0)
        return -1;
    return nftw(scratch_name, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
