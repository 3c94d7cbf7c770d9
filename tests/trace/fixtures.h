/* Files of others, in the folder that the environment variable KT_FIXTURES names; tests are skipped without.
 */
#ifndef KT_TEST_TRACE_FIXTURES_H
#define KT_TEST_TRACE_FIXTURES_H

#include "../data/check.h"
#include "kt/file.h"
#include <stdlib.h>

/* The folder, or NULL, which is said. */
static inline const char *fixtures(void)
{
    const char *folder = getenv("KT_FIXTURES");
    if (!folder)
        print_message("KT_FIXTURES is not set: skipped\n");
    return folder;
}

#define SKIP_WITHOUT_FIXTURES()                                                                              \
    do {                                                                                                     \
        if (!fixtures())                                                                                     \
            skip();                                                                                          \
    } while (0)

/* A file below it, unpacked. The caller frees. */
static inline char *read_fixture(size_t *n, const char *name)
{
    char *path, *text;
    OK(kt_path_join(&path, fixtures(), name, &err));
    OK(kt_file_read_any(&text, n, path, &err));
    free(path);
    return text;
}

#endif
