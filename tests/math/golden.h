/* Reading the truths of tests/golden: lines of words. */
#ifndef KT_TESTS_GOLDEN_H
#define KT_TESTS_GOLDEN_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_WORDS = 8 };

typedef struct {
    FILE *file;
    char line[512];
    char *word[GOLDEN_WORDS];
    int words;
} golden;

static inline golden golden_open(const char *name)
{
    char path[1024];
    golden g = {0};
    snprintf(path, sizeof path, "%s/golden/%s", KT_TESTS, name);
    g.file = fopen(path, "r");
    assert_non_null(g.file);
    return g;
}

static inline bool golden_next(golden *g)
{
    if (!fgets(g->line, sizeof g->line, g->file)) {
        fclose(g->file);
        return false;
    }
    g->words = 0;
    for (char *at = strtok(g->line, " \n"); at && g->words < GOLDEN_WORDS; at = strtok(NULL, " \n"))
        g->word[g->words++] = at;
    return true;
}

static inline bool golden_is(const golden *g, const char *first)
{
    return strcmp(g->word[0], first) == 0;
}

static inline double golden_number(const golden *g, int i)
{
    assert_true(i < g->words);
    return strtod(g->word[i], NULL);
}

/* Fails with the line's words unless |value - truth| <= relative |truth| + absolute. */
static inline void golden_expect(const golden *g, const char *what, double value, double truth,
                                 double relative, double absolute)
{
    if (fabs(value - truth) <= relative * fabs(truth) + absolute || value == truth)
        return;
    for (int i = 0; i < g->words; i++)
        print_error("%s ", g->word[i]);
    print_error("\n%s: %.17g, truth %.17g, off by %.2e of it\n", what, value, truth,
                fabs(value - truth) / fabs(truth));
    fail();
}

#endif
