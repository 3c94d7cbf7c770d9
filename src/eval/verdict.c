#include "kt/verdict.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const kt_verdict_text[KT_VERDICTS] = {"good", "fair", "poor", "unjudged"};

enum { P95 = 1, LEVELS = 2 };

/* For good and fair. */
static const struct {
    double floors, ks, p95, worst;
} bounds[LEVELS] = {{1.5, 0.05, 0.10, 0.2}, {3, 0.10, 0.25, 0.4}};

/* Each also false for NaN. */
static bool ks_holds(const kt_score *s, int level)
{
    return s->ks <= fmax(bounds[level].floors * s->ks_floor, bounds[level].ks);
}

static bool p95_holds(const kt_score *s, int level)
{
    return s->error[P95] <= bounds[level].p95;
}

static bool worst_holds(const kt_score *s, int level)
{
    return s->worst_ks <= bounds[level].worst;
}

kt_verdict kt_verdict_of(const kt_score *interior)
{
    if (interior->cells == 0)
        return KT_VERDICT_UNJUDGED;
    for (int level = 0; level < LEVELS; level++)
        if (ks_holds(interior, level) && p95_holds(interior, level) && worst_holds(interior, level))
            return (kt_verdict)level;
    return KT_VERDICT_POOR;
}

static void add(char *text, size_t size, const char *part)
{
    size_t n = strlen(text);
    snprintf(text + n, size - n, "%s%s", n > 0 ? ", " : "", part);
}

void kt_verdict_reason(char *text, size_t size, const kt_score *interior)
{
    char part[160];
    text[0] = '\0';
    if (interior->cells == 0)
        add(text, size, "no cell inside the hull was held out");
    if (interior->cells > 0 && !ks_holds(interior, 0)) {
        snprintf(part, sizeof part, "KS %.3f at a floor of %.3f", interior->ks, interior->ks_floor);
        add(text, size, part);
    }
    if (interior->cells > 0 && !p95_holds(interior, 0)) {
        snprintf(part, sizeof part, "p95 off by %.1f %%", 100 * interior->error[P95]);
        add(text, size, part);
    }
    if (interior->cells > 0 && !worst_holds(interior, 0)) {
        snprintf(part, sizeof part, "KS %.3f in %s", interior->worst_ks, interior->worst);
        add(text, size, part);
    }
}
