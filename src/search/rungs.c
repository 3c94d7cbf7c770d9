#include "kt/rungs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

kt_status kt_rungs_make(kt_rungs *rungs, kt_rungs_kind kind, int n, double eta, kt_error *err)
{
    *rungs = (kt_rungs){.kind = kind, .n = kind == KT_RUNGS_NONE ? 1 : n, .eta = eta};
    if (kind != KT_RUNGS_NONE && !(eta > 1))
        return kt_fail(err, KT_USAGE, "eta %g: has to be above 1", eta);
    if (rungs->n < 1 || rungs->n > KT_RUNGS_MAX)
        return kt_fail(err, KT_USAGE, "rungs %d: 1 to %d are possible", n, KT_RUNGS_MAX);
    double share = 1;
    for (int r = rungs->n - 1; r >= 0; r--, share /= eta)
        rungs->share[r] = share;
    return KT_OK;
}

uint64_t kt_rungs_step(const kt_rungs *rungs, int rung, uint64_t budget)
{
    if (rung == rungs->n - 1)
        return budget;
    uint64_t step = (uint64_t)(rungs->share[rung] * (double)budget);
    return step < 1 ? 1 : step;
}

/* ---- brackets ---- */

/* Hyperband's own numbers of trials: ceil((s_max + 1) / (s + 1) eta^s), where s rungs follow the first. */
static double weight(const kt_rungs *rungs, int first)
{
    int s = rungs->n - 1 - first;
    double power = 1;
    for (int k = 0; k < s; k++)
        power *= rungs->eta;
    return ceil((double)rungs->n / (s + 1) * power - 1e-9);
}

/* Whole numbers that sum to n, by largest remainder; the earlier bracket where remainders are equal. */
static void share_out(size_t quota[KT_RUNGS_MAX], const kt_rungs *rungs, size_t n)
{
    double sum = 0, remainder[KT_RUNGS_MAX];
    size_t given = 0;
    for (int b = 0; b < rungs->n; b++)
        sum += weight(rungs, b);
    for (int b = 0; b < rungs->n; b++) {
        double exact = weight(rungs, b) / sum * (double)n;
        quota[b] = (size_t)exact;
        remainder[b] = exact - (double)quota[b];
        given += quota[b];
    }
    for (; given < n; given++) {
        int most = 0;
        for (int b = 1; b < rungs->n; b++)
            most = remainder[b] > remainder[most] ? b : most;
        quota[most]++;
        remainder[most] = -1;
    }
}

void kt_rungs_deal(int *first, const kt_rungs *rungs, size_t n)
{
    size_t quota[KT_RUNGS_MAX] = {0}, given[KT_RUNGS_MAX] = {0};
    if (rungs->kind != KT_RUNGS_HYPERBAND) {
        memset(first, 0, n * sizeof *first);
        return;
    }
    share_out(quota, rungs, n);
    for (size_t i = 0; i < n; i++) { /* to the bracket that is furthest behind its share */
        int next = -1;
        double behind = 0;
        for (int b = 0; b < rungs->n; b++) {
            double by = (double)quota[b] * (double)(i + 1) / (double)n - (double)given[b];
            if (given[b] < quota[b] && (next < 0 || by > behind)) {
                next = b;
                behind = by;
            }
        }
        given[next]++;
        first[i] = next;
    }
}

/* ---- promotion ---- */

/* How many of `there` trials of a bracket go on. */
static size_t kept(const kt_rungs *rungs, size_t there)
{
    size_t keep = (size_t)((double)there / rungs->eta);
    return keep < 1 ? 1 : keep;
}

kt_status kt_rungs_expect(double *share, size_t *come, const kt_rungs *rungs, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    int *first = NULL;
    size_t begun[KT_RUNGS_MAX] = {0};
    double expected[KT_RUNGS_MAX];
    KT_TRY(kt_alloc(&first, n, sizeof *first, err));
    kt_rungs_deal(first, rungs, n);
    for (size_t i = 0; i < n; i++)
        begun[first[i]]++;
    for (int b = 0; b < rungs->n; b++) {
        size_t there = begun[b];
        expected[b] = rungs->share[b];
        for (int r = b; there > 0 && r < rungs->n; r++) {
            if (r > b) {
                there = kept(rungs, there);
                expected[b] += (double)there / (double)begun[b] * (rungs->share[r] - rungs->share[r - 1]);
            }
            come[r] += there;
        }
    }
    for (size_t i = 0; i < n; i++)
        share[i] = expected[first[i]];
out:
    free(first);
    return status;
}

/* Is trial i better than k? One that failed is no better than any. */
static bool is_better(const double *value, size_t i, size_t k)
{
    if (isnan(value[i]) || isnan(value[k]))
        return !isnan(value[i]);
    return value[i] < value[k] || (value[i] == value[k] && i < k);
}

void kt_rungs_promote(bool *promoted, const kt_rungs *rungs, const int *first, const double *value,
                      const bool *there, size_t n, int rung)
{
    size_t count[KT_RUNGS_MAX] = {0};
    (void)rung;
    for (size_t i = 0; i < n; i++)
        count[first[i]] += there[i];
    for (size_t i = 0; i < n; i++) {
        size_t better = 0;
        for (size_t k = 0; k < n; k++)
            better += k != i && there[k] && first[k] == first[i] && is_better(value, k, i);
        promoted[i] = there[i] && !isnan(value[i]) && better < kept(rungs, count[first[i]]);
    }
}
